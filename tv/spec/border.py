"""The border at which kernel and model meet: inputs, initializers and outputs, after any cut, with resolved shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tv.diagnostic import BadInput
from tv.source import Span
from tv.spec.expression import Expression, Name, Number, names, parse, substitute_names
from tv.spec.locate import nearest
from tv.spec.model_signature import ModelSignature, TensorSignature


@dataclass(frozen=True, slots=True)
class Border:
    """What the kernel is compared against. inputs and initializers: those that the outputs depend on, in the model's order."""

    path: str
    inputs: tuple[TensorSignature, ...]
    initializers: tuple[TensorSignature, ...]
    outputs: tuple[TensorSignature, ...]
    unused: tuple[TensorSignature, ...] = ()  # inputs and initializers that no output depends on

    def before(self, name: str) -> TensorSignature | None:
        """The tensor, if it is known before the launch."""
        return next((t for t in (*self.inputs, *self.initializers, *self.unused) if t.name == name), None)

    def after(self, name: str) -> TensorSignature | None:
        """The tensor, if it is an output."""
        return next((t for t in self.outputs if t.name == name), None)

    def names(self) -> tuple[str, ...]:
        return tuple(t.name for t in (*self.inputs, *self.initializers, *self.outputs, *self.unused))

    def dimension_names(self) -> tuple[str, ...]:
        """Names of open dimensions of everything at the border, in order of appearance."""
        every = (*self.inputs, *self.initializers, *self.unused, *self.outputs)
        return tuple(dict.fromkeys(d for t in every for d in t.shape or () if isinstance(d, str) and d))


def border(model: ModelSignature, cut_in: tuple[str, ...], cut_out: tuple[str, ...], span: Span) -> Border:
    """The model's border, or that of the part between the cut tensors. Raises BadInput (TV0222, TV0234, TV0235)."""
    outputs = tuple(_cut(model, name, span) for name in cut_out) if cut_out else model.outputs
    added = tuple(_cut(model, name, span) for name in cut_in)
    for name, cut in ((n, c) for c in (cut_in, cut_out) for n in c):
        if cut.count(name) > 1:
            raise BadInput("TV0203", f"`{name}` is cut twice", span, "name it once in `inputs`")
    reached = _reached(model, {t.name for t in outputs}, set(cut_in))
    given = tuple(t for t in model.inputs if t.name not in cut_in)
    initializers = tuple(t for t in model.initializers if t.name not in cut_in)
    inputs = tuple(t for t in (*given, *added) if t.name in reached)
    used = tuple(t for t in initializers if t.name in reached)
    for t in (*inputs, *outputs):
        if t.shape is None:
            raise BadInput(
                "TV0234", f"`{t.name}` has no shape", Span(model.path, 0), "infer shapes and save the model again"
            )
    for t in outputs:
        if t.shape is not None and 0 in t.shape:
            raise BadInput(
                "TV0235",
                f"output `{t.name}` has no elements",
                Span(model.path, 0),
                "name an output that has some, or give its dimensions a positive `min`",
            )
    unused = tuple(t for t in (*given, *added, *initializers) if t.name not in reached)
    return Border(model.path, inputs, used, outputs, unused)


def _cut(model: ModelSignature, name: str, span: Span) -> TensorSignature:
    found = model.tensor(name)
    if found is not None:
        return found
    if name in model.feeds:
        raise BadInput("TV0234", f"the type of `{name}` is not known", span, "infer shapes and save the model again")
    known = [*model.feeds, *(t.name for t in (*model.inputs, *model.initializers))]
    raise BadInput("TV0222", f"the model has no tensor `{name}`", span, nearest(name, known))


def _reached(model: ModelSignature, start: set[str], stop: set[str]) -> set[str]:
    """Every tensor that the outputs depend on, not looking behind a cut."""
    seen: set[str] = set()
    work = sorted(start)
    while work:
        name = work.pop()
        if name not in seen:
            seen.add(name)
            if name not in stop:
                work.extend(model.feeds.get(name, ()))
    return seen


def resolve_shape(tensor: TensorSignature, symbol_of: Mapping[str, str]) -> tuple[Expression, ...] | None:
    """Each extent over the declared symbols (symbol_of: dimension name -> symbol); None where one is not known."""
    result: list[Expression] = []
    for d in tensor.shape if tensor.shape is not None else ("",):
        extent = _extent(d, symbol_of)
        if extent is None:
            return None
        result.append(extent)
    return tuple(result)


def _extent(d: int | str, symbol_of: Mapping[str, str]) -> Expression | None:
    """Exporters write derived dimensions as text, such as `past_len + 1`; that is read where all its names are known."""
    if isinstance(d, int):
        return Number(d)
    if d in symbol_of:
        return Name(symbol_of[d])
    try:
        parsed = parse(d)
    except BadInput:
        return None  # a name of another shape, such as `unk__17`: the caller says what is missing
    return substitute_names(parsed, symbol_of) if names(parsed) and all(n in symbol_of for n in names(parsed)) else None
