"""Diagnostic codes of building a concrete counterexample: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0731": """A layout could not be inverted, so that no buffer with concrete values could be filled for a witness.""",
    "TV0732": """A parameter has no concrete value for a witness.""",
    "TV0733": """A buffer holds tensors whose elements differ in size, so that no witness can be built for it.""",
    "TV0735": """A counterexample could not be written to its file.""",
    "TV0736": """A file is not a counterexample that this version can read.""",
    "TV0737": """A counterexample is about another kernel or another launch than the one it is replayed on.""",
    "TV0738": """A counterexample is replayed by the interpreter only.""",
    "TV0739": """A kernel whose module-scope variables are bound in `[globals]` is not executed.""",
    "TV0740": """A run at sizes for which no memory is large enough.""",
}
