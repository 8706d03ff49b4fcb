"""Macros and their expansion, token by token as gcc and clang do it.

What a macro stands for is put in front of the rest and read again, the macro being out of use until its tokens are read: a name of
it that is met meanwhile stays a name for ever. Arguments are expanded by themselves first, but beside `#` and `##`. Only the blanks in
the text that `#` makes may be others than a compiler's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from tv.cuda_frontend.pp_tokens import Token, lexed, spelled, where
from tv.cuda_frontend.predefined import is_macro
from tv.diagnostic import BadInput, Unsupported

BLANK = Token("blank", "")  # the whitespace before what has become nothing, which `#` still sees


@dataclass(frozen=True, slots=True)
class Piece:
    """A token of a macro's text. parameter: its number, -1 for none. text: of `#`. pasted: `##` follows."""

    token: Token
    parameter: int = -1
    as_text: bool = False
    pasted: bool = False


@dataclass(frozen=True, slots=True)
class Macro:
    """parameters: None for a macro without parentheses. variadic: the last of them takes all the rest."""

    name: Token
    parameters: tuple[str, ...] | None
    variadic: bool
    body: tuple[Piece, ...]


def malformed(what: str, t: Token) -> BadInput:
    return BadInput("TV0105", what, where(t), "see how the C standard writes it")


def defined(tokens: list[Token], where: Token) -> Macro:
    """The macro of `#define` with these tokens behind it. Raises BadInput (TV0105) where they are not well formed."""
    if not tokens or tokens[0].kind != "name" or tokens[0].text in ("defined", "__VA_ARGS__", "__VA_OPT__"):
        raise malformed("a `#define` without a macro's name", tokens[0] if tokens else where)
    parameters, variadic, at = None, False, 1
    if len(tokens) > 1 and tokens[1].text == "(" and not tokens[1].blank:
        parameters, variadic, at = _parameters(tokens)
    pieces = _pieces(tokens[at:], parameters)
    if pieces and (tokens[at].text == "##" or pieces[-1].pasted):
        raise malformed("`##` at an end of a macro's text", tokens[0])
    if pieces:
        pieces[0] = Piece(pieces[0].token.spaced(False), pieces[0].parameter, pieces[0].as_text, pieces[0].pasted)
    return Macro(tokens[0], parameters, variadic, tuple(pieces))


def _parameters(tokens: list[Token]) -> tuple[tuple[str, ...], bool, int]:
    """The names in the parentheses behind the first token, whether the last takes all the rest, and where the text begins."""
    words = [t.text for t in tokens]
    end = words.index(")") if ")" in words else 0
    listed, variadic = words[2:end], False
    if listed[-1:] == ["..."]:
        variadic = True
        listed = [*listed[:-1], "__VA_ARGS__"] if listed[-2:-1] in ([], [","]) else listed[:-1]
    names = listed[::2]
    commas = listed[1::2]
    named = all(re.fullmatch(r"[A-Za-z_]\w*", n, re.ASCII) for n in names) and len(set(names)) == len(names)
    if not end or not named or any(c != "," for c in commas) or len(commas) != max(len(names) - 1, 0):
        raise malformed("a macro's parameters", tokens[0])
    return tuple(names), variadic, end + 1


def _pieces(tokens: list[Token], parameters: tuple[str, ...] | None) -> list[Piece]:
    names = {name: i for i, name in enumerate(parameters or ())}
    out: list[Piece] = []
    stringed = False
    for i, t in enumerate(tokens):
        if t.text in ("__VA_OPT__", "__VA_ARGS__") and t.text not in names:
            raise Unsupported("TV0107", f"`{t.text}` in this macro", where(t), "write `...` and `__VA_ARGS__`, alone")
        if t.text == "##" and i > 0:
            if out and out[-1].pasted:
                raise Unsupported("TV0107", "`##` behind `##`", where(t), "write one")
            out[-1] = Piece(out[-1].token, out[-1].parameter, out[-1].as_text, True)
        elif t.text == "#" and parameters is not None:
            if i + 1 == len(tokens) or tokens[i + 1].text not in names:
                raise malformed("`#` without a parameter behind it", t)
            stringed = True
        elif stringed:
            out.append(Piece(t.spaced(tokens[i - 1].blank), names[t.text], True))
            stringed = False
        else:
            out.append(Piece(t, names.get(t.text, -1)))
    return out


class Source(Protocol):
    """The tokens of the file, and what stands around a call."""

    def next(self, calling: int) -> Token | None: ...

    def push(self, token: Token) -> None: ...


class Listed:
    """Some tokens as a source."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.rest = list(tokens)[::-1]

    def next(self, calling: int) -> Token | None:
        return self.rest.pop() if self.rest else None

    def push(self, token: Token) -> None:
        self.rest.append(token)


@dataclass(slots=True)
class _Context:
    """Tokens to be read before the source's. macro: out of use meanwhile. closed: behind the last of them nothing follows."""

    tokens: list[Token]
    macro: str = ""
    closed: bool = False
    at: int = 0


# Behind a name that takes arguments a `(` is looked for, then the arguments are.
NOT_CALLING, LOOKING, COLLECTING = 0, 1, 2


class Expander:
    """Reads a source with all its macros expanded. `macros` may change between two tokens."""

    def __init__(self, source: Source, macros: dict[str, Macro], spend: Callable[[int], None]) -> None:
        self.source, self.macros, self.spend = source, macros, spend
        self.contexts: list[_Context] = []
        self.disabled: set[str] = set()
        self.owed = False  # was a BLANK read?
        self.uncalled: Token | None = None  # a macro's name behind which the source ended for now
        self.architecture = False  # was __CUDA_ARCH__ expanded?

    def next(self) -> Token | None:
        """The next token that is no macro's use; None at the end."""
        while (t := self._raw(NOT_CALLING)) is not None:
            macro = self.macros.get(t.text) if t.kind == "name" and not t.painted else None
            if macro is None or not self._enter(macro, t):
                return t
        return None

    def _raw(self, calling: int) -> Token | None:
        t = self._unread(calling)
        if t is None:
            return None
        if self.owed:
            t, self.owed = t.spaced(True), False
        if t.kind == "name" and t.text in self.disabled and not t.painted:
            t = Token(t.kind, t.text, t.file, t.line, t.col, t.blank, True, t.used)
        return t

    def _unread(self, calling: int) -> Token | None:
        while self.contexts:
            context = self.contexts[-1]
            if context.at < len(context.tokens):
                t = context.tokens[context.at]
                context.at += 1
                if t is not BLANK:
                    return t
                self.owed = True
                continue
            if context.closed:
                return None
            self.contexts.pop()
            self.disabled.discard(context.macro)
        return self.source.next(calling)

    def _back(self, t: Token) -> None:
        if self.contexts:
            self.contexts[-1].at -= 1
            self.contexts[-1].tokens[self.contexts[-1].at] = t
        else:
            self.source.push(t)

    def _enter(self, macro: Macro, use: Token) -> bool:
        """Puts what the macro stands for in front; False where it takes arguments and none follow."""
        arguments: list[list[Token] | None] = []
        if macro.parameters is not None:
            following = self._raw(LOOKING)
            if following is None or following.text != "(":
                if following is not None:
                    self._back(following)
                elif not self.contexts:
                    self.uncalled = use
                return False
            arguments = self._arguments(macro, use)
        self.architecture |= macro.name.text == "__CUDA_ARCH__"
        tokens = self._replaced(macro, arguments, use)
        self.spend(sum(len(t.text) + 2 for t in tokens) + 1)
        if tokens and tokens[0] is not BLANK:
            tokens[0] = tokens[0].spaced(use.blank or tokens[0].blank)
        elif use.blank:
            tokens.insert(0, BLANK)
        self.contexts.append(_Context(tokens, macro.name.text))
        self.disabled.add(macro.name.text)
        return True

    def _arguments(self, macro: Macro, use: Token) -> list[list[Token] | None]:
        """The tokens of each argument; None for those of `...` where nothing is said of them."""
        assert macro.parameters is not None
        most = len(macro.parameters)
        found: list[list[Token] | None] = []
        current: list[Token] = []
        depth = 0
        while (t := self._raw(COLLECTING)) is not None and (t.text != ")" or depth):
            depth += (t.text == "(") - (t.text == ")")
            if t.text == "," and depth == 0 and not (macro.variadic and len(found) == most - 1):
                found.append(current)
                current = []
            else:
                current.append(t)
        self.spend(sum(len(x or ()) for x in found) + len(current))
        found = [*found, current] if current or found or most else []
        if macro.variadic and len(found) == most - 1:
            found.append(None)
        if t is None or len(found) != most:
            what = "is not closed" if t is None else f"has {len(found)} arguments, and the macro takes {most}"
            help = "every call of a macro needs its arguments"
            raise BadInput("TV0105", f"this call of `{use.text}` {what}", where(use), help)
        return found

    def _expanded(self, tokens: list[Token]) -> list[Token]:
        """An argument by itself, as if the source ended with it."""
        owed, self.owed = self.owed, False
        self.contexts.append(_Context(tokens[:], closed=True))
        out: list[Token] = []
        while (t := self.next()) is not None:
            out.append(t)
        self.contexts.pop()
        self.owed = owed
        return out

    def _replaced(self, macro: Macro, arguments: list[list[Token] | None], use: Token) -> list[Token]:
        out: list[Token] = []
        whole: dict[int, list[Token]] = {}
        glue = left = False  # `##` stands before; there is something on its left
        for i, piece in enumerate(macro.body):
            given = arguments[piece.parameter] if piece.parameter >= 0 else None
            if piece.as_text:
                new = [_as_text(given or [], piece.token).at(use)]
            elif piece.parameter < 0:
                new = [piece.token.at(use)]
            else:
                if not glue and not piece.pasted and piece.parameter not in whole:
                    whole[piece.parameter] = self._expanded(given or [])
                tokens = (given or []) if glue or piece.pasted else whole[piece.parameter]
                if glue or piece.pasted:
                    check_known(tokens)
                self.spend(sum(len(t.text) + 1 for t in tokens))
                new = [t.within(use) for t in tokens]
                new[:1] = [t.spaced(piece.token.blank) for t in new[:1]]
            if glue and self._drops_comma(macro, i):
                self._check_comma(macro, given, use)
                out = out[:-1] if given is None else out
            elif glue and left and new:
                new[:1] = [_pasted(out.pop(), new[0])]
            left = bool(new) or (glue and left)
            out += new if new or glue or not piece.token.blank else [BLANK]
            glue = piece.pasted
        return out

    @staticmethod
    def _drops_comma(macro: Macro, i: int) -> bool:
        """`, ## __VA_ARGS__`, which joins nothing: the comma goes where there are no such arguments."""
        assert macro.parameters is not None or not macro.variadic
        before, piece = macro.body[i - 1], macro.body[i]
        last = macro.variadic and piece.parameter == len(macro.parameters or ()) - 1 and not piece.as_text
        return last and before.parameter < 0 and before.token.text == ","

    @staticmethod
    def _check_comma(macro: Macro, given: list[Token] | None, use: Token) -> None:
        if given == [] and macro.parameters is not None and len(macro.parameters) == 1:
            message = f"`, ##` in the macro `{use.text}`, called without arguments, which compilers expand differently"
            raise Unsupported("TV0107", message, where(use), "give the macro a parameter in front")


def _as_text(tokens: list[Token], name: Token) -> Token:
    """What `#` makes of an argument."""
    quoted = (
        t.spaced(t.blank) if t.kind not in ("string", "character")
        else Token(t.kind, re.sub(r'(["\\])', r"\\\1", t.text), t.file, t.line, t.col, t.blank)
        for t in tokens
    )  # fmt: skip
    text = spelled(quoted)
    if len(text) - len(text.rstrip("\\")) & 1:
        raise malformed("`#` of what ends in a backslash", name)
    return Token("string", f'"{text}"', name.file, name.line, name.col, name.blank)


def check_known(tokens: Iterable[Token]) -> None:
    """Raises Unsupported (TV0107) where tokens beside `##` have been expanded before, to a number that is not known here."""
    for t in tokens:
        if t.used is not None and t.kind == "name" and is_macro(t.text) and t.text not in ("__LINE__", "__COUNTER__"):
            message = f"`##` beside `{t.text}`, whose text is not known here"
            raise Unsupported("TV0107", message, where(t), "write the name that it makes")


def _pasted(a: Token, b: Token) -> Token:
    """The one token that two make. Raises BadInput (TV0105) where they make none."""
    found = lexed(a.text + b.text)
    if len(found) != 1 or found[0].suffix():
        help = "see how the C standard writes it"
        if re.match(r'(?:u8|[uUL])?R"', a.text + b.text):
            raise Unsupported("TV0110", "raw string literals are not read", where(a), "write an ordinary literal")
        raise BadInput("TV0105", f"`{a.text}` and `{b.text}`, joined by `##`, are no token", where(a), help)
    return Token(found[0].kind, found[0].text, a.file, a.line, a.col, a.blank, False, a.used)
