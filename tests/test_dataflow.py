"""Exact dataflow against enumeration: random small accesses, every read's last writer, and what has no order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_affine import evaluate, holds
from tv.diagnostic import Unknown
from tv.sets import TRUE, Affine, Formula, SameTime, Sets, Sources, Touch, dataflow
from tv.sets.affine import floordiv, mod
from tv.sets.dataflow import maximised
from tv.sets.formulas import all_of, ge, within

T, I = Affine.dim("t"), Affine.dim("i")
THREADS, ROUNDS = 4, 3
INSTANCES = list(product(range(THREADS), range(ROUNDS)))
Instance = tuple[int, int]
FEW = settings(max_examples=60, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Access:
    """cell and time as functions of (t, i), where `domain` holds."""

    name: str
    cell: Affine
    time: tuple[Affine, ...]
    domain: Formula

    def touch(self, sets: Sets) -> Touch:
        domain = all_of(within(T, THREADS), within(I, ROUNDS), self.domain)
        cells = sets.map(self.name, ("t", "i"), domain, "cell", [self.cell])
        return Touch(self.name, cells, sets.map(self.name, ("t", "i"), domain, "Time", list(self.time)))

    def instances(self) -> list[tuple[Instance, int, tuple[int, ...]]]:
        """(instance, cell, time), one by one."""
        out = []
        for t, i in INSTANCES:
            env = {"t": t, "i": i}
            if holds(self.domain, env):
                out.append(((t, i), evaluate(self.cell, env), tuple(evaluate(a, env) for a in self.time)))
        return out


SMALL = st.integers(-2, 3)
CELLS = st.one_of(
    st.builds(lambda a, b, c: T * a + I * b + c, SMALL, SMALL, SMALL),
    st.builds(lambda a, b, k: floordiv(T * a + I * b, k), SMALL, SMALL, st.integers(2, 3)),
    st.builds(lambda a, b, k: mod(T * a + I * b, k), SMALL, SMALL, st.integers(2, 4)),
)
DOMAINS = st.one_of(st.just(TRUE), st.builds(lambda a, b, c: ge(T * a + I * b + c), SMALL, SMALL, st.integers(-1, 3)))


def program(times: str) -> st.SearchStrategy[list[Access]]:
    """A few accesses in the body of a loop over i. times: `serial` orders threads too, `parallel` does not."""

    def number(parts: list[tuple[Affine, Formula]]) -> list[Access]:
        made = []
        for k, (cell, domain) in enumerate(parts):
            time = (I, Affine.of(k), T) if times == "serial" else (I, Affine.of(k), Affine.of(0))
            made.append(Access(f"A{k}", cell, time, domain))
        return made

    return st.lists(st.tuples(CELLS, DOMAINS), min_size=2, max_size=4).map(number)


def expected(read: Access, writes: list[Access]) -> dict[Instance, tuple[str, Instance] | None]:
    """Every instance of the read -> the latest earlier write of its cell."""
    events = [(time, w.name, where, cell) for w in writes for where, cell, time in w.instances()]
    out: dict[Instance, tuple[str, Instance] | None] = {}
    for where, cell, time in read.instances():
        before = [e for e in events if e[3] == cell and e[0] < time]
        out[where] = max(before)[1:3] if before else None
    return out


def found(sets: Sets, sources: Sources) -> dict[Instance, tuple[str, Instance] | None]:
    out: dict[Instance, tuple[str, Instance] | None] = {}
    for source in sources.writers:
        assert sets.equal(source.domain, sets.domain(source.instances))
        for point in sets.points(sets.wrap(source.instances)):
            assert point[:2] not in out, "two writers for one read"
            out[point[0], point[1]] = (source.unit, (point[2], point[3]))
    for point in sets.points(sources.none) if sources.none is not None else []:
        assert point not in out
        out[point[0], point[1]] = None
    return out


@FEW
@given(program("serial"), st.data())
def test_every_read_has_its_last_writer(accesses: list[Access], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(accesses) - 1))
    roles = data.draw(st.permutations(accesses))
    reads, writes = roles[:count], roles[count:]
    sets = Sets()
    sinks, sources = [r.touch(sets) for r in reads], [w.touch(sets) for w in writes]
    for answer in (dataflow(sets, sinks, sources), maximised(sets, sinks, sources)):
        assert set(answer) == {r.name for r in reads}
        for r in reads:
            assert found(sets, answer[r.name]) == expected(r, writes)


def coincide(writes: list[Access]) -> bool:
    """Do two different write instances touch one cell at one time?"""
    seen = [(cell, time) for w in writes for _, cell, time in w.instances()]
    return len(seen) != len(set(seen))


@FEW
@given(program("parallel"))
def test_writes_without_an_order_are_refused(accesses: list[Access]) -> None:
    read, writes = accesses[0], accesses[1:]
    sets = Sets()
    touches = [w.touch(sets) for w in writes]
    if coincide(writes):
        with pytest.raises(SameTime) as caught:
            dataflow(sets, [read.touch(sets)], touches)
        assert not sets.empty(caught.value.pair)
    else:
        answer = dataflow(sets, [read.touch(sets)], touches)
        assert found(sets, answer[read.name]) == expected(read, writes)


def test_two_statements_at_one_time_are_refused() -> None:
    sets = Sets()
    now = (I, Affine.of(0), T)
    a, b = Access("A", T, now, TRUE), Access("B", T, now, TRUE)
    reader = Access("R", T, (I, Affine.of(1), T), TRUE)
    with pytest.raises(SameTime):
        dataflow(sets, [reader.touch(sets)], [a.touch(sets), b.touch(sets)])


def test_a_read_of_what_some_thread_did_not_write() -> None:
    """`if (t < 2) s[t] = x; y = s[t]`: the rest of the read is reported, not dropped."""
    sets = Sets()
    store = Access("S", T, (Affine.of(0), I, T), ge(Affine.of(1), T))
    load = Access("L", T, (Affine.of(1), I, T), TRUE)
    answer = dataflow(sets, [load.touch(sets)], [store.touch(sets)])["L"]
    assert answer.none is not None
    assert {t for t, _ in sets.points(answer.none)} == {2, 3}


def test_without_writes_everything_is_as_before() -> None:
    sets = Sets()
    load = Access("L", T, (Affine.of(1), I, T), TRUE)
    answer = dataflow(sets, [load.touch(sets)], [])["L"]
    assert answer.writers == ()
    assert answer.none is not None
    assert len(sets.points(answer.none)) == len(INSTANCES)


def broken(sets: Sets, what: str) -> tuple[Touch, Touch]:
    store = Access("S", T, (Affine.of(0), I, T), TRUE).touch(sets)
    load = Access("L", T, (Affine.of(1), I, T), TRUE).touch(sets)
    some = all_of(within(T, THREADS), within(I, ROUNDS - 1))
    match what:
        case "arity":
            return load, Touch("S", store.cells, sets.map("S", ("t", "i"), some, "Short", [I, T]))
        case "source outside the schedule":
            return load, Touch("S", store.cells, sets.map("S", ("t", "i"), some, "Time", [Affine.of(0), I, T]))
        case "sink outside the schedule":
            return Touch("L", load.cells, sets.map("L", ("t", "i"), some, "Time", [Affine.of(1), I, T])), store
        case _:
            later = sets.map("S", ("t", "i"), within(T, THREADS), "Time", [Affine.of(5), I, T])
            return load, Touch("S", store.cells, sets.join(store.time, later))


@pytest.mark.parametrize("what", ["arity", "source outside the schedule", "sink outside the schedule", "two times"])
def test_a_schedule_that_isl_would_silently_ignore_is_refused(what: str) -> None:
    """In each of these `compute_flow` loses a read or reports an older writer, without a word (SOUNDNESS S1)."""
    sets = Sets()
    load, store = broken(sets, what)
    with pytest.raises(Unknown) as caught:
        dataflow(sets, [load], [store])
    assert caught.value.code == "TV0405"


def test_time_by_ordinal_not_by_value() -> None:
    """A loop from 4t to 4t + 3 with `s[t] = ..; barrier; y = s[t ^ 1]; barrier` (SOUNDNESS S4): by ordinals a thread reads
    what its neighbour wrote in the same round; by counter values one would read the last round of the other."""
    sets = Sets()
    neighbour = Affine.of(1) - T
    two = ge(Affine.of(1), T)
    by_round = [
        Access("S", T, (I, Affine.of(0), Affine.of(0)), two),
        Access("L", neighbour, (I, Affine.of(1), Affine.of(0)), two),
    ]
    store, load = (a.touch(sets) for a in by_round)
    got = found(sets, dataflow(sets, [load], [store])["L"])
    assert got == {(t, i): ("S", (1 - t, i)) for t in (0, 1) for i in range(ROUNDS)}
    counter = I + T * ROUNDS
    by_value = [
        Access("S", T, (counter, Affine.of(0), Affine.of(0)), two),
        Access("L", neighbour, (counter, Affine.of(1), Affine.of(0)), two),
    ]
    store, load = (a.touch(sets) for a in by_value)
    assert found(sets, dataflow(sets, [load], [store])["L"]) != got


def test_a_last_write_through_digits_is_one_relation() -> None:
    """`s[t] = x; y = s[i]` with t in binary digits: guessed and proved, in one piece where a maximum over digits has dozens."""
    sets, digits, bits = Sets(), ("d4", "d2", "d1"), (4, 2, 1)
    value = Affine.of(0)
    for d, w in zip(digits, bits, strict=True):
        value = value + Affine.dim(d) * w
    whole = all_of(*(within(Affine.dim(d), 2) for d in digits))
    write = Touch(
        "S", sets.map("S", digits, whole, "cell", [value]), sets.map("S", digits, whole, "Time", [Affine.of(0)])
    )
    row = within(I, 8)
    read = Touch("R", sets.map("R", ("i",), row, "cell", [I]), sets.map("R", ("i",), row, "Time", [Affine.of(1)]))
    (source,) = dataflow(sets, [read], [write])["R"].writers
    assert sets.pieces(source.instances) == sets.pieces(source.domain) == 1
    assert {(p[0], p[1:]) for p in sets.points(sets.wrap(source.instances))} == {
        (n, (n // 4, n // 2 % 2, n % 2)) for n in range(8)
    }


def test_writes_in_every_other_round() -> None:
    sets = Sets()
    store = Access("S", Affine.of(0), (I, Affine.of(0), T), all_of(ge(mod(I, 2) * -1), ge(T * -1)))
    load = Access("L", Affine.of(0), (I, Affine.of(1), T), TRUE)
    answer = dataflow(sets, [load.touch(sets)], [store.touch(sets)])["L"]
    assert found(sets, answer) == expected(load, [store])
