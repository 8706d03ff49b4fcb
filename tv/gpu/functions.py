"""A GPU's mathematical functions: the bits that CUDA's own `expf` and the like give there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from tv.arithmetic import Bits
from tv.cuda_frontend.builtin_half import FUNCTIONS as HALF
from tv.cuda_frontend.builtin_math import FAST, FUNCTIONS
from tv.diagnostic import Unsupported
from tv.gpu.compile import flags
from tv.gpu.driver import Buffer, Device, Module, NvrtcFailed, nvrtc, require_device, toolkit_headers
from tv.launch import CompileOptions

_TYPES = {"f32": ("float", "<u4"), "f64": ("double", "<u8"), "f16": ("__half", "<u2"), "bf16": ("__nv_bfloat16", "<u2")}
_HEADERS = {"f16": "#include <cuda_fp16.h>\n", "bf16": "#include <cuda_bf16.h>\n"}
_EXACT = {
    "sqrt",
    "fma",
    "fmax",
    "fmin",
    "fabs",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "round",
    "copysign",
    "fmod",
    "remainder",
}
_THREADS = 256
_MOST = 1 << 24  # elements of one launch


@cache
def spelling(name: str) -> tuple[str, int] | None:
    """The CUDA function of an operation such as `exp.f32`, and its arity; None for what is no mathematical function of CUDA's."""
    head, _, label = name.partition(".")
    if label in _HEADERS:
        word = head.removeprefix("h_")
        return (f"h{word}", 1) if head.startswith("h_") and word in HALF else None
    fast = {symbol: (spelled, arity) for spelled, (symbol, arity) in FAST.items()}
    if label == "f32" and head in fast and head != "saturate":
        return fast[head]
    if head in FUNCTIONS and head not in _EXACT and label in ("f32", "f64"):
        return f"{head}f" if label == "f32" else head, FUNCTIONS[head]
    return None


def source(name: str) -> str:
    """A kernel that gives one function of n elements: pointers to the operands, to the results, n."""
    found = spelling(name)
    assert found is not None
    spelled, arity = found
    label = name.partition(".")[2]
    kind = _TYPES[label][0]
    operands = "ab"[:arity]
    given = ", ".join(f"const {kind}* {p}" for p in operands)
    values = ", ".join(f"{p}[i]" for p in operands)
    return (
        f'{_HEADERS.get(label, "")}extern "C" __global__ void evaluate({given}, {kind}* y, long long n)\n'
        "{ const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;\n"
        f"  if (i < n) y[i] = {spelled}({values}); }}\n"
    )


@dataclass(slots=True)
class GpuFunctions:
    """Callable with an operation's name and bits of its operands, arrays of one shape: bits of the results, None where the
    operation is no function of CUDA's. Raises what compiling and launching raise.

    met: the functions that were evaluated so far. images: those that are compiled, as cubins; another process with the same options
    and device may be given them.
    """

    options: CompileOptions
    device: Device = field(default_factory=require_device)
    met: set[str] = field(default_factory=set)
    images: dict[str, bytes] = field(default_factory=dict)
    _modules: dict[str, Module] = field(default_factory=dict)

    def __call__(self, name: str, args: Sequence[Bits]) -> Bits | None:
        if spelling(name) is None:
            return None
        self.met.add(name)
        shape = args[0].shape
        flat = [a.reshape(-1) for a in np.broadcast_arrays(*args)]
        parts = [self._part(name, [a[at : at + _MOST] for a in flat]) for at in range(0, len(flat[0]), _MOST)]
        return np.concatenate([np.zeros(0, np.uint64), *parts]).reshape(shape)

    def _part(self, name: str, args: Sequence[Bits]) -> Bits:
        kind, count = _TYPES[name.partition(".")[2]][1], len(args[0])
        memory = [Buffer(np.ascontiguousarray(a.astype(kind)).view(np.uint8), 256) for a in args]
        memory.append(Buffer(np.zeros(count * np.dtype(kind).itemsize, np.uint8), 256))
        arguments = [m.address.to_bytes(8, "little") for m in memory] + [count.to_bytes(8, "little")]
        blocks = -(-count // _THREADS)
        self._module(name).launch("evaluate", (blocks, 1, 1), (_THREADS, 1, 1), 0, False, arguments)
        return memory[-1].read()[0].view(kind).astype(np.uint64)

    def compile(self, names: Iterable[str]) -> None:
        """Those of some operations that are functions of CUDA's."""
        for name in names:
            if spelling(name) is not None and name not in self.images:
                self.images[name] = self._image(name)

    def _image(self, name: str) -> bytes:
        given = flags(replace(self.options, fast_math=False, defines=()))
        folders = [f"-I{f}" for f in toolkit_headers()]
        try:
            return nvrtc(source(name), [f"-arch=sm_{self.device.capability}", *given, *folders], {}, ())[0]
        except NvrtcFailed as e:
            log = str(e).strip().splitlines() or ["without a word"]
            text = f"NVRTC does not compile `{name}` by itself: {log[0]}"
            raise Unsupported("TV0761", text, help="say `--on cpu`, or install CUDA's headers") from None

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            self.compile([name])
            self._modules[name] = Module(self.images[name])
        return self._modules[name]
