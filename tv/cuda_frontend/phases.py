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
NUMBER = re.compile(r"\.?[0-9](?:[eEpP][+-]|'[0-9A-Za-z_]|[\w.])*+", re.ASCII)
_QUOTED = re.compile(r"\"(?:\\[^\n]|[^\"\\\n])*\"|'(?:\\[^\n]|[^'\\\n])*'")
# `<::` is `<` and `::`, unless `:` or `>` follows.
_INDICES = re.compile(rf"(?:\]\s*+\[[^\[\]]*+){{{MAX_NESTING}}}")
_PLAIN = re.compile(r"[ \t(){}\[\];,*+=&|!^~-]+")  # nothing that begins with one of these has to be looked at
_DIGRAPH = re.compile(r"%:|<%|%>|:>|<:(?!:[^:>])")
_OPEN, _CLOSE = "([{", ")]}"
# To a compiler \v and \f are blanks. The others are none, and no ends of a line either, as they are to Python.
_LETTERS = {0x0B: " ", 0x0C: " ", **dict.fromkeys((0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029), "\ufffd")}


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
    """Copies spliced text into `out`, a logical line at a time; `owed` newlines are paid back at the line's end."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.pos = file, 0
        # offsets in the spliced text at which lines of the file begin; whether a splice stands before
        self.starts, self.spliced = [0], [False]
        self.text = self.splice(text)
        self.next = 1  # of `starts`, the first that lies behind `pos`
        self.out: list[str] = []
        self.out_line, self.out_col, self.owed = 1, 1, 0
        self.segments: dict[int, list[tuple[int, int, int]]] = {}

    def splice(self, text: str) -> str:
        """The text without backslashes at the ends of lines; to nvcc such a line may end in blanks."""
        parts, at, total = [], 0, 0
        for m in re.finditer(r"\\[ \t]*\n|\n", text):
            whole = m.group() == "\n"
            part = text[at : m.end() if whole else m.start()]
            parts.append(part)
            total += len(part)
            at = m.end()
            self.starts.append(total)
            self.spliced.append(not whole)
        return "".join([*parts, text[at:]])

    def place(self, pos: int) -> tuple[int, int]:
        """Line and column, in the file, of an offset in the spliced text."""
        line = bisect_right(self.starts, pos)
        return line, pos - self.starts[line - 1] + 1

    def span(self, pos: int) -> Span:
        line, col = self.place(pos)
        return Span(self.file, line, col, col + 1)

    def segment(self, line: int, col: int, shift: int = 0) -> None:
        parts = self.segments.setdefault(self.out_line, [(1, self.out_line, 1)])
        parts.append((self.out_col + shift, line, col))

    def copy(self, end: int) -> None:
        """What stands before `end`, without a newline, as it is."""
        while self.next < len(self.starts) and self.starts[self.next] <= end:
            if self.spliced[self.next]:
                self.owed += 1
                self.segment(self.next + 1, 1, self.starts[self.next] - self.pos)
            self.next += 1
        self.out.append(self.text[self.pos : end])
        self.out_col += end - self.pos
        self.pos = end

    def skip(self, end: int) -> None:
        """Leaves out what stands before `end`, with all its lines."""
        while self.next < len(self.starts) and self.starts[self.next] <= end:
            self.owed += 1
            self.next += 1
        self.pos = end
        self.segment(*self.place(end))

    def newline(self) -> None:
        self.copy(self.pos)  # a splice may stand before
        self.pos += 1
        self.next += 1
        self.out.append("\n" * (1 + self.owed))
        self.out_line, self.out_col, self.owed = self.out_line + 1 + self.owed, 1, 0

    def line_comment(self) -> None:
        end = self.text.find("\n", self.pos)
        self.skip(len(self.text) if end < 0 else end)

    def block_comment(self) -> None:
        end = self.text.find("*/", self.pos + 2)
        if end < 0:
            where = self.span(self.pos)
            raise BadInput("TV0103", "a comment that begins here never ends", where, "close it with `*/`")
        self.out.append(" ")
        self.out_col += 1
        self.skip(end + 2)

    def quoted(self) -> None:
        m = _QUOTED.match(self.text, self.pos)
        if m is None:
            message = f"a literal that begins here has no closing {self.text[self.pos]}"
            raise BadInput("TV0103", message, self.span(self.pos), "close it on the same line")
        self.copy(m.end())

    def word(self) -> bool:
        """An identifier or a number as a whole, so that a digit separator is not a quote."""
        if _RAW_STRING.match(self.text, self.pos):
            where = self.span(self.pos)
            raise Unsupported("TV0110", "raw string literals are not read", where, "write an ordinary literal")
        m = NUMBER.match(self.text, self.pos)
        if m is not None and len(m.group()) > MAX_NUMBER:
            raise too_long(m.group(), self.span(self.pos))
        m = m or _IDENTIFIER.match(self.text, self.pos)
        if m is not None:
            self.copy(m.end())
        return m is not None

    def check_letter(self, c: str) -> None:
        """Compilers take other letters, and `\\u00e9`, for parts of a name, which may then be a macro's; the preprocessor here does not."""
        if c in "$\\" or not c.isascii():
            help = "write names in the letters of ASCII, and other characters in comments or literals"
            raise Unsupported("TV0110", f"the character `{c}` outside of a literal", self.span(self.pos), help)

    def run(self) -> CleanText:
        while self.pos < len(self.text):
            m = _PLAIN.match(self.text, self.pos)
            two = self.text[self.pos : self.pos + 2]
            if m is not None:
                self.copy(m.end())
            elif two[0] == "\n":
                self.newline()
            elif two == "//":
                self.line_comment()
            elif two == "/*":
                self.block_comment()
            elif two[0] in "\"'":
                self.quoted()
            elif _DIGRAPH.match(self.text, self.pos):
                where = self.span(self.pos)
                raise Unsupported("TV0110", f"the digraph `{two}`", where, "write the character itself")
            elif not self.word():
                self.check_letter(two[0])
                self.copy(self.pos + 1)
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
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").translate(_LETTERS)
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
