"""`tv ops` and `tv graph`: what the front ends know, and what they make of a model."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tv.graph import Graph

_WIDTH = 100
LARGEST = 1 << 20  # an open dimension is printed as a symbol from 1 to this


def operators() -> str:
    """ONNX operators with their meaning, those that mean their official body, and CUDA's built-in functions."""
    from onnx import defs

    from tv.cuda_frontend.builtin import BUILTINS, METHODS
    from tv.graph_frontend import operators as table

    known = table()
    bodies = sorted({s.name for s in defs.get_all_schemas() if _has_body(s) and s.name not in known})
    width = max(len(n) for n in known)
    lines = ["ONNX operators with a meaning of their own:"]
    for name, meaning in known.items():
        lines += _entry(name, width, meaning)
    lines += ["", "ONNX operators that mean their official function body:", *_wrapped(bodies)]
    lines += ["", "CUDA built-in functions:", *_wrapped(sorted(BUILTINS.entries))]
    lines += ["", "methods of cooperative groups:", *_wrapped(sorted(METHODS.entries))]
    return "\n".join(lines) + "\n"


def _has_body(schema: object) -> bool:
    has = (getattr(schema, "has_function", False), getattr(schema, "has_context_dependent_function", False))
    return any(has) and getattr(schema, "domain", None) == ""


def _entry(name: str, width: int, meaning: str) -> list[str]:
    first, *rest = textwrap.wrap(meaning, _WIDTH - width - 4) or [""]
    return [f"  {name:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in rest)]


def _wrapped(names: list[str]) -> list[str]:
    return textwrap.wrap(" ".join(names), _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def graph(model: str) -> str:
    """What a model means. Raises Unsupported for an operator or attribute that has no meaning, BadInput for a bad file."""
    from tv.graph_frontend import describe

    return describe(denoted(model))


def denoted(model: str) -> Graph:
    """A model whose open sizes may be anything from 1 on. Raises as `graph` does."""
    from tv.graph_frontend import read, require_known
    from tv.sets import Affine, Sets
    from tv.sets.formulas import all_of, ge
    from tv.source import Span
    from tv.spec import read_signature
    from tv.spec.border import border
    from tv.term import Terms

    require_known(Path(model))
    where = border(read_signature(model), (), (), Span(model, 0))
    names: dict[str, str] = {}
    for d in where.dimension_names():
        if re.fullmatch(r"[^()*/%+ ]+", d):
            own = _symbol(d)
            names[d] = own if own not in names.values() else f"Dim_{len(names)}_{own.rstrip('_')}"
    symbols = tuple(names.values())
    known = {s: Affine.sym(s) for s in symbols}
    context = all_of(*(c for s in symbols for c in (ge(known[s], 1), ge(Affine.of(LARGEST), known[s]))))
    dims = {d: known[s] for d, s in names.items()}
    return read(Path(model), Sets(symbols, context), Terms(), dims=dims)


def _symbol(dimension: str) -> str:
    """A name that can stand in an index set; one that reads like something else there gets a prefix."""
    from tv.diagnostic import BadInput
    from tv.source import NOWHERE
    from tv.spec.arguments import require_symbol_name

    plain = re.sub(r"\W", "_", dimension, flags=re.ASCII)
    try:
        require_symbol_name(plain, NOWHERE)
    except BadInput:
        return f"Dim_{plain.rstrip('_')}"  # no name that is taken begins so
    return plain
