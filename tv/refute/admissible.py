"""Whether the contents of a run are such that the graph has a meaning for them: only then does the run show anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tv.diagnostic import TvError
from tv.graph import Graph
from tv.launch import ScalarBinding
from tv.refute.patterns import Pattern
from tv.refute.setting import Setting
from tv.refute.slicing import deciding
from tv.replay.graph_bounds import GraphBounds
from tv.system import Unit
from tv.term import Term


def unmet(setting: Setting, pattern: Pattern, deadline: float) -> str:
    """Why the graph may have no meaning on these contents; empty where it has one. deadline: of `time.monotonic()`."""
    graph = setting.graph
    units = [u for u in graph.system.units.values() if supposes(graph, u)]
    if not units:
        return ""
    own = setting.unheld()
    if own is not None:
        return f"the values of `{own}` are the model's own, since no argument holds it"
    bounds = GraphBounds(graph, setting.symbols, setting.graph_inputs(pattern), deadline)
    try:
        for u in units:
            rolled = bool(u.scope.dims) and u.scope.dims[0] == "layer"
            for layer in range(bounds.extents(u.name)[0]) if rolled else (None,):
                bounds.whole((u.name, layer))
    except TvError as e:
        return e.message
    return ""


def supposes(graph: Graph, u: Unit) -> bool:
    """Does a reading take something for granted of what this tensor is made of?"""
    return any(t.id in graph.supposed or t.kind == "pick" for t in _terms(u.value))


def hangs_on_contents(setting: Setting, lines: Sequence[int]) -> bool:
    """Might other inputs lead to other addresses, to another control flow, or to other values in these lines?"""
    if any(isinstance(b, ScalarBinding) and b.element is not None for b in setting.launch.args.values()):
        return True
    read = deciding(setting.kernel, lines)
    return any(not p.output for name in read for p in setting.places.get(name, ()))


def _terms(root: Term) -> Iterator[Term]:
    seen, todo = {root.id}, [root]
    while todo:
        t = todo.pop()
        yield t
        todo += [a for a in t.args if a.id not in seen]
        seen |= {a.id for a in t.args}
