"""Decoders of true depth and width: their proofs cost little more than a small one's, and a mistake in one layer is no proof."""

from __future__ import annotations

import resource
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.megac.building import MODELS
from tests.megac.mistakes import FULL_SIZE
from tests.megac.small_decoder import megac, tv

pytestmark = pytest.mark.slow
NAMES = ("llama2-7b_fp16_op18_dynP", "handmade_llama2-7b_fp16_op24_dynP")
SECONDS, MEGABYTES = 60, 2000  # of one processor


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


@pytest.mark.parametrize("what", FULL_SIZE)
def test_a_mistake_at_full_size_is_not_proved(what: str, tmp_path: Path) -> None:
    kernel = FULL_SIZE[what].put(compiled(NAMES[0]), tmp_path)
    out = tv(kernel, MODELS / f"{NAMES[0]}.onnx")
    assert out.returncode in (1, 3), out.stdout + out.stderr
