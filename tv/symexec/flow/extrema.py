"""Maxima and minima that propagate NaN, told from the selects that spell them.

`x != x ? x : (y != y ? y : fmaxf(x, y))` is one operation, IEEE 754's maximum: NaN where either operand is one, else the larger,
+0 above -0. Recognised here, and not by a law, so that a loop that carries such a maximum is a reduction. Which NaN comes out
is the one thing that the two may disagree on, and any NaN equals any NaN.
"""

from __future__ import annotations

from tv.term import Term, Terms

_PROPAGATING = {"fmax": "fmaximum", "fmin": "fminimum"}
_INFINITY = {"f64": 0x7FF << 52, "f32": 0xFF << 23, "f16": 0x1F << 10, "bf16": 0xFF << 7}


def propagating(terms: Terms, select: tuple[Term, ...]) -> Term | None:
    """The maximum or minimum that a select of these operands is; None where it is none."""
    tested: set[Term] = set()
    arms: list[Term] = []  # for NaN, other than the one value that was tested
    rest = select
    while True:
        here, nan, other = _arms(*rest)
        if not here or other.kind != "op":
            return None
        tested |= here
        arms += [] if [f.args[0] for f in here] == [nan] else [nan]
        if other.name != "select":
            break
        rest = other.args
    head, _, kind = other.name.partition(".")
    if head not in _PROPAGATING or kind not in _INFINITY or not all(_is_nan(a, kind) for a in arms):
        return None
    # Beyond the tests both operands are numbers, and a test that fires means that an operand is none.
    open_ = {a for a in other.args if a.kind != "const" or _is_nan(a, kind)}
    if any(f.name != f"feq.{kind}" for f in tested) or open_ != {f.args[0] for f in tested}:
        return None
    return terms.op(f"{_PROPAGATING[head]}.{kind}", *other.args)


def _arms(c: Term, a: Term, b: Term) -> tuple[set[Term], Term, Term]:
    """Of a select: the comparisons x == x of which one fails where its arm for NaN is chosen (none where it is no such test),
    that arm, and the other."""
    if _of_itself(c):
        return {c}, b, a
    return _tested(c), a, b


def _tested(c: Term) -> set[Term]:
    """The comparisons x == x of which the condition says that one fails; empty where it says anything else."""
    if c.kind != "op":
        return set()
    if c.name == "or.i1":
        parts = [_tested(a) for a in c.args]
        return set().union(*parts) if all(parts) else set()
    if c.name != "xor.i1" or c.args[1].kind != "const" or c.args[1].bits != 1:
        return set()
    return {c.args[0]} if _of_itself(c.args[0]) else set()


def _of_itself(t: Term) -> bool:
    return t.kind == "op" and t.name.startswith("feq.") and t.args[0] is t.args[1]


def _is_nan(t: Term, kind: str) -> bool:
    return t.kind == "const" and t.bits & ~(1 << (t.width - 1)) > _INFINITY[kind]
