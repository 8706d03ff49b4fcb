"""Which stages stay: layout dissolves into maps of indices, elementwise work joins its consumer or its producer.

The rule of cost: a stage whose expression is free (`cost` 0: moves, widening casts, signs) is put into all its
consumers. One that costs something is put into its consumer only if it has one, and that computes it no more often
than the stage would, or it costs no more than CHEAP. What is left reads at one place of a reduction's result, and
nothing that may be later than that reduction, joins the reduction as the last thing it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from megac.expr import Rewriter, walk
from megac.index import Ranges
from megac.ir import Data, Expr, Index, Load, Program, Quotient, Remainder, Stage
from megac.passes.cost import by_data, cost, is_layout, short
from megac.passes.stages import (
    early_stages,
    inlined_origins,
    joined_origins,
    kept_names,
    live,
    put,
    reads,
    rewritten,
    work,
)
from megac.printing import index_key

CHEAP = 1


def readers(p: Program) -> dict[str, list[str]]:
    """For each tensor the stages that read it, each once."""
    out: dict[str, list[str]] = {}
    for s in p.stages:
        for name in dict.fromkeys(x.tensor for x in reads(s)):
            out.setdefault(name, []).append(s.name)
    return out


def _inlined(p: Program, chosen: Mapping[str, Stage] | None, users: Mapping[str, list[str]]) -> Program:
    """Stages put into what reads them: layout, or with `chosen` (which fills as stages are settled) by cost."""
    gone: dict[str, Stage] = {}
    original = {s.name: s for s in p.stages}
    keep = kept_names(p)
    out: list[Stage] = []

    def inline(x: Load, r: Ranges) -> Expr | None:
        return put(gone[x.tensor], x, r) if x.tensor in gone else None

    for s in p.stages:
        used = [gone[n] for n in dict.fromkeys(x.tensor for x in reads(s)) if n in gone]
        if used:
            s = inlined_origins(rewritten(s, inline=inline), used)
        dissolves = is_layout(s) if chosen is None else _joins(s, users.get(s.name, []), original)
        if dissolves:
            gone[s.name] = s
        if not dissolves or s.name in keep:
            out.append(s)
    return live(replace(p, stages=tuple(out)))


def dissolved(p: Program) -> Program:
    """Without layout: every load goes to where the element is."""
    return _inlined(p, None, {})


def joined(p: Program) -> Program:
    """With elementwise stages in their consumers, by the rule of cost."""
    return _inlined(p, {}, readers(p))


def _joins(s: Stage, users: list[str], stages: Mapping[str, Stage]) -> bool:
    if s.reduction is not None or not short(s.body):
        return False
    price = cost(s.body)
    if price == 0 and not by_data(s.body):
        return True
    if len(users) != 1:
        return False
    return price <= CHEAP or _times(s, stages[users[0]]) <= 1


def _times(s: Stage, user: Stage) -> float:
    """How often the user computes each element, on average."""
    total = 0
    for e in user.expressions:
        places = {tuple(map(index_key, x.index)) for x in walk(e) if isinstance(x, Load) and x.tensor == s.name}
        over = user.reduction.axes if user.reduction is not None and e is not user.body else ()
        total += len(places) * work((*user.axes, *over))
    return total / max(work(s.axes), 1)


# ------------------------------------------------------------------------------------------------ into a reduction
def absorbed_layout(p: Program) -> Program:
    """A reduction whose only reader moves its elements, one for one and without divisions, has the reader's axes."""
    return _absorbed(p, layout_only=True)


def absorbed(p: Program) -> Program:
    """A reduction's only reader, elementwise and at one place of it, is the last thing that the reduction does."""
    return _absorbed(p, layout_only=False)


def _absorbed(p: Program, layout_only: bool) -> Program:
    users, keep = readers(p), kept_names(p)
    made: dict[str, Stage] = {}
    before: dict[str, int] = {}
    bits = {s.name: 1 << k for k, s in enumerate(p.stages)}
    caches = {a.output: a.rows for a in p.appends}
    early = sum(bits[name] for name in early_stages(p))
    for s in p.stages:
        names = [caches.get(n, n) for n in dict.fromkeys(x.tensor for x in reads(s))]
        stages = [n for n in names if n in made]
        before[s.name] = 0
        for n in stages:
            before[s.name] |= before[n] | bits[n]
        chosen = (
            None if layout_only and not is_layout(s) else _absorber(s, stages, made, before, bits, early, users, keep)
        )
        if chosen is not None:
            s = _merged(made.pop(chosen.name), s)
        made[s.name] = s
    return live(replace(p, stages=tuple(made.values())))


def _absorber(
    s: Stage, names: Iterable[str], made: Mapping[str, Stage], before: Mapping[str, int], bits: Mapping[str, int], early: int,
    users: Mapping[str, list[str]], keep: set[str],
) -> Stage | None:  # fmt: skip
    """The reduction that can take this stage in."""
    if s.reduction is not None or not short(s.body):
        return None
    for name in names:
        r = made[name]
        if r.reduction is None or name in keep or users.get(name) != [s.name] or work(r.axes) != work(s.axes):
            continue
        places = {x.index for x in reads(s) if x.tensor == name}
        if len(places) != 1 or not all(map(_plain, *places)):
            continue
        others = 0
        for other in names:
            others |= bits[other] if other != name else 0
        if others & ~(before[name] | early) == 0:
            return r
    return None


def _plain(i: Index) -> bool:
    return not any(isinstance(a, Quotient | Remainder | Data) for a, _ in i.terms)


def _merged(r: Stage, s: Stage) -> Stage:
    assert r.reduction is not None
    place = next(x.index for x in reads(s) if x.tensor == r.name)
    moved = rewritten(r, s.axes, {a.name: i for a, i in zip(r.axes, place, strict=True)})

    def instead(x: Load, ranges: Ranges) -> Expr | None:
        return moved.body if x.tensor == r.name else None

    body = Rewriter(inline=instead).expr(s.body, Ranges.of(s.axes))
    origin = joined_origins(r.origin, s.origin)
    return Stage(s.name, s.axes, s.dtype, body, moved.reduction, origin)
