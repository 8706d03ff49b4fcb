"""The table of operators: one decorated handler each, looked up by domain, name and opset."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnx import defs

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.contrib import contrib_operators

if TYPE_CHECKING:
    from tv.graph_frontend.build import Builder
    from tv.graph_frontend.view import NodeView

Handler = Callable[["NodeView", "Builder"], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """since: the first schema version that the handler covers. meaning: one line, for `tv ops`."""

    domain: str
    op: str
    since: int
    handler: Handler
    meaning: str


_TABLE: dict[tuple[str, str], Entry] = {}


def denotes(*ops: str, since: int = 1, domain: str = "") -> Callable[[Handler], Handler]:
    """Registers a handler for operators; its docstring's first paragraph is what `tv ops` prints. A second handler is an error."""

    def register(handler: Handler) -> Handler:
        meaning = " ".join((handler.__doc__ or "").split("\n\n")[0].split())
        if not meaning:
            raise TypeError(f"handler {handler.__name__} says nothing about its meaning")
        for op in ops:
            if (domain, op) in _TABLE:
                raise TypeError(f"two handlers for {op}")
            _TABLE[domain, op] = Entry(domain, op, since, handler, meaning)
        return handler

    return register


def lookup(domain: str, op: str, opset: int) -> Entry | None:
    """The handler of an operator at a model's opset; None where there is none, Unsupported where it covers later versions only."""
    entry = _TABLE.get((domain, op))
    if entry is None or domain:
        return entry
    version = schema(op, opset).since_version
    if version < entry.since:
        raise Unsupported(
            "TV0310",
            f"operator `{op}` as of opset {version}",
            help=f"convert the model to opset {entry.since} or later",
        )
    return entry


def schema(op: str, opset: int) -> defs.OpSchema:
    try:
        return defs.get_schema(op, opset)
    except defs.SchemaError:
        raise BadInput("TV0302", f"onnx has no operator `{op}` at opset {opset}") from None


def operators() -> dict[str, str]:
    """Operator -> its meaning in one line, for `tv ops`."""
    own = {(f"{d}." if d else "") + op: e.meaning for (d, op), e in sorted(_TABLE.items())}
    return {**own, **official_bodies(), **contrib_operators()}


# Bodies with branches, sequences, loops or random numbers inside.
_BRANCHING = frozenset(
    "AffineGrid Bernoulli CausalConvWithState LinearAttention NegativeLogLikelihoodLoss SequenceMap SoftmaxCrossEntropyLoss".split()
)


def official_bodies() -> dict[str, str]:
    """Operators of the newest standard that mean their official function body."""
    names = sorted(
        s.name
        for s in defs.get_all_schemas()
        if s.domain == "" and ("", s.name) not in _TABLE and s.name not in _BRANCHING
    )
    latest: list[Any] = [defs.get_schema(n) for n in names]
    return {s.name: "its official function body" for s in latest if s.has_function or s.has_context_dependent_function}


def mend(*missing: str) -> str:
    """What to do about operators without a meaning: the nearest ones that have one, and where all of those are listed."""
    known = {o.lower(): o for o in operators()}
    near = [c[0] for name in missing if (c := difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8))]
    words = f"the nearest known operator is {', '.join(f'`{known[n]}`' for n in dict.fromkeys(near))}; " if near else ""
    return f"{words}write it with operators that `tv ops` lists, or cut the graph around it with `[model] inputs` and `outputs`"
