"""Sizes as people read them."""

from __future__ import annotations


def size(count: float) -> str:
    """Bytes, three digits of them."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.0f} GB" if count >= 999.5 else f"{count:.3g} GB"


def plural(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
