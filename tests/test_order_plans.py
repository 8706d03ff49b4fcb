"""Sums laid out once for many inputs, in blocks or whole, at several open sizes: always the same bits."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from order_running import Pair, prove
from redraw import small

from tests.checking import F32, graph
from tv.order import evaluate, plan
from tv.reference import Reference

CASES = ("gemv_f16/warp_rows", "scan_exclusive/steps_in_place", "split_k/last_block", "matmul_open/tiles")


def inputs(pair: Pair, symbols: dict[str, int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out: dict[str, np.ndarray] = {n: np.array(v) for n, v in symbols.items()}
    for name, info in pair.binder.graph.inputs.items():
        shape = [int(e.const + sum(c * symbols[a.name] for a, c in e.terms)) for e in info.shape]
        out[name] = rng.standard_normal(shape).astype({"f16": np.float16, "f32": np.float32}[info.type])
    return out


@pytest.mark.parametrize("case", CASES)
def test_a_reference_gives_every_input_the_bits_that_a_fresh_one_does(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = prove(small(ROOT / "corpus" / case, tmp_path / "case"))
    once, sizes = Reference(pair.model, pair.data), pair.middle()
    given = [inputs(pair, symbols, seed) for seed in range(2) for symbols in (*sizes, *reversed(sizes))]
    found = [once.outputs(g) for g in given]
    for change in ({}, {"MOST_KEPT": 0, "CHUNK": 7}, {"CHUNK": 1}):
        for name, value in change.items():
            monkeypatch.setattr(plan, name, value)
        monkeypatch.setattr(evaluate, "MOST_BYTES", 0 if change else 1 << 28)
        for g, want in zip(given, found, strict=True):
            fresh = Reference(pair.model, pair.data).outputs(g)
            assert fresh.keys() == want.keys()
            assert all(fresh[n].tobytes() == want[n].tobytes() for n in want)


def test_weights_given_with_some_inputs_are_the_models_again_with_others(tmp_path: Path) -> None:
    from onnx import save

    own = np.arange(4, dtype=np.float32)
    path = str(tmp_path / "m.onnx")
    save(graph([("Add", "x w", "y")], {"x": (F32, [4])}, {"y": (F32, [4])}, w=(F32, [4], own.tolist())), path)
    reading = {"strict_nan": False, "body_precision": "f32", "values": [], "fixed": []}
    data = {"orders": [], "symbols": [], "inputs": [], "part": {"inputs": [], "outputs": []}, "reading": reading}
    once, zeros = Reference(path, data), np.zeros(4, np.float32)
    assert once.outputs({"x": zeros})["y"].tolist() == own.tolist()
    assert once.outputs({"x": zeros, "w": own + 7})["y"].tolist() == (own + 7).tolist()
    assert once.outputs({"x": zeros + 1})["y"].tolist() == (own + 1).tolist()
