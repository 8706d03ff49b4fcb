"""Module variables as arguments of the launch: a buffer is one like any other, a number that no thread changes a parameter by value.

What the host puts there before a launch is known to no compiler, as little as an argument is. What nothing is bound to holds its
initialiser.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from math import isnan

from tv.arithmetic import number
from tv.diagnostic import Unknown, Unsupported
from tv.kernel import (
    Assign,
    AsyncCopy,
    Atomic,
    Const,
    Kernel,
    Load,
    MemoryObject,
    Param,
    Parameter,
    Scalar,
    Space,
    Stmt,
    Store,
    mapped,
    references,
    walk,
)
from tv.kernel.rewriting import Part
from tv.launch import Binding, BufferBinding, ScalarBinding
from tv.spec.resolve import Resolved

_BY_HOST = re.compile(r"\b(?:cudaMemcpyToSymbol(?:Async)?|cudaGetSymbolAddress|cuModuleGetGlobal)\b[^;]*")


def with_variables(r: Resolved, text: str) -> Resolved:
    """The one launch with the variables that its kernel uses among its arguments. text: of the kernel's file. Raises Unsupported
    (TV0240), and Unknown (TV0514) for a variable that the file's host code sets and nothing is bound to."""
    by_host = {name for call in _BY_HOST.findall(text) for name in re.findall(r"\w+", call)}
    (launch,), (kernel,) = r.spec.launches, r.kernels
    parameters = {p.name for p in kernel.parameters}
    variables = {n: o for n, o in kernel.objects.items() if o.space is Space.GLOBAL and n not in parameters}
    bound: dict[str, Binding] = {}
    assumptions: list[str] = []
    for name, o in variables.items():
        use = _Use.of(kernel, name)
        if name in r.spec.globals:
            bound[name] = _given(r.spec.globals[name], o, use)
        elif name in by_host:
            message = f"`{name}` is set by the host code of the file, and nothing is bound to it"
            raise Unknown("TV0514", message, o.span, f"write `{name} = ...` under [globals]")
        elif not o.const and (found := _initial(o, kernel.globals.get(name, ()), use)) is not None:
            bound[name] = found
            assumptions.append(f"`{name}` holds its initialiser, since nothing is bound to it")
    launch = replace(launch, args={**bound, **launch.args})
    numbers = {n for n, b in bound.items() if isinstance(b, ScalarBinding)}
    spec = replace(r.spec, launches=(launch,))
    kernels = (_with_numbers(kernel, numbers),)
    held = tuple(n for n in bound if n in r.spec.globals or isinstance(bound[n], BufferBinding))
    return replace(r, spec=spec, kernels=kernels, assumptions=(*r.assumptions, *assumptions), variables=held)


@dataclass(frozen=True, slots=True)
class _Use:
    """How a kernel uses a variable: the first statement that changes it, and the first that reads it but not whole, by its name."""

    changed: Stmt | None
    otherwise: Stmt | None

    @staticmethod
    def of(kernel: Kernel, name: str) -> _Use:
        changed: Stmt | None = None
        otherwise: Stmt | None = None
        for s in walk(kernel.body):
            if all(ref.object != name for ref in references(s)):
                continue
            if _changes(s, name):
                changed = changed or s
            elif not _by_name(s, kernel.objects[name]):
                otherwise = otherwise or s
        return _Use(changed, otherwise)

    @property
    def number(self) -> bool:
        """May a parameter by value stand in its place?"""
        return self.changed is None and self.otherwise is None


def _given(b: Binding, o: MemoryObject, use: _Use) -> Binding:
    """What the specification binds. Nobody but the compiler chooses where a variable lies."""
    if isinstance(b, BufferBinding):
        return replace(b, align=min(b.align, o.align))
    if use.number:
        return b
    if use.otherwise is None and b.value == 0:
        return _cleared(o, 1)
    at = use.otherwise or use.changed
    assert at is not None
    text = f"the variable `{o.name}`, bound to a number, is written, or read in another way than by its name"
    raise Unsupported("TV0240", text, at.span, help="bind it to a tensor of one element")


def _initial(o: MemoryObject, initial: Collection[int], use: _Use) -> Binding | None:
    """What a variable's initialiser is as an argument; None for arrays of anything but zeros."""
    if use.number and len(initial) == 1 and o.element is not Scalar.BOOL:
        (bits,) = initial
        value = number(bits, o.element.label)
        if not o.element.is_float:
            return ScalarBinding(int(value))
        return None if isnan(float(value)) else ScalarBinding(float(value))  # a NaN has bits that no number tells
    return _cleared(o, len(initial)) if initial and not any(initial) else None


def _cleared(o: MemoryObject, extent: int) -> BufferBinding:
    return BufferBinding(extent=extent, align=o.align, zeroed=True)


def _changes(s: Stmt, name: str) -> bool:
    match s:
        case Store(ref=ref) | Atomic(ref=ref) | AsyncCopy(dst=ref):
            return ref.object == name
        case _:
            return False


def _by_name(s: Stmt, declared: MemoryObject) -> bool:
    """Does this statement load all of a variable, as what it is declared?"""
    if not isinstance(s, Load) or s.ref.count != 1 or not isinstance(s.ref.offset, Const):
        return False
    return s.ref.offset.bits == 0 and declared.extents in ((), (1,)) and s.ref.type is declared.element


def _with_numbers(kernel: Kernel, names: Collection[str]) -> Kernel:
    """The kernel with parameters by value in place of these variables."""
    if not names:
        return kernel

    def change(x: Part) -> Part:
        if isinstance(x, Load) and x.ref.object in names:
            return Assign(x.span, x.dests[0], Param(x.ref.type, x.ref.object, x.span))
        return x

    own = tuple(Parameter(n, kernel.objects[n].element, span=kernel.objects[n].span) for n in sorted(names))
    objects = {n: o for n, o in kernel.objects.items() if n not in names}
    initial = {n: bits for n, bits in kernel.globals.items() if n not in names}
    body = mapped(kernel.body, change)
    return replace(kernel, parameters=(*kernel.parameters, *own), objects=objects, body=body, globals=initial)
