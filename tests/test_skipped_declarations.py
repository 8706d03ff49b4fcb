"""What is skipped as host code declares names, opens namespaces and holds pragmas all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body
from tv.cuda_frontend import read
from tv.cuda_frontend.external import UnitParser
from tv.cuda_frontend.preprocess import preprocess
from tv.cuda_frontend.skipped import introduced, is_function
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions

KERNEL = "\n__global__ void k(float* y) {{ y[0] = {}; }}\n"
READERS = pytest.mark.parametrize("frontend", ["c", "clang"])


def shape(text: str) -> tuple[bool, str]:
    """Whether a declaration is one of a function, and the names that it may declare otherwise."""
    lexer = UnitParser().clex
    lexer.source = None
    lexer.input(text, "k.cu")
    found = list(iter(lexer.token, None))
    return is_function(found), " ".join(sorted(introduced(found)))


@pytest.mark.parametrize(
    "text",
    [
        "void f() {}", "void f();", "int f(int a, const float* b);", "static inline T f(T a) noexcept { return a; }",
        "auto f(T a) -> decltype(a) { return a; }", "A::A(int a) : b(a) {}", "int f(A) { return 1; }",
        "void f(struct S s);", "bool operator==(A a, B b) { return true; }",
    ],
)  # fmt: skip
def test_a_function(text: str) -> None:
    assert shape(text)[0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("const int M(5);", "M"),
        ("const int M{5};", "M"),
        ("int L(3), M = 5;", "L M"),
        ("int f(), M = 5;", "M f"),
        ("int (*M)(int);", "M"),
        ("T (M)(5);", "M"),
        ("T (M){5};", "M"),
        ("const T (M){5};", "M"),
        ("int M(int(5));", "M"),
        ("T M(a * b);", "M b"),
        ("constexpr int M = N<int> + 1;", "M"),
        ("int M = a, L[2] = {b, c};", "L M"),
        ("enum : int { M = 1, L } K;", "K L M"),
        ("static union { int M; float L; };", "L M"),
        ("class T { int M; } K;", "K T"),
        ("struct alignas(8) T { int M; };", "T"),
        ("extern const int A::M;", ""),
        ("auto M = [](int a) { int b = a; return b; };", "M"),
        ("dim3 M(A, B)", "A B M"),
    ],
)
def test_something_else(text: str, names: str) -> None:
    function, declared = shape(text)
    assert not function
    assert set(names.split()) <= set(declared.split())


@READERS
@pytest.mark.parametrize(
    "text",
    [
        "namespace A { const int M = 4; } const int M(5);",
        "const int M = 4; namespace A { const int M(5); __device__ int f() { return M; } }",
        "namespace A { const int M = 4; } namespace B { const int M(5); } using namespace B;",
        'namespace A { const int M = 4; } extern "C" { const int M(5); }',
        "namespace A { const int M = 4; } constexpr int M{5};",
        "namespace A { enum { M = 4 }; } const int L(3), M(5);",
        "namespace A { constexpr int M = 4; } inline namespace v { constexpr int M = 5; }",
        "namespace A { const int M = 4; } template <class T> constexpr int N = 4; constexpr int M = N<int> + 1;",
    ],
)
def test_a_name_of_two_namespaces(text: str, frontend: str) -> None:
    with pytest.raises(TvError):
        read(
            Path("k.cu"), text + KERNEL.format("A::f()" if "f()" in text else "M"), CompileOptions(), frontend=frontend
        )


@pytest.mark.parametrize(
    "text",
    [
        "namespace S { const int N = 4; } struct T { enum { N = 6 }; }; using S = T;",
        "namespace X { namespace S { const int N = 4; } } enum class S { N = 6 };",
        "namespace A { const int N = 4; } __device__ int q() { namespace S = A; return S::N; } struct S { int a; };",
        "namespace S { const int N = 4; } template <class S> __device__ int f() { return S::N; }",
        "namespace S { const int N = 4; } typedef struct { int a; } S;",
    ],
)
def test_a_namespace_by_the_name_of_a_type(text: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), text + KERNEL.format("1.f"), CompileOptions(), frontend="c")
    assert caught.value.code == "TV0122"


@pytest.mark.parametrize("name", ["warpSize", "threadIdx", "gridDim"])
def test_a_built_in_variable_is_not_declared_where_nothing_is_read(name: str) -> None:
    text = f"namespace A {{ const int {name}(5); }}" + KERNEL.format("1.f")
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend="c")
    assert caught.value.code == "TV0109"


@READERS
@pytest.mark.parametrize(
    "text",
    [
        "inline namespace v1 { __device__ float f(float a) { return a + 2.f; } } float f_host(float a) { return a; }",
        "namespace host { float f(float a) { return a; } } __device__ float f(float a) { return a + 2.f; }",
        "struct Runner { int f_; } f_runner; __device__ float f(float a) { return a + 2.f; }",
        "static const int WIDTH(32); __device__ float f(float a) { return a + 2.f; }",
        "void g() {\n#pragma omp parallel for\nfor (;;) {} }\n__device__ float f(float a) { return a + 2.f; }",
    ],
)
def test_host_code_beside_device_code(text: str, frontend: str) -> None:
    assert body("y[0] = f(1.f);", before=text, frontend=frontend)[-1].endswith(
        "add.f32(0x3f800000:f32, 0x40000000:f32)"
    )


def test_a_constant_in_parentheses_is_read_by_the_other_reader() -> None:
    text = "const int M(5);" + KERNEL.format("M")
    with pytest.raises(Unsupported):
        read(Path("k.cu"), text, CompileOptions(), frontend="c")
    assert read(Path("k.cu"), text, CompileOptions()).kernels["k"].body


# ------------------------------------------------------------------------------------------------ pragmas
@READERS
@pytest.mark.parametrize(
    "text",
    [
        "inline void f() {\n#pragma pack(1)\n}",
        "__device__ void f() {\n#pragma pack(push, 2)\n}",
        "struct S { virtual void f();\n#pragma pack(1)\n};",
        'inline void f() {\n_Pragma("pack(1)") }',
        '#define P(x) _Pragma(#x)\nP(pack(1)) int a;',
        'inline void f() {\n_Pragma(L"push_macro(\\"A\\")") }',
        'inline void f() {\n_Pragma(u8"push_macro(\\"A\\")") }',
        'inline void f() {\n_Pragma("/* */ pop_macro(\\"A\\")") }',
        "inline void f() {\n#pragma GCC push_options\n}",
        "inline void f() {\n#  pragma redefine_extname a b\n}",
        'inline void f() {\n_Pragma("unroll" "1") }',
        "inline void f() {\n_Pragma(unroll) }",
        "inline void f() {\n_Pragma }",
    ],
)  # fmt: skip
def test_a_pragma_outlasts_the_code_around_it(text: str, frontend: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), text + KERNEL.format("1.f"), CompileOptions(), frontend=frontend)
    assert (caught.value.code, caught.value.span.line) == ("TV0125", 2)


def test_a_pragma_of_host_code_is_none_of_device_code() -> None:
    device = "__global__ void k(float* y) {\n#pragma omp simd\nfor (int i = 0; i < 4; ++i) y[i] = 1.f; }"
    assert preprocess(Path("k.cu"), device, CompileOptions()).text
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), device, CompileOptions(), frontend="c")
    assert caught.value.code == "TV0125"


# ------------------------------------------------------------------------------------------------ functions of headers
@pytest.mark.parametrize("call", ["logb(3.f)", "scalbn(3.f, 1)", "lround(3.f)"])
def test_a_function_by_the_name_of_a_header_s_takes_its_very_types(call: str) -> None:
    name = call.split("(")[0]
    more = ", int b" if "," in call else ""
    before = f"__device__ int {name}(int a{more}) {{ return 7; }}"
    with pytest.raises(Unsupported, match="overload resolution"):
        body(f"y[0] = {call};", before=before)
    assert body(f"y[0] = {call.replace('3.f', '3')};", before=before)


def test_the_type_of_a_call_that_host_code_overloads() -> None:
    before = "int f(float a) { return 1; } __device__ double f(double a) { return a; }"
    with pytest.raises(Unsupported, match="the type of a call"):
        body("y[0] = sizeof(f(1.0));", before=before)


# ------------------------------------------------------------------------------------------------ enumerators
@pytest.mark.parametrize(
    ("items", "value"),
    [
        ("A = 1u, B = (A - 2 > 0)", 1), ("A = 1, B = (A - 2 > 0)", 0), ("A = 1LL, B = sizeof(A)", 8), ("A = 'a', B = sizeof(A)", 1),
        ("A = sizeof(long), B = A - 9 < 0", 0), ("A = 1u, C, B = (C - 3 > 0)", 1), ("A = true, B = sizeof(A)", 1),
        ("A = 1, B = sizeof(A)", 4), ("A = 3, B = ~A", -4),
    ],
)  # fmt: skip
def test_an_enumerator_in_its_own_list(items: str, value: int) -> None:
    printed = body("y[0] = B; y[1] = sizeof(A);", "int* y", f"enum {{ {items} }};")
    assert printed == [f"store y[0:i64]:1xi32 = {value % 2**32}:i32", "store y[4:i64]:1xi32 = 4:i32"]


def test_an_enumerator_of_fixed_type_has_it_in_its_list() -> None:
    assert body("y[0] = B;", "int* y", "enum E : unsigned char { A = 'a', B = sizeof(A) };")[-1].endswith("= 1:i32")
    assert body("y[0] = (int)E::B;", "int* y", "enum class E { A = 'a', B = sizeof(A) };")[-1].endswith("= 4:i32")
    with pytest.raises((BadInput, Unsupported)):
        body("y[0] = B;", "int* y", "enum { A = 'a' + 0ull, C = (char)127, B };")
