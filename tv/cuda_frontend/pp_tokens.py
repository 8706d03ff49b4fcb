"""Preprocessing tokens as C++ has them: numbers and operators whole, and kept apart where they are written as text.

pcpp's own lexer takes `1.f` apart into `1`, `.` and `f`, so that a macro, or a macro's parameter, named `f` would reach
into the number; and it hands out tokens without saying which of them touched in the source.
"""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType
from typing import Any

from pcpp import parser as rules

_INTEGER = re.compile(r"(?:0[xX][0-9a-fA-F]+|\d+)(?:[uU](?:ll?|LL?)?|(?:ll?|LL?)[uU]?)?")
# Tokens of these letters are whole tokens of every C++ lexer, whatever stands next to them.
_ALONE = frozenset("(),;{}")


def _number(t: Any) -> Any:
    r"\.?[0-9](?:[eEpP][+-]|[\w.])*+"
    t.type = "CPP_INTEGER" if _INTEGER.fullmatch(t.value) else "CPP_FLOAT"
    return t


def make_lexer() -> Any:
    """A lexer for pcpp: its rules, but preprocessing numbers, `^=`, `::` and `<<<` as single tokens."""
    return _built().clone()


@cache
def _built() -> Any:
    module = ModuleType("tv.cuda_frontend.pp_rules")
    for name in dir(rules):
        if name in ("tokens", "literals") or name.startswith("t_"):
            setattr(module, name, getattr(rules, name))
    module.__dict__.update(
        {
            "__file__": __file__,
            "__package__": "",
            "tokens": (*rules.tokens, "CPP_SCOPE", "CPP_LAUNCH"),
            "t_CPP_INTEGER": _number,
            "t_CPP_XOREQUAL": r"\^=",
            "t_CPP_SCOPE": r"::",
            "t_CPP_LAUNCH": r"<<<",
        }
    )
    del module.__dict__["t_CPP_FLOAT"]
    return rules.lex.lex(module=module, lextab="")  # no name: no table is written beside this file


def expanded(token: Any) -> bool:
    """Whether the token was written by a macro (a token of a macro's argument counts as well)."""
    return bool(getattr(token, "expanded_from", None))


def touch(a: Any, b: Any) -> bool:
    """Whether b stood right behind a in one source file, neither of them in a macro's expansion."""
    return not expanded(a) and not expanded(b) and a.source == b.source and a.lexpos + len(a.value) == b.lexpos


def apart(a: Any, b: Any) -> bool:
    """Whether a blank has to be written between two tokens that pcpp hands out next to each other.

    Beside `::` only names stand without one, so that a qualified name stays one word in messages.
    """
    if touch(a, b) or a.value in _ALONE or b.value in _ALONE:
        return False
    scope = {a.type, b.type} == {"CPP_SCOPE", "CPP_ID"}
    return not scope
