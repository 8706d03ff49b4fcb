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
    """meaning: for `tv ops`. text: a function in onnx's textual form, without its heading. required: attributes without a default."""

    meaning: str
    text: str


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
_TABLE: dict[tuple[str, str], Contrib] = {
    (MICROSOFT, "QuickGelu"): Contrib(
        "x / (1 + exp(-(alpha x)))",
        """QuickGelu <alpha: float = 1.702> (x) => (y) {
            a = Constant <value_float: float = @alpha> ()
            ax = Mul (x, a)
            s = Sigmoid (ax)
            y = Mul (x, s)
        }""",
    ),
    (MICROSOFT, "Gelu"): Contrib(
        "0.5 x (1 + erf(x / sqrt(2)))",
        "Gelu (x) => (y) { y = Gelu (x) }",
    ),
    (MICROSOFT, "BiasGelu"): Contrib(
        "Gelu of x + bias",
        "BiasGelu (x, bias) => (y) { z = Add (x, bias) y = Gelu (z) }",
    ),
    (MICROSOFT, "SimplifiedLayerNormalization"): Contrib(
        "x / sqrt(mean(x x) + epsilon) * scale over the last dimension",
        "SimplifiedLayerNormalization <epsilon: float = 1e-5> (x, scale) => (y) {" + _EPS + _NORM + "}",
    ),
    (MICROSOFT, "SkipSimplifiedLayerNormalization"): Contrib(
        "SimplifiedLayerNormalization of input + skip; output 3 is that sum",
        "SkipSimplifiedLayerNormalization <epsilon: float = 1e-5> (input, skip, scale) => (y, mean0, inverse0, x) {"
        + _EPS
        + "x = Add (input, skip)"
        + _NORM
        + "}",
    ),
}


@cache
def contrib_body(domain: str, op: str) -> FunctionProto | None:
    """The written body of a contrib operator, or None."""
    entry = _TABLE.get((domain, op))
    if entry is None:
        return None
    heading = f'<domain: "{MICROSOFT}", opset_import: ["" : 20]>\n'
    return parser.parse_function(heading + entry.text)


def contrib_operators() -> dict[str, str]:
    return {f"{d}.{op}": c.meaning for (d, op), c in _TABLE.items()}
