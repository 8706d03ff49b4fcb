"""Graphs of the attack kernels about the greatest few: what a later search leaves out, and what else it lets through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx
from authoring import constant, model, tensor
from graphs import F32, I64, Extent, Graph, graph_of
from onnx import helper

ROWS, COLS = 4, 8
PLACE: dict[str, tuple[int, Sequence[Extent]]] = {"y": (I64, [])}


def greatest(k: int, places: bool = True) -> Callable[[], onnx.ModelProto]:
    """v: the k greatest of each row of x in order, and p: where they stand."""

    def build() -> onnx.ModelProto:
        node = helper.make_node("TopK", ["x", "k"], ["v", "p"], axis=1)
        outs = [tensor("v", F32, [ROWS, k])] + ([tensor("p", I64, [ROWS, k])] if places else [])
        return model("greatest", [node], [tensor("x", F32, [ROWS, COLS])], outs, [constant("k", I64, [1], [k])])

    return build


def picked() -> onnx.ModelProto:
    """y: of each row of x the element of t at the place of its greatest one."""
    nodes = [
        helper.make_node("ArgMax", ["x"], ["p"], axis=1, keepdims=0),
        helper.make_node("Gather", ["t", "p"], ["y"]),
    ]
    ins = [tensor("x", F32, [ROWS, COLS]), tensor("t", F32, [COLS])]
    return model("picked", nodes, ins, [tensor("y", F32, [ROWS])])


def place_of_sum(of_rows: bool) -> Graph:
    """y: where the greatest of 32 sums stands, each of b and a row of x, or of b and a product."""
    nodes: list[tuple[str, Sequence[str], str]] = [("Add", "pb", "v"), ("ArgMax", "v", "y")]
    inputs: dict[str, tuple[int, Sequence[Extent]]] = {"b": (F32, [32])}
    if of_rows:
        inputs["x"] = F32, [32, 8]
        first = ("ReduceSum", ["x", "axis"], "p")
        return graph_of([first, *nodes], inputs, PLACE, {"axis": (I64, [1], [1])}, p={"keepdims": 0}, y={"keepdims": 0})
    inputs |= {"x": (F32, [32]), "w": (F32, [32])}
    return graph_of([("Mul", "xw", "p"), *nodes], inputs, PLACE, y={"keepdims": 0})


CHOICES: dict[str, Callable[[], onnx.ModelProto]] = {
    "choice_among_infinite": greatest(2),
    "choice_left_out_by_value": greatest(2),
    "choice_left_out_of_other_row": greatest(2),
    "choice_masked_among_infinite": greatest(2),
    "choice_masked_by_lowest_sum": greatest(2),
    "choice_of_index_not_found_yet": picked,
    "choice_of_third_beside_first": greatest(3),
    "choice_start_above_fused_sum": place_of_sum(of_rows=False),
    "choice_start_above_sum_in_another_order": place_of_sum(of_rows=True),
    "choice_start_below_fused_sum": place_of_sum(of_rows=False),
    "choice_start_below_sum_in_every_order": place_of_sum(of_rows=True),
    "choice_stuck_at_start": greatest(2),
    "choice_value_of_either_zero": greatest(2, places=False),
}
