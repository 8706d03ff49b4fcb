"""Reports: the same result as text, JSON, SARIF and HTML."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tv.diagnostic import Diagnostic
from tv.launch import Symbol
from tv.obligation import Obligation, Relation, Status
from tv.report import print_result, render_diagnostic, render_result, to_html, to_json, to_sarif
from tv.source import Span
from tv.verdict import CheckResult, Counterexample, InputElement, KernelInfo, Parting, Verdict

SOURCE = "__global__ void k(const float* x, float* y) {\n\tint i = threadIdx.x;\n\ty[i] = x[i + 1];  // <b>&</b>\n}\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k.cu").write_text(SOURCE)
    return "k.cu"


def proved(file: str = "k.cu") -> CheckResult:
    return CheckResult(
        Verdict.PROVED,
        Relation.REASSOC,
        KernelInfo(file, "k", ("ceildiv(N, 256)", 1, 1), (256, 1, 1)),
        "m.onnx",
        Relation.BITWISE,
        (
            Obligation(
                "k.y.equal",
                "equal",
                Status.PROVED,
                Span(file, 3, 2),
                relation=Relation.BITWISE,
                tensor="Y",
                time_s=0.0204,
            ),
            Obligation("k.race", "race", Status.PROVED),
        ),
        bindings={"x": "X", "y": "Y"},
        symbols=(Symbol("N", 1, 4096, ("N",)),),
        assumptions=("parameters do not alias",),
        time_s=0.4,
        peak_rss_mb=120,
    )


def refuted(file: str = "k.cu") -> CheckResult:
    bounds = Obligation(
        "k.x.bounds", "bounds", Status.REFUTED, Span(file, 3, 9, 17), "element 4096 of 4096 is read", "guard the load"
    )
    cex = Counterexample(
        "bounds", "cpu", Span(file, 3), "cex.npz", ((15, 255),), "X", (4096,), "0x3f800001", "0x3f800000", {"N": 4096}
    )
    return replace(
        proved(file),
        verdict=Verdict.REFUTED,
        relation=None,
        obligations=(bounds,),
        counterexample=cex,
        why="out of bounds",
    )


def bad() -> CheckResult:
    d = Diagnostic("TV0202", "error", "unknown key `gird`", Span("k.toml", 2, 1, 5), "the nearest known key is `grid`")
    return CheckResult(
        Verdict.BAD_INPUT, Relation.REASSOC, KernelInfo("k.cu"), "m.onnx", why=d.message, diagnostics=(d,)
    )


ALL = [
    proved(),
    refuted(),
    bad(),
    replace(proved(), verdict=Verdict.UNKNOWN, why="too hard", guessed=("x",)),
    CheckResult(Verdict.INTERNAL_ERROR, Relation.REAL, KernelInfo("k.cu"), "m.onnx", why="a defect"),
]


# ------------------------------------------------------------------------------------------------ json
def test_json_holds_every_key_of_the_contract() -> None:
    found = json.loads(to_json(proved()))
    assert list(found)[:6] == ["schema", "verdict", "relation", "required", "kernel", "model"]
    assert {
        "obligations", "counterexample", "why", "bindings", "symbols", "diagnostics", "assumptions", "time_s", "peak_rss_mb",
        "version",
    } <= set(found)  # fmt: skip
    assert found["schema"] == 1
    assert found["kernel"] == {"file": "k.cu", "name": "k", "grid": ["ceildiv(N, 256)", 1, 1], "block": [256, 1, 1]}
    assert found["obligations"][0] == {
        "id": "k.y.equal", "kind": "equal", "status": "proved", "relation": "bitwise", "file": "k.cu", "line": 3,
        "onnx": {"node": "", "tensor": "Y"}, "message": "", "help": "", "time_s": 0.0204,
    }  # fmt: skip
    assert found["counterexample"] is None


def test_json_of_a_refutation_and_of_a_bad_input() -> None:
    cex = json.loads(to_json(refuted()))["counterexample"]
    assert cex == {
        "kind": "bounds", "file": "cex.npz", "replayed": "cpu", "replayed_on": None, "location": "k.cu:3", "threads": [[15, 255]],
        "element": {"tensor": "X", "index": [4096]}, "kernel_bits": "0x3f800001", "graph_bits": "0x3f800000", "symbols": {"N": 4096},
        "stored_at": None, "inputs": {"nonzero": [], "others": None}, "parts": None,
    }  # fmt: skip
    found = json.loads(to_json(bad()))
    assert found["verdict"] == "bad-input"
    assert found["diagnostics"][0]["line"] == 2


def of_a_value() -> Counterexample:
    """All that is known of a value that differs."""
    inputs = (InputElement("X", (0, 7), "0x3f800000", "1.0"), InputElement("s", (), "0x40000000", "2.0"))
    parting = Parting(Span("k.cu", 3, 5), "scale", "scaled", "x[0, 7] * s", "x[0, 7] / s")
    return Counterexample(
        "value", "cpu", Span("k.cu", 3, 5), "c.npz", ((4, 31),), "Y", (0, 7), "0x40000000", "0x3f000000", {"N": 8}, "2.0",
        "0.5", stored=Span("k.cu", 4, 9), inputs=inputs, others=0, parting=parting,
    )  # fmt: skip


def test_every_format_says_of_a_value_where_from_what_and_by_whom() -> None:
    result = replace(refuted(), counterexample=of_a_value())
    found = json.loads(to_json(result))["counterexample"]
    assert found["threads"] == [[4, 31]]
    assert found["stored_at"] == "k.cu:4"
    assert found["inputs"]["nonzero"][0] == {"tensor": "X", "index": [0, 7], "bits": "0x3f800000", "value": "1.0"}
    assert found["inputs"]["others"] == 0
    assert found["parts"] == {
        "location": "k.cu:3", "onnx": {"node": "scale", "tensor": "scaled"}, "kernel": "x[0, 7] * s", "graph": "x[0, 7] / s",
    }  # fmt: skip
    assert json.loads(to_sarif(result))["runs"][0]["properties"]["counterexample"] == found
    text = render_result(result)
    for line in (
        "X[0, 7] = 1.0",
        "s = 2.0",
        "all others 0",
        "31 of block 4, at k.cu:4",
        "node `scale` (`scaled`)",
        "x[0, 7] / s",
    ):
        assert line in text
        assert escape(line) in to_html(result)


@pytest.mark.parametrize(
    ("others", "line"), [(None, "and others"), (0, "all others 0"), (3, "and 3 more that are not 0")]
)
def test_what_is_said_of_the_inputs_that_are_not_listed(others: int | None, line: str) -> None:
    words = render_result(replace(refuted(), counterexample=replace(of_a_value(), others=others)))
    assert line in words
    none = render_result(replace(refuted(), counterexample=replace(of_a_value(), inputs=(), others=others)))
    assert ("all 0" in none) == (others == 0)


# ------------------------------------------------------------------------------------------------ text
def test_the_verdict_stands_first() -> None:
    firsts = [render_result(r).split(":")[0] for r in ALL]
    assert firsts == ["proved bitwise", "refuted", "bad-input", "unknown", "internal-error"]
    assert render_result(proved(), quiet=True) == "proved bitwise: `k` computes m.onnx\n"


def test_a_caret_under_the_words_that_are_meant(kernel: str) -> None:
    lines = render_result(refuted(kernel)).splitlines()
    at = next(n for n, line in enumerate(lines) if "y[i] = x[i + 1]" in line)
    assert lines[at - 2] == " --> k.cu:3:9"
    assert lines[at].startswith("3 |     y[i]")
    caret = lines[at + 1].index("^")
    assert lines[at][caret : caret + lines[at + 1].count("^")] == "x[i + 1]"
    assert lines[at + 2] == "  = help: guard the load"


def test_spans_without_a_line_or_a_file() -> None:
    assert " --> m.onnx\n" in render_diagnostic(Diagnostic("TV0230", "error", "not a model", Span("m.onnx", 0)))
    assert "-->" not in render_diagnostic(Diagnostic("TV0230", "error", "not a model"))
    assert " --> gone.cu:9:1\n" in render_diagnostic(Diagnostic("", "note", "gone", Span("gone.cu", 9)))


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "evil.cu"
    path.write_text("int x; // \x1b[2J\x07\n")
    text = render_diagnostic(Diagnostic("TV0108", "error", "bad \x1b[31m name", Span(str(path), 1, 5, 6)))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_colours_only_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    plain, coloured = io.StringIO(), Terminal()
    print_result(refuted(), stream=plain)
    print_result(refuted(), stream=coloured)
    assert "\x1b" not in plain.getvalue()
    assert "\x1b[" in coloured.getvalue()
    assert plain.getvalue() == render_result(refuted())


def test_verbose_lists_the_obligations() -> None:
    assert "k.race" not in render_result(proved())
    assert "proved          k.race" in render_result(proved(), verbose=True)


# ------------------------------------------------------------------------------------------------ sarif
def test_sarif_says_what_failed_and_where() -> None:
    run = json.loads(to_sarif(refuted()))["runs"][0]
    (result,) = run["results"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "bounds"
    region = result["locations"][0]["physicalLocation"]
    assert region == {
        "artifactLocation": {"uri": "k.cu"}, "region": {"startLine": 3, "startColumn": 9, "endColumn": 17},
    }  # fmt: skip
    assert run["invocations"][0] == {"executionSuccessful": True, "exitCode": 1, "exitCodeDescription": "refuted"}


def test_sarif_of_anything_but_a_proof_has_a_result() -> None:
    counts = {r.verdict.value: len(json.loads(to_sarif(r))["runs"][0]["results"]) for r in ALL}
    assert counts == {"proved": 0, "refuted": 1, "bad-input": 1, "unknown": 1, "internal-error": 1}
    assert json.loads(to_sarif(ALL[-1]))["runs"][0]["invocations"][0]["executionSuccessful"] is False


# ------------------------------------------------------------------------------------------------ html
class Page(HTMLParser):
    """Tags, their nesting, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("result", ALL, ids=lambda r: r.verdict.value)
def test_html_is_one_file_without_scripts(kernel: str, result: CheckResult) -> None:
    page = Page()
    text = to_html(result)
    page.feed(text)
    assert page.open == []
    assert page.links == []
    assert "script" not in page.seen
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in text  # from the kernel's own comment


def test_html_marks_the_failing_line(kernel: str) -> None:
    marked = [line for line in to_html(refuted(kernel)).split("<span ") if line.startswith('class="mark"')]
    assert len(marked) == 1
    assert "    3 " in to_html(refuted(kernel)).split('class="mark"')[1][:60]
