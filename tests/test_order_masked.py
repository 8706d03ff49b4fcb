"""Kernels that skip masked keys: their graphs, evaluated without those keys in the certified order, have their bits."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from order_running import Normal, Pair, prove

from tests.checking import F32
from tests.test_masked_attention import (  # fmt: skip
    BOUNDED,
    EVERY,
    FINITE,
    GUARD,
    LOWEST,
    SKIPPING,
    SPEC,
    D,
    R,
    added,
    attention,
    filled,
    kept,
    stored,
    truths,
    zeros,
)
from tv.check import check
from tv.diagnostic import BadInput, Unknown
from tv.masking import ASSUMED
from tv.obligation import Relation
from tv.recheck import recheck
from tv.request import CheckRequest
from tv.verdict import Verdict

RUNS = [Normal(0), Normal(1), Normal(2)]
FROM_LAST = "for (int p = KEYS - 1; p >= 0; p--) sum = __fadd_rn(sum, score[p]);"


def backwards(kernel: str, keys: str) -> str:
    """The denominator summed from the last key, and products of the weights left to nvcc to fuse."""
    up = f"for (int p = 0; p < {keys}; p++) sum = __fadd_rn(sum, score[p]);"
    fused = "acc = fmaf(__fdiv_rn(score[p], sum), v[p * 8 + t], acc);"
    assert up in kernel
    assert fused in kernel
    out = kernel.replace(up, FROM_LAST.replace("KEYS", f"({keys})"))
    return out.replace(fused, "acc += __fdiv_rn(score[p], sum) * v[p * 8 + t];")


def written(folder: Path, kernel: str, model: onnx.ModelProto, stated: str, launch: str = SPEC) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "kernel.cu").write_text(kernel)
    (folder / "kernel.toml").write_text(launch + stated)
    onnx.save(model, folder / "model.onnx")
    return folder


SKIPS, ALL = backwards(SKIPPING, "i + 1"), backwards(EVERY, "12")
STATED = BOUNDED + FINITE
PAIRS = {
    "filled": (SKIPS, filled(), "[inputs]\n" + FINITE),
    "added": (SKIPS, added(), STATED),
    "guarded": (SKIPS, added(rest=GUARD), STATED),
    "filled_with_lowest": (SKIPS, filled(LOWEST), STATED),
    "stored": (SKIPS, stored(), STATED),
    "stored_of_several_values": (SKIPS, stored(at={(0, 5): float("-inf"), (3, 7): -1e30}), STATED),
    "computed_of_stored": (SKIPS, kept(), STATED),
    "stored_truths": (SKIPS, truths(), STATED),
    "zero_added": (ALL, attention([("Add", "s zero", "x")]), ""),
    "zeros_of_both_signs": (ALL, zeros(0.0, -0.0), BOUNDED),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_graph_without_masked_keys_has_the_kernels_bits(name: str, tmp_path: Path) -> None:
    p = prove(written(tmp_path, *PAIRS[name]))
    assert p.data["without_orders"] == ""
    assert p.data["masked"] != []
    assert all(p.different({}, run) == 0 for run in RUNS)
    assert any(p.different({}, run, orders=False) > 0 for run in RUNS)


# ------------------------------------------------------------------------------------------------ a product fused into what is left
SHIFTED = attention(
    [("Mul", "s scale", "t"), ("Add", "t shift", "u"), ("LessOrEqual", "columns rows", "seen"),
     ("Where", "seen zero low", "mask"), ("Add", "u mask", "x")],
    scale=(F32, [], [0.3]), shift=(F32, [], [0.1]),
)  # fmt: skip
SCORE = "score[p] = dot(q + i * 8, k + p * 8);"
FUSED_SCORE = SKIPS.replace(SCORE, "score[p] = dot(q + i * 8, k + p * 8) * 0.3f + 0.1f;")
ROUNDED_SCORE = SKIPS.replace(SCORE, "score[p] = __fadd_rn(__fmul_rn(dot(q + i * 8, k + p * 8), 0.3f), 0.1f);")


def test_a_product_fused_beside_a_mask_that_is_left_out_is_fused_in_the_graph(tmp_path: Path) -> None:
    fused, rounded = (
        prove(written(tmp_path / n, kernel, SHIFTED, STATED))
        for n, kernel in (("fused", FUSED_SCORE), ("rounded", ROUNDED_SCORE))
    )
    for p in (fused, rounded):
        assert p.data["without_orders"] == ""
        assert all(p.different({}, run) == 0 for run in RUNS)
    crossed = Pair(fused.folder, rounded.data, fused.spec, fused.kernel, fused.binder)
    assert any(crossed.different({}, run) > 0 for run in RUNS)


# ------------------------------------------------------------------------------------------------ falsified
@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return prove(written(tmp_path_factory.mktemp("masked") / "case", *PAIRS["stored"]))


def falsified(case: Pair, change: dict[str, Any]) -> Pair:
    return Pair(case.folder, {**copy.deepcopy(case.data), **change}, case.spec, case.kernel, case.binder)


def valid(p: Pair) -> bool:
    path = p.folder / "given.json"
    path.write_text(json.dumps(p.data))
    return recheck(str(path), CheckRequest(str(p.folder / "kernel.cu"), p.model)).holds


def test_its_certificate_is_valid(case: Pair) -> None:
    assert valid(case)


def test_what_is_left_out_is_part_of_what_is_rechecked(case: Pair) -> None:
    masked = case.data["masked"]
    assert len(masked) == 3
    for n in range(len(masked)):
        assert not valid(falsified(case, {"masked": [*masked[:n], *masked[n + 1 :]]}))
        assert not valid(falsified(case, {"masked": [*masked, masked[n]]}))
        assert not valid(
            falsified(case, {"masked": [[u, "x"] if k == n else [u, v] for k, (u, v) in enumerate(masked)]})
        )
    assert not valid(falsified(case, {"masked": []}))


@pytest.mark.parametrize("rubbish", [7, None, "x", {}, [1], [["x"]], [["x", 1]], [["x", "y", "z"]], [["nowhere", "x"]]])
def test_a_damaged_list_of_what_is_left_out_is_bad_input_to_an_evaluation(case: Pair, rubbish: object) -> None:
    with pytest.raises(BadInput):
        falsified(case, {"masked": rubbish}).different({}, RUNS[0])


def test_an_order_of_what_is_left_is_about_nothing_where_nothing_is_left_out(case: Pair) -> None:
    masked, orders = case.data["masked"], json.dumps(case.data["orders"])
    shortened = [x for x in masked if f'"{x[1]}"' in orders]
    assert len(shortened) == 2  # of sums; the exponentials themselves are no part of any
    for x in shortened:
        with pytest.raises(BadInput) as e:
            falsified(case, {"masked": [y for y in masked if y != x]}).different({}, RUNS[0])
        assert e.value.code == "TV0655"


def test_what_inputs_are_stated_to_be_decides_what_may_be_left_out(case: Pair) -> None:
    unstated = [{**i, "min": None, "max": None} for i in case.data["inputs"]]
    with pytest.raises(BadInput) as e:
        falsified(case, {"inputs": unstated}).different({}, RUNS[0])
    assert e.value.code == "TV0655"


def loops(x: Any) -> list[list[Any]]:
    found = [x] if isinstance(x, list) and x and x[0] == "rounds" else []
    inner = x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()
    return found + [n for y in inner for n in loops(y)]


@pytest.mark.parametrize("n", range(3))
def test_an_order_of_a_masked_key_more_or_a_kept_one_less_is_not_the_kernels(case: Pair, n: int) -> None:
    assert len(loops(case.data["orders"])) == 3  # scores, denominators, outputs
    more, less = falsified(case, {}), falsified(case, {})
    last, new = (loops(p.data["orders"])[n] for p in (more, less))
    dims = last[1][last[1].index("[") + 1 : last[1].index("]")].split(", ")
    last[1] = last[1].replace(f"{dims[-1]} <= {dims[-2]}", f"{dims[-1]} <= 1 + {dims[-2]}")
    new[1] = new[1].replace(" }", f" and {dims[-1]} != 0 }}")
    assert last[1] != loops(case.data["orders"])[n][1] != new[1]
    assert not valid(more)
    assert not valid(less)
    with pytest.raises(Unknown) as e:  # the graph without masked keys has no value there
        more.different({}, RUNS[0])
    assert e.value.code == "TV0656"
    assert any(less.different({}, run) > 0 for run in RUNS)


# ------------------------------------------------------------------------------------------------ --order
THREAD_A_ROW = """__device__ float dot(const float* a, const float* b) {
  float s = 0.f;
  for (int d = 0; d < 8; d++) s = fmaf(a[d], b[d], s);
  return s;
}
__global__ void attend(const float* q, const float* k, const float* v, float* o) {
  int i = threadIdx.x;
  float score[12];
  float best = -INFINITY;
  for (int p = 0; p <= i; p++) {
    score[p] = dot(q + i * 8, k + p * 8);
    best = fmaxf(best, score[p]);
  }
  float sum = 0.f;
  for (int p = i; p >= 0; p--) {
    score[p] = expf(__fsub_rn(score[p], best));
    sum += score[p];
  }
  for (int d = 0; d < 8; d++) {
    float acc = 0.f;
    for (int p = 0; p <= i; p++) acc += __fdiv_rn(score[p], sum) * v[p * 8 + d];
    o[i * 8 + d] = acc;
  }
}
"""
ONE_BLOCK = SPEC.replace(f"grid = [{R}]\nblock = [{D}]", f"grid = [1]\nblock = [{R}]")


def ordered(
    folder: Path, kernel: str, order: str | None, stated: str = STATED
) -> tuple[Verdict, Relation | None, list[str]]:
    written(folder, kernel, stored(), stated, ONE_BLOCK)
    result = check(CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"), order=order))
    return result.verdict, result.relation, list(result.assumptions)


def test_bitwise_is_the_order_of_a_certificate_without_masked_keys(tmp_path: Path) -> None:
    p = prove(written(tmp_path / "theirs", THREAD_A_ROW, stored(), STATED, ONE_BLOCK))
    assert all(p.different({}, run) == 0 for run in RUNS)
    order = str(p.folder / "certificate.json")
    verdict, relation, assumptions = ordered(tmp_path / "same", THREAD_A_ROW, order)
    assert (verdict, relation) == (Verdict.PROVED, Relation.BITWISE)
    assert ASSUMED in assumptions
    upwards = THREAD_A_ROW.replace("for (int p = i; p >= 0; p--)", "for (int p = 0; p <= i; p++)")
    rounded = THREAD_A_ROW.replace("acc += __fdiv_rn(score[p], sum) * v[p * 8 + d]", "acc = __fadd_rn(acc, __fmul_rn(__fdiv_rn(score[p], sum), v[p * 8 + d]))")  # fmt: skip
    for other in (upwards, rounded):
        assert other != THREAD_A_ROW
        assert ordered(tmp_path / "other", other, order)[:2] == (Verdict.PROVED, Relation.REASSOC)


def test_an_order_without_masked_keys_is_bad_input_where_less_is_stated_of_inputs(tmp_path: Path) -> None:
    p = prove(written(tmp_path / "theirs", THREAD_A_ROW, stored(), STATED, ONE_BLOCK))
    every = THREAD_A_ROW.replace("p <= i", "p < 12").replace("int p = i;", "int p = 11;")
    masked = every.replace(
        "= dot(q + i * 8, k + p * 8)", "= __fadd_rn(dot(q + i * 8, k + p * 8), p <= i ? 0.f : -3.4e38f)"
    )
    assert ordered(tmp_path / "plain", masked, None, "")[0] is Verdict.PROVED
    order = str(p.folder / "certificate.json")
    assert ordered(tmp_path / "unstated", masked, order, "")[0] is Verdict.BAD_INPUT
