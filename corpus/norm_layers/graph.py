"""Several equal layers on an embedded token, x + W norm(x) each, in float32: the residual goes from layer to layer."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"V": 32000, "L": 16, "D": 2048},
    {"V": 50257, "L": 12, "D": 768},
    {"V": 9, "L": 3, "D": 96},
)
GROWS = {"L": 4, "D": 256}


def build(V: int = 32000, L: int = 16, D: int = 2048) -> onnx.ModelProto:
    """token: i64 []; table: f32 [V, D]; y: f32 [D]."""
    f32, nodes = TensorProto.FLOAT, [helper.make_node("Gather", ["table", "token"], ["x0"], "embed", axis=0)]
    stored = [weight("table", f32, [V, D])]
    for n in range(L):
        x, after = f"x{n}", "y" if n == L - 1 else f"x{n + 1}"
        stored += [weight(f"gain{n}", f32, [D]), weight(f"W{n}", f32, [D, D])]
        for op, inputs, out in (
            ("Mul", [x, x], "square"), ("ReduceMean", [f"square{n}", "axis"], "mean"), ("Add", [f"mean{n}", "epsilon"], "shifted"),
            ("Sqrt", [f"shifted{n}"], "root"), ("Reciprocal", [f"root{n}"], "scale"), ("Mul", [x, f"scale{n}"], "scaled"),
            ("Mul", [f"scaled{n}", f"gain{n}"], "normed"), ("MatMul", [f"W{n}", f"normed{n}"], "product"),
        ):  # fmt: skip
            nodes.append(helper.make_node(op, inputs, [f"{out}{n}"], f"{out}{n}"))
        nodes.append(helper.make_node("Add", [x, f"product{n}"], [after], f"residual{n}"))
    stored.append(helper.make_tensor("axis", TensorProto.INT64, [1], [0]))
    stored.append(helper.make_tensor("epsilon", f32, [1], [1e-5]))
    return model("norm_layers", nodes, [tensor("token", TensorProto.INT64, [])], [tensor("y", f32, [D])], stored)


def draw(rng: random.Random) -> Sizes:
    """D: whole warps of columns."""
    return {"V": about(rng, 9, 60000), "L": rng.randint(2, 24), "D": about(rng, 64, 4096, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    layers, d = sizes["L"], sizes["D"]
    parts = [
        {"tensors": [f"W{n}" for n in range(layers)], "stride": d * d + d},
        {"tensors": [f"gain{n}" for n in range(layers)], "offset": d * d, "stride": d * d + d},
    ]
    return {
        "kernel": "layers",
        "grid": [66],
        "block": [256],
        "cooperative": True,
        **defines(sizes, SIZES[0], ["L", "D"]),
        "args": {"table": "table", "w": {"parts": parts}, "x": "y", "token": {"element": "token[]"}},
        "inputs": {"token": {"min": 0, "max": sizes["V"] - 1}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    return True


if __name__ == "__main__":
    main(build)
