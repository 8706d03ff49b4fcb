"""Launches that stand in host code: `name<<<grid, block, shared>>>(args)`.

Host code is never executed: an operand counts where it is a constant expression over constants of the file and over host
variables that keep what they are initialised with (`host_variables`). Anything else is None.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from pycparser import c_parser as cp

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Frame, Module, Scope
from tv.cuda_frontend.convert import to_type
from tv.cuda_frontend.ctype import VOID, Arith, CType
from tv.cuda_frontend.cuda_types import PREDECLARED_TYPES
from tv.cuda_frontend.expressions import type_of, value
from tv.cuda_frontend.external import UnitParser
from tv.cuda_frontend.from_c import Translator
from tv.cuda_frontend.globals import DIM3
from tv.cuda_frontend.host_variables import CLOSE, OPEN, Host, Tokens, launch_end
from tv.cuda_frontend.instances import canonical
from tv.cuda_frontend.predefined import header_functions
from tv.cuda_frontend.typenames import builtin_type
from tv.cuda_frontend.values import Known, Value
from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Const, HostLaunch
from tv.launch import CompileOptions
from tv.source import Span

_UNREADABLE = (cp.ParseError, BadInput, Unsupported, AssertionError, ValueError, AttributeError, TypeError, IndexError)
_NAME = ("ID", "TYPEID")
_BRANCHES = ("LT", "GT", "LSHIFT", "RSHIFT")  # beside which a comma may be one of template arguments


@dataclass(frozen=True, slots=True)
class Here:
    """What names mean at a launch: `ctx` knows the file and, as places, the host variables `variables`."""

    ctx: Context
    host: Host
    at: int
    variables: frozenset[str]

    def knows(self, tokens: Tokens) -> bool:
        """Does every name in these tokens mean here what it means to `ctx`?"""
        return all(self.known(str(t.value)) for i, t in enumerate(tokens) if t.type in _NAME and not member(tokens, i))

    def known(self, name: str) -> bool:
        if name in self.variables:
            return True
        if self.foreign(name):
            return False
        if name == "dim3" or name in PREDECLARED_TYPES:
            return self.host.keeps_type(name)
        return self.host.keeps(name, self.at)

    def foreign(self, name: str) -> bool:
        """May host code that is not read declare it, or another overload of it further down?"""
        m = self.ctx.module
        return (
            name in m.hosts
            or name in m.refused
            or name in m.mentioned
            or name in header_functions()[1]
            or "::" in name
            or len(m.functions.get(name, ())) > 1
        )

    def known_type(self, name: str) -> bool:
        """Is this the file's type of that name, or CUDA's?"""
        foreign = name in self.variables or self.foreign(name)
        return not foreign and self.host.keeps_type(name) and not self.host.in_class(self.at)


def member(tokens: Tokens, i: int) -> bool:
    return i > 0 and tokens[i - 1].type == "PERIOD"


MOST_READ = 5_000_000  # tokens that are looked through, those of a function once for each of its launches


def host_launches(module: Module, options: CompileOptions, found: list[tuple[Tokens, int]]) -> tuple[HostLaunch, ...]:
    """The launches of kernels that the file defines, in text order. Each asks all of its function what becomes of its names."""
    if sum(len(tokens) for tokens, _ in found) > MOST_READ:
        tokens, at = found[0]
        span = Span(tokens[at].filename, tokens[at].lineno)
        raise Unsupported("TV0104", f"{len(found)} launches in very long functions", span, "leave the host code out")
    launches = (_launch(module, options, tokens, at) for tokens, at in found)
    return tuple(x for x in launches if x is not None)


def _launch(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> HostLaunch | None:
    here = _here(module, options, tokens, at)
    name, first = kernel_name(here, tokens, at)
    if name is None or name.split("<")[0] not in module.functions or not here.known(tokens[first].value):
        return None
    end = launch_end(tokens, at)
    if not end:
        return None
    config = _operands(tokens, at + 2, "RSHIFT")[0]
    args = _operands(tokens, end + 3, "RPAREN")[0]
    grid = _three(here, config[0]) if config else None
    block = _three(here, config[1]) if len(config) > 1 else None
    shared = _number(here, config[2]) if len(config) > 2 else 0
    t = tokens[first]
    words = tuple(_argument(here, a) for a in args if a)
    return HostLaunch(name, grid, block, shared, words, Span(t.filename, t.lineno, t.column, t.column + len(t.value)))


def instances(module: Module, options: CompileOptions, found: list[tuple[Tokens, int]]) -> tuple[str, ...]:
    """Names of the instances of kernels that the file instantiates explicitly."""
    names = (kernel_name(_here(module, options, tokens, at), tokens, at)[0] for tokens, at in found)
    return tuple(n for n in names if n is not None)


def kernel_name(here: Here, tokens: Tokens, at: int) -> tuple[str | None, int]:
    """The kernel before `<<<`, with template arguments evaluated, and where it stands; None where a name may mean another."""
    i = at - 1
    if i >= 0 and tokens[i].type in _NAME:
        return tokens[i].value.rsplit("::", 1)[-1], i
    if i < 0 or tokens[i].type != "GT":
        return None, at
    while i >= 0 and tokens[i].type != "LT":
        i -= 1
    if i < 1 or tokens[i - 1].type not in _NAME:
        return None, at
    words = []
    for operand in _operands(tokens, i + 1, "GT", template=True)[0]:
        n = _number(here, operand)
        names = [str(t.value) for t in operand if t.type in _NAME]
        if n is None and not all(here.known_type(x) for x in names):
            return None, at
        words.append(str(n) if n is not None else " ".join(str(t.value) for t in operand))
    return canonical(f"{tokens[i - 1].value.rsplit('::', 1)[-1]}<{','.join(words)}>"), i - 1


def _operands(tokens: Tokens, start: int, stop: str, template: bool = False) -> tuple[list[Tokens], int]:
    """Comma-separated operands from `start` to the first `stop` outside brackets, and where that stands; no operands where
    a comma may be one of template arguments."""
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
    unclear = not template and any(t.type in _BRANCHES for operand in found for t in operand)
    return ([] if unclear else found), i


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


def _evaluate(here: Here, tokens: Tokens, t: CType) -> Value | None:
    """The constant value of the tokens as type `t`; None where there is none."""
    e = _expression(tokens) if tokens and here.knows(tokens) else None
    if e is None:
        return None
    results: list[object] = []

    def run() -> None:
        results.append(to_type(here.ctx, value(here.ctx, e), t, e.span))

    try:
        made = here.ctx.capture(run)
    except (BadInput, Unsupported):
        return None
    r = results[0]
    constant = isinstance(r, Value) and all(isinstance(p, Const) for p in r.parts)
    return r if constant and not made and isinstance(r, Value) else None


def _number(here: Here, tokens: Tokens) -> int | None:
    r = _evaluate(here, tokens, Arith(fold.S.I64))
    return None if r is None else fold.int_value(r.parts[0])


def _argument(here: Here, tokens: Tokens) -> str:
    """An argument of the kernel: the number that it is, or its text, which then looks like none."""
    text = "".join(str(t.value) for t in tokens)
    text = f"({text})" if text.lstrip("+-")[:1].isdigit() else text
    e = _expression(tokens)
    if e is None or not here.knows(tokens):
        return text
    try:
        t = type_of(here.ctx, e)
    except (BadInput, Unsupported):
        return text
    r = _evaluate(here, tokens, t) if isinstance(t, Arith) else None
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


def _three(here: Here, tokens: Tokens) -> tuple[int, int, int] | None:
    r = _evaluate(here, tokens, DIM3)
    if r is None:
        return None
    x, y, z = (fold.int_value(p) or 0 for p in r.parts)
    return x, y, z


def _here(module: Module, options: CompileOptions, tokens: Tokens, at: int) -> Here:
    """What is known at the launch at token `at` of a host function."""
    ctx = Context(module, options)
    ctx.scopes = [module.scope, Scope()]
    ctx.frames.append(Frame("host", VOID))
    plain = {n for n, fs in module.functions.items() if all(takes_numbers(f) for f in fs)}
    host = Host(tokens, module.operators, frozenset(plain) - module.hosts - module.refused.keys())
    here = Here(ctx, host, at, frozenset())
    for v in host.visible(at):
        t = DIM3 if v.words == "dim3" else builtin_type(v.words)
        if (isinstance(t, Arith) or t == DIM3) and all(here.known(w) for w in v.words.split() if not is_word(w)):
            made = _declared(here, tokens, v.at, v.mark, t)
            if made is not None:
                ctx.scopes[-1].places[v.name] = Known(made)
                here = replace(here, variables=here.variables | {v.name})
    return here


def takes_numbers(f: ast.Function) -> bool:
    """Are all parameters numbers and pointers by value, so that passing a variable cannot change it?"""
    deduced = set() if "__global__" in f.words else {p.name for p in f.template if p.type is None}
    return all(
        (isinstance(p.type, ast.PointerType) and not p.type.reference)
        or (
            isinstance(p.type, ast.NamedType)
            and (isinstance(builtin_type(p.type.name), Arith) or p.type.name in deduced)
        )
        for p in f.parameters
    )


def is_word(w: str) -> bool:
    """Is it one of C's own words for types?"""
    return w.upper() in cp._TYPE_SPEC_SIMPLE


def _declared(here: Here, tokens: Tokens, at: int, mark: str, t: CType) -> Value | None:
    if mark == "EQUALS":
        operands, _ = _operands(tokens, at + 1, "SEMI")
        return _evaluate(here, operands[0], t) if operands else None
    operands, _ = _operands(tokens, at + 1, "RPAREN" if mark == "LPAREN" else "RBRACE")
    if t != DIM3:
        return _evaluate(here, operands[0], t) if len(operands) == 1 else None
    numbers = [_number(here, o) for o in operands]
    if not 0 < len(numbers) <= 3 or any(n is None for n in numbers):
        return None
    full = [n or 0 for n in numbers] + [1] * (3 - len(numbers))
    return Value(DIM3, tuple(fold.integer(fold.S.U32, n) for n in full))
