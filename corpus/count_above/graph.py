"""How many elements of a long vector lie above a threshold, counted by atomic operations."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"N": 200003, "BLOCKS": 32, "BLOCK": 256},
    {"N": 4194304, "BLOCKS": 132, "BLOCK": 512},
    {"N": 5000, "BLOCKS": 7, "BLOCK": 64},
)
GROWS = {"N": 8192}


def build(N: int = 200003) -> onnx.ModelProto:
    """x: f32 [N]; y: int32 [1]."""
    nodes = [
        helper.make_node("Greater", ["x", "threshold"], ["above"], "above"),
        helper.make_node("Cast", ["above"], ["ones"], "ones", to=TensorProto.INT32),
        helper.make_node("ReduceSum", ["ones", "axes"], ["y"], "count", keepdims=1),
    ]
    stated = [constant("threshold", TensorProto.FLOAT, [], [0.5]), constant("axes", TensorProto.INT64, [1], [0])]
    inputs, outputs = [tensor("x", TensorProto.FLOAT, [N])], [tensor("y", TensorProto.INT32, [1])]
    return model("count_above", nodes, inputs, outputs, stated)


def draw(rng: random.Random) -> Sizes:
    """No block has a whole share: the last round is ragged."""
    block = 1 << rng.randint(6, 9)
    blocks = rng.randint(3, 96)
    return {"N": about(rng, 3 * block * blocks, 4000000) // block * block + 5, "BLOCKS": blocks, "BLOCK": block}


def spec(case: str, sizes: Sizes) -> Spec:
    cleared = {} if case.endswith("__total_not_cleared") else {"zeroed": True}
    return {
        "kernel": "count_above",
        "grid": [sizes["BLOCKS"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["N", "BLOCKS", "BLOCK"]),
        "args": {"x": "x", "y": {"output": "y", **cleared}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A count that is too high is shown by runs of all blocks, which have to be affordable."""
    return not case.endswith("__every_warp_adds") or sizes["N"] <= 300000


if __name__ == "__main__":
    main(build)
