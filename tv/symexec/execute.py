"""One symbolic thread runs the kernel: every access, exchange and barrier becomes an event over all threads and loop rounds.

Scalars are forward-substituted. A variable that a loop carries lives in a register cell: read where a round first uses it,
written back where a round ends; dataflow later says who reads whom. A counter with a constant stride is a function of the
round's ordinal: guessed from its update, and checked against what the round computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tv import kernel as ir
from tv.diagnostic import Unknown, Unsupported
from tv.kernel import Scalar
from tv.sets import FALSE, TRUE, Affine, Dim, Formula, Sym
from tv.sets.affine import Range
from tv.sets.formulas import all_of
from tv.source import Span
from tv.symexec.branches import branch
from tv.symexec.containment import contain
from tv.symexec.data_indices import NOTHING_STATED, Contents, DataIndices, Index
from tv.symexec.events import Access, Alignment, BarrierEvent, Decision, DomainCheck, FenceEvent, GroupEvent, Trace
from tv.symexec.expressions import Evaluator
from tv.symexec.instances import Cuts, LaunchSpace, Place
from tv.symexec.integers import Integers, RangeCheck
from tv.symexec.kept_ranges import KeptRanges
from tv.symexec.loops.ordinals import Readers
from tv.symexec.loops.rounds import LoopExecution
from tv.symexec.loops.structured import structured
from tv.symexec.stores import Perhaps, store
from tv.symexec.threads.copies import issue
from tv.symexec.threads.roles import Roles
from tv.symexec.threads.tallies import contribute
from tv.symexec.values import Node, Value, fetched, in_memory, node_of
from tv.symexec.warps.instructions import Warps

Prove = Callable[[tuple[str, ...], Formula, Formula], bool]


class Executor:
    """scalars: parameters by value. symbols: ranges of symbols. prove(dims, domain, f): f everywhere on domain?"""

    def __init__(
        self,
        kernel: ir.Kernel,
        space: LaunchSpace,
        scalars: dict[str, Value],
        symbols: dict[str, tuple[int, int]],
        fmad: bool,
        cuts: Cuts,
        prove: Prove,
        contents: Contents = NOTHING_STATED,
    ) -> None:
        self.kernel, self.space, self.symbols, self.prove = structured(kernel), space, symbols, prove
        self.readers = Readers(self.kernel)
        self.trace = Trace(kernel, space, dict(space.ranges))
        self.place = Place(list(space.dims), [space.domain])
        self.env: dict[str, Value] = {}
        self.resident: set[str] = set()
        self.dirty: set[str] = set()
        self.silent = 0  # inside: range questions are answered later
        self.data_condition: Span | None = None
        self.deciding: list[tuple[Node, bool]] = []  # conditions on data around this place, and which arm this is
        self.sibling: Perhaps | None = None  # the last store under such conditions
        self.loop_depth = 0
        self.loops, self.warps = LoopExecution(self), Warps(self)
        self.lifetimes: dict[str, tuple[Affine, ...]] = {}
        self.declared: dict[str, int] = {}
        self.cuts = cuts
        self.integers = Integers(self.range_of, cuts, self.holds_here, self.refuse)
        builtins = {f"threadIdx.{a}": space.index["t" + a] for a in "xyz"} | {
            f"blockIdx.{a}": space.index["b" + a] for a in "xyz"
        }
        builtins |= {f"blockDim.{a}": Affine.of(space.block[i]) for i, a in enumerate("xyz")}
        builtins |= {f"gridDim.{a}": space.grid[i] for i, a in enumerate("xyz")}
        self.roles, self.contents = Roles(self), contents
        self.kept = KeptRanges(self)
        declare = self.trace.ranges.__setitem__
        self.indices = DataIndices(contents, self.range_of, declare, self.trace.object, self.kept.of)
        given, advice = contents.parameters(scalars), self.indices.advice
        more = advice, self.kept.given
        self.evaluator = Evaluator(self.integers, self.read, given, builtins, fmad, self.roles.compare, *more)

    def run(self) -> Trace:
        self.block(self.kernel.body)
        return self.trace

    # -------------------------------------------------------------- services for integer arithmetic
    def range_of(self, a: Dim | Sym) -> Range:
        if isinstance(a, Sym):
            return self.symbols[a.name]
        return self.trace.ranges.get(a.name, (None, None))

    def holds_here(self, f: Formula) -> bool:
        return True if self.silent else self.prove(tuple(self.place.dims), self.place.domain(), f)

    def refuse(self, check: RangeCheck) -> None:
        if not self.silent:
            self.trace.checks.append(DomainCheck("range", tuple(self.place.dims), self.place.domain(), check))

    @contextmanager
    def under(self, cond: Formula) -> Iterator[None]:
        self.place.conditions.append(cond)
        try:
            yield
        finally:
            self.place.conditions.pop()

    # -------------------------------------------------------------- variables
    def read(self, v: ir.Var) -> Value:
        if v.name not in self.env:
            if v.name not in self.resident:
                return Value(v.type, node=Node("undefined", v.type.bits, v.name))
            self.env[v.name] = self.fetch_register(v.name)
        return self.env[v.name]

    def write(self, v: ir.Var, value: Value) -> None:
        self.env[v.name] = value
        if v.name in self.resident:
            self.dirty.add(v.name)

    def register_access(self, name: str, values: tuple[Node, ...]) -> str:
        t = self.trace.registers[name]
        return self.access(
            bool(values), f"reg.{name}", Affine.of(0), t, 1, "weak", self.kernel.span, values, register=True
        )

    def fetch_register(self, name: str) -> Value:
        t = self.trace.registers[name]
        event = self.register_access(name, ())
        n = Node("fetch", t.bits, event, index=(Affine.of(0),))
        return Value(t, node=n)

    def flush(self, names: set[str]) -> None:
        for n in sorted(names & self.dirty):
            if n in self.env:  # else dirty on a path that has ended
                self.register_access(n, (node_of(self.env[n]),))
            self.dirty.discard(n)

    def keep(self, names: dict[str, Scalar]) -> None:
        """From here on these variables live in register cells; what they hold now is not there yet."""
        for n, t in sorted(names.items()):
            if n not in self.resident:
                self.trace.registers[n] = t
                self.resident.add(n)
                if n in self.env:
                    self.dirty.add(n)

    def quietly(self, e: ir.Expr) -> Value:
        """A value whose range questions are asked elsewhere."""
        self.silent += 1
        try:
            return self.evaluator.value(e)
        finally:
            self.silent -= 1

    # -------------------------------------------------------------- events
    def access(
        self,
        write: bool,
        obj: str,
        offset: Affine,
        type: Scalar,
        count: int,
        mode: str,
        span: Span,
        values: tuple[Node, ...] = (),
        register: bool = False,
        ref: ir.MemRef | None = None,
        scope: str = "",
        fold: str = "",
        free: tuple[Index, ...] = (),
    ) -> str:
        """An event, at all values of the data in its address. free: that data, where the access is done at each of its values."""
        name = f"{'S' if write else 'L'}{len(self.trace.accesses)}"
        time, data = self.place.tick(), () if free else self.indices.used(offset)
        dims, domain = self.place_with(data or free)
        life = self.lifetimes.get(obj, ())
        a = Access(
            name,
            write,
            obj,
            offset,
            type,
            count,
            mode,
            dims,
            domain,
            time,
            span,
            values,
            register,
            owner=life,
            claims=() if ref is None else ref.claims,
            restricted=() if ref is None else ref.restricted,
            noncoherent=ref is not None and ref.noncoherent,
            scope=scope,
            fold=fold,
            data=data,
        )
        self.trace.accesses.append(a)
        self.trace.order.append(name)
        return name

    def place_with(self, data: tuple[Index, ...]) -> tuple[tuple[str, ...], Formula]:
        """Dimensions and domain of the place, with those that stand for data."""
        dims = (*self.place.dims, *(i.dim for i in data))
        return dims, all_of(self.place.domain(), self.indices.box(data)) if data else self.place.domain()

    def pieces_of(self, e: ir.Expr, object: str, span: Span, data: bool = False) -> tuple[tuple[Formula, Affine], ...]:
        """The byte offset of an access to `object`. data: it may be one of the data's dimensions too."""
        offset = self.evaluator.value(e)
        pieces = self.indices.affine(offset) if data else offset.pieces
        if pieces is None:
            text = f"the address of this access to `{object}` is not an affine function of indices"
            raise Unknown("TV0502", text, span, self.indices.advice(offset) or "")
        for value in {i.dim: i.value for _, a in pieces for i in self.indices.used(a)}.values():
            self.trace.decisions.append(Decision(value, span, "this address is made of a value"))
        return pieces

    # -------------------------------------------------------------- statements
    def block(self, body: tuple[ir.Stmt, ...]) -> Formula:
        """Runs the statements; returns under which condition control falls out at the end (else the thread has returned)."""
        alive, pushed = TRUE, 0
        for s in body:
            f = self.statement(s)
            if f.op != "true":
                alive = all_of(alive, f)
                self.place.conditions.append(f)
                pushed += 1
            if f.op == "false":
                break
        for _ in range(pushed):
            self.place.conditions.pop()
        return alive

    def statement(self, s: ir.Stmt) -> Formula:
        match s:
            case ir.Assign(var=v, value=e):
                with self.kept.evaluating(s):
                    self.write(v, self.evaluator.value(e))
            case ir.Load(dests=ds, ref=r):
                self.load(ds, r)
            case ir.Store(ref=r, values=vs):
                self.store(r, tuple(self.evaluator.value(v) for v in vs))
            case ir.If(launch=whole):
                alive = branch(self, s)
                self.warps.returned = FALSE if whole else self.warps.returned
                return TRUE if whole else alive
            case ir.Loop():
                self.no_data_condition(s, "a loop")
                with self.kept.inside(s):
                    self.loops.loop(s)
            case ir.Return():
                if self.loop_depth:
                    raise Unsupported(
                        "TV0504",
                        "`return` inside a loop",
                        s.span,
                        "leave the loop by `break`, and put what follows it under the opposite condition",
                    )
                self.no_data_condition(s, "`return`")
                self.warps.leave()
                return FALSE
            case ir.Break():
                self.no_data_condition(s, "`break`")
                self.loops.exits.leave(s.span)
                return FALSE
            case ir.Barrier(scope=scope, mask=m):
                self.no_data_condition(s, "a barrier")
                named = self.warps.named(m, s.span) if scope == "warp" else ()
                target = None if s.target is None else self.single(s.target, s.span)
                dims, domain, time = tuple(self.place.dims), self.place.domain(), self.place.tick()
                event = BarrierEvent(scope, dims, domain, time, s.span, s.counter, target, named, s.threads, s.inside)
                self.trace.barriers.append(event)
            case ir.Shuffle():
                self.no_data_condition(s, "a shuffle")
                self.warps.shuffle(s)
            case ir.Vote():
                self.no_data_condition(s, "a vote")
                self.warps.vote(s)
            case ir.Fence() if self.data_condition is not None:
                pass  # it may be left out, and orders nothing then
            case ir.Fence(scope=scope):
                dims, domain, time = tuple(self.place.dims), self.place.domain(), self.place.tick()
                self.trace.fences.append(FenceEvent(scope, dims, domain, time, s.span))
            case ir.Atomic(dest=None):
                contribute(self, s)
            case ir.AsyncCopy():
                self.no_data_condition(s, "an asynchronous copy")
                issue(self, s)
            case ir.AsyncCommit() | ir.AsyncWait():
                self.no_data_condition(s, "a commit of copies, or a wait for them,")
                pending = s.groups if isinstance(s, ir.AsyncWait) else None
                dims, domain, time = tuple(self.place.dims), self.place.domain(), self.place.tick()
                self.trace.groups.append(GroupEvent(pending, dims, domain, time, s.span))
            case ir.Atomic():
                self.roles.arrive(s)
            case ir.Declare(object=name):
                self.declared[name] = self.declared.get(name, 0) + 1
                rounds = self.place.dims[len(self.space.dims) :]
                self.lifetimes[name] = (*(Affine.dim(d) for d in rounds), Affine.of(self.declared[name]))
            case ir.Aligned(object=name, offset=at, align=n):
                for cond, offset in self.pieces_of(at, name, s.span, data=True):
                    with self.under(cond):
                        dims, domain = self.place_with(self.indices.used(offset))
                        self.trace.alignments.append(Alignment(name, offset, n, dims, domain, s.span))
            case ir.Inside():
                contain(self, s)
            case ir.Assume(cond=c, word=w):
                f = self.evaluator.value(c).formula
                if f is None:
                    raise Unknown("TV0506", f"`{w}` on a condition that depends on data", s.span)
                self.refuse(RangeCheck(f, f"`{w}` does not hold", s.span, "let it hold for every launch, or remove it"))
            case _:
                raise Unsupported("TV0501", f"`{type(s).__name__}` has no symbolic meaning yet", s.span)
        return TRUE

    def single(self, e: ir.Expr, span: Span) -> Affine:
        pieces = self.evaluator.value(e).pieces
        if pieces is None or len(pieces) != 1:
            raise Unknown("TV0516", "the count that this grid barrier waits for is not affine", span)
        return pieces[0][1]

    def no_data_condition(self, s: ir.Stmt, what: str) -> None:
        if self.data_condition is not None:
            raise Unknown("TV0507", f"{what} under a condition that depends on data ({self.data_condition})", s.span)

    def load(self, dests: tuple[ir.Var, ...], r: ir.MemRef) -> None:
        parts: list[tuple[Formula, str]] = []
        for cond, offset in self.pieces_of(r.offset, r.object, r.span, data=True):
            with self.under(cond):
                event = self.access(False, r.object, offset, r.type, r.count, r.access, r.span, ref=r)
                parts.append((cond, event))
        if (known := self.roles.loaded(r, parts[-1][1])) is not None:
            self.write(dests[0], known)
            return
        known_range = self.contents.of(r.object, r.type)
        for i, d in enumerate(dests):
            nodes = tuple(fetched(d.type, event, i, known_range) for _, event in parts)
            n = (
                nodes[0]
                if len(nodes) == 1
                else Node("case", d.type.bits, args=nodes, conditions=tuple(c for c, _ in parts))
            )
            self.write(d, Value(d.type, node=n))

    def store(self, r: ir.MemRef, given: tuple[Value, ...]) -> None:
        values = tuple(in_memory(r.type, self.roles.kept(node_of(v))) for v in given)
        for cond, offset in self.pieces_of(r.offset, r.object, r.span, data=True):
            with self.under(cond):
                event = store(self, r, values, offset)
                if not self.deciding:
                    self.roles.stored(r, given[0], event)
