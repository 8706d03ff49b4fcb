"""Which declaration a name means: what stands above it, its own before its initializer, one object for one declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body, kernel, printed
from tv.cuda_frontend import read
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions

READERS = ("c", "clang")


def refusal(text: str, frontend: str = "c") -> TvError:
    with pytest.raises(TvError) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend=frontend)
    return caught.value


def stores(text: str, frontend: str = "c") -> list[str]:
    return [s for s in printed(kernel(text, frontend=frontend).body) if s.startswith("store")]


# ------------------------------------------------------------------------------------------------ order
@pytest.mark.parametrize("frontend", READERS)
def test_an_overload_declared_later_is_no_candidate(frontend: str) -> None:
    text = (
        "__device__ float f(double v) { return -v; }\n__device__ float g(float v) { return f(v); }\n"
        "__device__ float f(float v) { return v; }\n__global__ void k(float* y, float v) { y[0] = g(v); }\n"
    )
    assert stores(text, frontend) == ["store y[0:i64]:1xf32 = f32(neg(v.3))"]


@pytest.mark.parametrize("frontend", READERS)
def test_a_built_in_is_meant_above_an_overload_of_it(frontend: str) -> None:
    text = (
        "__global__ void k(float* y, float v) { y[0] = max(v, 0.f); }\n"
        "__device__ float max(float v, float w) { return -v; }\n"
    )
    assert stores(text, frontend) == ["store y[0:i64]:1xf32 = fmax.f32(v, 0x0:f32)"]


@pytest.mark.parametrize("frontend", READERS)
def test_a_prototype_declares(frontend: str) -> None:
    text = (
        "__device__ float g(float v);\n__global__ void k(float* y, float v) { y[0] = g(v); }\n"
        "__device__ float g(float v) { return -v; }\n"
    )
    assert stores(text, frontend) == ["store y[0:i64]:1xf32 = neg(v.2)"]


@pytest.mark.parametrize("frontend", READERS)
def test_a_template_is_refused_where_a_later_overload_may_be_meant(frontend: str) -> None:
    error = refusal(
        "__device__ float g(double v) { return v; }\ntemplate <typename T> __device__ float h(T v) { return g(v); }\n"
        "__device__ float g(float v) { return -v; }\n__global__ void k(float* y) { y[0] = h(1.f); }\n",
        frontend,
    )
    assert (type(error), error.span.line) == (Unsupported, 2)


@pytest.mark.parametrize(
    "text",
    [
        "__global__ void k(float* y) { y[0] = g(1.f); }\n__device__ float g(float v) { return v; }\n",
        "__global__ void k(float* y) { y[0] = c; }\n__constant__ float c = 2.f;\n",
    ],
)
@pytest.mark.parametrize("frontend", READERS)
def test_what_is_declared_only_later_is_unknown(text: str, frontend: str) -> None:
    error = refusal(text, frontend)
    assert (type(error), error.span.line) == (BadInput, 1)


@pytest.mark.parametrize("frontend", READERS)
def test_a_constant_sees_what_stands_above_it(frontend: str) -> None:
    text = (
        "__device__ constexpr int g(long v) { return 1; }\nconstexpr int n = g(1);\n"
        "__device__ constexpr int g(int v) { return 2; }\n__global__ void k(int* y) { y[0] = n; }\n"
    )
    assert stores(text, frontend) == ["store y[0:i64]:1xi32 = 1:i32"]


def test_a_method_sees_what_stands_above_its_struct() -> None:
    text = (
        "__device__ float g(double v) { return v; }\n"
        "struct A { float a; __device__ float m(float v) { return g(v) + a; } };\n"
        "__device__ float g(float v) { return -v; }\n__global__ void k(float* y, A a) { y[0] = a.m(2.f); }\n"
    )
    assert stores(text, "clang") == ["store y[0:i64]:1xf32 = add.f32(0x40000000:f32, t)"]


def test_types_of_parameters_are_the_file_s() -> None:
    text = (
        "typedef float R;\n__device__ float f(R v) { return v; }\n__device__ float f(double v) { return -v; }\n"
        "__global__ void k(float* y, double v) { typedef double R; R w = v; y[0] = f(w); }\n"
    )
    assert stores(text) == ["store y[0:i64]:1xf32 = f32(neg(v.2))"]


# ------------------------------------------------------------------------------------------------ names of namespaces
@pytest.mark.parametrize(
    ("before", "code"),
    [
        ("namespace a { enum { N = 4 }; }\nnamespace b { enum { N = 8 }; }", "TV0122"),
        ("const int N = 8;\nnamespace a { enum { N = 4 }; }", "TV0122"),
        ("namespace a { const int warpSize = 64; }", "TV0109"),
        ("namespace a { enum { warpSize = 64 }; }", "TV0109"),
        ("namespace a { typedef double uint; }", "TV0109"),
    ],
)
def test_one_name_with_two_meanings_is_refused(before: str, code: str) -> None:
    assert refusal(f"{before}\n__global__ void k(int* y) {{ y[0] = 1; }}\n").code == code


def test_a_type_named_as_what_it_is() -> None:
    assert stores("typedef unsigned int uint;\n__global__ void k(uint* y, uint v) { y[0] = v; }\n") == [
        "store y[0:i64]:1xu32 = v"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "__device__ float c = 2.f;\n__global__ void k(float* y) { float c = 1.f; y[0] = ::c; }\n",
        "namespace a { __device__ float c = 2.f; }\n__global__ void k(float* y, float c) { y[0] = a::c; }\n",
        "namespace a { typedef double T; }\n__global__ void k(float* y) { typedef float T; y[0] = sizeof(a::T); }\n",
        (
            "namespace a { const int N = 2; }\ntemplate <int N> __device__ int f() { return a::N; }\n"
            "__global__ void k(int* y) { y[0] = f<3>(); }\n"
        ),
    ],
)
@pytest.mark.parametrize("frontend", READERS)
def test_a_qualified_name_is_no_local_one(text: str, frontend: str) -> None:
    assert refusal(text, frontend).code in ("TV0122", "TV0112", "TV0123")


def test_a_qualified_name_that_nothing_hides() -> None:
    text = "namespace a { const int N = 2; }\n__global__ void k(int* y) { int n = 1; y[0] = a::N + n; }\n"
    assert stores(text) == stores(text, "clang") == ["store y[0:i64]:1xi32 = add.i32(2:i32, n)"]


def test_a_method_comes_before_a_function() -> None:
    text = (
        "__device__ float g(float v) { return v; }\nstruct A { float a; __device__ float g(float v) { return -v; }\n"
        "__device__ float h(float v) { return g(v); } };\n__global__ void k(float* y, A a) { y[0] = a.h(2.f); }\n"
    )
    error = refusal(text, "clang")
    assert (error.code, error.span.line) == ("TV0111", 3)


def test_a_built_in_of_std_is_the_built_in() -> None:
    assert body("y[0] = std::fmax(x[0], 1.f);") == body("y[0] = fmaxf(x[0], 1.f);")
    assert body("int a = std::abs(n); y[0] = a;") == body("int a = abs(n); y[0] = a;")


# ------------------------------------------------------------------------------------------------ own initializers
@pytest.mark.parametrize(
    "code",
    [
        "int i = n; { int i = i; y[i] = 1.f; }",
        "int i = n; for (int i = i; i < 4; ++i) y[i] = 1.f;",
        "float v[2] = {1.f, 2.f}; { float v[2] = {v[1], v[0]}; y[0] = v[0]; }",
        "float v = 1.f; { float v = n > 0 ? v : 2.f; y[0] = v; }",
        "float* p = y; { float* p = p + 1; p[0] = 1.f; }",
        "float v = 1.f; { auto v = v + 1.f; y[0] = v; }",
        "float v = 1.f; { float& v = v; y[0] = v; }",
    ],
)
@pytest.mark.parametrize("frontend", READERS)
def test_a_variable_in_its_own_initializer(code: str, frontend: str) -> None:
    error = refusal(f"__global__ void k(float* y, int n) {{\n{code}\n}}\n", frontend)
    assert error.code in ("TV0124", "TV0108")  # libclang itself rejects `auto`
    assert error.span.line == 2


def test_sizeof_in_an_initializer_sees_the_new_variable() -> None:
    assert body("double v = 1; { float v = sizeof(v); y[0] = v; }")[-2:] == [
        "v.2:f32 = 0x40800000:f32",
        "store y[0:i64]:1xf32 = v.2",
    ]
    outer = kernel("__global__ void k(float* y) { double v = 1; { float v[sizeof(v)]; v[7] = 1.f; y[0] = v[7]; } }")
    assert outer.objects["v.2"].extents == (8,)


# ------------------------------------------------------------------------------------------------ identity
@pytest.mark.parametrize("frontend", READERS)
def test_arrays_declared_by_one_macro_are_two(frontend: str) -> None:
    text = (
        "#define TWO { __shared__ float s[4]; s[0] = 1.f; } { __shared__ float s[4]; s[0] = 2.f; }\n"
        "__global__ void k(float* y) { TWO }\n"
    )
    assert stores(text, frontend) == [
        "store s[0:i64]:1xf32 = 0x3f800000:f32",
        "store s.2[0:i64]:1xf32 = 0x40000000:f32",
    ]


@pytest.mark.parametrize("frontend", READERS)
def test_an_array_of_a_function_is_one_for_each_instance(frontend: str) -> None:
    text = (
        "template <int N> __device__ void s(float v) { __shared__ float b[4]; b[0] = v; }\n"
        "__global__ void k(float* y) { s<1>(1.f); s<2>(2.f); s<1>(3.f); }\n"
    )
    assert [s.split("[")[0] for s in stores(text, frontend)] == ["store b", "store b.2", "store b"]


def test_unnamed_structs_of_one_macro_are_two() -> None:
    text = (
        "#define TWO { struct { float a; } v; v.a = x; y[0] = v.a; } { struct { double a; } v; v.a = x; y[1] = v.a; }\n"
        "__global__ void k(float* y, float x) { TWO }\n"
    )
    assert stores(text) == ["store y[0:i64]:1xf32 = v.a", "store y[4:i64]:1xf32 = f32(v.2.a)"]


def test_two_local_structs_of_one_name_are_refused() -> None:
    two = (
        "{ struct S { float a; }; S v; v.a = 1.f; y[0] = v.a; } { struct S { double a; }; S v; v.a = 1.f; y[1] = v.a; }"
    )
    assert refusal(f"__global__ void k(float* y) {{ {two} }}\n").code == "TV0122"
