"""Offsets with open strides, taken apart: what is left in each dimension is affine, and isl may see it."""

from __future__ import annotations

from tv.sets.affine import Affine, Atom, Product, factors, times


def divide(a: Affine, stride: Affine) -> tuple[Affine, Affine]:
    """(q, r) with a = q * stride + r: the quotient by the stride's term of most symbols, as in a division of polynomials.

    Nothing is said of r's range. The stride is over symbols alone.
    """
    symbols, k = leading(stride)
    quotient = Affine.of(a.const // k if not symbols else 0)
    for atom, c in a.terms:
        left = _without(atom, symbols)
        if left is not None and c % k == 0:
            quotient = quotient + left * (c // k)
    return quotient, a - times(quotient, stride)


def leading(stride: Affine) -> tuple[tuple[str, ...], int]:
    """Symbols and coefficient of the term with the most symbols; a constant has none."""
    best: tuple[tuple[str, ...], int] = ((), stride.const)
    for atom, c in stride.terms:
        symbols, rest = factors(atom)
        if rest is not None:
            raise TypeError(f"`{stride}` is no stride")
        if len(symbols) > len(best[0]):
            best = symbols, c
    return best


def _without(atom: Atom, symbols: tuple[str, ...]) -> Affine | None:
    """atom / product(symbols), where that is no fraction."""
    have, rest = factors(atom)
    left = list(have)
    for s in symbols:
        if s not in left:
            return None
        left.remove(s)
    if rest is None:
        return (
            Affine.of(1)
            if not left
            else Affine.sym(left[0])
            if len(left) == 1
            else Affine.atom(Product(tuple(left), rest))
        )
    return Affine.atom(Product(tuple(left), rest)) if left else Affine.atom(rest)
