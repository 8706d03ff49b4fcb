"""One question, put to bitwuzla and then to z3, each in a process that is killed when it takes too long.

A process that dies, prints nothing or prints anything but a whole answer has given none.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tv.solvers.answer import Answer, GaveUp, Model, Valid

SOLVERS = ("bitwuzla", "z3")
WORKER = Path(__file__).with_name("worker.py")
_VALUE = re.compile(r"(\w+) ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Limits:
    """cpu_s: seconds of processor time, the limit that normally decides; wall_s: seconds of the clock; steps: z3's own count
    of its work, which is the same on every machine."""

    cpu_s: int = 10
    wall_s: float = 60.0
    memory_mb: int = 2000
    steps: int = 30_000_000


def ask(text: str, limits: Limits = Limits(), solvers: tuple[str, ...] = SOLVERS) -> Answer:
    """Is the lemma in `text` valid: has what it asserts no model? The first solver that answers decides."""
    reasons = []
    for solver in solvers:
        answer = _run(solver, text, limits)
        if not isinstance(answer, str):
            return answer
        reasons.append(f"{solver} {answer}")
    return GaveUp(tuple(reasons))


def _run(solver: str, text: str, limits: Limits) -> Answer | str:
    """The solver's answer, or why there is none."""
    command = [sys.executable, "-P", str(WORKER), solver, *map(str, (limits.cpu_s, limits.memory_mb, limits.steps))]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=limits.wall_s, check=False)
    except subprocess.TimeoutExpired:
        return f"did not end within {limits.wall_s:g} s"
    except (OSError, UnicodeError) as e:
        return f"could not be run: {e}"
    if done.returncode < 0:
        return f"was ended by signal {-done.returncode}"
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()
        return f"failed: {last[-1][:200] if last else f'exit status {done.returncode}'}"
    return _read(solver, done.stdout.splitlines())


def _read(solver: str, lines: list[str]) -> Answer | str:
    """`unsat` or `sat` and its values, then `end`: nothing else is an answer."""
    match lines:
        case ["unsat", "end"]:
            return Valid(solver)
        case ["sat", *values, "end"] if all(_VALUE.fullmatch(v) for v in values):
            pairs = [v.split() for v in values]
            return Model(solver, tuple(sorted((name, int(bits)) for name, bits in pairs)))
        case ["unknown", "end"]:
            return "gave up"
        case _:
            return "printed no answer"
