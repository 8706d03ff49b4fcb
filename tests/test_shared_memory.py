"""Shared memory: bits of indices combined, stages in a circle, blocks cut into arrays, alignment that is assumed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.checking import F32, checked, graph
from tests.executing import Run, program_of
from tv.diagnostic import BadInput
from tv.obligation import Status
from tv.sets import TRUE, Affine, Sets
from tv.sets.formulas import all_of, eq, within
from tv.spec.document import parse_document
from tv.symexec.bitwise import bitwise
from tv.symexec.flow.resolve import resolve
from tv.symexec.instances import Cuts
from tv.symexec.integers import Integers
from tv.verdict import Verdict

NEG = graph([("Neg", "x", "y")], {"x": (F32, [256])}, {"y": (F32, [256])})
OPEN = graph([("Neg", "x", "y")], {"x": (F32, ["M", "N"])}, {"y": (F32, ["M", "N"])})
ARGS = '[args]\nx = "x"\ny = "y"\n'


# ------------------------------------------------------------------------------------------------ bits
A, B = Affine.dim("a"), Affine.dim("b")


@pytest.mark.parametrize("op", ["and", "or", "xor"])
@pytest.mark.parametrize(
    ("x", "y"),
    [(A, B), (A * 4 + 1, B), (A * 2, B * 8 + 3), (A + B, B), (A * 3 + 2, A + B * 5), (A, Affine.of(0) + B * 2)],
)
def test_bits_are_those_of_the_integers(op: str, x: Affine, y: Affine) -> None:
    """At every point of a small box the result of isl is Python's."""
    n, m = 6, 5
    sizes = {"a": n, "b": m}
    integers = Integers(lambda d: (0, sizes[d.name] - 1), Cuts(), lambda f: True, lambda c: None)
    pieces = bitwise(integers, op, TRUE, x, y)
    assert pieces is not None
    ((cond, value),) = pieces
    assert cond == TRUE
    sets = Sets()
    box = all_of(within(A, n), within(B, m), eq(Affine.dim("v"), value))
    found = set(sets.points(sets.set("P", ("a", "b", "v"), box)))
    python = {"and": int.__and__, "or": int.__or__, "xor": int.__xor__}[op]

    def at(e: Affine, a: int, b: int) -> int:
        return e.const + sum(c * {"a": a, "b": b}[getattr(t, "name", "")] for t, c in e.terms)

    assert found == {(a, b, python(at(x, a, b), at(y, a, b))) for a, b in itertools.product(range(n), range(m))}


# ------------------------------------------------------------------------------------------------ stages
STAGES = {
    "int s = 0;": ("s ^= 1;", [0, 1]),
    "int s = 2;": ("s = s + 1 == 3 ? 0 : s + 1;", [2, 0, 1]),
    "int s = 1; ": ("if (++s == 4) s = 0;", [1, 2, 3, 0]),
    "int s = 1;  ": ("s = (s + 2) % 5;", [1, 3, 0, 2, 4]),
    "int s = 0, u = 3;": ("const int w = s; s = u; u = w;", [0, 3]),
    "int s = 7;": ("s = 5 * s % 8;", [7, 3]),
}


@pytest.mark.parametrize("start", list(STAGES))
def test_stages_go_round_as_c_has_them(start: str) -> None:
    step, values = STAGES[start]
    text = f"__global__ void k(const float* x, float* y) {{ int t = threadIdx.x; {start} for (int i = 0; i < 7; ++i) {{ y[4 * i + t] = x[s]; {step} }} }}"
    program = program_of(text, (4, 1, 1), 1, {"x": 8, "y": 28})
    resolve(program)
    run = Run(program, {"x": [10 * i for i in range(8)]})
    (unit,) = [u for u, m in program.accesses.items() if m.access.object == "y"]
    found = {at: run.value(unit, at) for at in run.instances(unit)}
    assert found == {(t, i): 10 * values[i % len(values)] for t in range(4) for i in range(7)}


# ------------------------------------------------------------------------------------------------ flat loops
FLAT = """
__global__ void k(const float* x, float* y, int M, int N) {{
  for ({t} i = blockIdx.x * blockDim.x + threadIdx.x; i < {bound}; i += {step}) {{ y[i / N * N + i % N] = -x[i]; }}
}}
"""


def flat(folder: Path, grid: str, most: int = 1024, t: str = "int", bound: str = "M * N", step: str = "") -> Verdict:
    sizes = "".join(f'{n} = {{ symbol = "{n}", min = 1, max = {most} }}\n' for n in "MN")
    text = FLAT.format(t=t, bound=bound, step=step or "gridDim.x * blockDim.x")
    return checked(folder, text, OPEN, f"grid = {grid}\nblock = [64]\n{ARGS}{sizes}").verdict


def test_a_flat_loop_is_its_indices(tmp_path: Path) -> None:
    assert flat(tmp_path, "[4]") is Verdict.PROVED
    assert flat(tmp_path, "[4]", t="unsigned") is Verdict.PROVED
    assert flat(tmp_path, "[4]", 100_000, t="long long", bound="(long long)M * N") is Verdict.PROVED


@pytest.mark.parametrize(
    ("grid", "most", "bound", "step"),
    [
        ("[4, 2]", 1024, "M * N", ""),  # another row of blocks does the same
        ("[4]", 1024, "M * N", "blockDim.x"),  # blocks overlap
        ("[4]", 1024, "M * N", "2 * gridDim.x * blockDim.x"),  # every other index
        ("[4]", 100_000, "M * N", ""),  # the product leaves its type
        ("[4]", 1024, "M * N - 1", ""),
        ("[4]", 1024, "M * N + 1", ""),
    ],
)
def test_no_flat_loop_is_taken_for_one(tmp_path: Path, grid: str, most: int, bound: str, step: str) -> None:
    assert flat(tmp_path, grid, most, "int", bound, step) is not Verdict.PROVED


# ------------------------------------------------------------------------------------------------ alignment
WIDE = """
__global__ void k(const float* x, float* y) {{
  __shared__ float s[260];
  int t = threadIdx.x;
  *(float4*)&s[4 * t + {shift}] = *(const float4*)&x[4 * t];
  __syncthreads();
  for (int i = t; i < 256; i += 64) y[i] = -s[i + {shift}];
}}
"""


def test_an_array_is_aligned_as_it_is_declared_or_as_assumed(tmp_path: Path) -> None:
    plain = checked(tmp_path, WIDE.format(shift=0), NEG, ARGS)
    (open_one,) = [o for o in plain.obligations if o.status is not Status.PROVED]
    assert (plain.verdict, open_one.kind, open_one.executable) == (Verdict.UNKNOWN, "bounds", False)
    assert "`s` with `__align__(16)`" in open_one.help
    assert "`shared_align = 16`" in open_one.help
    assert "no run" not in open_one.message
    assumed = checked(tmp_path, WIDE.format(shift=0), NEG, "shared_align = 16\n" + ARGS)
    assert assumed.verdict is Verdict.PROVED
    assert [a for a in assumed.assumptions if "`s`: aligned to 16 bytes" in a]
    declared = checked(
        tmp_path,
        WIDE.format(shift=0).replace("__shared__", "__shared__ __align__(16)"),
        NEG,
        "shared_align = 16\n" + ARGS,
    )
    assert declared.verdict is Verdict.PROVED
    assert not [a for a in declared.assumptions if "`s`" in a]


@pytest.mark.parametrize(("shift", "align"), [(1, "16"), (2, "32"), (0, "8")])
def test_the_assumption_is_of_the_array_and_not_of_the_address(tmp_path: Path, shift: int, align: str) -> None:
    found = checked(tmp_path, WIDE.format(shift=shift), NEG, f"shared_align = {align}\n" + ARGS)
    assert found.verdict is (Verdict.REFUTED if shift else Verdict.UNKNOWN)


@pytest.mark.parametrize("value", ["0", "3", "512", "true", '"16"', "-16"])
@pytest.mark.parametrize("key", ["shared_align", "local_align"])
def test_an_alignment_is_a_power_of_two(key: str, value: str) -> None:
    with pytest.raises(BadInput, match="power of two"):
        parse_document(f"{key} = {value}\n", "k.toml")


PACK = """
__global__ void k(const float* x, float* y) {{
  float pack[8], out[4];
  int t = threadIdx.x;
  *(float4*)&pack[{at}] = *(const float4*)&x[4 * t];
  for (int i = 0; i < 4; ++i) out[i] = {sign}pack[i + {at}];
  *(float4*)&y[4 * t] = *(float4*)out;
}}
"""


@pytest.mark.parametrize(
    ("at", "sign", "spec", "verdict"),
    [
        (4, "-", "local_align = 16\n", Verdict.PROVED),
        (0, "-", "", Verdict.UNKNOWN),
        (0, "-", "shared_align = 16\n", Verdict.UNKNOWN),
        (0, "-", "local_align = 8\n", Verdict.UNKNOWN),
        (1, "-", "local_align = 16\n", Verdict.REFUTED),  # past the array's beginning
        (0, "", "local_align = 16\n", Verdict.REFUTED),  # no negation
    ],
)
def test_a_threads_own_arrays_are_aligned_as_assumed(
    tmp_path: Path, at: int, sign: str, spec: str, verdict: Verdict
) -> None:
    found = checked(tmp_path, PACK.format(at=at, sign=sign), NEG, spec + ARGS)
    assert found.verdict is verdict, found.why
    assumed = [a for a in found.assumptions if "`out`, `pack`: aligned to 16 bytes in each thread (`local_align`)" in a]
    assert bool(assumed) is ("local_align = 16" in spec)
    if verdict is Verdict.UNKNOWN:
        assert any("`local_align = 16`" in o.help for o in found.obligations if o.status is not Status.PROVED)


# ------------------------------------------------------------------------------------------------ carving
def test_parts_of_a_block_are_cut_where_all_accesses_keep_apart() -> None:
    text = """__global__ void k(float* g) {{ __shared__ __align__(16) unsigned char b[1024]; int t = threadIdx.x;
      float* f = (float*)b; short* h = (short*)(b + 512);
      f[t] = g[t]; h[{index}] = 1; __syncthreads(); g[t] = f[t] + (float)h[t]; }}"""
    apart = program_of(text.format(index="t"), (64, 1, 1), 1, {"g": 64})
    assert sorted(o for o in apart.objects if o.startswith("b")) == ["b#0", "b#512"]
    whole = program_of(
        text.format(index="t + 200"), (64, 1, 1), 1, {"g": 64}
    )  # it leaves the block: its bounds are asked
    assert [o for o in whole.objects if o.startswith("b")] == ["b"]


# ------------------------------------------------------------------------------------------------ module variables
TABLES = """
__constant__ float w[{n}];
__device__ float b[64];
__global__ void k(const float* x, float* y) {{ int i = threadIdx.x; y[i] = x[i] * w[i] + b[{index}]; }}
"""
LINEAR = graph([("Mul", "x w", "t"), ("Add", "t b", "y")], {n: (F32, [64]) for n in "xwb"}, {"y": (F32, [64])})
GLOBALS = '[globals]\nw = "w"\nb = "b"\n'


@pytest.mark.parametrize(
    ("n", "index", "verdict"),
    [("64", "i", Verdict.PROVED), ("64", "63 - i", Verdict.REFUTED), ("32", "i", Verdict.BAD_INPUT)],
)
def test_module_variables_hold_what_is_bound_to_them(tmp_path: Path, n: str, index: str, verdict: Verdict) -> None:
    assert checked(tmp_path, TABLES.format(n=n, index=index), LINEAR, ARGS + GLOBALS).verdict is verdict
