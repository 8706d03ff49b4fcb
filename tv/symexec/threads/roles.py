"""Counters that choose one block of each group: the block that arrives last finishes what the others began.

    ticket = atomicAdd(&counter[group], 1)     // or atomicInc(&counter[group], members - 1)
    if (ticket == members - 1) ...             // exactly one block of each group

Which block that is, hardware decides. It is the block with the coordinates `last..__`, symbols that a proof leaves open, so that
it holds for each choice. What the counter has to satisfy for that is asked in `tv.symexec.threads.arrivals`. A ticket is compared with
the last one and nothing else; through a shared variable its block knows the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown, Unsupported
from tv.sets import Affine, Dim, Formula, Quotient, Sym
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import all_of, eq, lt, negate
from tv.source import Span
from tv.symexec.events import Arrival
from tv.symexec.values import Node, Value

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

AXES = ("x", "y", "z")
HELP = "the known shape: one thread of each block adds 1 to its group's counter, and compares the result with the last ticket"


def tickets(kernel: ir.Kernel) -> list[str]:
    """Variables that receive what an atomic increment found, in the order of the text."""
    used = [s for s in ir.walk(kernel.body) if isinstance(s, ir.Atomic) and s.op in ("add", "inc")]
    return list(dict.fromkeys(s.dest.name for s in used if s.dest is not None))


def role_symbols(
    kernel: ir.Kernel, grid: tuple[Affine, Affine, Affine], symbols: Mapping[str, tuple[int, int]]
) -> tuple[dict[str, tuple[int, int]], Formula]:
    """For each ticket and each axis of the grid, the coordinate of the block that is last: ranges, and what holds of them."""
    ranges: dict[str, tuple[int, int]] = {}
    conds: list[Formula] = []
    for i in range(len(tickets(kernel))):
        for axis, extent in zip(AXES, grid, strict=True):
            if extent.constant == 1:
                continue
            high = extent.interval(lambda a: symbols[a.name])[1]
            if high is None:
                raise Unknown("TV0531", "a grid without a greatest extent", kernel.span)
            ranges[role_symbol(i, axis)] = (0, high - 1)
            conds.append(lt(Affine.sym(role_symbol(i, axis)), extent))
    return ranges, all_of(*conds)


def role_symbol(i: int, axis: str) -> str:
    """No symbol of a specification has a name that ends so."""
    return f"last{i}{axis}__"


def is_role(symbol: str) -> bool:
    return symbol.endswith("__")


def roles_in(text: str) -> set[str]:
    """The role symbols of index sets as text."""
    return set(re.findall(r"\blast\d+[xyz]__", text))


@dataclass(frozen=True, slots=True)
class Known:
    """What a shared variable holds from its only store on, the event `store`."""

    value: Value
    store: str


class Roles:
    """Runs increments whose result is used on behalf of an executor."""

    def __init__(self, executor: Executor) -> None:
        self.x = executor
        self.numbers = {v: i for i, v in enumerate(tickets(executor.kernel))}
        self.flags = single_stores(executor.kernel)
        self.known: dict[str, Known] = {}

    # -------------------------------------------------------------- the counter
    def arrive(self, s: ir.Atomic) -> None:
        x, r = self.x, s.ref
        x.no_data_condition(s, "an atomic operation")
        assert s.dest is not None
        text = f"the result of this atomic {s.op} is used"
        operand = x.evaluator.value(s.operands[0]).pieces if s.op in ("add", "inc") else None
        if operand is None or len(operand) != 1 or r.type not in (ir.Scalar.I32, ir.Scalar.U32):
            raise Unsupported("TV0531", text, s.span, HELP)
        if s.op == "add" and operand[0][1].constant != 1:
            raise Unsupported("TV0531", f"{text}, and adds something else than 1", s.span, HELP)
        pieces = x.pieces_of(r.offset, r.object, r.span)
        if len(pieces) != 1 or len(x.place.dims) != len(x.space.dims):
            raise Unsupported("TV0531", f"{text}, in a loop", s.span, HELP)
        offset = pieces[0][1]
        chosen, here, sizes, group = self.members(offset, self.numbers[s.dest.name], s.span)
        role = all_of(*(eq(a, b) for a, b in zip(here, chosen, strict=True)))
        unknown = (Node("undefined", r.type.bits, r.object),)
        name = x.access(True, r.object, offset, r.type, 1, "atomic", s.span, unknown, ref=r, scope=s.scope)
        wraps = operand[0][1] if s.op == "inc" else None
        x.trace.arrivals.append(
            Arrival(name, r.object, tuple(here), tuple(sizes), tuple(group), role, wraps, s.order, s.span)
        )
        x.write(
            s.dest, Value(s.dest.type, node=Node("ticket", r.type.bits, str(len(x.trace.arrivals) - 1), span=s.span))
        )

    def members(
        self, offset: Affine, number: int, span: Span
    ) -> tuple[list[Affine], list[Affine], list[Affine], list[Affine]]:
        """Coordinates of the last block inside its group, of this block, their extents, and this block's other coordinates."""
        fixed, cut = set[str](), dict[str, int]()
        blocks = [Affine.dim(d) for d in self.x.space.block_dims]
        for atom, _ in offset.terms:
            match atom:
                case Dim(name=d) if d in self.x.space.block_dims:
                    fixed.add(d)
                case Quotient(numerator=a, denominator=k) if a in blocks:
                    cut[self.x.space.block_dims[blocks.index(a)]] = k
                case _:
                    raise Unsupported("TV0531", "a counter that is not chosen by the block's index", span, HELP)
        chosen: list[Affine] = []
        here: list[Affine] = []
        sizes: list[Affine] = []
        group: list[Affine] = []
        for d, block in zip(self.x.space.block_dims, blocks, strict=True):
            symbol = Affine.sym(role_symbol(number, d[1:]))
            if d in fixed:
                group.append(block)
            elif d in cut:
                size = cut[d]
                chosen.append(mod(symbol, size))
                here.append(mod(block, size))
                sizes.append(Affine.of(size))
                group.append(floordiv(block, size))
            else:
                chosen.append(symbol)
                here.append(block)
                sizes.append(self.x.space.grid[AXES.index(d[1:])])
        return chosen, here, sizes, group

    # -------------------------------------------------------------- the ticket
    def compare(self, op: str, a: Value, b: Value) -> Formula | None:
        """A ticket compared with the last one, or None where neither value is one. Raises Unknown for another number."""
        for ticket, other in ((a, b), (b, a)):
            if ticket.node is None or ticket.node.kind != "ticket" or other.pieces is None or len(other.pieces) != 1:
                continue
            arrival = self.x.trace.arrivals[int(ticket.node.name)]
            if op not in ("eq", "ne") or other.pieces[0][1] != arrival.members - 1:
                text = "this ticket is compared with a number that is not the last one's"
                raise Unknown("TV0531", text, ticket.node.span, f"{HELP}, {(arrival.members - 1).text()}")
            return arrival.role if op == "eq" else negate(arrival.role)
        return None

    # -------------------------------------------------------------- shared variables
    def stored(self, r: ir.MemRef, value: Value, event: str) -> None:
        """A store to a shared variable: remembered where it says who is last."""
        if r.object in self.flags and len(self.x.place.dims) == len(self.x.space.dims) and self.by_block(value):
            self.known[r.object] = Known(value, event)

    def kept(self, n: Node) -> Node:
        """A ticket as data: nothing is known of it, and what reads it from a shared variable is given the ticket itself."""
        return Node("undefined", n.width, "ticket") if n.kind == "ticket" else n

    def by_block(self, v: Value) -> bool:
        """Does the value hang on the block and on who is last, and on nothing else?"""
        if v.node is not None:
            return v.node.kind == "ticket"
        formulas = [v.formula] if v.formula is not None else [c for c, _ in v.pieces or ()]
        atoms = {a for f in formulas for a in f.atoms()} | {b for _, x in v.pieces or () for b in x.atoms()}
        dims = {a.name for a in atoms if isinstance(a, Dim)}
        return dims <= set(self.x.space.block_dims) and any(isinstance(a, Sym) and is_role(a.name) for a in atoms)

    def loaded(self, r: ir.MemRef, event: str) -> Value | None:
        """What such a variable holds. That the load reads that store is asked when it is known who reads whom."""
        found = self.known.get(r.object)
        if found is not None:
            self.x.trace.forwarded.append((event, found.store, r.span))
        return None if found is None else found.value


def single_stores(kernel: ir.Kernel) -> set[str]:
    """Shared scalars that one statement stores to and all others read, always the whole of them."""
    refs: dict[str, list[tuple[ir.Stmt, ir.MemRef]]] = {}
    for s in ir.walk(kernel.body):
        for r in ir.references(s):
            refs.setdefault(r.object, []).append((s, r))
    out = set()
    for name, found in refs.items():
        whole = all(
            isinstance(r.offset, ir.Const) and r.offset.bits == 0 and (r.count, r.type) == (1, found[0][1].type)
            for _, r in found
        )
        stores = [s for s, _ in found if not isinstance(s, ir.Load)]
        if (
            kernel.objects[name].space is ir.Space.SHARED
            and whole
            and len(stores) == 1
            and isinstance(stores[0], ir.Store)
        ):
            out.add(name)
    return out
