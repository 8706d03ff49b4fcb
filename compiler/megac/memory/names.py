"""Names of tensors as identifiers of C."""

from __future__ import annotations

import re

RESERVED = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool half "
    "lane warp l n i k r v grid main asm class delete new this template".split()
)


class Names:
    """Identifiers, each given once."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = set(RESERVED | taken)

    def fresh(self, wanted: str) -> str:
        """The name with what C does not allow replaced, and with a number where it is taken."""
        base = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", wanted)).strip("_") or "t"
        if base[0].isdigit():
            base = f"t{base}"
        name, k = base, 1
        while name in self._taken:
            k += 1
            name = f"{base}_{k}"
        self._taken.add(name)
        return name


def short(names: tuple[str, ...]) -> str:
    """What the names of all layers have in common, to call them by: the last words without numbers."""
    words = [
        w for w in re.split(r"[./:]+", names[0]) if w and not w.isdigit() and w not in ("model", "layers", "d", "h")
    ]
    words = [re.sub(r"^layers\.?\d+$|^l\d+$", "", w) for w in words]
    return "_".join([w for w in words if w][-3:]) or "t"
