"""Indices and expressions as C, with what occurs twice kept in a variable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from megac import index as ix
from megac.emit.types import C_TYPES, converted, number, operation
from megac.errors import CompileError
from megac.expr import Rewriter, walk
from megac.index import Ranges
from megac.ir import (
    Atom,
    Axis,
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
from megac.size import ONE, ZERO, Size, product

WIDE = 1 << 31


def spread(axes: tuple[Axis, ...], variable: str) -> tuple[dict[str, Index], Axis]:
    """One loop over all of some axes, the last one fastest: what each axis' index is of the loop's."""
    total = product(a.extent for a in axes)
    loop = Axis(variable, total)
    ranges = Ranges.of([loop])
    out: dict[str, Index] = {}
    inner = ONE
    for k, a in reversed(list(enumerate(axes))):
        above = ranges.quotient(ix.axis(variable), inner)
        out[a.name] = above if k == 0 else ranges.remainder(above, a.extent)
        inner = inner * a.extent
    return out, loop


@dataclass(slots=True)
class Text:
    """How expressions read at a place of the kernel.

    load: the text of a tensor's element; dims: the parameter of each open dimension; limits: its greatest value;
    ranges: those of the loops' variables. lines: where variables are declared that an expression needs.
    """

    load: Callable[[Load, Text], str]
    dims: Mapping[str, str]
    limits: Mapping[str, int]
    ranges: Ranges
    variables: Callable[[str], str]
    reduced: str = ""
    lines: list[str] = field(default_factory=list)
    kept: dict[Expr, str] = field(default_factory=dict)

    def inside(self, *loops: Axis) -> Text:
        """The same with more loops around it and lines of its own."""
        axes = {**self.ranges.axes, **{a.name: (ZERO, a.extent - 1) for a in loops}}
        return replace(self, ranges=Ranges(axes, self.ranges.facts), lines=[], kept=dict(self.kept))

    # --------------------------------------------------------------------------------------------- sizes, indices
    def size(self, s: Size) -> str:
        parts = [self.dims[n] if f == 1 else f"{f} * {self.dims[n]}" for n, f in s.terms]
        if s.const or not parts:
            parts.append(str(s.const))
        return " + ".join(parts).replace("+ -", "- ")

    def factor(self, s: Size) -> str:
        return (
            self.size(s)
            if s.constant is not None and s.const >= 0 or len(s.terms) == 1 and not s.const
            else f"({self.size(s)})"
        )

    def highest(self, i: Index) -> int | None:
        _, high = self.ranges.bounds(i)
        return None if high is None else high.at(self.limits)

    def index(self, i: Index) -> str:
        wide = (self.highest(i) or 0) >= WIDE
        parts = [self._term(a, f, wide) for a, f in i.terms]
        if i.const != ZERO or not parts:
            parts.append(self.size(i.const))
        return " + ".join(parts).replace("+ -", "- ")

    def _term(self, atom: Atom, factor: Size, wide: bool) -> str:
        text = self.atom(atom)
        if factor == ONE:
            return text
        if factor == Size(-1):
            return f"-{text}"
        return f"{'(size_t)' if wide else ''}{text} * {self.factor(factor)}"

    def atom(self, atom: Atom) -> str:
        match atom:
            case AxisRef(name):
                return name
            case Quotient(index, by) | Remainder(index, by):
                if not self.ranges.non_negative(index):
                    raise CompileError("an index that may be negative is divided")
                sign = "/" if isinstance(atom, Quotient) else "%"
                return f"({self._operand(index)} {sign} {self.factor(by)})"
            case Data(value):
                text = self.value(value)
                return text if isinstance(value, Load) else f"(size_t){text}"

    def _operand(self, i: Index) -> str:
        text = self.index(i)
        return text if len(i.terms) == 1 and i.const == ZERO and i.terms[0][1] == ONE else f"({text})"

    def test(self, e: IndexTest) -> str:
        """Terms with their sign: what is added on one side, what is taken away on the other."""
        left = tuple((a, f) for a, f in e.index.terms if not (-f).never_negative)
        right = tuple((a, -f) for a, f in e.index.terms if (-f).never_negative)
        const = e.index.const
        own = const if const.never_negative else ZERO
        other = ZERO if const.never_negative else -const
        sign = ">=" if e.kind == "ge" else "=="
        return f"({self.index(Index(left, own))} {sign} {self.index(Index(right, other))})"

    # ----------------------------------------------------------------------------------------------- expressions
    def value(self, e: Expr) -> str:
        if e in self.kept:
            return self.kept[e]
        match e:
            case Const():
                return number(e)
            case Load():
                return self.load(e, self)
            case IndexValue(index, dtype):
                if index.size is not None and index.size.constant is not None:
                    return number(Const(dtype, index.size.const & ((1 << 8 * dtype.bytes) - 1)))
                return f"({C_TYPES[dtype]})({self.index(index)})"
            case IndexTest():
                return self.test(e)
            case Op(name, args):
                return operation(name, [self.value(a) for a in args], args[0].dtype)
            case Cast(arg, dtype):
                return converted(self.value(arg), arg.dtype, dtype)
            case Select(cond, yes, no):
                return f"({self.value(cond)} ? {self.value(yes)} : {self.value(no)})"
            case Reduced():
                return self.reduced

    def keep(self, e: Expr) -> None:
        """Declares variables for what is computed more than once in an expression, and at least once in any case."""
        counts: Counter[Expr] = Counter(x for x in walk(e) if isinstance(x, Op | Cast | Select | Load))
        sure = _sure(e)
        for x in sure:
            if counts[x] > 1 and x not in self.kept and not self._plain(x):
                text = self.value(x)
                name = self.variables("t")
                self.lines.append(f"const {C_TYPES[x.dtype]} {name} = {text};")
                self.kept[x] = name

    def _plain(self, e: Expr) -> bool:
        return isinstance(e, Load) and self.value(e).isidentifier()


def _sure(e: Expr) -> list[Expr]:
    """What is computed whatever choices are made, inner ones first."""
    out: dict[Expr, None] = {}

    def visit(x: Expr) -> None:
        match x:
            case Op(_, args):
                for a in args:
                    visit(a)
            case Cast(arg):
                visit(arg)
            case Select(cond):
                visit(cond)
            case _:
                pass
        if isinstance(x, Op | Cast | Select | Load):
            out[x] = None

    visit(e)
    return list(out)


def substituted(e: Expr, loads: Mapping[Load, Load]) -> Expr:
    """The expression with other loads, its indices as they are."""
    match e:
        case Load():
            return loads.get(e, e)
        case Op(name, args, dtype):
            return Op(name, tuple(substituted(a, loads) for a in args), dtype)
        case Cast(arg, dtype):
            return Cast(substituted(arg, loads), dtype)
        case Select(cond, yes, no):
            return Select(substituted(cond, loads), substituted(yes, loads), substituted(no, loads))
        case Const() | IndexValue() | IndexTest() | Reduced():
            return e


def moved(e: Expr, axes: Mapping[str, Index], ranges: Ranges) -> Expr:
    """The expression over other loops."""
    return Rewriter(axes).expr(e, ranges)
