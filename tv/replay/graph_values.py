"""Runs a graph on numbers: the system's units evaluated with numpy at given sizes, bit for bit.

Whole tensors are computed once each, a rolled unit layer by layer; single elements of a huge graph can be asked for alone.
Sums run in the order of the reduction's dimensions, or as a hook says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.arithmetic import Functions, apply, signed
from tv.diagnostic import BadInput, Unknown, Unsupported
from tv.graph import Graph
from tv.sets import Affine, Formula
from tv.sets.affine import Dim, Quotient, Sym
from tv.symexec.threads.roles import is_role
from tv.system import Unit
from tv.term import Term

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Inputs = Callable[[str, Sequence[Ints]], Bits]
CHUNK = 1 << 20  # elements evaluated at once
SPARSE = 4  # a tensor of which less than this share (1 / SPARSE) is needed is not computed whole


@dataclass(frozen=True, slots=True)
class Fold:
    """A reduction at n points: `op` applied to `init` [n] and the contributions [steps, n] in ascending order.

    present [steps, n]: where a step exists at all (sums whose length depends on the point). factors: of products, both sides.
    """

    unit: str
    op: str
    points: Ints
    init: Bits
    contributions: Bits
    present: Truths | None
    factors: tuple[Bits, Bits] | None


Order = Callable[[Fold], Bits]
# How a term is evaluated instead of as it stands: from the values of its scope's dimensions, the number of points, and the
# plain evaluation at those of them that a mask chooses.
Override = Callable[[Mapping[str, Ints], int, Callable[[Truths], Bits]], Bits]


class GraphValues:
    """symbols: a value for each open size. inputs(unit, index arrays, one a dimension): bits of a free tensor's elements.

    orders: unit -> how its reduction is folded; others ascend with one accumulator.
    overrides: term id -> another way to evaluate that term, wherever it is met. functions: asked first for every operation.
    """

    def __init__(
        self,
        graph: Graph,
        symbols: Mapping[str, int],
        inputs: Inputs,
        orders: Mapping[str, Order] | None = None,
        functions: Functions | None = None,
    ) -> None:
        missing = {s for s in graph.system.sets.symbols if not is_role(s)} - set(symbols)
        if missing:
            raise BadInput("TV0741", f"no value for the open size `{min(missing)}`")
        self.graph, self.system, self.symbols, self.inputs = graph, graph.system, dict(symbols), inputs
        self.orders, self.functions = dict(orders or {}), functions
        self.overrides: dict[int, Override] = {}
        self.partial: frozenset[str] = frozenset()  # units with values on their domain alone, not on all of their shape
        self._whole: dict[tuple[str, int | None], Bits] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    # -------------------------------------------------------------- questions
    def shape(self, unit: str) -> tuple[int, ...]:
        """Extents of a unit, its layer dimension included."""
        if unit not in self._shapes:
            self._shapes[unit] = tuple(int(self._affine(e, {}, 1)[0]) for e in self.system.units[unit].shape)
        return self._shapes[unit]

    def tensor(self, unit: str) -> Bits:
        """All elements, as bits, in the unit's shape."""
        u = self.system.units[unit]
        if not _rolled(u):
            return self._slice((unit, None))
        return np.stack([self._slice((unit, layer)) for layer in range(self.shape(unit)[0])])

    def output(self, name: str) -> Bits:
        """A graph output (or input) by name, in its own shape."""
        info = self.graph.outputs.get(name) or self.graph.inputs[name]
        return self._slice((info.unit, info.layer))

    def values_at(self, unit: str, points: npt.ArrayLike) -> Bits:
        """Elements at points [n, rank] (the layer first in a rolled unit), as bits [n]."""
        at, rank = np.asarray(points, np.int64), len(self.shape(unit))
        at = at.reshape(-1, rank) if rank else at.reshape(len(at), 0)
        return self._read(unit, [at[:, d] for d in range(at.shape[1])])

    def term_at(self, unit: str, t: Term, env: Mapping[str, Ints], n: int) -> Bits:
        """A term of a unit's value at n points of its scope: env gives the scope's dimensions."""
        return _Points(self, self.system.units[unit], env, n).value(t)

    def affine(self, a: Affine, env: Mapping[str, Ints], n: int) -> Ints:
        """An index expression at n points."""
        return self._affine(a, env, n)

    # -------------------------------------------------------------- whole tensors
    def _slice(self, key: tuple[str, int | None]) -> Bits:
        """A unit, or one layer of a rolled unit; what it needs first, without recursion."""
        stack = [key]
        while stack:
            top = stack[-1]
            if top in self._whole:
                stack.pop()
                continue
            todo = [d for d in self._dependencies(top) if d not in self._whole]
            if todo:
                if len(stack) > 1_000_000:
                    raise RuntimeError(f"tensors depend on each other: {top}")
                stack.extend(todo)
                continue
            self._whole[top] = self._compute(top)
            stack.pop()
        return self._whole[key]

    def _dependencies(self, key: tuple[str, int | None]) -> list[tuple[str, int | None]]:
        """The slices whose elements are read densely; sparse reads are made when they are met."""
        name, layer = key
        out: list[tuple[str, int | None]] = []
        mine = self._slice_size(name)
        env = {} if layer is None else {"layer": np.array([layer], np.int64)}
        for t in _terms(self.system.units[name].value):
            if t.kind != "ref" or self._slice_size(t.name) > SPARSE * max(mine, CHUNK // 16):
                continue
            other: int | None = None
            if _rolled(self.system.units[t.name]):
                other = int(self._affine(self.system.indices[t.id][0], env, 1)[0])
                if not 0 <= other < self.shape(t.name)[0]:
                    continue  # the arm of a case that this layer does not take
            out.append((t.name, other))
        return out

    def _slice_size(self, unit: str) -> int:
        shape = self.shape(unit)
        return int(np.prod(shape[1:] if _rolled(self.system.units[unit]) else shape, dtype=object))

    def _compute(self, key: tuple[str, int | None]) -> Bits:
        name, layer = key
        u = self.system.units[name]
        shape = self.shape(name)[0 if layer is None else 1 :]
        total = int(np.prod(shape, dtype=np.int64))
        out = np.zeros(total, np.uint64)
        for start in range(0, total, CHUNK):
            flat = np.arange(start, min(start + CHUNK, total))
            index = [np.asarray(i, np.int64) for i in np.unravel_index(flat, shape)] if shape else []
            if layer is not None:
                index.insert(0, np.full(len(flat), layer, np.int64))
            out[start : start + len(flat)] = self._evaluate(u, index, len(flat))
        return out.reshape(shape)

    # -------------------------------------------------------------- elements
    def _evaluate(self, u: Unit, index: Sequence[Ints], n: int) -> Bits:
        here = _Points(self, u, dict(zip(u.scope.dims, index, strict=True)), n)
        if u.name not in self.partial:
            return here.value(u.value)
        out, known = np.zeros(n, np.uint64), self.formula(u.scope.domain, here.env, n)
        out[known] = here.part(known).value(u.value)
        return out

    def _read(self, unit: str, index: Sequence[Ints], n: int | None = None) -> Bits:
        """Elements at index arrays: from computed slices where they are, else these elements alone, each once."""
        u, shape = self.system.units[unit], self.shape(unit)
        count = len(index[0]) if index else (1 if n is None else n)
        for d, i in enumerate(index):
            if count and not (0 <= int(i.min()) and int(i.max()) < shape[d]):
                raise IndexError(f"index {int(i.min())} .. {int(i.max())} in dimension {d} of {unit}{list(shape)}")
        if u.value.kind == "input":
            return np.asarray(self.inputs(unit, index), np.uint64)
        if not _rolled(u):
            if (unit, None) in self._whole or count * SPARSE >= self._slice_size(unit):
                return self._slice((unit, None))[tuple(index)] if index else np.repeat(self._slice((unit, None)), count)
            return self._alone(u, index)
        out = np.zeros(count, np.uint64)
        for layer in np.unique(index[0]):
            mask = index[0] == layer
            rest = [i[mask] for i in index[1:]]
            if (unit, int(layer)) in self._whole or int(mask.sum()) * SPARSE >= self._slice_size(unit):
                out[mask] = self._slice((unit, int(layer)))[tuple(rest)]
            else:
                out[mask] = self._alone(u, [index[0][mask], *rest])
        return out

    def _alone(self, u: Unit, index: Sequence[Ints]) -> Bits:
        points, back = np.unique(np.stack(index, axis=1), axis=0, return_inverse=True)
        out = np.zeros(len(points), np.uint64)
        for start in range(0, len(points), CHUNK):
            part = points[start : start + CHUNK]
            out[start : start + len(part)] = self._evaluate(u, [part[:, d] for d in range(points.shape[1])], len(part))
        return out[back.reshape(-1)]

    # -------------------------------------------------------------- index arithmetic
    def _affine(self, a: Affine, env: Mapping[str, Ints], n: int) -> Ints:
        out = np.full(n, wrapped(a.const), np.int64)
        for atom, c in a.terms:
            if isinstance(atom, Quotient):
                v: Any = self._affine(small(atom.numerator), env, n) // atom.denominator
            elif isinstance(atom, Dim):
                v = env[atom.name]
            elif isinstance(atom, Sym):
                v = np.int64(self.symbols[atom.name])
            else:
                raise TypeError(f"`{atom}` as an index of a graph")
            out = out + np.int64(wrapped(c)) * v
        return out

    def formula(self, f: Formula, env: Mapping[str, Ints], n: int) -> Truths:
        match f.op:
            case "true" | "false":
                return np.full(n, f.op == "true")
            case "ge" | "eq" if f.affine is not None:
                v = self._affine(f.affine, env, n)
                return v >= 0 if f.op == "ge" else v == 0
            case "and" | "or":
                parts = [self.formula(g, env, n) for g in f.args]
                return np.asarray(np.logical_and.reduce(parts) if f.op == "and" else np.logical_or.reduce(parts))
            case "not":
                return ~self.formula(f.args[0], env, n)
            case _:
                raise Unsupported("TV0743", f"formula `{f.op}`")


class _Points:
    """Evaluation of one unit's terms at n points: env gives the scope's dimensions."""

    def __init__(self, values: GraphValues, unit: Unit, env: Mapping[str, Ints], n: int) -> None:
        self.v, self.unit, self.env, self.n = values, unit, dict(env), n
        self.memo: dict[int, Bits] = {}

    def value(self, t: Term) -> Bits:
        if t.id not in self.memo:
            other = self.v.overrides.get(t.id)
            self.memo[t.id] = (
                self._value(t) if other is None else other(self.env, self.n, lambda mask: self.part(mask)._value(t))
            )
        return self.memo[t.id]

    def _value(self, t: Term) -> Bits:
        indices = self.v.system.indices
        match t.kind:
            case "const":
                return np.full(self.n, t.bits, np.uint64)
            case "op":
                args = [self.value(a) for a in t.args]
                own = None if self.v.functions is None else self.v.functions(t.name, args)
                return apply(t.name, args) if own is None else own
            case "ref" | "input":
                return self.v._read(t.name, [self._at(a) for a in indices[t.id]], self.n)
            case "index":
                return self._at(indices[t.id][0]).view(np.uint64) & np.uint64((1 << t.width) - 1)
            case "case":
                return self._case(t)
            case "reduce":
                return self._reduce(t)
            case "pick":
                return self._pick(t)
            case _:
                raise Unsupported("TV0743", f"a graph's term of kind `{t.kind}`")

    def _at(self, a: Affine) -> Ints:
        return self.v._affine(a, self.env, self.n)

    def part(self, mask: Truths) -> _Points:
        return _Points(self.v, self.unit, {d: i[mask] for d, i in self.env.items()}, int(mask.sum()))

    def _case(self, t: Term) -> Bits:
        out, met = np.zeros(self.n, np.uint64), np.zeros(self.n, np.int64)
        for condition, arm in zip(self.v.system.conditions[t.id], t.args, strict=True):
            mask = self.v.formula(condition, self.env, self.n)
            met += mask
            if mask.any():
                out[mask] = self.part(mask).value(arm)
        if (met != 1).any():
            raise RuntimeError(f"the pieces of a case of {self.unit.name} do not partition its domain")
        return out

    def _pick(self, t: Term) -> Bits:
        child = self.v.system.scopes[t.scope]
        env = dict(self.env)
        for d, chosen in zip(child.dims[-(len(t.args) - 1) :], t.args[1:], strict=True):
            env[d] = signed(self.value(chosen), 64)
        inner = _Points(self.v, self.unit, env, self.n)
        if not self.v.formula(child.domain, env, self.n).all():
            raise BadInput("TV0742", f"an index that is data is out of range at {self.unit.tensor}")
        return inner.value(t.args[0])

    # -------------------------------------------------------------- reductions
    def _reduce(self, t: Term) -> Bits:
        child = self.v.system.scopes[t.scope]
        inner = [d for d in child.dims if d not in self.env]
        acc = self.value(t.args[1])
        if self.n == 0:
            return acc
        extents = [self._extent(child.domain, d) for d in inner]
        steps = int(np.prod(extents, dtype=np.int64))
        step = t.args[0]
        holes = [k for k, a in enumerate(step.args) if a.kind == "hole"]
        if step.kind != "op" or len(holes) != 1 or len(step.args) != 2:
            raise Unsupported("TV0743", f"a reduction of {self.unit.name} whose step is not one operation")
        order = self.v.orders.get(self.unit.name)
        block = steps if order is not None else max(1, CHUNK // self.n)
        for start in range(0, steps, max(block, 1)):
            fold = self._block(t, step, 1 - holes[0], inner, extents, range(start, min(start + block, steps)), acc)
            acc = order(fold) if order is not None else ascending(fold)
        return acc

    def _extent(self, domain: Formula, dim: str) -> int:
        """One more than the largest value of a reduction's dimension at these points."""
        for f in domain.args if domain.op == "and" else (domain,):
            if f.op == "ge" and f.affine is not None:
                c = {a.key: k for a, k in f.affine.terms}.get("d" + dim)
                if c == -1:
                    return max(0, int(self._at(f.affine + Affine.dim(dim)).max()) + 1)
        raise Unsupported("TV0743", f"dimension {dim} of a reduction of {self.unit.name} has no bound")

    def _block(
        self, t: Term, step: Term, which: int, inner: Sequence[str], extents: Sequence[int], steps: range, acc: Bits
    ) -> Fold:
        count = len(steps)
        env = {d: np.tile(i, count) for d, i in self.env.items()}
        for d, i in zip(inner, np.unravel_index(np.arange(steps.start, steps.stop), extents), strict=True):
            env[d] = np.repeat(np.asarray(i, np.int64), self.n)
        total = count * self.n
        present = self.v.formula(self.v.system.scopes[t.scope].domain, env, total)
        here = _Points(self.v, self.unit, env, total)
        whole = bool(present.all())
        points = here if whole else here.part(present)

        def spread(x: Bits) -> Bits:
            if whole:
                return x.reshape(count, self.n)
            out = np.zeros(total, np.uint64)
            out[present] = x
            return out.reshape(count, self.n)

        term = step.args[which]
        factors = None
        if self.unit.name in self.v.orders and term.kind == "op" and term.name.startswith("fmul."):
            factors = (spread(points.value(term.args[0])), spread(points.value(term.args[1])))
        return Fold(
            self.unit.name, step.name, np.stack([self.env[d] for d in self.env], axis=1) if self.env else np.zeros((self.n, 0), np.int64),
            acc, spread(points.value(term)), None if whole else present.reshape(count, self.n), factors,
        )  # fmt: skip


def ascending(f: Fold) -> Bits:
    """One accumulator, contributions in ascending order."""
    acc = f.init
    for k in range(f.contributions.shape[0]):
        new = apply(f.op, [acc, f.contributions[k]])
        acc = new if f.present is None else np.where(f.present[k], new, acc)
    return acc


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


def wrapped(n: int) -> int:
    """The signed 64 bits of an integer: numbers of which only a sum fits are added modulo 2^64."""
    return ((n + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def small(a: Affine) -> Affine:
    """What is divided has to be exact. Raises Unknown (TV0743) where its numbers leave 62 bits."""
    if any(abs(n) >> 62 for n in (a.const, *(c for _, c in a.terms))):
        raise Unknown("TV0743", "a quotient of integers beyond 64 bits")
    return a
