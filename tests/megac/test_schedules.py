"""Phases and memory: what a kernel rests on, told again from the plan by running its phases in order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import pytest
from megac.frontend import compile_file
from megac.ir import Axis, AxisRef, Index, Load, Program, Quotient, Stage
from megac.memory.plan import memory
from megac.memory.records import Memory
from megac.passes.stages import reads
from megac.schedule.layering import schedule
from megac.schedule.records import Elements, Owned, Phase, Replicated, Rows, Schedule, stages_of
from megac.schedule.zeros import without_unseen_zeros
from megac.size import Size

from tests.megac.building import MODELS

NAMES = sorted(p.stem for p in MODELS.glob("*.onnx"))


@cache
def planned(name: str) -> tuple[Program, Schedule, Memory]:
    p = without_unseen_zeros(compile_file(MODELS / f"{name}.onnx", 4095))
    s = schedule(p)
    return p, s, memory(p, s, dict.fromkeys(p.dims, 4095))


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_is_in_one_phase(name: str) -> None:
    p, s, _ = planned(name)
    r = p.layers
    assert r is not None
    end = r.start + r.period * r.count
    wanted = [x.name for k, x in enumerate(p.stages) if not r.start + r.period <= k < end]
    made = [x.name for _, _, _, x in s.placed()]
    assert sorted(made) == sorted(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_phase_reads_was_made_before_a_barrier_or_by_the_same_threads(name: str) -> None:
    _, s, _ = planned(name)
    for phase in s.phases:
        nest_of = {x.name: n for n in phase.nests for x in stages_of(n)}
        caches = {c.first.output: c.first.rows for c in s.caches}
        for nest in phase.nests:
            for x in stages_of(nest):
                for load in reads(x):
                    made = caches.get(load.tensor, load.tensor)
                    if made not in nest_of or isinstance(nest_of[made], Replicated):
                        continue
                    assert load.tensor == made
                    assert nest_of[made] is nest
                    _same_threads(x, nest, load)


def _same_threads(x: Stage, nest: object, load: Load) -> None:
    own = tuple(((a.name, 1),) for a in x.axes)
    read = tuple(tuple((getattr(a, "name", ""), f.const) for a, f in i.terms) for i in load.index)
    match nest:
        case Elements():
            assert read == own
        case Owned(_, prefix, coarse):
            assert read[:prefix] == own[:prefix] or (
                load.tensor in coarse and _repeats(load.index[0], x.axes[0], coarse)
            )
        case Rows(target, dots):
            assert x is target
            assert all(d.load is not None for d in dots)
        case _:
            raise AssertionError(nest)


def _repeats(index: Index, axis: Axis, many: Mapping[str, int]) -> bool:
    """Is it the axis' quotient by one of these numbers?"""
    (atom, _), *_ = index.terms
    own = ((AxisRef(axis.name), Size(1)),)
    return isinstance(atom, Quotient) and atom.index.terms == own and atom.by.constant in many.values()


# ------------------------------------------------------------------------------------------------------------ memory
@dataclass
class Cells:
    """Which tensor each slot holds while the phases run, layer after layer."""

    s: Schedule
    m: Memory
    holds: dict[str, str] = field(default_factory=dict)

    def run(self, layers: int) -> None:
        for phase in self.s.before:
            self.phase(phase)
        for _ in range(layers):
            for phase in self.s.layer:
                self.phase(phase)
        for phase in self.s.after:
            self.phase(phase)

    def alias(self, name: str) -> str:
        return self.s.carried.get(name, name)

    def slot(self, name: str) -> str | None:
        place = self.m.places.get(name)
        return place.base if place is not None and place.base in {x.name for x in self.m.workspace} else None

    def phase(self, phase: Phase) -> None:
        number = next(k for k, q in enumerate(self.s.phases) if q is phase)
        read, written = {}, {}
        for x in phase.stages:
            for load in reads(x):
                kept = (number, load.tensor) in self.m.local or (number, load.tensor) in self.m.registers
                slot = self.slot(load.tensor)
                if slot is not None and not (kept and load.tensor in {y.name for y in phase.stages}):
                    read[slot] = self.alias(load.tensor)
            slot = self.slot(x.name)
            if slot is not None:
                assert slot not in written, "two tensors in one slot in one phase"
                written[slot] = self.alias(x.name)
        for slot, name in read.items():
            assert self.holds.get(slot, written.get(slot)) == name or written.get(slot) == name, (slot, name)
            assert written.get(slot, name) == name, "a slot is written while another phase's tensor in it is read"
        self.holds |= written


@pytest.mark.parametrize("name", NAMES)
def test_no_tensor_is_written_over_while_it_is_needed(name: str) -> None:
    _, s, m = planned(name)
    Cells(s, m).run(3)


@pytest.mark.parametrize("name", NAMES)
def test_shared_memory_fits_and_holds_one_tensor_at_a_time(name: str) -> None:
    _, _, m = planned(name)
    assert sum(x.elements * x.dtype.bytes for x in m.shared) <= 48 * 1024 - 512
    for slot in m.shared:
        lives = sorted((x.first, x.last) for x in slot.lives)
        assert all(a[1] < b[0] for a, b in itertools.pairwise(lives))


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_a_buffer_do_not_lie_on_one_another(name: str) -> None:
    _, _, m = planned(name)
    for x in m.parameters:
        taken = sorted((q.offset + k * q.stride, q.elements) for q in x.parts for k in range(len(q.tensors)))
        assert all(a + n <= b for (a, n), (b, _) in itertools.pairwise(taken))
        assert not taken or taken[-1][0] + taken[-1][1] <= x.extent


def test_a_llama_layer_is_five_phases() -> None:
    _, s, _ = planned("llama_tiny_fp16_op18_dynP")
    kinds = [[type(n).__name__ for n in phase.nests] for phase in s.layer]
    assert kinds == [
        ["Replicated", "Replicated", "Rows", "Rows", "Rows"],
        ["Owned"],
        ["Rows"],
        ["Replicated", "Replicated", "Rows"],
        ["Rows"],
    ]
    assert len(s.layer[3].nests[-1].dots) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["llama_tiny_bf16_op18_P15", "llama_tiny_fp16_op18_dynP"])
def test_a_new_key_is_computed_by_each_block_that_reads_it(name: str) -> None:
    """So no barrier lies between the keys and the scores."""
    _, s, _ = planned(name)
    kinds = [[type(n).__name__ for n in phase.nests] for phase in s.layer]
    assert [x[-1] for x in kinds] == ["Rows", "Owned", "Rows", "Rows", "Rows"]
    nest = s.layer[1].nests[-1]
    assert isinstance(nest, Owned)
    assert nest.coarse == {s.caches[0].first.rows: 2}


def test_a_schedule_does_not_follow_sizes() -> None:
    small, large = (planned(n)[1] for n in ("llama_tiny_fp16_op18_dynP", "llama2-7b_fp16_op18_dynP"))
    shapes = [[[(type(n).__name__, len(stages_of(n))) for n in f.nests] for f in s.phases] for s in (small, large)]
    assert shapes[0] == shapes[1]
    assert large.layers == 32
