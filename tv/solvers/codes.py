"""Diagnostic codes of questions to solvers: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0901": """A lemma about scalars contains an operation that is not translated for solvers.""",
    "TV0902": """No solver showed a lemma about scalars that a proof rests on: they found values at which the two sides differ, gave up,
or could not be run. `--dump-smt2 DIR` writes every lemma with the answer to it.""",
    "TV0903": """The folder of `--dump-smt2` cannot be written to.""",
    "TV0904": """A step of a proof by a solver does not fit the two terms that it is about.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0901": "write the kernel's expression as the graph has it",
    "TV0902": "write the kernel's expression as the graph has it, or give the search more time with `--timeout`",
    "TV0903": "name a folder that may be written",
    "TV0904": "prove the pair anew with `tv check --certificate`",
}
