"""The place of an extreme: how conditions between two candidates are read, and kernels that look for it in many ways."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.check import check
from tv.equiv.comparing import FIRST, RULE, SECOND, compared, operands
from tv.request import CheckRequest
from tv.term import Term, Terms
from tv.verdict import Verdict

ROWS, COLS = 64, 40
COMPARES = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "eq": lambda a, b: a == b}


def leaf(terms: Terms, name: str, width: int) -> Term:
    return terms.load(name, width)


def formula(terms: Terms, rng: random.Random, values: tuple[Term, Term], places: tuple[Term, Term], depth: int) -> Term:
    """A condition at random on two values and two places."""
    if depth == 0 or rng.random() < 0.2:
        by_value = rng.random() < 0.6
        a, b = rng.sample(values if by_value else places, 2)
        head = rng.choice(["flt", "fle", "feq"] if by_value else ["slt", "sle", "eq", "ult"])
        return terms.op(f"{head}.{'f32' if by_value else 'i32'}", a, b)
    name = rng.choice(["and.i1", "or.i1", "xor.i1", "not", "select"])
    parts = [formula(terms, rng, values, places, depth - 1) for _ in range(3)]
    if name == "not":
        return terms.op("xor.i1", parts[0], terms.const(1, 1))
    return terms.op(name, *parts[: 3 if name == "select" else 2])


def evaluated(t: Term, at: dict[str, int]) -> int:
    """A condition, or a choice between the leaves, on numbers."""
    if t.kind == "const":
        return t.bits
    if t.kind == "load":
        return at[t.name]
    args = [evaluated(a, at) for a in t.args]
    match t.name.split(".")[0]:
        case "and":
            return args[0] & args[1]
        case "or":
            return args[0] | args[1]
        case "xor":
            return args[0] ^ args[1]
        case "select":
            return args[1] if args[0] else args[2]
        case head:
            return int(COMPARES[head[-2:]](*args))


def test_a_condition_is_read_as_it_decides() -> None:
    rng, met = random.Random(5), {FIRST: 0, SECOND: 0, RULE: 0, None: 0}
    for _ in range(4000):
        terms = Terms()
        values = leaf(terms, "p", 32), leaf(terms, "q", 32)
        places = leaf(terms, "a", 32), leaf(terms, "b", 32)
        t = terms.op("select", formula(terms, rng, values, places, rng.randint(0, 3)), *places)
        largest, last = rng.random() < 0.5, rng.random() < 0.5
        how = compared(t, "f", largest, last)
        met[how.tie if how else None] += 1
        if how is None:
            continue
        for p, q, a, b in product(range(2), repeat=4):
            at = {"p": p, "q": q, "a": 2 * a, "b": 2 * b + 1}
            first, second = at[how.first.name], at[how.second.name]
            if first != second:
                wanted = (first > second) == largest
            else:
                wanted = how.tie == FIRST or (how.tie == RULE and (at["a"] < at["b"]) != last)
            assert evaluated(t, at) == at["a" if wanted else "b"], t
    assert all(n > 5 for n in met.values()), met


def test_the_larger_of_two_whatever_happens_on_a_tie() -> None:
    rng, found = random.Random(6), 0
    for _ in range(3000):
        terms = Terms()
        p, q, a, b = (leaf(terms, n, 32) for n in "pqab")
        t = terms.op("select", formula(terms, rng, (p, q), (a, b), rng.randint(0, 3)), p, q)
        largest = rng.random() < 0.5
        for x, y, *_ in operands(t, "f", largest):
            found += 1
            for at in ({"p": 1, "q": 2}, {"p": 2, "q": 1}):
                for i, j in product(range(3), repeat=2):
                    got = evaluated(t, {**at, "a": i, "b": j})
                    chosen = got == at["p"]  # the first arm
                    assert chosen == ((at[x.name] > at[y.name]) == largest)
    assert found > 200


# ------------------------------------------------------------------------------------------------ kernels
def in_a_loop(test: str, start: str = "x[row * COLS]", rounds: str = "int i = 1; i < COLS; ++i", at: str = "int at = 0",
              keep: str = "best = v; at = i;", type: str = "float") -> str:  # fmt: skip
    return f"""#define COLS {COLS}
__global__ void k(const {type}* x, long long* y) {{
    const int row = threadIdx.x;
    {type} best = {start};
    {at};
    for ({rounds}) {{
        const {type} v = x[row * COLS + i];
        if ({test}) {{ {keep} }}
    }}
    y[row] = at;
}}
"""


SHARED = f"""#define COLS {COLS}
__global__ void k(const float* x, long long* y) {{
    __shared__ float values[32];
    __shared__ short places[32];
    const int t = threadIdx.x;
    float best = -INFINITY;
    int at = t;
    for (int c = t; c < COLS; c += 32) {{
        const float v = x[blockIdx.x * COLS + c];
        if (v > best) {{ best = v; at = c; }}
    }}
    values[t] = best;
    places[t] = (short)at;
    __syncthreads();
    for (int s = 16; s > 0; s >>= 1) {{
        if (t < s) {{
            const float a = values[t], b = values[t + s];
            const short i = places[t], j = places[t + s];
            const bool other = b > a || (b == a && j < i);
            values[t] = other ? b : a;
            places[t] = other ? j : i;
        }}
        __syncthreads();
    }}
    if (t == 0) y[blockIdx.x] = places[0];
}}
"""
DOWN = "int i = COLS - 1; i >= 0; --i"
UP = "int i = 0; i < COLS; ++i"
TWICE = in_a_loop("x[row * COLS + i] > best", keep="best = x[row * COLS + i]; at = i;")
FUNCTION = in_a_loop("v > best", keep="at = i; } best = fmaxf(best, v); {")
CASES = {
    "strictly greater": (in_a_loop("v > best"), {}),
    "not at most": (in_a_loop("!(v <= best)"), {}),
    "from the lowest": (in_a_loop("v > best", "-INFINITY", UP), {}),
    "from the end, ties too": (in_a_loop("v >= best", "-INFINITY", DOWN, "int at = COLS - 1"), {}),
    "ties by place": (in_a_loop("v > best || (v == best && i < at)", "-INFINITY", DOWN, "int at = 1 << 30"), {}),
    "ties by place, otherwise spelled": (in_a_loop("v >= best && (v > best || i < at)", "-INFINITY", DOWN, "int at = 99"), {}),
    "places without sign": (in_a_loop("v > best", at="unsigned at = 0"), {}),
    "long places": (in_a_loop("v > best", at="long long at = 0"), {}),
    "last of equals": (in_a_loop("v >= best"), {"select_last_index": 1}),
    "last of equals from the end": (in_a_loop("v > best", "-INFINITY", DOWN, "int at = COLS - 1"), {"select_last_index": 1}),
    "smallest": (in_a_loop("v < best", "INFINITY", UP), {"op": "ArgMin"}),
    "maximum by function": (FUNCTION, {}),
    "integers": (in_a_loop("v > best", type="int"), {"type": TensorProto.INT32}),
    "read twice": (TWICE, {}),
    "shared memory": (SHARED, {"grid": ROWS, "block": 32}),
    "with the axis kept": (in_a_loop("v > best"), {"keepdims": 1}),
}  # fmt: skip


def verdict(folder: Path, text: str, op: str = "ArgMax", type: int = TensorProto.FLOAT, grid: int = 1, block: int = ROWS,
            **attributes: int) -> tuple[Verdict, str]:  # fmt: skip
    keep = attributes.setdefault("keepdims", 0)
    node = helper.make_node(op, ["x"], ["y"], axis=1, **attributes)
    x = helper.make_tensor_value_info("x", type, [ROWS, COLS])
    y = helper.make_tensor_value_info("y", TensorProto.INT64, [ROWS, 1] if keep else [ROWS])
    graph = helper.make_graph([node], "g", [x], [y])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), folder / "m.onnx")
    (folder / "k.cu").write_text(text)
    (folder / "k.toml").write_text(
        f'kernel = "k"\ngrid = [{grid}]\nblock = [{block}]\n[args]\nx = "x"\ny = "y"\n', encoding="utf-8"
    )
    found = check(CheckRequest(str(folder / "k.cu"), str(folder / "m.onnx"), spec=str(folder / "k.toml")))
    return found.verdict, found.why


@pytest.mark.parametrize("case", CASES)
def test_the_place_is_proved(case: str, tmp_path: Path) -> None:
    text, options = CASES[case]
    found, why = verdict(tmp_path, text, **options)
    assert found is Verdict.PROVED, why


NEIGHBOURS = {
    "last of equals": (in_a_loop("v >= best"), {}),
    "first of equals where the last is asked for": (in_a_loop("v > best"), {"select_last_index": 1}),
    "ties to the higher place": (in_a_loop("v > best || (v == best && i > at)", "-INFINITY", UP), {}),
    "greatest for smallest": (in_a_loop("v > best"), {"op": "ArgMin"}),
    "another start": (in_a_loop("v > best", "x[row * COLS + 1]"), {}),
    "another element's place": (in_a_loop("v > best", keep="best = v; at = i - 1;"), {}),
    "two tests that do not agree": (in_a_loop("v > best", keep="if (v > 0) best = v; at = i;"), {}),
    "half of the ties in shared memory": (SHARED.replace(" || (b == a && j < i)", ""), {"grid": ROWS, "block": 32}),
    "places of another thread": (SHARED.replace("j = places[t + s]", "j = places[t + s - 1]"), {"grid": ROWS, "block": 32}),
}  # fmt: skip


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_beside_it_nothing_is_proved(case: str, tmp_path: Path) -> None:
    text, options = NEIGHBOURS[case]
    assert verdict(tmp_path, text, **options)[0] is Verdict.REFUTED
