"""Diagnostic codes of building a concrete counterexample: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0731": """A layout could not be inverted, so that no buffer with concrete values could be filled for a witness.""",
    "TV0732": """A parameter has no concrete value for a witness.""",
    "TV0733": """A buffer holds tensors whose elements differ in size, so that no witness can be built for it.""",
}
