"""Preprocessed tokens as text, with the place of each in the user's files; `__LINE__` becomes a number where that is sure."""

from __future__ import annotations

import copy
import re
from typing import Any, Protocol

from tv.cuda_frontend.phases import MAX_NUMBER, CleanText, too_long
from tv.cuda_frontend.pp_asserts import Asserts
from tv.cuda_frontend.pp_tokens import apart, expanded
from tv.diagnostic import TvError, Unsupported
from tv.source import Span

_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')


def self_contained(line: str) -> bool:
    """Does every call that begins in this line end in it?"""
    bare, depth = _LITERAL.sub('""', line).rstrip(), 0
    for c in bare:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return depth == 0 and not re.search(r"\w$", bare)


class Reader(Protocol):
    """What is asked of the preprocessor."""

    files: dict[str, CleanText]
    asserts: Asserts
    macros: Any
    t_ID: Any

    def where(self, token: Any) -> Span: ...

    def fail(self, error: TvError) -> None: ...


class Writer:
    """Lays pcpp's tokens out as text, one output line per source line, and notes where each token came from."""

    def __init__(self, reader: Reader, main: str) -> None:
        self.reader, self.main = reader, main
        self.out: list[str] = []
        self.line, self.col = 1, 1
        self.places: dict[int, list[tuple[int, str, int, int]]] = {}
        self.starts: dict[str, list[int]] = {}
        self.lines: dict[str, list[str]] = {}
        self.last: Any = None  # the token just written, where nothing stands behind it yet
        self.uncalled: Any = None  # the last token, where it names a macro that takes arguments

    def origin(self, token: Any) -> tuple[str, int, int]:
        """File, line and column of a token; a macro's expansion stands where the macro was used."""
        file = token.source or self.main
        cleaned = self.reader.files.get(file)
        if cleaned is None:
            return file, token.lineno, 1
        if file not in self.starts:
            lines = self.lines[file] = [x.rstrip() for x in cleaned.text.splitlines()]
            starts, total = [0], 0
            for x in lines:
                total += len(x) + 1
                starts.append(total)
            self.starts[file] = starts
        starts = self.starts[file]
        if expanded(token):
            line = self.lines[file][token.lineno - 1]
            m = re.search(rf"\b{re.escape(token.expanded_from[-1])}\b", line)
            col = m.start() + 1 if m else 1
        else:
            col = token.lexpos - starts[token.lineno - 1] + 1 if token.lineno <= len(starts) else 1
        return (file, *cleaned.original(token.lineno, max(col, 1)))

    def sure_line(self, token: Any) -> bool:
        """Is the token's `__LINE__` the same number for every compiler? Not behind a spliced line or comment over several, and not in
        the call of a macro that goes over several lines: gcc counts what comes first of none of these."""
        file, line, _ = self.origin(token)
        if line != token.lineno or file not in self.lines:
            return False
        parts = self.reader.files[file].segments.get(line, ())
        lines = self.lines[file]
        goes_on = next((x for x in map(str.strip, lines[line:]) if x), "").startswith(
            "("
        )  # a macro's name may stand before
        whole = all(there == line for _, there, _ in parts) and self_contained(lines[line - 1]) and not goes_on
        return not expanded(token) or (whole and self.all_closed(lines[line - 1]))

    def all_closed(self, line: str) -> bool:
        """Does no macro that the line may expand leave a parenthesis open, or close one?"""
        names, seen = re.findall(r"[A-Za-z_]\w*", line), set[str]()
        while names:
            name = names.pop()
            macro = None if name in seen else self.reader.macros.get(name)
            seen.add(name)
            if macro is not None:
                text = "".join(t.value for t in macro.value)
                names += re.findall(r"[A-Za-z_]\w*", text)
                if not self_contained(f"{text};") or "##" in text:
                    return False
        return True

    def put(self, token: Any) -> None:
        if token.type == self.reader.t_ID and token.value == "__LINE__" and self.sure_line(token):
            token = copy.copy(token)
            token.type, token.value = "CPP_INTEGER", str(token.lineno)
        value = token.value
        blank = value.isspace()
        if not blank:
            self.check_expanded(token)
            if len(value) > MAX_NUMBER and (value[0].isdigit() or value[0] == "."):  # `##` has made it
                self.reader.fail(too_long(value, self.reader.where(token)))
            if self.last is not None and apart(self.last, token):
                self.out.append(" ")
                self.col += 1
            self.places.setdefault(self.line, []).append((self.col, *self.origin(token)))
        self.last = None if blank else token
        self.out.append(value)
        newlines = value.count("\n")
        self.line += newlines
        self.col = len(value) - value.rfind("\n") if newlines else self.col + len(value)

    def check_expanded(self, token: Any) -> None:
        """Notes a failure for a macro that was left as a name: a call across a directive, which compilers do expand."""
        if token.value == "assert" and self.reader.asserts.unsure:
            message = "`assert` behind a header that may have read NDEBUG, which the file has changed"
            help = "include <cassert> behind the change, or say -D NDEBUG"
            self.reader.fail(Unsupported("TV0107", message, self.reader.where(token), help))
        if self.uncalled is not None and token.value == "(":
            message = f"a call of the macro `{self.uncalled.value}` with a directive inside"
            self.reader.fail(Unsupported("TV0107", message, self.reader.where(self.uncalled), "move the directive"))
        macro = self.reader.macros.get(token.value) if token.type == self.reader.t_ID else None
        self.uncalled = None
        if macro is None or token.value in getattr(token, "expanded_from", ()):
            return
        if macro.arglist is not None:
            self.uncalled = token
        else:
            message = f"the macro `{token.value}` was not expanded here"
            self.reader.fail(Unsupported("TV0107", message, self.reader.where(token), "write its text"))
