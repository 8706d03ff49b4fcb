"""The command line: every way out is one of the documented exit codes, and reports are written for each."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tv import __version__
from tv.advice import all_codes
from tv.cli import run
from tv.cli.options import argument, define, dims
from tv.diagnostic import BadInput, TvError, Unknown, Unsupported
from tv.obligation import Obligation, Relation, Status
from tv.request import CheckRequest
from tv.source import Span
from tv.verdict import Answer, CheckResult, Counterexample, KernelInfo, Verdict

ROOT = Path(__file__).parent.parent
Engine = Callable[..., object]


def result(request: CheckRequest, verdict: Verdict = Verdict.PROVED) -> CheckResult:
    equal = Obligation("k.y.equal", "equal", Status.PROVED, Span(request.kernel, 2), relation=Relation.REASSOC)
    race = Obligation("k.race", "race", Status.REFUTED, Span(request.kernel, 2))
    return CheckResult(
        verdict,
        request.require,
        KernelInfo(request.kernel, "k"),
        request.model,
        relation=Relation.REASSOC if verdict is Verdict.PROVED else None,
        obligations={Verdict.PROVED: (equal,), Verdict.REFUTED: (race,)}.get(verdict, ()),
        counterexample=Counterexample("race", "cpu") if verdict is Verdict.REFUTED else None,
        why="so it is",
    )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts functions in the place of the engines, so that the command line is tested by itself."""

    def install(**functions: Engine) -> None:
        module = ModuleType("tv.check")
        for name, function in functions.items():
            setattr(module, name, function)
        monkeypatch.setitem(sys.modules, "tv.check", module)

    return install


def check(*options: str) -> int:
    return run(["check", "k.cu", "m.onnx", *options])


# ------------------------------------------------------------------------------------------------ verdicts
@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_exit_code_is_the_verdicts(
    engine: Callable[..., None], verdict: Verdict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine(check=lambda request, _: result(request, verdict))
    assert check("--json", str(tmp_path / "r.json")) == verdict.exit_code
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == verdict.value
    out = capsys.readouterr()
    assert out.out.startswith(verdict.value)
    assert out.err == ""


@pytest.mark.parametrize(("error", "code"), [(BadInput, 2), (Unknown, 3), (Unsupported, 4), (TvError, 5)])
def test_what_a_check_raises_on_purpose(
    engine: Callable[..., None], error: type[TvError], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_request: CheckRequest, _progress: object) -> CheckResult:
        raise error("TV0111", "`goto` is not read", Span("k.cu", 3, 5), "write a loop")

    engine(check=fail)
    assert check("--json", str(tmp_path / "r.json")) == code
    assert json.loads((tmp_path / "r.json").read_text())["diagnostics"][0]["code"] == "TV0111"
    assert "error[TV0111]" in capsys.readouterr().out


def test_a_defect_is_five_and_says_how_to_report(
    engine: Callable[..., None], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine(check=lambda _request, _progress: {}["missing"])
    assert check("--json", str(tmp_path / "r.json")) == 5
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "internal-error"
    out = capfd.readouterr()
    assert "report it" in out.out
    assert "Traceback" not in out.out + out.err
    assert check("-v") == 5
    assert "Traceback" in capfd.readouterr().err


def test_a_check_that_answers_with_something_else_is_a_defect(engine: Callable[..., None]) -> None:
    for answer in (None, True, 0, "proved"):
        engine(check=lambda _request, _progress, answer=answer: answer)
        assert check() == 5


def test_a_hang_is_unknown_and_still_reported(engine: Callable[..., None], tmp_path: Path) -> None:
    engine(check=lambda _request, _progress: time.sleep(60))
    started = time.monotonic()
    assert check("--timeout", "0.3", "--json", str(tmp_path / "r.json")) == 3
    assert time.monotonic() - started < 10
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["verdict"], found["why"]) == ("unknown", "out of time after 0.3 s")


def test_lack_of_memory_is_unknown(engine: Callable[..., None], tmp_path: Path) -> None:
    engine(check=lambda _request, _progress: [bytearray(10_000_000) for _ in range(200)])
    assert check("--memory", "300", "--json", str(tmp_path / "r.json")) == 3
    assert "out of memory at 300 MB" in json.loads((tmp_path / "r.json").read_text())["why"]


def test_a_crash_is_a_defect(engine: Callable[..., None], tmp_path: Path) -> None:
    for status in (0, 1):
        engine(check=lambda _request, _progress, status=status: os._exit(status))
        assert check("--json", str(tmp_path / "r.json")) == 5
        assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "internal-error"


# ------------------------------------------------------------------------------------------------ reports
def test_json_on_stdout_stands_alone(engine: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    engine(check=lambda request, _: result(request))
    assert check("--json", "-") == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["verdict"] == "proved"
    assert out.err.startswith("proved reassoc")
    assert check("--json", "-", "-q") == 0
    assert capsys.readouterr().err == ""


def test_all_reports_at_once(engine: Callable[..., None], tmp_path: Path) -> None:
    engine(check=lambda request, _: result(request, Verdict.REFUTED))
    files = [str(tmp_path / f"r.{e}") for e in ("json", "sarif", "html")]
    assert check("--json", files[0], "--sarif", files[1], "--html", files[2]) == 1
    assert all(Path(f).stat().st_size > 100 for f in files)


def test_a_report_that_cannot_be_written_is_found_before_the_check(engine: Callable[..., None]) -> None:
    def never(_request: CheckRequest, _progress: object) -> CheckResult:
        pytest.fail("the check was started")

    engine(check=never)
    assert check("--json", "/nowhere/r.json") == 2
    assert check("--json", "-", "--sarif", "-") == 2


def test_a_report_never_replaces_an_input(engine: Callable[..., None], tmp_path: Path) -> None:
    engine(check=lambda request, _: result(request))
    kernel = tmp_path / "k.cu"
    kernel.write_text("kept")
    for options in (["--json", str(kernel)], [f"--html={tmp_path}/./k.cu"]):
        assert run(["check", str(kernel), "m.onnx", *options]) == 2
        assert kernel.read_text() == "kept"


@pytest.mark.parametrize(
    "wrong", [["--no-such-option"], ["--require", "exact"], ["--timeout", "-1"], ["extra"], ["--arg", "x"], ["-D", "1"]]
)
def test_usage_errors_are_two_and_reported(wrong: list[str], tmp_path: Path) -> None:
    for option in (["--json", str(tmp_path / "r.json")], [f"--json={tmp_path / 'r.json'}"]):
        assert check(*wrong, *option) == 2
        assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "bad-input"
        (tmp_path / "r.json").unlink()


def test_missing_arguments_are_usage_errors() -> None:
    assert run(["check"]) == 2
    assert run(["check", "k.cu"]) == 2
    assert run(["no-such-command"]) == 2
    assert run([]) == 2


# ------------------------------------------------------------------------------------------------ options
def test_every_option_of_the_contract_reaches_the_request(engine: Callable[..., None], tmp_path: Path) -> None:
    def expect(request: CheckRequest, _progress: object) -> CheckResult:
        o = request.overrides
        seen = {
            "o": (o.kernel, o.grid, o.block, o.shared, o.args, o.fmad, o.fast_math, o.defines, o.include),
            "r": (
                request.spec,
                request.require,
                request.replay,
                request.timeout_s,
                request.memory_mb,
                request.frontend,
            ),
            "c": (request.counterexample, request.verbose),
        }
        assert seen == {
            "o": (
                "k<float, 4>", (4, "ceildiv(N, 2)"), (32, 4), 1024, {"x": "X", "n": 3, "w": {"tensor": "W"}}, False, True,
                (("A", "1"), ("B", "2")), (os.path.abspath("inc"),),
            ),
            "r": ("s.toml", Relation.REAL, "none", 60.0, 4096, "clang"),
            "c": ("cex.npz", True),
        }  # fmt: skip
        return result(request)

    engine(check=expect)
    options = [
        "--kernel", "k<float, 4>", "--grid", "4,ceildiv(N, 2)", "--block", "32,4", "--shared", "1024", "--arg", "x=X", "--arg",
        "n=3", "--arg", 'w={ tensor = "W" }', "--fmad", "off", "--fast-math", "-DA", "-D", "B=2", "-I", "inc", "--spec", "s.toml",
        "--require", "real", "--replay", "none", "--timeout", "60", "--memory", "4096", "--frontend", "clang",
        "--counterexample", "cex.npz", "-v", "--json", str(tmp_path / "r.json"),
    ]  # fmt: skip
    assert check(*options) == 0


def test_every_option_of_a_proof_reaches_the_check(engine: Callable[..., None]) -> None:
    every: dict[str, tuple[tuple[str, ...], object]] = {
        "certificate": (("--certificate", "c.json"), "c.json"), "dump_smt2": (("--dump-smt2", "d"), "d"),
        "order": (("--order", "c.json"), "c.json"), "strict_nan": (("--strict-nan",), True),
        "body_precision": (("--body-precision", "f32"), "f32"), "jobs": (("--jobs", "2"), 2),
    }  # fmt: skip
    for name, (options, value) in every.items():
        default = CheckRequest("", "")
        wanted = {n: getattr(default, n) for n in every} | {name: value}

        def compare(request: CheckRequest, _: object, wanted: dict[str, object] = wanted) -> CheckResult:
            if any(getattr(request, n) != v for n, v in wanted.items()):
                raise Unknown("TV0800", f"another request than {wanted}")
            return result(request)

        engine(check=compare)
        assert check(*options) == 0, name


def test_values_of_options() -> None:
    assert dims("4") == (4,)
    assert dims("N, min(1, M),2") == ("N", "min(1, M)", 2)
    assert argument("x=X") == ("x", "X")
    assert argument("a = 1e-5") == ("a", 1e-5)
    assert argument("s=null") == ("s", "null")
    assert argument("f=true") == ("f", True)
    assert argument('q="a b"') == ("q", "a b")
    assert argument("y=model.layers.0.out") == ("y", "model.layers.0.out")
    assert define("A") == ("A", "1")
    assert define("A=") == ("A", "")
    for bad in ("x", "=1", "x=", "x={ a = }", "x=a b"):
        with pytest.raises(BadInput):
            argument(bad)


# ------------------------------------------------------------------------------------------------ other commands
def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"tv {__version__}\n"
    for command in (
        [],
        ["check"],
        ["replay"],
        ["reference"],
        ["recheck"],
        ["hunt"],
        ["test"],
        ["graph"],
        ["explain"],
        ["ops"],
        ["init"],
    ):
        assert run([*command, "--help"]) == 0
        assert "Usage: tv" in capsys.readouterr().out


def test_answers_of_other_commands(engine: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    engine(
        recheck=lambda *_: Answer(True, "valid"),
        replay=lambda *_: Answer(False, "not reproduced"),
        reference=lambda *_: 0,
    )
    assert run(["recheck", "c.json", "k.cu", "m.onnx"]) == 0
    assert run(["replay", "c.npz", "k.cu", "m.onnx", "--on", "cpu"]) == 1
    assert capsys.readouterr().out == "valid\nnot reproduced\n"
    assert run(["reference", "m.onnx", "i.npz", "--certificate", "c", "-o", "o.npz", "--on", "cpu"]) == 5


def test_a_hunt_proves_nothing(engine: Callable[..., None]) -> None:
    hunt = ["hunt", "k.cu", "m.onnx", "--seconds", "1"]
    for verdict, code in ((Verdict.REFUTED, 1), (Verdict.UNKNOWN, 3), (Verdict.PROVED, 5)):
        engine(hunt=lambda request, _seconds, verdict=verdict: result(request, verdict))
        assert run(hunt) == code


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "tv0226"]) == 0
    assert capsys.readouterr().out.startswith("TV0226: Two elements would share one place.")
    assert run(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 50
    assert run(["explain", "TV0229x"]) == 2
    assert "TV0229" in capsys.readouterr().err


def test_codes_that_are_raised_are_those_that_are_explained() -> None:
    raised: dict[str, str] = {}
    for path in (ROOT / "tv").rglob("*.py"):
        if not path.name.endswith("codes.py"):
            raised |= {code: str(path.relative_to(ROOT)) for code in re.findall(r'"(TV\d{4})"', path.read_text())}
    known = all_codes()
    assert {code: where for code, where in raised.items() if code not in known} == {}
    assert sorted(set(known) - set(raised)) == []


# ------------------------------------------------------------------------------------------------ as a process
def _tv(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tv", *arguments]


def test_as_a_process() -> None:
    done = subprocess.run(
        _tv("check", "none.cu", "none.onnx", "--json", "-"), capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["verdict"] == "bad-input"


def test_names_that_cannot_be_encoded_are_still_reported() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    arguments = [os.fsencode(a) for a in _tv("check", "kérnel.cu")] + [b"m\xff.onnx"]
    for options in ([], [b"--json", b"-"]):
        done = subprocess.run(arguments + options, capture_output=True, check=False, cwd=ROOT, env=environment)
        assert (done.returncode, b"bad-input" in done.stdout) == (2, True), done.stderr
    done = subprocess.run(
        [*arguments, b"--html", b"/dev/null"], capture_output=True, check=False, cwd=ROOT, env=environment
    )
    assert done.returncode == 2


def test_help_needs_no_heavy_import() -> None:
    script = (
        "import sys\nfrom tv.cli import run\nrun(['--help'])\nrun(['check', '--help'])\n"
        "print([m for m in ('onnx', 'numpy', 'islpy', 'z3', 'rich', 'pycparser') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_nobody_reading_is_not_success() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(_tv("explain"), stdout=full, stderr=subprocess.PIPE, check=False, cwd=ROOT)
    assert done.returncode == 5


def test_interruption_is_neither_success_nor_a_verdict() -> None:
    script = (
        # a test run in the background inherits an ignored SIGINT
        "import signal, sys, time, types\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nm = types.ModuleType('tv.check')\nm.check = lambda *_: time.sleep(60)\n"
        "sys.modules['tv.check'] = m\nsys.argv = ['tv', 'check', 'k.cu', 'm.onnx']\n"
        "print('ready', flush=True)\nfrom tv.cli import main\nmain()"
    )
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.7)
            process.send_signal(number)
            process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == code
