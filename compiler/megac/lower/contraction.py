"""MatMul and Gemm: sums of products, in f32 for 16-bit types, rounded once."""

from __future__ import annotations

from collections.abc import Callable

from megac.errors import CompileError
from megac.expr import cast, number
from megac.ir import Expr, Index
from megac.lower.builder import Builder, Place
from megac.lower.elementwise import one_type
from megac.lower.registry import lowers
from megac.lower.tensors import Shape, Tensor, broadcast, broadcast_index, shape_text
from megac.lower.view import View
from megac.size import Size

At = Callable[[tuple[Index, ...], Index], tuple[Index, ...]]


def contracted(
    b: Builder, name: str, shape: Shape, extent: Size, x: tuple[Tensor, At], y: tuple[Tensor, At],
    finish: Callable[[Place, Expr], Expr] | None = None,
) -> Tensor:  # fmt: skip
    """sum over `extent` of x * y; each operand with its index from (own, summed). finish: what becomes of the sum, which
    is of the wide type; by default it is rounded."""
    t = one_type(x[0], y[0])
    w = t.wide

    def element(p: Place, inner: tuple[Index, ...]) -> Expr:
        a, c = (cast(p.get(u, at(p.index, inner[0])), w) for u, at in (x, y))
        return p.op("mul", a, c)

    return b.fold(name, shape, "sum", [extent], element, finish or (lambda p, total: cast(total, t)))


def matrix_product(b: Builder, name: str, x: Tensor, y: Tensor) -> Tensor:
    """numpy's matmul."""
    if x.rank == 0 or y.rank == 0:
        raise CompileError("it multiplies a scalar")
    row, column = x.rank > 1, y.rank > 1
    extent = x.shape[-1]
    if extent != (y.shape[-2] if column else y.shape[0]):
        raise CompileError(f"{shape_text(x.shape)} and {shape_text(y.shape)} have no product")
    left, right = x.shape[:-2], y.shape[:-2]
    batch = broadcast([left, right])
    r = len(batch)
    shape = batch + ((x.shape[-2],) if row else ()) + ((y.shape[-1],) if column else ())

    def of_left(own: tuple[Index, ...], k: Index) -> tuple[Index, ...]:
        return (*broadcast_index(left, own[:r]), *((own[r],) if row else ()), k)

    def of_right(own: tuple[Index, ...], k: Index) -> tuple[Index, ...]:
        return (*broadcast_index(right, own[:r]), k, *((own[-1],) if column else ()))

    return contracted(b, name, shape, extent, (x, of_left), (y, of_right))


@lowers("MatMul")
def matmul(n: View, b: Builder) -> None:
    b.bind(n.output(), matrix_product(b, n.output(), n.input(0), n.input(1)))


@lowers("Gemm")
def gemm(n: View, b: Builder) -> None:
    """alpha * (A' B') + beta * C, the sum and what follows it in f32 for 16-bit types, rounded once."""
    x, y, c = n.input(0), n.input(1), n.optional(2)
    t = one_type(x, y, *(() if c is None else (c,)))
    if x.rank != 2 or y.rank != 2 or not t.is_float:
        raise CompileError("its operands are no matrices of floats")
    across, down = n.flag("transA"), n.flag("transB")
    alpha, beta = n.attribute("alpha", 1.0), n.attribute("beta", 1.0)
    rows, extent = (x.shape[1], x.shape[0]) if across else x.shape
    other, columns = (y.shape[1], y.shape[0]) if down else y.shape
    if extent != other:
        raise CompileError(f"{shape_text(x.shape)} and {shape_text(y.shape)} have no product")
    shape = (rows, columns)
    if c is not None and broadcast([shape, c.shape]) != shape:
        raise CompileError(f"C of {shape_text(c.shape)} does not broadcast to the result")
    w = t.wide

    def finish(p: Place, total: Expr) -> Expr:
        out = total if alpha == 1.0 else p.op("mul", number(alpha, w), total)
        if c is not None:
            bias = cast(p.get(c, broadcast_index(c.shape, p.index)), w)
            out = p.op("add", out, bias if beta == 1.0 else p.op("mul", number(beta, w), bias))
        return cast(out, t)

    left: At = lambda own, k: (k, own[0]) if across else (own[0], k)
    right: At = lambda own, k: (own[1], k) if down else (k, own[1])
    b.bind(n.output(), contracted(b, n.output(), shape, extent, (x, left), (y, right), finish))
