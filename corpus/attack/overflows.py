"""The graphs of the cases around the ranges of integers that come from data, and around bytes that are read as truths."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from authoring import constant, model, tensor
from graphs import BOOL, F32, I32, I64, U32, Graph, graph_of, unary
from onnx import TensorProto, helper

I8, U8 = TensorProto.INT8, TensorProto.UINT8
Step = tuple[str, list[str]] | int  # an operation on "" and constants, or a conversion to a type


def chain(source: int, steps: Sequence[Step], result: int, **known: tuple[int, float]) -> Graph:
    """y = the steps after each other on x [32], of element type `source`. known: scalar constants, type and value."""
    nodes: list[tuple[str, list[str], str]] = []
    casts: dict[str, dict[str, int]] = {}
    for k, step in enumerate(steps):
        before, name = f"v{k - 1}" if k else "x", f"v{k}" if k + 1 < len(steps) else "y"
        if isinstance(step, int):
            nodes.append(("Cast", [before], name))
            casts[name] = {"to": step}
        else:
            nodes.append((step[0], [before if i == "" else i for i in step[1]], name))
    constants = {n: (t, [], [v]) for n, (t, v) in known.items()}
    return graph_of(nodes, {"x": (source, [32])}, {"y": (result, [32])}, constants, **casts)


def bits_of_float() -> onnx.ModelProto:
    """y = 1 where 1000 times the bits of x & 7 as a float are negative, in 32 bits."""
    nodes = [
        helper.make_node("BitwiseAnd", ["x", "seven"], ["a"]),
        helper.make_node("Cast", ["a"], ["f"], to=F32),
        helper.make_node("BitCast", ["f"], ["i"], to=I32),
        helper.make_node("Mul", ["i", "thousand"], ["m"]),
        helper.make_node("Less", ["m", "zero"], ["l"]),
        helper.make_node("Cast", ["l"], ["y"], to=I32),
    ]
    known = [constant(n, I32, [], [v]) for n, v in (("seven", 7), ("thousand", 1000), ("zero", 0))]
    return model("bits", nodes, [tensor("x", I32, [32])], [tensor("y", I32, [32])], known, opset=26)


BIG = (I64, 1 << 60)
OVERFLOWS: dict[str, Graph] = {
    "byte_in_shared_as_truth": chain(U8, [BOOL, I32], I32),
    "byte_of_input_as_truth": chain(U8, [BOOL, I32], I32),
    "overflow_of_bits_of_float": bits_of_float,
    "overflow_of_clamped_float": chain(
        F32,
        [("Clip", ["", "low", "high"]), I32, U32, I64, ("Mul", ["", "big"])],
        I64,
        low=(F32, -5),
        high=(F32, 5),
        big=BIG,
    ),
    "overflow_of_signed_byte": chain(
        F32,
        [("Clip", ["", "low", "high"]), U8, I8, I32, ("Mul", ["", "big"])],
        I32,
        low=(F32, 0),
        high=(F32, 255),
        big=(I32, 16909320),
    ),
    "overflow_of_signed_minimum": chain(
        I32, [("Min", ["", "five"]), U32, I64, ("Mul", ["", "big"])], I64, five=(I32, 5), big=BIG
    ),
    "overflow_of_signed_quotient": chain(
        I32, [("Div", ["", "two"]), U32, I64, ("Mul", ["", "big"])], I64, two=(I32, 2), big=BIG
    ),
    "overflow_of_signed_remainder": graph_of(
        [("Mod", ["x", "five"], "r"), ("Cast", "r", "u"), ("Cast", "u", "l"), ("Mul", ["l", "big"], "y")],
        {"x": (I32, [32])},
        {"y": (I64, [32])},
        {"five": (I32, [], [5]), "big": (I64, [], [1 << 60])},
        r={"fmod": 1},
        u={"to": U32},
        l={"to": I64},
    ),
    "overflow_of_signed_shifted": graph_of(
        [
            ("Mod", ["x", "two"], "r"),
            ("Sub", "xr", "e"),
            ("Div", ["e", "two"], "h"),
            ("Cast", "h", "u"),
            ("Cast", "u", "l"),
            ("Mul", ["l", "big"], "y"),
        ],
        {"x": (I32, [32])},
        {"y": (I64, [32])},
        {"two": (I32, [], [2]), "big": (I64, [], [1 << 60])},
        u={"to": U32},
        l={"to": I64},
    ),
    "overflow_of_unsigned_maximum": graph_of(
        [
            ("Max", ["x", "five"], "m"),
            ("Cast", "m", "i"),
            ("Sub", ["i", "six"], "d"),
            ("Less", "di", "l"),
            ("Cast", "l", "y"),
        ],
        {"x": (U32, [32])},
        {"y": (I32, [32])},
        {"five": (U32, [], [5]), "six": (I32, [], [6])},
        i={"to": I32},
        y={"to": I32},
    ),
    "overflow_of_unused_bits": unary("Identity", 32, I32),
}
