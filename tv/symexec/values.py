"""Symbolic values during execution: an exact affine view of integers and conditions where there is one, else a node.

Nodes are terms whose references still name dimensions; `build` turns them into `Term`s over index maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tv.kernel import Expr, Scalar
from tv.sets import TRUE, Affine, Formula
from tv.sets.formulas import all_of
from tv.source import NOWHERE, Span


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A data value. kind: const op fetch exchange case index parameter undefined.

    fetch: element read by event `name`, `index` its cell within the access. exchange: the value that event `name` published,
    at instance `index`. parameter: a scalar parameter left open, `name`. case: pieces by `conditions`. index: the integer `pieces` (affine). All of `width` bits.
    known: between which integers the launch states a fetched element or parameter to lie, or a signed sum was shown to.
    source: of an addition or subtraction that nvcc may contract, the expression of the text that it evaluates.
    """

    kind: str
    width: int
    name: str = ""
    args: tuple[Node, ...] = ()
    bits: int = 0
    attr: str = ""
    index: tuple[Affine, ...] = ()
    conditions: tuple[Formula, ...] = ()
    pieces: tuple[tuple[Formula, Affine], ...] = ()
    span: Span = NOWHERE
    known: tuple[int, int] | None = None
    source: Expr | None = None


def nodes_of(root: Node) -> Iterator[Node]:
    """The node and everything below it, each once."""
    todo, seen = [root], set[int]()
    while todo:
        n = todo.pop()
        if id(n) not in seen:
            seen.add(id(n))
            yield n
            todo += n.args


Pieces = tuple[tuple[Formula, Affine], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """A typed value. pieces: ints, exact, by disjoint conditions that cover. formula: booleans. node: everything else.

    lanes: of a ballot over whole warps, beside its node: which threads of the warp have their bit set.
    """

    type: Scalar
    pieces: Pieces | None = None
    formula: Formula | None = None
    node: Node | None = None
    lanes: Formula | None = None

    @property
    def constant(self) -> int | None:
        """The mathematical integer, where there is just one."""
        if self.pieces is not None and len(self.pieces) == 1:
            return self.pieces[0][1].constant
        if self.formula is not None and self.formula.op in ("true", "false"):
            return int(self.formula.op == "true")
        return None


def integer(type: Scalar, a: Affine | int) -> Value:
    return Value(type, pieces=((TRUE, a if isinstance(a, Affine) else Affine.of(a)),))


def product(a: Pieces, b: Pieces) -> list[tuple[Formula, Affine, Affine]]:
    """All combinations of pieces whose conditions are not plainly contradictory."""
    out = []
    for ca, x in a:
        for cb, y in b:
            c = all_of(ca, cb)
            if c.op != "false":
                out.append((c, x, y))
    return out


def as_signed(bits: int, t: Scalar) -> int:
    """The integer that `bits` mean in type t."""
    return bits - (1 << t.bits) if t.signed and bits >> (t.bits - 1) else bits


# Operations as C writes them.
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%", "shl": "<<", "shr": ">>", "neg": "-"}


def type_range(t: Scalar) -> tuple[int, int]:
    if t is Scalar.BOOL:
        return 0, 1
    return (-(1 << (t.bits - 1)), (1 << (t.bits - 1)) - 1) if t.signed else (0, (1 << t.bits) - 1)


def node_const(bits: int, width: int) -> Node:
    return Node("const", width, bits=bits & ((1 << width) - 1))


def fetched(t: Scalar, event: str, element: int, known: tuple[int, int] | None = None) -> Node:
    """An element that an access reads; a boolean is whether its byte is not 0. known: as of a node."""
    width = 8 if t is Scalar.BOOL else t.bits
    n = Node("fetch", width, event, index=(Affine.of(element),), known=known)
    if t is not Scalar.BOOL:
        return n
    return Node("op", 1, "xor.i1", (Node("op", 1, "eq.i8", (n, node_const(0, 8))), node_const(1, 1)))


def in_memory(t: Scalar, n: Node) -> Node:
    """A value as memory holds it: of a boolean, a byte."""
    if t is not Scalar.BOOL:
        return n
    return node_const(n.bits, 8) if n.kind == "const" else Node("op", 8, "cvt.u8.u1", (n,))


def node_of(v: Value) -> Node:
    """A value as data: integers become `index` nodes, conditions likewise (0 or 1)."""
    if v.node is not None:
        return v.node
    if v.constant is not None:
        return node_const(v.constant, v.type.bits)
    if v.pieces is not None:
        return Node("index", v.type.bits, pieces=v.pieces)
    if v.formula is not None:
        from tv.sets.formulas import negate

        one, zero = node_const(1, 1), node_const(0, 1)
        return Node("case", 1, args=(one, zero), conditions=(v.formula, negate(v.formula)))
    return Node("undefined", v.type.bits)
