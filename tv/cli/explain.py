"""`tv explain` and `tv ops`: the tables of the parts, printed."""

from __future__ import annotations

import difflib
import textwrap

from tv.advice import KINDS, MENDS, all_codes, all_fixes
from tv.diagnostic import BadInput

_WIDTH = 100


def explain(code: str | None) -> str:
    """The paragraph about a code or a kind of obligation, or one line about each. Raises BadInput (TV0005)."""
    codes = all_codes()
    if code is None:
        both = {**KINDS, **codes}
        return "".join(f"{c:<11}  {textwrap.shorten(t, _WIDTH - 13, placeholder=' ...')}\n" for c, t in both.items())
    if code.lower() in KINDS:
        told = f"{code.lower()}: {' '.join(KINDS[code.lower()].split())}", f"What to do: {MENDS[code.lower()]}."
        return "".join(textwrap.fill(part, _WIDTH) + "\n" for part in told)
    if code.upper() not in codes:
        raise BadInput("TV0005", f"no diagnostic has the code `{code}`", help=nearest_code(code))
    parts = [f"{code.upper()}: {codes[code.upper()]}"]
    if code.upper() in all_fixes():
        parts.append(f"What to do: {all_fixes()[code.upper()]}.")
    return "".join(textwrap.fill(part, _WIDTH) + "\n" for part in parts)


def nearest_code(word: str) -> str:
    """A misspelt kind or code, mended; where nothing is near, where the list is."""
    close = difflib.get_close_matches(word.lower(), [*KINDS, *(c.lower() for c in all_codes())], n=1, cutoff=0.7)
    if not close:
        return "`tv explain` lists all codes and kinds of obligations"
    return f"did you mean `{close[0] if close[0] in KINDS else close[0].upper()}`?"
