"""RMSNorm on float16 rows as exporters write it: ten primitive nodes, float32 inside, two roundings to half."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"R": 65536, "COLS": 5120, "BLOCK": 256},
    {"R": 2048, "COLS": 4096, "BLOCK": 512},
    {"R": 100, "COLS": 2056, "BLOCK": 128},
    {"R": 3, "COLS": 520, "BLOCK": 64},
)
GROWS = {"R": 4096, "COLS": 640}


def build(COLS: int = 5120) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open; weight: f16 [COLS]."""
    f32, f16 = TensorProto.FLOAT, TensorProto.FLOAT16
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], "widen", to=f32),
        helper.make_node("Pow", ["x32", "two"], ["square"], "pow"),
        helper.make_node("ReduceMean", ["square", "axes"], ["mean"], "mean", keepdims=1, noop_with_empty_axes=0),
        helper.make_node("Add", ["mean", "eps"], ["shifted"], "add_eps"),
        helper.make_node("Sqrt", ["shifted"], ["root"], "sqrt"),
        helper.make_node("Reciprocal", ["root"], ["inverse"], "reciprocal"),
        helper.make_node("Mul", ["x32", "inverse"], ["normed32"], "normalize"),
        helper.make_node("Cast", ["normed32"], ["normed"], "narrow", to=f16),
        helper.make_node("Mul", ["weight", "normed"], ["y"], "scale"),
    ]
    constants = [
        constant("two", f32, [], [2.0]),
        constant("axes", TensorProto.INT64, [1], [-1]),
        constant("eps", f32, [], [1e-5]),
    ]
    return model(
        "rmsnorm",
        nodes,
        [tensor("x", f16, ["R", COLS])],
        [tensor("y", f16, ["R", COLS])],
        [weight("weight", f16, [COLS]), *constants],
    )


def draw(rng: random.Random) -> Sizes:
    """COLS: whole 16-byte loads."""
    return {"R": about(rng, 2, 65536), "COLS": about(rng, 512, 12000, 8), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "rmsnorm",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {
            "x": "x",
            "w": "weight",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
            "eps": 1e-5,
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A tree halves the block down to a warp, in more than one step where its steps may race. 32 warps leave no cell unused."""
    block = sizes["BLOCK"]
    if case.endswith("__partials_past_end"):
        return block < 1024
    return not case.startswith("tree_") or (
        block & (block - 1) == 0 and (block > 64 or not case.endswith("__tree_unordered"))
    )


if __name__ == "__main__":
    main(build)
