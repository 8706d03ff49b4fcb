"""What a case of the corpus states about itself, and whether a result is that.

The first line of `kernel.cu` is `// tv: proved reassoc`, `// tv: refuted race`, `// tv: unknown equal`,
`// tv: unsupported [CODE]` or `// tv: bad-input [CODE]`. Lines ending in `// <- race` or `// tv: here` are where the
failing obligation (of that kind) has to point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from tv.diagnostic import BadInput
from tv.obligation import KINDS, Relation, Status
from tv.request import CheckRequest
from tv.source import Span, text_lines
from tv.verdict import CheckResult, Verdict

_FIRST = re.compile(r"^//\s*tv:\s*(.*?)\s*$")
_MARK = re.compile(r"//\s*(?:<-\s*([a-z-]+)|tv:\s*here)\b")
_STATUS = {Verdict.REFUTED: Status.REFUTED, Verdict.UNKNOWN: Status.UNKNOWN, Verdict.UNSUPPORTED: Status.UNSUPPORTED}
HELP = "write `// tv: proved reassoc`, `// tv: refuted race`, `// tv: unknown equal` or `// tv: unsupported`"


@dataclass(frozen=True, slots=True)
class Expectation:
    """relation: of a proof. kind: of the failing obligation. code: of the diagnostic; "" where any will do.

    marked: (line, kind) of the lines where the failing obligation has to point, kind "" for any; () where none is marked.
    """

    verdict: Verdict
    relation: Relation | None = None
    kind: str = ""
    code: str = ""
    marked: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        rest = self.relation.value if self.relation is not None else self.kind or self.code
        return f"{self.verdict.value} {rest}".strip()


@dataclass(frozen=True, slots=True)
class Case:
    """A kernel that states its verdict, with the files it goes with."""

    name: str
    request: CheckRequest
    expectation: Expectation


def parse_expectation(text: str, path: str) -> Expectation | None:
    """The statement in a kernel's first line; None where that is no `// tv:` line. Raises BadInput (TV0006)."""
    lines = text_lines(text)
    m = _FIRST.match(lines[0]) if lines else None
    if m is None:
        return None
    words = m.group(1).split()
    verdict = next((v for v in Verdict if words and v.value == words[0]), None)
    rest = words[1] if len(words) == 2 else ""
    if verdict is None or len(words) > 2 or verdict is Verdict.INTERNAL_ERROR:
        raise _malformed(m.group(1), path)
    marked = tuple(_marks(lines))
    match verdict:
        case Verdict.PROVED if rest in [r.value for r in Relation] and not marked:
            return Expectation(verdict, relation=Relation(rest))
        case Verdict.REFUTED | Verdict.UNKNOWN if rest in KINDS:
            return Expectation(verdict, kind=rest, marked=marked)
        case Verdict.UNSUPPORTED | Verdict.BAD_INPUT if not rest or re.fullmatch(r"TV\d{4}", rest):
            return Expectation(verdict, code=rest, marked=marked)
        case Verdict.UNKNOWN if re.fullmatch(r"TV\d{4}", rest):  # given up before there were obligations
            return Expectation(verdict, code=rest)
        case _:
            raise _malformed(m.group(1), path)


def _malformed(text: str, path: str) -> BadInput:
    return BadInput("TV0006", f"`{text}` states no verdict that a case can have", Span(path, 1), HELP)


def _marks(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines[1:], 2):
        for m in _MARK.finditer(line):
            yield number, m.group(1) or ""


def find_cases(folder: str) -> list[Case]:
    """Every `kernel.cu` below a folder that states a verdict, by path. Raises BadInput (TV0006, TV0007)."""
    root = Path(folder)
    if not root.is_dir():
        raise BadInput("TV0007", f"no such folder: {folder}", Span(folder, 0), "name a folder of cases, like `corpus`")
    cases = [c for path in sorted(root.rglob("kernel.cu")) if (c := _case(root, path)) is not None]
    if not cases:
        raise BadInput("TV0007", f"no case below {folder}", Span(folder, 0), "a case is a `kernel.cu` that " + HELP)
    return cases


def _case(root: Path, path: Path) -> Case | None:
    stated = parse_expectation(path.read_text(encoding="utf-8"), str(path))
    if stated is None:
        return None
    models = [d / "model.onnx" for d in (path.parent, path.parent.parent)]
    model = next((m for m in models if m.is_file()), models[0])
    name = path.parent.relative_to(root).as_posix()
    require = stated.relation or Relation.REASSOC
    return Case(path.parent.name if name == "." else name, CheckRequest(str(path), str(model), require=require), stated)


def mismatch(stated: Expectation, result: CheckResult) -> str:
    """What differs from the statement; "" where all is as stated."""
    if result.verdict is not stated.verdict:
        return f"{_verdict(result)}: {shorten(result.why, 110)}" if result.why else _verdict(result)
    if stated.relation is not None and result.relation is not stated.relation:
        return f"{_verdict(result)}, stated {stated}"
    if stated.code and stated.code not in [d.code for d in result.diagnostics]:
        return f"{result.verdict.value} for {', '.join(d.code for d in result.diagnostics) or 'no code'}, stated {stated.code}"
    return _place_mismatch(stated, result)


def _verdict(r: CheckResult) -> str:
    return f"{r.verdict.value} {r.relation.value}" if r.relation is not None else r.verdict.value


def _place_mismatch(stated: Expectation, result: CheckResult) -> str:
    """The failing obligations, or the diagnostics of a case without obligations, against kind and marked lines."""
    status = _STATUS.get(stated.verdict)
    failing = [o for o in result.obligations if o.status is status]
    if stated.kind:
        failing = [o for o in failing if o.kind == stated.kind]
        if not failing:
            kinds = sorted({o.kind for o in result.obligations if o.status is status})
            return f"{stated.verdict.value} for {', '.join(kinds) or 'no obligation'}, stated {stated.kind}"
    lines = {o.span.line for o in failing} if failing else {d.span.line for d in result.diagnostics}
    wanted = {line for line, kind in stated.marked if kind in ("", stated.kind)}
    if wanted and not wanted & lines:
        at, marked = (", ".join(map(str, sorted(x))) for x in (lines, wanted))
        return f"{stated} at line {at or '?'}, marked is line {marked}"
    return ""
