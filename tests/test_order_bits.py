"""Good corpus kernels, run on numbers, against their graphs in the certified order: not one bit may differ."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus"), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from families import families
from order_running import Normal, prove
from redraw import small

# Cases whose sums are added in an order of the kernel's own, which shows in the bits of the outputs.
REORDERED = {
    "add_layer_norm_f16/block_row", "attention_cross_f16/two_pass", "attention_decode/two_pass_tree",
    "gemv_f16/warp_rows", "gemv_f32/block_row", "gemv_split_bf16/row_a_block", "lm_head/warp_row",
    "log_softmax/block_row", "matmul_open/tiles_async", "moe_expert_by_data_f16/warp_row", "moe_expert_f16/warp_row",
    "norm_mlp_f16/grid_sync", "scan_exclusive/balanced_tree", "scan_exclusive/steps_in_place",
    "scan_long_rows/carry_handed_on", "scan_rows/lanes", "scan_rows/lanes_from_the_end", "sgemm/double_buffered",
    "sgemm/tiled", "short_row_sum/rows_of_half_a_warp", "split_k/last_block", "split_k/second_kernel",
    "swiglu_f16/sum_as_parameter", "swiglu_f16/warp_row", "topk_gate_softmax_f16/warp_token",
    "two_types_in_one_block/carved",
}  # fmt: skip
QUICK = sorted({
    "above_threshold_f16/four_flags", "absolute_maxima_f16/block_tree", "absolute_maxima_f16/warp_row",
    "add_int8/char4_loads", "argmax_rows/thread_row", "attention_decode/two_pass_tree", "bias_gelu_bf16/pairs",
    "bias_gelu_tanh/column", "bias_rows_f16/grid_stride", "bias_rows_f16/one_each", "cache_update_f16/guarded",
    "cache_update_f16/in_place", "cast_bf16/two_words", "column_sums_f16/strips", "concat_columns_f16/pairs",
    "count_above/shared_count", "cross_entropy/thread_row", "dequant_rows_columns/plane",
    "elementwise/bias_relu_float4", "elementwise/bias_relu_grid_stride", "embedding_bf16/token_block",
    "embedding_bf16/token_warp", "embedding_bf16/token_wrapped", "gemv_f16/warp_rows", "gemv_f32/block_row",
    "half_fma/half2_rn", "half_fma/separate", "half_max/half2_nan", "half_max/tested", "l1_distance/class_of_words", "l1_distance/masked_sign",
    "leaky_relu/positive_first", "linear_gelu_f16/column_a_thread", "lm_head/warp_row",
    "mask_scores_f16/grid_of_rows", "matmul_int8/dp4a", "matmul_open/rows", "matmul_open/tiles",
    "merge_heads_bf16/token_block", "negate_f16/whole_warps", "pair_swap/ordered",
    "repeat_kv_f16/copies_in_registers", "residual_half/half2_c_cast", "residual_half/half2_index",
    "residual_half/half2_reinterpret", "residual_half/via_float", "residual_packed/pack_class",
    "rope_halves_bf16/four_heads", "rope_interleaved_f16/pairs", "rotate_half/sign_bits", "row_max/warp_and_block", "row_maxima_int/block_row_select",
    "row_maxima_int/parts_of_row", "row_sum_counted/tree", "scaled_scores/warp_key", "scan_block_f16/totals_of_warps",
    "scan_exclusive/balanced_tree", "scan_exclusive/steps_in_place", "scan_from_end_int/two_copies",
    "scan_long_rows/carry_handed_on", "scan_rows/lanes", "scan_rows/lanes_from_the_end", "sgemm/double_buffered",
    "sgemm/naive", "sgemm/tiled", "silu_mul_f16/pairs", "silu_mul_f16/scalar", "slice_steps_f16/strided_reads",
    "split_heads_f16/uint4_loads", "split_k/last_block", "templates/scale", "total_last_block/tree_in_last",
    "transpose/tiled", "transpose_diagonal/diagonal", "upsample_f16/nearest",
})  # fmt: skip
SLOW = sorted({
    "add_layer_norm_f16/block_row", "argmax_rows_bf16/block_row", "argmax_rows_f16/warp_row",
    "attention_causal/skips", "attention_cross_f16/two_pass", "attention_decode/two_pass", "attention_decode_bf16/grouped",
    "attention_grouped_bf16/block_group", "attention_stored_mask_f16/skips", "attention_window_bf16/window",
    "attention_zero_mask/heads", "conv1d_causal_f16/row_in_shared", "decode_step_f16/grid_sync", "decode_step_f16/uint4",
    "gemv_f16/ring", "residual_mlp_f16/ring",
    "conv1d_causal_f16/zero_window", "conv2d_f16/bounded", "conv2d_f16/guarded", "count_above/warp_ballots",
    "embedding_norm_bf16/one_block", "gemm_async_f16/ring", "gemm_async_f16/swizzled", "gemm_async_f16/two_stages",
    "gemm_f16/naive", "gemm_f16/tiled_edges", "gemm_f16_blocked/registers", "gemv_f16/block_row",
    "gemv_int8/warp_row", "gemv_split_bf16/row_a_block", "greedy_token_f16/block_tokens",
    "l2_normalize_bf16/warp_row", "layer_norm_f16/warp_row", "layer_scale_bf16/uint4_loads",
    "layers_by_table_f16/memory_tables", "layers_by_table_f16/pairs_in_memory", "layers_by_table_f16/struct_by_value",
    "linear_relu_bf16/tiled", "log_softmax/block_row", "masked_softmax_f16/warp_row", "matmul_broadcast_f16/tiled",
    "matmul_open/tiles_async", "moe_expert_by_data_f16/warp_row", "moe_expert_f16/warp_row",
    "moe_topk_f16/two_launches", "norm_layers/token_rows", "norm_mlp_bf16/grid_sync", "norm_mlp_f16/grid_sync", "quantize_int8/grid_stride", "quantize_int8/integers",
    "residual_mlp/atomic_counter", "residual_mlp/grid_sync", "residual_mlp_2/grid_sync", "residual_mlp_f16/grid_sync",
    "residual_mlp_f16_2/grid_sync", "rmsnorm/butterflies", "rmsnorm/tree_half2", "rmsnorm/tree_uint4",
    "rmsnorm_bf16/uint4_loads", "rmsnorm_op23/butterflies", "row_maxima_int/block_row", "row_norm_f16/half_warps",
    "row_norm_f16/tiles", "row_sum_bf16/few_lanes", "row_sum_bf16/last_warp", "running_sum_f16/thread_row",
    "sgemm/double_buffered_functions", "short_row_sum/rows_of_half_a_warp", "softmax_f16/block_row",
    "softmax_f16/block_row_tops_in_turn", "softmax_f16/warp_row", "softmax_f16/warp_row_padded",
    "softmax_rows/by_comparison", "softmax_rows/from_first", "softmax_rows/thread_row",
    "softmax_rows_bf16/thread_row", "split_k/second_kernel", "swiglu_f16/sum_as_parameter", "swiglu_f16/warp_row",
    "topk_gate/thread_token", "topk_gate_f16/warp_token", "topk_gate_softmax_f16/thread_token",
    "topk_gate_softmax_f16/warp_token", "total_last_block/guide_volatile", "two_types_in_one_block/carved",
})  # fmt: skip


@pytest.mark.parametrize(
    "case", [*QUICK[::2], *(pytest.param(c, marks=pytest.mark.slow) for c in (*QUICK[1::2], *SLOW))]
)
def test_the_graph_in_the_kernels_order_has_the_kernels_bits(case: str, tmp_path: Path) -> None:
    pair = prove(small(ROOT / "corpus" / case, tmp_path / "case"))
    assert pair.data["without_orders"] == ""
    runs = [Normal(0), Normal(1), Normal(2, cancelling=True)]
    for symbols in pair.middle():
        for run in runs:
            assert pair.different(symbols, run) == 0
    if case in REORDERED:  # the numbers are such that the order shows
        assert any(pair.different(pair.middle()[-1], run, orders=False) > 0 for run in runs)


@pytest.mark.parametrize("case", ["choice_start_below_fused_sum", "mask_stored"])
def test_so_it_has_where_little_keeps_a_proof_from_being_wrong(case: str, tmp_path: Path) -> None:
    pair = prove(shutil.copytree(ROOT / "corpus" / "attack" / case, tmp_path / "case"))
    assert pair.data["without_orders"] == ""
    assert pair.data["orders"] != []
    assert all(pair.different({}, run) == 0 for run in (Normal(0), Normal(1), Normal(2)))


def test_every_good_case_is_in_one_of_the_lists() -> None:
    good = {
        f"{f.folder.name}/{c.name}"
        for f in families()
        for c in f.cases
        if "__" not in c.name
        and (c / "kernel.cu").read_text().startswith("// tv: proved")
        and f.folder.name != "attack"
    }
    assert good == {*QUICK, *SLOW}
