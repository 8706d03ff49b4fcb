"""Loads from buffers all of whose elements are one integer: the value is that integer, wherever in the buffer it is read.

The load stays where it is, so that its bounds and races are asked about as ever; what it delivers is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from tv.kernel import Assign, AsyncCopy, Atomic, If, Kernel, Load, Loop, Param, Scalar, Stmt, Store, walk
from tv.sets import Affine, Ranges
from tv.symexec.values import Value, integer, type_range

Names: TypeAlias = dict[str, tuple[str, Scalar]]  # buffer -> the scalar that its elements are, and their type


def with_known_loads(kernel: Kernel, known: Mapping[str, Affine], ranges: Ranges) -> tuple[Kernel, dict[str, Value]]:
    """known: buffer -> what each of its elements is before the launch. The kernel with such loads' results replaced by scalars,
    and those scalars. A buffer that the kernel itself changes, or whose type does not hold the value, is left alone."""
    changed = {s.ref.object for s in walk(kernel.body) if isinstance(s, Store | Atomic)}
    changed |= {s.dst.object for s in walk(kernel.body) if isinstance(s, AsyncCopy)}
    scalars: dict[str, Value] = {}
    names: Names = {}
    for name, value in known.items():
        kind = kernel.objects[name].element
        low, high = value.interval(ranges)
        least, most = type_range(kind)
        if name in changed or kind.is_float or low is None or high is None or not least <= low <= high <= most:
            continue
        names[name] = (f"element of {name}", kind)
        scalars[names[name][0]] = integer(kind, value)
    return (replace(kernel, body=_block(kernel.body, names)) if names else kernel), scalars


def _block(body: tuple[Stmt, ...], names: Names) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for s in body:
        match s:
            case If():
                out.append(replace(s, then=_block(s.then, names), orelse=_block(s.orelse, names)))
            case Loop():
                inner, step, prelude = (_block(b, names) for b in (s.body, s.step, s.prelude))
                out.append(replace(s, body=inner, step=step, prelude=prelude))
            case Load(dests=dests, ref=ref) if ref.object in names and names[ref.object][1] is ref.type:
                out.append(s)
                out += [Assign(s.span, d, Param(d.type, names[ref.object][0], s.span)) for d in dests]
            case _:
                out.append(s)
    return tuple(out)
