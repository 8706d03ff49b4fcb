"""The graphs of the cases in which the kernel breaks a rule of the language: all compute something plain."""

from __future__ import annotations

from graphs import F16, F32, I32, I64, Graph, graph_of, reversed_, unary, with_constant

HALVES = {n: (I64, [1], [v]) for n, v in (("zero", 0), ("half", 32), ("last", 63), ("mid", 31), ("back", -1))}


def second_half_reversed(of: str, *behind: tuple[str, list[str], str]) -> list[tuple[str, list[str], str]]:
    """The nodes that turn around the second half of 64 elements, to `j`, and those behind."""
    first = ("Slice", [of, "zero", "half", "zero"], "a")
    return [first, ("Slice", [of, "last", "mid", "zero", "back"], "r"), ("Concat", ["a", "r"], "j"), *behind]


LANGUAGE: dict[str, Graph] = {
    "alignment_of_referenced_vector": unary("Neg", 129),
    "alignment_of_struct": unary("Neg", 129),
    "alignment_of_vector_members": unary("Neg", 129),
    "argument_counts_index": unary("Neg", 32),
    "assertion_left_out": unary("Neg", 256),
    "assertion_left_out_of_build": unary("Neg", 256),
    "assertion_that_counts": unary("Neg", 256),
    "atomic_of_narrow_scope": unary("Neg", 64),
    "atomic_of_overflow": unary("Neg", 32),
    "atomic_of_two_widths": unary("Neg", 64),
    "atomic_of_uninitialised": unary("Neg", 32),
    "atomic_on_uncleared_memory": unary("Neg", 32),
    "branch_on_uninitialised": unary("Neg", 32),
    "branch_with_initializer": unary("Neg", 256),
    "condition_on_defined_by_macro": unary("Neg", 256),
    "constant_stored_through_cast": unary("Neg", 32),
    "condition_on_host_macro": unary("Identity", 32),
    "condition_on_library_macro": unary("Identity", 32),
    "condition_on_macro_of_header": unary("Neg", 32),
    "counter_barrier_adds_a_float": reversed_(256),
    "counter_barrier_polls_in_block": reversed_(256),
    "enumerator_of_own_list": with_constant("Mul", 32, 11),
    "expectation_of_unsigned": unary("Neg", 32),
    "include_by_angle_brackets": unary("Neg", 256),
    "include_guard_of_system_header": unary("Neg", 256),
    "include_within_include": unary("Neg", 256),
    "line_number_behind_comment": unary("Neg", 256),
    "line_number_behind_splice": unary("Neg", 256),
    "line_number_in_argument": unary("Neg", 256),
    "literal_past_long": with_constant("Add", 32, -(2.0**63)),
    "long_absolute_of_float": unary("Abs", 32),
    "macro_asked_about_by_header": graph_of(
        [("Gather", ["x", "i"], "y")],
        {"x": (F16, [32])},
        {"y": (F16, [32])},
        {"i": (I64, [32], [t ^ 16 for t in range(32)])},
    ),
    "macro_given_as_nothing": unary("Neg", 256),
    "macro_of_host_header_called": unary("Neg", 256),
    "macro_of_other_letters": unary("Neg", 256),
    "macro_of_system_header_called": unary("Neg", 256),
    "macro_that_counts_in_headers": unary("Neg", 256),
    "member_aligned_by_itself": unary("Neg", 32),
    "merged_addresses_of_gather": graph_of(
        second_half_reversed("i", ("Gather", ["w", "j"], "y")),
        {"i": (I32, [64]), "w": (F32, [64])},
        {"y": (F32, [64])},
        HALVES,
        j={"axis": 0},
    ),
    "merged_with_read_only_less_a_number": graph_of(
        second_half_reversed("x", ("Sub", ["j", "c"], "y")),
        {"x": (F32, [64])},
        {"y": (F32, [64])},
        HALVES | {"c": (F32, [1], [3.0])},
        j={"axis": 0},
    ),
    "overloaded_sum_drops_component": unary("Neg", 32),
    "path_without_return": graph_of(
        [("Slice", ["x", "zero", "n"], "a"), ("Slice", ["x", "n", "end"], "b"), ("Neg", "a", "c"), ("Concat", "cb", "y")],
        {"x": (F32, [32])},
        {"y": (F32, [32])},
        {n: (I64, [1], [v]) for n, v in (("zero", 0), ("n", 20), ("end", 32))},
        y={"axis": 0},
    ),
    "pointer_to_array_of_block": unary("Neg", 32),
    "pointer_to_array_of_call": unary("Neg", 32),
    "printed_element_past_end": unary("Neg", 32),
    "promise_never_to_return": unary("Neg", 32),
    "reference_as_template_argument": unary("Identity", 32),
    "reference_by_decltype": unary("Identity", 32),
    "reference_named_by_typedef": unary("Identity", 32),
    "reference_to_converted_copy": unary("Neg", 32),
    "reference_to_one_of_two": unary("Identity", 32),
    "remainder_by_minus_one": unary("Neg", 32),
    "restrict_parameters_of_one_array": unary("Neg", 32),
    "restrict_stores_to_one_array": unary("Neg", 32),
    "shuffle_in_rows_of_three": graph_of(
        [("Slice", ["x", "zero", "end", "zero", "step"], "f"), ("Unsqueeze", ["f", "one"], "c"), ("Expand", ["c", "shape"], "e"),
         ("Reshape", ["e", "flat"], "g"), ("Slice", ["g", "zero", "end"], "y")],
        {"x": (F32, [96])},
        {"y": (F32, [96])},
        {n: (I64, [1], [v]) for n, v in (("zero", 0), ("end", 96), ("step", 30), ("one", 1), ("flat", -1))}
        | {"shape": (I64, [2], [4, 30])},
    ),
    "standard_maximum_of_nan": unary("Relu", 32),
    "switch_falls_through": unary("Neg", 32),
    "switch_hides_type_of_outside": unary("Identity", 32),
    "switch_hides_variable_of_outside": with_constant("Mul", 32, 2),
    "uninitialised_equals_itself": unary("Neg", 32),
}  # fmt: skip
