"""What a condition on two candidates decides: each is a value and its place, and one of the two goes on.

A condition is read by what it is, and not by how it is spelled: a formula over comparisons of the two values and of the two places,
evaluated at each way in which they can compare. None of the values is a NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from tv.term import Term, op_head, op_type

SIGNS = (-1, 0, 1)
HOLDS: dict[str, Callable[[int], bool]] = {"lt": lambda s: s < 0, "le": lambda s: s <= 0, "eq": lambda s: s == 0}
PLACES = ("slt", "sle", "ult", "ule", "eq")
FIRST, SECOND, RULE = "first", "second", "rule"

NO_TESTS: Mapping[int, tuple[int, int]] = MappingProxyType({})

Known = Callable[[Term], bool | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of `select(c, a, b)`: the values that a and b are the places of; which goes on where these are equal: always a (FIRST), always
    b (SECOND), or the one whose place is asked for (RULE); and the values' type, as in the comparison's name. left_out: (arm, s)
    where the other arm goes on whatever the values are, if this one's place is the s-th of those that are left out."""

    first: Term
    second: Term
    tie: str
    type: str
    left_out: frozenset[tuple[int, int]] = frozenset()


def compared(
    t: Term, letter: str, largest: bool, last: bool, tests: Mapping[int, tuple[int, int]] = NO_TESTS
) -> Comparison | None:
    """How a select of two places goes by the values there; None where it is no such choice.

    letter: what comparisons of values begin with (f, s, u). last: of two equal values the place that comes last is asked for.
    tests: id of an equality -> (arm, s), where it says that the arm's place is the s-th of those left out; otherwise no place is one.
    """
    c, a, b = t.args
    found = {(x.args[0].id, x.args[1].id): x for x in atoms(c) if x.id not in tests and not of_places(x, a, b)}
    pairs = {frozenset(k) for k in found}
    types = {op_type(x.name) for x in found.values()}
    if len(pairs) != 1 or len(types) != 1 or not all(of_values(x, letter) for x in found.values()):
        return None
    p, q = next(iter(found.values())).args

    def chooses(sign: int, places: int, out: tuple[int, int] | None = None) -> bool | None:
        def known(x: Term) -> bool | None:
            if x.id in tests:
                return tests[x.id] == out
            return order(x, a, b, places) if of_places(x, a, b) else sense(x, p, q, sign)

        return truth(c, known)

    less, more = ({chooses(s, w) for w in SIGNS} for s in (-1, 1))
    if len(less) != 1 or len(more) != 1 or less == more or None in less | more:
        return None
    first, second = (q, p) if less == {largest} else (p, q)
    on_tie = (chooses(0, -1), chooses(0, 1))
    ways: dict[tuple[bool | None, bool | None], str] = {
        (True, True): FIRST,
        (False, False): SECOND,
        (not last, last): RULE,
    }
    if on_tie not in ways or None in on_tie:
        return None
    ways_out = {x for x in tests.values() if {chooses(s, w, x) for s in SIGNS for w in SIGNS} == {x[0] == 1}}
    return Comparison(first, second, ways[on_tie], types.pop(), frozenset(ways_out))


def operands(t: Term, letter: str, largest: bool) -> Iterator[tuple[Term, Term, Term, Term, str]]:
    """Readings of a select as the larger (or smaller) of two values, whatever else its condition asks where they are equal: the two
    that are compared, in the order of the arms, the arms, and the type."""
    c, x, y = t.args
    for atom in atoms(c):
        if not of_values(atom, letter):
            continue
        p, q = atom.args
        less, more = (truth(c, partial(in_type, atom, sign, letter)) for sign in (-1, 1))
        if less is None or more is None or less == more:
            continue
        yield (*((q, p) if less == largest else (p, q)), x, y, op_type(atom.name))


def in_type(atom: Term, sign: int, letter: str, t: Term) -> bool | None:
    """What another comparison says where one of the same type and reading (`of_values`) compares its operands so."""
    p, q = atom.args
    return sense(t, p, q, sign) if op_type(t.name) == op_type(atom.name) and of_values(t, letter) else None


def atoms(c: Term) -> Iterator[Term]:
    """The comparisons that a condition is made of; anything else stands for itself."""
    if c.kind == "op" and c.name in ("and.i1", "or.i1", "xor.i1", "select"):
        for a in c.args:
            yield from atoms(a)
    elif c.kind != "const":
        yield c


def truth(c: Term, known: Known) -> bool | None:
    """A condition's value, where it follows from those of its comparisons that are known."""
    if c.kind == "const":
        return bool(c.bits)
    if c.kind != "op" or c.name not in ("and.i1", "or.i1", "xor.i1", "select"):
        return known(c)
    parts = [truth(a, known) for a in c.args]
    match c.name:
        case "and.i1":
            return False if False in parts else None if None in parts else True
        case "or.i1":
            return True if True in parts else None if None in parts else False
        case "xor.i1":
            return None if None in parts else parts[0] != parts[1]
        case _:
            if parts[0] is None:
                return parts[1] if parts[1] == parts[2] else None
            return parts[1] if parts[0] else parts[2]


def of_places(t: Term, a: Term, b: Term) -> bool:
    """A comparison of integers between these two terms."""
    return t.kind == "op" and op_head(t) in PLACES and {plain(x).id for x in t.args} == {plain(a).id, plain(b).id}


def of_values(t: Term, letter: str) -> bool:
    equal = "feq" if letter == "f" else "eq"
    return t.kind == "op" and op_head(t) in (f"{letter}lt", f"{letter}le", equal)


def sense(t: Term, a: Term, b: Term, sign: int) -> bool | None:
    """What a comparison of a and b says where a lies below (-1), at (0) or above (1) b; None of a comparison of others."""
    if t.kind != "op" or len(t.args) != 2 or op_head(t)[-2:] not in HOLDS:
        return None
    holds = HOLDS[op_head(t)[-2:]]
    if t.args[0] is a and t.args[1] is b:
        return holds(sign)
    return holds(-sign) if t.args[0] is b and t.args[1] is a else None


def order(t: Term, a: Term, b: Term, sign: int) -> bool:
    """What a comparison of two places says."""
    return HOLDS[op_head(t)[-2:]](sign if plain(t.args[0]) is plain(a) else -sign)


def plain(t: Term) -> Term:
    """An integer before it was made wider, which no place notices, since none is negative."""
    while t.kind == "op" and integer_conversion(t.name) and t.width >= t.args[0].width:
        t = t.args[0]
    return t


def integer_conversion(name: str) -> bool:
    """To another integer type, or to a narrower one by dropping what is above it."""
    parts = name.split(".")
    if parts[0] == "extract":
        return parts[1] == "0"
    return parts[0] == "cvt" and len(parts) >= 3 and all(p[0] in "su" and p[1:].isdigit() for p in parts[1:3])
