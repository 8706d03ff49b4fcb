"""Operators on the bits of integers."""

from __future__ import annotations

from collections.abc import Sequence

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import Element, element_of
from tv.graph_frontend.elementwise import pointwise
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import ZERO
from tv.term import Term


def _integer(n: NodeView, *tensors: Tensor) -> Element:
    e = n.one_type(*tensors)
    if e.is_float or e.kind == "bool":
        raise BadInput("TV0302", f"{n.what} on {e.label}")
    return e


@denotes("BitwiseAnd", "BitwiseOr", "BitwiseXor", since=18)
def bitwise(n: NodeView, b: Builder) -> None:
    """bit by bit, of two integers"""
    x, y = n.input(0), n.input(1)
    e = _integer(n, x, y)
    name = n.node.op.removeprefix("Bitwise").lower()
    pointwise(n, b, [x, y], e, lambda p, a: p.op(f"{name}.i{e.width}", *a))


@denotes("BitwiseNot", since=18)
def complement(n: NodeView, b: Builder) -> None:
    """every bit of an integer flipped"""
    x = n.input(0)
    e = _integer(n, x)
    pointwise(n, b, [x], e, lambda p, a: p.op(f"xor.i{e.width}", a[0], p.bits((1 << e.width) - 1, e.width)))


@denotes("BitShift", since=11)
def shift(n: NodeView, b: Builder) -> None:
    """an integer shifted by fewer bits than it has (by assumption), zeros moving in (to the right copies of a signed one's sign)"""
    x, y = n.input(0), n.input(1)
    e = _integer(n, x, y)
    direction = n.attribute("direction", "")
    if direction not in ("LEFT", "RIGHT") or (e.kind != "unsigned" and n.opset < 28):
        raise BadInput("TV0302", f"{n.what} of {e.label} with direction `{direction}`")
    name = "shl" if direction == "LEFT" else "lshr" if e.kind == "unsigned" else "ashr"
    b.assume("BitShift shifts by fewer bits than its operand has")

    def compute(p: Place, a: Sequence[Term]) -> Term:
        return p.op(f"{name}.i{e.width}", a[0], b.suppose(a[1], e, ZERO, Affine.of(e.width - 1)))

    pointwise(n, b, [x, y], e, compute)


@denotes("BitCast", since=26)
def bit_cast(n: NodeView, b: Builder) -> None:
    """the same bits as another type of the same width"""
    x = n.input(0)
    to = element_of(n.attribute("to", 0), n.node.outputs[0])
    if to.width != x.element.width or "bool" in (to.kind, x.element.kind):
        raise Unsupported("TV0312", f"{n.what} of {x.element.label} to {to.label}")
    pointwise(n, b, [x], to, lambda p, a: a[0])
