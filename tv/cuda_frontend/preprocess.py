"""Preprocessing by pcpp, with our own headers for the CUDA names and with includes only from folders that were named.

The result is text for the lexer plus a map from every token's place in it to the place in the user's file.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from tv.cuda_frontend.conditions import defined_in_call, evaluate
from tv.cuda_frontend.expanding import Expanding
from tv.cuda_frontend.names import is_reserved
from tv.cuda_frontend.phases import CleanText, check_nesting, clean, decode
from tv.cuda_frontend.pp_asserts import Asserts
from tv.cuda_frontend.pp_includes import HEADERS, HOST_HEADERS, HOST_LIBRARIES, Folders, missing
from tv.cuda_frontend.pp_tokens import make_lexer
from tv.cuda_frontend.pp_writer import Writer
from tv.cuda_frontend.predefined import ANSWERED, UNDEFINED, predefined
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions
from tv.source import Span

MAX_TOKENS = 300_000
MAX_INCLUDE_DEPTH = 32

# What pcpp raises on damaged directives besides calling its error hook.
_DAMAGE = (IndexError, AttributeError, TypeError, ValueError, AssertionError, KeyError)
# These change macros, even from host code, which is not read otherwise.
_SAVED_MACRO = re.compile(r'(?:#\s*pragma|_Pragma\s*\(\s*")\s*((?:push|pop)_macro)')
_GUARD = re.compile(r"#\s*ifndef\s+(\w+)\n#\s*define\s+\1$")
_ARCH = re.compile(r"(?:sm|compute)_(\d+)([af]?)$")


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


def arch_number(arch: str) -> int:
    """`sm_90` -> 900, the value of __CUDA_ARCH__. Raises BadInput for anything else."""
    m = _ARCH.match(arch)
    if m is None or not 30 <= int(m.group(1)) <= 200:
        raise BadInput("TV0105", f"`{arch}` is not an architecture", help="write it like sm_90")
    return int(m.group(1)) * 10


class _Macros(dict[str, Any]):
    """Macros by name; notes whether `__CUDA_ARCH__` was ever expanded."""

    of_pass = False

    def __getitem__(self, name: str) -> Any:
        self.of_pass |= name == "__CUDA_ARCH__"
        return super().__getitem__(name)


def is_header(token: Any) -> bool:
    """Is this token or macro of one of our headers? The preprocessor makes paths relative to the working directory."""
    source = str(getattr(token, "source", "") or "")
    return bool(source) and Path(os.path.abspath(source)).is_relative_to(HEADERS)


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


class _Reader(Expanding):
    """pcpp with errors collected instead of printed (its evaluator swallows exceptions, so raising is not enough)."""

    def __init__(self, main: CleanText, folders: Folders) -> None:
        super().__init__(lexer=make_lexer())
        self.evaluator = evaluate
        self.expand_linemacro = self.expand_countermacro = False  # the one where it is sure, the other never
        self.line_directive = None
        self.auto_pragma_once_enabled = False  # its guess at include guards
        self.files: dict[str, CleanText] = {main.file: main}
        self.folders = folders
        self.failures: list[TvError] = []
        self.given: set[str] = set()  # by -D
        self.of_pass = False
        self.asserts = Asserts()
        self.guard = include_guard(main.text)
        self.rewrite_paths: list[Any] = []
        for name in ("__DATE__", "__TIME__", "__PCPP__"):
            del self.macros[name]
        self.macros = _Macros(self.macros)

    def where(self, token: Any) -> Span:
        file = getattr(token, "source", "") or ""
        return Span(file, token.lineno) if file else Span(next(iter(self.files)), token.lineno)

    def fail(self, error: TvError) -> None:
        self.failures.append(error)

    def on_error(self, file: str, line: int, msg: str) -> None:
        self.fail(
            BadInput(
                "TV0105",
                msg[0].lower() + msg[1:].strip(),
                Span(file, line),
                "every `#if` needs its `#endif`, every call of a macro its arguments",
            )
        )

    def evalexpr(self, tokens: Any) -> Any:
        """Called only for a condition that decides: not inside what is left out."""
        self.check_condition(self.lastdirective, tokens)
        if defined_in_call(tokens, self.macros):
            self.fail(self.unsure_defined())
        self.in_condition = True
        found = super().evalexpr(tokens)
        self.in_condition = False
        return found

    def expand_macros(self, tokens: Any, expanding_from: Any = ()) -> Any:
        out = super().expand_macros(tokens, expanding_from)
        if self.in_condition and any(t.value == "defined" for t in out):
            self.fail(self.unsure_defined())  # what stood in the condition itself is a number by now
        return out

    def unsure_defined(self) -> TvError:
        message = "`defined` in an `#if` by way of a macro, which compilers expand in different ways"
        return Unsupported("TV0107", message, self.where(self.lastdirective), "write `defined(...)` in the condition")

    def on_unknown_macro_in_defined_expr(self, tok: Any) -> bool:
        self.check_condition(self.lastdirective, [tok])
        return False

    def on_unknown_macro_in_expr(self, ident: str) -> int:
        where = self.where(self.lastdirective)
        self.fail(
            BadInput(
                "TV0107",
                f"`#if` on `{ident}`, which is not defined",
                where,
                f"define it: -D {ident}=..., or use #ifdef",
            )
        )
        return 0

    def on_unknown_macro_function_in_expr(self, ident: str) -> Any:
        self.fail(
            Unsupported(
                "TV0107",
                f"`{ident}(...)` in an `#if`",
                self.where(self.lastdirective),
                "compare macros that are plain numbers, or use #ifdef",
            )
        )
        return lambda _: 0

    def on_directive_handle(self, directive: Any, toks: Any, ifpassthru: Any, precedingtoks: Any) -> bool:
        self.lastdirective = directive
        self.count_directive()
        if directive.value in ("ifdef", "ifndef"):  # pcpp asks nothing where the macro is there
            self.check_condition(directive, [t for t in toks if t.value in self.macros])
        if self.include_depth > MAX_INCLUDE_DEPTH:
            raise BadInput(
                "TV0106",
                f"includes nested deeper than {MAX_INCLUDE_DEPTH}",
                self.where(directive),
                "does a file include itself? `#pragma once` keeps it from that",
            )
        return True

    def define(self, tokens: Any) -> None:
        """Called only where it is not left out."""
        if not isinstance(tokens, str) and tokens:
            self.check_name(self.lastdirective, tokens[0].value)
            self.asserts.note(tokens[0].value)
        super().define(tokens)

    def undef(self, tokens: Any) -> None:
        if tokens:
            self.check_name(self.lastdirective, tokens[0].value)
            self.asserts.note(tokens[0].value)
        super().undef(tokens)

    def check_name(self, directive: Any, name: str) -> None:
        inside = is_header(directive)
        if not inside and (
            is_reserved(name) or name in predefined() or name in ANSWERED
        ):  # of two definitions, that of a header may come last
            what = "a built-in" if is_reserved(name) else "a macro of the headers"
            where = self.where(directive)
            self.fail(Unsupported("TV0109", f"the macro `{name}` has the name of {what}", where, "rename the macro"))

    def check_condition(self, directive: Any, toks: Any) -> None:
        """A name that nvcc, its host compiler or their headers may define and the file does not: any answer would be a guess."""
        if is_header(directive):
            return
        for token in toks:
            name = str(token.value)
            self.of_pass |= name == "__CUDA_ARCH__"
            if token.type != self.t_ID or name in ("defined", self.guard, *ANSWERED, *UNDEFINED) or name in self.given:
                continue
            own = name in self.macros and not is_header(self.macros[name])
            if not own and (name.startswith("_") or name in self.macros or name in predefined()):
                help = "test `__CUDA_ARCH__`, `__CUDACC__`, or a macro given with -D"
                self.fail(
                    Unsupported("TV0107", f"a condition on the predefined macro `{name}`", self.where(directive), help)
                )

    def on_directive_unknown(self, directive: Any, toks: Any, ifpassthru: Any, precedingtoks: Any) -> Any:
        words = "".join(t.value for t in toks)
        if directive.value == "error":
            raise BadInput(
                "TV0105",
                f"#error {words}",
                self.where(directive),
                "define what it asks for: `defines` in the specification, or -D",
            )
        if directive.value in ("warning", "ident"):
            return True
        if directive.value == "line":
            raise Unsupported("TV0107", "`#line`, which changes `__LINE__`", self.where(directive), "remove it")
        if directive.value == "pragma":
            return None
        raise BadInput(
            "TV0105",
            f"unknown directive `#{directive.value}`",
            self.where(directive),
            "remove it, or put it behind an #ifdef that is not taken",
        )

    def include(self, tokens: Any, original_line: Any) -> Any:
        """The tokens of the file that is included; pcpp itself knows one order of folders for quotes and angle brackets."""
        where = self.where(self.lastdirective)
        name, quoted = named_file(tokens, self.t_STRING)
        if not name:
            text = "".join(t.value for t in tokens)
            help = 'write `#include "file"` or `#include <file>`'
            raise BadInput("TV0105", f"malformed #include `{text}`", where, help)
        path = self.folders.find(name, quoted, Path(os.path.abspath(where.file)), where)
        if path is None and not (name in HOST_HEADERS or name.startswith(HOST_LIBRARIES)):
            raise missing(name, where)
        if self.asserts.included(path):
            self.macros.pop("assert", None)
        if path is not None and str(path) not in self.include_once:
            self.count_include()
            cleaned = self.files[str(path)] = clean(str(path), decode(str(path), path.read_bytes()))
            yield from self.parsegen(cleaned.text, name, str(path))


def named_file(tokens: Any, string: Any) -> tuple[str, bool]:
    """The file that the tokens behind `#include` name, and whether by quotes; no name where they are not of that form."""
    if tokens and tokens[0].type == string:
        return tokens[0].value[1:-1], True
    words = [str(t.value) for t in tokens]
    if words[:1] != ["<"] or ">" not in words:
        return "", False
    return "".join(words[1 : words.index(">")]), False


def _definitions(reader: _Reader, options: CompileOptions) -> None:
    arch = arch_number(options.arch)
    for text in (f"__CUDA_ARCH__ {arch}", "__CUDACC__ 1", "__NVCC__ 1", "__cplusplus 201703L", "__LP64__ 1",
                 "__CUDACC_VER_MAJOR__ 13", "__CUDACC_VER_MINOR__ 0", "CUDART_VERSION 13000",
                 "__linux__ 1", "__x86_64__ 1"):  # fmt: skip
        reader.define(text)
    for name, value in options.defines:
        m = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
        if m is None:
            raise BadInput("TV0105", f"`{name}` is not a macro name", help="-D NAME or -D NAME=VALUE")
        if is_reserved(name) or name in predefined() or name in ANSWERED:
            what = "a built-in" if is_reserved(name) else "a macro of the headers"
            raise Unsupported("TV0109", f"the macro `{name}` has the name of {what}", help="rename the macro")
        reader.define(f"{name} {clean('-D', value).text}".rstrip())
        reader.given.add(name)


def expand(reader: _Reader, writer: Writer, main: CleanText) -> None:
    """Runs the preprocessor over the file, up to its first failure."""
    for count, token in enumerate(reader.parsegen(main.text + "\n", main.file, None)):
        if count > MAX_TOKENS:
            raise Unsupported(
                "TV0104",
                f"more than {MAX_TOKENS} tokens after preprocessing",
                Span(main.file, 1),
                "check the kernel apart from generated tables",
            )
        if reader.failures:
            break
        writer.put(token)


def preprocess(path: Path, text: str, options: CompileOptions) -> TokenText:
    """Text of the kernel file, preprocessed. Raises BadInput or Unsupported; never reads outside the allowed folders."""
    main = clean(str(path), text)
    folders = Folders(Path(os.path.abspath(path)).parent, tuple(path.resolve().parent / p for p in options.include))
    folders.check(main.file)
    reader = _Reader(main, folders)
    _definitions(reader, options)
    for _ in reader.parsegen('#include "cuda_runtime.h"\n', str(HEADERS / "nvcc"), None):
        pass  # nvcc includes it before every file
    writer = Writer(reader, main.file)
    try:
        expand(reader, writer, main)
    except _DAMAGE as error:
        where = reader.where(reader.lastdirective) if reader.lastdirective is not None else Span(main.file, 1)
        raise BadInput(
            "TV0105", "a directive that is not well formed", where, "see how the C standard writes it"
        ) from error
    if reader.failures:
        raise reader.failures[0]
    result = TokenText("".join(writer.out), writer.places, reader.of_pass or reader.macros.of_pass)
    check_nesting(CleanText(main.file, result.text))
    m = _SAVED_MACRO.search(result.text)
    if m is not None:
        _, line, _ = result.place(result.text.count("\n", 0, m.start(1)) + 1, 1)
        raise Unsupported("TV0125", f"`#pragma {m.group(1)}`", Span(main.file, line), "define the macro anew instead")
    return result
