"""Which thread a shuffle reads: index maps over thread digits against an enumeration of the lanes, however the digits are cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.executing import Run, program_of
from tv.sets import Dim
from tv.symexec.flow.resolve import resolve

LANES: dict[str, Callable[[int], int]] = {
    "__shfl_sync(0xffffffffu, v, 5)": lambda lane: 5,
    "__shfl_xor_sync(0xffffffffu, v, 9)": lambda lane: lane ^ 9,
    "__shfl_down_sync(0xffffffffu, v, 7)": lambda lane: lane + 7 if lane + 7 < 32 else lane,
    "__shfl_up_sync(0xffffffffu, v, 4, 16)": lambda lane: lane - 4 if lane % 16 >= 4 else lane,
    "__shfl_sync(0xffffffffu, v, t % 3)": lambda lane: -1,  # by the whole index, not by the lane
}


@pytest.mark.parametrize("digit", [1, 3, 4, 6, 12, 48])
@pytest.mark.parametrize("threads", [32, 96])
@pytest.mark.parametrize("call", LANES)
def test_the_source_of_a_shuffle(call: str, threads: int, digit: int) -> None:
    text = f"""__global__ void k(float* y, const float* x) {{
  int t = threadIdx.x, r = t / {digit}, c = t % {digit};
  float v = x[r * {digit} + c];
  y[r * {digit} + c] = {call};
}}"""
    program = program_of(text, (threads, 1, 1), 1, {"y": threads, "x": threads})
    resolve(program)
    run = Run(program, {"x": list(range(threads)), "y": [0] * threads})
    (store,) = [n for n, m in program.accesses.items() if m.access.write and m.access.object == "y"]
    place = program.trace.space.index["tx"]
    seen = {}
    for at in run.instances(store):
        values = dict(zip(program.system.units[store].scope.dims, at, strict=True))
        t = place.const + sum(c * values[a.name] for a, c in place.terms if isinstance(a, Dim))
        seen[t] = run.value(store, at)
    source = LANES[call]
    warps = {t: t - t % 32 for t in range(threads)}
    assert seen == {t: w + (t % 3 if source(0) < 0 else source(t % 32)) for t, w in warps.items()}
