"""Obligations on the kernel alone: bounds and alignment, integer ranges, barriers, lane exchanges."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from tv.diagnostic import Unknown
from tv.kernel import Space
from tv.launch import Launch
from tv.obligation import Obligation, Status, Witness
from tv.sets import FALSE, TRUE, Affine, Dim, Formula, Map, Set, Sets
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import all_of, eq, ge, lt, negate
from tv.sets.ordering import full_over, lex_less
from tv.source import Span
from tv.symexec.alignment import PROMISES
from tv.symexec.build import Program
from tv.symexec.carving import whole
from tv.symexec.containment import contained, held, present
from tv.symexec.events import BarrierEvent
from tv.symexec.memory import misaligned
from tv.symexec.threads.roles import is_role
from tv.symexec.warps.lanes import EVERY, Named
from tv.system import Scope


def witness(
    program: Program, scope_dims: tuple[str, ...], point: dict[str, int] | None, obj: str = "", *spans: Span
) -> Witness:
    """A sampled instance as (block, thread) coordinates."""
    obj = whole(obj)
    if point is None:
        return Witness(object=obj, spans=spans)
    symbols = {s: point[s] for s in program.system.sets.symbols if not is_role(s)}
    if program.trace.space.recast:
        return Witness(symbols, (), obj, (), "", spans)
    values = {d: point.get(f"out_{i}", 0) for i, d in enumerate(scope_dims)}
    return Witness(symbols, (thread_of(program, values, symbols),), obj, (), "", spans)


def thread_of(
    program: Program, dims: dict[str, int], symbols: dict[str, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Block and thread index from values of the instance dimensions."""

    def at(name: str) -> int:
        a = program.trace.space.index[name]
        total = a.const
        for atom, c in a.terms:
            total += c * (dims[atom.name] if isinstance(atom, Dim) else 0)
        return total

    return (at("bx"), at("by"), at("bz")), (at("tx"), at("ty"), at("tz"))


def failing(kind: str, id: str, span: Span, message: str, help: str, w: Witness) -> Obligation:
    """An obligation with a set-level counterexample: unknown until the witness is executed."""
    return Obligation(id, kind, Status.UNKNOWN, span, message, help, witness=w)


def kernel_obligations(program: Program, launch: Launch) -> list[Obligation]:
    """All but races and coverage. Raises Unknown (TV0526)."""
    require_related(program)
    return [
        *bounds(program),
        *ranges(program),
        *barriers(program),
        *grid_barriers(program, launch),
        *exchanges(program),
    ]


def require_related(program: Program) -> None:
    """The positive control of every question about accesses whose good answer is "nothing": each is related to cells at all of
    its instances, so that nothing is only where nothing leaves, meets or is missing (S3)."""
    sets = program.system.sets
    for unit, am in program.accesses.items():
        if not sets.equal(sets.domain(am.cells), program.system.scope_sets[unit]):
            raise Unknown("TV0526", f"an access to `{am.access.object}` has no cell at some instance", am.access.span)


def bounds(program: Program) -> list[Obligation]:
    sets, name = program.system.sets, program.trace.kernel.name
    bad: list[Obligation] = []
    for unit, am in program.accesses.items():
        a, u = am.access, program.system.units[unit]
        if a.register:
            continue
        outside = sets.leaving(am.cells, program.extents[a.object])
        if not sets.empty(outside):
            w = witness(program, u.scope.dims, sets.sample(sets.domain(outside)), a.object, a.span)
            what = "store" if a.write or program.trace.perhaps.get(a.object) == a.span else "load"
            bad.append(
                failing(
                    "bounds",
                    f"{name}.{a.object}.bounds",
                    a.span,
                    f"this {what} leaves `{a.object}`",
                    "guard the access: `if (index < size)`",
                    w,
                )
            )
        need = misaligned(a, program.objects[a.object], lambda d: program.trace.ranges.get(d.name, (None, None)))
        if need is not None:
            off = sets.set(unit, u.scope.dims, all_of(u.scope.domain, negate(need)))
            if not sets.empty(off):
                w = witness(program, u.scope.dims, sets.sample(off), a.object, a.span)
                size = a.count * a.type.bytes
                text = f"this {size}-byte access to `{whole(a.object)}` is not {size}-byte aligned"
                help = "align the address or narrow the access"
                wide = replace(program.objects[a.object], align=size)
                found = failing("bounds", f"{name}.{whole(a.object)}.bounds", a.span, text, help, w)
                if program.objects[a.object].align % size:
                    better = misaligned(a, wide, lambda d: program.trace.ranges.get(d.name, (None, None)))
                    off = sets.set(
                        unit, u.scope.dims, all_of(u.scope.domain, negate(TRUE if better is None else better))
                    )
                    if sets.empty(off):
                        found = by_base_alone(program, found, a.object, size)
                bad.append(found)
    bad = [*containments(program), *bad, *misplaced(program)]
    return bad or [Obligation(f"{name}.bounds", "bounds", Status.PROVED, program.trace.kernel.span)]


def by_base_alone(program: Program, o: Obligation, obj: str, size: int) -> Obligation:
    """An alignment that an object's declaration does not promise, and that any run may have: where it lies decides."""
    name, cells = whole(obj), program.objects[obj]
    text = f"this {size}-byte access needs `{name}` aligned to {size} bytes, and its declaration promises {cells.align}"
    help = f"declare `{name}` with `__align__({size})`"
    if cells.space is not Space.GLOBAL:
        key = PROMISES[cells.space]
        help += f", or say `{key} = {size}` in the specification, if it turns out so"
    return replace(o, message=text, help=help, executable=False)


def misplaced(program: Program) -> list[Obligation]:
    """Accesses to parts of a struct or vector whose address is not aligned as its type is (S14)."""
    sets, name = program.system.sets, program.trace.kernel.name
    bad: list[Obligation] = []
    for i, a in enumerate(program.trace.alignments):
        cells = program.objects[a.object]
        rest = mod(a.offset, a.align, lambda d: program.trace.ranges.get(d.name, (None, None)))
        short, need = cells.align % a.align != 0, all_of(ge(rest), ge(-rest))
        off = sets.set(f"Aligned{i}", a.dims, all_of(a.domain, negate(need)))
        if sets.empty(off) and short and not sets.empty(sets.set(f"Aligned{i}", a.dims, a.domain)):
            w = witness(program, a.dims, None, a.object, a.span)
            found = failing("bounds", f"{name}.{whole(a.object)}.bounds", a.span, "", "", w)
            bad.append(by_base_alone(program, found, a.object, a.align))
        elif not sets.empty(off):
            w = witness(program, a.dims, sets.sample(off), a.object, a.span)
            text = f"this access to `{whole(a.object)}` is through a type that is aligned to {a.align} bytes; the address is not"
            help = "align the address, or access it through a pointer to scalars"
            bad.append(failing("bounds", f"{name}.{whole(a.object)}.bounds", a.span, text, help, w))
    return bad


def containments(program: Program) -> list[Obligation]:
    """Those that fail. What follows takes a table's buffers for one memory, in which each of them has a place of its own."""
    sets, name = program.system.sets, program.trace.kernel.name
    bad: list[Obligation] = []
    for i, c in enumerate(program.trace.containments):
        outside = sets.set(f"Inside{i}", c.dims, all_of(c.domain, negate(contained(c))))
        if sets.empty(outside):
            continue
        absent = sets.set(f"Inside{i}", c.dims, all_of(c.domain, negate(present(c))))
        beyond = sets.set(f"Inside{i}", c.dims, all_of(c.domain, negate(held(c))))
        if sets.empty(absent):
            text, help = f"this access leaves one of the buffers `{c.object}`", "guard the access: `if (index < size)`"
        else:
            outside = absent if sets.empty(beyond) else beyond
            text = f"this takes a pointer that the table `{c.object}` does not have: it has {len(c.sizes)}"
            help = "end the loop with the table, or bind as many tensors as are used"
        w = witness(program, c.dims, sets.sample(outside), c.object, c.span)
        found = failing("bounds", f"{name}.{c.object}.bounds", c.span, text, help, w)
        bad.append(replace(found, executable=sets.empty(absent) or not sets.empty(beyond)))
    return bad


def ranges(program: Program) -> list[Obligation]:
    sets, name = program.system.sets, program.trace.kernel.name
    bad: list[Obligation] = []
    for i, c in enumerate(program.trace.checks):
        s = sets.set(f"R{i}", c.dims, all_of(c.domain, negate(c.check.must)))
        if not sets.empty(s):
            w = witness(program, c.dims, sets.sample(s), "", c.check.span)
            bad.append(failing("range", f"{name}.range", c.check.span, c.check.what, c.check.help, w))
    return bad or [Obligation(f"{name}.range", "range", Status.PROVED, program.trace.kernel.span)]


def barriers(program: Program) -> list[Obligation]:
    """Every barrier instance is reached by all threads of its scope: its domain is a full product (S4)."""
    sets, name, space = program.system.sets, program.trace.kernel.name, program.trace.space
    bad: list[Obligation] = []
    for span, text in program.trace.waits:
        help = (
            "the known shape: block barrier, fence, atomicAdd by thread 0, poll until the count, fence, block barrier"
        )
        bad.append(failing("barrier", f"{name}.barrier", span, text, help, Witness(spans=(span,))))
    for b, unit, domain in program.barriers:
        text = f"not all threads of the {b.scope} reach this barrier"
        if b.scope == "warp":
            found = misnamed(program, unit, b.dims, b.domain, b.named)
        else:
            hidden = space.dims if b.scope == "grid" else space.thread_dims
            missing = missing_members(sets, program, unit, b.dims, domain, hidden, waited_for(program, b))
            found = None if sets.empty(missing) else (missing, text)
        if found is not None:
            w = witness(program, b.dims, sets.sample(found[0]), "", b.span)
            if b.named != EVERY:
                text = found[1]
            bad.append(failing("barrier", f"{name}.barrier", b.span, text, "move the barrier out of the condition", w))
    return bad or [Obligation(f"{name}.barrier", "barrier", Status.PROVED, program.trace.kernel.span)]


def grid_barriers(program: Program, launch: Launch) -> list[Obligation]:
    """Grid barriers need all blocks resident, and a counter that the n-th of them expects at n * gridDim (S17)."""
    name, bad = program.trace.kernel.name, []
    grid = [(b, u, d) for b, u, d in program.barriers if b.scope == "grid"]
    if grid and not launch.cooperative:
        text = "a grid barrier in a launch that does not keep all blocks resident"
        w = Witness(spans=(grid[0][0].span,))
        bad.append(
            failing(
                "barrier", f"{name}.barrier", grid[0][0].span, text, "launch cooperatively: `cooperative = true`", w
            )
        )
    counters = {b.counter for b, _, _ in grid if b.counter}
    for c in sorted(counters):
        span = next(b.span for b, _, _ in grid if b.counter == c)
        other = [m.access.span for m in program.accesses.values() if m.access.object == c and m.access.mode != "final"]
        why = counted_wrong(program, [(b, u) for b, u, _ in grid if b.counter == c])
        if other:
            why = f"the barrier's counter is also accessed at line {other[0].line}"
        elif program.objects[c].content != "zero":
            why = "the barrier's counter has an unknown value at the start"
        if why:
            help = "count the barriers: the n-th waits for n * gridDim; bind the counter with `zeroed = true`"
            bad.append(failing("barrier", f"{name}.barrier", span, why, help, Witness(spans=(span,))))
    return bad


def counted_wrong(program: Program, barriers: list[tuple[BarrierEvent, str]]) -> str:
    """Why the targets are not gridDim times the barrier's rank in time; nothing where they are."""
    sets, space = program.system.sets, program.trace.space
    blocks = 1
    for g in space.grid:
        if g.constant is None:
            return "a counted grid barrier needs a constant grid"
        blocks *= g.constant
    timed: Map | None = None  # Time -> Rank
    for b, unit in barriers:
        assert b.target is not None
        rank = floordiv(b.target, blocks)
        if rank * blocks != b.target:
            return "this grid barrier waits for a count that is no multiple of the number of blocks"
        padded = [Affine.of(0), *b.time] + [Affine.of(0)] * (program.time_arity - 1 - len(b.time))
        when = sets.map(unit, b.dims, b.domain, "Time", padded)
        m = sets.compose(sets.reverse(when), sets.map(unit, b.dims, b.domain, "Rank", [rank]))
        timed = m if timed is None else sets.join(timed, m)
    assert timed is not None
    one = sets.set("Rank", ("r",), eq(Affine.dim("r"), 1))
    ranks = sets.range(timed)
    back = sets.map("Rank", ("r",), ge(Affine.dim("r"), 2), "Rank", [Affine.dim("r") - 1])
    earlier = sets.compose(sets.compose(sets.reverse(timed), lex_less(sets, "Time", 0, tied=True)), timed)
    rising = sets.subset(earlier, lex_less(sets, "Rank", 0, tied=True)) and sets.single_valued(timed)
    gapless = sets.subset(sets.range(sets.restrict_domain(back, ranks)), ranks) and sets.subset(one, ranks)
    low = sets.set("Rank", ("r",), ge(-Affine.dim("r")))
    if not rising or not gapless or not sets.disjoint(ranks, low):
        return "this grid barrier waits for a count that does not match the number of barriers before it"
    return ""


def waited_for(program: Program, b: BarrierEvent) -> Formula:
    """The threads of a launch for which a barrier waits, where these are not all of them."""
    return lt(program.trace.space.linear, b.threads) if b.threads else TRUE


def missing_members(
    sets: Sets,
    program: Program,
    unit: str,
    dims: tuple[str, ...],
    domain: Set,
    hidden: tuple[str, ...],
    members: Formula = TRUE,
) -> Set:
    """Instances with the kept coordinates of some member of `domain`, inside the launch, that are not in it; of those that
    satisfy `members` only."""
    kept = [Affine.dim(d) for d in dims if d not in hidden]
    scope = Scope(unit, dims, program.trace.space.domain, unit)
    keep: Map = sets.map(unit, dims, scope.domain, f"{unit}_kept{len(kept)}", kept)
    return full_over(sets, domain, keep, sets.set(unit, dims, all_of(scope.domain, members)))


def lane_dims(program: Program) -> tuple[str, ...] | None:
    """Thread digits that are exactly the lane: they tile 0..31, and the others are multiples of 32. None where no digits do."""
    space = program.trace.space
    if space.block[0] * space.block[1] * space.block[2] <= 32:
        return space.thread_dims
    low = tuple(d for d in space.thread_dims if space.weights[d] < 32)
    lanes = sum(space.weights[d] * (space.ranges[d][1] or 0) for d in low)
    sizes = prod((space.ranges[d][1] or 0) + 1 for d in low)
    apart = all(space.weights[d] % 32 == 0 for d in space.thread_dims if d not in low)
    return low if lanes == 31 and sizes == 32 and apart else None


def missing_lanes(program: Program, unit: str, dims: tuple[str, ...], domain: Set, members: Formula = TRUE) -> Set:
    """Lanes of a warp of which some lane is in `domain`, but which are not themselves; of those that satisfy `members` only."""
    sets, space, lanes = program.system.sets, program.trace.space, lane_dims(program)
    if lanes is not None:
        return missing_members(sets, program, unit, dims, domain, lanes, members)
    return whole_warps(sets, program, unit, dims, domain, floordiv(space.linear, 32), members)


def misnamed(
    program: Program,
    unit: str,
    dims: tuple[str, ...],
    domain: Formula,
    named: tuple[Named, ...],
    returned: Formula = FALSE,
) -> tuple[Set, str] | None:
    """Instances at which a warp instruction's mask does not name exactly the threads that execute it with this mask (S9).

    Lanes that the block does not have may be named, and those that have `returned`: a warp waits only for threads that run.
    """
    sets = program.system.sets
    for g in named:
        here = all_of(domain, g.cond)
        stray = sets.set(unit, dims, all_of(here, negate(g.lanes)))
        if not sets.empty(stray):
            return stray, "this thread executes a warp instruction whose mask does not name it"
        missing = missing_lanes(program, unit, dims, sets.set(unit, dims, here), all_of(g.lanes, negate(returned)))
        if not sets.empty(missing):
            return missing, "lanes that the mask names do not execute this with the same mask"
    return None


def exchanges(program: Program) -> list[Obligation]:
    """Participants of shuffles and votes: the mask names exactly the lanes that execute it. What is read from another lane is
    undefined (S9)."""
    sets, name = program.system.sets, program.trace.kernel.name
    bad: list[Obligation] = []
    for x in program.publications.values():
        found = misnamed(program, x.name, x.dims, x.domain, x.named, x.returned)
        if found is not None:
            w = witness(program, x.dims, sets.sample(found[0]), "", x.span)
            help = "let the lanes that the mask names reach it together, or narrow the mask"
            bad.append(failing("barrier", f"{name}.barrier", x.span, found[1], help, w))
    return bad


def whole_warps(
    sets: Sets, program: Program, unit: str, dims: tuple[str, ...], domain: Set, warp: Affine, members: Formula
) -> Set:
    """As `missing_members`, where thread digits do not separate the lane: members of one warp by quotient."""
    space = program.trace.space
    kept = [warp, *(Affine.dim(d) for d in dims if d not in space.thread_dims)]
    keep = sets.map(unit, dims, space.domain, f"{unit}_kept{len(kept)}", kept)
    return full_over(sets, domain, keep, sets.set(unit, dims, all_of(space.domain, members)))
