"""The operators on texts, by name. Each gives every change of its kind; a compiler then says which of them are kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mutants.source import Change, Source

Operator = Callable[[Source], Iterator[Change]]
OPERATORS: dict[str, Operator] = {}


def operator(function: Operator) -> Operator:
    """Registers an operator under its own name."""
    OPERATORS[function.__name__] = function
    return function
