"""Mistakes a compiler makes, each as another text in one place of what `megac` writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mistake:
    """In a file of the folder, of `times` places where `text` stands, one is replaced. Raises AssertionError if it stands elsewhere."""

    text: str
    times: int
    place: int
    by: str
    file: str = "kernel.cu"

    def put(self, folder: Path, to: Path) -> Path:
        """The kernel with the mistake, its specification beside it."""
        for name in ("kernel.cu", "kernel.toml"):
            text = (folder / name).read_text()
            if name == self.file:
                parts = text.split(self.text)
                assert len(parts) == self.times + 1, f"`{self.text}` stands {len(parts) - 1} times in {name}"
                text = self.text.join(parts[: self.place + 1]) + self.by + self.text.join(parts[self.place + 1 :])
            (to / name).write_text(text)
        return to / "kernel.cu"


# in the decoder of `small_decoder.py`
SMALL = {
    "projections_not_awaited": Mistake("arrivals, 1 *", 1, 0, "arrivals, 0 *"),
    "attention_not_awaited": Mistake("arrivals, 2 *", 1, 0, "arrivals, 1 *"),
    "residual_not_awaited": Mistake("arrivals, 3 *", 1, 0, "arrivals, 2 *"),
    "weights_of_positions_not_awaited": Mistake("        __syncthreads();\n        {\n            const int c1", 1, 0, "        {\n            const int c1"),
    "slices_not_awaited": Mistake("        __syncthreads();\n        if (threadIdx.x < 64) {\n            const int i = threadIdx.x;\n            float s4", 1, 0, "        if (threadIdx.x < 64) {\n            const int i = threadIdx.x;\n            float s4"),
    "last_slice_left_out": Mistake("n1 < THREADS / 8;", 1, 0, "n1 < THREADS / 8 - 1;"),
    "slices_overlap": Mistake("k3 = threadIdx.x / 8;", 1, 0, "k3 = threadIdx.x / 16;"),
    "columns_of_other_slice": Mistake("c1 = threadIdx.x % 8;", 1, 0, "c1 = threadIdx.x / 8 % 8;"),
    "lanes_not_added": Mistake("group_sum_f32(s0, 2)", 1, 0, "group_sum_f32(s0, 1)"),
    "lanes_of_two_keys_added": Mistake("group_sum_f32(s0, 2)", 1, 0, "group_sum_f32(s0, 4)"),
    "last_chunk_of_keys_left": Mistake("c0 < 4; ++c0", 1, 0, "c0 < 3; ++c0"),
    "chunks_of_other_lane": Mistake("m0 = lane % 2;", 1, 0, "m0 = lane / 2 % 2;"),
    "keys_of_half_the_warp": Mistake("i = n0 + lane / 2,", 1, 0, "i = n0 + lane / 4,"),
    "sum_of_absent_lanes": Mistake("n0 = warp * 16; n0 < P + 1", 1, 0, "n0 = warp * 16; n0 + lane / 2 < P + 1"),
    "heads_of_cache_too_close": Mistake("+ n * 262144)", 2, 0, "+ n * 131072)"),
    "values_of_other_head": Mistake("+ n * 262144)", 2, 1, "+ (1 - n) * 262144)"),
    "query_of_other_head": Mistake("+ n * 64)", 1, 0, "+ (1 - n) * 64)"),
    "key_appended_a_row_late": Mistake("+ 64 * P]", 2, 0, "+ 64 * P + 64]"),
    "newest_key_left_out": Mistake("k1 < P + 1", 1, 0, "k1 < P"),
    "value_appended_to_keys": Mistake("present_v_cache[(r", 1, 0, "present_k_cache[(r"),
    "maximum_from_zero": Mistake("block_max_f32(p0, -INFINITY", 1, 0, "block_max_f32(p0, 0.0f"),
    "key_not_scaled": Mistake("__float2half_rn(0.35351562f)", 2, 1, "__float2half_rn(1.0f)"),
    "norm_not_rounded": Mistake("__hmul_rn(__float2half_rn(__fdiv_rn(__half2float(h0[e0]), x0)), h1[e0])", 1, 0, "__float2half_rn(__fmul_rn(__fdiv_rn(__half2float(h0[e0]), x0), __half2float(h1[e0])))"),
    "norm_of_other_elements": Mistake("(gain + c0 * 8)", 1, 0, "(gain + (15 - c0) * 8)"),
    "norm_of_half_the_chunks": Mistake("if (c0 < 16)", 3, 1, "if (c0 < 8)"),
    "norm_not_awaited": Mistake("= w0;\n        }\n        __syncthreads();", 1, 0, "= w0;\n        }"),
    "epsilon_outside_root": Mistake("__fsqrt_rn(__fadd_rn(__fdiv_rn(s0, 128.0f), 1e-05f))", 1, 0, "__fadd_rn(__fsqrt_rn(__fdiv_rn(s0, 128.0f)), 1e-05f)"),
    "gate_and_up_swapped": Mistake("gate + r", 1, 0, "up + r"),
    "last_row_left": Mistake("r < 48;", 1, 0, "r < 47;"),
    "residual_of_other_tensor": Mistake("__hadd_rn(work0[r]", 1, 0, "__hadd_rn(x[r]"),
    "workspace_reused_early": Mistake("work1[r] = __hmul_rn(", 1, 0, "work0[r] = __hmul_rn("),
    "weight_not_transposed": Mistake("[i0, i1] -> [i1 * 128 + i0]", 6, 0, "[i0, i1] -> [i0 * 128 + i1]", "kernel.toml"),
    "position_beyond_cache": Mistake("max = 4095", 1, 0, "max = 4096", "kernel.toml"),
    "barrier_arrival_relaxed": Mistake("__NV_ATOMIC_RELEASE", 1, 0, "__NV_ATOMIC_RELAXED"),
    "barrier_poll_relaxed": Mistake("__NV_ATOMIC_ACQUIRE", 1, 0, "__NV_ATOMIC_RELAXED"),
    "barrier_arrival_in_block": Mistake("__NV_THREAD_SCOPE_DEVICE", 2, 0, "__NV_THREAD_SCOPE_BLOCK"),
    "barrier_poll_in_block": Mistake("__NV_THREAD_SCOPE_DEVICE", 2, 1, "__NV_THREAD_SCOPE_BLOCK"),
    "barrier_block_not_awaited": Mistake("__syncthreads();\n    if (threadIdx.x == 0) {\n        __nv", 1, 0, "if (threadIdx.x == 0) {\n        __nv"),
    "barrier_block_goes_on": Mistake("}\n    }\n    __syncthreads();\n}\n\n__global__", 1, 0, "}\n    }\n}\n\n__global__"),
    "barrier_one_arrival_too_few": Mistake("< awaited", 1, 0, "+ 1 < awaited"),
    "barrier_one_arrival_too_many": Mistake("< awaited", 1, 0, "<= awaited"),
    "barrier_one_block_too_few": Mistake("2 * gridDim.x", 1, 0, "2 * (gridDim.x - 1)"),
    "barrier_no_block_arrives": Mistake("arrivals, 1u", 1, 0, "arrivals, 0u"),
    "barrier_arrives_twice": Mistake("arrivals, 1u", 1, 0, "arrivals, 2u"),
    "barrier_every_warp_arrives": Mistake("if (threadIdx.x == 0) {\n        __nv", 1, 0, "if (threadIdx.x % 32 == 0) {\n        __nv"),
    "barrier_departs": Mistake("arrivals, 1u", 1, 0, "arrivals, 0xffffffffu"),
    "barrier_not_awaited": Mistake("while (__nv", 1, 0, "if (__nv"),
    "barrier_counter_cleared_behind": Mistake("}\n    }\n    __syncthreads();\n}\n\n__global__", 1, 0, "}\n        *arrivals = 0u;\n    }\n    __syncthreads();\n}\n\n__global__"),
    "barrier_counter_not_cleared": Mistake(", zeroed = true", 1, 0, "", "kernel.toml"),
    "barrier_counter_of_two_elements": Mistake("(arrivals, 3", 1, 0, "(arrivals + 1, 3"),
}  # fmt: skip

# whose keys are turned, at position 7
TURNED = {
    "newest_key_from_cache": Mistake("(tile0 + c1", 1, 0, "(present_k_cache + (n / 2) * 512 + 448 + c1"),
    "newest_key_left_out": Mistake("n1 = 7 + warp * 16; n1 < 8", 1, 0, "n1 = 7 + warp * 16; n1 < 7"),
    "newest_key_twice": Mistake("n1 = 7 + warp * 16; n1 < 8", 1, 0, "n1 = 6 + warp * 16; n1 < 8"),
    "newest_key_not_awaited": Mistake("__syncthreads();\n        if (n % 2 == 0)", 1, 0, "if (n % 2 == 0)"),
    "newest_key_written_twice": Mistake("n % 2 == 0", 1, 0, "n < 2"),
    "newest_key_not_written": Mistake("n % 2 == 0", 1, 0, "n < 0"),
    "newest_key_of_last_position": Mistake("* 512 + 448] = tile0[i]", 1, 0, "* 512 + 384] = tile0[i]"),
}  # fmt: skip

# in LLaMA-2-7B
FULL_SIZE = {
    "attention_not_awaited": Mistake("5 * l + 3)", 1, 0, "5 * l + 2)"),
    "layer_before_not_awaited": Mistake("5 * l + 6)", 1, 0, "5 * l + 5)"),
    "barrier_left_out": Mistake("grid_barrier(arrivals, (5 * l + 3) * gridDim.x);", 1, 0, ""),
    "all_layers_await_the_first": Mistake("5 * l + 3)", 1, 0, "3)"),
    "layers_of_four_barriers": Mistake("5 * l + 2)", 1, 0, "4 * l + 2)"),
    "newest_key_left_out": Mistake("n1 < s0 + 1", 1, 0, "n1 < s0"),
    "newest_key_of_another_head": Mistake("work4[i + n * 128]", 1, 0, "work4[i]"),
    "newest_value_left_out": Mistake("k3 < s0 + 1", 1, 0, "k3 < s0"),
    "epsilon_of_another_model": Mistake("1e-05f", 3, 1, "1e-06f"),
    "last_rows_left_out": Mistake("r < 11008;", 1, 0, "r < 11007;"),
    "weights_of_the_first_layer": Mistake("(size_t)l * STRIDE_LAYERS_F16", 1, 0, "(size_t)0 * STRIDE_LAYERS_F16"),
    "rows_of_keys_begin_late": Mistake("r - 4096", 1, 0, "r - 4095"),
    "row_of_values_among_keys": Mistake("r < 8192)", 1, 0, "r < 8193)"),
    "weights_of_another_projection": Mistake("layers_f16_l + AT_VAL_127", 1, 0, "layers_f16_l + AT_VAL_32"),
    "residual_of_the_layer_before": Mistake("__hadd_rn(work3[r]", 1, 0, "__hadd_rn(work0[r]"),
    "rows_of_half_a_head_turned": Mistake("63 >= i)", 2, 1, "31 >= i)"),
}  # fmt: skip
