"""`tv` proves what the compiler writes, and none of it with a mistake a compiler makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import onnx
import pytest

from tests.megac.building import MODELS
from tests.megac.small_decoder import decoder, megac, tv

VALUES = "        {\n            const int c1"
SLICES = "        for (int i = threadIdx.x; i < 64; i += THREADS) {\n            float s4"
# what is wrong: the file, the text there, how often it stands there, which of them is replaced, by what
MISTAKES = {
    "no_barrier_behind_projections": ("kernel.cu", "grid.sync();", 4, 0, ""),
    "no_barrier_behind_attention": ("kernel.cu", "grid.sync();", 4, 1, ""),
    "no_barrier_behind_residual": ("kernel.cu", "grid.sync();", 4, 2, ""),
    "weights_of_positions_not_awaited": ("kernel.cu", f"        __syncthreads();\n{VALUES}", 1, 0, VALUES),
    "slices_not_awaited": ("kernel.cu", f"        __syncthreads();\n{SLICES}", 1, 0, SLICES),
    "last_slice_left_out": ("kernel.cu", "n1 < THREADS / 8;", 1, 0, "n1 < THREADS / 8 - 1;"),
    "slices_overlap": ("kernel.cu", "k3 = threadIdx.x / 8;", 1, 0, "k3 = threadIdx.x / 16;"),
    "columns_of_other_slice": ("kernel.cu", "c1 = threadIdx.x % 8;", 1, 0, "c1 = threadIdx.x / 8 % 8;"),
    "lanes_not_added": ("kernel.cu", "group_sum_f32(s0, 2)", 1, 0, "group_sum_f32(s0, 1)"),
    "lanes_of_two_keys_added": ("kernel.cu", "group_sum_f32(s0, 2)", 1, 0, "group_sum_f32(s0, 4)"),
    "chunks_of_other_lane_too": ("kernel.cu", "c0 < 8; c0 += 2", 1, 0, "c0 < 8; c0 += 1"),
    "keys_of_half_the_warp": ("kernel.cu", "i = n0 + lane / 2;", 1, 0, "i = n0 + lane / 4;"),
    "sum_of_absent_lanes": ("kernel.cu", "n0 = warp * 16; n0 < P + 1", 1, 0, "n0 = warp * 16; n0 + lane / 2 < P + 1"),
    "heads_of_cache_too_close": ("kernel.cu", "+ n * 262144)", 2, 0, "+ n * 131072)"),
    "values_of_other_head": ("kernel.cu", "+ n * 262144)", 2, 1, "+ (1 - n) * 262144)"),
    "query_of_other_head": ("kernel.cu", "+ n * 64)", 1, 0, "+ (1 - n) * 64)"),
    "key_appended_a_row_late": ("kernel.cu", "+ 64 * P]", 2, 0, "+ 64 * P + 64]"),
    "newest_key_left_out": ("kernel.cu", "k1 < P + 1", 1, 0, "k1 < P"),
    "value_appended_to_keys": ("kernel.cu", "present_v_cache[(r", 1, 0, "present_k_cache[(r"),
    "maximum_from_zero": ("kernel.cu", "block_max_f32(p0, -INFINITY", 1, 0, "block_max_f32(p0, 0.0f"),
    "key_not_scaled": ("kernel.cu", "__float2half_rn(0.35351562f)", 2, 1, "__float2half_rn(1.0f)"),
    "norm_not_rounded": (
        "kernel.cu", "__hmul_rn(__float2half_rn(__fdiv_rn(__half2float(x[i]), x0)), gain[i])", 1, 0,
        "__float2half_rn(__fmul_rn(__fdiv_rn(__half2float(x[i]), x0), __half2float(gain[i])))",
    ),
    "epsilon_outside_root": (
        "kernel.cu", "__fsqrt_rn(__fadd_rn(__fdiv_rn(s0, 128.0f), 1e-05f))", 1, 0,
        "__fadd_rn(__fsqrt_rn(__fdiv_rn(s0, 128.0f)), 1e-05f)",
    ),
    "gate_and_up_swapped": ("kernel.cu", "gate, 128, 48, blockIdx", 1, 0, "up, 128, 48, blockIdx"),
    "last_row_left": ("kernel.cu", "r < 48;", 1, 0, "r < 47;"),
    "residual_of_other_tensor": ("kernel.cu", "__hadd_rn(work0[r]", 1, 0, "__hadd_rn(x[r]"),
    "workspace_reused_early": ("kernel.cu", "work1[r] = __hmul_rn(", 1, 0, "work0[r] = __hmul_rn("),
    "weight_not_transposed": ("kernel.toml", "[i0, i1] -> [i1 * 128 + i0]", 6, 0, "[i0, i1] -> [i0 * 128 + i1]"),
    "position_beyond_cache": ("kernel.toml", "max = 4095", 1, 0, "max = 4096"),
}  # fmt: skip
QUICK = ("no_barrier_behind_residual", "weights_of_positions_not_awaited", "lanes_not_added", "position_beyond_cache")


@cache
def compiled() -> Path:
    """A folder with the small decoder and its kernel."""
    folder = Path(mkdtemp(prefix="megac"))
    onnx.save(decoder(), folder / "model.onnx")
    out = megac(folder / "model.onnx", "-o", folder / "kernel")
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")
    return folder


def mistaken(name: str, to: Path) -> Path:
    """The kernel with one mistake."""
    file, old, many, which, new = MISTAKES[name]
    for x in ("kernel.cu", "kernel.toml"):
        text = (compiled() / "kernel" / x).read_text()
        if x == file:
            parts = text.split(old)
            assert len(parts) == many + 1, f"`{old}` stands {len(parts) - 1} times in {x}"
            text = old.join(parts[: which + 1]) + new + old.join(parts[which + 1 :])
        (to / x).write_text(text)
    return to / "kernel.cu"


def test_a_small_decoder_is_proved() -> None:
    out = tv(compiled() / "kernel" / "kernel.cu", compiled() / "model.onnx")
    assert (out.returncode, out.stdout.split(":")[0]) == (0, "proved reassoc")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in MISTAKES])
def test_a_mistake_is_not_proved(name: str, tmp_path: Path) -> None:
    out = tv(mistaken(name, tmp_path), compiled() / "model.onnx")
    assert out.returncode in (1, 2, 3), out.stdout + out.stderr


# of weights on their way, with an MLP of 11008: the text, how often it stands there, which of them is replaced, by what
AHEAD = {
    "right": ("THREADS 512", 1, 0, "THREADS 512"),
    "group_not_awaited": ("__pipeline_wait_prior(7);", 5, 1, "__pipeline_wait_prior(8);"),
    "group_of_first_pass_not_awaited": ("__pipeline_wait_prior(7);", 5, 0, "__pipeline_wait_prior(8);"),
    "chunks_of_row_after_next": ("gate, 128, 11008, r + gridDim.x", 1, 0, "gate, 128, 11008, r + 2 * gridDim.x"),
    "chunks_of_row_itself": ("up, 128, 11008, r + gridDim.x * WARPS", 1, 0, "up, 128, 11008, r"),
    "chunks_of_pass_itself": ("r, (q0 + 1) * 16", 1, 0, "r, q0 * 16"),
    "chunks_of_other_matrix": ("gate, 128, 11008, blockIdx", 1, 0, "up, 128, 11008, blockIdx"),
    "chunks_of_other_warp": (
        "down, 11008, 128, blockIdx.x * WARPS + warp",
        1,
        0,
        "down, 11008, 128, blockIdx.x * WARPS",
    ),
    "slot_of_other_thread": ("threadIdx.x) * 8, work1 + c1", 1, 0, "(threadIdx.x ^ 1)) * 8, work1 + c1"),
    "slots_of_gate_for_up": ("ring + (1 * THREADS + threadIdx.x) * 8, up", 2, 1, "ring + threadIdx.x * 8, up"),
    "last_chunks_left": ("32 + t2, lane", 1, 0, "31 + t2, lane"),
    "last_row_left": ("down, 11008, 128, r + gridDim.x", 2, 0, "down, 11008, 64, r + gridDim.x"),
    "vector_read_before_barrier": ("grid.sync();", 4, 3, ""),
}

# of keys that are turned, at position 7
TURNED = {
    "right": ("THREADS 512", 1, 0, "THREADS 512"),
    "newest_key_from_cache": ("(tile0 + c1", 1, 0, "(present_k_cache + (n / 2) * 512 + 448 + c1"),
    "newest_key_left_out": ("n1 = 7 + warp * 16; n1 < 8", 1, 0, "n1 = 7 + warp * 16; n1 < 7"),
    "newest_key_twice": ("n1 = 7 + warp * 16; n1 < 8", 1, 0, "n1 = 6 + warp * 16; n1 < 8"),
    "newest_key_not_awaited": ("__syncthreads();\n        if (n % 2 == 0)", 1, 0, "if (n % 2 == 0)"),
    "newest_key_written_twice": ("n % 2 == 0", 1, 0, "n < 2"),
    "newest_key_not_written": ("n % 2 == 0", 1, 0, "n < 0"),
    "newest_key_of_last_position": ("* 512 + 448] = tile0[i]", 1, 0, "* 512 + 384] = tile0[i]"),
}


@cache
def made(kind: str) -> Path:
    """A folder with a decoder and its kernel."""
    folder = Path(mkdtemp(prefix="megac"))
    onnx.save(decoder(7, turned=True) if kind == "turned" else decoder(hidden=11008), folder / "model.onnx")
    assert megac(folder / "model.onnx", "-o", folder / "kernel").returncode == 0
    return folder


def changed(kind: str, change: tuple[str, int, int, str], to: Path) -> Path:
    """The kernel with another text in one place."""
    old, many, which, new = change
    parts = (made(kind) / "kernel" / "kernel.cu").read_text().split(old)
    assert len(parts) == many + 1, f"`{old}` stands {len(parts) - 1} times"
    (to / "kernel.cu").write_text(old.join(parts[: which + 1]) + new + old.join(parts[which + 1 :]))
    (to / "kernel.toml").write_text((made(kind) / "kernel" / "kernel.toml").read_text())
    return to / "kernel.cu"


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "right" else pytest.mark.slow) for n in TURNED])
def test_the_newest_key_of_each_block(name: str, tmp_path: Path) -> None:
    out = tv(changed("turned", TURNED[name], tmp_path), made("turned") / "model.onnx")
    assert (out.returncode == 0) == (name == "right"), out.stdout + out.stderr


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "right" else pytest.mark.slow) for n in AHEAD])
def test_weights_on_their_way(name: str, tmp_path: Path) -> None:
    out = tv(changed("wide", AHEAD[name], tmp_path), made("wide") / "model.onnx")
    assert (out.returncode == 0) == (name == "right"), out.stdout + out.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "llama_tiny_fp16_op18_dynP", "llama_tiny_fp16_op23_dynP", "llama_tiny_bf16_op18_P15",
        "llama_tiny_staticcache16_fp16_op18", "gpt2_tiny_fp16_op18_dynP", "handmade_llama_tiny_fp16_op24_dynP",
        "llama_tiny_fp16_op18_dynP_attnmask",
    ],
)  # fmt: skip
def test_exported_models_are_proved(name: str, tmp_path: Path) -> None:
    model = MODELS / f"{name}.onnx"
    assert megac(model, "-o", tmp_path / "out").returncode == 0
    out = tv(tmp_path / "out" / "kernel.cu", model)
    assert (out.returncode, out.stdout.split(":")[0]) == (0, "proved reassoc")
