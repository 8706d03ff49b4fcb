"""Pragmas: only those that leave the meaning of device code alone are read over, wherever in the file they stand."""

from __future__ import annotations

from tv.diagnostic import Unsupported
from tv.source import Span

_SILENT = ("unroll", "nounroll", "once", "nv_diag", "diag_", "GCC diagnostic", "nv_exec_check_disable", "hd_warning_disable",
           "clang loop unroll", "message", "region", "endregion")  # fmt: skip
# Of host code: what follows a function of the host is not concerned.
_OF_HOST = ("omp ", "acc ", "GCC unroll", "GCC ivdep", "ivdep", "simd", "comment", "warning", "clang diagnostic")


def check_pragma(text: str, span: Span) -> None:
    """Raises Unsupported (TV0125) for a pragma that is not known to leave the meaning alone."""
    _check(text, span, _SILENT)


def check_anywhere(text: str, span: Span) -> None:
    """Raises Unsupported (TV0125) for a pragma that may change what stands behind it, be it in host code that nothing else looks at:
    layouts and saved macros outlast the function."""
    _check(text, span, _SILENT + _OF_HOST)


def _check(text: str, span: Span, known: tuple[str, ...]) -> None:
    words = " ".join(text.split())
    if not f"{words} ".startswith(known):
        help = "remove it: known are `unroll`, `once` and those of diagnostics"
        raise Unsupported("TV0125", f"`#pragma {words}`", span, help)
