"""Graphs of the attack kernels about scans, and about lanes that have returned."""

from __future__ import annotations

from graphs import F16, F32, I64, Graph, graph_of, unary, with_constant

AXIS = {"axis": (I64, [], [0])}

SCANS: dict[str, Graph] = {
    "scan_in_two_orders": graph_of(
        [("CumSum", ["x", "axis"], "y"), ("Neg", ["y"], "z")],
        {"x": (F32, [32])},
        {"y": (F32, [32]), "z": (F32, [32])},
        AXIS,
    ),
    "scan_of_older_sums": graph_of([("CumSum", ["x", "axis"], "y")], {"x": (F32, [32])}, {"y": (F32, [32])}, AXIS),
    "scan_adds_what_clamps": graph_of([("CumSum", ["x", "axis"], "y")], {"x": (F32, [32])}, {"y": (F32, [32])}, AXIS),
    "scan_across_rows_of_24": graph_of(
        [("CumSum", ["x", "axis"], "y")], {"x": (F32, [4, 24])}, {"y": (F32, [4, 24])}, {"axis": (I64, [], [1])}
    ),
    "scan_of_rounded_products": graph_of(
        [("Mul", ["x", "w"], "p"), ("Cast", ["p"], "q"), ("CumSum", ["q", "axis"], "y")],
        {"x": (F16, [32]), "w": (F16, [32])},
        {"y": (F32, [32])},
        AXIS,
        q={"to": F32},
    ),
    "returned_lane_is_read": unary("Neg", 32),
    "returned_lane_is_not_read": unary("Neg", 32),
    "returned_lane_does_not_vote": with_constant("Mul", 32, 32.0),
    "returned_lane_and_one_that_waits": unary("Neg", 32),
    "returned_lane_only_afterwards": unary("Neg", 32),
    "returned_lane_of_launch_before": unary("Neg", 32),
    "returned_lane_wrote_before_barrier": unary("Neg", 32),
}
