"""Proofs as data: claims and the decisions that close them. The checker follows a script; it never searches."""

from __future__ import annotations

from dataclasses import dataclass

from tv.sets import Map


@dataclass(frozen=True, slots=True)
class Script:
    """Base of proof steps for a goal (kernel term, graph term, R)."""


@dataclass(frozen=True, slots=True)
class Vacuous(Script):
    """R is empty."""


@dataclass(frozen=True, slots=True)
class Leaf(Script):
    """Equal constants, or input cells that agree on R."""


@dataclass(frozen=True, slots=True)
class Unfold(Script):
    """Replace a reference by its unit's value; side k or g."""

    side: str
    then: Script


@dataclass(frozen=True, slots=True)
class Split(Script):
    """One script per piece of a case."""

    side: str
    arms: tuple[Script, ...]


@dataclass(frozen=True, slots=True)
class Apply(Script):
    """Same operation: argument by argument; order[i] is the graph argument that kernel argument i goes with."""

    order: tuple[int, ...]
    args: tuple[Script, ...]


@dataclass(frozen=True, slots=True)
class Rewrite(Script):
    """A law rewrites the term of one side at its root."""

    side: str
    law: str
    then: Script


@dataclass(frozen=True, slots=True)
class Use(Script):
    """A kernel reference against a graph reference: R lies in the union of these claims."""

    claims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Kernel contribution `k` goes with graph contribution `g` along `map` (kernel leaf instance -> graph leaf instance)."""

    k: int
    g: int
    map: Map
    proof: Script


@dataclass(frozen=True, slots=True)
class Sum(Script):
    """Both sides flattened over `op`; stop: kernel units that are leaves. The pairings are a bijection of contributions."""

    op: str
    stop: tuple[str, ...]
    pairs: tuple[Pairing, ...]


@dataclass(frozen=True, slots=True)
class Fold(Script):
    """Both sides one reduction, run in the same order: step by step along `map` (kernel round -> graph round)."""

    map: Map
    step: Script
    init: Script


@dataclass(frozen=True, slots=True)
class Pick(Script):
    """Both sides pick at integers of data: these are equal, the kernel's i-th to the graph's order[i]-th, and so is what is picked
    from at all instances at which they are."""

    order: tuple[int, ...]
    indices: tuple[Script, ...]
    element: Script


@dataclass(frozen=True, slots=True)
class Centre(Script):
    """Both sides `x - m`, or exp of it, with a maximum m over x and others: the x by `first`, the maxima by `total` up to what
    they start from."""

    first: Script
    total: Sum


@dataclass(frozen=True, slots=True)
class Choice(Script):
    """Both sides the place of an extreme, or the element there: one proof for each goal of `places.chosen`, in its order. taken: which
    of the places that the graph leaves out each of the kernel's is, as they are met. beside: the kernel's store of the place."""

    values: tuple[Script, ...]
    taken: tuple[int, ...] = ()
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Joint:
    """The k-th subterm of the kernel's side of a lemma and the g-th of the graph's are equal."""

    k: int
    g: int
    proof: Script


@dataclass(frozen=True, slots=True)
class Lemma(Script):
    """A solver shows the two terms equal, whatever the values of the subterms that they share.

    opened: graph units whose values stand in place of references to them. Subterms are counted by `lemmas.subterms`.
    """

    opened: tuple[str, ...]
    joints: tuple[Joint, ...]


@dataclass(slots=True)
class Claim:
    """Kernel unit and graph unit hold the same value wherever `relation` relates them. script None: not proved."""

    id: int
    kernel: str
    graph: str
    relation: Map
    script: Script | None = None


def uses(s: Script) -> set[int]:
    """Ids of the claims that a script rests on."""
    match s:
        case Use(claims=c):
            return set(c)
        case Unfold(then=t) | Rewrite(then=t):
            return uses(t)
        case Split(arms=arms):
            return set().union(*(uses(a) for a in arms)) if arms else set()
        case Pick(indices=parts, element=e):
            return uses(e).union(*(uses(p) for p in parts))
        case Apply(args=args) | Choice(values=args):
            return set().union(*(uses(a) for a in args)) if args else set()
        case Sum(pairs=ps):
            return set().union(*(uses(p.proof) for p in ps)) if ps else set()
        case Fold(step=a, init=b) | Centre(first=a, total=b):
            return uses(a) | uses(b)
        case Lemma(joints=js):
            return set().union(*(uses(j.proof) for j in js)) if js else set()
        case Vacuous() | Leaf():
            return set()
        case _:
            raise TypeError(f"not a proof step: {s!r}")
