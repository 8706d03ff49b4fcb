"""Which operators of a model have no meaning, all at once: a reader of the graph stops at the first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tv.diagnostic import Unsupported
from tv.graph_frontend.load import DEFAULT_DOMAINS, load_proto
from tv.graph_frontend.registry import mend, operators


@dataclass(frozen=True, slots=True)
class Unknown:
    """count: of the nodes of this operator, of which `first` is one."""

    operator: str
    count: int
    first: str


def unknown_operators(path: Path) -> tuple[Unknown, ...]:
    """Operators that neither the table nor the model itself gives a meaning, in order of appearance. BadInput for a bad file."""
    proto = load_proto(path)
    known = operators()
    own = {("" if f.domain in DEFAULT_DOMAINS else f.domain, f.name) for f in proto.functions}
    found: dict[str, Unknown] = {}
    for k, n in enumerate([*proto.graph.node, *(n for f in proto.functions for n in f.node)]):
        domain = "" if n.domain in DEFAULT_DOMAINS else n.domain
        name = f"{domain}.{n.op_type}" if domain else n.op_type
        if (domain, n.op_type) not in own and name not in known:
            before = found.get(name, Unknown(name, 0, n.name or f"{n.op_type}_{k}"))
            found[name] = Unknown(name, before.count + 1, before.first)
    return tuple(found.values())


def require_known(path: Path) -> None:
    """Raises Unsupported that names every operator without a meaning."""
    missing = unknown_operators(path)
    if missing:
        rows = ", ".join(f"`{u.operator}` ({u.count} node{'s' * (u.count > 1)}, such as `{u.first}`)" for u in missing)
        raise Unsupported("TV0310", f"operators without a meaning: {rows}", help=mend(*(u.operator for u in missing)))
