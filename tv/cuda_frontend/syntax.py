"""The syntax tree that both CUDA readers produce and lowering consumes: names unresolved, types as written."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.diagnostic import TvError
from tv.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    span: Span


# ------------------------------------------------------------------------------------------------ types, as written
@dataclass(frozen=True, slots=True)
class TypeSyntax(Node):
    """Base of type syntax."""


@dataclass(frozen=True, slots=True)
class NamedType(TypeSyntax):
    """A type by name: `unsigned int` (specifiers in source order), `float4`, a typedef, a template's type parameter. restrict: the name
    is one of a pointer."""

    name: str
    const: bool = False
    volatile: bool = False
    args: tuple[TypeSyntax | Expr, ...] = ()
    restrict: bool = False


@dataclass(frozen=True, slots=True)
class PointerType(TypeSyntax):
    target: TypeSyntax
    const: bool = False
    volatile: bool = False
    restrict: bool = False
    reference: bool = False


@dataclass(frozen=True, slots=True)
class ArrayType(TypeSyntax):
    """`size` None: `[]`."""

    element: TypeSyntax
    size: Expr | None


@dataclass(frozen=True, slots=True)
class AutoType(TypeSyntax):
    const: bool = False
    restrict: bool = False


@dataclass(frozen=True, slots=True)
class TypeOf(TypeSyntax):
    """`decltype(expr)`, `__typeof__(expr)`. word: as written, `decltype((` where a parenthesis follows."""

    expr: Expr
    word: str
    restrict: bool = False


# ------------------------------------------------------------------------------------------------ expressions
@dataclass(frozen=True, slots=True)
class Expr(Node):
    """Base of expressions."""


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """An integer or floating literal as spelled; `true`, `false` and `nullptr` are `Name`s."""

    text: str


@dataclass(frozen=True, slots=True)
class Character(Expr):
    text: str


@dataclass(frozen=True, slots=True)
class String(Expr):
    text: str


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """An identifier, with template arguments where written (`f<32>`)."""

    name: str
    args: tuple[TypeSyntax | Expr, ...] | None = None


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """op: + - ~ ! * & ++ -- p++ p--"""

    op: str
    a: Expr


@dataclass(frozen=True, slots=True)
class SizeOf(Expr):
    """`sizeof` or `alignof`."""

    op: str
    of: TypeSyntax | Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: str
    a: Expr
    b: Expr


@dataclass(frozen=True, slots=True)
class Assign(Expr):
    """op: = += -= ..."""

    op: str
    target: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Conditional(Expr):
    cond: Expr
    a: Expr
    b: Expr


@dataclass(frozen=True, slots=True)
class Comma(Expr):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Index(Expr):
    a: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Member(Expr):
    a: Expr
    name: str
    arrow: bool


@dataclass(frozen=True, slots=True)
class Call(Expr):
    callee: Expr
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """style: c, static, reinterpret, const."""

    type: TypeSyntax
    a: Expr
    style: str


@dataclass(frozen=True, slots=True)
class Construct(Expr):
    """`T(x, y)` or `T{x, y}`."""

    type: TypeSyntax
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class InitList(Expr):
    """`{a, b, {c}}`; designators as (field name or None)."""

    items: tuple[Expr, ...]
    fields: tuple[str | None, ...] = ()


# ------------------------------------------------------------------------------------------------ declarations
@dataclass(frozen=True, slots=True)
class Decl(Node):
    """Base of declarations. order: its place among the file's declarations, from 1; 0 for one inside a function."""

    order: int = field(default=0, kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class Variable(Decl):
    """storage: the words extern static constexpr register __shared__ __device__ __constant__ ... that were written."""

    name: str
    type: TypeSyntax
    init: Expr | None
    storage: frozenset[str] = frozenset()
    align: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeAlias(Decl):
    name: str
    type: TypeSyntax


@dataclass(frozen=True, slots=True)
class Struct(Decl):
    name: str
    fields: tuple[Variable, ...]
    align: tuple[Expr, ...] = ()
    template: tuple[TemplateParameter, ...] = ()
    methods: tuple[Function, ...] = ()
    constants: tuple[Variable, ...] = ()  # `static constexpr` members
    given: tuple[TypeSyntax | Expr, ...] | None = None  # arguments that the template `name` is specialised for


@dataclass(frozen=True, slots=True)
class Enum(Decl):
    """type: the underlying one, where it is written."""

    name: str
    items: tuple[tuple[str, Expr | None], ...]
    type: TypeSyntax | None = None


@dataclass(frozen=True, slots=True)
class TemplateParameter(Node):
    """A type parameter (`type` None) or a value parameter."""

    name: str
    type: TypeSyntax | None
    default: TypeSyntax | Expr | None = None


@dataclass(frozen=True, slots=True)
class Function(Decl):
    """`body` None: a prototype. words: __global__ __device__ __host__ inline static ...

    first: order of its first declaration. generic: a template, or a method of one.
    """

    name: str
    result: TypeSyntax
    parameters: tuple[Variable, ...]
    body: Block | None
    words: frozenset[str] = frozenset()
    bounds: tuple[Expr, ...] = ()
    template: tuple[TemplateParameter, ...] = ()
    given: tuple[TypeSyntax | Expr, ...] | None = None  # arguments that the template `name` is specialised for
    first: int = field(default=0, kw_only=True, compare=False)
    generic: bool = field(default=False, kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class Assertion(Decl):
    """`static_assert`."""

    cond: Expr


# ------------------------------------------------------------------------------------------------ statements
@dataclass(frozen=True, slots=True)
class Stmt(Node):
    """Base of statements."""


@dataclass(frozen=True, slots=True)
class Block(Stmt):
    items: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class DeclStmt(Stmt):
    decl: Decl


@dataclass(frozen=True, slots=True)
class ExprStmt(Stmt):
    expr: Expr


@dataclass(frozen=True, slots=True)
class If(Stmt):
    cond: Expr
    then: Stmt
    orelse: Stmt | None
    constexpr: bool = False


@dataclass(frozen=True, slots=True)
class For(Stmt):
    init: tuple[Stmt, ...]
    cond: Expr | None
    step: Expr | None
    body: Stmt


@dataclass(frozen=True, slots=True)
class While(Stmt):
    cond: Expr
    body: Stmt
    test_first: bool = True


@dataclass(frozen=True, slots=True)
class Case(Node):
    """One group of labels (None: default) and the statements after them."""

    labels: tuple[Expr | None, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Switch(Stmt):
    value: Expr
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Jump(Stmt):
    """word: break continue."""

    word: str


@dataclass(frozen=True, slots=True)
class Return(Stmt):
    value: Expr | None


@dataclass(frozen=True, slots=True)
class Unit(Node):
    """A translation unit. hosts: functions and names of the host side, which device code must not use."""

    decls: tuple[Decl, ...]
    hosts: frozenset[str] = frozenset()
    refused: tuple[tuple[str, TvError], ...] = ()  # device names whose declarations the reader did not understand
    broken: frozenset[str] = frozenset()  # kernels among them
    qualified: frozenset[str] = (
        frozenset()
    )  # names written somewhere with `::` or one of the file's namespaces before them
    operators: bool = False  # does it declare operators?
    mentioned: frozenset[str] = frozenset()  # names in declarations that were skipped, which may be declared there
