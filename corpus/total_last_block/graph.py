"""The sum of a long bfloat16 vector by many blocks, of which the last to finish adds what all have found."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"N": 65536, "BLOCKS": 32, "BLOCK": 256},
    {"N": 1000000, "BLOCKS": 64, "BLOCK": 512},
    {"N": 5000, "BLOCKS": 8, "BLOCK": 64},
)
GROWS = {"N": 8192}


def build(N: int = 65536) -> onnx.ModelProto:
    """x: bf16 [N]; y: bf16 [1]."""
    element = TensorProto.BFLOAT16
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], "sum", keepdims=1)]
    axes = constant("axes", TensorProto.INT64, [1], [0])
    return model("total", nodes, [tensor("x", element, [N])], [tensor("y", element, [1])], [axes])


def draw(rng: random.Random) -> Sizes:
    """BLOCKS: no more than a block has threads, each of which takes one partial sum."""
    block = 1 << rng.randint(6, 9)
    blocks = 1 << rng.randint(2, 6)
    return {"N": about(rng, 3 * block * blocks, 4000000), "BLOCKS": min(blocks, block), "BLOCK": block}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "total",
        "grid": [sizes["BLOCKS"]],
        "block": [sizes["BLOCK"]],
        "relaunch": True,
        **defines(sizes, SIZES[0], ["N", "BLOCKS", "BLOCK"]),
        "args": {
            "x": "x",
            "partial": {"extent": sizes["BLOCKS"]},
            "count": {"extent": 1, "zeroed": True},
            "y": "y",
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A block's share of a sum has to be more than the error of adding so many numbers in any order."""
    return not case.endswith(("__first_block_misses", "__last_partial_missing")) or (
        sizes["N"] <= 100000 and sizes["BLOCKS"] <= 32
    )


if __name__ == "__main__":
    main(build)
