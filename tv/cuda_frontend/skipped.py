"""What a declaration that is not read may declare: rather a name too many than one too few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycparser import c_parser as cp

_CLOSING = {"LPAREN": "RPAREN", "LBRACE": "RBRACE", "LBRACKET": "RBRACKET"}
_NAMES = ("ID", "TYPEID")
_RECORDS = ("struct", "class", "union", "enum")
# Behind a name they say that it is a type, or a template.
_GOES_ON = frozenset({*_NAMES, "TIMES", "AND", "LAND", "LT", "CONST", "VOLATILE", "TYPEOF", *cp._TYPE_SPEC_SIMPLE})
# What stands in front of parentheses that declare nothing.
_TAKING = ("_ALIGNAS", "TYPEOF", "SIZEOF", "_STATIC_ASSERT")
_TAKING_WORDS = frozenset(
    {"alignas", "__attribute__", "__declspec", "noexcept", "explicit", "throw", "asm", "requires"}
)


def is_function(tokens: Sequence[Any]) -> bool:
    """Does this declaration, which is not read, surely declare one function and nothing else? `const int M(5);` does not, nor may
    `T f(a * b);`, `T (M){5};` and `int f(), M = 5;`."""
    at = _parameters(tokens)
    if at < 0:
        return False
    end = _closing(tokens, at)
    outer = [t.type for t in _outside(tokens[:at])]
    behind = [t.type for t in _outside(tokens[end + 1 :])]
    if {"COMMA", "EQUALS"} & {*outer, *behind[: behind.index("LBRACE") if "LBRACE" in behind else None]}:
        return False
    inner = [t.type for t in tokens[at + 1 : end]]
    first, second = ([*inner, "", ""])[:2]
    kind = first in ("CONST", "STRUCT", *cp._TYPE_SPEC_SIMPLE) and second not in ("LPAREN", "LBRACE")
    if not inner or kind or (first in _NAMES and second in (*_NAMES, "CONST")):
        return True
    alone = len(inner) == 1 and tokens[-1].type == "SEMI"
    body = "LBRACE" in behind and "LBRACKET" not in behind[: behind.index("LBRACE")]
    return body and first in (*_NAMES, *cp._TYPE_SPEC_SIMPLE) and not alone


def is_record(tokens: Sequence[Any]) -> bool:
    """Do the braces hold members or enumerators, behind which variables may be declared?"""
    brace = next((i for i, t in enumerate(tokens) if t.type == "LBRACE"), len(tokens))
    head = tokens[:brace]
    return (
        any(str(t.value) in _RECORDS for t in head) and _parameters(head) < 0 and "EQUALS" not in {t.type for t in head}
    )


def _outside(tokens: Sequence[Any]) -> list[Any]:
    """The tokens outside of brackets, and the brackets' beginnings."""
    out, i = list[Any](), 0
    while i < len(tokens):
        out.append(tokens[i])
        i = _closing(tokens, i) + 1
    return out


def _parameters(tokens: Sequence[Any]) -> int:
    """Where the first parentheses begin that stand behind a name, outside of all others; -1 where there are none."""
    i = 0
    while i < len(tokens) and tokens[i].type != "LBRACE":
        named = i > 0 and (tokens[i - 1].type in _NAMES or _is_operator(tokens, i))
        if tokens[i].type == "LPAREN" and named and str(tokens[i - 1].value) not in _TAKING_WORDS:
            return i
        i = _closing(tokens, i) + 1
    return -1


def _is_operator(tokens: Sequence[Any], i: int) -> bool:
    return any(str(t.value) == "operator" for t in tokens[max(i - 3, 0) : i])


def _closing(tokens: Sequence[Any], i: int) -> int:
    """Where the bracket at i is closed; i itself for another token."""
    if tokens[i].type not in _CLOSING:
        return i
    depth = 0
    for k in range(i, len(tokens)):
        depth += (tokens[k].type in _CLOSING) - (tokens[k].type in _CLOSING.values())
        if depth == 0:
            return k
    return len(tokens) - 1


def introduced(tokens: Sequence[Any]) -> set[str]:
    """The names that a declaration of something else than a function may introduce where it stands, those of the enumerators and of
    the members of a union without a name among them. A qualified name introduces nothing."""
    out: set[str] = set()
    i = 0
    while i < len(tokens):
        t = tokens[i]
        end = _closing(tokens, i)
        if t.type == "EQUALS":
            i = _behind_initializer(tokens, i)
            continue
        if (t.type == "LBRACE" and _visible_inside(tokens, i)) or (t.type == "LPAREN" and not _takes(tokens, i)):
            out |= introduced(tokens[i + 1 : end])
        after = tokens[i + 1].type if i + 1 < len(tokens) else ""
        if t.type in _NAMES and after not in _GOES_ON and "::" not in str(t.value):
            out.add(str(t.value))
        i = end + 1
    return out


def _takes(tokens: Sequence[Any], i: int) -> bool:
    return i > 0 and (tokens[i - 1].type in _TAKING or str(tokens[i - 1].value) in _TAKING_WORDS)


def _behind_initializer(tokens: Sequence[Any], i: int) -> int:
    """The comma behind an initializer, which begins at i; right behind its `=` where a comma might be one of a template's arguments."""
    k = i + 1
    while k < len(tokens) and tokens[k].type != "COMMA":
        if tokens[k].type == "LT":
            return i + 1
        k = _closing(tokens, k) + 1
    return k


def _visible_inside(tokens: Sequence[Any], i: int) -> bool:
    """Are the names in the braces at i visible outside: those of an enum, or of a union or struct without a name?"""
    k = i - 1
    words = [str(t.value) for t in tokens[: k + 1]]
    at = max((n for n, w in enumerate(words) if w in _RECORDS), default=-1)
    if at < 0:
        return False
    if words[at] == "enum":
        return True
    named = at + 1 < i and tokens[at + 1].type in _NAMES
    return not named and words[at - 1 : at] != ["enum"]
