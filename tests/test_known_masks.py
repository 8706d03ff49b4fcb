"""Masks half of which are known by position: truths joined with data, and elements at index tuples that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.checking import BOOL, F32, I64, checked, graph
from tv import check as checking
from tv.examine import numbered
from tv.verdict import Verdict

N = 64
KERNEL = """
__global__ void k(const bool* m, bool* y) {
  int i = threadIdx.x;
  y[i] = CONDITION;
}
"""


def masked(op: str) -> onnx.ModelProto:
    """y = (its place is below 40) op m."""
    places = (I64, [N], list(range(N)))
    nodes = [("Less", "places limit", "low"), (op, "low m", "y")]
    return graph(nodes, {"m": (BOOL, [N])}, {"y": (BOOL, [N])}, places=places, limit=(I64, [], [40]))


MOVED = """
__global__ void k(const float* x, float* y) {
  int i = threadIdx.x / 8, j = threadIdx.x % 8;
  y[i * 8 + j] = x[FROM];
}
"""


def picked(at: list[list[int]]) -> onnx.ModelProto:
    """y[i, j] = x[at of i, j]: tuples put together from a stored part and positions."""
    tuples = np.array([[at[i][j] for j in range(2)] for i in range(N)])
    nodes = [helper.make_node("GatherND", ["x", "tuples"], ["y"])]
    return graph(nodes, {"x": (F32, [8, 8])}, {"y": (F32, [N])}, tuples=(I64, [N, 2], tuples.reshape(-1)))


def computed(swapped: bool) -> onnx.ModelProto:
    """y[i, j] = x[i, j], or x[j, i]: tuples of positions, as exporters write a mask's reading."""
    order = "across down" if swapped else "down across"
    join = helper.make_node("Concat", order.split(), ["tuples"], axis=-1)
    nodes = [join, ("GatherND", "x tuples", "y")]
    rows = np.repeat(np.arange(8), 8).reshape(8, 8, 1)
    down, across = (I64, [8, 8, 1], rows.reshape(-1)), (I64, [8, 8, 1], rows.transpose(1, 0, 2).reshape(-1))
    return graph(nodes, {"x": (F32, [8, 8])}, {"y": (F32, [8, 8])}, down=down, across=across)


def verdict(folder: Path, patch: pytest.MonkeyPatch, kernel: str, model: onnx.ModelProto) -> Verdict:
    """Without a search for a counterexample: only what is proved counts here."""
    patch.setattr(
        checking, "shown", lambda request, spec, kernel, launch, f, start, progress: (numbered(f.obligations), None)
    )
    return checked(folder, kernel, model).verdict


@pytest.mark.parametrize(("op", "condition"), [
    ("And", "i < 40 && m[i]"),
    ("And", "i >= 40 ? false : m[i]"),
    ("Or", "i < 40 || m[i]"),
    ("Xor", "i < 40 ? !m[i] : m[i]"),
])  # fmt: skip
def test_a_mask_half_known(op: str, condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(tmp_path, monkeypatch, KERNEL.replace("CONDITION", condition), masked(op)) is Verdict.PROVED


@pytest.mark.parametrize(("op", "condition"), [
    ("And", "m[i]"),
    ("And", "i < 40"),
    ("And", "i < 41 && m[i]"),
    ("And", "i < 39 && m[i]"),
    ("And", "i < 40 || m[i]"),
    ("Or", "i < 40 && m[i]"),
    ("Or", "m[i]"),
    ("Or", "i < 39 || m[i]"),
    ("Xor", "i < 40 || m[i]"),
    ("Xor", "i < 40 ? m[i] : !m[i]"),
    ("Xor", "m[i]"),
])  # fmt: skip
def test_another_mask(op: str, condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(tmp_path, monkeypatch, KERNEL.replace("CONDITION", condition), masked(op)) is not Verdict.PROVED


@pytest.mark.parametrize(("index", "swapped", "good"), [
    ("i * 8 + j", False, True), ("j * 8 + i", True, True), ("i * 8 + j", True, False), ("j * 8 + i", False, False),
    ("i * 8 + (j + 1) % 8", False, False), ("i * 8", False, False),
])  # fmt: skip
def test_elements_at_known_tuples(
    index: str, swapped: bool, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = verdict(tmp_path, monkeypatch, MOVED.replace("FROM", index), computed(swapped))
    assert (found is Verdict.PROVED) is good


def test_tuples_outside_are_bad_input(tmp_path: Path) -> None:
    """In every coordinate, from either end."""
    for at in ([[0, 0]] * 63 + [[0, 8]], [[8, 0]] + [[0, 0]] * 63, [[0, -9]] * 64, [[-9, 7]] * 64):
        out = checked(tmp_path, MOVED.replace("FROM", "0"), picked(at))
        assert out.verdict is Verdict.BAD_INPUT, at


def test_negative_tuples_count_from_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = picked([[-1, -8]] * 64)
    assert verdict(tmp_path, monkeypatch, MOVED.replace("FROM", "56"), model) is Verdict.PROVED
    assert verdict(tmp_path, monkeypatch, MOVED.replace("FROM", "7"), model) is not Verdict.PROVED
