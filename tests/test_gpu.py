"""Running on a GPU, as far as that shows without one: the device side of a file, arguments in memory, names, and what a verdict makes of it."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tv import execution, reference
from tv.arithmetic import Bits, float_bits
from tv.check import check
from tv.cuda_frontend.device_text import device_text, standard_headers
from tv.diagnostic import Unsupported
from tv.examine import index_sets, read_graph, read_inputs
from tv.gpu import driver, functions
from tv.gpu import run as gpu_run
from tv.gpu.compile import Image, _called, _named, flags, include_folders, kernels_in
from tv.gpu.functions import source, spelling
from tv.gpu.replay import Shown
from tv.gpu.run import arguments_of, bytes_of
from tv.kernel import Scalar
from tv.launch import CompileOptions, Spec
from tv.obligation import Status
from tv.reference import evaluation, stored
from tv.refute.patterns import Pattern
from tv.refute.setting import Watched
from tv.replay.buffers import POISON
from tv.replay.mathlib import MathLibrary
from tv.request import CheckRequest
from tv.source import NOWHERE
from tv.spec import Resolved
from tv.term import Terms
from tv.verdict import Verdict

CORPUS = Path(__file__).parent.parent / "corpus"
FILE = """#include <cstdio>
#include <cuda_runtime.h>
#include <cuda_fp16.h>
#include <cfloat>
#define N 4
__device__ float twice(float x) { return 2 * x; }
static void fill(float* p, int n) {
    for (int i = 0; i < n; ++i) p[i] = i;
}
template <typename T> T host_only(T a) { return a; }
__global__ void k(float* y) { y[threadIdx.x] = twice(1.0f); }
int main() { k<<<1, N>>>(nullptr); printf("}"); return 0; }
"""


def test_device_text_keeps_what_a_gpu_runs_where_it_stands() -> None:
    lines = device_text(Path("k.cu"), FILE, CompileOptions()).split("\n")
    kept = [n for n, line in enumerate(lines, 1) if line.strip()]
    assert kept == [3, 4, 5, 6, 11]
    assert lines[5] == FILE.split("\n")[5]
    assert lines[10] == FILE.split("\n")[10]


def test_standard_headers_include_only_each_other() -> None:
    headers = standard_headers()
    included = {w.split('"')[1] for t in headers.values() for w in t.split("\n") if w.startswith('#include "')}
    assert included <= headers.keys()


def inputs_of(tmp_path: Path, kernel: str, spec: str) -> Resolved:
    (tmp_path / "kernel.cu").write_text(kernel)
    (tmp_path / "kernel.toml").write_text(spec)
    shape = [1024]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT16, shape) for n in ("X", "Y")]
    graph = helper.make_graph([helper.make_node("Neg", ["X"], ["Y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), tmp_path / "model.onnx")
    request = CheckRequest(str(tmp_path / "kernel.cu"), str(tmp_path / "model.onnx"))
    return read_inputs(request, lambda _: None)[0]


def test_arguments_lie_in_memory_as_c_lays_them_out(tmp_path: Path) -> None:
    kernel = """#include <cuda_fp16.h>
struct P { char tag; int n; double a; };
__global__ void k(const half* x, P p, half* y, const half* none, short s)
{ const int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < p.n) y[i] = __hneg(x[i]); }
"""
    spec = """grid = [4]
block = [256]
[args]
x = "X"
y = "Y"
p = { fields = { tag = 7, n = 300, a = 1.5 } }
none = "null"
s = -2
"""
    stage = inputs_of(tmp_path, kernel, spec).stages[0]
    scalars = {"p.tag": 7, "p.n": 300, "p.a": struct.unpack("<Q", struct.pack("<d", 1.5))[0], "s": 0xFFFE}
    found = arguments_of(stage, {"x": 4096, "y": 8192}, scalars, {})
    assert found == [
        struct.pack("<Q", 4096), struct.pack("<bxxxid", 7, 300, 1.5), struct.pack("<Q", 8192), struct.pack("<Q", 0), struct.pack("<h", -2),
    ]  # fmt: skip


def test_buffers_start_as_the_interpreter_has_them() -> None:
    held = Watched(6, 2, lambda at: at.astype(np.uint64) + 1)
    assert bytes_of(held).tolist() == [1, 0, 2, 0, 3, 0]
    empty = Watched(11, 1, None)
    empty.store(np.array([3]), 1, np.array([9], np.uint8))
    assert bytes_of(empty).tolist() == [POISON] * 3 + [9] + [POISON] * 7


def test_flags_say_what_the_specification_says() -> None:
    assert flags(CompileOptions()) == []
    given = CompileOptions(fmad=False, ftz=True, prec_div=False, prec_sqrt=False, defines=(("TILE", "32"),))
    assert flags(given) == ["-DTILE=32", "-fmad=false", "-ftz=true", "-prec-div=false", "-prec-sqrt=false"]


def test_folders_of_the_specification_are_relative_to_the_kernel(tmp_path: Path) -> None:
    given = CompileOptions(include=("own", "/else/where"))
    assert include_folders(tmp_path / "k.cu", given) == [tmp_path / "own", Path("/else/where")]


def elf(names: Sequence[str]) -> bytes:
    """An ELF file with empty sections of these names."""
    strings = b"\0" + b"".join(n.encode() + b"\0" for n in names) + b".shstrtab\0"
    offsets = [strings.index(b"\0" + n.encode() + b"\0") + 1 for n in [*names, ".shstrtab"]]
    table = 64 + len(strings)
    head = bytearray(64)
    struct.pack_into("<Q", head, 0x28, table)
    struct.pack_into("<HHH", head, 0x3A, 64, len(offsets), len(names))
    sections = b"".join(struct.pack("<I20xQ32x", o, 64) for o in offsets)
    return bytes(head) + strings + sections


def test_kernels_of_a_cubin_are_its_text_sections() -> None:
    assert kernels_in(elf([".text._Z1kPf", ".nv.info._Z1kPf", ".text.scale"])) == ["_Z1kPf", "scale"]


def test_a_kernel_is_found_by_its_mangled_name() -> None:
    assert _named("k", ["_Z1kPf", "_Z2kkPf"]) == "_Z1kPf"
    assert _called("void ns::scale<float, 256>(float*, int)") == "ns::scale<float, 256>"
    with pytest.raises(Unsupported, match="no kernels"):
        _named("other", ["_Z1kPf"])


def test_a_gpu_that_is_demanded_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "device", lambda: None)
    with pytest.raises(Unsupported) as e:
        driver.require_device()
    assert e.value.code == "TV0760"


# ------------------------------------------------------------------------------------------------ a driver that refuses
class RuntimeRefuses(Exception):
    pass


class DriverRefuses(Exception):
    pass


class NoMemory(Exception):
    pass


def refusing(monkeypatch: pytest.MonkeyPatch, *failing: str, error: Exception) -> list[str]:
    """CuPy's modules in place of a GPU's: what is called, up to that which fails. Returns the names of the calls."""
    called: list[str] = []

    def module(name: str, functions: str, **more: object) -> ModuleType:
        made = ModuleType(name)
        for f in functions.split():

            def call(*_: object, f: str = f) -> int:
                called.append(f)
                if f in failing:
                    raise error
                return 1

            setattr(made, f, call)
        for n, value in more.items():
            setattr(made, n, value)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    runtime = module(
        "cupy.cuda.runtime", "setDevice free deviceSynchronize getDeviceCount", CUDARuntimeError=RuntimeRefuses
    )
    loading = module(
        "cupy.cuda.driver",
        "moduleLoadData moduleGetFunction funcSetAttribute launchKernel launchCooperativeKernel",
        CUDADriverError=DriverRefuses,
    )
    memory = module("cupy.cuda.memory", "", OutOfMemoryError=NoMemory)
    cuda = module("cupy.cuda", "", runtime=runtime, driver=loading, memory=memory)
    module("cupy", "asarray", cuda=cuda)
    return called


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        ("setDevice", RuntimeRefuses("busy")),
        ("free", RuntimeRefuses("busy")),
        ("moduleLoadData", DriverRefuses("busy")),
    ],
)
def test_a_module_that_a_gpu_does_not_load(monkeypatch: pytest.MonkeyPatch, failing: str, error: Exception) -> None:
    called = refusing(monkeypatch, failing, error=error)
    with pytest.raises(Unsupported, match="does not load the kernel: busy") as caught:
        driver.Module(b"")
    assert caught.value.code == "TV0762"
    assert called[-1] == failing


@pytest.mark.parametrize(
    ("failing", "error", "cooperative"),
    [
        ("moduleGetFunction", DriverRefuses("lost"), False),
        ("funcSetAttribute", DriverRefuses("lost"), False),
        ("launchKernel", DriverRefuses("lost"), False),
        ("launchCooperativeKernel", DriverRefuses("lost"), True),
        ("deviceSynchronize", RuntimeRefuses("lost"), False),
    ],
)
def test_a_launch_that_fails_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, failing: str, error: Exception, cooperative: bool
) -> None:
    """An error that an asynchronous launch leaves is the runtime's, at the next call."""
    called = refusing(monkeypatch, failing, error=error)
    module = driver.Module(b"")
    with pytest.raises(Unsupported, match="the launch fails on the GPU: lost") as caught:
        module.launch("k", (1, 1, 1), (32, 1, 1), 64 << 10, cooperative, [b"12345678"])
    assert caught.value.code == "TV0763"
    assert called[-1] == failing


@pytest.mark.parametrize("error", [NoMemory("full"), RuntimeRefuses("full")])
def test_memory_that_a_gpu_does_not_give(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    refusing(monkeypatch, "asarray", error=error)
    with pytest.raises(Unsupported, match="the GPU gives no memory: full") as caught:
        driver.Buffer(np.zeros(4, np.uint8), 16)
    assert caught.value.code == "TV0763"


def test_memory_that_a_gpu_has_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost:
        def get(self) -> np.ndarray:
            raise RuntimeRefuses("lost")

    refusing(monkeypatch, error=ValueError())
    monkeypatch.setattr(sys.modules["cupy"], "asarray", lambda whole: Lost())
    with pytest.raises(Unsupported, match="memory cannot be read: lost") as caught:
        driver.Buffer(np.zeros(4, np.uint8), 16).read()
    assert caught.value.code == "TV0763"


def test_a_runtime_that_fails_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, "getDeviceCount", error=RuntimeRefuses("no driver"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert driver.device.__wrapped__() is None


# ------------------------------------------------------------------------------------------------ verdicts
def wrong_case() -> CheckRequest:
    family = CORPUS / "elementwise"
    return CheckRequest(str(family / "bias_relu_float4__relu_before_bias" / "kernel.cu"), str(family / "model.onnx"))


def on(monkeypatch: pytest.MonkeyPatch, shown: Shown | Unsupported) -> None:
    """A GPU that shows this."""

    def value(*_: object) -> Shown:
        if isinstance(shown, Unsupported):
            raise shown
        return shown

    monkeypatch.setattr(execution, "device", lambda: driver.Device("a GPU", 90))
    monkeypatch.setattr(execution, "require_device", lambda: driver.Device("a GPU", 90))
    monkeypatch.setattr(execution, "gpu_runner", lambda *_: None)
    monkeypatch.setattr(execution, "value_on_gpu", value)


def test_a_difference_on_a_gpu_is_reported_with_its_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Shown(True, 0x3C01, 0x3C00, "a GPU (NVRTC 13.0)", 32))
    found = check(wrong_case()).counterexample
    assert found is not None
    assert (found.replayed, found.where, found.kernel_bits) == ("gpu", "a GPU (NVRTC 13.0)", "0x00003c01")


def test_what_a_gpu_does_not_show_is_not_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Shown(False, 0x3C00, 0x3C00, "a GPU (NVRTC 13.0)", 32))
    result = check(wrong_case())
    assert result.verdict is Verdict.UNKNOWN
    assert result.counterexample is None
    assert all(o.status is not Status.REFUTED for o in result.obligations)
    assert any("a GPU (NVRTC 13.0) gives" in o.message for o in result.obligations)


def test_a_gpu_that_cannot_run_the_kernel_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Unsupported("TV0761", "NVRTC does not compile the kernel"))
    result = check(wrong_case())
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None
    assert result.counterexample.replayed == "cpu"
    assert "TV0761" in [d.code for d in result.diagnostics if d.severity == "note"]
    assert check(replace(wrong_case(), replay="gpu")).verdict is Verdict.UNSUPPORTED


def test_the_interpreter_alone_is_asked_where_no_gpu_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Shown(False, 0, 0, "a GPU", 16))
    for way in ("cpu", "none"):
        found = check(replace(wrong_case(), replay=way)).counterexample
        assert found is not None
        assert found.replayed == "cpu"


# ------------------------------------------------------------------------------------------------ functions
@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("exp.f32", ("expf", 1)), ("exp.f64", ("exp", 1)), ("fast_exp.f32", ("__expf", 1)), ("h_exp.f16", ("hexp", 1)),
        ("h_rsqrt.bf16", ("hrsqrt", 1)), ("pow.f32", ("powf", 2)), ("fast_div.f32", ("__fdividef", 2)),
        ("rsqrt_rn.f32", ("__frsqrt_rn", 1)), ("fadd.f32", None), ("sqrt.f32", None), ("exp.f16", None), ("fmax.f32", None),
        ("saturate.f32", None), ("select", None), ("h_floor.f16", None),
    ],
)  # fmt: skip
def test_functions_are_spelled_as_cuda_has_them(name: str, spelled: tuple[str, int] | None) -> None:
    assert spelling(name) == spelled


def test_a_function_is_compiled_for_its_type() -> None:
    assert "const float* a, const float* b, float* y" in source("pow.f32")
    assert "y[i] = powf(a[i], b[i])" in source("pow.f32")
    assert source("h_exp.bf16").startswith("#include <cuda_bf16.h>\n")


def test_a_function_that_does_not_compile_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise driver.NvrtcFailed("cannot open source file\nmore")

    monkeypatch.setattr(functions, "nvrtc", refuses)
    monkeypatch.setattr(functions, "toolkit_headers", lambda: ())
    monkeypatch.setattr(functions, "Buffer", lambda *_: None)
    with pytest.raises(Unsupported, match="cannot open source file") as e:
        functions.GpuFunctions(CompileOptions(), driver.Device("some", 90))._module("h_exp.f16")
    assert e.value.code == "TV0761"


def other(name: str, args: Sequence[Bits]) -> Bits | None:
    """Stands for a GPU: its exp is always 3."""
    return np.full(args[0].shape, float_bits(3.0, "f32"), np.uint64) if name == "exp.f32" else None


def test_the_interpreter_takes_functions_from_elsewhere() -> None:
    f32 = Scalar.F32
    one = np.ones(2, np.float32)
    assert MathLibrary(0, other).resolve("exp", 1, f32, NOWHERE)(one).tolist() == [3, 3]
    assert MathLibrary(0, other).resolve("exp2", 1, f32, NOWHERE)(one).tolist() == [2, 2]
    assert MathLibrary().resolve("exp2", 1, f32, NOWHERE)(one).tolist() == [2, 2]


def test_a_graph_takes_functions_from_elsewhere(tmp_path: Path) -> None:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("X", "Y")]
    nodes = [helper.make_node("Exp", ["X"], ["E"]), helper.make_node("Neg", ["E"], ["Y"])]
    onnx.save(
        helper.make_model(
            helper.make_graph(nodes, "g", ends[:1], ends[1:]), opset_imports=[helper.make_opsetid("", 20)]
        ),
        tmp_path / "m.onnx",
    )
    graph = read_graph(str(tmp_path / "m.onnx"), index_sets({}), Terms(), Spec((), ()))
    given = {"X": np.zeros(2, np.float32)}
    assert stored(evaluation(graph, {}, given).output("Y"), "f32").tolist() == [-1, -1]
    assert stored(evaluation(graph, {}, given, other).output("Y"), "f32").tolist() == [-3, -3]


def test_functions_are_the_gpus_only_where_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "device", lambda: None)
    assert reference.functions_on(None, {}) is None
    monkeypatch.setattr(reference, "device", lambda: driver.Device("some", 90))
    monkeypatch.setattr(reference, "require_device", lambda: driver.Device("some", 90))
    assert reference.functions_on("cpu", {}) is None
    found = reference.functions_on(None, {"options": {"ftz": True, "defines": [["N", "1"]]}})
    assert found is not None
    assert found.options == CompileOptions(ftz=True)


# ------------------------------------------------------------------------------------------------ variables of the file
class Recorded:
    """What a launch finds in the variables of its module."""

    def __init__(self, _: bytes) -> None:
        self.found: dict[str, bytes] = {}

    def variable(self, name: str, content: driver.Bytes) -> driver.Variable:
        self.found[name] = content.tobytes()
        return driver.Variable(64, len(content))

    def launch(self, *given: object) -> None:
        RECORDED.append((dict(self.found), given[-1]))


RECORDED: list[tuple[dict[str, bytes], object]] = []


@pytest.mark.parametrize(
    ("case", "shift"),
    [("variables_bound_to_numbers", struct.pack("<f", 1.5)), ("variable_bound_to_tensor_added_twice", None)],
)
def test_variables_of_the_file_hold_what_is_bound(
    monkeypatch: pytest.MonkeyPatch, case: str, shift: bytes | None
) -> None:
    folder = CORPUS / "attack" / case
    spec, _, refuter = execution.opened(CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx")))
    RECORDED.clear()
    monkeypatch.setattr(gpu_run, "Module", Recorded)
    monkeypatch.setattr(gpu_run, "Buffer", lambda content, _: driver.Variable(32, len(content)))
    monkeypatch.setattr(driver.Variable, "read", lambda self: (np.zeros(self.size, np.uint8), True))
    monkeypatch.setattr(gpu_run.GpuRunner, "image", Image(b"", {"add": "add"}, "a compiler"))
    runner = gpu_run.GpuRunner(folder, "", spec.spec.options, spec.stages, spec.variables, driver.Device("", 90))
    pattern, setting = Pattern("small", 3), refuter.setting({"N": 5})
    runner.run(setting, pattern)
    if shift is None:
        shift = int(pattern.bits(setting.slots["shift"], np.zeros(1, np.int64))[0]).to_bytes(4, "little")
    assert RECORDED == [({"n": struct.pack("<i", 5), "shift": shift}, [struct.pack("<Q", 32)] * 3)]
