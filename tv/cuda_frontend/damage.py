"""Whether a text that no reader parses is damaged, or C++ that these readers do not know.

`bad-input` says that the file is wrong, which only a text deserves that no compiler takes: brackets that do not match, or a line
whose syntax both readers refuse first. Where neither can be said, a file with words of C++ is `unsupported`.
"""

from __future__ import annotations

import re

from tv.diagnostic import BadInput, TvError, Unsupported

_LITERAL = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_CXX = re.compile(
    r"::|\[[=&]\]|\b(?:template|typename|class|namespace|using|operator|auto|decltype|constexpr|nullptr|(?:static|const|reinterpret)_cast)\b"
)
_CLOSING = {")": "(", "]": "[", "}": "{"}
_SYNTAX = ("libclang: expected", "libclang: extraneous", "libclang: invalid suffix", "libclang: missing")


def judged(refused: TvError, other: TvError | None, text: str) -> TvError:
    """What to say of a preprocessed text that the C reader refused; `other` is what libclang said, where it was asked."""
    if not isinstance(refused, BadInput) or refused.code != "TV0108":
        return refused
    agreed = other is not None and other.span.line == refused.span.line and other.message.startswith(_SYNTAX)
    bare = _LITERAL.sub('""', text)
    if agreed or not matched(bare) or "__global__" not in bare or _CXX.search(bare) is None:
        return refused
    return Unsupported("TV0108", f"C++ that is not read: {refused.message}", refused.span, refused.help)


def matched(text: str) -> bool:
    """Whether all brackets of a text without literals are closed, in order."""
    open_ones: list[str] = []
    for c in re.findall(r"[()\[\]{}]", text):
        if c in "([{":
            open_ones.append(c)
        elif not open_ones or open_ones.pop() != _CLOSING[c]:
            return False
    return not open_ones
