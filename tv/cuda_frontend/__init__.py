"""CUDA front ends: a kernel file to Kernel IR.

`read` is the only entry. Two readers share one lowering: the C reader (pycparser) and, where that refuses the syntax,
the reader on libclang.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.attributes import check_assembly, check_attributes
from tv.cuda_frontend.c_reader import parse
from tv.cuda_frontend.codes import CODES
from tv.cuda_frontend.damage import judged
from tv.cuda_frontend.instances import canonical
from tv.cuda_frontend.launches import host_launches, instances
from tv.cuda_frontend.preprocess import preprocess
from tv.cuda_frontend.unit import collect, is_kernel_template, kernels, plain
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.kernel import Module
from tv.launch import CompileOptions
from tv.source import Span

__all__ = ["CODES", "read"]
READERS = ("auto", "c", "clang")
_RECURSION = 40_000


def read(
    path: Path, text: str, options: CompileOptions, *, frontend: str = "auto", wanted: tuple[str, ...] = ()
) -> Module:
    """The kernels of a CUDA file, and the launches that its host code shows.

    text: the file's contents. wanted: the kernels to lower, template instances as `scale<float, 256>`; where it is empty, all
    kernels that are no templates and the instances that the file launches, else those that it instantiates. frontend: auto (C,
    then libclang where C refuses), c, clang.
    Raises BadInput (neither C nor C++, not found, false `static_assert`) and Unsupported (by name, at its line).
    """
    if frontend not in READERS:
        raise BadInput("TV0123", f"no reader `{frontend}`", help="auto, c or clang")
    check_options(path, options)
    with deep_recursion(str(path)):
        if frontend == "clang":
            return read_clang(path, text, options, wanted)
        try:
            return read_c(path, text, options, wanted)
        except (BadInput, Unsupported) as refused:
            if frontend == "c" or refused.code not in ("TV0108", "TV0111", "TV0112"):
                raise
            return second_opinion(path, text, options, wanted, refused)


def second_opinion(path: Path, text: str, options: CompileOptions, wanted: tuple[str, ...], refused: TvError) -> Module:
    """The clang reader's answer; where it refuses too, the C reader's message stands, unless that took C++ for a mistake."""
    try:
        return read_clang(path, text, options, wanted)
    except Unsupported as named:
        understood = refused.code == "TV0108" and named.__cause__ is None  # else libclang is not there
        raise (named if understood else judged(refused, None, preprocess(path, text, options).text)) from None
    except BadInput as other:
        raise judged(refused, other, preprocess(path, text, options).text) from None


def read_c(path: Path, text: str, options: CompileOptions, wanted: tuple[str, ...]) -> Module:
    tokens = preprocess(path, text, options)
    check_attributes(tokens, str(path))
    check_assembly(tokens, str(path))
    unit, parser = parse(tokens, str(path))
    launches = (
        [] if tokens.of_pass else parser.launches
    )  # of the host's own pass: its names may mean something else there
    return module_of(unit, options, wanted, launches, parser.instances)


def read_clang(path: Path, text: str, options: CompileOptions, wanted: tuple[str, ...]) -> Module:
    from tv.cuda_frontend.clang_reader import parse_clang

    return module_of(parse_clang(path, text, options), options, wanted, [], [])


Found = list[tuple[list[Any], int]]


def module_of(
    unit: ast.Unit, options: CompileOptions, wanted: tuple[str, ...], launches: Found, instantiated: Found
) -> Module:
    module = collect(unit, options)
    found = host_launches(module, options, launches)
    names = tuple(dict.fromkeys(canonical(n) for n in wanted))
    launched = [launch.kernel for launch in found if "<" in launch.kernel]
    instanced = dict.fromkeys(launched or instances(module, options, instantiated))
    read = kernels(module, options, names or (*plain(module), *instanced))
    return Module(read, found, tuple(n for n, fs in module.functions.items() if any(is_kernel_template(f) for f in fs)))


def check_options(path: Path, options: CompileOptions) -> None:
    """Raises Unsupported for options that change every float operation in ways the Kernel IR does not say."""
    for word, bad in (
        ("fast_math", options.fast_math),
        ("ftz", options.ftz),
        ("prec_div = false", not options.prec_div),
        ("prec_sqrt = false", not options.prec_sqrt),
    ):
        if bad:
            raise Unsupported(
                "TV0120",
                f"the compile option `{word}`",
                Span(str(path), 1),
                "leave it out here and in the build: what is proved holds for exact division, roots and subnormals",
            )


@contextmanager
def deep_recursion(file: str) -> Iterator[None]:
    """Room for the recursive parsers (nesting is limited before); what still overflows ends as Unsupported."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    except RecursionError:
        raise Unsupported("TV0104", "nested too deep", Span(file, 1), "split the expression or the function") from None
    except Unsupported as e:
        if e.span.line or e.code != "TV0104":
            raise
        raise Unsupported(e.code, e.message, Span(file, 1), e.help) from None  # of a type, which stands in no line
    finally:
        sys.setrecursionlimit(before)
