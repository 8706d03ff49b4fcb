"""How a graph is read: NaN in maxima, the precision of function bodies, and what a specification says of inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.checking import F16, F32, I64, checked, graph, pointwise, write
from tv.check import check, hunt, recheck, replay
from tv.graph_frontend.bodies import WIDENED
from tv.request import CheckRequest
from tv.verdict import Verdict

STRICT = "[model]\nstrict_nan = true\n"
MAX = graph([("Max", "a b", "y")], {"a": (F32, [64]), "b": (F32, [64])}, {"y": (F32, [64])})
MIN = graph([("Min", "a b", "y")], {"a": (F32, [64]), "b": (F32, [64])}, {"y": (F32, [64])})
HALF_MAX = graph([("Max", "a b", "y")], {"a": (F16, [64]), "b": (F16, [64])}, {"y": (F16, [64])})
RELU = graph([("Relu", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
CLIP = graph(
    [("Clip", "x low high", "y")], {"x": (F32, [64])}, {"y": (F32, [64])}, low=(F32, [], [-1]), high=(F32, [], [1])
)
ROWS = graph([("ReduceMax", "x axes", "t"), ("Squeeze", "t axes", "y")], {"x": (F32, [64, 9])}, {"y": (F32, [64])}, axes=(I64, [1], [1]))  # fmt: skip
ROW_LOOP = """__global__ void k(const float* x, float* y) {{
  int i = threadIdx.x;
  float m = {start};
  for (int j = 0; j < 9; ++j) {{ float v = x[i * 9 + j]; {step} }}
  y[i] = m;
}}
"""
TESTED = "if (isnan(m) || isnan(v)) m = NAN; else m = fmaxf(m, v);"


@pytest.mark.parametrize(
    ("model", "kernel", "loose", "strict"),
    [
        (MAX, pointwise("fmaxf(A, B)", names="ab"), True, False),
        (MAX, pointwise("isnan(A) ? A : isnan(B) ? B : fmaxf(A, B)", names="ab"), False, True),
        (MAX, pointwise("isnan(B) ? B : A != A ? A : fmaxf(B, A)", names="ab"), False, True),
        (MAX, pointwise("A == A && B == B ? fmaxf(A, B) : NAN", names="ab"), False, True),
        (MAX, pointwise("isnan(A) || isnan(B) ? NAN : fmaxf(A, B)", names="ab"), False, True),
        (MAX, pointwise("isnan(A) || isnan(B) ? A : fmaxf(A, B)", names="ab"), False, False),
        (MAX, pointwise("isnan(A) ? A : fmaxf(A, B)", names="ab"), False, False),
        (MAX, pointwise("isnan(A) ? A : isnan(B) ? B : fminf(A, B)", names="ab"), False, False),
        (MIN, pointwise("isnan(A) ? A : isnan(B) ? B : fminf(A, B)", names="ab"), False, True),
        (HALF_MAX, pointwise("__hmax(A, B)", "half", "ab"), True, False),
        (HALF_MAX, pointwise("__hmax_nan(A, B)", "half", "ab"), False, True),
        (HALF_MAX, pointwise("__hmin_nan(A, B)", "half", "ab"), False, False),
        (RELU, pointwise("fmaxf(X, 0.0f)"), True, False),
        (RELU, pointwise("isnan(X) ? X : fmaxf(X, 0.0f)"), False, True),
        (RELU, pointwise("X < 0.0f ? 0.0f : X"), False, False),
        (CLIP, pointwise("fminf(fmaxf(X, -1.0f), 1.0f)"), True, False),
        (CLIP, pointwise("isnan(X) ? X : fminf(fmaxf(X, -1.0f), 2.0f)"), False, False),
        (CLIP, pointwise("isnan(X) ? X : fminf(fmaxf(X, -1.0f), 1.0f)"), False, True),
        (ROWS, ROW_LOOP.format(start="-INFINITY", step="m = fmaxf(m, v);"), True, False),
        (ROWS, ROW_LOOP.format(start="-INFINITY", step=TESTED), False, True),
        (ROWS, ROW_LOOP.format(start="0.0f", step=TESTED), False, False),
    ],
)
def test_one_reading_of_nan_for_the_whole_verdict(
    model: onnx.ModelProto, kernel: str, loose: bool, strict: bool, tmp_path: Path
) -> None:
    request = write(tmp_path, kernel, model)
    for asked, proved in ((False, loose), (True, strict)):
        result = check(CheckRequest(request.kernel, request.model, strict_nan=asked))
        assert (result.verdict is Verdict.PROVED) == proved, (asked, result.why)
        assert any("propagate NaN" in a for a in result.assumptions) == asked


def test_a_maximum_that_ignores_nan_is_refuted_under_the_strict_reading(tmp_path: Path) -> None:
    request = write(tmp_path, pointwise("fmaxf(A, B)", names="ab"), MAX)
    strict = CheckRequest(request.kernel, request.model, strict_nan=True, counterexample=str(tmp_path / "c.npz"))
    result = check(strict)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None
    assert result.counterexample.graph_bits.startswith("0x7fc")
    assert replay(str(tmp_path / "c.npz"), strict, None).holds
    assert hunt(strict, 20).verdict is Verdict.REFUTED
    finite = write(
        tmp_path / "f", pointwise("fmaxf(A, B)", names="ab"), MAX, STRICT + '[inputs]\nfinite = ["a", "b"]\n'
    )
    result = check(finite)
    assert result.verdict is Verdict.UNKNOWN  # no run may break what is assumed
    assert "a holds no NaN and no infinity" in result.assumptions


def test_a_certificate_is_followed_under_its_own_reading(tmp_path: Path) -> None:
    request = write(tmp_path, pointwise("isnan(X) ? X : fmaxf(X, 0.0f)"), RELU)
    file = str(tmp_path / "c.json")
    result = check(CheckRequest(request.kernel, request.model, strict_nan=True, certificate=file))
    assert result.verdict is Verdict.PROVED
    assert recheck(file, request).holds
    text = (tmp_path / "c.json").read_text()
    assert '"strict_nan": true' in text
    (tmp_path / "c.json").write_text(text.replace('"strict_nan": true', '"strict_nan": false'))
    assert not recheck(file, request).holds


# ------------------------------------------------------------------------------------------------ function bodies
SOFTSIGN = graph([("Softsign", "x", "y")], {"x": (F16, [64])}, {"y": (F16, [64])})
IN_F32 = pointwise("__float2half(__fdiv_rn(__half2float(X), __fadd_rn(1.0f, fabsf(__half2float(X)))))", "half")
IN_F16 = pointwise("__hdiv(X, __hadd_rn(__float2half(1.0f), __habs(X)))", "half")


def test_bodies_are_evaluated_in_the_precision_that_is_asked_for(tmp_path: Path) -> None:
    said = "function bodies on 16-bit types are evaluated in that type"
    for kernel, fits in ((IN_F32, "f32"), (IN_F16, "type")):
        request = write(tmp_path / fits, kernel, SOFTSIGN)
        for asked in (None, "f32", "type"):
            result = check(CheckRequest(request.kernel, request.model, body_precision=asked))
            assert (result.verdict is Verdict.PROVED) == ((asked or "f32") == fits), (asked, result.why)
            assert (said in result.assumptions) == (asked == "type")
            assert (WIDENED in result.assumptions) == (asked != "type")
    spec = '[model]\nbody_precision = "type"\n'
    assert checked(tmp_path / "s", IN_F16, SOFTSIGN, spec).verdict is Verdict.PROVED
    request = write(tmp_path / "s", IN_F32, SOFTSIGN, spec)  # the option has the last word
    assert check(CheckRequest(request.kernel, request.model, body_precision="f32")).verdict is Verdict.PROVED


@pytest.mark.parametrize("key", ['body_precision = "f64"', "strict_nan = 1", "strict = true"])
def test_a_reading_that_does_not_exist_is_bad_input(key: str, tmp_path: Path) -> None:
    assert checked(tmp_path, IN_F32, SOFTSIGN, f"[model]\n{key}\n").verdict is Verdict.BAD_INPUT


# ------------------------------------------------------------------------------------------------ [inputs]
SHIFTED = graph(
    [("Range", "zero count one", "r"), ("Less", "r p", "c"), ("Where", "c x y0", "y")],
    {"x": (F32, [64]), "y0": (F32, [64]), "p": (I64, [1])}, {"y": (F32, [64])},
    zero=(I64, [], [0]), count=(I64, [], [64]), one=(I64, [], [1]),
)  # fmt: skip
UP_TO = """__global__ void k(const float* x, const float* y0, float* y, {type} pos) {{
  int i = threadIdx.x;
  y[i] = i < pos ? x[i] : y0[i];
}}
"""


def test_an_input_with_one_value_is_that_value(tmp_path: Path) -> None:
    symbol = '[args]\npos = { symbol = "P", min = 0, max = 63 }\n'
    kernel = UP_TO.format(type="int")
    assert checked(tmp_path, kernel, SHIFTED, symbol).verdict is Verdict.REFUTED
    for text, verdict in (("P", Verdict.PROVED), ("P + 1", Verdict.REFUTED)):
        result = checked(tmp_path, kernel, SHIFTED, f'{symbol}[inputs]\np = "{text}"\n')
        assert result.verdict is verdict, result.why
        assert f"every element of p is {text}" in result.assumptions
    for value in ("p = 5", "p = { value = 5 }", "p = { min = 5, max = 5 }"):
        assert checked(tmp_path, kernel, SHIFTED, f"[args]\npos = 5\n[inputs]\n{value}\n").verdict is Verdict.PROVED
        assert checked(tmp_path, kernel, SHIFTED, f"[args]\npos = 6\n[inputs]\n{value}\n").verdict is Verdict.REFUTED


def test_an_element_of_an_input_with_one_value_is_known_to_the_kernel_as_well(tmp_path: Path) -> None:
    spec = '[args]\npos = { element = "p[0]" }\n[symbols]\nP = { min = 0, max = 63 }\n'
    kernel = UP_TO.format(type="long long").replace(
        "y[i] = i < pos ? x[i] : y0[i]", "if (i < pos) y[i] = x[i]; else y[i] = y0[i]"
    )
    assert checked(tmp_path, kernel, SHIFTED, spec).verdict is Verdict.PROVED
    assert checked(tmp_path, kernel, SHIFTED, spec + '[inputs]\np = "P"\n').verdict is Verdict.PROVED


FROM_BUFFER = """__global__ void k(const float* x, const float* y0, const long long* p, float* y) {
  int i = threadIdx.x;
  if (i < p[0]) y[i] = x[i]; else y[i] = y0[i];
}
"""


def test_a_load_of_an_input_with_one_value_is_that_value(tmp_path: Path) -> None:
    spec = "[symbols]\nP = { min = 0, max = 63 }\n"
    said = '[inputs]\np = "P"\n'
    assert checked(tmp_path, FROM_BUFFER, SHIFTED, spec).verdict is Verdict.PROVED
    assert checked(tmp_path, FROM_BUFFER, SHIFTED, spec + said).verdict is Verdict.PROVED
    late = FROM_BUFFER.replace("i < p[0]", "i <= p[0]")
    assert checked(tmp_path, late, SHIFTED, spec + said).verdict is Verdict.REFUTED
    past = FROM_BUFFER.replace("i < p[0]", "i < p[1]")
    result = checked(tmp_path, past, SHIFTED, spec + said)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None
    assert result.counterexample.kind == "bounds"
    written = FROM_BUFFER.replace("const long long* p", "long long* p").replace("  if", "  if (i == 0) p[0] = 3;\n  if")
    assert checked(tmp_path, written, SHIFTED, spec + said).verdict is not Verdict.PROVED
    narrow = FROM_BUFFER.replace("p[0]", "((const int*)p)[1]")  # the upper half of the value
    assert checked(tmp_path, narrow, SHIFTED, spec + said).verdict is not Verdict.PROVED


def test_a_range_of_an_input_is_kept_by_every_run_and_printed(tmp_path: Path) -> None:
    model = graph([("Cast", "n", "f"), ("Add", "x f", "y")], {"x": (F32, [64]), "n": (I64, [64])}, {"y": (F32, [64])})
    model.graph.node[0].attribute.extend([onnx.helper.make_attribute("to", F32)])
    kernel = "__global__ void k(const float* x, const long long* n, float* y) {\n  int i = threadIdx.x;\n  y[i] = __fadd_rn(x[i], (float)(n[i] > 3 ? n[i] : 3));\n}\n"  # fmt: skip
    assert checked(tmp_path, kernel, model).verdict is Verdict.REFUTED
    result = checked(tmp_path, kernel, model, "[inputs]\nn = { min = 3, max = 9 }\n")
    assert result.verdict is Verdict.UNKNOWN
    assert "elements of n are from 3 to 9" in result.assumptions


@pytest.mark.parametrize(
    ("key", "help"),
    [
        ("pp = 5", "`p`"),
        ('finite = ["y1"]', "`y0`"),
        ('p = "Q"', ""),
        ("x = { min = 0.1 }", ""),
        ('finite = ["p"]', ""),
        ("zero = 0", ""),
        ("p = { least = 0 }", "`"),
    ],
)
def test_a_key_that_says_nothing_of_an_input_is_bad_input(key: str, help: str, tmp_path: Path) -> None:
    result = checked(tmp_path, UP_TO.format(type="int"), SHIFTED, f"[args]\npos = 5\n[inputs]\n{key}\n")
    assert result.verdict is Verdict.BAD_INPUT
    assert help in result.help


# ------------------------------------------------------------------------------------------------ initializers
def test_a_small_initializer_that_no_buffer_holds_has_its_stored_values(tmp_path: Path) -> None:
    def scaled(*values: float) -> onnx.ModelProto:
        nodes = [("Mul", "x table", "y")]
        return graph(nodes, {"x": (F32, [2, 32])}, {"y": (F32, [2, 32])}, table=(F32, [2, 1], values))

    kernel = pointwise("X * (i < 32 ? 2.0f : 3.0f)")
    assert checked(tmp_path, kernel, scaled(2, 3)).verdict is Verdict.PROVED
    assert checked(tmp_path, kernel, scaled(3, 2)).verdict is Verdict.REFUTED
    bound = "__global__ void k(const float* x, const float* table, float* y) {\n  int i = threadIdx.x;\n  y[i] = x[i] * table[i / 32];\n}\n"  # fmt: skip
    assert checked(tmp_path, bound, scaled(2, 3)).verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("way_out", "verdict"),
    [("isnan(X) ? 1.0f : ", Verdict.PROVED), ("fabsf(X) > 1e9f ? 1.0f : ", Verdict.UNKNOWN)],
)
def test_no_run_refutes_where_the_graph_has_no_meaning(way_out: str, verdict: Verdict, tmp_path: Path) -> None:
    nodes = [onnx.helper.make_node("Cast", ["x"], ["n"], to=I64), onnx.helper.make_node("Cast", ["n"], ["y"], to=F32)]
    cast = graph(nodes, {"x": (F32, [64])}, {"y": (F32, [64])})
    result = checked(tmp_path, pointwise(f"{way_out}truncf(X) + 0.0f"), cast)
    assert result.verdict is verdict
    assert "floats cast to integers are in range" in result.assumptions
    assert checked(tmp_path, pointwise("truncf(X) + 1.0f"), cast).verdict is Verdict.REFUTED


def test_a_default_that_a_caller_may_replace_is_no_constant(tmp_path: Path) -> None:
    nodes = [("Mul", "x table", "y")]
    ends = {"x": (F32, [2, 32]), "table": (F32, [2, 1])}
    model = graph(nodes, ends, {"y": (F32, [2, 32])}, table=(F32, [2, 1], [2, 3]))
    assert checked(tmp_path, pointwise("X * (i < 32 ? 2.0f : 3.0f)"), model).verdict is Verdict.REFUTED


# ------------------------------------------------------------------------------------------------ functions of 16-bit types
HALF_SIGMOID = graph([("Sigmoid", "x", "y")], {"x": (F16, [64])}, {"y": (F16, [64])})
NATIVE, IN_TYPE = 'half_functions = "native"\n', 'body_precision = "type"\n'
FROM_FLOAT = "__float2half(expf(__half2float(X)))"


def half(op: str) -> onnx.ModelProto:
    return graph([(op, "x", "y")], {"x": (F16, [64])}, {"y": (F16, [64])})


@pytest.mark.parametrize(
    ("model", "body", "plain", "native"),
    [
        (half("Exp"), "hexp(X)", False, True),
        (half("Exp"), FROM_FLOAT, True, False),
        (half("Exp"), "hexp2(X)", False, False),
        (half("Exp"), "__hmul(hexp(X), __float2half(1.5f))", False, False),
        (half("Log"), "hlog(X)", False, True),
        (half("Log"), "hlog2(X)", False, False),
        (half("Sin"), "hsin(X)", False, True),
        (half("Cos"), "hsin(X)", False, False),
        (half("Tanh"), "__float2half(tanhf(__half2float(X)))", True, True),  # CUDA has none that is meant
        (half("Reciprocal"), "hrcp(X)", False, False),  # one rounding of the quotient: no function is chosen
    ],
)
def test_functions_of_halves_are_floats_or_cudas_own(
    tmp_path: Path, model: onnx.ModelProto, body: str, plain: bool, native: bool
) -> None:
    spec = '[args]\nx = "x"\ny = "y"\n'
    usual = checked(tmp_path / "usual", pointwise(body, "half"), model, spec)
    chosen = checked(tmp_path / "native", pointwise(body, "half"), model, spec + "[model]\n" + NATIVE)
    assert ((usual.verdict is Verdict.PROVED), (chosen.verdict is Verdict.PROVED)) == (plain, native)
    assert any("CUDA's hexp" in a for a in chosen.assumptions)
    assert not any("CUDA's hexp" in a for a in usual.assumptions)


@pytest.mark.parametrize(
    ("body", "proved"),
    [
        ("__float2half(1.0f) / (__float2half(1.0f) + hexp(-X))", True),
        ("__float2half(1.0f) / (hexp(-X) + __float2half(1.0f))", True),
        ("__float2half(1.0f) / (__float2half(1.0f) + hexp(X))", False),
        ("hrcp(__float2half(1.0f) + hexp(-X))", False),
        ("__float2half(1.0f / (1.0f + expf(-__half2float(X))))", False),
    ],
)
def test_a_sigmoid_in_halves(tmp_path: Path, body: str, proved: bool) -> None:
    spec = '[args]\nx = "x"\ny = "y"\n[model]\n' + NATIVE + IN_TYPE
    assert (checked(tmp_path, pointwise(body, "half"), HALF_SIGMOID, spec).verdict is Verdict.PROVED) is proved


def test_a_certificate_says_which_functions_were_meant(tmp_path: Path) -> None:
    request = write(tmp_path, pointwise("hexp(X)", "half"), half("Exp"), '[args]\nx = "x"\ny = "y"\n[model]\n' + NATIVE)
    certificate = tmp_path / "c.json"
    assert check(replace(request, certificate=str(certificate))).verdict is Verdict.PROVED
    assert '"half_functions": "native"' in certificate.read_text()
    assert recheck(str(certificate), request).holds


def test_other_words_for_functions_of_halves_are_refused(tmp_path: Path) -> None:
    spec = '[args]\nx = "x"\ny = "y"\n[model]\nhalf_functions = "fast"\n'
    found = checked(tmp_path, pointwise("hexp(X)", "half"), half("Exp"), spec)
    assert found.verdict is Verdict.BAD_INPUT
