"""The state of lowering one kernel: statements being built, names in scope, memory objects, where pointers point."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.ctype import CType
from tv.cuda_frontend.effects import clash
from tv.cuda_frontend.read_only import presumed
from tv.cuda_frontend.restrict import claimed
from tv.cuda_frontend.values import Aggregate, Place, Pointer, Result, Value
from tv.diagnostic import TvError, Unsupported
from tv.kernel import Assign, Const, Expr, Load, MemoryObject, Scalar, Stmt, Var
from tv.kernel import MemRef as Reference
from tv.launch import CompileOptions
from tv.source import Span


def unsupported(code: str, message: str, span: Span, help: str = "") -> Unsupported:
    return Unsupported(code, message, span, help)


@dataclass(frozen=True, slots=True)
class Target:
    """What a pointer variable points into: an object (None: null), or `unknown` after paths that disagree."""

    object: str | None
    readonly: bool = False
    unknown: bool = False
    bases: frozenset[str] = frozenset()


@dataclass(slots=True)
class Scope:
    """objects: local ones declared here, which end with it. claims: of the `__restrict__` pointers declared here."""

    places: dict[str, Place] = field(default_factory=dict)
    types: dict[str, CType] = field(default_factory=dict)
    objects: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GlobalVariable:
    """A module-scope `__device__` or `__constant__` variable, or a constant of the host side that device code may use."""

    decl: ast.Variable
    device: bool


@dataclass(slots=True)
class Module:
    """What the translation unit declares."""

    functions: dict[str, tuple[ast.Function, ...]] = field(default_factory=dict)
    templates: dict[str, ast.Struct] = field(default_factory=dict)  # struct templates
    methods: dict[str, tuple[ast.Struct, Scope]] = field(default_factory=dict)  # of a struct, by its type's name
    shared: list[ast.Variable] = field(default_factory=list)  # `extern __shared__` at file scope
    globals: dict[str, GlobalVariable] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    operators: bool = False  # does the file declare operators of its own?
    mentioned: frozenset[str] = frozenset()  # names in declarations that were skipped, bodies of functions apart
    refused: dict[str, TvError] = field(default_factory=dict)  # names whose declarations were not understood
    broken: frozenset[str] = frozenset()  # kernels among them
    scope: Scope = field(default_factory=Scope)  # types and enumerators of the file
    enums: set[Scalar] = field(default_factory=set)  # the types of enumerations
    specialising: bool = False  # are there explicit specialisations anywhere in the file?
    # of a template, by its name: arguments, and what stands for the instance
    specialised: dict[str, list[tuple[tuple[CType | int, ...], ast.Function | ast.Struct]]] = field(
        default_factory=dict
    )


@dataclass(slots=True)
class Frame:
    """A function being lowered. result: where its value goes (None where it has one return, at its end).

    assigned, addressed: names that it assigns, and whose addresses it takes. inlined: a device function, not the kernel.
    """

    name: str
    result_type: CType
    result: Place | None = None
    assigned: frozenset[str] = frozenset()
    addressed: frozenset[str] = frozenset()
    found: list[Result] = field(default_factory=list)  # what its returns gave
    binding: tuple[object, ...] = ()  # which instance of its declaration this is: struct and template arguments
    loops: int = 0
    inlined: bool = True
    order: int = 0  # of its declaration: overloads share a name


class Context:
    """Lowering of one kernel. `out` is the statement list being written."""

    def __init__(self, module: Module, options: CompileOptions) -> None:
        self.module, self.options = module, options
        self.out: list[Stmt] = []
        self.objects: dict[str, MemoryObject] = {}
        self.object_types: dict[str, CType] = {}
        self.initial: dict[str, tuple[int, ...]] = {}
        self.constant_memory: set[str] = set()  # objects declared `__constant__`
        self.constants: set[str] = set()  # objects defined `const`: written by their initializers alone
        self.ended: set[str] = set()  # local objects whose scopes have ended
        self.restricted = False  # was a `__restrict__` pointer declared that is no parameter?
        self.scopes: list[Scope] = [module.scope]
        self.frames: list[Frame] = []
        self.inlined = 0  # calls so far
        self.targets: dict[str, Target] = {}
        self.names: set[str] = set()
        self.counts: dict[str, int] = {}
        self.nullable: set[str] = set()  # pointer parameters
        self.tables: dict[str, str] = {}  # tables of pointers, and the object that is all that they point to
        self.pinned: dict[str, Target] = {}  # pointers from outside the innermost loop
        # static variables, by declaration (the module keeps the tree alive) and instance: one object however often inlined
        self.statics: dict[tuple[object, ...], str] = {}
        self.methods: dict[str, tuple[ast.Struct, Scope]] = {}  # of local structs and of instances of templates
        self.order, self.generic = sys.maxsize, False  # names declared up to here are seen; whether in a template
        self.undefined: dict[str, tuple[Var, Span]] = {}  # declared without a value

    # -------------------------------------------------------------------------------------------- names
    def fresh(self, base: str) -> str:
        """A name for a variable or an object that nothing in the kernel has yet."""
        name = base
        while name in self.names:
            self.counts[base] = self.counts.get(base, 1) + 1
            name = f"{base}.{self.counts[base]}"
        self.names.add(name)
        return name

    def temp(self, t: Scalar, span: Span) -> Var:
        return Var(t, self.fresh("t"), span)

    def find(self, name: str) -> Place | None:
        for scope in reversed(self.scopes):
            if name in scope.places and not self.hidden(scope, name):
                return scope.places[name]
        return None

    def hidden(self, scope: Scope, name: str) -> bool:
        """Is it a name of the file that some declaration which was not understood has as well?"""
        return scope is self.module.scope and name in self.module.refused

    def find_type(self, name: str) -> CType | None:
        for scope in reversed(self.scopes):
            if name in scope.types and not self.hidden(scope, name):
                return scope.types[name]
            if name in scope.places:
                return None
        return None

    def end_scopes(self, depth: int, start: int) -> None:
        """Leaves the scopes above `depth`, whose statements begin at `start`; their objects' lifetimes end."""
        for scope in self.scopes[depth:]:
            self.ended.update(scope.objects)
            claims = frozenset(scope.claims)
            self.out[start:] = claimed(presumed(tuple(self.out[start:]), claims, self.objects), claims)
        del self.scopes[depth:]

    def claim(self, name: str) -> frozenset[str]:
        """A new name for the `__restrict__` pointer `name`, of the innermost scope."""
        own = self.fresh(f"{name}.restrict")
        self.scopes[-1].claims.append(own)
        self.restricted = True
        return frozenset((own,))

    def require_alive(self, object: str | None, span: Span) -> None:
        """Raises Unsupported (TV0126) for a pointer to a local object whose scope has ended: any use of it is undefined."""
        if object in self.ended:
            message = f"a pointer to the local variable `{object}`, whose scope has ended"
            raise unsupported("TV0126", message, span, "declare the variable in an outer scope")

    def require_writable(self, object: str, span: Span) -> None:
        """Raises Unsupported (TV0127) for a store to an object that was defined `const`."""
        if object in self.constants or object in self.constant_memory:
            message = f"a store to `{object}`, which is `const`"
            raise unsupported("TV0127", message, span, "define it without `const`")

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @contextmanager
    def seen_from(self, order: int, generic: bool) -> Iterator[None]:
        """Lookups as from the file's declaration number `order`, which is (in) a template or not."""
        outer = self.order, self.generic
        self.order, self.generic = order, generic
        try:
            yield
        finally:
            self.order, self.generic = outer

    # -------------------------------------------------------------------------------------------- statements
    def emit(self, s: Stmt) -> None:
        self.out.append(s)

    def assign(self, var: Var, value: Expr, span: Span) -> None:
        self.emit(Assign(span, var, value))

    def keep(self, value: Expr, span: Span) -> Expr:
        """The value as it is now: a constant as such, anything else in a temporary."""
        if isinstance(value, Const):
            return value
        var = self.temp(value.type, span)
        self.assign(var, value, span)
        return var

    def capture(self, lower: Callable[[], None]) -> tuple[Stmt, ...]:
        """The statements that `lower` emits, kept apart."""
        outer, self.out = self.out, []
        try:
            lower()
            return tuple(self.out)
        finally:
            self.out = outer

    def load(self, ref: Reference) -> tuple[Var, ...]:
        dests = tuple(self.temp(ref.type, ref.span) for _ in range(ref.count))
        self.emit(Load(ref.span, dests, ref))
        return dests

    # -------------------------------------------------------------------------------------------- evaluation order
    def together(self, span: Span, *lowers: Callable[[], Result]) -> list[Result]:
        """Operands whose order the language leaves open. Raises Unsupported where the order could be seen."""
        results: list[Result] = []
        parts: list[tuple[tuple[Stmt, ...], tuple[Expr, ...]]] = []
        for lower in lowers:
            found: list[Result] = []
            statements = self.capture(lambda lower=lower, found=found: found.append(lower()))  # type: ignore[misc]
            results.append(found[0])
            parts.append((statements, expressions_of(found[0])))
        for i, one in enumerate(parts):
            for other in parts[i + 1 :]:
                what = clash(one, other, self.objects)
                if what:
                    raise unsupported(
                        "TV0114", f"{what} in parts of an expression whose order is open", span, "write two statements"
                    )
        for statements, _ in parts:
            self.out.extend(statements)
        return results


def expressions_of(r: Result) -> tuple[Expr, ...]:
    match r:
        case Value(parts=parts):
            return parts
        case Pointer(offset=offset, entry=entry):
            return (offset,) if entry is None else (offset, entry)
        case Aggregate(fields=fields):
            return tuple(e for f in fields for e in expressions_of(f))
        case _:
            return ()
