"""pycparser's tree as our own syntax tree. Every node kind that is not named here is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from pycparser import c_ast

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.class_parser import (
    CONSTRUCTOR,
    CONVERSION,
    Specialisation,
    StructSpecialisation,
    StructTemplate,
)
from tv.cuda_frontend.lexer import SpanCoord
from tv.cuda_frontend.parser import CxxCast, Template, TemplateName, TemplateType
from tv.diagnostic import Unsupported
from tv.source import Span

MAX_DEPTH = 1500
_UNNAMED = count(1)  # a place may hold several unnamed types: a macro writes all that it does at one


def refuse(what: str, span: Span, help: str = "") -> Unsupported:
    return Unsupported("TV0111", what, span, help)


def restricts(quals: list[str]) -> bool:
    return "__restrict__" in quals or "__restrict" in quals


class Translator:
    """Recursion over one tree, with a depth limit so that a long chain ends cleanly."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.depth = 0
        self.tagged: dict[int, str] = {}  # structs and enums read so far, by node (`struct {...} a, b;` shares one)

    def span(self, node: Any) -> Span:
        c = getattr(node, "coord", None)
        if c is None:
            return Span(self.file, 1)
        col = c.column or 1
        return Span(c.file, c.line, col, c.end if isinstance(c, SpanCoord) else col + 1)

    # -------------------------------------------------------------------------------------------- types
    def type(self, node: Any) -> ast.TypeSyntax:
        span = self.span(node)
        match node:
            case c_ast.Typename() | c_ast.Decl() | c_ast.Typedef():
                return self.type(node.type)
            case c_ast.TypeDecl():
                return self.base_type(node)
            case c_ast.PtrDecl():
                quals = node.quals or []
                return ast.PointerType(
                    span, self.type(node.type), "const" in quals, "volatile" in quals, restricts(quals), "&" in quals
                )
            case c_ast.ArrayDecl():
                return ast.ArrayType(span, self.type(node.type), None if node.dim is None else self.expr(node.dim))
            case _:
                raise refuse(f"the type construct `{type(node).__name__}`", span)

    def base_type(self, node: Any) -> ast.TypeSyntax:
        quals = node.quals or []
        inner, span = node.type, self.span(node.type if node.type is not None else node)
        const, volatile = "const" in quals or "constexpr" in quals, "volatile" in quals
        restrict = restricts(quals)
        match inner:
            case TemplateType():
                args = tuple(self.template_argument(a) for a in inner.targs)
                return ast.NamedType(span, " ".join(inner.names), const, volatile, args, restrict)
            case c_ast.IdentifierType():
                return ast.NamedType(span, " ".join(inner.names), const, volatile, (), restrict)
            case c_ast.InferredType():
                return ast.AutoType(span, const, restrict)
            case c_ast.TypeOf():
                return ast.TypeOf(span, self.expr(inner.expr), inner.op, restrict)
            case c_ast.Struct() | c_ast.Enum() if inner.name and not restrict:
                return ast.NamedType(span, inner.name, const, volatile)
            case _:
                raise refuse(f"the type construct `{type(inner).__name__}`", span)

    def template_argument(self, node: Any) -> ast.TypeSyntax | ast.Expr:
        return self.type(node) if isinstance(node, c_ast.Typename) else self.expr(node)

    # -------------------------------------------------------------------------------------------- expressions
    def expr(self, node: Any) -> ast.Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsupported("TV0104", "an expression nested too deep", self.span(node), "split it into statements")
        handler = EXPRESSIONS.get(type(node).__name__)
        if handler is None:
            raise refuse(f"the expression `{type(node).__name__}`", self.span(node))
        result = handler(self, node, self.span(node))
        self.depth -= 1
        return result

    def exprs(self, node: Any) -> tuple[ast.Expr, ...]:
        return () if node is None else tuple(self.expr(e) for e in node.exprs)


Handler = Callable[[Translator, Any, Span], ast.Expr]
EXPRESSIONS: dict[str, Handler] = {}


def _on(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        EXPRESSIONS[name] = handler
        return handler

    return register


@_on("Constant")
def _constant(t: Translator, n: Any, span: Span) -> ast.Expr:
    if n.type == "string":
        return ast.String(span, n.value)
    if n.type == "char":
        return ast.Character(span, n.value)
    if n.type in ("bool", "nullptr_t"):
        return ast.Name(span, n.value)
    return ast.Number(span, n.value)


@_on("ID")
def _id(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Name(span, n.name)


@_on("TemplateName")
def _template_name(t: Translator, n: TemplateName, span: Span) -> ast.Expr:
    return ast.Name(span, n.name, tuple(t.template_argument(a) for a in n.targs))


@_on("UnaryOp")
def _unary(t: Translator, n: Any, span: Span) -> ast.Expr:
    if n.op in ("sizeof", "alignof", "_Alignof"):
        of = t.type(n.expr) if isinstance(n.expr, c_ast.Typename) else t.expr(n.expr)
        return ast.SizeOf(span, "sizeof" if n.op == "sizeof" else "alignof", of)
    return ast.Unary(span, n.op, t.expr(n.expr))


@_on("BinaryOp")
def _binary(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Binary(span, n.op, t.expr(n.left), t.expr(n.right))


@_on("Assignment")
def _assignment(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Assign(span, n.op, t.expr(n.lvalue), t.expr(n.rvalue))


@_on("TernaryOp")
def _ternary(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Conditional(span, t.expr(n.cond), t.expr(n.iftrue), t.expr(n.iffalse))


@_on("ExprList")
def _comma(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Comma(span, t.exprs(n))


@_on("ArrayRef")
def _index(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Index(span, t.expr(n.name), t.expr(n.subscript))


@_on("StructRef")
def _member(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Member(span, t.expr(n.name), n.field.name, n.type == "->")


@_on("FuncCall")
def _call(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Call(span, t.expr(n.name), t.exprs(n.args))


@_on("Cast")
def _cast(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Cast(span, t.type(n.to_type), t.expr(n.expr), "c")


@_on("CxxCast")
def _cxx_cast(t: Translator, n: CxxCast, span: Span) -> ast.Expr:
    if n.style == "construct":
        return ast.Construct(span, t.type(n.to_type), t.exprs(n.expr))
    if n.style == "dynamic":
        raise refuse("`dynamic_cast`", span)
    return ast.Cast(span, t.type(n.to_type), t.expr(n.expr), n.style)


@_on("CompoundLiteral")
def _compound_literal(t: Translator, n: Any, span: Span) -> ast.Expr:
    return ast.Construct(span, t.type(n.type), t.exprs(n.init))


@_on("InitList")
def _init_list(t: Translator, n: Any, span: Span) -> ast.Expr:
    items: list[ast.Expr] = []
    fields: list[str | None] = []
    for e in n.exprs:
        if isinstance(e, c_ast.NamedInitializer):
            if len(e.name) != 1 or not isinstance(e.name[0], c_ast.ID):
                raise refuse("an array designator", span, "list all elements")
            fields.append(e.name[0].name)
            e = e.expr
        else:
            fields.append(None)
        items.append(t.expr(e))
    return ast.InitList(span, tuple(items), tuple(fields))


# ------------------------------------------------------------------------------------------------ declarations
def declaration(t: Translator, n: Any) -> tuple[ast.Decl, ...]:
    """A declaration at any level; a struct defined inside another declaration comes first."""
    span = t.span(n)
    match n:
        case StructTemplate():
            (made,) = _tagged(t, n.decl)
            assert isinstance(made, ast.Struct)
            return (replace(made, template=tuple(_template_parameter(t, p) for p in n.params)),)
        case StructSpecialisation():
            (made,) = _tagged(t, n.decl)
            assert isinstance(made, ast.Struct)
            return (replace(made, given=tuple(t.template_argument(a) for a in n.targs)),)
        case Specialisation():
            return (replace(function(t, n, ()), given=tuple(t.template_argument(a) for a in n.targs)),)
        case Template():
            return (function(t, n, tuple(_template_parameter(t, p) for p in n.params)),)
        case c_ast.FuncDef():
            return (function(t, n, ()),)
        case c_ast.Typedef():
            return (*_tagged(t, n), ast.TypeAlias(span, n.name, t.type(n.type)))
        case c_ast.StaticAssert():
            return (ast.Assertion(span, t.expr(n.cond)),)
        case c_ast.Decl(type=c_ast.FuncDecl()):
            return (_prototype(t, n, None, ()),)
        case c_ast.Decl():
            tagged = _tagged(t, n)
            if tagged and _aligns(t, n.align):
                raise refuse(
                    "an alignment beside a struct's definition", span, "write `struct __align__(n) name { ... }`"
                )
            if n.name is None:
                return tagged
            if n.bitsize is not None:
                raise refuse("a bit-field", span, "shift and mask an unsigned field")
            init = None if n.init is None else t.expr(n.init)
            storage = frozenset([*n.storage, *(n.funcspec or [])])
            return (*tagged, ast.Variable(span, n.name, t.type(n.type), init, storage, _aligns(t, n.align)))
        case _:
            raise refuse(f"the declaration `{type(n).__name__}`", span)


def _aligns(t: Translator, nodes: Any) -> tuple[ast.Expr, ...]:
    found: list[ast.Expr] = []
    for a in nodes or []:
        if isinstance(a.alignment, c_ast.ExprList):
            continue
        if isinstance(a.alignment, c_ast.Typename):
            found.append(ast.SizeOf(t.span(a), "alignof", t.type(a.alignment)))
        else:
            found.append(t.expr(a.alignment))
    return tuple(found)


def _tagged(t: Translator, n: Any) -> tuple[ast.Decl, ...]:
    """A struct or enum that is defined inside the declaration `n`."""
    inner = n.type
    while isinstance(inner, (c_ast.TypeDecl, c_ast.PtrDecl, c_ast.ArrayDecl)):
        inner = inner.type
    span = t.span(inner)
    if isinstance(inner, c_ast.Union):
        raise refuse("a `union`", span, "reinterpret bytes with a cast of an address")
    if isinstance(inner, (c_ast.Struct, c_ast.Enum)) and id(inner) in t.tagged:
        return ()
    if isinstance(inner, c_ast.Struct) and inner.decls is not None:
        own = n.name if isinstance(n, c_ast.Typedef) else None
        inner.name = t.tagged[id(inner)] = inner.name or own or f"struct:{span.line}:{span.col}:{next(_UNNAMED)}"
        members = [d for f in inner.decls for d in declaration(t, f)]
        methods = tuple(f for f in members if isinstance(f, ast.Function) and member_function(f, inner.name))
        variables = [f for f in members if isinstance(f, ast.Variable)]
        for f in members:
            if not isinstance(f, (ast.Variable, ast.Function)):
                raise refuse("a struct with something else than fields and functions", f.span)
        constants = tuple(v for v in variables if "static" in v.storage)
        for v in constants:
            if v.init is None or not ("constexpr" in v.storage or qualified_const(v.type)):
                raise refuse("a static member that is no constant", v.span)
        fields = tuple(v for v in variables if v not in constants)
        check_conversions(fields, methods)
        return (ast.Struct(span, inner.name, fields, _aligns(t, inner.attributes), (), methods, constants),)
    if isinstance(inner, c_ast.Enum) and inner.values is not None:
        inner.name = t.tagged[id(inner)] = inner.name or f"enum:{span.line}:{span.col}:{next(_UNNAMED)}"
        kind = None if inner.underlying_type is None else t.type(inner.underlying_type)
        items = tuple((e.name, None if e.value is None else t.expr(e.value)) for e in inner.values.enumerators)
        return (ast.Enum(span, inner.name, items, kind),)
    return ()


def member_function(f: ast.Function, owner: str) -> bool:
    """Whether device code can call it; a constructor that it cannot call is refused, since it makes the struct no aggregate.

    A constructor from the struct itself is refused: it would be called wherever a value is copied.
    """
    if f.name in (CONSTRUCTOR, CONVERSION) and "__device__" not in f.words:
        raise refuse(f"a {f.name[1:]} without `__device__`", f.span)
    for p in f.parameters if f.name == CONSTRUCTOR else ():
        kind = p.type
        while isinstance(kind, ast.PointerType):
            kind = kind.target
        if isinstance(kind, ast.NamedType) and kind.name == owner:
            raise refuse("a constructor that copies", f.span, "values are copied member by member without it")
    return "__device__" in f.words


def check_conversions(fields: tuple[ast.Variable, ...], methods: tuple[ast.Function, ...]) -> None:
    """Raises Unsupported for conversion functions other than those to pointers, of a struct without fields.

    Such an object has nothing else that an operator or a subscript could concern: wherever C++ might convert it and these
    readers do not, it is a type error.
    """
    for f in (m for m in methods if m.name == CONVERSION):
        kind = f.result
        plain = isinstance(kind, ast.PointerType) and not kind.reference and isinstance(kind.target, ast.NamedType)
        if not plain or f.parameters:
            raise refuse("a conversion function to something else than a pointer", f.span, "give it a name")
        if fields or any(m.name == CONSTRUCTOR or m.name.startswith("operator") for m in methods):
            text = "a conversion function of a struct with fields, constructors or operators"
            raise refuse(text, f.span, "give it a name")


def qualified_const(t: ast.TypeSyntax) -> bool:
    return isinstance(t, ast.NamedType) and t.const


def _template_parameter(t: Translator, p: tuple[str, Any, Any, Any]) -> ast.TemplateParameter:
    name, kind, default, coord = p
    span = Span(coord.file, coord.line, coord.column, coord.end)
    given = None if default is None else t.template_argument(default)
    return ast.TemplateParameter(span, name, None if kind is None else t.type(kind), given)


def _prototype(
    t: Translator, n: Any, body: ast.Block | None, template: tuple[ast.TemplateParameter, ...]
) -> ast.Function:
    span, signature = t.span(n), n.type
    if not isinstance(signature, c_ast.FuncDecl):
        raise refuse("a function whose type is not written out", span)
    parameters = []
    for i, p in enumerate(signature.args.params if signature.args is not None else []):
        if isinstance(p, c_ast.EllipsisParam):
            raise refuse("a variadic function", t.span(p))
        if isinstance(p, c_ast.ID):
            raise refuse(f"the parameter `{p.name}` without a type", t.span(p))
        kind = t.type(p.type)
        if isinstance(kind, ast.NamedType) and kind.name == "void":
            continue
        parameters.append(ast.Variable(t.span(p), getattr(p, "name", None) or f"unnamed{i}", kind, None))
    bounds = [t.exprs(a.alignment) for a in n.align or [] if isinstance(a.alignment, c_ast.ExprList)]
    words = frozenset([*n.storage, *(n.funcspec or [])])
    return ast.Function(
        span, n.name, t.type(signature.type), tuple(parameters), body, words, bounds[0] if bounds else (), template
    )


def function(t: Translator, n: Any, template: tuple[ast.TemplateParameter, ...]) -> ast.Function:
    from tv.cuda_frontend.from_c_statements import block

    if n.param_decls:
        raise refuse("an old-style function definition", t.span(n))
    return _prototype(t, n.decl, block(t, n.body), template)
