"""Launches that stand in host code: `name<<<grid, block, shared>>>(args)`.

Host code is never executed: an operand counts where it is a constant expression over constants of the file and over host
variables that are initialised where they are declared and nowhere assigned again. Anything else is None.
"""

from __future__ import annotations

from typing import Any

from pycparser import c_parser as cp

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Frame, Module, Scope
from tv.cuda_frontend.convert import to_type
from tv.cuda_frontend.ctype import VOID, Arith, CType
from tv.cuda_frontend.expressions import value
from tv.cuda_frontend.external import UnitParser
from tv.cuda_frontend.from_c import Translator
from tv.cuda_frontend.globals import DIM3
from tv.cuda_frontend.instances import canonical
from tv.cuda_frontend.typenames import builtin_type
from tv.cuda_frontend.values import Known, Value
from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Const, HostLaunch
from tv.launch import CompileOptions
from tv.source import Span

Tokens = list[Any]
_OPEN, _CLOSE = ("LPAREN", "LBRACE", "LBRACKET"), ("RPAREN", "RBRACE", "RBRACKET")
_CHANGES = {"EQUALS", "PLUSEQUAL", "MINUSEQUAL", "TIMESEQUAL", "DIVEQUAL", "MODEQUAL", "LSHIFTEQUAL", "RSHIFTEQUAL", "ANDEQUAL", "OREQUAL",
            "XOREQUAL", "PLUSPLUS", "MINUSMINUS"}  # fmt: skip
_UNREADABLE = (cp.ParseError, BadInput, Unsupported, AssertionError, ValueError, AttributeError, TypeError, IndexError)


def host_launches(module: Module, options: CompileOptions, found: list[tuple[Tokens, int]]) -> tuple[HostLaunch, ...]:
    """The launches of kernels that the file defines, in text order."""
    launches = (_launch(module, options, tokens, at) for tokens, at in found)
    return tuple(x for x in launches if x is not None)


def _launch(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> HostLaunch | None:
    name, first = _kernel_name(module, options, tokens, at)
    if name is None or name.split("<")[0] not in module.functions:
        return None
    config, end = _operands(tokens, at + 2, "RSHIFT")
    if end + 2 >= len(tokens) or tokens[end + 1].type != "GT" or tokens[end + 2].type != "LPAREN":
        return None
    args, _ = _operands(tokens, end + 3, "RPAREN")
    ctx = _host_context(module, options, tokens[:at])
    grid = _three(ctx, config[0]) if config else None
    block = _three(ctx, config[1]) if len(config) > 1 else None
    shared = _number(ctx, config[2]) if len(config) > 2 else 0
    t = tokens[first]
    words = tuple("".join(str(x.value) for x in a) for a in args if a)
    return HostLaunch(name, grid, block, shared, words, Span(t.filename, t.lineno, t.column, t.column + len(t.value)))


def _kernel_name(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> tuple[str | None, int]:
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
    ctx = _host_context(module, options, tokens[:at])
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
        depth += (kind in _OPEN) - (kind in _CLOSE)
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


def _three(ctx: Context, tokens: Tokens) -> tuple[int, int, int] | None:
    r = _evaluate(ctx, tokens, DIM3)
    if r is None:
        return None
    x, y, z = (fold.int_value(p) or 0 for p in r.parts)
    return x, y, z


def _host_context(module: Module, options: CompileOptions, before: Tokens) -> Context:
    """A context that knows the host function's own constants."""
    ctx = Context(module, options)
    ctx.scopes = [module.scope, Scope()]
    ctx.frames.append(Frame("host", VOID))
    changed = _changed(before)
    for i in range(len(before) - 2):
        name, mark = before[i + 1], before[i + 2]
        kind = _declared_type(before, i)
        if name.type not in ("ID", "TYPEID") or mark.type not in ("EQUALS", "LPAREN", "LBRACE"):
            continue
        t = DIM3 if kind == "dim3" else builtin_type(kind)
        if t is None or (not isinstance(t, Arith) and t != DIM3) or name.value in changed:
            continue
        declared = _declared(ctx, before, i + 2, mark.type, t)
        if declared is not None:
            ctx.scopes[-1].places[name.value] = Known(declared)
    return ctx


def _declared_type(tokens: Tokens, i: int) -> str:
    """The type word before a declared name: right before it, or at the head of a list `T a(..), b(..)`."""
    if tokens[i].type != "COMMA":
        return str(tokens[i].value)
    depth = 0
    while i > 0 and not (depth == 0 and tokens[i - 1].type in ("SEMI", "LBRACE", "RBRACE", "LPAREN")):
        i -= 1
        depth += (tokens[i].type in _CLOSE) - (tokens[i].type in _OPEN)
    words = [t.value for t in tokens[i : i + 3] if t.value not in ("const", "constexpr", "static")]
    return str(words[0]) if words else ""


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


def _changed(tokens: Tokens) -> set[str]:
    """Names that are assigned apart from one declaration, declared twice, or whose address is taken."""
    found: set[str] = set()
    declared: set[str] = set()
    for i, t in enumerate(tokens):
        if t.type not in ("ID", "TYPEID"):
            continue
        before = tokens[i - 1].type if i else ""
        after = tokens[i + 1].type if i + 1 < len(tokens) else ""
        is_type = before in ("ID", "TYPEID", "CONST") or before in cp._TYPE_SPEC_SIMPLE
        if is_type:
            if t.value in declared:
                found.add(t.value)
            declared.add(t.value)
        elif after in _CHANGES or before in ("PLUSPLUS", "MINUSMINUS", "AND"):
            found.add(t.value)
    return found
