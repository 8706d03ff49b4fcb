"""Floats and integers among terms: "any NaN equals any NaN" speaks of floats, and an integer shows every bit (S28).

Two values that are proved equal as floats may hold different NaNs. Where their bits are an integer's, in an output or as an
operand of integer arithmetic, more has to be shown: equal bits, which are kept by moving a value, by operations on integers and by
what makes an integer or a truth of floats, but by no operation whose result is a float, since a NaN among these is any NaN.
"""

from __future__ import annotations

from collections.abc import Mapping

from tv.system import Unit
from tv.term import Term, op_head

FLOATS = ("f16", "bf16", "f32", "f64")
WIDEST = {16: "f16", 32: "f32", 64: "f64"}  # of all formats of a width, the one with the most NaNs
TESTS = ("feq", "flt", "fle", "fisnan")


def format_of(units: Mapping[str, Unit], root: Term) -> str:
    """The float format of a graph value; "" for an integer, and where it is not known."""
    seen: set[int] = set()
    todo = [root]
    while todo:
        t = todo.pop(0)
        if t.id in seen:
            continue
        seen.add(t.id)
        head, kind = op_head(t), t.name.split(".")[1] if "." in t.name else ""
        if t.kind in ("ref", "input"):
            return units[t.name].format
        if t.kind == "case":
            todo += t.args
        elif t.kind == "op" and head == "select":
            todo += t.args[1:]
        elif t.kind in ("op", "reduce"):
            return kind if kind in FLOATS and head not in TESTS else ""
    return ""


def takes_floats(op: str) -> bool:
    """Are the operands of this operation floats?"""
    head, *kinds = op.split(".")
    return bool(kinds) and (kinds[1] if head == "cvt" else kinds[-1]) in FLOATS


def gives_any_nan(op: str) -> bool:
    """Is the result a float that may be a NaN of any bits? Not so of a converted integer."""
    head, *kinds = op.split(".")
    if head == "cvt":
        return kinds[0] in FLOATS and kinds[1] in FLOATS
    return head not in TESTS and bool(kinds) and kinds[-1] in FLOATS


def shows_bits(op: str, units: Mapping[str, Unit], operand: Term) -> bool:
    """Does the operation read its operand, a graph's value, as an integer?"""
    if not takes_floats(op):
        return True
    return operand.kind == "index" or (operand.kind in ("ref", "input", "op") and not format_of(units, operand))
