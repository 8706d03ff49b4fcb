"""What a name stands for: references and what they are bound to, objects that end or are constant, alignments, `__restrict__`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body, kernel, printed
from tests.executing import program_of
from tv.cuda_frontend import read
from tv.diagnostic import TvError
from tv.kernel import references, walk
from tv.launch import CompileOptions
from tv.obligation import Status
from tv.symexec.flow.resolve import resolve
from tv.symexec.obligations import bounds
from tv.symexec.threads.races import Races

READERS = ("c", "clang")
HEAD = "__global__ void k(float* y, const float* x) { int t = threadIdx.x; float v = x[t], w = v; "


def refusal(text: str, frontend: str = "c") -> TvError:
    with pytest.raises(TvError) as caught:
        read(Path("k.cu"), text, CompileOptions(), frontend=frontend)
    return caught.value


# ------------------------------------------------------------------------------------------------ references
REFERENCES = [
    ("", "const double& r = v; v = 1.f; y[t] = r;", "TV0113"),
    ("", "const int& r = v; y[t] = r;", "TV0113"),
    ("", "const float& r = t < 4 ? v : w; v = 1.f; y[t] = r;", "TV0111"),
    ("__device__ float f(const float& a, float& b) { b = 1.f; return a; }", "y[t] = f(t < 4 ? v : w, v);", "TV0111"),
    ("__device__ float f(const float& a, int b) { return a; }", "y[t] = f(x[t], t++);", "TV0114"),
    ("struct S { float a; };", "S p{v}, q{w}; const S& r = t < 4 ? p : q; p.a = 1.f; y[t] = r.a;", "TV0111"),
    ("typedef float& R;", "R r = v; r = 1.f; y[t] = v;", "TV0111"),
    ("using R = float&;", "R r = v; r = 1.f; y[t] = v;", "TV0111"),
]


@pytest.mark.parametrize("frontend", READERS)
@pytest.mark.parametrize(("before", "code", "reported"), REFERENCES)
def test_references_to_something_else_than_a_variable(before: str, code: str, reported: str, frontend: str) -> None:
    assert refusal(f"{before}\n{HEAD}{code} }}", frontend).code in (reported, "TV0123")


@pytest.mark.parametrize("argument", ["(v)", "x[0]", "*x", "++v", "v = w"])
def test_decltype_of_an_lvalue_is_a_reference(argument: str) -> None:
    operand = f"({argument})" if argument != "(v)" else "((v))"
    assert refusal(f"{HEAD}decltype{operand} r = v; y[t] = r; }}").code == "TV0111"
    assert printed(kernel(f"{HEAD}decltype(v) r = v; decltype(v * 2.f) s = w; y[t] = r; }}").body)


def test_a_comma_or_an_assignment_is_the_place_of_its_operand() -> None:
    """The reference sees what is stored later, and each side effect happens once."""
    before = "__device__ void f(float& a) { a = 2.f; }"
    lines = body(
        "int i = 0; float v[4]; f(v[i++] = 1.f); const float& r = (i = 3, v[n]); v[n] = 5.f; y[i] = r;", before=before
    )
    assert sum("add.i32(i" in line for line in lines) == 1
    assert lines.index("i:i32 = 3:i32") < len(lines) - 3
    assert lines[-2].split(" = ")[1].startswith("load v["), lines


def test_a_reference_keeps_its_element() -> None:
    lines = body("int i = n; const float& r = x[i]; i = 0; const float& s = x[i + 1]; i = 7; y[0] = r + s;")
    assert not any("mul.i64(i64(i)" in line for line in lines[-3:])


# ------------------------------------------------------------------------------------------------ lifetimes and constants
ENDED = [
    "float* p; { float b[2]; b[t & 1] = v; p = b; } y[t] = p[0];",
    "float* p; for (float b[1] = {v}; t < 4; ++t) { p = b; y[t] = p[0]; } y[0] = p[0];",
    "float* p = &w; if (t < 3) { float b = v; p = &b; } y[t] = *p;",
    "float* p; do { float b[1]; b[0] = v; p = b; } while (*p > 0.f); y[t] = 1.f;",
]


@pytest.mark.parametrize("frontend", READERS)
@pytest.mark.parametrize("code", ENDED)
def test_a_local_object_ends_with_its_scope(code: str, frontend: str) -> None:
    assert refusal(f"{HEAD}{code} }}", frontend).code in ("TV0126", "TV0115")


@pytest.mark.parametrize(
    "function",
    ["float* f(float a) { float b[1]; b[0] = a; return b; }", "float* f(float a) { return &a; }",
     "float* g(float a) { float b[1]; b[0] = a; float* p = b; return p; } __device__ float* f(float a) { return g(a); }"],
)  # fmt: skip
def test_a_local_object_ends_with_its_function(function: str) -> None:
    assert refusal(f"__device__ {function}\n{HEAD}y[t] = *f(v); }}").code == "TV0126"


def test_a_pointer_into_an_outer_object_lives_on() -> None:
    before = "__device__ float* f(float* a, int i) { float b[1]; b[0] = a[i]; a[i] = b[0]; return a + i; }"
    assert printed(
        kernel(f"{before}\n{HEAD}float b[2]; b[0] = v; {{ float* p = b; b[1] = *f(p, 0); }} y[t] = b[1]; }}").body
    )


CONSTANTS = [
    ("", "const float c = 2.f; *(float*)&c = v; y[t] = c;"),
    ("", "const float c[2] = {1.f, 2.f}; ((float*)c)[1] = v; y[t] = c[1];"),
    ("", "const float4 c = {v, v, v, v}; ((float*)&c)[1] = w; y[t] = c.y;"),
    ("__constant__ float c[2];", "*(float*)(c + 1) = v; y[t] = c[1];"),
    ("__device__ const float c[2] = {1.f, 2.f};", "((float*)c)[1] = v; y[t] = c[1];"),
    ("__device__ float f(const float a) { *(float*)&a = 1.f; return a; }", "y[t] = f(v);"),
    ("", "const float c = 2.f; atomicExch((int*)&c, 1); y[t] = c;"),
]


@pytest.mark.parametrize(("before", "code"), CONSTANTS)
def test_a_constant_object_is_not_stored_to(before: str, code: str) -> None:
    assert refusal(f"{before}\n{HEAD}{code} }}").code in (
        "TV0127",
        "TV0113",
    )  # an atomic of local memory is refused anyway


@pytest.mark.parametrize(
    ("before", "code"),
    [("struct S { const float a; };", "S s{v}; y[t] = s.a;"), ("typedef const float C;", "C c = v; y[t] = c;"),
     ("typedef volatile float C;", "C* c = y; c[t] = v;"),
     ("template <typename T> __device__ T f(T a) { return a; }", "y[t] = f<const float>(v);")],
)  # fmt: skip
def test_types_do_not_carry_qualifiers(before: str, code: str) -> None:
    assert refusal(f"{before}\n{HEAD}{code} }}").code == "TV0111"


# ------------------------------------------------------------------------------------------------ promises
@pytest.mark.parametrize("frontend", READERS)
@pytest.mark.parametrize(
    "declaration",
    ["[[noreturn]] __device__ void f() {}", "__attribute__((const)) __device__ void f() {}", "_Noreturn __device__ void f() {}",
     "__device__ __attribute__((__pure__)) void f() {}", "[[gnu::noreturn, maybe_unused]] __device__ void f() {}"],
)  # fmt: skip
def test_attributes_that_promise_something(declaration: str, frontend: str) -> None:
    error = refusal(f"{declaration}\n{HEAD}f(); y[t] = v; }}", frontend)
    assert (error.code, error.span.line) == ("TV0111", 1)


def test_attributes_without_a_meaning() -> None:
    text = 'const char* s = "[[noreturn]]";\n[[nodiscard]] __device__ float f(float a) { return a; }\n'
    assert printed(kernel(f"{text}{HEAD}[[maybe_unused]] float u = 1.f; y[t] = f(v); }}").body)


def test_a_function_with_a_value_returns_it_on_every_path() -> None:
    ends = [
        "if (n) return 1;",
        "switch (n) { case 0: return 1; case 1: return 2; }",
        "if (n) { return 1; } else { n = 2; }",
        "n = 1;",
    ]
    for code in ends:
        assert refusal(f"__device__ int f(int n) {{ {code} }}\n{HEAD}f(t); y[t] = v; }}").code == "TV0113", code
    for code in ("if (n) return 1; else return 2;", "switch (n) { case 0: return 1; default: return 2; }",
                 "if (n) return 1; __builtin_unreachable();"):  # fmt: skip
        assert printed(kernel(f"__device__ int f(int n) {{ {code} }}\n{HEAD}y[f(t)] = v; }}").body), code


# ------------------------------------------------------------------------------------------------ alignment
def test_alignments_of_members_and_types() -> None:
    code = "y[t] = sizeof(F) * 100 + alignof(F); "
    for struct, value in (
        ("struct F { float a; __align__(16) float b; };", 0x45490000),  # 3216
        ("struct __align__(8) F { float a; };", 0x444A0000),
    ):
        assert f"= {value:#x}:f32" in printed(kernel(f"{struct}\n{HEAD}{code}}}").body)[-1], struct
    assert refusal(f"struct F {{ float a; }} __attribute__((aligned(16)));\n{HEAD}{code}}}").code == "TV0111"
    assert refusal(f"typedef __align__(16) float F;\n{HEAD}F a = v; y[t] = a; }}").code == "TV0108"
    assert refusal(f"struct F {{ float a; alignas(16) float b; }};\n{HEAD}{code}}}", "clang").code == "TV0123"


FOUR = "struct __align__(16) F { float a, b, c, d; };\n"
ALIGNED = [
    ("F v = *(const F*)(x + {}); y[t] = v.a;", "the whole struct"),
    ("const F* p = (const F*)(x + {}); y[t] = p->b;", "a member"),
    ("const float4* p = (const float4*)(x + {}); y[t] = p->y;", "a component"),
    ("const float4& p = *(const float4*)(x + {}); y[t] = p.y;", "a component of a reference"),
    ("float4 p = *(const float4*)(x + {}); y[t] = p.y;", "the whole vector"),
    ("((F*)(y + {}))->c = x[0];", "a stored member"),
    ("const longlong4* p = (const longlong4*)(x + {}); y[t] = p->x;", "a component of 8 bytes"),
]


@pytest.mark.parametrize(("code", "what"), ALIGNED)
def test_an_access_is_aligned_as_its_type_is(code: str, what: str) -> None:
    for offset, status in (("4 * t", Status.PROVED), ("4 * t + 2", Status.UNKNOWN), ("2 * t", Status.UNKNOWN)):
        text = f"{FOUR}__global__ void k(float* y, const float* x) {{ int t = threadIdx.x; {code.format(offset)} }}"
        program = program_of(text, (8, 1, 1), 1, {"y": 64, "x": 64})
        assert {o.status for o in bounds(program)} == {status}, (offset, what)


def test_shared_memory_is_aligned_as_it_is_declared() -> None:
    for word, status in (("", Status.UNKNOWN), ("__align__(16)", Status.PROVED)):
        text = f"""{FOUR}__global__ void k(float* y) {{ __shared__ {word} float s[64]; int t = threadIdx.x;
          ((F*)(s + 4 * t))->b = y[t]; }}"""
        assert {o.status for o in bounds(program_of(text, (8, 1, 1), 1, {"y": 64}))} == {status}, word


# ------------------------------------------------------------------------------------------------ restrict
def claims(text: str) -> int:
    return sum(len(r.claims) for s in walk(kernel(text).body) for r in references(s))


RESTRICT = [  # a call of f, whether it is right
    ("float* __restrict__ p, const float* q", "p[t] = q[t];", "s, s", False),
    ("float* p, const float* __restrict__ q", "p[t] = q[t];", "s, s", False),
    ("float* __restrict__ p, const float* __restrict__ q", "p[t] = q[t];", "s, s + 32", True),
    ("float* __restrict__ p, const float* __restrict__ q", "p[t] = q[t] + q[t + 1];", "s, s + 31", False),
    ("float* __restrict__ p, float* __restrict__ q", "p[t] = 1.f; q[t] = 2.f;", "s, s", False),
    ("float* __restrict__ p, float* q", "float* r = p + 1; r[t] = p[t];", "s, s", True),
    ("float* __restrict__ p, float* q", "{ float* r = p + t; q = r; } *q = p[t];", "s, s", True),
    ("float* p, float* q", "float* __restrict__ r = p; r[t] = 1.f; q[t + 32] = 1.f;", "s, s", True),
    ("float* p, float* q", "float* __restrict__ r = p; r[t] = 1.f; q[t] = 1.f;", "s, s", False),
    ("float* p, float* q", "{ float* __restrict__ r = p; r[t] = 1.f; } q[t] = 1.f;", "s, s", True),
    ("float& __restrict__ p, float& q", "p = 1.f; q = 2.f;", "s[t], s[t]", False),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "code", "arguments", "right"), RESTRICT)
def test_a_restrict_pointer_is_the_only_way_to_what_it_changes(
    parameters: str, code: str, arguments: str, right: bool
) -> None:
    text = f"""__device__ void f({parameters}, int t) {{ {code} }}
__global__ void k(float* y) {{ __shared__ float s[66]; int t = threadIdx.x; f({arguments}, t); y[t] = 1.f; }}"""
    program = program_of(text, (1, 1, 1) if "+ 31" not in arguments else (32, 1, 1), 1, {"y": 64})
    resolve(program)
    found = Races(program).exchanged()
    assert (not found) == right


def test_claims_end_with_their_scope_and_where_nothing_is_written() -> None:
    head = "__global__ void k(float* y, const float* x) { __shared__ float s[64]; int t = threadIdx.x; s[t] = x[t];"
    assert (
        claims(
            f"__device__ float f(const float* __restrict__ p, const float* q) {{ return *p + *q; }} {head} y[t] = f(s, s); }}"
        )
        == 0
    )
    assert claims(f"__device__ void f(float* __restrict__ p, float* q) {{ *p = *q; }} {head} f(s, y); }}") == 0
    assert claims(f"__device__ void f(float* __restrict__ p, float* q) {{ *p = *q; }} {head} f(s, s); }}") == 2
    text = f"{head} float* __restrict__ p = s; float* q = p; float* r = t < 3 ? q : s; *r = 1.f; }}"
    assert refusal(text).code == "TV0115"
