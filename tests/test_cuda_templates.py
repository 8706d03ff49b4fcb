"""Templates, the two readers beside each other, host launches, and the kernels of the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import kernel, printed
from tv.cuda_frontend import read
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.kernel import references, walk
from tv.launch import CompileOptions

CORPUS = Path(__file__).parents[1] / "corpus"
KERNELS = sorted(CORPUS.glob("*/*/kernel.cu"))

TEMPLATE = """template <typename T, int N>
__global__ void scale(const T* __restrict__ x, T* __restrict__ y, T a, int n) {
  int i = blockIdx.x * N + threadIdx.x;
  for (int k = 0; k < 4; ++k, i += N)
    if (i < n) y[i] = x[i] * a;
}
"""
BY_HAND = """__global__ void scale(const float* __restrict__ x, float* __restrict__ y, float a, int n) {
  int i = blockIdx.x * 256 + threadIdx.x;
  for (int k = 0; k < 4; ++k, i += 256)
    if (i < n) y[i] = x[i] * a;
}
"""
METHODS = """namespace ew {
template <typename T> struct Scale { T factor; __device__ T operator()(const T& v) const { return v * factor; } };
template <int THREADS> __device__ int first() { return blockIdx.x * (4 * THREADS) + threadIdx.x; }
}
template <typename T, int THREADS>
__global__ void scale(const T* __restrict__ x, T* __restrict__ y, T alpha, int n) {
  const ew::Scale<T> op{alpha};
  int i = ew::first<THREADS>();
  for (int k = 0; k < 4; ++k, i += THREADS) { if (i < n) { y[i] = op(x[i]); } }
}
"""


@pytest.mark.parametrize("frontend", ["c", "clang"])
def test_an_instance_is_the_kernel_written_by_hand(frontend: str) -> None:
    name = "scale<float, 256>"
    instance = kernel(TEMPLATE, name, frontend)
    by_hand = kernel(BY_HAND, "scale", "c")
    assert printed(instance.body) == printed(by_hand.body)
    assert [(p.name, p.type, p.pointee, p.readonly, p.restrict) for p in instance.parameters] == [
        (p.name, p.type, p.pointee, p.readonly, p.restrict) for p in by_hand.parameters
    ]
    assert instance.name == name


def test_structs_with_methods_go_to_libclang() -> None:
    lines = printed(kernel(METHODS, "scale<float, 128>", "auto").body)
    assert lines[:2] == ["op.factor:f32 = alpha", "i:i32 = i32(add.u32(mul.u32(blockIdx.x, 512:u32), threadIdx.x))"]
    assert any("mul.f32" in line and "op.factor" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("scale<float>", "TV0113"),
        ("scale<float, 4, 4>", "TV0121"),
        ("scale", "TV0121"),
        ("other<int>", "TV0121"),
        ("scale<(1)>", "TV0121"),
    ],
)
def test_names_of_instances_that_are_wrong(name: str, code: str) -> None:
    with pytest.raises((BadInput, Unsupported)) as caught:
        kernel(TEMPLATE, name, "c")
    assert caught.value.code == code


def test_device_templates_deduce_and_take_arguments() -> None:
    text = """template <int W = 32> __device__ float reduce(float v) { for (int o = W / 2; o > 0; o /= 2) v += __shfl_xor_sync(~0u, v, o, W); return v; }
    template <typename T, int N> __device__ T first(const T (&a)[N]) { return a[N - 1]; }
    __global__ void k(float* y) { float a[3] = {1, 2, 3}; y[0] = reduce(y[1]) + first(a); y[1] = reduce<8>(y[2]); }"""
    lines = printed(kernel(text).body)
    assert any("load a[8:i64]" in line for line in lines)
    assert [line.strip()[-3:] for line in lines if "shfl_xor" in line] == ["32)", " 8)"]


@pytest.mark.parametrize(
    "text",
    [
        "template <typename... T> __global__ void k(T... a) {}",
        "struct A { __device__ A(int) {} int v; }; __global__ void k(int* y) { A a(1); y[0] = a.v; }",
        "__global__ void k(int* y) { auto f = [](int a) { return a; }; y[0] = f(1); }",
        "__global__ void k(int* y) { y[0] = undeclared(1); }",
        "template <class T> struct S { T a; }; template <> struct S<int> { int b; }; __global__ void k(int* y) { S<int> s{1}; y[0] = s.b; }",
        "__device__ float4 operator+(float4 a, float4 b) { return a; } __global__ void k(float4* y) { y[0] = y[0] + y[1]; }",
        "__global__ void k(int* y) { try { y[0] = 1; } catch (...) {} }",
    ],
)
def test_cxx_beyond_the_reader_is_refused(text: str) -> None:
    for frontend in ("clang", "auto"):
        with pytest.raises(TvError):
            kernel(text, "k", frontend)


@pytest.mark.parametrize("path", KERNELS, ids=lambda p: f"{p.parent.parent.name}/{p.parent.name}")
def test_corpus_kernels_read(path: Path) -> None:
    wanted = ("scale<float, 256>",) if path.parent.parent.name == "templates" else ()
    if path.read_text().startswith("// tv: unsupported TV01"):  # refused by the reader, as it states
        with pytest.raises(TvError):
            read(path, path.read_text(), CompileOptions(), wanted=wanted)
        return
    module = read(path, path.read_text(), CompileOptions(), wanted=wanted)
    assert module.kernels
    lines = len(path.read_text().splitlines())
    for k in module.kernels.values():
        assert k.body
        for s in walk(k.body):
            assert s.span.file == str(path)
            assert 1 <= s.span.line <= lines
            for r in references(s):
                assert r.object in k.objects


def test_plain_kernels_read_alike_in_both_readers() -> None:
    alike = 0
    for path in [p for p in KERNELS if "__" not in p.parent.name]:
        text = path.read_text()
        try:
            other = read(path, text, CompileOptions(), frontend="clang")
            own = read(path, text, CompileOptions(), frontend="c")
        except (BadInput, Unsupported):
            continue  # one of them does not take this file, and says so
        if not own.kernels:
            continue
        alike += 1
        for name, k in own.kernels.items():
            assert printed(k.body) == printed(other.kernels[name].body)
    assert alike >= 2


def test_launches_in_host_code() -> None:
    text = """#define CEIL(a, b) (((a) + (b) - 1) / (b))
    __global__ void k(float* y, int n) { y[n] = 1.f; }
    template <typename T, int N> __global__ void t(T* y) { y[0] = T(N); }
    #include <iostream>
    int main() { const int n = 1000; int m = 7; m++; float* y; dim3 grid(CEIL(n, 32), 2), block(32, 8);
      k<<<grid, block, 4 * sizeof(float)>>>(y, n);
      k<<<m, 128>>>(y + 1, m);
      t<float, 2 * 4><<<1, 1>>>(y);
      std::cout << "done" << std::endl; return 0; }"""
    module = read(Path("k.cu"), text, CompileOptions(), frontend="c")
    found = [(x.kernel, x.grid, x.block, x.shared, x.args, x.span.line) for x in module.launches]
    assert found == [
        ("k", (32, 2, 1), (32, 8, 1), 16, ("y", "n"), 6),
        ("k", None, (128, 1, 1), 0, ("y+1", "m"), 7),
        ("t<float, 8>", (1, 1, 1), (1, 1, 1), 0, ("y",), 8),
    ]
    assert set(module.kernels) == {"k", "t<float, 8>"}
