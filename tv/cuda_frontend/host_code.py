"""The text for a reader that knows no host: functions of the host, and variables that nothing else names, are blanked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pycparser.c_parser import ParseError

from tv.cuda_frontend.external import UnitParser
from tv.cuda_frontend.preprocess import TokenText

# What pycparser raises on damaged input besides its own error.
_DAMAGE = (ParseError, AssertionError, ValueError, AttributeError, TypeError, IndexError, KeyError)


@dataclass(frozen=True, slots=True)
class DeviceSide:
    """text: that of the file, line by line and column by column. hosts: names of what was blanked."""

    text: str
    hosts: frozenset[str]


def device_side(tokens: TokenText, file: str) -> DeviceSide:
    """The text without host code, as far as the C reader tells what that is; after a syntax error it all stays."""
    parser = UnitParser()
    try:
        parser.parse_text(tokens, file)
    except _DAMAGE:
        pass  # the other reader says what is wrong
    functions = [(a, b) for a, b, _, function in parser.host_code if function]
    names = set().union(*(n for *_, n, function in parser.host_code if function))
    text = blanked(tokens.text, functions)
    for first, last, own, function in parser.host_code:
        if not function:
            without = blanked(text, [(first, last)])
            if not any(re.search(rf"\b{re.escape(name.rsplit('::', 1)[-1])}\b", without) for name in own):
                text = without
                names |= own
    return DeviceSide(text, frozenset(name.rsplit("::", 1)[-1] for name in names))


def blanked(text: str, ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> str:
    """Spaces instead of what stands from one (line, column) to before another, both counted from 1."""
    lines = text.split("\n")
    for start, end in ranges:
        for n in range(start[0], end[0] + 1):
            line = lines[n - 1]
            low = start[1] - 1 if n == start[0] else 0
            high = end[1] - 1 if n == end[0] else len(line)
            lines[n - 1] = line[:low] + " " * (high - low) + line[high:]
    return "\n".join(lines)
