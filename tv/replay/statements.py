"""Statements of the Kernel IR as closures (frame, mask) -> the threads that go on to the next statement.

A closure returns the very mask it was given where no thread left, None where none goes on. Break, continue and return
take threads out of the flow; what follows an `if` or a loop runs for the threads that come out of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tv.diagnostic import Unknown, Unsupported
from tv.kernel import (
    Aligned,
    Assign,
    Assume,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Break,
    Continue,
    Declare,
    Fence,
    If,
    Inside,
    Load,
    Loop,
    Return,
    Shuffle,
    Space,
    Stmt,
    Store,
    Vote,
)
from tv.replay import atomics, barriers, copies, warps
from tv.replay.elsewhere import Kind, kind_of, kinds
from tv.replay.endless import Watch, deciding
from tv.replay.expressions import Expression
from tv.replay.frame import Branch, Frame, LoopState
from tv.replay.guesses import GUESS
from tv.replay.masks import Mask, union
from tv.replay.mathlib import MathLibrary
from tv.replay.waiting import Spin, waits
from tv.source import Span

Run = Callable[[Frame, Mask], Mask | None]
Later = frozenset[Kind]
NONE: Later = frozenset()


def compile_body(body: tuple[Stmt, ...], math: MathLibrary, later: Later = NONE) -> Run:
    """later: kinds of warp instructions that stand behind these statements in the text."""
    steps: list[Run] = []
    after: Stmt | None = None
    for s in reversed(body):
        steps.append(compile_statement(s, math, after, later))
        after, later = s, later | kinds((s,))
    steps.reverse()

    def run(frame: Frame, mask: Mask) -> Mask | None:
        current = mask
        for step in steps:
            frame.budget.spend()
            left = step(frame, current)
            if left is None:
                return None
            current = left
        return current

    return run


def compile_statement(s: Stmt, math: MathLibrary, after: Stmt | None, later: Later) -> Run:
    """after: the statement that follows. later: as of `compile_body`. Raises Unsupported for a statement that the interpreter has no meaning for."""
    match s:
        case If(orelse=(), launch=False) if isinstance(after, Barrier) and after.scope != "warp":
            return _before_barrier(s, math, later)
        case If():
            return _if(s, math, later)
        case Loop():
            return _loop(s, math, later)
        case Break():
            return lambda frame, mask: None
        case Continue():
            return _continue
        case Return():
            return _return
        case _ if kind_of(s) is not None:
            return _pass_on(_knowing(compile_effect(s, math), later))
        case _:
            return _pass_on(compile_effect(s, math))


def _pass_on(effect: Callable[[Frame, Mask], None]) -> Run:
    def run(frame: Frame, mask: Mask) -> Mask:
        effect(frame, mask)
        return mask

    return run


def _knowing(effect: Callable[[Frame, Mask], None], later: Later) -> Callable[[Frame, Mask], None]:
    def run(frame: Frame, mask: Mask) -> None:
        frame.later = later
        effect(frame, mask)

    return run


def _branch_of(body: tuple[Stmt, ...], math: MathLibrary, later: Later) -> Run:
    """One of the branches of an `if`. later: kinds behind it, its sibling's too."""
    inner = compile_body(body, math, later)
    if not kinds(body):
        return inner

    def run(frame: Frame, mask: Mask) -> Mask | None:
        frame.branches.append(Branch(mask, later))
        out = inner(frame, mask)
        frame.branches.pop()
        return out

    return run


def compile_effect(s: Stmt, math: MathLibrary) -> Callable[[Frame, Mask], None]:
    """A statement after which every thread goes on."""
    match s:
        case Assign(var=var, value=value):
            return _assign(var.name, Expression(value, math), s.span)
        case Load():
            return _load(s, math)
        case Store():
            return _store(s, math)
        case Assume():
            return _assume(s, math)
        case Aligned():
            return _aligned(s, math)
        case Inside():
            return _inside(s, math)
        case Barrier():
            return barriers.compile_barrier(s, math)
        case Fence():
            return barriers.compile_fence(s)
        case Declare(object=name):
            return lambda frame, mask: frame.begin(name, mask)
        case Shuffle():
            return warps.compile_shuffle(s, math)
        case Vote():
            return warps.compile_vote(s, math)
        case Atomic():
            return atomics.compile_atomic(s, math)
        case AsyncCopy():
            return copies.compile_copy(s, math)
        case AsyncCommit():
            return copies.commit
        case AsyncWait(groups=groups):
            return copies.compile_wait(groups, s.span)
        case _:
            raise Unsupported("TV0701", f"the interpreter has no meaning for {type(s).__name__}", s.span)


def _continue(frame: Frame, mask: Mask) -> None:
    frame.keep_continued(mask)


def _return(frame: Frame, mask: Mask) -> None:
    frame.group.exited |= mask.flags
    frame.group.exits += 1


def _branch(frame: Frame, cond: Expression, mask: Mask, span: Span) -> tuple[Mask | None, Mask | None]:
    cond.require(frame, mask, "a branch", span)
    return mask.split(cond.value(frame, mask))


def _if(s: If, math: MathLibrary, later: Later) -> Run:
    cond = Expression(s.cond, math)
    then, orelse = _branch_of(s.then, math, later | kinds(s.orelse)), _branch_of(s.orelse, math, later)

    def run(frame: Frame, mask: Mask) -> Mask | None:
        before = frame.group.exited.copy() if s.launch else None
        yes, no = _branch(frame, cond, mask, s.span)
        after_yes = then(frame, yes) if yes is not None else None
        after_no = orelse(frame, no) if no is not None else None
        if before is not None:  # who has returned from this launch takes part in the next
            frame.group.exited[:] = before
            return mask
        if after_yes is yes and after_no is no:
            return mask
        return union(after_yes, after_no, mask)

    return run


def _before_barrier(s: If, math: MathLibrary, later: Later) -> Run:
    """As any other; who does not enter it waits at the barrier that follows."""
    cond, then = Expression(s.cond, math), _branch_of(s.then, math, later)

    def run(frame: Frame, mask: Mask) -> Mask | None:
        yes, no = _branch(frame, cond, mask, s.span)
        if yes is None:
            return mask
        before, frame.at_barrier = frame.at_barrier, None if no is None else no.flags
        after = then(frame, yes)
        frame.at_barrier = before
        return mask if after is yes else union(after, no, mask)

    return run


def _loop(s: Loop, math: MathLibrary, later: Later) -> Run:
    cond = Expression(s.cond, math)
    prelude, body, step = (compile_body(b, math, later) for b in (s.prelude, s.body, s.step))
    spin = Spin(s) if waits(s) else None
    decides = deciding(s)

    def rounds(frame: Frame, mask: Mask, state: LoopState) -> None:
        current: Mask | None = mask
        test = s.test_first
        watch = None if decides is None else Watch(s, decides)
        while current is not None:
            if test:
                current = prelude(frame, current)
                if current is None:
                    return
                current = _branch(frame, cond, current, s.span)[0]
                if current is None:
                    return
                if current is not mask:
                    current.parent = mask  # keeps the chain of parents short
            test = True
            frame.budget.spend()
            if spin is not None:
                frame.scheduler.spinning(frame, spin, current)
            if watch is not None:
                watch.round(frame, current)
            state.round, state.continued = current, None
            current = union(body(frame, current), state.continued, mask)
            if current is not None:
                current = step(frame, current)

    def run(frame: Frame, mask: Mask) -> Mask | None:
        exits = frame.group.exits
        state = LoopState()
        frame.loops.append(state)
        rounds(frame, mask, state)
        frame.loops.pop()
        if spin is not None:
            frame.scheduler.done_waiting()
        return mask if frame.group.exits == exits else mask.without(frame.group.exited)

    return run


def _assign(name: str, value: Expression, span: Span) -> Callable[[Frame, Mask], None]:
    def run(frame: Frame, mask: Mask) -> None:
        undefined = value.undefined(frame, mask)
        origin = None if undefined is None else value.origin(frame, mask, span)
        frame.assign(name, value.value(frame, mask), mask, undefined, origin)

    return run


def _assume(s: Assume, math: MathLibrary) -> Callable[[Frame, Mask], None]:
    cond = Expression(s.cond, math)

    def run(frame: Frame, mask: Mask) -> None:
        _, no = _branch(frame, cond, mask, s.span)
        if no is not None:
            frame.report("range", f"`{s.word}` does not hold", s.span, no.flags)

    return run


def _aligned(s: Aligned, math: MathLibrary) -> Callable[[Frame, Mask], None]:
    offset = Expression(s.offset, math)

    def run(frame: Frame, mask: Mask) -> None:
        offset.require(frame, mask, "an address", s.span)
        frame.memory.require_aligned(s.object, s.align, offset.value(frame, mask), mask, s.span)

    return run


def _inside(s: Inside, math: MathLibrary) -> Callable[[Frame, Mask], None]:
    entry, offset = Expression(s.entry, math), Expression(s.offset, math)
    sizes = np.array(s.sizes, dtype=np.int64)

    def run(frame: Frame, mask: Mask) -> None:
        for e in (entry, offset):
            e.require(frame, mask, "an address", s.span)
        i, at = (np.broadcast_to(e.value(frame, mask), mask.flags.shape) for e in (entry, offset))
        absent = mask.flags & ((i < 0) | (i >= len(sizes)))
        if s.width == 0 and not s.tested:  # which pointer it is, is asked where it is followed
            absent &= (i < 0) | (i >= s.held)
        if s.tested and (absent & (i >= 0) & (i < s.held)).any():
            raise Unknown("TV0723", f"a pointer in `{s.object}` that the specification binds to nothing", s.span)
        if absent.any():
            frame.report("bounds", f"a pointer past the {len(sizes)} of a table, to `{s.object}`", s.span, absent)
            return
        size = sizes[np.where(mask.flags & (i < len(sizes)), i, 0)]
        outside = mask.flags & ((at < 0) | (at > size - s.width))
        if outside.any():
            text = f"access of {s.width} bytes outside one of the buffers `{s.object}`"
            frame.report("bounds", text, s.span, outside)

    return run


def _load(s: Load, math: MathLibrary) -> Callable[[Frame, Mask], None]:
    offset = Expression(s.ref.offset, math)
    kinds = {"readonly": "read_only", "volatile": "atomic_read", GUESS: "atomic_read"}
    kind = kinds.get(s.ref.access, "read")

    def run(frame: Frame, mask: Mask) -> None:
        offset.require(frame, mask, "an address", s.span)
        at = offset.value(frame, mask)
        memory = frame.memory
        access = memory.locate(s.ref, at, mask)
        region = memory.regions[s.ref.object]
        if region.shadow is not None:
            memory.watch(kind, s.ref, access, s.span)
            if kind == "atomic_read":
                atomics.observe(frame, s.ref, access, reads=True, writes=False)
        whole = len(access.positions) == mask.count
        if at.size == 1 and region.space is Space.GLOBAL and whole:
            loaded = memory.load_uniform(s.ref, at)
        else:
            loaded = memory.load(s.ref, access, mask)
        for dest, (value, undefined) in zip(s.dests, loaded, strict=True):
            origin = None if undefined is None or region.unwritten else region.origin or s.span
            frame.assign(dest.name, value, mask, undefined, origin)

    return run


def _store(s: Store, math: MathLibrary) -> Callable[[Frame, Mask], None]:
    offset = Expression(s.ref.offset, math)
    values = [Expression(v, math) for v in s.values]
    volatile = s.ref.access == "volatile"

    def run(frame: Frame, mask: Mask) -> None:
        offset.require(frame, mask, "an address", s.span)
        memory = frame.memory
        access = memory.locate(s.ref, offset.value(frame, mask), mask)
        undefined = [v.undefined(frame, mask) for v in values]
        bits = [memory.bits_of(v.value(frame, mask), s.ref.type, access) for v in values]
        region = memory.regions[s.ref.object]
        strong = volatile and (region.space is Space.GLOBAL or memory.fenced(access))
        memory.watch("atomic_write" if strong else "write", s.ref, access, s.span, bits)
        if strong and region.shadow is not None:
            atomics.observe(frame, s.ref, access, reads=False, writes=True)
        for i, (v, b, u) in enumerate(zip(values, bits, undefined, strict=True)):
            memory.store(s.ref, access, i, b, u, None if u is None else v.origin(frame, mask, s.span))

    return run
