"""Specifications and models that no check can make sense of end in a diagnostic with a code, whatever stands in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tests.checking import F32, I32, checked, graph, pointwise
from tv.verdict import Verdict

HEAD = "grid = [1]\nblock = [4]\n"
ARGS = '[args]\nx = "x"\ny = "y"\n'
NEGATED = graph([("Neg", "x", "y")], {"x": (F32, [4])}, {"y": (F32, [4])})
NEGATE = pointwise("-X")


def to(x: str) -> str:
    return f'{HEAD}[args]\nx = {x}\ny = "y"\n'


@pytest.mark.parametrize(
    ("code", "spec"),
    [
        ("TV0201", f"grid = [{'9' * 5000}]\nblock = [4]\n{ARGS}"),
        ("TV0203", f'include = ["\\u0000"]\n{HEAD}{ARGS}'),
        ("TV0225", to(f'{{ tensor = "x", layout = "[i] -> [i * {"9" * 60}]" }}')),
        ("TV0225", to('{ tensor = "x", offset = 9223372036854775807 }')),
        ("TV0225", to('{ tensor = "x", extent = -4 }')),
        ("TV0226", to('{ tensor = "x", layout = "[i] -> [3 + i // (0 - 2)]" }')),
        ("TV0205", to('{ tensor = "x", extent = "4 // 0" }')),
    ],
)
def test_a_bad_specification_is_bad_input(code: str, spec: str, tmp_path: Path) -> None:
    r = checked(tmp_path, NEGATE, NEGATED, spec)
    assert r.verdict is Verdict.BAD_INPUT, r.why
    assert [d.code for d in r.diagnostics] == [code], r.why


def huge(*dims: int) -> onnx.ModelProto:
    return graph([("Neg", "x", "y")], {"x": (F32, dims)}, {"y": (F32, dims)})


def convolution_of_nothing() -> onnx.ModelProto:
    conv = helper.make_node("Conv", ["x", "w"], ["y"], group=2)
    return graph([conv], {"x": (F32, [1, 0, 4]), "w": (F32, [0, 0, 1])}, {"y": (F32, [4])})


def opset(version: int) -> onnx.ModelProto:
    m = graph([("Neg", "x", "y")], {"x": (F32, [4])}, {"y": (F32, [4])})
    m.opset_import[0].version = version
    return m


def function(node_overload: str, *bodies: str) -> onnx.ModelProto:
    """y = own.F(x), F with a body for each overload."""
    m = graph([], {"x": (F32, [4])}, {"y": (F32, [4])})
    m.graph.node.append(helper.make_node("F", ["x"], ["y"], domain="own", overload=node_overload))
    m.opset_import.append(helper.make_opsetid("own", 1))
    for overload in bodies:
        f = helper.make_function("own", "F", "a", "b", [helper.make_node("Neg", "a", "b")], m.opset_import[:1])
        f.overload = overload
        m.functions.append(f)
    return m


@pytest.mark.parametrize(
    ("verdict", "code", "model"),
    [
        (Verdict.BAD_INPUT, "TV0225", lambda: huge(2**62)),
        (Verdict.BAD_INPUT, "TV0225", lambda: huge(2**62, 2**62)),
        (Verdict.BAD_INPUT, "TV0302", convolution_of_nothing),
        (Verdict.UNSUPPORTED, "TV0310", lambda: opset(999)),
        (Verdict.UNSUPPORTED, "TV0310", lambda: function("", "other")),
        (Verdict.UNSUPPORTED, "TV0310", lambda: function("other", "")),
        (Verdict.UNSUPPORTED, "TV0310", lambda: function("", "", "other")),
    ],
)
def test_a_bad_model_is_refused(
    verdict: Verdict, code: str, model: Callable[[], onnx.ModelProto], tmp_path: Path
) -> None:
    r = checked(tmp_path, NEGATE, model(), HEAD + ARGS)
    assert (r.verdict, [d.code for d in r.diagnostics]) == (verdict, [code]), r.why


@pytest.mark.parametrize("ends", [(["x", "x"], ["y"]), (["x"], ["y", "z"])])
def test_a_call_fits_its_function(ends: tuple[list[str], list[str]], tmp_path: Path) -> None:
    m = function("", "")
    del m.graph.node[:]
    m.graph.node.append(helper.make_node("F", *ends, domain="own"))
    assert checked(tmp_path, NEGATE, m, HEAD + ARGS).verdict is Verdict.BAD_INPUT


@pytest.mark.parametrize("name", ["cell0", "i0", "tx", "layer", "and"])
def test_a_symbol_has_no_name_of_a_dimension(name: str, tmp_path: Path) -> None:
    spec = f"{HEAD}{ARGS}[symbols]\n{name} = {{ min = 1, max = 4 }}\n"
    r = checked(tmp_path, NEGATE, NEGATED, spec)
    assert (r.verdict, [d.code for d in r.diagnostics]) == (Verdict.BAD_INPUT, ["TV0203"]), r.why


def test_a_function_without_overloads_is_its_body(tmp_path: Path) -> None:
    assert checked(tmp_path, NEGATE, function("", ""), HEAD + ARGS).verdict is Verdict.PROVED


TIED = graph([("Gather", "x P", "y")], {"x": (F32, [8, 4]), "P": (I32, [1])}, {"y": (F32, [1, 4])})
AT = "__global__ void k(const float* x, int P, float* y) { y[threadIdx.x] = x[P * 4 + threadIdx.x]; }\n"
OPEN = f'{HEAD}{ARGS}P = {{ symbol = "P", min = 0, max = 7 }}\n'


@pytest.mark.parametrize("told", ["", "P = { min = 0, max = 7 }", 'P = "P"', "P = { min = -3 }"])
def test_what_repeats_a_tied_parameters_range_changes_nothing(told: str, tmp_path: Path) -> None:
    assert checked(tmp_path, AT, TIED, f"{OPEN}[inputs]\n{told}\n").verdict is Verdict.PROVED


@pytest.mark.parametrize("told", ["P = 3", "P = { min = 1 }", "P = { max = 6 }", 'P = "P + 1"'])
def test_what_contradicts_a_tied_parameter_is_bad_input(told: str, tmp_path: Path) -> None:
    r = checked(tmp_path, AT, TIED, f"{OPEN}[inputs]\n{told}\n")
    assert (r.verdict, [d.code for d in r.diagnostics]) == (Verdict.BAD_INPUT, ["TV0241"]), r.why


def test_a_symbol_with_the_name_of_an_input_of_another_type_is_bad_input(tmp_path: Path) -> None:
    scaled = graph([("Mul", "x s", "y")], {"x": (F32, [4]), "s": (F32, [1])}, {"y": (F32, [4])})
    kernel = "__global__ void k(const float* x, int s, float* y) { y[threadIdx.x] = x[threadIdx.x] * s; }\n"
    r = checked(tmp_path, kernel, scaled, f'{HEAD}{ARGS}s = {{ symbol = "s", min = 0, max = 7 }}\n')
    assert (r.verdict, [d.code for d in r.diagnostics]) == (Verdict.BAD_INPUT, ["TV0223"]), r.why


def test_a_symbol_with_the_name_of_an_initializer_is_bad_input(tmp_path: Path) -> None:
    row = graph([("Gather", "x P", "y")], {"x": (F32, [8, 4])}, {"y": (F32, [1, 4])}, P=(TensorProto.INT32, [1], [3]))
    r = checked(tmp_path, AT, row, OPEN)
    assert (r.verdict, [d.code for d in r.diagnostics]) == (Verdict.BAD_INPUT, ["TV0224"]), r.why
