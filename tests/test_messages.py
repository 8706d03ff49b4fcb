"""Every diagnostic as a person sees it: provoked by the files in tests/messages, compared with what stands there."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import onnx.parser
import pytest
from google.protobuf import text_format

from tv import obligation
from tv.advice import KINDS, MENDS, all_codes, all_fixes
from tv.cli import run

ROOT = Path(__file__).parent.parent
MESSAGES = Path(__file__).parent / "messages"
CASES = sorted(p.name for p in MESSAGES.iterdir() if p.is_dir())
# Codes that no files of a user's provoke, each with the reason.
_OWN = "a check of tv's own results, which no correct version fails"
_GUARD = "the default of a dispatch whose cases are all that the readers make"
_CALLER = "a precondition of an interface of Python, which the commands meet"
_GPU = "needs a GPU"
_DEPENDS = "depends on how fast the machine is"
UNPROVOKED: dict[str, str] = {
    "TV0001": "needs a system without `fork`",
    "TV0231": "needs a model of more than a gigabyte, or of tens of thousands of nodes",
    "TV0303": "the specification, which is read first, asks for the range of every open dimension (TV0228)",
    "TV0305": "the specification, which is read first, looks the names up (TV0222, TV0241)",
    "TV0330": _OWN,
    "TV0401": "a symbol's empty range is refused where it stands (TV0207)",
    "TV0402": _OWN,
    "TV0403": _DEPENDS + ", and takes long on each",
    "TV0405": _OWN,
    "TV0513": "needs accesses of widths that share no cell, which the bindings refuse first (TV0223, TV0815)",
    "TV0515": "the definite assignment that the readers ask for comes first (TV0124)",
    "TV0518": "the specification, which is read first, refuses such a binding (TV0220, TV0224)",
    "TV0519": "the specification, which is read first, refuses such a binding (TV0224)",
    "TV0526": _OWN,
    "TV0601": _OWN,
    "TV0602": _OWN,
    "TV0605": "ends in a search by execution that takes long",
    "TV0612": "an output without elements is refused where it stands (TV0235)",
    "TV0613": "other names in a certificate are unknown spaces before they are other claims (TV0402)",
    "TV0614": "the bindings compare the widths first (TV0223)",
    "TV0661": "asked of proved kernels alone, and two such sums are not shown to be added alike (TV0621)",
    "TV0662": "asked of proved kernels alone, whose contraction was followed to prove them",
    "TV0663": "asked of proved kernels alone, whose sums were followed to prove them",
    "TV0664": "asked of proved kernels alone, and two such sums are not shown to be added alike (TV0621)",
    "TV0701": _GUARD,
    "TV0702": _GUARD,
    "TV0703": _GUARD,
    "TV0704": _GUARD,
    "TV0705": _GUARD,
    "TV0706": _GUARD,
    "TV0720": _CALLER,
    "TV0721": _CALLER,
    "TV0723": "ends a run of a search alone: the obligation that asks for the pointer is what is printed (kind_bounds)",
    "TV0732": "the specification, which is read first, asks for every parameter's value (TV0220)",
    "TV0733": "the specification, which is read first, compares the element types of a buffer (TV0223)",
    "TV0734": _DEPENDS,
    "TV0738": _GPU,
    "TV0740": "larger buffers than can be addressed are refused where they stand (TV0225)",
    "TV0741": _CALLER,
    "TV0743": _GUARD,
    "TV0745": "inputs that break an assumption are not tried",
    "TV0761": _GPU,
    "TV0762": _GPU,
    "TV0765": _GPU,
    "TV0763": _GPU,
    "TV0764": _GPU,
    "TV0811": "the specification, which is read first, looks the names up (TV0206)",
    "TV0814": "what depends on a product of open sizes is refused as such first (TV0406)",
    "TV0816": "every symbol has a greatest value (TV0207)",
    "TV0901": _GUARD,
}


def prepare(case: str, folder: Path) -> list[str]:
    """Writes a case's files into `folder`, the model among them. Returns the command lines."""
    for source in (MESSAGES, MESSAGES / case):
        for file in source.iterdir():
            if file.is_file() and file.name not in ("README.md", "expected.txt"):
                shutil.copy(file, folder)
    return ready(folder)


def ready(folder: Path) -> list[str]:
    """Makes the model of its text. Returns the command lines."""
    fields = folder / "model.textproto"
    if fields.exists():
        model = text_format.Parse(fields.read_text(), onnx.ModelProto())
    else:
        model = onnx.parser.parse_model((folder / "model.onnxtxt").read_text())
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    command = folder / "command.txt"
    return command.read_text().splitlines() if command.exists() else ["check kernel.cu model.onnx"]


def followed(line: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What a command prints, and its exit code. `! ...` is one of the shell's, between two of `tv`."""
    if line.startswith("! "):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["sh", "-ec", line[2:]], check=True, env={**os.environ, "PATH": path})
        return ""
    code = run(shlex.split(line))
    out, err = capfd.readouterr()
    return printed(err + out) + f"exit {code}\n"


def printed(text: str) -> str:
    """What was printed, without what differs from run to run."""
    return re.sub(r"(?m)^  time        .*$", "  time        ...", text)


def told(case: str, text: str) -> str:
    """The message that a case is about: of its code, in front or behind, or of its kind of obligation."""
    kind = case.removeprefix("kind_")
    name = rf"(error|warning)\[{kind}\]" if kind != case else rf"\w+\[{case[:6]}\]|.*\({case[:6]}\)"
    blocks = re.split(r"(?m)^(?=(?:error|warning|note)\[|invalid: )", text)[1:]
    return next((b for b in blocks if re.match(name, b)), "")


@pytest.mark.parametrize("case", CASES)
def test_a_person_sees_what_stands_there(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = "".join(followed(line, capfd) for line in prepare(case, tmp_path))
    expected = MESSAGES / case / "expected.txt"
    if os.environ.get("TV_BLESS"):
        expected.write_text(found)
    assert found == expected.read_text()


@pytest.mark.parametrize("case", CASES)
def test_a_message_names_its_code_and_a_way_out(case: str) -> None:
    block = told(case, (MESSAGES / case / "expected.txt").read_text())
    assert block, "no message carries the code"
    assert re.search(r"(?m)^ *= help: \S", block), "no help line"


def test_every_error_says_what_to_do() -> None:
    """Either where it is raised, or in the advice on its code."""
    silent = []
    for path in sorted((ROOT / "tv").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            match call:
                case ast.Call(
                    ast.Name("BadInput" | "Unsupported" | "Unknown"), [ast.Constant(code), *others], keywords
                ):
                    told = len(others) > 2 or any(k.arg == "help" for k in keywords)
                    if not told and code not in all_fixes():
                        silent.append(f"{path.relative_to(ROOT)}:{call.lineno} {code}")
    assert silent == []


def test_advice_is_about_codes_that_exist() -> None:
    assert all_fixes().keys() <= all_codes().keys()
    assert MENDS.keys() == KINDS.keys() == set(obligation.KINDS)


def test_every_code_and_kind_is_shown() -> None:
    kinds = {case.removeprefix("kind_") for case in CASES if case.startswith("kind_")}
    shown = {case[:6] for case in CASES if not case.startswith("kind_")}
    assert kinds == set(KINDS)
    assert not shown & UNPROVOKED.keys()
    assert shown | UNPROVOKED.keys() == all_codes().keys()
