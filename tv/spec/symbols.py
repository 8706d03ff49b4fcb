"""The symbols of a specification: each declared once, with a range that holds something, tied to graph dimensions by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tv.diagnostic import BadInput
from tv.launch import Symbol
from tv.source import Span
from tv.spec.arguments import Argument, Fields, Open
from tv.spec.border import Border
from tv.spec.document import Document
from tv.spec.expression import Range, names, parse
from tv.spec.locate import nearest


@dataclass(slots=True)
class Symbols:
    """Declared symbols by name."""

    table: dict[str, Symbol] = field(default_factory=dict)

    def declare(self, symbol: Symbol, span: Span) -> None:
        """Raises BadInput (TV0207) for an empty range or one that contradicts an earlier declaration."""
        if symbol.min > symbol.max:
            what = f"the range of `{symbol.name}` is empty: {symbol.min} to {symbol.max}"
            raise BadInput("TV0207", what, span, "a proof over no value says nothing")
        known = self.table.setdefault(symbol.name, symbol)
        if (known.min, known.max) != (symbol.min, symbol.max):
            what = f"`{symbol.name}` runs from {symbol.min} to {symbol.max} here and from {known.min} to {known.max} elsewhere"
            raise BadInput("TV0207", what, span, "one symbol has one range")
        dims = tuple(dict.fromkeys((*known.dims, *symbol.dims)))
        self.table[symbol.name] = Symbol(symbol.name, symbol.min, symbol.max, dims)

    def ranges(self) -> dict[str, Range]:
        return {s.name: (s.min, s.max) for s in self.table.values()}

    def named_in(self, text: str) -> bool:
        """Is this an integer expression over declared symbols, and at least one?"""
        try:
            found = names(parse(text))
        except BadInput:
            return False
        return bool(found) and all(n in self.table for n in found)

    def of_dimensions(self) -> dict[str, str]:
        """Graph dimension -> the symbol that it is."""
        return {d: s.name for s in self.table.values() for d in s.dims}


def collect(document: Document, arguments: list[Argument], where: Border) -> Symbols:
    """Every symbol that the specification declares. Raises BadInput (TV0207, TV0228)."""
    result = Symbols()
    dimensions = where.dimension_names()
    for symbol, span in document.symbols:
        dims = _dims(symbol.dims[0], symbol.dims[0] != symbol.name, dimensions, span)
        result.declare(Symbol(symbol.name, symbol.min, symbol.max, dims), span)
    for a in arguments:
        for o in _open(a):
            _declare_open(o, result, dimensions)
    _refuse_shared_dimension(result, document)
    return result


def _open(a: Argument) -> Iterator[Open]:
    match a:
        case Open(type=t) if t is None or not t.startswith(("f", "bf")):
            yield a
        case Fields(values=values):
            for v in values.values():
                yield from _open(v)
        case _:
            pass


def _declare_open(o: Open, result: Symbols, dimensions: tuple[str, ...]) -> None:
    dims = _dims(o.dim or o.symbol, o.dim is not None, dimensions, o.span)
    if o.min is not None and o.max is not None:
        result.declare(Symbol(o.symbol, o.min, o.max, dims), o.span)
    elif o.min is None and o.max is None and o.symbol in result.table:
        known = result.table[o.symbol]
        result.declare(Symbol(o.symbol, known.min, known.max, dims), o.span)
    elif o.type is None or o.min is not None or o.max is not None:
        raise BadInput("TV0207", f"symbol `{o.symbol}` has no range", o.span, "add `min` and `max`")


def _dims(dim: str, explicit: bool, dimensions: tuple[str, ...], span: Span) -> tuple[str, ...]:
    if dim in dimensions:
        return (dim,)
    if explicit:
        raise BadInput("TV0228", f"the model has no dimension `{dim}`", span, nearest(dim, dimensions))
    return ()


def _refuse_shared_dimension(symbols: Symbols, document: Document) -> None:
    owner: dict[str, str] = {}
    for s in symbols.table.values():
        for d in s.dims:
            if owner.setdefault(d, s.name) != s.name:
                what = f"dimension `{d}` is both `{owner[d]}` and `{s.name}`"
                raise BadInput("TV0207", what, Span(document.path, 0), "a dimension is one symbol")
