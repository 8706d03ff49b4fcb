"""`--order CERT`: bitwise to the graph in a certificate's order, and in no other."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from tests.checking import F32, graph, write
from tv.check import check
from tv.obligation import Relation
from tv.request import CheckRequest
from tv.verdict import CheckResult, Verdict

AXES = {"axes": (7, [1], [1])}
SUM = graph([("ReduceSum", "x axes", "t"), ("Squeeze", "t axes", "y")], {"x": (F32, [64, 32])}, {"y": (F32, [64])}, **AXES)  # fmt: skip
DOT = graph(
    [("Mul", "x w", "p"), ("ReduceSum", "p axes", "t"), ("Squeeze", "t axes", "y")],
    {"x": (F32, [64, 32]), "w": (F32, [32])}, {"y": (F32, [64])}, **AXES,
)  # fmt: skip
ROW = """__global__ void k(const float* x, {w}float* y) {{
  int i = threadIdx.x;
{body}
}}
"""


def row(body: str, weight: bool = False) -> str:
    return ROW.format(w="const float* w, " if weight else "", body=body)


UP = row("  float s = 0.f;\n  for (int j = 0; j < 32; ++j) s += x[i * 32 + j];\n  y[i] = s;")
UP_OTHERWISE = row("  float sum[1];\n  sum[0] = 0.f;\n  for (int j = 32; j < 64; ++j) sum[0] = x[i * 32 + j - 32] + sum[0];\n  y[i] = sum[0];")  # fmt: skip
DOWN = row("  float s = 0.f;\n  for (int j = 31; j >= 0; --j) s += x[i * 32 + j];\n  y[i] = s;")
HALVES = row("  float a = 0.f, b = 0.f;\n  for (int j = 0; j < 16; ++j) { a += x[i * 32 + j]; b += x[i * 32 + 16 + j]; }\n  y[i] = a + b;")  # fmt: skip
HALVES_APART = row("  float a = 0.f, b = 0.f;\n  for (int j = 16; j < 32; ++j) b += x[i * 32 + j];\n  for (int j = 0; j < 16; ++j) a += x[i * 32 + j];\n  y[i] = b + a;")  # fmt: skip
EVEN_AND_ODD = row("  float a = 0.f, b = 0.f;\n  for (int j = 0; j < 16; ++j) { a += x[i * 32 + 2 * j]; b += x[i * 32 + 2 * j + 1]; }\n  y[i] = a + b;")  # fmt: skip
KERNELS = {
    "up": UP, "up otherwise": UP_OTHERWISE, "down": DOWN, "halves": HALVES, "halves apart": HALVES_APART,
    "even and odd": EVEN_AND_ODD,
}  # fmt: skip
SAME = [{"up", "up otherwise"}, {"halves", "halves apart"}]


def certificate(folder: Path, kernel: str, model: onnx.ModelProto, **options: bool) -> str:
    request = write(folder, kernel, model, _options(**options))
    file = str(folder / "order.json")
    result = check(CheckRequest(request.kernel, request.model, certificate=file))
    assert result.verdict is Verdict.PROVED, result.why
    return file


def _options(fmad: bool = True) -> str:
    return "" if fmad else "fmad = false\n"


def ordered(folder: Path, kernel: str, model: onnx.ModelProto, order: str, spec: str = "") -> CheckResult:
    request = write(folder, kernel, model, spec)
    return check(CheckRequest(request.kernel, request.model, require=Relation.BITWISE, order=order))


@pytest.mark.parametrize("theirs", ["up", "down", "halves", "even and odd"])
def test_bitwise_is_the_certificates_order(theirs: str, tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", KERNELS[theirs], SUM)
    for n, (mine, kernel) in enumerate(KERNELS.items()):
        result = ordered(tmp_path / str(n), kernel, SUM, order)
        alike = mine == theirs or any({mine, theirs} <= group for group in SAME)
        assert (result.verdict is Verdict.PROVED) == alike, (mine, result.why, result.help)
        if not alike:
            assert result.relation is Relation.REASSOC
            assert "order of the certificate" in result.help


FUSED = row("  float s = 0.f;\n  for (int j = 0; j < 32; ++j) s = fmaf(x[i * 32 + j], w[j], s);\n  y[i] = s;", True)
ROUNDED = row("  float s = 0.f;\n  for (int j = 0; j < 32; ++j) s = __fadd_rn(s, __fmul_rn(x[i * 32 + j], w[j]));\n  y[i] = s;", True)  # fmt: skip
LEFT_TO_NVCC = row("  float s = 0.f;\n  for (int j = 0; j < 32; ++j) s += x[i * 32 + j] * w[j];\n  y[i] = s;", True)
DOT_UP = {"fused": FUSED, "rounded": ROUNDED, "left to nvcc": LEFT_TO_NVCC}


def test_bitwise_is_the_certificates_contraction(tmp_path: Path) -> None:
    orders = {n: certificate(tmp_path / n, DOT_UP[n], DOT) for n in DOT_UP}
    expected = {
        "fused": {"fused", "left to nvcc"}, "rounded": {"rounded"}, "left to nvcc": {"fused", "left to nvcc"},
    }  # fmt: skip
    for theirs, order in orders.items():
        for mine, kernel in DOT_UP.items():
            result = ordered(tmp_path / "mine", kernel, DOT, order)
            assert (result.verdict is Verdict.PROVED) == (mine in expected[theirs]), (mine, theirs, result.help)
            said = [a for a in result.assumptions if "nvcc fuses exactly" in a]
            assert bool(said) == (mine == "left to nvcc" and theirs != "rounded")
            assert all("line 4" in a for a in said)


def test_a_kernel_compiled_without_contraction_rounds_its_products(tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", ROUNDED, DOT)
    result = ordered(tmp_path / "mine", LEFT_TO_NVCC, DOT, order, "fmad = false\n")
    assert result.verdict is Verdict.PROVED, result.help


def test_an_order_of_something_else_is_bad_input(tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", UP, SUM)
    assert ordered(tmp_path / "dot", FUSED, DOT, order).verdict is Verdict.BAD_INPUT
    assert ordered(tmp_path / "nan", UP, SUM, order, "[model]\nstrict_nan = true\n").verdict is Verdict.BAD_INPUT
    data = json.loads(Path(order).read_text())
    for change in ({"orders": None}, {"orders": [{}]}, {"sha256": {}}, {"reading": {}}):
        Path(order).write_text(json.dumps(data | change))
        assert ordered(tmp_path / "mine", UP, SUM, order).verdict is Verdict.BAD_INPUT, change
    Path(order).write_text("{")
    assert ordered(tmp_path / "mine", UP, SUM, order).verdict is Verdict.BAD_INPUT


def test_an_order_that_leaves_a_term_out_proves_nothing(tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", HALVES, SUM)
    data = json.loads(Path(order).read_text())
    (sum_,) = data["orders"]
    assert sum_["value"][0] == "add"
    sum_["value"] = sum_["value"][1]  # the first half alone
    Path(order).write_text(json.dumps(data))
    one_half = row("  float a = 0.f;\n  for (int j = 0; j < 16; ++j) a += x[i * 32 + j];\n  y[i] = a;")
    assert ordered(tmp_path / "half", one_half, SUM, order).verdict is not Verdict.PROVED
    assert ordered(tmp_path / "whole", HALVES, SUM, order).verdict is not Verdict.PROVED


def test_a_certificate_written_under_an_order_is_of_the_kernels_own(tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", HALVES, SUM)
    request = write(tmp_path / "mine", HALVES_APART, SUM)
    again = str(tmp_path / "again.json")
    result = check(
        CheckRequest(request.kernel, request.model, require=Relation.BITWISE, order=order, certificate=again)
    )
    assert result.verdict is Verdict.PROVED
    assert json.loads(Path(again).read_text())["relation"] == "reassoc"
    assert ordered(tmp_path / "theirs_again", HALVES, SUM, again).verdict is Verdict.PROVED
