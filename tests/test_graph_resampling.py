"""Operators that onnx's reference evaluates only in part, and what of them has no meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T

from tests.graph_running import one_node, read_model, run
from tests.test_graph_operators import F32, I64, Case, model_of, positive, real, same, whole
from tv.diagnostic import Unsupported


def test_products_accumulate_as_sums_do(tmp_path: Path) -> None:
    """Since opset 26."""
    for k, (axis, attributes) in enumerate([(1, {}), (0, {"reverse": 1}), (1, {"exclusive": 1})]):
        case: Case = ("", "CumProd", [whole(3, 5), np.array(axis, I64)], (1,), attributes, 1, 0)
        model, feeds, want = model_of(case, opset=26)
        path = tmp_path / f"m{k}.onnx"
        onnx.save(model, path)
        same(run(path, model, feeds)["y0"], want["y0"], 0)


def test_signed_integers_keep_their_sign_when_shifted(tmp_path: Path) -> None:
    """Since opset 28, whose text onnx's reference follows."""
    x, y = np.array([-8, -1, 127, 5, -128], np.int8), np.array([1, 7, 2, 0, 6], np.int8)
    for direction, want in (("RIGHT", x >> y), ("LEFT", x << y)):
        model = one_node("BitShift", [x, y], 1, 28, None, (), {"direction": direction}, [T.INT8], [1])
        path = tmp_path / f"{direction}.onnx"
        onnx.save(model, path)
        same(run(path, model, {"x0": x, "x1": y})["y0"], want, 0)


def test_groups_of_a_transposed_convolution_stand_side_by_side(tmp_path: Path) -> None:
    """onnx's reference evaluates one group only."""
    x, w = whole(1, 4, 5), whole(4, 3, 3)
    halves = [
        model_of(("", "ConvTranspose", [x[:, g : g + 2], w[g : g + 2]], (), {"strides": [2]}, 1, 0))[2]["y0"]
        for g in (0, 2)
    ]
    end = halves[0].shape[2]
    model = one_node("ConvTranspose", [x, w], 1, 22, None, (), {"strides": [2], "group": 2}, [T.FLOAT], [3])
    onnx.save(model, tmp_path / "m.onnx")
    same(run(tmp_path / "m.onnx", model, {"x0": x, "x1": w})["y0"], np.concatenate(halves, 1).reshape(1, 6, end), 0)


@pytest.mark.parametrize(("op", "arrays", "constants", "attributes", "words"), [
    ("Resize", [real(1, 4), None, np.array([1, 1.5], F32)], (2,), {}, "by a factor of 1.5"),
    ("Resize", [real(1, 4), None, np.array([1, 0.25], F32)], (2,), {"coordinate_transformation_mode": "pytorch_half_pixel"}, "extent of 1"),
    ("Resize", [real(1, 4), None, np.array([1, 2], F32)], (2,), {"mode": "linear"}, "mode `linear`"),
    ("Resize", [real(1, 4), None, np.array([1, 2], F32)], (2,), {"coordinate_transformation_mode": "align_corners"}, "align_corners"),
    ("BatchNormalization", [real(2, 3), real(3), real(3), real(3), positive(3)], (), {"training_mode": 1}, "training mode"),
    ("ConvTranspose", [real(1, 2, 5), real(2, 3, 3)], (), {"auto_pad": "SAME_UPPER"}, "auto_pad"),
])  # fmt: skip
def test_what_has_no_meaning_is_named(
    op: str, arrays: Any, constants: Any, attributes: Any, words: str, tmp_path: Path
) -> None:
    model = one_node(op, arrays, 1, 22, None, constants, attributes, [T.FLOAT], [arrays[0].ndim])
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(Unsupported, match=words):
        read_model(tmp_path / "m.onnx")


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize(
    ("op", "arrays", "attributes"),
    [
        ("MaxPool", [real(1, 2, 9)], {"kernel_shape": [2]}),
        ("AveragePool", [real(1, 2, 9)], {"kernel_shape": [2]}),
        ("Conv", [real(1, 2, 9), real(3, 2, 2)], {}),
    ],
)
def test_strides_past_windows_that_pad_themselves(
    op: str, arrays: Any, attributes: Any, mode: str, tmp_path: Path
) -> None:
    """The standard's formula cuts elements off there, and runtimes take what it gives for 0: windows of two, nine elements."""
    for stride, refused in ((2, False), (3, True), (4, False), (6, True)):
        own = {**attributes, "strides": [stride], "auto_pad": mode}
        model = one_node(op, arrays, 1, 22, None, (), own, [T.FLOAT], [3])
        path = tmp_path / f"{stride}.onnx"
        onnx.save(model, path)
        if not refused:
            assert read_model(path).outputs["y0"].shape
            continue
        with pytest.raises(Unsupported, match="strides past its windows") as caught:
            read_model(path)
        assert caught.value.code == "TV0314"
    stated = {**attributes, "strides": [3]}
    for k, pads in enumerate(([0, 0], [0, 1])):
        case: Case = ("", op, arrays, (), {**stated, "pads": pads}, 1, 1e-5)
        model, feeds, want = model_of(case)
        onnx.save(model, tmp_path / f"pads{k}.onnx")
        same(run(tmp_path / f"pads{k}.onnx", model, feeds)["y0"], want["y0"], 1e-5)
