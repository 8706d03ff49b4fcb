"""The lines of a file and of those that it includes, one token after the other; a directive is carried out where it is met."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from tv.cuda_frontend.phases import CleanText
from tv.cuda_frontend.pp_macros import COLLECTING, LOOKING, NOT_CALLING
from tv.cuda_frontend.pp_tokens import Token, lexed, where
from tv.diagnostic import BadInput, Unsupported

MAX_INCLUDE_DEPTH = 32
MOST_DIRECTIVES = 30_000
_HELP = "check the kernel apart from what generates its text"
_DIRECTIVE = re.compile(r"\s*#\s*(\w*)", re.ASCII)
_UNSETTLED = ("elifdef", "elifndef")  # some compilers know them, others pass over them


@dataclass(slots=True)
class _Branch:
    """An `#if`. reading: are its lines read now? done: was one of its groups read, or is it left out as a whole?"""

    where: Token
    text: str
    reading: bool
    done: bool
    left_out: bool
    last: bool = False  # behind `#else`


@dataclass(slots=True)
class _File:
    cleaned: CleanText
    lines: list[str]
    line: int = 0  # the last one that was read
    branches: list[_Branch] = field(default_factory=list)

    def reads(self) -> bool:
        return not self.branches or self.branches[-1].reading


class Directives(Protocol):
    """What is done where a directive is met that is not left out. `tokens`: those behind its name."""

    def condition(self, name: Token, tokens: list[Token]) -> bool: ...

    def directive(self, name: Token, tokens: list[Token], line: str) -> None: ...


class Lines:
    """A source of tokens; the innermost file is read first."""

    def __init__(self, directives: Directives) -> None:
        self.directives = directives
        self.files: list[_File] = []
        self.waiting: list[Token] = []  # of the current line, the last first
        self.count = 0
        self.at = Token("other", "#")  # the last directive

    def enter(self, cleaned: CleanText) -> None:
        """Reads this file before the rest. Raises BadInput (TV0106) where files include each other for ever."""
        if len(self.files) > MAX_INCLUDE_DEPTH:
            help = "does a file include itself? `#pragma once` keeps it from that"
            raise BadInput("TV0106", f"includes nested deeper than {MAX_INCLUDE_DEPTH}", where(self.at), help)
        self.files.append(_File(cleaned, cleaned.text.split("\n")))

    def push(self, token: Token) -> None:
        self.waiting.append(token)

    def next(self, calling: int) -> Token | None:
        while not self.waiting and self.files:
            file = self.files[-1]
            if file.line == len(file.lines):
                self._close(file)
                if calling != NOT_CALLING:
                    return None
                self.files.pop()
                continue
            text = file.lines[file.line]
            m = _DIRECTIVE.match(text)
            if m is not None:
                if calling == LOOKING:
                    return None  # of the directive, which is carried out afterwards
                file.line += 1
                self._directive(file, m[1], text, m.end(), calling)
                continue
            file.line += 1
            if file.reads():
                self.waiting = lexed(text, file.cleaned.file, file.line)[::-1]
        return self.waiting.pop() if self.waiting else None

    @staticmethod
    def _close(file: _File) -> None:
        if file.branches:
            open_one = file.branches[-1]
            help = "every `#if` needs its `#endif`"
            raise BadInput("TV0105", f"unterminated `{open_one.text}`", where(open_one.where), help)

    def _directive(self, file: _File, word: str, text: str, end: int, calling: int) -> None:
        self.count += 1
        name = Token("name", word, file.cleaned.file, file.line, end - len(word) + 1)
        self.at = name
        if self.count > MOST_DIRECTIVES:
            raise Unsupported("TV0104", f"more than {MOST_DIRECTIVES} directives", where(name), _HELP)
        if word in ("if", "ifdef", "ifndef", "elif", "else", "endif", *_UNSETTLED):
            self._branch(file, name, text, end)
        elif file.reads() and calling == COLLECTING:
            raise Unsupported("TV0107", f"`#{word}` inside a macro's call", where(name), "move the directive")
        elif file.reads():
            self.directives.directive(name, lexed(text, name.file, name.line, end), text)

    def _branch(self, file: _File, name: Token, text: str, end: int) -> None:
        word, branches = name.text, file.branches
        if word in ("if", "ifdef", "ifndef"):
            outer = file.reads()
            branches.append(_Branch(name, " ".join(text.split()), False, not outer, not outer))
            if outer:
                self._decide(branches[-1], name, text, end)
            return
        if not branches or (branches[-1].last and word != "endif"):
            raise BadInput("TV0105", f"`#{word}` without its `#if`", where(name), "every `#if` needs its `#endif`")
        branch = branches[-1]
        if word == "endif":
            branches.pop()
        elif word in _UNSETTLED and not branch.left_out:
            message = f"`#{word}`, which some compilers pass over"
            raise Unsupported("TV0107", message, where(name), "write `#elif defined(...)`")
        elif word == "else":
            branch.reading, branch.done, branch.last = not branch.done, True, True
        elif branch.done:
            branch.reading = False
        else:
            self._decide(branch, name, text, end)

    def _decide(self, branch: _Branch, name: Token, text: str, end: int) -> None:
        branch.reading = self.directives.condition(name, lexed(text, name.file, name.line, end))
        branch.done |= branch.reading
