"""Terms in messages: a number is written as what its place takes it for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import F32, graph, write
from tv.check import check

SPEC = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("int v = 10; for (int r = 0; r < 7; ++r) v = v + (x[r] > 0 ? -1 : 0); y[t] = v < 4 ? 3.0f : -x[t];", "? -1 : 0 and so on) < 4"),
        ("__shared__ int s[64]; s[t] = 0; if (x[t] > 0) s[t] = 7; y[t] = s[t] + 1000 > 1003 ? 3.0f : -x[t];", "? 7 : 0) + 1000"),
        ("y[t] = (x[t] > 0 ? 0.5f : 0.0f) + 1.0f;", "? 0.5 : 0.0) + 1.0"),
    ],
)  # fmt: skip
def test_numbers_in_selects_and_folds(tmp_path: Path, body: str, said: str) -> None:
    text = f"__global__ void k(const float* x, float* y)\n{{\n  int t = threadIdx.x;\n  {body}\n}}\n"
    found = check(write(tmp_path, text, graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])}), SPEC))
    assert said in found.why
