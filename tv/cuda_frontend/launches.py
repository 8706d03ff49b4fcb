"""Launches that stand in host code: `name<<<grid, block, shared>>>(args)`.

Host code is never executed: an operand counts where it is a constant expression over constants of the file and over host
variables that keep what they are initialised with (`host_variables`). Anything else is None.
"""

from __future__ import annotations

import struct

from pycparser import c_parser as cp

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Frame, Module, Scope
from tv.cuda_frontend.convert import to_type
from tv.cuda_frontend.ctype import VOID, Arith, CType, Handle
from tv.cuda_frontend.expressions import type_of, value
from tv.cuda_frontend.external import UnitParser
from tv.cuda_frontend.from_c import Translator
from tv.cuda_frontend.globals import DIM3
from tv.cuda_frontend.host_variables import CLOSE, OPEN, Host, Tokens
from tv.cuda_frontend.instances import canonical
from tv.cuda_frontend.typenames import builtin_type
from tv.cuda_frontend.values import HandleValue, Known, Value
from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Const, HostLaunch
from tv.launch import CompileOptions
from tv.source import Span

_UNREADABLE = (cp.ParseError, BadInput, Unsupported, AssertionError, ValueError, AttributeError, TypeError, IndexError)


def host_launches(module: Module, options: CompileOptions, found: list[tuple[Tokens, int]]) -> tuple[HostLaunch, ...]:
    """The launches of kernels that the file defines, in text order."""
    launches = (_launch(module, options, tokens, at) for tokens, at in found)
    return tuple(x for x in launches if x is not None)


def _launch(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> HostLaunch | None:
    name, first = kernel_name(module, options, tokens, at)
    if name is None or name.split("<")[0] not in module.functions:
        return None
    config, end = _operands(tokens, at + 2, "RSHIFT")
    if end + 2 >= len(tokens) or tokens[end + 1].type != "GT" or tokens[end + 2].type != "LPAREN":
        return None
    args, _ = _operands(tokens, end + 3, "RPAREN")
    ctx = _host_context(module, options, tokens, at)
    grid = _three(ctx, config[0]) if config else None
    block = _three(ctx, config[1]) if len(config) > 1 else None
    shared = _number(ctx, config[2]) if len(config) > 2 else 0
    t = tokens[first]
    words = tuple(_argument(ctx, a) for a in args if a)
    return HostLaunch(name, grid, block, shared, words, Span(t.filename, t.lineno, t.column, t.column + len(t.value)))


def instances(module: Module, options: CompileOptions, found: list[tuple[Tokens, int]]) -> tuple[str, ...]:
    """Names of the instances of kernels that the file instantiates explicitly."""
    names = (kernel_name(module, options, tokens, at)[0] for tokens, at in found)
    return tuple(n for n in names if n is not None)


def kernel_name(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> tuple[str | None, int]:
    """The kernel before `<<<`, with template arguments evaluated, and where it stands."""
    i = at - 1
    if i >= 0 and tokens[i].type in ("ID", "TYPEID"):
        return tokens[i].value.rsplit("::", 1)[-1], i
    if i < 0 or tokens[i].type != "GT":
        return None, at
    while i >= 0 and tokens[i].type != "LT":
        i -= 1
    if i < 1 or tokens[i - 1].type not in ("ID", "TYPEID"):
        return None, at
    ctx = _host_context(module, options, tokens, at)
    words = []
    for operand in _operands(tokens, i + 1, "GT")[0]:
        n = _number(ctx, operand)
        words.append(str(n) if n is not None else " ".join(str(t.value) for t in operand))
    return canonical(f"{tokens[i - 1].value.rsplit('::', 1)[-1]}<{','.join(words)}>"), i - 1


def _operands(tokens: Tokens, start: int, stop: str) -> tuple[list[Tokens], int]:
    """Comma-separated operands from `start` to the first `stop` outside brackets, and where that stands."""
    found: list[Tokens] = [[]]
    depth, i = 0, start
    while i < len(tokens) and not (depth == 0 and tokens[i].type == stop):
        kind = tokens[i].type
        depth += (kind in OPEN) - (kind in CLOSE)
        if kind == "COMMA" and depth == 0:
            found.append([])
        else:
            found[-1].append(tokens[i])
        i += 1
    return found, i


# ------------------------------------------------------------------------------------------------ evaluation
def _expression(tokens: Tokens) -> ast.Expr | None:
    """The tokens as one expression; None where they are not one that the reader knows."""
    parser = UnitParser()
    parser.clex.input("", tokens[0].filename if tokens else "")
    parser._scope_stack = [{"dim3": True, "size_t": True}]
    rest = iter(tokens)
    parser._tokens = cp._TokenStream(lambda: next(rest, None))
    try:
        tree = parser._parse_assignment_expression()
        return Translator("").expr(tree) if parser._peek() is None else None
    except _UNREADABLE:
        return None


def _evaluate(ctx: Context, tokens: Tokens, t: CType) -> Value | None:
    """The constant value of the tokens as type `t`; None where there is none."""
    e = _expression(tokens) if tokens else None
    if e is None:
        return None
    results: list[object] = []

    def run() -> None:
        results.append(to_type(ctx, value(ctx, e), t, e.span))

    try:
        made = ctx.capture(run)
    except (BadInput, Unsupported):
        return None
    r = results[0]
    constant = isinstance(r, Value) and all(isinstance(p, Const) for p in r.parts)
    return r if constant and not made and isinstance(r, Value) else None


def _number(ctx: Context, tokens: Tokens) -> int | None:
    r = _evaluate(ctx, tokens, Arith(fold.S.I64))
    return None if r is None else fold.int_value(r.parts[0])


def _argument(ctx: Context, tokens: Tokens) -> str:
    """An argument of the kernel: the number that it is, or its text."""
    text = "".join(str(t.value) for t in tokens)
    e = _expression(tokens)
    if e is None or not any(t.type in ("ID", "TYPEID") for t in tokens):
        return text
    try:
        t = type_of(ctx, e)
    except (BadInput, Unsupported):
        return text
    r = _evaluate(ctx, tokens, t) if isinstance(t, Arith) else None
    part = None if r is None else r.parts[0]
    if not isinstance(part, Const):
        return text
    if part.type in (fold.S.F32, fold.S.F64):
        return repr(
            struct.unpack({4: "<f", 8: "<d"}[part.type.bytes], part.bits.to_bytes(part.type.bytes, "little"))[0]
        )
    n = fold.int_value(part)
    if n is None:
        return text
    return ("false", "true")[n] if part.type is fold.S.BOOL else str(n)


def _three(ctx: Context, tokens: Tokens) -> tuple[int, int, int] | None:
    r = _evaluate(ctx, tokens, DIM3)
    if r is None:
        return None
    x, y, z = (fold.int_value(p) or 0 for p in r.parts)
    return x, y, z


def _host_context(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> Context:
    """A context that knows the constants of the host function around the launch at `at`; its other variables hide those of the
    file."""
    ctx = Context(module, options)
    ctx.scopes = [module.scope, Scope()]
    ctx.frames.append(Frame("host", VOID))
    host = Host(tokens, module.operators)
    for name in {*module.globals, *module.scope.places}:
        if host.hides(name, at):
            ctx.scopes[-1].places[name] = Known(HandleValue(Handle(f"host variable `{name}`")))
    for v in host.visible(at):
        t = DIM3 if v.words == "dim3" else builtin_type(v.words)
        if isinstance(t, Arith) or t == DIM3:
            made = _declared(ctx, tokens, v.at, v.mark, t)
            if made is not None:
                ctx.scopes[-1].places[v.name] = Known(made)
    return ctx


def _declared(ctx: Context, tokens: Tokens, at: int, mark: str, t: CType) -> Value | None:
    if mark == "EQUALS":
        return _evaluate(ctx, _operands(tokens, at + 1, "SEMI")[0][0], t)
    operands, _ = _operands(tokens, at + 1, "RPAREN" if mark == "LPAREN" else "RBRACE")
    if t != DIM3:
        return _evaluate(ctx, operands[0], t) if len(operands) == 1 else None
    numbers = [_number(ctx, o) for o in operands]
    if len(numbers) > 3 or any(n is None for n in numbers):
        return None
    full = [n or 0 for n in numbers] + [1] * (3 - len(numbers))
    return Value(DIM3, tuple(fold.integer(fold.S.U32, n) for n in full))
