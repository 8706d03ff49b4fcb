"""Which bits of a graph's floats are open: all of a NaN that an operation gave, the sign of a zero that an order of sums leaves free.

As floats all of these are one. Whatever takes the bits for something else (an integer, a float of another format) knows nothing
of them there. A value that was only moved has the bits that it came with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from tv.diagnostic import Unsupported
from tv.replay.precision import PRECISION
from tv.replay.sums import Value, settled
from tv.system import Unit
from tv.term import Term

_TRUTHS = frozenset({"feq", "flt", "fle", "fisnan"})


def format_read(op: str, operand: int) -> str | None:
    """The float format in which an operation takes an operand; "" for an integer, None where it only moves it."""
    head, *kinds = op.split(".")
    if head == "select":
        return None if operand else ""
    label = kinds[1] if head == "cvt" else kinds[-1] if kinds else ""
    return label if label in PRECISION else ""


def formats_made(units: Mapping[str, Unit], root: Term) -> frozenset[str]:
    """The float formats in which an operation may have made a graph's value, on whatever way it was moved since.

    Raises Unsupported for a term of which that is not known.
    """
    found: set[str] = set()
    seen, todo = {root.id}, [root]
    while todo:
        t = todo.pop()
        head, *kinds = t.name.split(".") if t.kind in ("op", "reduce") else [""]
        more: tuple[Term, ...] = ()
        match t.kind:
            case "const" | "index" | "input":
                continue
            case "ref":
                more = (units[t.name].value,)
            case "case":
                more = t.args
            case "pick":
                more = t.args[:1]
            case "op" if head == "select":
                more = t.args[1:]
            case "op" | "reduce":
                made = kinds[0] if head == "cvt" else kinds[-1] if kinds else ""
                found |= {made} if made in PRECISION and head not in _TRUTHS else set()
            case _:
                raise Unsupported("TV0743", f"a graph's term of kind `{t.kind}`")
        todo += [a for a in more if a.id not in seen]
        seen |= {a.id for a in more}
    return frozenset(found)


def as_bits(v: Value, made: Collection[str], free_zero: bool) -> Value:
    """A value as it is taken for something else than the formats in which it was made: nothing is known where bits are open, and
    where a float is not certain."""
    v = settled(v)
    bits = v.encoded()
    unknown = np.zeros(bits.shape, np.bool_) if v.radius is None else np.broadcast_to(v.radius != 0, bits.shape)
    for label in made:
        unknown = unknown | _open(Value(bits).numbers(label), free_zero)
    return Value(bits, radius=np.where(unknown, np.inf, 0.0) if unknown.any() else None)


def _open(x: npt.NDArray[np.float64], free_zero: bool) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.isnan(x) | ((x == 0) & free_zero)
    return found
