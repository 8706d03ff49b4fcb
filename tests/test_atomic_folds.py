"""Atomic operations whose result nobody uses: which contributions a read sees, in every order, and what a zeroed buffer holds
when the launch ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checking import F32, I32, I64, checked, graph
from tv.diagnostic import BadInput
from tv.obligation import Relation, Status
from tv.replay.bit_counts import BIT_COUNTS
from tv.spec.document import parse_document
from tv.verdict import Verdict

AXES = (I64, [1], [1])
INPUTS, OUTPUTS = {"x": (I32, [4, 64])}, {"y": (I32, [4, 1])}
SUM = graph([("ReduceSum", "x axes", "y")], INPUTS, OUTPUTS, axes=AXES)
POSITIVE = graph(
    [("Greater", "x zero", "c"), ("Where", "c x zero", "p"), ("ReduceSum", "p axes", "y")],
    INPUTS,
    OUTPUTS,
    axes=AXES,
    zero=(I32, [], [0]),
)
SPEC = '[args]\nx = "x"\ny = "y"\n[inputs]\nx = { min = -1000000, max = 1000000 }\n'
KERNEL = """
__global__ void k(const int* x, int* y) {{
  __shared__ unsigned c{cells};
  const int t = threadIdx.x;
  {before}
  for (int r = 0; r < 4; ++r) {{
    const unsigned v = (unsigned)x[r * 64 + t];
    {body}
    __syncthreads();
  }}
}}
"""
CLEAR = "if (t == 0) c = 0; __syncthreads();"
READ = "__syncthreads(); if (t == 0) y[r] = (int)c;"


def kernel(body: str, before: str = "", cells: str = "") -> str:
    return KERNEL.format(body=body, before=before, cells=cells)


@pytest.mark.parametrize(
    "body",
    [
        f"{CLEAR} atomicAdd(&c, v); {READ}",
        f"{CLEAR} if (t < 32) atomicAdd(&c, v); else atomicAdd(&c, v); {READ}",
        f"{CLEAR} atomicAdd(&c, v); __syncthreads(); {CLEAR} atomicAdd(&c, v); {READ}",  # cleared in between
        f"if (t == 0) c = v; __syncthreads(); if (t > 0) atomicAdd(&c, v); {READ}",
    ],
)
def test_a_read_sees_what_was_stored_and_every_contribution_since(tmp_path: Path, body: str) -> None:
    found = checked(tmp_path, kernel(body), SUM, SPEC)
    assert (found.verdict, found.relation) == (Verdict.PROVED, Relation.BITWISE), found.why


@pytest.mark.parametrize(
    "body",
    [
        f"{CLEAR} atomicAdd(&c, v); __syncthreads(); {CLEAR} {READ}",  # cleared last
        f"{CLEAR} atomicAdd(&c, v); atomicAdd(&c, v); {READ}",
        f"{CLEAR} if (t < 32) atomicAdd(&c, v); if (t > 30) atomicAdd(&c, v); {READ}",  # one thread twice
        f"{CLEAR} if (t < 63) atomicAdd(&c, v); {READ}",
        f"{CLEAR} __syncthreads(); if (t == 0) y[r] = (int)c; __syncthreads(); atomicAdd(&c, v);",  # read too early
        f"{CLEAR} atomicSub(&c, v); {READ}",
        f"if (t == 0) c = 1; __syncthreads(); atomicAdd(&c, v); {READ}",
        f"if (r == 0) {{ {CLEAR} }} atomicAdd(&c, v); {READ}",  # the sum of the rows so far
        f"{CLEAR} atomicOr(&c, v); {READ}",
    ],
)
def test_other_contributions_are_no_sum(tmp_path: Path, body: str) -> None:
    found = checked(tmp_path, kernel(body), SUM, SPEC)
    assert found.verdict is Verdict.REFUTED, found.why
    assert {o.kind for o in found.obligations if o.status is Status.REFUTED} == {"equal"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"if (t == 0) c = 0; atomicAdd(&c, v); {READ}", "race"),
        (f"{CLEAR} atomicAdd(&c, v); if (t == 0) y[r] = (int)c;", "race"),
        (f"atomicAdd(&c, v); {READ}", "init"),
        (f"{CLEAR} atomicAdd(&c, v); atomicMax(&c, v); {READ}", "determinism"),
        (f"{CLEAR} atomicExch(&c, v); {READ}", "determinism"),
        (f"{CLEAR} atomicInc(&c, 1u << t); {READ}", "determinism"),
    ],
)
def test_contributions_that_order_or_content_decides(tmp_path: Path, body: str, kind: str) -> None:
    found = checked(tmp_path, kernel(body), SUM, SPEC)
    assert found.verdict is not Verdict.PROVED
    assert kind in {o.kind for o in found.obligations if o.status is not Status.PROVED}


@pytest.mark.parametrize("add", ["atomicAdd((unsigned long long*)c, v)", "atomicAdd(&c[t & 1], v)"])
def test_a_contribution_is_to_one_whole_cell(tmp_path: Path, add: str) -> None:
    body = f"if (t < 2) c[t] = 0; __syncthreads(); {add}; __syncthreads(); if (t == 0) y[r] = (int)c[0];"
    found = checked(tmp_path, kernel(body, cells="[2]").replace("unsigned c", "__align__(8) unsigned c"), SUM, SPEC)
    assert found.verdict is not Verdict.PROVED


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("if ((int)v > 0) atomicAdd(&c, v);", Verdict.PROVED),
        ("if ((int)v <= 0) { } else atomicAdd(&c, v);", Verdict.PROVED),
        ("if ((int)v <= 0) atomicAdd(&c, v);", Verdict.REFUTED),
        ("if ((int)v > 0) atomicAdd(&c, v); else atomicAdd(&c, 1u);", Verdict.REFUTED),
        ("if ((int)v > 0) { if (t != 5) atomicAdd(&c, v); }", Verdict.REFUTED),
    ],
)
def test_a_contribution_under_a_condition_on_data(tmp_path: Path, body: str, verdict: Verdict) -> None:
    assert checked(tmp_path, kernel(f"{CLEAR} {body} {READ}"), POSITIVE, SPEC).verdict is verdict


@pytest.mark.parametrize("name", sorted(BIT_COUNTS))
def test_bits_are_counted_as_python_counts_them(name: str) -> None:
    words = np.concatenate([np.random.default_rng(3).integers(0, 1 << 32, 300), [0, 1, 1 << 31, (1 << 32) - 1]])
    python = {
        "popc": lambda w: w.bit_count(),
        "clz": lambda w: 32 - w.bit_length(),
        "ffs": lambda w: (w & -w).bit_length(),
        "brev": lambda w: int(f"{w:032b}"[::-1], 2),
    }[name]
    for given in (words.astype(np.uint32), words.astype(np.uint32).view(np.int32)):
        assert [int(v) for v in BIT_COUNTS[name](given)] == [python(int(w)) for w in words]


# ------------------------------------------------------------------------------------------------ guesses
SWAP = """
__global__ void k(const float* x, float* y) {
  int* at = (int*)y;
  int assumed;
  int old = READ;
  do {
    assumed = old;
    old = atomicCAS(at, assumed, __float_as_int(fmaxf(x[threadIdx.x], __int_as_float(assumed))));
  } while (assumed != old);
}
"""
LARGEST = graph(
    [("ReduceMax", "x axes", "m"), ("Max", "m y0", "y")],
    {"x": (F32, [64]), "y0": (F32, [1])},
    {"y": (F32, [1])},
    axes=(I64, [1], [0]),
)
IN_PLACE = '[args]\nx = "x"\ny = { input = "y0", output = "y" }\n'


def test_the_guess_of_a_loop_of_swaps_refutes_nothing(tmp_path: Path) -> None:
    found = checked(tmp_path, SWAP.replace("READ", "*at"), LARGEST, IN_PLACE)
    assert found.verdict in (Verdict.UNKNOWN, Verdict.UNSUPPORTED)


def test_a_store_beside_a_loop_of_swaps_is_a_race(tmp_path: Path) -> None:
    found = checked(tmp_path, SWAP.replace("READ", "*at; if (threadIdx.x == 3) *at = 0"), LARGEST, IN_PLACE)
    assert found.verdict is Verdict.REFUTED


# ------------------------------------------------------------------------------------------------ launches repeated
REPEATED = """
__global__ void k(const float* x, unsigned* seen, float* y) {{
  const int t = blockIdx.x * 64 + threadIdx.x;
  {body}
  y[t] = -x[t];
}}
"""
NEG = graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
ONCE = '[args]\nx = "x"\nseen = { extent = 4, zeroed = true }\ny = "y"\n'


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        ("", True),
        ("if (t < 4) seen[t] = 0;", True),
        ("if (t < 4) seen[t] = 3;", False),
        ("if (t < 4) seen[t] = 3; __syncthreads(); if (t == 0) for (int i = 0; i < 4; ++i) seen[i] = 0;", True),
        ("if (t < 4) seen[t] = 3; __syncthreads(); if (t == 0) for (int i = 0; i < 3; ++i) seen[i] = 0;", False),
        ("atomicAdd(seen, 1u);", False),
        ("atomicAdd(seen, 1u); __syncthreads(); if (t == 0) seen[0] = 0;", True),
        ("atomicAdd(seen, 1u); __syncthreads(); if (t == 0) seen[1] = 0;", False),
        ("if (t == 0) seen[0] = 0; __syncthreads(); atomicAdd(seen, 1u);", False),
        ("atomicAdd(seen, 1u); __syncthreads(); if (t == 0) atomicExch(seen, 0u);", True),
        ("atomicAdd(seen, 1u); __syncthreads(); if (t == 0) atomicExch(seen, 1u);", False),
    ],
)
def test_a_repeated_launch_leaves_zero_what_was_zeroed(tmp_path: Path, body: str, clean: bool) -> None:
    text = REPEATED.format(body=body)
    assert checked(tmp_path, text, NEG, ONCE).verdict is Verdict.PROVED
    found = checked(tmp_path, text, NEG, "relaunch = true\n" + ONCE)
    assert found.verdict is (Verdict.PROVED if clean else Verdict.UNKNOWN), found.why
    open_ones = [o for o in found.obligations if o.status is not Status.PROVED]
    assert all(o.kind == "coverage" and "`seen` may not be zero again" in o.message for o in open_ones)


def test_relaunch_is_true_or_false() -> None:
    with pytest.raises(BadInput, match="true or false"):
        parse_document("relaunch = 1\n", "k.toml")
