"""Preprocessing by pcpp, with our own headers for the CUDA names and with includes only from folders that were named.

The result is text for the lexer plus a map from every token's place in it to the place in the user's file.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import pcpp

from tv.cuda_frontend.conditions import evaluate
from tv.cuda_frontend.expanding import Expanding
from tv.cuda_frontend.names import is_reserved
from tv.cuda_frontend.phases import MAX_NUMBER, CleanText, check_nesting, clean, decode, too_long
from tv.cuda_frontend.pp_tokens import apart, expanded, make_lexer
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions
from tv.source import Span

HEADERS = Path(__file__).parent / "include"
MAX_TOKENS = 300_000
MAX_INCLUDE_DEPTH = 32

# Standard headers that only host code needs: nothing of them is declared, so a device use of their names is refused.
HOST_HEADERS = frozenset(
    """algorithm array assert.h atomic cassert cfloat chrono climits cmath complex cstddef cstdint cstdio cstdlib cstring
    cublas_v2.h cublasLt.h cuda.h cuda_profiler_api.h curand.h curand_kernel.h cmath errno.h float.h fstream functional helper_cuda.h helper_functions.h helper_string.h
    helper_timer.h helper_image.h iomanip
    initializer_list iostream limits limits.h map memory mutex numeric omp.h optional random set sstream stdbool.h stddef.h stdexcept stdio.h
    stdlib.h string string.h strings.h string_view sys/time.h thread time.h tuple type_traits unistd.h unordered_map utility vector
    device_launch_parameters.h device_functions.h sm_61_intrinsics.h builtin_types.h""".split()
)
HOST_LIBRARIES = ("torch/", "ATen/", "c10/", "pybind11/", "thrust/", "mpi.h", "nccl.h", "cudnn.h", "nvtx3/")
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


# Reserved names that neither nvcc nor gcc on Linux defines.
UNDEFINED = frozenset(
    "__HIPCC__ __HIP_PLATFORM_AMD__ __HIP_DEVICE_COMPILE__ __clang__ __APPLE__ __INTEL_COMPILER __MINGW32__ __MINGW64__ "
    "_WIN32 _WIN64 WIN32 WIN64 _MSC_VER __CYGWIN__ _DEBUG".split()
)
# What nvcc defines before all text, and so do we.
ANSWERED = frozenset(
    "__CUDA_ARCH__ __CUDACC__ __NVCC__ __cplusplus __LP64__ __CUDACC_VER_MAJOR__ __CUDACC_VER_MINOR__ CUDART_VERSION __linux__ "
    "__x86_64__".split()
)


@cache
def predefined() -> frozenset[str]:
    """Names, without an underscore in front, of macros that nvcc has from its headers and the host's."""
    lines = (HEADERS.parent / "predefined_macros.txt").read_text().splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


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

    def __init__(self, main: CleanText, folders: list[Path]) -> None:
        super().__init__(lexer=make_lexer())
        self.evaluator = evaluate
        self.line_directive = None
        self.auto_pragma_once_enabled = False  # its guess at include guards
        self.files: dict[str, CleanText] = {main.file: main}
        self.folders = [f.resolve() for f in folders]
        self.failures: list[TvError] = []
        self.given: set[str] = set()  # by -D
        self.of_pass = False
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
        return super().evalexpr(tokens)

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
        if directive.value in ("define", "undef") and toks:
            self.check_name(directive, toks[0].value)
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

    def check_name(self, directive: Any, name: str) -> None:
        inside = is_header(directive)
        if not inside and (
            is_reserved(name) or name in predefined()
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

    def on_include_not_found(self, is_malformed: bool, is_system_include: bool, curdir: str, includepath: str) -> Any:
        where = self.where(self.lastdirective)
        if is_malformed:
            raise BadInput(
                "TV0105", f"malformed #include `{includepath}`", where, 'write `#include "file"` or `#include <file>`'
            )
        if includepath in HOST_HEADERS or includepath.startswith(HOST_LIBRARIES):
            raise pcpp.OutputDirective(pcpp.Action.IgnoreAndRemove)
        raise BadInput(
            "TV0106", f"`{includepath}` not found", where, "name its folder with `include` in the spec, or -I"
        )

    def on_file_open(self, is_system_include: bool, includepath: str) -> Any:
        """Opens an include, only below an allowed folder; raises OSError otherwise, as pcpp's search expects."""
        path = Path(includepath).resolve()
        if not any(path.is_relative_to(folder) for folder in self.folders) or not path.is_file():
            raise OSError(includepath)
        self.count_include()
        cleaned = clean(str(includepath), decode(str(includepath), path.read_bytes()))
        self.files[str(includepath)] = cleaned
        return _Text(cleaned.text)


class _Text:
    """What pcpp wants of an open file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> str:
        return self.text

    def close(self) -> None:
        return None


class _Writer:
    """Lays pcpp's tokens out as text, one output line per source line, and notes where each token came from."""

    def __init__(self, reader: _Reader, main: str) -> None:
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

    def put(self, token: Any) -> None:
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


def _definitions(reader: _Reader, options: CompileOptions) -> None:
    arch = arch_number(options.arch)
    for text in (f"__CUDA_ARCH__ {arch}", "__CUDACC__ 1", "__NVCC__ 1", "__cplusplus 201703L", "__LP64__ 1",
                 "__CUDACC_VER_MAJOR__ 13", "__CUDACC_VER_MINOR__ 0", "CUDART_VERSION 13000",
                 "__linux__ 1", "__x86_64__ 1"):  # fmt: skip
        reader.define(text)
    for name, value in options.defines:
        m = re.fullmatch(r"[A-Za-z_]\w*", name)
        if m is None:
            raise BadInput("TV0105", f"`{name}` is not a macro name", help="-D NAME or -D NAME=VALUE")
        if is_reserved(name) or name in predefined():
            what = "a built-in" if is_reserved(name) else "a macro of the headers"
            raise Unsupported("TV0109", f"the macro `{name}` has the name of {what}", help="rename the macro")
        reader.define(f"{name} {value}" if value != "" else f"{name} 1")
        reader.given.add(name)


def expand(reader: _Reader, writer: _Writer, main: CleanText) -> None:
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
    own = path.resolve().parent
    folders = [own, *(own / p for p in options.include), HEADERS]
    reader = _Reader(main, folders)
    for folder in folders:
        reader.add_path(str(folder))
    reader.temp_path.insert(0, str(own))
    _definitions(reader, options)
    for _ in reader.parsegen('#include "cuda_runtime.h"\n', str(HEADERS / "nvcc"), None):
        pass  # nvcc includes it before every file
    writer = _Writer(reader, main.file)
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
