"""The runner's buffers hold what the specification says, as `tv` reads it: the proof is about that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from megac.frontend import compile_file
from megac.host.sessions import opened
from megac.output import Target, files, write

from tests.megac.building import MODELS, ROOT, Array, weights_of
from tv.execution import opened as opened_by_tv
from tv.refute.layouts import Place
from tv.request import CheckRequest

sys.path[:0] = [str(ROOT / "benchmarks")]

from emulated_device import Interpreter

TINY = sorted(p.stem for p in MODELS.glob("*tiny*.onnx"))
ROOM, PAST = 24, 5


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    model = MODELS / f"{name}.onnx"
    write(tmp_path, files(compile_file(model, ROOM - 1), Target(blocks=2, max_position=ROOM), str(model)))
    return tmp_path


def places(folder: Path, model: Path) -> Iterator[tuple[str, Place]]:
    """Every tensor in a buffer, at a past of 5 rows where its length is open."""
    request = CheckRequest(kernel=str(folder / "kernel.cu"), model=str(model), spec=str(folder / "kernel.toml"))
    _, _, refuter = opened_by_tv(request)
    setting = refuter.setting(dict.fromkeys(refuter.binder.ranges, PAST))
    for buffer, held in setting.places.items():
        yield from ((buffer, p) for p in held)


def cells(p: Place, shape: tuple[int, ...]) -> Any:
    count = int(np.prod(shape))
    assert (p.count, p.shape) == (count, shape)
    return p.of_linear(np.arange(count)).reshape(shape)


@pytest.mark.parametrize("name", TINY)
def test_weights_and_caches_lie_where_the_specification_says(name: str, folder: Path) -> None:
    model = MODELS / f"{name}.onnx"
    stored: dict[str, Array] = weights_of(onnx.load(model))
    d = opened(folder, Interpreter(), model, "file", 0)
    rng, seen = np.random.default_rng(1), set()
    for x in d.plan.of_kind("cache"):
        d.device.write(d.memory[x.name], 0, rng.integers(0, 60, x.bytes, dtype=np.uint8))
    position = PAST if d.plan.dimensions else d.positions[-1]
    for buffer, p in places(folder, model):
        memory = d.memory[buffer]
        if p.tensor in stored:
            want = stored[p.tensor]
            got = memory.array(want.dtype)[cells(p, want.shape)]
            assert got.tobytes() == want.tobytes(), p.tensor
            seen.add(p.tensor)
        elif p.output and "logits" not in p.tensor:
            got = d.output(p.tensor, position)
            assert got.tobytes() == memory.array(got.dtype)[cells(p, got.shape)].tobytes(), p.tensor
            seen.add(p.tensor)
    assert seen >= {t for x in d.plan.of_kind("weights") for q in x.parts for t in q.tensors}
    assert seen >= {t for x in d.plan.of_kind("cache") for q in x.parts for t in q.after}
