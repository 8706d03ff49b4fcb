"""Which kernel is launched, how large, and whether any device would accept that."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tv.diagnostic import BadInput
from tv.kernel import HostLaunch, Kernel, Module
from tv.launch import IntOrText
from tv.source import Span
from tv.spec.always import outside
from tv.spec.expression import Range, evaluate, parse, simplified
from tv.spec.locate import nearest
from tv.spec.residency import arch_number, static_shared

MAX_THREADS = 1024
MAX_BLOCK = (1024, 1024, 64)
MAX_GRID = (2**31 - 1, 65535, 65535)
# Shared memory that one block may have with opt-in, bytes, by compute capability (CUDA programming guide, table of
# technical specifications).
_SHARED = {70: 98304, 72: 98304, 75: 65536, 80: 166912, 86: 101376, 87: 166912, 89: 101376, 90: 232448, 100: 232448}
_SHARED |= {101: 232448, 103: 232448, 110: 232448, 120: 101376, 121: 101376}
_STATIC = 49152  # without dynamic shared memory there is no opt-in


def find_kernel(module: Module, wanted: str | None, span: Span) -> Kernel:
    """The kernel of that name, or the only one, or the one that host code launches. Raises BadInput (TV0210)."""
    if not module.kernels and module.templates:
        text = f"`{module.templates[0]}` is a template, and no instance of it is named or launched"
        help = f'write kernel = "{module.templates[0]}<...>" with its arguments, or --kernel'
        raise BadInput("TV0210", text, span, help)
    if not module.kernels:
        raise BadInput("TV0210", "the file has no kernel", span, "a kernel is a `__global__` function")
    if wanted is not None:
        return _named(module, wanted, span)
    launched = list(dict.fromkeys(x.kernel for x in module.launches))
    candidates = list(module.kernels) if len(module.kernels) == 1 else launched
    if len(candidates) == 1 and candidates[0] in module.kernels:
        return module.kernels[candidates[0]]
    listed = ", ".join(f"`{k}`" for k in module.kernels)
    raise BadInput("TV0210", f"the file has several kernels: {listed}", span, 'write kernel = "..." or --kernel NAME')


def _named(module: Module, wanted: str, span: Span) -> Kernel:
    squeezed = {"".join(k.split()): k for k in module.kernels}
    key = "".join(wanted.split())
    instances = [k for s, k in squeezed.items() if s.startswith(f"{key}<")]
    if key in squeezed:
        return module.kernels[squeezed[key]]
    if len(instances) == 1:
        return module.kernels[instances[0]]
    if instances:
        raise BadInput("TV0210", f"`{wanted}` has several instances", span, ", ".join(instances))
    raise BadInput("TV0210", f"the file has no kernel `{wanted}`", span, nearest(wanted, module.kernels))


def host_launch(module: Module, kernel: str) -> HostLaunch | None:
    """The launch in host code; of several only what they agree on."""
    found = [x for x in module.launches if x.kernel == kernel]
    if not found:
        return None
    first = found[0]
    return HostLaunch(
        kernel,
        first.grid if all(x.grid == first.grid for x in found) else None,
        first.block if all(x.block == first.block for x in found) else None,
        first.shared if all(x.shared == first.shared for x in found) else None,
        first.args if all(x.args == first.args for x in found) else (),
        first.span,
    )


def grid_of(
    given: tuple[IntOrText, ...] | None, ranges: Mapping[str, Range], span: Span
) -> tuple[IntOrText, IntOrText, IntOrText]:
    """Blocks in x, y, z. Raises BadInput (TV0206, TV0211, TV0212), Unknown (TV0242)."""
    if given is None:
        raise BadInput("TV0211", "the size of the grid is not known", span, "write grid = [...] or --grid X,Y,Z")
    x, y, z = (*given, 1, 1, 1)[:3]
    for axis, value, limit in zip("xyz", (x, y, z), MAX_GRID, strict=True):
        _require(value, 1, limit, ranges, span, f"blocks in grid.{axis}")
    return _plain(x, span), _plain(y, span), _plain(z, span)


def block_of(given: tuple[IntOrText, ...] | None, kernel: Kernel, span: Span) -> tuple[int, int, int]:
    """Threads in x, y, z: plain numbers. Raises BadInput (TV0203, TV0211, TV0212)."""
    if given is None:
        raise BadInput("TV0211", "the size of a block is not known", span, "write block = [...] or --block X,Y,Z")
    values = [_plain(v, span) for v in (*given, 1, 1, 1)[:3]]
    sizes = [v for v in values if isinstance(v, int)]
    if len(sizes) != 3:
        raise BadInput("TV0203", "the size of a block depends on a symbol", span, "block sizes are fixed numbers")
    for axis, size, limit in zip("xyz", sizes, MAX_BLOCK, strict=True):
        if not 1 <= size <= limit:
            raise BadInput(
                "TV0212", f"{size} threads in block.{axis}", span, f"a block has 1 to {limit} threads along {axis}"
            )
    threads = math.prod(sizes)
    if threads > MAX_THREADS:
        raise BadInput("TV0212", f"{threads} threads in a block", span, f"at most {MAX_THREADS}")
    if kernel.max_threads is not None and threads > kernel.max_threads:
        what = f"{threads} threads in a block, but `{kernel.name}` is compiled for {kernel.max_threads}"
        raise BadInput("TV0212", what, span, "see its `__launch_bounds__`")
    return sizes[0], sizes[1], sizes[2]


def shared_of(given: IntOrText | None, kernel: Kernel, arch: str, ranges: Mapping[str, Range], span: Span) -> IntOrText:
    """Dynamic shared memory in bytes. Raises BadInput (TV0206, TV0212), Unknown (TV0242)."""
    dynamic: IntOrText = 0 if given is None else given
    static = static_shared(kernel)
    if static > _STATIC:
        raise BadInput("TV0212", f"{static} bytes of static shared memory", kernel.span, f"at most {_STATIC}")
    limit = _SHARED.get(arch_number(arch), max(_SHARED.values()))
    _require(dynamic, 0, limit - static, ranges, span, "bytes of dynamic shared memory")
    return _plain(dynamic, span)


def _plain(value: IntOrText, span: Span) -> IntOrText:
    return simplified(parse(value, span))


def _require(value: IntOrText, low: int, high: int, ranges: Mapping[str, Range], span: Span, what: str) -> None:
    """Refuses a value that is outside for some value of the symbols. Raises BadInput (TV0212), or Unknown (TV0242)."""
    e = parse(value, span)
    point = outside(e, low, high, ranges, span, what)
    if point is not None:
        used = ", ".join(f"{n} = {v}" for n, v in point.items())
        note = f" where {used}" if used else ""
        raise BadInput("TV0212", f"{evaluate(e, point, span)} {what}{note}", span, f"{low} to {high}")
