"""One random program, executed symbolically, by every thread alone, and by the interpreter: the three have to agree."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tests.random_kernels.programs import Program
from tests.random_kernels.scalars import Memory, Undefined
from tests.random_kernels.terms import Point, Values
from tests.random_kernels.threads import Launch as Threads
from tests.random_kernels.threads import Record, Where, bytes_of
from tv import cuda_frontend, symexec
from tv.diagnostic import TvError, Unknown
from tv.kernel import Kernel, Scalar, Space
from tv.launch import CompileOptions, Launch
from tv.obligation import Obligation, Status
from tv.replay import DenseBuffer, run
from tv.sets import TRUE, Affine, Dim, Quotient, Sets
from tv.sets.affine import Parity
from tv.sets.formulas import all_of, ge, within
from tv.symexec import BufferShape
from tv.symexec.carving import whole
from tv.symexec.flow.outputs import add_reader, coverage
from tv.symexec.flow.recurrences import find_recurrences
from tv.symexec.flow.resolve import resolve
from tv.symexec.obligations import kernel_obligations
from tv.symexec.threads.races import Races
from tv.symexec.values import integer
from tv.term import Terms

NO_SCALARS: Mapping[str, int] = MappingProxyType({})
READER = "OUT"
BYTES = 4
NAN = 0x7FC00000


class Disagreement(AssertionError):
    """Two of the three do not agree on a program."""


@dataclass
class Outcome:
    """What one case came to: how often each question was compared, and how it ended."""

    ending: str = ""
    asked: Counter[str] = field(default_factory=Counter)


def check(program: Program, seed: int) -> Outcome:
    """Raises Disagreement."""
    case = (OpenCase if program.open[1] else Case)(program, seed)
    try:
        case.symbolic()
    except TvError as e:
        return Outcome(f"refused {e.code}", case.asked)
    try:
        return Outcome(case.compare(), case.asked)
    except Unknown as e:  # the enumeration of a set was given up
        return Outcome(f"given up {e.code}", case.asked)


class Case:
    def __init__(self, program: Program, seed: int) -> None:
        self.source, self.asked = program, Counter[str]()
        self.contents = contents(program, random.Random(seed))
        self.launch = Launch("k", program.grid, program.block)

    # ------------------------------------------------------------------------------------------------ the three
    def symbolic(self) -> None:
        """Executes the symbolic thread, and asks every question about the kernel alone. Raises TvError."""
        (self.kernel,) = cuda_frontend.read(Path("k.cu"), self.source.text, CompileOptions()).kernels.values()
        x, y, z = (Affine.of(g) for g in self.source.grid)
        shapes = {n: BufferShape(Affine.of(c * BYTES), (), w, 256, BYTES) for n, (c, w) in self.source.buffers.items()}
        low, high = self.source.open
        symbols = {"n": (low, high)} if high else {}
        n = Affine.sym("n")
        sets = Sets(tuple(symbols), all_of(ge(n, low), ge(Affine.of(high), n)) if high else TRUE)
        scalars = {"n": integer(Scalar.I32, n)} if high else {}
        self.program = symexec.execute(
            sets, Terms(), self.kernel, self.launch, (x, y, z), Affine.of(0), scalars, symbols, shapes, fmad=False
        )
        count = self.source.buffers["y"][0]
        cells = self.program.objects["y"]
        self.cells = count * BYTES * 8 // cells.bits
        last = self.cells - 1
        cell = cells.coordinates(Affine.dim("o"), lambda d: (0, last), lambda f: False)
        add_reader(self.program, READER, ("o",), within(Affine.dim("o"), self.cells), "y", cell, self.kernel.span)
        self.found = kernel_obligations(self.program, self.launch)
        self.found += Races(self.program).obligations()

    def threads(self, scalars: Mapping[str, int] = NO_SCALARS) -> Record:
        memories = {n: list(m) for n, m in self.contents.items()}
        return Threads(self.kernel, self.source.grid, self.source.block, memories, scalars).run()

    def interpreted(self, kernel: Kernel, scalars: Mapping[str, int] = NO_SCALARS) -> tuple[set[str], Memory]:
        """Kinds of events of a run, and what y holds then."""
        buffers = {n: dense(m) for n, m in self.contents.items()}
        done = run(
            kernel,
            self.source.grid,
            self.source.block,
            dict(buffers),
            dict(scalars),
            fmad=False,
            event_limit=12,
            outputs={"y"},
        )
        data, init = buffers["y"].data, buffers["y"].init
        kinds = {e.kind for e in (*done.events, *done.notes)}  # two writes of one value are a note
        return kinds, [int(v) if i else None for v, i in zip(data, init, strict=True)]

    # ------------------------------------------------------------------------------------------------ comparisons
    def compare(self) -> str:
        record = self.threads()
        events, memory = self.interpreted(self.kernel)
        open_kinds = {o.kind for o in self.found if o.status is not Status.PROVED}
        self.same("barrier", "barrier" in record.faults, "barrier" in open_kinds)
        if "barrier" in open_kinds:
            if "return" not in self.source.text:  # that a thread has returned is no event
                self.require("events of a missed barrier", "barrier" in events)
            return "barrier"
        self.same("range", "range" in record.faults, "range" in open_kinds)
        if "range" in open_kinds:  # what integers are beyond their types is nobody's to say
            return "range"
        self.accesses(record)
        for kind in ("bounds", "race"):
            self.same(kind, kind in record.faults, kind in open_kinds)
        self.witnesses(record)
        if open_kinds:
            self.require("events of a run with a defect", bool(events))
            self.require("events beyond the defects there are", events <= record.faults | {"init"})
            return " ".join(sorted(open_kinds))
        return self.values(record, events, memory)

    def same(self, what: str, there: bool, found: bool) -> None:
        """A question of yes and no: `there` by enumeration, `found` on index sets."""
        self.asked[what] += 1
        if there != found:
            known = "wrongly proved" if there else "not proved though it holds"
            raise Disagreement(f"{what}: {known}")

    def require(self, what: str, holds: bool) -> None:
        self.asked[what] += 1
        if not holds:
            raise Disagreement(what)

    def witnesses(self, record: Record) -> None:
        """Of each race that is found: the two threads do race."""
        races = [o for o in self.found if o.kind == "race" and o.witness is not None and o.witness.threads]
        pairs = record.racing() if races else set()
        for o in races:
            self.require("witness of a race", frozenset(self.linear(o)) in pairs)

    def linear(self, o: Obligation) -> list[Where]:
        assert o.witness is not None
        (gx, gy, _), (bx, by, _) = self.source.grid, self.source.block
        return [((b[2] * gy + b[1]) * gx + b[0], (t[2] * by + t[1]) * bx + t[0]) for b, t in o.witness.threads]

    def accesses(self, record: Record) -> None:
        """Which thread touches which byte, line by line; and that cells are bytes under other names."""
        here: dict[tuple[str, int, bool], set[tuple[Where, int]]] = {}
        grouped = {(whole(m.access.object), m.access.write) for m in self.program.accesses.values() if m.access.step}
        names: dict[str, dict[tuple[int, int], Point]] = {}

        def line(object: str, number: int, write: bool) -> int:
            """0 for all lines where neighbouring accesses were made one."""
            return 0 if (whole(object), write) in grouped else number

        system, sets = self.program.system, self.program.system.sets
        for unit, m in self.program.accesses.items():
            a, cells = m.access, self.program.objects[m.access.object]
            if a.register or a.mode == "final" or cells.space is Space.LOCAL:
                continue
            dims, width = system.units[unit].scope.dims, cells.bits // 8
            touched = here.setdefault((whole(a.object), line(a.object, a.span.line, a.write), a.write), set())
            per = a.type.bytes // width
            for p in sets.points(sets.wrap(m.cells)):
                env, image = dict(zip(dims, p, strict=False)), p[len(dims) :]
                where, c = self.where(env), env.get("c", 0)
                byte = evaluate(a.offset, env) + c // per * a.stride + c % per * width
                touched |= {(where, byte + k) for k in range(width)}
                owner = where[0] if cells.space is Space.SHARED else -1
                if names.setdefault(a.object, {}).setdefault((owner, byte), image) != image:
                    raise Disagreement(f"one byte of `{a.object}` is two cells")
        for object, cells_of in names.items():
            self.require(f"cells of {object} are bytes", len(set(cells_of.values())) == len(cells_of))
        there: dict[tuple[str, int, bool], set[tuple[Where, int]]] = {}
        for (name, _), touches in record.touches.items():
            for key in {(t.line, t.write) for t in touches}:
                ones = bytes_of(t for t in touches if (t.line, t.write) == key)
                there.setdefault((name, line(name, *key), key[1]), set()).update(ones)
        self.require("accesses", {k: v for k, v in here.items() if v} == there)

    def where(self, env: dict[str, int]) -> Where:
        index = {n: evaluate(a, env) for n, a in self.program.trace.space.index.items()}
        (gx, gy, _), (bx, by, _) = self.source.grid, self.source.block
        block = (index["bz"] * gy + index["by"]) * gx + index["bx"]
        return block, (index["tz"] * by + index["ty"]) * bx + index["tx"]

    # ------------------------------------------------------------------------------------------------ values
    def values(self, record: Record, events: set[str], memory: Memory) -> str:
        """y after the launch: by threads alone, by the interpreter, by terms as resolved and with their recurrences folded."""
        full = len(written(record, "y")) == len(self.contents["y"])
        try:
            resolve(self.program)
            covered = coverage(self.program, {READER: "y"})
            expected = normal(record.memory["y", -1], self.source.type)
            complete = None not in expected
            self.same("coverage", not full, any(o.status is not Status.PROVED for o in covered))
            self.require("interpreter's events", events <= {"init"} and ("init" in events) <= (not complete))
            if not events:
                self.require("interpreter's values", normal(memory, self.source.type) == expected)
            self.require("values of terms", self.evaluated() == expected)
            find_recurrences(self.program)
            self.require("values of terms with recurrences", self.evaluated() == expected)
        except TvError as e:
            return f"refused {e.code}"
        return "compared" if complete else "undefined"

    def evaluated(self) -> list[int | None]:
        values = Values(self.program, self.contents)
        raw: Memory = []
        width = self.program.objects["y"].bits // 8
        for cell in range(self.cells):
            try:
                raw += values.at(READER, (cell,)).to_bytes(width, "little")
            except Undefined:
                raw += [None] * width
        return normal(raw, self.source.type)


class OpenCase(Case):
    """A program with a size that is open: a question is answered for all its values, by enumeration at each."""

    def compare(self) -> str:
        records, low = {}, self.source.open[0]
        for n in range(low, self.source.open[1] + 1):
            records[n] = self.threads({"n": n})
            self.run_of(records[n], n)
        open_kinds = {o.kind for o in self.found if o.status is not Status.PROVED}
        for kind in ("barrier", "range", "bounds", "race"):
            self.same(kind, any(kind in r.faults for r in records.values()), kind in open_kinds)
            if kind in open_kinds and kind in ("barrier", "range"):
                return f"open: {kind}"
        self.at_sizes(records)
        if open_kinds:
            return "open: " + " ".join(sorted(open_kinds))
        try:
            resolve(self.program)
        except TvError as e:
            return f"open: refused {e.code}"
        short = any(len(written(r, "y")) < len(self.contents["y"]) for r in records.values())
        covered = coverage(self.program, {READER: "y"})
        self.same("coverage", short, any(o.status is not Status.PROVED for o in covered))
        return "open: compared"

    def run_of(self, record: Record, n: int) -> None:
        """The interpreter at one size."""
        events, memory = self.interpreted(self.kernel, {"n": n})
        if record.faults & {"barrier", "range"}:
            return
        self.require("events of a run with a defect", bool(events) >= bool(record.faults - {"barrier"}))
        self.require("events beyond the defects there are", events <= record.faults | {"init"})
        if not events:
            same = normal(memory, self.source.type) == normal(record.memory["y", -1], self.source.type)
            self.require("interpreter's values", same)

    def at_sizes(self, records: Mapping[int, Record]) -> None:
        """Of each race that is found: at its size the two threads do race."""
        for o in self.found:
            if o.kind == "race" and o.witness is not None and o.witness.threads:
                pairs = records[dict(o.witness.symbols)["n"]].racing()
                self.require("witness of a race", frozenset(self.linear(o)) in pairs)


def written(record: Record, name: str) -> set[int]:
    """Bytes of a global buffer."""
    return {b for t in record.touches.get((name, -1), []) if t.write for b in range(t.first, t.first + t.width)}


def evaluate(a: Affine, env: dict[str, int]) -> int:
    """The meaning of an Affine without symbols, from its record alone."""
    total = a.const
    for atom, c in a.terms:
        match atom:
            case Quotient(numerator=n, denominator=k):
                total += c * (evaluate(n, env) // k)
            case Parity(numerator=n):
                total += c * (evaluate(n, env) % 2)
            case Dim(name=name):
                total += c * env[name]
            case _:
                raise TypeError(atom)
    return total


def normal(memory: Memory, type: str) -> list[int | None]:
    """Elements of 4 bytes, all NaNs alike; None where a byte is undefined."""
    out: list[int | None] = []
    for at in range(0, len(memory), BYTES):
        raw = [b for b in memory[at : at + BYTES] if b is not None]
        bits = int.from_bytes(bytes(raw), "little") if len(raw) == BYTES else None
        nan = type == "float" and bits is not None and bits & 0x7FFFFFFF > 0x7F800000
        out.append(NAN if nan else bits)
    return out


def contents(program: Program, rng: random.Random) -> dict[str, Memory]:
    """Bytes of every buffer before the launch."""
    out: dict[str, Memory] = {}
    for name, (count, what) in program.buffers.items():
        raw: Memory = []
        for _ in range(count):
            match what:
                case "undefined":
                    raw += [None] * BYTES
                case "zero":
                    raw += [0] * BYTES
                case _ if program.type == "float":
                    raw += struct.pack("<f", rng.uniform(-4.0, 4.0))
                case _:
                    raw += rng.getrandbits(32).to_bytes(BYTES, "little")
        out[name] = raw
    return out


def dense(memory: Memory) -> DenseBuffer:
    data = np.array([0xA5 if b is None else b for b in memory], dtype=np.uint8)
    if None not in memory:
        return DenseBuffer(data)
    return DenseBuffer(data, np.array([b is not None for b in memory], dtype=np.uint8))
