"""y = -x in half precision, of any length: pairs where a whole warp has them, single elements at the end."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, main, model, tensor

SIZES = ({"N": 50000001, "BLOCK": 256}, {"N": 100003, "BLOCK": 512}, {"N": 99, "BLOCK": 32})
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """x, y: f16 [N], N open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("Neg", ["x"], ["y"], "negate")]
    return model("negated", nodes, [tensor("x", f16, ["N"])], [tensor("y", f16, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    return {"N": about(rng, 100, 2**25), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "negated",
        "grid": [f"ceildiv(N, {2 * sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {"x": "x", "y": "y", "n": {"symbol": "N", "min": 1, "max": sizes["N"]}},
    }


if __name__ == "__main__":
    main(build)
