"""The driver beside a CuPy that is none: what it asks of it, with which arguments, and how it tells errors."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from megac.dtype import DType
from megac.errors import RunError
from megac.frontend import compile_file
from megac.host import cuda
from megac.host.cuda import Cuda, by_nvcc, symbol
from megac.output import Target, files, write
from megac.plan import Plan, read_plan

from tests.megac.building import MODELS, Array

TINY = "llama_tiny_fp16_op18_dynP"


class CudaError(Exception):
    """What the stand-in raises."""


class Memory:
    """cupy.ndarray of bytes, as far as the driver goes."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, whole: Array | None = None) -> None:
        if shape[0] > 1 << 40:
            raise CudaError("cudaErrorMemoryAllocation: out of memory")
        self.bytes = np.zeros(shape, dtype) if whole is None else whole
        self.data = self

    @property
    def size(self) -> int:
        return self.bytes.size

    def __getitem__(self, part: slice) -> Memory:
        return Memory((0,), np.uint8, self.bytes[part])

    def set(self, data: Array) -> None:
        assert data.shape == self.bytes.shape
        self.bytes[:] = data

    def get(self) -> Array:
        return self.bytes.copy()

    def memset_async(self, value: int, size: int) -> None:
        assert size == self.size
        self.bytes[:] = value


@dataclass
class Kernel:
    """cupy.RawKernel."""

    name: str
    cooperative: bool
    num_regs: int = 64
    local_size_bytes: int = 0
    shared_size_bytes: int = 384
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    fails: bool = False

    def __call__(self, grid: Any, block: Any, args: Any) -> None:
        if self.fails:
            raise CudaError("CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE: too many blocks in cooperative launch")
        Stand.clock += 2.0
        self.calls.append((grid, block, args))


class Stand:
    """cupy.RawModule and cupy.cuda.Event."""

    kernels: ClassVar[dict[str, Kernel]] = {}
    clock = 0.0

    def __init__(
        self, code: str | None = None, *, path: str | None = None, enable_cooperative_groups: bool = False
    ) -> None:
        assert (code is None) != (path is None)
        self.cooperative = enable_cooperative_groups

    def get_function(self, name: str) -> Kernel:
        Stand.kernels[name] = Kernel(name, self.cooperative)
        return Stand.kernels[name]

    class Event:
        def record(self) -> None:
            self.at = Stand.clock

        def synchronize(self) -> None:
            """Nothing runs behind."""


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    found = {"name": b"NVIDIA H200", "major": 9, "minor": 0, "multiProcessorCount": 132}
    runtime = SimpleNamespace(getDeviceCount=lambda: 1, getDeviceProperties=lambda _: found, CUDARuntimeError=CudaError)
    quiet = lambda: SimpleNamespace(use=lambda: None, synchronize=lambda: None)
    api: Any = SimpleNamespace(
        runtime=runtime, Device=lambda *_: quiet(), Event=Stand.Event,
        get_elapsed_time=lambda a, b: b.at - a.at,
        driver=SimpleNamespace(CUDADriverError=CudaError), memory=SimpleNamespace(OutOfMemoryError=CudaError),
        compiler=SimpleNamespace(CompileException=CudaError), nvrtc=SimpleNamespace(NVRTCError=CudaError),
    )  # fmt: skip
    cupy: Any = ModuleType("cupy")
    cupy.cuda, cupy.RawModule, cupy.ndarray = api, Stand, Memory
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupy.cuda", api)
    monkeypatch.setattr(cuda, "by_nvcc", lambda *_: b"\0.text._Z6decodePf\0")
    monkeypatch.setattr(cuda, "by_nvrtc", lambda *_: b"\0.text.decode\0")
    return Cuda()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    write(tmp_path, files(compile_file(MODELS / f"{TINY}.onnx", 63), Target(max_position=64)))
    return read_plan(tmp_path)


def test_a_launch_is_cooperative_and_its_arguments_keep_their_types(device: Cuda, plan: Plan) -> None:
    device.load(plan)
    name = "_Z6decodePf" if shutil.which("nvcc") else "decode"
    kernel = Stand.kernels[name]
    assert kernel.cooperative
    memory = device.allocate(16)
    device.launch([memory, np.int64(3), np.int32(7)])
    grid, block, args = kernel.calls[0]
    assert (grid, block) == ((132,), (plan.threads,))
    assert [type(a) for a in args] == [Memory, np.int64, np.int32]
    assert device.facts["registers"] == 64
    kernel.fails = True
    with pytest.raises(RunError, match="TOO_LARGE") as e:
        device.launch([])
    assert "--blocks" in e.value.hint


def test_memory_is_written_read_and_cleared_where_it_is_asked(device: Cuda) -> None:
    memory = device.allocate(8)
    device.write(memory, 2, np.arange(1, 4, dtype=np.uint8))
    assert device.read(memory, 1, 5).tolist() == [0, 1, 2, 3, 0]
    device.clear(memory)
    assert device.read(memory, 0, 8).tolist() == [0] * 8
    with pytest.raises(RunError, match="has no 2.2e\\+03 GB left: .*out of memory"):
        device.allocate(2_200_000_000_000)


def test_the_largest_is_found_by_a_kernel_of_its_type_or_on_the_host(device: Cuda) -> None:
    memory = device.allocate(8)
    device.clear(memory)
    assert device.largest(memory, DType.F16, 4) == 0
    grid, block, (there, count, _) = Stand.kernels["largest_f16"].calls[-1]
    assert (grid, block, there, count, type(count)) == ((1,), (1024,), memory, 4, np.int32)
    wide = device.allocate(24)
    device.write(wide, 0, np.array([1.0, 3.0, 2.0]).view(np.uint8))
    assert device.largest(wide, DType.F64, 3) == 1


def test_random_elements_have_the_kernel_of_their_type(device: Cuda) -> None:
    memory = device.allocate(64)
    for dtype, name in ((DType.F16, "fill_f16"), (DType.BF16, "fill_bf16"), (DType.F32, "fill_f32")):
        device.fill(memory, dtype, 4, 6, (1.0, 0.5), 9)
        _, _, (there, count, mean, deviation, seed) = Stand.kernels[name].calls[-1]
        assert there.size == 6 * dtype.bytes
        assert (count, mean, deviation, seed) == (6, 1.0, 0.5, 9)
        assert [type(a) for a in (count, mean, deviation, seed)] == [np.uint64, np.float32, np.float32, np.uint64]
    with pytest.raises(RunError, match="i8 are not drawn"):
        device.fill(memory, DType.I8, 0, 1, (0.0, 1.0), 0)


def test_times_lie_between_events_and_rates_are_bytes_of_them(
    device: Cuda, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.load(plan)
    assert device.timed([lambda: device.launch([])] * 3) == [2.0, 2.0, 2.0]
    assert device.bandwidth(Memory((1,), np.uint8, np.zeros(cuda.ENOUGH, np.uint8)), 2) == [cuda.ENOUGH / 2e-3] * 2
    (_, count, _) = Stand.kernels["read_all"].calls[-1][2]
    assert count == cuda.ENOUGH // 16


def test_a_kernel_for_another_architecture_is_refused(device: Cuda, plan: Plan) -> None:
    for arch in ("sm_100", "sm_80", "x"):
        with pytest.raises(RunError, match=r"the NVIDIA H200 is sm_90"):
            device.load(replace(plan, arch=arch))
    with pytest.raises(RunError, match="there is no"):
        device.load(replace(plan, folder=plan.folder / "none"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
def test_nvcc_makes_a_file_with_the_kernel(plan: Plan, tmp_path: Path) -> None:
    assert symbol(by_nvcc(plan.folder / "kernel.cu", "sm_90"), "decode").startswith("_Z6decode")
    (tmp_path / "bad.cu").write_text("__global__ void decode(int x) { y = x; }")
    with pytest.raises(RunError, match='nvcc does not compile the kernel: .*"y" is undefined'):
        by_nvcc(tmp_path / "bad.cu", "sm_90")
