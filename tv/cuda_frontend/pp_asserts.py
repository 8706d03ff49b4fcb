"""What `assert` is: <assert.h> defines it by whether NDEBUG is defined, anew each time that it is included."""

from __future__ import annotations

from pathlib import Path

from tv.cuda_frontend.pp_includes import HEADERS

_OWN = frozenset({HEADERS / "assert.h", HEADERS / "cassert"})


class Asserts:
    """unsure: NDEBUG has changed, and a header was included since that may or may not include <assert.h>."""

    def __init__(self) -> None:
        self.changed = self.unsure = False

    def note(self, name: str) -> None:
        """A macro is defined, or is none any more."""
        self.changed |= name == "NDEBUG"

    def included(self, path: Path | None) -> bool:
        """Is it unsure from here what `assert` is? path: of the header; None where it is skipped."""
        if path in _OWN:
            self.changed = self.unsure = False
        elif self.changed and (path is None or path.is_relative_to(HEADERS)):
            self.unsure = True
        return self.unsure
