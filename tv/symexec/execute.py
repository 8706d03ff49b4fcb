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
from tv.sets.affine import Range, all_of, any_of, negate
from tv.source import Span
from tv.symexec.data_indices import NOTHING_STATED, Contents, DataIndices, Index
from tv.symexec.events import Access, Alignment, BarrierEvent, Decision, DomainCheck, FenceEvent, GroupEvent, Trace
from tv.symexec.expressions import Evaluator, choose
from tv.symexec.instances import Cuts, LaunchSpace, Place
from tv.symexec.integers import Integers, RangeCheck
from tv.symexec.loops.ordinals import read_outside
from tv.symexec.loops.rounds import LoopExecution
from tv.symexec.loops.structured import breaks, structured
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
        self.kernel, self.space, self.symbols, self._prove = structured(kernel), space, symbols, prove
        self.trace = Trace(kernel, space, dict(space.ranges))
        self.place = Place(list(space.dims), [space.domain])
        self.env: dict[str, Value] = {}
        self.resident: set[str] = set()
        self.dirty: set[str] = set()
        self.silent = 0  # inside: range questions are answered later
        self.data_condition: Span | None = None
        self.deciding: list[tuple[Node, bool]] = []  # conditions on data around this place, and which arm this is
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
        self.indices = DataIndices(contents, self.range_of, self.trace.ranges.__setitem__, self.trace.object)
        given, advice = contents.parameters(scalars), self.indices.advice
        self.evaluator = Evaluator(self.integers, self.read, given, builtins, fmad, self.roles.compare, advice)

    def run(self) -> Trace:
        self.block(self.kernel.body)
        return self.trace

    # -------------------------------------------------------------- services for integer arithmetic
    def range_of(self, a: Dim | Sym) -> Range:
        if isinstance(a, Sym):
            return self.symbols[a.name]
        return self.trace.ranges.get(a.name, (None, None))

    def holds_here(self, f: Formula) -> bool:
        return True if self.silent else self._prove(tuple(self.place.dims), self.place.domain(), f)

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
        claims: tuple[tuple[str, bool], ...] = (),
        scope: str = "",
        fold: str = "",
    ) -> str:
        name = f"{'S' if write else 'L'}{len(self.trace.accesses)}"
        time, data = self.place.tick(), self.indices.used(offset)
        dims, domain = self.place_with(data)
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
            claims=claims,
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
                self.write(v, self.evaluator.value(e))
            case ir.Load(dests=ds, ref=r):
                self.load(ds, r)
            case ir.Store(ref=r, values=vs):
                self.store(r, tuple(self.evaluator.value(v) for v in vs))
            case ir.If(launch=whole):
                alive = self.branch(s)
                return TRUE if whole else alive
            case ir.Loop():
                self.no_data_condition(s, "a loop")
                self.loops.loop(s)
            case ir.Return():
                if self.loop_depth:
                    raise Unsupported("TV0504", "`return` inside a loop", s.span, "guard the rest of the body instead")
                self.no_data_condition(s, "`return`")
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
                event = BarrierEvent(scope, dims, domain, time, s.span, s.counter, target, named, s.threads)
                self.trace.barriers.append(event)
            case ir.Shuffle():
                self.no_data_condition(s, "a shuffle")
                self.warps.shuffle(s)
            case ir.Vote():
                self.no_data_condition(s, "a vote")
                self.warps.vote(s)
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
                event = self.access(False, r.object, offset, r.type, r.count, r.access, r.span, claims=r.claims)
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
        if self.data_condition is not None:
            raise Unknown("TV0507", f"a store under a condition that depends on data ({self.data_condition})", r.span)
        values = tuple(in_memory(r.type, self.roles.kept(node_of(v))) for v in given)
        for cond, offset in self.pieces_of(r.offset, r.object, r.span):
            with self.under(cond):
                event = self.access(True, r.object, offset, r.type, r.count, r.access, r.span, values, claims=r.claims)
                self.roles.stored(r, given[0], event)

    # -------------------------------------------------------------- conditions
    def branch(self, s: ir.If) -> Formula:
        c = self.evaluator.value(s.cond)
        if breaks(s):
            self.loops.exits.confirm(s, c.formula)
        if c.constant is not None:
            return self.block(s.then if c.constant else s.orelse)
        f = c.formula
        if f is None:
            self.trace.decisions.append(Decision(node_of(c), s.span, "this branch is decided by a value"))
            outer, self.data_condition = self.data_condition, s.span
            alive, envs = [], []
            before, dirty = dict(self.env), set(self.dirty)
            for body, taken in ((s.then, True), (s.orelse, False)):
                self.env = dict(before)
                self.deciding.append((node_of(c), taken))
                alive.append(self.block(body))
                self.deciding.pop()
                envs.append(self.env)
            self.data_condition, self.dirty = outer, self.dirty | dirty
            if any(a.op != "true" for a in alive):
                raise Unknown("TV0507", "this condition depends on data, and decides which statements follow", s.span)
            self.env = {}
            self.merge(c, envs[0], envs[1], TRUE, TRUE)
            return TRUE
        self.keep(self.crossing(s))
        before, dirty = dict(self.env), set(self.dirty)
        with self.under(f):
            self.env = dict(before)
            alive_then = self.block(s.then)
            env_then, dirty_then = self.env, self.dirty
        with self.under(negate(f)):
            self.env, self.dirty = dict(before), dirty
            alive_else = self.block(s.orelse)
        env_else, self.dirty = self.env, self.dirty | dirty_then
        if alive_then.op == "false" or alive_else.op == "false":
            self.env = env_else if alive_then.op == "false" else env_then
        else:
            self.env = {}
            self.merge(c, env_then, env_else, f, negate(f))
        if alive_then.op == alive_else.op == "true":
            return TRUE
        return any_of(all_of(f, alive_then), all_of(negate(f), alive_else))

    def crossing(self, s: ir.If) -> dict[str, Scalar]:
        """Variables that a loop in one arm changes and that are read outside the condition: both arms keep them in memory."""
        loops = [t for t in ir.walk((*s.then, *s.orelse)) if isinstance(t, ir.Loop)]
        changed = {v.name: v.type for loop in loops for t in ir.walk((loop,)) for v in ir.assigned(t)}
        outside = read_outside(self.kernel, s) if changed else set()
        return {n: t for n, t in changed.items() if n in outside}

    def keep(self, names: dict[str, Scalar]) -> None:
        """From here on these variables live in register cells; what they hold now is not there yet."""
        for n, t in sorted(names.items()):
            if n not in self.resident:
                self.trace.registers[n] = t
                self.resident.add(n)
                if n in self.env:
                    self.dirty.add(n)

    def merge(self, c: Value, a: dict[str, Value], b: dict[str, Value], ca: Formula, cb: Formula) -> None:
        for n in {**a, **b}:
            x, y = a.get(n), b.get(n)
            if x is y and x is not None:
                self.env[n] = x
                continue
            if x is None or y is None:
                if n in self.resident and n not in self.dirty:
                    continue  # stale on one side, a cached copy on the other: memory has it
                if n in self.resident:
                    with self.under(ca if x is None else cb):
                        fresh = self.fetch_register(n)
                    x, y = x or fresh, y or fresh
                else:
                    t = x or y
                    assert t is not None
                    missing = Value(t.type, node=Node("undefined", t.type.bits, n))
                    x, y = x or missing, y or missing
            self.env[n] = choose(x.type, c, x, y)
