"""Which additions of a kernel's terms swallow a product: the interpreter's one deterministic choice, found in the terms.

The choice is made on the kernel's text (`tv.replay.contraction`). The kernel is executed symbolically a second time as it
stands after the choice, and both runs are laid side by side, statement by statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tv.diagnostic import Unsupported
from tv.kernel import Kernel
from tv.replay.contraction import contract
from tv.symexec import Program
from tv.term import FOLDED, Term

Fusions = frozenset[tuple[Term, str]]
LEFT, RIGHT = "left", "right"
_LOOSE = ("ref", "input", "load", "hole", "index", "const", "undefined")


@dataclass(slots=True)
class Choices:
    """operand: term id of an addition or subtraction -> the operand that is fused, or "" for none."""

    operand: dict[int, str] = field(default_factory=dict)
    unclear: set[int] = field(default_factory=set)

    def of(self, t: Term) -> str:
        """Raises Unsupported where one term stands for two additions of the text that are compiled differently."""
        if t.id in self.unclear:
            raise Unsupported(
                "TV0661", "one sum is written twice and only one of the two is fused", help="compile with fmad = false"
            )
        return self.operand.get(t.id, "")

    def note(self, t: Term, which: str) -> None:
        if self.operand.setdefault(t.id, which) != which:
            self.unclear.add(t.id)


def choices(program: Program, kernel: Kernel, fmad: bool, execute: Callable[[Kernel], Program]) -> Choices:
    """program: the kernel's, loads resolved. execute: the same symbolic execution on another text of the kernel.

    Raises Unsupported where the two executions cannot be laid side by side.
    """
    out = Choices()
    if not fmad:
        return out
    other = contract(kernel)
    if other == kernel:
        return out
    contracted = execute(other)
    stores = [n for n, m in contracted.accesses.items() if m.access.write]
    if (
        stores != [n for n, m in program.accesses.items() if m.access.write]
        or contracted.publications.keys() != program.publications.keys()
    ):
        raise _apart()
    alignment = _Alignment(program, contracted)
    for name in (*stores, *contracted.publications):
        t, u = program.system.units[name].value, contracted.system.units[name].value
        if t.kind == "reduce":  # a loop's accumulation; its step has the statement's own shape
            t = t.args[0]
        found = alignment.pair(t, u)
        if found is None:
            raise _apart()
        for term, which in found:
            out.note(term, which)
    return out


def _apart() -> Unsupported:
    return Unsupported(
        "TV0662", "the kernel's fused multiply-adds could not be located in its sums", help="compile with fmad = false"
    )


class _Alignment:
    """Pairs of terms compared once each: what is fused below, or None where the two are not one sum."""

    def __init__(self, program: Program, contracted: Program) -> None:
        self.program, self.contracted = program, contracted
        self.memo: dict[tuple[int, int], Fusions | None] = {}

    def same(self, a: str, b: str) -> bool:
        """A statement of either run: loads are numbered as their operands come, so those are known by where they read."""
        x, y = (p.accesses.get(p.loads_at_data.get(n, n)) for p, n in ((self.program, a), (self.contracted, b)))
        if x is None or y is None:
            return a == b
        return (x.access.object, x.access.offset, x.access.write) == (y.access.object, y.access.offset, y.access.write)

    def pair(self, t: Term, u: Term) -> Fusions | None:
        key = (t.id, u.id)
        if key not in self.memo:
            self.memo[key] = self._pair(t, u)
        return self.memo[key]

    def _pair(self, t: Term, u: Term) -> Fusions | None:
        if t.kind in _LOOSE:
            free = "hole" in (t.kind, u.kind) or "load" in (t.kind, u.kind)
            return frozenset() if u.kind in _LOOSE and (free or self.same(t.name, u.name)) else None
        addition = t.kind == "op" and t.name.split(".")[0] in ("fadd", "fsub") and t.attr == "c"
        if addition and u.kind == "op" and u.name == "ffma." + t.name.split(".")[1]:
            return self.fused(t, u)
        if t.kind != u.kind or t.name.removeprefix(FOLDED) != u.name.removeprefix(FOLDED) or len(t.args) != len(u.args):
            return None
        below = self.all(*zip(t.args, u.args, strict=True))
        return below | {(t, "")} if below is not None and addition else below

    def all(self, *pairs: tuple[Term, Term]) -> Fusions | None:
        found: Fusions = frozenset()
        for a, b in pairs:
            more = self.pair(a, b)
            if more is None:
                return None
            found |= more
        return found

    def fused(self, t: Term, u: Term) -> Fusions | None:
        """The sum t as the multiply-add u: the left operand fused, else the right one."""
        subtract = t.name.startswith("fsub")
        for k, which in ((0, LEFT), (1, RIGHT)):
            negations, product = peel(t.args[k])
            negations += int(subtract and k == 1)
            if product.kind != "op" or not product.name.startswith("fmul.") or product.attr != "c":
                continue
            a, c = _peeled(u.args[0], negations), _peeled(u.args[2], int(subtract and k == 0))
            if a is None or c is None:
                continue
            found = self.all((product.args[0], a), (product.args[1], u.args[1]), (t.args[1 - k], c))
            if found is not None:
                return found | {(t, which)}
        return None


def peel(t: Term) -> tuple[int, Term]:
    """Negations in front of a value, and the value."""
    n = 0
    while t.kind == "op" and t.name.startswith("fneg."):
        n, t = n + 1, t.args[0]
    return n, t


def _peeled(t: Term, negations: int) -> Term | None:
    """t without exactly so many negations."""
    for _ in range(negations):
        if t.kind != "op" or not t.name.startswith("fneg."):
            return None
        t = t.args[0]
    return t
