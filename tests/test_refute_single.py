"""Kernels written out, taken apart and cut down to one value execute as they did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tv import cuda_frontend
from tv.kernel import Kernel, Loop, Space, check, walk
from tv.launch import CompileOptions
from tv.refute.single import OTHERS, Target, alone, prepared, targets
from tv.replay import DenseBuffer, Execution, run

GEMM = """
__global__ void gemm(const float* a, const float* b, float* c) {
    __shared__ float as[4][8], bs[4][8];
    float acc[4][2] = {};
    int t = threadIdx.x, x = t % 4, y = t / 4;
    for (int k0 = 0; k0 < 12; k0 += 4) {
        for (int i = t; i < 32; i += 8) { as[i % 4][i / 4] = a[i / 4 * 12 + k0 + i % 4]; bs[i / 8][i % 8] = b[(k0 + i / 8) * 8 + i % 8]; }
        __syncthreads();
        for (int k = 0; k < 4; ++k) {
            float u[4], v[2];
            for (int i = 0; i < 4; ++i) u[i] = as[k][y * 4 + i];
            for (int j = 0; j < 2; ++j) v[j] = bs[k][x * 2 + j];
            for (int i = 0; i < 4; ++i) for (int j = 0; j < 2; ++j) acc[i][j] += u[i] * v[j];
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; ++i) {
        float2 out = make_float2(acc[i][0], acc[i][1]);
        *(float2*)&c[(y * 4 + i) * 8 + x * 2] = out;
    }
}
"""
CARRIED = """
__global__ void carried(const float* a, const float* b, float* c) {
    int t = threadIdx.x, last = 0;
    float s = 0.f, p = 1.f;
    for (int i = 0; i < 5; ++i) {
        float d = a[t * 8 + i] - p;
        if (d > 0.f) { s += d; last = i; } else { p = d * 0.5f; }
        for (int j = i; j < 3; ++j) s = s * 0.5f + b[t * 8 + j];
        if (t == 3 && i == 2) s = -s;
    }
    float w[8];
    for (int i = 0; i < 8; ++i) w[i] = a[t * 8 + i] * s;
    for (int i = 0; i < 7; ++i) { float h = w[i]; w[i] = w[i + 1]; w[i + 1] = h; }
    for (int i = 0; i < 8; ++i) c[t * 8 + i] = w[i] + p + (float)last;
}
"""
BYTES = """
#include <cuda_fp16.h>
__global__ void bytes(const float* a, const float* b, float* c) {
    int t = threadIdx.x;
    const uint4 p = ((const uint4*)a)[t * 2];
    const __half2* h = (const __half2*)&p;
    float2 s = make_float2(0.f, 0.f);
    for (int k = 0; k < 4; ++k) { s.x += __low2float(h[k]); s.y += __high2float(h[k]) * b[k]; }
    for (int k = 0; k < 8; ++k) c[t * 8 + k] = (k & 1) ? s.x : s.y;
}
"""
KERNELS = {"gemm": GEMM, "carried": CARRIED, "bytes": BYTES}


def kernel(text: str) -> Kernel:
    (found,) = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels.values()
    return found


def execute(k: Kernel, fmad: bool = False) -> tuple[Execution, dict[str, DenseBuffer]]:
    rng = np.random.default_rng(1)
    buffers = {n: DenseBuffer.of(rng.standard_normal(96).astype(np.float32)) for n in "ab"}
    buffers |= {n: DenseBuffer.empty(64 * 4) for n in ("c", "c" + OTHERS)}
    return run(k, (1, 1, 1), (8, 1, 1), dict(buffers), {}, fmad=fmad), buffers


def locals_of(k: Kernel) -> list[str]:
    return [n for n, o in k.objects.items() if o.space is Space.LOCAL]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("fmad", [True, False])
def test_a_kernel_without_its_loops_leaves_the_same(name: str, fmad: bool) -> None:
    k = kernel(KERNELS[name])
    new = prepared(k, fmad)
    check(new)
    assert not locals_of(new)
    was, now = execute(k, fmad), execute(new)
    assert was[0].clean
    assert now[0].clean
    assert (was[1]["c"].data == now[1]["c"].data).all()
    assert sum(isinstance(s, Loop) for s in walk(new.body)) < sum(isinstance(s, Loop) for s in walk(k.body))


@pytest.mark.parametrize("name", KERNELS)
def test_one_value_alone_is_what_the_kernel_leaves_there(name: str) -> None:
    k = kernel(KERNELS[name])
    whole = execute(k, fmad=True)[1]["c"].array(np.uint32)
    seen = set()
    for target in targets(k, ("c",)):
        part = alone(k, target, True)
        check(part)
        done, buffers = execute(part)
        assert done.clean
        own = np.flatnonzero(buffers["c"].init[::4])
        others = np.flatnonzero(buffers["c" + OTHERS].init[::4])
        assert len(own) == 8
        assert not set(own) & set(others)
        assert sorted({*own, *others}) == list(range(64))
        assert (buffers["c"].array(np.uint32)[own] == whole[own]).all()
        seen |= set(own)
    assert len(seen) == 24


def test_one_value_alone_needs_less() -> None:
    """Of eight sums a thread, one is left, and of the fragments that feed them two."""
    k = kernel(GEMM)
    part = alone(k, targets(k, ("c",))[0], True)
    assert execute(part)[0].steps < execute(prepared(k, True))[0].steps / 2


def test_a_store_that_hits_the_element_again_is_known() -> None:
    text = """
    __global__ void twice(const float* a, const float* b, float* c) {
        int t = threadIdx.x;
        for (int i = 0; i < 8; ++i) c[t * 8 + i] = a[i];
        c[t * 4] = b[t];
    }
    """
    k = kernel(text)
    _, buffers = execute(alone(k, Target("c", 0, 0), False))
    own, others = (set(np.flatnonzero(buffers[n].init[::4])) for n in ("c", "c" + OTHERS))
    assert own - others == {32, 40, 48, 56}
    whole = execute(k)[1]["c"].array(np.uint32)
    left = sorted(own - others)
    assert (buffers["c"].array(np.uint32)[left] == whole[left]).all()


def test_what_the_kernel_reads_is_no_target() -> None:
    text = """
    __global__ void swap(const float* a, const float* b, float* c) {
        int t = threadIdx.x;
        for (int i = 0; i < 8; ++i) c[t * 8 + i] = a[i];
        c[t] = c[t + 1] + b[0];
    }
    """
    assert not targets(kernel(text), ("c",))


@pytest.mark.parametrize("written", ["u[0] = 1.f;", "if (t < 4) u[i] = a[t];", ""])
def test_an_array_that_is_declared_anew_is_undefined_anew(written: str) -> None:
    """As variables the cells of an array forget what they held, as its bytes do."""
    text = f"""
    __global__ void again(const float* a, const float* b, float* c) {{
        int t = threadIdx.x;
        for (int i = 0; i < 2; ++i) {{
            float u[2];
            if (i == 0) {{ u[0] = 2.f; u[1] = 3.f; }} else {{ {written} }}
            c[t * 8 + i] = u[1];
        }}
    }}
    """
    k = kernel(text)
    new = prepared(k, False)
    assert not locals_of(new)
    for found in (execute(k)[0], execute(new)[0]):
        assert [e.kind for e in found.events] == ["init"]
