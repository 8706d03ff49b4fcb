"""Memory built-ins: cached and read-only loads, atomics, asynchronous copies, vector constructors, assertions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS, Call, builtin, part, pointer, scalar_value
from tv.cuda_frontend.convert import scalar_convert, to_type, type_error
from tv.cuda_frontend.ctype import VOID, Arith, CType, Ptr, Vector, size_of, vector
from tv.cuda_frontend.cuda_types import VECTOR_TYPES
from tv.cuda_frontend.places import dereference, multiple, read, write
from tv.cuda_frontend.restrict import based_on
from tv.cuda_frontend.usage import changes, evaluated
from tv.cuda_frontend.values import Known, Memory, Place, Pointer, Register, Result, Value
from tv.kernel import Assume, AsyncCommit, AsyncCopy, AsyncWait, Atomic, Const, MemRef, Scalar, Space, Var

S = Scalar
NOTHING = Value(VOID)


# ------------------------------------------------------------------------------------------------ loads and stores
def _require_space(c: Call, name: str, space: Space) -> None:
    """These become instructions of one state space (`ld.global`, `cp.async`): elsewhere their address is another, or none."""
    if name in c.ctx.tables and c.name != "__ldg":
        raise c.unsupported(f"`{c.name}` of a table of pointers", "take the pointer by its index")
    found = "constant" if name in c.ctx.constant_memory else c.ctx.objects[name].space.value
    if found != space.value:
        text = f"`{c.name}` of {found} memory, where an address of {space.value} memory is due"
        raise type_error(text, c.span, "access it plainly")


def _load(access: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(1)
        p = pointer(c.values()[0], c.name, c.span)
        assert p.object is not None
        _require_space(c, p.object, Space.GLOBAL)
        return read(c.ctx, replace(dereference(c.ctx, p, c.span), access=access), c.span)

    return handler


BUILTINS.add("__ldg")(_load("readonly"))
BUILTINS.add("__ldcg", "__ldcs", "__ldca", "__ldlu", "__ldcv")(_load("cached"))


@builtin("__stcg", "__stcs", "__stwb", "__stwt")
def _store(c: Call) -> Result:
    c.count(2)
    to, value = c.values()
    p = pointer(to, c.name, c.span)
    assert p.object is not None
    _require_space(c, p.object, Space.GLOBAL)
    place = dereference(c.ctx, p, c.span)
    write(c.ctx, place, to_type(c.ctx, value, p.type.target, c.span), c.span)
    return NOTHING


# ------------------------------------------------------------------------------------------------ atomics
_ATOMIC = {"Add": "add", "Sub": "sub", "Min": "min", "Max": "max", "Exch": "exch", "And": "and", "Or": "or", "Xor": "xor",
           "Inc": "inc", "Dec": "dec", "CAS": "cas"}  # fmt: skip
_TYPES = {"add": (S.I32, S.U32, S.U64, S.F32, S.F64, S.F16, S.BF16), "exch": (S.I32, S.U32, S.U64, S.F32), "sub": (S.I32, S.U32),
          "inc": (S.U32,), "dec": (S.U32,), "cas": (S.I32, S.U32, S.U64, S.U16)}  # fmt: skip


def atomic(c: Call, op: str, p: Pointer, operands: list[Result], order: str, scope: str) -> Value:
    """An atomic on one scalar; its old value."""
    t = p.type.target
    if not isinstance(t, Arith) or p.object is None or p.type.const:
        raise type_error(f"`{c.name}` on `{p.type}`", c.span)
    if c.ctx.objects[p.object].space is Space.LOCAL or p.object in c.ctx.constant_memory:
        raise type_error(f"`{c.name}` of memory that is neither global nor shared", c.span)
    c.ctx.require_writable(p.object, c.span)
    allowed = _TYPES.get(op, (S.I32, S.U32, S.I64, S.U64))
    if t.scalar not in allowed:
        raise type_error(f"`{c.name}` on `{t}`", c.span)
    values = tuple(part(to_type(c.ctx, r, t, c.span), c.span) for r in operands)
    ref = MemRef(p.object, p.offset, t.scalar, 1, "weak", c.span, based_on(p.bases), p.entry)
    dest = None if op == "store" else c.ctx.temp(t.scalar, c.span)
    c.ctx.emit(Atomic(c.span, dest, op, ref, values, order, scope))
    return NOTHING if dest is None else scalar_value(Var(t.scalar, dest.name, c.span))


def _plain_atomic(op: str, scope: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(3 if op == "cas" else 2)
        to, *operands = c.values()
        return atomic(c, op, pointer(to, c.name, c.span), operands, "relaxed", scope)

    return handler


for _word, _op in _ATOMIC.items():
    for _suffix, _scope in (("", "device"), ("_block", "block"), ("_system", "system")):
        BUILTINS.add(f"atomic{_word}{_suffix}")(_plain_atomic(_op, _scope))

ORDERS = {"__NV_ATOMIC_RELAXED": "relaxed", "__NV_ATOMIC_CONSUME": "acquire", "__NV_ATOMIC_ACQUIRE": "acquire",
          "__NV_ATOMIC_RELEASE": "release", "__NV_ATOMIC_ACQ_REL": "acq_rel", "__NV_ATOMIC_SEQ_CST": "seq_cst"}  # fmt: skip
SCOPES = {
    "__NV_THREAD_SCOPE_BLOCK": "block",
    "__NV_THREAD_SCOPE_DEVICE": "device",
    "__NV_THREAD_SCOPE_SYSTEM": "system",
}
# Named constants of the compiler: (a type, a value); the values are what nvcc's own headers give them.
CONSTANTS = {name: i for i, name in enumerate(ORDERS)} | {
    "__NV_THREAD_SCOPE_THREAD": 0, "__NV_THREAD_SCOPE_BLOCK": 1, "__NV_THREAD_SCOPE_CLUSTER": 2, "__NV_THREAD_SCOPE_DEVICE": 3,
    "__NV_THREAD_SCOPE_SYSTEM": 4,
}  # fmt: skip


def _word_of(c: Call, i: int, table: dict[str, str], what: str) -> str:
    n = c.constant(i, what)
    for name, word in table.items():
        if CONSTANTS[name] == n:
            return word
    raise c.unsupported(f"{what} {n}", "name it by its macro")


def _nv(c: Call, op: str, values: int) -> Result:
    """`__nv_atomic_*(ptr, values..., order, scope)`; the scope may be left out (system)."""
    n = c.count(values + 2, values + 3)
    order = _word_of(c, values + 1, ORDERS, "a memory order")
    scope = _word_of(c, values + 2, SCOPES, "a thread scope") if n == values + 3 else "system"
    to, *operands = Call(c.ctx, c.name, c.args[: values + 1], None, c.span).values()
    return atomic(c, op, pointer(to, c.name, c.span), operands, order, scope)


def _nv_handler(op: str, values: int) -> Callable[[Call], Result]:
    return lambda c: _nv(c, op, values)


for _op in ("add", "sub", "and", "or", "xor", "min", "max"):
    BUILTINS.add(f"__nv_atomic_fetch_{_op}", f"__nv_atomic_{_op}")(_nv_handler(_op, 1))
BUILTINS.add("__nv_atomic_exchange_n")(_nv_handler("exch", 1))
BUILTINS.add("__nv_atomic_store_n")(_nv_handler("store", 1))
_TYPES |= {"store": (S.I32, S.U32, S.I64, S.U64), "load": (S.I32, S.U32, S.I64, S.U64)}


@builtin("__nv_atomic_load_n")
def _nv_load(c: Call) -> Result:
    n = c.count(2, 3)
    order = _word_of(c, 1, ORDERS, "a memory order")
    scope = _word_of(c, 2, SCOPES, "a thread scope") if n == 3 else "system"
    p = pointer(Call(c.ctx, c.name, c.args[:1], None, c.span).values()[0], c.name, c.span)
    return atomic(c, "load", replace(p, type=Ptr(p.type.target)), [], order, scope)


# ------------------------------------------------------------------------------------------------ asynchronous copies
@builtin("__pipeline_memcpy_async")
def _memcpy_async(c: Call) -> Result:
    n = c.count(3, 4)
    size = c.constant(2, "the size of an asynchronous copy")
    if size not in (4, 8, 16):
        raise type_error(f"an asynchronous copy of {size} bytes", c.span, "4, 8 or 16")
    chosen = c.args[:2] if n == 3 else (*c.args[:2], c.args[3])
    found = Call(c.ctx, c.name, chosen, None, c.span).values()
    dst, src = pointer(found[0], c.name, c.span), pointer(found[1], c.name, c.span)
    assert dst.object is not None
    assert src.object is not None
    _require_space(c, dst.object, Space.SHARED)
    _require_space(c, src.object, Space.GLOBAL)
    c.ctx.require_writable(dst.object, c.span)
    element = _copied_type(c, dst, src, size)
    count = size // element.bytes
    fill = scalar_convert(part(found[2], c.span), S.U64, c.span) if n == 4 else None
    to = MemRef(dst.object, dst.offset, element, count, "weak", c.span, based_on(dst.bases), dst.entry)
    source = MemRef(src.object, src.offset, element, count, "weak", c.span, based_on(src.bases), src.entry)
    c.ctx.emit(AsyncCopy(c.span, to, source, fill))
    return NOTHING


def _copied_type(c: Call, dst: Pointer, src: Pointer, size: int) -> Scalar:
    """The scalar type in which both objects are declared, or the narrower one, since halves that are copied to a `uint4` are taken
    apart again: the bytes are the same in any. Bytes tell nothing, they hold what they are cast to."""
    declared = [c.ctx.objects[str(p.object)].element for p in (dst, src)]
    told = [t for t in declared if t.bytes > 1] if declared[0] is not declared[1] else declared
    narrow = min(told, key=lambda t: t.bytes, default=S.U32)
    return narrow if narrow is not S.BOOL and size % narrow.bytes == 0 else S.U32


@builtin("__pipeline_commit")
def _commit(c: Call) -> Result:
    c.count(0)
    c.ctx.emit(AsyncCommit(c.span))
    return NOTHING


MOST_PENDING = 8  # CUDA's header waits for at most so many, whatever it is asked


@builtin("__pipeline_wait_prior")
def _wait(c: Call) -> Result:
    c.count(1)
    n = c.constant(0, "the number of pending groups")
    c.ctx.emit(
        AsyncWait(c.span, n if 0 <= n < MOST_PENDING else MOST_PENDING)
    )  # size_t: a negative number is a large one
    return NOTHING


# ------------------------------------------------------------------------------------------------ vectors
def _maker(name: str) -> Callable[[Call], Result]:
    t = vector(name, *VECTOR_TYPES[name])

    def handler(c: Call) -> Result:
        return Value(t, tuple(c.scalars(*[t.scalar] * t.count)))

    return handler


for _name in VECTOR_TYPES:
    if _name not in ("half2", "__half2", "nv_bfloat162", "__nv_bfloat162", "dim3"):
        BUILTINS.add(f"make_{_name}")(_maker(_name))


# ------------------------------------------------------------------------------------------------ assumptions
@builtin("assert", "__builtin_assume")
def _assume(c: Call) -> Result:
    """`assert` evaluates its operand (under NDEBUG it is a macro and no call); of `__builtin_assume` CUDA leaves that open."""
    from tv.cuda_frontend.expressions import condition

    c.count(1)
    if c.name != "assert" and any(changes(n) for n in evaluated(c.args[0])):
        raise c.unsupported(
            f"`{c.name}` of an operand with effects, which may not happen", "compute it in a statement above"
        )
    c.ctx.emit(Assume(c.span, condition(c.ctx, c.args[0]), c.name))
    return NOTHING


@builtin("__builtin_expect")
def _expect(c: Call) -> Result:
    """`long __builtin_expect(long, long)`: what is compared or indexed with it is converted first."""
    value, _ = c.scalars(S.I64, S.I64)
    return scalar_value(value)


@builtin("__builtin_unreachable")
def _unreachable(c: Call) -> Result:
    c.count(0)
    c.ctx.emit(Assume(c.span, Const(S.BOOL, 0, c.span), c.name))
    return NOTHING


@builtin("__builtin_assume_aligned")
def _aligned(c: Call) -> Result:
    raise c.unsupported("`__builtin_assume_aligned`", "remove it: alignment is proved from the base and the offset")


@builtin("__cvta_generic_to_shared")
def _generic(c: Call) -> Result:
    raise c.unsupported(f"`{c.name}`", "an address has no value in the proof; use __pipeline_memcpy_async")


@builtin("memcpy")
def _copy(c: Call) -> Result:
    """A copy between two variables, or objects of the block or the thread: of the very size of one of their types."""
    c.count(3)
    size = c.constant(2, "the size of a `memcpy`")
    to, of = (_operand(c, e) for e in c.args[:2])
    kinds = [t for t in (type_of(of), type_of(to)) if isinstance(t, (Arith, Vector)) and size_of(t) == size]
    if not kinds or (isinstance(to, Memory) and isinstance(of, Memory) and to.object == of.object):
        raise c.unsupported("`memcpy` in device code", "assign the value, or write the loop")
    places = [_retyped(c, p, kinds[0], size) for p in (to, of)]
    write(c.ctx, places[0], read(c.ctx, places[1], c.span), c.span)
    return NOTHING


def _operand(c: Call, e: ast.Expr) -> Place:
    """What is copied: a variable by its name (`usage.copied`), else what a pointer points to."""
    from tv.cuda_frontend.expressions import value
    from tv.cuda_frontend.lvalues import place

    if isinstance(e, ast.Unary) and e.op == "&" and isinstance(e.a, ast.Name):
        return place(c.ctx, e.a)
    return dereference(c.ctx, pointer(value(c.ctx, e), c.name, c.span), c.span)


def type_of(p: Place) -> CType:
    return p.value.type if isinstance(p, Known) else p.type


def _retyped(c: Call, p: Place, t: CType, size: int) -> Place:
    match p:
        case Register(type=own) if own == t:
            return p
        case Memory(object=o, offset=at):
            memory = c.ctx.objects[o]
            if memory.space is Space.GLOBAL or memory.align % size or not multiple(at, size):
                raise c.unsupported(
                    "`memcpy` where addresses may not be aligned", "assign the value, or write the loop"
                )
            return replace(p, type=t)
        case _:
            raise c.unsupported(f"`memcpy` of `{type_of(p)}` as `{t}`", "write the loop")


@builtin("memset")
def _bytes(c: Call) -> Result:
    raise c.unsupported(f"`{c.name}` in device code", "write the loop")
