"""Operators outside the standard that exporters emit, each with a written body in standard operators.

The inside runs in f32 on 16-bit inputs and every output is rounded once to the first input's type, as their runtimes do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from onnx import FunctionProto, parser

MICROSOFT = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Contrib:
    """meaning: for `tv ops`. texts: functions in onnx's textual form, without their heading, one for each number of inputs."""

    meaning: str
    texts: tuple[str, ...]


def _written(meaning: str, *texts: str) -> Contrib:
    return Contrib(meaning, texts)


_NORM = """
    square = Mul (x, x)
    mean = ReduceMean <keepdims = 1> (square, last)
    shifted = Add (mean, eps)
    root = Sqrt (shifted)
    inverse = Reciprocal (root)
    scaled = Mul (x, inverse)
    y = Mul (scaled, scale)
"""
_EPS = """
    last = Constant <value_ints = [-1]> ()
    eps = Constant <value_float: float = @epsilon> ()
"""
_LAYER = " y = LayerNormalization <axis = -1, epsilon: float = @epsilon> (x, scale, shift) }"
_TABLE: dict[tuple[str, str], Contrib] = {
    (MICROSOFT, "QuickGelu"): _written(
        "x / (1 + exp(-(alpha x)))",
        """QuickGelu <alpha: float = 1.702> (x) => (y) {
            a = Constant <value_float: float = @alpha> ()
            ax = Mul (x, a)
            s = Sigmoid (ax)
            y = Mul (x, s)
        }""",
    ),
    (MICROSOFT, "Gelu"): _written(
        "0.5 x (1 + erf(x / sqrt(2)))",
        "Gelu (x) => (y) { y = Gelu (x) }",
    ),
    (MICROSOFT, "BiasGelu"): _written(
        "Gelu of x + bias",
        "BiasGelu (x, bias) => (y) { z = Add (x, bias) y = Gelu (z) }",
    ),
    (MICROSOFT, "FastGelu"): _written(
        "Gelu with tanh, of x or of x + bias",
        'FastGelu (x) => (y) { y = Gelu <approximate = "tanh"> (x) }',
        'FastGelu (x, bias) => (y) { z = Add (x, bias) y = Gelu <approximate = "tanh"> (z) }',
    ),
    (MICROSOFT, "SkipLayerNormalization"): _written(
        "LayerNormalization over the last dimension of input + skip (+ bias); output 3 is that sum",
        "SkipLayerNormalization <epsilon: float = 1e-12> (input, skip, scale, shift) => (y, mean0, inverse0, x) {"
        "x = Add (input, skip)" + _LAYER,
        "SkipLayerNormalization <epsilon: float = 1e-12> (input, skip, scale, shift, bias) => (y, mean0, inverse0, x) {"
        "z = Add (input, skip) x = Add (z, bias)" + _LAYER,
    ),
    (MICROSOFT, "SimplifiedLayerNormalization"): _written(
        "x / sqrt(mean(x x) + epsilon) * scale over the last dimension",
        "SimplifiedLayerNormalization <epsilon: float = 1e-5> (x, scale) => (y) {" + _EPS + _NORM + "}",
    ),
    (MICROSOFT, "SkipSimplifiedLayerNormalization"): _written(
        "SimplifiedLayerNormalization of input + skip; output 3 is that sum",
        "SkipSimplifiedLayerNormalization <epsilon: float = 1e-5> (input, skip, scale) => (y, mean0, inverse0, x) {"
        + _EPS
        + "x = Add (input, skip)"
        + _NORM
        + "}",
    ),
}


@cache
def contrib_bodies(domain: str, op: str) -> tuple[FunctionProto, ...]:
    """The written bodies of a contrib operator, one for each number of inputs that is read."""
    entry = _TABLE.get((domain, op))
    heading = f'<domain: "{MICROSOFT}", opset_import: ["" : 20]>\n'
    return () if entry is None else tuple(parser.parse_function(heading + text) for text in entry.texts)


def contrib_operators() -> dict[str, str]:
    return {f"{d}.{op}": c.meaning for (d, op), c in _TABLE.items()}
