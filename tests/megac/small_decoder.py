"""A decode step of one small layer, whose proof is quick: norm, projections, a cache, attention, a gated MLP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from tests.megac.building import ROOT, Array, model, node

HEADS, SIZE, WIDTH, MLP = 2, 64, 128, 48


def decoder(past: int | str = "P", turned: bool = False) -> onnx.ModelProto:
    """x [1, 128] f16 and two caches [1, 2, P, 64] of any length P, or of this one; opset 23. turned: keys are turned by
    their position, and four heads share two of them."""
    kv, heads = HEADS, 2 * HEADS if turned else HEADS
    rng = np.random.default_rng(5)

    def weight(*shape: int) -> Array:
        return (rng.standard_normal(shape) / 4).astype(np.float16)

    weights = {
        "gain": weight(WIDTH), "wq": weight(WIDTH, heads * SIZE), "wk": weight(WIDTH, kv * SIZE), "wv": weight(WIDTH, kv * SIZE),
        "wo": weight(heads * SIZE, WIDTH), "gate": weight(WIDTH, MLP), "up": weight(WIDTH, MLP), "down": weight(MLP, WIDTH),
        "cos": weight(1, 1, SIZE // 2), "sin": weight(1, 1, SIZE // 2),
        "heads_q": np.array([1, 1, heads, SIZE]), "heads_k": np.array([1, 1, kv, SIZE]), "heads_v": np.array([1, 1, kv, SIZE]),
        "flat": np.array([1, heads * SIZE]), "row": np.array([1, 1, WIDTH]),
    }  # fmt: skip
    nodes = [node("RMSNormalization", ["x", "gain"], ["h"], name="norm", epsilon=1e-5, stash_type=1)]
    for w in "qkv":
        nodes += [
            node("MatMul", ["h", f"w{w}"], [f"{w}0"], name=f"project_{w}"),
            node("Reshape", [f"{w}0", f"heads_{w}"], [f"{w}1"], name=f"heads_{w}"),
            node("Transpose", [f"{w}1"], [w], name=f"split_{w}", perm=[0, 2, 1, 3]),
        ]
    if turned:
        nodes.append(node("RotaryEmbedding", ["k", "cos", "sin"], ["k_turned"], name="turn"))
    nodes += [
        node("Concat", ["past_k", "k_turned" if turned else "k"], ["present_k"], name="append_k", axis=2),
        node("Concat", ["past_v", "v"], ["present_v"], name="append_v", axis=2),
        node("Attention", ["q", "present_k", "present_v"], ["a"], name="attention"),
        node("Transpose", ["a"], ["a1"], name="merge", perm=[0, 2, 1, 3]),
        node("Reshape", ["a1", "flat"], ["a2"], name="flatten"),
        node("MatMul", ["a2", "wo"], ["o"], name="project_o"),
        node("Add", ["x", "o"], ["x1"], name="residual_1"),
        node("MatMul", ["x1", "gate"], ["g"], name="project_gate"),
        node("MatMul", ["x1", "up"], ["u"], name="project_up"),
        node("Sigmoid", ["g"], ["s"], name="sigmoid"),
        node("Mul", ["g", "s"], ["g1"], name="silu"),
        node("Mul", ["g1", "u"], ["m"], name="gated"),
        node("MatMul", ["m", "down"], ["d"], name="project_down"),
        node("Add", ["x1", "d"], ["y"], name="residual_2"),
    ]
    cache = ("f16", [1, kv, past, SIZE])
    out = model(
        nodes,
        {"x": ("f16", [1, WIDTH]), "past_k": cache, "past_v": cache},
        {"y": "f16", "present_k": "f16", "present_v": "f16"},
        {n: a for n, a in weights.items() if turned or n not in ("cos", "sin")},
    )
    for value in out.graph.output:
        shape = [1, WIDTH] if value.name == "y" else [1, kv, past + 1 if isinstance(past, int) else f"{past} + 1", SIZE]
        value.CopyFrom(helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT16, shape))
    return out


def megac(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "megac", *map(str, arguments)],
        cwd=ROOT / "compiler", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def tv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`tv check` without a search for counterexamples."""
    return subprocess.run(
        [sys.executable, "-m", "tv", "check", *map(str, arguments), "--replay", "none", "-q", "--timeout", "120"],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
