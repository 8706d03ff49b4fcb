"""Bytes that are read as `bool`: taken for 0 or 1 only where they are, by what stored them or by what the launch states."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from tests.checking import checked, graph
from tv.obligation import Status
from tv.verdict import CheckResult, Verdict

U8, I32, BOOL = TensorProto.UINT8, TensorProto.INT32, TensorProto.BOOL
KERNEL = "__global__ void k(const unsigned char* x, int* y, unsigned char* b) {{ const int t = threadIdx.x; {} }}"
SPEC = "grid = [1]\nblock = [64]\n[args]\nb = { extent = 256 }\n"
NOT_ZERO = graph(
    [helper.make_node("Cast", ["x"], ["c"], to=BOOL), helper.make_node("Cast", ["c"], ["y"], to=I32)],
    {"x": (U8, [64])},
    {"y": (I32, [64])},
)


def run(folder: Path, body: str, spec: str = SPEC) -> CheckResult:
    return checked(folder, KERNEL.format(body), NOT_ZERO, spec)


@pytest.mark.parametrize(
    "body",
    [
        "((bool*)b)[t] = x[t] != 0; y[t] = ((const bool*)b)[t];",
        "b[t] = x[t] != 0; y[t] = ((const bool*)b)[t];",
        "b[t] = x[t] ? 1 : 0; y[t] = ((const bool*)b)[t];",
        "__shared__ bool s[64]; s[t] = x[t]; __syncthreads(); y[t] = s[t];",
        "bool s[2]; s[t & 1] = x[t]; y[t] = s[t & 1];",
        "((bool*)b)[t] = x[t]; ((bool*)b)[t + 64] = ((bool*)b)[t]; y[t] = ((bool*)b)[t + 64];",
        "b[t] = x[t]; y[t] = b[t] != 0;",
    ],
)
def test_what_a_boolean_was_stored_to_is_one(body: str, tmp_path: Path) -> None:
    result = run(tmp_path, body)
    assert "init" not in [o.kind for o in result.obligations if o.status is not Status.PROVED]
    assert result.verdict in (Verdict.PROVED, Verdict.UNKNOWN), result.why


@pytest.mark.parametrize(
    "body",
    [
        "y[t] = ((const bool*)x)[t];",
        "b[t] = x[t]; y[t] = ((const bool*)b)[t];",
        "b[t] = x[t]; y[t] = ((const bool*)b)[t] ? 1 : 0;",
        "b[t] = x[t] ? 2 : 0; y[t] = ((const bool*)b)[t];",
        "b[t] = x[t] | 1; y[t] = ((const bool*)b)[t] && x[t];",
        "b[t] = x[t]; b[t + 64] = b[t]; y[t] = ((const bool*)b)[t + 64];",
        "__shared__ unsigned char s[64]; s[t] = x[t]; __syncthreads(); y[t] = ((const bool*)s)[t];",
        "int s = x[t]; y[t] = *(const bool*)&s;",
        "*(float*)&b[4 * t] = x[t] ? 1.0f : 0.0f; y[t] = ((const bool*)b)[4 * t + 3];",
    ],
)
def test_another_byte_is_none(body: str, tmp_path: Path) -> None:
    result = run(tmp_path, body)
    assert result.verdict is not Verdict.PROVED
    assert next(o.kind for o in result.obligations if o.status is not Status.PROVED) == "init", result.why


def test_bytes_that_are_stated_to_be_truths_are(tmp_path: Path) -> None:
    stated = SPEC + "[inputs]\nx = { min = 0, max = %d }\n"
    assert run(tmp_path, "y[t] = ((const bool*)x)[t];", stated % 1).verdict is Verdict.PROVED
    assert run(tmp_path, "y[t] = ((const bool*)x)[t];", stated % 2).verdict is not Verdict.PROVED
