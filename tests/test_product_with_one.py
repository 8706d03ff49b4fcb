"""A factor of 1 is none: kernels and graphs with and without it, and what nvcc may fuse all the same (S7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.checking import F32, checked, graph, pointwise
from tv import check as checking
from tv.examine import numbered
from tv.verdict import Verdict

N = 64
ONE = {"one": (F32, [], [1.0])}


def model(*nodes: tuple[str, str, str], names: str = "abc", **stored: Any) -> onnx.ModelProto:
    return graph(list(nodes), {n: (F32, [N]) for n in names}, {"y": (F32, [N])}, **stored)


def verdict(folder: Path, patch: pytest.MonkeyPatch, body: str, m: onnx.ModelProto) -> Verdict:
    """Without a search for a counterexample: only what is proved counts here."""
    patch.setattr(
        checking, "shown", lambda request, spec, kernel, launch, f, start, progress: (numbered(f.obligations), None)
    )
    names = "".join(i.name for i in m.graph.input)
    return checked(folder, pointwise(body, names=names), m).verdict


SUM = model(("Add", "a c", "y"), names="ac")
OF_ONE = model(("Mul", "a one", "p"), ("Add", "p c", "y"), names="ac", **ONE)
PRODUCT = model(("Mul", "a b", "p"), ("Add", "p c", "y"))
PRODUCT_OF_ONE = model(("Mul", "a b", "p"), ("Mul", "p one", "q"), ("Add", "q c", "y"), **ONE)
SWISH = model(("Mul", "one a", "z"), ("Sigmoid", "z", "s"), ("Mul", "a s", "y"), names="a", **ONE)
SIGMOID = "__fdiv_rn(1.f, __fadd_rn(1.f, expf(-A)))"


@pytest.mark.parametrize(("body", "m"), [
    ("A + C", OF_ONE),
    ("1.f * A + C", OF_ONE),
    ("1.f * A + C", SUM),
    ("C + A * 1.f", SUM),
    ("fmaf(A, 1.f, C)", SUM),
    ("fmaf(A, 1.f, C)", OF_ONE),
    ("__fmul_rn(A, B) + C", PRODUCT_OF_ONE),
    ("__fadd_rn(A * B, C)", PRODUCT_OF_ONE),
    ("__fmul_rn(__fmul_rn(A, B), 1.f) + C", PRODUCT_OF_ONE),
    ("A * B + C", PRODUCT),
    ("__fmul_rn(A, " + SIGMOID + ")", SWISH),
], ids=["left_out", "on_both_sides", "added", "on_the_right", "fused", "fused_on_both_sides", "of_a_product", "of_a_product_kept_apart",
        "after_a_product", "of_none", "swish"])  # fmt: skip
def test_a_factor_of_one_may_stand_or_not(
    body: str, m: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path, monkeypatch, body, m) is Verdict.PROVED


@pytest.mark.parametrize(("body", "m"), [
    ("A * B + C", PRODUCT_OF_ONE),
    ("fmaf(A, B, C)", PRODUCT_OF_ONE),
    ("(A * B) * 1.f + C", PRODUCT_OF_ONE),
    ("fmaf(A * B, 1.f, C)", PRODUCT_OF_ONE),
    ("-1.f * A + C", SUM),
    ("1.0000001f * A + C", SUM),
    ("1.f * A + C", model(("Mul", "a b", "p"), ("Add", "p c", "y"), b=(F32, [], [0.99999994]), names="ac")),
    ("__fmul_rn(A, __fdiv_rn(1.f, __fadd_rn(1.f, expf(A))))", SWISH),
    ("__fmul_rn(A, __fdiv_rn(1.f, __fadd_rn(1.f, expf(-1.0000001f * A))))", SWISH),
], ids=["fused_with_what_is_inside", "fused_by_hand", "one_on_both_sides_and_fused", "one_by_hand_and_fused", "minus_one", "above_one",
        "below_one", "swish_of_minus", "swish_of_more"])  # fmt: skip
def test_what_is_fused_or_scaled_is_not_proved(
    body: str, m: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path, monkeypatch, body, m) is not Verdict.PROVED
