"""Finding repeated layers: candidate periods from a sequence of node signatures, then a check of every link.

Linear in the number of nodes for each of a bounded number of candidate periods.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from onnx import TensorProto

from tv.graph_frontend.constants import SMALL, element_count
from tv.graph_frontend.load import Declared, Model, Node
from tv.graph_frontend.roll import Common, Link, Own, Previous, Same, Stretch

NEIGHBOURS = 4  # a signature's distance to its next few occurrences suggests periods
CANDIDATES = 12
PAIR_TRIES = 256  # starts tried for a stretch of two layers
LEAST = 6  # nodes in a stretch worth rolling


@dataclass(frozen=True, slots=True)
class Wiring:
    """signature: one number a node (operator, attributes, kinds of inputs). producer: tensor -> (node, output).

    content: stored tensors that count by value, not by name (constants of the graph, short integers) -> it.
    """

    signature: list[int]
    producer: dict[str, tuple[int, int]]
    content: dict[str, bytes]


def find_stretch(model: Model, fixed: Collection[str] = ()) -> Stretch | None:
    """The longest stretch of isomorphic layers; None where there is none worth rolling. fixed: tensors that are constants of
    the graph: layers that differ in one are not alike."""
    w = _wiring(model, fixed)
    best: Stretch | None = None
    for period in _periods(w, model):
        for s in _stretches(model, w, period):
            size, old = s.period * s.layers, 0 if best is None else best.period * best.layers
            if size > old or (best is not None and size == old and s.period < best.period):
                best = s
    return best


def shared_first(nodes: list[Node]) -> list[Node]:
    """The same nodes with those first that the whole graph shares (rotary tables, masks), and what they are made from.

    Exporters put such a node where it is first needed, inside the first layer. A node counts as shared where its consumers
    spread over more than a third of the graph; the order stays topological whatever is chosen.
    """
    producer = {o: i for i, n in enumerate(nodes) for o in n.outputs if o}
    first, last = [len(nodes)] * len(nodes), [-1] * len(nodes)
    for i, n in enumerate(nodes):
        for x in n.inputs:
            if x in producer:
                q = producer[x]
                first[q], last[q] = min(first[q], i), max(last[q], i)
    early: set[int] = set()
    for i in range(len(nodes)):
        if last[i] - first[i] > len(nodes) // 3:
            found: set[int] = set()
            todo = [i]
            while todo and len(found) <= len(nodes) // 4:
                j = todo.pop()
                if j not in found and j not in early:
                    found.add(j)
                    todo += [producer[x] for x in nodes[j].inputs if x in producer]
            if not todo:
                early |= found
    return [nodes[i] for i in sorted(early)] + [n for i, n in enumerate(nodes) if i not in early]


# ------------------------------------------------------------------------------------------------ signatures
def _wiring(model: Model, fixed: Collection[str]) -> Wiring:
    content = {name: c for name, d in model.declared.items() if (c := _content(d, name in fixed)) is not None}
    producer: dict[str, tuple[int, int]] = {}
    ids: dict[object, int] = {}
    signature = []
    for i, n in enumerate(model.nodes):
        kinds = tuple(_kind(model, producer, content, name) for name in n.inputs)
        attributes = tuple(sorted((a.name, a.SerializeToString(deterministic=True)) for a in n.proto.attribute))
        key = (n.domain, n.op, attributes, kinds, tuple(bool(o) for o in n.outputs))
        signature.append(ids.setdefault(key, len(ids)))
        for k, o in enumerate(n.outputs):
            if o:
                producer[o] = (i, k)
    return Wiring(signature, producer, content)


def _content(d: Declared, fixed: bool) -> bytes | None:
    """A digest of type, shape and data of a stored tensor that the graph means by value."""
    t = d.data
    if t is None or not (fixed or (not d.element.is_float and element_count(t) <= SMALL)):
        return None
    bare = TensorProto()
    bare.CopyFrom(t)
    bare.ClearField("name")
    bare.ClearField("doc_string")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()


def _kind(model: Model, producer: dict[str, tuple[int, int]], content: dict[str, bytes], name: str) -> object:
    """What an input is, as far as it has to agree between layers; the first layer may be given a declared tensor where the
    others have a produced one, so those two are told apart by the links, not here."""
    if name in content:
        return content[name]
    return "" if not name else "tensor"


# ------------------------------------------------------------------------------------------------ candidate periods
def _periods(w: Wiring, model: Model) -> list[int]:
    """Distances between equal signatures, enriched by their producers', most frequent (times distance) first."""
    rich = [
        hash((w.signature[i], tuple(w.signature[w.producer[x][0]] if x in w.producer else -1 for x in n.inputs)))
        for i, n in enumerate(model.nodes)
    ]
    where: dict[int, list[int]] = defaultdict(list)
    votes: Counter[int] = Counter()
    for i, s in enumerate(rich):
        before = where[s]
        for j in before[-NEIGHBOURS:]:
            votes[i - j] += 1
        before.append(i)
    ranked = sorted(votes, key=lambda p: (-votes[p] * p, p))
    return ranked[:CANDIDATES]


# ------------------------------------------------------------------------------------------------ links between layers
Status = tuple[tuple[str, int], ...]


def _status(model: Model, w: Wiring, i: int, j: int) -> Status:
    """How each input of node i corresponds to that of node j, a layer later: same distance d, common c, own o, or neither x."""
    out = []
    for a, c in zip(model.nodes[i].inputs, model.nodes[j].inputs, strict=True):
        made_a, made_c = w.producer.get(a), w.producer.get(c)
        if a == c or (a in w.content and c in w.content):
            out.append(("c", 0))
        elif made_a is not None and made_c is not None and made_a[1] == made_c[1] and i - made_a[0] == j - made_c[0]:
            out.append(("d", i - made_a[0]))
        elif made_a is None and made_c is None:
            x, y = model.declared[a], model.declared[c]
            out.append(("o" if (x.element, x.shape) == (y.element, y.shape) else "x", 0))
        else:
            out.append(("x", 0))
    return tuple(out)


def _stretches(model: Model, w: Wiring, p: int) -> list[Stretch]:
    """For each maximal run that repeats with period p: the longest stretch in it whose first layer checks."""
    n = len(model.nodes)
    sig = w.signature
    status: list[Status | None] = [_status(model, w, i, i + p) if sig[i] == sig[i + p] else None for i in range(n - p)]
    good = [s is not None and all(k != "x" for k, _ in s) for s in status]
    out = []
    a = 0
    while a < n - p:
        if not good[a]:
            a += 1
            continue
        end = a
        while end < n - p and good[end] and (end - p < a or _agree(status[end - p], status[end])):
            end += 1
        s = _in_run(model, w, p, status, a, end)
        if s is not None:
            out.append(s)
        a = end
    return out or _pairs(model, w, p, status)


def _pairs(model: Model, w: Wiring, p: int, status: list[Status | None]) -> list[Stretch]:
    """Two layers only: nothing lies between them, so the first layer's links alone decide. The first start that checks."""
    alike = 0
    tries = 0
    for i, s in enumerate(status):
        alike = alike + 1 if s is not None else 0
        if alike >= p and 2 * p >= LEAST and tries < PAIR_TRIES:
            tries += 1
            start = i - p + 1
            links = _links(model, w, p, status, start, 2)
            if links is not None:
                return [_stretch(model, start, p, 2, links)]
    return []


def _agree(a: Status | None, b: Status | None) -> bool:
    return a == b


def _in_run(model: Model, w: Wiring, p: int, status: list[Status | None], a: int, end: int) -> Stretch | None:
    """status is good on [a, end): the longest stretch whose second layer starts in it, or that lies in it entirely."""
    for start in range(max(0, a - p), a + 1):
        layers = (end - start) // p + 1
        if layers >= 2 and layers * p >= LEAST and start + (layers - 1) * p <= end:
            links = _links(model, w, p, status, start, layers)
            if links is not None:
                return _stretch(model, start, p, layers, links)
    return None


def _stretch(model: Model, start: int, p: int, layers: int, links: dict[tuple[int, int], Link]) -> Stretch:
    def several(j: int, x: int) -> bool:
        return len({model.nodes[start + at * p + j].inputs[x] for at in range(layers)}) > 1

    by_value = {k.name for (j, x), k in links.items() if isinstance(k, Common) and several(j, x)}
    return Stretch(start, p, layers, links, frozenset(by_value))


def _links(
    model: Model, w: Wiring, p: int, status: list[Status | None], start: int, layers: int
) -> dict[tuple[int, int], Link] | None:
    """The link of every input of the layer, or None where one breaks the rules of `Stretch`."""
    links: dict[tuple[int, int], Link] = {}
    for j in range(p):
        first = status[start + j]
        if first is None:
            return None
        for x, (kind, _) in enumerate(first):
            if layers > 2 and kind != "x":
                later = status[start + p + j]
                if later is None or later[x][0] != kind:
                    return None
            if not model.nodes[start + j].inputs[x]:
                continue
            link = _link(model, w, p, start, layers, j, x, kind)
            if link is None:
                return None
            links[j, x] = link
    owned = [name for names in {k.names for k in links.values() if isinstance(k, Own)} for name in names]
    if not owned or len(set(owned)) != len(owned):
        return None
    return links if _repeats(model, w, p, start, layers, links) else None


def _link(model: Model, w: Wiring, p: int, start: int, layers: int, j: int, x: int, kind: str) -> Link | None:
    nodes = model.nodes
    here = nodes[start + j].inputs[x]
    match kind:
        case "c":
            made = w.producer.get(here)
            return Common(here) if made is None or made[0] < start else None
        case "o":
            names = tuple(nodes[start + at * p + j].inputs[x] for at in range(layers))
            return Own(names) if len(set(names)) == layers else None
        case _:
            made, mine = w.producer.get(nodes[start + p + j].inputs[x]), w.producer.get(here)
            if made is None or not start <= made[0] < start + 2 * p:
                return None
            if made[0] >= start + p:
                return Same(made[0] - start - p, made[1]) if kind == "d" else None
            return Previous(made[0] - start, made[1], here) if mine is None or mine[0] < start else None


def _repeats(model: Model, w: Wiring, p: int, start: int, layers: int, links: dict[tuple[int, int], Link]) -> bool:
    """The last word: every input of every layer is what its link says, and every node is the first layer's operator."""
    for at in range(layers):
        base = start + at * p
        for j in range(p):
            node, model_node = model.nodes[base + j], model.nodes[start + j]
            if w.signature[base + j] != w.signature[start + j]:
                return False
            for x, name in enumerate(node.inputs):
                if bool(name) != bool(model_node.inputs[x]) or (name and not _is(w, links[j, x], base, p, at, name)):
                    return False
    return True


def _is(w: Wiring, link: Link, base: int, p: int, at: int, name: str) -> bool:
    match link:
        case Same(node=q, output=k):
            return w.producer.get(name) == (base + q, k)
        case Previous(node=q, output=k, first=first):
            return name == first if at == 0 else w.producer.get(name) == (base - p + q, k)
        case Common(name=common):
            return name == common or (name in w.content and w.content.get(common) == w.content[name])
        case Own(names=names):
            return names[at] == name and name not in w.producer
