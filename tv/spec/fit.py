"""Does a tensor fit a pointer, a number a parameter, an image its buffer?"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tv.diagnostic import BadInput, Unknown
from tv.kernel import Scalar
from tv.launch import IntOrText
from tv.source import Span
from tv.spec.expression import Expression, Range, evaluate, names, parse, simplified
from tv.spec.interval import samples
from tv.spec.model_signature import ELEMENT_BITS, TensorSignature
from tv.spec.polynomial import Polynomial, polynomial

MOST_ELEMENTS = 1 << 48

_ONNX_OF = {
    Scalar.BOOL: "bool",
    Scalar.I8: "int8",
    Scalar.U8: "uint8",
    Scalar.I16: "int16",
    Scalar.U16: "uint16",
    Scalar.I32: "int32",
    Scalar.U32: "uint32",
    Scalar.I64: "int64",
    Scalar.U64: "uint64",
    Scalar.F16: "float16",
    Scalar.BF16: "bfloat16",
    Scalar.F32: "float",
    Scalar.F64: "double",
}
_CUDA_OF = {
    "float16": "half",
    "bfloat16": "__nv_bfloat16",
    "float": "float",
    "double": "double",
    "int64": "long long",
    "uint64": "unsigned long long",
    "int32": "int",
    "uint32": "unsigned",
    "int16": "short",
    "uint16": "unsigned short",
    "int8": "signed char",
    "uint8": "unsigned char",
    "bool": "bool",
}


def fits(pointee: Scalar, element: str) -> bool:
    """The same type, or an integer type of the same width: bits are bits, but no float type is another one."""
    if element not in ELEMENT_BITS:
        return False
    same_width = pointee.bytes * 8 == ELEMENT_BITS[element]
    return _ONNX_OF[pointee] == element or (same_width and not pointee.is_float)


def require_fit(pointee: Scalar, tensor: TensorSignature, name: str, span: Span) -> None:
    """Raises BadInput (TV0223)."""
    if not fits(pointee, tensor.element):
        wanted = _CUDA_OF.get(tensor.element)
        help_text = f"declare it as a pointer to `{wanted}`" if wanted else f"`{tensor.element}` has no C type here"
        what = f"`{name}` points to {_CUDA_OF[_ONNX_OF[pointee]]}, but `{tensor.name}` is {tensor.element}"
        raise BadInput("TV0223", what, span, help_text)


def require_scalar_fit(kind: Scalar, tensor: TensorSignature, name: str, span: Span) -> None:
    """As `require_fit`, for one element passed by value. Raises BadInput (TV0223)."""
    if _ONNX_OF[kind] != tensor.element:
        what = f"`{name}` is {_CUDA_OF[_ONNX_OF[kind]]}, but an element of `{tensor.name}` is {tensor.element}"
        raise BadInput("TV0223", what, span, "pass it in the tensor's own type")


def scalar_value(value: int | float, kind: Scalar, name: str, span: Span) -> int | float:
    """The number as a parameter of that type. Raises BadInput (TV0224) where it has no such value."""
    if kind.is_float:
        return float(value) if isinstance(value, float) else once_rounded(value, kind)
    if isinstance(value, float):
        raise BadInput("TV0224", f"`{name}` is an integer, not {value!r}", span, "write a whole number")
    low, high = integer_range(kind)
    if not low <= value <= high:
        raise BadInput(
            "TV0224",
            f"{value} is no value of `{name}`, which goes from {low} to {high}",
            span,
            "use a value in that range, or a wider parameter",
        )
    return value


def once_rounded(value: int, kind: Scalar) -> float:
    """An integer as a number of that type, to nearest even: a double in between would round twice."""
    precision = {Scalar.F16: 11, Scalar.BF16: 8, Scalar.F32: 24}.get(kind, 53)
    spare = max(0, abs(value).bit_length() - precision)
    kept, rest = divmod(abs(value), 1 << spare)
    kept += rest * 2 > 1 << spare or (rest * 2 == 1 << spare and kept % 2 == 1)
    whole = kept << spare
    size = math.inf if whole.bit_length() > 1024 else float(whole)
    return -size if value < 0 else size


def integer_range(kind: Scalar) -> Range:
    """Smallest and largest value of an integer type or bool."""
    if kind is Scalar.BOOL:
        return 0, 1
    half = 1 << (kind.bits - 1)
    return (-half, half - 1) if kind.signed else (0, 2 * half - 1)


def require_extent(given: IntOrText, needed: Polynomial, ranges: Mapping[str, Range], span: Span, what: str) -> None:
    """Shows needed <= given for all symbol values. Raises BadInput (TV0206, TV0225), or Unknown (TV0229)."""
    expression = parse(given, span)
    for name in names(expression):
        if name not in ranges:
            evaluate(expression, dict.fromkeys(ranges, 1), span)  # names the unknown symbol
    slack = (polynomial(expression) - needed).range(ranges)
    if slack is not None and slack[0] >= 0:
        return
    for point in samples(ranges):
        have, need = evaluate(expression, point, span), needed.at(point)
        if have < need:
            at = ", ".join(f"{k} = {v}" for k, v in point.items())
            note = f" where {at}" if at else ""
            raise BadInput(
                "TV0225",
                f"{what} needs {need} elements, its buffer has {have}{note}",
                span,
                "let the tensor be smaller, or the buffer's `extent` larger",
            )
    raise Unknown("TV0229", f"it cannot be decided whether {what} stays inside its buffer", span, "simplify `extent`")


def require_addressable(needed: list[Polynomial], ranges: Mapping[str, Range], span: Span, what: str) -> None:
    """Refuses what no memory holds at any size, and no 64-bit offset reaches. Raises BadInput (TV0225)."""
    for p in needed:
        r = p.range(ranges)
        if r is not None and r[0] > MOST_ELEMENTS:
            raise BadInput("TV0225", f"{what} needs {r[0]} elements", span, f"at most {MOST_ELEMENTS} can be addressed")


def extent_text(needed: list[Polynomial], ranges: Mapping[str, Range]) -> IntOrText:
    """The extent of a buffer that holds images of these extents; an empty image may have a negative one."""
    parts: list[IntOrText] = []
    for p in needed:
        e: Expression = p.expression()
        r = p.range(ranges)
        parts.append(simplified(e) if r is not None and r[0] >= 0 else f"max(0, {simplified(e)})")
    unique = list(dict.fromkeys(parts))
    if all(isinstance(p, int) for p in unique):
        return max(p for p in unique if isinstance(p, int))
    return unique[0] if len(unique) == 1 else f"max({', '.join(str(p) for p in unique)})"


def is_one_element(tensor: TensorSignature) -> bool:
    return tensor.shape is not None and math.prod(d if isinstance(d, int) else 0 for d in tensor.shape) == 1
