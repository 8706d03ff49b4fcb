"""Masks of warp instructions against an enumeration of the threads: who is named, who takes part, what a vote then gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.executing import Run, program_of
from tv.diagnostic import Unsupported
from tv.launch import Launch
from tv.obligation import Status
from tv.sets import Dim
from tv.symexec import Program
from tv.symexec.flow.resolve import resolve
from tv.symexec.obligations import kernel_obligations

FULL = 0xFFFFFFFF
Block = tuple[int, int, int]
BLOCKS: tuple[Block, ...] = ((64, 1, 1), (48, 1, 1), (16, 3, 1), (24, 3, 1), (12, 2, 3))
LINEAR = "threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)"

MASKS: dict[str, Callable[[int], int]] = {
    "0xffffffffu": lambda t: FULL,
    "0xffffu": lambda t: 0xFFFF,
    "0x00ff00ffu": lambda t: 0x00FF00FF,
    "0xffu << (t & 24)": lambda t: 0xFF << (t & 24),
    "0xffffu << (t & 16)": lambda t: 0xFFFF << (t & 16),
    "t % 32 < 8 ? 0xffu : 0xffffff00u": lambda t: 0xFF if t % 32 < 8 else 0xFFFFFF00,
    "0x55555555u << (t % 2)": lambda t: 0x55555555 << (t % 2),
    "1u << (t & 31)": lambda t: 1 << t % 32,
}
GUARDS: dict[str, Callable[[int], bool]] = {
    "true": lambda t: True,
    "t < 16": lambda t: t < 16,
    "t % 32 < 16": lambda t: t % 32 < 16,
    "t % 16 < 8": lambda t: t % 16 < 8,
    "t % 2 == 0": lambda t: t % 2 == 0,
    "t >= 32": lambda t: t >= 32,
    "t % 32 != 31": lambda t: t % 32 != 31,
}


def run(body: str, block: Block) -> Program:
    threads = block[0] * block[1] * block[2]
    text = f"__global__ void k(float* y, const float* x) {{ const int t = {LINEAR}; {body} }}"
    return program_of(text, block, 1, {"y": threads, "x": threads})


def statuses(program: Program, block: Block) -> set[bool]:
    found = kernel_obligations(program, Launch("k", (1, 1, 1), block))
    return {o.status is Status.PROVED for o in found if o.kind == "barrier"}


def legal(mask: Callable[[int], int], guard: Callable[[int], bool], threads: int) -> bool:
    """Every thread that is here names itself, and only threads that are here with the same mask, or that do not exist."""
    here = [t for t in range(threads) if guard(t)]
    for t in here:
        named = [t - t % 32 + i for i in range(32) if mask(t) >> i & 1 and t - t % 32 + i < threads]
        if t not in named or any(u not in here or mask(u) & FULL != mask(t) & FULL for u in named):
            return False
    return True


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("block", [(64, 1, 1), (24, 2, 1)])
def test_a_mask_names_exactly_who_is_there(mask: str, block: Block) -> None:
    threads = block[0] * block[1] * block[2]
    seen = set()
    for guard, holds in GUARDS.items():
        for call in (f"float v = __shfl_sync({mask}, x[t], t % 32); y[t] = v;", f"__syncwarp({mask});"):
            program = run(f"if ({guard}) {{ {call} }}", block)
            right = legal(MASKS[mask], holds, threads)
            assert (statuses(program, block) == {True}) == right, (guard, call)
            seen.add(right)
    assert seen == {True, False} or mask == "1u << (t & 31)"


BALLOTS = {
    ("t % 3 == 0", "t % 3 == 0"): True,
    ("t < 40", "t < 40"): True,
    ("t < 41", "t < 40"): False,
    ("t < 40", "t < 41"): False,
    ("t < 40", "t < 32"): True,  # the second warp stays away as a whole
}


@pytest.mark.parametrize(("asked", "guard"), BALLOTS)
def test_a_ballot_names_who_voted_for_it(asked: str, guard: str) -> None:
    body = f"unsigned m = __ballot_sync(0xffffffffu, {asked}); if ({guard}) {{ y[t] = __shfl_sync(m, x[t], t % 32); }}"
    assert (statuses(run(body, (64, 1, 1)), (64, 1, 1)) == {True}) == BALLOTS[asked, guard]


@pytest.mark.parametrize(
    "mask", ["__activemask()", "(unsigned)(t * t)", "__float_as_uint(x[t])", "__ballot_sync(0xffffu, t < 4)"]
)
def test_other_masks_are_refused(mask: str) -> None:
    with pytest.raises(Unsupported):
        run(f"y[t] = __shfl_sync({mask}, x[t], 0);", (64, 1, 1))


# ------------------------------------------------------------------------------------------------ what is read
def values(program: Program, block: Block) -> dict[int, float | None]:
    """What each thread, by its linear index, stores; None where that is undefined."""
    threads = block[0] * block[1] * block[2]
    resolve(program)
    meaning = Run(program, {"x": list(range(threads)), "y": [0] * threads})
    (store,) = [n for n, m in program.accesses.items() if m.access.write and m.access.object == "y"]
    out: dict[int, float | None] = {}
    for at in meaning.instances(store):
        known = dict(zip(program.system.units[store].scope.dims, at, strict=True))
        x, y, z = (
            a.const + sum(c * known[d.name] for d, c in a.terms if isinstance(d, Dim))
            for a in (program.trace.space.index[n] for n in ("tx", "ty", "tz"))
        )
        t = x + block[0] * (y + block[1] * z)
        try:
            out[t] = meaning.value(store, at)
        except KeyError:
            out[t] = None
    return out


READS: dict[str, Callable[[int], int]] = {
    "__shfl_down_sync({m}, x[t], 8)": lambda i: i + 8 if i < 24 else i,
    "__shfl_down_sync({m}, x[t], 3)": lambda i: i + 3 if i < 29 else i,
    "__shfl_up_sync({m}, x[t], 4)": lambda i: i - 4 if i >= 4 else i,
    "__shfl_up_sync({m}, x[t], 1, 8)": lambda i: i - 1 if i % 8 else i,
    "__shfl_xor_sync({m}, x[t], 16)": lambda i: i ^ 16,
    "__shfl_sync({m}, x[t], 20)": lambda i: 20,
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("call", READS)
def test_the_lane_read_wherever_rows_end(call: str, block: Block) -> None:
    """Lanes cross rows and planes of the block; a lane that is not named, or that the block does not have, is undefined."""
    threads = block[0] * block[1] * block[2]
    for mask, bits in (("0xffffffffu", FULL), ("0xffffu << (t & 16)", 0)):
        got = values(run(f"y[t] = {call.replace('{m}', mask)};", block), block)
        for t in range(threads):
            i, first = t % 32, t - t % 32
            named = bits or 0xFFFF << (t & 16)
            source = READS[call](i)
            there = named >> source & 1 and first + source < threads
            assert got[t] == (first + source if there else None), (mask, t)


# ------------------------------------------------------------------------------------------------ votes
ASKED: dict[str, Callable[[int], bool]] = {
    "t < 37": lambda t: t < 37,
    "t >= 9": lambda t: t >= 9,
    "t % 5 == 1": lambda t: t % 5 == 1,
    "t < 20 || t > 30": lambda t: t < 20 or t > 30,
    "blockIdx.x == 0": lambda t: True,
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("mode", ["any", "all"])
def test_votes_on_indices(mode: str, asked: str) -> None:
    fold = any if mode == "any" else all
    for block, mask in (((64, 1, 1), "0xffffffffu"), ((24, 2, 1), "0xffffffffu"), ((64, 1, 1), "0xffffu << (t & 16)")):
        threads = block[0] * block[1]
        program = run(f"y[t] = __{mode}_sync({mask}, {asked}) ? 1.0f : 0.0f;", block)
        size = 32 if mask == "0xffffffffu" else 16
        expected = {
            t: float(fold(ASKED[asked](u) for u in range(t - t % size, min(t - t % size + size, threads))))
            for t in range(threads)
        }
        assert values(program, block) == expected, (block, mask)


ASKED_OF_BLOCKS: dict[str, Callable[[int, int], bool]] = {
    "t < 37": lambda t, b: t < 37,
    "t >= 9": lambda t, b: t >= 9,
    "t + 64 * (int)blockIdx.x < 100": lambda t, b: t + 64 * b < 100,
    "t > 70": lambda t, b: t > 70,
    "t < 3 && blockIdx.x == 0": lambda t, b: t < 3 and b == 0,
}


@pytest.mark.parametrize("asked", ASKED_OF_BLOCKS)
@pytest.mark.parametrize(("word", "fold"), [("or", any), ("and", all)])
def test_votes_of_a_block(word: str, fold: Callable[[list[bool]], bool], asked: str) -> None:
    """One block of two is asked about; the bound may depend on the block."""
    text = f"""__global__ void k(float* y, const float* x) {{
  const int t = {LINEAR};
  y[t + 64 * blockIdx.x] = __syncthreads_{word}({asked}) ? 1.0f : 0.0f;
}}"""
    program = program_of(text, (64, 1, 1), 2, {"y": 128, "x": 128})
    resolve(program)
    meaning = Run(program, {"x": [], "y": []})
    (store,) = [n for n, m in program.accesses.items() if m.access.write]
    dims = program.system.units[store].scope.dims
    for at in meaning.instances(store):
        b = dict(zip(dims, at, strict=True))["bx"]
        assert meaning.value(store, at) == float(fold([ASKED_OF_BLOCKS[asked](t, b) for t in range(64)])), (at, b)


@pytest.mark.parametrize(
    "call", ["__syncthreads_count(t < 3)", "__syncthreads_or(x[t] > 0.0f)", "__syncthreads_or(t % 3 == 1)"]
)
def test_other_votes_of_a_block_are_refused(call: str) -> None:
    with pytest.raises(Unsupported):
        run(f"y[t] = {call} ? 1.0f : 0.0f;", (64, 1, 1))


def test_a_vote_of_one_voice_has_no_form_to_it() -> None:
    for asked, result in (("t % 3 == 5", 0.0), ("t % 3 != 5", 1.0)):
        for word in ("or", "and"):
            program = run(f"y[t] = __syncthreads_{word}({asked}) ? 1.0f : 0.0f;", (64, 1, 1))
            assert set(values(program, (64, 1, 1)).values()) == {result}


def test_a_vote_of_a_block_is_reached_by_all() -> None:
    program = run("if (t < 32) { y[t] = __syncthreads_or(t < 40) ? 1.0f : 0.0f; }", (64, 1, 1))
    assert False in statuses(program, (64, 1, 1))
