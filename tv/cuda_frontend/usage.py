"""Which names a function assigns, and whose addresses it takes."""

from __future__ import annotations

from collections.abc import Iterator

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.typenames import reference


def nodes(root: ast.Node) -> Iterator[ast.Node]:
    """The node and everything below it."""
    stack: list[object] = [root]
    while stack:
        top = stack.pop()
        if isinstance(top, ast.Node):
            yield top
            stack.extend(map(top.__getattribute__, top.__dataclass_fields__))
        elif isinstance(top, tuple):
            stack.extend(top)


def evaluated(root: ast.Node) -> Iterator[ast.Node]:
    """The node and what is evaluated below it: not what stands in `sizeof` or `decltype`."""
    stack: list[object] = [root]
    while stack:
        top = stack.pop()
        if isinstance(top, ast.Node) and not isinstance(top, (ast.SizeOf, ast.TypeOf)):
            yield top
            stack.extend(map(top.__getattribute__, top.__dataclass_fields__))
        elif isinstance(top, tuple):
            stack.extend(top)


def changes(n: ast.Node) -> bool:
    """May evaluating the node, apart from what is below it, change something?"""
    return isinstance(n, (ast.Assign, ast.Call)) or (isinstance(n, ast.Unary) and n.op in ("++", "--", "p++", "p--"))


def names_in(found: Iterator[ast.Node], name: str) -> Iterator[ast.Name]:
    return (n for n in found if isinstance(n, ast.Name) and n.name == name)


def assigned_names(body: ast.Node) -> frozenset[str]:
    """Names that are assigned, counted up or down, or whose address is taken."""
    found = set(addressed_names(body))
    for n in nodes(body):
        match n:
            case ast.Call():
                found.update(x.name for x in copied(n).values())
            case ast.Assign(target=t) | ast.Unary(op="++" | "--" | "p++" | "p--", a=t):
                name = member_root(t)
                if name is not None:
                    found.add(name)
            case _:
                pass
    return frozenset(found)


def addressed_names(body: ast.Node) -> frozenset[str]:
    """Names of variables that have to be in memory: their address is taken, or their bytes are read as another type."""
    found = set()
    whole = {i for n in nodes(body) if isinstance(n, ast.Call) for i in copied(n)}
    for n in nodes(body):
        match n:
            case ast.Unary(op="&", a=a) if id(n) not in whole:
                name = member_root(a)
                if name is not None:
                    found.add(name)
            case ast.Cast(type=t, a=a) if reference(t):
                name = member_root(a)
                if name is not None:
                    found.add(name)
            case _:
                pass
    return frozenset(found)


def copied(n: ast.Call) -> dict[int, ast.Name]:
    """The operands `&variable` of a `memcpy`, by identity: it needs no address of them."""
    if not isinstance(n.callee, ast.Name) or n.callee.name != "memcpy":
        return {}
    return {id(a): a.a for a in n.args[:2] if isinstance(a, ast.Unary) and a.op == "&" and isinstance(a.a, ast.Name)}


def member_root(e: ast.Expr) -> str | None:
    """`v` of `v`, `v.x`; an index goes through a pointer or an array, which is in memory anyway."""
    match e:
        case ast.Name(name=name):
            return name
        case ast.Member(a=a, arrow=False):
            return member_root(a)
        case _:
            return None
