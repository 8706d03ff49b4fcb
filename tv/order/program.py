"""An order of summation as data: the additions a kernel makes, over index spaces, with the graph's own values as leaves.

A program is a few expressions, one for each kernel statement that takes part, that refer to each other by index maps (isl
text). It can be run without the kernel, and it says which products go into a fused multiply-add.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from tv.diagnostic import BadInput

OPS = ("fadd.f32", "fadd.f64", "fsub.f32", "fsub.f64")


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, as bits."""

    bits: int


@dataclass(frozen=True, slots=True)
class LeafAt:
    """Leaf `leaf` of the order, at this instance."""

    leaf: int


@dataclass(frozen=True, slots=True)
class Hole:
    """The sum so far, in the step of a `Rounds`."""


@dataclass(frozen=True, slots=True)
class Add:
    a: Expr
    b: Expr


@dataclass(frozen=True, slots=True)
class Negate:
    a: Expr


@dataclass(frozen=True, slots=True)
class Fuse:
    """One rounding of (the product that leaf `leaf` is, negated or not) + rest."""

    leaf: int
    negated: bool
    rest: Expr


@dataclass(frozen=True, slots=True)
class Link:
    """The value of another statement, at the instance that the map gives."""

    unit: str
    map: str


@dataclass(frozen=True, slots=True)
class Cases:
    pieces: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Rounds:
    """A loop: `step` over the instances in `rounds` that extend this one's coordinates, in lexicographic order, from `init`."""

    rounds: str
    step: Expr
    init: Expr


Expr: TypeAlias = Number | LeafAt | Hole | Add | Negate | Fuse | Link | Cases | Rounds
Place: TypeAlias = tuple[
    str, tuple[int | str, ...]
]  # graph unit, then operand numbers and names of laws, from its value down


@dataclass(frozen=True, slots=True)
class Part:
    """Kernel instances whose leaf is the graph's value at `place`: map to the instances of its scope."""

    place: Place
    scope: str
    map: str


@dataclass(frozen=True, slots=True)
class Order:
    """How the graph's value at `place` (a sum, over instances of `scope`) is added up.

    op: the addition. choose: instance of `scope` -> kernel instances that compute it, all with the same bits. value: there.
    zeros: of a leaf, the kernel instances (isl text) at which it is no value of the graph but +0 * +0: the padding of a tile.
    """

    op: str
    place: Place
    scope: str
    choose: str
    leaves: tuple[tuple[Part, ...], ...]
    value: Expr
    units: dict[str, Expr]
    zeros: dict[int, str]


def children(e: Expr) -> tuple[Expr, ...]:
    match e:
        case Add(a=a, b=b):
            return a, b
        case Negate(a=a) | Fuse(rest=a):
            return (a,)
        case Cases(pieces=pieces):
            return tuple(x for _, x in pieces)
        case Rounds(step=a, init=b):
            return a, b
        case Number() | LeafAt() | Hole() | Link():
            return ()
        case _:
            raise TypeError(f"not an expression of an order: {e!r}")


def walk(e: Expr) -> Iterator[Expr]:
    yield e
    for x in children(e):
        yield from walk(x)


def fused(order: Order) -> bool:
    """Is any product of it fused?"""
    return any(isinstance(x, Fuse) for e in (order.value, *order.units.values()) for x in walk(e))


# ------------------------------------------------------------------------------------------------ JSON
def encode(e: Expr) -> list[Any]:
    """Nested lists, the kind first."""
    match e:
        case Number(bits=bits):
            return ["number", bits]
        case LeafAt(leaf=i):
            return ["leaf", i]
        case Hole():
            return ["hole"]
        case Add(a=a, b=b):
            return ["add", encode(a), encode(b)]
        case Negate(a=a):
            return ["neg", encode(a)]
        case Fuse(leaf=i, negated=n, rest=rest):
            return ["fma", i, n, encode(rest)]
        case Link(unit=u, map=m):
            return ["link", u, m]
        case Cases(pieces=pieces):
            return ["cases", [[s, encode(x)] for s, x in pieces]]
        case Rounds(rounds=s, step=step, init=init):
            return ["rounds", s, encode(step), encode(init)]
        case _:
            raise TypeError(f"not an expression of an order: {e!r}")


def decode(x: Any) -> Expr:
    """Raises ValueError or TypeError for anything that `encode` does not make."""
    match x:
        case ["number", bits]:
            return Number(_number(bits))
        case ["leaf", i]:
            return LeafAt(_number(i))
        case ["hole"]:
            return Hole()
        case ["add", a, b]:
            return Add(decode(a), decode(b))
        case ["neg", a]:
            return Negate(decode(a))
        case ["fma", i, bool(n), rest]:
            return Fuse(_number(i), n, decode(rest))
        case ["link", str(u), str(m)]:
            return Link(u, m)
        case ["cases", [*pieces]]:
            return Cases(tuple((_text(s), decode(e)) for s, e in pieces))
        case ["rounds", str(s), step, init]:
            return Rounds(s, decode(step), decode(init))
        case _:
            raise ValueError(f"no expression of an order: {str(x)[:60]}")


def _number(x: Any) -> int:
    """A literal's bits, or the number of a leaf."""
    if isinstance(x, bool) or not isinstance(x, int) or not 0 <= x < 1 << 64:
        raise ValueError(f"no number of an order: {str(x)[:60]}")
    return x


def _text(x: Any) -> str:
    if not isinstance(x, str):
        raise TypeError(f"no text of an order: {str(x)[:60]}")
    return x


def to_json(o: Order) -> dict[str, Any]:
    return {
        "op": o.op,
        "place": [o.place[0], list(o.place[1])],
        "scope": o.scope,
        "choose": o.choose,
        "leaves": [
            [{"place": [p.place[0], list(p.place[1])], "scope": p.scope, "map": p.map} for p in parts]
            for parts in o.leaves
        ],
        "value": encode(o.value),
        "units": {n: encode(e) for n, e in o.units.items()},
        "zeros": [[i, s] for i, s in o.zeros.items()],
    }


def read_orders(data: Any) -> list[Order]:
    """The orders of a certificate. Raises BadInput (TV0652) for what is none, (TV0655) for one that says nothing definite."""
    try:
        if not isinstance(data, list):
            raise TypeError("no list of orders")
        out = [from_json(o) for o in data]
        for o in out:
            require_sound(o)
        return out
    except (KeyError, TypeError, ValueError) as e:
        raise BadInput("TV0652", f"not a certificate: {e}") from None
    except RecursionError:
        raise BadInput("TV0652", "not a certificate: an order is nested too deeply") from None


def require_sound(o: Order) -> None:
    """Every part that an order speaks of is there, and a sum so far is spoken of in loops only. Raises BadInput (TV0655)."""
    if o.op not in OPS:
        raise BadInput("TV0655", f"an order of `{o.op}` over `{o.scope}`")
    for e in (o.value, *o.units.values()):
        if hollow(e):
            raise BadInput("TV0655", "an order with a sum so far outside a loop")
        for x in walk(e):
            if isinstance(x, LeafAt | Fuse) and x.leaf >= len(o.leaves):
                raise BadInput("TV0655", "an order with a leaf that is not there")
            if isinstance(x, Link) and x.unit not in o.units:
                raise BadInput("TV0655", "an order with a statement that is not there")
            if isinstance(x, Number) and x.bits >> int(o.op[-2:]):
                raise BadInput("TV0655", "an order with a number of too many bits")


def hollow(e: Expr) -> bool:
    """Does the expression hang on the sum so far of a loop around it?"""
    match e:
        case Hole():
            return True
        case Rounds(init=init):
            return hollow(init)
        case _:
            return any(hollow(x) for x in children(e))


def from_json(data: Any) -> Order:
    """Raises KeyError, TypeError or ValueError where `data` is no order."""
    if not isinstance(data, dict) or not isinstance(data["units"], dict):
        raise TypeError("no order of a sum")
    leaves = tuple(
        tuple(Part(_place(p["place"]), _text(p["scope"]), _text(p["map"])) for p in parts) for parts in data["leaves"]
    )
    return Order(
        _text(data["op"]),
        _place(data["place"]),
        _text(data["scope"]),
        _text(data["choose"]),
        leaves,
        decode(data["value"]),
        {n: decode(e) for n, e in data["units"].items()},
        {_number(i): _text(text) for i, text in data["zeros"]},
    )


def _place(x: Any) -> Place:
    unit, path = x
    if not isinstance(unit, str) or not isinstance(path, list):
        raise TypeError("no place in a graph")
    if not all(isinstance(k, int | str) and not isinstance(k, bool) for k in path):
        raise TypeError("no place in a graph")
    return unit, tuple(path)
