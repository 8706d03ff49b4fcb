"""Diagnostic codes of the index sets: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0401": """The ranges of the symbols contradict each other, so that no value is left. Every statement about no value is
true; nothing is concluded from that.""",
    "TV0402": """Two index spaces that should be one differ in name or dimensions. The set library would call them disjoint and
a check for emptiness would succeed; here such a question is refused instead. A defect of tv.""",
    "TV0403": """A question about index sets used up its budget of operations. The budget is counted in steps, not in
seconds, so the same question gives up on every machine. Fewer symbols, or smaller ranges, make it easier.""",
    "TV0404": """The text of an index map (in a certificate or a layout) is not one, or names symbols or spaces that do not
exist here.""",
    "TV0405": """Dataflow analysis did not account for every read exactly once. The result is not used. A defect of tv.""",
    "TV0406": """An index set has no bounds, or no closed form in whole numbers, so that its points cannot be enumerated.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0401": "let the ranges of the symbols have a value in common",
    "TV0402": "this is a defect of tv: please report the kernel, the model and the specification",
    "TV0403": "fix one of the open sizes, or split the loop that it comes from",
    "TV0404": "write it as isl does: `{ A[i] -> B[i + 1] : 0 <= i < n }`",
    "TV0405": "this is a defect of tv: please report the kernel, the model and the specification",
    "TV0406": "give the symbols in it a `min` and a `max`",
}
