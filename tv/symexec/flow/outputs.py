"""The synthetic readers of final memory: what a bound output holds when the launch has ended, and what must not have changed."""

from __future__ import annotations

from functools import reduce

from tv.defined import Definedness
from tv.kernel import Scalar, Space
from tv.obligation import Obligation, Status, Witness
from tv.sets import Affine, Formula, Map, Set
from tv.source import Span
from tv.symexec.build import AccessMap, Program
from tv.symexec.events import Access
from tv.symexec.obligations import failing, witness
from tv.symexec.threads.roles import is_role
from tv.symexec.values import nodes_of
from tv.system import Scope, Unit

LAST = 1 << 60  # after every statement


def add_reader(
    program: Program, name: str, dims: tuple[str, ...], domain: Formula, obj: str, cell: tuple[Affine, ...], span: Span
) -> Unit:
    """A unit over `dims` that reads `cell` of `obj` after everything else."""
    system, cells = program.system, program.objects[obj]
    scope = system.scope(Scope(name, dims, domain, name))
    m = system.sets.map(name, dims, domain, cells.name, cell)
    a = Access(name, False, obj, Affine.of(0), Scalar.U8, 1, "final", dims, domain, (), span, (), True)
    program.accesses[name] = AccessMap(a, m)
    u = Unit(
        name, scope, system.scope_sets[name], cells.bits, system.terms.load(name, cells.bits), len(system.units), span
    )
    late = [Affine.of(1)] + [Affine.of(0)] * (program.time_arity - 1)
    u.time = system.sets.map(name, dims, domain, "Time", late)
    u.position = LAST
    system.units[name] = u
    return u


def coverage(program: Program, readers: dict[str, str]) -> list[Obligation]:
    """Every element of every output was written, or kept what an in-place buffer held; after `resolve`. readers: unit -> tensor."""
    bad: list[Obligation] = []
    name, sets = program.trace.kernel.name, program.system.sets
    for unit, tensor in readers.items():
        u = program.system.units[unit]
        pieces = u.value.args if u.value.kind == "case" else (u.value,)
        domains = u.value.sets if u.value.kind == "case" else (u.domain,)
        for s, t in zip(domains, pieces, strict=True):
            if t.kind == "undefined" and not sets.empty(s):
                obj = program.accesses[unit].access.object
                point = sets.sample(s) or {}
                w = Witness({n: point[n] for n in sets.symbols if not is_role(n)}, (), obj, (), tensor)
                text = f"part of output `{tensor}` is never written"
                span = last_store(program, obj)
                bad.append(
                    failing(
                        "coverage", f"{name}.{tensor}.coverage", span, text, "let the guard reach the last element", w
                    )
                )
    found = bad or [Obligation(f"{name}.coverage", "coverage", Status.PROVED, program.trace.kernel.span)]
    return found + undecided(program)


def undecided(program: Program) -> list[Obligation]:
    """Branches on uninitialised values, and atomics of them, which are undefined whatever becomes of the result."""
    defined = Definedness(program.system.sets, program.system.units)
    bad: list[Obligation] = []
    for d in program.trace.decisions:
        nodes = list(nodes_of(d.value))
        events = {n.name for n in nodes if n.kind in ("fetch", "exchange")}
        names = [program.trace.merged.get(e, (e, 0))[0] for e in sorted(events)]
        units = [program.system.units[program.gathers.get(n, n)] for n in names]
        if any(n.kind == "undefined" for n in nodes) or any(defined.undefined(u.name, u.domain) for u in units):
            text = f"{d.what} that may be uninitialised"
            w = Witness(spans=(d.span,))
            bad.append(failing("init", f"{program.trace.kernel.name}.init", d.span, text, "initialise it", w))
    return bad


def last_store(program: Program, obj: str) -> Span:
    spans = [m.access.span for m in program.accesses.values() if m.access.object == obj and m.access.write]
    return spans[-1] if spans else program.trace.kernel.span


def untouched(program: Program, allowed: dict[str, list[Map]], scratch: set[str]) -> list[Obligation]:
    """Stores to bound buffers stay inside their outputs: nothing else changes. allowed: object -> images of outputs."""
    bad: list[Obligation] = []
    name, sets = program.trace.kernel.name, program.system.sets
    for unit, m in program.accesses.items():
        a = m.access
        if not a.write or program.objects[a.object].space is not Space.GLOBAL or a.object in scratch:
            continue
        images: list[Set] = [sets.range(i) for i in allowed.get(a.object, [])]
        outside = sets.leaving(m.cells, reduce(sets.join, images)) if images else m.cells
        inside_object = sets.restrict_range(outside, program.extents[a.object])
        if not sets.empty(inside_object):
            u = program.system.units[unit]
            w = witness(program, u.scope.dims, sets.sample(sets.domain(inside_object)), a.object, a.span)
            text = f"this store changes `{a.object}` outside of any output bound to it"
            bad.append(
                failing(
                    "coverage", f"{name}.{a.object}.coverage", a.span, text, "bind an output there, or do not write", w
                )
            )
    return bad
