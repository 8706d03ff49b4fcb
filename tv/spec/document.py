"""A specification file, read and checked by itself: every key known, every value of its kind. Nothing is resolved here."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tv.diagnostic import BadInput
from tv.launch import CompileOptions, InputAssumption, IntOrText, Symbol
from tv.request import Overrides
from tv.source import Span
from tv.spec.arguments import Argument, read_argument, read_integer, require_symbol_name, tensor_list
from tv.spec.locate import Locator, refuse_unknown

LAUNCH_KEYS = ("kernel", "grid", "block", "shared", "cooperative", "args")
ALIGN_KEYS = ("shared_align", "local_align")
OPTION_KEYS = ("fmad", "fast_math", "ftz", "prec_div", "prec_sqrt", "arch", "defines", "include", *ALIGN_KEYS)
TOP_KEYS = (*LAUNCH_KEYS, *OPTION_KEYS, "globals", "inputs", "model", "symbols", "launch", "relaunch")
MODEL_KEYS = ("inputs", "outputs", "strict_nan", "body_precision", "half_functions")
PRECISIONS = 'body_precision = "f32" (the default) or "type"'
HALF_FUNCTIONS = 'half_functions = "f32" (the default) or "native"'
MAX_SPEC_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class LaunchText:
    """One launch as written; None where the file does not say. span: of the table, spans: of each key."""

    span: Span
    kernel: str | None = None
    grid: tuple[IntOrText, ...] | None = None
    block: tuple[IntOrText, ...] | None = None
    shared: IntOrText | None = None
    cooperative: bool | None = None
    args: dict[str, Argument] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    def where(self, key: str) -> Span:
        return self.spans.get(key, self.span)


@dataclass(frozen=True, slots=True)
class Document:
    """path is "" where there is no file. Defaults of `options` are nvcc's."""

    path: str
    launches: tuple[LaunchText, ...]
    options: CompileOptions = CompileOptions()
    globals: dict[str, Argument] = field(default_factory=dict)
    inputs: tuple[InputAssumption, ...] = ()
    input_spans: dict[str, Span] = field(default_factory=dict)
    symbols: tuple[tuple[Symbol, Span], ...] = ()
    model_inputs: tuple[str, ...] = ()
    model_outputs: tuple[str, ...] = ()
    model_span: Span = Span("", 0)
    strict_nan: bool = False
    body_precision: str = "f32"
    relaunch: bool = False
    half_functions: str = "f32"

    def wanted_kernels(self, overrides: Overrides) -> tuple[str, ...]:
        """The kernels, template instances included, that a reader has to produce; () where it is left to the file."""
        if overrides.kernel is not None:
            return (overrides.kernel,)
        return tuple(dict.fromkeys(x.kernel for x in self.launches if x.kernel is not None))

    def cut(self) -> tuple[str, ...]:
        """Tensors inside the graph whose types are needed."""
        return (*self.model_inputs, *self.model_outputs)

    def compile_options(self, overrides: Overrides) -> CompileOptions:
        """How the kernel is compiled: the command line's word first, then the file's, then nvcc's defaults."""
        own = self.options
        fast = own.fast_math if overrides.fast_math is None else overrides.fast_math
        added = fast and not own.fast_math  # --fast-math: what the file left open follows it
        return CompileOptions(
            fmad=own.fmad if overrides.fmad is None else overrides.fmad,
            fast_math=fast,
            ftz=own.ftz or added,
            prec_div=own.prec_div and not added,
            prec_sqrt=own.prec_sqrt and not added,
            arch=own.arch,
            defines=tuple(dict((*own.defines, *overrides.defines)).items()),
            include=(*overrides.include, *own.include),
            shared_align=own.shared_align,
            local_align=own.local_align,
        )


def sidecar(kernel: str) -> str | None:
    """The path of the specification beside a kernel, if there is one."""
    if not Path(kernel).name:
        return None
    path = Path(kernel).with_suffix(".toml")
    return str(path) if path.is_file() else None


def read_document(path: str | None) -> Document:
    """Reads a specification file; without one, an empty document. Raises BadInput (TV0201 .. TV0207)."""
    if path is None:
        return Document("", (LaunchText(Span("", 0)),))
    file = Path(path)
    try:
        if file.stat().st_size > MAX_SPEC_BYTES:
            raise BadInput(
                "TV0201",
                f"specification of more than {MAX_SPEC_BYTES} bytes",
                Span(path, 0),
                "it holds a launch and bindings only; is it the right file?",
            )
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or "it is not UTF-8 text"
        help_text = "name an existing file, or let `tv init KERNEL.cu MODEL.onnx` write a draft"
        raise BadInput("TV0201", f"cannot read {path}: {why}", Span(path, 0), help_text) from error
    return parse_document(text, path)


def parse_document(text: str, path: str) -> Document:
    """The document in `text`; `path` is for messages and for folders named relative to it."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of too many digits
        what = str(error).rpartition(" (at ")[0] or str(error)
        raise BadInput(
            "TV0201",
            f"not TOML: {what}",
            _toml_span(str(error), text, path),
            "see https://toml.io, or let `tv init` write a draft",
        ) from error
    locator = Locator(path, text)
    refuse_unknown(table, TOP_KEYS, locator)
    typed = _Typed(table, locator)
    model = _Typed(typed.table_of("model"), locator, ("model",))
    before, after = _cut(model)
    assumptions, spans = _inputs(typed)
    return Document(
        path,
        _launches(typed),
        _options(typed, Path(path).parent),
        {k: read_argument(v, locator, "globals", k) for k, v in typed.table_of("globals").items()},
        assumptions,
        spans,
        _symbols(typed),
        before,
        after,
        typed.span("model"),
        model.flag("strict_nan", False),
        _body_precision(model),
        typed.flag("relaunch", False),
        _half_functions(model),
    )


def _toml_span(message: str, text: str, path: str) -> Span:
    if "end of document" in message:
        return Span(path, max(len(text.splitlines()), 1))
    words = message.replace(",", " ").replace(")", " ").split()
    if "line" in words and "column" in words:
        return Span(path, int(words[words.index("line") + 1]), int(words[words.index("column") + 1]))
    return Span(path, 1)


class _Typed:
    """A table with a path, whose values are asked for by type."""

    def __init__(self, table: dict[str, object], locator: Locator, path: tuple[str | int, ...] = ()) -> None:
        self.table, self.locator, self.path = table, locator, path

    def span(self, *key: str | int) -> Span:
        return self.locator.span(*self.path, *key) if (*self.path, *key) else Span(self.locator.file, 1)

    def table_of(self, key: str) -> dict[str, object]:
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            raise BadInput("TV0203", f"`{key}` is a table", self.span(key), f"[{key}]")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise BadInput(
                "TV0203", f"`{key}` is true or false", self.span(key), "write `true` or `false` without quotes"
            )
        return value

    def optional_flag(self, key: str) -> bool | None:
        return self.flag(key, False) if key in self.table else None

    def word(self, key: str) -> str | None:
        value = self.table.get(key)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise BadInput("TV0203", f"`{key}` is text", self.span(key), "put it in quotes")
        return value

    def dims(self, key: str) -> tuple[IntOrText, ...] | None:
        return read_dims(self.table[key], key, self.span(key)) if key in self.table else None


def read_dims(value: object, key: str, span: Span) -> tuple[IntOrText, ...]:
    """One to three extents of a grid or a block."""
    items = value if isinstance(value, list | tuple) else [value]
    if not 1 <= len(items) <= 3:
        raise BadInput("TV0203", f"`{key}` has {len(items)} dimensions", span, "write one to three numbers: [x, y, z]")
    return tuple(read_integer(v, key, span) for v in items)


def _launches(top: _Typed) -> tuple[LaunchText, ...]:
    listed = top.table.get("launch")
    if listed is None:
        return (_launch(top),)
    if not isinstance(listed, list) or not listed or not all(isinstance(t, dict) for t in listed):
        raise BadInput("TV0203", "`launch` is a list of tables", top.span("launch"), "[[launch]]")
    doubled = next((k for k in LAUNCH_KEYS if k in top.table), None)
    if doubled is not None:
        raise BadInput(
            "TV0203", f"`{doubled}` beside `[[launch]]`", top.span(doubled), "write it inside each [[launch]]"
        )
    result = []
    for n, table in enumerate(listed):
        refuse_unknown(table, LAUNCH_KEYS, top.locator, "launch", n)
        result.append(_launch(_Typed(table, top.locator, ("launch", n))))
    return tuple(result)


def _launch(t: _Typed) -> LaunchText:
    shared = read_integer(t.table["shared"], "shared", t.span("shared")) if "shared" in t.table else None
    args = {k: read_argument(v, t.locator, *t.path, "args", k) for k, v in t.table_of("args").items()}
    return LaunchText(
        t.span(),
        t.word("kernel"),
        t.dims("grid"),
        t.dims("block"),
        shared,
        t.optional_flag("cooperative"),
        args,
        {key: t.span(key) for key in LAUNCH_KEYS if key in t.table},
    )


def _options(t: _Typed, folder: Path) -> CompileOptions:
    fast = t.flag("fast_math", False)
    defines = t.table_of("defines")
    for name, value in defines.items():
        if isinstance(value, bool) or not isinstance(value, str | int) or not name.isidentifier():
            raise BadInput("TV0203", f"define `{name}` is text", t.span("defines", name), 'defines = { TILE = "32" }')
    include = t.table.get("include", [])
    folders = tensor_list(include, t.span("include")) if include != [] else ()
    if any("\0" in f for f in folders):
        raise BadInput(
            "TV0203",
            "a folder in `include` has a zero byte in its name",
            t.span("include"),
            "name a folder that exists",
        )
    return CompileOptions(
        fmad=t.flag("fmad", True),
        fast_math=fast,
        ftz=t.flag("ftz", fast),
        prec_div=t.flag("prec_div", not fast),
        prec_sqrt=t.flag("prec_sqrt", not fast),
        arch=_arch(t),
        defines=tuple((k, str(v)) for k, v in defines.items()),
        include=tuple(os.path.abspath(folder / f) for f in folders),
        shared_align=_align(t, "shared_align"),
        local_align=_align(t, "local_align"),
    )


def _align(t: _Typed, key: str) -> int:
    """Bytes to which arrays are taken to be aligned, 0 where the file does not say."""
    value = t.table.get(key, 0)
    if type(value) is not int or (key in t.table and value not in (2, 4, 8, 16, 32, 64, 128, 256)):
        text = f"`{key}` is a power of two from 2 to 256"
        raise BadInput("TV0203", text, t.span(key), f"{key} = 16")
    return value


def _arch(t: _Typed) -> str:
    arch = t.word("arch") or "sm_90"
    number = arch.removeprefix("sm_").rstrip("af")
    if not arch.startswith("sm_") or not number.isdigit():
        raise BadInput("TV0203", f"`{arch}` is no architecture", t.span("arch"), 'arch = "sm_90"')
    return arch


def _symbols(top: _Typed) -> tuple[tuple[Symbol, Span], ...]:
    """`[symbols]`: open dimensions that no parameter carries, `N = { min = 1, max = 4096 }`."""
    result = []
    for name, value in top.table_of("symbols").items():
        span = top.span("symbols", name)
        if not isinstance(value, dict):
            raise BadInput("TV0203", f"symbol `{name}` is a table", span, "N = { min = 1, max = 4096 }")
        require_symbol_name(name, span)
        refuse_unknown(value, ("min", "max", "dim"), top.locator, "symbols", name)
        low, high, dim = value.get("min"), value.get("max"), value.get("dim", name)
        if type(low) is not int or type(high) is not int or not isinstance(dim, str):
            raise BadInput("TV0207", f"symbol `{name}` has no range", span, "N = { min = 1, max = 4096 }")
        result.append((Symbol(name, low, high, (dim,)), span))
    return tuple(result)


def _inputs(top: _Typed) -> tuple[tuple[InputAssumption, ...], dict[str, Span]]:
    result: dict[str, InputAssumption] = {}
    spans: dict[str, Span] = {}
    table = top.table_of("inputs")
    finite = table.get("finite")
    finite_names = tensor_list(finite, top.span("inputs", "finite")) if isinstance(finite, list) else ()
    for name, value in table.items():
        span = spans[name] = top.span("inputs", name)
        if name == "finite" and isinstance(value, list):
            continue
        result[name] = _assumption(name, _assumption_table(value, span, top, name), name in finite_names, span)
    for name in finite_names:
        spans.setdefault(name, top.span("inputs", "finite"))
        result.setdefault(name, InputAssumption(name, finite=True))
    return tuple(result.values()), spans


def _assumption_table(value: object, span: Span, top: _Typed, name: str) -> object:
    """A table of an assumption, its keys checked; any other value as it is."""
    if isinstance(value, dict):
        refuse_unknown(value, ("min", "max", "value", "finite"), top.locator, "inputs", name)
        if not value:
            raise BadInput("TV0203", f"nothing is assumed of `{name}`", span, "{ min = 0, max = 31999 }")
    return value


def _assumption(name: str, value: object, finite: bool, span: Span) -> InputAssumption:
    table: dict[str, object] = value if isinstance(value, dict) else {"value": value}
    low, high = _bound(table, "min", name, span), _bound(table, "max", name, span)
    if low is not None and high is not None and low > high:
        raise BadInput("TV0207", f"the range of `{name}` is empty: {low} to {high}", span, "let `min` be at most `max`")
    if "value" in table and (low is not None or high is not None):
        what = f"`{name}` has a value and a range"
        raise BadInput("TV0203", what, span, "state the value alone; a symbol has its range where it is declared")
    fixed = read_integer(table["value"], name, span) if "value" in table else None
    own_finite = table.get("finite", False)
    if not isinstance(own_finite, bool):
        raise BadInput(
            "TV0203", f"`finite` of `{name}` is true or false", span, "write `true` or `false` without quotes"
        )
    return InputAssumption(name, fixed, low, high, finite or own_finite)


def _bound(table: dict[str, object], key: str, name: str, span: Span) -> int | None:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise BadInput("TV0203", f"`{key}` of `{name}` is an integer", span, "write a whole number without quotes")
    return value


def _cut(model: _Typed) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`[model]`: tensors to cut at."""
    refuse_unknown(model.table, MODEL_KEYS, model.locator, "model")
    before, after = (
        tensor_list(model.table[k], model.span(k)) if k in model.table else () for k in ("inputs", "outputs")
    )
    return before, after


def _body_precision(model: _Typed) -> str:
    word = model.word("body_precision") or "f32"
    if word not in ("f32", "type"):
        raise BadInput(
            "TV0203", f"`{word}` is no precision of function bodies", model.span("body_precision"), PRECISIONS
        )
    return word


def _half_functions(model: _Typed) -> str:
    word = model.word("half_functions") or "f32"
    if word not in ("f32", "native"):
        text = f"`{word}` is no meaning of functions on 16-bit types"
        raise BadInput("TV0203", text, model.span("half_functions"), HALF_FUNCTIONS)
    return word
