"""First fit: tensors whose lives do not meet share memory."""

from __future__ import annotations

from collections.abc import Iterable

from megac.memory.records import Life, Slot


def slots(lives: Iterable[Life], prefix: str) -> tuple[Slot, ...]:
    """Slots named `prefix` and a number; each holds one type. The order of the lives decides, so the same ones get the
    same slots."""
    out: list[list[Life]] = []
    for x in sorted(lives, key=lambda x: (x.first, -x.elements)):
        for slot in out:
            if slot[0].dtype is x.dtype and not any(x.meets(y) for y in slot):
                slot.append(x)
                break
        else:
            out.append([x])
    return tuple(Slot(f"{prefix}{k}", slot[0].dtype, tuple(slot)) for k, slot in enumerate(out))
