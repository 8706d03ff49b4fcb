"""External declarations: `extern "C"`, namespaces, function templates; host code is skipped by balanced brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from pycparser import c_ast
from pycparser import c_parser as cp

from tv.cuda_frontend.class_parser import ClassParser, renamed
from tv.cuda_frontend.cuda_types import HANDLE_TYPES, PREDECLARED_TYPES
from tv.cuda_frontend.parser import DEVICE_WORDS, Template
from tv.cuda_frontend.skipped import introduced, is_function, is_record

_OPENING = {"LPAREN": "RPAREN", "LBRACE": "RBRACE", "LBRACKET": "RBRACKET"}
# Declarations of types, and what is no declaration of a function or a variable.
_TYPE_WORDS = frozenset(
    {"struct", "class", "union", "enum", "typedef", "using", "namespace", "operator", "friend", "extern"}
)


class UnitParser(ClassParser):
    """A whole translation unit; `hosts` and `launches` are filled while it reads."""

    def _parse_external_declaration(self) -> list[Any]:
        kind, second = self._peek_type(), self._peek_type(2)
        word = self._peek().value if kind is not None else ""
        if kind == "EXTERN" and second == "STRING_LITERAL":
            return self._parse_linkage()
        if kind == "INLINE" and word == "inline" and self._peek(2) is not None and self._peek(2).value == "namespace":
            self._advance()
            return self._parse_namespace()
        if kind == "CXX_WORD" and word in ("namespace", "using"):
            return self._parse_namespace() if word == "namespace" else self._parse_using()
        if kind == "CXX_WORD" and word == "template":
            return self._owned(self._parse_template())
        if kind in ("PPPRAGMA", "_PRAGMA", "SEMI", "_STATIC_ASSERT", "PPHASH"):
            return list(super()._parse_external_declaration())
        return self._owned(self._parse_device_or_host())

    def _owned(self, decls: list[Any]) -> list[Any]:
        """Notes which namespace declares a name: namespaces are flattened, so a name may have only one."""
        for d in decls:
            node = getattr(d, "decl", d)
            self._own([node.name] if getattr(node, "name", None) is not None else [])
            kind = getattr(node, "type", None)
            while isinstance(kind, (c_ast.TypeDecl, c_ast.PtrDecl, c_ast.ArrayDecl)):
                kind = kind.type
            defined = isinstance(kind, (c_ast.Struct, c_ast.Union)) and kind.decls is not None
            values = kind.values if isinstance(kind, c_ast.Enum) else None
            if kind is not None and (defined or values is not None):
                self._own([kind.name] if kind.name is not None else [])
                self._own(v.name for v in (values.enumerators if values is not None else ()))
        return decls

    def _own(self, names: Iterable[str]) -> None:
        for name in names:
            self.owners.setdefault(name, set()).add("::".join(self.path))

    def _parse_linkage(self) -> list[Any]:
        self._advance(), self._advance()
        if not self._accept("LBRACE"):
            return self._parse_external_declaration()
        return self._parse_until_brace()

    def _parse_until_brace(self) -> list[Any]:
        decls: list[Any] = []
        while not self._accept("RBRACE"):
            if self._peek() is None:
                self._parse_error("a brace is never closed", self.clex.filename)
            decls.extend(self._parse_external_declaration())
        return decls

    def _parse_namespace(self) -> list[Any]:
        self._advance()
        if self._accept("LBRACE"):
            return self._parse_until_brace()
        name = self._advance()
        if self._accept("EQUALS"):
            target = self._advance()
            self._expect("SEMI")
            self.aliases[name.value] = self.aliases.get(target.value, target.value)
            return []
        for part in name.value.split("::"):
            self.aliases[part] = ""
        self._expect("LBRACE")
        self.path.append(name.value)
        decls = self._parse_until_brace()
        self.path.pop()
        return decls

    def _parse_using(self) -> list[Any]:
        self._advance()
        if self._accept("CXX_WORD"):
            name = self._advance()
            self._expect("SEMI")
            if name.value == "cooperative_groups":
                for t in HANDLE_TYPES:
                    self._scope_stack[0][t] = True
                self.templates.add("tiled_partition")
            elif name.value not in ("std", *self.aliases):
                self._parse_error(f"using namespace {name.value}", self._tok_coord(name))
            return []
        name = self._advance()
        if self._accept("EQUALS"):
            target = self._parse_type_name()
            self._expect("SEMI")
            decl = c_ast.Typedef(name.value, [], ["typedef"], target.type, self._tok_coord(name))
            self._add_typedef_name(name.value, decl.coord)
            return [decl]
        self._expect("SEMI")
        if "::" in name.value:
            self.hosts.add(name.value.rsplit("::", 1)[1])
        return []

    def _parse_block_item(self) -> Any:
        """`namespace cg = ...;` and `using` also stand in functions."""
        tok = self._peek()
        if tok is not None and tok.type == "CXX_WORD" and tok.value == "namespace":
            return self._parse_namespace()
        if tok is not None and tok.type == "CXX_WORD" and tok.value == "using":
            return self._parse_using()
        return super()._parse_block_item()

    # -------------------------------------------------------------------------------------------- templates
    def _parse_template(self) -> list[Any]:
        start = self._mark()
        if self._peek_type(2) != "LT":  # an explicit instantiation declares nothing new, but names an instance
            _, words, tokens = self._scan_header()
            named = [i for i, t in enumerate(tokens) if t.type == "LPAREN" and tokens[i - 1].type == "GT"]
            if "__global__" in words and named:
                self.instances.append((tokens, named[0]))
            self._skip_declaration(start, note=False)
            return []
        ending, words, tokens = self._scan_header()
        own = words if "constexpr" in words else {t.value for t in behind_parameters(tokens)}
        if not words & DEVICE_WORDS and not (ending == "{" and own & {"struct", "class", "union"}):
            if self._peek_type(3) == "GT":  # a specialisation: what it says of the template would be missed
                error = cp.ParseError(f"{self._tok_coord(tokens[0])}: an explicit specialisation")
                for name in self._declared_names(tokens):
                    self.refused.setdefault(name, error)
            self._skip_declaration(start)
            self._note_blank(start, behind_parameters(tokens))
            return []
        return self._attempt(start, self._parse_device_template)

    def _attempt(self, start: int, parse: Callable[[], list[Any]]) -> list[Any]:
        """A device declaration; where it is not understood, its names are refused wherever they are used."""
        scopes = [dict(s) for s in self._scope_stack]
        try:
            return parse()
        except cp.ParseError as error:
            self._scope_stack, self._typedef_checked_token = scopes, None
            self._reset(start)
            _, words, tokens = self._scan_header()
            before = set(self.hosts)
            self._skip_declaration(start)
            skipped = behind_parameters(self._tokens._buffer[start : self._mark()])
            names = self._declared_names(tokens) | (set() if is_function(skipped) else introduced(skipped))
            self.hosts = before
            for name in names:
                self.refused.setdefault(name, error)
            if "__global__" in words and (not tokens or tokens[0].value != "template"):
                self.broken |= names
            return []

    def _declared_names(self, tokens: list[Any]) -> set[str]:
        """Every name outside brackets: the declared ones are among them."""
        names, depth = set(), 0
        for t in tokens:
            depth += (t.type in _OPENING) - (t.type in _OPENING.values())
            if depth == 0 and re.match(r"operator\b(?!::)", t.value):
                names.add("operator")
            if depth == 0 and t.type in ("ID", "TYPEID"):
                names.add(t.value.rsplit("::", 1)[-1])
        return names - {*PREDECLARED_TYPES}

    def _parse_device_template(self) -> list[Any]:
        self._advance()
        self._expect("LT")
        self._push_scope()
        params: list[tuple[str, Any, Any, Any]] = []
        while self._peek_type() != "GT":
            params.append(self._parse_template_parameter())
            if not self._accept("COMMA"):
                break
        self._expect("GT")
        if not params:
            self._pop_scope()
            return self._parse_specialisation()
        _, words, header = self._scan_header()
        decls = cp.CParser._parse_external_declaration(self)
        self._pop_scope()
        if header and header[0].type == "STRUCT":
            return [self._struct_template(params, decls)]
        one = decls[0] if len(decls) == 1 else None
        if isinstance(one, c_ast.FuncDef):
            self.templates.add(one.decl.name)
            return [Template(params, one)]
        declared = isinstance(one, c_ast.Decl) and isinstance(one.type, c_ast.FuncDecl) and one.init is None
        if declared and "__global__" in words and "__launch_bounds__" not in words:
            return []  # no device code calls a kernel: the definition says everything
        self._parse_error("a template that is not a function definition", decls[0].coord if decls else None)

    def _parse_template_parameter(self) -> tuple[str, Any, Any, Any]:
        tok = self._peek()
        if tok.value in ("typename", "class"):
            self._advance()
            name = self._advance()
            self._scope_stack[-1][name.value] = True
            self._typedef_checked_token = None
            default = self._parse_type_name() if self._accept("EQUALS") else None
            return name.value, None, default, self._tok_coord(name)
        spec = self._parse_specifier_qualifier_list()
        name = self._expect("ID")
        self._add_identifier(name.value, self._tok_coord(name))
        default = self._parse_binary_expression(8) if self._accept("EQUALS") else None
        return name.value, self._build_type_name(spec, None, self._tok_coord(tok)), default, self._tok_coord(name)

    # -------------------------------------------------------------------------------------------- host code
    def _parse_device_or_host(self) -> list[Any]:
        ending, words, tokens = self._scan_header()
        start = self._mark()
        constant = "constexpr" in words and ending == "{"  # what is computed while compiling, on either side
        if words & DEVICE_WORDS or (constant and any(t.type == "LPAREN" for t in tokens)):
            self._name_operator(start, tokens)
            return self._attempt(start, lambda: list(cp.CParser._parse_external_declaration(self)))
        parens = any(t.type == "LPAREN" for t in tokens) and not words & {"_ALIGNAS", "__align__", "alignas", "struct"}
        if ending in ("{", ";") and parens and "typedef" not in words:
            self._skip_declaration(start)
            self._note_blank(start, tokens)
            return []
        try:
            decls = list(super()._parse_external_declaration())
        except cp.ParseError:
            self._reset(start)
            self._skip_declaration(start)
            self._note_blank(start, tokens)
            return []
        if any(isinstance(d, c_ast.Decl) and isinstance(d.type, c_ast.FuncDecl) for d in decls):
            self._mention(self._tokens._buffer[start : self._mark()])  # `T (name) = 1;` is no function
        return decls

    def _mention(self, tokens: list[Any]) -> None:
        self.mentioned |= {t.value for t in tokens if t.type in ("ID", "TYPEID")}

    def _note_blank(self, start: int, header: list[Any]) -> None:
        """Notes a host function or variable that was skipped from `start`: nothing in it is for the device side."""
        skipped = self._tokens._buffer[start : self._mark()]
        if {t.value for t in header} & _TYPE_WORDS or {t.value for t in skipped} & DEVICE_WORDS:
            return
        own = behind_parameters(skipped)
        function = is_function(own)
        names = frozenset(self._declared_names(header) if function else introduced(own))
        places = self.clex.own_places
        line, column = places[id(skipped[-1])]
        self.host_code.append((places[id(skipped[0])], (line, column + len(skipped[-1].value)), names, function))

    def _name_operator(self, start: int, tokens: list[Any]) -> None:
        """`operator+ (...)` becomes, in the tokens, a function of that name."""
        at = next((i for i, t in enumerate(tokens) if t.type == "CXX_WORD" and t.value == "operator"), None)
        if at is None or len(tokens) < at + 3 or tokens[at + 2].type != "LPAREN" or tokens[at + 1].type == "LPAREN":
            return
        buffer = self._tokens._buffer
        buffer[start + at] = renamed(tokens[at], f"operator{tokens[at + 1].value}")
        del buffer[start + at + 1]

    def _skip_declaration(self, start: int, note: bool = True) -> None:
        """Skips to the `;` or past the `}` that ends the declaration; notes its names and launches."""
        depth = 0
        while True:
            tok = self._tokens.next()
            if tok is None:
                self._parse_error("a bracket is never closed", self.clex.filename)
            if tok.type in _OPENING:
                depth += 1
            elif tok.type in _OPENING.values():
                depth -= 1
                if depth < 0:
                    self._parse_error(f"before: {tok.value}", self._tok_coord(tok))
                ends = depth == 0 and tok.type == "RBRACE" and self._peek_type() != "SEMI"
                if ends and not is_record(behind_parameters(self._tokens._buffer[start : self._mark()])):
                    break
            elif tok.type == "SEMI" and depth == 0:
                break
        self._typedef_checked_token = None
        self.skipped.append((self._tokens._buffer[start], self._tokens._buffer[self._mark() - 1]))
        if note:
            self._note_host(self._tokens._buffer[start : self._mark()])

    def _note_host(self, tokens: list[Any]) -> None:
        declared = behind_parameters(tokens)
        if not is_function(declared):
            self._own(introduced(declared))
        if tokens and tokens[0].value in ("struct", "class", "union", "enum", "typedef", "using"):
            for name in {t.value for t in tokens[1:3]} & {*PREDECLARED_TYPES}:
                self.refused.setdefault(name, cp.ParseError(f"{self._tok_coord(tokens[0])}: `{name}` is declared anew"))
        depth, seen = 0, 0
        for t in tokens:
            if t.type in _OPENING:
                depth += 1
                seen += t.type == "LBRACE"
            elif t.type in _OPENING.values():
                depth -= 1
            elif depth == 0 and seen == 0 and t.type in ("ID", "TYPEID"):
                self.hosts.add(t.value.rsplit("::", 1)[-1])
        if not any(a.type == "RPAREN" and b.type == "LBRACE" for a, b in pairwise(tokens)):
            self._mention(tokens)
        for i in range(len(tokens) - 1):
            if tokens[i].type == "LSHIFT" and tokens[i + 1].type == "LT":
                self.launches.append((tokens, i))
                continue


def behind_parameters(header: list[Any]) -> list[Any]:
    """What of a template's header stands behind its parameters; all of it where they do not end, and of what is no template."""
    depth = 0
    if not header or header[0].value != "template":
        return header
    for i, t in enumerate(header):
        depth += (t.type == "LT") - (t.type == "GT")
        if t.type == "GT" and depth == 0:
            return header[i + 1 :]
    return header
