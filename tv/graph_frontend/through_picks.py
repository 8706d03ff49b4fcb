"""Picks from converted or scaled tables as conversions and products of picks: `Gather(Cast(table), ids)` is `Cast(Gather(table, ids))`.

A kernel reads the table as it is stored, and computes on what it has read. Only operations with one value wherever they are
computed: an addition of floats has the order and the fusions of its own tensor, and stays there (S15).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from tv.sets import Affine, Dim, Sym
from tv.system import System
from tv.term import Term, op_head, op_type

_EXACT = ("cvt", "fmul", "fneg", "fabs", "select", "eq", "slt", "sle", "ult", "ule", "feq", "flt", "fle")
_INTEGER = re.compile(r"i\d+")
_MOST = 64  # terms of a table's value


def push_through_picks(system: System, supposed: Collection[int]) -> None:
    """Rewrites the tensors whose value is such a pick. supposed: ids of terms of which a reading takes something for granted."""
    for unit in system.units.values():
        t = unit.value
        if t.kind == "pick" and t.args[0].kind == "ref" and t.id not in system.winners:
            pushed = _Pick(system, t, supposed).value(t.args[0])
            unit.value = t if pushed is None else pushed


class _Pick:
    def __init__(self, system: System, pick: Term, supposed: Collection[int]) -> None:
        self.system, self.pick, self.supposed = system, pick, supposed
        self.child = system.scopes[pick.scope]
        self.parent = system.scopes[system.sets.source_name(pick.embedding())]
        self.own = set(self.child.dims[len(self.parent.dims) :])

    def value(self, ref: Term) -> Term | None:
        """What is picked where `ref`, a term of the pick's child scope, refers to an operation; None for any other tensor."""
        source = self.system.units[ref.name]
        if source.value.kind != "op" or not _movable(source.value, self.supposed):
            return None
        at = self.system.indices[ref.id]
        return self._moved(source.value, dict(zip(source.scope.dims, at, strict=True)))

    def _moved(self, t: Term, at: dict[str, Affine]) -> Term:
        """A term of a tensor's scope, at the picked element."""
        if t.kind == "const":
            return t
        if t.kind == "ref":
            return self._reference(t, at)
        args = tuple(self._moved(a, at) for a in t.args)
        return self.system.terms.op(t.name, *args, attr=t.attr, width=t.width)

    def _reference(self, t: Term, at: dict[str, Affine]) -> Term:
        where: dict[Dim | Sym, Affine] = {Dim(d): a for d, a in at.items()}
        index = [a.substitute(where) for a in self.system.indices[t.id]]
        if not any(isinstance(x, Dim) and x.name in self.own for a in index for x in a.atoms()):
            return self.system.ref(self.parent, t.name, index)
        inner = self.system.ref(self.child, t.name, index)
        further = self.value(inner)
        if further is not None:
            return further
        make, p = self.system.terms.make, self.pick
        return make("pick", args=(inner, *p.args[1:]), map=p.map, scope=p.scope, width=t.width)


def _movable(root: Term, supposed: Collection[int]) -> bool:
    """Exact operations on references and constants."""
    todo, count = [root], 0
    while todo:
        t = todo.pop()
        count += 1
        exact = t.kind == "op" and (op_head(t) in _EXACT or _INTEGER.fullmatch(op_type(t.name)) is not None)
        if count > _MOST or t.id in supposed or not (exact or t.kind in ("ref", "const")):
            return False
        todo += t.args
    return True
