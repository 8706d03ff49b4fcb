"""libclang's expressions and statements as our syntax tree. Operators are read from the text between the operands."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.preprocess import TokenText
from tv.diagnostic import Unsupported
from tv.source import Span

Cursor = Any
_CASTS = {"CXX_STATIC_CAST_EXPR": "static", "CXX_REINTERPRET_CAST_EXPR": "reinterpret", "CXX_CONST_CAST_EXPR": "const",
          "CSTYLE_CAST_EXPR": "c", "CXX_FUNCTIONAL_CAST_EXPR": "c"}  # fmt: skip
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_LITERALS = ("INTEGER_LITERAL", "FLOATING_LITERAL")
_REFERENCES = ("TYPE_REF", "TEMPLATE_REF", "NAMESPACE_REF", "OVERLOADED_DECL_REF", "ANNOTATE_ATTR")
_BINARY = frozenset("+ - * / % << >> < <= > >= == != & | ^ && ||".split())
_ASSIGN = frozenset("= += -= *= /= %= <<= >>= &= |= ^=".split())

# Constructs that people know by a name, and what to write instead.
_NAMED = {
    "LAMBDA_EXPR": ("a lambda", "write a `__device__` function, or a struct with `operator()`"),
    "UNION_DECL": ("a `union`", "reinterpret bytes with a cast of an address, or with `__float_as_uint` and its kin"),
    "CXX_FOR_RANGE_STMT": ("a loop over a range", "count: `for (int i = 0; i < n; ++i)`"),
    "CXX_TRY_STMT": ("`try`", "device code has no exceptions: remove it"),
    "CXX_THROW_EXPR": ("`throw`", "device code has no exceptions: remove it"),
    "CXX_NEW_EXPR": ("`new`", "declare an array of constant size, or pass a buffer"),
    "CXX_DELETE_EXPR": ("`delete`", "declare an array of constant size, or pass a buffer"),
    "CXX_BASE_SPECIFIER": ("a base class", "put its members into the struct itself"),
}


class Tree:
    """Cursors to nodes; `source` is the text that libclang saw, `stub_lines` of which are the stub's."""

    def __init__(self, source: str, tokens: TokenText, file: str, stub_lines: int) -> None:
        self.source, self.bytes = source, source.encode()
        self.tokens, self.file, self.stub_lines = tokens, file, stub_lines
        self.namespaces: set[str] = set()
        self.aliases: dict[str, str] = {}  # of namespaces
        self.owners: dict[str, str] = {}  # name -> the namespace that declares it
        self.hosts: set[str] = set()  # functions without a device word
        self.qualified: set[str] = set()  # names written with a namespace before them

    # -------------------------------------------------------------------------------------------- places and text
    def at(self, line: int, col: int, end: int = 0) -> Span:
        file, there, start = self.tokens.place(max(line - self.stub_lines, 1), col)
        return Span(file or self.file, there, start, start + max(end - col, 1))

    def span(self, c: Cursor) -> Span:
        a, b = c.extent.start, c.extent.end
        return self.at(a.line, a.column, b.column if a.line == b.line else a.column + 1)

    def slice(self, start: int, end: int) -> str:
        return self.bytes[start:end].decode()

    def text(self, c: Cursor) -> str:
        return self.slice(c.extent.start.offset, c.extent.end.offset)

    def refuse(self, what: str, c: Cursor) -> Unsupported:
        named = _NAMED.get(c.kind.name)
        if named is not None:
            return Unsupported("TV0111", named[0], self.span(c), named[1])
        return Unsupported(
            "TV0123",
            f"{what} is not read from C++",
            self.span(c),
            "write it with plain structs and `__device__` functions",
        )

    # -------------------------------------------------------------------------------------------- types
    def type(self, t: Any, c: Cursor) -> ast.TypeSyntax:
        span, kind = self.span(c), t.kind.name
        const, volatile = t.is_const_qualified(), t.is_volatile_qualified()
        match kind:
            case "POINTER":
                return ast.PointerType(span, self.type(t.get_pointee(), c), const, volatile, t.is_restrict_qualified())
            case "LVALUEREFERENCE":
                restrict = t.is_restrict_qualified() or "restrict" in t.spelling.rsplit("&", 1)[-1]
                return ast.PointerType(span, self.type(t.get_pointee(), c), restrict=restrict, reference=True)
            case "CONSTANTARRAY":
                return ast.ArrayType(span, self.type(t.element_type, c), ast.Number(span, str(t.element_count)))
            case "AUTO":
                return ast.AutoType(span, const, self.restricts(t))
            case (
                "INVALID"
                | "MEMBERPOINTER"
                | "RVALUEREFERENCE"
                | "FUNCTIONPROTO"
                | "DEPENDENTSIZEDARRAY"
                | "VARIABLEARRAY"
            ):
                raise self.refuse(f"the type `{t.spelling}`", c)
            case _:
                words = re.sub(
                    r"\s*\b__restrict(?:__)?\b", "", t.spelling.replace("const ", "").replace("volatile ", "")
                )
                return replace(self.named_type(words, span, const, volatile, c), restrict=self.restricts(t))

    @staticmethod
    def restricts(t: Any) -> bool:
        return (
            t.is_restrict_qualified()
            or re.search(r"\brestrict|\b__restrict", re.split(r"[*&]", t.spelling)[-1]) is not None
        )

    def named_type(self, words: str, span: Span, const: bool, volatile: bool, c: Cursor) -> ast.NamedType:
        m = re.fullmatch(r"([\w: ]+?)\s*(?:<(.*)>)?", words)
        if m is None:
            raise self.refuse(f"the type `{words}`", c)
        args: list[ast.TypeSyntax | ast.Expr] = []
        for word in (w.strip() for w in (m.group(2) or "").split(",") if w.strip()):
            if re.fullmatch(r"\d+", word):
                args.append(ast.Number(span, word))
            elif re.fullmatch(r"[\w: ]+", word):
                args.append(ast.NamedType(span, self.unqualified(word)))
            else:
                raise self.refuse(f"the template argument `{word}`", c)
        return ast.NamedType(span, self.unqualified(m.group(1)), const, volatile, tuple(args))

    def unqualified(self, name: str) -> str:
        """A name without the file's own namespaces, which are flattened, and without aliases of others."""
        head, colons, rest = name.strip().partition("::")
        if colons and head in self.aliases:
            name = f"{self.aliases[head]}::{rest}"
        while "::" in name and name.split("::", 1)[0].strip() in self.namespaces:
            name = name.split("::", 1)[1]
            self.qualified.add(name.strip())
        return name.strip()

    # -------------------------------------------------------------------------------------------- expressions
    def expr(self, c: Cursor) -> ast.Expr:
        span, kind = self.span(c), c.kind.name
        children = [k for k in c.get_children() if k.kind.name not in _REFERENCES]
        if kind in _LITERALS:
            return ast.Number(span, self.text(c))
        if kind in _CASTS:
            return ast.Cast(span, self.type(c.type, c), self.expr(children[-1]), _CASTS[kind])
        match kind:
            case "STRING_LITERAL":
                return ast.String(span, self.text(c))
            case "CHARACTER_LITERAL":
                return ast.Character(span, self.text(c))
            case "CXX_BOOL_LITERAL_EXPR" | "CXX_NULL_PTR_LITERAL_EXPR":
                return ast.Name(span, self.text(c))
            case "PAREN_EXPR":
                return self.expr(children[0])
            case "UNEXPOSED_EXPR":
                return self.transparent(c, children)
            case "DECL_REF_EXPR":
                return self.name(c)
            case "MEMBER_REF_EXPR":
                return self.member(c, children)
            case "BINARY_OPERATOR" | "COMPOUND_ASSIGNMENT_OPERATOR":
                return self.binary(c, children)
            case "UNARY_OPERATOR":
                return self.unary(c, children)
            case "CONDITIONAL_OPERATOR" if len(children) == 3:
                a, b, d = (self.expr(k) for k in children)
                return ast.Conditional(span, a, b, d)
            case "ARRAY_SUBSCRIPT_EXPR" if len(children) == 2:
                return ast.Index(span, self.expr(children[0]), self.expr(children[1]))
            case "CALL_EXPR":
                return self.call(c, children)
            case "INIT_LIST_EXPR":
                return ast.InitList(span, tuple(self.expr(k) for k in children))
            case _:
                raise self.refuse(f"the expression `{kind.lower()}`", c)

    def transparent(self, c: Cursor, children: list[Cursor]) -> ast.Expr:
        """An implicit node has one child and its very text."""
        if len(children) == 1 and self.text(children[0]) == self.text(c):
            return self.expr(children[0])
        if not children and re.fullmatch(r"[\w:]+", self.text(c)):
            return ast.Name(self.span(c), self.unqualified(self.text(c)))
        raise self.refuse(f"the expression `{self.text(c)[:40]}`", c)

    def name(self, c: Cursor) -> ast.Name:
        text = self.text(c)
        m = re.fullmatch(r"([\w:]+)\s*(<.*>)?", text, re.DOTALL)
        if m is None:
            raise self.refuse(f"the name `{text[:40]}`", c)
        if m.group(2) is None:
            return ast.Name(self.span(c), self.unqualified(text))
        args: list[ast.TypeSyntax | ast.Expr] = []
        for k in c.get_children():
            if k.kind.name == "TYPE_REF":
                args.append(ast.NamedType(self.span(k), self.unqualified(self.text(k))))
            elif k.kind.is_expression():
                args.append(self.expr(k))
        if len(args) != m.group(2).count(",") + 1:
            raise self.refuse(f"the template arguments of `{text[:40]}`", c)
        return ast.Name(self.span(c), self.unqualified(m.group(1)), tuple(args))

    def member(self, c: Cursor, children: list[Cursor]) -> ast.Expr:
        if not children:
            return ast.Name(self.span(c), self.text(c))
        m = re.fullmatch(r"\s*(\.|->)\s*(\w+)", self.slice(children[0].extent.end.offset, c.extent.end.offset))
        if m is None or len(children) != 1:
            raise self.refuse(f"the member `{self.text(c)[:40]}`", c)
        return ast.Member(self.span(c), self.expr(children[0]), m.group(2), m.group(1) == "->")

    def binary(self, c: Cursor, children: list[Cursor]) -> ast.Expr:
        if len(children) != 2:
            raise self.refuse(f"the operation `{self.text(c)[:40]}`", c)
        op = self.slice(children[0].extent.end.offset, children[1].extent.start.offset).strip()
        a, b = self.expr(children[0]), self.expr(children[1])
        if op == ",":
            return ast.Comma(self.span(c), (a, b))
        if op in _ASSIGN:
            return ast.Assign(self.span(c), op, a, b)
        if op not in _BINARY:
            raise self.refuse(f"the operator `{op}`", c)
        return ast.Binary(self.span(c), op, a, b)

    def unary(self, c: Cursor, children: list[Cursor]) -> ast.Expr:
        if len(children) != 1:
            raise self.refuse(f"the operation `{self.text(c)[:40]}`", c)
        before = self.slice(c.extent.start.offset, children[0].extent.start.offset).strip()
        after = self.slice(children[0].extent.end.offset, c.extent.end.offset).strip()
        op = before or f"p{after}"
        if op not in ("+", "-", "~", "!", "*", "&", "++", "--", "p++", "p--") or (before and after):
            raise self.refuse(f"the operator `{before}{after}`", c)
        return ast.Unary(self.span(c), op, self.expr(children[0]))

    def call(self, c: Cursor, children: list[Cursor]) -> ast.Expr:
        if len(children) == 1 and self.text(children[0]) == self.text(c):
            return self.expr(children[0])  # an implicit copy
        if not children or self.text(c)[len(self.text(children[0])) :].lstrip()[:1] != "(":
            raise self.refuse(f"the call `{self.text(c)[:40]}`", c)
        # an overloaded call operator is a child of its own, without text of an argument
        args = [k for k in children[1:] if not (k.kind.name == "UNEXPOSED_EXPR" and self.text(k) in ("()", "("))]
        return ast.Call(self.span(c), self.expr(children[0]), tuple(self.expr(k) for k in args))

    # -------------------------------------------------------------------------------------------- statements
    def block(self, c: Cursor) -> ast.Block:
        return ast.Block(self.span(c), tuple(s for k in c.get_children() for s in self.statement(k)))

    def one(self, c: Cursor) -> ast.Stmt:
        found = self.statement(c)
        return found[0] if len(found) == 1 else ast.Block(self.span(c), found)

    def statement(self, c: Cursor) -> tuple[ast.Stmt, ...]:
        span, children = self.span(c), list(c.get_children())
        match c.kind.name:
            case "COMPOUND_STMT":
                return (self.block(c),)
            case "DECL_STMT":
                return tuple(ast.DeclStmt(self.span(k), self.variable(k)) for k in children)
            case "NULL_STMT":
                return ()
            case "IF_STMT" if len(children) in (2, 3):
                m = re.match(r"if(\s+constexpr)?\s*(?=\()", self.text(c))
                if m is None or outer_semicolons(self.text(c)[m.end() :]):  # whose first cursor is then no condition
                    raise self.refuse("an `if` with an initializer", c)
                fixed = m.group(1) is not None
                orelse = self.one(children[2]) if len(children) == 3 else None
                return (ast.If(span, self.expr(children[0]), self.one(children[1]), orelse, fixed),)
            case "FOR_STMT":
                return (self.loop(c, children),)
            case "WHILE_STMT" if len(children) == 2:
                return (ast.While(span, self.expr(children[0]), self.one(children[1])),)
            case "DO_STMT" if len(children) == 2:
                return (ast.While(span, self.expr(children[1]), self.one(children[0]), test_first=False),)
            case "RETURN_STMT":
                return (ast.Return(span, self.expr(children[0]) if children else None),)
            case "BREAK_STMT" | "CONTINUE_STMT" as kind:
                return (ast.Jump(span, kind.split("_")[0].lower()),)
            case _ if c.kind.is_expression():
                return (ast.ExprStmt(span, self.expr(c)),)
            case kind:
                raise self.refuse(f"the statement `{kind.lower()}`", c)

    def loop(self, c: Cursor, children: list[Cursor]) -> ast.For:
        """Absent parts of a `for` have no cursor: the semicolons in the text tell which are there."""
        text = self.bytes[c.extent.start.offset : c.extent.end.offset].decode("latin-1")  # a character for each byte
        start = text.index("(")
        semicolons = [c.extent.start.offset + start + i for i in outer_semicolons(text[start:])]
        if len(semicolons) != 2:
            raise self.refuse("this `for`", c)
        init: tuple[ast.Stmt, ...] = ()
        cond: ast.Expr | None = None
        step: ast.Expr | None = None
        for k in children[:-1]:
            at = k.extent.start.offset
            if at < semicolons[0]:
                init += self.statement(k)
            elif at < semicolons[1]:
                cond = self.expr(k)
            else:
                step = self.expr(k)
        return ast.For(self.span(c), init, cond, step, self.one(children[-1]))

    def variable(self, c: Cursor) -> ast.Variable:
        if c.kind.name != "VAR_DECL":
            raise self.refuse(f"the declaration `{self.text(c)[:40]}`", c)
        storage = {k.spelling for k in c.get_children() if k.kind.name == "ANNOTATE_ATTR"}
        head = self.slice(c.extent.start.offset, c.location.offset)
        storage |= {w for w in ("static", "extern", "constexpr") if re.search(rf"\b{w}\b", head)}
        tail = self.slice(c.location.offset + len(c.spelling), c.extent.end.offset)
        has_init = re.search(r"[={(]", re.sub(r"\[[^\]]*\]", "", tail)) is not None
        expressions = [k for k in c.get_children() if k.kind.is_expression()]
        if has_init and not expressions:
            raise self.refuse(f"the initializer of `{c.spelling}`", c)
        init = self.expr(expressions[-1]) if has_init else None
        return ast.Variable(self.span(c), c.spelling, self.type(c.type, c), init, frozenset(storage))


def outer_semicolons(text: str) -> list[int]:
    """Offsets of the semicolons directly inside the parentheses that `text` begins with."""
    found, depth = [], 0
    for i, ch in enumerate(_LITERAL.sub(lambda m: '"' * len(m.group()), text)):
        depth += (ch in "([{") - (ch in ")]}")
        if depth == 0:
            break
        if ch == ";" and depth == 1:
            found.append(i)
    return found
