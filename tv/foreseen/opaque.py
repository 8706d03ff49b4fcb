"""What a condition tells a compiler of the data behind the values that it compares, and what it does not.

To learn x from `expf(x) == c` it would have to invert its own library bit for bit. It may know the result, and what is computed
from that, another call among it. Of floats that decide an integer, as by `i = x > y ? 1 : 0`, a condition on the integer says
what their comparison does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tv.foreseen.variants import is_integer
from tv.system import System
from tv.term import LIBRARY, Term, op_head

ONE_WAY = frozenset({"exp", "expm1", "tanh", "erf"})  # not `pow`, which may be a product, nor what takes integers
DATALESS = ("const", "index", "hole", "op", "case", "reduce", "ref")
FLOATS_COMPARED = frozenset({"feq", "flt", "fle", "fisnan"})


def shows_data(system: System, root: Term) -> bool:
    """Is a value made of data in another way than through results of such functions?"""
    above = walk(system, [root], lambda t: op_head(t) in ONE_WAY)
    return any(t.kind not in DATALESS or (t.kind == "const" and bool(t.attr)) for t in above)


def behind(system: System, comparison: Term) -> tuple[set[str], set[str]]:
    """What a comparison of floats tells of: buffers, and operations by name. Of a quotient of two results it tells that alone."""

    def ends(t: Term) -> bool:
        return op_head(t) in ONE_WAY or (op_head(t) == "fdiv" and not any(shows_data(system, a) for a in t.args))

    above = [*walk(system, comparison.args, ends)]
    return {t.name for t in above if t.kind == "input"}, {t.name for t in above if t.kind == "op" and ends(t)}


def of_results(system: System, call: Term) -> bool:
    """Is a library function called on what other calls gave?"""
    below = walk(system, call.args, lambda t: False)
    return any(t.kind == "op" and t.name.partition(".")[0] in LIBRARY for t in below)


def integers_from(system: System, root: Term) -> set[str]:
    """Buffers whose contents an integer is made of, and not only decided by where floats are compared."""
    integers = [t for t in walk(system, [root], lambda t: False) if is_integer(t)]
    operands = [a for t in integers for a in t.args]
    return {t.name for t in walk(system, operands, lambda t: op_head(t) in FLOATS_COMPARED) if t.kind == "input"}


def walk(system: System, roots: list[Term] | tuple[Term, ...], ends: Callable[[Term], bool]) -> Iterator[Term]:
    """Every term that values are made of, through statements, down to operations at which that `ends`."""
    seen, todo = {t.id for t in roots}, [*roots]
    while todo:
        t = todo.pop()
        yield t
        if t.kind == "op" and ends(t):
            continue
        inner = (*t.args, system.units[t.name].value) if t.kind == "ref" else t.args
        todo += [a for a in inner if a.id not in seen]
        seen |= {a.id for a in inner}
