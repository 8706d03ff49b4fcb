"""What a check is asked: files, overrides and options, before anything is read.

The command line fills these records, `tv.check` consumes them; both must survive pickling.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.obligation import Relation


@dataclass(frozen=True, slots=True)
class Overrides:
    """Launch options of the command line; None where the option was not given.

    grid and block: one to three expressions. args: parameter -> value as TOML reads it (a bare word is a string).
    """

    kernel: str | None = None
    grid: tuple[int | str, ...] | None = None
    block: tuple[int | str, ...] | None = None
    shared: int | str | None = None
    args: dict[str, object] = field(default_factory=dict)
    fmad: bool | None = None
    fast_math: bool | None = None
    defines: tuple[tuple[str, str], ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """One call of `tv check`. Paths are as the user wrote them; `spec` None means the sidecar beside the kernel, if any.

    replay: auto | gpu | cpu | none (the interpreter runs in any case). frontend: auto | c | clang. body_precision: f32 | type.
    memory_mb and timeout_s are enforced from outside (`tv.limits`); timeout_s is there so that the search can plan its time.
    """

    kernel: str
    model: str
    spec: str | None = None
    overrides: Overrides = Overrides()
    require: Relation = Relation.REASSOC
    replay: str = "auto"
    timeout_s: float | None = None
    memory_mb: int | None = None
    jobs: int = 1
    certificate: str | None = None
    counterexample: str | None = None
    dump_smt2: str | None = None
    frontend: str = "auto"
    order: str | None = None
    strict_nan: bool = False
    body_precision: str = "f32"
    verbose: bool = False


# Options that parse but that no part of a check honours yet: giving one ends in exit 2, never in a silently ignored wish.
PENDING = frozenset({"dump_smt2", "order", "strict_nan", "body_precision", "jobs"})


def pending_options(request: CheckRequest) -> tuple[str, ...]:
    """The options of `request` that differ from their default and are in `PENDING`, by field name, sorted."""
    default = CheckRequest(request.kernel, request.model)
    return tuple(sorted(name for name in PENDING if getattr(request, name) != getattr(default, name)))
