"""The graphs of the cases in which blocks finish each other's work, or launches follow each other."""

from __future__ import annotations

from graphs import Graph, reduced, reversed_, unary

LAUNCHES: dict[str, Graph] = {
    "last_block_acquires_what_none_released": reversed_(256),
    "last_block_and_all_others": reversed_(256),
    "last_block_counter_cleared_first": reversed_(256),
    "last_block_counter_of_narrow_scope": reversed_(256),
    "last_block_every_warp_arrives": reversed_(256),
    "last_block_fence_before_barrier": reversed_(256),
    "last_block_fence_of_narrow_scope": reversed_(256),
    "last_block_fence_of_one_reader": reversed_(256),
    "last_block_flag_of_before": reversed_(256),
    "last_block_of_another_group": reversed_(256),
    "last_block_or_a_fixed_one": reversed_(256),
    "last_block_reads_unfenced": reversed_(256),
    "last_block_releases_what_none_acquired": reversed_(256),
    "last_block_starts_with_its_own": reduced("ReduceSum", [4], [1], 0),
    "last_block_tells_who_it_is": reduced("ReduceSum", [4], [1], 0),
    "last_block_volatile_reads_after_fences": reversed_(256),
    "last_block_volatile_reads_without_barrier": reversed_(256),
    "launches_barrier_of_fewer_threads": reversed_(256),
    "launches_clear_between": reversed_(256),
    "launches_copy_read_after_arrival": reversed_(256),
    "launches_parameter_beside_variable": unary("Identity", 64),
    "launches_parameter_named_as_variable": unary("Identity", 64),
    "launches_share_no_shared_memory": reversed_(256),
    "launches_shared_array_named_as_variable": unary("Identity", 64),
    "launches_variable_named_as_second_scratch": unary("Identity", 64),
    "launches_variable_under_shared_array": unary("Identity", 64),
    "launches_with_scratch_of_their_own": reversed_(256),
    "scratch_of_one_name_twice": unary("Identity", 64),
}
