"""The report for people. The first line is the verdict; colours only where a terminal shows them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from tv.diagnostic import Diagnostic
from tv.obligation import Obligation, Status
from tv.report.snippet import Line, Sources, message, visible
from tv.source import NOWHERE
from tv.verdict import CheckResult, Counterexample, Parting, Verdict

WIDTH = 160  # of what is listed in one line

_STYLES = {
    "": "",
    "bold": "bold",
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold blue",
    "help": "bold cyan",
    "margin": "blue",
    "good": "bold green",
    "bad": "bold red",
    "open": "bold yellow",
    "label": "dim",
}
_TONE = {Verdict.PROVED: "good", Verdict.REFUTED: "bad", Verdict.INTERNAL_ERROR: "bad", Verdict.BAD_INPUT: "bad"}
_SEVERITY = {Status.REFUTED: "error", Status.UNSUPPORTED: "error", Status.UNKNOWN: "warning"}


def render_result(result: CheckResult, verbose: bool = False, quiet: bool = False) -> str:
    """The report as plain text."""
    return _plain(_lines(result, verbose, quiet))


def render_counterexample(c: Counterexample) -> str:
    """A counterexample as plain text."""
    return _plain(_counterexample(c))


def render_diagnostic(d: Diagnostic) -> str:
    """One diagnostic as plain text."""
    return _plain(message(d, Sources()))


def print_result(result: CheckResult, verbose: bool = False, quiet: bool = False, stream: TextIO | None = None) -> None:
    """Prints the report, in colour if the stream is a terminal."""
    print_lines(_lines(result, verbose, quiet), stream)


def print_diagnostic(d: Diagnostic, stream: TextIO | None = None) -> None:
    print_lines(message(d, Sources()), stream)


def print_lines(lines: list[Line], stream: TextIO | None = None) -> None:
    out = sys.stdout if stream is None else stream
    if not out.isatty():
        out.write(_plain(lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((visible(text), _STYLES[style]) for style, text in line)))


def _plain(lines: list[Line]) -> str:
    return "".join("".join(visible(text) for _, text in line).rstrip() + "\n" for line in lines)


def _lines(r: CheckResult, verbose: bool, quiet: bool) -> list[Line]:
    lines = [_headline(r, quiet)]
    if quiet:
        return lines
    sources = Sources()
    for d in findings(r):
        lines += [[], *message(d, sources)]
    if r.counterexample is not None:
        lines += [[], *_counterexample(r.counterexample)]
    return [*lines, [], *_facts(r, verbose)]


def findings(r: CheckResult) -> list[Diagnostic]:
    """What went wrong, each once: the diagnostics, then the obligations that are not proved."""
    result = list(dict.fromkeys(r.diagnostics))
    for o in r.obligations:
        if o.status is not Status.PROVED:
            text = f"`{o.id}` {o.status.value}: {o.message}" if o.message else f"`{o.id}` {o.status.value}"
            result.append(Diagnostic(o.kind, _SEVERITY[o.status], text, o.span, o.help))
    return result


def _headline(r: CheckResult, whole: bool) -> Line:
    """`proved reassoc: ...`: the verdict stands first, for eyes and for `grep`. whole: no findings follow."""
    word = r.verdict.value
    if r.verdict is Verdict.PROVED and r.relation is not None:
        word = f"{word} {r.relation.value}"
    return [(_TONE.get(r.verdict, "open"), word), ("", f": {_sentence(r, r.why if whole else _short(r))}")]


def _sentence(r: CheckResult, why: str) -> str:
    name = r.kernel.name or r.kernel.file
    match r.verdict:
        case Verdict.PROVED:
            return f"`{name}` computes {r.model}"
        case Verdict.REFUTED:
            return f"`{name}` does not compute {r.model}: {why}" if why else f"`{name}` does not compute {r.model}"
        case _:
            return why or "no reason was given"


def _short(r: CheckResult) -> str:
    """The reason, without the words of an obligation that stand below it anyway."""
    for o in r.obligations:
        name = f"obligation `{o.id}`"
        if o.status is not Status.PROVED and o.message and r.why.startswith(name):
            return f"{name} at {o.span}" if o.span != NOWHERE else name
    return r.why


def _counterexample(c: Counterexample) -> list[Line]:
    lines: list[Line] = [[("bold", "counterexample"), ("", f" ({c.kind}, {_replayed(c)})")]]
    place = f"{c.tensor}{list(c.index)}" if c.tensor else ""
    if place:
        lines.append([("label", "  element  "), ("", place)])
    lines += _given(c)
    if c.kernel_bits or c.graph_bits:
        kernel, graph = _content(c.kernel_value, c.kernel_bits), _content(c.graph_value, c.graph_bits)
        lines.append([("label", "  kernel   "), ("", kernel), ("label", "  graph  "), ("", graph)])
    by = f", at {c.stored}" if c.stored != NOWHERE else ""
    for block, thread in c.threads:
        lines.append([("label", "  thread   "), ("", f"{thread} of block {block}{by}")])
    for name, value in c.symbols.items():
        lines.append([("label", "  symbol   "), ("", f"{name} = {value}")])
    if c.parting is not None:
        lines += _parting(c.parting)
    elif c.location != NOWHERE:
        lines.append([("label", "  at       "), ("", str(c.location))])
    if c.file:
        lines.append([("label", "  saved as "), ("", c.file)])
    return lines


def _given(c: Counterexample) -> list[Line]:
    """What the inputs are: zero, but for those that are listed."""
    words = [f"{i.tensor}{list(i.index) if i.index else ''} = {i.value} ({i.bits})" for i in c.inputs]
    if c.others is None:
        words += ["and others"] if words else []
    elif c.others:
        words.append(f"and {c.others} more that are not 0")
    else:
        words.append("all others 0" if words else "all 0")
    return [[("label", "  inputs   " if n == 0 else "           "), ("", w)] for n, w in enumerate(words)]


def _parting(p: Parting) -> list[Line]:
    """Where the proof ends, and what it finds there."""
    of = f" (`{p.tensor}`)" if p.tensor and p.tensor != p.node else ""
    lines: list[Line] = [[("label", "  parts at "), ("", f"{p.location}, node `{p.node}`{of}")]]
    sides = (("kernel has", p.kernel), ("graph has ", p.graph))
    return lines + [[("label", f"           {word} "), ("", text)] for word, text in sides if text]


def _content(value: str, bits: str) -> str:
    return f"{value} ({bits})" if value else bits


def _replayed(c: Counterexample) -> str:
    match c.replayed:
        case "gpu":
            return f"replayed on {c.where or 'a GPU'}"
        case "cpu":
            return "replayed in the interpreter"
        case None:
            return "of a kind that execution cannot show"
        case _:
            raise ValueError(f"replayed on {c.replayed!r}")


def _facts(r: CheckResult, verbose: bool) -> list[Line]:
    """Name and value, one a line; further values of the same name below."""
    rows: list[tuple[str, str]] = [("kernel", _kernel(r)), ("model", r.model)]
    if r.bindings:
        rows += _several("bindings", [f"{p} = {t}" for p, t in r.bindings.items()])
    rows += [("guessed", f"{', '.join(r.guessed)} by position")] if r.guessed else []
    rows += _several("symbols", [f"{s.min} <= {s.name} <= {s.max}" for s in r.symbols]) if r.symbols else []
    rows += [("obligations", _counts(r.obligations))] if r.obligations else []
    rows += [("", _obligation(o)) for o in r.obligations] if verbose else []
    if r.relation is not None and r.relation.rank > r.required.rank:
        rows.append(("relation", f"equal at {r.relation.value}, required {r.required.value}"))
    rows += [("assuming" if n == 0 else "", a) for n, a in enumerate(r.assumptions)]
    rows += [("help", r.help)] if r.help and r.help not in {d.help for d in findings(r)} else []
    rows.append(("time", f"{r.time_s:.2f} s, {r.peak_rss_mb:.0f} MB"))
    return [[("label", f"  {name:<12}"), ("", value)] for name, value in rows]


def _kernel(r: CheckResult) -> str:
    if not r.kernel.name:
        return r.kernel.file
    shape = [
        f"{name} ({', '.join(map(str, v))})" for name, v in (("grid", r.kernel.grid), ("block", r.kernel.block)) if v
    ]
    return ", ".join([f"{r.kernel.file}: {r.kernel.name}", *shape])


def _several(name: str, items: Sequence[str]) -> list[tuple[str, str]]:
    """In a line if they fit there, else in one each, and the tensors that share a buffer in one each too."""
    if len(one := ", ".join(items)) <= WIDTH:
        return [(name, one)]
    lines = [x for i in items for x in ([i] if len(i) <= WIDTH else i.replace(" ++ ", " ++\n    ").split("\n"))]
    return [(name if n == 0 else "", x) for n, x in enumerate(lines)]


def _counts(obligations: tuple[Obligation, ...]) -> str:
    counts = Counter(o.status for o in obligations)
    return ", ".join(f"{counts[s]} {s.value}" for s in Status if counts[s])


def _obligation(o: Obligation) -> str:
    relation = f" {o.relation.value}" if o.relation is not None else ""
    where = f"  {o.span}" if o.span != NOWHERE else ""
    return f"{o.status.value}{relation:<9} {o.id}{where}  {o.time_s:.2f} s"
