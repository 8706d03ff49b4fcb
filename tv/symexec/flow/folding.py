"""Library calls whose arguments nvcc may know while it compiles: other functions than the ones that the device computes (S7).

nvcc folds `expf(1.0f)` on the host, whose `expf` has other bits than the device's. What it knows follows from constants alone,
through propagation, inlining, loops that it unrolls or peels and conditions that pin a value down. So wherever an argument
rests on no data, or on data only at other instances, the call becomes a symbol of its own there, `folded_exp`: equal to the
same call, and to nothing that a graph has. To know more than nvcc costs a proof; to know less would be a wrong one.
"""

from __future__ import annotations

from tv.foreseen import EXTREMA, Foreseen, computes_integers, integers_from, of_results, shows_data
from tv.sets import Affine, Dim, Map, Set, Sym
from tv.symexec.build import Program, inherit
from tv.symexec.flow.pins import INDEX, pins_floats, pins_index, pins_results
from tv.symexec.threads.reloads import as_compiled
from tv.system import Chained, Scope
from tv.term import ARGUMENT, COMPARES, FOLDED, LIBRARY, Term, op_head, op_type

_ZEROS = {width: frozenset({0, 1 << (width - 1)}) for width in (16, 32, 64)}
_INFINITIES = {32: frozenset({0xFF << 23, 0x1FF << 23}), 64: frozenset({0x7FF << 52, 0xFFF << 52})}
_ONES = {32: frozenset({0x7F << 23}), 64: frozenset({0x3FF << 52})}
_NONE: frozenset[int] = frozenset()
SMALL = 1 << 30


def stated(head: str, width: int) -> frozenset[int]:
    """Arguments at which C's Annex F and the CUDA manual state the result, so that every implementation has the same bits: of
    the exponentials 0 and the infinities, of logarithms 1, of odd functions 0."""
    match head:
        case "exp" | "exp2" | "exp10":
            return _ZEROS[width] | _INFINITIES.get(width, _NONE)
        case "log" | "log2" | "log10":
            return _ONES.get(width, _NONE)
        case "sin" | "tan" | "asin" | "atan" | "sinh" | "tanh" | "erf" | "expm1" | "log1p" | "cbrt" | "cos" | "cosh":
            return _ZEROS[width]
        case _:
            return _NONE


def fold_known_calls(program: Program) -> None:
    """Marks, in every statement's value, the library calls that may be folded. After `find_recurrences`. Raises Unknown."""
    units = list(program.system.units.values())
    if any(_has_call(u.value) for u in units):
        folding = Folding(program)
        chains = program.system.chains
        steps = {n: folding.rewrite(c.step, program.system.units[n].scope) for n, c in chains.items()}
        for u, value in [(u, folding.rewrite(u.value, u.scope)) for u in units]:
            u.value = value
        for name, step in steps.items():
            chains[name] = Chained(step, chains[name].rounds)


def _has_call(root: Term) -> bool:
    seen, todo = {root.id}, [root]
    while todo:
        t = todo.pop()
        if t.kind == "op" and t.name.partition(".")[0] in LIBRARY:
            return True
        fresh = [a for a in t.args if a.id not in seen]
        seen |= {a.id for a in fresh}
        todo += fresh
    return False


class Folding:
    """Where terms rest on no data, as sets of instances: never less than where that is so."""

    def __init__(self, program: Program) -> None:
        self.program, self.system, self.sets = program, as_compiled(program), program.system.sets
        self.terms: dict[tuple[int, str, bool], Set] = {}
        self.units: dict[tuple[str, bool], Set] = {}
        self.done: dict[tuple[int, str, frozenset[str]], Term] = {}
        self.bare: dict[int, bool] = {}  # terms that rest on no data
        self.by: dict[int, frozenset[str]] = {}  # conditions: what `by_index` says
        self.told: dict[int, frozenset[str]] = {}  # comparisons: what `integers` says
        self.shown: dict[int, bool] = {}
        self.foreseen = Foreseen(self.system, program.trace.space.dims, self.some_round_knows)

    # -------------------------------------------------------------- what nvcc may know
    def known(self, t: Term, scope: Scope, plain: bool = False) -> Set:
        """The instances of the scope at which the value follows from constants. plain: by propagation alone, without what an
        operation may be though its operands are data."""
        key = (t.id, scope.name, plain)
        if key not in self.terms:
            self.terms[key] = self._known(t, scope, plain)
        return self.terms[key]

    def _known(self, t: Term, scope: Scope, plain: bool) -> Set:
        whole = self.system.scope_sets[scope.name]
        match t.kind:
            case "const" | "hole" if t.attr != ARGUMENT:
                return whole
            case "const" | "input" | "load" | "undefined" | "pick":
                return self.sets.minus(whole, whole)
            case "index":
                return self.constant_index(t, scope)
            case "ref":
                there = self.unit(t.name, plain)
                return self.sets.domain(self.sets.restrict_range(t.embedding(), there))
            case "case":
                pieces = [(s, self.known(a, scope, plain)) for s, a in zip(t.sets, t.args, strict=True)]
                return self.any_piece(pieces, whole)
            case "op" if (
                t.name == "select"
            ):  # nvcc may move a call into both arms; plainly, what it is in each was asked before
                arms = [self.known(a, scope, plain) for a in t.args[1:]]
                return self.sets.meet(*arms) if plain else self.sets.join(*arms)
            case "op":
                parts = [self.known(a, scope, plain) for a in t.args]
                return whole if not plain and self.decided(t, parts) else self.everywhere(parts, whole)
            case "reduce":
                child = self.system.scopes[t.scope]
                rounds = self.system.scope_sets[t.scope]
                data = self.sets.minus(rounds, self.known(t.args[0], child, plain))
                spoilt = self.sets.domain(self.sets.restrict_range(t.embedding(), data))
                return self.sets.minus(self.known(t.args[1], scope, plain), spoilt)
            case _:
                raise TypeError(f"a kernel's term of kind `{t.kind}`")

    def decided(self, t: Term, parts: list[Set]) -> bool:
        """May the operation be one number though it has operands that are not known, at `parts`?"""
        opened = [p for a, p in zip(t.args, parts, strict=True) if a.kind != "const"]
        absorbing = computes_integers(t) or op_head(t) in EXTREMA or op_head(t) in COMPARES
        return (absorbing or all(self.sets.empty(p) for p in opened)) and self.foreseen.may_be_known(t)

    def some_round_knows(self, t: Term) -> bool:
        scope = self.system.scopes[self.sets.source_name(t.embedding())]
        return not self.sets.empty(self.constant_index(t, scope))

    def any_piece(self, pieces: list[tuple[Set, Set]], whole: Set) -> Set:
        out = self.sets.minus(whole, whole)
        for s, known in pieces:
            out = self.sets.join(out, self.sets.meet(s, known))
        return out

    def everywhere(self, parts: list[Set], whole: Set) -> Set:
        for p in parts:
            whole = self.sets.meet(whole, p)
            if self.sets.empty(whole):
                break
        return whole

    def unit(self, name: str, plain: bool) -> Set:
        """As `known`, of a statement's value; around a loop, everywhere until something else is found."""
        key = (name, plain)
        if key not in self.units:
            u = self.system.units[name]
            self.units[key] = self.system.scope_sets[name]
            self.units[key] = self.known(u.value, u.scope, plain)
        return self.units[key]

    def constant_index(self, t: Term, scope: Scope) -> Set:
        """An index that the rounds of loops decide alone: unrolled, they are constants. Threads, blocks and sizes are not."""
        space = self.program.trace.space
        loops = [d for d in scope.dims if d not in space.dims]
        m = t.embedding()
        here = self.sets.domain(m)
        nothing = self.sets.minus(here, here)
        by_size = any(isinstance(a, Sym) for e in self.system.indices.get(t.id, ()) for a in e.atoms())
        if by_size and self.sets.empty(self.sets.idle(here)):  # no condition pins the size down
            return nothing
        rounds = self.sets.map(
            scope.name, scope.dims, scope.domain, f"{scope.name}_rounds", [Affine.dim(d) for d in loops]
        )
        found = nothing
        for part in (m, *self.program.joined.get(t.id, ())):
            found = self.sets.join(found, self.one_value(rounds, part))
        return found

    def one_value(self, rounds: Map, m: Map) -> Set:
        """The instances in whose rounds m has one value only, whoever executes them."""
        sets, here = self.sets, self.sets.domain(m)
        decided = sets.compose(sets.reverse(sets.restrict_domain(rounds, here)), m)
        if sets.single_valued(decided):
            return here
        pairs = sets.pair(decided, decided)
        alike = sets.restrict_range(pairs, sets.wrap(sets.identity(sets.range(decided))))
        several = sets.whatever_symbols(sets.domain(sets.minus(pairs, alike)))
        other = sets.minus(sets.domain(decided), several)
        return sets.meet(here, sets.domain(sets.restrict_range(rounds, other)))

    # -------------------------------------------------------------- calls
    def rewrite(self, t: Term, scope: Scope, pinned: frozenset[str] = frozenset()) -> Term:
        """The term with its calls marked. pinned: the kinds of data, of which a condition around it may give some one value."""
        key = (t.id, scope.name, pinned)
        if key not in self.done:
            self.done[key] = self._rewrite(t, scope, pinned)
        return self.done[key]

    def _rewrite(self, t: Term, scope: Scope, pinned: frozenset[str]) -> Term:
        if t.kind == "ref" and pinned and self.folds_below(t, pinned):
            return self.system.terms.op(f"{FOLDED}copy.{t.width}", t, width=t.width)
        if not t.args:
            return t
        inside = [scope] * len(t.args)
        pins = [pinned] * len(t.args)
        if t.kind in ("reduce", "pick"):
            inside[0] = self.system.scopes[t.scope]
        elif t.kind == "op" and t.name == "select":
            pins[1:] = [pinned | self.pinned_down(t.args[0], holds) for holds in (True, False)]
        inner = tuple(self.rewrite(a, s, p) for a, s, p in zip(t.args, inside, pins, strict=True))
        new = t if inner == t.args else self.with_args(t, inner)
        if t.kind == "op" and t.name.partition(".")[0] in LIBRARY:
            return self.call(t, new, scope, pinned)
        return new

    def folds_below(self, t: Term, pinned: frozenset[str]) -> bool:
        """Is a call among what a stored value is made of, that is folded where the condition around this use of it holds? nvcc moves
        a call to where its result is used."""
        calls = [x for x in self.foreseen.below(t) if x.kind == "op" and x.name.partition(".")[0] in LIBRARY]
        if not calls:
            return False
        return any(self.on_known(x, pinned) for x in calls)

    def on_known(self, call: Term, pinned: frozenset[str]) -> bool:
        """May the conditions around a call tell its arguments?"""
        if pins_floats(pinned) or self.narrowed(call, pinned):
            return True
        return pins_results(pinned) and of_results(self.system, call)

    def narrowed(self, call: Term, pinned: frozenset[str]) -> bool:
        """Is an argument made of integers of which the conditions around it may leave one?"""
        if any(f"of {b}" in pinned for a in call.args for b in self.foreseen.buffers(a)):
            return True
        indexed = any(x.kind == "index" for x in self.foreseen.below(call))
        return indexed and pins_index(pinned) and all(self.without_data(a) for a in call.args)

    def without_data(self, t: Term) -> bool:
        if t.id not in self.bare:
            self.bare[t.id] = not any(
                x.kind in ("input", "load", "pick") or (x.kind == "const" and x.attr == ARGUMENT)
                for x in self.foreseen.below(t)
            )
        return self.bare[t.id]

    def by_index(self, c: Term) -> frozenset[str]:
        """Is the condition a matter of indices, or its operand in one of the arms that an index decides between?"""
        if c.id not in self.by:
            cases = (x for x in self.foreseen.below(c) if x.kind == "case")
            found = self.without_data(c) or any(self.without_data(a) for x in cases for a in x.args)
            self.by[c.id] = frozenset({INDEX}) if found else frozenset()
        return self.by[c.id]

    def pinned_down(self, c: Term, holds: bool, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        """What a condition, where it holds (or fails), may say of data: of integers of these buffers, by any comparison, since
        ranges meet; of indices, as `integers` has it; that some float is one number, by equality, but no zero, since there are two
        ("floats"); and that it compares a float with a number ("bound"): two such comparisons may be an equality. What is seen of data
        only through library functions is told apart ("results"). seen: statements
        followed."""
        nothing: frozenset[str] = frozenset()
        match c.kind:
            case "op":
                pass
            case "const":
                return nothing
            case "index":
                return frozenset({INDEX})
            case "case":
                return self.by_index(c).union(*(self.pinned_down(a, holds, seen) for a in c.args))
            case "ref":
                again = c.name in seen
                return nothing if again else self.pinned_down(self.system.units[c.name].value, holds, seen | {c.name})
            case _:
                return self.anything(c)
        if self.foreseen.compares_integers(c):
            return self.integers(c)
        match op_head(c):
            case "feq" | "flt" | "fle" | "fisnan":  # and what decides which values it compares
                inner = [x for a in c.args for x in self.foreseen.below(a) if x.kind == "op" and op_head(x) in COMPARES]
                own = self.said(c, holds) if op_head(c) != "fisnan" else self.by_index(c)  # a NaN is no number
                return own.union(*(self.said(x, h) for x in inner for h in (True, False)))
            case "xor" | "select":
                return nothing.union(*(self.pinned_down(a, h, seen) for a in c.args for h in (True, False)))
            case "and" | "or":
                return nothing.union(*(self.pinned_down(a, holds, seen) for a in c.args))
            case _:
                return self.anything(c)

    def alike(self, a: Term, b: Term) -> bool:
        """One value, as in a test for NaN."""
        if a is b:
            return True
        if (a.kind, a.name, a.attr, len(a.args)) != (b.kind, b.name, b.attr, len(b.args)):
            return False
        if a.kind == "ref":
            return self.sets.equal(a.embedding(), b.embedding())
        return a.kind == "op" and all(self.alike(x, y) for x, y in zip(a.args, b.args, strict=True))

    def anything(self, c: Term) -> frozenset[str]:
        """What a fold, a truth from memory, any other condition may say: of whatever it is made of."""
        return frozenset({"floats", INDEX, *(f"of {name}" for name in self.foreseen.buffers(c))})

    def integers(self, c: Term) -> frozenset[str]:
        """What a comparison of integers may say: of data; of an index, by itself or "with" what else is known of that data. Of
        floats that decide an integer it says what their comparisons do."""
        if c.id not in self.told:
            self.told[c.id] = self._integers(c)
        return self.told[c.id]

    def _integers(self, c: Term) -> frozenset[str]:
        names = frozenset(f"of {name}" for name in integers_from(self.system, c)) | self.by_index(c)
        decided = [x for x in self.foreseen.below(c) if x.kind == "op" and op_head(x) in ("feq", "flt", "fle")]
        names = names.union(*(self.of_floats(x, h) for x in decided for h in (True, False)))
        if not any(x.kind == "index" for x in self.foreseen.below(c)):
            return names | {f"data {c.id}"}
        return names | {f"with {c.id}" if self.against_anything(c) else INDEX}

    def against_anything(self, c: Term) -> bool:
        """Is a small index compared with an integer that may be any of its type? Whatever the index is, some data lets it pass."""
        if op_head(c) not in ("slt", "sle", "eq") or op_type(c.name) not in ("i32", "i64"):
            return False
        a, b = (self.read(x) for x in c.args)
        data, index = (a, b) if b.kind == "index" else (b, a)
        small = [e.interval(self._range) for e in self.system.indices.get(index.id, ())]
        known = bool(small) and all(lo is not None and hi is not None and -SMALL < lo <= hi < SMALL for lo, hi in small)
        return data.kind == "input" and data.width >= 32 and index.kind == "index" and known

    def read(self, t: Term) -> Term:
        """What a value was loaded from, or a signed integer of 64 bits made of."""
        seen: set[int] = set()  # around a loop
        while t.id not in seen and (t.kind == "ref" or (t.kind == "op" and t.name == "cvt.s64.s32")):
            seen.add(t.id)
            t = self.system.units[t.name].value if t.kind == "ref" else t.args[0]
        return t

    def _range(self, a: Dim | Sym) -> tuple[int | None, int | None]:
        return self.program.trace.ranges.get(a.name, (None, None))

    def said(self, c: Term, holds: bool) -> frozenset[str]:
        """As `pinned_down`, of one comparison by itself."""
        if self.foreseen.compares_integers(c):
            return self.integers(c)
        return self.of_floats(c, holds)

    def of_floats(self, c: Term, holds: bool) -> frozenset[str]:
        if op_head(c) == "feq":
            tells = holds and not self.alike(*c.args) and not any(is_zero(a) for a in c.args)
            return self.by_index(c) | (frozenset({"floats" if self.shows(c) else "results"}) if tells else frozenset())
        known = (a for a in c.args if not is_zero(a) and self.foreseen.may_be_known(a))
        return self.by_index(c).union(f"{'bound' if self.shows(c) else 'bound of results'} {c.id}" for _ in known)

    def shows(self, c: Term) -> bool:
        if c.id not in self.shown:
            self.shown[c.id] = any(shows_data(self.system, a) for a in c.args)
        return self.shown[c.id]

    def with_args(self, t: Term, args: tuple[Term, ...]) -> Term:
        new = self.system.terms.make(
            t.kind,
            name=t.name,
            args=args,
            map=t.map,
            sets=t.sets,
            bits=t.bits,
            width=t.width,
            attr=t.attr,
            scope=t.scope,
        )
        inherit(self.program, new, t)
        return new

    def call(self, t: Term, new: Term, scope: Scope, pinned: frozenset[str]) -> Term:
        """The call `new` (t, its own arguments' calls marked), under its other name where it may be folded."""
        whole = self.system.scope_sets[scope.name]
        head = t.name.partition(".")[0]
        folded = (
            whole
            if self.on_known(t, pinned)
            else self.everywhere([self.argument(head, a, scope) for a in t.args], whole)
        )
        if self.sets.empty(folded):
            return new
        other = self.system.terms.op(FOLDED + t.name, *new.args, width=t.width)
        if t.id in self.program.spans:
            self.program.spans.setdefault(other.id, self.program.spans[t.id])
        rest = self.sets.minus(whole, folded)
        return other if self.sets.empty(rest) else self.system.terms.case([(folded, other), (rest, new)])

    def argument(self, head: str, t: Term, scope: Scope) -> Set:
        """As `known`, without the literals at which the function's value is stated."""
        whole = self.system.scope_sets[scope.name]
        if t.kind == "const" and t.bits in stated(head, t.width):
            return self.sets.minus(whole, whole)
        if t.kind == "case":
            pieces = [(s, self.argument(head, a, scope)) for s, a in zip(t.sets, t.args, strict=True)]
            return self.any_piece(pieces, whole)
        exempt = t.kind == "op" and t.name != "select" and self.foreseen.only_known_as(t, stated(head, t.width))
        return self.known(t, scope, plain=exempt)


def is_zero(t: Term) -> bool:
    return t.kind == "const" and t.bits & ((1 << (t.width - 1)) - 1) == 0
