"""Which additions of a kernel's terms swallow a product: the interpreter's one deterministic choice, found in the terms.

The choice is made on the kernel's text (`tv.replay.contraction`). Symbolic execution notes of every addition in its terms
which expressions of the text it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.diagnostic import Unsupported
from tv.kernel import Kernel
from tv.replay.contraction import fused_operands
from tv.symexec import Program
from tv.term import Term, op_head

LEFT, RIGHT = "left", "right"
SUMS = ("fadd", "fsub")
_UNKNOWN = "?"  # of an expression that the text does not have


@dataclass(slots=True)
class Choices:
    """operand: term id of an addition or subtraction -> the operands that are fused where the text has it, "" for none."""

    operand: dict[int, set[str]] = field(default_factory=dict)

    def of(self, t: Term) -> str:
        """The operand that is fused, "" for none. Raises Unsupported where one term stands for two additions of the text that are
        compiled differently, or for none that is known."""
        if t.attr != "c" or op_head(t) not in SUMS:
            return ""
        found = self.operand.get(t.id, {_UNKNOWN})
        if _UNKNOWN in found:
            raise Unsupported(
                "TV0662",
                "the kernel's fused multiply-adds could not be located in its sums",
                help="compile with fmad = false",
            )
        if len(found) > 1:
            raise Unsupported(
                "TV0661", "one sum is written twice and only one of the two is fused", help="compile with fmad = false"
            )
        return next(iter(found))

    def note(self, id: int, which: str) -> None:
        self.operand.setdefault(id, set()).add(which)

    def narrowed(self, old: Term, new: Term) -> None:
        """A law made a conversion of a sum the sum of what was converted: it stands for the same additions of the text."""
        inner = old.args[0] if old.kind == "op" and op_head(old) == "cvt" else old
        if op_head(new) in SUMS and op_head(inner) == op_head(new) and inner is not new:
            for which in self.operand.get(inner.id, {_UNKNOWN}) if inner.attr == "c" else {""}:
                self.note(new.id, which)


def choices(program: Program, kernel: Kernel, fmad: bool) -> Choices:
    """program: the kernel's, executed as it stands."""
    out = Choices()
    if not fmad:
        return out
    chosen: dict[int, set[str]] = {}
    for e, which in fused_operands(kernel):
        chosen.setdefault(id(e), set()).add(which)
    for term, sources in program.sources.items():
        for source in sources:
            for which in chosen.get(source, {_UNKNOWN}):
                out.note(term, which)
    return out
