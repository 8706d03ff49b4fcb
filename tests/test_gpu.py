"""Running on a GPU, as far as that shows without one: the device side of a file, arguments in memory, names, and what a verdict makes of it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tv import execution
from tv.check import check
from tv.cuda_frontend.device_text import device_text, standard_headers
from tv.diagnostic import Unsupported
from tv.examine import read_inputs
from tv.gpu import driver
from tv.gpu.compile import _called, _named, flags, include_folders, kernels_in
from tv.gpu.replay import Shown
from tv.gpu.run import arguments_of, bytes_of
from tv.launch import CompileOptions
from tv.obligation import Status
from tv.refute.setting import Watched
from tv.replay.buffers import POISON
from tv.request import CheckRequest
from tv.spec import Resolved
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
