"""Preprocessing as gcc does it for nvcc, with our own headers for the CUDA names and with includes only from folders that were named.

The result is text for the lexer plus a map from every token's place in it to the place in the user's file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tv.cuda_frontend.conditions import defined_in_call, evaluate
from tv.cuda_frontend.names import is_reserved
from tv.cuda_frontend.phases import CleanText, check_nesting, clean, decode
from tv.cuda_frontend.pp_asserts import Asserts
from tv.cuda_frontend.pp_includes import HEADERS, HOST_HEADERS, HOST_LIBRARIES, UNMEASURED, Folders, missing
from tv.cuda_frontend.pp_macros import Expander, Listed, Macro, defined
from tv.cuda_frontend.pp_source import Lines
from tv.cuda_frontend.pp_tokens import Token, lexed, spelled, where
from tv.cuda_frontend.pp_writer import TokenText, Writer
from tv.cuda_frontend.pragmas import check_anywhere
from tv.cuda_frontend.predefined import ANSWERED, ASKED, OWN, UNDEFINED, is_macro, predefined
from tv.diagnostic import BadInput, Unsupported
from tv.launch import CompileOptions
from tv.source import Span

__all__ = ["TokenText", "preprocess"]
MAX_TOKENS = 300_000
MOST_WORK = 1_000_000  # characters that expansions read and write; each token counts as some
MOST_INCLUDES = 2_000
_GUARD = re.compile(r"#\s*ifndef\s+(\w+)\n#\s*define\s+\1$")
_ARCH = re.compile(r"(?:sm|compute)_(\d+)([af]?)$")


def arch_number(arch: str) -> int:
    """`sm_90` -> 900, the value of __CUDA_ARCH__. Raises BadInput for anything else."""
    m = _ARCH.match(arch)
    if m is None or not 30 <= int(m.group(1)) <= 200:
        raise BadInput("TV0105", f"`{arch}` is not an architecture", help="write it like sm_90")
    return int(m.group(1)) * 10


def is_header(token: Token) -> bool:
    """Is this token of one of our headers?"""
    return bool(token.file) and Path(os.path.abspath(token.file)).is_relative_to(HEADERS)


def include_guard(text: str) -> str:
    """The macro that guards the whole text; where a compiler had it from elsewhere, there would be no kernel. Or nothing."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    m = _GUARD.match("\n".join(lines[:2])) if len(lines) > 2 else None
    if m is None or not re.match(r"#\s*endif\b", lines[-1]):
        return ""
    depth = 0
    for line in lines[:-1]:
        depth += bool(re.match(r"#\s*if", line)) - bool(re.match(r"#\s*endif\b", line))
        if depth == 0 or (depth == 1 and re.match(r"#\s*el", line)):
            return ""
    return m[1] if depth == 1 else ""


class _Reader:
    """The state of one run: macros, files, and what directives do to them."""

    def __init__(self, main: CleanText, folders: Folders, given: set[str]) -> None:
        self.macros: dict[str, Macro] = {}
        self.files: dict[str, CleanText] = {main.file: main}
        self.folders, self.given = folders, given  # by -D
        self.asserts = Asserts()
        self.lines = Lines(self)
        self.expander = Expander(self.lines, self.macros, self.spend)
        self.writer = Writer(self.files, self.macros, self.asserts)
        self.guards = {include_guard(main.text)}
        self.once: dict[str, str] = {}  # real path -> text of files with `#pragma once`
        self.unmeasured = ""  # a skipped header whose macros are not listed anywhere
        self.of_pass = False
        self.work = self.includes = 0

    def spend(self, work: int) -> None:
        self.work += work
        if self.work > MOST_WORK:
            raise self.too_much("macros that expand to too much text")

    def too_much(self, what: str) -> Unsupported:
        help = "check the kernel apart from what generates its text"
        return Unsupported("TV0104", what, where(self.lines.at), help)

    # -------------------------------------------------------------------------------------------- conditions
    def condition(self, name: Token, tokens: list[Token]) -> bool:
        """Called only for a condition that decides: not inside what is left out."""
        if name.text in ("if", "elif"):
            return self.evaluated(name, tokens)
        if not tokens or tokens[0].kind != "name":
            raise BadInput("TV0105", f"`#{name.text}` without a name", where(name), "name a macro")
        self.check_condition(name, tokens[:1])
        return (tokens[0].text in self.macros) == (name.text == "ifdef")

    def evaluated(self, name: Token, tokens: list[Token]) -> bool:
        self.check_condition(name, tokens)
        if defined_in_call([t.text for t in tokens], self.macros):
            raise unsure_defined(name)
        expander = Expander(Listed(self.answered(name, tokens)), self.macros, self.spend)
        words: list[str] = []
        while (t := expander.next()) is not None:
            if t.text == "defined":
                raise unsure_defined(name)
            words.append(t.text)
        self.of_pass |= expander.architecture

        def unknown(word: str, called: bool) -> BadInput | Unsupported:
            if called:
                help = "compare macros that are plain numbers, or use #ifdef"
                return Unsupported("TV0107", f"`{word}(...)` in an `#if`", where(name), help)
            help = f"define it: -D {word}=..., or use #ifdef"
            return BadInput("TV0107", f"`#if` on `{word}`, which is not defined", where(name), help)

        try:
            return evaluate(words, unknown).value() != 0
        except ValueError as error:
            message = f"could not evaluate this condition: {error}"
            raise BadInput("TV0105", message, where(name), "see how the C standard writes it") from None

    def answered(self, name: Token, tokens: list[Token]) -> list[Token]:
        """The condition with a number for each `defined`."""
        out, at = list[Token](), 0
        while at < len(tokens):
            if tokens[at].text != "defined":
                out.append(tokens[at])
                at += 1
                continue
            rest = [t.text for t in tokens[at + 1 : at + 4]]
            bracket = rest[:1] == ["("]
            asked = tokens[at + 1 + bracket : at + 2 + bracket]
            if not asked or asked[0].kind != "name" or (bracket and rest[2:] != [")"]):
                raise BadInput("TV0105", "`defined` without a name", where(name), "name a macro")
            out.append(Token("number", str(int(asked[0].text in self.macros)), name.file, name.line, tokens[at].col))
            at += 4 if bracket else 2
        return out

    def check_condition(self, directive: Token, tokens: list[Token]) -> None:
        """A name that nvcc, its host compiler or their headers may define and the file does not: any answer would be a guess."""
        if is_header(directive):
            return
        for name in (t.text for t in tokens if t.kind == "name"):
            self.of_pass |= name == "__CUDA_ARCH__"
            if name in ("defined", "true", "false", *self.guards, *ANSWERED, *UNDEFINED) or name in self.given:
                continue
            own = name in self.macros and not is_header(self.macros[name].name)
            if not own and (name.startswith("_") or name in self.macros or name in predefined()):
                help = "test `__CUDA_ARCH__`, `__CUDACC__`, or a macro given with -D"
                message = f"a condition on the predefined macro `{name}`"
                raise Unsupported("TV0107", message, where(directive), help)
            if not own and self.unmeasured:
                message = f"a condition on `{name}`, which `{self.unmeasured}` may define"
                raise Unsupported("TV0107", message, where(directive), "put the condition before that header")

    # -------------------------------------------------------------------------------------------- directives
    def directive(self, name: Token, tokens: list[Token], line: str) -> None:
        """Called only where it is not left out. `line`: the whole text of it."""
        match name.text:
            case "define":
                self.define(defined(tokens, name), name)
            case "undef":
                if not tokens or tokens[0].kind != "name":
                    raise BadInput("TV0105", "`#undef` without a name", where(name), "name a macro")
                self.check_name(name, tokens[0].text)
                self.asserts.note(tokens[0].text)
                self.macros.pop(tokens[0].text, None)
            case "include":
                self.include(name, line)
            case "pragma":
                self.pragma(name, tokens)
            case "error":
                help = "define what it asks for: `defines` in the specification, or -D"
                raise BadInput("TV0105", f"#error {spelled(tokens)}", where(name), help)
            case "warning" | "ident":
                pass
            case "" if not tokens:
                pass
            case word if word == "line" or word.isdigit():
                raise Unsupported("TV0107", "`#line`, which changes `__LINE__`", where(name), "remove it")
            case word:
                help = "remove it, or put it behind an #ifdef that is not taken"
                raise BadInput("TV0105", f"unknown directive `#{word}`", where(name), help)

    def define(self, macro: Macro, directive: Token) -> None:
        self.check_name(directive, macro.name.text)
        self.asserts.note(macro.name.text)
        self.macros[macro.name.text] = macro

    def check_name(self, directive: Token, name: str) -> None:
        if directive.file and not is_header(directive):
            check_macro_name(name, where(directive))

    def pragma(self, name: Token, tokens: list[Token]) -> None:
        text = spelled(tokens)
        check_anywhere(text, where(name))
        if tokens and tokens[0].text == "once":
            self.once[os.path.realpath(name.file)] = self.files[name.file].text
        elif not is_header(name):
            self.writer.directive(name, text)

    def include(self, directive: Token, line: str) -> None:
        at = where(directive)
        name, quoted = self.named_file(directive, line)
        if not name:
            help = 'write `#include "file"` or `#include <file>`'
            raise BadInput("TV0105", f"malformed #include `{line.split('include', 1)[1].strip()}`", at, help)
        path = self.folders.find(name, quoted, Path(os.path.abspath(directive.file)), at)
        if path is None and not (name in HOST_HEADERS or name.startswith(HOST_LIBRARIES)):
            raise missing(name, at)
        if path is None and name.startswith(UNMEASURED):
            self.unmeasured = self.unmeasured or name
        if self.asserts.included(path):
            self.macros.pop("assert", None)
        if path is not None and os.path.realpath(path) not in self.once:
            self.read(path, at)

    def named_file(self, directive: Token, line: str) -> tuple[str, bool]:
        """The file that stands behind `#include`, and whether in quotes; no name where it is not of that form."""
        m = re.match(r'\s*#\s*include\s*(?:"([^"]*)"|<([^>]*)>)', line)
        if m is None:
            end = line.index("include") + len("include")
            expander = Expander(Listed(lexed(line, directive.file, directive.line, end)), self.macros, self.spend)
            text = spelled(iter(expander.next, None))
            m = re.match(r'(?:"([^"]*)"|<([^>]*)>)', text)
        return ("", False) if m is None else (m[1] or m[2] or "", m[1] is not None)

    def read(self, path: Path, at: Span) -> None:
        """Puts a file in front. Raises Unsupported (TV0106) for a copy of one that is read once: some compilers go by the contents."""
        self.includes += 1
        if self.includes > MOST_INCLUDES:
            raise self.too_much(f"more than {MOST_INCLUDES} includes")
        cleaned = self.files[str(path)] = clean(str(path), decode(str(path), path.read_bytes()))
        if cleaned.text in self.once.values() and not path.is_relative_to(HEADERS):
            help = "include one of them, or write include guards"
            raise Unsupported("TV0106", f"`{path.name}`, a copy of a file with `#pragma once`", at, help)
        guard = include_guard(cleaned.text)
        if not is_macro(guard):  # a header of nvcc's may have defined it, and then there is nothing of this one
            self.guards.add(guard)
        self.lines.enter(cleaned)


def unsure_defined(directive: Token) -> Unsupported:
    message = "`defined` in an `#if` by way of a macro, which compilers expand in different ways"
    return Unsupported("TV0107", message, where(directive), "write `defined(...)` in the condition")


def check_macro_name(name: str, at: Span) -> None:
    """Raises Unsupported (TV0109): of two definitions, that of a header may come last."""
    if (
        is_reserved(name)
        or name in predefined()
        or name in ANSWERED
        or name in OWN
        or name in ASKED
        or name.startswith(("__has_", "_Pragma"))
    ):
        what = "a built-in" if is_reserved(name) else "a macro of the headers"
        raise Unsupported("TV0109", f"the macro `{name}` has the name of {what}", at, "rename the macro")


def _definitions(reader: _Reader, options: CompileOptions, main: str) -> None:
    arch = arch_number(options.arch)
    texts = [f"__CUDA_ARCH__ {arch}", "__CUDACC__ 1", "__NVCC__ 1", "__cplusplus 201703L", "__LP64__ 1",
             "__CUDACC_VER_MAJOR__ 13", "__CUDACC_VER_MINOR__ 0", "CUDART_VERSION 13000",
             "__linux__ 1", "__x86_64__ 1"]  # fmt: skip
    for name, value in options.defines:
        m = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
        if m is None:
            raise BadInput("TV0105", f"`{name}` is not a macro name", help="-D NAME or -D NAME=VALUE")
        check_macro_name(name, Span("", 0))
        if any(c in value for c in ",\n\r"):  # nvcc ends the value at a comma, gcc at the end of a line
            what = f"a comma or an end of a line in the value of `-D {name}`"
            raise BadInput("TV0105", what, help="write a `#define` in the file")
        texts.append(f"{name} {clean('-D', value).text}")
    for text in texts:
        reader.define(defined(lexed(text, main, 1), reader.lines.at), reader.lines.at)


def preprocess(path: Path, text: str, options: CompileOptions) -> TokenText:
    """Text of the kernel file, preprocessed. Raises BadInput or Unsupported; never reads outside the allowed folders."""
    main = clean(str(path), text)
    folders = Folders(Path(os.path.abspath(path)).parent, tuple(path.resolve().parent / p for p in options.include))
    folders.check(main.file)
    reader = _Reader(main, folders, {name for name, _ in options.defines})
    _definitions(reader, options, main.file)
    reader.lines.enter(main)
    reader.read(HEADERS / "cuda_runtime.h", Span(main.file, 1))  # nvcc includes it before every file
    count, uncalled = 0, None
    while (token := reader.expander.next()) is not None:
        reader.writer.put(token, uncalled)
        uncalled, reader.expander.uncalled = reader.expander.uncalled, None
        count += 1
        if count > MAX_TOKENS:
            help = "check the kernel apart from generated tables"
            raise Unsupported("TV0104", f"more than {MAX_TOKENS} tokens after preprocessing", Span(main.file, 1), help)
    result = reader.writer.text(reader.of_pass or reader.expander.architecture)
    check_nesting(CleanText(main.file, result.text))
    return result
