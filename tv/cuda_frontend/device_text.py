"""The device side of a CUDA file, for a compiler that knows no host: host code and host headers are blanked, lines stay."""

from __future__ import annotations

import re
from pathlib import Path

from tv.cuda_frontend.c_reader import parse
from tv.cuda_frontend.pp_includes import HEADERS, HOST_HEADERS, HOST_LIBRARIES
from tv.cuda_frontend.preprocess import preprocess
from tv.launch import CompileOptions

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]*)[>\"].*$", re.MULTILINE)
# Of a toolkit's headers, those that say nothing to a compiler that has their names built in.
_BUILT_IN = frozenset(
    "cuda_runtime.h cuda_runtime_api.h device_launch_parameters.h vector_types.h math_functions.h".split()
)
# Standard headers whose macros device code uses; a compiler without a host's headers gets ours.
STANDARD = frozenset("cfloat climits cmath cstdint float.h limits.h math.h stdint.h".split())
_WORDS = """\
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned uint32_t; typedef unsigned long long uint64_t;
"""


def device_text(path: Path, text: str, options: CompileOptions) -> str:
    """The file's text without host functions. Raises what reading it as C raises: BadInput, Unsupported."""
    _, parser = parse(preprocess(path, text, options), str(path))
    lines = text.split("\n")
    for first, last in parser.skipped:
        if first.filename == last.filename == str(path):
            end = last.column + len(last.value) - 1
            _blank(lines, (first.lineno, first.column), (last.lineno, end))
    return _INCLUDE.sub(lambda m: "" if _host_only(m[1]) else m[0], "\n".join(lines))


def standard_headers() -> dict[str, str]:
    """Name -> text of the standard headers that device code may include."""
    out = {name: (HEADERS / name).read_text() for name in STANDARD}
    out["stdint.h"] += _WORDS
    out["cstdint"] = '#pragma once\n#include "stdint.h"\n'
    return out


def _host_only(name: str) -> bool:
    known = name in STANDARD
    return name in _BUILT_IN or (not known and (name in HOST_HEADERS or name.startswith(HOST_LIBRARIES)))


def _blank(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Blanks from one (line, column) to another, both included and counted from 1."""
    for n in range(start[0], end[0] + 1):
        line = lines[n - 1]
        low = start[1] - 1 if n == start[0] else 0
        high = end[1] if n == end[0] else len(line)
        lines[n - 1] = line[:low] + " " * (high - low) + line[high:]
