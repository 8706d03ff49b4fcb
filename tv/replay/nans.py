"""Which NaN a float operation gives is not specified: a kernel that sees the bits of one can be run with others.

Moving a value keeps its bits. Every other expression whose result is a float is an operation, and so is an atomic's update of one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tv.kernel import Bitcast, Builtin, Const, Expr, Extract, Pack, Param, Scalar, Select, Var
from tv.replay.carriers import UNSIGNED, Array, from_bits

FRACTION = {Scalar.F16: 10, Scalar.BF16: 7, Scalar.F32: 23, Scalar.F64: 52}  # bits
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class NanForm:
    """The sign and the payload of every quiet NaN that an operation gives. varied: of each another, also of equal operations."""

    negative: bool
    payload: int
    varied: bool = False

    def bits(self, scalar: Scalar, count: int, serial: int) -> Array:
        """`count` NaNs of a float type, as bits; serial: of the operation."""
        width, payload = scalar.bits, (1 << (FRACTION[scalar] - 1)) - 1
        quiet = ((1 << (width - 1)) - 1) & ~payload
        if not self.varied:
            one = self.negative << (width - 1) | quiet | self.payload & payload
            return np.full(count, one, UNSIGNED[scalar.bytes])
        with np.errstate(over="ignore"):
            mixed = (np.arange(count, dtype=np.uint64) + np.uint64(serial) * np.uint64(0x10001)) * _MIX
            mixed = (mixed ^ mixed >> np.uint64(29)) * _MIX
        words = (mixed >> np.uint64(63)) << np.uint64(width - 1) | mixed & np.uint64(payload) | np.uint64(quiet)
        return words.astype(UNSIGNED[scalar.bytes])


# A device's own is the first: PTX gives all bits but the sign.
FORMS = (NanForm(False, -1), NanForm(False, 0), NanForm(True, 5), NanForm(False, 0, varied=True))


@dataclass(slots=True)
class Nans:
    """Gives the results of a run's operations their NaNs. form: None for whatever the machine gives that the interpreter runs on.

    made: whether there was a NaN; only noted where there is a form."""

    form: NanForm | None = None
    made: bool = False
    _serial: int = field(default=0)

    def given(self, value: Array, scalar: Scalar) -> Array:
        """The result of an operation on floats, with its NaNs in this form."""
        if self.form is None:
            return value
        nan = np.isnan(value)
        if not nan.any():
            return value
        self.made = True
        self._serial += 1
        result: Array = np.where(nan, from_bits(self.form.bits(scalar, value.size, self._serial), scalar), value)
        return result


def moves(e: Expr) -> bool:
    """Does an expression keep the bits that one of its operands has, or consist of?"""
    return isinstance(e, Const | Var | Param | Builtin | Select | Bitcast | Pack | Extract)
