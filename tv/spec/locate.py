"""Where the keys of a TOML file stand, for diagnostics: `tomllib` reads values but forgets lines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from tv.diagnostic import BadInput
from tv.source import Span

Path = tuple[str | int, ...]
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]\[]+?)\s*\]\]?")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*\.?""")


class Locator:
    """Spans of key paths such as ("launch", 1, "args", "x"); the nearest enclosing key where a path is not found."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.places: dict[Path, Span] = {}
        self._scan()

    def _scan(self) -> None:
        table: Path = ()
        counts: dict[Path, int] = {}
        for number, line in enumerate(self.lines, 1):
            if m := _HEADER.match(line):
                table = self._table(_parts(m.group(2)), m.group(1) == "[[", counts)
                self.places.setdefault(table, Span(self.file, number, m.start(2) + 1, m.end(2) + 1))
            elif m := _KEY.match(line):
                span = Span(self.file, number, m.start(1) + 1, m.end(1) + 1)
                self.places.setdefault((*table, *_parts(m.group(1))), span)

    @staticmethod
    def _table(parts: list[str], is_array: bool, counts: dict[Path, int]) -> Path:
        path: Path = ()
        for k, part in enumerate(parts):
            path = (*path, part)
            last = k == len(parts) - 1
            if last and is_array:
                counts[path] = counts.get(path, -1) + 1
            if path in counts:
                path = (*path, counts[path])
        return path

    def span(self, *path: str | int) -> Span:
        """The span of a key; keys of inline tables are looked for behind their parent's `=`."""
        for length in range(len(path), 0, -1):
            found = self.places.get(tuple(path[:length]))
            if found is not None:
                return self._inside(found, path[length:])
        return Span(self.file, 1)

    def _inside(self, outer: Span, rest: Path) -> Span:
        names = [p for p in rest if isinstance(p, str)]
        if not names:
            return outer
        key = re.compile(rf"""(?<![\w-])["']?{re.escape(names[-1])}["']?(?=\s*=)""")
        for number in range(outer.line, min(outer.line + 40, len(self.lines)) + 1):
            start = outer.end - 1 if number == outer.line else 0
            if number > outer.line and (_HEADER.match(self.lines[number - 1]) or self._starts_key(number, outer.line)):
                break
            if m := key.search(self.lines[number - 1], start):
                return Span(self.file, number, m.start() + 1, m.end() + 1)
        return outer

    def _starts_key(self, number: int, after: int) -> bool:
        return any(s.line == number for s in self.places.values() if s.line > after)


def _parts(dotted: str) -> list[str]:
    return [m.group(1).strip("\"'") for m in _PART.finditer(dotted)]


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...` for a misspelt word, or what there is; "" where there is nothing."""
    options = list(dict.fromkeys(known))
    lowered = {o.lower(): o for o in reversed(options)}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.0 if len(options) == 1 else 0.5)
    if close:
        return f"did you mean `{lowered[close[0]]}`?"
    return f"known: {', '.join(f'`{o}`' for o in sorted(options)[:12])}" if options else ""


def refuse_unknown(table: Iterable[str], known: Iterable[str], locator: Locator, *path: str | int) -> None:
    """Raises BadInput (TV0202) for the first key that is not known, naming the nearest one that is."""
    options = tuple(known)
    for key in table:
        if key not in options:
            close = difflib.get_close_matches(key, options, n=1, cutoff=0.0)
            help_text = f"the nearest known key is `{close[0]}`" if close else ""
            where = f" in `{'.'.join(str(p) for p in path)}`" if path else ""
            raise BadInput("TV0202", f"unknown key `{key}`{where}", locator.span(*path, key), help_text)
