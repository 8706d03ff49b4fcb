"""Preprocessed tokens as text, with the place of each in the user's files; `__LINE__` becomes a number where that is sure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from tv.cuda_frontend.phases import MAX_NUMBER, CleanText, clean, too_long
from tv.cuda_frontend.pp_asserts import Asserts
from tv.cuda_frontend.pp_macros import Macro
from tv.cuda_frontend.pp_tokens import Token, apart, lexed, spelled, touch, where
from tv.cuda_frontend.pragmas import check_anywhere
from tv.diagnostic import Unsupported

_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_IN_QUOTES = re.compile(r'(?:u8|[LuU])?"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class TokenText:
    """Preprocessed text. `places[line]` lists (column here, file, line there, column there), ascending.

    of_pass: some condition asks for `__CUDA_ARCH__`, which is there while nvcc reads the file for a GPU, not for the host."""

    text: str
    places: dict[int, list[tuple[int, str, int, int]]] = field(default_factory=dict)
    of_pass: bool = False

    def place(self, line: int, col: int) -> tuple[str, int, int]:
        parts = self.places.get(line)
        if not parts:
            return "", line, col
        here, file, there, start = parts[max(bisect_right(parts, col, key=itemgetter(0)) - 1, 0)]
        return file, there, start + (col - here)


def self_contained(line: str) -> bool:
    """Does every call that begins in this line end in it?"""
    bare, depth = _LITERAL.sub('""', line).rstrip(), 0
    for c in bare:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return depth == 0 and not re.search(r"\w$", bare)


def joined(a: Token, b: Token) -> bool:
    """Does gcc, which nvcc hands its text on from, write these without a blank, so that they are read as other tokens?"""
    number = b.kind == "number" and not b.text.isalnum()
    return (a.kind == "name" and number) or (a.suffix() != "" and b.kind in ("name", "number"))


class Writer:
    """Lays tokens out as text, one output line per source line, and notes where each token came from."""

    def __init__(self, files: Mapping[str, CleanText], macros: Mapping[str, Macro], asserts: Asserts) -> None:
        self.files, self.macros, self.asserts = files, macros, asserts
        self.out: list[str] = []
        self.line, self.col = 1, 1
        self.places: dict[int, list[tuple[int, str, int, int]]] = {}
        self.lines: dict[str, list[str]] = {}
        self.last: Token | None = None
        self.at = ("", 1)  # the file and line that the current line is of
        self.pragma: list[Token] = []  # what was read of a `_Pragma`

    # -------------------------------------------------------------------------------------------- places
    def origin(self, t: Token) -> tuple[str, int, int]:
        """File, line and column of a token; a macro's expansion stands where the macro was used."""
        t = t.used or t
        cleaned = self.files.get(t.file)
        return (t.file, *(cleaned.original(t.line, t.col) if cleaned is not None else (t.line, t.col)))

    def sure_line(self, t: Token) -> bool:
        """Is the token's `__LINE__` the same number for every compiler? Not behind a spliced line or comment over several, and not in
        the call of a macro that goes over several lines: gcc counts what comes first of none of these."""
        file, line, _ = self.origin(t)
        if line != t.line or file not in self.files:
            return False
        if file not in self.lines:
            self.lines[file] = self.files[file].text.split("\n")
        lines = self.lines[file]
        parts = self.files[file].segments.get(line, ())
        goes_on = next((x for x in map(str.strip, lines[line:]) if x), "").startswith(
            "("
        )  # a macro's name may stand before
        whole = all(there == line for _, there, _ in parts) and self_contained(lines[line - 1]) and not goes_on
        return t.used is None or (whole and self.all_closed(lines[line - 1]))

    def all_closed(self, line: str) -> bool:
        """Does no macro that the line may expand leave a parenthesis open, or close one?"""
        names, seen = re.findall(r"[A-Za-z_]\w*", line), set[str]()
        while names:
            name = names.pop()
            macro = None if name in seen else self.macros.get(name)
            seen.add(name)
            if macro is not None:
                text = "".join(p.token.text for p in macro.body)
                names += re.findall(r"[A-Za-z_]\w*", text)
                if not self_contained(f"{text};") or any(p.pasted for p in macro.body):
                    return False
        return True

    # -------------------------------------------------------------------------------------------- text
    def put(self, t: Token, uncalled: Token | None) -> None:
        """uncalled: the token before, where it is a macro's name behind which a directive stood."""
        if uncalled is not None and t.text == "(":
            message = f"a call of the macro `{uncalled.text}` with a directive inside"
            raise Unsupported("TV0107", message, where(uncalled), "move the directive")
        if self.pragma or (t.kind == "name" and t.text == "_Pragma"):
            self.operator(t)
            return
        self.check(t)
        if t.kind == "name" and t.text == "__LINE__" and self.sure_line(t):
            self.write(t, str(t.line))
        else:
            self.write(t, t.text.replace("'", "") if t.kind == "number" else t.text)

    def write(self, t: Token, text: str) -> None:
        here = t.used or t
        if (here.file, here.line) != self.at:
            file, line = self.at
            self.newline(max(here.line - line, 1) if file == here.file else 1)
            self.at = (here.file, here.line)
        elif self.last is not None and (t.blank or apart(self.last, t)):
            self.out.append(" ")
            self.col += 1
        self.places.setdefault(self.line, []).append((self.col, *self.origin(t)))
        self.out.append(text)
        self.col += len(text)
        self.last = t

    def text(self, of_pass: bool) -> TokenText:
        """All that was written. Raises Unsupported (TV0125) behind a `_Pragma` that does not end."""
        if self.pragma:
            raise Unsupported("TV0125", "`_Pragma`", where(self.pragma[0]), "write it as a `#pragma`")
        self.newline()
        return TokenText("".join(self.out), self.places, of_pass)

    def newline(self, count: int = 1) -> None:
        self.out.append("\n" * count)
        self.line, self.col, self.last = self.line + count, 1, None

    def directive(self, name: Token, text: str) -> None:
        """A pragma, on a line of its own."""
        self.at = ("", 0)
        self.write(name, f"#pragma {text}")
        self.at = ("", 0)

    def operator(self, t: Token) -> None:
        """`_Pragma("...")` is a pragma. Raises Unsupported (TV0125) for one of another form, and for `once`."""
        self.pragma.append(t)
        name, *rest = self.pragma
        m = _IN_QUOTES.fullmatch(rest[1].text) if len(rest) > 1 else None
        shape = [x.text if x.text in "()" else x.kind for x in rest]
        text = "" if m is None else spelled(lexed(clean(name.file, re.sub(r'\\(["\\])', r"\1", m[1])).text))
        if shape != ["(", "string", ")"][: len(shape)] or (len(rest) > 1 and m is None) or text.startswith("once"):
            what = f"_Pragma({rest[1].text})" if len(rest) > 1 else "_Pragma"
            raise Unsupported("TV0125", f"`{what}`", where(name), "write it as a `#pragma`")
        if len(rest) == 3:
            self.pragma = []
            check_anywhere(text, where(name))
            self.directive(name, text)

    def check(self, t: Token) -> None:
        """Raises TvError for a token whose meaning is not sure, or that no parser should see."""
        if t.kind == "number" and len(t.text) > MAX_NUMBER:  # `##` has made it
            raise too_long(t.text, where(t))
        if t.text == "assert" and self.asserts.unsure:
            message = "`assert` behind a header that may have read NDEBUG, which the file has changed"
            help = "include <cassert> behind the change, or say -D NDEBUG"
            raise Unsupported("TV0107", message, where(t), help)
        last = self.last
        if last is not None and not t.blank and not touch(last, t) and joined(last, t):
            message = (
                f"`{t.text}` right behind `{last.text}`, by way of a macro, which some compilers write as one word"
            )
            raise Unsupported("TV0107", message, where(t), "put a blank between")
        if t.suffix() in self.macros:
            message = f"the macro `{t.suffix()}` right behind a literal, which some compilers take for a suffix"
            raise Unsupported("TV0107", message, where(t), "put a blank between")
