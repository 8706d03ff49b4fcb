"""The CUDA C++ reader: libclang parses, and its cursors become our syntax tree; templates are instantiated in lowering.

libclang sees our own preprocessed text behind a stub header, so macros and places are those of the C reader. Any
diagnostic that is an error refuses the file; a cursor kind that is not named here refuses the construct.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from clang import cindex

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.attributes import check_attributes, inline_assembly
from tv.cuda_frontend.builtin import BUILTINS
from tv.cuda_frontend.clang_probe import survives
from tv.cuda_frontend.clang_tree import Cursor, Tree
from tv.cuda_frontend.host_code import device_side
from tv.cuda_frontend.pragmas import check_pragma
from tv.cuda_frontend.preprocess import TokenText, preprocess
from tv.diagnostic import BadInput, Unsupported
from tv.launch import CompileOptions
from tv.source import Span

STUB = Path(__file__).parent / "clang_stub.h"
_NAME = "kernel.cpp"
_ARGS = [
    "-x",
    "c++",
    "-std=c++17",
    "-nostdinc",
    "-nostdinc++",
    "-fno-delayed-template-parsing",
    "-undef",
    "-w",
    "-ferror-limit=0",
]
_WORDS = ("__global__", "__device__", "__host__", "__shared__")


def parse_clang(path: Path, text: str, options: CompileOptions) -> ast.Unit:
    """The unit's tree by libclang. Raises Unsupported (TV0123) naming what libclang or this reader does not take."""
    tokens = preprocess(path, text, options)
    check_attributes(tokens, str(path))
    side = device_side(tokens, str(path))
    body = without_pragmas(replace(tokens, text=side.text), str(path))
    stub = STUB.read_text(encoding="utf-8")
    source = stub + body

    def parsed() -> cindex.TranslationUnit:
        seen = cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD
        return cindex.Index.create().parse(_NAME, args=_ARGS, unsaved_files=[(_NAME, source)], options=seen)

    if not survives(lambda: list(parsed().cursor.walk_preorder())):
        help = "split the longest expression or chain of `else if`"
        raise Unsupported("TV0104", "more than libclang can take", Span(str(path), 1), help)
    try:
        unit = parsed()
    except (cindex.LibclangError, cindex.TranslationUnitLoadError) as error:
        raise Unsupported(
            "TV0123", f"libclang is not usable: {error}", Span(str(path), 1), "install libclang"
        ) from error
    tree = Tree(source, tokens, str(path), stub.count("\n"))
    tree.hosts |= side.hosts
    check_expanded(tree, unit.cursor, len(stub))
    for d in unit.diagnostics:
        if d.severity >= cindex.Diagnostic.Error:
            span = tree.at(d.location.line, d.location.column)
            if d.spelling.endswith(" in asm"):  # whose constraints are the GPU's
                raise inline_assembly(span)
            raise BadInput(
                "TV0108",
                f"libclang: {d.spelling}",
                span,
                "see what `nvcc -c` says of this line",
            )
    decls: list[ast.Decl] = []
    top(tree, unit.cursor, decls, len(stub))
    return ast.Unit(Span(str(path), 1), tuple(decls), frozenset(tree.hosts), qualified=frozenset(tree.qualified))


def check_expanded(tree: Tree, unit: Cursor, start: int) -> None:
    """The text is preprocessed: what libclang's own preprocessor still finds in it, besides the stub's words, is a macro of libclang's.
    Raises Unsupported (TV0107)."""
    stubs = {
        c.spelling for c in unit.get_children() if c.kind.name == "MACRO_DEFINITION" and c.location.file is not None
    }
    for c in unit.get_children():
        if c.kind.name == "MACRO_INSTANTIATION" and c.extent.start.offset >= start and c.spelling not in stubs:
            help = "write its text"
            raise Unsupported("TV0107", f"`{c.spelling}`, which is another compiler's macro", tree.span(c), help)


def without_pragmas(tokens: TokenText, file: str) -> str:
    """The text with its pragmas, each of a kind that leaves the meaning alone, blanked out."""
    lines = tokens.text.split("\n")
    for i, line in enumerate(lines):
        m = re.match(r"\s*#\s*pragma\b(.*)", line)
        if m is not None:
            where, row, _ = tokens.place(i + 1, 1)
            check_pragma(m.group(1), Span(where or file, row))
            lines[i] = ""
    return "\n".join(lines)


def top(tree: Tree, parent: Cursor, decls: list[ast.Decl], start: int, owner: str = "") -> None:
    """Declarations of the file (those behind the stub), namespaces flattened: a name may have only one."""
    for c in parent.get_children():
        if c.extent.start.offset < start or c.kind.is_preprocessing():
            continue
        if c.kind.name == "NAMESPACE":
            tree.namespaces.add(c.spelling)
            top(tree, c, decls, start, f"{owner}::{c.spelling}" if c.spelling else owner)
        elif c.kind.name == "NAMESPACE_ALIAS":
            alias(tree, c)
        elif c.kind.name in ("UNEXPOSED_DECL", "STATIC_ASSERT", "LINKAGE_SPEC"):
            linkage(tree, c, decls, start)
        elif not explicit_instantiation(tree, c):
            check_owner(tree, c, owner)
            decls.extend(declaration(tree, c))


def alias(tree: Tree, c: Cursor) -> None:
    """`namespace cg = cooperative_groups;`: one meaning in the whole file."""
    m = re.fullmatch(r"namespace\s+(\w+)\s*=\s*(?:::)?\s*([\w:]+)", tree.text(c).rstrip("; "))
    if m is None or tree.aliases.setdefault(m[1], m[2]) != m[2] or m[1] in tree.namespaces:
        raise tree.refuse("this namespace alias", c)


def check_owner(tree: Tree, c: Cursor, owner: str) -> None:
    if tree.owners.setdefault(c.spelling, owner) != owner or (owner and BUILTINS.get(c.spelling) is not None):
        raise tree.refuse(f"`{c.spelling}` of several namespaces", c)


def linkage(tree: Tree, c: Cursor, decls: list[ast.Decl], start: int) -> None:
    """`extern "C"`; a stray semicolon has no children; anything else is refused."""
    text = tree.text(c)
    if text.startswith("extern"):
        top(tree, c, decls, start)
    elif text.strip(" ;") != "":
        raise tree.refuse(f"the declaration `{text.split(chr(10))[0][:40]}`", c)


def explicit_instantiation(tree: Tree, c: Cursor) -> bool:
    """`template void f<int>(...);` declares nothing new."""
    return re.match(r"template\s*(?!<)\s*[^<\s]", tree.text(c)) is not None and c.kind.name == "FUNCTION_DECL"


def declaration(tree: Tree, c: Cursor) -> list[ast.Decl]:
    if re.match(r"template\s*<\s*>", tree.text(c)):
        help = "give it a name of its own, or choose with `if constexpr`"
        raise Unsupported("TV0123", "an explicit specialisation of a template", tree.span(c), help)
    match c.kind.name:
        case "FUNCTION_DECL" | "FUNCTION_TEMPLATE":
            return function(tree, c)
        case "STRUCT_DECL" | "CLASS_TEMPLATE":
            return [struct(tree, c)]
        case "TYPEDEF_DECL" | "TYPE_ALIAS_DECL":
            if any(k.kind.is_attribute() for k in c.get_children()):
                raise tree.refuse("a type with an alignment of its own", c)
            return [ast.TypeAlias(tree.span(c), c.spelling, tree.type(c.underlying_typedef_type, c))]
        case "VAR_DECL":
            return [tree.variable(c)]
        case kind:
            raise tree.refuse(f"the declaration `{kind.lower()}`", c)


def words(c: Cursor) -> frozenset[str]:
    return frozenset(k.spelling for k in c.get_children() if k.kind.name == "ANNOTATE_ATTR" and k.spelling in _WORDS)


def template_parameters(tree: Tree, c: Cursor) -> tuple[ast.TemplateParameter, ...]:
    found = []
    for k in c.get_children():
        span = tree.span(k)
        if k.kind.name == "TEMPLATE_TYPE_PARAMETER":
            if "=" in tree.text(k):
                raise tree.refuse("a default for a type parameter", k)
            found.append(ast.TemplateParameter(span, k.spelling, None))
        elif k.kind.name == "TEMPLATE_NON_TYPE_PARAMETER":
            default = [x for x in k.get_children() if x.kind.is_expression()]
            given = tree.expr(default[-1]) if default else None
            found.append(ast.TemplateParameter(span, k.spelling, tree.type(k.type, k), given))
        elif k.kind.name == "TEMPLATE_TEMPLATE_PARAMETER" or "..." in tree.text(k).split("{")[0]:
            raise tree.refuse("this kind of template parameter", k)
    return tuple(found)


def function(tree: Tree, c: Cursor) -> list[ast.Decl]:
    """A device function or kernel; host functions are left out (their names are refused as unknown)."""
    marked = words(c)
    if not marked & {"__global__", "__device__"}:
        tree.hosts.add(c.spelling)
        return []
    if c.spelling.startswith("operator") and c.kind.name != "CXX_METHOD":
        raise tree.refuse(f"the overloaded `{c.spelling}`", c)
    parameters = []
    for k in c.get_children():
        if k.kind.name == "PARM_DECL":
            if any(x.kind.is_expression() for x in k.get_children()) and "=" in tree.text(k):
                raise tree.refuse("a default argument", k)
            parameters.append(ast.Variable(tree.span(k), k.spelling or "unnamed", tree.type(k.type, k), None))
    bodies = [k for k in c.get_children() if k.kind.name == "COMPOUND_STMT"]
    body = tree.block(bodies[0]) if bodies else None
    name = c.spelling.split("<")[0] if not c.spelling.startswith("operator") else c.spelling
    result = tree.type(result_type(c), c)
    return [ast.Function(tree.span(c), name, result, tuple(parameters), body, marked, (), template_parameters(tree, c))]


def result_type(c: Cursor) -> object:
    return c.result_type if c.kind.name != "FUNCTION_TEMPLATE" else c.type.get_result()


def struct(tree: Tree, c: Cursor) -> ast.Struct:
    """A struct of fields and methods; anything else inside it is refused."""
    fields: list[ast.Variable] = []
    methods: list[ast.Function] = []
    for k in c.get_children():
        match k.kind.name:
            case "FIELD_DECL":
                if k.is_bitfield():
                    raise Unsupported("TV0111", "a bit-field", tree.span(k), "shift and mask an unsigned field")
                if any(x.kind.is_expression() or x.kind.is_attribute() for x in k.get_children()):
                    raise tree.refuse("a field with an initializer, a width or an alignment", k)
                fields.append(ast.Variable(tree.span(k), k.spelling, tree.type(k.type, k), None))
            case "CXX_METHOD":
                if k.is_virtual_method() or k.is_static_method():
                    raise tree.refuse("a virtual or static method", k)
                methods.extend(m for m in function(tree, k) if isinstance(m, ast.Function))
            case "TEMPLATE_TYPE_PARAMETER" | "TEMPLATE_NON_TYPE_PARAMETER" | "CXX_ACCESS_SPEC_DECL":
                pass
            case kind:
                raise tree.refuse(f"`{kind.lower()}` in a struct", k)
    return ast.Struct(tree.span(c), c.spelling, tuple(fields), (), template_parameters(tree, c), tuple(methods))
