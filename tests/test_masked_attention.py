"""Kernels that skip masked keys, or leave a mask of zeros out, against graphs that do neither: when they are equal, and when not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.checking import BOOL, F32, I64, checked, graph
from tests.graph_running import read_model, save, values_of
from tv import check as checking
from tv.examine import numbered
from tv.launch import InputAssumption
from tv.masking import Possible, alternatives, suppositions
from tv.verdict import Verdict

R, D = 12, 8
BOUNDED = "[inputs]\nq = { min = -64, max = 64 }\nk = { min = -64, max = 64 }\n"
FINITE = 'finite = ["v"]\n'

KERNEL = """
__device__ float dot(const float* a, const float* b) {
  float s = 0.f;
  for (int d = 0; d < 8; d++) s = fmaf(a[d], b[d], s);
  return s;
}
__global__ void attend(const float* q, const float* k, const float* v, float* o) {
  __shared__ float score[12], red[8];
  int i = blockIdx.x, t = threadIdx.x;
  float best = -INFINITY;
  for (int p = t; p < KEYS; p += 8) {
    score[p] = dot(q + i * 8, k + p * 8);
    best = fmaxf(best, score[p]);
  }
  red[t] = best;
  __syncthreads();
  for (int n = 4; n > 0; n >>= 1) {
    if (t < n) red[t] = fmaxf(red[t], red[t + n]);
    __syncthreads();
  }
  best = red[0];
  __syncthreads();
  for (int p = t; p < KEYS; p += 8) score[p] = expf(__fsub_rn(score[p], best));
  __syncthreads();
  float sum = 0.f;
  for (int p = 0; p < KEYS; p++) sum = __fadd_rn(sum, score[p]);
  float acc = START;
  for (int p = FROM; p < KEYS; p++) acc = fmaf(__fdiv_rn(score[p], sum), v[p * 8 + t], acc);
  o[i * 8 + t] = acc;
}
"""
SKIPPING = KERNEL.replace("KEYS", "i + 1").replace("START", "0.f").replace("FROM", "0")
FROM_FIRST = (
    KERNEL.replace("KEYS", "i + 1").replace("FROM", "1")
    .replace("START", "__fmul_rn(__fdiv_rn(score[0], sum), v[t])")
)  # fmt: skip
EVERY = KERNEL.replace("KEYS", "12").replace("START", "0.f").replace("FROM", "0")
SPEC = f'grid = [{R}]\nblock = [{D}]\n[args]\nq = "q"\nk = "k"\nv = "v"\no = "o"\n'

Node = tuple[str, str, str] | onnx.NodeProto
LOWEST = -3.4e38
GUARD: list[Node] = [("Softmax", "x", "w"), ("IsNaN", "w", "bad"), ("Where", "bad zero w", "p"), ("MatMul", "p v", "o")]
SOFTMAX: list[Node] = [("Softmax", "x", "p"), ("MatMul", "p v", "o")]
SEEN: list[Node] = [("LessOrEqual", "columns rows", "seen")]


def attention(
    masking: list[Node], rest: list[Node] | None = None, low: float = float("-inf"), **stored: Any
) -> onnx.ModelProto:
    """masking: from the scores `s` and the stored positions to `x`; rest: from `x` to the output."""
    nodes: list[Node] = [helper.make_node("Transpose", ["k"], ["kt"], perm=[1, 0]), ("MatMul", "q kt", "s")]
    ends = {n: (F32, [R, D]) for n in "qkv"}
    known = {
        "columns": (I64, [1, R], list(range(R))),
        "rows": (I64, [R, 1], list(range(R))),
        "zero": (F32, [], [0.0]),
        "low": (F32, [], [low]),
    }
    return graph(
        [*nodes, *masking, *(SOFTMAX if rest is None else rest)], ends, {"o": (F32, [R, D])}, **{**known, **stored}
    )


def filled(low: float = float("-inf"), rest: list[Node] | None = None, seen: list[Node] = SEEN) -> onnx.ModelProto:
    return attention([*seen, ("Where", "seen s low", "x")], rest, low)


def added(low: float = float("-inf"), rest: list[Node] | None = None, seen: list[Node] = SEEN) -> onnx.ModelProto:
    return attention([*seen, ("Where", "seen zero low", "mask"), ("Add", "s mask", "x")], rest, low)


def stored(
    low: float = LOWEST, rest: list[Node] | None = None, at: dict[tuple[int, int], float] | None = None
) -> onnx.ModelProto:
    """The mask stored: 0 up to the diagonal, `low` after it, other numbers where `at` says so."""
    mask = np.where(np.tril(np.ones((R, R), np.bool_)), 0.0, low)
    for place, value in (at or {}).items():
        mask[place] = value
    return attention([("Add", "s mask", "x")], rest, mask=(F32, [R, R], mask.reshape(-1)))


def kept(low: float = LOWEST) -> onnx.ModelProto:
    """Which keys are kept stored as numbers 1 and 0, of which the mask is computed."""
    keep = np.tril(np.ones((R, R)))
    masking: list[Node] = [("Sub", "one keep", "gone"), ("Mul", "gone low", "mask"), ("Add", "s mask", "x")]
    return attention(masking, low=low, keep=(F32, [R, R], keep.reshape(-1)), one=(F32, [], [1.0]))


def truths() -> onnx.ModelProto:
    keep = np.tril(np.ones((R, R), np.bool_))
    return attention([("Where", "keep s low", "x")], low=LOWEST, keep=(BOOL, [R, R], keep.reshape(-1)))


def zeros(*signed: float) -> onnx.ModelProto:
    """Stored zeros, of the signs of these by turns, along the keys and down the rows."""
    many = [signed[(i // 3 + j) % len(signed)] for i in range(R) for j in range(R)]
    return attention([("Add", "s zeros", "x")], GUARD, zeros=(F32, [R, R], many))


def verdict(folder: Path, patch: pytest.MonkeyPatch, kernel: str, model: onnx.ModelProto, spec: str = "") -> Verdict:
    """Without a search for a counterexample: only what is proved counts here."""
    patch.setattr(
        checking, "shown", lambda request, spec, kernel, launch, f, start, progress: (numbered(f.obligations), None)
    )
    return checked(folder, kernel, model, SPEC + spec).verdict


@pytest.mark.parametrize(("kernel", "model", "spec"), [
    (SKIPPING, filled(), "[inputs]\n" + FINITE),
    (SKIPPING, added(), BOUNDED + FINITE),
    (SKIPPING, added(rest=GUARD), BOUNDED + FINITE),
    (EVERY, attention([("Add", "s zero", "x")]), ""),
    (EVERY, attention([("Add", "zero s", "x")], GUARD), BOUNDED),
    (EVERY, attention([("Add", "s zeros", "x")], zeros=(F32, [1, R], [0.0, -0.0] * (R // 2))), ""),
    (EVERY.replace("= dot(", "= -dot("), attention([("Neg", "s", "n"), ("Add", "n zero", "x")]), ""),
    (SKIPPING, filled(LOWEST), BOUNDED + FINITE),
    (SKIPPING, added(LOWEST, GUARD), BOUNDED + FINITE),
    (SKIPPING, added(-7e4), BOUNDED + FINITE),
    (SKIPPING, stored(), BOUNDED + FINITE),
    (SKIPPING, stored(float("-inf"), GUARD), BOUNDED + FINITE),
    (SKIPPING, stored(at={(0, 5): float("-inf"), (3, 7): -1e30}), BOUNDED + FINITE),
    (SKIPPING, stored(at={(4, 2): -0.0}), BOUNDED + FINITE),
    (SKIPPING, kept(), BOUNDED + FINITE),
    (SKIPPING, truths(), BOUNDED + FINITE),
    (EVERY, zeros(0.0), BOUNDED),
    (EVERY, zeros(-0.0), BOUNDED),
    (EVERY, zeros(0.0, -0.0, -0.0, 0.0), BOUNDED),
], ids=["filled", "added", "guarded", "zero_added", "guard_left_out", "either_zero_added", "zero_added_to_minus_zero", "filled_with_lowest",
        "lowest_added", "low_enough", "stored", "stored_infinities", "stored_of_several_values", "stored_minus_zero", "computed_of_stored",
        "stored_truths", "stored_zeros", "stored_minus_zeros", "stored_zeros_of_both_signs"])  # fmt: skip
def test_a_kernel_without_the_mask_is_proved(
    kernel: str, model: onnx.ModelProto, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(tmp_path, monkeypatch, kernel, model, spec) is Verdict.PROVED


def after(op: str) -> list[Node]:
    """x is what `op` makes of the masked scores."""
    return [*SEEN, ("Where", "seen zero low", "mask"), ("Add", "s mask", "y"), (op, "y", "x")]


WRONG = {
    "values_may_be_infinite": (SKIPPING, filled(), ""),
    "masked_scores_may_be_infinite": (SKIPPING, added(), "[inputs]\n" + FINITE),
    "finite_scores_may_overflow": (SKIPPING, added(), '[inputs]\nfinite = ["q", "k", "v"]\n'),
    "only_queries_bounded": (SKIPPING, added(), "[inputs]\nq = { min = -64, max = 64 }\n" + FINITE),
    "masked_by_a_number": (SKIPPING, added(low=-1e4), BOUNDED + FINITE),
    "filled_with_a_number": (SKIPPING, filled(low=-3e4), BOUNDED + FINITE),
    "filled_with_lowest_of_any_scores": (SKIPPING, filled(LOWEST), "[inputs]\n" + FINITE),
    "lowest_added_to_any_scores": (SKIPPING, added(LOWEST), '[inputs]\nfinite = ["q", "k", "v"]\n'),
    "lowest_of_values_that_may_be_infinite": (SKIPPING, added(LOWEST), BOUNDED),
    "low_but_not_enough": (SKIPPING, added(-65600.0), BOUNDED + FINITE),
    "lowest_in_rows_without_a_key": (SKIPPING.replace("i + 1", "i"), added(LOWEST, seen=[("Less", "columns rows", "seen")]), BOUNDED + FINITE),
    "lowest_negated": (SKIPPING, attention([*SEEN, ("Where", "seen zero low", "mask"), ("Sub", "s mask", "x")], low=LOWEST), BOUNDED + FINITE),
    "stored_opened_at_one_key": (SKIPPING, stored(at={(3, 9): 0.0}), BOUNDED + FINITE),
    "stored_closed_at_one_key": (SKIPPING, stored(at={(9, 3): LOWEST}), BOUNDED + FINITE),
    "stored_row_shifted": (SKIPPING, stored(at={(6, 7): 0.0, (6, 0): LOWEST}), BOUNDED + FINITE),
    "stored_not_a_number": (SKIPPING, stored(at={(3, 9): float("nan")}), BOUNDED + FINITE),
    "stored_plus_infinity": (SKIPPING, stored(at={(3, 9): float("inf")}), BOUNDED + FINITE),
    "stored_higher_at_one_key": (SKIPPING, stored(at={(3, 9): -1e4}), BOUNDED + FINITE),
    "stored_not_zero_at_one_key": (SKIPPING, stored(at={(9, 3): 1e-30}), BOUNDED + FINITE),
    "stored_one_key_more": (SKIPPING.replace("i + 1", "min(i + 2, 12)"), stored(), BOUNDED + FINITE),
    "stored_one_key_less": (SKIPPING.replace("i + 1", "max(i, 1)"), stored(), BOUNDED + FINITE),
    "computed_of_stored_not_low_enough": (SKIPPING, kept(-100.0), BOUNDED + FINITE),
    "zeros_and_one_that_is_none": (EVERY, zeros(0.0, -0.0, 1e-45), BOUNDED),
    "filled_with_plus_infinity": (SKIPPING, filled(low=float("inf")), BOUNDED + FINITE),
    "rows_without_a_key": (SKIPPING.replace("i + 1", "i"), filled(seen=[("Less", "columns rows", "seen")]), BOUNDED + FINITE),
    "another_mask": (SKIPPING, filled(seen=[("GreaterOrEqual", "columns rows", "seen")]), BOUNDED + FINITE),
    "one_key_more": (SKIPPING.replace("i + 1", "min(i + 2, 12)"), filled(), BOUNDED + FINITE),
    "one_key_less": (SKIPPING.replace("i + 1", "max(i, 1)"), filled(), BOUNDED + FINITE),
    "sum_not_from_zero": (FROM_FIRST, filled(), BOUNDED + FINITE),
    "reciprocal_shows_the_sign_of_zero": (EVERY.replace("dot(q + i * 8, k + p * 8)", "__frcp_rn(-dot(q + i * 8, k + p * 8))"),
                                          attention([("Neg", "s", "n"), ("Add", "n zero", "y"), ("Reciprocal", "y", "x")]), BOUNDED + FINITE),
    "scores_negated": (SKIPPING, attention(after("Neg")), BOUNDED + FINITE),
    "a_number_added": (EVERY, attention([("Add", "s low", "x")], low=1e-30), BOUNDED + FINITE),
    "guard_on_data": (SKIPPING, filled(rest=[("Softmax", "x", "w"), ("Greater", "s zero", "c"), ("Where", "c zero w", "p"),
                                             ("MatMul", "p v", "o")]), BOUNDED + FINITE),
    "guard_of_other_values": (EVERY, attention([("Add", "s zero", "x")], [("Softmax", "x", "w"), ("IsNaN", "v2", "bad"),
                                               ("Where", "bad zero w", "p"), ("MatMul", "p v", "o")], v2=(F32, [R, R], [0.0, float("nan")] * (R * R // 2))),
                              BOUNDED),
    "guard_needed": (EVERY, attention([("Add", "s zero", "x")], GUARD), "[inputs]\n" + FINITE),
    "weights_not_divided": (SKIPPING.replace("__fdiv_rn(score[p], sum)", "score[p]"),
                            filled(rest=[("ReduceMax", "x", "m"), ("Sub", "x m", "d"), ("Exp", "d", "p"), ("MatMul", "p v", "o")]), ""),
    "scores_with_the_mask_are_an_output": (EVERY.replace("acc = fmaf", "if (0) acc = fmaf"), attention([("Add", "s zero", "x")]), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_nothing_near_it_is_proved(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, model, spec = WRONG[name]
    assert verdict(tmp_path, monkeypatch, kernel, model, spec) is not Verdict.PROVED


# ------------------------------------------------------------------------------------------------ the terms themselves
NAMES = {
    "filled": filled(),
    "added": added(),
    "guarded": added(rest=GUARD),
    "zero": attention([("Add", "s zero", "x")], GUARD),
    "lowest": added(LOWEST),
    "stored": stored(at={(0, 5): float("-inf"), (4, 2): -0.0}),
}
NUMBERS = [0.0, -0.0, 1.0, -1.0, 64.0, -64.0, 1e-20, 0.3, -7.5]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_every_alternative_has_the_same_bits(name: str, seed: int, tmp_path: Path) -> None:
    """But for NaN: on inputs that the suppositions allow, and (v apart, which has to be finite) on infinities and NaN."""
    model = NAMES[name]
    held = frozenset(t.name for t in model.graph.initializer)
    g = read_model(save(model, tmp_path), fixed=held)
    stated = [InputAssumption(n, min=-64, max=64) for n in "qk"] + [InputAssumption("v", finite=True)]
    found = alternatives(g, suppositions(g, stated), {})
    assert found
    rng = np.random.default_rng(seed)
    odd = [np.inf, -np.inf, np.nan] if name == "filled" else []  # nothing of q and k was needed for it
    feeds = {n: rng.choice(NUMBERS + odd, (R, D)).astype(np.float32) for n in "qk"}
    feeds["v"] = rng.choice(NUMBERS, (R, D)).astype(np.float32)
    values = values_of(g, model, feeds)
    for u in list(g.system.units.values()):
        if u.value.id in found:
            shape = values.shape(u.name)
            at = np.indices(shape).reshape(len(shape), -1)
            env, n = dict(zip(u.scope.dims, at, strict=True)), at.shape[1]
            kind = np.uint32
            want, got = (
                values.term_at(u.name, t, env, n).astype(kind).view(np.float32)
                for t in (u.value, found[u.value.id].term)
            )
            np.testing.assert_array_equal(np.isnan(want), np.isnan(got))
            np.testing.assert_array_equal(
                np.where(np.isnan(want), 0, want).view(kind), np.where(np.isnan(got), 0, got).view(kind)
            )


def test_intervals_hold_what_is_computed(tmp_path: Path) -> None:
    nodes: list[Node] = [
        ("Mul", "x y", "a"), ("Add", "a x", "b"), ("Neg", "b", "c"), ("Abs", "c", "d"), ("ReduceSum", "d axes", "e"), ("Exp", "c", "f"),
        ("Cast", "b", "g"), ("Sub", "x y", "h"), ("ReduceMax", "h axes", "i"), ("Sqrt", "d", "j"), ("Div", "x d", "o"),
    ]  # fmt: skip
    nodes[6] = helper.make_node("Cast", ["b"], ["g"], to=onnx.TensorProto.FLOAT16)
    outs = {n: (F32, [4, 1] if n in "ei" else [4, 6]) for n in "abcdefhijo"} | {"g": (onnx.TensorProto.FLOAT16, [4, 6])}
    model = graph(nodes, {n: (F32, [4, 6]) for n in "xy"}, outs, axes=(I64, [1], [1]))
    g = read_model(save(model, tmp_path), fixed=("axes",))
    possible = Possible(
        g, suppositions(g, [InputAssumption("x", min=-3, max=5), InputAssumption("y", finite=True)]), {}
    )
    small = Possible(g, suppositions(g, [InputAssumption("x", min=-3, max=5), InputAssumption("y", min=-2, max=2)]), {})
    assert (
        small.at(g.system.units[g.outputs["a"].unit].value, "f32", g.system.units[g.outputs["a"].unit].domain).high
        <= 10.001
    )
    rng = np.random.default_rng(3)
    x = rng.uniform(-3, 5, (4, 6)).astype(np.float32)
    for scale, known in ((2.0, small), (3e38, possible)):
        y = (rng.uniform(-1, 1, (4, 6)) * scale).astype(np.float32)
        y[0, :2] = np.float32(scale), np.float32(-scale)
        values = values_of(g, model, {"x": x, "y": y})
        for name, info in g.outputs.items():
            u = g.system.units[info.unit]
            bits = values.tensor(info.unit)
            numbers = (
                bits.astype(np.uint16).view(np.float16) if name == "g" else bits.astype(np.uint32).view(np.float32)
            )
            found = known.at(u.value, u.format, u.domain)
            assert found.nan or not np.isnan(numbers).any(), name
            inside = np.isnan(numbers) | ((numbers >= found.low) & (numbers <= found.high))
            assert inside.all(), name
