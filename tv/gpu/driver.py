"""One GPU through CuPy. Everything is imported where it is first used: most machines have neither."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.diagnostic import Unsupported

Bytes = npt.NDArray[np.uint8]
Dim3 = tuple[int, int, int]
GUARD = 4096  # bytes around a buffer, which no kernel may change
PAGE = 256  # what the allocator aligns to
WATCH = 0xC7  # content of the bytes around
_SHARED_ATTRIBUTE = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
_SHARED = 48 << 10  # of dynamic shared memory needs no asking


@dataclass(frozen=True, slots=True)
class Device:
    """name as the driver has it; capability, 90 for sm_90."""

    name: str
    capability: int


@cache
def device() -> Device | None:
    """The first GPU, None where there is none or CuPy is missing."""
    if importlib.util.find_spec("cupy") is None:
        return None
    from cupy.cuda import runtime

    try:
        if runtime.getDeviceCount() < 1:
            return None
        found = runtime.getDeviceProperties(0)
    except runtime.CUDARuntimeError:
        return None
    return Device(found["name"].decode(), found["major"] * 10 + found["minor"])


def require_device() -> Device:
    """Raises Unsupported (TV0760) where there is none."""
    found = device()
    if found is None:
        text, help = "there is no GPU here, or no CuPy to reach it", "install `tv-cuda[gpu]`, or say `--on cpu`"
        raise Unsupported("TV0760", text, help=help)
    return found


class Buffer:
    """Memory of a device with guards around it, at an address that has the promised alignment and no better one. Raises
    Unsupported (TV0763) where there is none."""

    def __init__(self, content: Bytes, align: int) -> None:
        import cupy

        self.size = len(content)
        self._start = GUARD + (align if align < PAGE else 0)
        whole = np.full(self._start + self.size + GUARD, WATCH, np.uint8)
        whole[self._start : self._start + self.size] = content
        from cupy.cuda import memory, runtime

        try:
            self._memory = cupy.asarray(whole)
        except (runtime.CUDARuntimeError, memory.OutOfMemoryError) as e:
            raise Unsupported("TV0763", f"the GPU gives no memory: {e}") from None

    @property
    def address(self) -> int:
        return int(self._memory.data.ptr) + self._start

    def read(self) -> tuple[Bytes, bool]:
        """The content, and whether the guards are untouched. Raises Unsupported (TV0763) where the device is lost."""
        from cupy.cuda import runtime

        try:
            whole: Bytes = self._memory.get()
        except runtime.CUDARuntimeError as e:
            raise Unsupported("TV0763", f"the GPU's memory cannot be read: {e}") from None
        content = whole[self._start : self._start + self.size]
        rest = np.concatenate([whole[: self._start], whole[self._start + self.size :]])
        return content, bool((rest == WATCH).all())


class Variable:
    """Memory of a module, without guards."""

    def __init__(self, address: int, size: int) -> None:
        self.address, self.size = address, size

    def read(self) -> tuple[Bytes, bool]:
        """The content; there is nothing around it to be touched. Raises Unsupported (TV0763) where the device is lost."""
        from cupy.cuda import runtime

        content: Bytes = np.empty(self.size, np.uint8)
        try:
            runtime.memcpy(content.ctypes.data, self.address, self.size, runtime.memcpyDeviceToHost)
        except runtime.CUDARuntimeError as e:
            raise Unsupported("TV0763", f"the GPU's memory cannot be read: {e}") from None
        return content, True


class Module:
    """A loaded cubin or PTX text. Raises Unsupported (TV0762) where the driver refuses it."""

    def __init__(self, image: bytes) -> None:
        from cupy.cuda import driver, runtime

        try:
            runtime.setDevice(0)
            runtime.free(0)  # makes the context
            self._handle = driver.moduleLoadData(image)
        except (driver.CUDADriverError, runtime.CUDARuntimeError) as e:
            raise Unsupported("TV0762", f"the GPU does not load the kernel: {e}") from None

    def variable(self, name: str, content: Bytes) -> Variable:
        """A variable of the file's, with this content. Raises Unsupported (TV0765) where it has none of that name and size."""
        from cupy.cuda import driver, runtime

        try:
            found = Variable(int(driver.moduleGetGlobal(self._handle, name)), len(content))
            runtime.memcpy(found.address, content.ctypes.data, found.size, runtime.memcpyHostToDevice)
        except (driver.CUDADriverError, runtime.CUDARuntimeError) as e:
            text = f"`{name}`, a variable of the file, is not reached on the GPU: {e}"
            raise Unsupported("TV0765", text) from None
        return found

    def launch(
        self, name: str, grid: Dim3, block: Dim3, shared: int, cooperative: bool, arguments: Sequence[bytes]
    ) -> None:
        """Runs a kernel to its end. arguments: each as it lies in memory. Raises Unsupported (TV0763) with the driver's word."""
        from cupy.cuda import driver, runtime

        held: list[Any] = [ctypes.create_string_buffer(a, -(-max(len(a), 1) // 16) * 16) for a in arguments]
        pointers = (ctypes.c_void_p * max(len(held), 1))(*(ctypes.addressof(h) for h in held))
        address = ctypes.addressof(pointers)
        try:
            function = driver.moduleGetFunction(self._handle, name)
            if shared > _SHARED:
                driver.funcSetAttribute(function, _SHARED_ATTRIBUTE, shared)
            if cooperative:
                driver.launchCooperativeKernel(function, *grid, *block, shared, 0, address)
            else:
                driver.launchKernel(function, *grid, *block, shared, 0, address, 0)
            runtime.deviceSynchronize()
        except (driver.CUDADriverError, runtime.CUDARuntimeError) as e:
            raise Unsupported("TV0763", f"the launch fails on the GPU: {e}") from None


class NvrtcFailed(Exception):
    """NVRTC's log."""


def nvrtc(
    source: str, options: Sequence[str], headers: dict[str, str], names: Sequence[str]
) -> tuple[bytes, list[str]]:
    """A cubin, and the names in it of the kernels `names`. Raises NvrtcFailed."""
    from cupy.cuda import nvrtc as rtc

    texts, known = (tuple(w.encode() for w in words) for words in (headers.values(), headers))
    program = rtc.createProgram(source, "kernel.cu", texts, known)
    try:
        for n in names:
            rtc.addNameExpression(program, n)
        rtc.compileProgram(program, tuple(options))
        return rtc.getCUBIN(program), [_text(rtc.getLoweredName(program, n)) for n in names]
    except rtc.NVRTCError:
        raise NvrtcFailed(rtc.getProgramLog(program)) from None
    finally:
        rtc.destroyProgram(program)


def nvrtc_version() -> str:
    from cupy.cuda import nvrtc as rtc

    major, minor = rtc.getVersion()
    return f"NVRTC {major}.{minor}"


def toolkit_headers() -> tuple[Path, ...]:
    """Folders that hold CUDA's own headers: the toolkit's, else those that come as a Python package."""
    from cupy.cuda import get_cuda_path

    found = [Path(p) / "include" for p in (get_cuda_path(),) if p]
    spec = importlib.util.find_spec("nvidia")
    for base in spec.submodule_search_locations or () if spec is not None else ():
        found += sorted(Path(base).glob("*/include"))
    own = [p for p in dict.fromkeys(found) if (p / "cuda_fp16.h").is_file()]
    return tuple(f for p in own for f in (p, p / "cccl") if f.is_dir())  # cccl: what cooperative_groups.h includes


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
