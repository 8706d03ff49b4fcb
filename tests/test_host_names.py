"""What a name means at a launch: host code that may declare it anew, in any form, keeps the launch from being read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tv.cuda_frontend import read
from tv.diagnostic import Unsupported
from tv.kernel import HostLaunch
from tv.launch import CompileOptions

FILE = """
__global__ void negate(const float* x, float* y, int n) { if (threadIdx.x < n) y[threadIdx.x] = -x[threadIdx.x]; }
__host__ __device__ constexpr int f(int a) { return a; }
typedef int T;
template <typename U> __global__ void typed(float* y) { y[0] = sizeof(U); }
const int N = 256;
"""
BLOCK = "int n = 256; dim3 b(f(n)); negate<<<1, b>>>(x, y, n);"
SIZE = "int n = sizeof(size_t) * 32; negate<<<1, 256>>>(x, y, n);"


def launches(body: str, parameters: str = "const float* x, float* y", head: str = "") -> tuple[HostLaunch, ...]:
    text = f"{FILE}{head} void run({parameters}) {{ {body} }}\n"
    return read(Path("k.cu"), text, CompileOptions(), frontend="c", wanted=("negate",)).launches


@pytest.mark.parametrize(
    "code",
    [
        "",
        "int g = f(3); int h = (f(3) + 1) / 2;",
        "if (f(3) > 2) f(4); while ((f(2))) { f(1); }",
        'printf("%d %d", 3, f(3));',
        "int k = (int) f(5) + max(f(3), 2); int m = g(h(f(5)));",
        "f(3); { f(4); } f(5);",
        "for (int i = f(0); i < f(9); i = f(1)) f(i);",
        "cudaFuncSetAttribute(negate, 3, 4);",
    ],
)
def test_calls_leave_a_function_what_it_is(code: str) -> None:
    (found,) = launches(code + BLOCK)
    assert (found.block, found.args) == ((256, 1, 1), ("x", "y", "256"))


@pytest.mark.parametrize(
    "code",
    [
        "auto g = l, f = l;",
        "auto g = l, f(l);",
        "auto [g, f] = q;",
        "auto [f] = q;",
        "int (f)(int&);",
        "int ((f))(int&);",
        "int ((f)(int&));",
        "int (f(int&));",
        "T (f(int&));",
        "T (f);",
        "int (*f)(int&) = q;",
        "int (&f)(int&) = q;",
        "decltype(l) f(l);",
        "struct { int operator()(int& a) { return a = 128; } } f;",
        "struct S { S(int) {} int operator()(int& a) { return a = 128; } } f(3);",
        "struct f { f(int&); };",
        "using other::f;",
        "using f = S;",
        "auto f [[maybe_unused]] = l;",
        "for (auto a = 1, f = l; a < 3;) {}",
        "for (auto a = 1, f(l); a < 3;) {}",
        "if (auto a = 1, f = l; a) {}",
        "for (auto f : q) {}",
        "enum { A, f };",
        "l([x, g = l, f = l] { });",
        "[g = l, f = l] { }();",
        "l([](int, auto f) { });",
        "l([](int (f)(int&)) { });",
        "try {} catch (F f) {}",
    ],
)
def test_a_function_that_may_be_declared_anew(code: str) -> None:
    assert all("256" not in found.args for found in launches(code + BLOCK))


@pytest.mark.parametrize("parameters", ["int (f)(int&)", "int f(int&)", "F f", "int a, int (*f)(int&)", "F (f)"])
def test_a_parameter_of_its_name(parameters: str) -> None:
    assert all("256" not in found.args for found in launches(BLOCK, f"const float* x, float* y, {parameters}"))


@pytest.mark.parametrize(
    "head", ["template <int (*f)(int&)>", "template <int f(int&)>", "template <int a, int (f)(int&)>"]
)
def test_a_template_parameter_of_its_name(head: str) -> None:
    assert all("256" not in found.args for found in launches(BLOCK, head=head))


@pytest.mark.parametrize(
    "code",
    [
        "",
        "size_t a = 3; const size_t b = 4; static size_t c; for (size_t i = 0; i < 3; ++i) {}",
        "int k = (size_t)3.5 + 2; k = g((size_t)k, sizeof(size_t)); auto m = size_t(k); auto v = Q<size_t, 3>();",
        "size_t const a = 3; auto l = [](size_t a) { return (size_t)(a); };",
    ],
)
def test_uses_leave_a_type_what_it_is(code: str) -> None:
    (found,) = launches(code + SIZE)
    assert found.args[-1] == "256"


@pytest.mark.parametrize(
    "code",
    [
        "typedef short (size_t);",
        "typedef short ((size_t));",
        "typedef short (*S), (size_t);",
        "typedef short S, size_t;",
        "typedef short (size_t)[3];",
        "typedef short (size_t)(int);",
        "short const size_t(3);",
        "short const size_t{3};",
        "short static size_t(3);",
        "short constexpr size_t(3);",
        "short size_t = 3;",
        "enum { A } size_t(A);",
        "struct S {} size_t(q);",
        "struct size_t { char c; };",
        "using size_t = short;",
        "auto [a, size_t] = q;",
        "l([a = 1, size_t = 'c'] {});",
        "auto a = 1, size_t = 'c';",
        "for (char a = 1, size_t = 2; a;) {}",
    ],
)
def test_a_type_that_may_be_declared_anew(code: str) -> None:
    assert all("256" not in found.args for found in launches(code + SIZE))


@pytest.mark.parametrize(
    "code",
    [
        "typedef unsigned char (dim3); dim3 b(256 + 64);",
        "int const dim3(int); auto b = dim3(320);",
        "int (dim3)(int); auto b = dim3(320);",
        "struct dim3 { dim3(int& a) { a = 128; } }; int n = 320; dim3 b(n);",
    ],
)
def test_another_dim3(code: str) -> None:
    last = "n" if " n " in code else "320"
    (found,) = launches(f"{code} negate<<<1, b>>>(x, y, {last});")
    assert found.block is None
    assert found.args[-1] == last


@pytest.mark.parametrize("code", ["typedef short (T);", "typedef short S, T;", "short const T(3);", "using T = short;"])
def test_a_template_argument_that_may_be_declared_anew(code: str) -> None:
    assert [found.kernel for found in launches("typed<T><<<1, 1>>>(y);")] == ["typed<T>"]
    assert launches(code + "typed<T><<<1, 1>>>(y);") == ()


@pytest.mark.parametrize(
    "code",
    [
        "int (N) = 128;",
        "int (N)(128);",
        "auto a = 1, N = 128;",
        "auto [a, N] = q;",
        "T (N);",
        "struct {} N;",
        "int a, (N);",
    ],
)
def test_a_constant_that_may_be_declared_anew(code: str) -> None:
    assert launches("negate<<<1, 256>>>(x, y, N);")[0].args[-1] == "256"
    assert launches(code + "negate<<<1, 256>>>(x, y, N);")[0].args[-1] == "N"


# ------------------------------------------------------------------------------------------------ template arguments left out
@pytest.mark.parametrize(
    ("head", "parameters", "name"),
    [
        ("typename S = int", "float* y, S n", "k<>"),
        ("typename S = int", "S* y", "k<>"),
        ("int B, typename S = float", "float* y, S n", "k<256>"),
        ("typename S = int", "float* y, Pair<S> n", "k<>"),
    ],
)
def test_a_default_that_the_launch_may_deduce(head: str, parameters: str, name: str) -> None:
    pair = "template <typename U> struct Pair { U a, b; };\n"
    text = f"{pair}template <{head}> __global__ void k({parameters}) {{ y[0] = 1; }}\n"
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend="c", wanted=(name,))
    assert (caught.value.code, "deduce" in caught.value.message) == ("TV0113", True)


def test_a_default_that_nothing_deduces() -> None:
    text = "template <int B = 4, typename S = float> __global__ void k(float* y) { y[0] = S(B); }\n"
    assert list(read(Path("k.cu"), text, CompileOptions(), wanted=("k<>", "k<2>", "k<2, int>")).kernels) == [
        "k<>",
        "k<2>",
        "k<2, int>",
    ]


@pytest.mark.parametrize("code", ["A a{x[0]}; y[0] = a.v;", "A<> a; a.v = x[0]; y[0] = a.v;", "y[0] = A{x[0]}.v;"])
def test_a_class_template_without_its_arguments(code: str) -> None:
    head = "template <typename U = int> struct A { U v; };\n"
    text = f"{head}__global__ void k(const float* x, float* y) {{ {code} }}\n"
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend="c")
    assert caught.value.code == "TV0113"


def test_a_call_that_may_deduce_past_a_default() -> None:
    head = "template <typename U> struct A { U v; };\ntemplate <typename U = int> __device__ int f(A<U> a) { return sizeof(U); }\n"
    text = head + "__global__ void k(float* y) { A<short> a{3}; y[0] = f(a); }\n"
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend="c")
    assert caught.value.code == "TV0113"
