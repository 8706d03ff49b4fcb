"""The graphs of the cases around asynchronous copies, shared memory and flat loops over rows of an open size."""

from __future__ import annotations

from graphs import F32, Graph, graph_of, unary


def rows(op: str) -> Graph:
    """y = op(x) on f32 [M, N], both open."""
    return graph_of([(op, ["x"], "y")], {"x": (F32, ["M", "N"])}, {"y": (F32, ["M", "N"])})


COPIES: dict[str, Graph] = {
    "copy_of_bytes_never_committed": unary("Neg", 256),
    "copy_into_what_is_being_read": unary("Neg", 256),
    "copy_awaited_by_others": unary("Neg", 256),
    "copy_from_unaligned_source": unary("Neg", 257),
    "copy_from_what_is_written": unary("Neg", 256),
    "copy_zeroed_by_one_byte": unary("Neg", 256),
    "exclusive_or_of_other_bits": unary("Neg", 256),
    "flat_bound_clamped": rows("Neg"),
    "flat_bound_narrowed": rows("Neg"),
    "flat_condition_narrowed": rows("Neg"),
    "flat_division_by_zero_before": rows("Neg"),
    "flat_index_clamped": rows("Neg"),
    "flat_index_narrowed": rows("Neg"),
    "flat_index_wraps": rows("Neg"),
    "flat_overflow_before": rows("Neg"),
    "flat_reads_neighbour": rows("Neg"),
    "flat_step_narrowed": rows("Neg"),
    "flat_step_of_index": rows("Neg"),
    "flat_step_of_narrowed": rows("Neg"),
    "flat_value_carried": rows("Neg"),
    "stage_of_two_in_ring_of_three": unary("Neg", 256),
}
