"""The one place where specification, command line, host code, kernel and model meet: what is launched, on what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tv.diagnostic import BadInput, Diagnostic, Unsupported
from tv.kernel import HostLaunch, Kernel, Module, Parameter, Space
from tv.launch import (
    Binding,
    BufferBinding,
    InputAssumption,
    IntOrText,
    Launch,
    Reading,
    ScalarBinding,
    Spec,
)
from tv.request import Overrides
from tv.source import Span
from tv.spec import arguments as arg
from tv.spec import guess
from tv.spec.bind import OPEN_HELP, Binder
from tv.spec.border import Border, border, resolve_shape
from tv.spec.document import Document, LaunchText, read_dims
from tv.spec.expression import evaluate, names, parse
from tv.spec.launches import block_of, find_kernel, grid_of, host_launch, shared_of
from tv.spec.locate import Locator, nearest
from tv.spec.model_signature import ModelSignature
from tv.spec.polynomial import polynomial
from tv.spec.residency import require_resident
from tv.spec.symbols import Symbols, collect
from tv.spec.words import binding_texts, sentences, warnings

OPTION = "<command line>"  # the file of spans that point at options


@dataclass(frozen=True, slots=True)
class Stage:
    """A launch as it was written. names: of its parameters, what they are called where all launches are one."""

    kernel: Kernel
    launch: Launch
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A launch with nothing left to find out. kernels: one a launch. assumptions: sentences to print with the verdict.

    stages: the launches that became one, in order; filled where they do. variables: of the module, whose contents a run has to set.
    """

    spec: Spec
    kernels: tuple[Kernel, ...]
    border: Border
    bindings: dict[str, str]
    guessed: tuple[str, ...]
    assumptions: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    stages: tuple[Stage, ...] = ()
    variables: tuple[str, ...] = ()


def resolve(module: Module, model: ModelSignature, document: Document, overrides: Overrides) -> Resolved:
    """Raises BadInput (TV0203 .. TV0241), Unsupported (TV0240) or Unknown (TV0229); never guesses without saying so."""
    where = border(model, document.model_inputs, document.model_outputs, document.model_span)
    texts = _overridden(document, overrides)
    kernels = tuple(find_kernel(module, t.kernel, t.where("kernel")) for t in texts)
    written = [
        _written(t, k, overrides if len(texts) == 1 else Overrides()) for t, k in zip(texts, kernels, strict=True)
    ]
    everything = [a for args in written for a in args.values()] + list(document.globals.values())
    symbols = collect(document, everything, where)
    _require_ranges(where, symbols)
    options = document.compile_options(overrides)
    launches: list[Launch] = []
    binder = Binder(where, symbols)
    read: list[str] = []
    for text, kernel, args in zip(texts, kernels, written, strict=True):
        host = host_launch(module, kernel.name)
        bound, guessed = _bind(kernel, args, host, binder)
        launches.append(_launch(text, kernel, host, symbols, options.arch, bound, guessed))
        read += _read_from_host(text, kernel, host, args)
    variables = _globals(document, kernels, binder)
    _require_outputs(where, launches, variables, document)
    assumptions = _inputs(document, where, symbols, binder.assumptions)
    spec = Spec(
        tuple(launches),
        tuple(symbols.table.values()),
        options,
        assumptions,
        variables,
        document.model_inputs,
        document.model_outputs,
        _reading(document, assumptions, where, [*launches], variables),
        document.relaunch,
    )
    bindings = binding_texts(spec)
    guessed_all = tuple(p for x in launches for p in x.guessed)
    return Resolved(spec, kernels, where, bindings, guessed_all, (*sentences(spec), *read), warnings(spec, kernels))


def _read_from_host(
    text: LaunchText, kernel: Kernel, host: HostLaunch | None, written: dict[str, arg.Argument]
) -> list[str]:
    """What is taken from a launch in the file, whose host code is never executed: the verdict is about these values."""
    if host is None:
        return []
    given = (text.grid, text.block, text.shared)
    words = [
        f"{key} {list(x) if isinstance(x, tuple) else x}"
        for key, x, other in zip(("grid", "block", "shared"), (host.grid, host.block, host.shared), given, strict=True)
        if other is None and x
    ]
    numbers = {n: a for n, a in guess.from_host(kernel, host).items() if n not in written}
    words += [f"{n} = {a.value if isinstance(a, arg.Plain) else 'null'}" for n, a in numbers.items()]
    return [f"the launch at {host.span} has {', '.join(words)}"] if words else []


# ---------------------------------------------------------------------------------------------- what was written
def _overridden(document: Document, overrides: Overrides) -> tuple[LaunchText, ...]:
    """The launches of the document with the command line's word put first."""
    given = (overrides.kernel, overrides.grid, overrides.block, overrides.shared)
    if len(document.launches) > 1:
        if any(g is not None for g in given) or overrides.args:
            raise BadInput("TV0211", "launch options with several launches", Span(OPTION, 0), "edit the specification")
        return document.launches
    text = document.launches[0]
    option = Span(OPTION, 0)
    spans = {key: option for key, g in zip(("kernel", "grid", "block", "shared"), given, strict=True) if g is not None}
    changed = replace(
        text,
        kernel=text.kernel if overrides.kernel is None else overrides.kernel,
        grid=text.grid if overrides.grid is None else read_dims(overrides.grid, "grid", option),
        block=text.block if overrides.block is None else read_dims(overrides.block, "block", option),
        shared=text.shared if overrides.shared is None else overrides.shared,
        spans={**text.spans, **spans},
    )
    return (changed,)


def _written(text: LaunchText, kernel: Kernel, overrides: Overrides) -> dict[str, arg.Argument]:
    """What the document and the command line say of the kernel's parameters. Raises BadInput (TV0221)."""
    locator = Locator(OPTION, "")
    given = {k: _option_argument(v, locator, k) for k, v in overrides.args.items()}
    result = _flattened({**text.args, **given}, kernel)
    known = [p.name for p in kernel.parameters]
    for name, a in result.items():
        if name not in known:
            raise BadInput("TV0221", f"`{kernel.name}` has no parameter `{name}`", a.span, nearest(name, known))
    return result


def _option_argument(value: object, locator: Locator, name: str) -> arg.Argument:
    found = arg.read_argument(value, locator, name)
    return replace(found, span=Span(OPTION, 0))


def _flattened(args: dict[str, arg.Argument], kernel: Kernel) -> dict[str, arg.Argument]:
    """Fields of a structure under the names that a reader gives them, `p.ld`, where it took the structure apart."""
    structs = {n[:i] for n in (p.name for p in kernel.parameters) for i, c in enumerate(n) if c == "."}
    result: dict[str, arg.Argument] = {}
    for name, a in args.items():
        if isinstance(a, arg.Fields) and name in structs:
            result.update(_flattened({f"{name}.{f}": v for f, v in a.values.items()}, kernel))
        else:
            result[name] = a
    return result


# ---------------------------------------------------------------------------------------------- binding
def _bind(
    kernel: Kernel, written: dict[str, arg.Argument], host: HostLaunch | None, binder: Binder
) -> tuple[dict[str, Binding], tuple[str, ...]]:
    """Every parameter's binding, and which of them were guessed. Raises BadInput (TV0220) for one without."""
    literal = guess.from_host(kernel, host)
    chosen: dict[str, arg.Argument] = {}
    for p in kernel.parameters:
        found = written.get(p.name) or literal.get(p.name) or guess.by_name(p, binder.border)
        if found is not None:
            chosen[p.name] = found
    guessed = _positional(kernel, chosen, binder.border)
    for p in kernel.parameters:
        if p.name in guessed:
            chosen[p.name] = arg.Buffer((guessed[p.name],), p.span)
    _require_all(kernel, chosen)
    return {p.name: binder.bind(p, chosen[p.name]) for p in kernel.parameters}, tuple(guessed)


def _positional(kernel: Kernel, chosen: dict[str, arg.Argument], where: Border) -> dict[str, str]:
    open_pointers = [p for p in kernel.parameters if p.pointee is not None and p.name not in chosen]
    if not open_pointers:
        return {}
    taken = {t for a in chosen.values() for t in _tensors_of(a)}
    before = [t for t in (*where.inputs, *where.initializers) if t.name not in taken]
    after = [t for t in where.outputs if t.name not in taken]
    return guess.by_position(open_pointers, before, after)


def _tensors_of(a: arg.Argument) -> tuple[str, ...]:
    match a:
        case arg.Word(text=t):
            return (t,)
        case arg.Buffer():
            return (*a.tensors, *(t for t in (a.input, a.output) if t is not None))
        case arg.Packed(parts=parts):
            return tuple(t for p in parts for t in (*p.tensors, *p.inputs, *p.outputs))
        case arg.Element(text=t):
            return (t.partition("[")[0].strip(),)
        case _:
            return ()


def _require_all(kernel: Kernel, chosen: dict[str, arg.Argument]) -> None:
    missing: list[Parameter] = [p for p in kernel.parameters if p.name not in chosen]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        what = f"parameter `{missing[0].name}` of `{kernel.name}` is bound to nothing{more}"
        name = missing[0].name
        value = (
            "1000" if missing[0].pointee is None else '"TENSOR"' if missing[0].entries is None else '["TENSOR", ...]'
        )
        write = f"write `{_in_table(name, value)}`"
        help_text = f"{write} under [args], or --arg {name}=...; `tv init KERNEL.cu MODEL.onnx` drafts a specification"
        raise BadInput("TV0220", what, missing[0].span, help_text)


def _in_table(name: str, value: str) -> str:
    """`name = value` in TOML: a struct's field inside its struct."""
    head, *inner = name.split(".")
    for field in reversed(inner):
        value = f"{{ fields = {{ {field} = {value} }} }}"
    return f"{head} = {value}"


def _launch(
    text: LaunchText,
    kernel: Kernel,
    host: HostLaunch | None,
    symbols: Symbols,
    arch: str,
    args: dict[str, Binding],
    guessed: tuple[str, ...],
) -> Launch:
    def where(key: str) -> Span:
        return host.span if key not in text.spans and host is not None else text.where(key)

    grid: tuple[IntOrText, ...] | None = text.grid if text.grid is not None or host is None else host.grid
    block: tuple[IntOrText, ...] | None = text.block if text.block is not None or host is None else host.block
    shared = text.shared if text.shared is not None or host is None else host.shared
    ranges = symbols.ranges()
    launch = Launch(
        kernel.name,
        grid_of(grid, ranges, where("grid")),
        block_of(block, kernel, where("block")),
        shared_of(shared, kernel, arch, ranges, where("shared")),
        bool(text.cooperative),
        args,
        guessed,
    )
    if launch.cooperative:
        require_resident(launch.grid, launch.block, launch.shared, kernel, arch, ranges, where("grid"))
    return launch


def _globals(document: Document, kernels: tuple[Kernel, ...], binder: Binder) -> dict[str, Binding]:
    """`[globals]`: initial contents of module variables. Raises BadInput (TV0221)."""
    variables = {
        name: o
        for k in kernels
        for name, o in k.objects.items()
        if o.space is Space.GLOBAL and name not in {p.name for p in k.parameters}
    }
    result: dict[str, Binding] = {}
    for name, a in document.globals.items():
        if name not in variables:
            raise BadInput("TV0221", f"no kernel here uses a variable `{name}`", a.span, nearest(name, variables))
        if variables[name].const:
            text = f"`{name}` is `const`: it holds its initialiser"
            raise BadInput("TV0221", text, a.span, "leave `const` out, or declare it `__constant__`")
        number = isinstance(a, arg.Plain | arg.Open | arg.Element)
        number |= isinstance(a, arg.Word) and a.text not in binder.border.names() and binder.symbols.named_in(a.text)
        if number and variables[name].extents not in ((), (1,)):
            raise BadInput("TV0224", f"`{name}` is an array, not a number", a.span, "bind it to a tensor")
        element = variables[name].element
        result[name] = binder.scalar(name, element, a) if number else binder.pointer(name, element, False, a)
    return result


# ---------------------------------------------------------------------------------------------- what must hold
def _require_ranges(where: Border, symbols: Symbols) -> None:
    """Every open dimension of what the outputs depend on is a declared symbol, and no extent is negative."""
    dims = symbols.of_dimensions()
    for t in (*where.inputs, *where.initializers):
        shape = resolve_shape(t, dims)
        if shape is None:
            unknown = [str(d) or "?" for d in t.shape or () if isinstance(d, str) and d not in dims]
            what = f"dimension `{unknown[0]}` of `{t.name}` has no range" if unknown else f"`{t.name}` has no shape"
            raise BadInput("TV0228", what, Span(where.path, 0), OPEN_HELP)
        for extent in shape:
            r = polynomial(extent).range(symbols.ranges())
            if r is None or r[0] < 0:
                raise BadInput("TV0235", f"`{t.name}` may have a negative dimension", Span(where.path, 0), OPEN_HELP)


def _require_outputs(where: Border, launches: list[Launch], variables: dict[str, Binding], document: Document) -> None:
    """Every output in a buffer, and within one launch in one only. Raises BadInput (TV0226, TV0227), Unsupported (TV0240)."""
    bound: set[str] = set()
    for name, b in variables.items():
        if isinstance(b, BufferBinding) and b.outputs:
            what = f"output `{b.outputs[0].tensor}` in the module variable `{name}`"
            raise Unsupported("TV0240", what, Span(document.path, 0), "bind it to a parameter of the kernel")
    for group in (x.args for x in launches):
        here = [i.tensor for b in group.values() if isinstance(b, BufferBinding) for i in b.outputs]
        twice = next((t for t in here if here.count(t) > 1), None)
        if twice is not None:
            raise BadInput(
                "TV0226", f"output `{twice}` is bound to two buffers", Span(document.path, 0), "bind it once"
            )
        bound |= set(here)
    missing = [t.name for t in where.outputs if t.name not in bound]
    if missing:
        others = f'; [model] outputs = ["{next(iter(sorted(bound)))}"] leaves it out' if bound else ""
        help_text = f'write [args] PARAMETER = "{missing[0]}"{others}'
        raise BadInput("TV0227", f"output `{missing[0]}` is bound to no buffer", Span(document.path, 0), help_text)


PRECISION = {"float16": 11, "bfloat16": 8, "float": 24, "double": 53}  # bits of a significand


def holds(element: str, value: int) -> bool:
    """Is this integer a number of a float type?"""
    odd = abs(value) // (value & -value) if value else 0
    most = 65504 if element == "float16" else 2**127
    return odd < 1 << PRECISION[element] and abs(value) <= most


def _inputs(
    document: Document, where: Border, symbols: Symbols, implied: list[InputAssumption]
) -> tuple[InputAssumption, ...]:
    """`[inputs]`, checked against the model. Raises BadInput (TV0206, TV0241)."""
    for a in document.inputs:
        span = document.input_spans[a.tensor]
        tensor = where.before(a.tensor)
        if tensor is None:
            known = [t.name for t in (*where.inputs, *where.initializers)]
            raise BadInput("TV0241", f"the model has no input `{a.tensor}`", span, nearest(a.tensor, known))
        is_float = tensor.element in ("float16", "bfloat16", "float", "double")
        if a.finite and not is_float:
            raise BadInput("TV0241", f"`{a.tensor}` is {tensor.element}, always finite", span, "remove the assumption")
        if is_float and a.value is not None:
            raise BadInput(
                "TV0241",
                f"`{a.tensor}` is {tensor.element}; values are assumed of integers only",
                span,
                "assume `finite = true` of floats, or nothing",
            )
        for bound in (a.min, a.max) if is_float else ():
            if bound is not None and not holds(tensor.element, bound):
                raise BadInput(
                    "TV0241",
                    f"{bound} is no {tensor.element}, the type of `{a.tensor}`",
                    span,
                    "write a number of that type",
                )
        if a.value is not None and any(t.name == a.tensor for t in where.initializers):
            raise BadInput(
                "TV0241",
                f"`{a.tensor}` is an initializer: its values stand in the model",
                span,
                "remove the assumption: its values are known or open as a weight's are",
            )
        if a.value is not None:
            e = parse(a.value, span)
            for n in names(e):
                if n not in symbols.table:
                    evaluate(e, dict.fromkeys(symbols.table, 1), span)
    tied = {a.tensor: a for a in implied}
    for a in document.inputs:
        if a.tensor in tied:
            _require_agreement(a, tied[a.tensor], symbols, document.input_spans[a.tensor])
    return (*(a for a in document.inputs if a.tensor not in tied), *dict.fromkeys(implied))


def _require_agreement(told: InputAssumption, tie: InputAssumption, symbols: Symbols, span: Span) -> None:
    """What is told of an input whose value a scalar parameter has may repeat what is known of that one, no more."""
    symbol = symbols.table.get(str(tie.value))
    wide = symbol is not None and (
        (told.min is None or told.min <= symbol.min) and (told.max is None or symbol.max <= told.max)
    )
    if told.value not in (None, tie.value) or not (wide or (told.min is None and told.max is None)):
        text = f"`{told.tensor}` is the value `{tie.value}` of a parameter, and `[inputs]` says something else of it"
        raise BadInput("TV0241", text, span, f"give the range of `{tie.value}` where the parameter is bound")


def _reading(
    document: Document,
    assumptions: tuple[InputAssumption, ...],
    where: Border,
    launches: list[Launch],
    variables: dict[str, Binding],
) -> Reading:
    """What the graph's meaning rests on besides the file: inputs with one value, and initializers that no buffer holds."""
    bound: set[str] = set()
    for b in [b for group in (*(x.args for x in launches), variables) for b in group.values()]:
        match b:
            case BufferBinding():
                bound |= {i.tensor for i in b.inputs}
            case ScalarBinding():
                bound |= {t.partition("[")[0].strip() for t in (b.element, b.symbol) if t is not None}
    fixed = tuple(t.name for t in where.initializers if t.name not in bound)
    known = {a.tensor: a.min if a.value is None and a.min == a.max else a.value for a in assumptions}
    values = tuple((n, v) for n, v in known.items() if v is not None and any(t.name == n for t in where.inputs))
    return Reading(document.strict_nan, document.body_precision, values, fixed, document.half_functions)
