"""Certificates: a proof written down. JSON with the hashes of what it is about, one record a claim, index sets as isl text.

A certificate is only worth what the checker makes of it: `tv recheck` reads it back, builds both systems again from the
files, and follows every script. It contains no verdict that anybody believes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tv.diagnostic import BadInput
from tv.equiv.script import (
    Apply,
    Centre,
    Choice,
    Claim,
    Fold,
    Joint,
    Leaf,
    Lemma,
    Pairing,
    Pick,
    Rewrite,
    Script,
    Split,
    Sum,
    Unfold,
    Use,
    Vacuous,
    uses,
)
from tv.sets import Map, Sets

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """hashes: sha256 of kernel, model and specification. roots: output -> claims that cover it."""

    hashes: dict[str, str]
    claims: dict[int, Claim]
    roots: dict[str, tuple[int, ...]]

    def to_json(self, sets: Sets) -> dict[str, Any]:
        claims = [
            {
                "id": c.id,
                "kernel": c.kernel,
                "graph": c.graph,
                "relation": sets.text(c.relation),
                "script": None if c.script is None else encode(c.script, sets),
            }
            for c in self.claims.values()
        ]
        return {
            "schema": SCHEMA,
            "sha256": self.hashes,
            "claims": claims,
            "roots": {k: list(v) for k, v in self.roots.items()},
        }


def from_json(data: Any, sets: Sets) -> Certificate:
    """Raises BadInput where the object is no certificate of this schema; Unknown where an index set does not parse."""
    try:
        if data["schema"] != SCHEMA:
            raise BadInput("TV0651", f"certificate schema {data['schema']!r}, this checker knows {SCHEMA}")
        claims = {}
        for r in data["claims"]:
            script = None if r["script"] is None else decode(r["script"], sets)
            claims[int(r["id"])] = Claim(
                int(r["id"]), str(r["kernel"]), str(r["graph"]), sets.read_map(r["relation"]), script
            )
        roots = {str(k): tuple(int(i) for i in v) for k, v in data["roots"].items()}
        return Certificate({str(k): str(v) for k, v in data["sha256"].items()}, claims, roots)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
        raise BadInput("TV0652", f"not a certificate: {e}") from None


def reachable(claims: Mapping[int, Claim], roots: Mapping[str, tuple[int, ...]]) -> dict[int, Claim]:
    """The claims that the roots rest on."""
    out: dict[int, Claim] = {}
    todo = [i for ids in roots.values() for i in ids]
    while todo:
        i = todo.pop()
        if i not in out and i in claims:
            out[i] = claims[i]
            script = claims[i].script
            todo += [] if script is None else sorted(uses(script))
    return dict(sorted(out.items()))


def encode(s: Script, sets: Sets) -> list[Any]:
    """A script as nested lists, the step's name first."""
    match s:
        case Vacuous():
            return ["vacuous"]
        case Leaf():
            return ["leaf"]
        case Unfold(side=side, then=then):
            return ["unfold", side, encode(then, sets)]
        case Split(side=side, arms=arms):
            return ["split", side, [encode(a, sets) for a in arms]]
        case Apply(order=order, args=args):
            return ["apply", list(order), [encode(a, sets) for a in args]]
        case Pick(order=order, indices=parts, element=e):
            return ["pick", list(order), [encode(p, sets) for p in parts], encode(e, sets)]
        case Rewrite(side=side, law=law, then=then):
            return ["rewrite", side, law, encode(then, sets)]
        case Use(claims=claims):
            return ["use", list(claims)]
        case Sum(op=op, stop=stop, pairs=pairs):
            return ["sum", op, list(stop), [[p.k, p.g, sets.text(p.map), encode(p.proof, sets)] for p in pairs]]
        case Centre(first=first, total=total):
            return ["centre", encode(first, sets), encode(total, sets)]
        case Choice(values=values, taken=taken, beside=beside):
            return ["choice", [encode(v, sets) for v in values], list(taken), beside]
        case Fold(map=m, step=step, init=init):
            return ["fold", sets.text(m), encode(step, sets), encode(init, sets)]
        case Lemma(opened=opened, joints=joints):
            return ["lemma", list(opened), [[j.k, j.g, encode(j.proof, sets)] for j in joints]]
        case _:
            raise TypeError(f"not a proof step: {s!r}")


def decode(x: Any, sets: Sets) -> Script:
    match x:
        case ["vacuous"]:
            return Vacuous()
        case ["leaf"]:
            return Leaf()
        case ["unfold", "k" | "g" as side, then]:
            return Unfold(side, decode(then, sets))
        case ["split", "k" | "g" as side, [*arms]]:
            return Split(side, tuple(decode(a, sets) for a in arms))
        case ["apply", [*order], [*args]]:
            return Apply(tuple(int(i) for i in order), tuple(decode(a, sets) for a in args))
        case ["pick", [*order], [*parts], element]:
            return Pick(tuple(int(i) for i in order), tuple(decode(p, sets) for p in parts), decode(element, sets))
        case ["rewrite", "k" | "g" as side, str(law), then]:
            return Rewrite(side, law, decode(then, sets))
        case ["use", [*claims]]:
            return Use(tuple(int(c) for c in claims))
        case ["sum", str(op), [*stop], [*pairs]]:
            return Sum(op, tuple(str(n) for n in stop), tuple(_pairing(p, sets) for p in pairs))
        case ["fold", str(m), step, init]:
            return Fold(sets.read_map(m), decode(step, sets), decode(init, sets))
        case ["centre", first, ["sum", *_] as total]:
            inner = decode(total, sets)
            assert isinstance(inner, Sum)
            return Centre(decode(first, sets), inner)
        case ["choice", [*values], [*taken], str(beside)]:
            return Choice(tuple(decode(v, sets) for v in values), tuple(int(i) for i in taken), beside)
        case ["lemma", [*opened], [*joints]]:
            return Lemma(tuple(str(n) for n in opened), tuple(_joint(j, sets) for j in joints))
        case _:
            raise ValueError(f"no proof step: {str(x)[:60]}")


def _joint(x: Any, sets: Sets) -> Joint:
    k, g, proof = x
    return Joint(int(k), int(g), decode(proof, sets))


def _pairing(x: Any, sets: Sets) -> Pairing:
    k, g, m, proof = x
    along: Map = sets.read_map(m)
    return Pairing(int(k), int(g), along, decode(proof, sets))
