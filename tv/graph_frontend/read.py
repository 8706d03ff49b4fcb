"""The graph of an ONNX file as a system of tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tv.diagnostic import BadInput
from tv.graph import Graph, TensorInfo
from tv.graph_frontend import (
    bits,
    contraction,
    einsum,
    elementwise,
    functions,
    indexing,
    layout,
    logic,
    normalising,
    ordering,
    padding,
    picking,
    pooling,
    quantised,
    reductions,
    resizing,
    scatter,
)  # the handlers register themselves
from tv.graph_frontend.audit import audit
from tv.graph_frontend.build import Builder, Irregular, Options
from tv.graph_frontend.constants import SMALL, contents, element_count, stored
from tv.graph_frontend.elements import element_of, proto_bits
from tv.graph_frontend.layers import find_stretch, shared_first
from tv.graph_frontend.load import Declared, load
from tv.graph_frontend.roll import Stretch, denote_stretch, make_families
from tv.graph_frontend.shapes import text
from tv.graph_frontend.static import Pieces, constant_pieces
from tv.graph_frontend.tensors import Indexed, InUnit, SameLayer, Tensor
from tv.graph_frontend.through_picks import push_through_picks
from tv.sets import TRUE, Affine, Sets
from tv.term import Term, Terms

FAMILIES = (
    bits,
    contraction,
    einsum,
    elementwise,
    functions,
    indexing,
    layout,
    logic,
    normalising,
    ordering,
    padding,
    picking,
    pooling,
    quantised,
    reductions,
    resizing,
    scatter,
)


def read(
    path: Path,
    sets: Sets,
    terms: Terms,
    *,
    dims: Mapping[str, Affine],
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    roll: bool = True,
    strict_nan: bool = False,
    body_precision: str = "f32",
    half_functions: str = "f32",
    fixed: Collection[str] | None = None,
    values: Mapping[str, Affine] | None = None,
) -> Graph:
    """The meaning of a model, weights not needed.

    dims: name of an open dimension -> its size over the symbols of `sets`. inputs, outputs: tensors to cut at (cut ones become
    free inputs). fixed: initializers that no argument holds: those stored in the file that consist of few pieces are
    constants, all others free. None: those of one element are constants.
    values: integer graph inputs all of whose elements are this number (`[inputs] position_ids = "P"`).
    Raises BadInput (exit 2), Unsupported (exit 4), Unknown (exit 3).
    """
    if body_precision not in ("f32", "type"):
        raise BadInput("TV0302", f"body precision `{body_precision}`", help="`f32` or `type`")
    model = load(path, dims, inputs, outputs)
    if half_functions not in ("f32", "native"):
        raise BadInput("TV0302", f"functions on 16-bit types `{half_functions}`", help="`f32` or `native`")
    options = Options(strict_nan, body_precision, half_functions)

    known = {d.name: c for d in model.declared.values() if (c := _constant(d, fixed)) is not None}
    held = frozenset(d.name for d in model.declared.values() if d.initializer and fixed is not None) - known.keys()

    def attempt(stretch: Stretch | None) -> Graph:
        return _denote(Builder(sets, terms, model, options), known, held, values or {}, stretch)

    if roll:
        model.nodes = shared_first(model.nodes)
    stretch = find_stretch(model, known) if roll else None
    if stretch is not None:
        try:
            return attempt(stretch)
        except Irregular:
            pass  # the layers are not alike after all: nothing of that attempt is kept
    return attempt(None)


def _is_small(d: Declared) -> bool:
    return d.data is not None and element_count(d.data) <= SMALL


def _constant(d: Declared, fixed: Collection[str] | None) -> Pieces | None:
    """The values that the model stores, where the graph means the tensor by them."""
    if d.data is None:
        return None
    meant = d.constant or (element_count(d.data) == 1 if fixed is None else d.name in fixed)
    return contents(d.data, d.element) if meant else None


def _denote(
    b: Builder, known: Mapping[str, Pieces], held: frozenset[str], values: Mapping[str, Affine], stretch: Stretch | None
) -> Graph:
    model, b.known = b.model, known
    family = frozenset(stretch.members()) if stretch is not None else frozenset()
    for d in model.declared.values():
        if d.name in family:
            continue
        if d.initializer:
            b.env[d.name] = stored(b, d)
            continue
        b.free_units[d.name] = b.input_unit(d.name, d.element, d.shape)
        b.env[d.name] = Tensor(d.name, d.element, d.shape, InUnit(b.free_units[d.name]))
    members = make_families(b, stretch) if stretch is not None else {}
    _assumed_values(b, values)
    first = stretch.start if stretch is not None else len(model.nodes)
    for node in model.nodes[:first]:
        b.run(node)
    if stretch is not None:
        denote_stretch(b, stretch, members)
        for node in model.nodes[stretch.stop :]:
            b.run(node)
    return _finish(b, stretch.layers if stretch is not None else 0, held, members)


def _assumed_values(b: Builder, values: Mapping[str, Affine]) -> None:
    unread = {i.name for i in b.model.proto.graph.input} - b.env.keys()
    for name, value in values.items():
        if name in unread:
            continue
        t = b.env.get(name)
        if t is not None and isinstance(t.source, InUnit) and t.source.layer is not None:
            raise Irregular(f"`{name}` has a value of its own")
        if t is None or t.element.is_float or not isinstance(t.source, InUnit):
            raise BadInput(
                "TV0305", f"`{name}` is not an integer input of the graph, so it cannot have the value {value.text()}"
            )
        pieces = ((TRUE, value),) if value.constant is None else constant_pieces(value.constant)
        if not b.fits(pieces, t.element, t.shape):
            raise BadInput("TV0305", f"the value {value.text()} of `{name}` does not fit {t.element.label}")
        b.env[name] = Tensor(name, t.element, t.shape, Indexed(), lambda pieces=pieces: pieces)  # type: ignore[misc]
        b.assume(f"every element of {name} is {value.text()}")


def _finish(b: Builder, layers: int, held: frozenset[str], members: Mapping[str, tuple[str, int]]) -> Graph:
    graph = Graph(b.system, assumptions=b.assumptions, layers=layers)
    b.assumptions += b.model.assumptions
    _compare_declared(b)
    for name in b.model.outputs:
        t = _own_unit(b, b.env[name], name)
        unit, layer = t
        source = b.env[name]
        graph.outputs[name] = TensorInfo(name, source.element.label, source.shape, unit, layer)
    push_through_picks(b.system, b.supposed)
    _recount(b, graph)
    for name in sorted(held & b.stored.keys()):  # a kernel may take what the graph knows by value
        b.free(name)
    graph.numbers_only, graph.supposed = b.numbers_only, b.supposed
    audit(b.system)
    for name, d in {**b.model.declared, **b.stored}.items():
        if name in members:
            unit, at = members[name]
            graph.inputs[name] = TensorInfo(name, d.element.label, d.shape, unit, at, d.kept)
        elif name in b.free_units:
            if _is_small(d) and not d.element.is_float:  # known by value where that is enough, as indices are
                graph.contents[name] = tuple(int(x) for x in proto_bits(d.data)) if d.data is not None else ()
            graph.inputs[name] = TensorInfo(name, d.element.label, d.shape, b.free_units[name], kept=d.kept)
    return graph


def _compare_declared(b: Builder) -> None:
    """The types and numbers that the file itself states for its outputs must be the ones computed."""
    for v in b.model.proto.graph.output:
        if v.name not in b.model.outputs or v.type.WhichOneof("value") != "tensor_type":
            continue
        t, stated = b.env[v.name], v.type.tensor_type
        if stated.elem_type and element_of(stated.elem_type, v.name) != t.element:
            raise BadInput("TV0302", f"output `{v.name}` is declared with another element type than {t.element.label}")
        if not stated.HasField("shape"):
            continue
        extents = [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in stated.shape.dim]
        differ = any(s is not None and e.constant not in (None, s) for s, e in zip(extents, t.shape, strict=False))
        if len(extents) != t.rank or differ:
            raise BadInput("TV0302", f"output `{v.name}` is declared as {extents} but is {text(t.shape)}")


def _own_unit(b: Builder, t: Tensor, name: str) -> tuple[str, int | None]:
    """The unit (and layer) that holds an output; constants, index values and inputs handed through get one."""
    match t.source:
        case InUnit(unit=unit, layer=None) if b.system.units[unit].value.kind != "input":
            return unit, None
        case InUnit(unit=unit, layer=layer) if layer is not None and b.system.units[unit].value.kind != "input":
            return unit, layer.constant
        case SameLayer():
            raise TypeError("an output inside a rolled layer")
        case _:
            unit = b.forced_unit(f"{name}__out", t)
            return unit, None


# ------------------------------------------------------------------------------------------------ uses
def _recount(b: Builder, graph: Graph) -> None:
    """Counts uses from the outputs, and drops units that no output needs (inputs stay, and what excludes some of their contents).

    A rolled unit's count is the largest of its layers': a layer is read by its own layer, by the next, and from outside.
    """
    units = b.system.units
    counts: dict[str, Counter[object]] = {}
    for t in graph.outputs.values():
        counts.setdefault(t.unit, Counter())["always" if t.layer is None else t.layer] += 1
    todo, live = list(counts), set(counts)
    while todo:
        for ref in _references(units[todo.pop()].value):
            index = b.system.indices[ref.id]
            counts.setdefault(ref.name, Counter())[_layer_read(units[ref.name].scope.dims, index)] += 1
            if ref.name not in live:
                live.add(ref.name)
                todo.append(ref.name)
    kept = {n for n in b.exclusions if all(r.name in live for r in _references(units[n].value))}  # and count no use
    for name in [u for u in units if u not in live | kept and units[u].value.kind != "input"]:
        del units[name]
    for name, u in units.items():
        c = counts.get(name, Counter())
        single = [v + (c["next"] if k != graph.layers - 1 else 0) for k, v in c.items() if isinstance(k, int)]
        u.uses = c["always"] + max([c["next"], *single])


def _layer_read(dims: Sequence[str], index: Sequence[Affine]) -> object:
    """Which layers of a unit a reference reads: one (its number), all but the last (`next`), or `always`."""
    if not dims or dims[0] != "layer":
        return "always"
    if index[0].constant is not None:
        return index[0].constant
    return "next" if index[0] == Affine.dim("layer") - 1 else "always"


def _references(root: Term) -> list[Term]:
    """The reference terms of a value, once for each place where one is an operand."""
    out, seen, todo = [root] if root.kind == "ref" else [], {root.id}, [root]
    while todo:
        t = todo.pop()
        for a in t.args:
            if a.kind == "ref":
                out.append(a)
            if a.id not in seen:
                seen.add(a.id)
                todo.append(a)
    return out
