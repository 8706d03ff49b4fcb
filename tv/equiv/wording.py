"""Terms as a person wrote them: `x[255] - b[255]`, at one instance of those that do not match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tv.arithmetic import number
from tv.diagnostic import Unknown
from tv.equiv.problem import Problem, uninitialised
from tv.sets import Affine, Formula, Map, Set
from tv.sets.formulas import all_of, eq
from tv.system import System
from tv.term import FOLDED, Term, show, type_width

DEPTH = 4  # of operations that are shown
HOPS = 40  # through variables and memory
_INFIX = {
    "fadd": "+", "fsub": "-", "fmul": "*", "fdiv": "/", "add": "+", "sub": "-", "mul": "*", "sdiv": "/", "udiv": "/",
    "srem": "%", "urem": "%", "and": "&", "or": "|", "xor": "^", "shl": "<<", "lshr": ">>", "ashr": ">>",
    "feq": "==", "flt": "<", "fle": "<=", "eq": "==", "slt": "<", "sle": "<=", "ult": "<", "ule": "<=",
}  # fmt: skip
_CALLS = {
    "ffma": "fma", "fsqrt": "sqrt", "fabs": "abs", "fmax": "max", "fmin": "min", "fmaximum": "NaN-propagating max",
    "fminimum": "NaN-propagating min", "fisnan": "isnan", "smax": "max", "smin": "min", "umax": "max", "umin": "min",
}  # fmt: skip
_FOLDS = {
    "fadd": "sum", "add": "sum", "fmax": "maximum", "fmin": "minimum", "fmaximum": "maximum", "fminimum": "minimum",
    "smax": "maximum", "smin": "minimum", "umax": "maximum", "umin": "minimum", "fmul": "product", "mul": "product",
}  # fmt: skip
_TYPES = {"f64": "double", "f32": "float", "f16": "half", "bf16": "bfloat16", "s32": "int", "u32": "unsigned"}


@dataclass(frozen=True, slots=True)
class Instance:
    """A point of a scope, with the open sizes there."""

    scope: str
    point: tuple[int, ...]
    symbols: Mapping[str, int]


@dataclass(slots=True)
class Words:
    """typed: operations with their types, `fsub.f32(x[3], b[3])`, where two texts would be alike without."""

    problem: Problem
    typed: bool = False
    _left: int = HOPS
    _format: str = ""  # of the graph's values there: of numbers in no operation that says more

    def pair(self, rest: Map, kernel: Term | None, graph: Term | None) -> tuple[str, str, str]:
        """Both sides at one instance of `rest`, and which that is: the graph's element and the sizes."""
        mine, theirs = self._instances(rest)
        scope = self.problem.graph.scopes.get(theirs.scope) if theirs is not None else None
        self._format = self.problem.graph.units[scope.unit].format if scope is not None else ""
        left = self.side(kernel, self.problem.kernel, mine)
        right = self.side(graph, self.problem.graph, theirs)
        if left == right and left and not self.typed:
            return Words(self.problem, True).pair(rest, kernel, graph)
        return left, right, self._place(theirs, right)

    def side(self, t: Term | None, system: System, at: Instance | None) -> str:
        self._left = HOPS
        return "" if t is None else self._text(t, system, at, DEPTH)

    def _instances(self, rest: Map) -> tuple[Instance | None, Instance | None]:
        sets = self.problem.sets
        try:
            found = sets.sample(rest)
        except Unknown:
            return None, None
        if found is None:
            return None, None
        symbols = {s: found[s] for s in sets.symbols}
        mine = tuple(v for k, v in found.items() if k.startswith("in_") and k not in symbols)
        theirs = tuple(v for k, v in found.items() if k.startswith("out_") and k not in symbols)
        return Instance(sets.source_name(rest), mine, symbols), Instance(sets.target_name(rest), theirs, symbols)

    def _place(self, at: Instance | None, shown: str) -> str:
        """`at y[255] with N = 256`: the element of the graph at which the two sides are shown, unless `shown` says it."""
        scope = self.problem.graph.scopes.get(at.scope) if at is not None else None
        if at is None or scope is None:
            return ""
        unit = self.problem.graph.units[scope.unit]
        sizes = ", ".join(f"{s} = {v}" for s, v in at.symbols.items() if "_" not in s)
        element = self._element(unit.name, at.point[: len(unit.shape)])
        if unit.inner or element == shown:
            return f"with {sizes}" if sizes else ""
        return f"at {element} with {sizes}" if sizes else f"at {element}"

    def _element(self, unit: str, index: tuple[int, ...] | None) -> str:
        u = self.problem.graph.units[unit]
        name = u.tensor or u.name
        if index is None:
            return f"{name}[...]" if u.shape else name
        names = [f"layer {v}" if d == "layer" else str(v) for d, v in zip(u.scope.dims, index, strict=False)]
        return f"{name}[{', '.join(names)}]" if names else name

    # -------------------------------------------------------------- instances
    def _point(self, at: Instance, system: System) -> Set:
        scope = system.scopes[at.scope]
        dims = [eq(Affine.dim(d), v) for d, v in zip(scope.dims, at.point, strict=True)]
        return self.problem.sets.set(at.scope, scope.dims, all_of(*dims, *self._sizes(at)))

    def _sizes(self, at: Instance) -> list[Formula]:
        return [eq(Affine.sym(s), v) for s, v in at.symbols.items()]

    def _moved(self, at: Instance | None, m: Map, system: System) -> Instance | None:
        """The instance that an index map leads to."""
        sets = self.problem.sets
        if at is None or sets.source_name(m) != at.scope:
            return None
        try:
            found = sets.sample(sets.restrict_domain(m, self._point(at, system)))
        except Unknown:
            return None
        if found is None:
            return None
        to = tuple(v for k, v in found.items() if k.startswith("out_") and k not in at.symbols)
        return replace(at, scope=sets.target_name(m), point=to)

    # -------------------------------------------------------------- terms
    def _text(self, t: Term, system: System, at: Instance | None, depth: int, label: str = "") -> str:
        match t.kind:
            case "const":
                label = label or (self._format if self._format and type_width(self._format) == t.width else "")
                return number(t.bits, label) if label else f"0x{t.bits:0{(t.width + 3) // 4}x}"
            case "index":
                to = self._moved(at, t.embedding(), system)
                return str(to.point[0]) if to is not None and to.point else "an index"
            case "input":
                return self._input(t, system, at)
            case "ref":
                return self._ref(t, system, at, depth, label)
            case "case":
                chosen = self._chosen(t, system, at)
                return "..." if chosen is None else self._text(chosen, system, at, depth, label)
            case "undefined":
                return uninitialised(t).replace("`", "")
            case "hole":
                return "the sum so far"
            case "op" if depth:
                return self._op(t, system, at, depth, label)
            case "reduce" if depth:
                return self._reduce(t, system, at, depth)
            case _:
                return "..." if t.kind in ("op", "reduce", "pick") else show(t, 1)

    def _reduce(self, t: Term, system: System, at: Instance | None, depth: int) -> str:
        """A fold by one of its rounds: `the sum of x[0, 63] and so on`."""
        head, step = t.name.split(".")[0], t.args[0]
        name = _FOLDS.get(head, head)
        parts = [a for a in step.args if a.kind != "hole"] if step.kind == "op" and step.name == t.name else [step]
        round = self._moved(at, t.embedding(), system)
        said = [self._text(a, system, round, depth - 1, _label(head, t.name.split(".")[1:])) for a in parts]
        return f"the {t.name if self.typed else name} of {', '.join(said)} and so on"

    def _input(self, t: Term, system: System, at: Instance | None) -> str:
        to = self._moved(at, t.embedding(), system)
        if system is self.problem.graph:
            return self._element(t.name, to.point if to is not None else None)
        for unit, images in self.problem.images.items():
            for image in images:
                if image.object == t.name:
                    back = self._back(to, image.cells)
                    if back is not None or to is None:
                        return self._element(unit, back)
        return t.name + (f"[{', '.join(map(str, to.point))}]" if to is not None else "[...]")

    def _back(self, cell: Instance | None, cells: Map) -> tuple[int, ...] | None:
        """The element of a tensor that lies in a cell of a buffer."""
        sets = self.problem.sets
        if cell is None or sets.target_name(cells) != cell.scope:
            return None
        dims = [f"c{k}" for k in range(len(cell.point))]
        at = [eq(Affine.dim(d), v) for d, v in zip(dims, cell.point, strict=True)]
        point = sets.set(cell.scope, dims, all_of(*at, *self._sizes(cell)))
        try:
            found = sets.sample(sets.restrict_range(cells, point))
        except Unknown:
            return None
        if found is None:
            return None
        return tuple(v for k, v in found.items() if k.startswith("in_") and k not in cell.symbols)

    def _ref(self, t: Term, system: System, at: Instance | None, depth: int, label: str) -> str:
        to = self._moved(at, t.embedding(), system)
        if system is self.problem.graph and not system.units[t.name].inner:
            return self._element(t.name, to.point if to is not None else None)
        self._left -= 1
        if self._left < 0:
            return "..."
        return self._text(system.units[t.name].value, system, to, depth, label)

    def _chosen(self, t: Term, system: System, at: Instance | None) -> Term | None:
        if at is None:
            return None
        sets, point = self.problem.sets, self._point(at, system)
        try:
            return next((a for s, a in zip(t.sets, t.args, strict=True) if sets.subset(point, s)), None)
        except Unknown:
            return None

    def _op(self, t: Term, system: System, at: Instance | None, depth: int, label: str) -> str:
        """label: the element type that the result is taken for, which a select passes on."""
        head, *rest = t.name.split(".")
        labels = ["", label, label] if head == "select" else [_label(head, rest)] * len(t.args)
        args = [self._text(a, system, at, depth - 1, x) for a, x in zip(t.args, labels, strict=True)]
        if self.typed:
            return f"{t.name}({', '.join(args)})"
        if head in _INFIX and len(args) == 2:
            return f"{_bracketed(args[0])} {_INFIX[head]} {_bracketed(args[1])}"
        match head:
            case "fneg":
                return f"-{_bracketed(args[0])}"
            case "select":
                return " ".join((_bracketed(args[0]), "?", _bracketed(args[1]), ":", _bracketed(args[2])))
            case "fupper":
                a, b = map(_bracketed, args)
                return f"{a} < {b} ? {b} : {a}"
            case "flower":
                a, b = map(_bracketed, args)
                return f"{b} < {a} ? {b} : {a}"
            case "cvt":
                return f"({_TYPES.get(rest[0], rest[0])})({args[0]})"
            case _:
                name = head.removeprefix(FOLDED)
                said = f"{_CALLS.get(name, name)}({', '.join(args)})"
                return said if name == head else f"{said} (evaluated by nvcc)"


def _bracketed(text: str) -> str:
    """The text as an operand: in brackets where a space stands outside of any."""
    depth = 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == " " and depth == 0:
            return f"({text})"
    return text


def _label(head: str, rest: list[str]) -> str:
    """The element type of the operands, for the numbers in them; "" where an operation does not say."""
    if not rest or head in ("extract", "concat"):
        return ""
    if head == "cvt":
        return rest[1]
    kind = rest[0]
    return "s" + kind[1:] if kind.startswith("i") else kind
