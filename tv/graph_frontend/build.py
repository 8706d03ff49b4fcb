"""The builder: an environment of tensors by name, and the one door through which units of the system are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tv.diagnostic import BadInput, Unsupported
from tv.graph import Supposed
from tv.graph_frontend import registry
from tv.graph_frontend.elements import BOOL, Element, integer_of
from tv.graph_frontend.load import MAX_NODES, Declared, Model, Node
from tv.graph_frontend.place import Place, box
from tv.graph_frontend.shapes import Shape
from tv.graph_frontend.static import LIMIT, Pieces, constant_pieces, merge
from tv.graph_frontend.tensors import Indexed, InUnit, SameLayer, Tensor, Uniform
from tv.graph_frontend.view import NodeView
from tv.sets import Affine, Sets
from tv.sets.affine import Dim, Range, Sym
from tv.sets.formulas import all_of, ge, lt
from tv.system import Scope, System, Unit
from tv.term import Term, Terms

Body = Callable[[Place], Term]
_OWN_NAMES = re.compile(r"(layer|[ik]\d+)\Z")
_WIDEST = 40  # open sizes are looked up to 2**40; no array is larger


@dataclass(frozen=True, slots=True)
class Options:
    """strict_nan: Max and kin propagate NaN. body_precision: `f32`, or `type`: 16-bit function bodies run in their own type.
    half_functions: `f32`, or `native`: Exp and its kin on 16-bit types are CUDA's own functions of these types."""

    strict_nan: bool = False
    body_precision: str = "f32"
    half_functions: str = "f32"


class Irregular(Exception):
    """A stretch that looked like repeated layers is not; it is denoted unrolled instead."""


class Builder:
    """env: tensors by name, here and now. layers: extent of the layer dimension while a rolled stretch is denoted."""

    def __init__(self, sets: Sets, terms: Terms, model: Model, options: Options) -> None:
        for s in sets.symbols:
            if _OWN_NAMES.match(s):
                raise BadInput(
                    "TV0303",
                    f"a symbol cannot be called `{s}`",
                    help="`layer`, `i0`, `k0` and the like name dimensions; choose another name",
                )
        self.system, self.model, self.options = System(sets, terms), model, options
        self.env: dict[str, Tensor] = {}
        self.layers: int | None = None
        self.path = ""
        self.caller = ""  # the node of the model whose body is denoted
        self.denoted = 0
        self.depth = 0
        self.opsets: Mapping[str, int] = model.opsets
        self.refs: dict[tuple[Scope, str, tuple[Affine, ...]], Term] = {}
        self.stored: dict[str, Declared] = {}
        self.free_units: dict[str, str] = {}  # free tensor -> its unit
        self.known: Mapping[str, Pieces] = {}  # stored tensors that are constants
        self.announced: dict[str, str] = {}
        self.assumptions: list[str] = []
        self.numbers_only = False
        self.supposed: dict[int, Supposed] = {}
        self.exclusions: list[str] = []  # units
        self._names: set[str] = set()
        self._symbol_ranges: dict[str, Range] = {}

    # -------------------------------------------------------------- names and ranges
    def unique(self, name: str) -> str:
        """A name for isl, never given before."""
        base = re.sub(r"[^A-Za-z0-9_]", "_", name)
        out, n = base, 1
        while out in self._names:
            out, n = f"{base}_{n}", n + 1
        self._names.add(out)
        return out

    def assume(self, text: str, *, numbers_only: bool = False) -> None:
        """Notes a reading. numbers_only: by it the graph has no meaning where some operator sees a NaN."""
        self.numbers_only |= numbers_only
        if text not in self.assumptions:
            self.assumptions.append(text)

    def suppose(self, t: Term, e: Element, low: Affine | None = None, high: Affine | None = None) -> Term:
        """Notes what a reading takes for granted of a value: no input that breaks it shows anything of a kernel."""
        if t.kind != "const":
            self.supposed[t.id] = Supposed(e.label, low, high)
        return t

    def excluded(self, view: NodeView, shape: Sequence[Affine], body: Body) -> None:
        """Inputs on which the node has no meaning, as a truth for each index of `shape`: none of these shows anything of a kernel.
        No proof may use that there are none."""
        t = self.inner(view, "excluded", BOOL, shape, lambda p: self.suppose(body(p), BOOL, high=Affine.of(0)))
        if isinstance(t.source, (InUnit, SameLayer)):
            self.exclusions.append(t.source.unit)

    def symbol_range_of(self, a: Dim | Sym) -> Range:
        return self.symbol_range(a.name) if isinstance(a, Sym) else (None, None)

    def symbol_range(self, name: str) -> Range:
        """What the context says of a symbol; None where it is not bounded within +-2**40."""
        if name not in self._symbol_ranges:
            self._symbol_ranges[name] = (self._bound(name, lower=True), self._bound(name, lower=False))
        return self._symbol_ranges[name]

    def _bound(self, name: str, lower: bool) -> int | None:
        s, sets = Affine.sym(name), self.system.sets

        def holds(v: int) -> bool:
            return sets.empty(sets.set("extent", (), lt(s, v) if lower else ge(s, v + 1)))

        worst = -(1 << _WIDEST) if lower else 1 << _WIDEST
        if not holds(worst):
            return None
        best = -worst
        while abs(best - worst) > 1:  # worst holds, best does not
            middle = (worst + best) // 2
            worst, best = (middle, best) if holds(middle) else (worst, middle)
        return worst

    # -------------------------------------------------------------- units
    def dims(self, shape: Shape) -> tuple[tuple[str, ...], Shape, tuple[Affine, ...], Affine | None]:
        """Names and extents of a unit for `shape`, with the layer in front where one is being denoted; own indices; layer."""
        names = tuple(f"i{k}" for k in range(len(shape)))
        index = tuple(Affine.dim(n) for n in names)
        if self.layers is None:
            return names, shape, index, None
        return ("layer", *names), (Affine.of(self.layers), *shape), index, Affine.dim("layer")

    def unit(
        self, name: str, element: Element, shape: Shape, body: Body, node: str = "", *, hidden: bool = False
    ) -> Tensor:
        """A new tensor with the value `body` gives; a value that is one constant makes no unit.

        hidden: it is no tensor of the model, so that it is not what was announced under its name.
        """
        dims, full, index, layer = self.dims(shape)
        announced = None if hidden or self.depth else self.announced.pop(name, None)
        tuple_name = announced or self.unique(f"g_{self.path}{name}" + ("" if self.layers is None else "__l"))
        if announced is None:
            self.system.scope(Scope(tuple_name, dims, box(dims, full), tuple_name))
        scope = self.system.scopes[tuple_name]
        if announced is not None and (self.system.units[announced].shape, self.system.units[announced].width) != (
            full,
            element.width,
        ):
            raise Irregular(f"`{name}` is not of the type and shape that the first layer is given")
        value = body(Place(self, scope, index, layer, dict(zip(dims, full, strict=True))))
        if value.width != element.width:
            raise TypeError(f"`{name}` is {element.label} but its value has {value.width} bits")
        if value.kind == "const":
            if announced is not None:
                raise Irregular(f"`{name}` is a constant, but the first layer is given a tensor")
            del self.system.scopes[tuple_name], self.system.scope_sets[tuple_name]
            return self.uniform(name, element, shape, value.bits)
        regions = self._regions(value) if announced is None and self.layers is None else None
        if regions is not None and not element.is_float:
            del self.system.scopes[tuple_name], self.system.scope_sets[tuple_name]
            pieces = tuple((c, Affine.of(integer_of(v.const, element))) for c, v in regions)
            return Tensor(name, element, shape, Indexed(), lambda: pieces)
        self._add(tuple_name, scope, element, full, value, node, self.path + name)
        self.system.units[tuple_name].inner = hidden or self.depth > 0
        source = InUnit(tuple_name) if self.layers is None else SameLayer(tuple_name)
        return Tensor(name, element, shape, source, regions=regions)

    def _regions(self, value: Term) -> Pieces | None:
        """Of a case of few constants: its pieces, with their bits."""
        if value.kind != "case" or len(value.args) > LIMIT or any(a.kind != "const" for a in value.args):
            return None
        return merge(
            [(c, Affine.of(a.bits)) for c, a in zip(self.system.conditions[value.id], value.args, strict=True)]
        )

    def forced_unit(self, name: str, t: Tensor) -> str:
        """A unit that holds t even where t is a constant, an input or known by index: an output of the graph."""
        dims, full, index, layer = self.dims(t.shape)
        unit = self.unique(f"g_{name}")
        scope = self.system.scope(Scope(unit, dims, box(dims, full), unit))
        value = Place(self, scope, index, layer, dict(zip(dims, full, strict=True))).get(t)
        self._add(unit, scope, t.element, full, value, "", name)
        return unit

    def announce(self, name: str, element: Element, shape: Shape) -> str:
        """Makes the rolled unit of tensor `name` known before its value is, for the layer after to refer to."""
        dims, full, _, _ = self.dims(shape)
        tuple_name = self.unique(f"g_{name}__l")
        scope = self.system.scope(Scope(tuple_name, dims, box(dims, full), tuple_name))
        self._add(tuple_name, scope, element, full, self.system.terms.hole(element.width), "", name)
        self.announced[name] = tuple_name
        return tuple_name

    def input_unit(self, name: str, element: Element, shape: Shape, layers: int | None = None) -> str:
        """A free tensor: a graph input, an initializer, or (with `layers`) a family of them. Its unit's name."""
        full = shape if layers is None else (Affine.of(layers), *shape)
        dims = tuple(f"i{k}" for k in range(len(shape)))
        dims = dims if layers is None else ("layer", *dims)
        tuple_name = self.unique(f"g_{name}" + ("" if layers is None else "__l"))
        scope = self.system.scope(Scope(tuple_name, dims, box(dims, full), tuple_name))
        identity = self.system.sets.map(tuple_name, dims, scope.domain, tuple_name, [Affine.dim(d) for d in dims])
        value = self.system.terms.input(tuple_name, identity, element.width)
        self.system.indices[value.id] = tuple(Affine.dim(d) for d in dims)
        self._add(tuple_name, scope, element, full, value, "", name)
        return tuple_name

    def free(self, name: str) -> str:
        """The unit of a stored tensor that stays free, made when it is first read."""
        if name not in self.free_units:
            d = self.stored[name]
            self.free_units[name] = self.input_unit(name, d.element, d.shape)
        return self.free_units[name]

    def _add(
        self, unit: str, scope: Scope, element: Element, shape: Shape, value: Term, node: str, tensor: str
    ) -> None:
        units = self.system.units
        if unit in units:  # announced before its value was known (a tensor that one layer hands to the next)
            units[unit].value, units[unit].node, units[unit].order = value, node, len(units)
            return
        domain = self.system.scope_sets[unit]
        u = Unit(unit, scope, domain, element.width, value, len(units), node=node, tensor=tensor, shape=shape)
        u.format = element.op if element.is_float else ""
        units[unit] = u

    def uniform(self, name: str, element: Element, shape: Shape, bits: int) -> Tensor:
        if element.is_float:
            return Tensor(name, element, shape, Uniform(bits))
        value = integer_of(bits, element)
        return Tensor(name, element, shape, Indexed(), lambda: constant_pieces(value))

    def indexed(self, name: str, element: Element, shape: Shape, pieces: Pieces) -> Tensor | None:
        """A tensor of integers known by their index; None where a value might not fit the type (the machine would wrap)."""
        return Tensor(name, element, shape, Indexed(), lambda: pieces) if self.fits(pieces, element, shape) else None

    def fits(self, pieces: Pieces, element: Element, shape: Shape) -> bool:
        """Do all values lie inside the type? Open sizes are taken to be below 2**40 (an array of more does not exist)."""
        low, high = element.limits()
        dims = tuple(f"i{k}" for k in range(len(shape)))
        for condition, value in pieces:
            lo, hi = value.interval(lambda a: self._wide(a, shape))
            if lo is not None and hi is not None and low <= lo and hi <= high:
                continue
            outside = all_of(box(dims, shape), condition)
            sets, name = self.system.sets, f"fits{len(dims)}"
            under, over = all_of(outside, lt(value, low)), all_of(outside, ge(value, high + 1))
            if not (sets.empty(sets.set(name, dims, under)) and sets.empty(sets.set(name, dims, over))):
                return False
        return True

    def _wide(self, a: Dim | Sym, shape: Shape) -> Range:
        if isinstance(a, Sym):
            lo, hi = self.symbol_range(a.name)
            if lo is None or hi is None:
                self.assume("open sizes are below 2**40")
            return (-(1 << _WIDEST) if lo is None else lo), (1 << _WIDEST if hi is None else hi)
        extent = shape[int(a.name[1:])]
        high = extent.interval(lambda x: self._wide(x, shape))[1]
        return 0, high

    # -------------------------------------------------------------- nodes
    def run(self, node: Node, given: Sequence[Tensor | None] | None = None) -> None:
        """Denotes one operator, its outputs into the environment. given: its inputs, where they are not by name from there."""
        self.denoted += 1
        if self.denoted > MAX_NODES:
            raise Unsupported("TV0313", f"more than {MAX_NODES} operators once functions are inlined")
        for o in node.outputs:
            if o in self.env:  # an input or a cut tensor stays what it is
                raise BadInput("TV0302", f"node `{node.name}` defines `{o}` anew")
        if given is None and (unknown := next((i for i in node.inputs if i and i not in self.env), None)) is not None:
            raise BadInput("TV0302", f"node `{node.name}` uses `{unknown}`, which nothing above it defines")
        inputs = [self.env[i] if i else None for i in node.inputs] if given is None else given
        view = NodeView(node, inputs, self.opsets.get(node.domain, 1), self.caller)
        from tv.graph_frontend import bodies

        function = self.model.functions.get((node.domain, node.op))
        entry = registry.lookup(node.domain, node.op, view.opset) if function is None else None
        if function is not None:
            bodies.inline_local(view, self, function)
        elif entry is not None:
            if not node.domain:
                self._known_attributes(view)
            entry.handler(view, self)
            view.finish()
        elif not (bodies.inline_official(view, self) or bodies.inline_contrib(view, self)):
            raise Unsupported("TV0310", f"operator `{node.domain + '.' if node.domain else ''}{node.op}` at {view.what}",
                              help=registry.mend(node.op))  # fmt: skip
        for k, o in enumerate(node.outputs):
            if o and o not in self.env:
                raise Unsupported("TV0313", f"output {k} of {view.what}")

    def _known_attributes(self, view: NodeView) -> None:
        known = registry.schema(view.node.op, view.opset).attributes
        for name in view.node.attributes:
            if name not in known:
                raise BadInput(
                    "TV0311",
                    f"{view.what} has an attribute `{name}` that the operator does not have at opset {view.opset}",
                )

    def bind(self, view: NodeView, k: int, t: Tensor) -> None:
        """Output k of the node is t. Outputs that the node does not name are dropped."""
        if view.wants(k):
            self.env[view.node.outputs[k]] = t

    def define(self, view: NodeView, k: int, element: Element, shape: Shape, body: Body) -> Tensor:
        """Output k of the node as a new unit."""
        name = view.node.outputs[k] if view.wants(k) else f"{view.node.name}_{k}"
        t = self.unit(name, element, shape, body, view.node.name)
        self.bind(view, k, t)
        return t

    def define_ints(self, view: NodeView, k: int, element: Element, shape: Shape, pieces: Pieces | None) -> bool:
        """Output k as integers known by index; False where that is not possible."""
        if pieces is None:
            return False
        name = view.node.outputs[k] if view.wants(k) else f"{view.node.name}_{k}"
        t = self.indexed(name, element, shape, pieces)
        if t is None:
            return False
        self.bind(view, k, t)
        return True

    def inner(self, view: NodeView, suffix: str, element: Element, shape: Sequence[Affine], body: Body) -> Tensor:
        """A tensor between the node's inputs and its output: an f32 sum, a maximum."""
        return self.unit(
            f"{view.node.outputs[0] or view.node.name}__{suffix}",
            element,
            tuple(shape),
            body,
            view.node.name,
            hidden=True,
        )
