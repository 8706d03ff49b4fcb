"""A residual MLP in float16 whose layers' weights are buffers of their own, found through tables of pointers."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main
from mlp_stack import stack

SIZES = (
    {"L": 6, "D": 384, "H": 1024, "GRID": 8, "THREADS": 256},
    {"L": 9, "D": 200, "H": 520, "GRID": 5, "THREADS": 128},
    {"L": 2, "D": 40, "H": 56, "GRID": 3, "THREADS": 64},
)
GROWS = {"D": 384, "H": 1024}


def build(L: int = 6, D: int = 384, H: int = 1024) -> onnx.ModelProto:
    """x0, y: f16 [D]; W1_l: [H, D]; W2_l: [D, H]."""
    return stack(L, D, H, TensorProto.FLOAT16)


def draw(rng: random.Random) -> Sizes:
    """D, H: whole 16-byte loads. L: no more than the tables of the struct have."""
    return {
        "L": about(rng, 2, 16),
        "D": about(rng, 24, 600, 8),
        "H": about(rng, 40, 1600, 8),
        "GRID": about(rng, 2, 20),
        "THREADS": about(rng, 64, 512, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    """`struct_*`: one argument by value, tables in it. `memory_*`: two tables in memory. `pairs_*`: one, up and down in turn."""
    order = list(range(sizes["L"]))
    if case.endswith("__last_first"):
        order.reverse()
    up, down = ([f"W{k}_{layer}" for layer in order] for k in (1, 2))
    layers = sizes["L"] + {"one_layer_more": 1, "one_layer_less": -1}.get(case.partition("__")[2], 0)
    x, h = {"input": "x0", "output": "y"}, {"extent": sizes["H"]}
    arguments: Spec = {"x": x, "h": h, "layers": layers}
    match case.partition("_")[0]:
        case "struct":
            arguments = {"p": {"fields": {"state": x, "h": h, "layers": layers, "up": up, "down": down}}}
        case "memory":
            arguments |= {"up": up, "down": down}
        case _:
            arguments |= {"w": [name for pair in zip(up, down, strict=True) for name in pair]}
    return {
        "kernel": "residual_mlp",
        "grid": [sizes["GRID"]],
        "block": [sizes["THREADS"]],
        "cooperative": True,
        **defines(sizes, SIZES[0], ["D", "H", "THREADS"]),
        "args": arguments,
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Up and down have the same rows where they have the same shape."""
    return not case.endswith("__wrong_table") or sizes["D"] != sizes["H"]


if __name__ == "__main__":
    main(build)
