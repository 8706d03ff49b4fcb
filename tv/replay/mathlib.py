"""The functions of `Call`: exact IEEE ones, and mathematical symbols within their documented error.

A symbol (`exp`, `fast_exp`, ...) is evaluated in f64 and rounded to its type. That value lies within the error which
CUDA documents for the function but need not be the bits that a GPU gives; `MathLibrary.used` says which symbols a run met.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tv.arithmetic import Bits, Functions
from tv.diagnostic import Unsupported
from tv.kernel import Scalar
from tv.replay.bit_counts import BIT_COUNTS
from tv.replay.carriers import Array, from_bits, to_bits
from tv.replay.doubt import moved
from tv.replay.nans import NanForm, Nans
from tv.replay.rounding import fma, fma_of_product, maximum, minimum, nearest, propagating, sqrt, sub
from tv.source import Span


def erf_inverse(y: float) -> float:
    """Halley's steps from Winitzki's estimate, each as exact as the error function of f64 is."""
    size = abs(y)
    if math.isnan(y) or size >= 1:
        return math.copysign(math.inf, y) if size == 1 else math.nan
    log = math.log1p(-size * size)
    middle = 2 / (math.pi * 0.147) + log / 2
    x = math.sqrt(max(math.sqrt(middle * middle - log / 0.147) - middle, 0.0)) if size > 1e-8 else size
    for _ in range(4):
        off = math.erf(x) - size if size < 0.5 else (1 - size) - math.erfc(x)
        step = off * math.sqrt(math.pi) / 2 * math.exp(x * x)
        x -= step / (1 + x * step)
    return math.copysign(x, y)


_UFUNC: dict[str, tuple[int, Callable[..., Array]]] = {
    "exp": (1, np.exp),
    "exp2": (1, np.exp2),
    "exp10": (1, lambda x: np.power(10.0, x)),
    "expm1": (1, np.expm1),
    "log": (1, np.log),
    "log2": (1, np.log2),
    "log10": (1, np.log10),
    "log1p": (1, np.log1p),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "sinh": (1, np.sinh),
    "cosh": (1, np.cosh),
    "tanh": (1, np.tanh),
    "asin": (1, np.arcsin),
    "acos": (1, np.arccos),
    "atan": (1, np.arctan),
    "asinh": (1, np.arcsinh),
    "acosh": (1, np.arccosh),
    "atanh": (1, np.arctanh),
    "atan2": (2, np.arctan2),
    "cbrt": (1, np.cbrt),
    "hypot": (2, np.hypot),
    "pow": (2, np.power),
    "rsqrt": (1, lambda x: 1.0 / np.sqrt(x)),
    "rcp": (1, lambda x: 1.0 / x),
    "div": (2, lambda x, y: x / y),
    "sqrt": (1, np.sqrt),
    "rcbrt": (1, lambda x: 1.0 / np.cbrt(x)),
    "sinpi": (1, lambda x: np.sin(np.pi * np.fmod(x, 2.0))),
    "cospi": (1, lambda x: np.cos(np.pi * np.fmod(x, 2.0))),
    "normcdf": (1, np.frompyfunc(lambda x: 0.5 * math.erfc(-x / math.sqrt(2.0)), 1, 1)),
    "erf": (1, np.frompyfunc(math.erf, 1, 1)),
    "erfc": (1, np.frompyfunc(math.erfc, 1, 1)),
    "erfinv": (1, np.frompyfunc(erf_inverse, 1, 1)),
}

# Fast forms: another symbol, evaluated like the function that it approximates.
_FAST = {f"fast_{n}": n for n in ("exp", "exp10", "exp2", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "pow")}
_FAST |= {"fast_div": "div", "rcp_approx": "rcp", "rsqrt_approx": "rsqrt", "sqrt_approx": "sqrt", "fast_rsqrt": "rsqrt"}
# Half-precision library functions, and one that is rounded correctly but only evaluated here.
_FAST |= {f"h_{n}": n for n in ("exp", "exp2", "exp10", "log", "log2", "log10", "sin", "cos", "rsqrt", "rcp", "sqrt")}
_FAST |= {"rsqrt_rn": "rsqrt"}
_FAST |= {"tanh_approx": "tanh", "ex2_approx": "exp2", "lg2_approx": "log2"}


def _half_away(x: Array) -> Array:
    """`round`: to the nearest integer, halves away from zero."""
    whole: Array = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(x.dtype.type(1), x), whole)


_ROUNDERS: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "round": _half_away,
}

_ARITY = {"sqrt": 1, "fma": 3, "fmax": 2, "fmin": 2, "fabs": 1, "copysign": 2, "fmod": 2, "remainder": 2, "fdim": 2}
_ARITY |= {"fmaximum": 2, "fminimum": 2}
_ARITY |= {"saturate": 1} | dict.fromkeys(_ROUNDERS, 1)


def anchored(function: str, *args: Array, wide: bool = False) -> Array:
    """Where every implementation gives the same bits: exp(0) = 1, exp of what underflows by far, log(1) = 0, an odd function at 0.

    wide: in f64.
    """
    x = np.asarray(args[0], np.float64)
    match _FAST.get(function, function):
        case "exp" | "exp2" | "exp10":
            return np.asarray((x == 0) | (x < (-1200 if wide else -160)))
        case "log" | "log2" | "log10":
            return np.asarray(x == 1)
        case "sin" | "tan" | "tanh" | "sinh" | "erf" | "erfinv" | "expm1" | "log1p" | "asin" | "atan":
            return np.asarray(x == 0)
        case "cos" | "cosh":
            return np.asarray(x == 0)
        case _:
            return np.zeros(x.shape, dtype=np.bool_)


class MathLibrary:
    """Evaluates `Call`s and remembers the symbols whose bits may differ from a GPU's.

    used: all that were met; loose: those that met an argument which is not `anchored`. rounded_product: some fma's product
    was not exact by itself, so that a multiply and an add would have given other bits. variant: see `tv.replay.doubt`.
    functions: whose bits the symbols have where it knows them, instead of those computed here. nan: what NaNs operations give.
    """

    def __init__(self, variant: int = 0, functions: Functions | None = None, nan: NanForm | None = None) -> None:
        self.variant, self.functions, self.nans = variant, functions, Nans(nan)
        self.rounded_product = False
        self.used: set[str] = set()
        self.loose: set[str] = set()

    def resolve(self, function: str, count: int, scalar: Scalar, span: Span) -> Callable[..., Array]:
        """The evaluator of one call on carried values. Raises Unsupported for an unknown function or a wrong count."""
        if function in BIT_COUNTS and scalar.bits == 32 and not scalar.is_float:
            _require_count(function, 1, count, span)
            return BIT_COUNTS[function]
        if not scalar.is_float:
            raise Unsupported("TV0703", f"`{function}` on type {scalar!r}", span, "only float types have functions")
        if function in _ARITY:
            _require_count(function, _ARITY[function], count, span)
            return self._fma(scalar) if function == "fma" else _exact(function, scalar)
        name = _FAST.get(function, function)
        if name not in _UFUNC or (name in ("div", "rcp", "sqrt") and name == function):
            known = ", ".join(sorted(set(_ARITY) | set(_UFUNC) - {"div", "rcp"} | set(_FAST)))
            raise Unsupported("TV0703", f"the interpreter does not know `{function}`", span, f"it knows {known}")
        arity, compute = _UFUNC[name]
        _require_count(function, arity, count, span)
        return self._symbol(function, compute, scalar)

    def _fma(self, scalar: Scalar) -> Callable[..., Array]:
        def call(a: Array, b: Array, c: Array) -> Array:
            if scalar is Scalar.F64:
                self.rounded_product = True
                return fma(a, b, c, scalar)
            product = a.astype(np.float64) * b.astype(np.float64)
            if not self.rounded_product:
                self.rounded_product = not (nearest(product, scalar).astype(np.float64) == product).all()
            return fma_of_product(product, c, scalar)

        return call

    def _symbol(self, function: str, compute: Callable[..., Array], scalar: Scalar) -> Callable[..., Array]:
        label = f"{function}.{scalar!r}"

        def call(*args: Array) -> Array:
            self.used.add(label)
            if label not in self.loose and not anchored(function, *args, wide=scalar is Scalar.F64).all():
                self.loose.add(label)
            own = None if self.functions is None else self.functions(label, self._bits(args, scalar))
            if own is not None:
                return from_bits(own, scalar)
            wide = np.asarray(compute(*(a.astype(np.float64) for a in args)), dtype=np.float64)
            if scalar in (Scalar.F16, Scalar.BF16):  # what the 16-bit functions do: round the f32 result
                wide = wide.astype(np.float32).astype(np.float64)
            return self._moved(function, args, nearest(wide, scalar), scalar)

        return call

    @staticmethod
    def _bits(args: tuple[Array, ...], scalar: Scalar) -> list[Bits]:
        return [to_bits(a, scalar).astype(np.uint64) for a in np.broadcast_arrays(*args)]

    def _moved(self, function: str, args: tuple[Array, ...], result: Array, scalar: Scalar) -> Array:
        if self.variant == 0:
            return result
        bits = self._bits(args, scalar)
        certain = np.broadcast_to(anchored(function, *args, wide=scalar is Scalar.F64), result.shape)
        found = moved(function, repr(scalar), bits, to_bits(result, scalar).astype(np.uint64), certain, self.variant)
        return from_bits(found, scalar)


def _exact_remainder(a: float, b: float) -> float:
    """IEEE remainder, exact in the operands' type."""
    return math.nan if math.isnan(a) or math.isnan(b) or math.isinf(a) or b == 0 else math.remainder(a, b)


_remainder = np.frompyfunc(_exact_remainder, 2, 1)


def _require_count(function: str, expected: int, count: int, span: Span) -> None:
    if expected != count:
        raise Unsupported("TV0703", f"`{function}` with {count} operands", span, f"it takes {expected}")


def _exact(function: str, scalar: Scalar) -> Callable[..., Array]:
    match function:
        case "sqrt":
            return lambda a: sqrt(a, scalar)
        case "fmax":
            return maximum
        case "fmin":
            return minimum
        case "fmaximum":
            return lambda a, b: propagating(a, b, maximum)
        case "fminimum":
            return lambda a, b: propagating(a, b, minimum)
        case "fabs":
            return lambda a: np.abs(a)
        case "copysign":
            return lambda a, b: np.copysign(a, b)
        case "fmod":
            return lambda a, b: np.fmod(a, b)
        case "remainder":
            return lambda a, b: nearest(np.asarray(_remainder(a, b), dtype=np.float64), scalar)
        case "fdim":
            return lambda a, b: np.where(a <= b, a.dtype.type(0), sub(a, b, scalar))
        case "saturate":
            return lambda a: np.where(a > 0, np.where(a < 1, a, a.dtype.type(1)), a.dtype.type(0))
        case _:
            return _ROUNDERS[function]
