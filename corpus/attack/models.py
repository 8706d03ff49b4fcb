"""The graphs of the cases in this folder: `python corpus/attack/models.py` writes each case's `model.onnx` anew.

Small graphs with small sizes: what is attacked here is one rule of the proof at a time, not its scale.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent)]
from choices import CHOICES
from copies import COPIES
from data_stores import DATA_STORES
from exponentials import EXPONENTIALS
from foreseen import FORESEEN
from gathers import GATHERS
from graphs import (
    BOOL,
    CLIPPED,
    E_WHERE_ONE,
    F16,
    F32,
    HALF_AND_MORE,
    I32,
    I64,
    REVERSED_SIZE,
    SIZE_OF_SUM,
    TIMES_E,
    TIMES_ONE,
    VECTORS,
    Graph,
    chain_twice,
    doubled,
    gemm,
    graph_of,
    halves_added,
    hidden_sum,
    layers,
    multiply_add,
    negated,
    neighbours_halved,
    overloaded,
    plus,
    product_open,
    reduced,
    residual_sum_twice,
    reversed_,
    row_at_position,
    row_sum_twice,
    scaled_layers,
    second_repeated,
    shared_scalar_sum,
    square_transpose,
    times_exp_of_index,
    times_node,
    two_inputs,
    unary,
    with_constant,
)
from language import LANGUAGE
from launches import LAUNCHES
from masks import MASKS
from maxima import MAXIMA
from open_bits import OPEN_BITS
from overflows import OVERFLOWS
from paddings import PADDINGS
from patterns import PATTERNS
from places import PLACES
from reading import READING
from scans import SCANS
from tables import TABLES

ZERO = helper.make_tensor("zero", TensorProto.INT32, [1], [0])
FAR_APART = graph_of(
    [("Add", "xs", "y")],
    {"x": (I64, [4])},
    {"y": (I64, [4])},
    {"s": (I64, [4], [2, 1 - 2**63, 5, 5])},
)
GRAPHS: dict[str, Graph] = {
    "atomic_on_local": unary("Neg", 32),
    "blocks_divided_by_negative": unary("Neg", "N"),
    "constants_far_apart": FAR_APART,
    "constants_far_apart_left_out": FAR_APART,
    "constants_made_by_nodes": times_node,
    "constants_of_each_layer": scaled_layers,
    "counter_read_in_next_run": graph_of(
        [("ConstantOfShape", ["one"], "y")], {}, {"y": (I32, [1])}, {"one": (I64, [1], [1])}, y={"value": ZERO}
    ),
    "cut_of_one_output": halves_added,
    "element_at_symbol": graph_of(
        [("Gather", ["x", "end"], "v"), ("Mul", "xv", "y")],
        {"x": (F32, ["N"])},
        {"y": (F32, ["N"])},
        {"end": (I64, [1], [-1])},
    ),
    "grid_past_limit_at_one_size": unary("Identity", "N"),
    "hidden_sum_of_same_name": hidden_sum,
    "hinted_load_of_shared": unary("Neg", 32),
    "hinted_store_to_shared": unary("Neg", 32),
    "integer_of_any_size_rounded_twice": graph_of(
        [("Cast", "p", "q"), ("Mul", "xq", "y")],
        {"x": (F32, [4]), "p": (I64, [1])},
        {"y": (F32, [4])},
        q={"to": F32},
    ),
    "layout_divided_by_negative": unary("Neg", 4),
    "lock_between_warps": unary("Neg", 64),
    "output_in_module_variable": graph_of(
        [("Neg", "x", "y"), ("Abs", "x", "z")], {"x": (F32, [4])}, {"y": (F32, [4]), "z": (F32, [4])}
    ),
    "overload_of_function": overloaded,
    "place_of_maximum_beside_nan": graph_of(
        [("Sqrt", "x", "r"), ("ArgMax", "r", "y")], {"x": (F32, [8])}, {"y": (I64, [1])}
    ),
    "range_of_tied_input": row_at_position,
    "read_only_load_of_constant": unary("Neg", 32),
    "read_only_load_of_local": unary("Neg", 32),
    "resize_to_one_element": graph_of(
        [("Resize", ["x", "", "quarter"], "y")],
        {"x": (F32, [4])},
        {"y": (F32, [1])},
        {"quarter": (F32, [1], [0.25])},
        y={"coordinate_transformation_mode": "pytorch_half_pixel", "nearest_mode": "ceil"},
    ),
    "scale_in_buffer": graph_of(
        [("Mul", ["x", "scale"], "y")], {"x": (F32, [32])}, {"y": (F32, [32])}, {"scale": (F32, [], [0.125])}
    ),
    "slice_from_before_front": graph_of(
        [("Slice", ["x", "first", "last", "axis", "step"], "r"), ("ReduceSum", "r", "y")],
        {"x": (F32, [4])},
        {"y": (F32, [1])},
        {n: (I64, [1], [v]) for n, v in (("first", -9), ("last", -20), ("axis", 0), ("step", -1))},
    ),
    "stored_indices_in_buffer": graph_of(
        [("Cast", ["index"], "i"), ("Gather", "xi", "y"), ("Cast", ["index"], "z")],
        {"x": (F32, [4])},
        {"y": (F32, [4]), "z": (F32, [4])},
        {"index": (TensorProto.UINT8, [4], [2, 0, 1, 3])},
        i={"to": I64},
        z={"to": F32},
    ),
    "symbol_named_as_dimension": graph_of(
        [("Neg", "x", "y"), ("Neg", "w", "z")],
        {"x": (F32, ["N"]), "w": (F32, ["K"])},
        {"y": (F32, ["N"]), "z": (F32, ["K"])},
    ),
    "truth_of_tied_parameter": graph_of(
        [("Where", ["m", "x", "zero"], "y")],
        {"m": (BOOL, [1]), "x": (F32, [4])},
        {"y": (F32, [4])},
        {"zero": (F32, [], [0])},
    ),
    "truths_choose_index": graph_of(
        [("Where", "mab", "i"), ("Gather", "xi", "y")],
        {"x": (F32, [2])},
        {"y": (F32, [2])},
        {"m": (BOOL, [2], [0, 1]), "a": (I64, [2], [1, 0]), "b": (I64, [2], [0, 1])},
    ),
    "truths_stored_in_pairs": graph_of(
        [("Not", "m", "n"), ("Where", ["n", "x", "zero"], "y")],
        {"x": (F32, [2])},
        {"y": (F32, [2])},
        {"m": (BOOL, [2], [0, 1]), "zero": (F32, [], [0])},
    ),
    "cut_frees_a_weight": graph_of(
        [("Mul", "aw", "y")], {"a": (F32, [32])}, {"y": (F32, [32])}, {"w": (F32, [], [2.0])}
    ),
    "product_divided_by_round": graph_of(
        [("Mul", "ab", "p"), ("Div", "pd", "q"), ("Add", "qc", "y")],
        {n: (F32, [2, 32]) for n in "abc"},
        {"y": (F32, [2, 32])},
        {"d": (F32, [2, 1], [1.0, 2.0])},
    ),
    "product_of_a_product": graph_of(
        [("Mul", "ab", "p"), ("Mul", ["p", "one"], "q"), ("Add", "qc", "y")],
        VECTORS,
        {"y": (F32, [32])},
        {"one": (F32, [], [1.0])},
    ),
    "product_of_absolute_square": graph_of(
        [("Mul", "aa", "p"), ("Abs", "p", "q"), ("Add", "qc", "y")],
        {n: VECTORS[n] for n in "ac"},
        {"y": (F32, [32])},
    ),
    "product_of_equal_maxima": graph_of(
        [("Mul", "ab", "p"), ("Max", "pp", "q"), ("Add", "qc", "y")], VECTORS, {"y": (F32, [32])}
    ),
    "product_times_one": graph_of(
        [("Mul", "ab", "p"), ("Mul", ["p", "one"], "q"), ("Add", ["q", "three"], "y")],
        {n: VECTORS[n] for n in "ab"},
        {"y": (F32, [32])},
        {"one": (F32, [], [1.0]), "three": (F32, [], [3.0])},
    ),
    "broadcast_sum_in_two_orders": graph_of(
        [("ReduceSum", ["x", "axis"], "s"), ("Add", ["s", "r"], "y")],
        {"x": (F32, [4]), "r": (F32, [32])},
        {"y": (F32, [32])},
        {"axis": (I64, [1], [0])},
        s={"keepdims": 0},
    ),
    "condition_divides_negative": unary("Neg", 32),
    "constant_hidden_in_bits": graph_of(
        [("Exp", ["seven"], "e"), ("Mul", ["a", "e"], "y")],
        {"i": (I32, [32]), "a": (F32, [32])},
        {"y": (F32, [32])},
        {"seven": (F32, [], [7.0])},
    ),
    "digraph_directive": unary("Identity", 32),
    "enumerator_of_another_namespace": unary("Neg", 32),
    "initializer_of_own_name": unary("Neg", 32),
    "macro_declares_two_arrays": unary("Neg", 32),
    "macro_negates_negative": with_constant("Sub", 32, 1.0),
    "macro_parameter_beside_number": with_constant("Mul", 32, 3.04),
    "method_before_function": unary("Neg", 32),
    "null_pointer_moved": unary("Identity", 64),
    "namespace_hidden_by_local": unary("Neg", 32),
    "overload_declared_later": unary("Identity", 32),
    "product_hidden_by_bits": multiply_add(F16),
    "product_hidden_by_division": graph_of(
        [("Div", ["a", "two"], "q"), ("Add", ["q", "c"], "y")],
        {n: VECTORS[n] for n in "ac"},
        {"y": (F32, [32])},
        {"two": (F32, [], [2.0])},
    ),
    "product_hidden_by_maximum": graph_of(
        [("Mul", "ab", "p"), ("Max", "pp", "q"), ("Add", "qc", "y")], VECTORS, {"y": (F32, [32])}
    ),
    "rounds_fused_apart": graph_of(
        [("Mul", "ab", "q"), ("Add", "qc", "u"), ("Neg", "u", "y"), ("Abs", "u", "z")],
        VECTORS,
        {n: (F32, [32]) for n in "yzq"},
    ),
    "signed_overflow_of_data": graph_of(
        [("Add", ["x", "one"], "s"), ("Greater", "sx", "g"), ("Where", ["g", "w", "zero"], "y")],
        {n: (I32, [32]) for n in "xw"},
        {"y": (I32, [32])},
        {"one": (I32, [], [1]), "zero": (I32, [], [0])},
    ),
    "turns_of_warps": unary("Neg", 64),
    "zeros_beside_a_reduction": graph_of(
        [("ReduceSum", ["x", "axis"], "s"), ("Concat", "su", "w"), ("Add", "wc", "y")],
        {"x": (F32, [16, 4]), "u": (F32, [16]), "c": (F32, [32])},
        {"y": (F32, [32])},
        {"axis": (I64, [1], [1])},
        s={"keepdims": 0},
        w={"axis": 0},
    ),
    "exit_beside_another": negated([3, 3, 3, 5], 8),
    "exit_jumps_over_zero": negated([3], 8),
    "exits_in_both_arms": unary("Neg", 32),
    "loop_starts_past_its_bound": negated([8], 128),
    "loop_starts_past_its_range": unary("Neg", 128),
    "barrier_rounds_by_thread": unary("Neg", 32),
    "barrier_under_predefined_macro": reversed_(64),
    "bias_of_other_axis": gemm,
    "carried_in_both_branches": second_repeated,
    "carried_in_one_branch": second_repeated,
    "contraction_beside_shuffle": multiply_add(F16, "yp"),
    "contraction_of_floats_through_shared": multiply_add(F32),
    "contraction_of_own_lane": multiply_add(F16, "yp"),
    "contraction_past_shuffle": multiply_add(F16, "yp"),
    "contraction_through_local": multiply_add(F16),
    "contraction_through_output": multiply_add(F16),
    "contraction_through_shared": multiply_add(F16),
    "counter_barrier_byte_of_thread": unary("Neg", 2048),
    "counter_barrier_sets_flag": plus(256, 1.0),
    "counter_barrier_target_late": unary("Neg", 256),
    "counter_read_in_next_round": plus(4, 5, I32),
    "division_by_zero_unused": unary("Neg", 32),
    "exclusive_or_of_minus_one": unary("Neg", 32),
    "exponential_of_carried_constant": TIMES_E,
    "exponential_of_compared_value": E_WHERE_ONE,
    "exponential_of_constant": TIMES_E,
    "exponential_of_first_round": TIMES_E,
    "exponential_of_pinned_thread": times_exp_of_index([32], [32]),
    "exponential_of_unrolled_round": times_exp_of_index([3, 32], [3, 1]),
    "fused_in_one_place": chain_twice("Mul"),
    "halves_overlap": gemm,
    "integer_to_float_rounded_twice": plus(32, 2.0**60),
    "integer_to_float_toward_zero": plus(32, 16777220.0),
    "last_layer_swapped": layers,
    "lemma_and_fused_elsewhere": chain_twice("Mul"),
    "lemma_clips_minus_zero": CLIPPED,
    "lemma_clips_nan": CLIPPED,
    "lemma_of_another_cell": REVERSED_SIZE,
    "lemma_of_bits_of_nan": SIZE_OF_SUM,
    "lemma_of_bits_of_stored_nan": SIZE_OF_SUM,
    "lemma_of_finite_values": unary("Identity", 32),
    "lemma_of_fused_product": HALF_AND_MORE,
    "lemma_of_normal_values": HALF_AND_MORE,
    "lemma_of_one_cell_for_two": neighbours_halved,
    "lemma_of_other_rounds": reduced("ReduceL1", [32, 8], [32], 1),
    "lemma_of_product": TIMES_ONE,
    "lemma_of_rounded_product": HALF_AND_MORE,
    "local_array_of_last_round": second_repeated,
    "loop_between_two_states": unary("Neg", 32),
    "loop_bound_minimum": unary("Neg", "N"),
    "loop_bound_truncates": unary("Neg", "N"),
    "loop_bound_wraps": unary("Neg", "N"),
    "loop_ends_by_another_thread": unary("Neg", 32),
    "loop_in_one_thread": unary("Neg", 32),
    "loop_wraps_after_all_values": unary("Neg", 32),
    "maximum_by_comparison": reduced("ReduceMax", [32, 8], [32], 1),
    "maximum_from_first_term": reduced("ReduceMax", [32, 8], [32], 1),
    "maximum_from_infinity": two_inputs("Max"),
    "maximum_strict_by_select": two_inputs("Max"),
    "maximum_strict_one_test": two_inputs("Max"),
    "middle_counted_twice": reduced("ReduceSum", ["N"], [1], 0),
    "mixed_signs_compared": unary("Neg", 32),
    "negation_by_subtraction": unary("Neg", 32),
    "or_of_negative": unary("Neg", 32),
    "orders_by_thread": shared_scalar_sum,
    "orders_of_a_chain": chain_twice("Add"),
    "orders_of_loop_and_pairs": row_sum_twice,
    "orders_of_two_uses": residual_sum_twice,
    "permutation_inverted": square_transpose,
    "relu_of_nan": unary("Relu", 32),
    "padding_of_one_factor": product_open,
    "return_in_halving_loop": unary("Neg", 32),
    "shift_of_negative": unary("Neg", 32),
    "shift_past_width_unused": unary("Neg", 32),
    "shuffle_at_two_places": unary("Neg", 32),
    "shuffle_of_overlapping_masks": unary("Neg", 32),
    "shuffle_in_rows_of_24": unary("Neg", 96),
    "shuffle_from_other_mask": unary("Neg", 32),
    "shuffle_up_in_a_short_warp": unary("Neg", 16),
    "warp_vote_of_one_half": unary("Neg", 32),
    "warp_vote_among_missing_lanes": unary("Neg", 16),
    "warp_ballot_of_earlier_round": unary("Neg", 32),
    "warp_barrier_of_two_halves": reversed_(32),
    "shuffle_after_return": unary("Neg", 32),
    "shuffle_down_past_warp": doubled(32),
    "shuffle_is_no_barrier": reversed_(32),
    "shuffle_lane_past_warp": doubled(32),
    "shuffle_to_earlier_segment": doubled(32),
    "stores_around_barrier": reversed_(64),
    "stores_around_grid_barrier": reversed_(64),
    "undefined_for_one_element": reduced("ReduceSum", ["N"], [1], 0),
    "warp_barrier_by_rounds": reversed_(64),
    "warp_barrier_of_one_warp": reversed_(64),
    "warp_barrier_of_some_lanes": unary("Neg", 64),
    "warp_barrier_on_rows_of_24": reversed_(48),
}


def main() -> None:
    tables = (
        GRAPHS,
        CHOICES,
        COPIES,
        DATA_STORES,
        EXPONENTIALS,
        FORESEEN,
        GATHERS,
        LANGUAGE,
        LAUNCHES,
        MASKS,
        MAXIMA,
        OPEN_BITS,
        OVERFLOWS,
        PADDINGS,
        PATTERNS,
        PLACES,
        READING,
        SCANS,
        TABLES,
    )
    for name, build in (item for table in tables for item in table.items()):
        onnx.save(build(), ROOT / name / "model.onnx")


if __name__ == "__main__":
    main()
