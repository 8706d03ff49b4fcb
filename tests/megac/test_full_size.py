"""Decoders of true depth and width: their proofs cost little more than a small one's, and a mistake in one layer is no proof."""

from __future__ import annotations

import resource
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.megac.building import MODELS
from tests.megac.small_decoder import megac, tv

pytestmark = pytest.mark.slow
NAMES = ("llama2-7b_fp16_op18_dynP", "handmade_llama2-7b_fp16_op24_dynP")
SECONDS, MEGABYTES = 60, 2000  # of one processor
# what is wrong: the text, how often it stands there, which of them is replaced, by what
MISTAKES = {
    "no_barrier_behind_attention": ("grid.sync();", 7, 3, ""),
    "no_barrier_between_layers": ("grid.sync();", 7, 6, ""),
    "newest_value_left_out": ("k3 < s0 + 1", 1, 0, "k3 < s0"),
    "epsilon_of_another_model": ("1e-05f", 3, 1, "1e-06f"),
    "last_rows_left_out": ("r < 11008;", 1, 0, "r < 11007;"),
    "weights_of_the_first_layer": ("(size_t)l * STRIDE_LAYERS_F16", 1, 0, "(size_t)0 * STRIDE_LAYERS_F16"),
    "next_rows_of_another_weight": ("layers_f16_l + AT_VAL_127", 2, 1, "layers_f16_l + AT_VAL_32"),
    "next_layer_s_weights_of_this_one": ("STRIDE_LAYERS_F16 + AT_VAL_25", 1, 0, "AT_VAL_25"),
    "copies_not_awaited": ("__pipeline_wait_prior(7)", 12, 5, "__pipeline_wait_prior(8)"),
    "residual_of_the_layer_before": ("__hadd_rn(work4[r]", 1, 0, "__hadd_rn(work0[r]"),
    "rows_of_half_a_head_turned": ("63 >= (i % 128)", 2, 1, "63 >= (i % 256)"),
}  # fmt: skip


@cache
def compiled(name: str) -> Path:
    to = Path(mkdtemp()) / "kernel"
    assert megac(MODELS / f"{name}.onnx", "-o", to).returncode == 0
    return to


@pytest.mark.parametrize("name", NAMES)
def test_a_full_size_decoder_is_proved_in_seconds(name: str) -> None:
    kernel = compiled(name) / "kernel.cu"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = tv(kernel, MODELS / f"{name}.onnx")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (out.returncode, out.stdout.split(":")[0]) == (0, "proved reassoc")
    assert after.ru_utime - before.ru_utime < SECONDS
    assert after.ru_maxrss / 1024 < MEGABYTES


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_at_full_size_is_not_proved(what: str, tmp_path: Path) -> None:
    old, many, which, new = MISTAKES[what]
    source = compiled(NAMES[0])
    parts = (source / "kernel.cu").read_text().split(old)
    assert len(parts) == many + 1, f"`{old}` stands {len(parts) - 1} times"
    (tmp_path / "kernel.cu").write_text(old.join(parts[: which + 1]) + new + old.join(parts[which + 1 :]))
    (tmp_path / "kernel.toml").write_text((source / "kernel.toml").read_text())
    out = tv(tmp_path / "kernel.cu", MODELS / f"{NAMES[0]}.onnx")
    assert out.returncode in (1, 3), out.stdout + out.stderr
