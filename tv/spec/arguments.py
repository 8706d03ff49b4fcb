"""What a specification says of one parameter, read and checked by itself: `[args]`, `[globals]` and `--arg` share it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tv.diagnostic import BadInput
from tv.launch import IntOrText
from tv.source import Span
from tv.spec.expression import parse
from tv.spec.locate import Locator, refuse_unknown

ALIGN = 256  # bytes, of buffers of which nothing is said


@dataclass(frozen=True, slots=True)
class Word:
    """`"X"`: a tensor for a pointer, an integer expression for a number, `"null"` for neither."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Plain:
    value: int | float
    span: Span


@dataclass(frozen=True, slots=True)
class Buffer:
    """Tensors in a buffer: one after another (concat), or one layout for what it holds before and after (in place)."""

    tensors: tuple[str, ...]
    span: Span
    input: str | None = None
    output: str | None = None
    layout: str | None = None
    offset: IntOrText = 0
    extent: IntOrText | None = None
    align: int = ALIGN
    zeroed: bool = False  # an output's buffer, which the caller clears


@dataclass(frozen=True, slots=True)
class Part:
    """Tensors of one shape in a packed buffer, the k-th `offset + k * stride` elements behind its start. tensors: each an input or an
    output; inputs, outputs: what lies there before the launch and after."""

    tensors: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    span: Span
    layout: str | None = None
    offset: IntOrText = 0
    stride: IntOrText = 0


@dataclass(frozen=True, slots=True)
class Packed:
    """Many tensors in a buffer, each with a place of its own."""

    parts: tuple[Part, ...]
    span: Span
    extent: IntOrText | None = None
    align: int = ALIGN


@dataclass(frozen=True, slots=True)
class Scratch:
    """Workspace. name: of memory that several launches share; "" is the launch's own."""

    extent: IntOrText
    span: Span
    zeroed: bool = False
    align: int = ALIGN
    name: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """A number left open. type: "f32", ... for one that is no integer. dim: the graph dimension that is the same symbol."""

    symbol: str
    span: Span
    type: str | None = None
    min: int | None = None
    max: int | None = None
    dim: str | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """`input_ids[0, 0]`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Pointers:
    """An array of pointers to tensors."""

    tensors: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Fields:
    """A structure by value."""

    values: dict[str, Argument]
    span: Span


Argument = Word | Plain | Buffer | Packed | Scratch | Open | Element | Pointers | Fields

_KEYS = {
    "tensor": ("tensor", "layout", "offset", "extent", "align"),
    "concat": ("concat", "extent", "align"),
    "parts": ("parts", "extent", "align"),
    "input": ("input", "output", "layout", "offset", "extent", "align"),
    "output": ("input", "output", "layout", "offset", "extent", "align", "zeroed"),
    "symbol": ("symbol", "type", "min", "max", "dim"),
    "element": ("element",),
    "fields": ("fields",),
    "extent": ("extent", "zeroed", "align", "scratch"),
}
_ALL_KEYS = tuple(dict.fromkeys(k for keys in _KEYS.values() for k in keys))


def read_argument(value: object, locator: Locator, *path: str | int) -> Argument:
    """One value of `[args]`. Raises BadInput (TV0202, TV0203) at its line."""
    span = locator.span(*path)
    match value:
        case bool():
            return Plain(int(value), span)
        case int() | float():
            return Plain(value, span)
        case str():
            return Word(value, span)
        case list():
            return Pointers(tensor_list(value, span), span)
        case dict():
            return _table(value, locator, span, path)
        case _:
            raise BadInput(
                "TV0203",
                f"`{path[-1]}` is neither a number, a tensor nor a table",
                span,
                'write `x = "X"`, `n = 256` or `n = { symbol = "N", min = 1, max = 4096 }`',
            )


def _table(table: dict[str, object], locator: Locator, span: Span, path: tuple[str | int, ...]) -> Argument:
    refuse_unknown(table, _ALL_KEYS, locator, *path)
    kind = next((k for k in _KEYS if k in table), None)
    if kind is None:
        names = ", ".join(f"`{k}`" for k in _KEYS)
        raise BadInput("TV0203", f"`{path[-1]}` does not say what it is", span, f"one of {names} is needed")
    for key in table:
        if key not in _KEYS[kind]:
            raise BadInput("TV0203", f"`{key}` does not go with `{kind}`", locator.span(*path, key), _goes_with(kind))
    field = _Reader(table, locator, path)
    match kind:
        case "tensor":
            return Buffer((field.word("tensor"),), span, None, None, *field.placement())
        case "concat":
            tensors = tensor_list(table["concat"], field.span("concat"))
            return Buffer(tensors, span, extent=field.extent(), align=field.align())
        case "parts":
            return Packed(_parts(table["parts"], locator, path), span, field.extent(), field.align())
        case "input" | "output":
            before, after = field.optional_word("input"), field.optional_word("output")
            return Buffer((), span, before, after, *field.placement(), zeroed=field.flag("zeroed"))
        case "symbol":
            return _open(field, span)
        case "element":
            return Element(field.word("element"), span)
        case "fields":
            inner = table["fields"]
            if not isinstance(inner, dict):
                raise BadInput("TV0203", "`fields` is a table", field.span("fields"), "write `fields = { name = ... }`")
            return Fields({k: read_argument(v, locator, *path, "fields", k) for k, v in inner.items()}, span)
        case _:
            extent = field.extent()
            assert extent is not None
            return Scratch(extent, span, field.flag("zeroed"), field.align(), field.optional_word("scratch") or "")


_PART_KEYS = ("tensors", "inputs", "outputs", "layout", "offset", "stride")


def _parts(value: object, locator: Locator, path: tuple[str | int, ...]) -> tuple[Part, ...]:
    """Raises BadInput (TV0202, TV0203)."""
    span = locator.span(*path, "parts")
    if not isinstance(value, list) or not value or not all(isinstance(p, dict) for p in value):
        raise BadInput(
            "TV0203", "a list of tables is needed here", span, 'parts = [{ tensors = ["W0", "W1"], stride = 4096 }]'
        )
    found = []
    for k, table in enumerate(value):
        refuse_unknown(table, _PART_KEYS, locator, *path, "parts", k)
        field = _Reader(table, locator, (*path, "parts", k))
        names = {n: tensor_list(table[n], field.span(n)) if n in table else () for n in _PART_KEYS[:3]}
        if not any(names.values()):
            raise BadInput(
                "TV0203", "a part names no tensor", field.span("tensors"), "write `tensors`, or `inputs` and `outputs`"
            )
        if len({len(n) for n in names.values() if n}) > 1:
            text = "a part's lists are of one length: what lies at a place before the launch, and after"
            raise BadInput("TV0203", text, field.span("outputs"), "name as many inputs as outputs")
        many = max(map(len, names.values())) > 1
        if many and "stride" not in table:
            raise BadInput(
                "TV0203", "several tensors, and no `stride` between them", field.span("tensors"), "in elements"
            )
        offset, stride = (read_integer(table.get(n, 0), n, field.span(n)) for n in ("offset", "stride"))
        layout = field.optional_word("layout")
        found.append(
            Part(names["tensors"], names["inputs"], names["outputs"], field.span("tensors"), layout, offset, stride)
        )
    return tuple(found)


def _goes_with(kind: str) -> str:
    return f"with `{kind}` go: {', '.join(_KEYS[kind])}"


def _open(field: _Reader, span: Span) -> Open:
    kind = field.optional_word("type")
    if kind is not None and kind not in SCALAR_TYPES:
        raise BadInput("TV0203", f"`{kind}` is no type", field.span("type"), f"types: {', '.join(SCALAR_TYPES)}")
    symbol = field.word("symbol")
    require_symbol_name(symbol, field.span("symbol"))
    return Open(symbol, span, kind, field.integer("min"), field.integer("max"), field.optional_word("dim"))


def require_symbol_name(name: str, span: Span) -> None:
    """Raises BadInput (TV0203) for what is no identifier, or already means something in the language of index sets."""
    if not _SYMBOL.fullmatch(name) or _TAKEN.fullmatch(name) or name in _WORDS:
        help_text = "letters, digits and `_`; words of index sets and names such as `i0` and `tx` are taken"
        raise BadInput("TV0203", f"`{name}` is no name for a symbol", span, help_text)


_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN = re.compile(
    r"layer|[ckr]|cell\d+|[bt][xyz]\w*|[a-rt-z][a-z]?\d\w*|[a-z]\w*_r|[a-z]\w*_[12]|\w*__"
)  # dimensions of instance spaces
_WORDS = frozenset(
    "and or not min max mod ceildiv floor floord ceil ceild exists implies infty infinity true false rat NaN".split()
)
SCALAR_TYPES = ("bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f16", "bf16", "f32", "f64")


def tensor_list(value: object, span: Span) -> tuple[str, ...]:
    """A non-empty list of tensor names; raises BadInput (TV0203) for anything else."""
    if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
        raise BadInput("TV0203", "a list of tensor names is needed here", span, '["W0", "W1"]')
    return tuple(value)


def read_integer(value: object, what: str, span: Span) -> IntOrText:
    """An int, or the text of an expression, whose grammar is checked here. Raises BadInput (TV0203, TV0205)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadInput(
            "TV0203", f"`{what}` is an integer or an expression", span, 'write a number, or text such as `"N // 256"`'
        )
    parse(value, span)
    return value


class _Reader:
    """Typed access to the keys of one table."""

    def __init__(self, table: dict[str, object], locator: Locator, path: tuple[str | int, ...]) -> None:
        self.table, self.locator, self.path = table, locator, path

    def span(self, key: str) -> Span:
        return self.locator.span(*self.path, key)

    def word(self, key: str) -> str:
        value = self.table[key]
        if not isinstance(value, str) or not value:
            raise BadInput("TV0203", f"`{key}` is text", self.span(key), "put it in quotes")
        return value

    def optional_word(self, key: str) -> str | None:
        return self.word(key) if key in self.table else None

    def integer(self, key: str) -> int | None:
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadInput("TV0203", f"`{key}` is an integer", self.span(key), "write a whole number without quotes")
        return value

    def flag(self, key: str) -> bool:
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise BadInput(
                "TV0203", f"`{key}` is true or false", self.span(key), "write `true` or `false` without quotes"
            )
        return value

    def extent(self) -> IntOrText | None:
        return read_integer(self.table["extent"], "extent", self.span("extent")) if "extent" in self.table else None

    def align(self) -> int:
        align = self.integer("align")
        if align is None:
            return ALIGN
        if align < 1 or align & (align - 1):
            raise BadInput("TV0203", f"alignment of {align} bytes", self.span("align"), "a power of two")
        return align

    def placement(self) -> tuple[str | None, IntOrText, IntOrText | None, int]:
        """layout, offset, extent, align."""
        offset = read_integer(self.table.get("offset", 0), "offset", self.span("offset"))
        return self.optional_word("layout"), offset, self.extent(), self.align()
