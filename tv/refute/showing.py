"""What a report says of a defect that a run showed: the threads, the lines, both contents, the inputs that are not zero."""

from __future__ import annotations

import numpy as np

from tv.arithmetic import number
from tv.graph import Graph, below
from tv.graph_frontend.elements import BY_LABEL
from tv.obligation import Obligation
from tv.refute.defects import Shown
from tv.refute.differences import Difference
from tv.refute.kept import Interval
from tv.refute.patterns import Pattern
from tv.refute.setting import Dim3, Setting
from tv.refute.slots import Slot
from tv.replay.events import Thread
from tv.source import NOWHERE
from tv.verdict import Counterexample, InputElement, Parting

MOST_LISTED = 8
MOST_COUNTED = 1 << 20  # elements of the inputs that are looked at


def of_defect(found: Shown) -> Counterexample:
    setting, pattern = found.outcome.setting, found.outcome.trial.pattern
    threads = found.event.threads if found.event is not None else ()
    inputs, others = nonzero(setting, pattern)
    return Counterexample(
        found.kind,
        "cpu",
        found.span,
        threads=tuple(linear(setting, t) for t in threads),
        tensor=found.tensor,
        index=found.index,
        symbols=dict(found.outcome.trial.symbols),
        inputs=inputs,
        others=others,
    )


def of_difference(found: Difference, o: Obligation) -> Counterexample:
    both, element = (found.kernel_bits, found.graph_bits), BY_LABEL[found.label]
    setting, witness = found.outcome.setting, found.outcome.witness
    inputs, others = nonzero(setting, found.outcome.trial.pattern)
    by = witness.thread if witness is not None else None
    return Counterexample(
        "value",
        "cpu",
        o.span,
        threads=() if by is None else (linear(setting, by),),
        tensor=found.tensor,
        index=found.index,
        kernel_bits=hexadecimal(both[0], element.width),
        graph_bits=hexadecimal(both[1], element.width),
        kernel_value=number(both[0], element.op),
        graph_value=number(both[1], element.op),
        symbols=dict(found.outcome.trial.symbols),
        stored=NOWHERE if witness is None else witness.span,
        inputs=inputs,
        others=others,
        parting=Parting(o.span, o.node, o.tensor, *o.sides) if o.node and all(o.sides) else None,
    )


def nonzero(setting: Setting, pattern: Pattern) -> tuple[tuple[InputElement, ...], int | None]:
    """The first few inputs that are not zero, and how many more there are (None: too many to be counted). What the model's own
    values are is said by the model."""
    listed: list[InputElement] = []
    others: int | None = 0
    left = MOST_COUNTED
    for name, slot in setting.slots.items():
        if slot.stored is not None:
            continue
        there = _kept(slot, pattern)
        count = sum(b - a for a, b in there)
        if count > left:
            others = None
            continue
        left -= count
        at = np.concatenate([np.arange(a, b) for a, b in there]) if there else np.zeros(0, np.int64)
        bits = pattern.bits(slot, at) if len(at) else np.zeros(0, np.uint64)
        found = np.flatnonzero(bits)
        room = max(0, MOST_LISTED - len(listed))
        others = None if others is None else others + max(0, len(found) - room)
        shape, element = setting.shape(setting.graph.inputs[name]), BY_LABEL[slot.label]
        for k in found[:room]:
            index = tuple(int(i) for i in np.unravel_index(int(at[k]), shape)) if shape else ()
            value = int(bits[k])
            listed.append(InputElement(name, index, hexadecimal(value, element.width), number(value, element.op)))
    return tuple(listed), others


def _kept(slot: Slot, pattern: Pattern) -> tuple[Interval, ...]:
    """Where a tensor's elements may be other than zero."""
    if pattern.kept is None or slot.zero:  # its elements cannot all be zero
        return ((0, slot.count),)
    return pattern.kept.intervals(slot.name)


def unstated(setting: Setting, pattern: Pattern) -> str:
    """What to state of integers that a run was given and of which nothing is stated; "" where there are none but zeros."""
    for name, slot in setting.slots.items():
        if slot.taken_for_index and slot.stored is None:
            there = _kept(slot, pattern)
            first = (
                np.arange(there[0][0], min(there[0][1], there[0][0] + MOST_COUNTED)) if there else np.zeros(0, np.int64)
            )
            if len(first) and pattern.bits(slot, first).any():
                most = slot.index[1] if slot.index is not None and not setting.symbols else "N"
                return f"if `{name}` never holds such integers, state it: [inputs] {name} = {{ min = 0, max = {most} }}"
    return ""


def only_node(graph: Graph, tensor: str) -> str:
    """The node of the graph that computes an output by itself, from inputs alone; "" where several have a part in it."""
    units, todo = graph.system.units, [graph.outputs[tensor].unit]
    seen, nodes = set(todo), set[str]()
    while todo:
        u = units[todo.pop()]
        nodes |= {u.node} if u.value.kind != "input" else set()
        fresh = {t.name for t in below(u.value) if t.kind == "ref"} - seen
        seen |= fresh
        todo += fresh
    return nodes.pop() if len(nodes) == 1 else ""


def linear(setting: Setting, thread: Thread) -> tuple[int, int]:
    """(block, thread) as numbers of their own, x fastest."""
    return _number(thread[0], setting.grid), _number(thread[1], setting.launch.block)


def _number(at: Dim3, extent: Dim3) -> int:
    return (at[2] * extent[1] + at[1]) * extent[0] + at[0]


def content(bits: int, label: str) -> str:
    """An element's value and its bits: `-1.0 (0xbf800000)`."""
    element = BY_LABEL[label]
    return f"{number(bits, element.op)} ({hexadecimal(bits, element.width)})"


def hexadecimal(bits: int, width: int) -> str:
    return f"0x{bits:0{max(1, width // 4)}x}"
