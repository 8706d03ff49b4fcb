"""Signed sums of integers whose ranges are stated: in loops, across lanes, through shared memory, and counts of bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from tests.executing import program_of
from tv.check import check
from tv.diagnostic import Unknown
from tv.obligation import Status
from tv.request import CheckRequest
from tv.symexec.data_indices import Contents
from tv.verdict import CheckResult, Verdict

COLS = 256
LARGEST = 2**31 - 1
SCAN = "int n = __shfl_up_sync(~0u, v, o); if (lane >= o) v += n;"
BLOCK = f"""__global__ void k(const int* x, int* y) {{
    __shared__ int totals[8];
    const int t = threadIdx.x, r = blockIdx.x, lane = t & 31, w = t >> 5;
    int v = x[r * 256 + t];
    for (int o = 1; o < 32; o <<= 1) {{ {SCAN} }}
    if (lane == 31) totals[w] = v;
    __syncthreads();
    int before = 0;
    for (int i = 0; i < 8; i++) if (i < w) before += totals[i];
    y[r * 256 + t] = v + before;
}}"""


def result(tmp_path: Path, op: str, kernel: str, threads: int, most: int, least: int | None = None) -> CheckResult:
    """y = CumSum or ReduceSum over the rows of x: int32 [R, COLS], its elements from -most (or least) to most."""
    axis = helper.make_tensor("axis", TensorProto.INT64, [] if op == "CumSum" else [1], [1])
    attributes: dict[str, Any] = {} if op == "CumSum" else {"keepdims": 0}
    node = helper.make_node(op, ["x", "axis"], ["y"], **attributes)
    shape: list[str | int | None] = ["R", COLS] if op == "CumSum" else ["R"]
    ends = [helper.make_tensor_value_info("x", TensorProto.INT32, ["R", COLS])]
    after = [helper.make_tensor_value_info("y", TensorProto.INT32, shape)]
    graph = helper.make_graph([node], "g", ends, after, [axis])
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(whole, tmp_path / "model.onnx")
    (tmp_path / "k.cu").write_text(kernel)
    (tmp_path / "k.toml").write_text(
        f'grid = ["R"]\nblock = [{threads}]\n[symbols]\nR = {{ min = 1, max = 999 }}\n[args]\nx = "x"\ny = "y"\n'
        f"[inputs]\nx = {{ min = {-most if least is None else least}, max = {most} }}\n"
    )
    return check(CheckRequest(str(tmp_path / "k.cu"), str(tmp_path / "model.onnx")))


def row_sum(body: str) -> str:
    return f"__global__ void k(const int* x, int* y) {{ const int* r = x + blockIdx.x * 256; int s = 0; {body} y[blockIdx.x] = s; }}"


PLAIN = row_sum("for (int i = 0; i < 256; i++) s += r[i];")


@pytest.mark.parametrize(
    "kernel",
    [
        PLAIN,
        row_sum("for (int i = 0; i < 16; i++) for (int j = 0; j < 16; j++) s += r[i * 16 + j];"),
        row_sum("for (int i = 0; i < 64; i++) {\n#pragma unroll\nfor (int j = 0; j < 4; j++) s += r[i * 4 + j];\n}"),
    ],
)
def test_what_a_loop_adds_up_is_bounded_by_its_rounds(tmp_path: Path, kernel: str) -> None:
    assert result(tmp_path, "ReduceSum", kernel, 1, LARGEST // COLS).verdict is Verdict.PROVED
    one_more = result(tmp_path, "ReduceSum", kernel, 1, LARGEST // COLS + 1)
    assert one_more.verdict is Verdict.REFUTED
    assert {o.kind for o in one_more.obligations if o.status is Status.REFUTED} == {"range"}


@pytest.mark.parametrize(
    "body",
    [
        # four times a round, by a loop that runs on constants
        "for (int i = 0; i < 64; i++) for (int u = 1; u < 16; u *= 2) s += r[i * 4 + (u > 1) + (u > 2) + (u > 4)];",
        "for (int i = 0; i < 256; i++) { s += r[i]; s += r[255 - i]; }",  # two additions a round
        "for (int i = 0; i < 256; i++) s = (s + 1) + r[i];",  # each round adds more than the inner sum
        "for (int i = 0; i < 256; i++) { s += r[i]; if (i == 128) s = 2147000000; }",  # begins anew from a large number
        "for (int i = 0; i < 256; i++) { s += r[i]; s *= 2; }",
        "for (int i = 0; i < 256; i++) s += s + r[i];",
    ],
)
def test_other_changes_of_a_sum_are_not_taken_for_it(body: str) -> None:
    stated = Contents({"x": ((-LARGEST // COLS, LARGEST // COLS), 32)})
    with pytest.raises(Unknown) as caught:
        program_of(row_sum(body), (1, 1, 1), 4, {"x": 4 * COLS, "y": 4}, contents=stated)
    assert caught.value.code == "TV0525"


def test_a_scan_of_a_warp_and_of_a_block(tmp_path: Path) -> None:
    assert (
        result(tmp_path, "CumSum", BLOCK, 256, LARGEST // 288).verdict is Verdict.PROVED
    )  # 32 a lane, and 8 times 32 before it
    wide = result(tmp_path, "CumSum", BLOCK, 256, LARGEST // 32 + 1)
    assert wide.verdict is Verdict.REFUTED
    assert {o.kind for o in wide.obligations if o.status is Status.REFUTED} == {"range"}
