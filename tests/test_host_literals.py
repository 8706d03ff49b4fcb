"""Numbers that host code passes at a launch: literals have types of their own, and are converted once to the parameter's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.checking import F32, graph, write
from tv.cuda_frontend import read
from tv.execution import opened
from tv.kernel import HostLaunch, Kernel, Parameter, Scalar
from tv.launch import CompileOptions
from tv.refute.patterns import Pattern
from tv.source import NOWHERE
from tv.spec.arguments import Plain
from tv.spec.fit import once_rounded, scalar_value
from tv.spec.guess import converted, from_host

EPS_F = int(np.float64(np.float32(1e-5)).view(np.uint64))
HALF_ULP = "1.00000005960464477539062501"  # just above the middle between 1 and the next float


def launches(kind: str, literal: str) -> str:
    return f"""__global__ void k(const float* x, float* y, {kind} n) {{ y[threadIdx.x] = -x[threadIdx.x]; }}
int main() {{ float *dx, *dy; k<<<1, 64>>>(dx, dy, {literal}); return 0; }}
"""


def launch(kind: str, literal: str) -> HostLaunch:
    (found,) = read(Path("k.cu"), launches(kind, literal), CompileOptions(), frontend="c").launches
    return found


@pytest.mark.parametrize(("literal", "passed"), [
    ("1e-5f", "9.999999747378752e-06"), ("1e-5", "1e-05"), (f"{HALF_ULP}f", "1.0000001192092896"), (HALF_ULP, "1.0000000596046448"),
    ("-1u", "4294967295"), ("-1", "-1"), ("010", "8"), ("0x10", "16"), ("0xffffffff", "4294967295"), ("-1ul", "18446744073709551615"),
    ("1152921573326323713", "1152921573326323713"), ("-0.0f", "-0.0"), ("16777217.0f", "16777216.0"), ("'a'", "97"), ("2147483648", "2147483648"),
    ("7 / 2", "3"), ("1u - 2", "4294967295"), ("true", "true"), ("!3", "false"), ("0x1p-3f", "0.125"),
])  # fmt: skip
def test_a_literal_is_a_number_of_its_own_type(literal: str, passed: str) -> None:
    assert launch("double", literal).args[2] == passed


@pytest.mark.parametrize("literal", [
    "1.0l", "99999999999999999999", "18446744073709551615", "-9223372036854775808", "5z", "0x", "1e", "1 / 0", "2147483647 + 1", "1e400", "0.0 / 0.0",
])  # fmt: skip
def test_what_has_no_value_is_left_to_other_sources(literal: str) -> None:
    """A number past every `long` is unsigned for nvcc, or cut off; undefined arithmetic and `long double` have no value here."""
    for kind in (Scalar.F64, Scalar.I64, Scalar.U64):
        parameters = Parameter("x", None, Scalar.F32), Parameter("y", None, Scalar.F32), Parameter("n", kind)
        assert from_host(Kernel("k", parameters, {}, ()), launch("double", literal)) == {}
    passed = {"n": Plain(12, NOWHERE)}
    assert from_host(Kernel("k", parameters, {}, ()), replace(launch("double", "12u"), span=NOWHERE)) == passed


@pytest.mark.parametrize(("kind", "literal", "bits"), [
    ("double", "1e-5f", EPS_F), ("double", "1e-5", 0x3EE4F8B588E368F1), ("float", f"{HALF_ULP}f", 0x3F800001), ("float", HALF_ULP, 0x3F800000),
    ("long", "-1u", 0xFFFFFFFF), ("long long", "-1", (1 << 64) - 1), ("unsigned", "-1", 0xFFFFFFFF), ("int", "4294967295u", 0xFFFFFFFF),
    ("unsigned char", "300", 44), ("signed char", "200", 0xC8), ("short", "-32769", 0x7FFF), ("bool", "2", 1), ("bool", "0", 0),
    ("float", "16777217", 0x4B800000), ("float", "16777219", 0x4B800002), ("float", "1152921573326323713", 0x5D800001),
    ("double", "9007199254740993", 0x4340000000000000), ("float", "-0.0f", 1 << 31), ("float", "true", 0x3F800000), ("int", "010", 8),
])  # fmt: skip
def test_a_parameter_gets_it_converted(tmp_path: Path, kind: str, literal: str, bits: int) -> None:
    """To the bits that an execution starts from."""
    model = graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
    request = write(tmp_path, launches(kind, literal), model, '[args]\nx = "x"\ny = "y"\n')
    assert opened(request)[2].setting({}).scalars(Pattern("small"))["n"] == bits


INTEGERS = [t for t in Scalar if t.is_int]


@pytest.mark.parametrize("kind", INTEGERS, ids=repr)
def test_integers_are_passed_modulo_two_to_the_width(kind: Scalar) -> None:
    of = np.dtype(f"{'i' if kind.signed else 'u'}{kind.bytes}")
    numbers = [s * (1 << k) + d for k in range(64) for s in (1, -1) for d in (-1, 0, 1)]
    for n in numbers:
        assert converted(n, Parameter("n", kind)) == int(np.array(n & ((1 << 64) - 1), np.uint64).astype(of))
    assert [converted(n, Parameter("n", Scalar.BOOL)) for n in (0, 1, 2, -1, 1 << 40)] == [0, 1, 1, 1, 1]
    assert converted(1 << 70, Parameter("n", Scalar.F32)) == 1 << 70


@pytest.mark.parametrize(
    ("kind", "of"), [(Scalar.F32, np.float32), (Scalar.F64, np.float64), (Scalar.F16, np.float16)], ids=repr
)
def test_an_integer_is_rounded_once(kind: Scalar, of: type[np.floating]) -> None:
    """By hardware, which rounds 64-bit integers once to f32 and f64; what fits a double is rounded once from there."""
    rng = np.random.default_rng(3)
    wide = rng.integers(0, 2 if of is np.float16 else 1 << 62, 3000)
    near = [(1 << e) + (1 << h) + d for e in range(8, 62) for h in range(max(0, e - 26), e - 6) for d in (-1, 0, 1)]
    for n in [*(int(w) for w in wide), *near]:
        if of is np.float16 and n >= 65520:
            continue
        for signed in (n, -n):
            assert once_rounded(signed, kind) == float(np.int64(signed).astype(of)), n
    assert once_rounded(1152921573326323713, Scalar.F32) == float.fromhex("0x1.000002p+60")
    assert once_rounded((1 << 8) + 3, Scalar.BF16) == 260.0


def test_integers_beyond_every_float_are_infinite() -> None:
    for kind, n, value in (
        (Scalar.F64, 1 << 1023, 2.0**1023), (Scalar.F64, (1 << 1024) - (1 << 970) - 1, float.fromhex("0x1.fffffffffffffp+1023")),
        (Scalar.F64, (1 << 1024) - (1 << 970), np.inf), (Scalar.F64, -(1 << 1024), -np.inf), (Scalar.F32, 10**400, np.inf),
        (Scalar.F64, 10**305, 1e305),
    ):  # fmt: skip
        assert scalar_value(n, kind, "n", NOWHERE) == value
