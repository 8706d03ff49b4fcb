"""Which multiplies become part of an fma: one deterministic choice, taken before a kernel is executed.

nvcc with `-fmad=true` may contract every float multiply without `_rn` that reaches an add or subtract without `_rn`. The
policy here is one such choice, close to what nvcc's LLVM takes:

1. of the two operands of an add or subtract, the left one is contracted if it is a multiply (possibly under negations),
   else the right one; never both. `a*b - c*d` is fma(a, b, -(c*d)), `c - a*b` is fma(-a, b, c);
2. a variable assigned once and read once in the whole kernel, both in one statement list, stands for its multiply if
   nothing that the multiply reads is assigned in between;
3. nothing else: not through memory, conversions, selects, shuffles, or a product used twice.

Another compiler may choose otherwise, so equality of bits with a GPU is only expected where every choice gives the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tv.kernel import (
    Aligned,
    Assign,
    Assume,
    AsyncCopy,
    Atomic,
    Barrier,
    Binary,
    Bitcast,
    Builtin,
    Call,
    Compare,
    Const,
    Convert,
    Expr,
    Extract,
    If,
    Inside,
    Kernel,
    Load,
    Loop,
    MemRef,
    NotNull,
    Pack,
    Param,
    Select,
    Shuffle,
    Stmt,
    Store,
    Unary,
    Var,
    Vote,
    assigned,
    children,
    expressions,
    walk,
)


def chosen_operand(left_is_multiply: bool, right_is_multiply: bool) -> str | None:
    """The policy's first rule: which operand of an add or subtract is contracted, `left`, `right` or None."""
    if left_is_multiply:
        return "left"
    return "right" if right_is_multiply else None


def _multiply(e: Expr) -> Binary | None:
    """The contractible multiply that `e` is, its negations moved to the first factor."""
    match e:
        case Binary(op="mul", rn=False, type=t) if t.is_float:
            return e
        case Unary(op="neg", a=inner):
            product = _multiply(inner)
            return None if product is None else replace(product, a=Unary(product.type, "neg", product.a, e.span))
        case _:
            return None


def contract_node(e: Expr) -> Expr:
    """One add or subtract with its chosen multiply contracted; any other expression unchanged."""
    match e:
        case Binary(op="add" | "sub" as op, rn=False, type=t, a=a, b=b) if t.is_float:
            left, right = _multiply(a), _multiply(b)
            match chosen_operand(left is not None, right is not None):
                case "left":
                    assert left is not None
                    rest = b if op == "add" else Unary(t, "neg", b, e.span)
                    return Call(t, "fma", (left.a, left.b, rest), e.span)
                case "right":
                    assert right is not None
                    factor = right.a if op == "add" else Unary(t, "neg", right.a, e.span)
                    return Call(t, "fma", (factor, right.b, a), e.span)
    return e


def rebuild(e: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """`e` with its operands rebuilt and then `change` applied, from the leaves up; what nothing changes stays the same object."""
    match e:
        case Const() | Var() | Param() | Builtin() | NotNull():
            return change(e)
        case Binary() | Compare():
            a, b = rebuild(e.a, change), rebuild(e.b, change)
            return change(e if a is e.a and b is e.b else replace(e, a=a, b=b))
        case Unary() | Convert() | Bitcast() | Extract():
            a = rebuild(e.a, change)
            return change(e if a is e.a else replace(e, a=a))
        case Select():
            cond, a, b = rebuild(e.cond, change), rebuild(e.a, change), rebuild(e.b, change)
            return change(e if cond is e.cond and a is e.a and b is e.b else replace(e, cond=cond, a=a, b=b))
        case Pack():
            parts = _rebuilt(e.parts, change)
            return change(e if parts is e.parts else replace(e, parts=parts))
        case Call():
            args = _rebuilt(e.args, change)
            return change(e if args is e.args else replace(e, args=args))
        case _:
            raise TypeError(f"not an expression of the Kernel IR: {e!r}")


def _rebuilt(parts: tuple[Expr, ...], change: Callable[[Expr], Expr]) -> tuple[Expr, ...]:
    new = tuple(rebuild(p, change) for p in parts)
    return parts if all(a is b for a, b in zip(parts, new, strict=True)) else new


def _map_ref(ref: MemRef, f: Callable[[Expr], Expr]) -> MemRef:
    offset = f(ref.offset)
    return ref if offset is ref.offset else replace(ref, offset=offset)


def map_expressions(s: Stmt, f: Callable[[Expr], Expr]) -> Stmt:
    """The statement with `f` applied to the expressions that it evaluates itself."""
    match s:
        case Assign():
            return replace(s, value=f(s.value))
        case Load():
            return replace(s, ref=_map_ref(s.ref, f))
        case Store():
            return replace(s, ref=_map_ref(s.ref, f), values=tuple(f(v) for v in s.values))
        case Aligned():
            return replace(s, offset=f(s.offset))
        case Inside():
            return replace(s, entry=f(s.entry), offset=f(s.offset))
        case If() | Loop() | Assume():
            return replace(s, cond=f(s.cond))
        case Barrier(mask=mask):
            return s if mask is None else replace(s, mask=f(mask))
        case Shuffle():
            return replace(s, value=f(s.value), lane=f(s.lane), mask=f(s.mask))
        case Vote():
            return replace(s, value=f(s.value), mask=f(s.mask))
        case Atomic():
            return replace(s, ref=_map_ref(s.ref, f), operands=tuple(f(o) for o in s.operands))
        case AsyncCopy(zero_fill=fill):
            copied = replace(s, dst=_map_ref(s.dst, f), src=_map_ref(s.src, f))
            return copied if fill is None else replace(copied, zero_fill=f(fill))
        case _:
            assert not expressions(s), s
            return s


def variables(e: Expr) -> Counter[str]:
    """How often each variable occurs in an expression."""
    found: Counter[str] = Counter()
    stack = [e]
    while stack:
        top = stack.pop()
        if isinstance(top, Var):
            found[top.name] += 1
        stack.extend(children(top))
    return found


def _single_use(kernel: Kernel) -> frozenset[str]:
    """Variables with one assignment and one read in the text."""
    reads: Counter[str] = Counter()
    writes: Counter[str] = Counter()
    for s in walk(kernel.body):
        for e in expressions(s):
            reads += variables(e)
        writes.update(v.name for v in assigned(s))
    return frozenset(n for n in writes if writes[n] == 1 and reads[n] == 1)


class _Forwarding:
    """Rules 2 and 1 over one statement list; products that were not contracted are put back as they stood.

    chosen: gets every add and subtract that may be contracted, as the text has it, and the operand that is, "" for none.
    """

    def __init__(self, single: frozenset[str], chosen: list[tuple[Binary, str]]) -> None:
        self.single, self.chosen = single, chosen

    def run(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        pending: dict[str, Expr] = {}
        absorbed: set[str] = set()
        out: list[Stmt] = []
        for s in body:
            inner = self._descend(s)
            # A loop evaluates its condition again and again, so nothing is forwarded into it.
            known = {} if isinstance(s, Loop) else pending
            done = map_expressions(inner, partial(self._contract, pending=known, absorbed=absorbed))
            for t in walk((s,)):
                for v in assigned(t):
                    pending = {n: e for n, e in pending.items() if n != v.name and v.name not in variables(e)}
            match done:
                case Assign(var=var, value=value) if var.name in self.single and _multiply(value) is not None:
                    pending[var.name] = value
            out.append(done)
        return tuple(s for s in out if not (isinstance(s, Assign) and s.var.name in absorbed))

    def _descend(self, s: Stmt) -> Stmt:
        match s:
            case If():
                return replace(s, then=self.run(s.then), orelse=self.run(s.orelse))
            case Loop():
                return replace(s, body=self.run(s.body), step=self.run(s.step), prelude=self.run(s.prelude))
            case _:
                return s

    def _contract(self, e: Expr, pending: dict[str, Expr], absorbed: set[str]) -> Expr:
        originals = iter(_sums(e))  # met below in the same order, with operands that may have been contracted

        def known(operand: Expr) -> Expr:
            return pending.get(operand.name, operand) if isinstance(operand, Var) else operand

        def change(node: Expr) -> Expr:
            match node:
                case Binary(op="add" | "sub", rn=False, type=t) if t.is_float:
                    seen = replace(node, a=self._look(node.a, known), b=self._look(node.b, known))
                    fused = contract_node(seen)
                    left = _multiply(seen.a) is not None
                    self.chosen.append((next(originals), "" if fused is seen else "left" if left else "right"))
                    if fused is seen:
                        return node
                    taken = node.a if left else node.b
                    while isinstance(taken, Unary):
                        taken = taken.a
                    if isinstance(taken, Var):
                        absorbed.add(taken.name)
                    rest = node.b if left else node.a  # the other operand keeps its name
                    return contract_node(replace(seen, b=rest) if left else replace(seen, a=rest))
            return node

        return rebuild(e, change)

    def _look(self, operand: Expr, known: Callable[[Expr], Expr]) -> Expr:
        """The operand with a forwarded product put in, also under negations."""
        match operand:
            case Unary(op="neg", a=inner):
                return replace(operand, a=self._look(inner, known))
            case _:
                return known(operand)


def _sums(e: Expr) -> list[Binary]:
    """The adds and subtracts of an expression that may be contracted, from the leaves up."""
    found: list[Binary] = []

    def note(node: Expr) -> Expr:
        match node:
            case Binary(op="add" | "sub", rn=False, type=t) if t.is_float:
                found.append(node)
        return node

    rebuild(e, note)
    return found


def contract(kernel: Kernel) -> Kernel:
    """The kernel as compiled with `-fmad=true` under this policy."""
    return replace(kernel, body=_Forwarding(_single_use(kernel), []).run(kernel.body))


def fused_operands(kernel: Kernel) -> list[tuple[Binary, str]]:
    """Every add and subtract of the kernel's text that may be contracted (the object in it), and the operand whose product
    this policy fuses, `left` or `right`; "" for none. One that the text shares between two places is listed for both."""
    chosen: list[tuple[Binary, str]] = []
    _Forwarding(_single_use(kernel), chosen).run(kernel.body)
    return chosen
