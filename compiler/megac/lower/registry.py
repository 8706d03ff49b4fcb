"""Which rule lowers which operator."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from megac.errors import CompileError
from megac.lower.builder import Builder
from megac.lower.view import View

Rule = Callable[[View, Builder], None]
_RULES: dict[str, Rule] = {}


def lowers(*ops: str) -> Callable[[Rule], Rule]:
    """Registers a rule for operators; none may have one already."""

    def register(rule: Rule) -> Rule:
        for op in ops:
            if op in _RULES:
                raise ValueError(f"`{op}` has two rules")
            _RULES[op] = rule
        return rule

    return register


def rule_of(op: str) -> Rule:
    """Raises CompileError for an operator without one."""
    if op not in _RULES:
        near = get_close_matches(op, _RULES, 1)
        raise CompileError(
            "there is no rule for this operator",
            hint=f"the nearest one that has a rule is {near[0]}" if near else "express it by other operators",
        )
    return _RULES[op]


def operators() -> tuple[str, ...]:
    """All operators that have a rule, sorted."""
    return tuple(sorted(_RULES))
