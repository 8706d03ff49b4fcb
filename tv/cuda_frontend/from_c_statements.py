"""pycparser's statements as our own."""

from __future__ import annotations

from typing import Any

from pycparser import c_ast

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.from_c import Translator, declaration, refuse
from tv.cuda_frontend.parser import CxxCast
from tv.cuda_frontend.pragmas import check_pragma
from tv.diagnostic import Unsupported
from tv.source import Span

_EXPRESSIONS = (c_ast.ID, c_ast.UnaryOp, c_ast.BinaryOp, c_ast.Assignment, c_ast.TernaryOp, c_ast.ExprList, c_ast.ArrayRef,
                c_ast.StructRef, c_ast.FuncCall, c_ast.Cast, c_ast.Constant, c_ast.CompoundLiteral)  # fmt: skip


def block(t: Translator, n: Any) -> ast.Block:
    items: list[ast.Stmt] = []
    for item in n.block_items or []:
        items.extend(statement(t, item))
    return ast.Block(t.span(n), tuple(items))


def one(t: Translator, n: Any) -> ast.Stmt:
    """A statement that stands where exactly one may stand."""
    found = statement(t, n)
    return found[0] if len(found) == 1 else ast.Block(t.span(n), found)


def statement(t: Translator, n: Any) -> tuple[ast.Stmt, ...]:
    """A statement or declaration; nothing for a pragma or an empty statement."""
    t.depth += 1
    if t.depth > 600:
        raise Unsupported(
            "TV0104", "statements nested too deep", t.span(n), "move the inner ones into a `__device__` function"
        )
    found = _statement(t, n, t.span(n))
    t.depth -= 1
    return found


def _statement(t: Translator, n: Any, span: Span) -> tuple[ast.Stmt, ...]:
    match n:
        case c_ast.Compound():
            return (block(t, n),)
        case c_ast.Decl() | c_ast.Typedef() | c_ast.StaticAssert():
            return tuple(ast.DeclStmt(d.span, d) for d in declaration(t, n))
        case c_ast.If():
            fixed = isinstance(n.cond, CxxCast) and n.cond.style == "constexpr"
            cond = t.expr(n.cond.expr if fixed else n.cond)
            return (ast.If(span, cond, one(t, n.iftrue), None if n.iffalse is None else one(t, n.iffalse), fixed),)
        case c_ast.For():
            return (_for(t, n, span),)
        case c_ast.While():
            return (ast.While(span, t.expr(n.cond), one(t, n.stmt)),)
        case c_ast.DoWhile():
            return (ast.While(span, t.expr(n.cond), one(t, n.stmt), test_first=False),)
        case c_ast.Switch():
            return (_switch(t, n, span),)
        case c_ast.Break():
            return (ast.Jump(span, "break"),)
        case c_ast.Continue():
            return (ast.Jump(span, "continue"),)
        case c_ast.Return():
            return (ast.Return(span, None if n.expr is None else t.expr(n.expr)),)
        case c_ast.EmptyStatement():
            return ()
        case c_ast.Pragma():
            text = n.string if isinstance(n.string, str) else n.string.value.strip('"')
            check_pragma(text, span)
            return ()
        case c_ast.AttributeDeclaration():
            return ()
        case c_ast.AttributedStatement():
            names = {a.name for group in n.attributes for a in group.attributes}
            if not names <= {"likely", "unlikely", "fallthrough", "maybe_unused"}:
                raise refuse(f"the attribute `{min(names)}`", span)
            return statement(t, n.stmt)
        case c_ast.Goto() | c_ast.Label():
            raise refuse("`goto` and labels", span, "write a loop or an `if`")
        case _ if isinstance(n, (*_EXPRESSIONS, CxxCast)):
            return (ast.ExprStmt(span, t.expr(n)),)
        case _:
            raise refuse(f"the statement `{type(n).__name__}`", span)


def _for(t: Translator, n: Any, span: Span) -> ast.For:
    init: tuple[ast.Stmt, ...] = ()
    if isinstance(n.init, c_ast.DeclList):
        for d in n.init.decls:
            init += statement(t, d)
    elif n.init is not None:
        init = (ast.ExprStmt(t.span(n.init), t.expr(n.init)),)
    cond = None if n.cond is None else t.expr(n.cond)
    step = None if n.next is None else t.expr(n.next)
    return ast.For(span, init, cond, step, one(t, n.stmt))


def _switch(t: Translator, n: Any, span: Span) -> ast.Switch:
    cases: list[ast.Case] = []
    labels: list[ast.Expr | None] = []
    for item in (n.stmt.block_items or []) if isinstance(n.stmt, c_ast.Compound) else [n.stmt]:
        if not isinstance(item, (c_ast.Case, c_ast.Default)):
            raise refuse("a statement of a `switch` before its first label", t.span(item))
        labels.append(t.expr(item.expr) if isinstance(item, c_ast.Case) else None)
        body = tuple(s for inner in item.stmts or [] for s in statement(t, inner))
        if body:
            cases.append(ast.Case(t.span(item), tuple(labels), body))
            labels = []
    if labels:
        cases.append(ast.Case(span, tuple(labels), ()))
    return ast.Switch(span, t.expr(n.cond), tuple(cases))
