"""The graphs of the cases in which an integer shows the bits of a float, whose NaNs are not alike then."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from authoring import constant, model, tensor
from graphs import F16, F32, I32, I64, Graph, graph_of
from onnx import TensorProto, helper

I16 = TensorProto.INT16


def seen(source: int, result: int, *steps: tuple[str, Sequence[str], str, int | None], **known: int) -> Graph:
    """y from x [32] by steps (operator, operands, result, the type that it converts to). known: scalar constants."""

    def build() -> onnx.ModelProto:
        nodes = [
            helper.make_node(op, list(ins), [out], **({} if to is None else {"to": to})) for op, ins, out, to in steps
        ]
        stored = [constant(n, I32, [], [v]) for n, v in known.items()]
        return model("bits", nodes, [tensor("x", source, [32])], [tensor("y", result, [32])], stored, opset=26)

    return build


PATTERNS: dict[str, Graph] = {
    "bits_of_integers_moved_as_floats": graph_of(
        [("Gather", "wx", "y")], {"x": (I64, [8]), "w": (I32, [100, 128])}, {"y": (I32, [8, 128])}
    ),
    "bits_of_nan_moved": seen(F32, I32, ("BitCast", "x", "y", I32)),
    "bits_of_sign_kept": seen(
        F32,
        F32,
        ("BitCast", "x", "i", I32),
        ("BitwiseAnd", ["i", "sign"], "s", None),
        ("BitwiseOr", ["s", "one"], "o", None),
        ("BitCast", "o", "y", F32),
        sign=-(1 << 31),
        one=0x3F800000,
    ),
    "bits_of_nan_added": seen(F16, I32, ("BitCast", "x", "u", I16), ("Cast", "u", "v", I32), ("Add", "vv", "y", None)),
    "bits_of_nan_negated": seen(F32, I32, ("Neg", "x", "n", None), ("BitCast", "n", "y", I32)),
    "bits_of_nan_rounded": seen(F16, I16, ("BitCast", "x", "y", I16)),
}
