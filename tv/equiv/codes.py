"""Diagnostic codes of relating the two sides: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0601": """An index of the graph leaves the shape of the tensor that it refers to. A defect of tv: shapes were checked when the
graph was read.""",
    "TV0602": """A step of the proof would use a claim about something that is not strictly earlier in the kernel's time. A proof by
induction needs that; without it two wrong claims could support each other.""",
    "TV0603": """Two sums could not be matched term by term: a term would have two partners, or none.""",
    "TV0604": """The search for a proof ran out of steps.""",
    "TV0605": """No invariant was found for a loop: the relation between kernel and graph changes from round to round in a way
that was not recognised.""",
    "TV0611": """A certificate lacks the proof of one of its claims, or leaves a part of an output open.""",
    "TV0612": """An output has no elements, so that nothing would be claimed about it.""",
    "TV0613": """A claim of a certificate is not about instances of the two sides that it names.""",
    "TV0614": """A claim relates values of different widths or kinds.""",
    "TV0621": """One sum of the graph is computed in several places of the kernel, and these were not shown to add in the same
order. A tensor of the graph has one value, so one order; compute it once and share it, or give every copy the same order.""",
    "TV0651": """The certificate was written by another version.""",
    "TV0652": """The file is not a certificate.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0601": "this is a defect of tv: please report the kernel, the model and the specification",
    "TV0602": "compute the value before it is used, in the kernel's own order",
    "TV0603": "let each term of the sum be added exactly once",
    "TV0604": "cut the graph with `[model] inputs` and `outputs`, and check its parts",
    "TV0605": "write the loop so that one variable holds one value of the graph, or of a part of its sum, after each round",
    "TV0611": "prove the pair anew with `tv check --certificate`",
    "TV0612": "give the output's dimensions a positive `min`",
    "TV0613": "prove the pair anew with `tv check --certificate`",
    "TV0614": "convert where the graph has a Cast, and nowhere else",
    "TV0621": "compute the sum once and share it, or add every copy in one order",
    "TV0651": "prove the pair anew with this version",
    "TV0652": "name the file that `tv check --certificate` wrote",
}
