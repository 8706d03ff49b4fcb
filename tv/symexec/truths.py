"""Bytes that are read as `bool`: each has to be 0 or 1, as C++ and nvcc suppose, which take it for the number it is.

A byte that a `bool` was stored to is, and so is a boolean tensor's; what other stores leave is asked for.
"""

from __future__ import annotations

from collections.abc import Collection

from tv.defined import parts_of
from tv.kernel import Scalar
from tv.obligation import Obligation, Witness
from tv.sets import Dim, Sym
from tv.symexec.build import Program
from tv.symexec.obligations import failing
from tv.term import Term, op_head


def unfit(program: Program, boolean: Collection[str]) -> list[Obligation]:
    """Reads of `bool` that may find another byte than 0 or 1; after `resolve`. boolean: objects that start as boolean tensors."""
    truths, bad = Truths(program, boolean), list[Obligation]()
    for name, m in program.accesses.items():
        a = m.access
        if a.type is not Scalar.BOOL or a.write or a.mode == "final":
            continue
        if a.data and a.object in boolean:  # a table, which no statement changes
            continue
        if not truths.unit(program.gathers.get(name, name)):
            text = f"a byte of `{a.object}` that may be neither 0 nor 1 is read as `bool`"
            help = "store it as `bool`, or read it as `unsigned char` and compare it with 0"
            w = Witness(object=a.object, spans=(a.span,))
            bad.append(failing("init", f"{program.trace.kernel.name}.init", a.span, text, help, w))
    return bad


class Truths:
    """Which units are surely 0 or 1 at all their instances: all but those that lead to something else."""

    def __init__(self, program: Program, boolean: Collection[str]) -> None:
        self.program, self.boolean = program, boolean
        self.other: set[str] = set()  # units that may be something else

    def unit(self, name: str) -> bool:
        """Is its value 0 or 1? A reference is to something earlier, so that what rests only on itself is."""
        units, found = self.program.system.units, {name}
        while True:
            new = {r for n in found for t in parts_of(units[n].value) if t.kind == "ref" for r in (t.name,)} - found
            if not new:
                break
            found |= new
        while bad := {n for n in found - self.other if not self.term(units[n].value)}:
            self.other |= bad
        return name not in self.other

    def term(self, t: Term) -> bool:
        """Is it the number 0 or 1, in its width? An uninitialised one is reported for what it is."""
        match t.kind:
            case "const":
                return t.bits in (0, 1)
            case "undefined":
                return True
            case "input":
                return t.width == 1 or t.name in self.boolean
            case "ref":
                return t.name not in self.other
            case "case":
                return all(self.term(a) for a in t.args)
            case "index":
                found = [a.interval(self._range) for a in self.program.system.indices[t.id]]
                return all(low is not None and high is not None and 0 <= low <= high <= 1 for low, high in found)
            case "op":
                return t.width == 1 or self._operation(t)
            case _:
                return False

    def _range(self, a: Dim | Sym) -> tuple[int | None, int | None]:
        return self.program.trace.ranges.get(a.name, (None, None))

    def _operation(self, t: Term) -> bool:
        match op_head(t):
            case "cvt":
                target, source = t.name.split(".")[1:3]
                whole = target[0] in "su" and source[0] in "su"
                return whole and (source == "u1" or self.term(t.args[0]))
            case "extract":
                return t.name.split(".")[1] == "0" and self.term(t.args[0])
            case "select":
                return all(self.term(a) for a in t.args[1:])
            case "and":
                return any(self.term(a) for a in t.args)
            case "or" | "xor" | "umin" | "umax":
                return all(self.term(a) for a in t.args)
            case _:
                return False
