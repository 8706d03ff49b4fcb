"""A message with the line it is about: file, line, column, the line itself, a caret under the words that are meant."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.diagnostic import Diagnostic
from tv.source import Source, Span

_WIDTH = 160
Line = list[tuple[str, str]]  # pieces of one line: (style, text)


@dataclass(slots=True)
class Sources:
    """Texts of the files that messages point into, each read once; one that cannot be read has no lines to show."""

    texts: dict[str, Source] = field(default_factory=dict)

    def text(self, span: Span) -> str:
        """The whole file that a span is in; empty where it cannot be read."""
        return self._source(span.file).text

    def line(self, span: Span) -> str:
        return self._source(span.file).line(span.line)

    def _source(self, file: str) -> Source:
        if file not in self.texts:
            self.texts[file] = Source(file, _read(file))
        return self.texts[file]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except (OSError, ValueError):
        return ""  # the message still says where; only the line under it is missing


def visible(text: str) -> str:
    """Text from a user's file, made safe to print: tabs become four blanks, control characters a question mark."""
    return "".join(c if c.isprintable() else "?" for c in text.replace("\t", "    "))


def message(d: Diagnostic, sources: Sources) -> list[Line]:
    """The lines of one diagnostic."""
    code = f"[{d.code}]" if d.code else ""
    lines: list[Line] = [[(d.severity, f"{d.severity}{code}"), ("bold", f": {d.message}")]]
    margin = " " * len(str(d.span.line)) if d.span.line else " "
    lines += _excerpt(d.span, sources, margin, d.severity)
    if d.help:
        lines.append([("margin", f"{margin} = "), ("help", "help"), ("", f": {d.help}")])
    return lines


def _excerpt(span: Span, sources: Sources, margin: str, style: str) -> list[Line]:
    if not span.file:
        return []
    if not span.line:
        return [[("margin", f"{margin}--> "), ("", span.file)]]
    lines: list[Line] = [[("margin", f"{margin}--> "), ("", f"{span.file}:{span.line}:{span.col}")]]
    raw = sources.line(span)
    if not raw.strip():
        return lines
    before = visible(raw[: span.col - 1])
    meant = visible(raw[span.col - 1 : span.end - 1]) if span.end > span.col else visible(raw[span.col - 1 : span.col])
    lines.append([("margin", f"{margin} |")])
    lines.append([("margin", f"{span.line} | "), ("", visible(raw)[:_WIDTH].rstrip())])
    if len(before) < _WIDTH:
        carets = "^" * max(1, min(len(meant), _WIDTH - len(before)))
        lines.append([("margin", f"{margin} | "), ("", " " * len(before)), (style, carets)])
    return lines
