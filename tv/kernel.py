"""Kernel IR: a CUDA kernel after inlining, typed and structured, with C's conversions made explicit.

Both CUDA readers produce it, symbolic execution and the interpreter consume it. Expressions are pure: memory is read only
by `Load`, lanes talk only through `Shuffle` and `Vote`. A vector value (`float4`, `half2`, `uint4`) is several scalars;
a local variable whose bytes are reinterpreted is a `local` memory object. Pointers are gone: an access names one
memory object and a byte offset (type I64). `check(kernel)` states the rules and is called after every producer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from tv.source import NOWHERE, Span


class Scalar(Enum):
    """Scalar types: C's name is beside each."""

    BOOL = ("bool", 1, False, False)
    I8 = ("i8", 8, True, False)
    U8 = ("u8", 8, False, False)
    I16 = ("i16", 16, True, False)
    U16 = ("u16", 16, False, False)
    I32 = ("i32", 32, True, False)
    U32 = ("u32", 32, False, False)
    I64 = ("i64", 64, True, False)
    U64 = ("u64", 64, False, False)
    F16 = ("f16", 16, True, True)
    BF16 = ("bf16", 16, True, True)
    F32 = ("f32", 32, True, True)
    F64 = ("f64", 64, True, True)

    def __init__(self, label: str, bits: int, signed: bool, is_float: bool) -> None:
        self.label, self.bits, self.signed, self.is_float = label, bits, signed, is_float

    @property
    def bytes(self) -> int:
        """Size in memory; a bool takes one byte."""
        return max(self.bits // 8, 1)

    @property
    def is_int(self) -> bool:
        return not self.is_float and self is not Scalar.BOOL

    def __repr__(self) -> str:
        return self.label


# ------------------------------------------------------------------------------------------------ expressions
@dataclass(frozen=True, slots=True)
class Expr:
    """Base of all expressions; `type` is the type of the value."""

    type: Scalar


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A literal, as the bits of its type (two's complement, IEEE)."""

    bits: int
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Var(Expr):
    """A scalar local variable; names are unique in the kernel after inlining and scoping."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Param(Expr):
    """A scalar kernel parameter, never assigned (the reader copies a parameter that is)."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Builtin(Expr):
    """`threadIdx.x` .. `gridDim.z`, type U32."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """op: `neg` (ints wrap, floats flip the sign), `not` (bitwise on ints, logical on BOOL)."""

    op: str
    a: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """op: add sub mul div rem and or xor shl shr min max, on operands of `type` (a shift's count: any int type).

    Ints are C's: signed overflow is undefined, division truncates. `rn`: a float operation that is never contracted
    (`__fadd_rn`, `__hmul_rn`); without it a multiply that reaches an add may become an fma where the launch says `fmad`.
    min and max are for ints only; `fmaxf` and its kin are a `Call`.
    """

    op: str
    a: Expr
    b: Expr
    rn: bool = False
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """type BOOL; op: eq ne lt le gt ge, on two operands of one type (its signedness counts; floats: ordered, ne unordered)."""

    op: str
    a: Expr
    b: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Select(Expr):
    """cond ? a : b where both arms are pure; a and b have type `type`. `&&` and `||` of pure operands are Select or Binary and/or on BOOL."""

    cond: Expr
    a: Expr
    b: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Convert(Expr):
    """Numeric conversion of C: int to int (wrap or extend), int to float and float to float (to nearest even unless
    `rounding` is rz, ru or rd), float to int (toward zero; out of range is undefined), anything to BOOL (!= 0)."""

    a: Expr
    rounding: str = "rn"
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Bitcast(Expr):
    """The same bits as another type of the same width (`__float_as_int`)."""

    a: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Pack(Expr):
    """Little-endian concatenation of narrower values into one int: parts[0] is the low end."""

    parts: tuple[Expr, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Extract(Expr):
    """Bits [low, low + type.bits) of `a`, as `type`."""

    a: Expr
    low: int
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A math function, by canonical name without type suffix, evaluated in `type`:

    exact IEEE: sqrt fma fmax fmin fabs floor ceil trunc rint (round to even); symbols: exp log sin cos tanh erf pow
    rsqrt exp2 log2 log10 exp10 ...; fast forms are other symbols: fast_exp fast_log fast_sin fast_cos fast_div fast_pow
    rcp_approx. hmax/hmin on 16 bits are fmax/fmin of that type.
    """

    function: str
    args: tuple[Expr, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class NotNull(Expr):
    """type BOOL: whether the pointer parameter that `object` names is bound to a buffer (a spec may bind it to null)."""

    object: str
    span: Span = NOWHERE


# ------------------------------------------------------------------------------------------------ memory
class Space(Enum):
    GLOBAL = "global"
    SHARED = "shared"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """One allocation. `extents`: C dimensions in elements of `element`, outermost first; None where the launch decides
    (a pointer parameter, `extern __shared__`). All `extern __shared__` names are one object called `dynamic_shared`."""

    name: str
    space: Space
    element: Scalar
    extents: tuple[int, ...] | None
    align: int
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class MemRef:
    """`count` consecutive elements of `type` at byte `offset` (type I64) of an object.

    access: weak | volatile | readonly (`__ldg`, ld.global.nc, or through a `const T* __restrict__` parameter) | cached
    (`__ldcg`, `__ldcs`). The address must be a multiple of count * type.bytes.
    """

    object: str
    offset: Expr
    type: Scalar
    count: int = 1
    access: str = "weak"
    span: Span = NOWHERE


# ------------------------------------------------------------------------------------------------ statements
@dataclass(frozen=True, slots=True)
class Stmt:
    """Base of all statements."""

    span: Span


@dataclass(frozen=True, slots=True)
class Assign(Stmt):
    var: Var
    value: Expr


@dataclass(frozen=True, slots=True)
class Load(Stmt):
    """dests[i] = element i of the reference; each has type ref.type."""

    dests: tuple[Var, ...]
    ref: MemRef


@dataclass(frozen=True, slots=True)
class Store(Stmt):
    ref: MemRef
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class If(Stmt):
    cond: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop(Stmt):
    """prelude; while (cond) { body; step; prelude }. `continue` goes to step. test_first=False is do-while: the first
    round skips the test. `prelude` holds the loads that `cond` needs, mostly none. The init of a `for` stands before it."""

    cond: Expr
    body: tuple[Stmt, ...]
    step: tuple[Stmt, ...] = ()
    prelude: tuple[Stmt, ...] = ()
    test_first: bool = True


@dataclass(frozen=True, slots=True)
class Break(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Continue(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Return(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Barrier(Stmt):
    """scope: warp (`__syncwarp`, mask or None for all), block (`__syncthreads`), grid (`cooperative_groups` grid sync).

    counter, target: of a grid barrier recognised as an atomic counter that all blocks raise to `target` (never from a reader).
    """

    scope: str
    mask: Expr | None = None
    counter: str = ""
    target: Expr | None = None


@dataclass(frozen=True, slots=True)
class Shuffle(Stmt):
    """mode: idx up down xor, as `__shfl_*_sync(mask, value, lane, width)`."""

    dest: Var
    mode: str
    value: Expr
    lane: Expr
    width: int
    mask: Expr


@dataclass(frozen=True, slots=True)
class Vote(Stmt):
    """mode: ballot any all."""

    dest: Var
    mode: str
    value: Expr
    mask: Expr


@dataclass(frozen=True, slots=True)
class Atomic(Stmt):
    """op: add sub min max and or xor exch cas inc dec load store. order: relaxed acquire release acq_rel seq_cst.
    scope: block device system. A plain `atomicAdd` is relaxed, device. `dest` is None where the result is unused."""

    dest: Var | None
    op: str
    ref: MemRef
    operands: tuple[Expr, ...]
    order: str = "relaxed"
    scope: str = "device"


@dataclass(frozen=True, slots=True)
class Fence(Stmt):
    """scope: block device system."""

    scope: str


@dataclass(frozen=True, slots=True)
class AsyncCopy(Stmt):
    """`__pipeline_memcpy_async(dst, src, bytes, zfill)`: dst and src have the same count and type."""

    dst: MemRef
    src: MemRef
    zero_fill: Expr | None = None


@dataclass(frozen=True, slots=True)
class AsyncCommit(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class AsyncWait(Stmt):
    """Waits until at most `groups` later committed groups of this thread are pending."""

    groups: int


@dataclass(frozen=True, slots=True)
class Assume(Stmt):
    """`assert`, `__builtin_assume`: an obligation at this point, never a hypothesis."""

    cond: Expr
    word: str


@dataclass(frozen=True, slots=True)
class Declare(Stmt):
    """The lifetime of a local object begins: what it held in an earlier round of a loop is gone."""

    object: str


# ------------------------------------------------------------------------------------------------ kernel
@dataclass(frozen=True, slots=True)
class Parameter:
    """A kernel parameter. A pointer has `pointee` (its object has the parameter's name), a scalar has `type`.

    readonly: declared `const T*`; restrict: `__restrict__`. `const T* __restrict__` loads are emitted with access="readonly".
    """

    name: str
    type: Scalar | None
    pointee: Scalar | None = None
    readonly: bool = False
    restrict: bool = False
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Kernel:
    name: str
    parameters: tuple[Parameter, ...]
    objects: dict[str, MemoryObject]  # pointer parameters, shared, local arrays, module globals that it uses
    body: tuple[Stmt, ...]
    max_threads: int | None = None  # __launch_bounds__
    span: Span = NOWHERE
    globals: dict[str, tuple[int, ...]] = field(default_factory=dict)  # initial elements (bits) of module-scope objects


@dataclass(frozen=True, slots=True)
class HostLaunch:
    """`name<<<grid, block, shared>>>(args)` found in host code; None where an operand did not evaluate."""

    kernel: str
    grid: tuple[int, int, int] | None
    block: tuple[int, int, int] | None
    shared: int | None
    args: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Module:
    """A translation unit: its kernels, and the launches seen in host code."""

    kernels: dict[str, Kernel]
    launches: tuple[HostLaunch, ...] = ()


# ------------------------------------------------------------------------------------------------ the IR's rules
INT_OPS = frozenset("add sub mul div rem and or xor shl shr min max".split())
FLOAT_OPS = frozenset("add sub mul div".split())
COMPARES = frozenset("eq ne lt le gt ge".split())


def children(e: Expr) -> tuple[Expr, ...]:
    """Direct operands of an expression."""
    match e:
        case Const() | Var() | Param() | Builtin() | NotNull():
            return ()
        case Unary(a=a) | Convert(a=a) | Bitcast(a=a) | Extract(a=a):
            return (a,)
        case Binary(a=a, b=b) | Compare(a=a, b=b):
            return (a, b)
        case Select(cond=c, a=a, b=b):
            return (c, a, b)
        case Pack(parts=parts):
            return parts
        case Call(args=args):
            return args
        case _:
            raise TypeError(f"not an expression of the Kernel IR: {e!r}")


def blocks(s: Stmt) -> tuple[tuple[Stmt, ...], ...]:
    """The statement lists inside a statement."""
    match s:
        case If(then=a, orelse=b):
            return (a, b)
        case Loop(prelude=p, body=b, step=c):
            return (p, b, c)
        case _:
            return ()


def walk(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """Every statement, outer before inner, in text order."""
    stack = list(reversed(body))
    while stack:
        s = stack.pop()
        yield s
        for inner in reversed(blocks(s)):
            stack.extend(reversed(inner))


def expressions(s: Stmt) -> tuple[Expr, ...]:
    """The expressions that a statement evaluates itself (not those of its inner statements)."""
    match s:
        case Assign(value=v):
            return (v,)
        case Load(ref=r):
            return (r.offset,)
        case Store(ref=r, values=vs):
            return (r.offset, *vs)
        case If(cond=c) | Loop(cond=c) | Assume(cond=c):
            return (c,)
        case Barrier(mask=m, target=t):
            return tuple(e for e in (m, t) if e is not None)
        case Shuffle(value=v, lane=lane, mask=m):
            return (v, lane, m)
        case Vote(value=v, mask=m):
            return (v, m)
        case Atomic(ref=r, operands=ops):
            return (r.offset, *ops)
        case AsyncCopy(dst=d, src=r, zero_fill=z):
            return (d.offset, r.offset) if z is None else (d.offset, r.offset, z)
        case Break() | Continue() | Return() | Fence() | AsyncCommit() | AsyncWait() | Declare():
            return ()
        case _:
            raise TypeError(f"not a statement of the Kernel IR: {s!r}")


def assigned(s: Stmt) -> tuple[Var, ...]:
    """The variables that a statement itself writes."""
    match s:
        case Assign(var=v):
            return (v,)
        case Load(dests=vs):
            return vs
        case Shuffle(dest=v) | Vote(dest=v):
            return (v,)
        case Atomic(dest=v):
            return () if v is None else (v,)
        case _:
            return ()


def references(s: Stmt) -> tuple[MemRef, ...]:
    match s:
        case Load(ref=r) | Store(ref=r) | Atomic(ref=r):
            return (r,)
        case AsyncCopy(dst=d, src=r):
            return (d, r)
        case _:
            return ()


def _require(ok: bool, what: str, where: object) -> None:
    if not ok:
        raise TypeError(f"Kernel IR: {what}: {where!r}")


def _check_expr(e: Expr, kernel: Kernel, params: dict[str, Scalar | None]) -> None:
    for c in children(e):
        _check_expr(c, kernel, params)
    match e:
        case Const(type=t, bits=b):
            _require(0 <= b < 1 << t.bits, "constant wider than its type", e)
        case Param(type=t, name=n):
            _require(params.get(n) is t, "no such scalar parameter", e)
        case Builtin(type=t):
            _require(t is Scalar.U32, "builtins are U32", e)
        case NotNull(type=t, object=name):
            _require(
                t is Scalar.BOOL and name in kernel.objects and name in params, "null test of a pointer parameter", e
            )
        case Binary(type=t, op=op, a=a, b=b):
            if t is Scalar.BOOL:
                _require(op in ("and", "or", "xor"), "operator on bool", e)
            else:
                _require(op in (FLOAT_OPS if t.is_float else INT_OPS), "operator", e)
            _require(a.type is t and (b.type is t or (op in ("shl", "shr") and b.type.is_int)), "operand types", e)
        case Compare(type=t, op=op, a=a, b=b):
            _require(t is Scalar.BOOL and op in COMPARES and a.type is b.type, "comparison", e)
        case Select(type=t, cond=c, a=a, b=b):
            _require(c.type is Scalar.BOOL and a.type is t and b.type is t, "select", e)
        case Unary(type=t, op=op, a=a):
            _require(op in ("neg", "not") and a.type is t, "unary", e)
        case Bitcast(type=t, a=a):
            _require(a.type.bits == t.bits, "bitcast width", e)
        case Pack(type=t, parts=ps):
            _require(sum(p.type.bits for p in ps) == t.bits, "pack width", e)
        case Extract(type=t, a=a, low=low):
            _require(0 <= low and low + t.bits <= a.type.bits, "extract range", e)


def check(kernel: Kernel) -> Kernel:
    """Raises TypeError where a reader broke a rule of the IR; returns the kernel."""
    params = {p.name: p.type for p in kernel.parameters}
    types: dict[str, Scalar] = {}
    for p in kernel.parameters:
        _require((p.type is None) != (p.pointee is None), "parameter is a scalar or a pointer", p)
        if p.pointee is not None:
            _require(p.name in kernel.objects, "pointer parameter without an object", p)
    for s in walk(kernel.body):
        for v in assigned(s):
            _require(types.setdefault(v.name, v.type) is v.type, "variable with two types", v)
        for e in expressions(s):
            _check_expr(e, kernel, params)
        for r in references(s):
            _require(r.object in kernel.objects, "unknown memory object", r)
            _require(r.offset.type is Scalar.I64 and r.count in (1, 2, 4, 8, 16), "reference", r)
        match s:
            case Load(dests=ds, ref=r):
                _require(len(ds) == r.count and all(d.type is r.type for d in ds), "load destinations", s)
            case Store(values=vs, ref=r):
                _require(len(vs) == r.count and all(v.type is r.type for v in vs), "stored values", s)
            case If(cond=c) | Loop(cond=c) | Assume(cond=c):
                _require(c.type is Scalar.BOOL, "condition is not bool", s)
    return kernel
