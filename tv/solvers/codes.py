"""Diagnostic codes of questions to solvers: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0901": """A lemma about scalars contains an operation that is not translated for solvers.""",
    "TV0902": """No solver showed a lemma about scalars that a proof rests on: they found values at which the two sides differ, gave up,
or could not be run. `--dump-smt2 DIR` writes every lemma with the answer to it.""",
    "TV0903": """The folder of `--dump-smt2` cannot be written to.""",
    "TV0904": """A step of a proof by a solver does not fit the two terms that it is about.""",
}
