"""Templates, the two readers beside each other, host launches, and the kernels of the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import kernel, printed
from tv.cuda_frontend import read
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.kernel import references, walk
from tv.launch import CompileOptions
from tv.spec.document import read_document

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
        "template <class T> struct S { T a; }; template <class T> struct S<T*> { T b; }; __global__ void k(int* y) { S<int*> s{1}; y[0] = s.b; }",
        "__device__ half2 operator+(half2 a, half2 b) { return a; } __global__ void k(half2* y) { y[0] = y[0] + y[1]; }",
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
    options = read_document(str(path.with_name("kernel.toml"))).options
    if path.read_text().startswith("// tv: unsupported TV01"):  # refused by the reader, as it states
        with pytest.raises(TvError):
            read(path, path.read_text(), options, wanted=wanted)
        return
    module = read(path, path.read_text(), options, wanted=wanted)
    assert module.kernels or module.templates
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
            if "<" not in name:  # instances are found by the C reader alone
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
        ("k", (32, 2, 1), (32, 8, 1), 16, ("y", "1000"), 6),
        ("k", None, (128, 1, 1), 0, ("y+1", "m"), 7),
        ("t<float, 8>", (1, 1, 1), (1, 1, 1), 0, ("y",), 8),
    ]
    assert set(module.kernels) == {"k", "t<float, 8>"}


def test_explicit_instances_are_kernels_where_nothing_is_launched() -> None:
    text = """template <typename T, int N> __global__ void t(T* y) { y[0] = T(N); }
    template __global__ void t<float, 2 * 4>(float* y);
    template __global__ void t<double, 3>(double*);"""
    assert set(read(Path("k.cu"), text, CompileOptions()).kernels) == {"t<float, 8>", "t<double, 3>"}
    launch = "void run(int* y) { t<int, 4><<<1, 1>>>(y); }"
    assert set(read(Path("k.cu"), text + launch, CompileOptions()).kernels) == {"t<int, 4>"}


@pytest.mark.parametrize(("host", "passed"), [
    ("const float eps = 1e-5f; k<<<1, 1>>>(y, eps);", "9.999999747378752e-06"), ("k<<<1, 1>>>(y, WIDTH * 2);", "128"),
    ("int n = WIDTH; k<<<1, 1>>>(y, n / 3);", "21"), ("bool b = true; k<<<1, 1>>>(y, b);", "true"),
    ("int WIDTH = atoi(argv[1]); k<<<1, 1>>>(y, WIDTH);", "WIDTH"), ("int n = 3; read(&n); k<<<1, 1>>>(y, n);", "n"),
    ("int n = 3; read(n); k<<<1, 1>>>(y, n);", "n"), ("const int n = 3; show(n); dim3 g(n); k<<<g, 1>>>(y, n);", "3"),
    ("int n = 3; show(n + 1); dim3 g((n), n); k<<<g, 1>>>(y, n);", "3"), ("int n = 3; show(y, n, 4); k<<<1, 1>>>(y, n);", "n"),
    ("int m = 3, WIDTH = m * m; WIDTH += 1; k<<<1, 1>>>(y, WIDTH);", "WIDTH"), ("int m, WIDTH; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("auto [a, WIDTH] = pair(); k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("decltype(128) WIDTH = 128; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("int (WIDTH) = 128; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("int a, WIDTH, b; WIDTH = 128; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("enum { WIDTH = 128 }; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("int volatile WIDTH; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("for (auto& WIDTH : v) k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("each([&](auto&& WIDTH) { k<<<1, 1>>>(y, WIDTH); });", "WIDTH"),
    ("Own (WIDTH); k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("dim3x dim3(n); int n = 3; dim3x dim3(n); k<<<1, 1>>>(y, n);", "n"), ("init(x, WIDTH); k<<<1, 1>>>(y, WIDTH);", "64"),
    ("const int* WIDTH = y; k<<<1, 1>>>(y, *WIDTH);", "*WIDTH"), ("auto WIDTH = size(); k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("int n = 3; int& r = n; r = 4; k<<<1, 1>>>(y, n);", "n"), ("int n = 3; std::cin >> n; k<<<1, 1>>>(y, n);", "n"),
    ("int n = 3; (n) = 4; k<<<1, 1>>>(y, n);", "n"), ("int n = 3; f<int>(n); k<<<1, 1>>>(y, n);", "n"),
    ("{ const int WIDTH = 3; } k<<<1, 1>>>(y, WIDTH);", "WIDTH"), ("int n = 3; for (;;) { k<<<1, 1>>>(y, n); n = 4; }", "n"),
    ("int n = 3; { int n = 4; } k<<<1, 1>>>(y, n);", "n"), ("int n = 3; auto f = [&] { n++; }; k<<<1, 1>>>(y, n);", "n"),
    ("struct L { int n = 3; void go(float* y) { k<<<1, 1>>>(y, n); } };", ""), ("int n = 3, *p = &n; k<<<1, 1>>>(y, n);", "n"),
    ("unsigned char n = 200; k<<<1, 1>>>(y, n);", "200"), ("unsigned short int n = 70000; k<<<1, 1>>>(y, n);", "4464"),
    ("dim3 b(32, 8); int n = b.x * b.y; k<<<1, b>>>(y, n);", "256"), ("dim3 b(32); b.x = 8; k<<<1, 1>>>(y, b.x * 1);", "b.x*1"),
    ("int n = 3; auto& r = n; r = 4; k<<<1, 1>>>(y, n);", "n"), ("int n = 3, m = 4; (argc ? n : m) = 5; k<<<1, 1>>>(y, n);", "n"),
    ("int n = 3; auto f = [&m = n] { m = 4; }; f(); k<<<1, 1>>>(y, n);", "n"), ("short int n = 65536 + 3; k<<<1, 1>>>(y, n);", "3"),
    ("struct L { const int n = 3; L(int q) : n(q) {} void go(float* y) { k<<<1, 1>>>(y, n); } };", ""),
    ("const int n = 3; struct L : Base { void go(float* y) { k<<<1, 1>>>(y, n); } };", ""),
    ("void (*k)(float*, float) = other; k<<<1, 1>>>(y, 3);", ""), ("auto k = other; k<<<1, 1>>>(y, 3);", ""),
    ("const int* WIDTH = 0; k<<<1, 1>>>(y, WIDTH ? 1 : 2);", "WIDTH?1:2"), ("Of<int, 3> WIDTH; k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("call([](Of<int> WIDTH) { k<<<1, 1>>>(y, WIDTH); });", "WIDTH"), ("int n = 3; f<A<A<int>>>(n); k<<<1, 1>>>(y, n);", "n"),
    ("const int n = 3; { using foo::n; k<<<1, 1>>>(y, n); }", "n"), ("dim3 (WIDTH); k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("int n = 3; dim3 g(((n) = 4) / 4); k<<<1, 1>>>(y, n);", "n"), ("int n = 3; dim3 g((n)++); k<<<1, 1>>>(y, n);", "n"),
    ("int n = 3; dim3 g(n, set(n)); k<<<1, 1>>>(y, n);", "n"), ("int n = 3; k<<<1, (n) = 4>>>(y, n);", "n"),
    ("auto twice = [](int v) { return 4; }; k<<<1, 1>>>(y, twice(4));", "twice(4)"), ("k<<<1, 1>>>(y, twice(4));", "8"),
    ("int (*twice)(int) = other; k<<<1, 1>>>(y, twice(4));", "twice(4)"), ("int warpSize = 16; k<<<1, 1>>>(y, warpSize);", "16"), ("extern int warpSize; k<<<1, 1>>>(y, warpSize);", "warpSize"),
    ("const std::int_fast32_t (WIDTH) = 128; k<<<1, 1>>>(y, WIDTH);", "WIDTH"), ("for (Own (WIDTH) = 1;;) k<<<1, 1>>>(y, WIDTH);", "WIDTH"),
    ("int n = 3; k<<<1, 1>>>(y, twice(n)); k<<<1, 1>>>(y, n);", "6"), ("int n = 3; k<<<1, 1>>>(y, set(n)); k<<<1, 1>>>(y, n);", "set(n)"),
    ("k<<<1, 1>>>(make<Own, 3>(1), y);", "-"), ("const int n = 3; call(y, n); k<<<1, 1>>>(y, n);", "3"),
    ("auto twice = [](int& v) { v = 4; return 1; }; int n = 3; dim3 g(twice(n)); k<<<1, 1>>>(y, n);", "n"),
    ("int n = 3; dim3 g(other(n)); k<<<1, 1>>>(y, n);", "n"), ("int n = 3; dim3 g(twice(n)); k<<<1, 1>>>(y, n);", "3"),
    ("int n = 3; of<<<1, 1>>>(n); k<<<1, 1>>>(y, n);", "n"), ("struct L : Of<int{}> { void go(float* y) { k<<<1, 1>>>(y, WIDTH); } };", ""),
    ("using size_t = char; k<<<1, 1>>>(y, (size_t)300);", "(size_t)300"), ("k<<<1, 1>>>(y, OUTSIDE);", "OUTSIDE"),
    ("int n = 3; if (n < 4) n; k<<<dim3(n), n, n * 4>>>(y, n);", "n"), ("int n = 3; if (n < 4) k<<<dim3(n), n, n * 4>>>(y, n);", "3"),
])  # fmt: skip
def test_arguments_in_host_code_that_are_numbers(host: str, passed: str) -> None:
    """A name in the host function hides the file's. passed: "" where the launch does not count, "-" where its arguments do not."""
    text = (
        "const int WIDTH = 64; __host__ __device__ constexpr int twice(int v) { return 2 * v; } constexpr int OUTSIDE = 3;"
        "namespace inner { static int OUTSIDE(4), b(5); } __host__ __device__ int set(int& r) { return r = 4; }"
        "struct Own { __host__ __device__ Own(int& r) { r = 4; } }; __global__ void of(Own o) {}"
        "__host__ __device__ int other(long v) { return 1; } template <class T> __host__ __device__ int other(T&& v) { return v = 4; }"
        f"__global__ void k(float* y, float n) {{}} int main(int argc, char** argv) {{ {host} }}"
    )
    found = read(Path("k.cu"), text, CompileOptions(), frontend="c").launches
    found = tuple(launch for launch in found if launch.kernel == "k")
    assert [launch.args for launch in found][:1] == {"": [], "-": [()]}.get(passed, [("y", passed)])


@pytest.mark.parametrize(("host", "known"), [
    ("void run(float* y) { k<<<1, BLK>>>(y); }", False), ("void run(float* y) { k<<<1, 64>>>(y); }", False),
    ("#ifndef __CUDA_ARCH__\nvoid run(float* y) { k<<<1, 64>>>(y); }\n#endif", False),
    ("#ifdef __CUDA_ARCH__\nvoid run(float* y) { k<<<1, 64>>>(y); }\n#endif", False),
])  # fmt: skip
def test_launches_count_where_both_passes_see_one_file(host: str, known: bool) -> None:
    """A file is compiled twice, for the GPU with `__CUDA_ARCH__`, for the host without."""
    text = f"#ifdef __CUDA_ARCH__\n#define BLK 256\n#else\n#define BLK 128\n#endif\n__global__ void k(float* y) {{ y[0] = 1.f; }}\n{host}\n"
    module = read(Path("k.cu"), text, CompileOptions(), frontend="c")
    assert bool(module.launches) is known
    assert set(module.kernels) == {"k"}


@pytest.mark.parametrize("function", [
    "template <typename dim3> void run(float* y) { dim3 n(256); k<<<1, n>>>(y); }", "void S::run(float* y) { k<<<1, N>>>(y); }",
    "__attribute__((noinline)) void S::run(float* y) { k<<<1, N>>>(y); }", "template <int N> void run(float* y) { k<<<1, N>>>(y); }",
    "void run(float* y) { typedef int dim3; k<<<1, dim3(300)>>>(y); }", "void run(float* y, Of<int> N) { k<<<1, N>>>(y); }",
])  # fmt: skip
def test_a_block_that_other_names_may_decide(function: str) -> None:
    text = f"const int N = 128; __global__ void k(float* y) {{ y[0] = 1.f; }} struct S {{ static const int N = 64; void run(float*); }}; {function}"
    found = read(Path("k.cu"), text, CompileOptions(), frontend="c").launches
    assert all(launch.block is None for launch in found)


@pytest.mark.parametrize(
    "condition", ["#define ARCH __CUDA_ARCH__\n#if ARCH", "#define OF(x) __CUDA_##x\n#if OF(ARCH__)", "#if 1"]
)
def test_a_pass_that_a_macro_asks_for(condition: str) -> None:
    text = f"{condition}\n#define BLK 256\n#else\n#define BLK 128\n#endif\n__global__ void k(float* y) {{ y[0] = 1.f; }}\nvoid run(float* y) {{ k<<<1, BLK>>>(y); }}"
    launches = read(Path("k.cu"), text, CompileOptions(), frontend="c").launches
    assert bool(launches) is (condition == "#if 1")
