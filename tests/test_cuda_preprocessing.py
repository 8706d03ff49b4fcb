"""What the preprocessor hands on: whole tokens, kept apart, with their places; conditions with the values of C."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body
from tv.cuda_frontend import read
from tv.cuda_frontend.conditions import evaluate
from tv.cuda_frontend.pp_tokens import lexed
from tv.cuda_frontend.preprocess import preprocess
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions


def words(text: str) -> list[str]:
    return preprocess(Path("k.cu"), text, CompileOptions()).text.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#define NEG(a) -a\nNEG(-v)", ["-", "-", "v"]),
        ("#define NEG(a) -a\n-NEG(v)", ["-", "-", "v"]),
        ("#define ADDRESS(a) &a\n&ADDRESS(v)", ["&", "&", "v"]),
        ("#define LESS <\na LESS< b", ["a", "<", "<", "b"]),
        ("#define NOTHING\n-NOTHING-v", ["-", "-v"]),
        ("#define EQUAL =\n+EQUAL 1", ["+", "=", "1"]),
        ("#define ONE 1\nONE.5f", ["1", ".5f"]),
        ("#define ONE 1\nx ONE", ["x", "1"]),
        ("#define DASH -\nDASH>x", ["-", ">x"]),
        ("a---b a<<=b a^=b n::f p->q", ["a---b", "a<<=b", "a^=b", "n::f", "p->q"]),
    ],
)
def test_tokens_of_expansions_stay_apart(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("number", ["1.f", "1.0f", ".5f", "1e5f", "0x1p3f", "1.e5", "1ull", "2.5e-3f"])
def test_macros_do_not_reach_into_numbers(number: str) -> None:
    names = ("f", "e5", "e5f", "p3f", "x1p3f", "ull", "l", "e", "u")
    text = "".join(f"#define {n} WRONG\n" for n in names) + f"#define PAIR(f) f {number}\n{number} PAIR(7)"
    assert words(text) == [number, "7", number]


@pytest.mark.parametrize("frontend", ["c", "clang"])
def test_both_readers_see_separate_tokens(frontend: str) -> None:
    before = "#define NEG(a) -a\n#define SCALED(f) (f * 1.5f)"
    assert body("y[0] = NEG(-x[0]) * SCALED(2.f);", before=before, frontend=frontend)[-1] == (
        "store y[0:i64]:1xf32 = mul.f32(neg(neg(t)), mul.f32(0x40000000:f32, 0x3fc00000:f32))"
    )


def test_a_place_behind_an_added_blank_is_the_macro_s() -> None:
    text = "#define NEG(a) -a\n__global__ void k(float* y) { y[0] = 1.f + NEG(-missing); }\n"
    with pytest.raises(TvError) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend="c")
    assert (caught.value.span.line, caught.value.span.col) == (2, text.split("\n")[1].index("NEG") + 1)


def test_a_macro_call_with_a_directive_inside() -> None:
    assert words("#define F(a, b) a b\nF(1,\n#if 1\n2)\n#endif") == ["1", "2"]
    with pytest.raises(Unsupported) as caught:
        words("#define F(a) a\nF\n#define G\n(1)")
    assert (caught.value.code, caught.value.span.line) == ("TV0107", 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [("%:define A 1\n", "TV0110"), ("int a<:4:>;\n", "TV0110"), ("<% %>\n", "TV0110"), ("#line 7\n", "TV0107")],
)
def test_other_spellings_and_line_numbers_are_refused(text: str, code: str) -> None:
    with pytest.raises(Unsupported) as caught:
        preprocess(Path("k.cu"), text, CompileOptions())
    assert caught.value.code == code


@pytest.mark.parametrize("frontend", ["c", "clang"])
def test_the_pragma_operator_is_a_pragma(frontend: str) -> None:
    text = "#define N 1\n{}\n#undef N\n#define N 2\n{}\n__global__ void k(int* y) {{ y[0] = N; }}\n"
    saved = text.format('_Pragma("push_macro(\\"N\\")")', '_Pragma("pop_macro(\\"N\\")")')
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), saved, CompileOptions(), frontend=frontend)
    assert (caught.value.code, caught.value.span.line) == ("TV0125", 2)
    hidden = '#define N 1\nint main() {\n#pragma push_macro("N")\n}\n__global__ void k(int* y) { y[0] = N; }\n'
    with pytest.raises(Unsupported) as caught:
        read(Path("k.cu"), hidden, CompileOptions(), frontend=frontend)
    assert (caught.value.code, caught.value.span.line) == ("TV0125", 3)
    body('_Pragma("unroll") for (int i = 0; i < 4; ++i) y[i] = 1.f;', frontend=frontend)


def test_less_than_before_a_global_name_is_no_digraph() -> None:
    assert words("a<::b") == ["a<::b"]


def value(text: str) -> int:
    words = [t.text for t in lexed(text)]
    return evaluate(words, lambda word, called: ValueError(word)).value()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-7 / 2", -3), ("-7 % 3", -1), ("7 / -2", -3), ("-1 > 0u", 1), ("(1u < 2u) - 2 < 0", 1), ("-1 / 2u", (1 << 63) - 1),
        ("1 << 2 + 1", 8), ("-8 >> 1", -4), ("9007199254740993 / 1", 9007199254740993), ("1 ? -1 : 0u", (1 << 64) - 1),
        ("0 && 1 / 0", 0), ("1 || 1 / 0", 1), ("1 ? 2 : 1 / 0", 2), ("010 + 0x10 + 'A'", 89), ("true && !false", 1),
        ("3 & 1 == 1", 1), ("100 - 10 - 5", 85), ("0 ? 1 : 0 ? 2 : 3", 3), ("~0u == 0xffffffffffffffff", 1),
    ],
)  # fmt: skip
def test_conditions_have_the_values_of_c(text: str, expected: int) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "1 % 0",
        "1 << 64",
        "1.5",
        "1 +",
        "(1",
        "1 1",
        "'ab'",
        "9223372036854775808",
        "9223372036854775807 + 1",
        "08",
    ],
)
def test_conditions_without_a_value(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        value(text)
    with pytest.raises(BadInput):
        words(f"#if {text}\n#endif\n")


# ------------------------------------------------------------------------------------------------ names that nvcc has already
NAMED = ["INT_MAX", "EOF", "NAN", "BUFSIZ", "RAND_MAX", "CUDART_PI_F"]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(
    "text", ["#define {} 7\n", "#undef {}\n", "#define {}(a) a\n", "#ifdef __CUDACC__\n#define {}\n#endif\n"]
)
def test_a_macro_of_the_headers_is_not_defined_anew(name: str, text: str) -> None:
    """Of two definitions the last counts, and a header that is included later has one."""
    with pytest.raises(Unsupported) as caught:
        words("int a;\n" + text.format(name))
    assert caught.value.code == "TV0109"
    assert f"`{name}` has the name of a macro of the headers" in caught.value.message
    assert caught.value.span.line == 3 if "ifdef" in text else 2
    assert (
        words(f"#ifdef __HIPCC__\n#define {name} 7\n#endif\n{name}X")[-1] == f"{name}X"
    )  # what is left out defines nothing


@pytest.mark.parametrize("name", NAMED)
def test_nor_by_an_option(name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        preprocess(Path("k.cu"), "int a;\n", CompileOptions(defines=((name, "7"),)))
    assert (caught.value.code, caught.value.help) == ("TV0109", "rename the macro")
    given = preprocess(Path("k.cu"), f"{name}_OF_MINE\n", CompileOptions(defines=((f"{name}_OF_MINE", "7"),)))
    assert given.text.split() == ["7"]


def test_the_nan_of_the_headers_is_the_device_s() -> None:
    """`CUDART_NAN_F` has all bits but the sign; what <math.h> calls NAN has one bit of its fraction."""
    before = "#include <math_constants.h>\n"
    found = {n: body(f"y[0] = __float_as_uint({n});", "unsigned* y", before)[-1] for n in ("CUDART_NAN_F", "NAN")}
    assert found == {
        "CUDART_NAN_F": f"store y[0:i64]:1xu32 = {0x7FFFFFFF}:u32",
        "NAN": f"store y[0:i64]:1xu32 = {0x7FC00000}:u32",
    }
