"""The C reader: preprocessed text to our syntax tree, by pycparser."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from pycparser.c_parser import ParseError

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS
from tv.cuda_frontend.builtin_memory import CONSTANTS
from tv.cuda_frontend.external import UnitParser
from tv.cuda_frontend.from_c import Translator, declaration
from tv.cuda_frontend.names import THREAD_VARIABLES
from tv.cuda_frontend.parser import Template
from tv.cuda_frontend.pragmas import check_pragma
from tv.cuda_frontend.preprocess import TokenText
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.source import Span

_WHERE = re.compile(r"^(?P<file>.*?):(?P<line>\d+)(?::(?P<col>\d+))?: (?P<what>.*)$", re.DOTALL)
# What pycparser raises on damaged input besides its own error.
_DAMAGE = (AssertionError, ValueError, AttributeError, TypeError, IndexError, KeyError)


def syntax_error(error: Exception, file: str, line: int) -> BadInput:
    """pycparser's message as a diagnostic."""
    m = _WHERE.match(str(error))
    if m is None:
        return BadInput(
            "TV0108",
            "not the C or CUDA C++ that this reader knows",
            Span(file, line),
            "see what `nvcc -c` says of this line; C++ that it takes can mostly be written in plain functions",
        )
    col = int(m["col"] or 1)
    what = re.sub(r"before:? (\S+)$", r"before `\1`", m["what"].strip())
    what = f"syntax error {what}" if what.startswith("before ") else what
    return BadInput(
        "TV0108",
        what[0].lower() + what[1:],
        Span(m["file"] or file, int(m["line"]), col, col + 1),
        "see what `nvcc -c` says of this line; C++ that it takes can mostly be written in plain functions",
    )


def parse(text: TokenText, file: str) -> tuple[ast.Unit, UnitParser]:
    """The unit's tree, and the parser with what it noted of host code. Raises BadInput or Unsupported."""
    parser = UnitParser()
    try:
        tree: Any = parser.parse_text(text, file)
    except (ParseError, *_DAMAGE) as error:
        last = parser.last
        raise syntax_error(error, file, last.lineno if last is not None else 1) from error
    refused: dict[str, TvError] = {name: syntax_error(error, file, 1) for name, error in parser.refused.items()}
    broken = set(parser.broken)
    check_namespaces(text.text, parser.aliases, file)
    for name, owners in parser.owners.items():
        if name in THREAD_VARIABLES or name in CONSTANTS or name == "warpSize":
            raise Unsupported("TV0109", f"`{name}` is the name of a built-in", Span(file, 1), "rename it")
        if len(owners) > 1 or (owners != {""} and BUILTINS.get(name) is not None):
            refused.setdefault(
                name, Unsupported("TV0122", f"`{name}` of several namespaces", Span(file, 1), "rename one")
            )
    decls: list[ast.Decl] = []
    for n in tree.ext:
        t = Translator(file)
        if type(n).__name__ == "Pragma":
            check_pragma(n.string if isinstance(n.string, str) else n.string.value.strip('"'), t.span(n))
            continue
        try:
            decls.extend(declaration(t, n))
        except Unsupported as error:
            known, words = declared(n)
            if known is None:
                raise
            refused.setdefault(known, error)
            broken.update({known} if "__global__" in words and not isinstance(n, Template) else ())
    hosts = frozenset(parser.hosts)
    qualified = frozenset(parser.clex.qualified)
    operators = re.search(r"\boperator\b", text.text) is not None
    unit = ast.Unit(
        Span(file, 1),
        tuple(decls),
        hosts,
        tuple(refused.items()),
        frozenset(broken),
        qualified,
        operators,
        frozenset(parser.mentioned),
    )
    return unit, parser


def check_namespaces(text: str, names: Collection[str], file: str) -> None:
    """Raises Unsupported (TV0122) for a namespace, or another name of one, that is a type's name somewhere in the file: what stands
    before `::` is taken for the namespace."""
    for name in names:
        tagged = rf"\b(?:struct|class|union|enum|typename)\s+(?:\w+\s*\([^()]*\)\s*)?{name}\b(?!\s*::)"
        types = rf"{tagged}|\busing\s+{name}\s*=|\btypedef\b[^;{{}}]*\b{name}\b(?!\s*::)|\}}\s*\**\s*{name}\s*[;,\[]"
        m = re.search(types, text)
        if m is not None:
            raise Unsupported(
                "TV0122", f"`{name}` is the name of a namespace and of a type", Span(file, 1), "rename one"
            )


def declared(n: Any) -> tuple[str | None, list[str]]:
    """The name that a declaration introduces, and its function words."""
    n = getattr(n, "decl", n)
    name = getattr(n, "name", None) or getattr(getattr(n, "type", None), "name", None)
    return name, list(getattr(n, "funcspec", None) or [])
