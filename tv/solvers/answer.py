"""What a solver can say about a lemma. Whatever is none of the first two is `GaveUp`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Valid:
    """The two sides are equal for all values of the variables: `solver` found no model of the contrary."""

    solver: str

    def __str__(self) -> str:
        return f"valid ({self.solver})"


@dataclass(frozen=True, slots=True)
class Model:
    """Values of the bit-vector variables, by name, at which the two sides differ."""

    solver: str
    values: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return f"not valid ({self.solver})" + "".join(f", {n} = {v:#x}" for n, v in self.values)


@dataclass(frozen=True, slots=True)
class GaveUp:
    """No answer: one reason for each solver that was tried."""

    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "no answer: " + "; ".join(self.reasons)


Answer = Valid | Model | GaveUp
