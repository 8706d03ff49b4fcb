"""The scripts that measure kernels on a GPU, as far as they run without one."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from megac.frontend import compile_file
from megac.output import Target, files, write
from megac.plan import read_plan

from tests.megac.building import MODELS, ROOT

sys.path[:0] = [str(ROOT / "benchmarks")]

import megakernel as speed
import megakernel_bits as bits
from emulated_device import Interpreter
from megakernel_steps import Comparing, Reference
from torch_baseline import SHAPES

TINY = "llama_tiny_fp16_op18_dynP"


def given(tmp_path: Path, **changed: object) -> argparse.Namespace:
    usual = {
        "arch": "sm_90", "blocks": 2, "max_position": 16, "driver": "interpreter", "parts": ("bench",), "contexts": [1, 4],
        "repeats": 2, "row": 1, "part_seconds": 60, "work": tmp_path,
    }  # fmt: skip
    return argparse.Namespace(**{**usual, **changed})


def session(tmp_path: Path, seconds: float = 100, **changed: object) -> speed.Session:
    return speed.Session(given(tmp_path, **changed), time.monotonic() + seconds)


def test_a_row_is_tied_to_its_kernel_and_kept_as_it_grows(tmp_path: Path) -> None:
    model = MODELS / f"{TINY}.onnx"
    row = speed.made(model, tmp_path / TINY, given(tmp_path))
    seen: list[speed.Row] = []
    out = speed.answered(session(tmp_path), model, row, seen.append)
    assert out["kernel_sha256"] == out["bench"]["kernel_sha256"]
    assert [c["context"] for c in out["bench"]["contexts"]] == [1, 4]
    assert seen == [out]
    assert "context 4" in speed.told(out)
    json.dumps(out)


def test_what_is_too_late_or_fails_says_so_and_replaces_nothing(tmp_path: Path) -> None:
    model = MODELS / f"{TINY}.onnx"
    row = speed.made(model, tmp_path / TINY, given(tmp_path))
    late = speed.answered(session(tmp_path, 0), model, row, lambda _: None)
    assert late["bench"] == {"stopped": "not begun"}
    had = {**row, "bench": {"contexts": []}}
    assert speed.answered(session(tmp_path, 0), model, had, lambda _: None)["bench"] == {"contexts": []}
    here = session(tmp_path)
    with pytest.raises(speed.Stopped, match=r"error: `.*plan.json` cannot be read"):
        here.process(["-m", "megac", "plan", tmp_path], tmp_path / "a.json")
    with pytest.raises(speed.Stopped, match="after 1 s"):
        session(tmp_path, part_seconds=1).process(["-c", "import time; time.sleep(9)"], tmp_path / "a.json")


def test_another_kernel_keeps_only_what_pytorch_did() -> None:
    old = {"model": "m", "kernel_sha256": "a", "prove": {"verdict": "proved"}, "baseline": {"contexts": []}}
    assert "prove" in speed.merged(old, {"model": "m", "kernel_sha256": "a"})
    assert speed.merged(old, {"model": "m", "kernel_sha256": "b"}) == {
        "model": "m", "kernel_sha256": "b", "baseline": {"contexts": []},
    }  # fmt: skip
    times = {"contexts": [{"context": 1, "median_ms": 2.0}]}
    assert speed.with_ratios({"bench": times, "baseline": {"contexts": [{"context": 1, "median_ms": 3.0}]}})[
        "speedup"
    ] == {"1": 1.5}


@pytest.mark.parametrize(("model", "name"), [(TINY, "tiny"), ("llama2-7b_fp16_op18_dynP", "7b")])
def test_pytorch_reads_as_many_weights_as_the_kernel(model: str, name: str, tmp_path: Path) -> None:
    write(tmp_path / "k", files(compile_file(MODELS / f"{model}.onnx", 4095), Target()))
    read = read_plan(tmp_path / "k").read
    frequencies = 4 * SHAPES[name].size // 2  # of rotary positions, in f32
    assert read == 2 * SHAPES[name].read + frequencies


@pytest.mark.slow
def test_bits_are_the_references_and_one_wrong_bit_is_seen(tmp_path: Path) -> None:
    model, folder, out = MODELS / f"{TINY}.onnx", tmp_path / TINY, tmp_path / "out.json"
    asked = given(
        tmp_path, prepare=False, seeds=1, positions=2, launches=1, jobs=1, out=out, models=[TINY], folder=MODELS,
        seconds=float("inf"),
    )  # fmt: skip
    assert bits.answered(asked) == 0
    (row,) = json.loads(out.read_text())["models"]
    assert row["seeds"] == [{"seed": 0, "equal": 2, "of": 2, "compared": 2}]
    assert bits.answered(argparse.Namespace(**{**vars(asked), "seconds": 0.0})) == 1  # nothing is reached
    assert json.loads(out.read_text())["models"] == [{"model": TINY, "stopped": "not begun"}]
    data = json.loads((folder / "certificate.json").read_text())
    decoder = bits.opened(folder, Interpreter(), model, "file", 0)
    (step,) = bits.recorded(decoder, onnx.load(model), 5, 1)
    reference = Reference(str(model), data, None)
    assert reference.answer(step) == "equal"
    for name in ("logits", "present.1.key"):
        wrong = step.outputs[name].copy()
        wrong.reshape(-1).view(np.uint16)[3] ^= 1
        assert f"`{name}` differs in 1 of" in reference.answer(replace(step, outputs={**step.outputs, name: wrong}))


def test_steps_of_models_are_compared_by_turns_and_late_ones_are_left_out(tmp_path: Path) -> None:
    every = [bits.Asked(tmp_path, tmp_path, {}, [bits.Step(0, k, {}, {}) for k in range(n)]) for n in (3, 1)]
    turns = [(every.index(a), s.position) for a, s in bits.by_turns(every)]
    assert [k for k, _ in turns] == [0, 1, 0, 0]
    assert sorted(turns) == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert Comparing("cpu", {}).answer(tmp_path, tmp_path, every[0].steps[0], time.time() - 1) is None
