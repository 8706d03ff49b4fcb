"""C's integer operations on carried values: wrapped result, and where the operation is undefined."""

from __future__ import annotations

import numpy as np

from tv.kernel import Scalar
from tv.replay.carriers import CARRIER, UNSIGNED, Array

Outcome = tuple[Array, Array | None]  # value; lanes where C leaves it undefined (None: nowhere)


def _where_any(bad: Array) -> Array | None:
    return bad if np.count_nonzero(bad) else None


def _add(a: Array, b: Array, scalar: Scalar) -> Outcome:
    r = a + b
    if not scalar.signed:
        return r, None
    if b.size == 1:
        return r, _where_any(r < a if b[0] >= 0 else r > a)
    if a.size == 1:
        return r, _where_any(r < b if a[0] >= 0 else r > b)
    return r, _where_any(((a ^ r) & (b ^ r)) < 0)


def _sub(a: Array, b: Array, scalar: Scalar) -> Outcome:
    r = a - b
    return r, _where_any(((a ^ b) & (a ^ r)) < 0) if scalar.signed else None


def _reach(a: Array) -> int:
    """Largest magnitude in an array."""
    if a.size == 1:
        return abs(int(a[0]))
    return max(abs(int(np.minimum.reduce(a))), abs(int(np.maximum.reduce(a))))


def _mul(a: Array, b: Array, scalar: Scalar) -> Outcome:
    r = a * b
    if not scalar.signed or _reach(a) * _reach(b) < 1 << (scalar.bits - 1):
        return r, None
    if scalar.bits <= 32:
        return r, _where_any(a.astype(np.int64) * b.astype(np.int64) != r)
    least = np.iinfo(r.dtype).min
    safe = np.where(a == 0, r.dtype.type(1), a)
    lost = (a != 0) & ((safe == -1) & (b == least) | (safe != -1) & (_truncated(r, safe)[0] != b))
    return r, _where_any(lost | (a != 0) & (safe != -1) & (np.fmod(r, safe) != 0))


def _truncated(a: Array, b: Array) -> tuple[Array, Array]:
    """C's quotient and remainder; b has no zero."""
    rest = np.fmod(a, b)
    return (a - rest) // b, rest


def _divide(a: Array, b: Array, scalar: Scalar) -> tuple[Array, Array, Array | None]:
    bad = b == 0
    if scalar.signed:
        bad = bad | (b == -1) & (a == np.iinfo(a.dtype).min)
    safe = np.where(bad, b.dtype.type(1), b)
    q, r = _truncated(a, safe)
    return q, r, _where_any(bad)


def _div(a: Array, b: Array, scalar: Scalar) -> Outcome:
    q, _, bad = _divide(a, b, scalar)
    return q, bad


def _rem(a: Array, b: Array, scalar: Scalar) -> Outcome:
    _, r, bad = _divide(a, b, scalar)
    return r, bad


def _count(b: Array, bits: int) -> tuple[Array, Array | None]:
    bad = (b >= bits) | (b < 0) if np.issubdtype(b.dtype, np.signedinteger) else b >= bits
    return (np.where(bad, b.dtype.type(0), b), bad) if bad.any() else (b, None)


def _shl(a: Array, b: Array, scalar: Scalar) -> Outcome:
    count, bad = _count(b, scalar.bits)
    unsigned = UNSIGNED[scalar.bytes]
    return (a.astype(unsigned) << count.astype(unsigned)).astype(a.dtype), bad


def _shr(a: Array, b: Array, scalar: Scalar) -> Outcome:
    count, bad = _count(b, scalar.bits)
    return a >> count.astype(a.dtype), bad


_CHECKED = {"add": _add, "sub": _sub, "mul": _mul, "div": _div, "rem": _rem, "shl": _shl, "shr": _shr}
_PLAIN = {
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "min": np.minimum,
    "max": np.maximum,
}

WORDS = {
    "add": "signed overflow in an addition",
    "sub": "signed overflow in a subtraction",
    "mul": "signed overflow in a multiplication",
    "div": "division by zero, or the quotient does not fit",
    "rem": "remainder by zero, or the quotient does not fit",
    "shl": "shift count out of range",
    "shr": "shift count out of range",
}


def can_trap(op: str, scalar: Scalar) -> bool:
    """Whether some operands make the operation undefined."""
    return op in ("div", "rem", "shl", "shr") or op in ("add", "sub", "mul") and scalar.signed


def binary(op: str, a: Array, b: Array, scalar: Scalar) -> Outcome:
    """An integer `Binary` of the IR. A shift's count may be of another integer type. Raises KeyError for another op."""
    if op in _PLAIN:
        return _PLAIN[op](a, b).astype(CARRIER[scalar], copy=False), None
    return _CHECKED[op](a, b, scalar)
