"""The graphs of the cases in which a compiler reads another text than meets the eye: all negate."""

from __future__ import annotations

from graphs import Graph, unary

READING: dict[str, Graph] = {
    "built_in_variable_of_namespace": unary("Neg", 256),
    "comment_closed_behind_blanks": unary("Neg", 256),
    "condition_behind_unknown_library": unary("Neg", 256),
    "condition_on_macro_of_host_library": unary("Neg", 256),
    "condition_some_compilers_pass_over": unary("Neg", 256),
    "constant_beside_that_of_file_unread": unary("Neg", 256),
    "constant_beside_that_of_namespace": unary("Neg", 256),
    "enumerator_of_size_in_own_list": unary("Neg", 256),
    "enumerator_unsigned_in_own_list": unary("Neg", 256),
    "function_of_inline_namespace": unary("Neg", 256),
    "header_once_by_operator": unary("Neg", 256),
    "macro_called_by_parentheses_of_macro": unary("Neg", 256),
    "macro_called_by_way_of_nothing": unary("Neg", 256),
    "macro_saved_in_host_function": unary("Neg", 256),
    "namespace_by_the_name_of_enum": unary("Neg", 256),
    "overload_of_header_s_function": unary("Neg", 256),
    "packed_behind_host_function": unary("Neg", 256),
    "packed_behind_unused_function": unary("Neg", 256),
    "splice_behind_other_letter": unary("Neg", 256),
    "type_beside_that_of_namespace": unary("Neg", 256),
    "restrict_behind_auto": unary("Neg", 32),
    "restrict_behind_named_types": unary("Neg", 32),
}
