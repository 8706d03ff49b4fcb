"""y = W x with the long side cut into parts: each block sums one part, and the parts are added afterwards."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 256, "K": 16384, "PARTS": 8, "BLOCK": 256},
    {"N": 1024, "K": 28672, "PARTS": 14, "BLOCK": 128},
    {"N": 100, "K": 2048, "PARTS": 4, "BLOCK": 64},
    {"N": 5, "K": 768, "PARTS": 3, "BLOCK": 32},
)
GROWS = {"N": 64, "K": 2048}


def build(N: int = 256, K: int = 16384) -> onnx.ModelProto:
    """W: [N, K] (an initializer); x: [K]; y: [N], all f16."""
    element = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["W", "x"], ["y"], "linear")]
    return model(
        "split_k", nodes, [tensor("x", element, [K])], [tensor("y", element, [N])], [weight("W", element, [N, K])]
    )


def draw(rng: random.Random) -> Sizes:
    """Every part is a whole number of 16-byte loads."""
    parts = rng.randint(2, 24)
    return {
        "N": about(rng, 3, 4000),
        "K": about(rng, 64, 3000, 8) * parts,
        "PARTS": parts,
        "BLOCK": 1 << rng.randint(5, 9),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    n, parts, block = sizes["N"], sizes["PARTS"], sizes["BLOCK"]
    macros = defines(sizes, SIZES[0], ["N", "K", "PARTS", "BLOCK"])
    if case.startswith("last_block"):
        scratch = {"part": {"extent": n * parts}, "arrived": {"extent": n, "zeroed": True}}
        args = {"W": "W", "x": "x", **scratch, "y": "y"}
        return {"kernel": "split_dot", "grid": [n, parts], "block": [block], **macros, "args": args}
    sums = {"scratch": "parts", "extent": n * parts}
    first = {
        "kernel": "partial_dot",
        "grid": [n, parts],
        "block": [block],
        "args": {"W": "W", "x": "x", "part": sums},
    }
    second = {"kernel": "add_parts", "grid": [-(-n // 128)], "block": [128], "args": {"part": sums, "y": "y"}}
    return {**macros, "launch": [first, second]}


def allows(case: str, sizes: Sizes) -> bool:
    """What no proof shows, but a run of all blocks, has to be affordable; of two parts the last but one is the first. Which
    parts a transposed index meets is a long list where rows and parts do not divide evenly."""
    if case.endswith("__counted_one_short"):
        return sizes["PARTS"] > 2
    if case.endswith("__parts_transposed"):
        return sizes["N"] % sizes["PARTS"] == 0 or sizes["N"] <= 40
    blocks = sizes["N"] * sizes["PARTS"]
    runs = case.endswith(("__never_the_last", "__one_counter_for_all"))
    return not runs or (blocks <= 2048 and blocks * sizes["BLOCK"] <= 1 << 20)


if __name__ == "__main__":
    main(build)
