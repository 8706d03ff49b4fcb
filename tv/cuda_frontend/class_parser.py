"""Structs as C++ has them: templates, member functions, constructors and constants of a class.

A conversion function and an explicit specialisation are rewritten to what C has. What else stands in a class (bases, access
words, partial specialisations) is no syntax here: the class is then refused by its name, wherever that is used.
"""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from typing import Any

from pycparser import c_ast
from pycparser import c_parser as cp

from tv.cuda_frontend.parser import CudaParser

_OPENING = {"LPAREN": "RPAREN", "LBRACE": "RBRACE", "LBRACKET": "RBRACKET"}
_NO_NAMES = frozenset({"alignas", "__align__", "__attribute__", "__launch_bounds__", "decltype", "sizeof"})
# Member functions that C++ gives no name: no identifier has a dot.
CONSTRUCTOR = ".constructor"
CONVERSION = ".conversion"
OPERATORS = ("operator[]", "operator()")
Parameters = list[tuple[str, Any, Any, Any]]


class StructTemplate(c_ast.Decl):  # type: ignore[misc]
    """A class template: `params` as those of a function template; `decl` declares the struct."""

    __slots__ = ("decl", "params")

    def __init__(self, params: Parameters, decl: Any, name: str) -> None:
        super().__init__(name, [], [], [], [], decl.type, None, None, decl.coord)
        self.params, self.decl = params, decl


class Specialisation(c_ast.FuncDef):  # type: ignore[misc]
    """`template <> f<targs>(...) {...}`."""

    __slots__ = ("targs",)

    def __init__(self, targs: list[Any], function: Any) -> None:
        super().__init__(function.decl, function.param_decls, function.body, function.coord)
        self.targs = targs


class StructSpecialisation(c_ast.Decl):  # type: ignore[misc]
    """`template <> struct name<targs> {...};`: `decl` declares the struct, without its arguments."""

    __slots__ = ("decl", "targs")

    def __init__(self, targs: list[Any], decl: Any, name: str) -> None:
        super().__init__(name, [], [], [], [], decl.type, None, None, decl.coord)
        self.targs, self.decl = targs, decl


class ClassParser(CudaParser):
    """Adds members that are functions or constants to pycparser's structs."""

    def _scan_header(self) -> tuple[str, set[str], list[Any]]:
        """How the declaration ahead ends (`;`, `{`, `=` or nothing), its words and tokens; does not move."""
        depth, ahead = 0, 1
        words: set[str] = set()
        tokens: list[Any] = []
        while (tok := self._peek(ahead)) is not None:
            default = tok.type == "EQUALS" and bool(tokens) and tokens[0].value == "template"
            if depth == 0 and tok.type in ("SEMI", "LBRACE", "EQUALS") and not default:
                return tok.value, words, tokens
            if tok.type in _OPENING:
                depth += 1
            elif tok.type in _OPENING.values():
                depth -= 1
            words.add(tok.value)
            tokens.append(tok)
            ahead += 1
        return "", words, tokens

    def _struct_template(self, params: Parameters, decls: list[Any]) -> Any:
        """The struct that was declared in the scope of `params`; its name is known outside of that."""
        one = self._defined_struct(decls)
        self._scope_stack[-1][one.type.name] = True
        self._typedef_checked_token = None
        return StructTemplate(params, one, one.type.name)

    def _defined_struct(self, decls: list[Any]) -> Any:
        one: Any = decls[0] if len(decls) == 1 else None
        defined = isinstance(one, c_ast.Decl) and one.name is None and isinstance(one.type, c_ast.Struct)
        if not defined or one.type.name is None or one.type.decls is None:
            self._parse_error("a template that is neither a function nor a struct", decls[0].coord if decls else None)
        return one

    # -------------------------------------------------------------------------------------------- specialisations
    def _parse_specialisation(self) -> list[Any]:
        """What stands behind `template <>`: the template's name and all its arguments, then as without a template."""
        _, _, header = self._scan_header()
        start, at = self._mark(), self._specialised_name(header)
        structure = header[0].type == "STRUCT"
        name = header[at].value
        if self._scope_stack[0].get(name) is not True and name not in self.templates:
            self._parse_error("an explicit specialisation of what is no template above it", self._tok_coord(header[at]))
        self._reset(start + at + 1)
        args = self._parse_template_arguments()
        if self._peek_type() != ("LBRACE" if structure else "LPAREN"):
            self._parse_error("this kind of explicit specialisation", self._tok_coord(header[at]))
        del self._tokens._buffer[start + at + 1 : self._mark()]
        self._reset(start)
        self._typedef_checked_token = None
        decls = list(cp.CParser._parse_external_declaration(self))
        if structure:
            return [StructSpecialisation(args, self._defined_struct(decls), name)]
        if len(decls) != 1 or not isinstance(decls[0], c_ast.FuncDef):
            self._parse_error("an explicit specialisation without its body", self._tok_coord(header[at]))
        return [Specialisation(args, decls[0])]

    def _specialised_name(self, header: list[Any]) -> int:
        """Where the specialised template's name stands: behind `struct`, or in front of `<` outside of brackets."""
        if header and header[0].type == "STRUCT":
            if len(header) > 2 and header[1].type in ("ID", "TYPEID") and header[2].type == "LT":
                return 1
            self._parse_error("this kind of explicit specialisation", self._tok_coord(header[0]))
        depth = 0
        for i, (tok, after) in enumerate(pairwise(header)):
            depth += (tok.type in _OPENING) - (tok.type in _OPENING.values())
            if depth == 0 and tok.type == "ID" and tok.value in self.templates and after.type == "LT":
                return i
        self._parse_error("an explicit specialisation without its arguments", self._tok_coord(self.last))

    # -------------------------------------------------------------------------------------------- members
    def _parse_struct_or_union_specifier(self) -> Any:
        outer = self.struct
        _, _, tokens = self._scan_header()
        self.struct = tokens[-1].value if tokens[-1].type in ("ID", "TYPEID") else ""
        node = super()._parse_struct_or_union_specifier()
        self.struct = outer
        return node

    def _parse_struct_declaration(self) -> Any:
        ending, words, tokens = self._scan_header()
        name = self._member_function(tokens)
        if name is None and "static" in words and ending == "=":
            return cp.CParser._parse_declaration(self)
        if name is None:
            return super()._parse_struct_declaration()
        if ending == "=":
            return self._defaulted(tokens)
        return self._parse_member_function(name, tokens)

    def _member_function(self, tokens: list[Any]) -> int | None:
        """Where the name of the member function stands that is declared here; None for other members."""
        depth = 0
        for i, (tok, after) in enumerate(pairwise(tokens)):
            if depth == 0 and tok.value == "operator":
                return i
            named = tok.type in ("ID", "TYPEID") and tok.value not in _NO_NAMES
            if depth == 0 and named and after.type == "LPAREN":
                return i
            depth += (tok.type in _OPENING) - (tok.type in _OPENING.values())
        return None

    def _defaulted(self, tokens: list[Any]) -> list[Any]:
        """`Name() = default;`, which leaves a struct as plain as it was."""
        rest = [self._peek(len(tokens) + i) for i in range(1, 4)]
        shape = [t.value if t is not None else "" for t in (*tokens, *rest)]
        if shape != [self.struct, "(", ")", "=", "default", ";"]:
            self._parse_error("a defaulted or deleted member", self._tok_coord(tokens[0]))
        for _ in shape:
            self._advance()
        return []

    def _parse_member_function(self, at: int, tokens: list[Any]) -> list[Any]:
        """Rewritten, in the tokens, to the function that C has: a constructor returns nothing, an operator has a name."""
        start = self._mark()
        buffer = self._tokens._buffer
        name, end = tokens[at], at
        converts = name.value == "operator" and self._starts_type(tokens[at + 1 : at + 2])
        if converts:
            end = self._name_conversion(start, at, tokens)
        elif name.value == "operator":
            spelled = "operator" + "".join(t.value for t in tokens[at + 1 : at + 3])
            if spelled not in OPERATORS:
                self._parse_error(f"an overloaded {spelled}", self._tok_coord(name))
            del buffer[start + at + 1 : start + at + 3]
            buffer[start + at] = renamed(name, spelled)
        constructor = name.value == self.struct
        if constructor:
            buffer[start + at] = renamed(name, CONSTRUCTOR)
            before = [t for t in tokens[:at] if t.value != "explicit"]
            kind = copy(name)
            kind.type, kind.value = "VOID", "void"
            buffer[start : start + at] = [*before, kind]
        while buffer[start + end].type != "LPAREN" or buffer[start + end - 1].value in _NO_NAMES:
            end += 1
        constant = self._drop_const(start + end)
        self._typedef_checked_token = None
        made = list(cp.CParser._parse_external_declaration(self))
        if len(made) != 1 or not isinstance(made[0], c_ast.FuncDef):
            self._parse_error("a member function without its body", self._tok_coord(name))
        if constant:
            made[0].decl.funcspec = [*(made[0].decl.funcspec or []), "const"]
        return made

    def _starts_type(self, tokens: list[Any]) -> bool:
        return any(t.type in ("ID", "TYPEID", "CONST", "VOLATILE", *cp._TYPE_SPEC_SIMPLE) for t in tokens)

    def _name_conversion(self, start: int, at: int, tokens: list[Any]) -> int:
        """`operator type ()` becomes, in the tokens, `type` and a name; where its `(` then stands."""
        paren = next((i for i in range(at, len(tokens)) if tokens[i].type == "LPAREN"), None)
        if paren is None or any(t.type != "INLINE" or t.value == "explicit" for t in tokens[:at]):
            self._parse_error("a conversion function of this kind", self._tok_coord(tokens[at]))
        kind = tokens[at + 1 : paren]
        self._tokens._buffer[start + at : start + paren] = [*kind, renamed(tokens[at], CONVERSION)]
        return at + len(kind) + 1

    def _drop_const(self, at: int) -> bool:
        """Takes the `const` behind the parameters, which begin at `at`, out of the tokens."""
        buffer, depth = self._tokens._buffer, 0
        while True:
            depth += (buffer[at].type == "LPAREN") - (buffer[at].type == "RPAREN")
            at += 1
            if depth == 0:
                break
        if buffer[at].type == "CONST":
            del buffer[at]
            return True
        return False


def renamed(tok: Any, value: str) -> Any:
    made = copy(tok)
    made.type, made.value = "ID", value
    return made
