"""Loops that never end are shown by a round that repeats another one; loops that end, late or by the help of others, are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checking import F32, I32, checked, graph, write
from tv import cuda_frontend
from tv.check import check
from tv.execution import hunt
from tv.kernel import Loop, walk
from tv.launch import CompileOptions
from tv.obligation import Status
from tv.replay import DenseBuffer, run
from tv.replay.endless import ENDLESS, deciding
from tv.replay.events import Execution
from tv.verdict import Verdict

NEGATED = graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
COUNTED = graph([("Neg", "x", "y")], {"x": (F32, [64]), "n": (I32, [1])}, {"y": (F32, [64])})
HEAD = "__global__ void k(const float* x, float* y) {\n  int t = threadIdx.x;\n"
STORE = "y[t] = -x[t];"

NEVER = {
    "a step of nothing": "for (int i = t; i < 64; i += 0) y[i] = -x[i];",
    "a condition that nothing changes": f"int left = 1; while (left > 0) {STORE}",
    "no condition": f"for (;;) {STORE}",
    "two states by turns": f"for (int i = 0; i < 2; i ^= 1) {STORE}",
    "two hundred states": f"for (unsigned char i = 0; i < 201; i = (i + 1) % 200) {STORE}",
    "one thread of all": f"for (int i = t; i < 64; i += t) {{ }} {STORE}",
    "continue past the step": f"int i = 0; while (i < 8) {{ if (i == 5) continue; ++i; }} {STORE}",
    "a break that is not met": f"int i = 0; for (;;) {{ if (i == 65) break; i = (i + 2) % 64; }} {STORE}",
    "with barriers": f"__shared__ float s[64]; for (int i = 0; i < 4; i += 0) {{ s[t] = x[t]; __syncthreads(); y[t] = -s[63 - t]; __syncthreads(); }} {STORE}",
    "around a loop that ends": f"for (int i = 0; i < 8; i *= 2) for (int j = 0; j < 8; ++j) {STORE}",
    "in a loop that ends": f"for (int j = 0; j < 8; ++j) for (int i = j; i < 8; i -= 0) {STORE}",
    "do": f"int i = 0; do {{ {STORE} }} while (i < 1);",
    "beside values that change": "float sum = 0.0f; int c = 0; for (int i = 0; i < 8; c += 1) sum += x[t] + c; y[t] = -sum;",
}
ENDS = {
    "a byte that wraps": f"for (unsigned char i = 1; i != 0; ++i) {{ }} {STORE}",
    "a step that wraps": f"for (unsigned i = 16u; i != 0u; i += 1u << 22) {{ if (i == 16u + (900u << 22)) break; }} {STORE}",
    "one of two counters repeats": f"int i = 0, j = 0; while (i < 40) {{ j ^= 1; if (j) ++i; }} {STORE}",
    "a break alone": f"int i = 0; for (;;) if (++i == 500) break; {STORE}",
    "a return alone": "int i = 0; for (;;) if (++i == 500) { y[t] = -x[t]; return; }",
    "a counter that moves under a condition": f"int i = 0, r = 0; while (i < 4) {{ if (++r % 50 == 0) ++i; }} {STORE}",
    "a counter in an array": f"int a[2]; a[0] = 0; a[1] = t; while (a[0] < 100) a[a[1] >= 0 ? 0 : 1] += 1; {STORE}",
    "a shuffle decides": f"int i = t; for (;;) {{ i = __shfl_sync(~0u, i, (t + 1) % 32); if (__any_sync(~0u, (i & 31) == 31)) break; }} {STORE}",
    "a flag in shared memory": f"__shared__ volatile int go; if (t == 0) go = 0; __syncthreads(); if (t == 40) go = 1; __syncthreads(); while (!go) {{ }} {STORE}",
    "a counter in shared memory": f"__shared__ int c; if (t == 0) c = 0; __syncthreads(); while (atomicAdd(&c, 1) < 500) {{ }} {STORE}",
    "float arithmetic": f"float d = 1.0f; while (d > 1e-30f) d *= 0.75f; {STORE}",
    "inner loops of other lengths": f"int i = 0; while (i < 30) {{ for (int j = 0; j < 3; ++j) if (j == 2) ++i; }} {STORE}",
}


def first(body: str) -> str:
    return f"{HEAD}  {body}\n}}\n"


@pytest.mark.parametrize("case", NEVER)
def test_what_never_ends_is_refuted(case: str, tmp_path: Path) -> None:
    found = checked(tmp_path, first(NEVER[case]), NEGATED)
    assert found.verdict is Verdict.REFUTED
    (shown,) = [o for o in found.obligations if o.status is Status.REFUTED]
    assert (shown.kind, shown.message, shown.span.line) == ("barrier", ENDLESS, 3)


@pytest.mark.parametrize("case", ENDS)
def test_what_ends_is_never_refuted(case: str, tmp_path: Path) -> None:
    found = hunt(write(tmp_path, first(ENDS[case]), NEGATED), 1.0)
    assert found.verdict is Verdict.UNKNOWN, found.why
    assert all("too long" not in o.message and "failed" not in o.message for o in found.obligations)  # the runs ended


def test_data_that_no_thread_writes_decide(tmp_path: Path) -> None:
    text = "__global__ void k(const float* x, const int* n, float* y) {\n  int t = threadIdx.x;\n  for (int i = 0; i < n[0]; i += n[0] == 7 ? 0 : 1) y[t] = -x[t];\n  y[t] = -x[t];\n}\n"
    request = write(tmp_path / "seven", text, COUNTED, "[inputs]\nn = { min = 7, max = 7 }\n")
    assert check(request).verdict is Verdict.REFUTED
    request = write(tmp_path / "six", text, COUNTED, "[inputs]\nn = { min = 6, max = 6 }\n")
    assert hunt(request, 1.0).verdict is Verdict.UNKNOWN


def test_a_counter_that_wraps_after_all_its_values_is_left_open(tmp_path: Path) -> None:
    body = f"for (unsigned i = 1u; i != 0u; i += 2u) {{ if (i == 4294967295u) break; }} {STORE}"
    found = hunt(write(tmp_path, first(body), NEGATED), 1.0)
    assert found.verdict is Verdict.UNKNOWN


# ------------------------------------------------------------------------------------------------ memory
def ran(text: str, **buffers: DenseBuffer) -> Execution:
    kernel = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels["k"]
    return run(kernel, (1, 1, 1), (4, 1, 1), dict(buffers), {}, step_limit=20_000, races=False)


def full(*values: int) -> DenseBuffer:
    return DenseBuffer.of(np.array(values, np.int32))


COUNT_DOWN = "__global__ void k(const int* n, int* m) { while (n[0] > 0) m[threadIdx.x] -= 1; }\n"


def test_memory_that_is_written_under_another_name_decides_nothing() -> None:
    assert ran(COUNT_DOWN, n=full(300), m=full(1, 2, 3, 4)).events[0].message == ENDLESS
    both = full(300, 2, 3, 4)
    assert ran(COUNT_DOWN, n=both, m=both).ended == "done"


@pytest.mark.parametrize(
    ("line", "decided"),
    [
        ("while (n[0] > 0) { }", True),
        ("while (m[0] > 0) { }", True),  # looked at when it runs: other threads may write it
        ("while (*(volatile const int*)n > 0) { }", False),
        ("while (atomicAdd(m, 0) > 0) { }", False),
        ("int i = 0; while (i < 8) i = __shfl_sync(~0u, i, 1);", False),
        ("int i = 0; while (i < 8) i = __any_sync(~0u, i);", False),
        ("float f = 0; while (f < 8) f += 0.0f;", False),
        ("float f = n[0]; while (f < 8) { }", True),
        ("int i = 0; while (i < 8) i = (int)(i * 1.0f);", False),
        ("for (;;) { while (atomicAdd(m, 0) > 0) { } }", False),
    ],
)
def test_what_may_decide(line: str, decided: bool) -> None:
    text = f"__global__ void k(const int* n, int* m) {{ {line} m[threadIdx.x] = 1; }}\n"
    kernel = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels["k"]
    loop = next(s for s in walk(kernel.body) if isinstance(s, Loop))
    assert (deciding(loop) is not None) is decided


def test_memory_that_others_may_write_is_never_called_unchanging() -> None:
    text = "__global__ void k(int* m) { if (threadIdx.x == 3) m[0] = 0; else while (m[0] > 0) { } }\n"
    found = ran(text, m=full(1))
    assert all(e.message != ENDLESS for e in found.events)
