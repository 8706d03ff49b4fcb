"""`tv explain` and `tv ops`: the tables of the parts, printed."""

from __future__ import annotations

import importlib
import textwrap

from tv.diagnostic import BadInput
from tv.spec.locate import nearest

# Every module with a table CODES; one that is missing is a defect of the installation, not an empty table.
CODE_MODULES = (
    "tv.cli.codes",
    "tv.cli.engine_codes",
    "tv.cuda_frontend.codes",
    "tv.equiv.codes",
    "tv.graph_frontend.codes",
    "tv.order.codes",
    "tv.refute.codes",
    "tv.replay.codes",
    "tv.sets.codes",
    "tv.solvers.codes",
    "tv.spec.codes",
    "tv.symexec.codes",
)
_WIDTH = 100


def all_codes() -> dict[str, str]:
    """Code -> explanation. Raises ValueError where two parts explain one code."""
    result: dict[str, str] = {}
    for name in CODE_MODULES:
        table: dict[str, str] = importlib.import_module(name).CODES
        for code, text in table.items():
            if code in result:
                raise ValueError(f"{code} is explained twice, the second time in {name}")
            result[code] = " ".join(text.split())
    return dict(sorted(result.items()))


def explain(code: str | None) -> str:
    """The paragraph about a code, or one line about each. Raises BadInput (TV0005)."""
    codes = all_codes()
    if code is None:
        return "".join(f"{c}  {textwrap.shorten(t, _WIDTH - 8, placeholder=' ...')}\n" for c, t in codes.items())
    if code.upper() not in codes:
        raise BadInput("TV0005", f"no diagnostic has the code `{code}`", help=nearest(code, codes))
    return textwrap.fill(f"{code.upper()}: {codes[code.upper()]}", _WIDTH) + "\n"
