"""Races against enumeration: small random kernels, every pair of threads, every barrier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.executing import program_of
from tv.launch import Launch
from tv.obligation import Obligation, Status
from tv.symexec.build import Program
from tv.symexec.obligations import kernel_obligations
from tv.symexec.threads.races import Races

CELLS, BLOCKS = 256, 2
WARP_BARRIERS = {
    "warp": "__syncwarp();",
    "halves": "__syncwarp(t & 16 ? 0xffff0000u : 0xffffu);",
    "low": "if ((t & 16) == 0) __syncwarp(0xffffu);",
    "first": "if (t < 32) __syncwarp();",
}
MEETING = {"warp": lambda t: t // 32, "halves": lambda t: t // 16, "low": lambda t: t // 32, "first": lambda t: 0}
REACHED = {"low": lambda t: t % 32 < 16, "first": lambda t: t < 32}


# ------------------------------------------------------------------------------------------------ a small language
@dataclass(frozen=True)
class Index:
    """per_thread * t + per_round * (counter i) + per_block * blockIdx.x + offset; mirrored: t runs from the other end."""

    per_thread: int
    per_round: int
    per_block: int
    offset: int
    mirrored: bool = False

    def at(self, t: int, i: int, b: int, threads: int) -> int:
        return (
            self.per_thread * (threads - 1 - t if self.mirrored else t)
            + self.per_round * i
            + self.per_block * b
            + self.offset
        )

    def text(self, threads: int) -> str:
        t = f"({threads - 1} - t)" if self.mirrored else "t"
        return f"{self.per_thread} * {t} + {self.per_round} * i + {self.per_block} * b + {self.offset}"


@dataclass(frozen=True)
class Step:
    """An access to `array` (s shared, g global), or a barrier: of the block (sync), of each warp (warp), of its halves apart
    (halves), of its lower half (low), of the first warp (first). below: only threads t < below."""

    what: str
    array: str = "s"
    index: Index = Index(0, 0, 0, 0)
    below: int = 0


@dataclass(frozen=True)
class Sample:
    """before; for (i = start_per_thread * t; i < start + rounds; ++i) { body }; after."""

    threads: int
    before: tuple[Step, ...]
    body: tuple[Step, ...]
    after: tuple[Step, ...]
    rounds: int
    start_per_thread: int

    def text(self) -> str:
        head = "__global__ void k(float* g) {\n  __shared__ float s[256];\n  int t = threadIdx.x, b = blockIdx.x, i = 0;\n  float v = 1.0f;\n"
        loop = (
            f"  const int first = {self.start_per_thread} * t;\n  for (i = first; i < first + {self.rounds}; ++i) {{\n"
        )
        parts = [
            head,
            *self.lines(self.before),
            loop,
            *self.lines(self.body),
            "  }\n  i = 0;\n",
            *self.lines(self.after),
            "}\n",
        ]
        return "".join(parts)

    def lines(self, steps: tuple[Step, ...]) -> Iterator[str]:
        for s in steps:
            match s.what:
                case "sync":
                    yield "    __syncthreads();\n"
                case "warp" | "halves" | "low" | "first":
                    yield f"    {WARP_BARRIERS[s.what]}\n"
                case _:
                    cell = f"{s.array}[{s.index.text(self.threads)}]"
                    guard = f"if (t < {s.below}) " if s.below else ""
                    yield f"    {guard}{cell} = v;\n" if s.what == "store" else f"    {guard}v = {cell};\n"

    def racing(self) -> set[frozenset[tuple[int, int]]]:
        """Pairs of (block, thread) with a race between them, by running every thread."""
        touched: dict[tuple[str, int, int], list[Touch]] = defaultdict(list)
        for b in range(BLOCKS):
            for t in range(self.threads):
                for step, i, epochs in self.trace(t):
                    owner = b if step.array == "s" else -1
                    cell = step.index.at(t, i, b, self.threads)
                    touched[step.array, owner, cell].append(((b, t), step.what == "store", epochs))
        found = set()
        for events in touched.values():
            for x, y in combinations(events, 2):
                if x[0] != y[0] and (x[1] or y[1]) and not ordered(x, y):
                    found.add(frozenset((x[0], y[0])))
        return found

    def trace(self, t: int) -> Iterator[tuple[Step, int, dict[str, int]]]:
        """(step, counter, barriers passed of each kind) of thread t: every barrier is reached by all that it names."""
        first = self.start_per_thread * t
        run = [(s, 0) for s in self.before]
        run += [(s, first + r) for r in range(self.rounds) for s in self.body]
        run += [(s, 0) for s in self.after]
        passed = dict.fromkeys(("sync", *WARP_BARRIERS), 0)
        for s, i in run:
            if s.what in passed:
                passed[s.what] += 1
            elif not s.below or t < s.below:
                yield s, i, dict(passed)


Touch = tuple[tuple[int, int], bool, dict[str, int]]


def ordered(x: Touch, y: Touch) -> bool:
    (bx, tx), (by, ty) = x[0], y[0]
    if bx != by:
        return False
    together = [k for k, place in MEETING.items() if place(tx) == place(ty) and reaches(k, tx) and reaches(k, ty)]
    return any(x[2][k] != y[2][k] for k in ("sync", *together))


def reaches(kind: str, t: int) -> bool:
    return kind not in REACHED or REACHED[kind](t)


def races(sample: Sample) -> tuple[Program, list[Obligation]]:
    program = program_of(sample.text(), (sample.threads, 1, 1), BLOCKS, {"g": CELLS * BLOCKS})
    return program, Races(program).obligations()


def check(sample: Sample) -> None:
    """Proved exactly where enumeration finds no race; else each finding's witness is a pair that races."""
    found = races(sample)[1]
    actual = sample.racing()
    if not actual:
        assert [o.status for o in found] == [Status.PROVED], sample.text()
        return
    assert found, sample.text()
    for o in found:
        assert o.status is Status.UNKNOWN, sample.text()
        assert o.witness is not None
        (b, t), (c, u) = o.witness.threads
        assert frozenset(((b[0], t[0]), (c[0], u[0]))) in actual, sample.text()


# ------------------------------------------------------------------------------------------------ random kernels
def steps(threads: int, warp: bool) -> st.SearchStrategy[tuple[Step, ...]]:
    step = 1 if threads > 8 else 2
    index = st.builds(
        Index, st.integers(0, step), st.integers(0, 2), st.sampled_from([0, 0, 1, 64]), st.integers(0, 3), st.booleans()
    )
    access = st.builds(
        Step,
        st.sampled_from(["store", "store", "load"]),
        st.sampled_from("ssg"),
        index,
        st.sampled_from([0, 0, 1, 3, 33]),
    )
    kinds = [st.just(Step("sync")), access, access, access] + (
        [st.sampled_from(sorted(WARP_BARRIERS)).map(Step)] if warp else []
    )
    return st.lists(st.one_of(*kinds), max_size=4).map(tuple)


def samples(threads: int, warp: bool = False) -> st.SearchStrategy[Sample]:
    part = steps(threads, warp)
    return st.builds(Sample, st.just(threads), part, part, part, st.integers(1, 3), st.sampled_from([0, 0, 1, 2]))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(samples(4))
def test_a_block_of_four(sample: Sample) -> None:
    check(sample)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(samples(64, warp=True))
def test_two_warps(sample: Sample) -> None:
    check(sample)


# ------------------------------------------------------------------------------------------------ by hand
MINE, NEXT = Index(1, 0, 0, 0), Index(1, 0, 0, 0, mirrored=True)
STORE, READ, SYNC = Step("store", "s", MINE), Step("load", "s", NEXT), Step("sync")


@pytest.mark.parametrize(
    ("body", "free"),
    [
        ((STORE, SYNC, READ, SYNC), True),
        ((STORE, SYNC, READ), False),  # the next round overwrites what a neighbour still reads
        ((STORE, READ, SYNC), False),
        ((SYNC, STORE, SYNC, READ), True),
        ((STORE, Step("warp"), READ, Step("warp")), True),  # four threads: one warp
    ],
)
def test_a_loop_that_exchanges_cells(body: tuple[Step, ...], free: bool) -> None:
    sample = Sample(4, (), body, (), 3, 0)
    assert (not sample.racing()) == free
    check(sample)
    check(replace(sample, start_per_thread=4))  # other counter values, the same rounds (SOUNDNESS S4)


def test_a_barrier_between_two_stores_stays_between_them() -> None:
    """Two stores a constant step apart, with a barrier between: what is read after the second is still unordered with it."""
    far, reader = Step("store", "s", Index(1, 0, 0, 64)), Step("load", "s", Index(1, 0, 0, 64, mirrored=True))
    sample = Sample(4, (STORE, SYNC, far, reader), (), (), 1, 0)
    assert sample.racing()
    check(sample)
    check(replace(sample, before=(STORE, far, SYNC, reader)))
    check(replace(sample, before=(SYNC, STORE, Step("warp"), far, reader)))


def test_a_warp_barrier_orders_one_warp_only() -> None:
    sample = Sample(64, (STORE, Step("warp"), READ), (), (), 1, 0)
    assert sample.racing()
    check(sample)
    inside = replace(READ, index=Index(1, 0, 0, 0))
    check(replace(sample, before=(STORE, Step("warp"), inside)))


@pytest.mark.parametrize(
    ("barrier", "read", "free"),
    [
        ("halves", Index(1, 0, 0, 0, mirrored=True), False),
        ("low", Index(1, 0, 0, 1), False),
        ("warp", Index(1, 0, 0, 0, mirrored=True), True),
        ("first", Index(1, 0, 0, 0, mirrored=True), True),
    ],
)
def test_a_barrier_of_some_lanes_orders_these(barrier: str, read: Index, free: bool) -> None:
    sample = Sample(32, (STORE, Step(barrier), replace(READ, index=read)), (), (), 1, 0)
    assert (not sample.racing()) == free
    check(sample)
    lower = replace(sample, before=(replace(STORE, below=16), Step(barrier), Step("load", "s", MINE, 16)))
    check(lower)


def test_blocks_are_ordered_by_nothing() -> None:
    shared_cell = Step("store", "g", Index(1, 0, 0, 0))
    check(Sample(4, (shared_cell, SYNC), (), (), 1, 0))
    own_cell = Step("store", "g", Index(1, 0, 64, 0))
    sample = Sample(4, (own_cell, SYNC), (), (), 1, 0)
    assert not sample.racing()
    check(sample)


def test_a_shuffle_orders_no_memory() -> None:
    """SOUNDNESS S9: an exchange of registers publishes nothing that was stored."""
    text = """__global__ void k(float* g) {{
  __shared__ float s[32];
  int t = threadIdx.x;
  float v = g[t];
  s[t] = v;
  {between}
  g[t] = s[t ^ 1] + v;
}}"""
    for between, status in (
        ("v = __shfl_xor_sync(0xffffffffu, v, 1);", Status.UNKNOWN),
        ("__syncwarp();", Status.PROVED),
    ):
        program = program_of(text.format(between=between), (32, 1, 1), 1, {"g": 32})
        assert {o.status for o in Races(program).obligations()} == {status}


def test_a_read_only_path_may_not_meet_a_store() -> None:
    """SOUNDNESS S5: `__ldg` of what the launch writes is stale, whatever barrier stands between."""
    text = "__global__ void k(float* g) {{ int t = threadIdx.x; g[t] = 1.0f; __syncthreads(); g[32 + t] = {read}; }}"
    for read, status in (
        ("__ldg(&g[t])", Status.UNKNOWN),
        ("g[t]", Status.PROVED),
        ("__ldg(&g[64 + t])", Status.PROVED),
    ):
        program = program_of(text.format(read=read), (32, 1, 1), 1, {"g": 128})
        assert {o.status for o in Races(program).obligations()} == {status}, read


BARRIERS = {
    "if (t < 2) __syncthreads();": False,
    "if (t < 2) __syncthreads(); else __syncthreads();": False,
    "if (blockIdx.x == 0) __syncthreads();": True,
    "if (t >= 3) return; __syncthreads();": False,
    "if (blockIdx.x == 1) return; __syncthreads();": True,
    "for (int i = 0; i < t; ++i) __syncthreads();": False,
    "for (int i = t; i < t + 3; ++i) __syncthreads();": True,
    "for (int i = 0; i < 3; ++i) for (int j = 0; j < i; ++j) __syncthreads();": True,
}


@pytest.mark.parametrize("body", BARRIERS)
def test_a_barrier_is_reached_by_all_or_refused(body: str) -> None:
    text = f"__global__ void k(float* g) {{ int t = threadIdx.x; {body} }}"
    program = program_of(text, (4, 1, 1), 2, {"g": 8})
    found = [o for o in kernel_obligations(program, Launch("k", (2, 1, 1), (4, 1, 1))) if o.kind == "barrier"]
    assert {o.status is Status.PROVED for o in found} == {BARRIERS[body]}


# ------------------------------------------------------------------------------------------------ many barriers
PHASES = """#include <cooperative_groups.h>
namespace cg = cooperative_groups;
__global__ void k(float* x, float* q, float* h)
{{
    __shared__ float part[64];
    __shared__ float top[64];
    cg::grid_group grid = cg::this_grid();
    const int t = threadIdx.x, me = blockIdx.x * 64 + t;
    x[me] = 1.0f;
    {0}
    for (int l = 0; l < 12; ++l) {{
        part[t] = x[(me + 1) % 512];
        {1}
        for (int o = 32; o > 0; o >>= 1) {{
            if (t < o) part[t] += part[t + o];
            {2}
        }}
        q[me] = part[0];
        {3}
        for (int n = blockIdx.x; n < 24; n += gridDim.x) {{
            top[t] = q[(n * 64 + t + 64) % 512];
            {4}
            for (int o = 32; o > 0; o >>= 1) {{
                if (t < o) top[t] = fmaxf(top[t], top[t + o]);
                {5}
            }}
            h[n * 64 + t] = top[0];
            {6}
        }}
        {7}
        x[me] = h[(me + 64) % 512];
        {8}
    }}
}}
"""
OF_PHASES = ["__syncthreads();" if c == "b" else "grid.sync();" for c in "gbbgbbbgg"]


@pytest.mark.parametrize("dropped", [None, *range(len(OF_PHASES))])
def test_each_of_many_barriers_in_nested_loops_counts(dropped: int | None) -> None:
    text = PHASES.format(*("" if n == dropped else b for n, b in enumerate(OF_PHASES)))
    program = program_of(text, (64, 1, 1), 8, {"x": 512, "q": 512, "h": 1536})
    found = [o.status for o in Races(program).obligations()]
    assert (found == [Status.PROVED]) == (dropped is None)
