"""Counterexamples end to end: what is shown, what must not be shown, and running one again."""

from __future__ import annotations

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
from tv.refute.differences import graph_values, outside
from tv.refute.patterns import Pattern
from tv.refute.record import element_bits
from tv.refute.slicing import Cut, sliced
from tv.refute.trials import Trial, execute
from tv.replay.doubt import VARIANTS
from tv.verdict import Verdict

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
        [asked("coverage", object="y", symbols={"N": 256})]
    )
    assert found is not None
    assert found.tensor == "y"
    assert found.index == (255,)
    out, found = refuter("residual_half/via_float", 1).confirm([asked("coverage", object="y")])
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
