"""Atomic operations whose result nobody uses, as folds: a cell holds what was last stored to it and all contributions since.

Sums, maxima and bit operations of integers come out the same in every order. Which contributions a read sees is known where
there is no race: each store or load of the cell is ordered against every atomic operation on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.kernel import Scalar, Space
from tv.sets import Affine, Dim, Map, Set, Sym
from tv.sets.ordering import lex_less
from tv.symexec.events import Decision
from tv.symexec.threads.copies import ASYNC
from tv.symexec.values import Node, node_const, node_of
from tv.system import Unit
from tv.term import Term

if TYPE_CHECKING:
    from tv.symexec.build import Program
    from tv.symexec.execute import Executor

_BITS = ("and", "or", "xor")


def fold_of(op: str, t: Scalar) -> str:
    """The operation that contributions to a cell are folded by; "" where their order shows."""
    if t.is_float or t is Scalar.BOOL:
        return ""
    if op in ("max", "min"):
        op = ("s" if t.signed else "u") + op
    elif op == "sub":
        op = "add"
    elif op not in ("add", *_BITS):
        return ""
    return f"{op}.i{t.bits}"


def neutral(fold: str, width: int) -> Node:
    """What contributes nothing."""
    ones = (1 << width) - 1
    bits = {"and": ones, "umin": ones, "smin": ones >> 1, "smax": 1 << (width - 1)}
    return node_const(bits.get(fold.split(".")[0], 0), width)


def contribute(x: Executor, s: ir.Atomic) -> None:
    """An atomic operation whose result is not used. Under a condition on data it contributes, elsewhere what changes nothing."""
    r, fold = s.ref, fold_of(s.op, s.ref.type)
    if not fold:
        x.no_data_condition(s, "an atomic operation")
    given = [node_of(x.evaluator.value(e)) for e in s.operands]
    x.trace.decisions += [Decision(v, s.span, "this atomic operation is given a value") for v in given]
    value = given[0] if fold or s.op in ("exch", "store") else Node("undefined", r.type.bits, r.object)
    if s.op == "sub" and fold:
        value = Node("op", r.type.bits, fold.replace("add", "sub"), (node_const(0, r.type.bits), value), span=s.span)
    for decided, taken in reversed(x.deciding if fold else ()):
        arms = (value, neutral(fold, r.type.bits)) if taken else (neutral(fold, r.type.bits), value)
        value = Node("op", r.type.bits, "select", (decided, *arms), span=s.span)
    for cond, offset in x.pieces_of(r.offset, r.object, r.span):
        with x.under(cond):
            x.access(True, r.object, offset, r.type, 1, "atomic", s.span, (value,), ref=r, scope=s.scope, fold=fold)


def tallied(program: Program, obj: str) -> bool:
    """Are all atomic operations on the object folds of one operation on whole cells, and is everything else plain?"""
    accesses = [m.access for m in program.accesses.values() if m.access.object == obj]
    atomics = [a for a in accesses if a.mode == "atomic"]
    whole = all(a.type.bits == program.objects[obj].bits for a in atomics)
    plain = not any(a.mode in (ASYNC, "readonly") or a.data for a in accesses)
    return (
        len({a.fold for a in atomics}) == 1
        and bool(atomics[0].fold)
        and whole
        and plain
        and program.objects[obj].space is not Space.LOCAL
        and not program.trace.arrivals  # its last block reads in an order that time does not show
    )


class Tallies:
    """What reads of one object see of the atomic operations on it."""

    def __init__(self, program: Program, obj: str) -> None:
        self.program, self.sets = program, program.system.sets
        names = [n for n, m in program.accesses.items() if m.access.object == obj and m.access.mode == "atomic"]
        self.atomics = [program.system.units[n] for n in names] if names and tallied(program, obj) else []
        self.less = lex_less(self.sets, "Time", 0, tied=True)

    def added(self, reader: Unit, where: Set, base: Term, since: tuple[Unit, Map] | None) -> Term:
        """`base`, which the reader finds at `where`, with all contributions before the read. since: the store that base is what
        it left, reader -> its instance."""
        for a in self.atomics:
            cells, own = (self.program.accesses[u.name].cells for u in (reader, a))
            reach = self.sets.restrict_domain(self.sets.compose(cells, self.sets.reverse(own)), where)
            if not self.sets.empty(reach):
                reach = self.between(reach, reader, a, since)
            if not self.sets.empty(reach):
                base = self.folded(reader, a, reach, base)
        return base

    def between(self, reach: Map, reader: Unit, atomic: Unit, since: tuple[Unit, Map] | None) -> Map:
        """Of the pairs of a read and an atomic operation those in which the operation is before the read, after the store."""
        sets = self.sets
        assert reader.time is not None
        assert atomic.time is not None
        if not surely_before(atomic, reader):
            earlier = sets.compose(sets.reverse(self.less), sets.reverse(atomic.time))
            reach = sets.meet(reach, sets.compose(reader.time, earlier))
        if since is not None and not surely_before(since[0], atomic):
            store, at = since
            assert store.time is not None
            later = sets.compose(self.less, sets.reverse(atomic.time))
            reach = sets.meet(reach, sets.compose(at, sets.compose(store.time, later)))
        return reach

    def folded(self, reader: Unit, atomic: Unit, reach: Map, start: Term) -> Term:
        """The fold of the atomic's contributions over the instances that `reach` (reader -> atomic) gives."""
        sets, system = self.sets, self.program.system
        number = sum(n.startswith(f"{reader.name}_{atomic.name}_") for n in system.scopes)
        moved: dict[Dim | Sym, Affine] = {Dim(d): Affine.dim(f"{d}_1") for d in atomic.scope.dims}
        there = [f"{d}_1" for d in atomic.scope.dims]
        name = f"{reader.name}_{atomic.name}_{number}"
        child = system.scope(reader.scope.extend(name, there, atomic.scope.domain.substitute(moved)))
        back = [Affine.dim(d) for d in reader.scope.dims]
        to_reader = sets.map(name, child.dims, child.domain, reader.name, back)
        to_atomic = sets.map(name, child.dims, child.domain, atomic.name, [Affine.dim(d) for d in there])
        pairs = sets.domain(sets.restrict_range(sets.pair(to_reader, to_atomic), sets.wrap(reach)))
        system.scope_sets[name] = pairs
        fold, terms = self.program.accesses[atomic.name].access.fold, system.terms
        contribution = terms.ref(atomic.name, sets.restrict_domain(to_atomic, pairs), atomic.width)
        step = terms.op(fold, terms.hole(atomic.width), contribution)
        return terms.reduce(fold, sets.reverse(sets.restrict_domain(to_reader, pairs)), name, step, start)


def surely_before(a: Unit, b: Unit) -> bool:
    """By the kernel's top-level text alone."""
    return 0 <= a.position < b.position
