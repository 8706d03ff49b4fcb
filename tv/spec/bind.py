"""From what a specification says of a parameter to its binding, with everything that can be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Parameter, Scalar
from tv.launch import Binding, BufferBinding, InputAssumption, ScalarBinding, TensorImage
from tv.source import Span
from tv.spec import arguments as arg
from tv.spec.border import Border, resolve_shape
from tv.spec.expression import evaluate, names, parse, simplified
from tv.spec.fit import (
    extent_text,
    integer_range,
    is_one_element,
    require_addressable,
    require_extent,
    require_fit,
    require_scalar_fit,
    scalar_value,
)
from tv.spec.layout import check_layout, elements, parse_layout
from tv.spec.locate import nearest
from tv.spec.model_signature import TensorSignature
from tv.spec.packed import packed
from tv.spec.polynomial import Polynomial, number, polynomial
from tv.spec.symbols import Symbols

_ELEMENT = re.compile(r"^\s*(.+?)\s*\[([^\[\]]*)\]\s*$")


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor in a buffer. end: how many elements the buffer has to have for it; None where its shape is not known."""

    image: TensorImage
    end: Polynomial | None


def ends(held: Iterable[Held]) -> list[Polynomial]:
    return [h.end for h in held if h.end is not None]


@dataclass(slots=True)
class Binder:
    """Binds parameters of one launch. assumptions: what a binding says about graph inputs besides."""

    border: Border
    symbols: Symbols
    assumptions: list[InputAssumption] = field(default_factory=list)

    def bind(self, p: Parameter, a: arg.Argument) -> Binding:
        """Raises BadInput (TV0222 .. TV0226), Unsupported (TV0240), Unknown (TV0229)."""
        match a:
            case arg.Pointers() if p.entries is not None:
                return self.table(p, a)
            case arg.Word(text="null") if p.entries == 0:
                return BufferBinding(null=True)
            case _ if p.entries is not None:
                what = f"`{p.name}` is a table of pointers"
                raise BadInput(
                    "TV0224", what, a.span, f'bind it to a list of tensors: {p.name.split(".")[-1]} = ["W0", "W1"]'
                )
            case arg.Pointers(span=span):
                what = f"`{p.name}` is one value, and a list is bound to it"
                raise BadInput("TV0224", what, span, "several tensors in one buffer are { concat = [...] }")
            case arg.Fields(span=span):
                raise BadInput("TV0224", f"`{p.name}` has no fields", span, "bind it as a parameter of its type")
            case _ if p.pointee is not None:
                return self.pointer(p.name, p.pointee, p.readonly, a)
            case _ if p.type is not None:
                return self.scalar(p.name, p.type, a)
            case _:
                raise ValueError(f"parameter `{p.name}` is neither a pointer nor a scalar")

    # ------------------------------------------------------------------------------------------- pointers
    def pointer(self, name: str, pointee: Scalar, readonly: bool, a: arg.Argument) -> BufferBinding:
        match a:
            case arg.Word(text="null"):
                return BufferBinding(null=True)
            case arg.Word(text=tensor, span=span):
                return self.buffer(name, pointee, readonly, arg.Buffer((tensor,), span))
            case arg.Buffer():
                return self.buffer(name, pointee, readonly, a)
            case arg.Packed():
                return packed(self, name, pointee, readonly, a)
            case arg.Scratch(extent=extent, span=span, zeroed=zeroed, align=align, name=shared):
                require_extent(extent, number(1), self.symbols.ranges(), span, f"scratch `{name}`")
                return BufferBinding((), (), extent, align, zeroed, name=shared)
            case _:
                raise BadInput(
                    "TV0224", f"`{name}` is a pointer", a.span, 'bind it to a tensor, to scratch or to "null"'
                )

    def buffer(self, name: str, pointee: Scalar, readonly: bool, a: arg.Buffer) -> BufferBinding:
        """Images of tensors in one buffer: their places, whether they fit, and the buffer's extent."""
        before, after = self.images(name, pointee, readonly, a)
        ranges, needed = self.symbols.ranges(), ends([*before, *after])
        if a.extent is not None:
            for n in needed:
                require_extent(a.extent, n, ranges, a.span, f"`{name}`")
        extent = a.extent if a.extent is not None or not needed else extent_text(needed, ranges)
        first, last = tuple(h.image for h in before), tuple(h.image for h in after)
        return BufferBinding(first, last, extent, a.align, a.zeroed)

    def images(self, name: str, pointee: Scalar, readonly: bool, a: arg.Buffer) -> tuple[list[Held], list[Held]]:
        """What the buffer holds before and after."""
        before: list[Held] = []
        after: list[Held] = []
        start = polynomial(parse(a.offset, a.span))
        for tensor, is_output in self._tensors(a):
            if is_output and readonly:
                raise BadInput(
                    "TV0224", f"output `{tensor.name}` behind a pointer to const", a.span, f"`{name}` is const"
                )
            require_fit(pointee, tensor, name, a.span)
            size = self._size(tensor, a, is_output)
            image = TensorImage(tensor.name, a.layout, simplified(start.expression()))
            (after if is_output else before).append(Held(image, None if size is None else start + size))
            if len(a.tensors) > 1:
                start = start + self._known(size, tensor, a.span)
        self._require_start(a)
        require_addressable(ends([*before, *after]), self.symbols.ranges(), a.span, f"`{name}`")
        return before, after

    def table(self, p: Parameter, a: arg.Pointers) -> BufferBinding:
        """One memory for all that a table's pointers point to, each tensor at a multiple of the alignment of a buffer."""
        assert p.pointee is not None
        if p.entries and len(a.tensors) > p.entries:
            what = f"`{p.name}` has {p.entries} pointers, and {len(a.tensors)} tensors are bound to it"
            raise BadInput("TV0224", what, a.span, "name as many tensors as it has pointers, or fewer")
        each = [self.buffer(p.name, p.pointee, p.readonly, arg.Buffer((t,), a.span)) for t in a.tensors]
        sizes = [b.extent for b in each]
        entries = tuple(n for n in sizes if isinstance(n, int))
        if len(entries) < len(sizes):
            what = f"a tensor of open size in the table `{p.name}`"
            raise Unsupported("TV0240", what, a.span, "pass it as a parameter of its own")
        outputs = [i.tensor for b in each for i in b.outputs]
        if len(set(outputs)) < len(outputs):
            raise BadInput("TV0226", f"an output stands twice in `{p.name}`", a.span, "name it once")
        align = arg.ALIGN
        step = align // p.pointee.bytes
        stride = -(-max(entries) // step) * step
        before = tuple(replace(i, offset=k * stride) for k, b in enumerate(each) for i in b.inputs)
        after = tuple(replace(i, offset=k * stride) for k, b in enumerate(each) for i in b.outputs)
        extent = stride * len(entries)
        require_addressable([number(extent)], self.symbols.ranges(), a.span, f"`{p.name}`")
        return BufferBinding(before, after, extent, align, entries=entries, stride=stride)

    def _require_start(self, a: arg.Buffer) -> None:
        r = polynomial(parse(a.offset, a.span)).range(self.symbols.ranges())
        if r is None or r[0] < 0:
            unknown = [n for n in names(parse(a.offset)) if n not in self.symbols.table]
            code, what = ("TV0206", f"unknown symbol `{unknown[0]}`") if unknown else ("TV0225", "a negative offset")
            raise BadInput(
                code, f"{what} in `offset`", a.span, "use symbols and numbers that the specification declares"
            )

    def _tensors(self, a: arg.Buffer) -> list[tuple[TensorSignature, bool]]:
        """(tensor, is it an output) of everything in the buffer."""
        result = [(self._one(t, a.span)) for t in a.tensors]
        if a.input is not None:
            result.append((self._named(a.input, self.border.before(a.input), "input or initializer", a.span), False))
        if a.output is not None:
            result.append((self._named(a.output, self.border.after(a.output), "output", a.span), True))
        outputs = [t.name for t, is_output in result if is_output]
        twice = next((t for t in outputs if outputs.count(t) > 1), None)
        if twice is not None:
            raise BadInput(
                "TV0226",
                f"output `{twice}` stands twice in one buffer",
                a.span,
                "name it once, or give the second its own tensor",
            )
        return result

    def _one(self, name: str, span: Span) -> tuple[TensorSignature, bool]:
        before, after = self.border.before(name), self.border.after(name)
        if before is not None and after is not None:
            both = f'{{ input = "{name}" }} or {{ output = "{name}" }}'
            raise BadInput("TV0224", f"`{name}` is an input and an output", span, f"say which: {both}")
        return self._named(name, before or after, "input, initializer or output", span), after is not None

    def _named(self, name: str, found: TensorSignature | None, what: str, span: Span) -> TensorSignature:
        if found is None:
            raise BadInput("TV0222", f"the model has no {what} `{name}`", span, nearest(name, self.border.names()))
        return found

    def _size(self, tensor: TensorSignature, a: arg.Buffer, is_output: bool) -> Polynomial | None:
        """How far the tensor's image reaches; None where its shape is not known (an output, row-major)."""
        shape = resolve_shape(tensor, self.symbols.of_dimensions())
        if shape is None:
            return None if a.layout is None and is_output else self._known(None, tensor, a.span)
        if a.layout is None:
            return elements(shape)
        layout = parse_layout(a.layout, len(shape), a.span)
        return check_layout(layout, shape, self.symbols.ranges(), a.span)

    def _known(self, size: Polynomial | None, tensor: TensorSignature, span: Span) -> Polynomial:
        if size is None:
            dims = ", ".join(str(d) or "?" for d in tensor.shape or ())
            raise BadInput("TV0228", f"the size of `{tensor.name}` is not known: [{dims}]", span, OPEN_HELP)
        return size

    # ------------------------------------------------------------------------------------------- scalars
    def scalar(self, name: str, kind: Scalar, a: arg.Argument) -> ScalarBinding:
        match a:
            case arg.Plain(value=value, span=span):
                return ScalarBinding(scalar_value(value, kind, name, span))
            case arg.Word(text=source, span=span):
                return self._expression(name, kind, source, span)
            case arg.Open():
                return self._open(name, kind, a)
            case arg.Element(text=source, span=span):
                return ScalarBinding(element=self.element(name, kind, source, span))
            case _:
                raise BadInput("TV0224", f"`{name}` is a number by value", a.span, "bind it to a number or a symbol")

    def _expression(self, name: str, kind: Scalar, source: str, span: Span) -> ScalarBinding:
        tensor = self.border.before(source)
        if tensor is not None and source not in self.symbols.table:
            index = ", ".join("0" for _ in tensor.shape or ())
            help_text = f'one element of a tensor is {{ element = "{source}[{index}]" }}'
            raise BadInput("TV0224", f"`{name}` is a number, `{source}` is a tensor", span, help_text)
        if kind.is_float:
            raise BadInput(
                "TV0224",
                f"`{name}` is a float, `{source}` an integer expression",
                span,
                "write a number with a point, or bind a symbol of type float",
            )
        e = parse(source, span)
        for n in names(e):
            if n not in self.symbols.table:
                evaluate(e, dict.fromkeys(self.symbols.table, 1), span)
        low, high = integer_range(kind)
        r = polynomial(e).range(self.symbols.ranges())
        if r is not None and (r[1] < low or r[0] > high):
            raise BadInput(
                "TV0224",
                f"`{source}` is no value of `{name}`, which goes from {low} to {high}",
                span,
                "use a value in that range, or a wider parameter",
            )
        if r is None or r[0] < low or r[1] > high:
            raise BadInput("TV0224", f"`{source}` may leave the range of `{name}`", span, "narrow its symbols")
        value = simplified(e)
        return ScalarBinding(value)

    def _open(self, name: str, kind: Scalar, a: arg.Open) -> ScalarBinding:
        if a.type is not None and a.type != kind.label:
            raise BadInput(
                "TV0224",
                f"`{name}` is {kind.label}, its symbol {a.type}",
                a.span,
                "give the symbol the parameter's type",
            )
        twin = self.border.before(a.symbol)
        twin = twin if twin is not None and is_one_element(twin) else None
        if kind.is_float:
            if twin is None:
                return ScalarBinding(symbol=a.symbol)
            require_scalar_fit(kind, twin, name, a.span)
            return ScalarBinding(element=_only_element(twin))
        if a.symbol not in self.symbols.table:
            raise BadInput("TV0207", f"symbol `{a.symbol}` has no range", a.span, "add `min` and `max`")
        low, high = integer_range(kind)
        symbol = self.symbols.table[a.symbol]
        if symbol.min < low or symbol.max > high:
            raise BadInput(
                "TV0224",
                f"`{a.symbol}` leaves the range of `{name}`: {low} to {high}",
                a.span,
                "narrow the symbol's `min` and `max`, or widen the parameter",
            )
        if twin is not None:
            self._tie(a, kind, twin)
        return ScalarBinding(symbol=a.symbol)

    def _tie(self, a: arg.Open, kind: Scalar, twin: TensorSignature) -> None:
        """A symbol of a one-element input's own name is its value."""
        if not twin.element.startswith(("int", "uint", "bool")):
            what = f"`{a.symbol}` is {kind.label} here, and {twin.element} in the model"
            raise BadInput("TV0223", what, a.span, "give the symbol a name of its own")
        if any(t.name == twin.name for t in self.border.initializers):
            what = f"`{a.symbol}` is an initializer: its value stands in the model"
            raise BadInput("TV0224", what, a.span, "give the symbol a name of its own, or the parameter that value")
        self.assumptions.append(InputAssumption(twin.name, value=a.symbol))

    def element(self, name: str, kind: Scalar, source: str, span: Span) -> str:
        """Checks `tensor[i, j]` and returns it in one spelling."""
        m = _ELEMENT.match(source)
        if m is None:
            raise BadInput("TV0203", f"`{source}` is no element of a tensor", span, 'element = "input_ids[0, 0]"')
        tensor = self._named(m.group(1), self.border.before(m.group(1)), "input or initializer", span)
        require_scalar_fit(kind, tensor, name, span)
        index = [parse(i, span) for i in m.group(2).split(",")] if m.group(2).strip() else []
        shape = resolve_shape(tensor, self.symbols.of_dimensions())
        if shape is None or len(shape) != len(index):
            raise BadInput(
                "TV0203",
                f"`{source}`: `{tensor.name}` has {len(tensor.shape or ())} dimensions",
                span,
                "one index for each dimension of the tensor",
            )
        for i, extent in zip(index, shape, strict=True):
            for side, what in (
                (polynomial(i), "negative"),
                (polynomial(extent) - polynomial(i) - number(1), "too large"),
            ):
                r = side.range(self.symbols.ranges())
                if r is None or r[0] < 0:
                    raise BadInput(
                        "TV0225",
                        f"`{source}` has an index that is or may be {what}",
                        span,
                        "keep the index inside the tensor's shape",
                    )
        return f"{tensor.name}[{', '.join(str(simplified(i)) for i in index)}]"


OPEN_HELP = "declare its open dimensions: [symbols] N = { min = 1, max = 4096 }"


def _only_element(tensor: TensorSignature) -> str:
    return f"{tensor.name}[{', '.join('0' for _ in tensor.shape or ())}]"
