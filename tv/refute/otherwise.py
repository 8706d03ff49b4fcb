"""The same run in all that the language leaves open: which NaN an operation gives, a function's last bits, contraction.

What a run shows counts only where it shows in all of these. A kernel of which no such bit can show is not run again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import (
    AsyncCopy,
    Bitcast,
    Call,
    Compare,
    Convert,
    Expr,
    Extract,
    Kernel,
    Pack,
    Scalar,
    Vote,
    children,
    expressions,
    references,
    walk,
)
from tv.refute.setting import Setting
from tv.refute.slicing import Cut, deciding, sliced
from tv.refute.trials import Outcome, execute
from tv.replay.doubt import VARIANTS
from tv.replay.nans import FORMS

# Functions to which every NaN is one. Others are taken to tell them apart, as `copysign` does.
OF_NUMBERS = frozenset(
    "fma sqrt fmax fmin fmaximum fminimum fabs fdim fmod remainder saturate floor ceil trunc rint round exp exp2 exp10 expm1 log log2 log10 "
    "log1p sin cos tan tanh sinh cosh asin acos atan atan2 erf erfc rsqrt pow fast_exp fast_exp2 fast_log fast_log2 fast_tanh fast_div rcp "
    "fast_pow fast_sin fast_cos rcp_approx rsqrt_approx sqrt_approx fast_rsqrt rsqrt_rn tanh_approx ex2_approx lg2_approx h_exp h_exp2 h_log "
    "h_sin h_cos h_rsqrt h_rcp h_sqrt".split()
)


def with_other_nans(outcome: Outcome, fmad: bool, deadline: float, races: bool) -> Iterator[Outcome]:
    """The same run with other NaNs, each in turn, where the kernel may see which it has and there are any."""
    if not sees_nans(outcome.setting):
        return
    for form in FORMS:
        other = execute(outcome.setting, outcome.trial, fmad, deadline, races=races, nan=form)
        yield other
        if not other.execution.made_nans:
            return


def otherwise(outcome: Outcome, fmad: bool, deadline: float, races: bool) -> Iterator[Outcome]:
    """The same run with other NaNs, other functions and without contraction."""
    setting, trial, run = outcome.setting, outcome.trial, outcome.execution
    yield from with_other_nans(outcome, fmad, deadline, races)
    for variant in VARIANTS if run.loose_functions else ():
        yield execute(setting, trial, fmad, deadline, variant, races)
    if fmad and run.rounded_products:
        yield execute(setting, trial, False, deadline, races=races)


def hangs_on_floats(kernel: Kernel, lines: Collection[int]) -> bool:
    """Might other bits of floats lead to other addresses, to another control flow, or to other values in these lines? Not where
    nothing that these hang on, be it a truth or an integer, comes of a float."""
    part = sliced(kernel, Cut(tuple(kernel.objects), tuple(lines)))
    if any(_turns(e) for e in _expressions(part)) or _votes(part):
        return True
    return bool(_shared_cells(kernel) & deciding(kernel, lines))


def sees_nans(setting: Setting) -> bool:
    """May one NaN lead to other values than another? Not where floats go only into operations, comparisons, conversions and
    memory that holds nothing else."""
    kernel = setting.kernel
    if any(_sees(e) for e in _expressions(kernel)) or _votes(kernel) or _shared_cells(kernel):
        return True
    floats = {r.object for s in walk(kernel.body) for r in references(s) if r.type.is_float}
    outputs = setting.graph.outputs
    return any(
        p.output and not BY_LABEL[outputs[p.tensor].type].is_float for n in floats for p in setting.places.get(n, ())
    )


def _expressions(kernel: Kernel) -> Iterator[Expr]:
    todo = [e for s in walk(kernel.body) for e in expressions(s)]
    while todo:
        e = todo.pop()
        yield e
        todo += children(e)


def _takes_floats(e: Expr) -> bool:
    return any(a.type.is_float for a in children(e))


def _turns(e: Expr) -> bool:
    return not e.type.is_float and _takes_floats(e)


def _sees(e: Expr) -> bool:
    match e:
        case Compare() | Convert():
            return False
        case Call(function=name):
            return _takes_floats(e) and name not in OF_NUMBERS
        case Bitcast() | Pack() | Extract():
            return _takes_floats(e)
        case _:
            return _turns(e)


def _votes(kernel: Kernel) -> bool:
    return any(isinstance(s, Vote) and s.value.type.is_float for s in walk(kernel.body))


def _shared_cells(kernel: Kernel) -> frozenset[str]:
    """Objects that are accessed both as floats and as something else, or as floats of several formats."""
    kinds: dict[str, set[Scalar]] = {n: set() for n in kernel.objects}
    copies = []
    for s in walk(kernel.body):
        if isinstance(s, AsyncCopy):
            copies.append(s)
            continue
        for r in references(s):
            kinds[r.object].add(r.type)
    for _ in copies:  # what is copied on is what it was
        for c in copies:
            kinds[c.dst.object] |= kinds[c.src.object]
            kinds[c.src.object] |= kinds[c.dst.object]
    return frozenset(n for n, types in kinds.items() if len(types) > 1 and any(t.is_float for t in types))
