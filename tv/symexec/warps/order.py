"""Order between threads of one warp: the barriers of a warp with some or all of its lanes (S4, S9).

Time of a warp is kept beside the warp's own coordinates, so that its barriers need not be reached by other warps, nor in the
same rounds. A barrier of some lanes orders accesses of two threads only where its mask names both.
"""

from __future__ import annotations

from dataclasses import replace

from tv.diagnostic import Unknown
from tv.sets import Affine, Dim, Formula, Map, Set, Sym
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import all_of, any_of, eq, negate
from tv.sets.ordering import Apart, Placed, apart, head, head_set, lex_less
from tv.symexec.build import Program
from tv.symexec.events import Time
from tv.symexec.obligations import lane_dims
from tv.symexec.warps.lanes import FULL, WARP, inside

WHEN = "WarpWhen"


def side(a: Affine, program: Program, n: int) -> Affine:
    """An expression over thread coordinates, of the first or second thread of a pair."""
    known: dict[Dim | Sym, Affine] = {Dim(d): Affine.dim(f"{d}_{n}") for d in program.trace.space.dims}
    return a.substitute(known)


def warp_coordinates(program: Program) -> list[Affine]:
    """What tells the warps of a block apart."""
    space, lanes = program.trace.space, lane_dims(program)
    if lanes is None:
        return [floordiv(space.linear, WARP)]
    return [Affine.dim(d) for d in space.thread_dims if d not in lanes]


class WarpOrder:
    """placed: accesses in the time of their warp. apart: kinds of pairs of threads in one warp, with what orders them."""

    def __init__(self, program: Program, placed: dict[str, Placed]) -> None:
        self.program, self.sets = program, program.system.sets
        self.warp = warp_coordinates(program)
        self.blocks = [Affine.dim(d) for d in program.trace.space.block_dims]
        self.first = len(self.blocks) + len(self.warp)
        whens = {u: self.of_access(u) for u in placed}
        ends = {u: self.done(u) for u in placed if u in program.copies}
        shared = [b for scope in ("grid", "block") for b in self.barriers(scope, FULL)]
        cuts = {m: [*shared, *self.barriers("warp", m)] for m in self.masks()}
        self.keep = self.shortest([*whens.values(), *ends.values()], [b for each in cuts.values() for b in each])
        self.name = f"{WHEN}{self.keep}"
        self.placed = {
            u: replace(p, when=self.cut(whens[u]), done=self.cut(ends[u]) if u in ends else None)
            for u, p in placed.items()
        }
        less = lex_less(self.sets, self.name, self.first, tied=True)
        self.apart: list[Apart] = []
        for m, c in cuts.items():
            barriers = [head_set(self.sets, b, self.keep, self.name) for b in c]
            self.apart.append(apart(self.sets, self.mates(m), less, barriers))

    # -------------------------------------------------------------- pairs of threads
    def masks(self) -> list[int]:
        """The masks by which warp barriers name lanes; the full one always, for the pairs that no other names."""
        found = {g.mask for b, _, _ in self.program.barriers if b.scope == "warp" for g in b.named}
        return sorted({FULL, *(m for m in found if m is not None)})

    def mates(self, mask: int) -> Map:
        """Pairs of threads of one warp that the mask names; for the full mask those that no other names."""
        dims = self.program.trace.space.dims
        one, two = (tuple(f"{d}_{n}" for d in dims) for n in (1, 2))
        together = [eq(side(a, self.program, 1), side(a, self.program, 2)) for a in [*self.blocks, *self.warp]]
        threads = [Affine.dim(d) for d in self.program.trace.space.thread_dims]
        other = any_of(*(negate(eq(side(a, self.program, 1), side(a, self.program, 2))) for a in threads))
        if mask == FULL:
            which = all_of(*(negate(self.both(m)) for m in self.masks() if m != FULL))
        else:
            which = self.both(mask)
        return self.sets.relation("Thread", one, "Thread", two, all_of(*together, other, which))

    def both(self, mask: int) -> Formula:
        lane = mod(self.program.trace.space.linear, WARP)
        return all_of(*(inside(side(lane, self.program, n), mask) for n in (1, 2)))

    # -------------------------------------------------------------- time
    def when(self, unit: str, dims: tuple[str, ...], domain: Formula, time: Time) -> Map:
        pad = [Affine.of(0)] * (self.program.time_arity - 1 - len(time))
        return self.sets.map(unit, dims, domain, WHEN, [*self.blocks, *self.warp, *time, *pad])

    def of_access(self, u: str) -> Map:
        scope = self.program.system.units[u].scope
        return self.when(scope.name, scope.dims, scope.domain, self.program.accesses[u].access.time)

    def done(self, u: str) -> Map:
        """Of an asynchronous copy: instances -> the time of its completion."""
        p = self.program
        assert p.completions is not None
        columns = [a.name for c in [*self.blocks, *self.warp] for a in c.atoms()]
        if len(columns) != self.first:
            text = "an asynchronous copy beside a warp's barrier, in a block whose rows straddle warps"
            raise Unknown("TV0501", text, p.accesses[u].access.span, "let a row of the block be whole warps")
        return p.completions.seen(p.copies[u], WHEN, columns)

    def barriers(self, scope: str, mask: int) -> list[Set]:
        """When barriers of a scope are reached; of a warp's, those that name all lanes of the mask."""
        found = []
        for b, unit, _ in self.program.barriers:
            if b.scope != scope:
                continue
            conds = [g.cond for g in b.named if g.mask is not None and g.mask & mask == mask]
            if scope != "warp":
                found.append(self.when(unit, b.dims, b.domain, b.time))
            elif conds:
                found.append(self.when(unit, b.dims, all_of(b.domain, any_of(*conds)), b.time))
        return [self.sets.range(m) for m in found]

    def cut(self, m: Map) -> Map:
        return head(self.sets, m, self.keep, self.name)

    def shortest(self, whens: list[Map], barriers: list[Set]) -> int:
        """The shortest prefix of time on which no access coincides with a barrier."""
        full = self.sets.arity(WHEN)
        for keep in range(self.first + 1, full):
            name = f"{WHEN}{keep}"
            cut = [head_set(self.sets, b, keep, name) for b in barriers]
            images = [self.sets.range(head(self.sets, m, keep, name)) for m in whens]
            if all(self.sets.disjoint(i, b) for i in images for b in cut):
                return keep
        return full
