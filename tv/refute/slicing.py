"""The part of a kernel on which its addresses and its control flow depend: a huge kernel's defects show in it much sooner.

A slice keeps the accesses of some memory objects, all barriers and waiting loops, the statements of some lines, and everything that decides
whether, where and in which order these execute. Values that only go into other values are left out; what is stored of them
becomes zero. A slice executes the accesses that it keeps just as the whole kernel does, as long as that one has no earlier
defect and its loops end. So a race, an address out of range, an overflow, a barrier that is not met, an element that no
thread writes are the kernel's own. Values are not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from tv.kernel import (
    Aligned,
    Assume,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Break,
    Const,
    Continue,
    Declare,
    Expr,
    Fence,
    If,
    Inside,
    Kernel,
    Load,
    Loop,
    Return,
    Stmt,
    Store,
    assigned,
    blocks,
    children,
    expressions,
    walk,
)
from tv.replay.contraction import variables
from tv.replay.waiting import waits

KINDS = frozenset({"race", "bounds", "range", "barrier", "coverage"})  # of defects that a slice may show


@dataclass(frozen=True, slots=True)
class Cut:
    """What a slice is for: objects whose accesses it keeps, lines whose statements it keeps."""

    objects: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()


def sliced(kernel: Kernel, cut: Cut, stores: Collection[int] = ()) -> Kernel:
    """The slice; of a kernel from which nothing can be left out, all of it. stores: identities of those whose values it keeps."""
    return _Slicer(kernel, cut, stores).run()


def deciding(kernel: Kernel, lines: Collection[int]) -> frozenset[str]:
    """The objects on whose contents addresses and control flow hang, and the values of the statements in these lines."""
    slicer = _Slicer(kernel, Cut(tuple(kernel.objects), tuple(lines)), ())
    slicer.run()
    return frozenset(slicer.read)


class _Slicer:
    def __init__(self, kernel: Kernel, cut: Cut, stores: Collection[int]) -> None:
        self.kernel, self.cut, self.stores = kernel, cut, frozenset(stores)
        self.statements = list(walk(kernel.body))
        self.loop_of: dict[int, int] = {}  # break or continue -> the loop that it leaves; outer loops are met first
        for loop in self.statements:
            if isinstance(loop, Loop):
                self.loop_of |= {id(t): id(loop) for b in blocks(loop) for t in walk(b)}
        self.needed: set[str] = set()  # variables whose values are
        self.read: set[str] = set()  # objects whose contents are
        self.kept: set[int] = set()

    def run(self) -> Kernel:
        size = (-1, -1, -1)
        while size != (len(self.needed), len(self.read), len(self.kept)):
            size = (len(self.needed), len(self.read), len(self.kept))
            self._grow()
        return replace(self.kernel, body=self._rebuild(self.kernel.body))

    def _grow(self) -> None:
        """One round: inner statements first, so that a loop knows whether it is kept."""
        for s in reversed(self.statements):
            if id(s) not in self.kept and self._wanted(s):
                self.kept.add(id(s))
            if id(s) in self.kept:
                self._need(s)

    def _wanted(self, s: Stmt) -> bool:
        if any(v.name in self.needed for v in assigned(s)) or self._on_line(s):
            return True
        match s:
            case Load(ref=r):
                return r.object in self.cut.objects
            case Store(ref=r) | Atomic(ref=r):
                return r.object in self.cut.objects or r.object in self.read
            case AsyncCopy(dst=d, src=r):
                return any(o in self.cut.objects or o in self.read for o in (d.object, r.object))
            case Loop() if waits(s) or s.span.line in self.cut.lines:  # whether it ends may be what the lines are for
                return True
            case Declare(object=name):  # of an array, or of its cells as variables
                return name in self.read or any(n.startswith(f"{name}[") for n in self.needed)
            case If() | Loop():
                return any(id(t) in self.kept for b in blocks(s) for t in walk(b))
            case Break() | Continue():
                return self.loop_of[id(s)] in self.kept
            case Return() | Barrier() | Fence() | AsyncCommit() | AsyncWait() | Assume() | Aligned() | Inside():
                return True
            case _:
                return False

    def _on_line(self, s: Stmt) -> bool:
        return id(s) in self.stores or bool(self.cut.lines) and any(_touches(e, self.cut.lines) for e in expressions(s))

    def _need(self, s: Stmt) -> None:
        used: Collection[Expr] = expressions(s)
        match s:
            case Load(ref=r, dests=dests):
                if any(d.name in self.needed for d in dests):
                    self.read.add(r.object)
            case Store(ref=r) if r.object not in self.read and not self._on_line(s):
                used = (r.offset,)
            case AsyncCopy(dst=d, src=r) if d.object in self.read:
                self.read.add(r.object)
            case Atomic(dest=dest, ref=r) if dest is not None and dest.name in self.needed:
                self.read.add(r.object)
            case _:
                pass
        for e in used:
            self.needed |= set(variables(e))

    # -------------------------------------------------------------- the kernel that is left
    def _rebuild(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        return tuple(self._rest(s) for s in body if id(s) in self.kept)

    def _rest(self, s: Stmt) -> Stmt:
        match s:
            case If(then=a, orelse=b):
                return replace(s, then=self._rebuild(a), orelse=self._rebuild(b))
            case Loop(prelude=p, body=b, step=c):
                return replace(s, prelude=self._rebuild(p), body=self._rebuild(b), step=self._rebuild(c))
            case Store(ref=r, values=values) if r.object not in self.read and not self._on_line(s):
                return replace(s, values=tuple(Const(v.type, 0) for v in values))
            case _:
                return s


def _touches(e: Expr, lines: Collection[int]) -> bool:
    span = getattr(e, "span", None)
    return (span is not None and span.line in lines) or any(_touches(c, lines) for c in children(e))
