"""Indices, expressions, stages and programs as readable text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from megac.dtype import DType, value_of
from megac.ir import (
    Append,
    Atom,
    Axis,
    AxisRef,
    Cast,
    Const,
    Data,
    Expr,
    Index,
    IndexTest,
    IndexValue,
    Load,
    Op,
    Program,
    Quotient,
    Reduced,
    Remainder,
    Rolled,
    Select,
    Stage,
)
from megac.size import ONE, ZERO, Size

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "eq": "==", "and": "and", "or": "or"}


# ---------------------------------------------------------------------------------------------------------- indices
def atom_text(atom: Atom) -> str:
    match atom:
        case AxisRef(name):
            return name
        case Quotient(index, by):
            return f"{_inner(index)}//{_factor(by)}"
        case Remainder(index, by):
            return f"{_inner(index)}%{_factor(by)}"
        case Data(value):
            return f"<{expression(value)}>"


def index_text(index: Index) -> str:
    parts = [_times(a, f) for a, f in index.terms]
    if index.const != ZERO or not parts:
        parts.append(str(index.const))
    return " + ".join(parts).replace("+ -", "- ")


def _times(atom: Atom, factor: Size) -> str:
    if factor == ONE:
        return atom_text(atom)
    return f"-{atom_text(atom)}" if factor == Size(-1) else f"{atom_text(atom)}*{_factor(factor)}"


def _inner(index: Index) -> str:
    one = len(index.terms) == 1 and index.const == ZERO and index.terms[0][1] == ONE
    return index_text(index) if one and isinstance(index.terms[0][0], AxisRef | Data) else f"({index_text(index)})"


def _factor(size: Size) -> str:
    return str(size) if size.constant is not None and size.const >= 0 else f"({size})"


# ------------------------------------------------------------------------------------------------------ expressions
def constant_text(c: Const) -> str:
    """The number; enough digits to tell it from every other one of its type."""
    value = value_of(c.bits, c.dtype)
    if not c.dtype.is_float:
        return str(value).lower()
    wide = np.float64(value)
    if np.isnan(wide):
        return f"nan:{c.bits:x}"
    return f"{np.format_float_positional(wide, trim='0')}" if 1e-4 <= abs(wide) < 1e7 else f"{wide!r}"[11:-1]


def expression(e: Expr) -> str:
    match e:
        case Const():
            return f"{constant_text(e)}"
        case Load(tensor, index):
            return f"{tensor}[{', '.join(map(index_text, index))}]"
        case IndexValue(index):
            return f"#({index_text(index)})" if len(index.terms) != 1 else f"#{index_text(index)}"
        case IndexTest(kind, index):
            return f"[{index_text(index)} {'>=' if kind == 'ge' else '=='} 0]"
        case Op(name, (a, b)) if name in INFIX:
            return f"({expression(a)} {INFIX[name]} {expression(b)})"
        case Op(name, args):
            return f"{name}({', '.join(map(expression, args))})"
        case Cast(arg, dtype):
            return f"{dtype.value}({expression(arg).removeprefix('(').removesuffix(')') if _paired(arg) else expression(arg)})"
        case Select(cond, yes, no):
            return f"({expression(cond)} ? {expression(yes)} : {expression(no)})"
        case Reduced():
            return "@"


def _paired(e: Expr) -> bool:
    return isinstance(e, Op) and len(e.args) == 2 and e.name in INFIX


def key(e: Expr, name: Callable[[str], str] = str) -> str:
    """Text that two expressions share only if they are the same, types and bits included; `name` says what stands for
    a tensor's name."""
    match e:
        case Const(dtype, bits):
            return f"{dtype.value}:{bits:x}"
        case Load(tensor, index, dtype):
            return f"{name(tensor)}[{','.join(index_key(i, name) for i in index)}]{dtype.value}"
        case IndexValue(index, dtype):
            return f"#{index_key(index, name)}:{dtype.value}"
        case IndexTest(kind, index):
            return f"{kind}({index_key(index, name)})"
        case Op(operation, args, dtype):
            return f"{operation}.{dtype.value}({','.join(key(a, name) for a in args)})"
        case Cast(arg, dtype):
            return f"{dtype.value}({key(arg, name)})"
        case Select(cond, yes, no):
            return f"({key(cond, name)}?{key(yes, name)}:{key(no, name)})"
        case Reduced(dtype):
            return f"@{dtype.value}"


def index_key(index: Index, name: Callable[[str], str] = str) -> str:
    return "+".join([*(f"{atom_key(a, name)}*({f})" for a, f in index.terms), f"({index.const})"])


def atom_key(atom: Atom, name: Callable[[str], str] = str) -> str:
    match atom:
        case AxisRef(axis):
            return axis
        case Quotient(index, by):
            return f"({index_key(index, name)}//({by}))"
        case Remainder(index, by):
            return f"({index_key(index, name)}%({by}))"
        case Data(value):
            return f"<{key(value, name)}>"


def stage_key(s: Stage, name: Callable[[str], str] = str) -> str:
    """Text that two stages share only if they compute the same from the same."""
    parts = [_axes(s.axes), s.dtype.value, key(s.body, name)]
    if s.reduction is not None:
        r = s.reduction
        parts += [r.op, _axes(r.axes), key(r.start), key(r.element, name), key(r.where, name) if r.where else ""]
    return "|".join(parts)


# ----------------------------------------------------------------------------------------------------------- stages
def _axes(axes: Iterable[Axis]) -> str:
    return ", ".join(f"{a.name}<{a.extent}" for a in axes)


def stage_text(s: Stage) -> str:
    """One line: the tensor with its axes, its type, its formula, and the operators that it computes."""
    text = expression(s.body)
    if s.reduction is not None:
        r = s.reduction
        guard = f" if {expression(r.where)}" if r.where is not None else ""
        start = "" if r.op.startswith("arg") else f" from {constant_text(r.start)}"
        fold = f"{r.op}[{_axes(r.axes)}{guard}{start}] {expression(r.element)}"
        text = fold if isinstance(s.body, Reduced) else f"{text} where @ = {fold}"
    operators = " ".join(dict.fromkeys(o.op for o in s.origin))
    return f"{s.name}[{_axes(s.axes)}] : {s.dtype.value} = {text}    // {operators}"


def append_text(a: Append) -> str:
    at = index_text(a.position)
    return f"{a.output} = {a.input} with {a.rows} at {at} along axis {a.axis} ({a.count} new)"


def program_text(p: Program) -> str:
    """The whole program, rolled layers once."""
    shape = {x.name: f"[{', '.join(map(str, x.shape))}] {x.dtype.value}" for x in p.leaves()}
    lines = [f"program {p.name}" + (f", any {', '.join(p.dims)} >= 0" if p.dims else "")]
    lines += [f"input {x.name}{shape[x.name]}" for x in p.inputs]
    lines += [f"constant {x.name}{shape[x.name]}" for x in p.constants]
    lines += [f"given {x.low} <= {x.tensor} <= {x.high}" for x in p.preconditions]
    r = p.layers
    if r is None:
        lines += [f"append {append_text(a)}" for a in p.appends]
        return "\n".join([*lines, *map(stage_text, p.stages), *_outputs(p)])
    lines += map(stage_text, p.stages[: r.start])
    lines += [f"for layer in 0 .. {r.count - 1}:"]
    lines += ["  " + line for line in _layer(p, r, shape)]
    lines += map(stage_text, p.stages[r.start + r.period * r.count :])
    return "\n".join([*lines, *_outputs(p)])


def _layer(p: Program, r: Rolled, shape: dict[str, str]) -> list[str]:
    own = [f"own {x.slot}{shape.get(x.slot, '')}: {x.names[0]} .. {x.names[-1]}" for x in r.leaves]
    handed = [f"carried {c.initial}: then {c.produced[0]}" for c in r.carried]
    appends = [f"append {append_text(p.appends[k[0]])}" for k in r.appends]
    return [*own, *handed, *appends, *map(stage_text, p.stages[r.start : r.start + r.period])]


def _outputs(p: Program) -> list[str]:
    return [f"output {o.name} = {o.tensor}" for o in p.outputs]


def type_text(dtype: DType, shape: Iterable[Size]) -> str:
    return f"{dtype.value}[{', '.join(map(str, shape))}]"
