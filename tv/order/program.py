"""An order of summation as data: the additions a kernel makes, over index spaces, with the graph's own values as leaves.

A program is a few expressions, one for each kernel statement that takes part, that refer to each other by index maps (isl
text). It can be run without the kernel, and it says which products go into a fused multiply-add.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias


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
    """Raises ValueError for anything that `encode` does not make."""
    match x:
        case ["number", int(bits)]:
            return Number(bits)
        case ["leaf", int(i)]:
            return LeafAt(i)
        case ["hole"]:
            return Hole()
        case ["add", a, b]:
            return Add(decode(a), decode(b))
        case ["neg", a]:
            return Negate(decode(a))
        case ["fma", int(i), bool(n), rest]:
            return Fuse(i, n, decode(rest))
        case ["link", str(u), str(m)]:
            return Link(u, m)
        case ["cases", [*pieces]]:
            return Cases(tuple((str(s), decode(e)) for s, e in pieces))
        case ["rounds", str(s), step, init]:
            return Rounds(s, decode(step), decode(init))
        case _:
            raise ValueError(f"no expression of an order: {str(x)[:60]}")


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


def from_json(data: Any) -> Order:
    """Raises KeyError, TypeError or ValueError where `data` is no order."""
    leaves = tuple(
        tuple(Part(_place(p["place"]), str(p["scope"]), str(p["map"])) for p in parts) for parts in data["leaves"]
    )
    units = {str(n): decode(e) for n, e in data["units"].items()}
    return Order(
        str(data["op"]),
        _place(data["place"]),
        str(data["scope"]),
        str(data["choose"]),
        leaves,
        decode(data["value"]),
        units,
        {int(i): str(text) for i, text in data["zeros"]},
    )


def _place(x: Any) -> Place:
    unit, path = x
    if not isinstance(unit, str) or not all(isinstance(k, int | str) and not isinstance(k, bool) for k in path):
        raise ValueError("no place in a graph")
    return unit, tuple(path)
