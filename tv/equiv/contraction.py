"""Which values nvcc may take into an addition as unrounded products (S7).

A value counts as a product wherever the compiler might see that it is one: through selects, negations, memory that a thread
reads back, integer operations on its bits, wider arithmetic that is narrowed again, maxima of a value with itself,
operations with a neutral constant, and divisions by powers of two. Too many products cost proofs, too few cost soundness.
"""

from __future__ import annotations

import struct
from functools import cached_property
from math import frexp, inf, isfinite, isnan, nan

from tv.equiv.laws import beside_one
from tv.equiv.problem import Problem
from tv.foreseen import EXTREMA, INTEGER, Foreseen
from tv.term import COMPARES, FOLDED, LIBRARY, Term, op_head, op_type

WIDE = ("f32", "f64")
FORMATS = {"f16": "<e", "bf16": "<f", "f32": "<f", "f64": "<d"}
HIDDEN = "hidden"
NORMAL = (2.0**-100, 2.0**100)  # beside an addend of this size, a scaled value that is subnormal rounds away either way


class Contraction:
    def __init__(self, problem: Problem) -> None:
        self.p, self.sets = problem, problem.sets

    def contracted(self, t: Term) -> list[int]:
        """Operands of a kernel add or subtract that nvcc may take in as an unrounded product, with another result.

        A fused multiply-add by one is such an addition.
        """
        head, kind = op_head(t), op_type(t.name)
        if t.kind == "op" and head == "ffma":
            return sorted(
                i for a, b in ((0, 1), (1, 0)) if self.neutral(t.args[a], kind, 1.0) for i in self.fed(t, (b, 2))
            )
        if t.kind != "op" or t.attr != "c" or head not in ("fadd", "fsub"):
            return []
        return [i for i in self.fed(t, (0, 1)) if not harmless(t.args[i], t.args[1 - i], kind)]

    def fed(self, t: Term, which: tuple[int, int]) -> list[int]:
        """Those of these operands that can be products."""
        feeding = {i: self.products(t.args[i], op_type(t.name)) for i in which}
        for heads in feeding.values():
            self.note_library(heads)
        return [i for i, heads in feeding.items() if "fmul" in heads]

    def may_be_product(self, t: Term, kind: str) -> bool:
        """Can this value be a contractible product of type `kind`?"""
        return "fmul" in self.products(t, kind)

    def note_library(self, heads: set[str]) -> None:
        """Functions that feed an addition which nvcc may contract: that it does not reach inside them is an assumption."""
        for head in sorted(heads & LIBRARY):
            self.p.assumptions.add(
                f"nvcc does not contract the inside of `{head}` into the addition it feeds, where that is subnormal"
            )

    def allowed(self, kernel: Term, graph: Term, kind: str) -> bool:
        """May nvcc take this operand in unrounded: is the graph's operand a product, and the kernel's that one and no other?"""
        return self.graph_product(graph) and HIDDEN not in self.products(kernel, kind)

    def summand_allowed(self, op: str, kernel: Term, graph: Term) -> bool:
        """As `allowed`, of a summand of a reordered sum; true where it can be no unrounded product."""
        unrounded = kernel.attr == "u" and beside_one(kernel) is None
        if not op.startswith("fadd") or not (unrounded or self.may_be_product(kernel, op_type(op))):
            return True
        return self.allowed(kernel, graph, op_type(op))

    def products(self, t: Term, kind: str) -> set[str]:
        """`fmul` where the value can be a contractible product of type `kind`, `hidden` where that product is another value by
        its text, and the library functions of that type that it can be the result of."""
        out: set[str] = set()
        seen: set[tuple[int, bool, int, int]] = set()
        todo: list[tuple[Term, bool, Term | None, Term | None]] = [(t, False, None, None)]
        while todo:
            t, hidden, once, ref = todo.pop()
            key = (
                t.id,
                hidden,
                -1 if once is None else once.id,
                ref.id if ref is not None and t.kind == "reduce" else -1,
            )
            if key in seen:
                continue
            seen.add(key)
            head = op_head(t).removeprefix(FOLDED) if t.kind == "op" else ""
            if head and self.same_width(op_type(t.name), kind):
                if head in LIBRARY:
                    out.add(head)
                elif self.makes_product(t, head, once):
                    out |= {"fmul", HIDDEN} if hidden or head != "fmul" else {"fmul"}
            if t.kind == "reduce":
                start = t.args[1] if self.foreseen.rounds(t, ref)[1] else None
                todo += [(t.args[0], hidden, start, None), (t.args[1], hidden, once, None)]
                continue
            hides = t.kind == "op" and head not in ("select", "fneg", "cvt")
            ref = t if t.kind == "ref" else None
            todo += [(x, hidden or hides, once if ref is None else None, ref) for x in self.below(t, head, once)]
        return out

    @staticmethod
    def same_width(a: str, b: str) -> bool:
        """f32 and f64: arithmetic in the wider, narrowed again, is the narrower's own."""
        return a == b or (a in WIDE and b in WIDE)

    def below(self, t: Term, head: str, once: Term | None) -> tuple[Term, ...]:
        """What t may be no more than: the values that a compiler might put in its place."""
        match t.kind:
            case "case":
                return t.args
            case "ref":
                return (self.p.kernel.units[t.name].value,) if self.passes_on(t) else ()
            case "op":
                return self.passed(t, head, once)
            case _:
                return ()

    def makes_product(self, t: Term, head: str, once: Term | None = None) -> bool:
        """A multiplication that is not `_rn`, what may be compiled as one, or a fused one that may add nothing. One by the
        literal 1 has one value, fused or not: that of the other factor, which `passed` looks at."""
        kind = op_type(t.name)
        if head == "fmul":
            return t.attr == "c" and beside_one(t) is None
        if head == "fdiv":
            by = t.args[1]
            return power_of_two(by, kind) if by.kind == "const" else self.foreseen.may_be_known(by, once)
        return head == "ffma" and self.neutral(t.args[2], kind, 0.0, once)

    def neutral(self, t: Term, kind: str, size: float, once: Term | None = None) -> bool:
        """Is this operand, or may nvcc find that it is, plus or minus the number that an operation leaves its other operand with?"""
        if t.kind == "const":
            value = abs(number(t, kind))
            return value == size or (size == inf and isnan(value))
        return self.foreseen.may_be(t, kind, size, once)

    def passed(self, t: Term, head: str, once: Term | None = None) -> tuple[Term, ...]:
        """The operands that an operation may be no more than."""
        a, kind = t.args, op_type(t.name)
        match head:
            case "select":
                return a[1:]
            case "fneg" | "fabs" | "concat" | "extract":  # ptxas drops the absolute value of a square
                return a
            case "cvt":
                kinds = t.name.split(".")[1:3]
                return a if all(k in WIDE for k in kinds) or all(map(INTEGER.fullmatch, kinds)) else ()
            case "fmul":
                return tuple(x for x, y in (a, a[::-1]) if self.neutral(y, kind, 1.0, once))
            case "fdiv":
                return a[:1] if self.neutral(a[1], kind, 1.0, once) else ()
            case "fadd" | "fsub":
                return tuple(x for x, y in (a, a[::-1]) if self.neutral(y, kind, 0.0, once))
            case "ffma":
                return tuple(x for x, y in (a[:2], a[1::-1]) if self.neutral(y, kind, 1.0, once)) + a[2:]
            case _ if head in EXTREMA:  # with an infinity, or of equal products, however they are written
                limit = any(self.limit(t, x, kind, once) for x in a)
                return a if limit or all(self.computed(x) for x in a) else ()
            case _:
                return a if INTEGER.fullmatch(kind) else ()  # bits that may be taken apart and put together again

    def limit(self, t: Term, operand: Term, kind: str, once: Term | None) -> bool:
        """Is the operand of this one maximum or minimum an infinity to nvcc? Of several places that are one term here, in one."""
        if (
            operand.kind != "const"
            and self.p.origins.get(t.id, -1) >= 0
            and not self.foreseen.must_be_known(operand, once)
        ):
            return False
        return self.neutral(operand, kind, inf, once)

    def computed(self, t: Term, depth: int = 12) -> bool:
        """Is this a product that nvcc may find equal to another, by the thread's own text or what it keeps in registers?"""
        if depth == 0:
            return True
        match t.kind:
            case "op":
                head = op_head(t)
                inner = t.args if head in EXTREMA else self.passed(t, head)
                return self.makes_product(t, head) or any(self.computed(x, depth - 1) for x in inner)
            case "case":
                return any(self.computed(x, depth - 1) for x in t.args)
            case "ref":
                return self.passes_on(t) and self.computed(self.p.kernel.units[t.name].value, depth - 1)
            case _:
                return False

    @cached_property
    def foreseen(self) -> Foreseen:
        """What nvcc may know of values. It unrolls loops, and conditions pin threads and sizes down: so indices are known."""
        found = Foreseen(self.p.kernel, self.p.threads, lambda t: True)
        found.pin([t for t in self.operations if op_head(t) in COMPARES])
        return found

    @cached_property
    def operations(self) -> list[Term]:
        """Every operation of the kernel, once."""
        found: dict[int, Term] = {}
        todo = [u.value for u in self.p.kernel.units.values()]
        while todo:
            t = todo.pop()
            if t.id not in found:
                found[t.id] = t
                todo += t.args
        return [t for t in found.values() if t.kind == "op"]

    def passes_on(self, t: Term) -> bool:
        """May nvcc keep the referred value in a register: a load, or a store that some thread reads back itself."""
        if t.name in self.p.private:
            return True
        source = self.p.kernel.units[t.name]
        reader = self.p.kernel.units[self.p.kernel.scopes[self.sets.source_name(t.embedding())].unit]
        if t.name not in self.p.memory or source.thread is None or reader.thread is None:
            return False
        if self.sets.source_name(t.embedding()) != reader.name:
            return True
        pairs = self.sets.compose(self.sets.compose(self.sets.reverse(reader.thread), t.embedding()), source.thread)
        return not self.sets.disjoint(pairs, self.sets.identity(self.sets.domain(pairs)))

    def of_constants(self, t: Term) -> bool:
        """Is this graph value a library function of constants? A kernel whose argument is always the same number may have its
        call evaluated while it is compiled, by another implementation: it is related to no such value."""
        return t.kind == "op" and op_head(t) in LIBRARY and all(self.is_constant(a) for a in t.args)

    def is_constant(self, t: Term) -> bool:
        while t.kind == "ref":
            t = self.p.graph.units[t.name].value
        return t.kind == "const" or (t.kind == "case" and all(self.is_constant(a) for a in t.args))

    def graph_product(self, t: Term) -> bool:
        """Is this graph value a product in a wide float type, so that an add it feeds may be contracted under `reassoc`? One by
        the literal 1 is what it multiplies, whose own rounding is not the product's to leave out."""
        while t.kind == "ref":
            t = self.p.graph.units[t.name].value
        return t.kind == "op" and t.name in ("fmul.f32", "fmul.f64") and beside_one(t) is None


def harmless(product: Term, other: Term, kind: str) -> bool:
    """Scaling by a power of two beside a constant of ordinary size: the product is exact unless it is subnormal, and a
    subnormal one changes the sum neither way."""
    if kind not in WIDE or not NORMAL[0] <= abs(number(other, kind)) <= NORMAL[1]:
        return False
    if product.kind != "op" or op_type(product.name) != kind:
        return False
    match op_head(product):
        case "fdiv":
            return scales(product.args[1], kind)
        case "fmul":
            return any(scales(x, kind) for x in product.args)
        case _:
            return False


def number(t: Term, kind: str) -> float:
    """The value of a float constant of type `kind`; NaN for any other term."""
    if t.kind != "const" or kind not in FORMATS:
        return nan
    bits = t.bits << 16 if kind == "bf16" else t.bits
    return float(struct.unpack(FORMATS[kind], bits.to_bytes(struct.calcsize(FORMATS[kind]), "little"))[0])


def scales(t: Term, kind: str) -> bool:
    """A power of two by which a value is changed: with 1 it is the value itself, which may be a product."""
    return power_of_two(t, kind) and abs(number(t, kind)) != 1.0


def power_of_two(t: Term, kind: str) -> bool:
    return is_power(number(t, kind))


def is_power(x: float) -> bool:
    return isfinite(x) and x != 0.0 and abs(frexp(x)[0]) == 0.5
