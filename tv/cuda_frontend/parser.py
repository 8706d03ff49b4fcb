"""pycparser's recursive-descent parser, taught the liberties that CUDA kernels take.

What host code says is skipped by balanced brackets; only its launches and its names are kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from pycparser import c_ast
from pycparser import c_parser as cp

from tv.cuda_frontend.cuda_types import OPAQUE_TYPES, PREDECLARED_TYPES, STD_TYPES
from tv.cuda_frontend.lexer import CudaLexer, SpanCoord, coord_of
from tv.cuda_frontend.names import FOLDS, LIMITS, TEMPLATES
from tv.cuda_frontend.preprocess import TokenText

DEVICE_WORDS = frozenset({"__global__", "__device__", "__constant__", "__managed__"})
_OPENING = {"LPAREN": "RPAREN", "LBRACE": "RBRACE", "LBRACKET": "RBRACKET"}
_SIMPLE = frozenset(cp._TYPE_SPEC_SIMPLE)


class TemplateName(c_ast.ID):  # type: ignore[misc]
    """`name<args>` as an expression."""

    __slots__ = ("targs",)

    def __init__(self, name: str, targs: list[Any], coord: Any) -> None:
        super().__init__(name, coord)
        self.targs = targs


class TemplateType(c_ast.IdentifierType):  # type: ignore[misc]
    """`name<args>` as a type."""

    __slots__ = ("targs",)

    def __init__(self, names: list[str], targs: list[Any], coord: Any) -> None:
        super().__init__(names, coord)
        self.targs = targs


class CxxCast(c_ast.Cast):  # type: ignore[misc]
    """`static_cast<T>(x)` and its kin, and `T(x, ...)` (style construct, expr an ExprList)."""

    __slots__ = ("style",)

    def __init__(self, style: str, to_type: Any, expr: Any, coord: Any) -> None:
        super().__init__(to_type, expr, coord)
        self.style = style


class Template(c_ast.FuncDef):  # type: ignore[misc]
    """A function template: `params` are (name, Typename or None, default)."""

    __slots__ = ("params",)

    def __init__(self, params: list[tuple[str, Any, Any, Any]], function: Any) -> None:
        super().__init__(function.decl, function.param_decls, function.body, function.coord)
        self.params = params


class CudaParser(cp.CParser):  # type: ignore[misc]
    """Parses one preprocessed translation unit."""

    def __init__(self) -> None:
        super().__init__(lexer=CudaLexer, dialect="c23")
        self.hosts: set[str] = set()
        self.mentioned: set[str] = set()
        self.refused: dict[str, Exception] = {}  # device names whose declarations were not understood, and why
        self.broken: set[str] = set()  # kernels among them
        self.path: list[str] = []  # named namespaces around this place
        self.owners: dict[str, set[str]] = {}  # name -> namespaces that declare it
        self.skipped: list[tuple[Any, Any]] = []  # first and last token of each host declaration
        # first and last token, as places in the text read; names; whether it is a function
        self.host_code: list[tuple[tuple[int, int], tuple[int, int], frozenset[str], bool]] = []
        self.launches: list[tuple[list[Any], int]] = []  # (tokens of the host code, where `<<<` stands)
        self.instances: list[
            tuple[list[Any], int]
        ] = []  # of kernels, instantiated explicitly: (tokens, where their `(` stands)
        self.templates: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.last: Any = None
        self.struct = ""  # the struct whose members are read
        self.enum = ""  # the `enum class` whose enumerators are read

    def parse_text(self, text: TokenText, filename: str) -> Any:
        self.clex.source = text
        self._scope_stack = [dict.fromkeys((*PREDECLARED_TYPES, *STD_TYPES, *OPAQUE_TYPES), True)]
        self.templates = {f"cooperative_groups::{t}" for t in TEMPLATES}
        self._typedef_checked_token = None
        self.clex.input(text.text, filename)
        self._tokens = cp._TokenStream(self.clex.token)
        return self._parse_translation_unit_or_empty()

    # -------------------------------------------------------------------------------------------- tokens and spans
    def _tok_coord(self, tok: Any) -> SpanCoord:
        return coord_of(tok)

    def _parse_error(self, msg: str, coord: Any) -> NoReturn:
        """pycparser sometimes knows only the file; the next token has the place."""
        if isinstance(coord, str):
            tok = self._tokens.peek(1) or self.last
            coord = self._tok_coord(tok) if tok is not None else coord
            msg = f"{msg} before {tok.value}" if tok is not None else msg
        raise cp.ParseError(f"{coord}: {msg}")

    def _advance(self) -> Any:
        tok = super()._advance()
        self.last = tok
        return tok

    def _classify_identifier(self, tok: Any) -> None:
        if tok is not None and tok.type in ("ID", "TYPEID") and "::" in tok.value:
            head, rest = tok.value.split("::", 1)
            if head in self.aliases:
                tok.value = f"{self.aliases[head]}::{rest}" if self.aliases[head] else rest
                self.clex.qualified.add(tok.value)
        super()._classify_identifier(tok)

    def _covering(self, node: Any) -> Any:
        """Ends the node's span at the last token taken, where that stands on the same line."""
        coord, last = getattr(node, "coord", None), self.last
        if (
            isinstance(coord, SpanCoord)
            and last is not None
            and (last.filename, last.lineno) == (coord.file, coord.line)
        ):
            node.coord = replace(coord, end=max(coord.end, last.column + len(last.value)))
        return node

    def _parse_assignment_expression(self) -> Any:
        return self._covering(super()._parse_assignment_expression())

    def _parse_binary_expression(self, min_prec: int = 0, lhs: Any = None) -> Any:
        return self._covering(super()._parse_binary_expression(min_prec, lhs))

    def _parse_unary_expression(self) -> Any:
        tok = self._peek()
        node = super()._parse_unary_expression()
        if isinstance(node, c_ast.UnaryOp) and tok is not None and tok.type not in ("ID", "LPAREN"):
            node.coord = self._tok_coord(tok)
        return self._covering(node)

    # -------------------------------------------------------------------------------------------- expressions
    def _starts_functional_cast(self, ahead: int = 1) -> bool:
        kind = self._peek_type(ahead)
        if kind != "TYPEID" and kind not in _SIMPLE:
            return False
        if kind == "TYPEID" and self._peek_type(ahead + 1) == "LT":
            return ahead == 1 and self._construct_of_template()
        return self._peek_type(ahead + 1) in ("LPAREN", "LBRACE") and self._peek_type(ahead + 2) != "TIMES"

    def _construct_of_template(self) -> bool:
        """Whether `name<...>` ahead is followed by `{` or `(`."""
        ahead, depth = 2, 0
        while (tok := self._peek(ahead)) is not None and tok.type not in ("SEMI", "LBRACE", "RBRACE"):
            depth += (tok.type == "LT") - (tok.type == "GT")
            ahead += 1
            if depth == 0:
                return self._peek_type(ahead) in ("LPAREN", "LBRACE")
        return False

    def _starts_expression(self, tok: Any = None) -> bool:
        tok = tok or self._peek()
        if tok is not None and tok.type in ("CXX_CAST", "TYPEID", *_SIMPLE):
            return True
        return bool(super()._starts_expression(tok))

    def _try_parse_paren_type_name(self) -> Any:
        if self._peek_type() == "LPAREN" and self._starts_functional_cast(2):
            return None
        return super()._try_parse_paren_type_name()

    def _parse_primary_expression(self) -> Any:
        tok = self._peek()
        if tok is not None and tok.type == "CXX_CAST":
            return self._parse_cxx_cast()
        if self._starts_functional_cast():
            return self._parse_functional_cast()
        if tok is not None and tok.value in LIMITS and self._peek_type(2) == "LT":
            self._advance()
            targs, member = self._parse_template_arguments(), self._advance()
            return TemplateName(f"{LIMITS[0]}{member.value}", targs, self._tok_coord(tok))
        if tok is not None and tok.type == "ID" and tok.value in self.templates and self._peek_type(2) == "LT":
            self._advance()
            named = TemplateName(tok.value, self._parse_template_arguments(), self._tok_coord(tok))
            if (
                tok.value.rsplit("::", 1)[-1] in FOLDS
                and self._peek_type() == "LBRACE"
                and self._peek_type(2) == "RBRACE"
            ):
                self._advance(), self._advance()  # an object of a class without members: `plus<int>{}` is `plus<int>()`
                return self._covering(c_ast.FuncCall(named, None, self._tok_coord(tok)))
            return named
        return self._covering(super()._parse_primary_expression())

    def _parse_postfix_expression(self) -> Any:
        node = super()._parse_postfix_expression()
        if self._peek_type() == "LSHIFT" and self._peek_type(2) == "LT":
            self._parse_error("a kernel launch in device code", self._tok_coord(self._peek()))
        return self._covering(node)

    def _parse_cxx_cast(self) -> Any:
        tok = self._advance()
        self._expect("LT")
        to_type = self._parse_type_name()
        self._expect("GT")
        self._expect("LPAREN")
        expr = self._parse_expression()
        self._expect("RPAREN")
        return self._covering(CxxCast(tok.value.removesuffix("_cast"), to_type, expr, self._tok_coord(tok)))

    def _parse_functional_cast(self) -> Any:
        tok = self._advance()
        coord = self._tok_coord(tok)
        named: Any = c_ast.IdentifierType([tok.value], coord=coord)
        if self._peek_type() == "LT":
            named = TemplateType([tok.value], self._parse_template_arguments(), coord)
        to_type = self._build_type_name(
            {"qual": [], "storage": [], "type": [named], "function": [],
             "alignment": [], "type_attributes": []}, None, coord)  # fmt: skip
        if self._peek_type() == "LBRACE":
            args = self._parse_initializer()
            return self._covering(CxxCast("construct", to_type, c_ast.ExprList(args.exprs, coord), coord))
        self._expect("LPAREN")
        items = c_ast.ExprList([], coord) if self._peek_type() == "RPAREN" else self._parse_argument_expression_list()
        self._expect("RPAREN")
        if any(isinstance(e, c_ast.InitList) for e in items.exprs):
            self._parse_error("a braced list in parentheses", coord)  # a copy of another object, with braces of its own
        return self._covering(CxxCast("construct", to_type, items, coord))

    def _parse_argument_expression_list(self) -> Any:
        """Arguments of a call, braced lists among them."""
        items = [self._parse_argument()]
        while self._accept("COMMA"):
            items.append(self._parse_argument())
        return c_ast.ExprList(items, items[0].coord)

    def _parse_argument(self) -> Any:
        return self._parse_initializer() if self._peek_type() == "LBRACE" else self._parse_assignment_expression()

    def _parse_template_arguments(self) -> list[Any]:
        self._expect("LT")
        args: list[Any] = []
        while self._peek_type() != "GT":
            if self._starts_declaration() and not self._starts_functional_cast():
                args.append(self._parse_type_name())
            else:
                args.append(self._parse_binary_expression(8))
            if not self._accept("COMMA"):
                break
        self._expect("GT")
        return args

    # -------------------------------------------------------------------------------------------- declarations
    def _parse_alignment_specifier(self) -> Any:
        tok = self._peek()
        if tok.value not in ("__launch_bounds__", "__align__", "__attribute__"):
            return super()._parse_alignment_specifier()
        self._advance()
        self._expect("LPAREN")
        if tok.value == "__attribute__":
            return self._parse_gnu_attribute(tok)
        args = self._parse_argument_expression_list()
        self._expect("RPAREN")
        if tok.value == "__launch_bounds__":
            return c_ast.Alignas(args, self._tok_coord(tok))
        return c_ast.Alignas(args.exprs[0], self._tok_coord(tok))

    def _parse_gnu_attribute(self, tok: Any) -> Any:
        self._expect("LPAREN")
        word = self._expect("ID")
        if word.value not in ("aligned", "__aligned__"):
            self._parse_error(f"attribute {word.value}", self._tok_coord(word))
        self._expect("LPAREN")
        expr = self._parse_constant_expression()
        for _ in range(3):
            self._expect("RPAREN")
        return c_ast.Alignas(expr, self._tok_coord(tok))

    def _build_declarations(self, spec: Any, decls: Any, typedef_namespace: bool = False) -> Any:
        if "typedef" in spec["storage"] and spec["alignment"]:
            self._parse_error("an alignment of a typedef", self.clex.filename)
        return super()._build_declarations(spec, decls, typedef_namespace)

    def _parse_struct_or_union_specifier(self) -> Any:
        aligns = []
        while self._peek_type(2) == "_ALIGNAS":  # struct __align__(16) name
            keyword = self._advance()
            begin = self._mark()
            aligns.append(self._parse_alignment_specifier())
            del self._tokens._buffer[begin : self._mark()]
            self._reset(begin - 1)
            assert self._peek() is keyword
        if self._peek_type(2) in ("ID", "TYPEID") and self._peek_type(3) == "LBRACE":
            self._scope_stack[-1][self._peek(2).value] = True
            self._typedef_checked_token = None
        node = super()._parse_struct_or_union_specifier()
        node.attributes = aligns
        return node

    def _parse_specifiers(self, *, allow_storage_and_function: bool) -> Any:
        spec, saw, coord = super()._parse_specifiers(allow_storage_and_function=allow_storage_and_function)
        if spec is not None and self._peek_type() == "LT" and spec["type"]:
            last = spec["type"][-1]
            if isinstance(last, c_ast.IdentifierType) and self._is_type_in_scope(last.names[-1]):
                spec["type"][-1] = TemplateType(last.names, self._parse_template_arguments(), last.coord)
                while self._peek_type() in cp._TYPE_QUALIFIER:
                    spec["qual"].append(self._advance().value)
        return spec, saw, coord

    def _fix_decl_name_type(self, decl: Any, typename: list[Any]) -> Any:
        fixed = super()._fix_decl_name_type(decl, typename)
        for t in typename:
            if isinstance(t, TemplateType):
                inner = fixed
                while not isinstance(inner, c_ast.TypeDecl):
                    inner = inner.type
                inner.type = t
        return fixed

    # -------------------------------------------------------------------------------------------- references
    def _reference_as_pointer(self) -> None:
        """Where a declarator may begin, `&` declares a reference; the token keeps its spelling."""
        tok = self._peek()
        if tok is not None and tok.type == "AND":
            tok.type = "TIMES"

    def _parse_typeof_specifier(self) -> Any:
        doubled = self._peek_type(2) == "LPAREN" and self._peek_type(3) == "LPAREN"
        node = super()._parse_typeof_specifier()
        node.op += "((" if doubled else ""
        return node

    def _starts_declarator(self, id_only: bool = False) -> bool:
        self._reference_as_pointer()
        return bool(super()._starts_declarator(id_only))

    def _scan_declarator_name_info(self) -> Any:
        self._reference_as_pointer()
        return super()._scan_declarator_name_info()

    def _parse_declarator_kind(self, kind: str, allow_paren: bool) -> Any:
        self._reference_as_pointer()
        return super()._parse_declarator_kind(kind, allow_paren)

    def _parse_abstract_declarator_opt(self) -> Any:
        self._reference_as_pointer()
        return super()._parse_abstract_declarator_opt()

    def _parse_pointer(self) -> Any:
        pointer = None
        self._reference_as_pointer()
        while (star := self._accept("TIMES")) is not None:
            quals = self._parse_type_qualifier_list() or []
            if star.value == "&":
                quals = [*quals, "&"]
            pointer = c_ast.PtrDecl(quals=quals, type=pointer, coord=self._tok_coord(star))
            self._reference_as_pointer()
        return pointer

    def _parse_auto_declaration(self, spec: Any) -> list[Any]:
        """`auto x = ...;`, and `auto* p`, `const auto& r`."""
        decl = inner = self._parse_id_declarator()
        while isinstance(inner, c_ast.PtrDecl):
            inner = inner.type
        if not isinstance(inner, c_ast.TypeDecl):
            self._parse_error("`auto` as an array or a function", self._tok_coord(self.last))
        self._expect("EQUALS")
        spec["type"] = [c_ast.InferredType(coord=inner.coord)]
        made = {"decl": decl, "init": self._parse_assignment_expression()}
        return list(self._build_declarations(spec=spec, decls=[made], typedef_namespace=True))

    def _parse_enum_specifier(self) -> Any:
        """An enum's name is a type. Enumerators of `enum class E` are known as `E::a` alone."""
        scoped = self._peek_type(2) == "STRUCT" or (self._peek_type(2) == "CXX_WORD" and self._peek(2).value == "class")
        if scoped:
            del self._tokens._buffer[self._mark() + 1]
        name = self._peek(2)
        outer, self.enum = self.enum, name.value if scoped else ""
        node = super()._parse_enum_specifier()
        self.enum = outer
        if node.name is not None and node.values is not None:
            self._scope_stack[-1][node.name] = True
            self._typedef_checked_token = None
        return node

    def _parse_enumerator(self) -> Any:
        tok = self._peek()
        if self.enum and tok is not None and tok.type in ("ID", "TYPEID"):
            tok.type, tok.value = "ID", f"{self.enum}::{tok.value}"
        return super()._parse_enumerator()

    def _parse_init_declarator(self, id_only: bool = False) -> Any:
        info = super()._parse_init_declarator(id_only=id_only)
        if "init" not in info and self._peek_type() == "LBRACE":
            info["init"] = self._parse_initializer()
        return info

    def _parse_selection_statement(self) -> Any:
        if self._peek_type() == "IF" and self._peek_type(2) == "CONSTEXPR":
            begin = self._mark() + 1
            del self._tokens._buffer[begin : begin + 1]
            node = super()._parse_selection_statement()
            node.cond = CxxCast("constexpr", None, node.cond, node.cond.coord)
            return node
        return super()._parse_selection_statement()
