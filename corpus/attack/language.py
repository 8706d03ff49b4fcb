"""The graphs of the cases in which the kernel breaks a rule of the language: all compute something plain."""

from __future__ import annotations

from graphs import F32, I64, Graph, graph_of, reversed_, unary

LANGUAGE: dict[str, Graph] = {
    "alignment_of_referenced_vector": unary("Neg", 129),
    "alignment_of_struct": unary("Neg", 129),
    "alignment_of_vector_members": unary("Neg", 129),
    "argument_counts_index": unary("Neg", 32),
    "atomic_of_narrow_scope": unary("Neg", 64),
    "atomic_of_overflow": unary("Neg", 32),
    "atomic_of_two_widths": unary("Neg", 64),
    "atomic_of_uninitialised": unary("Neg", 32),
    "atomic_on_uncleared_memory": unary("Neg", 32),
    "branch_on_uninitialised": unary("Neg", 32),
    "constant_stored_through_cast": unary("Neg", 32),
    "condition_on_host_macro": unary("Identity", 32),
    "condition_on_library_macro": unary("Identity", 32),
    "condition_on_macro_of_header": unary("Neg", 32),
    "counter_barrier_adds_a_float": reversed_(256),
    "counter_barrier_polls_in_block": reversed_(256),
    "expectation_of_unsigned": unary("Neg", 32),
    "long_absolute_of_float": unary("Abs", 32),
    "member_aligned_by_itself": unary("Neg", 32),
    "path_without_return": graph_of(
        [("Slice", ["x", "zero", "n"], "a"), ("Slice", ["x", "n", "end"], "b"), ("Neg", "a", "c"), ("Concat", "cb", "y")],
        {"x": (F32, [32])},
        {"y": (F32, [32])},
        {n: (I64, [1], [v]) for n, v in (("zero", 0), ("n", 20), ("end", 32))},
        y={"axis": 0},
    ),
    "pointer_to_array_of_block": unary("Neg", 32),
    "pointer_to_array_of_call": unary("Neg", 32),
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
    "uninitialised_equals_itself": unary("Neg", 32),
}  # fmt: skip
