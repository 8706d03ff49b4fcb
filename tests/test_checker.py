"""The checker against false certificates: a proof survives its text, and no single fact in it can be changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import islpy as isl
import pytest

from tests.proving import Proved, prove
from tv.diagnostic import BadInput, TvError
from tv.equiv.certificate import SCHEMA, from_json, reachable
from tv.equiv.checker import Checker
from tv.equiv.laws import LAWS
from tv.equiv.problem import Mismatch
from tv.obligation import Relation

# Together they hold every kind of step; each is checked in a few hundredths of a second.
CASES = (
    "gemv_f32/block_row",
    "sgemm/naive",
    "residual_half/via_float",
    "row_max/warp_and_block",
    "elementwise/bias_relu_float4",
    "half_fma/separate",
    "leaky_relu/positive_first",
    "rotate_half/sign_bits",
    "softmax_rows/by_comparison",
    "embedding_bf16/token_warp",
)
LARGE = ("residual_mlp_2/grid_sync",)
PARTS = 8  # a proof with a loop has some 1600 facts: each part of them takes minutes
Json = Any


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Proved]:
    out = {}
    for case in CASES:
        with pytest.MonkeyPatch.context() as patch:
            out[case] = prove(case, tmp_path_factory.mktemp("case"), patch)
    return out


def text_of(p: Proved) -> Json:
    """The certificate as it would be read from a file."""
    return json.loads(json.dumps(p.certificate.to_json(p.problem.sets)))


def judged(p: Proved, data: Json) -> tuple[Relation, tuple[str, ...]]:
    c = from_json(data, p.problem.sets)
    checker = Checker(p.problem, c.claims)
    return checker.check(c.roots), tuple(sorted(checker.laws))


# ------------------------------------------------------------------------------------------------ the text of a proof
@pytest.mark.parametrize("case", CASES)
def test_a_certificate_survives_its_text(case: str, proofs: dict[str, Proved]) -> None:
    p = proofs[case]
    data = text_of(p)
    assert judged(p, data) == (p.relation, p.laws)
    again = from_json(data, p.problem.sets)
    assert again.claims.keys() == p.certificate.claims.keys()
    for i, claim in again.claims.items():
        old = p.certificate.claims[i]
        assert (claim.kernel, claim.graph) == (old.kernel, old.graph)
        assert p.problem.sets.equal(claim.relation, old.relation)
    assert reachable(again.claims, again.roots) == again.claims


def test_the_cases_hold_every_kind_of_step(proofs: dict[str, Proved]) -> None:
    steps = {node[0] for p in proofs.values() for claim in text_of(p)["claims"] for _, node in nodes(claim["script"])}
    assert steps == {
        "leaf",
        "unfold",
        "split",
        "apply",
        "rewrite",
        "use",
        "sum",
        "fold",
        "lemma",
        "vacuous",
        "centre",
        "pick",
    }


DAMAGED: dict[str, Json] = {
    "another schema": {"schema": SCHEMA + 1},
    "no claims": {"claims": None},
    "claims without scripts": {"claims": [{"id": 0}]},
    "an id that is no number": {"claims": [{"id": "x", "kernel": "", "graph": "", "relation": "", "script": None}]},
    "roots that are no table": {"roots": [1, 2]},
    "hashes that are no table": {"sha256": 3},
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_is_no_certificate_is_bad_input(what: str, proofs: dict[str, Proved]) -> None:
    p = proofs[CASES[0]]
    for data in ({**text_of(p), **DAMAGED[what]}, [], "text", None):
        with pytest.raises(BadInput):
            from_json(data, p.problem.sets)


@pytest.mark.parametrize(
    "step", [["guess"], ["unfold", "x", ["leaf"]], ["apply", [0]], ["use", 3], ["sum", 1, [], []], [], "leaf", None, 7]
)
def test_an_unknown_step_is_no_certificate(step: Json, proofs: dict[str, Proved]) -> None:
    p = proofs[CASES[0]]
    data = text_of(p)
    data["claims"][0]["script"] = ["unfold", "k", step] if step is not None else step
    if step is None:
        with pytest.raises(TvError):
            judged(p, data)
        return
    with pytest.raises(BadInput):
        from_json(data, p.problem.sets)


# ------------------------------------------------------------------------------------------------ single facts
Path_ = tuple[int, ...]


def nodes(script: Json, path: Path_ = ()) -> Iterator[tuple[Path_, Json]]:
    """Every step of a script with its place."""
    yield path, script
    match script:
        case ["unfold", _, then]:
            yield from nodes(then, (*path, 2))
        case ["rewrite", _, _, then]:
            yield from nodes(then, (*path, 3))
        case ["split" | "apply", _, arms]:
            for i, a in enumerate(arms):
                yield from nodes(a, (*path, 2, i))
        case ["sum", _, _, pairs]:
            for i, pair in enumerate(pairs):
                yield from nodes(pair[3], (*path, 3, i, 3))
        case ["lemma", _, joints]:
            for i, joint in enumerate(joints):
                yield from nodes(joint[2], (*path, 2, i, 2))
        case ["pick", _, indices, element]:
            for i, a in enumerate(indices):
                yield from nodes(a, (*path, 2, i))
            yield from nodes(element, (*path, 3))
        case ["centre", first, total]:
            yield from nodes(first, (*path, 1))
            yield from nodes(total, (*path, 2))
        case ["fold", _, step, init]:
            yield from nodes(step, (*path, 2))
            yield from nodes(init, (*path, 3))


def shifted(text: str) -> str:
    """A map with its last output coordinate one further."""
    m = isl.Map(text)
    n = m.dim(isl.dim_type.out)
    name = m.get_tuple_name(isl.dim_type.out)
    xs = [f"x{i}" for i in range(n)]
    step = isl.Map(f"{{ {name}[{', '.join(xs)}] -> {name}[{', '.join([*xs[:-1], xs[-1] + ' + 1'])}] }}")
    return str(m.apply_range(step))


def without_a_point(text: str) -> str:
    s = isl.Map(text).wrap()
    return str(s.subtract(isl.Set.from_point(s.sample_point())).unwrap())


def nothing(text: str) -> str:
    m = isl.Map(text)
    return str(m.subtract(m))


def other_side(side: str) -> str:
    return {"k": "g", "g": "k"}[side]


def changes(node: Json, claims: list[int]) -> Iterator[tuple[str, Json]]:
    """Each step with one fact changed."""
    match node:
        case ["leaf"]:
            yield "leaf said to be vacuous", ["vacuous"]
        case ["unfold", side, then]:
            yield "other side unfolded", ["unfold", other_side(side), then]
            yield "unfolding left out", then
        case ["split", side, arms]:
            yield "other side split", ["split", other_side(side), arms]
            yield "arm left out", ["split", side, arms[:-1]]
            yield "arms in another order", ["split", side, arms[::-1]]
            yield "split left out", arms[0]
        case ["apply", order, args]:
            if len(order) > 1:
                yield "operands swapped", ["apply", [order[1], order[0], *order[2:]], args]
                yield "one operand twice", ["apply", [order[0]] * len(order), args]
            yield "operand left out", ["apply", order[:-1], args[:-1]]
            yield "application said to be a leaf", ["leaf"]
        case ["rewrite", side, law, then]:
            yield from (
                (f"law `{other}` instead", ["rewrite", side, other, then]) for other in [*LAWS, "wish"] if other != law
            )
            yield "law on the other side", ["rewrite", other_side(side), law, then]
            yield "law left out", then
        case ["use", ids]:
            yield "no claim used", ["use", []]
            yield from (("another claim used", ["use", [c]]) for c in claims if c not in ids)
            yield "a claim that is not there", ["use", [max(claims) + 1]]
        case ["sum", op, stop, pairs]:
            yield "another operation summed", ["sum", "fmul.f32", stop, pairs]
            yield "a narrow sum", ["sum", "fadd.f16", stop, pairs]
            yield from changed_pairs(op, stop, pairs)
        case ["fold", m, step, init]:
            yield "rounds shifted", ["fold", shifted(m), step, init]
            yield "a round left out", ["fold", without_a_point(m), step, init]
            yield "step and start exchanged", ["fold", m, init, step]
        case ["lemma", opened, joints]:
            yield "nothing shared", ["lemma", opened, []]
            yield "a tensor opened that does not occur", ["lemma", [*opened, "nowhere"], joints]
            for i, (k, g, proof) in enumerate(joints):
                rest = [*joints[:i], *joints[i + 1 :]]
                yield "a pair left out", ["lemma", opened, rest]
                yield "a pair with another subterm", ["lemma", opened, [*rest, [k + 1, g, proof]]]
                yield "a pair of what is not there", ["lemma", opened, [*rest, [k, g + 99, proof]]]
                yield "a pair said to be a leaf", ["lemma", opened, [*rest, [k, g, ["leaf"]]]]
            yield "lemma said to be an application", ["apply", [0, 1], [["leaf"], ["leaf"]]]
        case ["pick", order, indices, element]:
            yield "integers left out", ["pick", [], [], element]
            yield "proofs of integers left out", ["pick", order, [], element]
            yield "integers by another order", ["pick", [n + 1 for n in order], indices, element]
            yield "integers said to be equal", ["pick", order, [["vacuous"] for _ in indices], element]
            yield "elements said to be equal", ["pick", order, indices, ["vacuous"]]
            yield "pick said to be an application", ["apply", order, indices]
            yield "pick left out", element
        case ["centre", first, total]:
            yield "the two parts exchanged", ["centre", total, first]
            yield "the maximum left out", first
            yield "said to be the maximum", total
            yield "said to be an application", ["apply", [0], [first]]
        case ["vacuous"]:  # any step proves an empty goal
            yield from ()
        case _:
            raise AssertionError(node)


def changed_pairs(op: str, stop: Json, pairs: Json) -> Iterator[tuple[str, Json]]:
    for i, (k, g, m, proof) in enumerate(pairs):
        rest = [*pairs[:i], *pairs[i + 1 :]]
        yield "pairing left out", ["sum", op, stop, rest]
        yield "pairing shifted", ["sum", op, stop, [[k, g, shifted(m), proof], *rest]]
        yield "pairing of a term that is not there", ["sum", op, stop, [[k + 99, g, m, proof], *rest]]
        yield "pairing with a term that is not there", ["sum", op, stop, [[k, -1, m, proof], *rest]]
        if op.startswith("fadd"):
            yield "pairing without one point", ["sum", op, stop, [[k, g, without_a_point(m), proof], *rest]]
            yield "pairing twice", ["sum", op, stop, [*pairs, [k, g, m, proof]]]


def replaced(script: Json, path: Path_, new: Json) -> Json:
    if not path:
        return new
    out = copy.deepcopy(script)
    at = out
    for i in path[:-1]:
        at = at[i]
    at[path[-1]] = new
    return out


def tampered(data: Json) -> Iterator[tuple[str, Json]]:
    """Every certificate that differs from `data` in one fact."""
    ids = [c["id"] for c in data["claims"]]
    for n, claim in enumerate(data["claims"]):
        for path, node in nodes(claim["script"]):
            for what, new in changes(node, ids):
                yield f"claim {n}{list(path)}: {what}", with_claim(data, n, script=replaced(claim["script"], path, new))
        yield f"claim {n}: shifted", with_claim(data, n, relation=shifted(claim["relation"]))
        yield f"claim {n}: on nothing", with_claim(data, n, relation=nothing(claim["relation"]))
        yield f"claim {n}: without a proof", with_claim(data, n, script=None)
        yield f"claim {n}: proved by itself", with_claim(data, n, script=["use", [claim["id"]]])
        yield f"claim {n}: said to be vacuous", with_claim(data, n, script=["vacuous"])
        other = next((c["kernel"] for c in data["claims"] if c["kernel"] != claim["kernel"]), "")
        yield f"claim {n}: about another statement", with_claim(data, n, kernel=other)
    for output in data["roots"]:
        yield f"{output}: no root", {**data, "roots": {k: v for k, v in data["roots"].items() if k != output}}
        yield f"{output}: no claims", {**data, "roots": {**data["roots"], output: []}}
        yield f"{output}: another claim", {**data, "roots": {**data["roots"], output: [ids[-1]]}}


def with_claim(data: Json, n: int, **new: Json) -> Json:
    claims = [{**c, **new} if i == n else c for i, c in enumerate(data["claims"])]
    return {**data, "claims": claims}


def accepted(p: Proved, part: int = 0, parts: int = 1) -> tuple[int, list[str]]:
    """(number of false certificates tried, those that the checker took); of every `parts` only the one that is `part`."""
    taken, tried = [], 0
    for what, data in islice(tampered(text_of(p)), part, None, parts):
        tried += 1
        try:
            judged(p, data)
        except (TvError, Mismatch):
            continue
        taken.append(what)
    return tried, taken


@pytest.mark.parametrize("case", CASES)
def test_no_single_fact_can_be_changed(case: str, proofs: dict[str, Proved]) -> None:
    tried, taken = accepted(proofs[case])
    assert tried > 20
    assert taken == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("case", LARGE)
def test_no_single_fact_of_a_looped_proof_can_be_changed(
    case: str, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = prove(case, tmp_path, monkeypatch)
    steps = {node[0] for claim in text_of(p)["claims"] for _, node in nodes(claim["script"])}
    assert "vacuous" in steps
    tried, taken = accepted(p, part, PARTS)
    assert tried > 100
    assert taken == []


# ------------------------------------------------------------------------------------------------ what is computed, not read
def test_the_relation_is_not_taken_from_the_certificate(proofs: dict[str, Proved]) -> None:
    assert proofs["sgemm/naive"].relation is Relation.BITWISE
    assert proofs["gemv_f32/block_row"].relation is Relation.REASSOC
    p = proofs["gemv_f32/block_row"]
    data = {**text_of(p), "relation": "bitwise", "verdict": "proved"}
    assert judged(p, data)[0] is Relation.REASSOC


def test_a_proof_of_one_kernel_is_none_of_another(proofs: dict[str, Proved]) -> None:
    """The certificate of a case against the problem of another."""
    for a, b in zip(CASES, (*CASES[1:], CASES[0]), strict=True):
        with pytest.raises((TvError, Mismatch, KeyError)):
            judged(proofs[b], text_of(proofs[a]))
