"""Loads at data: of all that such a load may read, what the kernel does read, as a statement of its own.

The load's unit has a dimension for each integer of data in its address. The gather beside it has none of them: its value is the
`pick` of the load's at what those integers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv.diagnostic import Unknown
from tv.kernel import Space
from tv.sets import Affine, Dim, Formula, Map
from tv.sets.formulas import all_of, within
from tv.symexec.data_indices import Index
from tv.symexec.events import Access
from tv.symexec.threads.copies import ASYNC
from tv.system import Scope
from tv.term import Term

if TYPE_CHECKING:
    from tv.symexec.build import Builder

READ = ("weak", "readonly", "cached")


def gather(b: Builder, a: Access, n: int) -> None:
    """The gather of load a, whose unit is there, with n cells an instance. Raises Unknown where the launch changes what it reads."""
    require_unchanged(b, a)
    name, load = f"{a.name}_at", b.program.system.units[a.name]
    own = tuple(d for d in a.dims if d not in {i.dim for i in a.data})
    domain = without(a.domain, a.data)
    if n > 1:
        own, domain = (*own, "c"), all_of(domain, within(Affine.dim("c"), n))
    system, sets = b.program.system, b.sets
    scope = system.scope(Scope(name, own, domain, name))
    picked = [i.dim for i in a.data]
    child = system.scope(Scope(f"{name}_q", (*own, *picked), all_of(domain, a.domain), name))
    cell = sets.map(child.name, child.dims, child.domain, load.name, [Affine.dim(d) for d in load.scope.dims])
    chosen = [b.lower(i.value, scope) for i in a.data]
    embed = sets.map(child.name, child.dims, child.domain, scope.name, [Affine.dim(d) for d in own])
    value = pick(b, b.terms.ref(load.name, cell, load.width), chosen, embed, child.name)
    b.program.gathers[a.name], b.program.loads_at_data[name] = name, a.name
    b.unit(scope, load.width, value, a, (*a.time, Affine.of(1)))


def pick(b: Builder, value: Term, chosen: list[Term], embed: Map, child: str) -> Term:
    """embed: instances of the scope `child`, over which `value` stands -> instances that pick among them."""
    return b.terms.make("pick", args=(value, *chosen), map=b.sets.reverse(embed), scope=child, width=value.width)


def without(f: Formula, data: tuple[Index, ...]) -> Formula:
    """A domain without what it says of the dimensions of data."""
    names = {i.dim for i in data}
    parts = f.args if f.op == "and" else (f,)
    return all_of(*(p for p in parts if not any(isinstance(x, Dim) and x.name in names for x in p.atoms())))


def require_unchanged(b: Builder, a: Access) -> None:
    """What is read at data is memory as it was before the launch."""
    cells = b.objects[a.object]
    written = [x.span for x in b.trace.accesses if x.write and x.object == a.object]
    help = "read it from a buffer that the launch leaves alone"
    if written:
        text = f"`{a.object}` is read here at an index that is data, and written at line {written[0].line}"
        raise Unknown("TV0545", text, a.span, help)
    if cells.space is not Space.GLOBAL or cells.content != "input" or a.mode not in (*READ, ASYNC):
        text = f"`{a.object}` is read here at an index that is data, and is no plain input of the launch"
        raise Unknown("TV0545", text, a.span, help)
