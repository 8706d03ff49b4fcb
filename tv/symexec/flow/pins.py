"""What conditions around a call say of data, as labels that add up: one comparison may tell little, two of them a number (S7)."""

from __future__ import annotations

INDEX = "an index"


def pins_floats(pinned: frozenset[str]) -> bool:
    """Is some float known: by an equality, or by two comparisons with numbers, which may be the same?"""
    return "floats" in pinned or sum(p.startswith("bound ") and "results" not in p for p in pinned) > 1


def pins_results(pinned: frozenset[str]) -> bool:
    """As `pins_floats`, of a float that calls gave."""
    return "results" in pinned or sum(p.startswith("bound") for p in pinned) > 1


def pins_index(pinned: frozenset[str]) -> bool:
    """Is some index known: by a comparison with what is known, or with data that another comparison says more of?"""
    compared = [p for p in pinned if p.startswith(("with", "data", "bound"))]
    return INDEX in pinned or (len(compared) > 1 and any(p.startswith("with") for p in compared))
