"""A kernel that stands for several launches in order: each is run by itself, on the memory that the one before has left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tv.kernel import Barrier, If, Kernel, Space
from tv.replay.events import Execution


def launches(kernel: Kernel) -> list[Kernel]:
    """The launches of a sequence, as kernels over the same parameters and objects; the kernel itself where it is none."""
    if not any(isinstance(s, If) and s.launch for s in kernel.body):
        return [kernel]
    if any(not (isinstance(s, If) and s.launch) and not isinstance(s, Barrier) for s in kernel.body):
        return [kernel]
    return [replace(kernel, body=(s,)) for s in kernel.body if isinstance(s, If)]


def shared_objects(kernel: Kernel) -> list[str]:
    """Module variables, whose content outlives a launch."""
    parameters = {p.name for p in kernel.parameters}
    return [n for n, o in kernel.objects.items() if o.space is Space.GLOBAL and n not in parameters]


def in_order(kernels: list[Kernel], run: Callable[[Kernel, int], Execution]) -> Execution:
    """run: a launch, and the steps spent before it. The first that does not end well is the last."""
    done = run(kernels[0], 0)
    for kernel in kernels[1:]:
        if not done.clean:
            break
        done = _joined(done, run(kernel, done.steps))
    return done


def _joined(a: Execution, b: Execution) -> Execution:
    return Execution(
        (*a.events, *b.events),
        b.ended,
        (*a.notes, *b.notes),
        a.math_functions | b.math_functions,
        a.ordered_atomics or b.ordered_atomics,
        a.steps + b.steps,
        _added(a.statistics, b.statistics),
        a.rounded_products or b.rounded_products,
        a.loose_functions | b.loose_functions,
        a.made_nans or b.made_nans,
    )


def _added(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {k: a.get(k, 0) + b.get(k, 0) for k in a.keys() | b.keys()}
