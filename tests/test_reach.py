"""Stores that no thread executes, and cooperative launches that do not fit on a device."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import F32, checked, graph
from tv.report.json_report import document
from tv.report.terminal import render_result
from tv.spec.residency import PARTS, blocks_at_once
from tv.verdict import CheckResult, Verdict

NEG = graph([("Neg", "x", "y")], {"x": (F32, ["N"])}, {"y": (F32, ["N"])})
KERNEL = """__global__ void k(const float* x, float* y, int n) {{
  __shared__ float s[64];
  int i = blockIdx.x * 64 + threadIdx.x;
{body}
}}
"""
SPEC = 'grid = ["ceildiv(N, 64)"]\nblock = [64]\n[args]\nn = {{ symbol = "N", min = {low}, max = 1000 }}\n'


def notes(result: CheckResult) -> list[tuple[int, str]]:
    return [(d.span.line, d.message) for d in result.diagnostics if d.code == "TV0530"]


def asked(folder: Path, *body: str, low: int = 1) -> CheckResult:
    return checked(folder, KERNEL.format(body="\n".join(body)), NEG, SPEC.format(low=low))


def test_every_store_that_runs_for_every_size_is_silent(tmp_path: Path) -> None:
    result = asked(tmp_path, "  s[threadIdx.x] = 0.0f;", "  if (i < n) y[i] = -x[i];")
    assert result.verdict is Verdict.PROVED
    assert notes(result) == []


def test_dead_and_idle_stores_are_listed_and_the_proof_stands(tmp_path: Path) -> None:
    result = asked(
        tmp_path,
        "  if (n > 64 && threadIdx.x >= 64) y[i] = 0.0f;",
        "  if (n == 100) s[threadIdx.x] = 1.0f;",
        "  if (n % 2 == 0) s[0 * n + threadIdx.x] = 2.0f;",
        "  if (i < n) y[i] = -x[i];",
        low=2,
    )
    assert result.verdict is Verdict.PROVED, result.why
    found = notes(result)
    assert found[0] == (4, "this store to `y` is never executed")
    assert found[1] == (5, "this store to `s` in shared memory is never executed where N >= 101 or N <= 99")
    assert found[2][0] == 6
    assert "N) mod 2 = 0" in found[2][1]
    assert len(found) == 3
    assert "never executed where N >= 101" in render_result(result)
    listed = document(result)["diagnostics"]
    assert isinstance(listed, list)
    assert [d["severity"] for d in listed if d["code"] == "TV0530"] == ["note"] * 3


def test_a_size_of_zero_is_named(tmp_path: Path) -> None:
    spec = SPEC.format(low=0).replace('"ceildiv(N, 64)"', "16")
    result = checked(tmp_path, KERNEL.format(body="  if (i < n) y[i] = -x[i];"), NEG, spec)
    assert result.verdict is Verdict.PROVED
    assert notes(result) == [(4, "this store to `y` is never executed where N = 0")]


def test_a_line_that_runs_in_one_of_its_copies_is_not_idle(tmp_path: Path) -> None:
    result = asked(tmp_path, "  for (int o = 32; o < 65; o *= 2) if (i < n && n % o >= 0) s[threadIdx.x] = 1.0f;", "  if (i < n) y[i] = -x[i];")  # fmt: skip
    assert result.verdict is Verdict.PROVED, result.why
    assert notes(result) == []


def test_an_output_that_nothing_stores_is_never_proved(tmp_path: Path) -> None:
    result = asked(tmp_path, "  if (i < n && threadIdx.x >= 64) y[i] = -x[i];")
    assert result.verdict is Verdict.REFUTED
    assert [o.kind for o in result.obligations if o.status.value == "refuted"] == ["coverage"]
    assert notes(result) == [(4, "this store to `y` is never executed")]


# ------------------------------------------------------------------------------------------------ residency
COOPERATIVE = """#include <cooperative_groups.h>
__global__ void k(const float* x, float* y) {{
  {shared}
  int i = blockIdx.x * {block} + threadIdx.x;
  y[i] = -x[i];
  cooperative_groups::this_grid().sync();
}}
"""


def launched(folder: Path, blocks: int, block: int, shared: str = "", more: str = "") -> CheckResult:
    model = graph([("Neg", "x", "y")], {"x": (F32, [blocks * block])}, {"y": (F32, [blocks * block])})
    spec = f"grid = [{blocks}]\nblock = [{block}]\ncooperative = true\n{more}"
    return checked(folder, COOPERATIVE.format(block=block, shared=shared), model, spec)


@pytest.mark.parametrize(
    ("most", "block", "shared", "more"),
    [
        (132 * 32, 64, "", ""),  # 32 blocks on a multiprocessor
        (132 * 2, 1024, "", ""),  # 2048 threads
        (132 * 3, 600, "", ""),  # 19 warps of 64
        (132 * 6, 64, "__shared__ float s[9000]; s[threadIdx.x] = 0.0f;", ""),  # 233472 bytes, 36000 + 1024 each
        (132 * 1, 64, "", "shared = 200000\n"),
        (108 * 2, 1024, "", 'arch = "sm_80"\n'),
        (84 * 1, 1024, "", 'arch = "sm_86"\n'),
    ],
)
def test_a_cooperative_launch_has_to_fit(most: int, block: int, shared: str, more: str, tmp_path: Path) -> None:
    assert launched(tmp_path, most, block, shared, more).verdict is Verdict.PROVED
    result = launched(tmp_path, most + 1, block, shared, more)
    assert result.verdict is Verdict.BAD_INPUT
    assert [d.code for d in result.diagnostics] == ["TV0213"]
    assert f"of which {most} fit at once" in result.why


def test_an_open_grid_is_refused_where_some_size_does_not_fit(tmp_path: Path) -> None:
    body = '#include <cooperative_groups.h>\n__global__ void k(const float* x, float* y) {\n  int i = blockIdx.x * 64 + threadIdx.x;\n  y[i] = -x[i];\n  cooperative_groups::this_grid().sync();\n}\n'  # fmt: skip
    model = graph([("Neg", "x", "y")], {"x": (F32, ["B", 64])}, {"y": (F32, ["B", 64])})
    spec = 'grid = ["B"]\nblock = [64]\ncooperative = true\n[symbols]\nB = {{ min = 1, max = {most} }}\n'
    assert checked(tmp_path, body, model, spec.format(most=4224)).verdict is Verdict.PROVED
    assert checked(tmp_path, body, model, spec.format(most=4225)).verdict is Verdict.BAD_INPUT
    plain = spec.format(most=4225).replace("cooperative = true\n", "")
    assert checked(tmp_path, body, model, plain).verdict is not Verdict.BAD_INPUT  # another launch, another question


@pytest.mark.parametrize("more", ["block = [1025]\n", "block = [64]\nshared = 232449\n"])
def test_a_block_that_no_device_holds(more: str, tmp_path: Path) -> None:
    model = graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
    text = COOPERATIVE.format(block=64, shared="")
    assert checked(tmp_path, text, model, f"grid = [1]\ncooperative = true\n{more}").verdict is Verdict.BAD_INPUT


def test_the_table_of_parts_is_plausible() -> None:
    for part in PARTS.values():
        assert part.threads in (1024, 1536, 2048)
        assert blocks_at_once(part, 32, 0) == part.multiprocessors * min(part.blocks, part.threads // 32)
        assert blocks_at_once(part, 1024, 0) == part.multiprocessors * (part.threads // 1024)
