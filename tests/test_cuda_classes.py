"""Classes of C++ in the C reader: templates of structs, constants, constructors, subscripts; braces; what is refused of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body, printed
from tv.cuda_frontend import read
from tv.cuda_frontend.preprocess import include_guard
from tv.diagnostic import TvError
from tv.kernel import Kernel
from tv.launch import CompileOptions

PACK = """
template <typename T> struct alignas(16) Pack {
    static constexpr int count = 16 / sizeof(T);
    T elem[count];
    Pack() = default;
    __device__ explicit Pack(int4 bits) { memcpy(&elem, &bits, sizeof(bits)); }
    __device__ T& operator[](int i) { return elem[i]; }
    __device__ const T& operator[](int i) const { return elem[count - 1 - i]; }
};
"""


def kernel(text: str) -> Kernel:
    return read(Path("k.cu"), text, CompileOptions(), frontend="c").kernels["k"]


def refusal(text: str) -> TvError:
    with pytest.raises(TvError) as caught:
        kernel(text)
    return caught.value


def code(statements: str, before: str = PACK) -> str:
    return f"{before}\n__global__ void k(float* y, const float* x, int n) {{ int t = threadIdx.x; {statements} }}"


def lines(statements: str, before: str = PACK) -> list[str]:
    return printed(kernel(code(statements, before)).body)


# ------------------------------------------------------------------------------------------------ what is read
def test_a_constant_of_a_class_is_that_of_its_instance() -> None:
    for name, count in (("float", 4), ("half", 8), ("double", 2)):
        assert lines(f"using P = Pack<{name}>; y[0] = P::count;") == lines(f"y[0] = {count};")


def test_a_subscript_is_the_member_that_its_operator_returns() -> None:
    """The operator of a constant object is the one declared const."""
    assert lines("Pack<float> p; p[1] = x[t]; y[t] = p[1];")[-2:] == lines("Pack<float> p; p.elem[1] = x[t]; y[t] = p.elem[1];")[-2:]  # fmt: skip
    source = "Pack<float> p; p[0] = x[t]; p[1] = x[t]; p[2] = x[t]; p[3] = x[t]; const Pack<float> q = p;"
    assert lines(f"{source} y[t] = q[1];")[-2:] == lines(f"{source} y[t] = q.elem[2];")[-2:]


def test_a_constructor_fills_the_object_from_bits() -> None:
    made = lines("const int4* v = reinterpret_cast<const int4*>(x); Pack<float> p = Pack<float>{v[t]}; y[t] = p[3];")
    assert sum(line.startswith("store") and ":4xi32" in line for line in made) == 1, made


def test_inner_braces_may_be_left_out() -> None:
    flat, full = (
        body(f"float a[2][2] = {init}; y[0] = a[n][n];") for init in ("{x[0], 1.f, 2.f}", "{{x[0], 1.f}, {2.f}}")
    )
    assert flat == full
    assert body("float a[2][2] = {0.f}; y[0] = a[n][n];") == body("float a[2][2] = {}; y[0] = a[n][n];")
    assert body("float a[3][2] = {{x[0]}, 1.f, 2.f}; y[0] = a[n][n];") == body("float a[3][2] = {{x[0], 0.f}, {1.f, 2.f}}; y[0] = a[n][n];")  # fmt: skip


def test_a_kernel_template_may_be_declared_before() -> None:
    declared = (
        "template <int N> __global__ void s(float* y); template <int N> __global__ void s(float* y) { y[0] = N; }"
    )
    found = read(Path("k.cu"), declared, CompileOptions(), frontend="c", wanted=("s<3>",))
    assert printed(found.kernels["s<3>"].body)


# ------------------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    "before",
    [
        "template <typename T> struct P { T v; }; template <typename T> struct P<T*> { T v, w; };",
        "template <typename T> struct P { T v; }; template <typename T> struct P<T*> { T w; };",
        "struct B { float w; }; template <typename T> struct P : B { T v; };",
        "template <typename T> struct P { T v; P(T a) : v(a) {} };",
        "template <typename T> struct P { T v; P(T a) { v = a; } };",
        "template <typename T> struct P { T v; virtual __device__ void f() {} };",
        "template <typename T> struct P { T v = 1; };",
        "template <typename T> struct P { T v; static T w; };",
        "template <typename T> struct P { T v; __device__ operator T() const { return v; } };",
        "template <typename T> struct P { T v; __device__ ~P() { v = 0; } };",
        "template <typename T> class P { T v; };",
        "template <typename T> struct P { static constexpr int n = 1; T v; }; template <> constexpr int P<float>::n = 2;",
        "template <class T> struct P { T v; __device__ T f() { return v; } }; template <> __device__ float P<float>::f() { return 0; }",
        "template <typename T> struct P { T v; P() = default; __device__ P(const P& o) { v = 0; } };",
        "template <typename T> struct P { T v; P() = default; __device__ P(const P<T>& o) { v = 0; } };",
        "template <typename T> struct P { T v; __device__ P& operator=(const P& o) { v = 0; return *this; } };",
        "template <typename T> struct P { T v; template <typename U> __device__ P(U u) { v = u; } };",
    ],
)
def test_classes_of_which_more_would_have_to_be_known(before: str) -> None:
    assert refusal(code("P<float> p; p.v = x[t]; y[t] = p.v;", before)).code in ("TV0108", "TV0111", "TV0112", "TV0123")


@pytest.mark.parametrize(
    ("statements", "before"),
    [
        ("P p; y[t] = p.v;", "struct P { float v; __device__ P() { v = 1.f; } };"),
        ("Q q; y[t] = q.p.v;", "struct P { float v; __device__ P() { v = 1.f; } }; struct Q { P p; };"),
        ("P p[2]; y[t] = p[t].v;", "struct P { float v; __device__ P() { v = 1.f; } };"),
        ("Q q{x[t]}; y[t] = q.p.v;", "struct P { float v; __device__ P() { v = 1.f; } }; struct Q { float a; P p; };"),
        (
            "Q q[2] = {{x[t]}}; y[t] = q[1].p.v;",
            "struct P { float v; __device__ P() { v = 1.f; } }; struct Q { float a; P p; };",
        ),
        ("P p{x[t]}; y[t] = p.v;", "struct P { float v; __device__ P(float a, float b) { v = a + b; } };"),
        ("P p{}; y[t] = p.v;", "struct P { float v; __device__ P(float a) { v = a; } };"),
        (
            "P p; y[t] = p[0];",
            "struct P { float v[2]; __device__ float& operator[](int i) { v[i] += 1.f; return v[i]; } };",
        ),
        ("P p; y[t] = p[0];", "struct P { float v[2]; __device__ float operator[](int i) { return v[i]; } };"),
        (
            "const P p = {x[t]}; y[t] = p[0];",
            "struct P { float v[2]; __device__ float& operator[](int i) { return v[i]; } };",
        ),
        ("int4 v; memcpy(&v, x + 4 * t, 16); y[t] = v.x;", ""),
        ("float a[8]; int4 v; memcpy(&v, a, 16); y[t] = v.x;", ""),
        ("__align__(16) float a[8]; int4 v; memcpy(&v, a + 1, 16); y[t] = v.x;", ""),
        ("__align__(16) float a[8]; int4 v; memcpy(&v, a, 8); y[t] = v.x;", ""),
        ("y[t] = Pack<float>::count;", PACK),
        ("y[t] = P::c;", "__constant__ float c = 2.f; struct P { static const float c = 1.f; float v; };"),
        (
            "P p; p.v = 1.f; y[t] = p.f();",
            "constexpr int c = 2; struct P { float v; static constexpr float c = 1.f; __device__ float f() { return v * c; } };",
        ),
    ],
)
def test_members_that_do_more_than_is_read(statements: str, before: str) -> None:
    assert refusal(code(statements, before)).code in ("TV0108", "TV0111", "TV0112", "TV0113")


@pytest.mark.parametrize("text", ["float a[2][2] = {v, v, v, v, v};", "struct S { float a, b; }; S s[2] = {v, v};"])
def test_lists_that_do_not_fit_their_array(text: str) -> None:
    assert refusal(code(f"float v = x[t]; {text} y[t] = v;", "")).code in ("TV0111", "TV0113")


# ------------------------------------------------------------------------------------------------ conditions
def test_the_guard_of_the_whole_file_needs_no_answer() -> None:
    inner = "__global__ void k(float* y) { y[0] = 1.f; }\n"
    guarded = f"#ifndef _K_H_\n#define _K_H_\n{inner}#endif\n"
    assert include_guard(guarded) == "_K_H_"
    assert kernel(guarded).name == "k"
    for text in (
        f"#ifndef _K_H_\n#define _K_H_\n#endif\n{inner}",
        f"#ifndef _K_H_\n#define _K_H_ 1\n{inner}#endif\n",
        f"#ifndef _K_H_\n#define _K_H_\n{inner}#else\n{inner}#endif\n",
        f"#ifndef _K_H_\n#define _OTHER_H_\n{inner}#endif\n",
        f"#ifndef _K_H_\n#define _K_H_\n#endif\n{inner}#ifdef _K_H_\n#endif\n",
    ):
        assert include_guard(text) == ""
    assert refusal(f"#ifndef _K_H_\n#define _K_H_\n#endif\n{inner}").code == "TV0107"


def test_a_condition_that_decides_nothing_is_not_asked() -> None:
    inner = "__global__ void k(float* y) { y[0] = 1.f; }"
    assert kernel(f"#if defined(_WIN32) || defined(WIN64)\n#ifndef _CRT_X\n#endif\n#endif\n{inner}").name == "k"
    assert kernel(f"#if 0\n#if _UNKNOWN > 3\n#endif\n#elif 1\n#elif _ALSO > 2\n#endif\n{inner}").name == "k"
    for text in (
        "#if 1\n#ifdef _X\n#endif\n#endif",
        "#if 0\n#elif defined(_X)\n#endif",
        "#if defined(_X) || 1\n#endif",
    ):
        assert refusal(f"{text}\n{inner}").code == "TV0107"


# ------------------------------------------------------------------------------------------------ products of 24 bits
def low24(x: int, signed: bool) -> int:
    bits = x & 0xFFFFFF
    return bits - (1 << 24) if signed and bits >> 23 else bits


@pytest.mark.parametrize("a", [0, 3, -5, 0x7FFFFF, 0x800000, 0x1234567, -0x7FFFFFFF, 0x7FFFFFFF])
@pytest.mark.parametrize("b", [1, -1, 0x812345, 0xFFFFFF])
@pytest.mark.parametrize(("name", "t"), [("__mul24", "int"), ("__umul24", "unsigned")])
def test_a_product_of_24_bits_ignores_what_is_above(a: int, b: int, name: str, t: str) -> None:
    product = low24(a, t == "int") * low24(b, t == "int") & 0xFFFFFFFF
    made = printed(kernel(f"__global__ void k({t}* y) {{ y[0] = {name}({a}, {b}); }}").body)
    same = printed(kernel(f"__global__ void k({t}* y) {{ y[0] = ({t}){product}u; }}").body)
    assert made == same
