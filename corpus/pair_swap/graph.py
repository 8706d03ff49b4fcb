"""Neighbouring runs of a vector change places: y[2i] and y[2i + 1] are x[2i + 1] and x[2i], counted in runs."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"BLOCKS": 4096, "BLOCK": 128, "RUN": 4},
    {"BLOCKS": 77, "BLOCK": 64, "RUN": 7},
    {"BLOCKS": 2, "BLOCK": 32, "RUN": 3},
)
GROWS = {"BLOCKS": 256}


def build(BLOCKS: int = 4096, BLOCK: int = 128, RUN: int = 4) -> onnx.ModelProto:
    """x, y: f32 [BLOCKS * BLOCK * RUN]."""
    f32, i64, n = TensorProto.FLOAT, TensorProto.INT64, BLOCKS * BLOCK * RUN
    nodes = [
        helper.make_node("Reshape", ["x", "pairs"], ["runs"], "split"),
        helper.make_node("Slice", ["runs", "one", "two", "axis"], ["second"], "second_run"),
        helper.make_node("Slice", ["runs", "zero", "one", "axis"], ["first"], "first_run"),
        helper.make_node("Concat", ["second", "first"], ["swapped"], "swap", axis=1),
        helper.make_node("Reshape", ["swapped", "flat"], ["y"], "join"),
    ]
    constants = [
        constant("pairs", i64, [3], [n // (2 * RUN), 2, RUN]),
        constant("flat", i64, [1], [n]),
        *(constant(name, i64, [1], [v]) for name, v in (("zero", 0), ("one", 1), ("two", 2), ("axis", 1))),
    ]
    return model("pair_swap", nodes, [tensor("x", f32, [n])], [tensor("y", f32, [n])], constants)


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole pairs."""
    return {"BLOCKS": about(rng, 2, 5000), "BLOCK": about(rng, 64, 1024, 2), "RUN": about(rng, 2, 9)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "pair_swap",
        "grid": [sizes["BLOCKS"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["BLOCK", "RUN"]),
        "args": {"x": "x", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
