"""Bindings that nobody wrote: by the value in the host launch, by name, and at last by position."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tv.kernel import HostLaunch, Kernel, Parameter, Scalar
from tv.source import Span
from tv.spec import arguments as arg
from tv.spec.border import Border
from tv.spec.fit import fits, is_one_element
from tv.spec.model_signature import TensorSignature

# Numbers as `tv.cuda_frontend` evaluates them; no literals, whose suffixes and bases decide what they are.
_INT = re.compile(r"^-?(0|[1-9]\d*)$")
_FLOAT = re.compile(r"^-?\d+(\.\d+)?(e[-+]?\d+)?$")


def from_host(kernel: Kernel, launch: HostLaunch | None) -> dict[str, arg.Argument]:
    """Numbers and null pointers that the host code passes literally; anything else is left to the other sources."""
    result: dict[str, arg.Argument] = {}
    by_leaf = any("." in p.name for p in kernel.parameters)  # of a struct, which is one argument
    if launch is None or by_leaf or len(launch.args) != len(kernel.parameters):
        return result
    for p, source in zip(kernel.parameters, launch.args, strict=True):
        found = _literal(p, source.strip(), launch.span)
        if found is not None:
            result[p.name] = found
    return result


def _literal(p: Parameter, source: str, span: Span) -> arg.Argument | None:
    if p.pointee is not None:
        return arg.Word("null", span) if source in ("nullptr", "NULL") and not p.entries else None
    if source in ("true", "false"):
        return arg.Plain(int(source == "true"), span)
    if _INT.match(source):
        return arg.Plain(converted(int(source), p), span)
    if _FLOAT.match(source) and p.type is not None and p.type.is_float:
        return arg.Plain(float(source), span)
    return None


def converted(value: int, p: Parameter) -> int:
    """An integer as C++ passes it: modulo 2^width to an integer."""
    if p.type is None or p.type.is_float:
        return value
    if p.type is Scalar.BOOL:
        return int(value != 0)
    wrapped = value & ((1 << p.type.bits) - 1)
    return wrapped - (1 << p.type.bits) if p.type.signed and wrapped >> (p.type.bits - 1) else wrapped


def by_name(p: Parameter, border: Border) -> arg.Argument | None:
    """The tensor of the parameter's own name; for a number, one with a single element."""
    if p.entries is not None:
        return None
    before, after = border.before(p.name), border.after(p.name)
    if p.type is not None:
        if before is None or not is_one_element(before):
            return None
        return arg.Element(f"{p.name}[{', '.join('0' for _ in before.shape or ())}]", p.span)
    if before is not None and after is not None:
        return None  # an output that is an input unchanged: which buffer is which has to be said
    return arg.Buffer((p.name,), p.span) if before is not None or after is not None else None


def by_position(
    parameters: Sequence[Parameter], before: Sequence[TensorSignature], after: Sequence[TensorSignature]
) -> dict[str, str]:
    """Pointers to tensors, if exactly one reading fits: all in the order inputs, initializers, outputs, or pointers to
    const to what is read and the others to outputs, each in order. Initializers of one element may stay away (constants
    are mostly written into the kernel). Empty where there is none or more than one."""
    readings: list[dict[str, str]] = []
    for tensors in (before, [t for t in before if not is_one_element(t)]):
        for order in (list(parameters), sorted(parameters, key=lambda p: not p.readonly)):
            reading = _reading(order, tensors, after)
            if reading is not None and reading not in readings:
                readings.append(reading)
    return readings[0] if len(readings) == 1 else {}


def _reading(
    order: Sequence[Parameter], before: Sequence[TensorSignature], after: Sequence[TensorSignature]
) -> dict[str, str] | None:
    if len(order) != len(before) + len(after):
        return None
    for k, (p, t) in enumerate(zip(order, (*before, *after), strict=True)):
        if (
            p.pointee is None
            or p.entries is not None
            or not fits(p.pointee, t.element)
            or (p.readonly and k >= len(before))
        ):
            return None
    return {p.name: t.name for p, t in zip(order, (*before, *after), strict=True)}
