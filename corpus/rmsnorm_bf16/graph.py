"""RMSNorm of bfloat16 rows as exporters write it: float32 inside, rounded before and after the weight."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"R": 32768, "COLS": 4096, "BLOCK": 192},
    {"R": 1000, "COLS": 2056, "BLOCK": 128},
    {"R": 5, "COLS": 520, "BLOCK": 64},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 2048, "COLS": 264}


def build(COLS: int = 4096) -> onnx.ModelProto:
    """x, y: bf16 [R, COLS], R open; weight: bf16 [COLS]."""
    kind = TensorProto.BFLOAT16
    f32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], "widen", to=f32),
        helper.make_node("Mul", ["x32", "x32"], ["square"], "square"),
        helper.make_node("ReduceMean", ["square", "axes"], ["mean"], "mean", keepdims=1),
        helper.make_node("Add", ["mean", "eps"], ["shifted"], "add_eps"),
        helper.make_node("Sqrt", ["shifted"], ["root"], "sqrt"),
        helper.make_node("Reciprocal", ["root"], ["inverse"], "reciprocal"),
        helper.make_node("Mul", ["x32", "inverse"], ["normed32"], "normalize"),
        helper.make_node("Cast", ["normed32"], ["normed"], "narrow", to=kind),
        helper.make_node("Mul", ["normed", "weight"], ["y"], "scale"),
    ]
    rows, gain = [tensor(name, kind, ["R", COLS]) for name in "xy"], weight("weight", kind, [COLS])
    stored = [constant("axes", TensorProto.INT64, [1], [-1]), constant("eps", f32, [], [1e-5])]
    return model("rmsnorm", nodes, rows[:1], rows[1:], [gain, *stored])


def draw(rng: random.Random) -> Sizes:
    """COLS: whole 16-byte loads. BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 520, 12000, 8), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "rmsnorm",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "w": "weight", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
