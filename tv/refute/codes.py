"""Diagnostic codes of building a concrete counterexample: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0731": """A layout could not be inverted, so that no buffer with concrete values could be filled for a witness.""",
    "TV0732": """A parameter has no concrete value for a witness.""",
    "TV0733": """A buffer holds tensors whose elements differ in size, so that no witness can be built for it.""",
    "TV0735": """A counterexample could not be written to its file.""",
    "TV0736": """A file is not a counterexample that this version can read.""",
    "TV0737": """A counterexample is about another kernel or another launch than the one it is replayed on.""",
    "TV0738": """A counterexample of this kind is replayed by the interpreter only: a GPU does not stop at a race or a missing barrier.""",
    "TV0740": """A run at sizes for which no memory is large enough.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0731": "write the layout by rows, with products of indices and numbers: `[i, j] -> [i * 4096 + j]`",
    "TV0732": "bind the parameter to a number, a symbol or a tensor",
    "TV0733": "bind tensors of one element type to a buffer",
    "TV0735": "name a file in a folder that exists and may be written",
    "TV0736": "name a file that `tv check --counterexample` wrote with this version",
    "TV0737": "replay it on the kernel, the model and the specification it was found with",
    "TV0738": "say `--on cpu`",
    "TV0740": "narrow the symbols' ranges",
}
