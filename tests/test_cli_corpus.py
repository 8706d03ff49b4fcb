"""`tv test`: cases state their verdict, and every difference from it is a failure."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tv.cli import run
from tv.diagnostic import BadInput, Diagnostic
from tv.expectation import Expectation, find_cases, mismatch, parse_expectation
from tv.obligation import Obligation, Relation, Status
from tv.request import CheckRequest
from tv.source import Span
from tv.verdict import CheckResult, Counterexample, KernelInfo, Verdict

KERNEL = "// tv: refuted race\n__global__ void k() {\n  s[t] = 1;  // <- race\n  f();\n  y = s[0];  // <- race\n}\n"


def proved(relation: Relation = Relation.REASSOC) -> CheckResult:
    equal = Obligation("k.y.equal", "equal", Status.PROVED, relation=relation)
    return CheckResult(Verdict.PROVED, Relation.REAL, KernelInfo("k.cu"), "m.onnx", relation, (equal,))


def failing(verdict: Verdict, kind: str, line: int) -> CheckResult:
    status = Status.REFUTED if verdict is Verdict.REFUTED else Status.UNKNOWN
    o = Obligation(f"k.{kind}", kind, status, Span("k.cu", line))
    cex = Counterexample(kind, "cpu") if verdict is Verdict.REFUTED else None
    return CheckResult(verdict, Relation.REASSOC, KernelInfo("k.cu"), "m.onnx", None, (o,), cex)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("// tv: proved reassoc", Expectation(Verdict.PROVED, relation=Relation.REASSOC)),
        ("//tv:proved bitwise  ", Expectation(Verdict.PROVED, relation=Relation.BITWISE)),
        ("// tv: refuted race", Expectation(Verdict.REFUTED, kind="race")),
        ("// tv: unknown equal", Expectation(Verdict.UNKNOWN, kind="equal")),
        ("// tv: unsupported", Expectation(Verdict.UNSUPPORTED)),
        ("// tv: unsupported TV0111", Expectation(Verdict.UNSUPPORTED, code="TV0111")),
        ("// tv: bad-input TV0212", Expectation(Verdict.BAD_INPUT, code="TV0212")),
        ("// a kernel", None),
        ("", None),
    ],
)
def test_first_lines(line: str, expected: Expectation | None) -> None:
    assert parse_expectation(line + "\nint x;\n", "k.cu") == expected


@pytest.mark.parametrize(
    "line",
    [
        "proved",
        "proved race",
        "refuted",
        "refuted reassoc",
        "unknown",
        "right",
        "",
        "proved reassoc for sure",
        "internal-error",
        "unsupported goto",
    ],
)
def test_first_lines_that_state_nothing(line: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_expectation(f"// tv: {line}\n", "k.cu")
    assert caught.value.code == "TV0006"


def test_marks() -> None:
    stated = parse_expectation(KERNEL, "k.cu")
    assert stated is not None
    assert stated.marked == ((3, "race"), (5, "race"))
    stated = parse_expectation("// tv: unknown equal\na;\nb; // tv: here\nc; // <- race\n", "k.cu")
    assert stated is not None
    assert stated.marked == ((3, ""), (4, "race"))
    with pytest.raises(BadInput):
        parse_expectation("// tv: proved reassoc\nx; // <- race\n", "k.cu")


def test_only_the_stated_verdict_matches() -> None:
    reassoc = Expectation(Verdict.PROVED, relation=Relation.REASSOC)
    assert mismatch(reassoc, proved()) == ""
    assert "bitwise" in mismatch(reassoc, proved(Relation.BITWISE))
    assert "real" in mismatch(reassoc, proved(Relation.REAL))
    assert "refuted" in mismatch(reassoc, failing(Verdict.REFUTED, "race", 3))
    race = Expectation(Verdict.REFUTED, kind="race")
    assert mismatch(race, failing(Verdict.REFUTED, "race", 3)) == ""
    assert "unknown" in mismatch(race, failing(Verdict.UNKNOWN, "race", 3))
    assert "bounds" in mismatch(race, failing(Verdict.REFUTED, "bounds", 3))
    assert mismatch(race, proved()) != ""


def test_a_verdict_at_the_wrong_line_does_not_match() -> None:
    stated = parse_expectation(KERNEL, "k.cu")
    assert stated is not None
    assert mismatch(stated, failing(Verdict.REFUTED, "race", 3)) == ""
    assert mismatch(stated, failing(Verdict.REFUTED, "race", 5)) == ""
    assert "line 4, marked is line 3, 5" in mismatch(stated, failing(Verdict.REFUTED, "race", 4))


def test_codes() -> None:
    stated = Expectation(Verdict.UNSUPPORTED, code="TV0111")
    found = CheckResult(Verdict.UNSUPPORTED, Relation.REASSOC, KernelInfo("k.cu"), "m.onnx")
    assert "stated TV0111" in mismatch(stated, found)
    assert mismatch(stated, replace(found, diagnostics=(Diagnostic("TV0111", "error", "x"),))) == ""
    assert mismatch(Expectation(Verdict.UNSUPPORTED), found) == ""


def write_case(folder: Path, text: str, model: bool = False) -> None:
    folder.mkdir(parents=True)
    (folder / "kernel.cu").write_text(text)
    if model:
        (folder / "model.onnx").write_bytes(b"")


def test_cases_are_found_with_their_models(tmp_path: Path) -> None:
    (tmp_path / "gemv").mkdir()
    (tmp_path / "gemv" / "model.onnx").write_bytes(b"")
    write_case(tmp_path / "gemv" / "b", "// tv: proved bitwise\n")
    write_case(tmp_path / "gemv" / "a", KERNEL, model=True)
    write_case(tmp_path / "gemv" / "draft", "// nothing stated\n")
    cases = find_cases(str(tmp_path))
    assert [c.name for c in cases] == ["gemv/a", "gemv/b"]
    assert [Path(c.request.model).parent.name for c in cases] == ["a", "gemv"]
    assert [c.request.require for c in cases] == [Relation.REASSOC, Relation.BITWISE]


def test_no_case_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadInput) as caught:
            find_cases(str(folder))
        assert caught.value.code == "TV0007"
        assert run(["test", str(folder)]) == 2


def install(monkeypatch: pytest.MonkeyPatch, answers: dict[str, CheckResult]) -> None:
    def check(request: CheckRequest, _progress: object) -> CheckResult:
        return answers[Path(request.kernel).parent.name]

    module = ModuleType("tv.check")
    module.check = check  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tv.check", module)


def test_a_table_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(tmp_path / "good", "// tv: proved reassoc\n")
    write_case(tmp_path / "racy", KERNEL)
    install(monkeypatch, {"good": proved(), "racy": failing(Verdict.REFUTED, "race", 3)})
    assert run(["test", str(tmp_path)]) == 0
    assert "2 cases, 2 as stated, 0 not" in capsys.readouterr().out
    install(monkeypatch, {"good": proved(), "racy": proved()})
    for limits in ([], ["--timeout", "30"], ["--jobs", "3"]):
        assert run(["test", str(tmp_path), "-q", *limits]) == 1
        out = capsys.readouterr().out
        assert "DIFFERS racy" in out
        assert "good" not in out
    assert run(["test", str(tmp_path), "-k", "good"]) == 0
    install(monkeypatch, {"racy": failing(Verdict.REFUTED, "race", 3)})
    assert run(["test", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "found internal-error: a defect of tv: KeyError: 'good'" in out
    assert "2 cases, 1 as stated, 1 not" in out
    assert run(["test", str(tmp_path), "-k", "none such"]) == 1
