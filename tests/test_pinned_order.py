"""`--order CERT`: bitwise to the graph in a certificate's order, and in no other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.checking import F32, graph, write
from tv.check import check
from tv.diagnostic import BadInput, TvError
from tv.obligation import Relation
from tv.reference import reference
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


EXPS = graph(
    [("Exp", "x", "e"), ("ReduceSum", "e axes", "t"), ("Squeeze", "t axes", "y")],
    {"x": (F32, [64, 32])}, {"y": (F32, [64])}, **AXES,
)  # fmt: skip
OF_EXPS = row("  float s = 0.f;\n  for (int j = 0; j < 32; ++j) s = __fadd_rn(s, expf(x[i * 32 + j]));\n  y[i] = s;")


@pytest.mark.parametrize("last", ["y[i] = s;", "y[i] = s;\n  y[i] = y[i];"])
def test_what_a_thread_may_know_at_a_function_is_asked_without_asking_for_races(last: str, tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", OF_EXPS, EXPS)
    assert ordered(tmp_path / "mine", OF_EXPS.replace("y[i] = s;", last), EXPS, order).verdict is Verdict.PROVED


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


def steps(x: object, kind: str) -> list[list[object]]:
    """Every expression of this kind in an order."""
    inside = x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()
    found = [s for y in inside for s in steps(y, kind)]
    return [x, *found] if isinstance(x, list) and x and x[0] == kind else found


def evaluated(folder: Path, order: str, model: Path) -> list[int]:
    """What `tv reference` makes of an order, as bits."""
    x = np.random.default_rng(3).standard_normal((64, 32)).astype(np.float32)
    np.savez(folder / "in.npz", x=x)
    reference(str(model), str(folder / "in.npz"), order, str(folder / "out.npz"))
    with np.load(folder / "out.npz") as out:
        return out["y"].view(np.uint32).tolist()  # type: ignore[no-any-return]


def test_a_loop_of_another_form_is_an_order_to_both(tmp_path: Path) -> None:
    """- - (s + x) is s + x: a check takes it, and an evaluation gives the same bits."""
    order = certificate(tmp_path / "theirs", DOWN, SUM)
    want = evaluated(tmp_path, order, tmp_path / "theirs" / "m.onnx")
    data = json.loads(Path(order).read_text())
    (loop,) = steps(data["orders"], "rounds")
    loop[2] = ["neg", ["neg", loop[2]]]
    Path(order).write_text(json.dumps(data))
    assert ordered(tmp_path / "mine", DOWN, SUM, order).verdict is Verdict.PROVED
    assert evaluated(tmp_path, order, tmp_path / "theirs" / "m.onnx") == want


@pytest.mark.parametrize(
    ("kind", "at", "rubbish"),
    [
        ("rounds", 1, "{ [d0, d1] : d1 = 99 and d0 > 64 }"),
        ("rounds", 1, "{ [d0] : 0 <= d0 < 64 }"),
        ("rounds", 1, "{ [d0, d1] : 0 <= d1 < 1000000000000 }"),
        ("rounds", 1, "[N] -> { [d0, d1] : 0 <= d1 < N }"),
        ("rounds", 3, ["hole"]),
        ("rounds", 3, ["cases", []]),
        ("leaf", 1, 7),
        ("leaf", 1, -1),
        ("leaf", 1, True),
        ("number", 1, 10**30),
        ("number", 1, 1 << 32),
        ("number", 1, -1),
        ("rounds", 2, ["add", ["hole"], ["link", "nowhere", "{ [d0, d1] -> [d0] }"]]),
    ],
)
def test_a_damaged_order_never_crashes_and_proves_nothing(kind: str, at: int, rubbish: object, tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", DOWN, SUM)
    data = json.loads(Path(order).read_text())
    steps(data["orders"], kind)[0][at] = rubbish
    Path(order).write_text(json.dumps(data))
    assert ordered(tmp_path / "mine", DOWN, SUM, order).verdict in (Verdict.UNKNOWN, Verdict.BAD_INPUT)
    with pytest.raises(TvError):
        evaluated(tmp_path, order, tmp_path / "theirs" / "m.onnx")


@pytest.mark.parametrize(
    "change",
    [
        {"orders": 7}, {"orders": {"a": 1}}, {"part": {"inputs": [[1]], "outputs": []}}, {"part": []}, {"symbols": [1]},
        {"symbols": [{"name": "N] -> { : }", "min": 1, "max": 2, "dims": []}]},
        {"symbols": [{"name": "N", "min": 0.5, "max": 2, "dims": []}]},
    ],
)  # fmt: skip
def test_a_damaged_certificate_is_bad_input_to_an_evaluation(change: dict[str, object], tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", DOWN, SUM)
    Path(order).write_text(json.dumps(json.loads(Path(order).read_text()) | change))
    with pytest.raises(BadInput):
        evaluated(tmp_path, order, tmp_path / "theirs" / "m.onnx")


@pytest.mark.parametrize("units", [None, True, -1, "", []])
def test_an_order_whose_statements_are_no_table_is_bad_input(units: object, tmp_path: Path) -> None:
    order = certificate(tmp_path / "theirs", DOWN, SUM)
    data = json.loads(Path(order).read_text())
    data["orders"][0]["units"] = units
    Path(order).write_text(json.dumps(data))
    assert ordered(tmp_path / "mine", DOWN, SUM, order).verdict is Verdict.BAD_INPUT
