"""Asynchronous copies against enumeration: random small pipelines, every thread, every group, every barrier."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.executing import Run, program_of
from tv import cuda_frontend
from tv.diagnostic import Unsupported
from tv.kernel import AsyncCopy, Scalar
from tv.launch import CompileOptions, Launch
from tv.obligation import Status
from tv.symexec.flow.resolve import resolve
from tv.symexec.obligations import kernel_obligations
from tv.symexec.threads.races import Races

THREADS, CELLS = 4, 64


@dataclass(frozen=True)
class Step:
    """what: copy (s from g), load or store of s, write (of g), commit, wait, sync. Cell: t + 4 ((i + stage) % turn), in a
    mirrored order of threads where `mirrored`. below: only threads t < below; until: only rounds i < until. pending: of a wait."""

    what: str
    stage: int = 0
    turn: int = 1
    mirrored: bool = False
    below: int = THREADS
    until: int = 99
    pending: int = 0

    def cell(self, t: int, i: int) -> int:
        return (THREADS - 1 - t if self.mirrored else t) + THREADS * ((i + self.stage) % self.turn)

    def text(self) -> str:
        t = f"({THREADS - 1} - t)" if self.mirrored else "t"
        cell = f"{t} + {THREADS} * ((i + {self.stage}) % {self.turn})"
        body = {
            "copy": f"__pipeline_memcpy_async(&s[{cell}], &g[t + 4 * i], 4);",
            "load": f"v = s[{cell}];",
            "store": f"s[{cell}] = 7.0f;",
            "write": "g[t + 4 * i] = 9.0f;",
            "commit": "__pipeline_commit();",
            "wait": f"__pipeline_wait_prior({self.pending});",
            "sync": "__syncthreads();",
        }[self.what]
        return f"if (t < {self.below} && i < {self.until}) {{ {body} }}\n" if self.what != "sync" else body + "\n"

    def runs(self, t: int, i: int) -> bool:
        return self.what == "sync" or (t < self.below and i < self.until)


@dataclass(frozen=True)
class Sample:
    before: tuple[Step, ...]
    body: tuple[Step, ...]
    rounds: int

    def text(self) -> str:
        lines = [
            "__global__ void k(float* g) {\n__shared__ float s[64];\nint t = threadIdx.x, i = 0;\nfloat v = 0.0f;\n"
        ]
        lines += [s.text() for s in self.before]
        lines += [f"for (i = 0; i < {self.rounds}; ++i) {{\n", *(s.text() for s in self.body), "}\n}\n"]
        return "".join(lines)

    def steps(self, t: int) -> list[tuple[Step, int]]:
        run = [(s, 0) for s in self.before] + [(s, i) for i in range(self.rounds) for s in self.body]
        return [(s, i) for s, i in run if s.runs(t, i)]


@dataclass
class Event:
    """An access of one thread, from (place in its text, epoch) to (place, epoch); `end` None: it may still be under way."""

    thread: int
    object: str
    cell: int
    write: bool
    start: tuple[int, int]
    end: tuple[int, int] | None
    plain: bool = True

    def before(self, other: Event) -> bool:
        if self.end is None:
            return False
        axis = 0 if self.thread == other.thread else 1
        return self.end[axis] < other.start[axis]


def events(sample: Sample, t: int) -> list[Event]:
    """Every access of thread t, copies with the wait that completes them."""
    out: list[Event] = []
    open_, closed = list[Event](), list[list[Event]]()
    epoch = 0
    for place, (s, i) in enumerate(sample.steps(t)):
        now = (place, epoch)
        match s.what:
            case "sync":
                epoch += 1
            case "commit":
                closed.append(open_)
                open_ = []
            case "wait":
                for group in closed[: len(closed) - s.pending]:
                    for e in group:
                        e.end = e.end or now
            case "copy":
                pair = [
                    Event(t, "s", s.cell(t, i), True, now, None, False),
                    Event(t, "g", t + 4 * i, False, now, None, False),
                ]
                open_ += pair
                out += pair
            case _:
                obj, cell = ("g", t + 4 * i) if s.what == "write" else ("s", s.cell(t, i))
                out.append(Event(t, obj, cell, s.what != "load", now, now))
    return out


def races(sample: Sample) -> bool:
    found = [e for t in range(THREADS) for e in events(sample, t)]
    return any(
        (a.object, a.cell) == (b.object, b.cell)
        and (a.write or b.write)
        and not (a.thread == b.thread and a.plain and b.plain)
        and not a.before(b)
        and not b.before(a)
        for a, b in combinations(found, 2)
    )


def loaded(sample: Sample) -> list[float | None]:
    """What the loads read, thread by thread in their order, where nothing races; None where nothing was written."""
    memory: dict[int, float] = {}
    source = {c: float(c + 1) for c in range(CELLS)}
    pending: list[list[list[tuple[int, int]]]] = [[[]] for _ in range(THREADS)]
    runs = [iter(sample.steps(t)) for t in range(THREADS)]
    out: list[list[float | None]] = [[] for _ in range(THREADS)]
    alive = True
    while alive:
        alive = False
        for t in range(THREADS):
            for s, i in runs[t]:
                groups = pending[t]
                match s.what:
                    case "sync":
                        alive = True
                        break
                    case "copy":
                        groups[-1].append((s.cell(t, i), t + 4 * i))
                    case "commit":
                        groups.append([])
                    case "wait":
                        for group in groups[: max(len(groups) - 1 - s.pending, 0)]:
                            memory |= {to: source[c] for to, c in group}
                            group.clear()
                    case "load":
                        out[t].append(memory.get(s.cell(t, i)))
                    case "store":
                        memory[s.cell(t, i)] = 7.0
                    case "write":
                        source[t + 4 * i] = 9.0
    return [v for values in out for v in values]


def check(sample: Sample) -> bool:
    """Proved free of races exactly where enumeration finds none; then every load is what runs in order give. Is it free?"""
    program = program_of(sample.text(), (THREADS, 1, 1), 1, {"g": CELLS})
    kernel_obligations(program, Launch("k", (1, 1, 1), (THREADS, 1, 1)))
    found = Races(program).obligations()
    free = not races(sample)
    assert (found[0].status is Status.PROVED) == free, sample.text()
    if not free:
        return False
    resolve(program)
    run = Run(program, {"g": [c + 1 for c in range(CELLS)]})
    read: dict[tuple[int, tuple[int, ...]], float | None] = {}
    for name, am in program.accesses.items():
        if am.access.object != "s" or am.access.write:
            continue
        for at in run.instances(name):
            dims = dict(zip(program.system.units[name].scope.dims, at, strict=True))
            place = (dims.get("i0", -1), program.trace.order.index(name), dims.get("c", 0))
            try:
                read[dims["tx"], place] = run.value(name, at)
            except KeyError:
                read[dims["tx"], place] = None
    assert [read[k] for k in sorted(read)] == loaded(sample), sample.text()
    return True


S = Step
FILL = (S("copy", 0, 2), S("commit"))
TURN = (S("copy", 1, 2, until=3), S("commit"), S("wait", pending=1), S("sync"), S("load", 0, 2, True), S("sync"))
RING = (S("wait", pending=1), S("sync"), S("copy", 2, 3, until=2), S("commit"), S("load", 0, 3, True))


def without(steps: tuple[Step, ...], i: int) -> tuple[Step, ...]:
    return steps[:i] + steps[i + 1 :]


@pytest.mark.parametrize(
    ("sample", "free"),
    [
        (Sample(FILL, TURN, 4), True),
        (Sample(FILL, without(TURN, 1), 4), False),
        (Sample(FILL, without(TURN, 2), 4), False),
        (Sample(FILL, without(TURN, 3), 4), False),
        (Sample(FILL, without(TURN, 5), 4), False),
        (Sample(FILL, (*TURN[:2], S("wait", pending=2), *TURN[3:]), 4), False),
        (Sample((S("copy", 0, 3), S("commit"), S("commit")), RING, 4), True),
        (Sample((S("copy", 0, 3), S("commit")), RING, 4), False),
        (Sample((*FILL, S("wait"), S("load", 0, 2)), (), 0), True),
        (Sample((*FILL, S("load", 0, 2), S("wait")), (), 0), False),
        (Sample((*FILL, S("wait"), S("load", 0, 2, True)), (), 0), False),
        (Sample((*FILL, S("write"), S("wait")), (), 0), False),
        (Sample((*FILL, S("wait"), S("write")), (), 0), True),
        (Sample((S("store"), *FILL, S("wait"), S("load", 0, 2)), (), 0), True),
        (Sample((*FILL, S("store"), S("wait")), (), 0), False),
        (Sample((*FILL, *FILL, S("wait")), (), 0), False),
    ],
)
def test_pipelines(sample: Sample, free: bool) -> None:
    assert check(sample) == free


steps = st.builds(
    Step,
    st.sampled_from(["copy", "copy", "commit", "commit", "wait", "wait", "sync", "load", "load", "store", "write"]),
    st.integers(0, 2),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([THREADS, THREADS, 2]),
    st.sampled_from([99, 99, 1, 2]),
    st.integers(0, 2),
)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(Sample, st.lists(steps, max_size=4).map(tuple), st.lists(steps, max_size=6).map(tuple), st.integers(0, 3))
)
def test_random_pipelines(sample: Sample) -> None:
    check(sample)


@pytest.mark.parametrize("size", ["2", "12", "32"])
def test_copies_have_one_of_three_sizes(size: str) -> None:
    text = f"__global__ void k(float* g) {{ __shared__ float s[64]; __pipeline_memcpy_async(&s[0], &g[0], {size}); }}"
    with pytest.raises(Unsupported):
        program_of(text, (1, 1, 1), 1, {"g": CELLS})


@pytest.mark.parametrize(
    ("array", "source", "size", "element", "count"),
    [
        ("uint4 s[4]", "__half* g", 16, Scalar.F16, 8),
        ("__half s[32]", "__half* g", 16, Scalar.F16, 8),
        ("__half s[32]", "uint4* g", 16, Scalar.F16, 8),
        ("unsigned char s[64]", "__half* g", 16, Scalar.F16, 8),
        ("unsigned char s[64]", "unsigned char* g", 8, Scalar.U8, 8),
        ("unsigned char s[64]", "bool* g", 8, Scalar.U32, 2),
        ("double s[8]", "double* g", 4, Scalar.U32, 1),
        ("bool s[64]", "bool* g", 16, Scalar.U32, 4),
    ],
)
def test_copies_go_by_the_narrower_element(array: str, source: str, size: int, element: Scalar, count: int) -> None:
    text = f"#include <cuda_fp16.h>\n__global__ void k({source}) {{ __shared__ __align__(16) {array}; __pipeline_memcpy_async(&s[0], &g[0], {size}); }}"
    (kernel,) = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels.values()
    (copy,) = (s for s in kernel.body if isinstance(s, AsyncCopy))
    assert [(r.type, r.count) for r in (copy.dst, copy.src)] == [(element, count)] * 2
