"""The greatest few of a row: kernels that search again without what they have found, and what they may leave out by mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.graph_running import run
from tv.check import check
from tv.equiv.comparing import FIRST, compared
from tv.request import CheckRequest
from tv.term import Terms
from tv.verdict import Verdict

ROWS, COLS = 64, 40
FIRST_SEARCH = "if (r[i] > v0) { v0 = r[i]; p0 = i; }"


def searches(*rounds: str, start: str = "-INFINITY", place: str = "0", out: str = "") -> str:
    """One thread a row; each round is the body of a loop over the row, of which it keeps v and p."""
    body = ""
    for n, text in enumerate(rounds):
        body += f"float v{n} = {start}; int p{n} = {place};\n    for (int i = 0; i < COLS; ++i) {{ {text} }}\n    "
    k = len(rounds)
    stores = "".join(f"v[{k} * row + {n}] = v{n}; p[{k} * row + {n}] = p{n};\n    " for n in range(k))
    return f"""#define COLS {COLS}
__global__ void k(const float* x, float* v, long long* p) {{
    const int row = threadIdx.x;
    const float* r = x + row * COLS;
    {body}{out or stores}
}}
"""


def second(test: str) -> str:
    return searches(FIRST_SEARCH, f"if ({test}) {{ v1 = r[i]; p1 = i; }}")


WARP = f"""#define COLS {COLS}
struct Best {{ float v; int p; }};
__device__ Best over(Best b) {{
    for (int m = 16; m > 0; m >>= 1) {{
        Best o;
        o.v = __shfl_xor_sync(0xffffffffu, b.v, m);
        o.p = __shfl_xor_sync(0xffffffffu, b.p, m);
        if (o.v > b.v || (o.v == b.v && o.p < b.p)) b = o;
    }}
    return b;
}}
__global__ void k(const float* x, float* v, long long* p) {{
    const int lane = threadIdx.x, row = blockIdx.x;
    const float* r = x + row * COLS;
    Best mine = {{lane < COLS ? r[lane] : -INFINITY, lane}};
    const Best first = over(mine);
    LEAVE
    const Best other = over(mine);
    if (lane == 0) {{
        v[2 * row] = first.v; v[2 * row + 1] = other.v;
        p[2 * row] = first.p; p[2 * row + 1] = other.p;
    }}
}}
"""
FEW = WARP.replace(f"#define COLS {COLS}", "#define COLS 12")
MASKED = FEW.replace("LEAVE", "if (lane == first.p) mine.v = -INFINITY;")
REPLACED = FEW.replace("LEAVE", "if (lane == first.p) { mine.v = -INFINITY; mine.p = 0x7fffffff; }")
OF_LANES = {"grid": ROWS, "block": 32, "cols": 12}
GATHERED = "v[2 * row] = r[p0]; v[2 * row + 1] = r[p1]; p[2 * row] = p0; p[2 * row + 1] = p1;"
SMALLEST = second("i != p0 && r[i] < v1").replace("r[i] > v0", "r[i] < v0").replace("-INFINITY", "INFINITY")
LATE = "if (i != p0 && (r[i] > v1 || (r[i] == v1 && i < p1))) { v1 = r[i]; p1 = i; }"
THIRD = searches(
    FIRST_SEARCH,
    "if (i == p0) continue; if (r[i] > v1) { v1 = r[i]; p1 = i; }",
    "if (i == p0 || i == p1) continue; if (r[i] > v2) { v2 = r[i]; p2 = i; }",
)
CASES: dict[str, tuple[str, dict[str, int]]] = {
    "a test of the place": (second("i != p0 && r[i] > v1"), {}),
    "a round that is left": (searches(FIRST_SEARCH, "if (i == p0) continue; if (r[i] > v1) { v1 = r[i]; p1 = i; }"), {}),
    "a branch in a branch": (searches(FIRST_SEARCH, "if (i != p0) { if (r[i] > v1) { v1 = r[i]; p1 = i; } }"), {}),
    "a masked element": (searches(FIRST_SEARCH, "const float w = i == p0 ? -INFINITY : r[i]; if (w > v1) { v1 = w; p1 = i; }"), {}),
    "a start that is no place": (searches(FIRST_SEARCH, "if (i != p0 && r[i] > v1) { v1 = r[i]; p1 = i; }", place="-1"), {}),
    "infinite elements, ties by place": (searches(FIRST_SEARCH, LATE, place="0").replace("int p1 = 0", "int p1 = 99"), {"finite": False}),
    "smallest": (SMALLEST, {"largest": 0}),
    "elements read at the places": (searches(FIRST_SEARCH, "if (i != p0 && r[i] > v1) { v1 = r[i]; p1 = i; }", out=GATHERED), {}),
    "three of them": (THIRD, {"k": 3}),
    "lanes that mask their own": (MASKED, OF_LANES),
    "infinite elements, lanes that give up their place": (REPLACED, {**OF_LANES, "finite": False}),
}  # fmt: skip
NEIGHBOURS: dict[str, tuple[str, dict[str, int]]] = {
    "nothing left out": (second("r[i] > v1"), {}),
    "left out by value": (second("r[i] < v0 && r[i] > v1"), {}),
    "the last of equals": (second("i != p0 && r[i] >= v1"), {}),
    "the place after it": (second("i != p0 + 1 && r[i] > v1"), {}),
    "left out or greater": (second("i != p0 || r[i] > v1"), {}),
    "another row's place": (second("i != row && r[i] > v1"), {}),
    "a start above some": (searches(FIRST_SEARCH, "if (i != p0 && r[i] > v1) { v1 = r[i]; p1 = i; }", start="-1e30f"), {}),
    "two of three": (THIRD.replace("i == p0 || i == p1", "i == p1"), {"k": 3}),
    "lanes that mask by zero": (FEW.replace("LEAVE", "if (lane == first.p) mine.v = 0.0f;"), OF_LANES),
}  # fmt: skip
OPEN: dict[str, tuple[str, dict[str, int]]] = {
    "a start beside infinite elements": (second("i != p0 && r[i] > v1"), {"finite": False}),
    "lanes masked beside infinite elements": (MASKED, {**OF_LANES, "finite": False}),
}


def model(k: int, largest: int, rows: int, cols: int) -> onnx.ModelProto:
    """v, p: the k largest (smallest) of each row of x, and their places."""
    node = helper.make_node("TopK", ["x", "k"], ["v", "p"], axis=1, largest=largest)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, cols])
    v = helper.make_tensor_value_info("v", TensorProto.FLOAT, [rows, k])
    p = helper.make_tensor_value_info("p", TensorProto.INT64, [rows, k])
    graph = helper.make_graph([node], "g", [x], [v, p], [helper.make_tensor("k", TensorProto.INT64, [1], [k])])
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])


def verdict(folder: Path, text: str, k: int = 2, largest: int = 1, grid: int = 1, block: int = ROWS, cols: int = COLS,
            finite: int = 1) -> tuple[Verdict, str]:  # fmt: skip
    onnx.save(model(k, largest, ROWS, cols), folder / "m.onnx")
    (folder / "k.cu").write_text(text)
    stated = '[inputs]\nfinite = ["x"]\n' if finite else ""
    (folder / "k.toml").write_text(
        f'kernel = "k"\ngrid = [{grid}]\nblock = [{block}]\n[args]\nx = "x"\nv = "v"\np = "p"\n{stated}',
        encoding="utf-8",
    )
    found = check(CheckRequest(str(folder / "k.cu"), str(folder / "m.onnx"), spec=str(folder / "k.toml")))
    return found.verdict, found.why


@pytest.mark.parametrize("case", CASES)
def test_the_greatest_few_are_proved(case: str, tmp_path: Path) -> None:
    text, options = CASES[case]
    found, why = verdict(tmp_path, text, **options)
    assert found is Verdict.PROVED, why


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_beside_them_a_counterexample_is_found(case: str, tmp_path: Path) -> None:
    text, options = NEIGHBOURS[case]
    assert verdict(tmp_path, text, **options)[0] is Verdict.REFUTED


@pytest.mark.parametrize("case", OPEN)
def test_where_infinite_elements_matter_nothing_is_proved(case: str, tmp_path: Path) -> None:
    text, options = OPEN[case]
    assert verdict(tmp_path, text, **options)[0] is not Verdict.PROVED


def test_a_test_of_a_place_is_read_as_it_decides() -> None:
    terms = Terms()
    p, q, a, b, z = (terms.load(n, 32) for n in "pqabz")
    test, greater = terms.op("eq.i32", a, z), terms.op("flt.f32", q, p)
    differs = terms.op("xor.i1", test, terms.const(1, 1))
    for c, left_out in (
        (terms.op("and.i1", differs, greater), True),
        (terms.op("select", test, terms.const(0, 1), greater), True),
        (terms.op("or.i1", test, greater), False),
    ):
        how = compared(terms.op("select", c, a, b), "f", True, False, {test.id: (0, 0)})
        assert how is not None
        assert ((0, 0) in how.left_out) is left_out
        assert (how.first, how.second) == (p, q)
        assert how.tie != FIRST
    assert (
        compared(terms.op("select", terms.op("and.i1", test, greater), a, b), "f", True, False, {test.id: (0, 0)})
        is None
    )


@pytest.mark.parametrize("k", [3, 17])
@pytest.mark.parametrize("largest", [0, 1])
def test_the_graph_means_what_onnx_says(largest: int, k: int, tmp_path: Path) -> None:
    x = np.tile(np.array([[1, 3, 3, -np.inf, 2], [-np.inf] * 5, [0.0, -0.0, 0.0, 5, np.inf]], np.float32), (1, 4))
    graph = model(k, largest, 3, 20)
    onnx.save(graph, tmp_path / "m.onnx")
    got = run(tmp_path / "m.onnx", graph, {"x": x})
    order = np.argsort(-x if largest else x, axis=1, kind="stable")[:, :k]
    assert np.array_equal(got["p"], order)
    assert np.array_equal(got["v"].view(np.uint32), np.take_along_axis(x, order, 1).view(np.uint32))
