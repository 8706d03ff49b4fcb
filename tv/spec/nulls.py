"""Tests of pointers against null, decided by what the launch binds: a buffer has an address, `"null"` has none."""

from __future__ import annotations

from dataclasses import replace

from tv.kernel import Const, Kernel, NotNull, Scalar, mapped
from tv.kernel.rewriting import Part
from tv.launch import BufferBinding, Launch
from tv.spec.resolve import Resolved


def decided(r: Resolved) -> Resolved:
    """The same launches, with kernels that no longer ask whether a parameter is null."""
    kernels = tuple(_kernel(k, launch) for k, launch in zip(r.kernels, r.spec.launches, strict=True))
    return replace(r, kernels=kernels)


def _kernel(kernel: Kernel, launch: Launch) -> Kernel:
    absent = {name for name, b in launch.args.items() if isinstance(b, BufferBinding) and b.null}

    def change(x: Part) -> Part:
        return Const(Scalar.BOOL, int(x.object not in absent), x.span) if isinstance(x, NotNull) else x

    return replace(kernel, body=mapped(kernel.body, change))
