"""Several launches in order as one: a grid barrier stands between two of them, and every launch has its own share of the grid.

The end of a launch orders all that it did before all that the next one does, which is what a grid barrier means. Everything
that follows (proof, execution, certificates) then sees one kernel. What would mean something else in one kernel is said here:
`return` ends its own launch, registers, shared memory and the read-only path do not outlive it, and a value that comes from an
earlier launch was surely in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from math import prod

from tv.diagnostic import Unsupported
from tv.kernel import (
    AsyncCopy,
    AsyncWait,
    Barrier,
    Binary,
    Builtin,
    Compare,
    Const,
    Expr,
    If,
    Kernel,
    Loop,
    MemoryObject,
    Param,
    Parameter,
    Scalar,
    Shuffle,
    Space,
    Stmt,
    Vote,
    walk,
)
from tv.launch import Binding, IntOrText, Launch, ScalarBinding
from tv.sets import Affine, Sets
from tv.sets.formulas import all_of, ge, negate
from tv.spec.affine import size
from tv.spec.memories import Memory, memories, require_one_place
from tv.spec.renaming import Names, renamed
from tv.spec.resolve import Resolved, Stage

AXES = ("x", "y", "z")
Dim3 = tuple[int, int, int]


def in_one(r: Resolved) -> Resolved:
    """The same computation as a single launch; what has only one stays as it is. Raises Unsupported (TV0244), BadInput (TV0243)."""
    launches, kernels = r.spec.launches, r.kernels
    if len(launches) == 1:
        require_one_place(launches[0], kernels[0])
        return replace(r, stages=(Stage(kernels[0], launches[0], {p.name: p.name for p in kernels[0].parameters}),))
    for launch, kernel in zip(launches, kernels, strict=True):
        _require_plain(launch, kernel)
    found = memories(launches, kernels)
    whole = _Whole(launches, kernels, found, {s.name: (s.min, s.max) for s in r.spec.symbols})
    kernel, launch = whole.build()
    stages = tuple(
        Stage(k, x, {p.name: whole.called(n, p) for p in k.parameters})
        for n, (k, x) in enumerate(zip(kernels, launches, strict=True))
    )
    return replace(r, spec=replace(r.spec, launches=(launch,)), kernels=(kernel,), stages=stages)


def _require_plain(launch: Launch, kernel: Kernel) -> None:
    """Raises Unsupported for what means something else in one kernel than in a launch of its own."""
    help = "check this kernel by itself"
    waits = [s for s in walk(kernel.body) if isinstance(s, Barrier) and s.scope == "grid"]
    spins = [s for s in walk(kernel.body) if isinstance(s, Loop) and s.prelude and not s.body]
    if launch.cooperative or waits or spins:
        span = (*waits, *spins)[0].span if waits or spins else kernel.span
        raise Unsupported("TV0244", f"`{kernel.name}` waits for other blocks, in one of several launches", span, help)
    if not isinstance(launch.shared, int):
        raise Unsupported(
            "TV0244", "dynamic shared memory of an open size in one of several launches", kernel.span, help
        )


@dataclass(slots=True)
class _Whole:
    launches: tuple[Launch, ...]
    kernels: tuple[Kernel, ...]
    memories: list[Memory]
    symbols: Mapping[str, tuple[int, int]]
    parameters: list[Parameter] = field(default_factory=list)
    args: dict[str, Binding] = field(default_factory=dict)
    objects: dict[str, MemoryObject] = field(default_factory=dict)
    names: dict[tuple[int, str], str] = field(default_factory=dict)  # (launch, pointer parameter) -> object
    scalars: dict[tuple[int, str], str] = field(default_factory=dict)  # (launch, parameter by value) -> parameter
    grid: tuple[IntOrText, IntOrText, IntOrText] = (1, 1, 1)
    block: Dim3 = (1, 1, 1)

    def build(self) -> tuple[Kernel, Launch]:
        self.names |= self._buffers()
        self.grid = self._extent(0), self._extent(1), self._extent(2)
        blocks = {x.block for x in self.launches}
        self.block = blocks.pop() if len(blocks) == 1 else (max(prod(x.block) for x in self.launches), 1, 1)
        body: list[Stmt] = []
        written: set[str] = set()
        for n, kernel in enumerate(self.kernels):
            if n:
                body.append(Barrier(kernel.span, "grid"))
            body.append(self._stage(n, written))
        first = self.kernels[0]
        initial = {o: bits for k in self.kernels for o, bits in k.globals.items()}
        name = "+".join(k.name for k in self.kernels)
        kernel = Kernel(name, tuple(self.parameters), self.objects, tuple(body), None, first.span, initial)
        guessed = tuple(p for x in self.launches for p in x.guessed)
        return kernel, Launch(name, self.grid, self.block, 0, True, self.args, guessed)

    def called(self, n: int, p: Parameter) -> str:
        """What a parameter of launch n is called in the whole; null pointers have no name there."""
        return (self.names if p.type is None else self.scalars).get((n, p.name), "")

    # -------------------------------------------------------------------------------------------- memory
    def _buffers(self) -> dict[tuple[int, str], str]:
        """(launch, parameter) -> the buffer's name in the whole; its parameter and binding are added."""
        names: dict[tuple[int, str], str] = {}
        for m in self.memories:
            n, p = m.places[0]
            name = self._free(p, n)
            self.parameters.append(Parameter(name, None, m.object.element, span=m.span))
            self.args[name] = m.binding
            self.objects[name] = replace(m.object, name=name)
            names |= dict.fromkeys(m.places, name)
        return names

    def _free(self, name: str, n: int) -> str:
        taken = {p.name for p in self.parameters} | self.objects.keys() | self._variables()
        while name in taken:
            name = f"{name}_{n + 1}"
        return name

    def _variables(self) -> set[str]:
        """Module variables of any launch: nothing else gets a name of theirs."""
        return {
            o.name
            for k in self.kernels
            for o in k.objects.values()
            if o.space is Space.GLOBAL and o.name not in {p.name for p in k.parameters}
        }

    def _object(self, o: MemoryObject, n: int) -> str:
        """The name of an object that is no parameter. Module variables live on, shared and local memory does not."""
        if o.space is Space.GLOBAL:
            if self.objects.setdefault(o.name, o) != o:
                raise Unsupported(
                    "TV0244", f"two variables `{o.name}` in several launches", o.span, "rename one of them"
                )
            return o.name
        if o.extents is None:
            shared = self.launches[n].shared
            assert isinstance(shared, int)
            o = replace(o, extents=(shared // o.element.bytes,))
        name = self._free(o.name, n)
        self.objects[name] = replace(o, name=name)
        return name

    # -------------------------------------------------------------------------------------------- one launch
    def _stage(self, n: int, written: set[str]) -> Stmt:
        """The statements of launch n, under the condition that block and thread are its own. written: by earlier launches;
        this one's stores are added."""
        launch, kernel = self.launches[n], self.kernels[n]
        objects = {o: self.names.get((n, o)) or self._object(m, n) for o, m in kernel.objects.items()}
        scalars: dict[str, str] = {}
        for p in kernel.parameters:
            if p.type is not None:
                scalars[p.name] = self.scalars[n, p.name] = self._scalar(p, n, launch.args[p.name])
        threads = prod(launch.block)
        if threads != prod(self.block) and threads % 32 and _warp_wide(kernel):
            text = "a kernel with instructions of a warp, and no whole number of warps, in one of several launches"
            raise Unsupported("TV0244", text, kernel.span, "launch whole warps")
        names = Names(f"l{n + 1}_", objects, scalars, self._geometry(n), threads if threads != prod(self.block) else 0)
        body = renamed(kernel.body, names, written)
        if any(isinstance(s, AsyncCopy) for s in walk(body)):
            body = (*body, AsyncWait(kernel.span, 0))
        return If(kernel.span, self._own(n, threads), body, launch=True)

    def _scalar(self, p: Parameter, n: int, binding: Binding) -> str:
        name = self._free(p.name, n)
        self.parameters.append(replace(p, name=name))
        self.args[name] = binding
        return name

    # -------------------------------------------------------------------------------------------- geometry
    def _extent(self, axis: int) -> IntOrText:
        """Blocks along an axis: at least those of every launch."""
        return reduce(self._covering, [x.grid[axis] for x in self.launches])

    def _covering(self, a: IntOrText, b: IntOrText) -> IntOrText:
        if a == b:
            return a
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        known = {s: Affine.sym(s) for s in self.symbols}
        x, y = size(a, known), size(b, known)
        low = [ge(known[s], r[0]) for s, r in self.symbols.items()]
        high = [ge(Affine.of(r[1]), known[s]) for s, r in self.symbols.items()]
        sets = Sets(tuple(self.symbols), all_of(*low, *high))
        for p, q, chosen in ((x, y, a), (y, x, b)):
            if sets.empty(sets.set("Extents", (), negate(ge(p - q)))):
                return chosen
        return f"({a}) + ({b})"

    def _geometry(self, n: int) -> dict[str, Expr]:
        """What `threadIdx`, `blockDim` and `gridDim` of launch n are in the whole; `blockIdx` is the same."""
        launch, out = self.launches[n], {}
        for i, axis in enumerate(AXES):
            out[f"blockDim.{axis}"] = _number(launch.block[i])
            out[f"gridDim.{axis}"] = self._count(n, i)
            if launch.block != self.block:
                out[f"threadIdx.{axis}"] = _digit(Builtin(Scalar.U32, "threadIdx.x"), launch.block, i)
        return out

    def _count(self, n: int, axis: int) -> Expr:
        extent = self.launches[n].grid[axis]
        if isinstance(extent, int):
            return _number(extent)
        name = f"launch{n + 1}.gridDim.{AXES[axis]}"
        if name not in self.args:
            self.parameters.append(Parameter(name, Scalar.U32, span=self.kernels[n].span))
            self.args[name] = ScalarBinding(extent)
        return Param(Scalar.U32, name)

    def _own(self, n: int, threads: int) -> Expr:
        """Is this block and this thread one of launch n's?"""
        conds: list[Expr] = []
        for i, axis in enumerate(AXES):
            if self.launches[n].grid[i] != self.grid[i]:
                conds.append(Compare(Scalar.BOOL, "lt", Builtin(Scalar.U32, f"blockIdx.{axis}"), self._count(n, i)))
        if threads != prod(self.block):
            conds.append(Compare(Scalar.BOOL, "lt", Builtin(Scalar.U32, "threadIdx.x"), _number(threads)))
        return reduce(lambda a, b: Binary(Scalar.BOOL, "and", a, b), conds) if conds else Const(Scalar.BOOL, 1)


def _warp_wide(kernel: Kernel) -> bool:
    return any(
        isinstance(s, Shuffle | Vote) or (isinstance(s, Barrier) and s.scope == "warp") for s in walk(kernel.body)
    )


def _number(n: int) -> Expr:
    return Const(Scalar.U32, n)


def _digit(linear: Expr, block: Dim3, axis: int) -> Expr:
    """`threadIdx` along an axis, from the linear index of the thread."""
    below, e = prod(block[:axis]), linear
    if block[axis] == 1:
        return _number(0)
    if below > 1:
        e = Binary(Scalar.U32, "div", e, _number(below))
    return Binary(Scalar.U32, "rem", e, _number(block[axis])) if prod(block[axis + 1 :]) > 1 else e
