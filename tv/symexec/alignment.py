"""How shared arrays, and a thread's own, are aligned: as they are declared, or better where the specification says that they
turn out so."""

from __future__ import annotations

from dataclasses import replace

from tv.kernel import Kernel, Space
from tv.launch import CompileOptions
from tv.symexec.carving import whole
from tv.symexec.events import Trace

PROMISES = {Space.SHARED: "shared_align", Space.LOCAL: "local_align"}  # the key of the specification
WORDS = {Space.SHARED: "in shared memory", Space.LOCAL: "in each thread"}


def promises(options: CompileOptions) -> dict[Space, int]:
    """Bytes, 0 for as declared."""
    return {Space.SHARED: options.shared_align, Space.LOCAL: options.local_align, Space.GLOBAL: 0}


def promised(kernel: Kernel, options: CompileOptions) -> Kernel:
    """The kernel with its arrays aligned as the specification promises, or better where they are so declared."""
    least = promises(options)
    objects = {n: replace(o, align=max(o.align, least[o.space])) for n, o in kernel.objects.items()}
    return replace(kernel, objects=objects)


def resting(trace: Trace, kernel: Kernel, options: CompileOptions) -> list[str]:
    """What the trace takes from these promises: an assumption naming the arrays of each kind of memory. kernel: as declared."""
    needed = [(whole(a.object), a.type.bytes * (1 if a.step else a.count)) for a in trace.accesses if not a.register]
    needed += [(whole(x.object), x.align) for x in trace.alignments]
    declared = {n: o.align for n, o in kernel.objects.items()}
    out = []
    for space, align in promises(options).items():
        here = {n for n, o in kernel.objects.items() if o.space is space and align}
        names = sorted({n for n, k in needed if n in here and declared[n] % k and align % k == 0})
        if names:
            listed = ", ".join(f"`{n}`" for n in names)
            key = PROMISES[space]
            text = (
                f"{listed}: aligned to {align} bytes {WORDS[space]} (`{key}`), which the declaration does not promise"
            )
            out.append(text)
    return out
