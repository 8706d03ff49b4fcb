"""Obligations on the kernel alone: what atomics leave is not read, and no question is answered about an access that was lost."""

from __future__ import annotations

import pytest

from tests.executing import program_of
from tv.diagnostic import Unknown
from tv.launch import Launch
from tv.obligation import Status
from tv.symexec import Program
from tv.symexec.build import AccessMap
from tv.symexec.obligations import kernel_obligations
from tv.symexec.threads.determinism import determinism

LAUNCH = Launch("k", (2, 1, 1), (64, 1, 1))


def kernel(body: str) -> Program:
    text = "__global__ void k(unsigned* a, unsigned* b) { const int t = threadIdx.x; " + body + " }"
    return program_of(text, (64, 1, 1), grid=2, buffers={"a": 256, "b": 256})


@pytest.mark.parametrize(
    "body",
    [
        "atomicAdd(&a[0], 1u); b[t] = a[1];",
        "atomicAdd(&a[t], 1u); b[t] = a[64 + t];",
        "atomicAdd(&a[2 * t], 1u); b[t] = a[2 * t + 1];",
        "b[t] = a[t];",
    ],
)
def test_atomics_that_nothing_reads_leave_results_alone(body: str) -> None:
    (found,) = determinism(kernel(body))
    assert (found.kind, found.status) == ("determinism", Status.PROVED)


@pytest.mark.parametrize(
    "body",
    [
        "atomicInc(&a[0], 9u); __syncthreads(); b[t] = a[0];",
        "atomicExch(&a[t], 1u); b[t] = a[63];",
        "atomicAdd(&a[2 * t], 1u); atomicMin(&a[t], 5u); b[t] = a[t];",
        "__shared__ unsigned s[64]; atomicDec(&s[t / 2], 1u); __syncthreads(); b[t] = s[31];",
    ],
)
def test_what_atomics_leave_is_open(body: str) -> None:
    found = determinism(kernel(body))
    assert found
    for o in found:
        assert (o.kind, o.status, o.span.line) == ("determinism", Status.UNKNOWN, 1)
        assert o.witness is not None
        assert o.witness.threads


@pytest.mark.parametrize("op", ["Add", "Sub", "Max", "Min", "And", "Or", "Xor"])
def test_folds_of_integers_leave_one_value(op: str) -> None:
    (found,) = determinism(kernel(f"atomic{op}(&a[0], t); __syncthreads(); b[t] = a[0];"))
    assert (found.kind, found.status) == ("determinism", Status.PROVED)


def test_a_lost_instance_of_an_access_is_found_before_any_question() -> None:
    p = kernel("b[t] = a[t];")
    assert all(o.status is Status.PROVED for o in kernel_obligations(p, LAUNCH))
    name, m = next((n, m) for n, m in p.accesses.items() if m.access.write)
    nothing = p.system.sets.minus(m.cells, m.cells)
    p.accesses[name] = AccessMap(m.access, nothing)
    with pytest.raises(Unknown, match="no cell at some instance"):
        kernel_obligations(p, LAUNCH)
