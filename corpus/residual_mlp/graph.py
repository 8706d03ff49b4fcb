"""A residual MLP of 32 layers, unrolled."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, main
from mlp_stack import drawn_stack, stack, stack_spec

SIZES = (
    {"L": 32, "D": 4096, "H": 11008, "GRID": 132, "THREADS": 512},
    {"L": 40, "D": 5120, "H": 13824, "GRID": 114, "THREADS": 256},
    {"L": 5, "D": 520, "H": 700, "GRID": 13, "THREADS": 128},
    {"L": 2, "D": 28, "H": 40, "GRID": 3, "THREADS": 64},
)
GROWS = {"D": 512, "H": 1376}


def build(L: int = 32, D: int = 4096, H: int = 11008) -> onnx.ModelProto:
    """x0, y: f32 [D]; W1_l: [H, D]; W2_l: [D, H]."""
    return stack(L, D, H)


def draw(rng: random.Random) -> Sizes:
    """D, H: whole 16-byte loads."""
    return drawn_stack(rng, layers=(2, 60), step=4)


def spec(case: str, sizes: Sizes) -> Spec:
    return stack_spec(case, sizes, SIZES[0])


def allows(case: str, sizes: Sizes) -> bool:
    """A 32-bit offset overflows only where the weights are that many."""
    return not case.endswith("__offset_overflow") or 2 * sizes["D"] * sizes["H"] * (sizes["L"] - 1) >= 2**31


if __name__ == "__main__":
    main(build)
