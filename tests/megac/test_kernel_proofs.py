"""`tv` proves what the compiler writes, and none of it with a mistake a compiler makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import onnx
import pytest

from tests.megac.building import MODELS
from tests.megac.mistakes import SMALL, TURNED
from tests.megac.small_decoder import decoder, megac, tv

QUICK = (
    "residual_not_awaited",
    "weights_of_positions_not_awaited",
    "lanes_not_added",
    "position_beyond_cache",
    "barrier_arrival_relaxed",
)


@cache
def compiled() -> Path:
    """A folder with the small decoder and its kernel."""
    folder = Path(mkdtemp(prefix="megac"))
    onnx.save(decoder(), folder / "model.onnx")
    out = megac(folder / "model.onnx", "-o", folder / "kernel")
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")
    return folder


def test_a_small_decoder_is_proved() -> None:
    out = tv(compiled() / "kernel" / "kernel.cu", compiled() / "model.onnx")
    assert (out.returncode, out.stdout.split(":")[0]) == (0, "proved reassoc")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in SMALL])
def test_a_mistake_is_not_proved(name: str, tmp_path: Path) -> None:
    out = tv(SMALL[name].put(compiled() / "kernel", tmp_path), compiled() / "model.onnx")
    assert out.returncode in (1, 2, 3), out.stdout + out.stderr


@cache
def turned() -> Path:
    """A folder with a decoder whose keys are turned, and its kernel."""
    folder = Path(mkdtemp(prefix="megac"))
    onnx.save(decoder(7, turned=True), folder / "model.onnx")
    assert megac(folder / "model.onnx", "-o", folder / "kernel").returncode == 0
    return folder


def test_a_decoder_with_turned_keys_is_proved() -> None:
    out = tv(turned() / "kernel" / "kernel.cu", turned() / "model.onnx")
    assert (out.returncode, out.stdout.split(":")[0]) == (0, "proved reassoc")


@pytest.mark.slow
@pytest.mark.parametrize("name", TURNED)
def test_a_mistake_with_turned_keys_is_not_proved(name: str, tmp_path: Path) -> None:
    out = tv(TURNED[name].put(turned() / "kernel", tmp_path), turned() / "model.onnx")
    assert out.returncode in (1, 2, 3), out.stdout + out.stderr


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
