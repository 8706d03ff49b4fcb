"""Atomic operations. Threads of a group execute one in order of their position, so that runs repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tv.arithmetic import decode
from tv.diagnostic import Unsupported
from tv.kernel import Atomic, MemRef, Scalar, Space
from tv.replay import rounding
from tv.replay.carriers import Array, from_bits, to_bits
from tv.replay.expressions import Expression
from tv.replay.frame import Frame
from tv.replay.masks import Mask
from tv.replay.mathlib import MathLibrary
from tv.replay.memory import Access, Changes, Region
from tv.replay.nans import Nans

Effect = Callable[[Frame, Mask], None]

_OPERANDS = dict.fromkeys("add sub min max and or xor exch inc dec store".split(), 1) | {"load": 0, "cas": 2}
_BITWISE = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
_GATHERED = {"add": np.add, "min": np.minimum, "max": np.maximum} | _BITWISE  # on ints: any order, same result
_ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")


def observe(frame: Frame, ref: MemRef, access: Access, order: str = "relaxed", *, reads: bool, writes: bool) -> None:
    """Tells the clocks of the accesses, one thread after the other."""
    if order == "relaxed" and frame.order.quiet(frame.group):
        return
    region = frame.memory.regions[ref.object]
    who = frame.memory.who(access)
    for i, address in enumerate(access.address.tolist()):
        frame.order.atomic(who, i, (region.serial, address), order, reads=reads, writes=writes)


def compile_atomic(s: Atomic, math: MathLibrary) -> Effect:
    """Raises Unsupported for an unknown operation, order or type."""
    scalar = s.ref.type
    if _OPERANDS.get(s.op) != len(s.operands) or s.order not in _ORDERS or s.ref.count != 1:
        raise Unsupported("TV0706", f"atomic `{s.op}` of order `{s.order}`", s.span, f"known: {', '.join(_OPERANDS)}")
    if scalar.is_float and s.op not in ("add", "sub", "min", "max", "exch", "load", "store"):
        raise Unsupported("TV0706", f"atomic `{s.op}` on {scalar!r}", s.span)
    offset, operands = Expression(s.ref.offset, math), [Expression(o, math) for o in s.operands]
    reads, writes = s.op != "store", s.op != "load"
    kind = ("atomic_rewrite" if reads else "atomic_write") if writes else "atomic_read"

    def run(frame: Frame, mask: Mask) -> None:
        for operand in (offset, *operands):
            operand.require(frame, mask, "an atomic", s.span)
        memory = frame.memory
        region = memory.regions[s.ref.object]
        if writes and region.space is Space.GLOBAL:
            frame.scheduler.before_atomic()
        access = memory.locate(s.ref, offset.value(frame, mask), mask)
        bits = [memory.bits_of(o.value(frame, mask), scalar, access) for o in operands]
        memory.watch(kind, s.ref, access, s.span, bits)
        observe(frame, s.ref, access, s.order, reads=reads, writes=writes)
        unset = _uninitialised(frame, region, access, s) if reads else None
        old = _execute(s, region, access, bits, memory.changes, math.nans)
        if unset is not None and writes and s.op != "exch":  # what was any content is any content still
            region.buffer.forget(access.address[unset], s.ref.type.bytes)
        summed = scalar.is_float and s.dest is None and s.op in ("add", "sub")
        if summed:
            added, found = (decode(b.astype(np.uint64), scalar.label).astype(np.float64) for b in (bits[0], old))
            memory.changes.sums.add(region.serial, scalar.label, access.address, added, found)
        if (
            writes
            and not summed
            and (s.dest is not None or scalar.is_float or s.op in ("exch", "cas", "store", "inc", "dec"))
        ):
            frame.ordered_atomics = True
        if s.dest is not None:
            value = np.zeros(mask.width, dtype=from_bits(old, scalar).dtype)
            value[access.positions] = from_bits(old, scalar)
            frame.assign(s.dest.name, value, mask)

    return run


def _uninitialised(frame: Frame, region: Region, access: Access, s: Atomic) -> Array | None:
    """Which threads find a cell that nothing has set. That is a defect where they use what they find, or an output keeps it,
    as it does where nothing is put in its place."""
    good = region.buffer.initialised(access.address, s.ref.type.bytes)
    if good is not None and (s.dest is not None or (region.output and s.op != "exch")):
        text = "an atomic reads memory that was never written"
        frame.memory.undefined(access, ~good, s.span, text, s.ref.object)
    return None if good is None else ~good


def _execute(s: Atomic, region: Region, access: Access, bits: list[Array], changes: Changes, nans: Nans) -> Array:
    """Performs the operation; returns the bits that each thread found."""
    width, buffer = s.ref.type.bytes, region.buffer
    if s.op == "load":
        return buffer.load(access.address, width)
    ranks = _ranks(access.address)
    if s.dest is None and s.op in _GATHERED and s.ref.type.is_int and ranks.any():
        changes.count += 1
        return _gather(s, region, access, bits[0])
    old = np.zeros(len(access.address), dtype=bits[0].dtype)
    flush = s.ref.type is Scalar.F32 and region.space is Space.GLOBAL
    for turn in _turns(ranks):
        at = access.address[turn]
        old[turn] = buffer.load(at, width)
        new = update(s.op, s.ref.type, old[turn], [b[turn] for b in bits], nans, flush=flush)
        buffer.store(at, width, new)
        changes.count += not np.array_equal(new, old[turn])
    return old


def _gather(s: Atomic, region: Region, access: Access, bits: Array) -> Array:
    """Reduces the operands of each address first."""
    order = np.argsort(access.address, kind="stable")
    at, starts = np.unique(access.address[order], return_index=True)
    values = from_bits(bits[order], s.ref.type)
    operands = _GATHERED[s.op].reduceat(values, starts, dtype=values.dtype)
    old = region.buffer.load(at, s.ref.type.bytes)
    new = update(s.op, s.ref.type, old, [to_bits(operands, s.ref.type)], Nans(), flush=False)
    region.buffer.store(at, s.ref.type.bytes, new)
    return bits


def _ranks(address: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each access how many before it have its address."""
    order = np.argsort(address, kind="stable")
    sorted_at = address[order]
    first = np.concatenate([[True], sorted_at[1:] != sorted_at[:-1]]) if len(order) else np.zeros(0, dtype=np.bool_)
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - start
    return ranks


def _turns(ranks: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Index sets without equal addresses, in order of execution."""
    if not len(ranks):
        return
    order = np.argsort(ranks, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(ranks))[:-1])


def update(op: str, scalar: Scalar, old: Array, operands: list[Array], nans: Nans, *, flush: bool) -> Array:
    """The bits that a read-modify-write leaves. flush: f32 sums flush subnormals (PTX `atom.add.f32` on global memory)."""
    if op in ("exch", "store"):
        return operands[0]
    if op == "cas":
        return np.where(old == operands[0], operands[1], old)
    a, b = from_bits(old, scalar), from_bits(operands[0], scalar)
    if scalar.is_float:
        return to_bits(nans.given(_float_update(op, scalar, a, b, flush), scalar), scalar)
    match op:
        case "add":
            new = a + b
        case "sub":
            new = a - b
        case "min":
            new = np.minimum(a, b)
        case "max":
            new = np.maximum(a, b)
        case "inc":
            new = np.where(a >= b, a.dtype.type(0), a + a.dtype.type(1))
        case "dec":
            new = np.where((a == 0) | (a > b), b, a - a.dtype.type(1))
        case _:
            new = _BITWISE[op](a, b)
    return to_bits(new.astype(a.dtype, copy=False), scalar)


def _float_update(op: str, scalar: Scalar, a: Array, b: Array, flush: bool) -> Array:
    match op:
        case "min":
            return rounding.minimum(a, b)
        case "max":
            return rounding.maximum(a, b)
    if not flush:
        return rounding.add(a, b, scalar) if op == "add" else rounding.sub(a, b, scalar)
    total = _flushed(a) + _flushed(b) if op == "add" else _flushed(a) - _flushed(b)
    return _flushed(total)


def _flushed(value: Array) -> Array:
    return np.where(np.abs(value) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), value), value)
