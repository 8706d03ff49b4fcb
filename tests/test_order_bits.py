"""Good corpus kernels, run on numbers, against their graphs in the certified order: not one bit may differ."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus"), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from families import families
from order_running import Normal, prove
from redraw import small

# Cases whose sums are added in an order of the kernel's own; what is slow to prove is marked so.
REORDERED = {
    "attention_decode/two_pass_tree", "gemv_f16/warp_rows", "gemv_f32/block_row", "lm_head/warp_row", "sgemm/tiled",
    "sgemm/double_buffered", "split_k/last_block",
}  # fmt: skip
QUICK = sorted(
    REORDERED
    | {
        "elementwise/bias_relu_float4", "elementwise/bias_relu_grid_stride", "half_fma/half2_rn",
        "half_fma/separate", "half_max/half2_nan", "half_max/tested", "l1_distance/masked_sign", "leaky_relu/positive_first", "matmul_open/rows", "matmul_open/tiles",
        "pair_swap/ordered", "rotate_half/sign_bits", "scaled_scores/warp_key", "residual_half/half2_c_cast",
        "residual_half/half2_index", "residual_half/half2_reinterpret", "residual_half/via_float",
        "row_max/warp_and_block", "row_sum_counted/tree", "sgemm/naive", "templates/scale", "total_last_block/tree_in_last", "transpose/tiled",
    }
)  # fmt: skip
SLOW = sorted(
    {
        "layer_norm_f16/warp_row", "masked_softmax_f16/warp_row", "quantize_int8/grid_stride", "quantize_int8/integers",
        "running_sum_f16/thread_row", "softmax_rows/by_comparison", "softmax_rows/from_first", "softmax_rows/thread_row",
        "softmax_rows_bf16/thread_row",
        "attention_decode/two_pass", "gemv_f16/block_row", "residual_mlp/atomic_counter", "residual_mlp/grid_sync",
        "residual_mlp_2/grid_sync", "residual_mlp_f16/grid_sync", "residual_mlp_f16_2/grid_sync", "rmsnorm/butterflies", "rmsnorm/tree_half2",
        "rmsnorm/tree_uint4", "rmsnorm_op23/butterflies", "sgemm/double_buffered_functions",
    }
)  # fmt: skip


@pytest.mark.parametrize("case", [*QUICK, *(pytest.param(c, marks=pytest.mark.slow) for c in SLOW)])
def test_the_graph_in_the_kernels_order_has_the_kernels_bits(case: str, tmp_path: Path) -> None:
    pair = prove(small(ROOT / "corpus" / case, tmp_path / "case"))
    assert pair.data["without_orders"] == ""
    runs = [Normal(0), Normal(1), Normal(2, cancelling=True)]
    for symbols in pair.middle():
        for run in runs:
            assert pair.different(symbols, run) == 0
    if case in REORDERED:  # the numbers are such that the order shows
        assert any(pair.different(pair.middle()[-1], run, orders=False) > 0 for run in runs)


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
