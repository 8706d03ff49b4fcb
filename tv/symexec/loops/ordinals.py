"""What a loop does to variables, and its trip count as an affine set of ordinals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tv import kernel as ir
from tv.diagnostic import Unknown
from tv.sets import Affine, Dim, Formula, Ranges
from tv.source import Span


def variables(e: ir.Expr) -> Iterable[str]:
    """Names of the variables that an expression reads."""
    if isinstance(e, ir.Var):
        yield e.name
    for c in ir.children(e):
        yield from variables(c)


def modified(loop: ir.Loop) -> set[str]:
    return {v.name for s in ir.walk((loop,)) for v in ir.assigned(s)}


def writers(loop: ir.Loop) -> Counter[str]:
    """By variable how many statements of the loop assign it."""
    return Counter(n for s in ir.walk((loop,)) for n in {v.name for v in ir.assigned(s)})


def reads(body: Iterable[ir.Stmt]) -> set[str]:
    return {n for s in ir.walk(tuple(body)) for e in ir.expressions(s) for n in variables(e)}


def exposed(body: tuple[ir.Stmt, ...], defined: set[str] | None = None) -> set[str]:
    """Variables that a run of `body` may read before it has surely written them; `defined` grows with what it surely writes."""
    done = set() if defined is None else defined
    out: set[str] = set()
    for s in body:
        if isinstance(s, ir.Loop):
            inner = set(done)
            out |= exposed(s.prelude, inner)
            out |= {n for n in variables(s.cond) if n not in inner}
            out |= exposed(s.body, inner)
            out |= exposed(s.step, inner)
            continue
        out |= {n for e in ir.expressions(s) for n in variables(e) if n not in done}
        if isinstance(s, ir.If):
            a, b = set(done), set(done)
            out |= exposed(s.then, a) | exposed(s.orelse, b)
            done |= a & b
        done |= {v.name for v in ir.assigned(s)}
    return out


class Readers:
    """By variable the statements of a kernel that read it, by identity: the kernel is walked once."""

    def __init__(self, kernel: ir.Kernel) -> None:
        self.kernel = kernel  # keeps the identities
        self.of: dict[str, set[int]] = {}
        for s in ir.walk(kernel.body):
            for e in ir.expressions(s):
                for n in variables(e):
                    self.of.setdefault(n, set()).add(id(s))

    def outside(self, part: ir.Loop | ir.If) -> set[str]:
        """Variables read somewhere in the kernel other than inside `part`."""
        inside = {id(s) for s in ir.walk((part,))}
        return {n for n, where in self.of.items() if not where <= inside}


@dataclass(frozen=True, slots=True)
class Update:
    """The only assignment of a variable in a loop: v = v + step (step None: some other function of v alone)."""

    statement: ir.Assign
    step: ir.Expr | None
    negative: bool


def single_update(loop: ir.Loop, name: str, writes: Mapping[str, int]) -> Update | None:
    """The update of `name`, where it is assigned once and unconditionally in the loop's own body or step. writes: `writers`."""
    if writes.get(name, 0) != 1:
        return None
    top = [s for s in (*loop.body, *loop.step) if isinstance(s, ir.Assign) and s.var.name == name]
    if len(top) != 1:
        return None
    value = _strip(top[0].value)
    if isinstance(value, ir.Binary) and value.op in ("add", "sub") and not value.type.is_float:
        a, b = _strip(value.a), _strip(value.b)
        if isinstance(a, ir.Var) and a.name == name:
            return Update(top[0], value.b, value.op == "sub")
        if isinstance(b, ir.Var) and b.name == name and value.op == "add":
            return Update(top[0], value.a, False)
    return Update(top[0], None, False)


def _strip(e: ir.Expr) -> ir.Expr:
    while isinstance(e, ir.Convert) and not e.type.is_float and not e.a.type.is_float:
        e = e.a
    return e


def bound(cond: Formula, ordinal: str, ranges: Ranges, span: Span) -> tuple[int | None, bool]:
    """(greatest ordinal that can satisfy `cond`, is cond downward closed in the ordinal): both by form.

    None where some alternative of the condition does not bound the ordinal.
    """
    d = Dim(ordinal)
    match cond.op:
        case "and":
            parts = [bound(c, ordinal, ranges, span) for c in cond.args]
            known = [b for b, _ in parts if b is not None]
            return (min(known) if known else None), all(m for _, m in parts)
        case "or":
            parts = [bound(c, ordinal, ranges, span) for c in cond.args]
            known = [b for b, _ in parts if b is not None]
            return (max(known) if len(known) == len(parts) else None), all(m for _, m in parts)
        case "true" | "false":
            return None, True
        case "ge" | "eq" | "not" if d not in set(cond.atoms()):
            return None, True
        case "ge" if cond.affine is not None:
            coefficient = dict(cond.affine.terms).get(d, 0)
            others = (Affine.atom(a).atoms() for a, _ in cond.affine.terms if a != d)  # inside a floor or a product
            if coefficient >= 0 or any(d in set(atoms) for atoms in others):
                return None, False
            hi = (cond.affine - Affine.dim(ordinal) * coefficient).interval(ranges)[1]
            return (None if hi is None else hi // -coefficient), True
        case _:
            return None, False


def trip_count(cond: Formula, ordinal: str, span: Span) -> tuple[Affine, int]:
    """(k, c) with the loop's rounds being exactly the ordinals o with c o <= k; Unknown where the condition is not one bound."""
    if cond.op == "ge" and cond.affine is not None:
        c = dict(cond.affine.terms).get(Dim(ordinal), 0)
        if c < 0:
            return cond.affine - Affine.dim(ordinal) * c, -c
    raise Unknown("TV0503", "a counter is used after its loop, whose bound is not one inequality", span)
