"""Kernel IR as short text, without places, so that a test can state what a kernel must become."""

from __future__ import annotations

from pathlib import Path

from tv.cuda_frontend import read
from tv.kernel import (
    Aligned,
    Assign,
    Assume,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Binary,
    Bitcast,
    Break,
    Builtin,
    Call,
    Compare,
    Const,
    Continue,
    Convert,
    Declare,
    Expr,
    Extract,
    Fence,
    If,
    Inside,
    Kernel,
    Load,
    Loop,
    MemRef,
    NotNull,
    Pack,
    Param,
    Return,
    Select,
    Shuffle,
    Stmt,
    Store,
    Unary,
    Var,
    Vote,
)  # fmt: skip
from tv.launch import CompileOptions


def kernel(text: str, name: str = "k", frontend: str = "c", options: CompileOptions | None = None) -> Kernel:
    """One kernel of a text."""
    return read(Path("k.cu"), text, options or CompileOptions(), frontend=frontend, wanted=(name,)).kernels[name]


def body(
    code: str, parameters: str = "float* y, const float* x, int n", before: str = "", frontend: str = "c"
) -> list[str]:
    """The printed statements of `__global__ void k(parameters) { code }`."""
    return printed(kernel(f"{before}\n__global__ void k({parameters}) {{ {code} }}", frontend=frontend).body)


def expression(e: Expr) -> str:
    match e:
        case Const(type=t, bits=b):
            return f"{b:#x}:{t.label}" if t.is_float else f"{b}:{t.label}"
        case Var(name=name) | Param(name=name) | Builtin(name=name):
            return name
        case NotNull(object=name):
            return f"notnull({name})"
        case Unary(op=op, a=a):
            return f"{op}({expression(a)})"
        case Binary(op=op, a=a, b=b, rn=rn, type=t):
            return f"{op}{'_rn' if rn else ''}.{t.label}({expression(a)}, {expression(b)})"
        case Compare(op=op, a=a, b=b):
            return f"{op}.{a.type.label}({expression(a)}, {expression(b)})"
        case Select(cond=c, a=a, b=b):
            return f"select({expression(c)}, {expression(a)}, {expression(b)})"
        case Convert(type=t, a=a, rounding=r):
            return f"{t.label}{'' if r == 'rn' else '_' + r}({expression(a)})"
        case Bitcast(type=t, a=a):
            return f"bits.{t.label}({expression(a)})"
        case Pack(type=t, parts=ps):
            return f"pack.{t.label}({', '.join(map(expression, ps))})"
        case Extract(type=t, a=a, low=low):
            return f"extract.{t.label}({expression(a)}, {low})"
        case Call(type=t, function=f, args=args):
            return f"{f}.{t.label}({', '.join(map(expression, args))})"
        case _:
            raise TypeError(repr(e))


def reference(r: MemRef) -> str:
    return f"{r.object}[{expression(r.offset)}]:{r.count}x{r.type.label}{'' if r.access == 'weak' else ' ' + r.access}"


def printed(statements: tuple[Stmt, ...], indent: str = "") -> list[str]:
    out: list[str] = []
    for s in statements:
        out.append(indent + _head(s))
        match s:
            case If(then=a, orelse=b):
                out += printed(a, indent + "  ")
                if b:
                    out += [indent + "else", *printed(b, indent + "  ")]
            case Loop(body=b, step=c, prelude=p):
                for word, part in (("prelude", p), ("body", b), ("step", c)):
                    if part:
                        out += [f"{indent} {word}", *printed(part, indent + "  ")]
    return out


def _head(s: Stmt) -> str:
    match s:
        case Assign(var=v, value=e):
            return f"{v.name}:{v.type.label} = {expression(e)}"
        case Load(dests=ds, ref=r):
            return f"{', '.join(d.name for d in ds)} = load {reference(r)}"
        case Store(ref=r, values=vs):
            return f"store {reference(r)} = {', '.join(map(expression, vs))}"
        case If(cond=c):
            return f"if {expression(c)}"
        case Loop(cond=c, test_first=first):
            return f"{'while' if first else 'do-while'} {expression(c)}"
        case Break() | Continue() | Return() | AsyncCommit():
            return type(s).__name__.lower()
        case Barrier(scope=scope, mask=m):
            return f"barrier {scope}{'' if m is None else ' ' + expression(m)}"
        case Shuffle(dest=d, mode=mode, value=v, lane=lane, width=w, mask=m):
            return f"{d.name} = shfl_{mode}({expression(m)}, {expression(v)}, {expression(lane)}, {w})"
        case Vote(dest=d, mode=mode, value=v, mask=m):
            return f"{d.name} = {mode}({expression(m)}, {expression(v)})"
        case Atomic(dest=d, op=op, ref=r, operands=ops, order=order, scope=scope):
            return f"{'_' if d is None else d.name} = atomic {op} {reference(r)} {', '.join(map(expression, ops))} {order} {scope}"
        case Fence(scope=scope):
            return f"fence {scope}"
        case AsyncCopy(dst=d, src=r, zero_fill=z):
            return f"async {reference(d)} <- {reference(r)}{'' if z is None else ' zero ' + expression(z)}"
        case AsyncWait(groups=n):
            return f"wait {n}"
        case Declare(object=o):
            return f"declare {o}"
        case Aligned(object=o, offset=at, align=n):
            return f"aligned {o}[{expression(at)}]:{n}"
        case Assume(cond=c, word=word):
            return f"{word} {expression(c)}"
        case Inside(object=o, entry=e, offset=at, width=w):
            return f"inside {o}[{expression(e)}] {expression(at)} {w}"
        case _:
            raise TypeError(repr(s))
