"""Gates that choose among the shares of a softmax: kernels near the right ones, none of which is proved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tv.check
from tv.request import CheckRequest
from tv.verdict import Verdict

FAMILY = Path(__file__).resolve().parent.parent / "corpus" / "topk_gate_softmax_f16"
DIVIDED = "share[e] = share[e] / total;"
NEAR: dict[str, tuple[str, str, str]] = {
    "sums in two orders": (
        "thread_token",
        f"    for (int e = 0; e < E; ++e) {{\n        {DIVIDED}",
        ("    float back = 0.0f;\n    for (int e = E - 1; e >= 0; --e) { back += share[e]; }\n"
        "    for (int e = 0; e < E; ++e) {\n        share[e] = share[e] / (e % 2 == 0 ? total : back);"),
    ),
    "searches from zero": ("thread_token", "first = -1.0f, second = -1.0f", "first = 0.0f, second = 0.0f"),
    "searches from a share": ("thread_token", "first = -1.0f, second = -1.0f", "first = 0.01f, second = 0.01f"),
    "not divided": ("thread_token", DIVIDED, ""),
    "the weights exchanged": ("thread_token", "__float2half_rn(first / chosen)", "__float2half_rn(second / chosen)"),
    "overwritten by zero": ("warp_token", "share[i] = -1.0f;", "share[i] = 0.0f;"),
    "overwritten in every lane": ("warp_token", "if (i * 32 + lane == first.expert)", "if (i == first.expert / 32)"),
    "the place of another lane": ("warp_token", "best.expert = i * 32 + lane;", "best.expert = i * 32;"),
    "half a warp": ("warp_token", "offset = 16; offset > 0; offset >>= 1) {\n        const", "offset = 8; offset > 0; offset >>= 1) {\n        const"),
}  # fmt: skip


@pytest.mark.parametrize("case", NEAR)
def test_near_a_right_gate_nothing_is_proved(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tv.check, "shown", lambda request, spec, kernel, launch, f, start, progress: (f.obligations, None)
    )
    name, old, new = NEAR[case]
    text = (FAMILY / name / "kernel.cu").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "kernel.cu").write_text(text.replace(old, new), encoding="utf-8")
    shutil.copy(FAMILY / name / "kernel.toml", tmp_path)
    request = CheckRequest(str(tmp_path / "kernel.cu"), str(FAMILY / "model.onnx"))
    assert tv.check.check(request).verdict is not Verdict.PROVED


def test_what_the_start_rests_on_is_said() -> None:
    folder = FAMILY / "thread_token"
    result = tv.check.check(CheckRequest(str(folder / "kernel.cu"), str(FAMILY / "model.onnx")))
    assert result.verdict is Verdict.PROVED, result.why
    assert any(a.startswith("expf is ") for a in result.assumptions)
