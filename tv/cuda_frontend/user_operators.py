"""Operators that the file overloads for vector types and structs: `operator+` and its kin are device functions of that name.

C++ looks for them only where an operand is of a class. An overload without such a parameter is refused where it stands:
enumerations are integers here, and the operators of 16-bit floats are those of CUDA's headers.
"""

from __future__ import annotations

import re

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.ctype import CType, Struct, Vector
from tv.cuda_frontend.typenames import referred
from tv.cuda_frontend.values import Result
from tv.kernel import Scalar
from tv.source import Span

_HALVES = (Scalar.F16, Scalar.BF16)
_PLAIN = re.compile(r"operator(?:[-+*/%&|^]|<<|>>|[<>]|==|!=|<=|>=|~|(?:[-+*/%&|^]|<<|>>)=)")


def is_operator(name: str) -> bool:
    return re.match(r"operator\W", name) is not None


def has_operators(ctx: Context) -> bool:
    return any(is_operator(name) for name in ctx.module.functions)


def check_operator(ctx: Context, f: ast.Function) -> None:
    """Raises Unsupported for an overload that may concern operands that are no class here."""
    if not is_operator(f.name):
        return
    if f.template or _PLAIN.fullmatch(f.name) is None:
        text = f"the overloaded `{f.name}`" + (" as a template" if f.template else "")
        raise unsupported("TV0111", text, f.span, "write a `__device__` function with a name")
    kinds = [referred(ctx, p.type) for p in f.parameters]
    classes = [k for k in kinds if isinstance(k, (Vector, Struct))]
    if not classes or any(isinstance(k, Vector) and k.scalar in _HALVES for k in classes):
        text = f"`{f.name}` overloaded for other types than structs and vectors of 32 bits"
        raise unsupported("TV0111", text, f.span, "write a `__device__` function with a name")


def is_class(t: CType) -> bool:
    return isinstance(t, (Vector, Struct))


def overloaded(ctx: Context, op: str, operands: list[Result], span: Span) -> Result | None:
    """The value of the file's own operator on these operands; None where it has none for them."""
    from tv.cuda_frontend.calls import choose, inline

    name = f"operator{op}"
    every = ctx.module.functions.get(name, ())
    kinds = [r.type for r in operands]
    fitting = [f for f in every if len(f.parameters) == len(operands)]
    if not fitting or not any(is_class(k) for k in kinds):
        return None
    if any(f.first > ctx.order for f in fitting):
        raise unsupported("TV0111", f"`{name}`, which is declared only later too", span, "declare it above")
    halves = any(getattr(k, "scalar", None) in _HALVES for k in kinds)
    f = choose(ctx, name, fitting, kinds, halves, span)
    return inline(ctx, f, ast.Call(span, ast.Name(span, name), ()), operands, kinds, {})


def assigning(ctx: Context, e: ast.Assign) -> tuple[ast.Function, ...]:
    """The file's own operators that `target op= value` may mean: of a class there is no other."""
    from tv.cuda_frontend.expressions import type_of

    every = ctx.module.functions.get(f"operator{e.op}", ())
    return every if every and is_class(type_of(ctx, e.target)) else ()
