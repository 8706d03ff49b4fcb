"""Making expressions: simplified where that keeps every bit, and rewritten for other axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from megac import index as ix
from megac.dtype import DType, bits_of, value_of
from megac.errors import CompileError
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
    Quotient,
    Reduced,
    Remainder,
    Select,
)
from megac.size import Size

TRUE = Const(DType.BOOL, 1)
FALSE = Const(DType.BOOL, 0)
COMPARISONS = frozenset({"lt", "le", "eq", "isnan", "isinf"})


# ----------------------------------------------------------------------------------------------------------- leaves
def number(value: float | int, dtype: DType) -> Expr:
    """A constant of a type, rounded to nearest even; of an integer type an index, so that it takes part in those."""
    if dtype.is_integer:
        return IndexValue(ix.constant(int(value)), dtype)
    return Const(dtype, bits_of(value, dtype))


def as_index(e: Expr) -> Index:
    """An integer expression as an index."""
    if isinstance(e, IndexValue):
        return e.index
    if not e.dtype.is_integer:
        raise CompileError(f"elements of type {e.dtype.value} are used as indices")
    return ix.of_atom(Data(e))


def truth(value: bool) -> Const:
    return TRUE if value else FALSE


# ------------------------------------------------------------------------------------------------------- operations
def op(name: str, *args: Expr, ranges: Ranges) -> Expr:
    """The operation on operands of one type, simplified. Raises CompileError for one that there is not on the type."""
    if len(args) != OPERATIONS[name] or len({a.dtype for a in args}) != 1:
        raise CompileError(f"`{name}` of {' and '.join(a.dtype.value for a in args)}")
    t = args[0].dtype
    if name in FUNCTIONS and (t.narrow or not t.is_float):
        raise CompileError(f"`{name}` on {t.value}")
    if t is DType.BOOL:
        return _logic(name, args)
    if t.is_integer:
        out = _integers(name, args, ranges)
        if out is not None:
            return out
    elif name not in FUNCTIONS and all(isinstance(a, Const) for a in args):
        return _computed(name, args)
    elif _neutral(name, args):
        return args[0]
    return Op(name, args, DType.BOOL if name in COMPARISONS else t)


def _logic(name: str, args: tuple[Expr, ...]) -> Expr:
    a, b = args[0], args[-1]
    match name:
        case "not":
            if isinstance(a, Op) and a.name == "not":
                return a.args[0]
            return truth(a == FALSE) if isinstance(a, Const) else Op("not", (a,), DType.BOOL)
        case "and" | "or":
            absorbing, neutral = (FALSE, TRUE) if name == "and" else (TRUE, FALSE)
            if absorbing in (a, b):
                return absorbing
            if a == neutral or a == b:
                return b
            return a if b == neutral else Op(name, args, DType.BOOL)
        case "xor" | "eq":
            if isinstance(a, Const) and isinstance(b, Const):
                return truth((a == b) == (name == "eq"))
            return Op(name, args, DType.BOOL)
        case _:
            raise CompileError(f"`{name}` on booleans")


def _integers(name: str, args: tuple[Expr, ...], ranges: Ranges) -> Expr | None:
    """Integers of 32 and 64 bits that are indices stay so: sizes, and what is computed from them, fit there."""
    t = args[0].dtype
    if name not in ("lt", "le", "eq", "max", "min") and t not in (DType.I32, DType.I64):
        return None
    if not all(isinstance(a, IndexValue) for a in args):
        return _whole_neutral(name, args)
    a, b = as_index(args[0]), as_index(args[-1])
    match name:
        case "add":
            return wrapped(ix.add(a, b), t)
        case "sub":
            return wrapped(ix.subtract(a, b), t)
        case "neg":
            return wrapped(ix.scaled(a, -1), t)
        case "mul" if a.size is not None or b.size is not None:
            many, factor = (a, b.const) if b.size is not None else (b, a.const)
            return wrapped(ix.scaled(many, factor), t)
        case "div" | "mod" if b.size is not None and b.const.never_negative and ranges.non_negative(a):
            if b.const == Size(0):
                return None
            part = ranges.quotient(a, b.const) if name == "div" else ranges.remainder(a, b.const)
            return IndexValue(part, t)
        case "lt":
            return index_test("ge", ix.shifted(ix.subtract(b, a), -1), ranges)
        case "le":
            return index_test("ge", ix.subtract(b, a), ranges)
        case "eq":
            return index_test("eq", ix.subtract(a, b), ranges)
        case "max" | "min":
            above = ranges.non_negative(ix.subtract(a, b))
            return None if above is None else args[0 if above == (name == "max") else 1]
        case _:
            return None


def wrapped(i: Index, t: DType) -> Expr:
    """An index as a value; a number modulo the type's width."""
    number_of = None if i.size is None else i.size.constant
    if number_of is None or not t.is_integer:
        return IndexValue(i, t)
    width = 8 * t.bytes
    low = int(np.iinfo(t.numpy).min)
    return IndexValue(ix.constant((number_of - low) % (1 << width) + low), t)


def _whole_neutral(name: str, args: tuple[Expr, ...]) -> Expr | None:
    """x + 0, 0 + x, x - 0, x * 1, 1 * x and x / 1 are x."""
    one = Size(0 if name in ("add", "sub") else 1)
    for known, other in ((1, 0), (0, 1)):
        e = args[known] if len(args) == 2 else None
        fits = name in ("add", "mul") or (name in ("sub", "div") and known == 1)
        if fits and isinstance(e, IndexValue) and e.index.size == one:
            return args[other]
    return None


def index_test(kind: str, index: Index, ranges: Ranges) -> Expr:
    """index >= 0 (`ge`) or index = 0 (`eq`), decided where the ranges permit."""
    if kind == "ge":
        known = ranges.non_negative(index)
        return IndexTest("ge", index) if known is None else truth(known)
    known = ranges.zero(index)
    return IndexTest("eq", index) if known is None else truth(known)


def _computed(name: str, args: tuple[Expr, ...]) -> Expr:
    t = args[0].dtype
    values = [value_of(a.bits, t) for a in args if isinstance(a, Const)]
    out: Any = OF_NUMBERS[name](*values)
    to = DType.BOOL if name in COMPARISONS else t
    return Const(to, bits_of(out, to))


def _neutral(name: str, args: tuple[Expr, ...]) -> bool:
    """Is the result the first operand, whatever that is? x + 0.0 is not x: x may be -0.0."""
    second = args[-1]
    if len(args) < 2 or not isinstance(second, Const):
        return False
    value = float(value_of(second.bits, second.dtype))
    zero = value == 0.0
    match name:
        case "mul" | "div":
            return value == 1.0
        case "sub":
            return zero and not np.signbit(value)
        case "add":
            return zero and bool(np.signbit(value))
        case _:
            return False


def fmax(a: Any, b: Any) -> Any:
    """The larger operand; the other one of a NaN; +0.0 of zeros that differ in sign."""
    out = np.where(np.isnan(a), b, np.where(np.isnan(b) | (a > b), a, b))
    return np.where((a == 0) & (b == 0), np.where(np.signbit(a), b, a), out).astype(np.asarray(a).dtype)


def fmin(a: Any, b: Any) -> Any:
    out = np.where(np.isnan(a), b, np.where(np.isnan(b) | (a < b), a, b))
    return np.where((a == 0) & (b == 0), np.where(np.signbit(a), a, b), out).astype(np.asarray(a).dtype)


def _quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*args)

    return run


_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "max": fmax, "min": fmin,
    "lt": np.less, "le": np.less_equal, "eq": np.equal, "neg": np.negative, "abs": np.abs, "sqrt": np.sqrt,
    "floor": np.floor, "ceil": np.ceil, "round": np.rint, "isnan": np.isnan, "isinf": np.isinf, "mod": np.mod,
}  # fmt: skip
OF_NUMBERS = {name: _quiet(f) for name, f in _NUMPY.items()}


def cast(e: Expr, to: DType) -> Expr:
    """To a type; there and back from a wider one is nothing."""
    if e.dtype == to:
        return e
    if isinstance(e, Cast) and e.arg.dtype == to and e.dtype.holds(to):
        return e.arg
    if isinstance(e, Select) and isinstance(e.yes, Const) and isinstance(e.no, Const):
        return select(e.cond, cast(e.yes, to), cast(e.no, to))
    if isinstance(e, IndexValue):
        fixed = e.index.size is not None and e.index.size.constant is not None
        if to in (DType.I32, DType.I64) or (to.is_integer and fixed):
            return wrapped(e.index, to)
        if e.index.size is not None and e.index.size.constant is not None and to.is_float:
            return number(e.index.size.const, to)
    if isinstance(e, Const) and (e.dtype is DType.BOOL or to is DType.BOOL or (e.dtype.is_float and to.is_float)):
        value = value_of(e.bits, e.dtype)
        return truth(bool(value != 0)) if to is DType.BOOL else number(value, to)
    return Cast(e, to)


def select(cond: Expr, yes: Expr, no: Expr) -> Expr:
    """yes or no; one of them where that is decided or they are the same."""
    if yes.dtype != no.dtype or cond.dtype is not DType.BOOL:
        raise CompileError(f"a choice between {yes.dtype.value} and {no.dtype.value} by {cond.dtype.value}")
    if isinstance(cond, Const):
        return yes if cond == TRUE else no
    if isinstance(cond, Op) and cond.name == "not":
        return select(cond.args[0], no, yes)
    return yes if yes == no else Select(cond, yes, no)


# ------------------------------------------------------------------------------------------------------- traversals
def parts(e: Expr) -> Iterator[Expr]:
    """The expressions directly below, those inside indices included."""
    match e:
        case Load(_, index):
            for i in index:
                yield from _inside(i)
        case IndexValue(index) | IndexTest(_, index):
            yield from _inside(index)
        case Op(_, args):
            yield from args
        case Cast(arg):
            yield arg
        case Select(cond, yes, no):
            yield from (cond, yes, no)


def _inside(index: Index) -> Iterator[Expr]:
    for atom, _ in index.terms:
        match atom:
            case Data(value):
                yield value
            case Quotient(inner) | Remainder(inner):
                yield from _inside(inner)


def walk(e: Expr) -> Iterator[Expr]:
    """The expression and all below it."""
    yield e
    for part in parts(e):
        yield from walk(part)


def loads(e: Expr) -> Iterator[Load]:
    return (x for x in walk(e) if isinstance(x, Load))


# --------------------------------------------------------------------------------------------------------- rewriting
class Rewriter:
    """Expressions with their axes replaced, loads put into other expressions, and simplified for the new ranges.

    axes: an index for the name of each axis that changes. inline: what stands for a load (its indices are the new
    ones; the ranges are those of the place), or None where it stays. reduced: what stands for the reduction's result.
    """

    def __init__(
        self,
        axes: Mapping[str, Index] | None = None,
        inline: Callable[[Load, Ranges], Expr | None] | None = None,
        reduced: Expr | None = None,
    ) -> None:
        self.axes = axes or {}
        self.inline = inline
        self.reduced = reduced

    def index(self, i: Index, r: Ranges) -> Index:
        out = ix.constant(i.const)
        for atom, factor in i.terms:
            out = ix.add(out, ix.scaled(self._atom(atom, r), factor))
        return out

    def _atom(self, atom: AxisRef | Quotient | Remainder | Data, r: Ranges) -> Index:
        match atom:
            case AxisRef(name):
                if name in self.axes:
                    return _settled(self.axes[name], r)
                return _settled(ix.of_atom(atom), r)
            case Quotient(inner, by):
                return r.quotient(self.index(inner, r), by)
            case Remainder(inner, by):
                return r.remainder(self.index(inner, r), by)
            case Data(value):
                return as_index(self.expr(value, r))

    def expr(self, e: Expr, r: Ranges) -> Expr:
        match e:
            case Const():
                return e
            case Reduced():
                return self.reduced if self.reduced is not None else e
            case Load(tensor, index, dtype):
                moved = Load(tensor, tuple(self.index(i, r) for i in index), dtype)
                put = self.inline(moved, r) if self.inline is not None else None
                return moved if put is None else put
            case IndexValue(index, dtype):
                return IndexValue(self.index(index, r), dtype)
            case IndexTest(kind, index):
                return index_test(kind, self.index(index, r), r)
            case Op(name, args):
                return op(name, *(self.expr(a, r) for a in args), ranges=r)
            case Cast(arg, dtype):
                return cast(self.expr(arg, r), dtype)
            case Select(cond, yes, no):
                return self._select(self.expr(cond, r), yes, no, r)

    def _select(self, cond: Expr, yes: Expr, no: Expr, r: Ranges) -> Expr:
        if isinstance(cond, Const):
            return self.expr(yes if cond == TRUE else no, r)
        if isinstance(cond, IndexTest):
            there, elsewhere = (r.given(cond.kind, cond.index, answer) for answer in (True, False))
            return select(cond, self.expr(yes, there), self.expr(no, elsewhere))
        return select(cond, self.expr(yes, r), self.expr(no, r))


def _settled(i: Index, r: Ranges) -> Index:
    """The index, an axis of which only one value is left replaced by that."""
    if len(i.terms) != 1 or not isinstance(i.terms[0][0], AxisRef):
        return i
    low, high = r.axes.get(i.terms[0][0].name, (None, None))
    if low is None or low != high:
        return i
    return ix.add(ix.constant(i.const), ix.scaled(ix.constant(low), i.terms[0][1]))
