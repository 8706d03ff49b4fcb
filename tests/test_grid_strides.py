"""Loops whose step is the size of an open grid: where the grid covers all elements they run once, and else have no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import F32, checked, graph
from tv.verdict import Verdict

SUM = graph([("Add", "x b", "y")], {"x": (F32, ["N"]), "b": (F32, ["N"])}, {"y": (F32, ["N"])})
HEAD = "__global__ void k(const float* x, const float* b, float* y, int n) {\n int i = blockIdx.x * blockDim.x + threadIdx.x;\n"


def verdict(loop: str, folder: Path, grid: str = "ceildiv(N, 64)", most: int = 5000) -> Verdict:
    spec = f'grid = ["{grid}"]\nblock = [64]\n[args]\nn = {{ symbol = "N", min = 1, max = {most} }}\n'
    return checked(folder, f"{HEAD}{loop}\n}}\n", SUM, spec).verdict


@pytest.mark.parametrize("loop", [
    "for (int j = i; j < n; j += gridDim.x * blockDim.x) y[j] = x[j] + b[j];",
    "for (unsigned j = i; j < (unsigned)n; j += gridDim.x * 64) y[j] = x[j] + b[j];",
    "for (size_t j = i; j < (size_t)n; j += (size_t)gridDim.x * blockDim.x) { if (j > 5) { y[j] = x[j] + b[j]; continue; } y[j] = b[j] + x[j]; }",
    "const float* p = x + i; for (int j = i; p < x + n; p += gridDim.x * blockDim.x, ++j) y[j] = *p + b[j];",
    "int j = i; for (; j < n; j += gridDim.x * blockDim.x) y[j] = x[j]; if (i < n) y[j - gridDim.x * 64] += b[i];",
])  # fmt: skip
def test_a_stride_over_the_whole_grid(loop: str, tmp_path: Path) -> None:
    assert verdict(loop, tmp_path) is Verdict.PROVED


@pytest.mark.parametrize(("loop", "grid"), [
    ("for (int j = i; j < n; j += gridDim.x * 32) y[j] = x[j] + b[j];", "ceildiv(N, 64)"),  # a race
    ("for (int j = i; j < n - 1; j += gridDim.x * blockDim.x) y[j] = x[j] + b[j];", "ceildiv(N, 64)"),
    ("for (int j = i; j < n; j += gridDim.x * blockDim.x) y[j] = x[j] + b[j];", "N // 64 + 1 - N // 4000"),
    ("for (int j = i; j <= n; j += gridDim.x * blockDim.x) y[j] = x[j] + b[j];", "ceildiv(N, 64)"),
    ("for (short j = i; j < n; j += gridDim.x * blockDim.x * 400) y[j] = x[j] + b[j];", "ceildiv(N, 64)"),  # wraps
])  # fmt: skip
def test_a_stride_that_is_none(loop: str, grid: str, tmp_path: Path) -> None:
    """The third is right, of one block fewer where N is large: its second round is not seen."""
    assert verdict(loop, tmp_path, grid, 4500) is not Verdict.PROVED


def test_the_step_may_leave_the_type(tmp_path: Path) -> None:
    loop = "for (int j = i; j < n; j += gridDim.x * blockDim.x * 16) y[j] = x[j] + b[j];"
    assert verdict(loop, tmp_path / "small", most=1 << 20) is Verdict.PROVED
    assert verdict(loop, tmp_path / "large", most=1 << 28) is not Verdict.PROVED
