"""A residual MLP of 32 layers in float16, unrolled: both products are rounded to half, and so is every residual."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, main
from mlp_stack import drawn_stack, stack, stack_spec

SIZES = (
    {"L": 32, "D": 4096, "H": 11008, "GRID": 132, "THREADS": 512},
    {"L": 80, "D": 8192, "H": 28672, "GRID": 114, "THREADS": 1024},
    {"L": 7, "D": 776, "H": 1000, "GRID": 13, "THREADS": 128},
    {"L": 2, "D": 40, "H": 56, "GRID": 3, "THREADS": 64},
)
GROWS = {"D": 512, "H": 1376}


def build(L: int = 32, D: int = 4096, H: int = 11008) -> onnx.ModelProto:
    """x0, y: f16 [D]; W1_l: [H, D]; W2_l: [D, H]."""
    return stack(L, D, H, TensorProto.FLOAT16)


def draw(rng: random.Random) -> Sizes:
    """D, H: whole 16-byte loads."""
    return drawn_stack(rng, layers=(2, 80), step=8)


def spec(case: str, sizes: Sizes) -> Spec:
    return stack_spec(case, sizes, SIZES[0])


def allows(case: str, sizes: Sizes) -> bool:
    """A 32-bit offset overflows only where the weights are that many; rings are at most 48 KB."""
    if case.startswith("ring"):
        return sizes["THREADS"] <= 768
    return not case.endswith("__layer_size_overflow") or 2 * sizes["D"] * sizes["H"] * (sizes["L"] - 1) >= 2**31


if __name__ == "__main__":
    main(build)
