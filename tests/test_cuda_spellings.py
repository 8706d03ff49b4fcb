"""C++ as people spell it: each spelling becomes the Kernel IR of its plain form, and its near misses are refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cuda_printing import body
from tv.cuda_frontend import read
from tv.diagnostic import TvError
from tv.launch import CompileOptions

MODE = "enum class Mode : unsigned char { Add = 3, Sub };"
ADD4 = "__device__ float4 operator+(const float4& a, const float4& b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }"
SCALE4 = """inline __host__ __device__ float4 operator*(float4 a, float s) { return make_float4(a.x * s, a.y, a.z, a.w); }
inline __host__ __device__ float4 operator*(float s, float4 a) { return a * s; }"""
INTO = "__device__ void operator+=(float4& a, float4 b) { a.x += b.x; }"
COMPLEX = "struct C { float re, im; };\n__device__ C operator-(C a) { return C{-a.re, -a.im}; }"
# what stands before the kernel, its code, and plain code of the same meaning
SPELLINGS = [
    ("", "const std::size_t k = n; y[k] = 1.f;", "const size_t k = n; y[k] = 1.f;"),
    ("", "std::int64_t k = int64_t(n) * 2; y[k] = 1.f;", "long k = (long)n * 2; y[k] = 1.f;"),
    ("", "auto* p = y + n; *p = 1.f;", "float* p = y + n; *p = 1.f;"),
    ("", "const auto* p = y + n; y[0] = *p;", "const float* p = y + n; y[0] = *p;"),
    ("", "auto& r = y[n]; r = 1.f;", "float& r = y[n]; r = 1.f;"),
    ("", "const auto& r = x[n]; y[0] = r;", "const float& r = x[n]; y[0] = r;"),
    ("", "static constexpr int K = 3; y[K] = 1.f;", "y[3] = 1.f;"),
    ("", "static const float t[2] = {1.f, 2.f}; y[0] = t[n];", "const float t[2] = {1.f, 2.f}; y[0] = t[n];"),
    ("constexpr int cdiv(int a, int b) { return (a + b - 1) / b; }", "y[cdiv(255, 32)] = 1.f;", "y[8] = 1.f;"),
    (MODE, "y[Mode::Sub == Mode(4) ? 1 : 0] = 1.f;", "y[1] = 1.f;"),
    (MODE, "Mode m = Mode::Add; y[static_cast<int>(m)] = 1.f;", "unsigned char m = 3; y[(int)m] = 1.f;"),
    (f"{MODE}\nconstexpr Mode M = Mode::Sub;", "if (M == Mode::Sub) y[0] = 1.f;", "y[0] = 1.f;"),
    ("enum Op { Minus, Plus = 4 };\n__device__ constexpr Op OP = Plus;", "y[OP] = 1.f;", "y[4] = 1.f;"),
    ("enum Op { Minus, Plus = 4 };", "Op o = Op::Plus; y[o] = 1.f;", "int o = 4; y[o] = 1.f;"),
    ("const int A = 10; enum class E { A = 1, B = A + 1 };", "y[(int)E::B] = 1.f;", "y[2] = 1.f;"),
    ("", "y[0] = -std::numeric_limits<float>::infinity();", "y[0] = -__int_as_float(0x7f800000);"),
    ("", "y[0] = std::numeric_limits<float>::lowest();", "y[0] = __int_as_float(0xff7fffff);"),
    ("", "y[0] = std::numeric_limits<int>::min() == -2147483647 - 1;", "y[0] = true;"),
    ("", "y[0] = std::numeric_limits<unsigned char>::max();", "y[0] = (unsigned char)255;"),
    ("", 'assert(n > 0 && "sizes are positive"); y[0] = 1.f;', "assert(n > 0 && true); y[0] = 1.f;"),
    ("", "y[__clz(1 << 8)] = __popc(255u) + __ffs(8) + (__brev(1u) >> 31);", "y[23] = 8 + 4 + 1u;"),
    ("", "y[__ffs(0) + __clz(0)] = 1.f;", "y[32] = 1.f;"),
    ("", "__nanosleep(20); y[0] = 1.f;", "y[0] = 1.f;"),
    ("", 'printf("%d %s\\n", n, "rows"); y[0] = 1.f;', "y[0] = 1.f;"),
    ("", 'printf("%f\\n", x[n]); y[0] = 1.f;', "float v = x[n]; y[0] = 1.f;"),
    ("", "switch (n) { case 1: y[1] = 1.f; case 2: y[2] = 1.f; break; default: y[0] = 1.f; }",
     "if (n == 1) { y[1] = 1.f; y[2] = 1.f; } else if (n == 2) y[2] = 1.f; else y[0] = 1.f;"),
    ("", "switch (n) { default: y[0] = 1.f; case 3: { int a = 3; y[a] = 1.f; } case 4: { int a = 4; y[a] = 1.f; break; } }",
     """if (n == 3) { { int a = 3; y[a] = 1.f; } int a = 4; y[a] = 1.f; } else if (n == 4) { int a = 4; y[a] = 1.f; }
     else { y[0] = 1.f; { int a = 3; y[a] = 1.f; } { int a = 4; y[a] = 1.f; } }"""),
    (ADD4, "float4 a = *(const float4*)x; float4 c = a + a; y[0] = c.y;",
     "float4 a = *(const float4*)x; float4 c = make_float4(a.x + a.x, a.y + a.y, a.z + a.z, a.w + a.w); y[0] = c.y;"),
    (SCALE4, "float4 a = *(const float4*)x; float4 c = 2.f * a; y[0] = c.x;",
     "float4 a = *(const float4*)x; float4 c = make_float4(a.x * 2.f, a.y, a.z, a.w); y[0] = c.x;"),
    (INTO, "float4 a = *(const float4*)x; a += a; y[0] = a.x;", "float4 a = *(const float4*)x; a.x += a.x; y[0] = a.x;"),
    (COMPLEX, "C a{x[0], x[1]}; C c = -a; y[0] = c.im;", "struct C { float re, im; }; C a{x[0], x[1]}; C c = C{-a.re, -a.im}; y[0] = c.im;"),
    ("#include <cooperative_groups.h>", "y[cooperative_groups::this_grid().num_blocks()] = 1.f;",
     "y[(unsigned long)gridDim.x * (unsigned long)gridDim.y * (unsigned long)gridDim.z] = 1.f;"),
]  # fmt: skip


def renamed(lines: list[str]) -> list[str]:
    """The statements without copies of values, variables numbered as they appear."""
    values: dict[str, str] = {}
    out: list[str] = []
    for line in lines:
        for name in sorted(values, key=len, reverse=True):
            line = values[name].join(re.split(rf"(?<![\w.]){re.escape(name)}(?![\w.])", line))
        copied = re.fullmatch(r"\s*([\w.]+):\w+ = ([\w.:]+|(?:add|mul|neg)\S*\(.*\))", line)
        loaded = re.fullmatch(r"(\s*)([\w., ]+) = (load .*)", line)
        if copied and not line.startswith(" "):
            values[copied[1]] = copied[2]
        elif loaded:
            for i, name in enumerate(loaded[2].split(", ")):
                values[name] = f"loaded{len(out)}_{i}"
            out.append(f"{loaded[1]}{loaded[3]}")
        else:
            out.append(line)
    return out


@pytest.mark.parametrize(("before", "code", "plain"), SPELLINGS)
def test_a_spelling_is_its_plain_form(before: str, code: str, plain: str) -> None:
    assert renamed(body(code, before=before)) == renamed(body(plain))


@pytest.mark.parametrize(
    ("before", "code", "reported", "words"),
    [
        (MODE, "y[Sub] = 1.f;", "TV0112", "`Sub` is not known"),
        ("enum E : float { A };", "y[A] = 1.f;", "TV0111", "an enum of `float`"),
        ("enum E : unsigned char { A = 256 };", "y[A] = 1.f;", "TV0111", "outside of `unsigned char`"),
        ("", "static int calls = 0; y[calls++] = 1.f;", "TV0111", "which all threads share"),
        ("", 'int k = printf("x"); y[k] = 1.f;', "TV0113", "`void` to `int`"),
        ("", "printf(n ? \"a\" : \"b\");", "TV0111", "literal format"),
        ("", "auto* p = n; y[0] = 1.f;", "TV0113", "`auto*` of `int`"),
        ("", "y[0] = std::numeric_limits<half>::infinity();", "TV0111", "numeric_limits<half>"),
        ("", "y[0] = std::numeric_limits<int>::infinity();", "TV0111", "numeric_limits<int>::infinity"),
        ("", "auto f = [] (float a) { return a; }; y[0] = f(x[0]);", "TV0111", "a lambda"),
        ("union U { float f; unsigned u; };", "U v; v.f = x[0]; y[0] = v.f;", "TV0111", "`U`, whose declaration"),
        ("struct S { unsigned a : 4; };", "S v; y[0] = 1.f;", "TV0111", "`S`, whose declaration"),
        ("__device__ half2 operator+(half2 a, half2 b) { return a; }", "y[0] = 1.f;", "TV0111", "`operator+` overloaded"),
        ("enum E { A, B };\n__device__ int operator|(E a, E b) { return 0; }", "y[A | B] = 1.f;", "TV0111", "`operator|`"),
        ("template <typename T> __device__ T operator+(T a, T b) { return a; }", "float4 a; a = a + a;", "TV0113", "float4 + float4"),
        ("", "float4 a; a = a + a;", "TV0113", "float4 + float4"),
        (INTO, "float4 a = make_float4(1, 2, 3, 4); float4 b = (a += a); y[0] = b.x;", "TV0113", "void"),
        ("__device__ float4 operator*(float4 a, float s) { return a * s; }", "float4 a; a = a * 2.f;", "TV0116", "calls itself"),
        ("", "switch (n) { case 0: if (x[0] > 0) break; y[0] = 1.f; break; default: y[1] = 1.f; }", "TV0111", "in the middle"),
        ("", "int a = 5; switch (n) { case 0: ; int a; break; case 1: a = 2; break; } y[a] = 1.f;", "TV0111", "another `case`"),
        ("", "const int A = 1; switch (n) { case 0: ; const int A = 2; break; case A: y[0] = 1.f; }", "TV0111", "another `case`"),
        ("", "const int A = 1; switch (n) { case 0: ; const int A = 2; break; default: ; float z[A]; z[0] = 1.f; y[0] = z[0]; }", "TV0111", "another `case`"),
        ("", "typedef float T; switch (n) { case 0: ; typedef int T; break; default: y[0] = (T)x[0]; }", "TV0111", "a type declared"),
        ("enum { A };", "switch (n) { case 0: ; enum { A = 4 }; break; default: y[A] = 1.f; }", "TV0111", "a type declared"),
        ("struct S { float a; };", "switch (n) { case 0: ; using S = double; break; default: y[sizeof(S)] = 1.f; }", "TV0111", "a type declared"),
    ],
)  # fmt: skip
def test_a_near_miss_is_named(before: str, code: str, reported: str, words: str) -> None:
    text = f"{before}\n__global__ void k(float* y, const float* x, int n) {{ {code} }}"
    with pytest.raises(TvError) as caught:
        read(Path("k.cu"), text, CompileOptions(), wanted=("k",))
    assert caught.value.code == reported, caught.value.message
    assert words in caught.value.message
