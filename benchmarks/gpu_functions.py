"""By how much CUDA's functions err on a GPU, beside what the judge of counterexamples grants them (tv.replay.precision)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tv.arithmetic import Bits, apply, decode
from tv.diagnostic import Unsupported
from tv.gpu.functions import GpuFunctions, spelling
from tv.replay.precision import LEAST, OTHER_ULPS, PRECISION, ULPS

ARGUMENTS = 1 << 22
_WIDTH = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64}


def arguments(label: str, count: int, arity: int, seed: int = 1) -> list[Bits]:
    """Half of them uniform over all bit patterns, half near 1 in size, where most kernels call."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(arity):
        anything = rng.integers(0, 1 << _WIDTH[label], count, dtype=np.uint64, endpoint=False)
        usual = apply(f"cvt.{label}.f64", [rng.normal(0, 4, count).view(np.uint64)])
        out.append(np.where(np.arange(count) % 2 == 0, anything, usual))
    return out


def error(functions: GpuFunctions, name: str, count: int = ARGUMENTS) -> dict[str, Any]:
    """The largest error in units of the last place of results that are finite, the units granted, and where the largest is; what
    is infinite or NaN on one side only is counted as `apart`."""
    head, _, label = name.partition(".")
    spelled = spelling(name)
    assert spelled is not None
    given = arguments(label, count, spelled[1])
    found = functions(name, given)
    assert found is not None
    there = decode(found, label).astype(np.float64)
    wide = [decode(a, label).astype(np.float64).view(np.uint64) for a in given]
    try:
        exact = decode(apply(f"{head.removeprefix('h_').removeprefix('fast_')}.f64", wide), "f64")
    except Unsupported:
        return {"function": name, "arguments": count, "error": "no formula to compare with"}
    with np.errstate(all="ignore"):
        rounded = decode(apply(f"cvt.{label}.f64", [exact.view(np.uint64)]), label).astype(np.float64)
        size = np.maximum(np.abs(exact), 2 * LEAST[label] * 2.0 ** (PRECISION[label] - 1))
        unit = 2.0 ** (np.floor(np.log2(size)) + 1 - PRECISION[label])
        both = np.isfinite(there) & np.isfinite(rounded)
        off = np.where(both, np.abs(there - exact) / unit, 0.0)
    apart = ~both & ~((np.isnan(there) & np.isnan(rounded)) | (there == rounded))
    worst = int(off.argmax())
    at: npt.NDArray[Any] = decode(given[0][worst : worst + 1], label)
    return {
        "function": name, "arguments": count, "ulp": round(float(off[worst]), 3), "at": float(at[0]),
        "granted": ULPS.get(head.removeprefix("h_"), OTHER_ULPS), "apart": int(apart.sum()),
    }  # fmt: skip
