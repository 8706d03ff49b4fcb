"""The rules of the IR: what holds of every program that the passes hand on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from megac.dtype import DType
from megac.expr import COMPARISONS, parts
from megac.index import Ranges
from megac.ir import (
    FUNCTIONS,
    OPERATIONS,
    AxisRef,
    Cast,
    Const,
    Data,
    Expr,
    Index,
    IndexTest,
    IndexValue,
    Load,
    Op,
    Program,
    Quotient,
    Reduced,
    Remainder,
    Rolled,
    Select,
    Stage,
)
from megac.layers import names_in_layer
from megac.printing import expression, index_text, stage_key
from megac.size import ONE, Size


class Broken(AssertionError):
    """A program is against the rules: a defect of this compiler, never of a model."""


@dataclass(frozen=True, slots=True)
class _Known:
    shape: tuple[Size, ...]
    dtype: DType


def check(p: Program) -> Program:
    """The program itself. Raises Broken where a stage reads what is not made yet, in other dimensions or another type,
    outside an extent, or has an operation on types that it is not for."""
    tensors = {x.name: _Known(x.shape, x.dtype) for x in p.leaves()}
    caches = {a.rows: a for a in p.appends}
    dims = set(p.dims)
    for s in p.stages:
        if s.name in tensors:
            raise Broken(f"`{s.name}` is made twice")
        _Stage(s, tensors, dims).check()
        tensors[s.name] = _Known(s.shape, s.dtype)
        if s.name in caches:
            a = caches[s.name]
            rows = tuple(a.count if k == a.axis else e for k, e in enumerate(a.shape))
            if tuple(e for e in rows if e != ONE) != s.shape or a.dtype != s.dtype:
                raise Broken(f"the rows of `{a.output}` are of another shape or type")
            tensors[a.output] = _Known(a.shape, a.dtype)
    for o in p.outputs:
        t = tensors.get(o.tensor)
        if t is None or _wide(t.shape) != _wide(o.shape) or t.dtype != o.dtype:
            raise Broken(f"the output `{o.name}` is not what `{o.tensor}` is")
    if p.layers is not None:
        _check_layers(p, p.layers)
    return p


def _renamed(names: dict[str, str], name: str) -> str:
    return names.get(name, name)


def _check_layers(p: Program, r: Rolled) -> None:
    """Each layer is the first one under its own names."""
    for layer in range(1, r.count):
        names = names_in_layer(p, r, layer)
        for k in range(r.period):
            first, own = p.stages[r.start + k], p.stages[r.start + layer * r.period + k]
            if stage_key(first, partial(_renamed, names)) != stage_key(own):
                raise Broken(f"`{own.name}` is not what `{first.name}` is in layer {layer}")


def _wide(shape: tuple[Size, ...]) -> tuple[Size, ...]:
    return tuple(e for e in shape if e != ONE)


class _Stage:
    def __init__(self, s: Stage, tensors: dict[str, _Known], dims: set[str]) -> None:
        self.s = s
        self.tensors = tensors
        self.dims = dims

    def fail(self, why: str) -> None:
        raise Broken(f"stage `{self.s.name}`: {why}")

    def check(self) -> None:
        s, r = self.s, self.s.reduction
        own = Ranges.of(s.axes)
        if s.body.dtype != s.dtype or not s.origin:
            self.fail("its body is of another type, or it comes from no node")
        for a in (*s.axes, *(r.axes if r is not None else ())):
            if not set(a.extent.names) <= self.dims:
                self.fail(f"the extent of {a.name} has an unknown dimension")
        if len({a.name for a in s.axes} | {a.name for a in (r.axes if r else ())}) != len(s.axes) + len(
            r.axes if r else ()
        ):
            self.fail("two axes have one name")
        self.expr(s.body, own, r.dtype if r is not None else None)
        if r is None:
            return
        inner = Ranges.of((*s.axes, *r.axes))
        if r.element.dtype != r.start.dtype or (r.where is not None and r.where.dtype is not DType.BOOL):
            self.fail("its reduction starts in another type, or its guard is no truth value")
        if r.op.startswith("arg") and len(r.axes) != 1:
            self.fail("a place is looked for along several axes")
        self.expr(r.element, inner, None)
        if r.where is not None:
            self.expr(r.where, inner, None)

    def expr(self, e: Expr, r: Ranges, reduced: DType | None, sure: bool = True) -> None:
        """sure: do the ranges hold all that is known of the place?"""
        match e:
            case Load():
                self.load(e, r, sure)
            case IndexValue(index, dtype):
                self.index(index, r)
                if not dtype.is_integer:
                    self.fail("an index is a value of no integer type")
            case IndexTest(_, index):
                self.index(index, r)
            case Op(name, args, dtype):
                self.op(name, args, dtype)
            case Select(cond, yes, no):
                if cond.dtype is not DType.BOOL or yes.dtype != no.dtype:
                    self.fail(f"a choice between two types: {expression(e)}")
                for part, answer in ((yes, True), (no, False)):
                    ranges = r.given(cond.kind, cond.index, answer) if isinstance(cond, IndexTest) else r
                    self.expr(part, ranges, reduced, sure and _bounds_an_axis(cond))
                self.expr(cond, r, reduced, sure)
                return
            case Reduced(dtype):
                if dtype != reduced:
                    self.fail("a reduction's result is read where there is none of that type")
            case Const() | Cast():
                pass
        for part in parts(e):
            self.expr(part, r, reduced, sure)

    def op(self, name: str, args: tuple[Expr, ...], dtype: DType) -> None:
        types = {a.dtype for a in args}
        if OPERATIONS.get(name) != len(args) or len(types) != 1:
            self.fail(f"`{name}` of {', '.join(t.value for t in types)}")
        t = types.pop()
        if dtype != (DType.BOOL if name in COMPARISONS else t) or (name in FUNCTIONS and (t.narrow or not t.is_float)):
            self.fail(f"`{name}` on {t.value} is {dtype.value}")

    def load(self, e: Load, r: Ranges, sure: bool) -> None:
        t = self.tensors.get(e.tensor)
        if t is None:
            self.fail(f"`{e.tensor}` is not made yet")
            return
        if t.dtype != e.dtype or len(t.shape) != len(e.index):
            self.fail(f"`{e.tensor}` is read in another type or by {len(e.index)} indices")
        for i, extent in zip(e.index, t.shape, strict=True):
            self.index(i, r)
            low, high = r.bounds(i)
            below = low is not None and (-low - 1).never_negative
            above = high is not None and (high - extent).never_negative and extent.never_negative and _reached(i)
            if sure and (below or above):
                self.fail(f"`{e.tensor}` is read at {index_text(i)}, outside 0 .. {extent} - 1")

    def index(self, i: Index, r: Ranges) -> None:
        if not set(i.const.names) <= self.dims:
            self.fail("an index has an unknown dimension")
        for atom, _ in i.terms:
            match atom:
                case AxisRef(name):
                    if name not in r.axes:
                        self.fail(f"there is no axis `{name}`")
                case Quotient(inner) | Remainder(inner):
                    self.index(inner, r)
                case Data(value):
                    if not value.dtype.is_integer:
                        self.fail("data that are no integers are an index")


def _bounds_an_axis(cond: Expr) -> bool:
    terms = cond.index.terms if isinstance(cond, IndexTest) and cond.kind == "ge" else ()
    return len(terms) == 1 and isinstance(terms[0][0], AxisRef) and terms[0][1] in (ONE, Size(-1))


def _reached(i: Index) -> bool:
    """Is the upper bound of an index one that it takes: is it linear in axes?"""
    return all(isinstance(a, AxisRef) for a, _ in i.terms)
