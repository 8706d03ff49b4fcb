"""Best fit: tensors whose lives do not meet share memory."""

from __future__ import annotations

from collections.abc import Iterable

from megac.memory.records import Life, Slot


def slots(lives: Iterable[Life], prefix: str) -> tuple[Slot, ...]:
    """Slots named `prefix` and a number; each holds one type. The order of the lives decides, so the same ones get the
    same slots: of those that are free the one that grows least."""
    out: list[list[Life]] = []
    for x in sorted(lives, key=lambda x: (x.first, -x.elements)):
        free = [slot for slot in out if slot[0].dtype is x.dtype and not any(x.meets(y) for y in slot)]
        if free:
            min(free, key=lambda slot: x.elements - min(x.elements, max(y.elements for y in slot))).append(x)
        else:
            out.append([x])
    return tuple(Slot(f"{prefix}{k}", slot[0].dtype, tuple(slot)) for k, slot in enumerate(out))
