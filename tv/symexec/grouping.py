"""Neighbouring accesses as one: `t[0] = v.x; t[8] = v.y; ...` is a family of stores, indexed like a vector access.

Accesses that follow each other without anything between, to one object, under one condition, at offsets a constant step
apart, differ only in a number. Taken together they give dataflow one statement to look at instead of many.
"""

from __future__ import annotations

from dataclasses import replace

from tv.symexec.events import Access, Trace


def group(trace: Trace) -> None:
    """Replaces runs of scalar accesses by one access with a `step`; `trace.merged` says where each went."""
    by_name = {a.name: a for a in trace.accesses}
    order: list[str] = []
    kept: dict[str, Access] = {}
    run: list[Access] = []

    def close() -> None:
        if not run:
            return
        first = run[0]
        order.append(first.name)
        if len(run) == 1:
            kept[first.name] = first
        else:
            step = run[1].offset.const - first.offset.const
            values = tuple(v for a in run for v in a.values)
            kept[first.name] = replace(first, count=len(run), step=step, values=values)
            for i, a in enumerate(run):
                trace.merged[a.name] = (first.name, i)
        run.clear()

    for name in trace.order:
        a = by_name.get(name)
        if a is None:
            close()
            order.append(name)
        elif run and follows(run, a):
            run.append(a)
        else:
            close()
            run.append(a)
    close()
    trace.accesses = [kept[a.name] for a in trace.accesses if a.name in kept]
    trace.order = order


def follows(run: list[Access], a: Access) -> bool:
    last, first = run[-1], run[0]
    if a.register or a.count != 1 or first.count != 1:
        return False
    if a.mode == "atomic" and not a.fold:  # arrivals and exchanges are spoken of one by one
        return False
    here, there = (
        (a.write, a.object, a.type, a.mode, a.dims, a.claims, a.restricted, a.noncoherent, a.scope, a.fold),
        (
            first.write,
            first.object,
            first.type,
            first.mode,
            first.dims,
            first.claims,
            first.restricted,
            first.noncoherent,
            first.scope,
            first.fold,
        ),
    )
    alike = here == there and a.owner == first.owner
    next_to_it = (
        a.time[:-1] == last.time[:-1] and (a.time[-1] - last.time[-1]).constant == 1
    )  # not even a barrier between
    if not alike or a.domain != first.domain or not next_to_it:
        return False
    step = (a.offset - last.offset).constant
    if step is None or step <= 0 or step % a.type.bytes:
        return False
    return len(run) == 1 or step == run[1].offset.const - run[0].offset.const
