"""Zeros that a kernel adds: to a maximum what it starts from anyway, to a sum zero times what is stated to be finite."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F32, Ends, checked, graph
from tv.verdict import Verdict

X: Ends = {"x": (F32, [1, 1, 64])}
TAPS = graph(
    [onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[2, 0], kernel_shape=[3])],
    {**X, "w": (F32, [1, 1, 3])},
    {"y": (F32, [1, 1, 64])},
)
PADDED = graph(
    [("Pad", "x before", "p"), onnx.helper.make_node("Conv", ["p", "w"], ["y"], kernel_shape=[3])],
    {**X, "w": (F32, [1, 1, 3])},
    {"y": (F32, [1, 1, 64])},
    before=(7, [6], [0, 0, 2, 0, 0, 0]),
)
WINDOW = """__global__ void k(const float* x, const float* w, float* y) {
  __shared__ float s[66];
  int t = threadIdx.x;
  if (t < 2) s[t] = PAD;
  s[t + 2] = x[t];
  __syncthreads();
  float sum = START;
  for (int i = FIRST; i < 3; ++i) sum += s[t + i] * w[i];
  y[t] = sum;
}
"""
SKIPPED = """__global__ void k(const float* x, const float* w, float* y) {
  int t = threadIdx.x;
  float sum = 0.0f;
  for (int i = 0; i < 3; ++i) if (t + i >= 2) sum += x[t + i - 2] * w[i];
  y[t] = sum;
}
"""
FINITE = '[inputs]\nfinite = ["w"]\n'


def window(pad: str = "0.0f", start: str = "0.0f", first: str = "0") -> str:
    return WINDOW.replace("PAD", pad).replace("START", start).replace("FIRST", first)


@pytest.mark.parametrize(
    ("kernel", "model", "spec"),
    [
        (window(), TAPS, FINITE),
        (window(), TAPS, "[inputs]\nw = { min = -3, max = 5 }\n"),
        (window(), PADDED, FINITE),
        (window(), PADDED, ""),  # the graph multiplies too
        (SKIPPED, TAPS, ""),
        (SKIPPED, PADDED, FINITE),
    ],
)
def test_a_window_of_zeros_adds_nothing(kernel: str, model: onnx.ModelProto, spec: str, tmp_path: Path) -> None:
    assert checked(tmp_path, kernel, model, spec).verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("kernel", "model", "spec"),
    [
        (window(), TAPS, ""),  # 0 * inf is NaN
        (window(), TAPS, '[inputs]\nfinite = ["x"]\n'),
        (window("-0.0f"), TAPS, FINITE),
        (window("1.0f"), TAPS, FINITE),
        (window(start="s[t] * w[0]", first="1"), TAPS, FINITE),  # starts from a product, which may be -0
        (window(start="-0.0f"), TAPS, FINITE),
        (SKIPPED, PADDED, ""),
    ],
)
def test_any_other_product_is_a_summand(kernel: str, model: onnx.ModelProto, spec: str, tmp_path: Path) -> None:
    assert checked(tmp_path, kernel, model, spec).verdict is not Verdict.PROVED


# ------------------------------------------------------------------------------------------------ maxima
SOFTMAX = graph([("Softmax", "x", "y")], {"x": (F32, [1, 100])}, {"y": (F32, [1, 100])})
ROW = """__global__ void k(const float* x, float* y) {
  int t = threadIdx.x;
  float v[2], top = START;
  for (int i = 0; i < 2; ++i) {
    int c = t + 64 * i;
    v[i] = c < 100 ? x[c] : PAD;
    top = fmaxf(top, v[i]);
  }
  __shared__ float tops[64], sums[64];
  tops[t] = top;
  __syncthreads();
  top = -INFINITY;
  for (int i = 0; i < 64; ++i) top = fmaxf(top, tops[i]);
  float sum = 0.0f;
  for (int i = 0; i < 2; ++i) if (t + 64 * i < 100) { v[i] = expf(v[i] - top); sum = __fadd_rn(sum, v[i]); }
  sums[t] = sum;
  __syncthreads();
  sum = 0.0f;
  for (int i = 0; i < 64; ++i) sum += sums[i];
  for (int i = 0; i < 2; ++i) if (t + 64 * i < 100) y[t + 64 * i] = v[i] / sum;
}
"""


@pytest.mark.parametrize(
    ("pad", "start", "proved"),
    [
        ("-INFINITY", "-INFINITY", True),
        ("-3.402823466e+38f", "-INFINITY", False),
        ("0.0f", "-INFINITY", False),
        ("INFINITY", "-INFINITY", False),
        ("NAN", "-INFINITY", False),
        ("-INFINITY", "-1e30f", False),
    ],
)
def test_a_maximum_is_padded_with_what_it_starts_from(pad: str, start: str, proved: bool, tmp_path: Path) -> None:
    result = checked(tmp_path, ROW.replace("PAD", pad).replace("START", start), SOFTMAX)
    assert (result.verdict is Verdict.PROVED) is proved, result.why
