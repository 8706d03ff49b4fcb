"""New keys and values written into two caches at each sequence's own position, which is data."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"B": 4, "H": 8, "S": 1024, "D": 64},
    {"B": 3, "H": 2, "S": 2000, "D": 128},
    {"B": 5, "H": 4, "S": 32, "D": 64},
)
GROWS = {"S": 256, "B": 4}


def build(B: int = 4, H: int = 8, S: int = 1024, D: int = 64) -> onnx.ModelProto:
    """Caches: f16 [B, H, S, D]; what is new: f16 [B, H, 1, D]; positions: i64 [B]."""
    half, caches = TensorProto.FLOAT16, ("key", "value")
    nodes = [
        helper.make_node("TensorScatter", [f"past_{c}", f"new_{c}", "positions"], [f"{c}s"], f"update_{c}s", axis=2)
        for c in caches
    ]
    inputs = [tensor(f"past_{c}", half, [B, H, S, D]) for c in caches]
    inputs += [tensor(f"new_{c}", half, [B, H, 1, D]) for c in caches]
    outputs = [tensor(f"{c}s", half, [B, H, S, D]) for c in caches]
    return model("cache_update", nodes, [*inputs, tensor("positions", TensorProto.INT64, [B])], outputs, opset=24)


def draw(rng: random.Random) -> Sizes:
    """D: whole 16-byte copies. B, H: more than one of each."""
    return {
        "B": about(rng, 2, 32),
        "H": about(rng, 2, 16),
        "S": about(rng, 8, 8192),
        "D": 8 * about(rng, 4, 16),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    in_place = {"keys": {"input": "past_key", "output": "keys"}, "values": {"input": "past_value", "output": "values"}}
    args = {"new_keys": "new_key", "new_values": "new_value", "positions": "positions"}
    return {
        "kernel": "cache_update",
        "grid": [sizes["H"], sizes["B"]],
        "block": [sizes["D"] // 8],
        **defines(sizes, SIZES[0], ["H", "S", "D"]),
        "args": {**in_place, **args},
        "inputs": {"positions": {"min": 0, "max": sizes["S"] - 1}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A defect is shown by a run of the graph, which has to be affordable."""
    return "__" not in case or sizes["B"] * sizes["H"] * sizes["S"] * sizes["D"] <= 3_000_000


if __name__ == "__main__":
    main(build)
