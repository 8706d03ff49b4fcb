"""A translation unit to Kernel IR: its kernels, each lowered on its own."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import builtin_dot, builtin_groups, builtin_half, builtin_math, builtin_memory, builtin_warp
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS
from tv.cuda_frontend.builtin_memory import CONSTANTS
from tv.cuda_frontend.context import Context, Frame, GlobalVariable, Module, Scope, unsupported
from tv.cuda_frontend.ctype import (
    VOID,
    Void,
)
from tv.cuda_frontend.declare import static_assert
from tv.cuda_frontend.definite import define_undefined
from tv.cuda_frontend.merged_loads import beside_read_only
from tv.cuda_frontend.names import KEYWORDS, THREAD_VARIABLES, nearest, reserve
from tv.cuda_frontend.parameters import parameter
from tv.cuda_frontend.predefined import is_macro
from tv.cuda_frontend.read_only import settled
from tv.cuda_frontend.restrict import around_barriers, read_only_restrict
from tv.cuda_frontend.results import drop_unused
from tv.cuda_frontend.specialisations import note, specialised
from tv.cuda_frontend.statements import sequence
from tv.cuda_frontend.templates import Argument, argument, instance
from tv.cuda_frontend.typenames import declare_type, resolve
from tv.cuda_frontend.usage import addressed_names, assigned_names, nodes
from tv.cuda_frontend.user_operators import check_operator
from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Kernel, Scalar, check
from tv.launch import CompileOptions
from tv.source import NOWHERE, Span

S = Scalar
reserve(BUILTINS.entries)
_DEVICE = frozenset({"__device__", "__global__", "__constant__", "__managed__"})
REGISTERED = (builtin_dot, builtin_groups, builtin_half, builtin_math, builtin_memory, builtin_warp)


def collect(unit: ast.Unit, options: CompileOptions) -> Module:
    """The file's declarations by name. Raises Unsupported for a name declared twice or taken from a built-in."""
    module = Module(hosts=unit.hosts, refused=dict(unit.refused), broken=unit.broken, operators=unit.operators)
    module.mentioned = unit.mentioned
    module.specialising = any(isinstance(d, (ast.Function, ast.Struct)) and d.given is not None for d in unit.decls)
    ctx = Context(module, options)
    kinds: dict[str, type[ast.Decl]] = {}
    for d in (numbered(d, i) for i, d in enumerate(unit.decls, 1)):
        check_kinds(d, kinds)
        check_macros(d)
        check_hidden(d, unit.qualified)
        match d:
            case ast.Function(given=given) | ast.Struct(given=given) if given is not None:
                note_or_refuse(ctx, d)
            case ast.Function():
                check_operator(ctx, d)
                add_function(module, d)
            case ast.Variable(name=name, storage=storage):
                check_name(name, d)
                if name in module.globals and "extern" not in storage:
                    raise unsupported("TV0122", f"`{name}` is declared twice", d.span)
                if "__shared__" in storage:
                    module.shared.append(d)
                else:
                    module.globals[name] = GlobalVariable(d, bool(storage & _DEVICE))
            case ast.Assertion(cond=cond):
                static_assert(ctx, cond, d.span)
            case _:
                if isinstance(d, ast.Enum) and "operator" in module.refused:
                    raise unsupported("TV0111", "an enum in a file that overloads operators", d.span)
                for item, _ in d.items if isinstance(d, ast.Enum) else ():
                    check_name(item, d)
                declare_type(ctx, d)
    return module


def note_or_refuse(ctx: Context, d: ast.Function | ast.Struct) -> None:
    """A specialisation that may be of several types refuses its template, unless an instance of that is known already."""
    try:
        note(ctx, d)
    except Unsupported as error:
        if any(name.startswith(f"{d.name}<") for name in ctx.module.methods):
            raise
        ctx.module.refused.setdefault(d.name, error)


def numbered(d: ast.Decl, order: int) -> ast.Decl:
    """The declaration with its place in the file, which decides what sees it and what it sees."""
    match d:
        case ast.Function():
            return replace(d, order=order, first=order, generic=bool(d.template))
        case ast.Struct():
            methods = (replace(m, order=order, first=order, generic=bool(d.template or m.template)) for m in d.methods)
            return replace(d, order=order, methods=tuple(methods))
        case _:
            return replace(d, order=order)


def check_kinds(d: ast.Decl, kinds: dict[str, type[ast.Decl]]) -> None:
    """Namespaces are flattened: raises Unsupported for a name that is, say, an enumerator in one and a variable in another."""
    kind: type[ast.Decl] = ast.TypeAlias if isinstance(d, (ast.Struct, ast.Enum)) else type(d)
    names = [] if isinstance(d, ast.Assertion) else [(str(getattr(d, "name", "")), kind)]
    if isinstance(d, ast.Enum):
        names += [(item, ast.Enum) for item, _ in d.items]
    for name, own in names:
        if kinds.setdefault(name, own) is not own:
            raise unsupported("TV0122", f"`{name}` is declared twice", d.span, "rename one")


def check_macros(d: ast.Decl) -> None:
    """Raises Unsupported for a name that is declared here and that nvcc's preprocessor may replace wherever it is used: that the
    declaration itself stays (`int (major)(int)` does) says nothing of the calls."""
    for n in nodes(d):
        if isinstance(n, (ast.Decl, ast.TemplateParameter)):
            names = [str(getattr(n, "name", "")), *([item for item, _ in n.items] if isinstance(n, ast.Enum) else [])]
            for name in filter(is_macro, names):
                if "__LINE__" in name or "__COUNTER__" in name:
                    raise unsupported(
                        "TV0107", f"`{name}`, a name with a number that is not sure here", n.span, "write it"
                    )
                raise unsupported("TV0109", f"`{name}` has the name of a macro of the headers", n.span, "rename it")


def check_hidden(d: ast.Decl, qualified: frozenset[str]) -> None:
    """`::x` and `a::x` are read as `x`: raises Unsupported for an `x` inside a function or a struct, which would be found first."""
    for n in nodes(d) if qualified and isinstance(d, (ast.Function, ast.Struct)) else ():
        if n is d or not isinstance(n, (ast.Decl, ast.TemplateParameter)):
            continue
        names = [item for item, _ in n.items] if isinstance(n, ast.Enum) else []
        for name in (str(getattr(n, "name", "")), *names):
            if name in qualified:
                message = f"`{name}` here, and a `{name}` that is written with its namespace elsewhere"
                raise unsupported("TV0122", message, n.span, "rename the inner one")


def check_name(name: str, d: ast.Decl) -> None:
    fixed = name in THREAD_VARIABLES or name in KEYWORDS or name in CONSTANTS or name == "warpSize"
    if fixed or name in BUILTINS.entries:
        raise unsupported("TV0109", f"`{name}` is the name of a built-in", d.span, "rename it")


def add_function(module: Module, f: ast.Function) -> None:
    if f.name in THREAD_VARIABLES or f.name in KEYWORDS:
        raise unsupported("TV0109", f"`{f.name}` is the name of a built-in", f.span, "rename it")
    known = module.functions.get(f.name, ())
    same = [k for k in known if len(k.parameters) == len(f.parameters) and signature(k) == signature(f)]
    for k in same:
        if k.body is not None and f.body is not None:
            raise unsupported("TV0122", f"`{f.name}` is defined twice", f.span)
    rest = tuple(k for k in known if k not in same)
    kept = f if f.body is not None or not same else replace(same[0], bounds=same[0].bounds or f.bounds)
    if same and same[0].bounds and not kept.bounds:
        kept = replace(kept, bounds=same[0].bounds)
    if same:
        kept = replace(kept, first=same[0].first)
    module.functions[f.name] = (*rest, kept)


def signature(f: ast.Function) -> tuple[str, ...]:
    return tuple(shape(p.type) for p in f.parameters)


def shape(t: ast.TypeSyntax) -> str:
    """A type's text without places, for telling overloads apart."""
    match t:
        case ast.NamedType(name=name, const=c):
            return f"{'const ' if c else ''}{name}"
        case ast.PointerType(target=target, reference=ref):
            return f"{shape(target)}{'&' if ref else '*'}"
        case ast.ArrayType(element=e):
            return f"{shape(e)}*"
        case _:
            return type(t).__name__


def plain(module: Module) -> tuple[str, ...]:
    """Names of the kernels that are no templates."""
    readable = (n for n, fs in module.functions.items() if any(defines_kernel(f) and not f.template for f in fs))
    return (*readable, *sorted(module.broken))


def defines_kernel(f: ast.Function) -> bool:
    return "__global__" in f.words and f.body is not None


def is_kernel_template(f: ast.Function) -> bool:
    return bool(f.template) and defines_kernel(f)


def kernels(module: Module, options: CompileOptions, wanted: tuple[str, ...]) -> dict[str, Kernel]:
    """The kernels of these names; `scale<float, 256>` is an instance of a template. A template's bare name has none."""
    return {name: lower_named(module, options, name) for name in wanted}


def lower_named(module: Module, options: CompileOptions, name: str) -> Kernel:
    base = name.split("<", 1)[0].strip()
    if base in module.refused:
        raise module.refused[base]
    if "<" in name:
        return lower_instance(module, options, name)
    found = [f for f in module.functions.get(name, ()) if defines_kernel(f)]
    if not found:
        known = [f.name for fs in module.functions.values() for f in fs if defines_kernel(f)]
        raise BadInput("TV0121", f"no kernel `{name}`", first_span(module), nearest(name, known))
    if len(found) > 1:
        raise unsupported("TV0122", f"two kernels `{name}`", found[1].span)
    if found[0].template:
        raise unsupported("TV0121", f"`{name}` is a template", found[0].span, f"name an instance, like {name}<float>")
    return lower(Context(module, options), found[0], Scope(), name)


def lower_instance(module: Module, options: CompileOptions, name: str) -> Kernel:
    """The template instance `name<arguments>`. Raises Unsupported (TV0121) where there is no such template."""
    from tv.cuda_frontend.instances import template_arguments

    base = name.split("<", 1)[0].strip()
    templates = [f for f in module.functions.get(base, ()) if f.template and "__global__" in f.words]
    if len(templates) != 1:
        known = [f.name for fs in module.functions.values() for f in fs if "__global__" in f.words]
        raise BadInput("TV0121", f"no kernel `{name}`", first_span(module), nearest(base, known))
    f, ctx = templates[0], Context(module, options)
    given = template_arguments(name, f.span)
    bound: dict[str, Argument] = {p.name: argument(ctx, p, a) for p, a in zip(f.template, given, strict=False)}
    if len(given) > len(f.template):
        raise unsupported("TV0121", f"`{name}` has more arguments than the template", f.span)
    scope, _ = instance(ctx, f, bound, f.span)
    own = specialised(ctx, f, tuple(bound[p.name] for p in f.template), f.span)
    return lower(ctx, f, scope, name) if own is None else lower(ctx, own, Scope(), name)


def first_span(module: Module) -> Span:
    for fs in module.functions.values():
        return fs[0].span
    return NOWHERE


# ------------------------------------------------------------------------------------------------ one kernel
def lower(ctx: Context, f: ast.Function, scope: Scope, name: str) -> Kernel:
    """One kernel as Kernel IR. Raises Unsupported or BadInput with the place; checked by the IR's own rules."""
    assert f.body is not None
    if not isinstance(resolve(ctx, f.result), Void):
        raise unsupported("TV0113", f"the kernel `{f.name}` returns a value", f.span)
    ctx.scopes = [ctx.module.scope, scope, Scope()]
    ctx.frames.append(Frame(name, VOID, None, assigned_names(f.body), addressed_names(f.body), inlined=False))
    from tv.cuda_frontend.declare import variable

    ctx.order, ctx.generic = f.order, f.generic
    for d in ctx.module.shared:
        variable(ctx, d)
    records = tuple(p for v in f.parameters for p in parameter(ctx, v))
    ctx.scopes.append(Scope())
    sequence(ctx, f.body.items)
    ctx.end_scopes(2, 0)
    body = settled(drop_unused(define_undefined(tuple(ctx.out), ctx)))
    body = read_only_restrict(around_barriers(body, frozenset(p.name for p in records if p.restrict)), records)
    body = beside_read_only(body, ctx.objects, ctx.restricted or any(p.restrict for p in records))
    bounds = launch_bounds(ctx, f)
    objects = {n: o for n, o in ctx.objects.items() if n not in ctx.tables}
    return check(Kernel(name, records, objects, body, bounds, f.span, ctx.initial))


def launch_bounds(ctx: Context, f: ast.Function) -> int | None:
    from tv.cuda_frontend.expressions import constant

    return constant(ctx, f.bounds[0], "a launch bound") if f.bounds else None
