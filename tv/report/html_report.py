"""A report in one HTML file: no script, nothing loaded from elsewhere, every text escaped."""

from __future__ import annotations

from html import escape

from tv.obligation import Obligation
from tv.report.snippet import Sources, visible
from tv.report.terminal import findings, render_counterexample, render_diagnostic, render_result
from tv.source import NOWHERE, Span, text_lines
from tv.verdict import CheckResult

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #1b1f23; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em }
pre { background: #f6f8fa; padding: 1em; overflow: auto; font: 13px/1.45 ui-monospace, monospace }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2em .8em; border-bottom: 1px solid #d8dee4 }
.proved { color: #116329 } .refuted, .internal-error, .bad-input { color: #a40e26 } .unknown, .unsupported { color: #7d4e00 }
.mark { background: #fff3b0; display: block } .number { color: #8c959f; user-select: none }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #d1d7e0 } pre { background: #161b22 }
 .mark { background: #4b3d00 } .proved { color: #56d364 } .refuted, .internal-error, .bad-input { color: #ff7b72 }
 .unknown, .unsupported { color: #e3b341 } td, th { border-color: #30363d } }
"""


def to_html(result: CheckResult) -> str:
    """The whole page."""
    headline = render_result(result, quiet=True).strip()
    sections = [
        f'<h1 class="{result.verdict.value}">{escape(headline)}</h1>',
        _facts(result),
        *_diagnostics(result),
        *_counterexample(result),
        _obligations(result.obligations),
        *_source(result),
    ]
    head = f'<meta charset="utf-8"><title>tv: {escape(headline)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(sections) + "\n</body></html>\n"
    )


def _facts(r: CheckResult) -> str:
    rows = [("kernel", f"{r.kernel.file} {r.kernel.name}"), ("model", r.model), ("required", r.required.value)]
    rows += [("relation", r.relation.value)] if r.relation is not None else []
    rows += [(f"parameter {p}", t) for p, t in r.bindings.items()]
    rows += [("guessed by position", ", ".join(r.guessed))] if r.guessed else []
    rows += [(f"symbol {s.name}", f"{s.min} to {s.max}") for s in r.symbols]
    rows += [("assuming", a) for a in r.assumptions]
    rows += [("time", f"{r.time_s:.2f} s, {r.peak_rss_mb:.0f} MB"), ("tv", r.version)]
    return (
        "<table>" + "".join(f"<tr><th>{escape(a)}</th><td>{escape(visible(b))}</td></tr>" for a, b in rows) + "</table>"
    )


def _diagnostics(r: CheckResult) -> list[str]:
    found = findings(r)
    if not found:
        return []
    return ["<h2>Findings</h2>", *(f"<pre>{escape(render_diagnostic(d))}</pre>" for d in found)]


def _counterexample(r: CheckResult) -> list[str]:
    if r.counterexample is None:
        return []
    return ["<h2>Counterexample</h2>", f"<pre>{escape(render_counterexample(r.counterexample))}</pre>"]


def _obligations(obligations: tuple[Obligation, ...]) -> str:
    if not obligations:
        return ""
    head = "<h2>Obligations</h2><table><tr><th>status</th><th>obligation</th><th>where</th><th>time</th></tr>"
    return head + "".join(_row(o) for o in obligations) + "</table>"


def _row(o: Obligation) -> str:
    status = o.status.value + (f" {o.relation.value}" if o.relation is not None else "")
    where = str(o.span) if o.span != NOWHERE else ""
    cells = f'<td class="{o.status.value}">{escape(status)}</td><td>{escape(o.id)}</td><td>{escape(where)}</td>'
    return f"<tr>{cells}<td>{o.time_s:.2f} s</td></tr>"


def _source(r: CheckResult) -> list[str]:
    """The kernel, with the lines that findings point at marked."""
    text = Sources().text(Span(r.kernel.file, 1))
    if not text:
        return []
    marked = {d.span.line for d in findings(r) if d.span.file == r.kernel.file}
    lines = []
    for number, line in enumerate(text_lines(text), 1):
        shown = f'<span class="number">{number:>5} </span>{escape(visible(line))}'
        lines.append(f'<span class="mark">{shown}</span>' if number in marked else f"{shown}\n")
    return [f"<h2>{escape(r.kernel.file)}</h2>", f"<pre>{''.join(lines)}</pre>"]
