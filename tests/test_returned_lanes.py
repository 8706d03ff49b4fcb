"""Warp instructions after some threads have returned, against an enumeration: who is waited for, what is read, who votes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.test_warp_masks import BLOCKS, READS, Block, run, statuses, values

LEAVING: dict[str, Callable[[int], bool]] = {
    "t >= 40": lambda t: t >= 40,
    "t < 5": lambda t: t < 5,
    "t % 32 >= 20": lambda t: t % 32 >= 20,
    "t % 4 == 1": lambda t: t % 4 == 1,
}
GUARDS: dict[str, Callable[[int], bool]] = {
    "true": lambda t: True,
    "t < 40": lambda t: t < 40,
    "t % 32 < 20": lambda t: t % 32 < 20,
    "t % 4 != 1": lambda t: t % 4 != 1,
    "t >= 32": lambda t: t >= 32,
}


ASKED: dict[str, Callable[[int], bool]] = {"t < 20": lambda t: t < 20, "t % 4 == 1": lambda t: t % 4 == 1}


@pytest.mark.parametrize("block", [(64, 1, 1), (24, 2, 1)])
@pytest.mark.parametrize("leaving", LEAVING)
def test_only_who_still_runs_is_waited_for(leaving: str, block: Block) -> None:
    threads = block[0] * block[1] * block[2]
    seen = set()
    for guard, holds in GUARDS.items():
        program = run(
            f"if ({leaving}) return; if ({guard}) {{ y[t] = __shfl_sync(0xffffffffu, x[t], t % 32); }}", block
        )
        left = [t for t in range(threads) if not LEAVING[leaving](t)]
        right = all(holds(t) for u in left if holds(u) for t in left if t // 32 == u // 32)
        assert (statuses(program, block) == {True}) == right, guard
        seen.add(right)
    assert seen == {True, False}


def test_who_returns_afterwards_is_waited_for() -> None:
    body = "if (t < 16) { y[t] = __shfl_sync(0xffffffffu, x[t], 0); } if (t >= 16) return; y[t] = x[t];"
    assert False in statuses(run(body, (32, 1, 1)), (32, 1, 1))


def test_a_barrier_of_a_warp_names_nobody_who_has_returned() -> None:
    assert statuses(run("if (t >= 16) return; __syncwarp();", (32, 1, 1)), (32, 1, 1)) == {False}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("leaving", LEAVING)
def test_what_a_returned_lane_holds_is_undefined(leaving: str, block: Block) -> None:
    threads = block[0] * block[1] * block[2]
    left = {t for t in range(threads) if not LEAVING[leaving](t)}
    for call, source in READS.items():
        got = values(run(f"if ({leaving}) return; y[t] = {call.replace('{m}', '0xffffffffu')};", block), block)
        expected = {t: t - t % 32 + source(t % 32) for t in left}
        assert got == {t: float(u) if u in left else None for t, u in expected.items()}, call


@pytest.mark.parametrize("mode", ["any", "all"])
@pytest.mark.parametrize("leaving", LEAVING)
def test_returned_lanes_do_not_vote(leaving: str, mode: str) -> None:
    fold = any if mode == "any" else all
    for asked, holds in ASKED.items():
        program = run(f"if ({leaving}) return; y[t] = __{mode}_sync(0xffffffffu, {asked}) ? 1.0f : 0.0f;", (64, 1, 1))
        left = [t for t in range(64) if not LEAVING[leaving](t)]
        expected = {t: float(fold(holds(u) for u in left if u // 32 == t // 32)) for t in left}
        assert values(program, (64, 1, 1)) == expected, asked


def test_a_ballot_after_a_return_names_who_is_left() -> None:
    ballot = "unsigned m = __ballot_sync(0xffffffffu, t != 3);"
    for guard, right in (("t != 3", True), ("t < 12", False), ("true", False)):
        body = f"if (t >= 20) return; {ballot} if ({guard}) {{ y[t] = __shfl_sync(m, x[t], t % 32); }}"
        assert (statuses(run(body, (32, 1, 1)), (32, 1, 1)) == {True}) == right, guard
