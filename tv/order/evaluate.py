"""A graph evaluated in a certificate's order: every sum that a kernel adds in an order of its own is added in that order.

Where the summands lie hangs on the open sizes at most (`plan`); what the sums are, on the inputs (`nodes`). Plans that are small are
kept: a sum that no open size moves is laid out once for all inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tv.diagnostic import BadInput
from tv.order.masked import NOTHING_MASKED, Masked
from tv.order.places import rewritten, term_at_place
from tv.order.plan import Layout, Plan, Source
from tv.order.program import Order
from tv.replay.graph_values import Bits, GraphValues, Ints, Truths
from tv.sets.numeric import Ranges, point_map, point_set
from tv.sets.points import Points
from tv.system import System
from tv.term import Term

MOST_BYTES = 1 << 28  # of all plans that are kept


class Sums:
    """The orders of a graph's sums and what is masked in it, ready for any inputs. ranges: of the open sizes that evaluations will
    have. Raises BadInput where an order is not about this graph."""

    def __init__(
        self, system: System, orders: Iterable[Order], ranges: Ranges, masked: Masked = NOTHING_MASKED
    ) -> None:
        self.masked, kept = masked, Kept()
        self.left = [(u, left) for u in system.units.values() if (left := masked.left(u.value)) is not None]
        self.by_term: dict[int, tuple[Term, list[Sum]]] = {}
        self.rewritten: list[tuple[str, Term, Term]] = []
        for o in orders:
            if o.scope not in system.scopes:
                raise BadInput("TV0655", f"an order of `{o.op}` over `{o.scope}`")
            t = term_at_place(system, o.place, masked)
            source = Source(
                system,
                o,
                lambda place: term_at_place(system, place, masked),
                lambda text: point_map(text, ranges),
                lambda text: point_set(text, ranges),
            )
            self.by_term.setdefault(t.id, (t, []))[1].append(Sum(source, kept))
            self.rewritten += rewritten(system, o, masked)

    def use(self, values: GraphValues) -> None:
        """From now on `values` adds as the orders say, without what is masked."""
        for u, known in self.left:
            values.overrides[u.value.id] = Left(values, u.name, u.value, known.term)
        values.partial = self.masked.added
        for unit, before, after in self.rewritten:  # evaluated as rewritten
            values.overrides[before.id] = lambda env, n, plain, unit=unit, t=after: values.term_at(unit, t, env, n)  # type: ignore[misc]
        for id, (_, sums) in self.by_term.items():
            values.overrides[id] = Ordered(values, tuple(sums))


@dataclass(slots=True)
class Left:
    """A tensor's value without what a mask takes out; in cases of which one may be the tensor's value as the graph has it."""

    values: GraphValues
    unit: str
    before: Term
    after: Term

    def __call__(self, env: Mapping[str, Ints], n: int, plain: Callable[[Truths], Bits]) -> Bits:
        if self.before not in self.after.args:
            return self.values.term_at(self.unit, self.after, env, n)
        out = np.zeros(n, np.uint64)
        conditions = self.values.system.conditions[self.after.id]
        for condition, arm in zip(conditions, self.after.args, strict=True):
            mask = self.values.formula(condition, env, n)
            here = {d: i[mask] for d, i in env.items()}
            if mask.any():
                count = int(mask.sum())
                out[mask] = plain(mask) if arm is self.before else self.values.term_at(self.unit, arm, here, count)
        return out


@dataclass(slots=True)
class Ordered:
    """One sum of the graph: the first order that has an instance adds it; what none has is added as the graph stands."""

    values: GraphValues
    sums: tuple[Sum, ...]

    def __call__(self, env: Mapping[str, Ints], n: int, plain: Callable[[Truths], Bits]) -> Bits:
        out, open_ = np.zeros(n, np.uint64), np.arange(n)
        for s in self.sums:
            found, plan = s.plan(
                {d: i[open_] if len(open_) < n else i for d, i in env.items()}, len(open_), self.values
            )
            if plan is None:
                continue
            out[open_[found]] = plan.run(self.values, s.kind)
            open_ = open_[~found]
            if not len(open_):
                return out
        mask = np.zeros(n, np.bool_)
        mask[open_] = True
        if mask.any():
            out[mask] = plain(mask)
        return out


@dataclass(slots=True)
class Kept:
    bytes: int = 0


class Sum:
    """One order, and its plans."""

    def __init__(self, source: Source, kept: Kept) -> None:
        self.source, self.kind = source, source.order.op.split(".")[1]
        self._dims = source.system.scopes[source.order.scope].dims
        self._choose = source.map(source.order.choose)
        self._kept, self._plans = kept, dict[tuple[tuple[int, ...], tuple[bytes, ...]], tuple[Truths, Plan | None]]()

    def plan(self, env: Mapping[str, Ints], n: int, values: GraphValues) -> tuple[Truths, Plan | None]:
        """Which of n instances of the sum's scope the order has, and how it adds them; None where it has none."""
        columns, symbols = [env[d] for d in self._dims], values.symbols
        key = (
            tuple(symbols[s] for s in self.source.symbols if s in symbols),
            (n.to_bytes(8, "little"), *(c.tobytes() for c in columns)),
        )
        known = self._plans.get(key)
        if known is None:
            points = Points.along(columns, n)
            instances, found = self._choose.image(points, symbols)
            found = np.broadcast_to(found, points.shape)
            known = found, (Layout(self.source, symbols).plan(instances.only(found)) if found.any() else None)
            size = len(key[1][0]) + sum(map(len, key[1])) + n + (0 if known[1] is None else known[1].bytes)
            if self._kept.bytes + size <= MOST_BYTES:
                self._kept.bytes += size
                self._plans[key] = known
        return known
