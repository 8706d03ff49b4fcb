"""A residual MLP stack, layer after layer unrolled, and how a persistent kernel hangs on it."""

from __future__ import annotations

import random

import onnx
from authoring import Sizes, Spec, about, defines, model, tensor, weight
from onnx import TensorProto, helper


def stack(L: int, D: int, H: int, element: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """x0: [D]; for each layer l: x = x + W2_l relu(W1_l x), W1_l: [H, D], W2_l: [D, H]; y: [D]."""
    nodes, weights, x = [], [], "x0"
    for layer in range(L):
        first, second = f"W1_{layer}", f"W2_{layer}"
        out = "y" if layer == L - 1 else f"x{layer + 1}"
        nodes += [
            helper.make_node("MatMul", [first, x], [f"up{layer}"], f"layer{layer}/up"),
            helper.make_node("Relu", [f"up{layer}"], [f"h{layer}"], f"layer{layer}/relu"),
            helper.make_node("MatMul", [second, f"h{layer}"], [f"down{layer}"], f"layer{layer}/down"),
            helper.make_node("Add", [x, f"down{layer}"], [out], f"layer{layer}/residual"),
        ]
        weights += [weight(first, element, [H, D]), weight(second, element, [D, H])]
        x = out
    return model("residual_mlp", nodes, [tensor("x0", element, [D])], [tensor("y", element, [D])], weights)


def stack_spec(case: str, sizes: Sizes, usual: Sizes) -> Spec:
    """All layers' weights in one buffer, x in place, the hidden vector in a workspace."""
    layers = sizes["L"]
    arguments: Spec = {
        "x": {"input": "x0", "output": "y"},
        "w": {"concat": [name for layer in range(layers) for name in (f"W1_{layer}", f"W2_{layer}")]},
        "h": {"extent": sizes["H"]},
    }
    if case.startswith(("atomic_counter", "ring")):
        arguments["counter"] = {"extent": 1, "zeroed": True}
    return {
        "kernel": "residual_mlp",
        "grid": [sizes["GRID"]],
        "block": [sizes["THREADS"]],
        "cooperative": True,
        **defines(sizes, usual, ["L", "D", "H", "THREADS"]),
        "args": arguments,
    }


def drawn_stack(rng: random.Random, layers: tuple[int, int], step: int) -> Sizes:
    """D and H are multiples of `step`: whole 16-byte loads."""
    return {
        "L": about(rng, *layers),
        "D": about(rng, 24, 8000, step),
        "H": about(rng, 40, 20000, step),
        "GRID": about(rng, 2, 140),
        "THREADS": about(rng, 64, 1024, 32),
    }
