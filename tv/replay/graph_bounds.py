"""Runs a graph at single elements: what its value may be in every order and every contraction of its sums.

Elements are evaluated on demand: a reduction's contributions on a grid (steps, points) whose index arithmetic is done along
its edges, and only those tensors whole of which a good part is read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.arithmetic import signed
from tv.diagnostic import BadInput, Unknown, Unsupported
from tv.graph import Graph
from tv.graph_frontend.elements import BY_LABEL
from tv.replay.distinct import distinct
from tv.replay.enclosure import EXTREMES, SUMS, operation
from tv.replay.graph_values import small, wrapped
from tv.replay.open_bits import as_bits, format_read, formats_made
from tv.replay.pieces import either, full, joined
from tv.replay.precision import PRECISION
from tv.replay.reducing import more, reduced
from tv.replay.sums import Sum, Value, settled
from tv.replay.supposed import require
from tv.sets import Affine, Formula
from tv.sets.affine import Dim, Parity, Product, Quotient
from tv.symexec.threads.roles import is_role
from tv.system import Unit
from tv.term import Term

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Inputs = Callable[[str, Sequence[Ints]], Value]
Shape = tuple[int, ...]
CHUNK = 1 << 18  # elements evaluated at once
SPARSE = 4  # a tensor of which less than this share (1 / SPARSE) is needed is not computed whole


class GraphBounds:
    """symbols: a value for each open size. inputs(unit, index arrays that broadcast): a free tensor's elements.

    free_zero: after an evaluation, whether some zero may have either sign. deadline: of `time.monotonic()`; an evaluation
    that passes it ends in Unknown (TV0734).
    """

    def __init__(self, graph: Graph, symbols: Mapping[str, int], inputs: Inputs, deadline: float | None = None) -> None:
        missing = {s for s in graph.system.sets.symbols if not is_role(s)} - set(symbols)
        if missing:
            raise BadInput("TV0741", f"no value for the open size `{min(missing)}`")
        self.system, self.symbols, self.inputs, self.deadline = graph.system, dict(symbols), inputs, deadline
        self.supposed = graph.supposed
        self.free_zero = False
        self._whole: dict[tuple[str, int | None], Value] = {}
        self._made: dict[int, frozenset[str]] = {}  # of terms

    def at(self, unit: str, points: Ints) -> Value:
        """Elements at points [n, rank] (the layer first in a rolled unit): arrays [n], the sums' roundings in their radius."""
        index, u = [points[:, d] for d in range(points.shape[1])], self.system.units[unit]
        return settled(self.taken(u.value, full(self.read(unit, index, (len(points),)), (len(points),)), u.format))

    def taken(self, t: Term, v: Value, label: str | None) -> Value:
        """The value of a term as one sees it who takes it for a float of format `label`, or an integer (""); None: who moves it."""
        if t.id not in self._made:
            self._made[t.id] = formats_made(self.system.units, t)
        other = () if label is None else self._made[t.id] - {label}
        return as_bits(v, other, self.free_zero) if other else v

    def hurry(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Unknown("TV0734", "evaluating the graph takes too long")

    # -------------------------------------------------------------- units
    def extents(self, unit: str) -> Shape:
        return tuple(int(self.affine(e, {})) for e in self.system.units[unit].shape)

    def read(self, unit: str, index: Sequence[Ints], shape: Shape) -> Value:
        """Elements at index arrays that broadcast to `shape`."""
        u, extents = self.system.units[unit], self.extents(unit)
        for d, i in enumerate(index):
            if i.size and not (0 <= int(i.min()) and int(i.max()) < extents[d]):
                raise IndexError(f"index {int(i.min())} .. {int(i.max())} in dimension {d} of {unit}{list(extents)}")
        if u.value.kind == "input":
            return self.inputs(unit, index)
        if not _rolled(u):
            return self._elements(u, None, index, extents, shape)
        layers = index[0]
        if layers.size and int(layers.min()) == int(layers.max()):
            return self._elements(u, int(layers.flat[0]), index[1:], extents[1:], shape)
        flat = [np.broadcast_to(i, shape).reshape(-1) for i in index]
        pieces = []
        for layer in distinct(flat[0]):
            mask = flat[0] == layer
            rest = [i[mask] for i in flat[1:]]
            n = int(mask.sum())
            pieces.append((mask, full(self._elements(u, int(layer), rest, extents[1:], (n,)), (n,))))
        return joined(pieces, math.prod(shape)).map(lambda a: a.reshape(shape))

    def _elements(self, u: Unit, layer: int | None, index: Sequence[Ints], extents: Shape, shape: Shape) -> Value:
        linear = np.zeros((1,) * len(shape), np.int64)
        for extent, i in zip(extents, index, strict=True):
            linear = linear * extent + i
        key, size = (u.name, layer), math.prod(extents)
        if key in self._whole or linear.size * SPARSE >= size:
            return self.whole(key).map(lambda a: a[linear])
        points, back = np.unique(linear.reshape(-1), return_inverse=True)
        found = self._some(u, layer, extents, points)
        return found.map(lambda a: a[back].reshape(linear.shape))

    def whole(self, key: tuple[str, int | None]) -> Value:
        """All elements of a unit, or of one layer of a rolled unit, row-major; what they need first, without recursion."""
        stack = [key]
        while stack:
            top = stack[-1]
            todo = [] if top in self._whole else [d for d in self._dependencies(top) if d not in self._whole]
            if todo:
                if len(stack) > 1_000_000:
                    raise RuntimeError(f"tensors depend on each other: {top}")
                stack.extend(todo)
                continue
            stack.pop()
            if top not in self._whole:
                extents = self._inner(top[0])
                self._whole[top] = self._some(self.system.units[top[0]], top[1], extents, np.arange(math.prod(extents)))
        return self._whole[key]

    def _inner(self, unit: str) -> Shape:
        """Extents of a unit, or of one layer of it."""
        return self.extents(unit)[1 if _rolled(self.system.units[unit]) else 0 :]

    def _dependencies(self, key: tuple[str, int | None]) -> Iterator[tuple[str, int | None]]:
        """The units that are read densely; sparse reads are made when they are met."""
        mine = math.prod(self._inner(key[0]))
        env = {} if key[1] is None else {"layer": np.array([key[1]], np.int64)}
        for t in _terms(self.system.units[key[0]].value):
            if t.kind != "ref" or math.prod(self._inner(t.name)) > SPARSE * max(mine, CHUNK // 4):
                continue
            u = self.system.units[t.name]
            if u.value.kind == "input":
                continue
            if not _rolled(u):
                yield t.name, None
                continue
            other = int(np.max(self.affine(self.system.indices[t.id][0], env)))
            if 0 <= other < self.extents(t.name)[0]:  # else the arm of a case that this layer does not take
                yield t.name, other

    def _some(self, u: Unit, layer: int | None, extents: Shape, linear: Ints) -> Value:
        """Elements at row-major positions."""
        pieces = []
        for start in range(0, len(linear), CHUNK):
            some = linear[start : start + CHUNK]
            index = [np.asarray(i, np.int64) for i in np.unravel_index(some, extents)] if extents else []
            if layer is not None:
                index.insert(0, np.array([layer], np.int64))
            shape = (len(some),)
            grid = _Grid(self, u, dict(zip(u.scope.dims, index, strict=True)), shape)
            pieces.append((np.s_[start : start + len(some)], full(grid.value(u.value), shape)))
        return pieces[0][1] if len(pieces) == 1 else joined(pieces, len(linear))

    # -------------------------------------------------------------- index arithmetic
    def affine(self, a: Affine, env: Mapping[str, Ints]) -> Ints:
        """An index expression modulo 2^64, of the shape that its dimensions broadcast to."""
        out = np.asarray(wrapped(a.const), np.int64)
        for atom, c in a.terms:
            if isinstance(atom, Quotient):
                v: Any = self.affine(small(atom.numerator), env) // atom.denominator
            elif isinstance(atom, Parity):
                v = self.affine(small(atom.numerator), env) % 2
            elif isinstance(atom, Dim):
                v = env[atom.name]
            elif isinstance(atom, Product):
                rest = Affine.of(1) if atom.rest is None else Affine.atom(atom.rest)
                v = self.affine(rest, env) * math.prod(self.symbols[s] for s in atom.symbols)
            else:
                v = np.int64(self.symbols[atom.name])
            out = out + np.int64(wrapped(c)) * v
        return np.asarray(out, np.int64)

    def formula(self, f: Formula, env: Mapping[str, Ints]) -> Truths:
        match f.op:
            case "true" | "false":
                return np.asarray(f.op == "true")
            case "ge" | "eq" if f.affine is not None:
                v = self.affine(f.affine, env)
                return np.asarray(v >= 0 if f.op == "ge" else v == 0)
            case "and" | "or":
                combine = np.logical_and if f.op == "and" else np.logical_or
                out = self.formula(f.args[0], env)
                for g in f.args[1:]:
                    out = combine(out, self.formula(g, env))
                return out
            case "not":
                return np.asarray(~self.formula(f.args[0], env))
            case _:
                raise Unsupported("TV0743", f"formula `{f.op}`")


class _Grid:
    """Evaluation of one unit's terms where its scope's dimensions have the values `env`, arrays that broadcast to `shape`."""

    def __init__(self, bounds: GraphBounds, unit: Unit, env: Mapping[str, Ints], shape: Shape) -> None:
        self.b, self.unit, self.shape = bounds, unit, shape
        self.env = {d: i.reshape((1,) * (len(shape) - i.ndim) + i.shape) for d, i in env.items()}
        self.memo: dict[int, Value] = {}

    def value(self, t: Term) -> Value:
        if t.id not in self.memo:
            self.b.hurry()
            self.memo[t.id] = self._value(t)
            if t.id in self.b.supposed:
                label = BY_LABEL[self.b.supposed[t.id].label].op
                seen = self.b.taken(t, self.memo[t.id], label if label in PRECISION else "")
                require(self.b.supposed[t.id], seen, lambda a: int(self.b.affine(a, {})))
        return self.memo[t.id]

    def _value(self, t: Term) -> Value:
        system = self.b.system
        match t.kind:
            case "const":
                return Value(np.full((1,) * len(self.shape), t.bits, np.uint64))
            case "op":
                args = [self.value(a) for a in t.args]
                self.b.free_zero |= t.name.partition(".")[0] in EXTREMES
                seen = [
                    self.b.taken(a, v, format_read(t.name, k))
                    for k, (a, v) in enumerate(zip(t.args, args, strict=True))
                ]
                return operation(t.name, seen, self.b.free_zero)
            case "ref" | "input":
                return self.b.read(t.name, [self._at(a) for a in system.indices[t.id]], self.shape)
            case "index":
                return Value(self._at(system.indices[t.id][0]).view(np.uint64) & np.uint64((1 << t.width) - 1))
            case "case":
                return self._case(t)
            case "reduce":
                return self._reduce(t)
            case "pick":
                return self._pick(t)
            case _:
                raise Unsupported("TV0743", f"a graph's term of kind `{t.kind}`")

    def _at(self, a: Affine) -> Ints:
        v = self.b.affine(a, self.env)
        return v.reshape((1,) * (len(self.shape) - v.ndim) + v.shape)

    def _case(self, t: Term) -> Value:
        holds = [self.b.formula(c, self.env) for c in self.b.system.conditions[t.id]]
        met = sum(np.broadcast_to(h, self.shape).astype(np.int64) if h.size > 1 else h.astype(np.int64) for h in holds)
        if not (np.asarray(met) == 1).all():
            raise RuntimeError(f"the pieces of a case of {self.unit.name} do not partition its domain")
        for h, arm in zip(holds, t.args, strict=True):
            if h.all():
                return self.value(arm)
        pieces = []
        for h, arm in zip(holds, t.args, strict=True):
            mask = np.broadcast_to(h, self.shape).reshape(-1)
            n = int(mask.sum())
            if n:
                env = {d: np.broadcast_to(i, self.shape).reshape(-1)[mask] for d, i in self.env.items()}
                pieces.append((mask, full(_Grid(self.b, self.unit, env, (n,)).value(arm), (n,))))
        return joined(pieces, math.prod(self.shape)).map(lambda a: a.reshape(self.shape))

    def _pick(self, t: Term) -> Value:
        child = self.b.system.scopes[t.scope]
        env = dict(self.env)
        for d, chosen in zip(child.dims[-(len(t.args) - 1) :], t.args[1:], strict=True):
            at = settled(self.b.taken(chosen, self.value(chosen), ""))
            if not at.certain:
                raise Unknown("TV0734", "an index hangs on a sum whose order is free")
            env[d] = signed(at.encoded(), 64)
        if not self.b.formula(child.domain, env).all():
            raise BadInput("TV0742", f"an index that is data is out of range at {self.unit.tensor}")
        return _Grid(self.b, self.unit, env, self.shape).value(t.args[0])

    # -------------------------------------------------------------- reductions
    def _reduce(self, t: Term) -> Value:
        child, step = self.b.system.scopes[t.scope], t.args[0]
        inner = [d for d in child.dims if d not in self.env]
        holes = [k for k, a in enumerate(step.args) if a.kind == "hole"]
        if step.kind != "op" or len(holes) != 1 or len(step.args) != 2:
            raise Unsupported("TV0743", f"a reduction of {self.unit.name} whose step is not one operation")
        extents = [self._extent(child.domain, d) for d in inner]
        steps, points = math.prod(extents), math.prod(self.shape)
        total = self.b.taken(t.args[1], self.value(t.args[1]), format_read(step.name, 0))
        head = step.name.partition(".")[0]
        self.b.free_zero |= step.name in SUMS or head in EXTREMES
        if step.name in SUMS and t.args[1].kind == "const" and t.args[1].bits == 0:
            nothing = np.zeros((1,) * len(self.shape))
            total = Value(None, nothing, step.name.partition(".")[2], sum=Sum(nothing, math.inf, nothing))
        block = max(1, CHUNK // max(1, points))
        for start in range(0, steps if points else 0, block):
            stretch = np.arange(start, min(start + block, steps))
            index = np.unravel_index(stretch, extents) if extents else ()
            env = {d: i[None] for d, i in self.env.items()}
            env |= {
                d: np.asarray(i, np.int64).reshape((-1,) + (1,) * len(self.shape))
                for d, i in zip(inner, index, strict=True)
            }
            shape = (len(stretch), *self.shape)
            present = np.broadcast_to(self.b.formula(child.domain, env), shape)
            grid = _Grid(self.b, self.unit, env, shape)
            total = self._fold(step, holes[0], total, grid, None if present.all() else present)
        return total

    def _fold(self, step: Term, hole: int, total: Value, grid: _Grid, present: Truths | None) -> Value:
        """`total` with a stretch of contributions; present: where there are any."""
        head, _, label = step.name.partition(".")
        term = step.args[1 - hole]
        if present is not None:
            terms = self._where_present(grid, term, present)
        else:
            terms = full(grid.value(term), grid.shape)
        terms = self.b.taken(term, terms, format_read(step.name, 1 - hole))
        if step.name in SUMS and (head == "fadd" or hole == 0):
            return more(label, total, terms, -1.0 if head == "fsub" else 1.0)
        best = reduced(step.name, settled(terms), present)
        if best is not None:
            return operation(step.name, [total, best], self.b.free_zero)
        for k in range(grid.shape[0]):
            one = terms.map(itemgetter(k))
            new = operation(step.name, [one, total] if hole else [total, one], self.b.free_zero)
            total = (
                new
                if present is None
                else either(present[k], settled(full(new, self.shape)), settled(full(total, self.shape)))
            )
        return total

    def _where_present(self, grid: _Grid, term: Term, present: Truths) -> Value:
        mask = present.reshape(-1)
        env = {d: np.broadcast_to(i, grid.shape).reshape(-1)[mask] for d, i in grid.env.items()}
        n = int(mask.sum())
        found = full(_Grid(self.b, self.unit, env, (n,)).value(term), (n,))
        return joined([(mask, found)], mask.size).map(lambda a: a.reshape(grid.shape))

    def _extent(self, domain: Formula, dim: str) -> int:
        """One more than the largest value of a reduction's dimension at these points."""
        for f in domain.args if domain.op == "and" else (domain,):
            if f.op == "ge" and f.affine is not None:
                c = {a.key: k for a, k in f.affine.terms}.get("d" + dim)
                if c == -1:
                    return max(0, int(self._at(f.affine + Affine.dim(dim)).max(initial=-1)) + 1)
        raise Unsupported("TV0743", f"dimension {dim} of a reduction of {self.unit.name} has no bound")


def _rolled(u: Unit) -> bool:
    return bool(u.scope.dims) and u.scope.dims[0] == "layer"


def _terms(root: Term) -> Iterator[Term]:
    seen, todo = {root.id}, [root]
    while todo:
        t = todo.pop()
        yield t
        for a in t.args:
            if a.id not in seen:
                seen.add(a.id)
                todo.append(a)
