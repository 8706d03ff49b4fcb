"""One token's row of a bfloat16 table, then RMSNorm as exporters write it: float32 inside."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"VOCAB": 128256, "COLS": 4096, "BLOCK": 1024},
    {"VOCAB": 32000, "COLS": 5000, "BLOCK": 512},
    {"VOCAB": 100, "COLS": 520, "BLOCK": 64},
)
GROWS = {"VOCAB": 4000, "COLS": 512}


def build(VOCAB: int = 128256, COLS: int = 4096) -> onnx.ModelProto:
    """id: int64 [1]; table: bf16 [VOCAB, COLS]; weight: bf16 [COLS]; y, row: bf16 [1, COLS]."""
    f32, bf16 = TensorProto.FLOAT, TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Gather", ["table", "id"], ["row"], "embed"),
        helper.make_node("Cast", ["row"], ["wide"], "widen", to=f32),
        helper.make_node("Mul", ["wide", "wide"], ["square"], "square"),
        helper.make_node("ReduceMean", ["square", "axes"], ["mean"], "mean", keepdims=1),
        helper.make_node("Add", ["mean", "eps"], ["shifted"], "add_eps"),
        helper.make_node("Sqrt", ["shifted"], ["root"], "sqrt"),
        helper.make_node("Div", ["wide", "root"], ["normed32"], "normalize"),
        helper.make_node("Cast", ["normed32"], ["normed"], "narrow", to=bf16),
        helper.make_node("Mul", ["normed", "weight"], ["y"], "scale"),
    ]
    constants = [constant("axes", TensorProto.INT64, [1], [-1]), constant("eps", f32, [], [1e-6])]
    return model(
        "embedding_norm",
        nodes,
        [tensor("id", TensorProto.INT64, [1])],
        [tensor("row", bf16, [1, COLS]), tensor("y", bf16, [1, COLS])],
        [weight("table", bf16, [VOCAB, COLS]), weight("weight", bf16, [COLS]), *constants],
    )


def draw(rng: random.Random) -> Sizes:
    return {
        "VOCAB": about(rng, 100, 200000),
        "COLS": about(rng, 512, 12000, 2),
        "BLOCK": about(rng, 64, 1024, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "embedding_norm",
        "grid": [1],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {
            "table": "table",
            "weight": "weight",
            "row": "row",
            "y": "y",
            "token": {"symbol": "token", "min": 0, "max": sizes["VOCAB"] - 1},
            "eps": 1e-6,
        },
        "inputs": {"id": "token"},
    }


if __name__ == "__main__":
    main(build)
