"""What each operation of a term means to a solver.

A value has up to three forms, each made when it is asked for: its bits, the float that the bits stand for, and, of one bit, a
truth value. An operation that is not listed has no meaning (Unknown TV0901), never some other one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite

import numpy as np

from tv.arithmetic import decode, float_bits
from tv.diagnostic import Unknown
from tv.term import DOUBTFUL, Term, type_width

FORMATS = {"f16": (5, 11), "bf16": (8, 8), "f32": (8, 24), "f64": (11, 53)}
MODES = {"rn": "RNE", "rz": "RTZ", "ru": "RTP", "rd": "RTN"}
FLOAT = {"fneg": "fp.neg", "fabs": "fp.abs"}
ROUNDED = {"fadd": "fp.add", "fsub": "fp.sub", "fmul": "fp.mul", "fdiv": "fp.div", "fsqrt": "fp.sqrt", "ffma": "fp.fma"}
WHOLE = {"floor": "RTN", "ceil": "RTP", "rint": "RNE", "trunc": "RTZ"}
EXTREMES = ("fmax", "fmin", "fmaximum", "fminimum")
FLOAT_TESTS = {"feq": "fp.eq", "flt": "fp.lt", "fle": "fp.leq", "fisnan": "fp.isNaN"}
INTEGER = {"add": "bvadd", "sub": "bvsub", "mul": "bvmul", "and": "bvand", "or": "bvor", "xor": "bvxor"}
DIVISION = {"udiv": "bvudiv", "urem": "bvurem", "sdiv": "bvsdiv", "srem": "bvsrem"}
SHIFT = {"shl": "bvshl", "lshr": "bvlshr", "ashr": "bvashr"}
EXTREME = {"umin": "bvult", "umax": "bvugt", "smin": "bvslt", "smax": "bvsgt"}
TESTS = {"eq": "=", "ult": "bvult", "ule": "bvule", "slt": "bvslt", "sle": "bvsle"}
LOGIC = {"and": "and", "or": "or", "xor": "xor", "eq": "="}
# Functions of floats of which nothing is known but that they are functions, and treat all NaNs alike.
FUNCTIONS = frozenset(
    "exp log sin cos tan tanh erf pow exp2 log2 log10 exp10 expm1 log1p asin acos atan sinh cosh asinh acosh atanh rsqrt rsqrt_rn erfc cbrt rcbrt "
    "atan2 hypot fast_exp fast_log fast_log2 fast_log10 fast_sin fast_cos fast_tan fast_pow fast_div fast_exp10 fast_tanh "
    "h_exp h_log h_sin h_cos h_rsqrt h_rcp h_exp2 h_log2 h_log10 h_exp10".split()
)
FREE = ("ref", "input", "index")


@dataclass(slots=True)
class Translation:
    """One side of a lemma. prefix: of its names. cut: terms that are variables already, by id. floats: the float, of a format, that such a
    variable stands for, where it has a name. rows: definitions so far.

    functions: declarations of the uninterpreted functions it uses. required: what has to hold for its value to be defined."""

    prefix: str
    cut: dict[int, str]
    floats: dict[tuple[str, str], str]
    rows: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    memo: dict[tuple[int, str], str] = field(default_factory=dict)

    # -------------------------------------------------------------- the three forms
    def bits(self, t: Term) -> str:
        return self._form(t, "bits", f"(_ BitVec {t.width})")

    def float(self, t: Term, kind: str) -> str:
        """The float of format `kind` that t's bits stand for."""
        if type_width(kind) != t.width:
            raise no_meaning(f"{t.width} bits as {kind}")
        e, m = FORMATS[kind]
        return self._form(t, kind, f"(_ FloatingPoint {e} {m})")

    def truth(self, t: Term) -> str:
        if t.width != 1:
            raise no_meaning(f"{t.width} bits as a condition")
        return self._form(t, "truth", "Bool")

    def _form(self, t: Term, form: str, sort: str) -> str:
        key = (t.id, form)
        if key not in self.memo:
            text = self._float(t, form) if form in FORMATS else self._truth(t) if form == "truth" else self._bits(t)
            if not text.startswith("("):
                self.memo[key] = text
            else:
                self.memo[key] = name = self._name()
                self.rows.append(f"(define-fun {name} () {sort} {text})")
        return self.memo[key]

    def _name(self) -> str:
        return f"{self.prefix}{len(self.rows)}"

    def _free(self, width: int) -> str:
        name = self._name()
        self.rows.append(f"(declare-const {name} (_ BitVec {width}))")
        return name

    # -------------------------------------------------------------- bits
    def _bits(self, t: Term) -> str:
        if t.id in self.cut:
            return self.cut[t.id]
        if t.kind == "const":
            return f"(_ bv{t.bits} {t.width})"
        if t.kind in FREE:
            return self._free(t.width)
        if t.kind != "op":
            raise no_meaning(f"a {t.kind}")
        head, *types = t.name.split(".")
        if head == "select":
            return f"(ite {self.truth(t.args[0])} {self.bits(t.args[1])} {self.bits(t.args[2])})"
        if head == "concat":
            return "(concat " + " ".join(self.bits(a) for a in reversed(t.args)) + ")"
        if head == "extract":
            low, width = int(types[0]), int(types[1])
            return f"((_ extract {low + width - 1} {low}) {self.bits(t.args[0])})"
        kind = result_format(t)
        if kind:
            return self._some_bits(self.float(t, kind), kind, t.width)
        if t.width == 1:
            return f"(ite {self.truth(t)} (_ bv1 1) (_ bv0 1))"
        return self._conversion(t, types) if head == "cvt" else self._integer(t, head, types)

    def _some_bits(self, value: str, kind: str, width: int) -> str:
        """Any bits that stand for a float: only of NaN are there several."""
        name = self._free(width)
        e, m = FORMATS[kind]
        self.rows.append(f"(assert (= ((_ to_fp {e} {m}) {name}) {value}))")
        return name

    def _integer(self, t: Term, head: str, types: list[str]) -> str:
        if types != [f"i{t.width}"]:
            raise no_meaning(t.name)
        a, *rest = (self.bits(x) for x in t.args)
        match head, rest:
            case _, [b] if head in INTEGER:
                return f"({INTEGER[head]} {a} {b})"
            case _, [b] if head in EXTREME:
                return f"(ite ({EXTREME[head]} {a} {b}) {a} {b})"
            case _, [b] if head in SHIFT and t.args[1].kind == "const" and t.args[1].bits < t.width:
                return f"({SHIFT[head]} {a} {b})"
            case _, [b] if head in DIVISION and t.args[1].kind == "const" and 0 < t.args[1].bits < (1 << t.width) - 1:
                return f"({DIVISION[head]} {a} {b})"
            case _:
                raise no_meaning(t.name)

    def _conversion(self, t: Term, types: list[str]) -> str:
        """To an integer. From a float: toward zero; out of range a function of it, for nothing is specified, or (`sat`) the
        nearest integer of the type, of NaN 0."""
        a = t.args[0]
        if types[1] in FORMATS:
            return self._truncated(t, self.float(a, types[1]), types)
        if len(types) != 2 or type_width(types[1]) != a.width or types[0][0] not in "su" or types[1][0] not in "su":
            raise no_meaning(t.name)
        more = t.width - a.width
        if more <= 0:
            return f"((_ extract {t.width - 1} 0) {self.bits(a)})"
        return f"((_ {'sign' if types[1][0] == 's' else 'zero'}_extend {more}) {self.bits(a)})"

    def _truncated(self, t: Term, x: str, types: list[str]) -> str:
        signed, kind, w = types[0][0] == "s", types[1], t.width
        low, high = (-(1 << (w - 1)), (1 << (w - 1)) - 1) if signed else (0, (1 << w) - 1)
        whole = f"((_ fp.to_{'s' if signed else 'u'}bv {w}) RTZ {x})"
        fits = "(and " + " ".join(inside(x, kind, low, high)) + ")"
        if types[2:] == ["sat"]:
            least, most = (f"(_ bv{v % (1 << w)} {w})" for v in (low, high))
            below = f"(fp.isNegative {x})"
            rest = f"(ite (fp.isNaN {x}) (_ bv0 {w}) (ite {below} {least} {most}))"
            return f"(ite {fits} {whole} {rest})"
        if types[2:]:
            raise no_meaning(t.name)
        if t.attr == DOUBTFUL:
            self.required.append(fits)
        return f"(ite {fits} {whole} ({self._function(t.name, [kind], None, w)} {x}))"

    # -------------------------------------------------------------- truth values
    def _truth(self, t: Term) -> str:
        if t.kind == "const":
            return "true" if t.bits else "false"
        if t.kind == "op" and t.id not in self.cut:
            head, *types = t.name.split(".")
            if head in FLOAT_TESTS and types and types[0] in FORMATS:
                return f"({FLOAT_TESTS[head]} " + " ".join(self.float(a, types[0]) for a in t.args) + ")"
            if head == "select":
                return "(ite " + " ".join(self.truth(a) for a in t.args) + ")"
            if types == ["i1"] and head in LOGIC:
                return f"({LOGIC[head]} " + " ".join(self.truth(a) for a in t.args) + ")"
            if types == [f"i{t.args[0].width}"] and head in TESTS:
                return f"({TESTS[head]} " + " ".join(self.bits(a) for a in t.args) + ")"
            if head != "extract":
                raise no_meaning(t.name)
        return f"(= {self.bits(t)} (_ bv1 1))"

    # -------------------------------------------------------------- floats
    def _float(self, t: Term, kind: str) -> str:
        if (self.cut.get(t.id, ""), kind) in self.floats:
            return self.floats[self.cut[t.id], kind]
        if t.kind == "op" and t.id not in self.cut:
            if t.name == "select":
                return f"(ite {self.truth(t.args[0])} {self.float(t.args[1], kind)} {self.float(t.args[2], kind)})"
            if result_format(t) == kind:
                return self._operation(t, kind)
        e, m = FORMATS[kind]
        return f"((_ to_fp {e} {m}) {self.bits(t)})"

    def _operation(self, t: Term, kind: str) -> str:
        head, *types = t.name.split(".")
        if head == "cvt":
            return self._to_float(t, kind, types)
        args = [self.float(a, kind) for a in t.args]
        if head in ROUNDED:
            return f"({ROUNDED[head]} RNE {' '.join(args)})"
        if head in FLOAT:
            return f"({FLOAT[head]} {args[0]})"
        if head in WHOLE:
            return f"(fp.roundToIntegral {WHOLE[head]} {args[0]})"
        if head in EXTREMES and len(args) == 2:
            return self._extreme(head, *args)
        if head in FUNCTIONS:
            return f"({self._function(t.name, [kind] * len(args), kind, t.width)} {' '.join(args)})"
        raise no_meaning(t.name)

    def _extreme(self, head: str, a: str, b: str) -> str:
        """-0 is below +0, which SMT-LIB's own fp.max leaves open; of fmax the operand that is no NaN wins, of fmaximum NaN."""
        least, most = (a, b) if head in ("fmax", "fmaximum") else (b, a)
        tie = f"(ite (fp.isNegative {a}) {most} {least})"
        chosen = f"(ite (fp.lt {a} {b}) {most} (ite (fp.lt {b} {a}) {least} {tie}))"
        if_a, if_b = (b, a) if head in ("fmax", "fmin") else (a, b)
        return f"(ite (fp.isNaN {a}) {if_a} (ite (fp.isNaN {b}) {if_b} {chosen}))"

    def _to_float(self, t: Term, kind: str, types: list[str]) -> str:
        e, m = FORMATS[kind]
        mode = MODES.get(types[2] if len(types) > 2 else "rn")
        source, a = types[1], t.args[0]
        if mode is None or len(types) > 3:
            raise no_meaning(t.name)
        if source in FORMATS:
            return f"((_ to_fp {e} {m}) {mode} {self.float(a, source)})"
        if source[0] not in "su" or type_width(source) != a.width:
            raise no_meaning(t.name)
        signed = "to_fp" if source[0] == "s" else "to_fp_unsigned"
        return f"((_ {signed} {e} {m}) {mode} {self.bits(a)})"

    def _function(self, name: str, args: list[str], result: str | None, width: int) -> str:
        def sort(kind: str) -> str:
            return f"(_ FloatingPoint {FORMATS[kind][0]} {FORMATS[kind][1]})"

        to = f"(_ BitVec {width})" if result is None else sort(result)
        declaration = f"(declare-fun |{name}| ({' '.join(map(sort, args))}) {to})"
        if declaration not in self.functions:
            self.functions.append(declaration)
        return f"|{name}|"


def inside(x: str, kind: str, low: int | None, high: int | None) -> list[str]:
    """Conditions that the float x, once what follows its point is dropped, lies from `low` to `high`: it lies strictly between the
    integers beyond these. Where such a one is no float, the float next to it says the same."""
    out = []
    for bound, step in ((low, -1), (high, 1)):
        if bound is None:
            continue
        bits = float_bits(float(bound + step), kind)
        value = float(decode(np.array([bits], np.uint64), kind)[0])
        beside = isfinite(value) and (Fraction(value) - (bound + step)) * step < 0
        c, e, m = f"(_ bv{bits} {type_width(kind)})", *FORMATS[kind]
        sides = (f"((_ to_fp {e} {m}) {c})", x)
        out.append(f"({'fp.leq' if beside else 'fp.lt'} {' '.join(sides if step < 0 else sides[::-1])})")
    return out


def result_format(t: Term) -> str:
    """The float format that operation t computes in, "" if it gives no float. A select gives what its arms are: not said here."""
    head, *types = t.name.split(".")
    if not types or types[0] not in FORMATS or head in FLOAT_TESTS:
        return ""
    return types[0]


def no_meaning(what: str) -> Unknown:
    return Unknown("TV0901", f"`{what}` has no meaning to a solver")
