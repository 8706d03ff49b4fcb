"""Translation phases 1 to 3: splice lines, take comments out, and remember where each character came from.

The preprocessor only ever sees the result, so a backslash at the end of a `//` comment swallows the next line here just
as it does in nvcc. Line numbers survive: what a splice or a comment removes is given back as empty lines behind the
logical line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter

from tv.diagnostic import BadInput, Unsupported
from tv.source import Span

MAX_BYTES = 2 << 20
MAX_NESTING = 256
MAX_NUMBER = 4000  # characters, beyond which Python reads no integers and the parser's lexer takes very much memory

_TRIGRAPH = re.compile(r"\?\?[=/'()!<>\-]")
_RAW_STRING = re.compile(r'(?:u8|[uUL])?R"')
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NUMBER = re.compile(r"\.?[0-9](?:[eEpP][+-]|'[0-9A-Za-z_]|[\w.])*+", re.ASCII)
# `<::` is `<` and `::`, unless `:` or `>` follows.
_INDICES = re.compile(rf"(?:\]\s*+\[[^\[\]]*+){{{MAX_NESTING}}}")
_PLAIN = re.compile(r"[ \t(){}\[\];,*+=&|!^~-]+")  # nothing that begins with one of these has to be looked at
_DIGRAPH = re.compile(r"%:|<%|%>|:>|<:(?!:[^:>])")
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class CleanText:
    """Text after phase 3. `segments[line]` lists (column here, line there, column there), columns from 1, ascending."""

    file: str
    text: str
    segments: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)

    def original(self, line: int, col: int) -> tuple[int, int]:
        """The user's (line, column) of a position in the cleaned text."""
        parts = self.segments.get(line)
        if not parts:
            return line, col
        here, there, start = parts[max(bisect_right(parts, col, key=itemgetter(0)) - 1, 0)]
        return there, start + (col - here)


def decode(file: str, data: bytes) -> str:
    """Bytes of a source file as text. Raises BadInput for a file that is too long or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise BadInput(
            "TV0102",
            f"`{file}` has {len(data)} bytes; at most {MAX_BYTES} are read",
            Span(file, 1),
            "check the kernel apart from generated tables",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput("TV0102", "the file is not UTF-8 text", Span(file, line), "save it as UTF-8") from None


def too_long(number: str, span: Span) -> BadInput:
    return BadInput("TV0108", f"a number of {len(number)} characters", span, "no type holds it: write a shorter one")


class _Cleaner:
    """Copies text into `out`, a logical line at a time; `owed` newlines are paid back at the line's end."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text, self.pos = file, text, 0
        self.line, self.line_start = 1, 0
        self.out: list[str] = []
        self.out_line, self.out_col, self.owed = 1, 1, 0
        self.segments: dict[int, list[tuple[int, int, int]]] = {}

    def col(self) -> int:
        return self.pos - self.line_start + 1

    def span(self) -> Span:
        return Span(self.file, self.line, self.col(), self.col() + 1)

    def splices(self) -> None:
        """Skips backslash-newline (with nvcc, blanks may stand between) at the current position."""
        while self.text.startswith("\\", self.pos):
            m = re.compile(r"\\[ \t]*\n").match(self.text, self.pos)
            if m is None:
                return
            self.pos = m.end()
            self.line, self.line_start, self.owed = self.line + 1, m.end(), self.owed + 1
            self.segments.setdefault(self.out_line, [(1, self.out_line, 1)]).append((self.out_col, self.line, 1))

    def peek(self, n: int = 1) -> str:
        """The next n characters, seen through splices; does not move."""
        if "\\" not in self.text[self.pos : self.pos + n + 1]:
            return self.text[self.pos : self.pos + n]
        return re.sub(r"\\[ \t]*\n", "", self.text[self.pos : self.pos + n + 64])[:n]

    def take(self) -> str:
        """Consumes one character (after splices); a newline advances the line."""
        self.splices()
        if self.pos >= len(self.text):
            return ""
        c = self.text[self.pos]
        self.pos += 1
        if c == "\n":
            self.line, self.line_start = self.line + 1, self.pos
        return c

    def put(self, c: str) -> None:
        self.out.append(c)
        if c == "\n":
            self.out.append("\n" * self.owed)
            self.out_line, self.out_col, self.owed = self.out_line + 1 + self.owed, 1, 0
        else:
            self.out_col += len(c)

    def line_comment(self) -> None:
        while True:
            self.splices()
            if self.pos >= len(self.text) or self.text[self.pos] == "\n":
                return
            self.take()

    def block_comment(self) -> None:
        start = self.span()
        self.take(), self.take()
        self.put(" ")
        while self.peek(2) != "*/":
            c = self.take()
            if c == "":
                raise BadInput("TV0103", "a comment that begins here never ends", start, "close it with `*/`")
            if c == "\n":
                self.owed += 1
        self.take(), self.take()
        parts = self.segments.setdefault(self.out_line, [(1, self.out_line, 1)])
        parts.append((self.out_col, self.line, self.col()))

    def quoted(self, quote: str) -> None:
        start = self.span()
        self.put(self.take())
        while (c := self.take()) != quote:
            if c in ("", "\n"):
                raise BadInput(
                    "TV0103", f"a literal that begins here has no closing {quote}", start, "close it on the same line"
                )
            self.put(c)
            if c == "\\":
                self.put(self.take())
        self.put(quote)

    def word(self) -> bool:
        """An identifier or a number as a whole, so that a digit separator is not a quote."""
        if _RAW_STRING.match(self.text, self.pos):
            raise Unsupported("TV0110", "raw string literals are not read", self.span(), "write an ordinary literal")
        m = _NUMBER.match(self.text, self.pos)
        if m is not None:
            word = m.group().replace("'", "")
            if len(word) > MAX_NUMBER:
                raise too_long(word, self.span())
            self.pos = m.end()
            self.put(word + " " * (len(m.group()) - len(word)))
            return True
        m = _IDENTIFIER.match(self.text, self.pos)
        if m is not None:
            self.pos = m.end()
            self.put(m.group())
        return m is not None

    def check_letter(self, c: str) -> None:
        """Compilers take other letters, and `\\u00e9`, for parts of a name, which may then be a macro's; the preprocessor here does not."""
        if c in "$\\" or not c.isascii():
            help = "write names in the letters of ASCII, and other characters in comments or literals"
            raise Unsupported("TV0110", f"the character `{c}` outside of a literal", self.span(), help)

    def run(self) -> CleanText:
        while True:
            self.splices()
            if self.pos >= len(self.text):
                break
            m = _PLAIN.match(self.text, self.pos)
            if m is not None:
                self.pos = m.end()
                self.put(m.group())
                continue
            two = self.peek(2)
            if two == "//":
                self.line_comment()
            elif two == "/*":
                self.block_comment()
            elif two[0] in "\"'":
                self.quoted(two[0])
            elif _DIGRAPH.match(self.peek(4)):
                raise Unsupported("TV0110", f"the digraph `{two}`", self.span(), "write the character itself")
            elif not self.word():
                self.check_letter(two[0])
                self.put(self.take())
        return CleanText(self.file, "".join(self.out), self.segments)


def clean(file: str, text: str) -> CleanText:
    """Phases 1 to 3 of `text`. Raises BadInput or Unsupported for what no compiler, or no reader here, takes."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadInput(
            "TV0102",
            f"`{file}` is longer than {MAX_BYTES} bytes",
            Span(file, 1),
            "check the kernel apart from generated tables",
        )
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    # to Python these end a line, to a compiler they are blanks (or errors)
    text = text.translate(dict.fromkeys((0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029), " "))
    if "\x00" in text:
        at = place(file, text, text.index("\x00"))
        raise BadInput("TV0102", "the file has a null byte", at, "save the file as UTF-8 text")
    m = _TRIGRAPH.search(text)
    if m is not None:
        at = place(file, text, m.start(), len(m.group()))
        raise Unsupported("TV0110", f"trigraph `{m.group()}`", at, "write the character itself")
    cleaned = _Cleaner(file, text).run()
    check_nesting(cleaned)
    return cleaned


def place(file: str, text: str, at: int, length: int = 1) -> Span:
    """The span of `length` characters at an offset of a file's text."""
    col = at - text.rfind("\n", 0, at)
    return Span(file, text.count("\n", 0, at) + 1, col, col + length)


def check_nesting(cleaned: CleanText) -> None:
    """Refuses brackets nested deeper than MAX_NESTING, and indices that follow each other as often, before any recursive parser sees
    them."""
    m = _INDICES.search(cleaned.text)
    if m is not None:
        row, col = cleaned.original(cleaned.text.count("\n", 0, m.start()) + 1, 1)
        help = "an array has two or three dimensions"
        raise Unsupported("TV0104", f"more than {MAX_NESTING} indices in a row", Span(cleaned.file, row, col), help)
    depth, line, start = 0, 1, -1
    for at, c in enumerate(cleaned.text):
        if c == "\n":
            line, start = line + 1, at
        elif c in _OPEN:
            depth += 1
            if depth > MAX_NESTING:
                row, col = cleaned.original(line, at - start)
                where = Span(cleaned.file, row, col, col + 1)
                raise Unsupported(
                    "TV0104",
                    f"brackets nested deeper than {MAX_NESTING}",
                    where,
                    "compute a part of the expression in a variable of its own",
                )
        elif c in _CLOSE:
            depth = max(depth - 1, 0)
