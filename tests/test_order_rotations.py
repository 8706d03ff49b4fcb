"""Rotary embeddings: sums of products whose neighbours in one store are differences, and which of the products are fused."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from order_running import Normal, Pair, prove

from tests.checking import F32, I64, graph
from tv.check import check
from tv.obligation import Relation
from tv.recheck import recheck
from tv.request import CheckRequest

N = 64
RUNS = [Normal(0), Normal(1)]
PARTS = helper.make_node("Split", ["x"], ["re", "im"], axis=1, num_outputs=2)
TURNED = helper.make_node("Concat", ["t", "u"], ["y"], axis=1)
HEAD = """__global__ void k(const float2* __restrict__ x, const float* __restrict__ c, const float* __restrict__ s, float2* __restrict__ y)
{
    const int i = blockIdx.x * 32 + threadIdx.x;
    const float2 v = x[i];
"""
SPEC = f"grid = [{N // 32}]\nblock = [32]\n[args]\nx = 'x'\nc = 'c'\ns = 's'\ny = 'y'\n"
TABLE = [("Mul", "re c", "a"), ("Mul", "im s", "b"), ("Mul", "im c", "d"), ("Mul", "re s", "e")]


def rotation(*sums: tuple[str, str, str]) -> onnx.ModelProto:
    """x, y: [N, 2], pairs; c, s: [N, 1]."""
    ends = {"x": (F32, [N, 2]), "c": (F32, [N, 1]), "s": (F32, [N, 1])}
    return graph([PARTS, *TABLE, *sums, TURNED], ends, {"y": (F32, [N, 2])})


ROTATION = rotation(("Sub", "a b", "t"), ("Add", "d e", "u"))
SUMS = rotation(("Add", "a b", "t"), ("Add", "d e", "u"))
BODIES = {
    "in_one_store": (ROTATION, "y[i] = make_float2(v.x * c[i] - v.y * s[i], v.y * c[i] + v.x * s[i]);", 2),
    "the_other_product_first": (ROTATION, "y[i] = make_float2(v.x * c[i] - v.y * s[i], v.x * s[i] + v.y * c[i]);", 2),
    "one_fused_by_hand": (ROTATION, "y[i] = make_float2(v.x * c[i] - v.y * s[i], fmaf(v.y, c[i], __fmul_rn(v.x, s[i])));", 2),
    "one_rounded": (ROTATION, "y[i] = make_float2(__fsub_rn(v.x * c[i], v.y * s[i]), v.y * c[i] + v.x * s[i]);", 1),
    "products_of_their_own": (ROTATION, "const float p = v.x * c[i], q = v.x * s[i]; y[i] = make_float2(p - v.y * s[i], v.y * c[i] + q);", 2),
    "sums_alike": (SUMS, "y[i] = make_float2(v.x * c[i] + v.y * s[i], v.y * c[i] + v.x * s[i]);", 2),
    "through_a_function": (SUMS, "y[i] = make_float2(turned(v.x, c[i], v.y, s[i]), turned(v.y, c[i], v.x, s[i]));", 2),
    "in_turns": (SUMS, "const float a[2] = {v.x, v.y}; float r[2]; for (int j = 0; j < 2; ++j) r[j] = a[j] * c[i] + a[1 - j] * s[i]; y[i] = make_float2(r[0], r[1]);", 2),
    "kept_in_shared_memory": (ROTATION, "__shared__ float2 r[32]; r[threadIdx.x] = make_float2(v.x * c[i] - v.y * s[i], v.y * c[i] + v.x * s[i]); __syncthreads(); y[i] = r[threadIdx.x];", 2),
}  # fmt: skip


def written(folder: Path, model: onnx.ModelProto, body: str) -> Path:
    folder.mkdir(exist_ok=True)
    function = "__device__ float turned(float a, float b, float e, float f) { return a * b + e * f; }\n"
    (folder / "kernel.cu").write_text(f"{function}{HEAD}    {body}\n}}\n")
    (folder / "kernel.toml").write_text(SPEC)
    onnx.save(model, folder / "model.onnx")
    return folder


def fusions(x: Any) -> list[list[Any]]:
    found = [x] if isinstance(x, list) and x and x[0] == "fma" else []
    inner = x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()
    return found + [n for y in inner for n in fusions(y)]


def falsified(p: Pair, change: Callable[[list[Any]], None], which: int) -> Pair:
    data = copy.deepcopy(p.data)
    change(fusions(data["orders"])[which])
    return Pair(p.folder, data, p.spec, p.kernel, p.binder)


def rounded(step: list[Any]) -> None:
    leaf = ["leaf", step[1]]
    step[:] = ["add", ["neg", leaf] if step[2] else leaf, step[3]]


def the_other_sign(step: list[Any]) -> None:
    step[2] = not step[2]


@pytest.mark.parametrize("name", BODIES)
def test_the_certificate_says_which_products_are_fused(name: str, tmp_path: Path) -> None:
    model, body, count = BODIES[name]
    p = prove(written(tmp_path, model, body))
    assert p.data["without_orders"] == ""
    assert len(fusions(p.data["orders"])) == count
    assert all(p.different({}, run) == 0 for run in RUNS)
    request = CheckRequest(str(tmp_path / "kernel.cu"), p.model, order=str(tmp_path / "certificate.json"))
    assert check(request).relation is Relation.BITWISE
    for which in range(count):
        for change in (rounded, the_other_sign):
            wrong = falsified(p, change, which)
            assert any(wrong.different({}, run) > 0 for run in RUNS)
            path = tmp_path / "given.json"
            path.write_text(json.dumps(wrong.data))
            assert not recheck(str(path), CheckRequest(str(tmp_path / "kernel.cu"), p.model)).holds


# ------------------------------------------------------------------------------------------------ one term, two additions
@pytest.mark.parametrize("swapped", [False, True])
def test_one_term_for_two_additions_has_an_order_where_both_are_compiled_alike(swapped: bool, tmp_path: Path) -> None:
    """Both elements of a store are c x + s: one term of the proof, of which the text fuses the left operand, or the right one."""
    model = graph([("Mul", "x c", "a"), ("Add", "a s", "y")], {"x": (F32, [N, 2]), "c": (F32, [N, 1]), "s": (F32, [N, 1])}, {"y": (F32, [N, 2])})  # fmt: skip
    second = "s[i] + v.y * c[i]" if swapped else "v.y * c[i] + s[i]"
    p = prove(written(tmp_path, model, f"y[i] = make_float2(v.x * c[i] + s[i], {second});"))
    assert p.data["without_orders"] == ""
    assert all(p.different({}, run) == 0 for run in RUNS)


def test_no_order_where_one_product_is_fused_in_one_of_two_places_that_are_one_term(tmp_path: Path) -> None:
    """The product p is read twice, so that the interpreter's compiler does not fuse it; written out, it does."""
    model = graph([("Mul", "x c", "a"), ("Add", "a s", "y")], {"x": (F32, [N, 2]), "c": (F32, [N, 1]), "s": (F32, [N, 1])}, {"y": (F32, [N, 2])})  # fmt: skip
    body = (
        "const float p = v.x * c[i]; const float q = p + s[i]; y[i] = make_float2(p == 0.f ? q : q, v.y * c[i] + s[i]);"
    )
    folder = written(tmp_path, model, body)
    path = folder / "certificate.json"
    result = check(CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"), certificate=str(path)))
    assert result.why == ""
    data = json.loads(path.read_text())
    assert data["orders"] is None
    assert "TV0661" in data["without_orders"] or "TV0664" in data["without_orders"]


@pytest.mark.parametrize("turn", [(0, 1), (1, 0)])
def test_sums_of_rows_that_data_choose_have_an_order(turn: tuple[int, int], tmp_path: Path) -> None:
    """A load whose place is data, beside another: which of the two comes first decides nothing."""
    ends = {"table": (F32, [8, N]), "at": (I64, [1]), "w": (F32, [N]), "b": (F32, [N])}
    model = graph(
        [("Gather", "table at", "row"), ("Mul", "row w", "p"), ("Add", "p b", "y")], ends, {"y": (F32, [1, N])}
    )
    sums = ["table[at[0] * 64 + i] * w[i]", "b[i]"]
    kernel = f"""__global__ void k(const float* table, const long long* at, const float* w, const float* b, float* y)
{{
    const int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = {sums[turn[0]]} + {sums[turn[1]]};
}}
"""
    (tmp_path / "kernel.cu").write_text(kernel)
    args = "".join(f"{n} = '{n}'\n" for n in (*ends, "y"))
    (tmp_path / "kernel.toml").write_text(
        f"grid = [{N // 32}]\nblock = [32]\n[inputs]\nat = {{ min = 0, max = 7 }}\n[args]\n{args}"
    )
    onnx.save(model, tmp_path / "model.onnx")
    p = prove(tmp_path)
    assert p.data["without_orders"] == ""
    assert len(fusions(p.data["orders"])) == 1
    assert all(p.different({}, run) == 0 for run in RUNS)
    assert any(p.different({}, run, orders=False) > 0 for run in RUNS)
