"""Grid barriers made of an atomic counter, recognised by their listed shape (S17), and what must hold of their counts.

    __syncthreads();
    if (thread 0 of the block) {
        release: a device fence before, or release order of, the increment
        counter += 1, atomically, device scope
        while (strong load of counter < target) ;
        acquire: a device fence after the loop, or acquire order of the load
    }
    __syncthreads();

Anything else stays atomics and loops, which the executor refuses. The n-th barrier of a launch must wait for n * gridDim.
"""

from __future__ import annotations

from dataclasses import replace

from tv import kernel as ir
from tv.kernel import Kernel, Stmt

ZERO_TESTS = ("threadIdx.x", "threadIdx.y", "threadIdx.z")


def recognise_grid_barriers(kernel: Kernel, block: tuple[int, int, int]) -> Kernel:
    """The kernel with every recognised counter barrier as one `Barrier("grid", counter=..., target=...)`."""
    return replace(kernel, body=_list(kernel.body, block))


def _list(body: tuple[Stmt, ...], block: tuple[int, int, int]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    i = 0
    while i < len(body):
        found = _match(body[i : i + 3], block)
        if found is not None:
            out += found
            i += 3
            continue
        out.append(_inside(body[i], block))
        i += 1
    return tuple(out)


def _inside(s: Stmt, block: tuple[int, int, int]) -> Stmt:
    match s:
        case ir.If():
            return replace(s, then=_list(s.then, block), orelse=_list(s.orelse, block))
        case ir.Loop():
            return replace(s, body=_list(s.body, block))
        case _:
            return s


def _match(three: tuple[Stmt, ...], block: tuple[int, int, int]) -> list[Stmt] | None:
    """The three statements as one grid barrier, or None. The guarded part may hold nothing else."""
    match three:
        case (ir.Barrier(scope="block") as first, ir.If(orelse=()) as guarded, ir.Barrier(scope="block") as last):
            inside = tuple(dict.fromkeys((*first.inside, *last.inside)))
        case _:
            return None
    if not _first_thread(guarded.cond, block):
        return None
    parts = list(guarded.then)
    spins = [i for i, s in enumerate(parts) if isinstance(s, ir.Loop)]
    if len(spins) != 1:
        return None
    before, spin, after = parts[: spins[0]], parts[spins[0]], parts[spins[0] + 1 :]
    assert isinstance(spin, ir.Loop)
    arrival, polled = _arrival(before), _poll(spin)
    if arrival is None or polled is None or arrival != polled[0]:
        return None
    acquired = polled[2] or any(isinstance(s, ir.Fence) and s.scope in ("device", "system") for s in after)
    if not acquired or any(not isinstance(s, ir.Fence) for s in after):
        return None
    return [ir.Barrier(spin.span, "grid", None, arrival, polled[1], inside=inside)]


def _first_thread(cond: ir.Expr, block: tuple[int, int, int]) -> bool:
    """Is `cond` true for exactly the thread (0, 0, 0) of each block?"""
    tested: set[str] = set()

    def visit(e: ir.Expr) -> bool:
        match e:
            case ir.Binary(op="and", a=a, b=b):
                return visit(a) and visit(b)
            case ir.Compare(op="eq", a=a, b=ir.Const(bits=0)):
                while isinstance(a, ir.Convert) and a.type.bits >= a.a.type.bits:
                    a = a.a
                if isinstance(a, ir.Builtin) and a.name in ZERO_TESTS:
                    tested.add(a.name)
                    return True
                return False
            case ir.Select(cond=c, a=a, b=ir.Const(bits=0)):
                return visit(c) and visit(a)
            case _:
                return False

    return visit(cond) and all(n in tested or block[i] == 1 for i, n in enumerate(ZERO_TESTS))


def _arrival(before: list[Stmt]) -> str | None:
    """Release, then one increment by 1 of the first element of an object: its name."""
    fenced = False
    counter: str | None = None
    for s in before:
        match s:
            case ir.Fence(scope="device" | "system"):
                fenced = fenced or counter is None
            case ir.Atomic(op="add", ref=r, operands=(ir.Const(bits=1),), order=order, scope="device" | "system") if (
                counter is None
            ):
                if not (fenced or order in ("release", "acq_rel", "seq_cst")) or not _first_element(r):
                    return None
                counter = r.object
            case _:
                return None
    return counter


def _poll(spin: ir.Loop) -> tuple[str, ir.Expr, bool] | None:
    """(counter, target, the load acquires) of `while (load(counter) < target) ;`."""
    if spin.body or spin.step or not spin.test_first or len(spin.prelude) != 1:
        return None
    match spin.prelude[0]:
        case ir.Load(dests=(v,), ref=r) if r.access == "volatile":
            acquires = False
        case ir.Atomic(dest=ir.Var() as v, op="load", ref=r, order=order, scope="device" | "system"):
            acquires = order in ("acquire", "acq_rel", "seq_cst")
        case ir.Atomic(
            dest=ir.Var() as v, op="add", ref=r, operands=(ir.Const(bits=0),), order=order, scope="device" | "system"
        ):
            acquires = order in ("acquire", "acq_rel", "seq_cst")
        case _:
            return None
    if not _first_element(r):
        return None
    match spin.cond:
        case ir.Compare(op="lt", a=a, b=target) if _is(a, v.name):
            return r.object, target, acquires
        case ir.Compare(op="gt", a=target, b=b) if _is(b, v.name):
            return r.object, target, acquires
        case _:
            return None


def _is(e: ir.Expr, name: str) -> bool:
    while isinstance(e, ir.Convert) and e.type.bits >= e.a.type.bits:
        e = e.a
    return isinstance(e, ir.Var) and e.name == name


def _first_element(r: ir.MemRef) -> bool:
    return (
        isinstance(r.offset, ir.Const)
        and r.offset.bits == 0
        and r.count == 1
        and r.type in (ir.Scalar.I32, ir.Scalar.U32)
    )
