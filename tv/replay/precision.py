"""How precise the float formats are, and by how much an implementation of a function may err."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PRECISION = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}  # bits of a significand
MOST = {"f16": 65504.0, "bf16": 3.3895e38, "f32": 3.4028e38, "f64": 1.7976e308}
LEAST = {"f16": 2.0**-25, "bf16": 2.0**-134, "f32": 2.0**-150, "f64": 5e-324}  # half the smallest subnormal number
# Units in the last place by which an implementation may err (CUDA's manual), and half a unit of the value computed here.
ULPS = {
    "pow": 9.0,
    "tan": 5.0,
    "asin": 5.0,
    "acos": 4.0,
    "atan": 4.0,
    "atan2": 4.0,
    "sinh": 4.0,
    "asinh": 4.0,
    "acosh": 5.0,
    "atanh": 4.0,
}
OTHER_ULPS = 3.0
GROWING: dict[str, Callable[[Floats], Floats]] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log1p": np.log1p, "tanh": np.tanh,
    "sinh": np.sinh, "asin": np.arcsin, "atan": np.arctan, "fsqrt": np.sqrt, "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "acos": np.arccos, "asinh": np.arcsinh, "atanh": np.arctanh, "acosh": np.arccosh,
}  # fmt: skip


def ulps(head: str, label: str, y: Floats) -> Floats:
    error = ULPS.get(head, OTHER_ULPS) * (2.0 ** (1 - PRECISION[label]) * np.abs(y) + 2 * LEAST[label])
    return np.where(np.isfinite(y), error, np.inf)
