"""What is not read is refused by name, at its line; nothing that is damaged or hostile ends in anything but a diagnostic."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import body
from tv.cuda_frontend import CODES, read
from tv.cuda_frontend.phases import decode
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions

GOOD = "__global__ void k(float* y, const float* x, int n) { int i = threadIdx.x; if (i < n) y[i] = x[i]; }\n"


def refusal(text: str, options: CompileOptions | None = None, path: Path = Path("k.cu")) -> TvError:
    with pytest.raises(TvError) as caught:
        read(path, text, options or CompileOptions(), frontend="c")
    assert caught.value.code in CODES
    return caught.value


def outcome(text: str, frontend: str) -> str | None:
    """The code of the diagnostic, or None where the text was read; any other exception escapes."""
    try:
        read(Path("k.cu"), text, CompileOptions(), frontend=frontend)
    except (BadInput, Unsupported) as error:
        return error.code
    return None


def in_kernel(code: str, before: str = "") -> TvError:
    return refusal(f"{before}\n__global__ void k(float* y, float* x, int n, half h) {{\n{code}\n}}")


@pytest.mark.parametrize(
    ("code", "reported", "word"),
    [
        ("y[0] = __sinpif_fast(x[0]);", "TV0112", "__sinpif_fast"),
        ("y[0] = __expff(x[0]);", "TV0112", "__expff"),
        ("y[unknown] = 1.f;", "TV0112", "unknown"),
        ("int i = n; y[i] = i++ + i;", "TV0114", "`i`"),
        ("int i = n; i = i++;", "TV0114", "`i`"),
        ("y[0] = (y[1] = 2.f) + x[1];", "TV0114", "global memory"),
        ("y[0] = atomicAdd(&y[1], 1.f) + atomicAdd(&y[2], 1.f);", "TV0114", "written and used"),
        ("float* p = n ? y : x; p[0] = 1.f;", "TV0115", "different objects"),
        ("float* p; if (n) p = y; else p = x; p[0] = 1.f;", "TV0115", "depending on the path"),
        ("float* p = y; for (int i = 0; i < n; ++i) { p[i] = 1.f; p = x; }", "TV0115", "inside a loop"),
        ("float* p; p[0] = 1.f;", "TV0124", "never assigned"),
        ("y[0] = h + 1.f;", "TV0113", "half + float"),
        ("float p = 1.f; y[0] = p; float p = 2.f;", "TV0113", "declared twice"),
        ("const float c = 1.f; c = 2.f;", "TV0113", "const"),
        ("y[0] = x;", "TV0113", "no conversion"),
        ("y[0] = *(const float*)0;", "TV0113", "null pointer"),
        ("goto out; out: y[0] = 1.f;", "TV0111", "goto"),
        ("switch (n) { case 0: if (n) break; y[0] = 1.f; break; default: y[1] = 1.f; }", "TV0111", "in the middle"),
        ("y[0] = (float)(size_t)y;", "TV0111", "pointer as the number"),
        ("volatile int v = 1; y[v] = 1.f;", "TV0111", "volatile"),
        ("float a[n]; y[0] = a[0];", "TV0117", "extent"),
        ("y[0] = __shfl_xor_sync(~0u, x[0], 1, n);", "TV0117", "width"),
        ("static_assert(sizeof(float) == 8);", "TV0118", "static_assert"),
        ("asm volatile(\"bar.sync 0;\");", "TV0111", "inline assembly"),
        ("y[0] = __activemask();", "TV0111", "__activemask"),
        ("#pragma omp parallel\ny[0] = 1.f;", "TV0125", "omp"),
        ("y[0] = 'ab';", "TV0108", ""),
        ("y[0] = 1.0L;", "TV0111", "long double"),
        ("y[0] = 9223372036854775809;", "TV0111", "no type of 64 bits"),
        ("y[0] = -18446744073709551616;", "TV0111", "no type of 64 bits"),
        ("y[0] = 1f;", "TV0108", ""),
    ],
)  # fmt: skip
def test_constructs_refused_in_a_kernel(code: str, reported: str, word: str) -> None:
    error = in_kernel(code)
    assert error.code == reported, error.message
    assert word in error.message
    assert error.span.line >= 3


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("#define __syncthreads()\n" + GOOD, "TV0109"),
        ("#define threadIdx blockIdx\n" + GOOD, "TV0109"),
        ("#define float double\n" + GOOD, "TV0109"),
        ("#if WIDTH > 4\n#endif\n" + GOOD, "TV0107"),
        ("#error no\n" + GOOD, "TV0105"),
        ("#if 1\n" + GOOD, "TV0105"),
        ('#include "absent.h"\n' + GOOD, "TV0106"),
        ('#include "../../../../etc/passwd"\n' + GOOD, "TV0106"),
        ("#include </etc/passwd>\n" + GOOD, "TV0106"),
        ("/* never closed\n" + GOOD, "TV0103"),
        ('const char* s = "never closed;\n' + GOOD, "TV0103"),
        ("int a??(4??);\n" + GOOD, "TV0110"),
        ("__device__ int f(int n) { return n ? f(n - 1) : 0; }\n__global__ void k(int* y) { y[0] = f(3); }", "TV0116"),
        (
            "__device__ int f(int n) { for (;;) { if (n) return 1; } }\n__global__ void k(int* y) { y[0] = f(3); }",
            "TV0119",
        ),
        (
            "__device__ int f(int n) { switch (n) { case 0: return 1; default: break; } return 2; } __global__ void k(int* y) { y[0] = f(1); }",
            "TV0119",
        ),
        (
            "namespace my { __device__ float max(float a, float b) { return a; } }\n__global__ void k(float* y) { y[0] = max(y[1], y[2]); }",
            "TV0111",
        ),
        ("struct half { __device__ int get() { return 1; } };\n__global__ void k(half* y) { y[0] = y[1]; }", "TV0109"),
        ("__device__ int f(int n);\n__global__ void k(int* y) { y[0] = f(3); }", "TV0112"),
        ("int f(int n) { return n; }\n__global__ void k(int* y) { y[0] = f(3); }", "TV0112"),
        ("__global__ void k(float*** y) { y[0][0][0] = 1.f; }", "TV0115"),
        ("__global__ void k(float** y, float* x) { y[0] = x; }", "TV0115"),
        ("struct S { float* p; }; __global__ void k(float* y) { S s[2]; s[0].p = y; s[0].p[0] = 1.f; }", "TV0115"),
        ("struct S { float* p; }; __global__ void k(float* y) { S s; s.p[0] = 1.f; }", "TV0124"),
        ("struct S { float* p; }; __device__ S s; __global__ void k(float* y) { s.p[0] = 1.f; }", "TV0115"),
        ("struct S { float* p; }; __global__ void k(S* y) { y->p[0] = 1.f; }", "TV0115"),
        ("struct S { int a; void b; }; __global__ void k(float* y) { S s; s.a = 1; y[0] = s.a; }", "TV0111"),
        ("__global__ void k(float* y) { __shared__ float* p[2]; p[0] = y; }", "TV0115"),
        ("__global__ void k(float* y) { float* p[2]; p[0] = y; }", "TV0115"),
        ("__global__ void k(float* y, int n) { float* p = y + n; if (p) y[0] = 1.f; }", "TV0111"),
        ("__global__ void k(float* y, int n) { if (y + n != nullptr) y[0] = 1.f; }", "TV0111"),
        ("__global__ void k(float* y, int n) { y[0] = !&y[n] ? 1.f : 2.f; }", "TV0111"),
        (GOOD + GOOD, "TV0122"),
        ("__global__ void k(float* y) { y[0] = 1.f;", "TV0108"),
        ("template <> __device__ int f<int>() { return 1; }\n__global__ void k(int* y) { y[0] = f<int>(); }", "TV0108"),
        (
            "__device__ half2 operator+(half2 a, half2 b);\n__global__ void k(half2* y) { y[0] = y[0] + y[1]; }",
            "TV0111",
        ),
    ],
)
def test_files_refused(text: str, reported: str) -> None:
    assert refusal(text).code == reported


def test_the_nearest_known_name_is_offered() -> None:
    assert "__expf" in in_kernel("y[0] = __expff(x[0]);").help
    assert "blockIdx" not in in_kernel("y[counte] = 1.f;", "__device__ int counter;").message
    assert "counter" in in_kernel("y[counte] = 1.f;", "__device__ int counter;").help


def test_sequenced_changes_are_fine() -> None:
    assert body("int i = 0; y[i++] = x[n]; n = (i++, i + 1); y[n] = i ? i-- : 0;")


def test_prefixes_of_a_file_end_in_a_diagnostic_or_a_module() -> None:
    text = (
        "#include <cuda_fp16.h>\n#define N(a) ((a) * 2)\n__device__ float f(float v) { return v < 0.f ? -v : v; }\n"
        "template <typename T> __global__ void t(T* y) { y[0] = T(1); }\nstruct P { int a; float b[2]; };\n"
        '__global__ void __launch_bounds__(N(8)) k(float* y) {\n  __shared__ float s[4]; for (int i = 0; i < N(2); ++i) s[i] = f(y[i]);\n}\n'
        "void host() { k<<<dim3(1, 2), N(16)>>>(0); }\n"
    )  # fmt: skip
    for end in range(0, len(text), 3):
        assert outcome(text[:end], "c") in (None, *CODES)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000,
        "__global__ void k(int* y) { y[0] = " + "(" * 300 + "1" + ")" * 300 + "; }",
        "__global__ void k(int* y) { y[0] = " + "-" * 9001 + "1; }",
        "__global__ void k(int* y) { y[0] = " + "1 + " * 9000 + "1; }",
        "__global__ void k(int* y) { " + "if (y[0]) " * 3000 + "; }",
        "\x00\x01\x02",
        "}{)(][",
        "#define A A B\n#define B B A\nA",
        "# \n#\n##\n#define\n#if\n",
        "int x = 0x;",
        "\\",
        "'",
        "template <",
        "<<<>>>",
        "__global__",
        "struct {",
        "namespace {",
        'extern "C" {',
        "using",
        "#include",
    ],
)
def test_garbage_ends_in_a_diagnostic(text: str) -> None:
    assert outcome(text, "auto") in (None, *CODES)


def test_recursive_macros_and_includes_end(tmp_path: Path) -> None:
    (tmp_path / "loop.h").write_text('#include "loop.h"\n')
    text = '#define f(x) f(f(x))\n#include "loop.h"\n__global__ void k(int* y) { y[0] = f(f(1)); }'
    assert refusal(text, path=tmp_path / "k.cu").code in ("TV0106", "TV0112")


def test_includes_reach_only_named_folders(tmp_path: Path) -> None:
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "size.h").write_text("#pragma once\n#define SIZE 7\n")
    text = '#include "size.h"\n__global__ void k(int* y) { y[0] = SIZE; }'
    assert refusal(text, path=tmp_path / "k.cu").code == "TV0106"
    module = read(tmp_path / "k.cu", text, CompileOptions(include=("inc",)), frontend="c")
    assert list(module.kernels) == ["k"]


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(BadInput) as caught:
        decode("k.cu", b"int a;\n\xff\xfe")
    assert (caught.value.code, caught.value.span.line) == ("TV0102", 2)
    with pytest.raises(BadInput):
        decode("k.cu", b" " * (5 << 20))


@pytest.mark.parametrize(
    "options", [CompileOptions(ftz=True), CompileOptions(fast_math=True), CompileOptions(prec_div=False)]
)
def test_options_that_change_every_operation(options: CompileOptions) -> None:
    assert refusal(GOOD, options).code == "TV0120"


def test_defines_and_arch() -> None:
    text = "#if __CUDA_ARCH__ >= 800\n#define V A\n#else\n#define V 1\n#endif\n__global__ void k(int* y) { y[0] = V; }"
    from tests.cuda_printing import kernel, printed

    for arch, value in (("sm_90", 5), ("sm_75", 1)):
        k = kernel(text, options=CompileOptions(arch=arch, defines=(("A", "5"),)))
        assert printed(k.body) == [f"store y[0:i64]:1xi32 = {value}:i32"]
    assert refusal(text, CompileOptions(arch="gfx90")).code == "TV0105"
