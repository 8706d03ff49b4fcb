"""`__dp4a`: four products of bytes, added to a 32-bit integer; and functions of two results, which are refused by name."""

from __future__ import annotations

from tv.cuda_frontend import fold
from tv.cuda_frontend.builtin import Call, builtin, part, scalar_value
from tv.cuda_frontend.convert import scalar_convert, type_error
from tv.cuda_frontend.ctype import Arith, Vector
from tv.cuda_frontend.values import Result, Value
from tv.kernel import Expr, Extract, Scalar
from tv.source import Span

S = Scalar


@builtin("__dp4a")
def _dot_of_bytes(c: Call) -> Result:
    """Overloaded by signedness, for words and for vectors of four bytes; the sum wraps."""
    c.count(3)
    a, b, start = c.values()
    total = part(start, c.span)
    if total.type not in (S.I32, S.U32):
        raise type_error(f"`__dp4a` added to `{Arith(total.type)}`", c.span, "pass an `int` or an `unsigned`")
    byte = S.I8 if total.type is S.I32 else S.U8
    out = scalar_convert(total, S.U32, c.span)
    for x, y in zip(_bytes(a, byte, c.span), _bytes(b, byte, c.span), strict=True):
        product = fold.binary("mul", S.I32, scalar_convert(x, S.I32, c.span), scalar_convert(y, S.I32, c.span), c.span)
        out = fold.binary("add", S.U32, out, scalar_convert(product, S.U32, c.span), c.span)
    return scalar_value(scalar_convert(out, total.type, c.span))


def _bytes(r: Result, byte: Scalar, span: Span) -> list[Expr]:
    """The four bytes of a word, or the components of a vector, lowest first. Raises Unsupported (TV0113) for other types."""
    word = S.I32 if byte is S.I8 else S.U32
    match r:
        case Value(type=Arith(scalar=s), parts=(e,)) if s is word:
            return [Extract(byte, e, 8 * k, span) for k in range(4)]
        case Value(type=Vector(scalar=s, count=4), parts=parts) if s is byte:
            return list(parts)
        case _:
            raise type_error(
                f"`__dp4a` of `{r.type}`", span, "pass words, or vectors of bytes, of the sum's signedness"
            )


@builtin("sincosf", "sincos", "__sincosf", "sincospif", "sincospi")
def _two_results(c: Call) -> Result:
    """They round otherwise than the functions of one result."""
    one = c.name.replace("sincos", "sin"), c.name.replace("sincos", "cos")
    raise c.unsupported(f"`{c.name}`", f"call `{one[0]}` and `{one[1]}`, which are the Sin and Cos of a graph")
