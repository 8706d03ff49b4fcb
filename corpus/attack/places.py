"""Graphs of the attack kernels about the place of an extreme: which of equal elements, and what the search for it starts from."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from authoring import model, tensor
from onnx import TensorProto, helper

F32, I32, I64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
ROWS = 4


def place(op: str = "ArgMax", cols: int = 8, last: int = 0) -> Callable[[], onnx.ModelProto]:
    """y: where the extreme of each row of x stands."""

    def build() -> onnx.ModelProto:
        node = helper.make_node(op, ["x"], ["y"], axis=1, keepdims=0, select_last_index=last)
        return model("place", [node], [tensor("x", F32, [ROWS, cols])], [tensor("y", I64, [ROWS])])

    return build


def place_of_integers() -> onnx.ModelProto:
    """y: where the greatest integer of each row of x stands, in 32 bits."""
    nodes = [
        helper.make_node("ArgMax", ["x"], ["l"], axis=1, keepdims=0),
        helper.make_node("Cast", ["l"], ["y"], to=I32),
    ]
    return model("place_of_integers", nodes, [tensor("x", I32, [ROWS, 8])], [tensor("y", I32, [ROWS])])


def of_products() -> onnx.ModelProto:
    """y: where x * w + b is greatest."""
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("ArgMax", ["s"], ["y"], axis=1, keepdims=0),
    ]
    ins = [tensor(n, F32, [ROWS, 8]) for n in ("x", "w", "b")]
    return model("place_of_products", nodes, ins, [tensor("y", I64, [ROWS])])


PLACES: dict[str, Callable[[], onnx.ModelProto]] = {
    "place_after_all_infinite": place(),
    "place_against_last_round": place(),
    "place_before_all_infinite": place(),
    "place_descending_keeps_last": place(),
    "place_first_where_last_is_asked": place(last=1),
    "place_from_lowest_number": place(),
    "place_in_a_byte": place(cols=200),
    "place_kept_by_both_signednesses": place_of_integers,
    "place_kept_by_other_signedness": place_of_integers,
    "place_of_changed_value": place(),
    "place_of_greatest_for_smallest": place("ArgMin"),
    "place_of_next_element": place(),
    "place_of_rounded_value": place(),
    "place_of_value_computed_twice": of_products,
}
