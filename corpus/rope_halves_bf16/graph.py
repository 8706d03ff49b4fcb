"""Rotary embedding of bfloat16 heads, the two halves of a head as real and imaginary parts; tables and products in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"H": 14, "HD": 64, "CTX": 32768},
    {"H": 11, "HD": 80, "CTX": 1000},
    {"H": 3, "HD": 16, "CTX": 40},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"CTX": 2048}


def build(H: int = 14, HD: int = 64) -> onnx.ModelProto:
    """x, y: bf16 [S, H, HD]; cosine, sine: f32 [S, 1, HD / 2]; S open."""
    f32, kind = TensorProto.FLOAT, TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], "widen", to=f32),
        helper.make_node("Split", ["x32"], ["re", "im"], "halves", axis=2, num_outputs=2),
        helper.make_node("Mul", ["re", "cosine"], ["re_cos"], "re_cos"),
        helper.make_node("Mul", ["im", "sine"], ["im_sin"], "im_sin"),
        helper.make_node("Sub", ["re_cos", "im_sin"], ["new_re"], "real"),
        helper.make_node("Mul", ["im", "cosine"], ["im_cos"], "im_cos"),
        helper.make_node("Mul", ["re", "sine"], ["re_sin"], "re_sin"),
        helper.make_node("Add", ["im_cos", "re_sin"], ["new_im"], "imaginary"),
        helper.make_node("Concat", ["new_re", "new_im"], ["turned"], "merge", axis=2),
        helper.make_node("Cast", ["turned"], ["y"], "narrow", to=kind),
    ]
    tables = [tensor(name, f32, ["S", 1, HD // 2]) for name in ("cosine", "sine")]
    x, y = (tensor(name, kind, ["S", H, HD]) for name in "xy")
    return model("rope", nodes, [x, *tables], [y])


def draw(rng: random.Random) -> Sizes:
    """HD: two halves, and no more threads than a block has."""
    return {"H": rng.randint(2, 16), "HD": about(rng, 16, 128, 4), "CTX": about(rng, 33, 8192)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "rope",
        "grid": ["S", -(-sizes["H"] // 4)],
        "block": [sizes["HD"] // 2, 4],
        **defines(sizes, SIZES[0], ["H", "HD"]),
        "args": {
            "x": "x",
            "cosine": "cosine",
            "sine": "sine",
            "y": "y",
            "length": {"symbol": "S", "min": 1, "max": sizes["CTX"]},
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Heads that fill whole blocks leave no thread over."""
    return not case.endswith("__heads_unguarded") or sizes["H"] % 4 != 0


if __name__ == "__main__":
    main(build)
