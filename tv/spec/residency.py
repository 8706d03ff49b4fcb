"""Whether the blocks of a cooperative launch can be on the device at once, as far as that is certain.

Sources: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"; numbers of multiprocessors from NVIDIA's
architecture whitepapers and product briefs, of the largest part sold. Registers are not counted, since the compiler decides
on them: that the launch succeeds stays an assumption, and only one that cannot is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tv.diagnostic import BadInput, Unknown
from tv.kernel import Kernel, Space
from tv.launch import IntOrText
from tv.source import Span
from tv.spec.always import outside
from tv.spec.expression import Apply, Range, evaluate, names, parse
from tv.spec.interval import enclosure, samples

KB = 1024
WARP = 32


@dataclass(frozen=True, slots=True)
class Part:
    """multiprocessors: of the largest part. threads, blocks, shared (bytes): of one multiprocessor. reserved: bytes of shared
    memory that the system keeps for each block."""

    name: str
    multiprocessors: int
    threads: int
    blocks: int
    shared: int
    reserved: int = KB


PARTS = {
    70: Part("V100", 80, 2048, 32, 96 * KB, 0),
    72: Part("Jetson AGX Xavier", 8, 2048, 32, 96 * KB, 0),
    75: Part("Quadro RTX 8000", 72, 1024, 16, 64 * KB, 0),
    80: Part("A100", 108, 2048, 32, 164 * KB),
    86: Part("RTX A6000", 84, 1536, 16, 100 * KB),
    87: Part("Jetson AGX Orin", 16, 1536, 16, 164 * KB),
    89: Part("RTX 6000 Ada", 142, 1536, 24, 100 * KB),
    90: Part("H100", 132, 2048, 32, 228 * KB),
    100: Part("B200", 148, 2048, 32, 228 * KB),
    103: Part("B300", 160, 2048, 32, 228 * KB),
    120: Part("RTX PRO 6000 Blackwell", 188, 1536, 24, 100 * KB),
    121: Part("GB10", 48, 1536, 24, 100 * KB),
}


def static_shared(kernel: Kernel) -> int:
    """Bytes of shared memory that the kernel's text declares with a size."""
    return sum(
        math.prod(o.extents) * o.element.bytes
        for o in kernel.objects.values()
        if o.space is Space.SHARED and o.extents is not None
    )


def arch_number(arch: str) -> int:
    """90 of `sm_90a`."""
    return int("".join(c for c in arch if c.isdigit()))


def blocks_at_once(part: Part, threads: int, shared: int) -> int:
    """How many blocks of `threads` threads and `shared` bytes the part holds at most."""
    warps = -(-threads // WARP)
    limits = [part.blocks, part.threads // WARP // warps]
    taken = shared + part.reserved
    limits += [part.shared // taken] if taken else []
    return part.multiprocessors * min(limits)


def require_resident(
    grid: tuple[IntOrText, IntOrText, IntOrText],
    block: tuple[int, int, int],
    shared: IntOrText,
    kernel: Kernel,
    arch: str,
    ranges: Mapping[str, Range],
    span: Span,
) -> None:
    """Refuses a cooperative launch with more blocks than the largest part of the architecture holds at once. Of an architecture
    that is not listed nothing is certain. Raises BadInput (TV0213), or Unknown (TV0242)."""
    part = PARTS.get(arch_number(arch))
    if part is None:
        return
    x, y, z, dynamic = (parse(v, span) for v in (*grid, shared))
    count, threads = Apply("*", (Apply("*", (x, y)), z)), math.prod(block)
    bytes_of = enclosure(dynamic, ranges)
    most = part.shared if bytes_of is None else min(bytes_of[1] + static_shared(kernel), part.shared)
    suspect = outside(count, 0, blocks_at_once(part, threads, most), ranges, span, "the blocks of a cooperative launch")
    if suspect is None:
        return
    points = samples({n: ranges[n] for n in names(Apply("+", (count, dynamic)))})
    for point in ({n: low for n, (low, _) in ranges.items()} | suspect, *points):
        blocks, own = evaluate(count, point, span), static_shared(kernel) + evaluate(dynamic, point, span)
        fit = blocks_at_once(part, threads, own)
        if blocks > fit:
            at = ", ".join(f"{k} = {v}" for k, v in point.items())
            what = f"a cooperative launch of {blocks} blocks{f' where {at}' if at else ''}, of which {fit} fit at once"
            why = (
                f"{part.name} ({arch}): {part.multiprocessors} multiprocessors; {threads} threads, {own} bytes a block"
            )
            raise BadInput("TV0213", what, span, f"launch at most {fit} blocks, or smaller ones ({why})")
    text = "it cannot be decided whether the blocks of a cooperative launch always fit at once"
    raise Unknown("TV0242", text, span, "narrow the ranges of the symbols, or fix the size of shared memory")
