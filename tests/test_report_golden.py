"""Messages as people see them, kept in tests/golden; `make bless` accepts them as they are now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tv.diagnostic import TvError
from tv.obligation import Obligation, Relation, Status
from tv.report import render_diagnostic, render_result
from tv.request import CheckRequest
from tv.source import Span
from tv.spec import parse_document
from tv.verdict import (
    CheckResult,
    Counterexample,
    InputElement,
    KernelInfo,
    Parting,
    Verdict,
    conclude,
    gave_up,
)

GOLDEN = Path(__file__).parent / "golden"
KERNEL = """\
__global__ void rmsnorm(const float* x, const float* w, float* y, int n) {
    __shared__ float s[256];
    int t = threadIdx.x;
    float v = x[blockIdx.x * n + t];
    s[t] = v * v;
    if (t == 0) for (int i = 1; i < 256; i++) s[0] += s[i];
    y[blockIdx.x * n + t] = v * rsqrtf(s[0] / n) * w[t];
}
"""
SPECS = {
    "unknown_key": "kernel = 'rmsnorm'\ngird = [4]\n",
    "unknown_key_inside": "[args]\nx = 'X'\nw = { tensor = 'W', aling = 4 }\n",
    "wrong_kind": "grid = [4]\nblock = [256, 1, 1, 1]\n",
    "no_toml": "grid = [4\nblock = [256]\n",
    "division": "grid = ['N / 256']\n",
    "no_range": "[symbols]\nN = { min = 1 }\n",
    "unclear_argument": "[args]\nx = { align = 16 }\n",
    "unfit_keys": "[args]\nx = { tensor = 'X', zeroed = true }\n",
}
INFO = KernelInfo("rmsnorm.cu", "rmsnorm", (4, 1, 1), (256, 1, 1))


def _spec_messages() -> str:
    parts = []
    for name, toml in SPECS.items():
        Path("rmsnorm.toml").write_text(toml)
        with pytest.raises(TvError) as caught:
            parse_document(toml, "rmsnorm.toml")
        parts.append(f"# {name}\n{render_diagnostic(caught.value.diagnostic())}")
    return "\n".join(parts)


def _obligations(*changes: Obligation) -> tuple[Obligation, ...]:
    by_id = {o.id: o for o in changes}
    base = [
        Obligation("rmsnorm.bounds", "bounds", Status.PROVED),
        Obligation("rmsnorm.race", "race", Status.PROVED),
        Obligation(
            "rmsnorm.y.equal", "equal", Status.PROVED, Span("rmsnorm.cu", 7, 5), relation=Relation.REAL, tensor="Y"
        ),
    ]
    return tuple(by_id.get(o.id, o) for o in base)


def _result(obligations: tuple[Obligation, ...], required: Relation, cex: Counterexample | None = None) -> CheckResult:
    c = conclude(obligations, required, [o.id for o in obligations])
    assumptions = ("parameters do not alias", "expf is the reference for Exp")
    bindings = {"x": "X", "w": "W", "y": "Y", "n": "256"}
    return CheckResult(
        c.verdict, required, INFO, "rmsnorm.onnx", c.relation, obligations, cex, c.why, c.help, bindings,
        assumptions=assumptions, time_s=0.4, peak_rss_mb=120,
    )  # fmt: skip


def _other_value() -> Obligation:
    return Obligation(
        "rmsnorm.y.equal", "equal", Status.REFUTED, Span("rmsnorm.cu", 7, 33, 39),
        "the kernel has `rsqrt(a)` where the graph has `sqrt(a)`; element [0] of `Y`: kernel 0.5 (0x3f000000), graph 2.0 (0x40000000)",
        tensor="Y",
    )  # fmt: skip


def _of_a_value() -> Counterexample:
    return Counterexample(
        "value", "cpu", Span("rmsnorm.cu", 7), "c.npz", ((0, 3),), "Y", (0, 3), "0x3f000000", "0x40000000", {"N": 4}, "0.5", "2.0",
        stored=Span("rmsnorm.cu", 7), inputs=(InputElement("X", (0, 3), "0x40800000", "4.0"),), others=2,
        parting=Parting(Span("rmsnorm.cu", 7), "root", "rooted", "rsqrt(a)", "sqrt(a)"),
    )  # fmt: skip


def _verdicts() -> str:
    race = Obligation(
        "rmsnorm.race", "race", Status.REFUTED, Span("rmsnorm.cu", 6, 54, 58),
        "read of `s[1]` by thread 0 and its write by thread 1 (line 5) are unordered",
        "a `__syncthreads()` between the two orders them",
    )  # fmt: skip
    cex = Counterexample("race", "cpu", Span("rmsnorm.cu", 6), "", ((0, 0), (0, 1)))
    open_equal = Obligation(
        "rmsnorm.y.equal",
        "equal",
        Status.UNKNOWN,
        Span("rmsnorm.cu", 7, 33, 39),
        "`rsqrtf(a)` against `1 / sqrt(a)`",
        tensor="Y",
    )
    results = {
        "proved": _result(_obligations(), Relation.REAL),
        "weaker than required": _result(_obligations(), Relation.REASSOC),
        "refuted": _result(_obligations(race), Relation.REAL, cex),
        "refuted by a value": _result(_obligations(_other_value()), Relation.REASSOC, _of_a_value()),
        "unknown": _result(_obligations(open_equal), Relation.REASSOC),
        "timeout": gave_up(
            CheckRequest("rmsnorm.cu", "rmsnorm.onnx"), Verdict.UNKNOWN, "out of time after 5 s", "give it more"
        ),
    }
    return "\n".join(f"# {name}\n{render_result(r, verbose=name == 'proved')}" for name, r in results.items())


@pytest.mark.parametrize(("name", "make"), [("spec_messages", _spec_messages), ("verdicts", _verdicts)])
def test_messages_are_as_blessed(
    name: str, make: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rmsnorm.cu").write_text(KERNEL)
    found, golden = make(), GOLDEN / f"{name}.txt"
    if os.environ.get("TV_BLESS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found)
    assert golden.read_text() == found
