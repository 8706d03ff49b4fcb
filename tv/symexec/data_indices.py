"""Addresses that contain data: `table[ids[t] * C + i]`. An integer of data, between bounds that are known, becomes a dimension.

The load then stands for the loads at all values that the integer may have, which are affine; which of them the kernel does is
a `pick`. So bounds are asked about whatever the data is, and what is read depends on the data alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tv.kernel import Scalar
from tv.sets import TRUE, Affine, Dim, Formula, Ranges
from tv.sets.affine import times
from tv.sets.formulas import all_of, ge
from tv.symexec.data_ranges import LABELS, SIGNED, range_of_node
from tv.symexec.values import Node, Pieces, Value, as_signed, nodes_of, product, type_range

Range = tuple[int, int]
WIDEST = 1 << 31  # values of an index: more, and nothing was known of it
FLOATS = frozenset({"f16", "bf16", "f32", "f64"})
MOST = 8  # pieces of an address
EXACT = ("cvt", "fmax", "fmin", "fneg", "fabs", "rint", "floor", "ceil", "trunc", "flt", "fle", "feq", "select")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the launch states of its inputs. ranges: buffer or parameter that the kernel does not change -> between which integers
    each of its values lies, and their bits. advice: of a buffer or parameter of which nothing is stated, what could be. fresh: buffers
    that hold nothing before the launch."""

    ranges: Mapping[str, tuple[Range, int]] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()

    def of(self, name: str, t: Scalar) -> Range | None:
        """What is known of a value of integer type t that is read from `name`."""
        found = self.ranges.get(name)
        if found is None or t.is_float or t is Scalar.BOOL or found[1] != t.bits:
            return None
        (low, high), (least, most) = found[0], type_range(t)
        return found[0] if least <= low and high <= most else None

    def parameters(self, scalars: Mapping[str, Value]) -> dict[str, Value]:
        """Scalar parameters, with what is known of those that are data."""
        out = dict(scalars)
        for name, v in scalars.items():
            known = self.of(name, v.type)
            if v.node is not None and v.node.kind == "parameter" and known is not None:
                out[name] = replace(v, node=replace(v.node, known=known))
        return out


NOTHING_STATED = Contents()


@dataclass(frozen=True, slots=True)
class Index:
    """An integer of data that a dimension stands for: `value`, in 64 bits, is the dimension `dim`."""

    dim: str
    value: Node


@dataclass(slots=True)
class DataIndices:
    """ranges: of dimensions; declare(dim, range): adds one. object_of: the buffer that an access is of, by its event. kept: what is
    known of an integer that the launch itself keeps."""

    contents: Contents
    ranges: Ranges
    declare: Callable[[str, Range], None]
    object_of: Callable[[str], str]
    kept: Callable[[Node, Scalar], Range | None]
    found: dict[str, Index] = field(default_factory=dict)
    _names: dict[object, str] = field(default_factory=dict)
    _keys: dict[int, tuple[int, Node]] = field(default_factory=dict)
    _alike: dict[object, int] = field(default_factory=dict)
    _met: dict[tuple[int, Scalar], Pieces | None] = field(default_factory=dict)  # in the value that is being looked at

    def affine(self, v: Value) -> Pieces | None:
        """The value over dimensions, some of which stand for data; None where it is no such function.

        The integers are those of the value's bits modulo 2^width: in bounds of an object they are the address itself."""
        if v.pieces is not None:
            return v.pieces
        self._met.clear()
        pieces = None if v.node is None else self._pieces(v.node, v.type)
        if pieces is None or len(pieces) > MOST or not all(self._inside(a, v.type) for _, a in pieces):
            return None
        return pieces

    def used(self, a: Affine) -> tuple[Index, ...]:
        """The data among an address's dimensions."""
        names = {x.name for x in a.atoms() if isinstance(x, Dim)}
        return tuple(i for n, i in self.found.items() if n in names)

    def box(self, indices: tuple[Index, ...]) -> Formula:
        """Where the dimensions of data lie."""
        conditions = []
        for i in indices:
            low, high = self.ranges(Dim(i.dim))
            assert low is not None
            assert high is not None
            conditions += [ge(Affine.dim(i.dim), low), ge(Affine.of(high), Affine.dim(i.dim))]
        return all_of(*conditions)

    def advice(self, *values: Value) -> str | None:
        """What could be stated of the data in these values, so that more is known of them."""
        for n in (n for v in values if v.node is not None for n in nodes_of(v.node)):
            name = self.object_of(n.name) if n.kind == "fetch" else n.name if n.kind == "parameter" else ""
            if n.known is None and name in self.contents.advice:
                return self.contents.advice[name]
        return None

    # -------------------------------------------------------------- modulo 2^width
    def _pieces(self, n: Node, t: Scalar) -> Pieces | None:
        """An integer that is the node's bits modulo 2^width; of type t where it is no such arithmetic."""
        if (id(n), t) not in self._met:
            found = self._arithmetic(n, t)
            self._met[id(n), t] = found if found is not None and len(found) <= MOST else self._dimension(n, t)
        return self._met[id(n), t]

    def _arithmetic(self, n: Node, t: Scalar) -> Pieces | None:
        match n.kind:
            case "const":
                return ((TRUE, Affine.of(as_signed(n.bits, t))),)
            case "index":
                return n.pieces
            case "case":
                arms = [(c, self._pieces(a, t)) for c, a in zip(n.conditions, n.args, strict=True)]
                if any(p is None for _, p in arms):
                    return None
                return tuple((all_of(c, d), a) for c, p in arms for d, a in p or ())
            case "op":
                return self._operation(n, t)
            case _:
                return None

    def _operation(self, n: Node, t: Scalar) -> Pieces | None:
        head, _, rest = n.name.partition(".")
        if head == "cvt":
            target, source = (LABELS.get(label) for label in rest.split(".")[:2])
            if target is None or target.bits != t.bits:  # a float's bits are no conversion's integers
                return None
            inner = None if source is None else self._pieces(n.args[0], source)
            if source is None or inner is None or not all(self._inside(a, source) for _, a in inner):
                return None
            return inner
        if head == "extract" and rest.startswith("0.") and n.args[0].width in (16, 32, 64):
            return self._pieces(n.args[0], LABELS[f"s{n.args[0].width}"])
        if head not in ("add", "sub", "mul", "shl"):
            return None
        parts = [self._pieces(a, t) for a in n.args]
        if parts[0] is None or parts[1] is None:
            return None
        out = []
        for c, x, y in product(parts[0], parts[1]):
            made = _operate(head, x, y, t.bits)
            if made is None:
                return None
            out.append((c, made))
        return tuple(out)

    def _dimension(self, n: Node, t: Scalar) -> Pieces | None:
        """The node as a dimension, where its range is narrower than its type's, or its type is small."""
        if t.is_float or t is Scalar.BOOL or t.bits != n.width:
            return None
        low, high = range_of_node(n, t, self.ranges)
        if not t.signed and t.bits in SIGNED and (low, high) == type_range(t):  # the same bits modulo 2^width
            t = SIGNED[t.bits]
            low, high = range_of_node(n, t, self.ranges)
        if (low, high) == type_range(t):
            low, high = self.kept(n, t) or (low, high)
        if high - low >= WIDEST or ((low, high) == type_range(t) and t.bits > 16):
            return None
        key = (self._key(n), t, low, high)  # what the launch keeps may lie closer together at one place than at another
        if key not in self._names:
            self._names[key] = name = f"q{len(self.found)}"
            signed = t.signed or (t.bits >= 32 and high < 1 << (t.bits - 1))  # as a graph widens its integers
            self.found[name] = Index(name, widened(n, t.bits, signed))
            self.declare(name, (low, high))
        return ((TRUE, Affine.dim(self._names[key])),)

    def _key(self, n: Node) -> int:
        """Equal for equal operations on the same reads: an index that is written twice is one dimension. Of float operations only
        exact ones: the others may be rounded, contracted or folded in one place otherwise than in another."""
        if id(n) not in self._keys:
            exact = n.kind == "op" and (n.name.partition(".")[0] in EXACT or not _of_floats(n.name))
            inner: object = tuple(self._key(a) for a in n.args) if exact else ("itself", id(n))
            key: tuple[object, ...] = (n.kind, n.name, n.width, n.attr, inner)
            if n.kind == "const":
                key = (n.kind, n.bits, n.width, n.attr)
            self._keys[id(n)] = (
                self._alike.setdefault(key, len(self._alike)),
                n,
            )  # which keeps the node alive, and its identity its own
        return self._keys[id(n)][0]

    def _inside(self, a: Affine, t: Scalar) -> bool:
        low, high = a.interval(self.ranges)
        least, most = type_range(t)
        return low is not None and high is not None and least <= low and high <= most


def _of_floats(name: str) -> bool:
    return not FLOATS.isdisjoint(name.split(".")[1:])


def widened(n: Node, bits: int, signed: bool) -> Node:
    """An integer of so many bits in 64."""
    if bits == 64:
        return n
    return Node("op", 64, f"cvt.s64.{'s' if signed else 'u'}{bits}", (n,), span=n.span)


def _operate(head: str, x: Affine, y: Affine, bits: int) -> Affine | None:
    k = y.constant
    match head:
        case "add":
            return x + y
        case "sub":
            return x - y
        case "mul":
            return times(x, y) if x.symbolic or y.symbolic else None
        case _:
            return x * (1 << k) if k is not None and 0 <= k < bits else None
