"""What a hunt says of a defect: where kernel and graph part, as far as a proof or the graph itself tells, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.checking import F32, graph, write
from tv import execution
from tv.check import check
from tv.execution import hunt, replay
from tv.limits import TimedOut
from tv.report.terminal import render_result
from tv.verdict import CheckResult, Verdict

SECONDS = 4.0
NAMED = onnx.helper.make_node("Neg", ["x"], ["y"], "turn")
TURNED = graph([NAMED], {"x": (F32, [64])}, {"y": (F32, [64])})
SUMS = graph(
    [onnx.helper.make_node("ReduceSum", ["x", "axes"], ["y"], "add_rows", keepdims=0)],
    {"x": (F32, [16, 64])}, {"y": (F32, [64])}, axes=(7, [1], [0]),
)  # fmt: skip
DOUBLED_SUMS = graph(
    [
        onnx.helper.make_node("ReduceSum", ["x", "axes"], ["s"], "add_rows", keepdims=0),
        onnx.helper.make_node("Add", ["s", "s"], ["y"], "double"),
    ],
    {"x": (F32, [16, 64])}, {"y": (F32, [64])}, axes=(7, [1], [0]),
)  # fmt: skip
BOTH = graph(
    [("Neg", "x", "z"), ("Abs", "z", "a")],
    {"x": (F32, [64])},
    {"a": (F32, [64]), "z": (F32, [64])},
)
BY_ATOMICS = """__global__ void k(const float* x, float* y) {
    int c = threadIdx.x;
    for (int r = 0; r < %s; ++r) atomicAdd(&y[c], x[r * 64 + c]);
}
"""
CLEARED = '[args]\nx = "x"\ny = { output = "y", zeroed = true }\n'


def hunted(folder: Path, text: str, model: onnx.ModelProto, spec: str = "") -> CheckResult:
    request = replace(write(folder, text, model, spec), counterexample=str(folder / "c.npz"))
    found = hunt(request, SECONDS)
    assert found.verdict is Verdict.REFUTED, found.why
    assert replay(str(folder / "c.npz"), request, "cpu").holds
    return found


def test_a_hunt_says_where_a_proof_parts_as_a_check_does(tmp_path: Path) -> None:
    text = "__global__ void k(const float* x, float* y) {\n  int t = threadIdx.x;\n  float v = x[t] * 2.0f;\n  y[t] = v;\n}\n"
    found = hunted(tmp_path, text, TURNED).counterexample
    request = write(tmp_path, text, TURNED)
    stated = check(request).counterexample
    assert found is not None
    assert stated is not None
    assert found.parting is not None
    assert found.parting == stated.parting
    assert (found.parting.node, found.location.line) == ("turn", 3)
    assert found.parting.kernel
    assert "parts at" in render_result(hunt(request, SECONDS))


def test_of_a_kernel_without_a_proof_the_only_node_is_named(tmp_path: Path) -> None:
    found = hunted(tmp_path, BY_ATOMICS % 15, SUMS, CLEARED).counterexample
    assert found is not None
    assert found.parting is not None
    assert (found.parting.node, found.parting.tensor, found.parting.kernel) == ("add_rows", "y", "")
    assert found.parting.location.line == 3


def test_of_several_nodes_none_is_named(tmp_path: Path) -> None:
    found = hunted(tmp_path, BY_ATOMICS % 16, DOUBLED_SUMS, CLEARED).counterexample
    assert found is not None
    assert found.parting is None


def test_a_proof_that_takes_too_long_is_no_part_of_a_hunt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "run_limited", lambda function, seconds, memory: TimedOut(seconds, 0.0))
    text = "__global__ void k(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }\n"
    two = graph([("Neg", "x", "z"), ("Abs", "z", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
    found = hunted(tmp_path, text, two).counterexample
    assert found is not None
    assert found.parting is None


def test_of_several_outputs_the_one_that_comes_first_is_shown(tmp_path: Path) -> None:
    """Both are wrong, and `a` is computed from `z`."""
    text = "__global__ void k(const float* x, float* a, float* z) { float v = -x[threadIdx.x] + 1.0f; z[threadIdx.x] = v; a[threadIdx.x] = fabsf(v); }\n"
    found = hunted(tmp_path, text, BOTH).counterexample
    assert found is not None
    assert found.tensor == "z"


def test_what_is_not_written_and_what_is_changed_are_told_apart(tmp_path: Path) -> None:
    head = "__global__ void k(float* x, float* a, float* z) { int t = threadIdx.x; float v = -x[t]; "
    short = hunted(tmp_path / "short", head + "z[t] = v; if (t < 63) a[t] = fabsf(v); }\n", BOTH)
    assert [(o.id, o.message) for o in short.obligations] == [("k.a.coverage", "element [63] of `a` is never written")]
    text = head + "z[t] = v; a[t] = fabsf(v); x[t] = v; }\n"
    changed = hunted(tmp_path / "changed", text, BOTH)
    assert [(o.id, o.message) for o in changed.obligations] == [("k.coverage", "`x` is changed where no output lies")]
