"""Counterexamples end to end: what is shown, what must not be shown, and running one again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tv.diagnostic import BadInput
from tv.execution import hunt, opened, replay
from tv.expectation import Case, find_cases
from tv.kernel import Barrier, Shuffle, Store, check, references, walk
from tv.obligation import Obligation, Relation, Status, Witness
from tv.refute import Refuter
from tv.refute.differences import Difference, Differences, graph_values, outside
from tv.refute.patterns import Pattern
from tv.refute.record import element_bits
from tv.refute.slicing import Cut, sliced
from tv.refute.trials import Clock, Trial, execute
from tv.replay.doubt import VARIANTS
from tv.verdict import Counterexample, Verdict

CORPUS = Path(__file__).parent.parent / "corpus"


def case(name: str) -> Case:
    return next(c for c in find_cases(str(CORPUS / Path(name).parent)) if c.name == Path(name).name)


def refuter(name: str, seconds: float = 5) -> Refuter:
    return opened(case(name).request, seconds)[2]


def asked(kind: str, tensor: str = "", **witness: object) -> Obligation:
    return Obligation(f"k.{kind}", kind, Status.UNKNOWN, tensor=tensor, witness=Witness(**witness) if witness else None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("pair_swap/ordered__store_unordered", "race", {19, 20}),
        ("elementwise/bias_relu_float4__unguarded_tail", "bounds", {9}),
        ("gemv_f16/block_row__barrier_in_branch", "barrier", {41}),
        ("gemv_f16/block_row__partials_unguarded", "init", {41}),
        ("residual_half/via_float__unguarded", "bounds", {7}),
    ],
)
def test_a_run_shows_the_defect(name: str, kind: str, line: set[int]) -> None:
    out, found = refuter(name).confirm([asked(kind)])
    assert found is not None
    assert found.kind == kind
    assert found.replayed == "cpu"
    assert out[0].status is Status.REFUTED
    assert out[0].span.line in line


@pytest.mark.parametrize(
    "name",
    [
        "elementwise/bias_relu_float4__relu_before_bias",
        "elementwise/bias_relu_float4__wrong_component",
        "half_fma/separate__one_rounding",
        "half_fma/half2_rn__fused",
        "residual_half/via_float__rounds_toward_zero",
        "rmsnorm/tree_half2__component_dropped",
        "transpose/tiled__zero_added",
    ],
)
def test_values_show_the_defect(name: str) -> None:
    r = refuter(name, 20)
    out, found = r.confirm([asked("equal", t) for t in r.graph.outputs])
    assert found is not None
    assert found.kind == "value"
    assert found.kernel_bits != found.graph_bits
    assert [o.tensor for o in out if o.status is Status.REFUTED] == [found.tensor]


@pytest.mark.parametrize(
    "name",
    [
        "elementwise/bias_relu_float4",
        "half_fma/separate",
        "residual_half/half2_index",
        "rmsnorm/butterflies",
        "transpose/tiled",
        "gemv_f32/block_row",
        "matmul_open/rows",
        "attention_decode/two_pass_tree",
    ],
)
def test_a_correct_kernel_is_never_refuted(name: str) -> None:
    """Some add in another order than the graph, on inputs whose sums need rounding: that is no difference."""
    result = hunt(case(name).request, 1.5)
    assert result.verdict is Verdict.UNKNOWN
    assert result.counterexample is None
    assert not [o for o in result.obligations if o.status is Status.REFUTED]


def test_another_kind_of_event_does_not_refute() -> None:
    out, found = refuter("pair_swap/ordered__store_unordered", 1).confirm([asked("bounds")])
    assert found is None
    assert [o.status for o in out] == [Status.UNKNOWN]
    assert "race" in out[0].message


def test_a_race_shows_that_a_barrier_does_not_hold() -> None:
    _, found = refuter("pair_swap/ordered__store_unordered", 1).confirm([asked("barrier")])
    assert found is not None
    assert found.kind == "race"


def test_an_event_on_another_object_does_not_refute() -> None:
    out, found = refuter("pair_swap/ordered__store_unordered", 1).confirm([asked("race", object="y")])
    assert found is None
    assert out[0].status is Status.UNKNOWN


def test_values_refute_nothing_at_real() -> None:
    r = replace(refuter("half_fma/separate__one_rounding", 1), required=Relation.REAL)
    out, found = r.confirm([asked("equal", "y")])
    assert found is None
    assert out[0].status is Status.UNKNOWN
    assert "rounding" in out[0].message


def test_proved_obligations_are_left_alone() -> None:
    closed = Obligation("k.race", "race", Status.PROVED)
    out, found = refuter("pair_swap/ordered__store_unordered", 1).confirm([closed])
    assert out == [closed]
    assert found is None


def test_other_implementations_of_a_function_stay_within_what_the_graph_may_be() -> None:
    """The kernel's values move, and a kernel that is right under one implementation is right under each."""
    r = refuter("attention_decode/two_pass")
    setting = r.setting({"P": 1})
    trial = Trial((("P", 1),), Pattern("small", 2), ((0, 0, 0), (3, 0, 0), (7, 0, 0)))
    place = setting.places["o"][0]
    seen = set()
    for variant in (0, *VARIANTS):
        outcome = execute(setting, trial, False, float("inf"), variant)
        assert outcome.execution.clean
        assert outcome.execution.loose_functions == {"exp.f32"}
        for index in ((0, 0, 5), (3, 0, 9), (7, 0, 1)):
            mine = element_bits(outcome, "o", place, index)
            at = np.array([np.ravel_multi_index(index, place.shape)])
            value, free_zero = graph_values(setting, trial.pattern, place, at)
            assert value.radius is not None
            assert not outside(np.array([mine], np.uint64), value, "f32", free_zero).any()
            assert (value.radius <= 1e-5 * np.abs(value.numbers("f32")) + 1e-44).all()
            seen.add((index, mine))
    assert len(seen) > 3


def test_a_slice_shows_the_defect_of_the_whole() -> None:
    """All of the slice's events are the kernel's: addresses and order are kept, values are not."""
    r = refuter("residual_mlp_2/grid_sync")
    small = sliced(r.kernel, Cut(("x",)))
    kept = {ref.object for s in walk(small.body) for ref in references(s)}
    assert kept == {"x"}
    assert sum(isinstance(s, Barrier) for s in walk(small.body)) == sum(
        isinstance(s, Barrier) for s in walk(r.kernel.body)
    )
    assert not any(isinstance(s, Shuffle) for s in walk(small.body))
    check(small)
    whole = sliced(r.kernel, Cut(tuple(r.kernel.objects)))
    assert sum(isinstance(s, Store) for s in walk(whole.body)) == sum(isinstance(s, Store) for s in walk(r.kernel.body))


def test_a_slice_keeps_what_decides_control_flow() -> None:
    """`while (counter < target)` reads memory: the loop, the counter's atomics and their operands stay."""
    r = refuter("residual_mlp/atomic_counter")
    small = sliced(r.kernel, Cut(("h",)))
    kept = {ref.object for s in walk(small.body) for ref in references(s)}
    assert kept == {"h", "counter"}
    check(small)


def test_coverage_needs_a_whole_clean_run() -> None:
    out, found = refuter("residual_half/via_float__last_element").confirm(
        [asked("coverage", object="y", tensor="y", symbols={"N": 256})]
    )
    assert found is not None
    assert found.tensor == "y"
    assert (found.symbols, found.index) == ({"N": 1}, (0,))
    out, found = refuter("residual_half/via_float", 1).confirm([asked("coverage", object="y", tensor="y")])
    assert found is None
    assert out[0].status is Status.UNKNOWN


# ------------------------------------------------------------------------------------------------ files
@pytest.mark.parametrize("name", ["half_fma/separate__one_rounding", "pair_swap/ordered__store_unordered"])
def test_a_saved_counterexample_runs_again(tmp_path: Path, name: str) -> None:
    file, request = str(tmp_path / "c.npz"), case(name).request
    result = hunt(replace(request, counterexample=file), 10)
    assert result.verdict is Verdict.REFUTED
    again = replay(file, request, None)
    assert again.holds
    repaired = replay(file, case(name.partition("__")[0]).request, "cpu")
    assert not repaired.holds
    assert "not the one" in repaired.text


def test_inputs_are_written_densely(tmp_path: Path) -> None:
    file = str(tmp_path / "c.npz")
    hunt(replace(case("elementwise/bias_relu_float4__relu_before_bias").request, counterexample=file), 4)
    with np.load(file) as data:
        assert {n for n in data.files if n.startswith("input:")} == {"input:x", "input:b"}
        assert data["input:x"].dtype == np.uint32


def test_what_is_no_counterexample_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "c.npz"
    for data in (b"nothing", b"", b"PK", b"\x93NUMPY"):
        file.write_bytes(data)
        with pytest.raises(BadInput):
            replay(str(file), case("pair_swap/ordered").request, None)


def test_blocks_that_pass_a_barrier_early_race_at_an_uneven_pace(tmp_path: Path) -> None:
    """Each thread counts as an arrival, so the first block passes at once: in step the others would have come as well."""
    name, file = "residual_mlp/atomic_counter__every_thread_arrives", str(tmp_path / "c.npz")
    r = refuter(name)
    _, found = r.confirm([asked("barrier"), asked("race", object="h")])
    assert found is not None
    assert found.kind == "race"
    assert r.shown is not None
    assert r.shown.outcome.trial.turns
    r.save(file)
    assert replay(file, case(name).request, "cpu").holds


def test_one_value_of_a_huge_block_is_shown_alone(tmp_path: Path) -> None:
    name, file = "sgemm/tiled__last_tile_dropped", str(tmp_path / "c.npz")
    r = refuter(name, 20)
    _, found = r.confirm([Obligation("k.race", "race", Status.PROVED), asked("equal", "C")])
    assert found is not None
    assert r.shown is not None
    assert r.shown.outcome.trial.target is not None
    r.save(file)
    assert replay(file, case(name).request, None).holds
    assert not replay(file, case("sgemm/tiled").request, None).holds


# ------------------------------------------------------------------------------------------------ made small
def shown(name: str) -> tuple[Counterexample, Refuter]:
    r = refuter(name, 20)
    _, found = r.confirm([asked("equal", t) for t in r.graph.outputs])
    assert found is not None
    assert found.kind == "value"
    return found, r


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("gemv_f16/block_row__partials_repeated", {"W", "x"}),
        ("upsample_f16/nearest__half_of_row_repeated", {"x"}),
        ("rmsnorm/butterflies__partials_repeated", {"x", "weight"}),
        ("attack/last_layer_swapped", {"B5"}),
    ],
)
def test_of_what_is_found_most_is_zero(name: str, inputs: set[str]) -> None:
    """Of millions of inputs one of each tensor that the defect needs is left."""
    found, r = shown(name)
    assert {i.tensor for i in found.inputs} == inputs
    assert len(found.inputs) == len(inputs)
    assert found.others == 0
    assert found.symbols == {s: low for s, (low, _) in r.binder.ranges.items()}
    assert len(found.threads) == 1
    assert found.stored.line


def test_a_small_counterexample_is_what_its_file_replays(tmp_path: Path) -> None:
    """The file's dense inputs are those that are listed; the run of the file gives the bits that are reported."""
    name, file = "rmsnorm/butterflies__partials_repeated", tmp_path / "c.npz"
    found, r = shown(name)
    r.save(str(file))
    with np.load(file) as data:
        dense = {n.partition(":")[2]: data[n] for n in data.files if n.startswith("input:")}
    listed = {(i.tensor, i.index): int(i.bits, 16) for i in found.inputs}
    assert sum(int(np.count_nonzero(a)) for a in dense.values()) == len(listed)
    assert all(int(dense[t][at]) == bits for (t, at), bits in listed.items())
    again = replay(str(file), case(name).request, "cpu")
    assert again.holds
    assert found.kernel_bits in again.text
    assert found.graph_bits in again.text
    assert not replay(str(file), case("rmsnorm/butterflies").request, "cpu").holds


def test_the_thread_and_the_store_are_those_of_the_element() -> None:
    found, r = shown("transpose/tiled__zero_added")
    (block, thread), store = found.threads[0], found.stored
    assert r.shown is not None
    setting = r.shown.outcome.setting
    own = (
        block % setting.grid[0],
        block // setting.grid[0] % setting.grid[1],
        block // (setting.grid[0] * setting.grid[1]),
    )
    inside = execute(setting, replace(r.shown.outcome.trial, blocks=(own,)), False, float("inf"))
    place = next(p for p in setting.places["y"] if p.output)
    at = place.of([np.array([i]) for i in found.index])
    assert np.isin(at, inside.buffers["y"].written_elements(place.width)).all()
    assert store.line in {s.span.line for s in walk(r.kernel.body) if isinstance(s, Store) and s.ref.object == "y"}
    assert 0 <= thread < np.prod(setting.launch.block)


def test_a_defect_of_memory_is_shown_at_the_least_size_and_on_zeros() -> None:
    r = refuter("elementwise/bias_relu_float4__unguarded_tail")
    _, found = r.confirm([asked("bounds", symbols={"N": 4093})])
    assert found is not None
    assert (found.symbols, found.inputs, found.others) == ({"N": 1}, (), 0)


def test_a_difference_that_only_rounding_shows_stays_one() -> None:
    """Made small, it must not become the sign of a zero, which may have another cause."""
    found, _ = shown("half_fma/separate__one_rounding")
    assert float(found.kernel_value) != float(found.graph_value)


def test_numbers_of_a_solver_are_tried() -> None:
    """A kernel that is wrong at one bit pattern alone: nothing else finds it."""
    r = refuter("attack/lemma_of_finite_values")
    search = Differences(r.setting, r.binder.ranges, r.fmad, Clock(5), False, given=((32, 0x7F000000),))
    found = search.show(asked("equal"), [])
    assert isinstance(found, Difference)
    assert found.outcome.trial.pattern.kind == "given"
    assert found.graph_bits == 0x7F000000


@pytest.mark.parametrize(
    "change",
    [
        {"kept": {"x": [[5, 3]]}},
        {"kept": {"x": [[0, 4], [2, 6]]}},
        {"kept": {"x": [[-1, 3]]}},
        {"kept": {"x": [[0, 1 << 70]]}},
        {"kept": {"x": [[0]]}},
        {"kept": 5},
        {"given": [[32, 1 << 32]]},
        {"given": [[32, -1]]},
        {"given": [[1 << 80, 1 << 70]]},
        {"given": None},
        {"schema": 2},
    ],
)
def test_contents_that_no_search_writes_are_bad_input(tmp_path: Path, change: dict[str, object]) -> None:
    file, request = tmp_path / "c.npz", case("attack/macro_negates_negative").request
    assert hunt(replace(request, counterexample=str(file)), 4).verdict is Verdict.REFUTED
    assert replay(str(file), request, "cpu").holds
    with np.load(file) as data:
        meta = json.loads(str(data["meta"]))
    with file.open("wb") as f:
        np.savez_compressed(f, meta=np.array(json.dumps({**meta, **change})))
    with pytest.raises(BadInput) as raised:
        replay(str(file), request, "cpu")
    assert raised.value.code == "TV0736"
