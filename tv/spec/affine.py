"""Integer expressions of a specification in the proof's own terms: sums of symbols, floors and products."""

from __future__ import annotations

from collections.abc import Mapping

from tv.diagnostic import BadInput, Unknown
from tv.launch import IntOrText
from tv.sets import Affine
from tv.sets.affine import floordiv, mod, times
from tv.spec.expression import Apply, Expression, Name, Number, parse, text


def affine(e: Expression, names: Mapping[str, Affine]) -> Affine:
    """An integer expression of a spec as an Affine; it has the value that `tv.spec.expression.evaluate`
    gives. Unknown where it is not affine in its names."""
    match e:
        case Number(value=v):
            return Affine.of(v)
        case Name(name=n):
            if n not in names:
                raise BadInput(
                    "TV0811",
                    f"`{n}` is neither a symbol nor an index",
                    help=f"known here: {', '.join(names) or 'none'}",
                )
            return names[n]
        case Apply(op=op, args=args):
            values = [affine(a, names) for a in args]
            a, b = values[0], values[-1]
            match op:
                case "+":
                    return a + b
                case "-":
                    return a - b if len(values) == 2 else -a
                case "*":
                    return times(a, b)
                case "//" if b.constant:
                    return floordiv(a, b.constant)
                case "%" if b.constant:
                    return mod(a, b.constant)
                case "ceildiv" if b.constant:
                    sign = 1 if b.constant > 0 else -1
                    return floordiv(a * sign + (abs(b.constant) - 1), abs(b.constant))
                case _:
                    constants = [v.constant for v in values]
                    if op in ("min", "max") and None not in constants:
                        return Affine.of((min if op == "min" else max)(c for c in constants if c is not None))
    raise Unknown(
        "TV0812",
        f"`{text(e)}` is not affine in its symbols",
        help="multiply and divide symbols by numbers only",
    )


def size(value: IntOrText, symbols: Mapping[str, Affine]) -> Affine:
    """A size as it is written, over the symbols. Raises as `affine` and `parse` do."""
    return affine(parse(value), symbols)
