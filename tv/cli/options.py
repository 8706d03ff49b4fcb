"""Options of the command line as `CheckRequest` wants them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from tv.diagnostic import BadInput
from tv.obligation import Relation
from tv.request import CheckRequest, Overrides

F = TypeVar("F", bound=Callable[..., Any])
_BARE = re.compile(r"^[^\s\"'\[\]{}=,]+$")

_LAUNCH = [
    click.option("--spec", metavar="FILE", help="Launch specification; default: KERNEL.toml beside KERNEL.cu."),
    click.option("--kernel", "kernel_name", metavar="NAME", help='Kernel, or instance of a template: "k<float, 256>".'),
    click.option("--grid", metavar="X[,Y[,Z]]", help="Blocks; expressions over symbols are allowed."),
    click.option("--block", metavar="X[,Y[,Z]]", help="Threads in a block."),
    click.option("--shared", metavar="BYTES", help="Dynamic shared memory."),
    click.option(
        "--arg", "args", metavar="PARAM=VALUE", multiple=True, help="Bind a parameter; a bare word is a tensor."
    ),
    click.option("-D", "defines", metavar="NAME[=V]", multiple=True, help="Define a macro."),
    click.option("-I", "include", metavar="DIR", multiple=True, help="Folder that #include may reach, from here."),
    click.option(
        "--fmad", type=click.Choice(["on", "off"]), help="Contraction of multiply-adds; nvcc's default is on."
    ),
    click.option("--fast-math", is_flag=True, default=None, help="The kernel is compiled with -use_fast_math."),
    click.option("--frontend", type=click.Choice(["auto", "c", "clang"]), default="auto", show_default=True),
]
_READING = [
    click.option("--strict-nan", is_flag=True, help="Max, Min, Relu and Clip propagate NaN."),
    click.option(
        "--body-precision",
        type=click.Choice(["f32", "type"]),
        help="Where function bodies on 16-bit types are evaluated: in f32 (the default), or in that type.",
    ),
]
_PROOF = [
    click.option("--require", type=click.Choice([r.value for r in Relation]), default="reassoc", show_default=True),
    click.option(
        "--order", metavar="CERT", help="`bitwise` means the graph with its sums in the order of this certificate."
    ),
    click.option("--replay", type=click.Choice(["auto", "gpu", "cpu", "none"]), default="auto", show_default=True),
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For the whole call."
    ),
    click.option("--memory", "memory_mb", type=click.IntRange(min=64), metavar="MB", help="Memory limit."),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Processes at work at most; a check uses one.",
    ),
    click.option("--certificate", metavar="FILE", help="Write the certificate of a proof."),
    click.option("--counterexample", metavar="FILE", help="Write the inputs of a refutation (.npz)."),
    click.option("--dump-smt2", metavar="DIR", help="Write every question put to a solver."),
    click.option("-v", "verbose", is_flag=True, help="Say more: every obligation, tracebacks."),
]

# What the options of `check` are for commands that do not take them.
DEFAULTS: dict[str, Any] = {
    "require": "reassoc",
    "order": None,
    "strict_nan": False,
    "body_precision": None,
    "replay": "auto",
    "timeout": None,
    "memory_mb": None,
    "jobs": 1,
    "certificate": None,
    "counterexample": None,
    "dump_smt2": None,
    "verbose": False,
}


def launch_options(command: F) -> F:
    """Everything about kernel, launch and compilation."""
    return _stack(_LAUNCH, command)


def reading_options(command: F) -> F:
    """How the graph is read where its standard leaves it open."""
    return _stack(_READING, command)


def proof_options(command: F) -> F:
    """Everything about what is to be shown, and within which limits."""
    return _stack(_PROOF, command)


def _stack(options: Sequence[Callable[[Any], Any]], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def request_of(kernel: str, model: str, given: dict[str, Any]) -> CheckRequest:
    """The request behind parsed options. Raises BadInput (TV0003)."""
    fmad = given["fmad"]
    overrides = Overrides(
        kernel=given["kernel_name"],
        grid=dims(given["grid"]),
        block=dims(given["block"]),
        shared=None if given["shared"] is None else _integer(given["shared"]),
        args=dict(argument(a) for a in given["args"]),
        fmad=None if fmad is None else fmad == "on",
        fast_math=given["fast_math"],
        defines=tuple(define(d) for d in given["defines"]),
        include=tuple(os.path.abspath(f) for f in given["include"]),
    )
    return CheckRequest(
        kernel,
        model,
        spec=given["spec"],
        overrides=overrides,
        require=Relation(given["require"]),
        replay=given["replay"],
        timeout_s=given["timeout"],
        memory_mb=given["memory_mb"],
        jobs=given["jobs"],
        certificate=given["certificate"],
        counterexample=given["counterexample"],
        dump_smt2=given["dump_smt2"],
        frontend=given["frontend"],
        order=given["order"],
        strict_nan=given["strict_nan"],
        body_precision=given["body_precision"],
        verbose=given["verbose"],
    )


def dims(text: str | None) -> tuple[int | str, ...] | None:
    """`4,ceildiv(N, 256)` split at the commas outside parentheses."""
    if text is None:
        return None
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return tuple(_integer(p) for p in parts)


def _integer(text: str) -> int | str:
    stripped = text.strip()
    return int(stripped) if re.fullmatch(r"\d+", stripped) else stripped


def argument(text: str) -> tuple[str, object]:
    """`x=X`, `n=4096`, `w={ tensor = "W", align = 4 }`: VALUE as in TOML, or a bare word."""
    name, equals, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name or not value:
        raise BadInput("TV0003", f"`--arg {text}` is not PARAM=VALUE", help='--arg x=X, --arg n=4096, --arg "eps=1e-5"')
    try:
        return name, tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError as error:
        if _BARE.match(value):
            return name, value
        raise BadInput("TV0003", f"`{value}` is no TOML value: {error}", help="quote it for the shell") from error


def define(text: str) -> tuple[str, str]:
    """`NAME` is 1 and `NAME=` nothing, as for a compiler."""
    name, equals, value = text.partition("=")
    if not name.isidentifier():
        raise BadInput("TV0003", f"`-D {text}` names no macro", help="-D NAME or -D NAME=VALUE")
    return name, value if equals else "1"
