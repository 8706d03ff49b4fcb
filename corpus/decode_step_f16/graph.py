"""One whole decode step of a small decoder in f16: embedding, layers of normalisation, grouped attention over a cache with rotary
embedding, and gated MLP, a last normalisation, logits."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Dims, Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"V": 512, "L": 2, "H": 4, "KV": 2, "HD": 32, "F": 344, "CTX": 1024, "GRID": 66, "THREADS": 128},
    {"V": 301, "L": 2, "H": 6, "KV": 2, "HD": 64, "F": 500, "CTX": 777, "GRID": 7, "THREADS": 256},
    {"V": 997, "L": 4, "H": 9, "KV": 3, "HD": 64, "F": 1536, "CTX": 640, "GRID": 66, "THREADS": 256},
    {"V": 21, "L": 2, "H": 4, "KV": 2, "HD": 8, "F": 48, "CTX": 20, "GRID": 5, "THREADS": 64},
)
GROWS = {"V": 128, "F": 88, "CTX": 64}

F16, F32, I64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT64
Ops = Sequence[tuple[str, Sequence[str], str] | tuple[str, Sequence[str], str, dict[str, object]]]


def nodes_of(ops: Ops, suffix: str = "") -> list[onnx.NodeProto]:
    """Nodes (operator, inputs, output[, attributes]), each named as its output with the suffix; inputs are named in full."""
    return [
        helper.make_node(op, list(inputs), [out + suffix], out + suffix, **(rest[0] if rest else {}))
        for op, inputs, out, *rest in ops
    ]


def norm(x: str, gain: str, out: str) -> list[onnx.NodeProto]:
    """RMSNorm in f32 between casts, as exporters decompose it; the gain is applied in f16."""
    return nodes_of((
        ("Cast", [x], "wide", {"to": F32}),
        ("Pow", [f"wide_{out}", "exponent"], "square"),
        ("ReduceMean", [f"square_{out}", "last"], "mean", {"keepdims": 1}),
        ("Add", [f"mean_{out}", "epsilon"], "shifted"),
        ("Sqrt", [f"shifted_{out}"], "root"),
        ("Reciprocal", [f"root_{out}"], "inverse"),
        ("Mul", [f"wide_{out}", f"inverse_{out}"], "scaled"),
        ("Cast", [f"scaled_{out}"], "narrow", {"to": F16}),
    ), f"_{out}") + nodes_of((("Mul", [gain, f"narrow_{out}"], out),))  # fmt: skip


def preamble() -> list[onnx.NodeProto]:
    """Embedding, the mask (which keys lie at or before the position) and cosines and sines of the position."""
    return nodes_of((
        ("Gather", ["table", "token"], "x_0", {"axis": 0}),
        ("Shape", ["past_k_0"], "past", {"start": 2, "end": 3}),
        ("Squeeze", ["past"], "count"),
        ("Add", ["count", "one"], "keys_count"),
        ("Range", ["nought", "keys_count", "one"], "keys_at"),
        ("Reshape", ["keys_count", "last"], "keys_count_1"),
        ("LessOrEqual", ["keys_at", "past"], "seen"),
        ("Concat", ["ones_3", "keys_count_1"], "mask_shape", {"axis": 0}),
        ("Expand", ["seen", "mask_shape"], "kept"),
        ("Where", ["kept", "zero", "lowest"], "mask"),
        ("Unsqueeze", ["position", "two"], "position_3"),
        ("Cast", ["position_3"], "position_f", {"to": F32}),
        ("Mul", ["position_f", "frequency"], "angle"),
        ("Concat", ["angle", "angle"], "angles", {"axis": -1}),
        ("Cos", ["angles"], "cos_wide"), ("Sin", ["angles"], "sin_wide"),
        ("Cast", ["cos_wide"], "cos_3", {"to": F16}), ("Cast", ["sin_wide"], "sin_3", {"to": F16}),
        ("Unsqueeze", ["cos_3", "one_1"], "cos"), ("Unsqueeze", ["sin_3", "one_1"], "sin"),
    ))  # fmt: skip


def heads(name: str, n: int, weights: str, rotated: bool) -> list[onnx.NodeProto]:
    """`name`_n: [1, heads, 1, HD], of the normalised row; turned by the position where `rotated`."""
    row, flat, plain = f"{name}_row_{n}", f"{name}_flat_{n}", f"{name}_plain_{n}" if rotated else f"{name}_{n}"
    ops: Ops = (
        ("MatMul", [f"normed_{n}", weights], row),
        ("Reshape", [row, "by_heads"], flat),
        ("Transpose", [flat], plain, {"perm": [0, 2, 1, 3]}),
    )
    left, right, turned = f"{name}_left_{n}", f"{name}_right_{n}", f"{name}_turned_{n}"
    turn: Ops = (
        ("Slice", [plain, "nought_1", "half", "three", "one_1"], left),
        ("Slice", [plain, "half", "end", "three", "one_1"], right),
        ("Neg", [right], f"{name}_negated_{n}"),
        ("Concat", [f"{name}_negated_{n}", left], turned, {"axis": -1}),
        ("Mul", [plain, "cos"], f"{name}_by_cos_{n}"),
        ("Mul", [turned, "sin"], f"{name}_by_sin_{n}"),
        ("Add", [f"{name}_by_cos_{n}", f"{name}_by_sin_{n}"], f"{name}_{n}"),
    )
    return nodes_of((*ops, *(turn if rotated else ())))


def attention(n: int) -> list[onnx.NodeProto]:
    """attended_n: [1, 1, D], of the query and of the cache with the new key and value; each key head serves a group of heads."""
    shared = [
        op
        for c in "kv"
        for op in (
            ("Concat", [f"past_{c}_{n}", f"{c}_{n}"], f"present_{c}_{n}", {"axis": -2}),
            ("Unsqueeze", [f"present_{c}_{n}", "two"], f"{c}_groups_{n}"),
            ("Concat", ["one_kv_group", "keys_count_1", "width"], f"{c}_shape_{n}", {"axis": 0}),
            ("Expand", [f"{c}_groups_{n}", f"{c}_shape_{n}"], f"{c}_expanded_{n}"),
            ("Reshape", [f"{c}_expanded_{n}", "all_heads"], f"{c}_all_{n}"),
        )
    ]
    return nodes_of((
        *shared,
        ("Transpose", [f"k_all_{n}"], f"k_columns_{n}", {"perm": [0, 1, 3, 2]}),
        ("Mul", [f"q_{n}", "scale"], f"q_scaled_{n}"),
        ("Mul", [f"k_columns_{n}", "scale"], f"k_scaled_{n}"),
        ("MatMul", [f"q_scaled_{n}", f"k_scaled_{n}"], f"raw_{n}"),
        ("Add", [f"raw_{n}", "mask"], f"scores_{n}"),
        ("Softmax", [f"scores_{n}"], f"shares_{n}", {"axis": -1}),
        ("IsNaN", [f"shares_{n}"], f"undefined_{n}"),
        ("Where", [f"undefined_{n}", "zero", f"shares_{n}"], f"probs_{n}"),
        ("MatMul", [f"probs_{n}", f"v_all_{n}"], f"by_head_{n}"),
        ("Transpose", [f"by_head_{n}"], f"merged_{n}", {"perm": [0, 2, 1, 3]}),
        ("Reshape", [f"merged_{n}", "as_row"], f"attended_{n}"),
    ))  # fmt: skip


def layer(n: int) -> list[onnx.NodeProto]:
    """x_{n+1} from x_n."""
    return [
        *norm(f"x_{n}", f"gain_1_{n}", f"normed_{n}"),
        *heads("q", n, f"wq_{n}", True), *heads("k", n, f"wk_{n}", True), *heads("v", n, f"wv_{n}", False),
        *attention(n),
        *nodes_of((("MatMul", [f"attended_{n}", f"wo_{n}"], f"out_{n}"), ("Add", [f"x_{n}", f"out_{n}"], f"middle_{n}"))),
        *norm(f"middle_{n}", f"gain_2_{n}", f"normed_middle_{n}"),
        *nodes_of((
            ("MatMul", [f"normed_middle_{n}", f"wg_{n}"], f"gate_{n}"),
            ("Sigmoid", [f"gate_{n}"], f"opened_{n}"),
            ("Mul", [f"gate_{n}", f"opened_{n}"], f"silu_{n}"),
            ("MatMul", [f"normed_middle_{n}", f"wu_{n}"], f"up_{n}"),
            ("Mul", [f"silu_{n}", f"up_{n}"], f"gated_{n}"),
            ("MatMul", [f"gated_{n}", f"wd_{n}"], f"down_{n}"),
            ("Add", [f"middle_{n}", f"down_{n}"], f"x_{n + 1}"),
        )),
    ]  # fmt: skip


def constants(H: int, KV: int, HD: int) -> list[TensorProto]:
    """What the graph means by value: axes, shapes, the exponent, the root of the scale, the mask's two values."""
    integers = {
        "last": [-1], "nought_1": [0], "one_1": [1], "two": [2], "three": [3], "half": [HD // 2], "end": [2**63 - 1],
        "ones_3": [1, 1, 1], "by_heads": [1, 1, -1, HD], "one_kv_group": [1, KV, H // KV], "width": [HD],
        "all_heads": [1, H, -1, HD], "as_row": [1, 1, -1],
    }  # fmt: skip
    return [
        *(constant(name, I64, [len(values)], values) for name, values in integers.items()),
        constant("nought", I64, [], [0]),
        constant("one", I64, [], [1]),
        constant("exponent", F32, [], [2.0]),
        constant("epsilon", F32, [], [1e-6]),
        constant("scale", F16, [], [HD**-0.25]),
        constant("zero", F16, [], [0.0]),
        constant("lowest", F16, [], [-65504.0]),
    ]


def matrices(H: int, KV: int, HD: int, F: int) -> dict[str, list[int]]:
    """Weights of one layer, each [in, out], and gains, in the order in which the kernel has them packed."""
    d = H * HD
    return {
        "wq": [d, d], "wk": [d, KV * HD], "wv": [d, KV * HD], "wo": [d, d], "wg": [d, F], "wu": [d, F], "wd": [F, d],
        "gain_1": [d], "gain_2": [d],
    }  # fmt: skip


def build(V: int = 512, L: int = 2, H: int = 4, KV: int = 2, HD: int = 32, F: int = 344) -> onnx.ModelProto:
    """token, position: i64 [1, 1]; past_k_l, past_v_l: f16 [1, KV, P, HD]; logits: f16 [1, 1, V]; present_k_l, present_v_l:
    [1, KV, P + 1, HD]."""
    d = H * HD
    stored = [weight("table", F16, [V, d]), weight("frequency", F32, [HD // 2])]
    stored += [weight("gain", F16, [d]), weight("head", F16, [d, V])]
    nodes = preamble()
    for n in range(L):
        stored += [weight(f"{name}_{n}", F16, dims) for name, dims in matrices(H, KV, HD, F).items()]
        nodes += layer(n)
    nodes += norm(f"x_{L}", "gain", "normed") + nodes_of((("MatMul", ["normed", "head"], "logits"),))
    past: Dims = [1, KV, "P", HD]
    present: Dims = [1, KV, "P + 1", HD]
    caches = [f"{c}_{n}" for n in range(L) for c in "kv"]
    inputs = [tensor(n, I64, [1, 1]) for n in ("token", "position")] + [tensor(f"past_{c}", F16, past) for c in caches]
    outputs = [tensor("logits", F16, [1, 1, V])] + [tensor(f"present_{c}", F16, present) for c in caches]
    return model("decode_step", nodes, inputs, outputs, stored + constants(H, KV, HD))


def draw(rng: random.Random) -> Sizes:
    """HD: its fourth root is no power of two, so that scaling rounds."""
    kv = rng.choice((1, 2, 3))
    return {
        "V": about(rng, 20, 1000), "L": rng.randint(2, 4), "H": kv * rng.randint(2, 4), "KV": kv, "HD": rng.choice((8, 32, 64)),
        "F": about(rng, 30, 500), "CTX": about(rng, 20, 1200), "GRID": rng.randint(2, 66), "THREADS": rng.choice((64, 128, 256)),
    }  # fmt: skip


def weights(sizes: Sizes) -> list[dict[str, object]]:
    """Where each layer's weights lie in the one packed buffer: matrices by their columns, then gains."""
    shapes = matrices(sizes["H"], sizes["KV"], sizes["HD"], sizes["F"])
    counts = {name: dims[0] * (dims[1] if len(dims) > 1 else 1) for name, dims in shapes.items()}
    parts: list[dict[str, object]] = []
    offset = 0
    for name, dims in shapes.items():
        layout = {"layout": f"[k, n] -> [n * {dims[0]} + k]"} if len(dims) > 1 else {}
        parts.append({
            "tensors": [f"{name}_{n}" for n in range(sizes["L"])], **layout, "offset": offset, "stride": sum(counts.values()),
        })  # fmt: skip
        offset += counts[name]
    return parts


def cache(which: str, sizes: Sizes) -> dict[str, object]:
    """All layers' keys, or values, in one buffer with room for CTX of them; the new ones are appended in place."""
    kv, hd, context, layers = sizes["KV"], sizes["HD"], sizes["CTX"], range(sizes["L"])
    part = {
        "inputs": [f"past_{which}_{n}" for n in layers],
        "outputs": [f"present_{which}_{n}" for n in layers],
        "layout": f"[b, h, p, d] -> [(h * {context} + p) * {hd} + d]",
        "stride": kv * context * hd,
    }
    return {"parts": [part], "extent": len(layers) * kv * context * hd}


def spec(case: str, sizes: Sizes) -> Spec:
    d = sizes["H"] * sizes["HD"]
    scratch = {"x": d, "qkv": d + 2 * sizes["KV"] * sizes["HD"], "query": d, "mixed": d, "hidden": sizes["F"]}
    return {
        "kernel": "decode_step",
        "grid": [sizes["GRID"]],
        "block": [sizes["THREADS"]],
        "cooperative": True,
        **defines(sizes, SIZES[0], ["V", "L", "H", "KV", "HD", "F", "CTX", "THREADS"]),
        "args": {
            "table": "table", "weights": {"parts": weights(sizes)}, "gain": "gain",
            "head": {"tensor": "head", "layout": f"[k, n] -> [n * {d} + k]"}, "frequency": "frequency",
            "k_cache": cache("k", sizes), "v_cache": cache("v", sizes),
            **{name: {"extent": extent} for name, extent in scratch.items()},
            "logits": "logits", "scale": sizes["HD"] ** -0.25,
            "token": {"element": "token[0, 0]"}, "pos": {"symbol": "P", "min": 0, "max": sizes["CTX"] - 1},
        },
        "inputs": {"position": "P", "token": {"min": 0, "max": sizes["V"] - 1}},
    }  # fmt: skip


def allows(case: str, sizes: Sizes) -> bool:
    """Heads of one key head are the same however they are found, an even share of rows leaves none over, and a row of
    32 chunks none for a second round; whole 16-byte loads."""
    if case.startswith("uint4") and sizes["F"] % 8:
        return False
    match case.partition("__")[2]:
        case "heads_by_remainder" | "layers_share_head_of_cache":
            return sizes["KV"] > 1
        case "last_rows_left":
            return sizes["V"] % (sizes["GRID"] * (sizes["THREADS"] // 32)) > 0
        case "chunks_of_two_warps":
            return max(sizes["H"] * sizes["HD"], sizes["F"]) > 256
        case "barrier_of_few_threads":
            return sizes["HD"] < sizes["THREADS"]
        case _:
            return True


if __name__ == "__main__":
    main(build)
