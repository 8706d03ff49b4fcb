"""Mutants: each operator's edit, the sample, what makes two kernels one, and how a run is resumed and judged."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "corpus"), str(ROOT / "benchmarks")]

from c_tokens import tokens
from mutants import compiling, table
from mutants.__main__ import read_rows, run_all, summary, unfinished
from mutants.graphing import GRAPH_OPERATORS
from mutants.launching import SPEC_OPERATORS
from mutants.life import Limits, _proved, _refuted, life, on_gpu
from mutants.normal import normalised
from mutants.population import MOST_SHARE, Mutant, beside_text, case_names, mutants_of, original, quotas, sample
from mutants.registry import OPERATORS
from mutants.source import Source

from tv.examine import read_inputs
from tv.gpu.run import Left, bytes_of
from tv.kernel import Kernel
from tv.refute.patterns import Pattern
from tv.refute.setting import Setting
from tv.refute.trials import Trial, execute
from tv.request import CheckRequest

Row = dict[str, Any]
KERNEL = """\
#include <cuda_fp16.h>
#define N 64
struct Pair { float a, b; };
__device__ float twice(float x) { return x * 2.0f; }
void host(int n) { if (n < 3) return; }
__global__ void k(const float* __restrict__ x, float* y, int n)
{
    __shared__ float s[N];
    const int row = blockIdx.x * N;
    float best = -INFINITY, sum = 0.0f;
    for (int i = threadIdx.x; i < n; i += 32) {
        sum += x[row * n + i] * 0.5f;
    }
    s[threadIdx.x] = (float)(half)sum;
    __syncthreads();
    for (int o = N >> 1; o > 0; o >>= 1) {
        if (threadIdx.x < o) s[threadIdx.x] += s[threadIdx.x + o];
        __syncthreads();
    }
    sum = __shfl_xor_sync(0xffffffff, sum, 1);
    best = sum > best ? sum : best;
    if (threadIdx.x == 0) y[row & 3] = __fdiv_rn(expf(best - s[0]), sqrtf(sum)) + fmaxf(a, b);
}
"""

# Of every operator one edit of KERNEL, as it is told.
EDITS = {
    "barrier_dropped": "line 15: `__syncthreads();` -> `;`",
    "barrier_moved": "line 14: `s[threadIdx.x] = (float)(half)sum; __syncthreads();` -> "
    "`__syncthreads(); s[threadIdx.x] = (float)(half)sum;`",
    "barrier_weakened": "line 15: `__syncthreads` -> `__syncwarp`",
    "bound_by_one": "line 11: `n` -> `(n) - 1`",
    "guard_changed": "line 17: `<` -> `<=`",
    "choice_changed": "line 21: `sum : best` -> `best : sum`",
    "statements_swapped": "line 20: `sum = __shfl_xor_sync(0xffffffff, sum, 1); best = sum > best` -> "
    "`best = sum > best ? sum : best; sum = __shfl_xor_sync(0xffff`",
    "statement_dropped": "line 12: `sum += x[row * n + i] * 0.5f;` -> `;`",
    "index_offset": "line 12: `row * n + i` -> `(row * n + i) + 1`",
    "index_scaled": "line 12: `row * n + i` -> `(row * n + i) * 2`",
    "index_swapped": "line 12: `n + i` -> `i + n`",
    "stride_changed": "line 11: `32` -> `2 * (32)`",
    "mask_changed": "line 22: `3` -> `((3) + 1)`",
    "shift_changed": "line 16: `>>=` -> `<<=`",
    "term_dropped": "line 12: `* 0.5f` -> ``",
    "initial_value": "line 10: `-INFINITY` -> `0.0f`",
    "constant_last_bits": "line 12: `0.5f` -> `(0.4999999701976776f)`",
    "operation_changed": "line 22: `fmaxf` -> `fminf`",
    "defined_constant": "line 2: `64` -> `65`",
    "operands_swapped": "line 22: `a, b` -> `b, a`",
    "rounding_changed": "line 22: `__fdiv_rn` -> `__fdiv_rz`",
    "type_changed": "line 10: `float` -> `double`",
    "cast_dropped": "line 14: `(half)` -> ``",
    "cast_changed": "line 14: `float` -> `int`",
    "fast_function": "line 22: `expf` -> `__expf`",
}


def told(name: str) -> list[str]:
    return [c.told(KERNEL) for c in OPERATORS[name](Source(KERNEL))]


def small_model() -> onnx.ModelProto:
    nodes = [
        helper.make_node("ReduceSum", ["x", "axes"], ["s"], "sum", keepdims=1),
        helper.make_node("Div", ["x", "s"], ["q"], "quotient"),
        helper.make_node("Softmax", ["q"], ["y"], "softmax", axis=-1),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [4, 8]) for n in "xy"]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [axes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.fixture(scope="module")
def population() -> list[Mutant]:
    return [m for case in case_names() for m in mutants_of(original(case))]


# ------------------------------------------------------------------------------------------------ operators
def test_every_operator_on_texts_has_an_example() -> None:
    assert set(EDITS) == set(OPERATORS)


@pytest.mark.parametrize("name", sorted(EDITS))
def test_an_operator_makes_its_edit(name: str) -> None:
    assert EDITS[name] in told(name)


@pytest.mark.parametrize("name", sorted(EDITS))
def test_a_change_keeps_all_else_of_the_text(name: str) -> None:
    for change in OPERATORS[name](Source(KERNEL)):
        first, stop = change.pieces[0][0], change.pieces[-1][1]
        new = change.applied(KERNEL)
        assert new.startswith(KERNEL[:first])
        assert new.endswith(KERNEL[stop:])
        assert new != KERNEL
        assert tokens(new)


def test_host_code_is_left_alone() -> None:
    lines = {int(t.split()[1].rstrip(":")) for name in OPERATORS for t in told(name)}
    assert lines <= {2, 4, *range(8, 23)}


def test_extents_of_arrays_are_no_indices() -> None:
    assert not [t for t in told("index_offset") if "line 8" in t]


def test_launches_are_changed() -> None:
    spec = {
        "kernel": "k",
        "grid": ["R", 2],
        "block": [64],
        "args": {"x": "x", "y": "y", "eps": 0.5},
    }
    found = {name: {t for t, _ in of_spec(spec)} for name, of_spec in SPEC_OPERATORS.items()}
    assert {"launch 0: block[0] 64 -> 63", "launch 0: grid[0] R -> (R) - 1"} <= found["launch_dimensions"]
    assert "launch 0: grid ['R', 2] -> [2, 'R']" in found["launch_dimensions"]
    assert found["launch_argument"] == {"launch 0: x <-> y", "launch 0: eps = 0.5 -> 1.5", "launch 0: eps = 0.5 -> 1.0"}
    assert spec["block"] == [64]


def test_graphs_are_changed() -> None:
    model = small_model()
    before = model.SerializeToString(deterministic=True)
    found = {name: {t for t, _ in of_graph(model)} for name, of_graph in GRAPH_OPERATORS.items()}
    assert "ReduceSum sum: keepdims 1 -> 0" in found["graph_attribute"]
    assert found["graph_axis"] == {"Softmax softmax: axis -1 -> 0", "Softmax softmax: axis -1 -> 1"}
    assert "axes: the integer before" in found["graph_constant"]
    assert "Div quotient: x <-> s" in found["graph_operand"]
    assert {"Div quotient -> Mul", "Softmax softmax -> LogSoftmax"} <= found["graph_operation"]
    assert model.SerializeToString(deterministic=True) == before


# ------------------------------------------------------------------------------------------------ the sample
def test_a_seed_draws_the_same_mutants_and_another_one_others(population: list[Mutant]) -> None:
    first, again, other = (sample(population, 400, seed) for seed in (1, 1, 2))
    assert [m.name for m in first] == [m.name for m in again]
    assert {m.name for m in first} != {m.name for m in other}


def test_no_mutant_is_there_twice_and_none_is_its_original(population: list[Mutant]) -> None:
    assert len({m.name for m in population}) == len(population)
    for m in population[:: len(population) // 200]:
        if m.change is not None:
            assert " ".join(m.kernel.split()) != " ".join(m.original.kernel.split())


def test_no_operator_has_more_than_its_share(population: list[Mutant]) -> None:
    chosen = sample(population, 4200, 1)
    counts = Counter(m.operator for m in chosen)
    assert len(chosen) == 4200
    assert max(counts.values()) <= MOST_SHARE * len(chosen)
    assert sum(n for name, n in counts.items() if beside_text(name)) <= 0.2 * len(chosen)
    assert len({m.case for m in chosen}) == len({m.case for m in population})


def test_quotas_give_what_a_rare_operator_lacks_to_others() -> None:
    found = quotas(
        {"index_offset": 500, "index_scaled": 500, "shift_changed": 3, "mask_changed": 500}
        | dict.fromkeys("abcdefgh", 500),
        300,
    )
    assert found["shift_changed"] == 3
    assert sum(found.values()) == 300
    assert max(found.values()) <= MOST_SHARE * 300


# ------------------------------------------------------------------------------------------------ one Kernel IR
CASE = "bias_rows_f16/one_each"


def kernel_of(text: str, folder: Path) -> Kernel:
    first = original(CASE)
    kernel, model = Mutant(first, "", "", "").write(folder)
    kernel.write_text(text)
    return read_inputs(CheckRequest(str(kernel), str(model)), lambda _: None)[1]


def test_names_places_and_parentheses_make_no_other_kernel(tmp_path: Path) -> None:
    text = original(CASE).kernel
    renamed = re.sub(r"\bt\b", "shifted", text).replace("{", "{\n\n")
    assert renamed != text
    assert normalised(kernel_of(text, tmp_path)) == normalised(kernel_of(renamed, tmp_path))


def test_another_operation_makes_another_kernel(tmp_path: Path) -> None:
    text = original(CASE).kernel
    before = normalised(kernel_of(text, tmp_path))
    changed = [m for m in mutants_of(original(CASE)) if m.operator in ("term_dropped", "index_offset")]
    assert changed
    for m in changed[:6]:
        assert normalised(kernel_of(m.kernel, tmp_path)) != before


# ------------------------------------------------------------------------------------------------ a run
def some(count: int) -> list[Mutant]:
    return list(mutants_of(original(CASE)))[:count]


def row(m: Mutant, **rest: Any) -> Row:
    base = {"name": m.name, "case": m.case, "operator": m.operator, "told": m.told, "compiles": True, "same_ir": False}
    return {**base, "verdict": "refuted", "truth": "harmful", "replayed": True, "why": "", **rest}


def test_a_finished_mutant_is_not_done_again(tmp_path: Path) -> None:
    path, mutants = tmp_path / "rows.jsonl", some(4)
    done = run_all(mutants[:2], path, 1, time.monotonic() + 60, Limits(), lambda m, _: row(m))
    with path.open("a") as file:
        file.write('{"name": "cut o')
    assert set(read_rows(path)) == {r["name"] for r in done} == {m.name for m in mutants[:2]}


def test_what_was_skipped_is_done_where_there_is_libclang(monkeypatch: pytest.MonkeyPatch) -> None:
    skipped, broken = {"name": "a", "skipped": "libclang"}, {"name": "b", "ended": "after 75 s"}
    assert unfinished(skipped, again=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not unfinished(skipped, again=True)
    assert [unfinished(broken, again) for again in (False, True)] == [False, True]


def test_nothing_begins_when_time_is_up(tmp_path: Path) -> None:
    assert run_all(some(3), tmp_path / "rows.jsonl", 1, time.monotonic() - 1, Limits(), lambda m, _: row(m)) == []


def test_a_process_without_an_answer_is_told_and_never_counted(tmp_path: Path) -> None:
    def breaks(m: Mutant, limits: Limits) -> Row:
        raise RuntimeError("broken")

    path = tmp_path / "rows.jsonl"
    (found,) = run_all(some(1), path, 1, time.monotonic() + 60, Limits(), breaks)
    assert found["ended"] == "raised RuntimeError: broken"
    assert table.judged([found]) == []


@pytest.mark.parametrize(
    "rest",
    [
        {"verdict": "proved", "truth": "harmful", "wrong": "proved, and an execution shows: value"},
        {"verdict": "proved", "truth": "harmless", "gpu": {"bits": "shows y on small:1:0"}},
        {"verdict": "refuted", "truth": "harmless", "wrong": "its counterexample does not show it again"},
        {"verdict": "refuted", "gpu": {"bits": "permitted"}},
    ],
)
def test_an_execution_against_a_verdict_fails_the_run(rest: Row, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = some(2)
    assert summary([row(first)], 1.0) == 0
    assert summary([row(first), row(second, **rest)], 1.0) == 1
    assert f"!!! {table.complaint(row(second, **rest))}" in capsys.readouterr().out


def test_a_counterexample_that_does_not_hold_again_is_a_false_refutation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mutants.life.replay", lambda *_: type("Answer", (), {"holds": False})())
    found = refuted_row(monkeypatch, tmp_path, unchanged=False)
    assert found["truth"] == "harmless"
    assert found["wrong"]


def test_a_refuted_mutant_with_its_original_s_kernel_is_a_false_refutation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mutants.life.replay", lambda *_: type("Answer", (), {"holds": True})())
    assert "wrong" not in refuted_row(monkeypatch, tmp_path, unchanged=False)
    assert "Kernel IR" in refuted_row(monkeypatch, tmp_path, unchanged=True)["wrong"]


def refuted_row(monkeypatch: pytest.MonkeyPatch, folder: Path, unchanged: bool) -> Row:
    np.savez(folder / "found.npz", meta=np.array("{}"))
    found = type("Result", (), {"counterexample": type("Found", (), {"kind": "value"})()})()
    return _refuted(CheckRequest("k.cu", "m.onnx"), found, folder / "found.npz", unchanged)


def test_a_proof_of_a_wrong_kernel_is_found_out_by_execution(tmp_path: Path) -> None:
    """What a proof that is no proof would get: the mutant is wrong, and a search without the proof shows it."""
    m = value_changed()
    kernel, model = m.write(tmp_path)
    found = _proved(CheckRequest(str(kernel), str(model)), tmp_path / "certificate.json", Limits(hunt=20.0))
    assert found["truth"] == "harmful"
    assert found["wrong"].startswith("proved, and an execution shows")


def value_changed() -> Mutant:
    """A product for a sum, where the value is computed."""
    return next(m for m in some(500) if m.operator == "operation_changed" and m.told == "line 13: `*` -> `+`")


@cache
def life_of_value() -> Row:
    return life(value_changed(), Limits(hunt=1.0))


@pytest.fixture(autouse=True)
def quick_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without NVRTC nvcc would be asked, which takes seconds or is not there."""
    if compiling.library() is None:
        monkeypatch.setattr("mutants.life.refused", lambda *_: None)


class Interpreter:
    """Runs launches as a GPU would that gives the interpreter's bits."""

    where = "the interpreter"

    def run(self, setting: Setting, pattern: Pattern) -> Left:
        trial = Trial(tuple(setting.symbols.items()), pattern, None)
        found = execute(setting, trial, False, time.monotonic() + 60, races=False)
        return Left({n: bytes_of(b) for n, b in found.buffers.items()}, ())


def test_a_gpu_speaks_against_a_proof_and_for_a_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mutants.life.gpu_runner", lambda *_: Interpreter())
    wrong, right = value_changed(), next(m for m in some(500) if m.operator == "cast_dropped")
    proved = {"verdict": "proved", "truth": "harmless"}
    assert on_gpu(right, row(right, **proved), Limits()) == {"where": "the interpreter", "bits": "permitted"}
    found = row(wrong, **proved, gpu=on_gpu(wrong, row(wrong, **proved), Limits()))
    assert table.complaint(found).startswith("proved, but a GPU shows y")
    refuted = life_of_value()
    answer = on_gpu(wrong, refuted, Limits())
    assert answer["bits"] == "shows"
    assert answer["tolerance"] == refuted["tolerance"] == {"0.01": False, "0.0001": False}


# ------------------------------------------------------------------------------------------------ the table
def test_the_table_counts_by_operator() -> None:
    mutants = some(500)
    by = {m.operator: m for m in mutants}
    a, b = by["index_offset"], by["term_dropped"]
    rows = [
        row(a, tolerance={"0.01": True, "0.0001": False}),
        row(b, verdict="unknown", replayed=False),
        row(mutants[0], verdict="proved", truth="harmless", same_ir=True, replayed=False),
        {"name": "x", "operator": a.operator, "compiles": False, "why": "no such name"},
        {"name": "y", "operator": a.operator, "skipped": "libclang"},
    ]
    counts = table.counted(rows)
    assert (counts["all"].mutants, counts["all"].harmful, counts["all"].replayed, counts["all"].unknown) == (3, 2, 1, 1)
    assert (counts["index_offset"].passes_coarse, counts["index_offset"].passes_fine) == (1, 0)
    assert [r["name"] for r in table.survivors(rows)] == [b.name]
    assert json.loads(json.dumps(table.record(rows, {"seed": 1})))["no_kernel"] == 1


def test_the_table_stands_between_its_marks() -> None:
    document = (ROOT / "docs" / "soundness.md").read_text()
    new = table.placed(document, "| a |")
    assert table.placed(new, "| b |") == table.placed(document, "| b |")
    with pytest.raises(ValueError, match="mutants"):
        table.placed("no marks", "")


# ------------------------------------------------------------------------------------------------ whole lives
LIVES: list[tuple[str, Callable[[Row], bool]]] = [
    ("value", lambda r: r["verdict"] == "refuted" and r["replayed"] and r["truth"] == "harmful"),
    ("graph_operation", lambda r: r["verdict"] == "refuted" and r["same_ir"]),
    ("cast_dropped", lambda r: r["verdict"] == "proved" and r["truth"] == "harmless"),
]


@pytest.mark.parametrize(("operator", "holds"), LIVES, ids=[n for n, _ in LIVES])
def test_a_life_ends_in_a_verdict_that_executions_agree_with(operator: str, holds: Callable[[Row], bool]) -> None:
    if operator == "value":
        found = life_of_value()
    else:
        found = life(next(m for m in some(500) if m.operator == operator), Limits(hunt=1.0))
    assert found["compiles"]
    assert holds(found)
    assert not table.complaint(found)


def test_the_figures_in_the_readme_are_those_of_the_record() -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "mutants.json").read_text())
    every = record["counts"]["all"]
    words = " ".join((ROOT / "README.md").read_text().split())
    assert f"Of {every['harmful']} mutants of right kernels that an execution shows to be wrong" in words
    assert f"lets {every['passes_coarse']} pass at a tolerance of 1e-2 and {every['passes_fine']} at 1e-4" in words
    assert f"refutes {every['replayed']} by a run" in words
    assert every["wrong_proofs"] == every["false_refutations"] == len(record["against"]) == 0
