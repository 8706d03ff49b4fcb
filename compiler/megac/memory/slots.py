"""Best fit: tensors whose lives do not meet share memory."""

from __future__ import annotations

from collections.abc import Iterable

from megac.memory.records import Life, Slot


def slots(lives: Iterable[Life], prefix: str) -> tuple[Slot, ...]:
    """Slots named `prefix` and a number; each holds one type. The order of the lives decides, so the same ones get the
    same slots: of those that are free the one that grows least."""
    return _named(_packed(sorted(lives, key=lambda x: (x.first, -x.elements))), prefix)


def tight(lives: Iterable[Life], prefix: str) -> tuple[Slot, ...]:
    """The same, the largest lives first, so that a small one takes no slot that a large one would fill."""
    out = _packed(sorted(lives, key=lambda x: (-x.elements, x.first)))
    return _named(sorted(out, key=lambda slot: min((x.first, -x.elements) for x in slot)), prefix)


def _packed(lives: Iterable[Life]) -> list[list[Life]]:
    out: list[list[Life]] = []
    for x in lives:
        free = [slot for slot in out if slot[0].dtype is x.dtype and not any(x.meets(y) for y in slot)]
        if free:
            min(free, key=lambda slot: x.elements - min(x.elements, max(y.elements for y in slot))).append(x)
        else:
            out.append([x])
    return out


def _named(found: Iterable[list[Life]], prefix: str) -> tuple[Slot, ...]:
    return tuple(Slot(f"{prefix}{k}", slot[0].dtype, tuple(slot)) for k, slot in enumerate(found))
