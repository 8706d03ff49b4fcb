"""Random graphs, and kernels printed from them in random ways: what is proved has to hold in every run that is tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_kernels import proofs
from tests.random_kernels.bijections import Bijections, recorded
from tests.random_kernels.cases import kind_of, one, text
from tests.random_kernels.drawing import Draw, Recorded, Seeded
from tests.random_kernels.enumeration import Disagreement
from tests.random_kernels.graphs import graph
from tests.random_kernels.printing import kernel
from tests.random_kernels.proofs import Ending

FEW = settings(max_examples=30, deadline=None, derandomize=True)


def drawn(data: st.DataObject) -> Draw:
    return Recorded(lambda low, high: data.draw(st.integers(low, high)))


def checked(draw: Draw, faulty: bool, seed: int) -> Ending:
    meant = graph(draw)
    written = kernel(draw, meant, faulty)
    with TemporaryDirectory() as folder:
        try:
            return proofs.check(meant, written, Path(folder), seed)
        except Disagreement as e:
            raise AssertionError(
                f"{e}\n{meant.model.graph.node}\n{written.grid} {written.block}\n{written.text}"
            ) from e


@FEW
@given(st.data(), st.integers(0, 1 << 16))
def test_a_right_kernel_is_never_refuted(data: st.DataObject, seed: int) -> None:
    found = checked(drawn(data), False, seed)
    assert not found.real
    assert found.verdict in ("proved", "unknown")


@FEW
@given(st.data(), st.integers(0, 1 << 16))
def test_a_kernel_with_a_fault_is_never_proved(data: st.DataObject, seed: int) -> None:
    found = checked(drawn(data), True, seed)
    assert not (found.real and found.verdict == "proved")


def test_most_right_kernels_are_proved() -> None:
    found = [checked(Seeded(n), False, n).verdict for n in range(24)]
    assert found.count("proved") >= 18


def test_a_fault_in_a_kernel_shows_in_a_run() -> None:
    """Of what the generator writes wrong, most is a defect: else nothing would be tried."""
    found = [checked(Seeded(n), True, n) for n in range(25)]
    assert sum(e.real for e in found) >= 8


def test_a_wrong_proof_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a proof search that proves everything, the runs tell."""
    monkeypatch.setattr(proofs, "proof_alone", lambda request, elements: Ending("proved", False))
    draws = (Seeded(n) for n in count())
    draw, meant = next((d, g) for d in draws if (g := graph(d)).y.type == "float")
    right = kernel(draw, meant, False)
    assert proofs.check(meant, right, tmp_path / "right", 1).verdict == "proved"
    wrong = replace(right, text=right.text.replace("] = ", "] = 3.5f + ", 1), fault="a summand")
    with pytest.raises(Disagreement, match="wrongly proved"):
        proofs.check(meant, wrong, tmp_path / "wrong", 1)


def test_terms_without_a_partner_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a proved sum one pairing is left out: the points tell."""

    @contextmanager
    def losing() -> Iterator[Bijections]:
        with recorded() as found:
            yield found
        found.sums = [(m, links[1:]) for m, links in found.sums]

    for n in count():
        draw = Seeded(n)
        meant = graph(draw)
        written = kernel(draw, meant, False)
        if meant.open or meant.folded is None or meant.folded.op != "sum" or written.way != "block":
            continue
        if proofs.check(meant, written, tmp_path, n).asked["sums whose terms are paired"]:
            break
    monkeypatch.setattr(proofs, "recorded", losing)
    with pytest.raises(Disagreement, match="not paired one to one"):
        proofs.check(meant, written, tmp_path, n)


def test_cases_of_a_long_run() -> None:
    """Every kind ends without a failure, the same one every time."""
    for n in (0, 7, 9):
        first, again = (one(kind_of(n), 1, n, 60.0) for _ in range(2))
        assert first.ending == again.ending != "slow"
        assert first.asked == again.asked
        assert text(kind_of(n), 1, n) == text(kind_of(n), 1, n)
    assert {kind_of(n) for n in range(10)} == {"sets", "right", "wrong"}
