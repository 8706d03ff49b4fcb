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

    replay: auto | gpu | cpu | none (the interpreter runs in any case). frontend: auto | c | clang. body_precision:
    f32 | type, None where the specification says. strict_nan: asked for here; the specification may ask for it too.
    order: a certificate whose order of sums `bitwise` means. jobs: how many processes may work at a time; a check's steps rest on
    each other, so that it uses one whatever is allowed.
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
    body_precision: str | None = None
    verbose: bool = False
