"""Macros that a compiler has from itself or from headers, and what of them is sure: line numbers, `defined`, `assert`, letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body
from tv.cuda_frontend import read
from tv.cuda_frontend.pp_writer import self_contained
from tv.cuda_frontend.predefined import is_macro
from tv.cuda_frontend.preprocess import preprocess
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions

READERS = pytest.mark.parametrize("frontend", ["c", "clang"])


def words(text: str, *defines: tuple[str, str]) -> list[str]:
    return preprocess(Path("k.cu"), text, CompileOptions(defines=defines)).text.split()


def refused(code: str, before: str = "", frontend: str = "c") -> TvError:
    with pytest.raises(Unsupported) as caught:
        body(code, before=before, frontend=frontend)
    return caught.value


# ------------------------------------------------------------------------------------------------ line numbers
ID, L, CALLED = "#define ID(x) x\n", "#define L __LINE__\n", "#define F(x) G\n#define G(x) x\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("__LINE__", "1"),
        ("/* a */ __LINE__ /* b\n */", "1"),
        ("// a \\\n\n__LINE__", "3"),
        (ID + "ID(__LINE__)", "2"),
        (ID + 'ID(")") ID(__LINE__)', "2"),
        (L + "f( L )", "2"),
        (L + ID + "\nID(ID(L))", "4"),
        ("f(\n__LINE__)", "2"),
        # gcc counts otherwise than by the first line of the statement, or compilers differ
        ("\\\n__LINE__", ""),
        ("/*\n*/ __LINE__", ""),
        (ID + "ID(\n__LINE__)", ""),
        (ID + "ID(__LINE__\n)", ""),
        (ID + "ID\n(__LINE__)", ""),
        (L + ID + "ID(\nL)", ""),
        (L + "/*\n*/ L", ""),
        (CALLED + "F(1)\n(__LINE__)", ""),
        (CALLED + "F(1) F(G\n) (__LINE__)", ""),
    ],
)
def test_a_line_s_number_where_it_is_sure(text: str, line: str) -> None:
    assert (line or "__LINE__") in words(text.replace("__LINE__", " __LINE__ "))
    assert "__LINE__" not in words(text) or not line


@pytest.mark.parametrize(
    ("line", "whole"),
    [("f(a, ')');", True), ('f("(");', True), ("f(a", False), (") f(a)", False), ("f(a) g", False), ("a);", False)],
)
def test_a_line_in_which_every_call_ends(line: str, whole: bool) -> None:
    assert self_contained(line) is whole


@READERS
@pytest.mark.parametrize("name", ["__COUNTER__", "__DATE__", "__INCLUDE_LEVEL__", "__TIMESTAMP__", "/*\n*/ __LINE__"])
def test_what_only_another_compiler_knows_has_no_value(name: str, frontend: str) -> None:
    e = refused(f"y[0] = {name};", frontend=frontend)
    assert (e.code, e.span.line) == ("TV0107", 3 if "\n" in name else 2)


@pytest.mark.parametrize("name", ["__GNUC__", "__clang_major__", "__INT_MAX__", "__CHAR_BIT__", "__OPTIMIZE__"])
def test_libclang_s_own_macros_are_not_there(name: str) -> None:
    with pytest.raises(BadInput, match="undeclared"):
        body(f"y[0] = {name};", frontend="clang")


def test_a_number_that_is_only_printed_may_be_any() -> None:
    assert body('printf("%d %d", n,\n /*\n*/ __LINE__); y[0] = 1.f;') == body('printf("%d", n); y[0] = 1.f;')
    assert refused("y[0] = f(/*\n*/ __LINE__);", "__device__ float f(int a) { return a; }").code == "TV0107"


@pytest.mark.parametrize("call", ["CAT(t, __LINE__)", "CAT(t,\n __LINE__)", "CAT(t, __COUNTER__)"])
def test_a_name_made_of_a_number_that_is_not_sure(call: str) -> None:
    before = "#define PASTE(a, b) a##b\n#define CAT(a, b) PASTE(a, b)\n"
    assert refused(f"int {call} = 1; y[0] = 2;", before).code == "TV0107"


# ------------------------------------------------------------------------------------------------ conditions
@pytest.mark.parametrize(
    "text",
    [
        "#define X\n#define D defined(X)\n#if D\n#endif",
        "#define X\n#define D defined X\n#if 0 && D\n#endif",
        "#define D(x) defined(x)\n#if D(Y)\n#endif",
        "#define D defined\n#if D(Y)\n#endif",
        "#define CAT(a, b) a##b\n#if CAT(def, ined)(Y)\n#endif",
        "#define X Y\n#define ID(x) x\n#if ID(defined(X))\n#endif",
        "#define X Y\n#define ID(x) x\n#if 1 && ID((1 + defined X))\n#endif",
    ],
)
def test_defined_by_way_of_a_macro(text: str) -> None:
    with pytest.raises(Unsupported) as caught:
        words(text)
    assert caught.value.code == "TV0107"
    assert "`defined`" in caught.value.message


def test_defined_beside_a_macro() -> None:
    assert words("#define ID(x) x\n#define X\n#if ID(1) && defined(X) && !defined(Y)\nyes\n#endif") == ["yes"]
    assert words("#define D defined(X)\n#if 0\n#if D\n#endif\n#else\nno\n#endif") == [
        "no"
    ]  # what is left out asks nothing


@pytest.mark.parametrize(
    ("defines", "value"), [((("V", ""),), "+1"), ((("V", "1"),), "1+1"), ((("V", "2 // two"),), "2+1")]
)
def test_a_macro_is_given_as_for_nvcc(defines: tuple[tuple[str, str], ...], value: str) -> None:
    assert "".join(words("V + 1", *defines)) == value


@pytest.mark.parametrize("name", ["é", "Aé", "A B"])
def test_a_macro_s_name_is_in_ascii(name: str) -> None:
    with pytest.raises(BadInput, match="not a macro name"):
        words("int a;", (name, "1"))


# ------------------------------------------------------------------------------------------------ letters
@pytest.mark.parametrize(
    "text", ["int é;", "#define é 1\n", "int a$b;", "int \\u00e9;", "int 名;", "int a\u00b5;", "int 1é;"]
)
def test_names_of_other_letters_are_refused(text: str) -> None:
    with pytest.raises(Unsupported) as caught:
        words("int b;\n" + text)
    assert (caught.value.code, caught.value.span.line) == ("TV0110", 2)


@READERS
def test_other_letters_in_literals_and_comments(frontend: str) -> None:
    code = "/* é */ for (int i = 0; i < n; ++i) y[i] = x[i]; // é $ \\u00e9\n"
    assert body(code, frontend=frontend) == body("for (int i = 0; i < n; ++i) y[i] = x[i];")


# ------------------------------------------------------------------------------------------------ names of the headers' macros
@READERS
@pytest.mark.parametrize(
    "text",
    [
        "__device__ float (WEXITSTATUS)(float a) { return a; }",
        "__device__ float (__P)(float a) { return a; }",
        "struct S { float toascii; };",
        "struct S { float v; __device__ float timerisset(float a) { return a; } };",
        "template <int alloca> __device__ float f(float a) { return a; }",
        "__device__ float f(float htole16) { return htole16; }",
        "__device__ float f(float a) { float isascii = a; return isascii; }",
        "typedef float BUFSIZ;",
        "enum { EOF };",
    ],
)
def test_nothing_is_declared_by_the_name_of_a_macro(text: str, frontend: str) -> None:
    with pytest.raises(TvError) as caught:
        body("y[0] = 1.f;", before=text, frontend=frontend)
    by_name = caught.value.code == "TV0109" and "macro of the headers" in caught.value.message
    assert by_name or (caught.value.code in ("TV0108", "TV0123") and frontend == "clang")  # another refusal came first


def test_names_that_look_like_such() -> None:
    named = [
        "linux",
        "stdin",
        "__P",
        "__wur",
        "_tolower",
        "__GNUC__",
        "_GLIBCXX_STD",
        "__USE_GNU",
        "__LINE__",
        "t__LINE__",
    ]
    assert all(is_macro(n) for n in named)
    assert not any(is_macro(n) for n in ("_a", "__kernel", "linux_", "p", "_N", "__shfl_xor_sync", "INFINITY_OF_MINE"))


@pytest.mark.parametrize(
    "text", ["#define __CUDA_ARCH__ 3\n", "#undef __CUDACC__\n", "#define __P(a) 1\n", "#undef assert\n"]
)
def test_a_macro_that_headers_ask_for_is_not_changed(text: str) -> None:
    with pytest.raises(Unsupported) as caught:
        words(text)
    assert caught.value.code == "TV0109"
    assert words("#define _GNU_SOURCE\n#define __MY_KERNEL_H__ 1\n#define __STDC_FORMAT_MACROS\n__MY_KERNEL_H__") == [
        "1"
    ]


# ------------------------------------------------------------------------------------------------ assertions
COUNTED = "int k = 0; assert(++k); y[0] = k;"


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        ("", True),
        ("#define NDEBUG", True),  # <assert.h> was read before
        ("#define NDEBUG\n#include <cassert>", False),
        ("#define NDEBUG\n#include <vector>\n#include <assert.h>", False),
        ("#include <cassert>\n#define NDEBUG", True),
        ("#define NDEBUG\n#include <cassert>\n#undef NDEBUG\n#include <cassert>", True),
    ],
)
def test_an_assertion_is_what_the_header_made_it(before: str, counts: bool) -> None:
    assert body(COUNTED, before=before) == body(COUNTED if counts else "int k = 0; y[0] = k;")


@pytest.mark.parametrize("header", ["cuda_fp16.h", "vector", "thrust/sort.h"])
def test_a_header_between_may_have_read_ndebug(header: str) -> None:
    before = f"#define NDEBUG\n#include <{header}>"
    assert refused(COUNTED, before).code == "TV0107"
    assert body("y[0] = 1.f;", before=before) == body("y[0] = 1.f;")


def test_an_assertion_under_a_given_ndebug() -> None:
    text = f"__global__ void k(float* y) {{ {COUNTED} }}"
    given = CompileOptions(defines=(("NDEBUG", ""),))
    kernel = read(Path("k.cu"), text, given, frontend="c").kernels["k"]
    assert not [s for s in kernel.body if type(s).__name__ == "Assume"]
    assert [s for s in read(Path("k.cu"), text, CompileOptions()).kernels["k"].body if type(s).__name__ == "Assume"]


@pytest.mark.parametrize("operand", ["++n", "n = 3", "f(n)"])
def test_an_assumption_with_effects_is_refused(operand: str) -> None:
    e = refused(f"__builtin_assume({operand}); y[0] = n;", "__device__ int f(int& a) { return a++; }")
    assert e.code == "TV0111"
    assert "effects" in e.message


# ------------------------------------------------------------------------------------------------ an `if` with an initializer
@pytest.mark.parametrize(
    "code",
    [
        "if (n = 1; n == 1) y[0] = 1.f;",
        "if (int k = 1; k == 1) y[0] = 1.f; else y[0] = 2.f;",
        "if (; n == 1) y[0] = 1.f;",
        "if constexpr (n; true) y[0] = 1.f;",
        "if (int k = n) y[0] = 1.f;",
    ],
)
def test_what_stands_before_the_condition_is_not_it(code: str) -> None:
    assert refused(code, frontend="clang").code == "TV0123"


def test_a_semicolon_in_a_literal_is_none() -> None:
    before = "__device__ int f(char a, char b) { return 1; }"
    code = "if (f(';', '(')) y[0] = 1.f; for (int i = f(')', ';'); i < n; ++i) y[i] = 2.f;"
    assert body(code, before=before, frontend="clang") == body(code, before=before)
