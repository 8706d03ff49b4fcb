"""Symbolic execution: a Kernel IR kernel under a launch becomes a system of statements with obligations."""

from __future__ import annotations

from collections.abc import Mapping

from tv.kernel import Kernel
from tv.launch import Launch
from tv.sets import Affine, Formula, Sets
from tv.sets.formulas import all_of, negate
from tv.symexec.build import Builder, Program
from tv.symexec.carving import carve
from tv.symexec.data_indices import NOTHING_STATED, Contents
from tv.symexec.digits import link
from tv.symexec.execute import Executor
from tv.symexec.grouping import group
from tv.symexec.instances import Cuts, launch_space
from tv.symexec.loops.flat import flattened
from tv.symexec.memory import BufferShape, spaces
from tv.symexec.threads.grid_barrier import recognise_grid_barriers
from tv.symexec.threads.roles import role_symbols
from tv.symexec.values import Value
from tv.term import Terms

__all__ = ["BufferShape", "Program", "execute"]


def execute(
    sets: Sets,
    terms: Terms,
    kernel: Kernel,
    launch: Launch,
    grid: tuple[Affine, Affine, Affine],
    shared: Affine,
    scalars: Mapping[str, Value],
    symbols: Mapping[str, tuple[int, int]],
    buffers: Mapping[str, BufferShape],
    fmad: bool,
    contents: Contents = NOTHING_STATED,
) -> Program:
    """The kernel's statements over index sets, loads not yet resolved. contents: what is known of the values in buffers.

    Two runs: the first collects at which divisors thread indices are taken apart, the second has them as digits.
    """
    kernel = recognise_grid_barriers(kernel, launch.block)
    flat = flattened(kernel, launch, grid, scalars, symbols, buffers, fmad)
    if flat is not None:
        kernel, launch, grid, scalars = flat.kernel, flat.launch, flat.grid, flat.scalars
    ranges, cuts = dict(symbols) | role_symbols(kernel, grid, symbols)[0], Cuts()
    plain = launch_space(launch, grid, ranges, cuts)
    scout = Executor(kernel, plain, dict(scalars), ranges, fmad, cuts, lambda dims, domain, f: True, contents).run()
    link(scout, cuts)
    space = launch_space(launch, grid, ranges, cuts)
    space.recast = flat is not None
    answers: dict[tuple[tuple[str, ...], str, str], bool] = {}

    def prove(dims: tuple[str, ...], domain: Formula, f: Formula) -> bool:
        key = (dims, domain.text(), f.text())
        if key not in answers:
            answers[key] = sets.empty(sets.set(f"here{len(dims)}", dims, all_of(domain, negate(f))))
        return answers[key]

    trace = Executor(kernel, space, dict(scalars), ranges, fmad, cuts, prove, contents).run()
    group(trace)
    carve(trace, shared, lambda a: ranges[a.name])
    objects = spaces(trace, dict(buffers), shared, ranges)
    return Builder(sets, terms, trace, objects, ranges).run()
