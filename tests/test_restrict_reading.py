"""`__restrict__` behind a name of a pointer's type, and loads that it only may take through the read-only path."""

from __future__ import annotations

import pytest

from tests.cuda_printing import kernel
from tv.diagnostic import Unsupported
from tv.kernel import Load, references, walk

NAMED = "typedef float* FP; using CP = const float*; typedef float* __restrict__ RP;\n"


def claims(
    code: str, before: str = "", parameters: str = "float* q, float* y", frontend: str = "c"
) -> set[tuple[str, bool]]:
    """The marks on accesses of `q`: of which pointers it is promised to be reached through them alone."""
    text = f"{NAMED}{before}\n__global__ void k({parameters}) {{ {code} }}"
    found = kernel(text, frontend=frontend)
    return {c for s in walk(found.body) for r in references(s) if r.object == "q" for c in r.claims}


@pytest.mark.parametrize(
    "declared",
    ["float* __restrict__ p", "FP __restrict__ p", "auto __restrict__ p", "const auto __restrict__ p", "decltype(q) __restrict__ p",
     "auto* __restrict__ p", "RP p", "FP __restrict p"],
)  # fmt: skip
def test_the_promise_of_a_named_type(declared: str) -> None:
    code = f"{declared} = q; p[0] = 1.f; q[0] = 2.f; y[0] = p[0];"
    plain = code.replace("__restrict__ ", "").replace("__restrict ", "").replace("RP p", "FP p")
    assert {based for _, based in claims(code)} == {True, False}
    assert claims(plain) == set()


@pytest.mark.parametrize("declared", ["float* __restrict__ p", "FP __restrict__ p", "RP p", "auto* __restrict__ p"])
def test_both_readers_see_it(declared: str) -> None:
    code = f"{declared} = q; p[0] = 1.f; q[0] = 2.f; y[0] = p[0];"
    assert {based for _, based in claims(code, frontend="clang")} == {True, False}


@pytest.mark.parametrize("parameter", ["FP __restrict__ q", "RP q", "float* __restrict__ q"])
@pytest.mark.parametrize("frontend", ["c", "clang"])
def test_a_parameter_of_the_kernel(parameter: str, frontend: str) -> None:
    text = f"{NAMED}__global__ void k({parameter}, FP y) {{ y[0] = q[0]; }}"
    assert [p.restrict for p in kernel(text, frontend=frontend).parameters] == [True, False]


def test_what_auto_copies_makes_no_promise() -> None:
    code = "float* __restrict__ p = q; {{ auto r = p; r[0] = 1.f; {} }} y[0] = p[0];"
    one = claims(code.format("y[1] = p[0];"))
    assert one == set()  # all is based on p


def test_a_template_s_parameter() -> None:
    before = "template <class T> __device__ void f(T __restrict__ p, T r) { p[0] = 1.f; r[0] = 2.f; }"
    assert {based for _, based in claims("f(q, q);", before)} == {True, False}
    assert claims("f(q, q);", before.replace(" __restrict__", "")) == set()


@pytest.mark.parametrize(
    ("code", "before"),
    [
        ("auto __restrict__& p = q;", ""),
        ("float f = 1.f; auto __restrict__ p = f;", ""),
        ("int __restrict__ p = 1;", ""),
        ("f(q);", "__device__ void f(RP& p) { p[0] = 1.f; }"),
    ],
)
def test_a_promise_of_something_else_is_refused(code: str, before: str) -> None:
    with pytest.raises(Unsupported):
        claims(code, before)


def modes(code: str, before: str = "") -> set[str]:
    text = f"{before}\n__global__ void k(float* q, float* y) {{ {code} }}"
    return {s.ref.access for s in walk(kernel(text).body) if isinstance(s, Load) and s.ref.object == "q"}


FUNCTION = "__device__ float f(const float* __restrict__ p) { return p[1]; }"


def test_loads_that_may_be_taken_through_the_read_only_path() -> None:
    assert modes("y[0] = f(q);", FUNCTION) == {"readonly"}
    # what the kernel writes elsewhere is open: the two are marked, and are no read-only load
    for code in ("q[0] = 1.f; y[0] = f(q);", "y[0] = f(q); q[0] = 1.f;"):
        assert modes(code, FUNCTION) == {"weak"}
        marks = claims(code, FUNCTION)
        assert {based for name, based in marks if name.endswith(".read")} == {True, False}


@pytest.mark.parametrize(
    "code",
    ["float* r = p; r[0] = 1.f;", "auto r = p + 4; r[0] = 1.f;", "*(int*)p = 1;", "float& r = p[0]; r = 1.f;",
     "float* r = &p[0]; r[0] = 1.f;", "g(p);"],
)  # fmt: skip
def test_a_store_through_a_copy_is_one_through_the_pointer(code: str) -> None:
    before = "__device__ void g(float* a) { a[0] = 1.f; }"
    marks = claims(f"float* __restrict__ p = q; {code} y[0] = p[1];", before)
    assert not {n for n, _ in marks if n.endswith(".read")}
    assert modes(f"float* __restrict__ p = q; {code} y[0] = p[1];", before) == {"weak"}


def test_what_stands_behind_a_return() -> None:
    """The result is one of two, and has no value before the first: it is read from no memory at all."""
    before = """__device__ float pick(const float* __restrict__ s, int t) {
  return s[0];
  for (int o = 2; o > 0; o >>= 1) { if (t < o) t += o; }
  return s[t];
}
"""
    assert claims("y[0] = pick(y, threadIdx.x);", before) == set()
