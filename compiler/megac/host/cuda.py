"""A GPU through CuPy, the only place that knows it. Everything is imported where it is first used: most machines have none."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from megac.dtype import DType
from megac.errors import RunError
from megac.host.choosing import largest
from megac.host.device import Bytes
from megac.host.device_code import FILLED, LARGEST, SOURCE, choice
from megac.plan import Plan

SECONDS = 300.0  # of a compiler
ENOUGH = 1 << 30  # bytes, from which on reading is no matter of caches
READERS, WIDTH = 2, 1024  # blocks a multiprocessor and threads a block that read as fast as it goes
# what <math.h> says for nvcc, and nothing for NVRTC
WORDS = ("-DINFINITY=__int_as_float(0x7f800000)", "-DNAN=__int_as_float(0x7fffffff)")


class Cuda:
    """The first GPU. Raises RunError where there is none, or no CuPy."""

    def __init__(self) -> None:
        try:
            import cupy
        except ImportError as e:
            text = "CuPy is not installed, which reaches the GPU" if e.name == "cupy" else f"CuPy cannot be loaded: {e}"
            raise RunError(text, hint="pip install 'tv-cuda[gpu]'") from None
        self._cupy = cupy
        with _told("there is no GPU here"):
            if cupy.cuda.runtime.getDeviceCount() < 1:
                raise RunError("there is no GPU here")
            cupy.cuda.Device(0).use()
            found = cupy.cuda.runtime.getDeviceProperties(0)
        self.name = found["name"].decode() if isinstance(found["name"], bytes) else str(found["name"])
        self._capability = found["major"] * 10 + found["minor"]
        self._processors = int(found["multiProcessorCount"])
        with _told("the GPU takes no kernel"):
            own = cupy.RawModule(code=SOURCE)
            self._fill = {t: own.get_function(name) for t, name in FILLED.items()}
            self._read = own.get_function("read_all")
        self._place = cupy.ndarray((8,), np.uint8)
        self._largest: dict[DType, Any] = {}
        self._folder = tempfile.TemporaryDirectory()  # CuPy may load a file later than it is told to
        self._plan: Plan | None = None
        self._kernel: Any = None
        self.facts: dict[str, Any] = {}

    # -------------------------------------------------------------------------------------------------------- kernel
    def load(self, plan: Plan) -> None:
        """Compiles the file by nvcc where it is on the PATH, else by NVRTC."""
        m = re.match(r"sm_(\d+)", plan.arch)
        if m is None or int(m[1]) // 10 != self._capability // 10 or int(m[1]) > self._capability:
            raise RunError(f"the kernel is for {plan.arch}, the {self.name} is sm_{self._capability}",
                           hint=f"compile the model again with --arch sm_{self._capability}")  # fmt: skip
        path = plan.folder / "kernel.cu"
        if not path.is_file():
            raise RunError(f"there is no `{path}`")
        with _told("the kernel cannot be loaded"):
            if shutil.which("nvcc") is not None:
                binary, compiler = by_nvcc(path, plan.arch), "nvcc"
            else:
                binary, compiler = by_nvrtc(path, plan.arch), "NVRTC"
            # CuPy knows modules by their paths, so another kernel needs another one
            out = Path(self._folder.name) / f"{hashlib.sha256(binary).hexdigest()}.cubin"
            out.write_bytes(binary)
            module = self._cupy.RawModule(path=str(out), enable_cooperative_groups=plan.cooperative)
            self._kernel = module.get_function(symbol(binary, plan.kernel))
            self.facts = {
                "compiler": compiler, "registers": int(self._kernel.num_regs),
                "local_bytes": int(self._kernel.local_size_bytes),
                "shared_bytes": int(self._kernel.shared_size_bytes),
            }  # fmt: skip
        self._plan = plan

    def largest(self, memory: Any, dtype: DType, count: int) -> int:
        """On the GPU, so that a word is copied back and not all logits; of types without a kernel here on the host."""
        if dtype not in LARGEST:
            return largest(self.read(memory, 0, count * dtype.bytes), dtype)
        with _told("the largest logit cannot be found"):
            if dtype not in self._largest:
                self._largest[dtype] = self._cupy.RawModule(code=choice(dtype)).get_function(LARGEST[dtype][0])
            self._largest[dtype]((1,), (1024,), (memory, np.int32(count), self._place))
            return int(self._place.get().view(np.int64)[0])

    def launch(self, arguments: Sequence[Any]) -> None:
        assert self._plan is not None
        with _told("the launch fails", "a cooperative launch needs all blocks at once on the GPU: see --blocks"):
            self._kernel((self._plan.blocks,), (self._plan.threads,), tuple(arguments))

    # -------------------------------------------------------------------------------------------------------- memory
    def allocate(self, size: int) -> Any:
        with _told(f"the GPU has no {size / 1e9:.3g} GB left"):
            return self._cupy.ndarray((max(size, 1),), np.uint8)

    def write(self, memory: Any, offset: int, data: Bytes) -> None:
        with _told("the GPU's memory cannot be written"):
            memory[offset : offset + data.size].set(data)

    def read(self, memory: Any, offset: int, size: int) -> Bytes:
        with _told("the GPU's memory cannot be read"):
            out: Bytes = memory[offset : offset + size].get()
            return out

    def clear(self, memory: Any) -> None:
        with _told("the GPU's memory cannot be cleared"):
            memory.data.memset_async(0, memory.size)

    def fill(self, memory: Any, dtype: DType, offset: int, count: int, normal: tuple[float, float], seed: int) -> None:
        if dtype not in FILLED:
            raise RunError(f"elements of type {dtype.value} are not drawn at random")
        there = memory[offset * dtype.bytes : (offset + count) * dtype.bytes]
        mean, deviation = map(np.float32, normal)
        with _told("the GPU's memory cannot be filled"):
            self._fill[dtype](
                (self._processors * 8,), (256,), (there, np.uint64(count), mean, deviation, np.uint64(seed))
            )

    # ---------------------------------------------------------------------------------------------------------- time
    def timed(self, steps: Sequence[Callable[[], None]]) -> list[float]:
        """The host is ahead of the GPU, so what lies between two events is what a step takes there, its launch included."""
        cuda = self._cupy.cuda
        with _told("the GPU stopped"):
            marks = [cuda.Event() for _ in range(len(steps) + 1)]
            cuda.Device().synchronize()
            marks[0].record()
            for step, mark in zip(steps, marks[1:], strict=True):
                step()
                mark.record()
            marks[-1].synchronize()
            return [float(cuda.get_elapsed_time(a, b)) for a, b in pairwise(marks)]

    def bandwidth(self, memory: Any, repeats: int) -> list[float]:
        if memory.size < ENOUGH:
            memory = self.allocate(ENOUGH)
            self.fill(memory, DType.F16, 0, ENOUGH // 2, (0.0, 1.0), 0)
        count = memory.size // 16
        sink = self.allocate(4)

        def step() -> None:
            self._read((self._processors * READERS,), (WIDTH,), (memory, np.uint64(count), sink))

        return [16e3 * count / ms for ms in self.timed([step] * repeats)]


def _errors() -> tuple[type[Exception], ...]:
    """What CuPy raises for what CUDA refuses."""
    from cupy.cuda import compiler, driver, memory, nvrtc, runtime

    return (
        runtime.CUDARuntimeError, driver.CUDADriverError, memory.OutOfMemoryError, compiler.CompileException,
        nvrtc.NVRTCError,
    )  # fmt: skip


@contextmanager
def _told(what: str, hint: str = "") -> Iterator[None]:
    """CUDA's own errors as the runner's."""
    try:
        yield
    except _errors() as e:
        lines = [line.strip() for line in str(e).splitlines() if line.strip()] or ["without a word"]
        word = next((line for line in lines if "error" in line.lower()), lines[0])
        raise RunError(f"{what}: {word}", hint=hint) from None


def by_nvcc(path: Path, arch: str) -> bytes:
    """The file as a cubin. Raises RunError with nvcc's first error."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernel.cubin"
        command = ["nvcc", "-cubin", "-O3", f"-arch={arch}", "-std=c++17", "-o", str(out), str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise RunError(f"nvcc takes longer than {SECONDS:g} s") from None
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or ["without a word"]
            raise RunError(f"nvcc does not compile the kernel: {errors[0].strip()}")
        return out.read_bytes()


def by_nvrtc(path: Path, arch: str) -> bytes:
    """The same without nvcc, and not by CuPy's own way, which flushes subnormal numbers to zero."""
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(path.read_text(encoding="utf-8"), path.name, (), ())
    options = [f"-arch={arch}", "-std=c++17", *WORDS, *(f"-I{f}" for f in headers())]
    try:
        nvrtc.compileProgram(program, tuple(options))
        cubin: bytes = nvrtc.getCUBIN(program)
    except nvrtc.NVRTCError:
        log = [line for line in nvrtc.getProgramLog(program).splitlines() if "error" in line] or ["without a word"]
        raise RunError(f"NVRTC does not compile the kernel: {log[0].strip()}") from None
    finally:
        nvrtc.destroyProgram(program)
    return cubin


def symbol(cubin: bytes, kernel: str) -> str:
    """The name of a kernel in a cubin, which is an ELF file with a section `.text.NAME` for each. Raises RunError."""
    found = {m.decode() for m in re.findall(rb"\x00\.text\.([A-Za-z_]\w*)(?=\x00)", cubin)}
    own: list[str] = [n for n in found if n == kernel or n.startswith(f"_Z{len(kernel)}{kernel}")]
    if len(own) != 1:
        raise RunError(f"the compiled file has {len(own) or 'no'} kernels `{kernel}`")
    return own[0]


def headers() -> list[Path]:
    """Folders with CUDA's own headers: those of the toolkit, else those that come as Python packages."""
    roots = [Path(os.environ[v]) for v in ("CUDA_PATH", "CUDA_HOME") if os.environ.get(v)]
    compiler = shutil.which("nvcc")
    roots += [Path(compiler).resolve().parent.parent] if compiler else []
    roots.append(Path("/usr/local/cuda"))
    found = [r / "include" for r in roots]
    spec = importlib.util.find_spec("nvidia")
    for base in (spec.submodule_search_locations or ()) if spec is not None else ():
        found += sorted(Path(base).glob("*/include"))
    own = [f for f in dict.fromkeys(found) if (f / "cooperative_groups.h").is_file()]
    return [f for p in own[:1] for f in (p, p / "cccl") if f.is_dir()]
