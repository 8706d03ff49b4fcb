"""What values an expression takes while its symbols run through their ranges: an enclosure, and sample points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product

from tv.spec.expression import Apply, Expression, Name, Number, Range

SAMPLES = 4096


def enclosure(e: Expression, ranges: Mapping[str, Range]) -> Range | None:
    """An interval that holds every value of `e`; None where a divisor may be zero or a symbol has no range."""
    match e:
        case Number(value=v):
            return v, v
        case Name(name=n):
            return ranges.get(n)
        case Apply(op=op, args=args):
            inner = [enclosure(a, ranges) for a in args]
            known = [i for i in inner if i is not None]
            return _interval(op, known) if len(known) == len(inner) else None


def _interval(op: str, xs: list[Range]) -> Range | None:
    (a, b), (c, d) = xs[0], xs[1]
    match op:
        case "+":
            return a + c, b + d
        case "-":
            return a - d, b - c
        case "*":
            corners = (a * c, a * d, b * c, b * d)
            return min(corners), max(corners)
        case "min":
            return min(x for x, _ in xs), min(y for _, y in xs)
        case "max":
            return max(x for x, _ in xs), max(y for _, y in xs)
        case "//" | "ceildiv" | "%" if c <= 0 <= d:
            return None
        case "//":
            corners = (a // c, a // d, b // c, b // d)
            return min(corners), max(corners)
        case "ceildiv":
            corners = (-(-a // c), -(-a // d), -(-b // c), -(-b // d))
            return min(corners), max(corners)
        case "%":
            return (min(c + 1, 0), max(d - 1, 0))
        case _:
            raise ValueError(f"no operator of expressions: {op!r}")


def samples(ranges: Mapping[str, Range]) -> Iterator[dict[str, int]]:
    """Valuations to test a condition at: all of them where they are few, else the corners and points beside them."""
    total = 1
    for low, high in ranges.values():
        total *= high - low + 1
    if total > SAMPLES:
        yield from corners(ranges, SAMPLES)
        return
    for point in product(*(range(low, high + 1) for low, high in ranges.values())):
        yield dict(zip(ranges, point, strict=True))


def corners(ranges: Mapping[str, Range], count: int) -> Iterator[dict[str, int]]:
    """At most `count` valuations at the ends of the ranges and beside them, large values first."""
    for point in islice(product(*(_corner(r) for r in ranges.values())), count):
        yield dict(zip(ranges, point, strict=True))


def _corner(r: Range) -> list[int]:
    low, high = r
    return list(dict.fromkeys((high, low, min(low + 1, high), (low + high) // 2)))
