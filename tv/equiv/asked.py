"""The lemmas of one check: each text is asked once, and written down with its answer where that was wished for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tv.diagnostic import BadInput

if TYPE_CHECKING:
    from tv.solvers import Answer, GaveUp


_DECLARED = re.compile(r"\(declare-const (\S+) \(_ BitVec (\d+)\)\)")


@dataclass(slots=True)
class Asked:
    """dump: a folder for `NUMBER-HASH.smt2`, numbered in the order of asking. answers: by text, of this check alone."""

    dump: str | None = None
    answers: dict[str, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._write()

    def ask(self, text: str) -> Answer:
        """Raises BadInput (TV0903) where the folder cannot be written to."""
        if text not in self.answers:
            from tv.solvers import ask  # solvers cost start-up time: only where there is a question

            self.answers[text] = ask(text)
            self._write()
        return self.answers[text]

    def valid(self, text: str) -> bool:
        from tv.solvers import Valid

        return isinstance(self.ask(text), Valid)

    def models(self) -> tuple[tuple[int, int], ...]:
        """The numbers (width, bits) at which solvers found sides to differ, each once."""
        if not self.answers:
            return ()
        from tv.solvers import Model

        found: dict[tuple[int, int], None] = {}
        for text, a in self.answers.items():
            if isinstance(a, Model):
                widths = dict(_DECLARED.findall(text))
                found |= dict.fromkeys((int(widths[n]), bits) for n, bits in a.values if n in widths)
        return tuple(found)

    def open(self) -> int:
        """How many lemmas have no answer."""
        return len(self._given_up())

    def _given_up(self) -> list[GaveUp]:
        if not self.answers:
            return []
        from tv.solvers import GaveUp

        return [a for a in self.answers.values() if isinstance(a, GaveUp)]

    def undecided(self) -> str:
        """Help for a check that ended without a proof: that some lemma was left open."""
        left = self._given_up()
        if not left:
            return ""
        return f"{len(left)} of {len(self.answers)} lemmas have no answer ({left[0].reasons[0]}): see `--dump-smt2 DIR`"

    def _write(self) -> None:
        """The last lemma, if there is one."""
        if self.dump is None:
            return
        try:
            Path(self.dump).mkdir(parents=True, exist_ok=True)
            for text in list(self.answers)[-1:]:
                name = f"{len(self.answers):03d}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.smt2"
                (Path(self.dump) / name).write_text(f"; {self.answers[text]}\n{text}", encoding="utf-8")
        except OSError as e:
            raise BadInput("TV0903", f"cannot write to `{self.dump}`: {e.strerror}") from None
