"""Literals as values."""

from __future__ import annotations

import re

from tv.cuda_frontend import fold
from tv.cuda_frontend.context import unsupported
from tv.cuda_frontend.ctype import Arith
from tv.cuda_frontend.values import Value
from tv.diagnostic import BadInput
from tv.kernel import Const, Scalar
from tv.source import Span

_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63}


def number(text: str, span: Span) -> Value:
    """An integer or floating literal. Raises BadInput where it is neither, Unsupported where it has no type here."""
    known = fold.read_integer(text)
    if known is not None:
        return Value(Arith(known[0]), (fold.integer(known[0], known[1], span),))
    c = fold.read_float(text)
    if c is None:
        if fold.is_integer(text):
            raise unsupported("TV0111", f"the integer literal `{text}`, which has no type of 64 bits or fewer", span)
        if text[-1] in "lL" and not text.startswith(("0x", "0X")):
            raise unsupported("TV0111", f"the `long double` literal `{text}`", span)
        raise BadInput("TV0108", f"`{text}` is not a number", span, "write it as C does: `1.5f`, `0x1p-3f`, `12u`")
    return Value(Arith(c.type), (Const(c.type, c.bits, span),))


def character(text: str, span: Span) -> Value:
    """A character literal, of type char."""
    inner = text[1:-1]
    if text[0] != "'" or not inner:
        raise unsupported("TV0110", f"the literal {text}", span)
    if len(inner) == 1 and inner.isascii():
        code = ord(inner)
    elif inner[0] == "\\" and inner[1:] in _ESCAPES:
        code = _ESCAPES[inner[1:]]
    elif re.fullmatch(r"\\x[0-9a-fA-F]{1,2}", inner):
        code = int("0" + inner[1:], 16)
    elif re.fullmatch(r"\\[0-3]?[0-7]{1,2}", inner):
        code = int(inner[1:], 8)
    else:
        raise unsupported("TV0110", f"the literal {text}", span)
    return Value(Arith(Scalar.I8), (fold.integer(Scalar.I8, code, span),))
