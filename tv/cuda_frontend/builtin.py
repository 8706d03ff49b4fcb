"""The registry of CUDA's built-in functions, and the call that a handler sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.convert import to_type, type_error
from tv.cuda_frontend.ctype import Arith, CType
from tv.cuda_frontend.names import Registry
from tv.cuda_frontend.values import HandleValue, Pointer, Result, Value
from tv.kernel import Expr, Scalar
from tv.source import Span


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a built-in; arguments are lowered when a handler asks for them, once."""

    ctx: Context
    name: str
    args: tuple[ast.Expr, ...]
    targs: tuple[ast.TypeSyntax | ast.Expr, ...] | None
    span: Span
    target: HandleValue | None = None

    def count(self, *allowed: int) -> int:
        if len(self.args) not in allowed:
            need = " or ".join(str(n) for n in allowed)
            raise type_error(f"`{self.name}` takes {need} arguments, not {len(self.args)}", self.span)
        return len(self.args)

    def values(self) -> list[Result]:
        from tv.cuda_frontend.expressions import value

        return self.ctx.together(self.span, *[lambda a=a: value(self.ctx, a) for a in self.args])

    def converted(self, *types: CType) -> list[Result]:
        """The arguments, implicitly converted to the parameters' types."""
        self.count(len(types))
        return [to_type(self.ctx, r, t, a.span) for r, t, a in zip(self.values(), types, self.args, strict=True)]

    def scalars(self, *types: Scalar) -> list[Expr]:
        """The arguments as scalars of the given types."""
        return [part(r, self.span) for r in self.converted(*(Arith(t) for t in types))]

    def constant(self, i: int, what: str) -> int:
        from tv.cuda_frontend.expressions import constant

        return constant(self.ctx, self.args[i], what)

    def unsupported(self, message: str, help: str = "") -> Exception:
        return unsupported("TV0111", message, self.span, help)


Handler = Callable[[Call], Result]
BUILTINS: Registry[Handler] = Registry("the built-in")
METHODS: Registry[Handler] = Registry("the method")


def builtin(*names: str) -> Callable[[Handler], Handler]:
    """Registers a handler for functions of these names."""
    return BUILTINS.add(*names)


def part(r: Result, span: Span) -> Expr:
    """The one scalar of a value."""
    match r:
        case Value(type=Arith(), parts=(e,)):
            return e
        case _:
            raise type_error(f"a number is needed here, not `{r.type}`", span)


def pointer(r: Result, name: str, span: Span) -> Pointer:
    if not isinstance(r, Pointer) or r.object is None:
        raise type_error(f"`{name}` needs a pointer to memory", span)
    return r


def scalar_value(e: Expr) -> Value:
    return Value(Arith(e.type), (e,))
