"""Macros are expanded as a compiler does it, token by token; what compilers do differently is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.macro_programs import STORED, tokens
from tv.cuda_frontend.preprocess import preprocess
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions

PROGRAMS: list[tuple[str, str]] = json.loads(STORED.read_text())


def found(text: str) -> str:
    return " ".join(tokens(preprocess(Path("k.cu"), text, CompileOptions()).text))


def test_random_programs_become_what_a_compiler_makes_of_them() -> None:
    refused = []
    for text, expected in PROGRAMS:
        try:
            assert found(text) == expected, text
        except TvError as error:
            refused.append(error)
    assert len(PROGRAMS) == 300
    assert len(refused) < 30
    assert {e.code for e in refused} <= {"TV0105", "TV0107"}


# The examples of the C standard (6.10.3.5).
REPLACED = """\
#define x 3
#define f(a) f(x * (a))
#undef x
#define x 2
#define g f
#define z z[0]
#define h g(~
#define m(a) a(w)
#define w 0,1
#define t(a) a
#define p() int
#define q(x) x
#define r(x,y) x ## y
#define str(x) # x
"""
JOINED = """\
#define xstr(s) str(s)
#define str(s) # s
#define xglue(a, b) glue(a, b)
#define glue(a, b) a ## b
#define HIGHLOW "hello"
#define LOW LOW ", world"
#define t(x,y,z) x ## y ## z
#define hash_hash # ## #
#define mkstr(a) # a
#define in_between(a) mkstr(a)
#define join(c, d) in_between(c hash_hash d)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REPLACED + "f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);",
         "f ( 2 * ( y + 1 ) ) + f ( 2 * ( f ( 2 * ( z [ 0 ] ) ) ) ) % f ( 2 * ( 0 ) ) + t ( 1 ) ;"),
        (REPLACED + "g(x+(3,4)-w) | h 5) & m(f)^m(m);",
         "f ( 2 * ( 2 + ( 3 , 4 ) - 0 , 1 ) ) | f ( 2 * ( ~ 5 ) ) & f ( 2 * ( 0 , 1 ) ) ^ m ( 0 , 1 ) ;"),
        (REPLACED + "p() i[q()] = { q(1), r(2,3), r(4,), r(,5), r(,) };", "int i [ ] = { 1 , 23 , 4 , 5 , } ;"),
        (REPLACED + "char c[2][6] = { str(hello), str() };", 'char c [ 2 ] [ 6 ] = { "hello" , "" } ;'),
        (JOINED + 'glue(HIGH, LOW); xglue(HIGH, LOW)', '"hello" ; "hello" ",world"'),
        (JOINED + 'str(strncmp("abc\\0d", "abc", \'\\4\') == 0)', r'"strncmp(\"abc\\0d\",\"abc\",' + r"'\\4')==0" + '"'),
        (JOINED + "t(1,2,3), t(,4,5), t(6,,7), t(8,9,), t(10,,), t(,11,), t(,,12), t(,,)", "123 , 45 , 67 , 89 , 10 , 11 , 12 ,"),
        (JOINED + "join(x, y)", '"x##y"'),
        ("#define F(a, ...) g(a, ## __VA_ARGS__)\nF(1) F(1, 2, 3)", "g ( 1 ) g ( 1 , 2 , 3 )"),
        ("#define F(a, rest...) g(a, ## rest)\nF(1) F(1, 2, 3)", "g ( 1 ) g ( 1 , 2 , 3 )"),
        ("#define F(...) #__VA_ARGS__\nF(a, b) F()", '"a,b" ""'),
        ("#define F(a) a\nF\n\n(1) F", "1 F"),
        ("#define F/**/(a) a\nF", "( a ) a"),
        ("#define L u8\nL 'a' L'a'", "u8 'a' L 'a'"),
        ("1'000 0x1'F", "1000 0x1F"),
    ],
)  # fmt: skip
def test_the_examples_of_the_standard(text: str, expected: str) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("#define F(a) a\nF(1, 2)", BadInput, "2 arguments"),
        ("#define F(a, b) a\nF(1)", BadInput, "1 arguments"),
        ("#define F(a) a\nF(1", BadInput, "not closed"),
        ("#define G(a) a\n#define F(a) a\nF(G(1)", BadInput, "not closed"),
        ("#define P(a, b) a ## b\nP(+, 1)", BadInput, "no token"),
        ("#define P(a, b) a ## b\nP(/, /)", BadInput, "no token"),
        ('#define P(a) R ## a\nP("(x)")', Unsupported, "raw string"),
        ("#define F(a) #b\n", BadInput, "`#` without"),
        ("#define F(a) ## a\n", BadInput, "`##` at an end"),
        ("#define F(a, a) a\n", BadInput, "parameters"),
        ("#define F(a,) a\n", BadInput, "parameters"),
        ("#define F(a\n", BadInput, "parameters"),
        ("#define defined 1\n", BadInput, "`#define`"),
        ("#define 7\n", BadInput, "`#define`"),
        ("#define F(a, ...) a __VA_OPT__(+) 1\n", Unsupported, "`__VA_OPT__`"),
        ("#define F(...) g(0, ## __VA_ARGS__)\nF()", Unsupported, "expand differently"),
        ("#define CAT(a, b) CAT2(a, b)\n#define CAT2(a, b) a ## b\nCAT(v, __GNUC__)", Unsupported, "not known here"),
        ('#define S 1\n"a"S', Unsupported, "behind a literal"),
        ("#define N(a) a\nN(return)1.5f", Unsupported, "one word"),
        ("#define F(a) a\nF(1\n#define G\n)", Unsupported, "inside a macro's call"),
        ("#define _Pragma(a)\n", Unsupported, "a macro of the headers"),
    ],
)
def test_what_is_not_expanded(text: str, kind: type[TvError], message: str) -> None:
    with pytest.raises(kind, match=message):
        found(text)


def test_blanks_of_other_lines_and_long_splices() -> None:
    assert found("/* a *\\" + " " * 90 + "\n/ b") == "b"
    assert found("ab\\\n\\\n\\\nc 1\\\n2") == "abc 12"
    assert found("// a \\\u0085\nb\n// c \\\u2028\nd\n// e \\\x0b\nf") == "b d"
    with pytest.raises(Unsupported, match="raw string"):
        found('R\\\n"(a)"')
    with pytest.raises(Unsupported, match="digraph"):
        found("#if 0\n%\\" + " " * 90 + "\n:else\n#endif")


@pytest.mark.parametrize("name", ["elifdef", "elifndef"])
def test_a_condition_that_some_compilers_pass_over(name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        found(f"#define A\n#if 0\n#{name} A\nx\n#else\ny\n#endif")
    assert (caught.value.code, caught.value.span.line) == ("TV0107", 3)
    assert found(f"#if 0\n#if 1\n#{name} A\n#endif\n#else\nz\n#endif") == "z"


def test_once_is_of_the_file_and_never_of_a_copy(tmp_path: Path) -> None:
    main = tmp_path / "k.cu"
    (tmp_path / "a.h").write_text("#pragma once\nint a;\n")
    (tmp_path / "link.h").symlink_to(tmp_path / "a.h")
    text = '#include "a.h"\n#include "link.h"\n'
    assert preprocess(main, text, CompileOptions()).text.split() == ["int", "a;"]
    (tmp_path / "copy.h").write_text((tmp_path / "a.h").read_text())
    with pytest.raises(Unsupported) as caught:
        preprocess(main, text + '#include "copy.h"\n', CompileOptions())
    assert (caught.value.code, caught.value.span.line) == ("TV0106", 3)
    (tmp_path / "op.h").write_text('_Pragma("once") int b;\n')
    with pytest.raises(Unsupported, match="once"):
        preprocess(main, '#include "op.h"\n', CompileOptions())


def test_conditions_behind_a_library_whose_macros_are_in_no_list(tmp_path: Path) -> None:
    assert (
        found("#include <torch/extension.h>\n#define A\n#ifdef A\nx\n#endif\n#if defined(__CUDA_ARCH__)\ny\n#endif")
        == "x y"
    )
    for text in ("#ifdef A\n#endif", "#ifndef A\n#endif", "#if defined(A)\n#endif"):
        assert found(text + "\nx") == "x"
        with pytest.raises(Unsupported, match="may define"):
            found(f"#include <torch/extension.h>\n{text}")
    (tmp_path / "guarded.h").write_text("#ifndef MINE\n#define MINE\nint a;\n#endif\n")
    text = '#include <torch/extension.h>\n#include "guarded.h"\n#include "guarded.h"\n'
    assert preprocess(tmp_path / "k.cu", text, CompileOptions()).text.split() == ["int", "a;"]
