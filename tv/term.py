"""Terms: what a value is, as operations on bit-vectors. Interned; made through one door, `Terms.make`.

A term lives in a scope (an instance space); the maps inside go from that scope. Kinds:
- `const`  bits of a width;  `op`  an operation (below) on terms of the same scope;
- `ref`    the value of another unit (statement or tensor) at the instance that `map` gives;
- `input`  the content, before the launch, of a cell of a bound buffer (kernel) or of a graph input (graph);
- `load`   placeholder of an access that dataflow resolves (kernel side only);
- `case`   pieces (set, term), sets disjoint and covering the scope's domain;
- `reduce` op `name`: the fold over the instances of the child scope that `map` gives, in lexicographic order, of the step
  args[0] (a child-scope term with exactly one `hole`, where the fold so far stands) from args[1] (a term of this scope).
  hole is combined by `name` only, so the contributions are the step's other summands.
- `index`  the integer (modulo 2^width) that `map` gives, into the one-dimensional space `Z`;
- `pick`   args[0] (a child-scope term, as of a reduce) at the one child instance whose new dimensions, in order, are the values
  of args[1:] (64-bit terms of this scope): a read at indices that are data, in range by a printed assumption.

Operations carry their types: `fadd.f32 fsub fmul fdiv fsqrt fneg fabs fmax fmin fmaximum fminimum (NaN wins) fupper flower (`a < b ? b : a`, `b < a ? b : a`) ffma.f32`, compares `feq flt fle` (width 1),
`cvt.<to>.<from>` (floats: to nearest even; float to int: toward zero; others `cvt.<to>.<from>.rz`; float to int with
`.sat`: clamped to the type, NaN to 0), `select(c, a, b)`,
`concat(low, high, ...)`, `extract.<low>.<width>`, integer `add sub mul sdiv udiv srem urem and or xor shl lshr ashr` + `.i32`,
`eq ult ule slt sle` + `.i32` (width 1), functions `exp.f32 log.f32 ... rsqrt.f32 fast_exp.f32`;
`folded_exp.f32`: a library call on what nvcc may know while it compiles, which it evaluates on the host. `attr` "c" marks a kernel
float operation that nvcc may contract (fmad on, no `_rn`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tv.sets import Map, Set

T = TypeVar("T")


class Term:
    """Compare by identity; `id` is unique in its pool. `width` in bits."""

    __slots__ = ("args", "attr", "bits", "id", "kind", "map", "name", "scope", "sets", "width")
    kind: str
    name: str
    args: tuple[Term, ...]
    map: Map | None
    sets: tuple[Set, ...]
    bits: int
    width: int
    attr: str
    scope: str  # of a reduce: its child scope
    id: int

    def __repr__(self) -> str:
        return show(self)

    def embedding(self) -> Map:
        """The map of a ref, input or reduce."""
        if self.map is None:
            raise TypeError(f"{self.kind} has no map")
        return self.map


class Terms:
    """The pool of one check."""

    def __init__(self) -> None:
        self._pool: dict[tuple[Any, ...], Term] = {}
        self._keep: list[Any] = []  # maps are interned by identity: keep them alive

    def make(
        self,
        kind: str,
        *,
        name: str = "",
        args: tuple[Term, ...] = (),
        map: Map | None = None,
        sets: tuple[Set, ...] = (),
        bits: int = 0,
        width: int = 0,
        attr: str = "",
        scope: str = "",
    ) -> Term:
        key = (
            kind,
            name,
            tuple(a.id for a in args),
            id(map) if map is not None else 0,
            tuple(id(s) for s in sets),
            bits,
            width,
            attr,
            scope,
        )
        t = self._pool.get(key)
        if t is None:
            if width <= 0:
                raise TypeError(f"term {kind} {name} without a width")
            t = Term()
            t.kind, t.name, t.args, t.map, t.sets, t.bits, t.width, t.attr, t.scope = (
                kind,
                name,
                args,
                map,
                sets,
                bits,
                width,
                attr,
                scope,
            )
            t.id = len(self._pool)
            self._pool[key] = t
            self._keep.append((map, sets))
        return t

    def const(self, bits: int, width: int) -> Term:
        return self.make("const", bits=bits & ((1 << width) - 1), width=width)

    def op(self, name: str, *args: Term, attr: str = "", width: int | None = None) -> Term:
        return self.make(
            "op", name=name, args=args, width=width if width is not None else result_width(name, args), attr=attr
        )

    def ref(self, unit: str, map: Map, width: int) -> Term:
        return self.make("ref", name=unit, map=map, width=width)

    def input(self, name: str, map: Map, width: int) -> Term:
        return self.make("input", name=name, map=map, width=width)

    def load(self, access: str, width: int) -> Term:
        return self.make("load", name=access, width=width)

    def hole(self, width: int) -> Term:
        return self.make("hole", width=width)

    def reduce(self, op: str, embed: Map, scope: str, step: Term, init: Term) -> Term:
        return self.make("reduce", name=op, args=(step, init), map=embed, scope=scope, width=init.width)

    def case(self, pieces: Iterable[tuple[Set, Term]]) -> Term:
        ps = tuple(pieces)
        if not ps:
            raise TypeError("case without pieces")
        return self.make("case", args=tuple(t for _, t in ps), sets=tuple(s for s, _ in ps), width=ps[0][1].width)


# Functions of the C library: symbols. Their last step may be a multiplication, which nvcc contracts like any other.
LIBRARY = frozenset(
    "exp exp2 exp10 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh asinh acosh atanh tanh erf erfc pow cbrt hypot "
    "atan2".split()
)
FOLDED = "folded_"  # in front of a library call that nvcc may evaluate while it compiles

DOUBTFUL = "?"  # attr of a conversion of a float to an integer that may lie outside its type: what it gives then is not defined
ARGUMENT = "argument"  # attr of a constant that the launch passes: known to a proof, not to the compiler

COMPARES = ("feq", "flt", "fle", "eq", "ult", "ule", "slt", "sle", "fisnan")


def result_width(name: str, args: tuple[Term, ...]) -> int:
    """Width of an operation's result, from its name and operands."""
    head, *rest = name.split(".")
    if head in COMPARES:
        return 1
    if head == "extract":
        return int(rest[1])
    if head == "concat":
        return sum(a.width for a in args)
    if head == "cvt":
        return type_width(rest[0])
    if head == "select":
        return args[1].width
    return args[0].width


def type_width(label: str) -> int:
    """Bits of a type label such as f16, bf16, s32, u8, i1."""
    digits = label.lstrip("bfsui")
    if not digits.isdigit():
        raise TypeError(f"not a type label: {label}")
    return int(digits)


def fold(root: Term, visit: Callable[[Term, list[T]], T]) -> T:
    """Post-order over the DAG with an explicit stack and a memo: visit(term, results of its args)."""
    memo: dict[int, T] = {}
    stack = [root]
    while stack:
        t = stack[-1]
        if t.id in memo:
            stack.pop()
            continue
        todo = [a for a in t.args if a.id not in memo]
        if todo:
            stack.extend(todo)
            continue
        memo[t.id] = visit(t, [memo[a.id] for a in t.args])
        stack.pop()
    return memo[root.id]


def show(t: Term, depth: int = 4) -> str:
    """For people: references without their maps."""
    if depth == 0:
        return ".."
    inner = ", ".join(show(a, depth - 1) for a in t.args)
    match t.kind:
        case "const":
            return f"0x{t.bits:0{(t.width + 3) // 4}x}"
        case "op":
            return f"{t.name}({inner})"
        case "ref" | "input" | "load":
            return f"{t.name}[..]"
        case "index":
            return "index[..]"
        case "pick":
            return f"pick {inner}"
        case "hole":
            return "_"
        case "undefined":
            return f"uninitialised {t.name}"
        case "index":
            return "index"
        case "case":
            return "{" + " | ".join(show(a, depth - 1) for a in t.args) + "}"
        case "reduce":
            return f"reduce {t.name} from {show(t.args[1], depth - 1)}: {show(t.args[0], depth - 1)}"
        case _:
            raise TypeError(t.kind)


def op_head(t: Term) -> str:
    """`fadd` of `fadd.f32`."""
    return t.name.split(".")[0]


def op_type(name: str) -> str:
    """`f32` of `fadd.f32`; of a conversion, both types."""
    return name.split(".", 1)[1] if "." in name else ""
