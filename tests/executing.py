"""CUDA text executed symbolically, without a graph: what tests of statements, races and recurrences stand on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tv import cuda_frontend
from tv.launch import CompileOptions, Launch
from tv.sets import Affine, Sets
from tv.sets.affine import all_of, ge
from tv.symexec import BufferShape, Program, execute
from tv.symexec.values import Value
from tv.term import Terms

BYTES = 4  # of a buffer's element


def program_of(
    text: str,
    block: tuple[int, int, int],
    grid: int = 1,
    buffers: Mapping[str, int] | None = None,
    symbols: Mapping[str, tuple[int, int]] | None = None,
    scalars: Mapping[str, Value] | None = None,
    content: str = "input",
) -> Program:
    """The kernel in `text` over index sets, loads not yet resolved. buffers: elements of 4 bytes of each pointer parameter."""
    (kernel,) = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels.values()
    known = dict(symbols or {})
    limits = [f for s, (lo, hi) in known.items() for f in (ge(Affine.sym(s), lo), ge(Affine.of(hi), Affine.sym(s)))]
    sets = Sets(tuple(known), all_of(*limits))
    shapes = {n: BufferShape(Affine.of(c * BYTES), (), content, 256, BYTES) for n, c in (buffers or {}).items()}
    launch = Launch(kernel.name, (grid, 1, 1), block)
    sizes = (Affine.of(grid), Affine.of(1), Affine.of(1))
    return execute(sets, Terms(), kernel, launch, sizes, Affine.of(0), scalars or {}, known, shapes, True)
