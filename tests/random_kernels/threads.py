"""Kernel IR run one thread at a time on Python numbers, with every access logged: the meaning that index sets are compared with.

A thread is a coroutine that stops at barriers and exchanges of lanes; the block goes on when all that it has to wait for have
come. Nothing here knows of vectors of threads or of index sets.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product

from tests.random_kernels.scalars import Expressions, Memory, Undefined, Value
from tv.kernel import (
    Assign,
    Barrier,
    Break,
    Continue,
    Declare,
    If,
    Kernel,
    Load,
    Loop,
    MemRef,
    Return,
    Shuffle,
    Space,
    Stmt,
    Store,
)

WARP = 32
Triple = tuple[int, int, int]
Where = tuple[int, int]  # block and thread, linear


@dataclass(frozen=True)
class Touch:
    """One access of `width` bytes. passed: barriers of the block before it; met: masks of the warp barriers before it."""

    where: Where
    line: int
    write: bool
    first: int
    width: int
    passed: int
    met: tuple[int, ...]


@dataclass(frozen=True)
class Stop:
    """Where a thread waits: the statement and the rounds of the loops around it; mask of the lanes that it names."""

    statement: Stmt
    rounds: tuple[int, ...]
    mask: int = 0
    value: Value = None
    lane: int = 0


class Stuck(Exception):
    """Threads that do not meet where a barrier or an exchange has them meet."""


class OutOfFuel(Exception):
    """A thread that does not end soon."""


@dataclass
class Record:
    """What a whole launch did. faults: kinds of obligations that it breaks; touches: by object, shared ones by (name, block)."""

    faults: set[str] = field(default_factory=set)
    touches: dict[tuple[str, int], list[Touch]] = field(default_factory=dict)
    memory: dict[tuple[str, int], Memory] = field(default_factory=dict)

    def racing(self) -> set[frozenset[Where]]:
        """Pairs of threads that touch a byte without order, one of them writing."""
        found = set()
        for touches in self.touches.values():
            if not any(t.write for t in touches):
                continue
            by_byte: dict[int, list[Touch]] = {}
            for t in dict.fromkeys(touches):
                for byte in range(t.first, t.first + t.width):
                    by_byte.setdefault(byte, []).append(t)
            for ones in by_byte.values():
                found |= {
                    frozenset((a.where, b.where))
                    for a, b in combinations(ones, 2)
                    if a.where != b.where and (a.write or b.write) and not ordered(a, b)
                }
        return found


def ordered(a: Touch, b: Touch) -> bool:
    (block_a, x), (block_b, y) = a.where, b.where
    if block_a != block_b:
        return False
    if a.passed != b.passed:
        return True
    if x // WARP != y // WARP:
        return False
    both = (1 << x % WARP) | (1 << y % WARP)
    return sum(m & both == both for m in a.met) != sum(m & both == both for m in b.met)


class Launch:
    """A launch of `kernel`; buffers: the bytes of each pointer parameter, None where nothing was written yet."""

    def __init__(
        self, kernel: Kernel, grid: Triple, block: Triple, buffers: Mapping[str, Memory], scalars: Mapping[str, int]
    ) -> None:
        self.kernel, self.grid, self.block, self.scalars = kernel, grid, block, scalars
        self.record = Record()
        self.buffers = buffers
        self.expressions = Expressions(lambda: self.record.faults.add("range"))

    def run(self) -> Record:
        """Blocks one after another. What follows a missed barrier in a block is not run."""
        for name, memory in self.buffers.items():
            self.record.memory[name, -1] = memory
        for n, (z, y, x) in enumerate(product(*(range(g) for g in reversed(self.grid)))):
            for o in self.kernel.objects.values():
                if o.space is Space.SHARED and o.extents is not None:
                    size = o.element.bytes
                    for e in o.extents:
                        size *= e
                    self.record.memory[o.name, n] = [None] * size
            try:
                Block(self, n, (x, y, z)).run()
            except Stuck:
                self.record.faults.add("barrier")
            except Undefined:
                self.record.faults.add("init")
        if self.record.racing():
            self.record.faults.add("race")
        return self.record


class Block:
    def __init__(self, launch: Launch, number: int, index: Triple) -> None:
        self.launch, self.number = launch, number
        self.threads: list[Thread] = []
        for n, (z, y, x) in enumerate(product(*(range(b) for b in reversed(launch.block)))):
            self.threads.append(Thread(launch, number, n, index, (x, y, z)))

    def run(self) -> None:
        waiting: dict[int, Stop] = {}
        running = {t.number: t.body() for t in self.threads}
        answers: dict[int, Value] = {}
        while running:
            for n in list(running):
                if n in waiting:
                    continue
                try:
                    waiting[n] = running[n].send(answers.pop(n, None))
                except StopIteration:
                    del running[n]
            if running:
                for n, answer in self.release(waiting, set(running)):
                    del waiting[n]
                    answers[n] = answer

    def release(self, waiting: dict[int, Stop], running: set[int]) -> list[tuple[int, Value]]:
        """Threads that may go on, with what they are given. Raises Stuck where none may."""
        groups: dict[tuple[int, tuple[int, ...], int, int], list[int]] = {}
        for n, stop in waiting.items():
            block = isinstance(stop.statement, Barrier) and stop.statement.scope == "block"
            key = (id(stop.statement), stop.rounds, -1 if block else n // WARP, stop.mask)
            groups.setdefault(key, []).append(n)
        out: list[tuple[int, Value]] = []
        for (_, _, warp, mask), members in groups.items():
            stop = waiting[members[0]]
            if warp < 0:
                if len(members) == len(self.threads):
                    for n in members:
                        self.threads[n].passed += 1
                    out += [(n, None) for n in members]
                continue
            lanes = {n % WARP for n in members}
            exist = {n % WARP for n in range(len(self.threads)) if n // WARP == warp}
            if isinstance(stop.statement, Shuffle):  # those that returned before may be named
                line = stop.statement.span.line
                gone = {t.number % WARP for t in self.threads if t.number // WARP == warp and 0 < t.returned < line}
                exist -= gone - {n % WARP for n in running if n // WARP == warp}
            named = {lane for lane in range(WARP) if mask >> lane & 1}
            if not lanes <= named:
                raise Stuck
            if lanes != named & exist:
                continue
            for n in members:
                if isinstance(stop.statement, Barrier):
                    self.threads[n].met = (*self.threads[n].met, mask)
                    out.append((n, None))
                else:
                    out.append((n, self.given(n, waiting, {m % WARP: m for m in members})))
        if not out:
            raise Stuck
        return out

    def given(self, n: int, waiting: dict[int, Stop], members: dict[int, int]) -> Value:
        """What thread n reads in an exchange, as PTX has it for `shfl`; None of a lane that takes no part."""
        stop = waiting[n]
        s = stop.statement
        assert isinstance(s, Shuffle)
        lane, low = n % WARP, ~(s.width - 1)
        count = stop.lane & (WARP - 1)
        last = (lane & low) | (s.width - 1)
        match s.mode:
            case "idx":
                source = (lane & low) | (count & ~low)
            case "up":
                source = lane - count if lane - count >= lane & low else lane
            case "down":
                source = lane + count if lane + count <= last else lane
            case "xor":
                source = lane ^ count if lane ^ count <= last else lane
            case _:
                raise TypeError(s.mode)
        return waiting[members[source]].value if source in members else None


class Thread:
    def __init__(self, launch: Launch, block: int, number: int, block_index: Triple, index: Triple) -> None:
        self.launch, self.block, self.number = launch, block, number
        self.fuel, self.passed = 20_000, 0
        self.met: tuple[int, ...] = ()
        self.returned = 0  # the line of the `return` that it took
        self.vars: dict[str, Value] = dict(launch.scalars)
        for axis, b, t, g, d in zip("xyz", block_index, index, launch.grid, launch.block, strict=True):
            self.vars |= {f"blockIdx.{axis}": b, f"threadIdx.{axis}": t, f"gridDim.{axis}": g, f"blockDim.{axis}": d}
        self.local: dict[str, Memory] = {}
        for o in launch.kernel.objects.values():
            if o.space is Space.LOCAL and o.extents is not None:
                size = o.element.bytes
                for e in o.extents:
                    size *= e
                self.local[o.name] = [None] * size
        self.rounds: list[int] = []

    def body(self) -> Generator[Stop, Value, None]:
        yield from self.statements(self.launch.kernel.body)

    def statements(self, body: tuple[Stmt, ...]) -> Generator[Stop, Value, str]:
        for s in body:
            left = yield from self.step(s)
            if left:
                return left
        return ""

    def step(self, s: Stmt) -> Generator[Stop, Value, str]:
        """Runs one statement: "" to go on, else how it leaves."""
        self.fuel -= 1
        if self.fuel < 0:
            raise OutOfFuel
        value = self.launch.expressions.value
        match s:
            case Assign(var=v, value=e):
                self.vars[v.name] = value(e, self.vars)
            case Load(dests=dests, ref=r):
                at = self.touch(r, s.span.line, False)
                for k, d in enumerate(dests):
                    self.vars[d.name] = None if at is None else at.read(k, r.type)
            case Store(ref=r, values=values):
                given = [value(e, self.vars) for e in values]
                at = self.touch(r, s.span.line, True)
                if at is not None:
                    for k, content in enumerate(given):
                        at.write(k, r.type, content)
            case If(cond=c, then=x, orelse=y):
                return (yield from self.statements(x if self.decide(c) else y))
            case Loop():
                return (yield from self.loop(s))
            case Barrier(scope="block"):
                yield Stop(s, tuple(self.rounds))
            case Barrier(scope="warp", mask=m):
                mask = 0xFFFFFFFF if m is None else self.known(value(m, self.vars))
                yield Stop(s, tuple(self.rounds), mask)
            case Shuffle(dest=d, value=e, lane=lane, mask=m):
                own, mask = value(e, self.vars), self.known(value(m, self.vars))
                where = self.known(value(lane, self.vars))
                self.vars[d.name] = yield Stop(s, tuple(self.rounds), mask, own, where)
            case Declare(object=name):
                self.local[name] = [None] * len(self.local[name])
            case Return():
                self.returned = s.span.line
                return "Return"
            case Break() | Continue():
                return type(s).__name__
            case _:
                raise TypeError(f"no meaning of {type(s).__name__} here")
        return ""

    def loop(self, s: Loop) -> Generator[Stop, Value, str]:
        test, left = s.test_first, ""
        self.rounds.append(0)
        while left in ("", "Continue"):
            left = yield from self.statements(s.prelude)
            if (test and not self.decide(s.cond)) or left:
                break
            test = True
            left = yield from self.statements(s.body)
            if left in ("", "Continue"):
                yield from self.statements(s.step)
                self.rounds[-1] += 1
        self.rounds.pop()
        return "Return" if left == "Return" else ""

    def decide(self, e: object) -> bool:
        return bool(self.known(self.launch.expressions.value(e, self.vars)))

    def known(self, v: Value) -> int:
        if v is None:
            raise Undefined
        assert isinstance(v, int)
        return v

    def touch(self, r: MemRef, line: int, write: bool) -> Cellular | None:
        """The bytes that a reference names, logged; None outside of the object, which is a fault."""
        first = self.known(self.launch.expressions.value(r.offset, self.vars))
        width, name = r.count * r.type.bytes, r.object
        space = self.launch.kernel.objects[name].space
        if space is Space.LOCAL:
            memory = self.local[name]
        else:
            owner = self.block if space is Space.SHARED else -1
            memory = self.launch.record.memory[name, owner]
            log = self.launch.record.touches.setdefault((name, owner), [])
            log.append(Touch((self.block, self.number), line, write, first, width, self.passed, self.met))
        if first < 0 or first + width > len(memory) or first % width:
            self.launch.record.faults.add("bounds")
            return None
        return Cellular(memory, first)


@dataclass(frozen=True)
class Cellular:
    """Memory from a byte on."""

    memory: Memory
    first: int

    def read(self, k: int, type: object) -> Value:
        return Expressions.load(self.memory, self.first, k, type)

    def write(self, k: int, type: object, value: Value) -> None:
        Expressions.store(self.memory, self.first, k, type, value)


def bytes_of(touches: Iterator[Touch]) -> set[tuple[Where, int]]:
    """(thread, byte) of accesses."""
    return {(t.where, b) for t in touches for b in range(t.first, t.first + t.width)}
