"""The gate of a gated MLP: silu(gate) * up of float16 rows that hold both halves, inside float32, rounded once."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"T": 32768, "D": 11008, "BLOCK": 512},
    {"T": 1000, "D": 1402, "BLOCK": 128},
    {"T": 7, "D": 70, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"T": 2048, "D": 688}


def build(D: int = 11008) -> onnx.ModelProto:
    """gate_up: f16 [T, 2 D], y: f16 [T, D], T open."""
    f32, f16 = TensorProto.FLOAT, TensorProto.FLOAT16
    nodes = [
        helper.make_node("Split", ["gate_up"], ["gate", "up"], "split", axis=1, num_outputs=2),
        helper.make_node("Cast", ["gate"], ["gate32"], "widen_gate", to=f32),
        helper.make_node("Cast", ["up"], ["up32"], "widen_up", to=f32),
        helper.make_node("Sigmoid", ["gate32"], ["open"], "sigmoid"),
        helper.make_node("Mul", ["gate32", "open"], ["silu"], "silu"),
        helper.make_node("Mul", ["silu", "up32"], ["product"], "gate_mul"),
        helper.make_node("Cast", ["product"], ["y"], "narrow", to=f16),
    ]
    return model("silu_mul", nodes, [tensor("gate_up", f16, ["T", 2 * D])], [tensor("y", f16, ["T", D])])


def draw(rng: random.Random) -> Sizes:
    """D: whole pairs. BLOCK: whole warps."""
    return {"T": about(rng, 3, 2**16), "D": about(rng, 40, 16000, 2), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "silu_mul",
        "grid": ["T"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["D"]),
        "args": {"gate_up": "gate_up", "y": "y", "tokens": {"symbol": "T", "min": 1, "max": sizes["T"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Blocks that divide a row leave no thread at a row's end."""
    return not case.endswith("__columns_rounded_up") or sizes["D"] % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
