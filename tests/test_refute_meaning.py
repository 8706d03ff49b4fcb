"""A run refutes only where the graph has a meaning on its inputs, and where these are the model's own as far as it has any."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import BOOL, F32, I32, I64, U8, checked, graph
from tv.obligation import Status
from tv.verdict import CheckResult, Verdict

ONE = "grid = [1]\nblock = [1]\n"
PLACE = """__global__ void k(const float* x, long long* y) {{
  int best = 0;
  float most = {start};
  for (int i = 1; i < 8; ++i) {{
    const float v = {value};
    if (v {sign} most) {{ most = v; best = i; }}
  }}
  y[0] = best;
}}
"""


def place(value: str, sign: str) -> str:
    return PLACE.format(start=value.replace("[i]", "[0]"), value=value, sign=sign)


def said(r: CheckResult) -> str:
    return " ".join(o.message for o in r.obligations)


ROOTS = graph([("Sqrt", "x", "r"), ("ArgMax", "r", "y")], {"x": (F32, [8])}, {"y": (I64, [1])})
SHARES = graph(
    [("Mul", "x big", "p"), ("ArgMin", "p", "y")], {"x": (F32, [8])}, {"y": (I64, [1])}, big=(F32, [], [1e38])
)


@pytest.mark.parametrize(
    ("model", "value", "right", "wrong"),
    [(ROOTS, "sqrtf(x[i])", ">", ">="), (SHARES, "x[i] * 1e38f", "<", ">")],
)
def test_a_place_in_sorted_order_is_refuted_by_numbers_only(
    model: onnx.ModelProto, value: str, right: str, wrong: str, tmp_path: Path
) -> None:
    assert checked(tmp_path / "right", place(value, right), model, ONE).verdict is Verdict.PROVED
    detour = place(value, right).replace("best = i", "best = (int)(float)i")  # right too, and not proved
    assert checked(tmp_path / "detour", detour, model, ONE).verdict is Verdict.UNKNOWN
    r = checked(tmp_path / "wrong", place(value, wrong), model, ONE)
    assert r.verdict is Verdict.REFUTED
    assert r.counterexample is not None


PICKED = graph(
    [("Mul", "i four", "j"), ("Gather", "x j", "y")],
    {"x": (F32, [16]), "i": (I32, [4])}, {"y": (F32, [4])}, four=(I32, [], [4]),
)  # fmt: skip


def test_an_index_outside_its_tensor_shows_nothing(tmp_path: Path) -> None:
    """The graph supposes that 4 i is an index of x: of others nothing is said, of these the kernel reads the next element."""
    kernel = "__global__ void k(const float* x, const int* i, float* y) {{ y[threadIdx.x] = x[(4 * i[threadIdx.x]{}) & 15]; }}\n"
    spec = "grid = [1]\nblock = [4]\n"
    assert checked(tmp_path / "right", kernel.format(""), PICKED, spec).verdict is Verdict.UNKNOWN
    assert checked(tmp_path / "wrong", kernel.format(" + 1"), PICKED, spec).verdict is Verdict.REFUTED


@pytest.mark.parametrize(("count", "pieces"), [(4096, 1), (5000, 1), (5000, 2), (5000, 2500)])
def test_values_that_no_argument_holds_are_never_drawn(count: int, pieces: int, tmp_path: Path) -> None:
    """The model's w is 1 and 2 by turns, and the kernel knows it. Of many pieces nothing is read, and nothing is shown."""
    run = count // pieces
    w = [1.0 + (k // run) % 2 for k in range(count)]
    model = graph([("Mul", "x w", "y")], {"x": (F32, [count])}, {"y": (F32, [count])}, w=(F32, [count], w))
    kernel = f"__global__ void k(const float* x, float* y) {{ int i = blockIdx.x * 64 + threadIdx.x; if (i < {count}) y[i] = x[i] * (i / {run} % 2 ? 2.0f : 1.0f); }}\n"  # fmt: skip
    r = checked(tmp_path, kernel, model, f"grid = [{-(-count // 64)}]\nblock = [64]\n")
    assert r.verdict is (Verdict.PROVED if pieces < 3 else Verdict.UNKNOWN), r.why
    assert pieces < 3 or "the values of `w` are the model's own" in said(r)


def test_a_sized_symbol_of_any_sign_is_tried(tmp_path: Path) -> None:
    model = graph(
        [("Cast", "p", "q"), ("Mul", "x q", "y")], {"x": (F32, [4]), "p": (I64, [1])}, {"y": (F32, [4])}
    )  # fmt: skip
    model.graph.node[0].attribute.add(name="to", type=onnx.AttributeProto.INT, i=F32)
    kernel = "__global__ void k(const float* x, long long p, float* y) { y[threadIdx.x] = x[threadIdx.x] * (float)(p | 1); }\n"
    spec = f'grid = [1]\nblock = [4]\n[args]\np = {{ symbol = "p", min = {-(2**63)}, max = {2**63 - 1} }}\n'
    assert checked(tmp_path, kernel, model, spec).verdict is Verdict.REFUTED


SCATTERED = graph(
    [("ScatterElements", "x i u", "y")],
    {"x": (F32, [32]), "i": (I64, [8]), "u": (F32, [8])}, {"y": (F32, [32])},
)  # fmt: skip
FIRST = """__global__ void k(const float* x, const long long* i, const float* u, float* y) {{
  const int t = threadIdx.x;
  float v = x[t];
  for (int k = 7; k >= {last}; --k) {{ if ((i[k] < 0 ? i[k] + 32 : i[k]) == t) v = u[k]; }}
  y[t] = v;
}}
"""


def test_indices_that_are_twice_there_show_nothing(tmp_path: Path) -> None:
    """Of equal indices the kernel takes the first, the reading the last: ONNX forbids them."""
    spec = "grid = [1]\nblock = [32]\n"
    assert checked(tmp_path / "right", FIRST.format(last=0), SCATTERED, spec).verdict is Verdict.UNKNOWN
    assert checked(tmp_path / "wrong", FIRST.format(last=1), SCATTERED, spec).verdict is Verdict.REFUTED


@pytest.mark.parametrize(("kind", "c"), [(I32, "int"), (U8, "unsigned char")])
@pytest.mark.parametrize(("operator", "sign"), [("Div", "/"), ("Mod", "%")])
def test_a_division_without_a_quotient_shows_nothing(
    kind: int, c: str, operator: str, sign: str, tmp_path: Path
) -> None:
    model = graph([(operator, "a b", "y")], {"a": (kind, [8]), "b": (kind, [8])}, {"y": (kind, [8])})
    kernel = f"__global__ void k(const {c}* a, const {c}* b, {c}* y) {{{{ int t = threadIdx.x; y[t] = a[t] {sign} b[t]{{}}; }}}}\n"
    spec = "grid = [1]\nblock = [8]\n"
    right = checked(tmp_path / "right", kernel.format(""), model, spec)
    assert right.verdict is (Verdict.REFUTED if (kind, sign) == (I32, "%") else Verdict.UNKNOWN)  # signs of remainders
    assert checked(tmp_path / "wrong", kernel.format(" + 1"), model, spec).verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("inner", "value", "last", "verdict"),
    [("Identity", "x[threadIdx.x]", 0, Verdict.UNKNOWN), ("Abs", "fabsf(x[threadIdx.x])", 1, Verdict.REFUTED)],
)
def test_nans_of_other_bits_are_no_race(inner: str, value: str, last: int, verdict: Verdict, tmp_path: Path) -> None:
    """All lanes store one sum; of several NaNs an adder may keep another in each. Of half a sum lanes store two numbers."""
    model = graph(
        [(inner, "x", "z"), ("Sqrt", "z", "r"), ("Neg", "r", "s"), ("Where", "m r s", "v"), ("ReduceSum", "v", "y")],
        {"x": (F32, [32]), "m": (BOOL, [32])}, {"y": (F32, [1])},
    )  # fmt: skip
    kernel = f"""__global__ void k(const float* x, const bool* m, float* y) {{
  const float r = sqrtf({value});
  float v = m[threadIdx.x] ? r : -r;
  for (int o = 16; o > {last}; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
  y[0] = v;
}}
"""
    r = checked(tmp_path, kernel, model, "grid = [1]\nblock = [32]\n")
    assert r.verdict is verdict
    assert {o.kind for o in r.obligations if o.status is not Status.PROVED} == {"race"}


@pytest.mark.parametrize(
    "loop",
    [
        "while (__float_as_int(v) == (int)0xffc00000) { c = 1; }",  # a NaN's bits
        "do\n{ d = c; }\nwhile\n(d);",  # of which the graph has no meaning
    ],
)
def test_a_loop_that_ends_where_the_graph_has_a_meaning(loop: str, tmp_path: Path) -> None:
    model = graph([("Sqrt", "x", "r"), ("CastLike", "r n", "y")], {"x": (F32, [8])}, {"y": (U8, [8])}, n=(U8, [], [0]))
    kernel = f"""__global__ void k(const float* x, unsigned char* y) {{
  const float v = sqrtf(x[threadIdx.x]);
  int c = v != v, d = 0;
  {loop}
  y[threadIdx.x] = (unsigned char)v;
}}
"""
    spec = "grid = [1]\nblock = [8]\n"
    assert checked(tmp_path, kernel, model, spec).verdict is Verdict.UNKNOWN
