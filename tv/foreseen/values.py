"""What a compiler may come to know of a kernel's values: `m & 0`, `x < x`, `fminf(fmaxf(x, 1), 1)`, a round of an unrolled loop.

Its rules are not modelled. A compiler is right, so what takes two values on some data is no constant to it: float operations are
evaluated on columns of numbers, and only what varies there is unknown to it. A column belongs to a buffer, so that all its
elements are alike and whatever might be equal is; each arm of a select or a case counts by itself, as a compiler may put what
follows into the arms. Indices are numbers that it may know, and so is data that a condition compares with a number. Of integers
computed from two values that are not literals anything may be known. All that may make too much known, which costs proofs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import product

import numpy as np

from tv.arithmetic import apply, decode
from tv.diagnostic import Unsupported
from tv.foreseen.opaque import FLOATS_COMPARED, behind, integers_from
from tv.foreseen.spoilt import Spoilt
from tv.foreseen.variants import (
    COUNT,
    EXTREMA,
    FEW,
    INTEGER,
    Columns,
    Variant,
    computes_integers,
    concatenated,
    distinct,
    finite,
    format_of,
    is_integer,
    is_known,
    is_nan,
    is_number,
    is_size,
    nan,
    one_nan,
)
from tv.sets import Affine, Dim, Sym
from tv.system import Scope, System, later
from tv.term import ARGUMENT, COMPARES, Term, op_head, op_type

DEEPEST = 150  # statements that a value is followed through at once; what lies deeper is looked at before, by itself
MOST_FOLLOWED = 50  # terms
# A known call has a value that depends on who evaluates it.
EVALUATED = frozenset(
    "fadd fsub fmul fdiv fsqrt fneg fabs fmax fmin fmaximum fminimum fupper flower ffma feq flt fle fisnan cvt extract concat add sub mul sdiv "
    "udiv srem urem and or xor shl lshr ashr eq ult ule slt sle".split()
)


class TooDeep(Exception):
    """A reference that has to be looked at before what led to it."""

    def __init__(self, ref: Term) -> None:
        self.ref = ref


class Foreseen:
    """threads: dimensions of blocks and threads. known_index: may a compiler know this index term?

    narrowed: buffers that conditions compare, whose values a compiler may know where they hold. results: operations whose results
    it may know there, by name. unordered: both, where it may know that they are NaN.
    """

    def __init__(self, system: System, threads: Collection[str], known_index: Callable[[Term], bool]) -> None:
        self.system, self.threads, self.known_index = system, threads, known_index
        self.narrowed: set[str] = set()
        self.results: set[str] = set()
        self.unordered: set[str] = set()
        self.columns = Columns()
        self.done: dict[tuple[int, int], tuple[Variant, ...] | None] = {}
        self.trips: dict[tuple[int, int], tuple[bool, bool]] = {}
        self.units: dict[tuple[str, int], tuple[Variant, ...] | None] = {}
        self.open: set[str] = set()
        self.assumed: dict[str, tuple[Variant, ...] | None] = {}  # of statements around loops
        self.spoilt = Spoilt(system, ())

    # -------------------------------------------------------------- questions
    def may_be_known(self, t: Term, once: Term | None = None) -> bool:
        """May a compiler find that the value is one number, at some instance? once: what a fold so far is, its start."""
        found = self.variants(t, once)
        return found is None or any(is_known(v, t) for v in found)

    def must_be_known(self, t: Term, once: Term | None = None) -> bool:
        """Is it, as far as can be seen here, one number whichever arm it comes from?"""
        found = self.variants(t, once)
        return found is None or all(is_known(v, t) for v in found)

    def only_known_as(self, t: Term, bits: Collection[int]) -> bool:
        """Is what a compiler may know of the value one of these, or NaN, and nothing else?"""
        found = self.variants(t)
        known = [v for v in found or () if is_known(v, t)]
        nan = [v for v in known if format_of(t) and np.isnan(decode(v.column[:1], format_of(t)))[0]]
        return found is not None and all(not v.open and (v in nan or int(v.column[0]) in bits) for v in known)

    def may_be(self, t: Term, kind: str, size: float, once: Term | None = None) -> bool:
        """May it find that the value, of float type `kind`, is plus or minus `size` (for infinity: or NaN)?"""
        found = self.variants(t, once)
        if found is None:
            return True
        known = (v for v in found if is_known(v, t))
        return any(v.open or is_size(float(decode(v.column[:1], kind)[0]), size) for v in known)

    # -------------------------------------------------------------- values
    def variants(self, root: Term, once: Term | None = None) -> tuple[Variant, ...] | None:
        """What the term may be; None: anything, and known."""
        if self.open:
            return self.below_first(root, once)
        before: list[Term] = []
        while True:
            try:
                if not before:
                    return self.below_first(root, once)
                self.below_first(before[-1], None)
                before.pop()
            except TooDeep as e:
                if any(self.unit_key(x) == self.unit_key(e.ref) for x in before):  # a longer loop: not followed
                    self.units[self.unit_key(e.ref)] = None
                else:
                    before.append(e.ref)

    def below_first(self, root: Term, once: Term | None) -> tuple[Variant, ...] | None:
        """As `variants`, inside another question. Raises TooDeep."""
        todo, start = [root], -1 if once is None else once.id
        while todo:  # the terms below first: expressions may be deep
            t = todo[-1]
            done = (t.id, start) in self.done
            inner = () if done or t.kind == "reduce" else [a for a in t.args if (a.id, start) not in self.done]
            if inner:
                todo += inner
                continue
            todo.pop()
            if not done:
                self.done[t.id, start] = distinct(self.made(t, once), t)
        return self.done[root.id, start]

    def pin(self, compared: Sequence[Term]) -> None:
        """Takes note of comparisons: of integers, and of floats with what may be a number other than zero, since of zeros there
        are two. What is known by one may decide another. Of a value compared with itself it tells whether that is NaN, and no
        number."""
        for t in compared:
            if op_head(t) in FLOATS_COMPARED and t.args[0] is t.args[-1]:
                self.unordered = self.unordered.union(*behind(self.system, t))
        before = -1
        while before != len(self.narrowed) + len(self.results):
            before = len(self.narrowed) + len(self.results)
            for t in compared:
                if self.compares_integers(t):
                    self.narrowed |= integers_from(self.system, t)
                floats = op_head(t) in FLOATS_COMPARED and t.args[0] is not t.args[-1]
                if floats and any(self.may_be_a_number(a, op_type(t.name)) for a in t.args):
                    buffers, results = behind(self.system, t)
                    self.narrowed |= buffers
                    self.results |= results
            self.done.clear()
            self.units.clear()
            self.assumed.clear()
            self.spoilt = Spoilt(self.system, self.narrowed | self.results)

    def may_be_a_number(self, t: Term, kind: str) -> bool:
        found = self.variants(t)
        return found is None or any(is_known(v, t) and (v.open or is_number(v, kind)) for v in found)

    def compares_integers(self, t: Term) -> bool:
        """A comparison of integers, converted to floats or not: where it holds or fails, a compiler knows more of them."""
        if t.kind != "op" or op_head(t) not in COMPARES:
            return False
        return INTEGER.fullmatch(op_type(t.name)) is not None or any(
            is_integer(x) for a in t.args for x in self.below(a)
        )

    def buffers(self, t: Term) -> set[str]:
        """Whose contents a value is made of."""
        return {x.name for x in self.below(t) if x.kind == "input"}

    def made(self, t: Term, once: Term | None) -> Iterator[Variant] | None:
        match t.kind:
            case "const" if t.attr != ARGUMENT:
                return iter([Variant(np.full(COUNT, t.bits, np.uint64))])
            case "const":
                return iter([Variant(self.columns.column(f"argument {t.id}", t.width))])
            case "load":
                return iter([Variant(self.columns.column(t.kind, t.width))])
            case "pick":
                return self.joined(t.args[:1], once)
            case "input":
                some = [self.columns.number(t.name, t.width)] if t.name in self.narrowed else []
                some += [nan(t.width)] if t.name in self.unordered else []
                return iter([Variant(self.columns.column(t.name, t.width)), *some])
            case "index" if not self.known_index(t):
                return iter([Variant(self.columns.column("index", t.width))])
            case "hole" if once is not None:
                found = self.variants(once)
                return None if found is None else iter(found)
            case "hole":
                return iter([Variant(self.columns.column("hole", t.width))])
            case "index" | "undefined":
                return iter([self.columns.number(f"{t.kind} {t.id}", t.width)])
            case "ref":
                return self.of_unit(t)
            case "case":
                return self.joined(t.args, once)
            case "op" if t.name == "select":
                return self.joined(t.args[1:], once)
            case "op":
                return self.of_operation(t, once)
            case "reduce":
                return self.of_reduction(t)
            case _:
                raise TypeError(f"a kernel's term of kind `{t.kind}`")

    def joined(self, arms: Sequence[Term], once: Term | None) -> Iterator[Variant] | None:
        found = [self.variants(a, once) for a in arms]
        return None if any(f is None for f in found) else (v for f in found for v in f or ())

    def of_operation(self, t: Term, once: Term | None) -> Iterator[Variant] | None:
        found = [self.variants(a, once) for a in t.args]
        if any(f is None for f in found):
            return None
        out: list[Variant] = []
        for combination in product(*(f or () for f in found)):
            made = self.applied(t, combination)
            if made is None:
                return None
            out.append(made)
            if made.open and op_head(t) in EXTREMA:  # beyond all data, below all, or between
                out.append(self.columns.number(f"op {t.id}", t.width))
                out += [Variant(v.column, True) for v, a in zip(combination, t.args, strict=True) if not is_known(v, a)]
        if t.name in self.results:
            out.append(self.columns.number(f"op {t.id}", t.width))
        out += [nan(t.width)] if t.name in self.unordered else []
        if op_head(t) in COMPARES:  # in the arms that it chooses it is what it has to be there
            out += [Variant(np.full(COUNT, truth, np.uint64)) for truth in (0, 1)]
        return iter(out)

    def applied(self, t: Term, args: Sequence[Variant]) -> Variant | None:
        """An operation on variants: of known numbers known, of integers and more than one value that is no literal anything. The bits
        of a known NaN are whatever a compiler takes for them."""
        opened = any(v.open for v in args) or (
            computes_integers(t) and any(is_nan(v, a) for v, a in zip(args, t.args, strict=True))
        )
        if all(is_known(v, a) for v, a in zip(args, t.args, strict=True)) and (opened or op_head(t) not in EVALUATED):
            return self.columns.number(f"op {t.id}", t.width)
        if computes_integers(t) and sum(v.open or not is_known(v, a) for v, a in zip(args, t.args, strict=True)) > 1:
            return None
        columns = [v.column for v in args]
        try:
            made = concatenated(t, columns) if t.name == "concat" else apply(t.name, columns)
            return Variant(one_nan(made, t), opened)
        except Unsupported:  # a function of floats that has no evaluation here varies; of bits it may be anything
            return None if computes_integers(t) else Variant(self.columns.column(f"op {t.id}", t.width), opened)

    def of_reduction(self, t: Term, ref: Term | None = None) -> Iterator[Variant] | None:
        """A round's result: of data, and of what the fold starts from where that may be all. And that itself, without a round."""
        step, init = t.args
        none, one = self.rounds(t, ref)
        added = self.contributions(step)
        unknown = self.adds_data(t, (*added, init), ref)
        found = [self.variants(step)] + ([] if unknown else [self.settled(step, init)])
        found += [self.variants(step, once=init)] if one else []
        found += [self.variants(init)] if none else []
        if not unknown and all(self.may_be_known(c) for c in added):  # then so may be the fold, whatever its rounds
            extreme = t.name.split(".")[0] in EXTREMA
            found += (
                [self.known(c) for c in (*added, init)]
                if extreme
                else [(self.columns.number(f"fold {t.id}", t.width),)]
            )
        return None if any(f is None for f in found) else (v for f in found for v in f or ())

    def adds_data(self, t: Term, parts: Sequence[Term], ref: Term | None) -> bool:
        """Does every instance of a sum add data in some round, numbers that are known of its other parts, what it starts from
        among them, being finite? A NaN in the data is the sum's, so that no number is; and by other data it is none."""
        known = [self.known(c) for c in parts]
        if not t.name.startswith("fadd.") or not all(k is not None and finite(k, op_type(t.name)) for k in known):
            return False
        runs = self.system.sets.source_name(t.embedding())
        instances = self.system.scope_sets[runs] if ref is None else self.system.sets.range(ref.embedding())
        return self.spoilt.every(t, instances)

    def settled(self, step: Term, init: Term) -> tuple[Variant, ...] | None:
        """The numbers that a fold may be found to be round by round, when its loop is unrolled from a known start."""
        known = self.known(init)
        if known is None:
            return None
        out: dict[int, Variant] = {}
        todo = [init] if known else []
        while todo and len(out) <= FEW:
            made = self.known(step, once=todo.pop())
            if made is None:
                return None
            for v in made:
                if v.open:
                    return (*out.values(), v)
                bits = int(v.column[0])
                if bits not in out:
                    out[bits] = v
                    todo.append(self.system.terms.const(bits, step.width))
        return (*out.values(), self.columns.number(f"settled {step.id}", step.width)) if todo else tuple(out.values())

    def known(self, t: Term, once: Term | None = None) -> tuple[Variant, ...] | None:
        found = self.variants(t, once)
        return None if found is None else tuple(v for v in found if is_known(v, t))

    def contributions(self, step: Term) -> list[Term]:
        """What a round adds to the fold so far."""
        if step.kind == "hole":
            return []
        if step.kind != "op" or step.name == "select" or not any(x.kind == "hole" for x in self.below(step)):
            return [step]
        if op_head(step) == "ffma" and not any(x.kind == "hole" for a in step.args[:2] for x in self.below(a)):
            # of finite factors the product may be infinite, and such of both signs are a NaN
            return [
                self.system.terms.op(f"fmul.{op_type(step.name)}", *step.args[:2]),
                *self.contributions(step.args[2]),
            ]
        return [c for a in step.args for c in self.contributions(a)]

    def rounds(self, t: Term, ref: Term | None = None) -> tuple[bool, bool]:
        """May a compiler know, by the rounds of the loops around a fold, whichever thread runs it, that the fold has no round,
        or one at most? ref: what refers to a statement whose value is the fold: only its instances there count, and after the
        loop that is folded its last round is none that a compiler sees."""
        key = (t.id, ref.id if ref is not None else -1)
        if key not in self.trips:
            self.trips[key] = self._rounds(t, ref)
        return self.trips[key]

    def _rounds(self, t: Term, ref: Term | None) -> tuple[bool, bool]:
        sets, child = self.system.sets, self.system.scopes[t.scope]
        parent = self.system.scopes[sets.source_name(t.embedding())]
        here = (
            {later(d) for d in self.system.scopes[sets.source_name(ref.embedding())].dims} if ref is not None else set()
        )
        over = {d for d in parent.dims if later(d) in child.dims and ref is not None and later(d) not in here}
        loops = [Affine.dim(d) for d in parent.dims if d not in self.threads and d not in over]
        own = [Affine.dim(d) for d in child.dims[len(parent.dims) :]]
        around, inside = f"{t.scope}_around{len(loops)}", f"{t.scope}_inside"
        runs = self.system.scope_sets[parent.name] if ref is None else sets.range(ref.embedding())
        if by_size(child, child.dims[len(parent.dims) :]) and sets.empty(sets.idle(runs)):
            return False, False  # an open size decides, and no condition around pins it down
        outer = sets.map(parent.name, parent.dims, parent.domain, around, loops)
        counted = sets.map(child.name, child.dims, child.domain, inside, own)
        outer = sets.restrict_domain(outer, runs)
        trips = sets.compose(sets.compose(sets.reverse(outer), t.embedding()), counted)
        pairs = sets.pair(trips, trips)
        alike = sets.restrict_range(pairs, sets.wrap(sets.identity(sets.range(trips))))
        everywhere, some, several = (
            sets.whatever_symbols(s)
            for s in (sets.range(outer), sets.domain(trips), sets.domain(sets.minus(pairs, alike)))
        )
        same = t.name.split(".")[0] in EXTREMA and self.repeats(t)
        return not sets.empty(sets.minus(everywhere, some)), same or not sets.empty(sets.minus(some, several))

    def repeats(self, t: Term) -> bool:
        """Is every round of a fold over the same data, as far as can be followed?"""
        sets, seen = self.system.sets, 0
        todo = [(t.args[0], t.embedding())]
        while todo and seen < MOST_FOLLOWED:
            x, way = todo.pop()
            seen += 1
            if x.kind == "pick":
                todo.append((x.args[0], sets.compose(way, x.embedding())))
            todo += [(a, way) for a in x.args[int(x.kind == "pick") :]] if x.kind != "reduce" else []
            if x.map is None or x.kind in ("reduce", "pick"):
                continue
            there = sets.compose(way, x.embedding())
            if x.kind == "ref" and not sets.single_valued(there):
                todo.append((self.system.units[x.name].value, there))
            elif not sets.single_valued(there):
                return False
        return True

    def of_unit(self, ref: Term) -> Iterator[Variant] | None:
        """A statement's value; inside its own, what it is assumed to be there, which has to hold what is found."""
        name, value, key = ref.name, self.system.units[ref.name].value, self.unit_key(ref)
        if key not in self.units and name not in self.open and len(self.open) > DEEPEST:
            raise TooDeep(ref)
        if key not in self.units and name not in self.open:
            found = self.evaluated(ref)
            while name in self.assumed and not covered(found, self.assumed[name], value):
                # around a loop it was taken for less: what was found so is found anew
                self.assumed[name] = None if found is None else (*(self.assumed[name] or ()), *found)
                self.done.clear()
                self.units.clear()
                found = self.evaluated(ref)
            self.units[key] = found
        if key in self.units:
            found = self.units[key]
        else:
            if name not in self.assumed:
                self.assumed[name] = self.around(name, value)
            found = self.assumed[name]
        return None if found is None else iter(found)

    def evaluated(self, ref: Term) -> tuple[Variant, ...] | None:
        name, value = ref.name, self.system.units[ref.name].value
        self.open.add(name)
        try:
            if value.kind == "reduce":
                return distinct(self.of_reduction(value, ref), value)
            return self.without_numbers(name, self.below_first(value, None))
        finally:
            self.open.discard(name)

    def without_numbers(self, name: str, found: tuple[Variant, ...] | None) -> tuple[Variant, ...] | None:
        """Of a value that is NaN wherever all data is, no number is known: at most that it is NaN."""
        value = self.system.units[name].value
        known = [v for v in found or () if is_known(v, value)]
        if found is None or not known or not self.spoilt.whole(name):
            return found
        return (*(v for v in found if v not in known), nan(value.width))

    def around(self, name: str, value: Term) -> tuple[Variant, ...]:
        """What a loop starts a statement's value from, and data if a round brings any, else a number."""
        starts = [Variant(np.full(COUNT, a.bits, np.uint64)) for a in self.arms(value) if a.kind == "const"]
        data = self.rests_on_data(value)
        later = Variant(self.columns.column(name, value.width)) if data else self.columns.number(name, value.width)
        return (*starts, later)

    def unit_key(self, ref: Term) -> tuple[str, int]:
        """Under which a statement's value is kept: of a fold, as it is where it is referred to."""
        return ref.name, ref.id if self.system.units[ref.name].value.kind == "reduce" else -1

    def rests_on_data(self, value: Term) -> bool:
        """Is there data in every arm of a value, constants apart, that another round makes?"""
        arms = [a for a in self.arms(value) if a.kind != "const"]
        return all(any(x.kind in ("input", "load", "pick") for x in self.below(a)) for a in arms)

    def arms(self, value: Term) -> list[Term]:
        """What a value is at one or another instance; a statement that stores a constant is that constant."""
        found = [*(value.args if value.kind == "case" else (value,))]
        behind = [self.system.units[a.name].value if a.kind == "ref" else a for a in found]
        return [b if b.kind == "const" and b.attr != ARGUMENT else a for a, b in zip(found, behind, strict=True)]

    def below(self, root: Term) -> Iterator[Term]:
        """Every term that a value is made of, through statements."""
        seen, todo = {root.id}, [root]
        while todo:
            t = todo.pop()
            yield t
            inner = (*t.args, self.system.units[t.name].value) if t.kind == "ref" else t.args
            for a in inner:
                if a.id not in seen:
                    seen.add(a.id)
                    todo.append(a)


def covered(found: Sequence[Variant] | None, assumed: Sequence[Variant] | None, t: Term) -> bool:
    """Is every number that a compiler may know of a value among those that it was assumed to be?"""
    if found is None or assumed is None:
        return assumed is None
    numbers = {v.column.tobytes() for v in assumed if is_known(v, t)}
    anything = any(v.open for v in assumed if is_known(v, t))
    return anything or all(not v.open and v.column.tobytes() in numbers for v in found if is_known(v, t))


def by_size(scope: Scope, own: Collection[str]) -> bool:
    """Do the rounds `own` of a scope end by a condition on open sizes?"""
    todo, loops = [scope.domain], {Dim(d) for d in own}
    while todo:
        f = todo.pop()
        if f.op == "and":
            todo += f.args
        elif loops & (atoms := set(f.atoms())) and any(isinstance(a, Sym) for a in atoms):
            return True
    return False
