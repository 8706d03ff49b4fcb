"""Integers of which nothing is stated are tried wherever the graph has a meaning, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.checking import F32, I32, I64, checked, graph
from tv.refute.integers import between, of_integers
from tv.refute.slots import Slot
from tv.verdict import Verdict

ROWS = graph([("Gather", "x ids", "y")], {"x": (F32, [40]), "ids": (I32, [64])}, {"y": (F32, [64])})
BOTH = graph(
    [("Gather", "x ids", "y"), ("Gather", "w ids", "z")],
    {"x": (F32, [40]), "w": (F32, [8]), "ids": (I32, [64])},
    {"y": (F32, [64]), "z": (F32, [64])},
)
ONE_BY_ONE = graph(
    [onnx.helper.make_node("GatherElements", ["x", "ids"], ["y"], axis=1)],
    {"x": (F32, [64, 24]), "ids": (I64, [64, 1])},
    {"y": (F32, [64, 1])},
)
TUPLES = graph([("GatherND", "x ids", "y")], {"x": (F32, [16, 24]), "ids": (I64, [64, 2])}, {"y": (F32, [64])})
HOT = graph(
    [onnx.helper.make_node("OneHot", ["ids", "depth", "values"], ["y"])],
    {"ids": (I32, [64])}, {"y": (F32, [64, 4])}, depth=(I64, [], [4]), values=(F32, [2], [0.0, 1.0]),
)  # fmt: skip
PUT = graph(
    [("ScatterND", "x ids u", "y")],
    {"x": (F32, [64]), "ids": (I64, [1, 1]), "u": (F32, [1])},
    {"y": (F32, [64])},
)
PUT_BY_AXIS = graph(
    [onnx.helper.make_node("ScatterElements", ["x", "ids", "u"], ["y"], axis=0)],
    {"x": (F32, [64]), "ids": (I64, [1]), "u": (F32, [1])},
    {"y": (F32, [64])},
)
NEXT = graph([("Add", "x one", "y")], {"x": (I32, [64])}, {"y": (I32, [64])}, one=(I32, [], [1]))


def kernel(parameters: str, body: str) -> str:
    return f"__global__ void k({parameters}) {{ int t = threadIdx.x; {body} }}\n"


GATHER = "const float* x, const int* ids, float* y"
TWO = "const float* x, const float* w, const int* ids, float* y, float* z"
WIDE = "const float* x, const long long* ids, float* y"
ONTO = "const float* x, const long long* ids, const float* u, float* y"
FLAGS = "const int* ids, float* y"
AT = "long long at = ids[0]; at = at < 0 ? at + 64 : at; "


@pytest.mark.parametrize(
    ("model", "parameters", "right", "wrong"),
    [
        # indices that count from the end
        (ROWS, GATHER, "int i = ids[t]; y[t] = x[i < 0 ? i + 40 : i];", "int i = ids[t]; y[t] = x[i];"),
        (ROWS, GATHER, "int i = ids[t]; y[t] = x[(i + 40) % 40];", "int i = ids[t]; y[t] = x[i < 0 ? i + 39 : i];"),
        # the last one, and those in the middle
        (ROWS, GATHER, "y[t] = x[(ids[t] + 40) % 40];", "int i = ids[t]; y[t] = x[i < 0 ? i + 40 : min(i, 38)];"),
        (ROWS, GATHER, "y[t] = x[(ids[t] + 40) % 40];", "int i = ids[t]; y[t] = x[i < 0 ? i + 40 : i & 47];"),
        (ROWS, GATHER, "y[t] = x[(ids[t] + 40) % 40];", "int i = ids[t]; y[t] = x[i < 0 ? i + 40 : i & 31];"),
        # two operators, whose common indices are -8 .. 7: beyond them anything may happen
        (
            BOTH,
            TWO,
            "int i = ids[t]; y[t] = x[i < 0 ? i + 40 : i & 7]; z[t] = w[i & 7];",
            "int i = ids[t]; y[t] = x[i < 0 ? i + 40 : i & 3]; z[t] = w[i & 7];",
        ),
        (ONE_BY_ONE, WIDE, "y[t] = x[t * 24 + (ids[t] + 24) % 24];", "y[t] = x[t * 24 + (ids[t] + 24) % 23];"),
        (
            TUPLES,
            WIDE,
            "y[t] = x[(ids[2 * t] + 16) % 16 * 24 + (ids[2 * t + 1] + 24) % 24];",
            "y[t] = x[(ids[2 * t] + 16) % 16 * 24 + (ids[2 * t + 1] + 24) % 23];",
        ),
        (PUT, ONTO, AT + "y[t] = t == at ? u[0] : x[t];", AT + "y[t] = t == at && t != 63 ? u[0] : x[t];"),
        (PUT_BY_AXIS, ONTO, AT + "y[t] = t == at ? u[0] : x[t];", "y[t] = t == ids[0] ? u[0] : x[t];"),
        # every integer has a meaning: what is no index leaves the row empty
        (
            HOT,
            FLAGS,
            "int i = ids[t]; for (int k = 0; k < 4; ++k) y[4 * t + k] = i == k || i == k - 4;",
            "int i = ids[t]; for (int k = 0; k < 4; ++k) y[4 * t + k] = (i & 3) == k;",
        ),
        (
            HOT,
            FLAGS,
            "int i = ids[t]; for (int k = 0; k < 4; ++k) y[4 * t + k] = i == k || i == k - 4;",
            "int i = ids[t]; for (int k = 0; k < 4; ++k) y[4 * t + k] = 0.0f; if (i >= -4) y[4 * t + (i < 0 ? i + 4 : i)] = 1.0f;",
        ),
        # integers that are no indices
        (NEXT, "const int* x, int* y", "y[t] = x[t] + 1;", "y[t] = x[t] | 1;"),
    ],
)
def test_indices_of_which_nothing_is_stated(
    model: onnx.ModelProto, parameters: str, right: str, wrong: str, tmp_path: Path
) -> None:
    assert checked(tmp_path / "right", kernel(parameters, right), model).verdict is not Verdict.REFUTED
    found = checked(tmp_path / "wrong", kernel(parameters, wrong), model)
    assert found.verdict is Verdict.REFUTED, found.why


def test_a_report_says_what_to_state(tmp_path: Path) -> None:
    """The kernel is right about indices that count from the front: then it is to be said that there are no others."""
    text = kernel(GATHER, "y[t] = x[ids[t]];")
    found = checked(tmp_path / "open", text, ROWS)
    assert found.verdict is Verdict.REFUTED
    assert found.counterexample is not None
    first = found.counterexample.inputs[0]
    assert (first.tensor, first.value) == ("ids", "-40")
    line = next(o.help for o in found.obligations if o.kind == "bounds")
    assert "[inputs] ids = { min = 0, max = 39 }" in line
    stated = checked(tmp_path / "stated", text, ROWS, "[inputs]\nids = { min = 0, max = 39 }\n")
    assert stated.verdict is Verdict.PROVED


KINDS = ("small", "uneven", "deep", "edges", "zero")


@pytest.mark.parametrize(
    ("slot", "most"),
    [
        (Slot("i", 0, "i32", 9, 9, index=(-5, 4)), (-5, 4)),
        (Slot("i", 0, "i32", 9, 9, low=0, high=100, index=(-5, 4)), (0, 4)),
        (Slot("i", 0, "i64", 9, 9, low=1, index=(-5, 4)), (1, 4)),
        (Slot("i", 0, "i64", 9, 9, high=2, index=(-5, 4)), (-5, 2)),
        (
            Slot("i", 0, "i64", 9, 9, low=7, high=9, index=(-5, 4)),
            (7, 9),
        ),  # the graph has no meaning there: all that is stated
        (Slot("i", 0, "u8", 9, 9, index=(0, 200)), (0, 200)),
        (Slot("i", 0, "i64", 9, 9, index=(0, 0)), (0, 0)),
    ],
)
def test_drawn_integers_are_permitted_and_reach_both_ends(slot: Slot, most: tuple[int, int]) -> None:
    for kind in KINDS:
        low, high = between(slot, kind)
        assert most[0] <= low <= high <= most[1]
    assert between(slot, "edges") == most


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("label", "low", "high"),
    [
        ("i64", 0, (1 << 63) - 1), ("i64", -(1 << 63), (1 << 63) - 1), ("i64", -(1 << 63), -(1 << 62)), ("i64", -5, 1 << 40),
        ("u64", 1 << 63, (1 << 64) - 1), ("u64", 0, (1 << 64) - 1), ("i32", -(1 << 31), (1 << 31) - 1), ("i8", -3, 3),
    ],
)  # fmt: skip
def test_integers_of_any_stated_range_are_drawn_from_it(kind: str, label: str, low: int, high: int) -> None:
    bits = of_integers(Slot("i", 0, label, 99, 99, low=low, high=high), kind, 1, np.arange(99))
    width = int(label[1:])
    values = [int(b) - ((int(b) >> (width - 1) << width) if label[0] == "i" else 0) for b in bits]
    assert all(low <= v <= high for v in values)
    assert kind not in ("uneven", "deep") or high - low < 99 or len(set(values)) > 50
