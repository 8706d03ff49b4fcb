"""What each diagnostic code means, and what to do about it where a message does not say so itself."""

from __future__ import annotations

import importlib
from functools import cache

from tv.diagnostic import TvError

# Every module with tables CODES and FIXES; one that is missing is a defect of the installation, not an empty table.
CODE_MODULES = (
    "tv.cli.codes",
    "tv.cli.engine_codes",
    "tv.cuda_frontend.codes",
    "tv.equiv.codes",
    "tv.gpu.codes",
    "tv.graph_frontend.codes",
    "tv.order.codes",
    "tv.refute.codes",
    "tv.replay.codes",
    "tv.sets.codes",
    "tv.solvers.codes",
    "tv.spec.codes",
    "tv.symexec.codes",
)

# The questions a check asks, by kind: what each is about.
KINDS = {
    "barrier": """Every thread of a block reaches each block barrier, and all reach it equally often; a warp's barrier is reached by
the lanes that its mask names; a launch whose blocks wait for each other is cooperative; no thread waits, or stays in a loop, for ever.""",
    "bounds": """Every access lies inside its object, at a multiple of its width, whatever the sizes and inputs are.""",
    "coverage": """Every element of every output is written, and nothing that is not bound as an output is changed.""",
    "determinism": """No output depends on the order in which atomic operations happen.""",
    "equal": """Every element of an output is what the graph computes: bit for bit, or up to the order in which sums are added, as
`--require` asks.""",
    "init": """No value that was never written reaches an output, an address or a condition.""",
    "race": """No two threads access one cell, one of them writing, without a barrier or another order between them.""",
    "range": """No signed integer, conversion, shift or division leaves what its type defines, and every `assert` holds.""",
}

# What mends a defect of each kind, where nothing is known but that a run showed it.
MENDS = {
    "barrier": "let all threads reach it, and each block as often as the others",
    "bounds": "guard the access, and keep the address a multiple of its width",
    "coverage": "let the guard and the launch reach every element of the output",
    "determinism": "give each thread its own cell and add the cells in one order",
    "equal": "`tv replay` on what `--counterexample FILE` writes prints both outputs",
    "init": "write it on every path before it is read",
    "race": "put a barrier between the two accesses",
    "range": "compute in a wider or an unsigned type, or narrow the symbols' ranges",
}


@cache
def all_codes() -> dict[str, str]:
    """Code -> explanation. Raises ValueError where two parts explain one code."""
    return _merged("CODES")


@cache
def all_fixes() -> dict[str, str]:
    """Code -> what to do. Raises ValueError where two parts advise on one code."""
    return _merged("FIXES")


def advised(error: TvError) -> TvError:
    """The error, with its code's advice where it brings none."""
    error.help = error.help or all_fixes().get(error.code, "")
    return error


def _merged(table: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for name in CODE_MODULES:
        part: dict[str, str] = getattr(importlib.import_module(name), table)
        for code, text in part.items():
            if code in result:
                raise ValueError(f"{code} stands in {table} twice, the second time in {name}")
            result[code] = " ".join(text.split())
    return dict(sorted(result.items()))
