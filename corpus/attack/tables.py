"""The graphs of the cases around tables of pointers: neighbours in the memory that a proof takes a table's buffers for."""

from __future__ import annotations

from graphs import F32, I32, Graph, graph_of

ADDED = graph_of([("Add", "ab", "y")], {"a": (F32, [64]), "b": (F32, [64])}, {"y": (F32, [64])})
FIRST = graph_of(
    [("Neg", "a", "y"), ("Neg", "b", "z")], {"a": (F32, [64]), "b": (F32, [32])}, {"y": (F32, [64]), "z": (F32, [32])}
)
TWO_RESULTS = graph_of([("Neg", "a", "y"), ("Abs", "a", "z")], {"a": (F32, [64])}, {"y": (F32, [64]), "z": (F32, [64])})
PICKED = graph_of(
    [("Unsqueeze", ["a", "front"], "a1"), ("Unsqueeze", ["b", "front"], "b1"), ("Concat", ["a1", "b1"], "ab"),
     ("Gather", ["ab", "which"], "y")],
    {"a": (F32, [64]), "b": (F32, [64]), "which": (I32, [1])},
    {"y": (F32, [1, 64])},
    {"front": (7, [1], [0])},
    ab={"axis": 0},
)  # fmt: skip
TABLES: dict[str, Graph] = {
    "table_buffer_of_neighbour": ADDED,
    "table_buffer_before": ADDED,
    "table_entry_before_first": ADDED,
    "table_of_one_tensor_twice": graph_of([("Add", ["a", "a"], "y")], {"a": (F32, [64])}, {"y": (F32, [64])}),
    "table_of_two_sizes": FIRST,
    "table_of_results_unordered": TWO_RESULTS,
    "table_at_data": PICKED,
    "table_at_data_past_end": PICKED,
    "table_pointer_left_by_loop": ADDED,
}
