"""Loads of a parameter's memory of which a compiler knows nothing: other threads' stores, and its own before a barrier (S7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import F32, I32, checked, graph
from tv.verdict import CheckResult, Verdict

SCRATCH = "[args]\nq = { extent = 64 }\n"
EXP = graph(
    [("Greater", "x zero", "c"), ("Where", "c x one", "v"), ("Exp", "v", "y")],
    {"x": (F32, [64])},
    {"y": (F32, [64])},
    zero=(F32, [], [0.0]),
    one=(F32, [], [1.0]),
)
AT_THREE = graph(
    [("Equal", "n three", "c"), ("CastLike", "n zero", "f"), ("Exp", "f", "e"), ("Where", "c e zero", "y")],
    {"n": (I32, [64])},
    {"y": (F32, [64])},
    three=(I32, [], [3]),
    zero=(F32, [], [0.0]),
)


def kernel(body: str, q: str = "float* q", before: str = "") -> str:
    head = f"__global__ void k(const float* x, {q}, float* y)"
    return f"{before}\n{head} {{\n  const int i = threadIdx.x;\n  {body}\n}}\n"


def exp(folder: Path, text: str, scratch: str = SCRATCH) -> CheckResult:
    """Of x where it is positive, else of 1, which a compiler may find in an arm."""
    return checked(folder, text, EXP, scratch)


STORE, BARRIER, USE = "q[i] = x[i] > 0.0f ? x[i] : 1.0f;", "__syncthreads();", "y[i] = expf(q[i]);"
OTHER = "q[63 - i] = x[63 - i] > 0.0f ? x[63 - i] : 1.0f;"


@pytest.mark.parametrize(
    "body",
    [
        f"{STORE} {BARRIER} {USE}",
        f"{OTHER} {BARRIER} {USE}",
        f"for (int r = 0; r < 3; ++r) {{ {STORE} {BARRIER} {USE} {BARRIER} }}",
        f"if (i < 32) {{ {STORE} {OTHER} }} {BARRIER} {USE}",
    ],
)
def test_behind_a_barrier_a_call_is_the_devices(body: str, tmp_path: Path) -> None:
    result = exp(tmp_path, kernel(body))
    assert result.verdict is Verdict.PROVED, result.why


@pytest.mark.parametrize(
    ("body", "q"),
    [
        (f"{STORE} {USE}", "float* q"),
        (f"{STORE} __syncwarp(); {USE}", "float* q"),
        (f"{STORE} __threadfence(); {USE}", "float* q"),
        (f"{BARRIER} {STORE} {USE} {BARRIER}", "float* q"),
        (f"{OTHER} {BARRIER} {STORE} {USE}", "float* q"),
        (f"for (int r = 0; r < 3; ++r) {{ if (r > 0) {{ {USE} }} else {{ {STORE} {BARRIER} {STORE} }} }}", "float* q"),
        (f"for (int r = 0; r < 3; ++r) {{ {STORE} if (r < 2) {BARRIER} {USE} }}", "float* q"),
        (f"{STORE} {BARRIER} {USE}", "float* __restrict__ q"),
        (f"float* __restrict__ p = q; {STORE.replace('q', 'p')} {BARRIER} {USE.replace('q', 'p')}", "float* q"),
    ],
)  # fmt: skip
def test_what_a_thread_has_just_stored_may_be_known(body: str, q: str, tmp_path: Path) -> None:
    assert exp(tmp_path, kernel(body, q)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("shared", [True, False])
def test_memory_that_only_the_kernel_names_may_hold_one_constant(shared: bool, tmp_path: Path) -> None:
    memory = "float q[64];"
    text = kernel(
        f"{'__shared__ ' + memory if shared else ''} {OTHER} {BARRIER} {USE}",
        "float* unused",
        "" if shared else f"__device__ {memory}",
    )
    spec = "[args]\nunused = { extent = 64 }\n" + ("" if shared else "[globals]\nq = { extent = 64 }\n")
    assert exp(tmp_path, text, spec).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("known", ["k == 3", "k > 2 && k < 4"])
def test_a_condition_on_what_was_reloaded_pins_it_down(known: str, tmp_path: Path) -> None:
    text = f"""
__global__ void k(const int* n, int* q, float* y) {{
  const int i = threadIdx.x;
  q[i] = n[i];
  __syncthreads();
  const int k = q[i];
  y[i] = {known} ? expf((float)k) : 0.0f;
}}
"""
    assert checked(tmp_path, text, AT_THREE, SCRATCH).verdict is Verdict.UNKNOWN


def test_a_condition_on_a_reloaded_number_pins_it_down(tmp_path: Path) -> None:
    """What was stored is no number, and what is compared was only loaded."""
    at_two = graph(
        [("Equal", "x two", "c"), ("Exp", "x", "e"), ("Where", "c e zero", "y")],
        {"x": (F32, [64])},
        {"y": (F32, [64])},
        two=(F32, [], [2.0]),
        zero=(F32, [], [0.0]),
    )
    body = f"q[i] = x[i]; {BARRIER} const float v = q[i]; y[i] = v == 2.0f ? expf(v) : 0.0f;"
    assert checked(tmp_path, kernel(body), at_two, SCRATCH).verdict is Verdict.UNKNOWN
