"""Stores that some sizes never reach: what a proof says of them there is empty, so the verdict says where (S13)."""

from __future__ import annotations

from tv.diagnostic import Diagnostic, Unknown
from tv.kernel import Space
from tv.sets import Set
from tv.source import Span
from tv.symexec.build import Program
from tv.symexec.carving import whole

_HELP = "remove it, or mend the condition that it stands under"


def idle_stores(program: Program) -> list[Diagnostic]:
    """A note for every line of the kernel whose stores are executed by no thread at all for some values of the symbols.

    A line that stands for several stores (inlined, unrolled, in pieces) is idle where all of them are. Where that takes too
    long to find out, the note says so: nothing that is proved rests on it.
    """
    stores: dict[tuple[Span, str], list[Set]] = {}
    for name, m in program.accesses.items():
        a = m.access
        if a.write and not a.register and a.mode != "final":
            stores.setdefault((a.span, a.object), []).append(program.system.scope_sets[name])
    out = []
    for (span, name), domains in sorted(stores.items(), key=lambda x: (x[0][0].line, x[0][0].col, x[0][1])):
        text = _sentence(program, name, domains)
        out += [Diagnostic("TV0530", "note", text, span, _HELP)] if text else []
    return out


def _sentence(program: Program, name: str, domains: list[Set]) -> str:
    """For which values none of a line's stores is executed; nothing where one always is."""
    sets = program.system.sets
    try:
        values = sets.idle(domains[0])
        for other in domains[1:]:
            if sets.empty(values):
                return ""
            values = sets.meet(values, sets.idle(other))
        if sets.empty(values):
            return ""
    except Unknown:
        return f"for which sizes this store to `{whole(name)}` is executed could not be told"
    where = {Space.GLOBAL: "", Space.SHARED: " in shared memory", Space.LOCAL: " of the thread's own"}
    what = f"this store to `{whole(name)}`{where.get(program.objects[name].space, '')} is never executed"
    return what if sets.always(values) else f"{what} where {sets.condition(values)}"
