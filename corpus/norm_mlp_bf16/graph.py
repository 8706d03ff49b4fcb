"""A bfloat16 block of one token: residual, RMSNorm, two matrices with Relu between, residual, in one launch."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"D": 4096, "H": 11008, "GRID": 132, "THREADS": 256},
    {"D": 1040, "H": 2056, "GRID": 20, "THREADS": 128},
    {"D": 520, "H": 136, "GRID": 3, "THREADS": 64},
)
GROWS = {"D": 512, "H": 1376}


def build(D: int = 4096, H: int = 11008) -> onnx.ModelProto:
    """x, a, y: bfloat16 [D]; gain: [D]; up: [H, D]; down: [D, H]."""
    kind, f32 = TensorProto.BFLOAT16, TensorProto.FLOAT
    nodes = [
        helper.make_node("Add", ["x", "a"], ["h"], "residual"),
        helper.make_node("Cast", ["h"], ["wide"], "widen", to=f32),
        helper.make_node("Mul", ["wide", "wide"], ["square"], "square"),
        helper.make_node("ReduceMean", ["square", "axes"], ["mean"], "mean", keepdims=1),
        helper.make_node("Add", ["mean", "eps"], ["shifted"], "add_eps"),
        helper.make_node("Sqrt", ["shifted"], ["root"], "sqrt"),
        helper.make_node("Div", ["wide", "root"], ["normed32"], "normalize"),
        helper.make_node("Cast", ["normed32"], ["normed"], "narrow", to=kind),
        helper.make_node("Mul", ["normed", "gain"], ["n"], "gain_of"),
        helper.make_node("MatMul", ["up", "n"], ["u"], "up_proj"),
        helper.make_node("Relu", ["u"], ["r"], "relu"),
        helper.make_node("MatMul", ["down", "r"], ["d"], "down_proj"),
        helper.make_node("Add", ["h", "d"], ["y"], "residual_2"),
    ]
    constants = [constant("axes", TensorProto.INT64, [1], [-1]), constant("eps", f32, [], [1e-5])]
    weights = [weight("gain", kind, [D]), weight("up", kind, [H, D]), weight("down", kind, [D, H])]
    inputs = [tensor("x", kind, [D]), tensor("a", kind, [D])]
    return model("norm_mlp", nodes, inputs, [tensor("y", kind, [D])], [*weights, *constants])


def draw(rng: random.Random) -> Sizes:
    """D, H: whole pairs."""
    return {
        "D": about(rng, 256, 8192, 2),
        "H": about(rng, 128, 16384, 2),
        "GRID": about(rng, 2, 132),
        "THREADS": rng.choice((64, 128, 256, 512)),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "norm_mlp",
        "grid": [sizes["GRID"]],
        "block": [sizes["THREADS"]],
        "cooperative": True,
        **defines(sizes, SIZES[0], ["D", "H", "THREADS"]),
        "args": {
            "x": "x",
            "a": "a",
            "gain": "gain",
            "up": "up",
            "down": "down",
            "h": {"extent": sizes["D"]},
            "r": {"extent": sizes["H"]},
            "y": "y",
        },
    }


if __name__ == "__main__":
    main(build)
