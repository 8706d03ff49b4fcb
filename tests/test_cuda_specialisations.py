"""Explicit specialisations, conversion functions and braced arguments in the C reader: what they mean, and what is refused.

What nvcc makes of the same text was asked of it with `static_assert`; each case below says the same of the Kernel IR.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import printed
from tv.cuda_frontend import read
from tv.diagnostic import TvError
from tv.kernel import Kernel
from tv.launch import CompileOptions

SHARED = """
template <class T> struct SharedMemory {
    __device__ inline operator T *() { extern __shared__ int words[]; return (T *)words; }
    __device__ inline operator const T *() const { extern __shared__ int words[]; return (T *)words; }
};
template <> struct SharedMemory<double> {
    __device__ inline operator double *() { extern __shared__ double wide[]; return (double *)wide + 1; }
};
"""
CLASS = """
template <class T> struct W { __device__ int n() { return 1; } };
template <> struct W<int> { __device__ int n() { return 2; } };
template <> struct W<float> { __device__ int n() { return 4; } };
"""
FUNCTION = """
template <class T> __device__ int f(T v) { return 1; }
template <> __device__ __forceinline__ int f<int>(int v) { return 2; }
template <int N, class T = float> __device__ int g(T v) { return N; }
template <> __device__ int g<3, float>(float v) { return 30; }
"""
PAIRS = """
struct Pair { float a, b; };
struct Three { Pair p; float c; };
__device__ float take(Three v) { return v.p.a * 100.f + v.p.b * 10.f + v.c; }
"""


def kernel(text: str, name: str = "k") -> Kernel:
    return read(Path("k.cu"), text, CompileOptions(), frontend="c", wanted=(name,)).kernels[name]


def code(before: str, statements: str) -> str:
    return f"{before}\n__global__ void k(float* y, const float* x, int n) {{ int t = threadIdx.x; {statements} }}"


def lines(before: str, statements: str) -> list[str]:
    return printed(kernel(code(before, statements)).body)


def refusal(text: str, name: str = "k") -> TvError:
    with pytest.raises(TvError) as caught:
        kernel(text, name)
    return caught.value


# ------------------------------------------------------------------------------------------------ conversion functions
def test_a_pointer_comes_from_a_temporary_with_a_conversion_function() -> None:
    plain = "extern __shared__ int words[]; float* s = (float*)words;"
    for pointer in ("float* s", "float *const s", "volatile float* s"):
        source = plain.replace("float* s", pointer)
        assert lines(SHARED, f"{pointer} = SharedMemory<float>(); s[t] = x[t]; y[t] = s[t];") == lines(
            "", f"{source} s[t] = x[t]; y[t] = s[t];"
        )
    assert lines(SHARED, "SharedMemory<float> m; float* s = m; s[t] = x[t];") == lines("", f"{plain} s[t] = x[t];")


def test_a_specialisation_has_conversion_functions_of_its_own() -> None:
    made = lines(SHARED, "double* s = SharedMemory<double>(); s[t] = 1.0;")
    assert made == lines("", "extern __shared__ double wide[]; double* s = wide + 1; s[t] = 1.0;")


ONE = "struct S { __device__ operator float*() { extern __shared__ float s[]; return s; } };"


@pytest.mark.parametrize(
    "statements",
    [
        "const float* s = SharedMemory<float>(); y[t] = s[t];",  # which of two: the one that is not const
        "int* s = SharedMemory<float>(); s[t] = 1;",
        "float* s; s = SharedMemory<float>(); s[t] = 1.f;",
        "y[t] = SharedMemory<float>()[t];",
        "y[t] = *SharedMemory<float>();",
        "SharedMemory<float> m; y[t] = m[t];",
        "SharedMemory<float> m; if (m) y[t] = 1.f;",
        "SharedMemory<float> m; float* s = m + 1; s[t] = 1.f;",
        "float* s = n ? SharedMemory<float>() : nullptr; s[t] = 1.f;",
        "float* s = {SharedMemory<float>()}; s[t] = 1.f;",
        "float* s = (float*)SharedMemory<double>(); s[t] = 1.f;",
        "y[t] = __ldg(SharedMemory<float>());",
    ],
)
def test_a_conversion_function_is_called_only_where_a_pointer_is_declared(statements: str) -> None:
    assert refusal(code(SHARED, statements)).code in ("TV0111", "TV0112", "TV0113")


@pytest.mark.parametrize(
    "struct",
    [
        ONE.replace("operator float*()", "explicit operator float*()"),
        ONE.replace("__device__ ", ""),
        ONE.replace("__device__ ", "__device__ virtual "),
        ONE.replace("struct S {", "struct S { float f;"),
        ONE.replace("struct S {", "struct S { __device__ S(int n) {}"),
        ONE.replace("struct S {", "struct S { __device__ float operator()(int n) { return 1.f; }"),
        ONE.replace("struct S {", "struct S { __device__ operator int() { return 1; }"),
        ONE.replace("struct S {", "struct S { template <class U> __device__ operator U*() { return nullptr; }"),
        ONE.replace("struct S {", "struct B { }; struct S : B {"),
        ONE.replace("{ extern __shared__ float s[]; return s; }", "= delete;"),
        ONE.replace("{ extern __shared__ float s[]; return s; }", ";"),
        "struct S { using P = float*; __device__ operator P() { extern __shared__ float s[]; return s; } };",
        "struct S { __device__ operator float**() { return nullptr; } };",
        "struct S { __device__ operator float&() { extern __shared__ float s[]; return s[0]; } };",
        "struct S { __device__ operator long*() { return nullptr; } __device__ operator long long*() { return nullptr; } };",
    ],
)
def test_other_conversion_functions_are_refused(struct: str) -> None:
    kind = "long" if "long long" in struct else "float"
    made = refusal(code(struct, f"{kind}* s = S(); s[t] = 1;"))
    assert made.code in ("TV0108", "TV0111", "TV0112", "TV0113")


def test_a_method_that_is_called_as_the_reader_calls_conversions_is_a_method() -> None:
    struct = "struct S { int v; __device__ int constructor() { return 3; } __device__ int conversion() { return 4; } };"
    assert lines(struct, "S s{7}; y[t] = s.v + s.constructor() + s.conversion();") == lines(
        "struct S { int v; };", "S s{7}; y[t] = s.v + 3 + 4;"
    )


# ------------------------------------------------------------------------------------------------ specialisations
@pytest.mark.parametrize(
    ("expression", "meant"),
    [("W<int>().n()", 2), ("W<float>{}.n()", 4), ("W<unsigned>().n()", 1), ("W<short>().n()", 1), ("W<half>().n()", 1), ("W<float2>().n()", 1),
     ("f(1)", 2), ("f(1u)", 1), ("f(short(1))", 1), ("f(true)", 1), ("f(1.f)", 1), ("f<int>(1.f)", 2), ("f<float>(1)", 1), ("f(n)", 2),
     ("g<3>(1.f)", 30), ("g<3>(1)", 3), ("g<4>(1.f)", 4), ("(g<3, float>(1))", 30), ("g<1 + 2>(x[t])", 30)],
)  # fmt: skip
def test_a_specialisation_is_meant_exactly_where_all_arguments_are_its_own(expression: str, meant: int) -> None:
    made = lines(CLASS + FUNCTION, f"y[t] = {expression};")
    assert made[-1:] == lines("", f"y[t] = {meant};")[-1:]


def test_a_template_uses_the_specialisation_for_its_own_argument() -> None:
    before = CLASS + "template <class T> __device__ int h(T v) { W<T> w; return w.n(); }\n"
    assert lines(before, "y[t] = h(1) * 10 + h(1u);") == lines("", "y[t] = 21;")
    instance = (
        before + "template <class T> __global__ void k(float* y) { W<T> w; y[threadIdx.x] = w.n(); }\n"
        "template <> __global__ void k<short>(float* y) { y[threadIdx.x] = 9.f; }"
    )
    for name, n in (("int", 2), ("float", 4), ("unsigned", 1), ("short", 9)):
        plain = f"__global__ void k(float* y) {{ y[threadIdx.x] = {n}; }}"
        assert printed(kernel(instance, f"k<{name}>").body) == printed(kernel(plain).body)


@pytest.mark.parametrize(
    ("before", "statements"),
    [
        ("enum E { A, B };" + CLASS, "W<E> w; y[t] = w.n();"),  # the template itself, which the reader would not see
        ("enum E { A, B };" + FUNCTION, "y[t] = f(A);"),
        (CLASS, "W<long> w; y[t] = w.n();"),
        (CLASS, "W<char> w; y[t] = w.n();"),
        (CLASS, "W<float*> w; y[t] = w.n();"),
        (FUNCTION, "y[t] = f(x);"),
        (CLASS + "template <class T> __device__ int h(T* p) { W<T> w; return w.n(); }", "y[t] = h(x);"),  # W<const float>
        (CLASS + "template <class T> __device__ int h(T& v) { W<T> w; return w.n(); }", "const int c = n; y[t] = h(c);"),
        (CLASS + "template <class T, int N> __device__ int h(T (&v)[N]) { W<T> w; return w.n(); }",
         "const int c[2] = {1, 2}; y[t] = h(c);"),
        (CLASS, "const int c = n; W<decltype(c)> w; y[t] = w.n();"),
        (CLASS, "using C = const int; W<C> w; y[t] = w.n();"),
        (CLASS + "template <> struct W<long> { __device__ int n() { return 8; } };", "W<long> w; y[t] = w.n();"),
        (CLASS + "template <> struct W<int*> { __device__ int n() { return 8; } };", "W<int*> w; y[t] = w.n();"),
        (CLASS + "template <class T> struct W<T*> { __device__ int n() { return 8; } };", "W<float*> w; y[t] = w.n();"),
        (CLASS + "template <> struct W<int> { __device__ int n() { return 8; } };", "W<int> w; y[t] = w.n();"),
        ("template <class T> struct W { int v; };\nusing A = W<int>;\ntemplate <> struct W<int> { float v; };", "A a; a.v = x[t]; y[t] = a.v;"),
        (("template <class T> struct W { int v; };\ntemplate <class T> __device__ float h(T v) { W<T> w; w.v = v; return w.v; }\n"
         "template <> struct W<float> { float v; };"), "y[t] = h(x[t]);"),
        (("template <class T> __device__ int f(T v) { return 1; }\ntemplate <class T> __device__ int h(T v) { return f(v); }\n"
         "template <> __device__ int f<int>(int v) { return 2; }"), "y[t] = h(n);"),
        (FUNCTION.replace("f<int>(", "f("), "y[t] = f(1);"),
        (FUNCTION.replace("__forceinline__ int f<int>(int v) { return 2; }", "int f<int>(int v);"), "y[t] = f(1);"),
        (FUNCTION.replace("__device__ __forceinline__ int f<int>", "int f<int>"), "y[t] = f(1);"),
        ("template <class T> __device__ int f(T* v) { return 3; }" + FUNCTION, "y[t] = f(1);"),
        (FUNCTION + "template <class T> __device__ int f(T* v) { return 3; }", "y[t] = f(1);"),
        ("struct M { template <class T> __device__ int f(T v) { return 1; } };\ntemplate <> __device__ int M::f<int>(int v) { return 2; }",
         "M m; y[t] = m.f(1);"),
        (CLASS + "template <> __device__ int W<short>::n() { return 5; }", "W<short> w; y[t] = w.n();"),
    ],
)  # fmt: skip
def test_where_another_instance_may_be_meant_the_text_is_refused(before: str, statements: str) -> None:
    made = refusal(code(before, statements))
    assert made.code in ("TV0108", "TV0111", "TV0112", "TV0113", "TV0122", "TV0123")


def test_a_specialisation_has_fields_of_its_own() -> None:
    before = "template <class T> struct P { T v; }; template <> struct P<float> { float w, v; };"
    assert lines(before, "P<float> p{1.f, x[t]}; y[t] = p.v + sizeof(P<float>) + sizeof(P<double>);") == lines(
        "struct Q { float w, v; };", "Q p{1.f, x[t]}; y[t] = p.v + sizeof(Q) + sizeof(double);"
    )


def test_a_non_template_function_comes_before_a_specialisation() -> None:
    before = FUNCTION + "__device__ int f(int v) { return 3; }"
    assert lines(before, "y[t] = f(1);") == lines("", "y[t] = 3;")


# ------------------------------------------------------------------------------------------------ braced arguments
@pytest.mark.parametrize(
    ("braced", "members"),
    [
        ("{{1}, 2}", ("1.f", "0.f", "2.f")),
        ("{{1, 2}, 3}", ("1.f", "2.f", "3.f")),
        ("{}", ("0.f", "0.f", "0.f")),
        ("{{x[t], 1.f}}", ("x[t]", "1.f", "0.f")),
    ],
)
def test_a_braced_argument_is_an_object_of_the_parameters_type(braced: str, members: tuple[str, ...]) -> None:
    made = lines(PAIRS, f"y[t] = take({braced});")
    assert made == lines(PAIRS, f"y[t] = take(Three{braced});")
    first = [line.split(" = ")[1] for line in lines("", " ".join(f"float m{i} = {m};" for i, m in enumerate(members)))]
    assert [line.split(" = ")[1] for line in made[-len(first) - 1 : -1]] == first


@pytest.mark.parametrize(
    ("before", "statements"),
    [
        (PAIRS, "y[t] = take(Three({{1}, 2}));"),  # a copy, with one pair of braces less
        (PAIRS + "__device__ float take(Pair v) { return v.a; }", "y[t] = take({1, 2});"),
        (PAIRS + "template <class T> __device__ float any(T v) { return v.a; }", "y[t] = any<Pair>({1, 2});"),
        (PAIRS + "__device__ float by(const Pair& v) { return v.a; }", "y[t] = by({1, 2});"),
        ("__device__ float first(float4 v) { return v.x; }", "y[t] = first({1, 2, 3, 4});"),
        ("__device__ float one(float v) { return v; }", "y[t] = one({1});"),
        ("struct C { float a; __device__ C(float v) { a = 2.f * v; } }; __device__ float of(C c) { return c.a; }", "y[t] = of({x[t]});"),
        ("struct P { const float* p; }; __device__ float at(P q) { return q.p[0]; }", "y[t] = at({x});"),
        ("", "y[t] = fmaxf({1.f}, x[t]);"),
        ("", "y[t] = max({1, 2});"),
        (PAIRS, "y[t] = take({1, 2, 3, 4});"),
    ],
)  # fmt: skip
def test_other_braced_arguments_are_refused(before: str, statements: str) -> None:
    assert refusal(code(before, statements)).code in ("TV0108", "TV0111", "TV0112", "TV0113", "TV0115")


def test_the_order_of_other_arguments_is_still_open() -> None:
    before = PAIRS + "__device__ float both(Pair v, float w) { return v.a + w; }"
    assert refusal(code(before, "int i = n; y[t] = both({x[i++], 1.f}, x[i]);")).code == "TV0114"
    assert lines(before, "int i = n; y[t] = both({x[i++], x[i]}, 1.f);")  # inside a list the order is fixed
