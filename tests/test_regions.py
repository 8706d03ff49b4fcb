"""Stored tensors as pieces: what comes out has every element's value, and nothing that was not there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.graph_running import expected, model_of, read_model, run, save, to_bits
from tv.diagnostic import BadInput
from tv.graph_frontend.constants import contents
from tv.graph_frontend.elements import element_of
from tv.graph_frontend.regions import decomposed
from tv.graph_frontend.static import Pieces
from tv.sets import Affine, Formula
from tv.sets.affine import Dim

P = 40
ROW, COLUMN = np.indices((P, P))
MASKS = {
    "triangle": COLUMN <= ROW,
    "strict_triangle": COLUMN < ROW,
    "upper_triangle": COLUMN >= ROW,
    "further_triangle": COLUMN <= ROW + 7,
    "other_diagonal": COLUMN + ROW < P,
    "window": (COLUMN <= ROW) & (COLUMN > ROW - 6),
    "two_sided_window": abs(COLUMN - ROW) < 5,
    "prefix": (COLUMN <= ROW) | (COLUMN < 9),
    "documents": (COLUMN <= ROW) & (COLUMN // 16 == ROW // 16),
    "padding": COLUMN < 33,
    "padded_rows": ROW < 31,
    "steep": COLUMN <= 3 * ROW + 1,
    "one_key": (COLUMN == 3) & (ROW == 17),
    "none": ROW < 0,
}


def value(a: Affine, index: tuple[int, ...]) -> int:
    total = a.const
    for atom, c in a.terms:
        assert isinstance(atom, Dim)
        total += c * index[int(atom.name[1:])]
    return total


def holds(f: Formula, index: tuple[int, ...]) -> bool:
    match f.op:
        case "true" | "false":
            return f.op == "true"
        case "ge" | "eq":
            assert f.affine is not None
            v = value(f.affine, index)
            return v >= 0 if f.op == "ge" else v == 0
        case "not":
            return not holds(f.args[0], index)
        case _:
            return (all if f.op == "and" else any)(holds(g, index) for g in f.args)


def spelled(pieces: Pieces, shape: tuple[int, ...]) -> list[int]:
    """Every element, from the one piece that it lies in."""
    out = []
    for index in np.ndindex(*shape):
        (found,) = [value(v, index) for c, v in pieces if holds(c, index)]
        out.append(found)
    return out


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("leading", [(), (1, 1), (2, 3)])
def test_masks_are_a_few_pieces(name: str, leading: tuple[int, ...]) -> None:
    mask = np.broadcast_to(np.where(MASKS[name], 0, 0xFC00).astype(np.uint16), (*leading, P, P))
    pieces = decomposed(mask, False, 12)
    assert pieces is not None
    assert len(pieces) == len(np.unique(mask))
    assert spelled(pieces, mask.shape) == [int(v) for v in mask.reshape(-1)]


@pytest.mark.parametrize("seed", range(12))
def test_one_element_that_is_another_is_seen(seed: int) -> None:
    """Wherever it is: an element flipped in a mask is flipped in its pieces."""
    rng = np.random.default_rng(seed)
    name = rng.choice(sorted(MASKS))
    mask = np.where(MASKS[str(name)], 0, 0xFF80).astype(np.uint16)
    at = int(rng.integers(P)), int(rng.integers(P))
    mask[at] = rng.choice([0x8000, 0x7F80, 0xFF7F, 0xFF80 - int(mask[at])])
    pieces = decomposed(mask, False)
    assert pieces is not None
    assert spelled(pieces, mask.shape) == [int(v) for v in mask.reshape(-1)]


@pytest.mark.parametrize("seed", range(60))
def test_any_small_tensor_is_itself_or_unknown(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 7, rng.integers(1, 5)))
    a = (
        rng.integers(-2, 3, shape)
        if seed % 3
        else (np.indices(shape) * rng.integers(-3, 4, (len(shape),) + (1,) * len(shape))).sum(0)
    )
    if seed % 2:  # alike across some axis
        a = np.broadcast_to(np.take(a, [0], axis=0), shape)
    for sloped in (False, True):
        pieces = decomposed(a.astype(np.int64), sloped, 4096)
        assert pieces is not None
        assert spelled(pieces, shape) == [int(v) for v in a.reshape(-1)]
        few = decomposed(a.astype(np.int64), sloped, 3)
        assert few is None or spelled(few, shape) == [int(v) for v in a.reshape(-1)]


def test_positions_have_slopes() -> None:
    for a in (np.arange(5000), np.clip(COLUMN - ROW, -8, 8), 7 * ROW + 3 * COLUMN, np.maximum(np.arange(200) - 50, 0)):
        pieces = decomposed(a.astype(np.int64), True, 4)
        assert pieces is not None
        assert spelled(pieces, a.shape) == [int(v) for v in a.reshape(-1)]
        assert a.size < 100 or decomposed(a.astype(np.int64), False, 4) is None


@pytest.mark.parametrize("values", [[2**62, -(2**62)], [2**63 - 1, -(2**63), 0], [0, 2**61, 2**62, 3 * 2**61]])
def test_no_slope_wraps_around(values: list[int]) -> None:
    a = np.array(values, np.int64)
    assert decomposed(a, True, 8) is None
    pieces = decomposed(a, False, 8)
    assert pieces is not None
    assert spelled(pieces, a.shape) == values


def test_a_matrix_of_weights_is_given_up_at_once() -> None:
    a = np.random.default_rng(0).integers(0, 60000, (4096, 4096)).astype(np.uint16)
    before = time.process_time()
    assert decomposed(a, False) is None
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16, np.bool_, np.int8, np.uint8,
                                   np.int32, np.uint32, np.int64, np.uint64])  # fmt: skip
def test_every_type_keeps_its_bits(dtype: Any) -> None:
    """Both zeros, infinities, NaN; the ends of integers."""
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        values = [info.min, info.max, 0, 1, info.max, info.max, info.min]
    else:
        values = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, 1.5]
    a = np.array(values).astype(dtype) if np.dtype(dtype).kind not in "iu" else np.array(values, dtype)
    t = numpy_helper.from_array(a, "t")
    e = element_of(t.data_type, "t")
    pieces = contents(t, e)
    assert pieces is not None
    assert [v % (1 << e.width) for v in spelled(pieces, a.shape)] == [int(v) for v in to_bits(a)]


def test_data_that_does_not_fit_is_refused() -> None:
    t = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[70, 70], raw_data=b"\0" * 40)
    with pytest.raises(BadInput):
        contents(t, element_of(t.data_type, "t"))


# ------------------------------------------------------------------------------------------------ in a graph
MASK = np.where(MASKS["window"], 0.0, -65504.0).astype(np.float16)
NODES: dict[str, list[onnx.NodeProto]] = {
    "added": [helper.make_node("Add", ["x", "mask"], ["y"])],
    "moved": [
        helper.make_node("Transpose", ["mask"], ["t"]),
        helper.make_node("Slice", ["t", "from", "to"], ["s"]),
        helper.make_node("Unsqueeze", ["s", "from"], ["u"]),
        helper.make_node("Squeeze", ["u", "from"], ["q"]),
        helper.make_node("Add", ["x", "mask"], ["a"]),
        helper.make_node("ReduceMax", ["a"], ["m"]),
        helper.make_node("Add", ["q", "m"], ["y"]),
    ],
    "computed": [
        helper.make_node("Neg", ["mask"], ["n"]),
        helper.make_node("Div", ["n", "n2"], ["d"]),
        helper.make_node("Cast", ["d"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Greater", ["c", "half"], ["g"]),
        helper.make_node("Not", ["g"], ["k"]),
        helper.make_node("Where", ["k", "x", "mask"], ["y"]),
    ],
    "itself": [helper.make_node("Add", ["mask", "mask"], ["b"]), helper.make_node("Max", ["b", "x"], ["y"])],
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_a_graph_of_a_stored_mask_means_what_it_stores(name: str, tmp_path: Path) -> None:
    stored = {
        "mask": MASK,
        "from": np.array([1]),
        "to": np.array([30]),
        "n2": np.array(65504.0, np.float16),
        "half": np.array(0.5, np.float32),
    }
    stored = {k: v for k, v in stored.items() if any(k in n.input for n in NODES[name])}
    shape = [29, P] if name == "moved" else [P, P]
    half = TensorProto.FLOAT16
    model = model_of(NODES[name], {"x": (half, [P, P])}, {"y": (half, shape)}, stored)
    path = save(model, tmp_path)
    feeds = {"x": np.random.default_rng(1).normal(size=(P, P)).astype(np.float16)}
    graph = read_model(path, fixed=list(stored))
    assert set(graph.inputs) == {"x"}
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        want = expected(model, feeds)["y"]
    np.testing.assert_array_equal(to_bits(run(path, model, feeds, fixed=list(stored))["y"]), to_bits(want))
