"""Hunting kernels that no proof covers: wrong ones in public styles are found, right ones beside them are not refuted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.checking import graph, write
from tv.execution import hunt, opened, replay
from tv.kernel import Kernel
from tv.refute.nan_bits import sees_bits
from tv.replay.atomic_sums import AtomicSums
from tv.request import CheckRequest
from tv.verdict import CheckResult, Verdict

ONLINE = """
template <int N> __global__ void rows(const float* x, float* y, int rows)
{
    int lane = threadIdx.x % 32, row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (row >= rows) return;
    const float* p = x + row * N;
    float m = -INFINITY, s = 0.0f;
    for (int i = lane; i < N; i += 32) {
        float v = p[i], most = fmaxf(m, v);
        s = RESCALED + __expf(v - most);
        m = most;
    }
    for (int o = 16; o; o >>= 1) {
        float other = __shfl_xor_sync(0xffffffffu, m, o), sum = __shfl_xor_sync(0xffffffffu, s, o);
        float most = fmaxf(m, other);
        s = s * __expf(m - most) + sum * __expf(other - most);
        m = most;
    }
    for (int i = lane; i < N; i += 32) y[row * N + i] = __expf(p[i] - m) / s;
}
template __global__ void rows<96>(const float* x, float* y, int rows);
"""
ATOMIC = """
__global__ void sums(const float* x, float* y, int rows)
{
    int c = threadIdx.x;
    for (int r = blockIdx.x; r < %s; r += gridDim.x) atomicAdd(&y[c], x[r * 64 + c]);
}
"""


def hunted(folder: Path, text: str, spec: str, nodes: list[onnx.NodeProto], x: list[int], y: list[int]) -> CheckResult:
    axes = [helper.make_tensor("axes", TensorProto.INT64, [1], [0])]
    first, last = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in (("x", x), ("y", y)))
    graph = helper.make_graph(nodes, "g", [first], [last], axes)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(folder / "m.onnx")
    )
    (folder / "k.cu").write_text(text)
    (folder / "k.toml").write_text(spec)
    request = CheckRequest(str(folder / "k.cu"), str(folder / "m.onnx"), counterexample=str(folder / "c.npz"))
    result = hunt(request, 6)
    if result.verdict is Verdict.REFUTED:
        assert result.counterexample is not None
        assert result.counterexample.file == str(folder / "c.npz")
        assert replay(str(folder / "c.npz"), request, "cpu").holds
    return result


def softmax(folder: Path, rescaled: str) -> CheckResult:
    spec = 'kernel = "rows<96>"\ngrid = [2]\nblock = [128]\n[args]\nx = "x"\ny = "y"\nrows = 8\n'
    return hunted(
        folder,
        ONLINE.replace("RESCALED", rescaled),
        spec,
        [helper.make_node("Softmax", ["x"], ["y"])],
        [8, 96],
        [8, 96],
    )


def column_sums(folder: Path, rows: str) -> CheckResult:
    spec = (
        'kernel = "sums"\ngrid = [8]\nblock = [64]\n[args]\nx = "x"\ny = { output = "y", zeroed = true }\nrows = 128\n'
    )
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
    return hunted(folder, ATOMIC % rows, spec, [node], [128, 64], [64])


def test_an_online_softmax_that_forgets_to_rescale(tmp_path: Path) -> None:
    found = softmax(tmp_path, "s").counterexample
    assert found is not None
    assert [i.tensor for i in found.inputs] == ["x"]  # one score is enough
    assert found.others == 0


def test_an_online_softmax_that_rescales(tmp_path: Path) -> None:
    assert softmax(tmp_path, "s * __expf(m - most)").verdict is Verdict.UNKNOWN


def test_float_atomics_that_leave_a_row_out(tmp_path: Path) -> None:
    """The order of the additions is open, but on such inputs none rounds."""
    found = column_sums(tmp_path, "rows - 1").counterexample
    assert found is not None
    assert [(i.tensor, i.index[0]) for i in found.inputs] == [("x", 127)]


def test_float_atomics_that_add_every_row(tmp_path: Path) -> None:
    assert column_sums(tmp_path, "rows").verdict is Verdict.UNKNOWN


TURNED = """#include <cuda_bf16.h>
__global__ void k(const __nv_bfloat16* x, const __nv_bfloat16* z, const float* c, const float* s, __nv_bfloat16* y)
{
    int i = threadIdx.x;
    float p = __bfloat162float(x[i]) * c[i], q = __bfloat162float(z[i]) * s[i];
    y[i] = __float2bfloat16(DIFFERENCE);
}
"""


@pytest.mark.parametrize(("difference", "refuted"), [("p - q", False), ("-(q - p)", True), ("p - q + 0.0f", True)])
def test_a_difference_that_rounds_to_zero_keeps_its_sign(tmp_path: Path, difference: str, refuted: bool) -> None:
    """p - q may be an fma, and so small that bf16 has only a zero for it."""
    kind = TensorProto.BFLOAT16
    ends = {n: (TensorProto.FLOAT if n in "cs" else kind, [64]) for n in "xzcs"}
    nodes = [
        *(helper.make_node("Cast", [a], [b], to=TensorProto.FLOAT) for a, b in ("xu", "zv")),
        *(("Mul", "u c", "p"), ("Mul", "v s", "q"), ("Sub", "p q", "d")),
        helper.make_node("Cast", ["d"], ["y"], to=kind),
    ]
    spec = 'kernel = "k"\n[args]\n' + "".join(f'{n} = "{n}"\n' for n in "xzcsy")
    text = TURNED.replace("DIFFERENCE", difference)
    found = hunt(write(tmp_path, text, graph(nodes, ends, {"y": (kind, [64])}), spec), 5)
    assert (found.verdict is Verdict.REFUTED) is refuted
    assert found.verdict in (Verdict.REFUTED, Verdict.UNKNOWN)


# ------------------------------------------------------------------------------------------------ sums of atomics
def summed(
    values: np.ndarray[tuple[int], np.dtype[np.float32]], order: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.float32:
    total = np.float32(0)
    for v in values[order]:
        total = np.float32(total + v)
    return total


def test_what_is_called_exact_is_the_same_in_every_order() -> None:
    rng = np.random.default_rng(2)
    seen = set()
    for n in range(300):
        scale = 2.0 ** rng.integers(-120, 100)
        values = (rng.integers(-(2 ** rng.integers(1, 26)), 2 ** rng.integers(1, 26), 12) * scale).astype(np.float32)
        if n % 3 == 0:
            values = (values * rng.random(12)).astype(np.float32)
        found = np.concatenate([[0], np.cumsum(values.astype(np.float64))[:-1]])
        sums = AtomicSums()
        sums.add(0, "f32", np.zeros(12, np.int64), values.astype(np.float64), found)
        seen.add(sums.exact())
        if sums.exact():
            assert len({summed(values, rng.permutation(12)).tobytes() for _ in range(20)}) == 1
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("values", "exact"),
    [
        ((1.0, 2.0, -3.0), True),
        ((1.0, 2.0**24), False),
        ((1.0, -0.0), False),
        ((1.0, np.inf), False),
        ((2.0**-149, 2.0**-149), False),  # subnormal: flushed in global memory
    ],
)
def test_sums_that_may_hang_on_the_order(values: tuple[float, ...], exact: bool) -> None:
    sums = AtomicSums()
    for k, v in enumerate(values):
        sums.add(0, "f32", np.array([0]), np.array([v]), np.array([0.0 if k == 0 else values[0]]))
    assert sums.exact() is exact
    apart = AtomicSums()
    for k, v in enumerate((1.0, 2.0**24)):  # not in one cell
        apart.add(0, "f32", np.array([4 * k]), np.array([v]), np.array([0.0]))
    assert apart.exact()


# ------------------------------------------------------------------------------------------------ bits of NaNs
COPIED = """y[t] = x[t] + 1.0f; __syncthreads();
    __shared__ float s[32]; __pipeline_memcpy_async(s + t, y + t, 4); __pipeline_commit(); __pipeline_wait_prior(0); """


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("y[t] = __float_as_uint(x[t] + 1.0f) == 7u ? 1.0f : 0.0f;", True),
        ("unsigned u = __float_as_uint(x[t] + 1.0f); y[t] = __uint_as_float(u);", False),
        ("unsigned u = __float_as_uint(x[t] + 1.0f); y[t] = __uint_as_float(u & 0x7fffffffu);", True),
        ("__shared__ float s[32]; s[t] = x[t] + 1.0f; __syncthreads(); y[t] = ((int*)s)[t] > 0 ? 1.0f : 0.0f;", True),
        ("unsigned u = __shfl_xor_sync(~0u, __float_as_uint(x[t] + 1.0f), 1); y[t] = u > 5u ? 1.0f : 0.0f;", True),
        ("y[t] = x[t] > 1.0f ? 1.0f : t * 2.0f;", False),
        (COPIED + "y[t] = ((int*)s)[t] > 0 ? 1.0f : 0.0f;", True),
        (COPIED + "y[t] = __int_as_float(((int*)s)[t]);", False),
        ("y[t] = x[t]; int u = atomicExch((int*)(y + t), 0); y[t] = u > 5 ? 1.0f : 0.0f;", True),
        ("y[t] = x[t]; int u = atomicExch((int*)(y + t), 0); y[t] = __int_as_float(u);", False),
        ("__shared__ float s[32]; atomicExch(s + t, x[t]); y[t] = ((int*)s)[t] > 0 ? 1.0f : 0.0f;", True),
        ("__shared__ int s[32]; atomicExch(s + t, __float_as_int(x[t] + 1.0f)); y[t] = s[t] > 0 ? 1.0f : 0.0f;", True),
        ("__shared__ int s[32]; atomicExch(s + t, t); y[t] = atomicExch(s + t, 0) > 0 ? 1.0f : 0.0f;", False),
        ("atomicMax((int*)(y + t), __float_as_int(x[t] + 1.0f));", True),
        ("y[t] = x[t] + 1.0f; atomicMax((int*)(y + t), t);", True),
        ("y[t] = __popc(__float_as_uint(x[t] + 1.0f));", True),
        ("y[t] = __reduce_add_sync(~0u, __float_as_uint(x[t] + 1.0f));", True),
        ("y[t] = __shfl_sync(~0u, t * 1.0f, __float_as_int(x[t] + 1.0f));", True),
        ("y[t] = __shfl_sync(~0u, x[t] + 1.0f, t ^ 1);", False),
    ],
)
def test_kernels_that_see_which_nan_they_have(tmp_path: Path, line: str, seen: bool) -> None:
    assert sees_bits(kernel_of(tmp_path, line)) is seen


@pytest.mark.parametrize(
    ("truth", "refuted"),
    [
        ("u == 0x7fffffffu", False),
        ("u == 0x7fc00000u", False),
        ("u == 0xffc00000u", False),
        ("(u & 0x7fffffffu) > 0x7f800000u", False),
        ("(u & 0x7fffffffu) > 0x7fc00000u", False),
        ("(u & 0x7fffffffu) < 0x7f800000u", True),
        ("u == 0x3f800000u", True),
    ],
)
def test_a_kernel_that_looks_for_one_nan_is_not_refuted(tmp_path: Path, truth: str, refuted: bool) -> None:
    """0 / 0 comes without any NaN among the inputs; which one it is, the device says."""
    nodes = [("Div", "x x", "d"), ("IsNaN", "d", "b"), helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT)]
    ends = {n: {n: (TensorProto.FLOAT, [64])} for n in "xy"}
    line = f"int t = threadIdx.x; unsigned u = __float_as_uint(x[t] / x[t]); y[t] = {truth} ? 1.0f : 0.0f;"
    text = f"__global__ void k(const float* x, float* y) {{ {line} }}\n"
    spec = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'
    found = hunt(write(tmp_path, text, graph(nodes, ends["x"], ends["y"]), spec), 4)
    assert found.verdict is (Verdict.REFUTED if refuted else Verdict.UNKNOWN)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("y[t + 64 * (u >> 31)] = fabsf(x[t]);", ""),
        ("y[t] = fabsf(x[t + 64 * (u >> 31)]);", ""),
        ("if (!(u >> 31)) y[t] = fabsf(x[t]);", ""),
        ("y[t + 64 * (u >> 30)] = fabsf(x[t]);", "bounds"),
        ("if (!(u >> 30)) y[t] = fabsf(x[t]);", "coverage"),
    ],
)
def test_a_kernel_that_goes_by_the_sign_of_a_nan_is_not_refuted(tmp_path: Path, line: str, kind: str) -> None:
    ends = {n: {n: (TensorProto.FLOAT, [64])} for n in "xy"}
    text = f"__global__ void k(const float* x, float* y) {{ int t = threadIdx.x; unsigned u = __float_as_uint(x[t] / x[t]); {line} }}\n"
    spec = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'
    found = hunt(write(tmp_path, text, graph([("Abs", "x", "y")], ends["x"], ends["y"]), spec), 4)
    assert found.verdict is (Verdict.REFUTED if kind else Verdict.UNKNOWN)
    assert (found.counterexample.kind if found.counterexample else "") == kind


def kernel_of(folder: Path, line: str) -> Kernel:
    head = "#include <cuda_pipeline.h>\n" if "__pipeline" in line else ""
    text = f"{head}__global__ void k(const float* x, float* y) {{ int t = threadIdx.x; {line} }}\n"
    (folder / "k.cu").write_text(text)
    (folder / "k.toml").write_text('kernel = "k"\ngrid = [1]\nblock = [32]\n[args]\nx = "x"\ny = "y"\n')
    first, last = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [32]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", [first], [last])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(folder / "m.onnx"))
    return opened(CheckRequest(str(folder / "k.cu"), str(folder / "m.onnx")))[1]
