"""One case of a long run by its kind and number: what it came to, and the text that shows it."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.random_kernels import enumeration, graphs, printing, programs, proofs
from tests.random_kernels.drawing import Seeded

KINDS = (
    "sets",
    "right",
    "wrong",
)  # programs against enumeration; kernels of a graph, as they should be and with a fault
SHARES = "sssssssrwr"  # of ten cases in a row
CALLS = 20_000  # Python's own limit of nested calls is too low for chains of references


@dataclass
class Result:
    """ending: what the case came to. asked: how often each question was compared."""

    kind: str
    number: int
    ending: str
    seconds: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)


class Slow(Exception):
    """A case that takes longer than it may."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises Slow in the body after so much time of the wall."""

    def late(signal: int, frame: object) -> None:
        raise Slow

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def kind_of(number: int) -> str:
    return {"s": "sets", "r": "right", "w": "wrong"}[SHARES[number % len(SHARES)]]


def one(kind: str, seed: int, number: int, seconds: float) -> Result:
    """Runs a case. Raises Disagreement where it fails, and whatever a defect of the program under test raises."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), CALLS))
    result = Result(kind, number, "slow")
    start = time.perf_counter()
    try:
        with limited(seconds):
            if kind == "sets":
                outcome = enumeration.check(program(seed, number), number)
                result.ending, result.asked = outcome.ending, outcome.asked
            else:
                by_graph(result, seed)
    except Slow:
        pass
    result.seconds = time.perf_counter() - start
    return result


def draw(seed: int, number: int) -> Seeded:
    return Seeded(seed * 1_000_003 + number)


def program(seed: int, number: int) -> programs.Program:
    return programs.program(draw(seed, number))


def kernel(kind: str, seed: int, number: int) -> tuple[graphs.Drawn, printing.Printed]:
    choices = draw(seed, number)
    graph = graphs.graph(choices)
    return graph, printing.kernel(choices, graph, kind == "wrong")


def by_graph(result: Result, seed: int) -> None:
    graph, printed = kernel(result.kind, seed, result.number)
    with tempfile.TemporaryDirectory() as folder:
        found = proofs.check(graph, printed, Path(folder), result.number)
    told = "at fault" if found.real else "harmless" if printed.fault else "as it should be"
    result.ending = ", ".join([found.verdict, *([found.relation.value] if found.relation else []), told])
    result.asked[f"{result.kind} by {printed.way}"] += 1
    result.asked[f"{result.kind} by {printed.way}: proved"] += found.verdict == "proved"
    result.asked += found.asked


def text(kind: str, seed: int, number: int) -> str:
    """A case for people: launch, graph, kernel."""
    if kind == "sets":
        p = program(seed, number)
        return f"// grid {p.grid} block {p.block} buffers {p.buffers}\n{p.text}"
    graph, printed = kernel(kind, seed, number)
    nodes = ", ".join(f"{n.op_type}({', '.join(n.input)}) {n.output[0]}" for n in graph.model.graph.node)
    return f"// grid {printed.grid} block {printed.block} {graph.inputs}\n// {nodes}\n{printed.text}"
