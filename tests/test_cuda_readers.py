"""Two readers of one text: what the second makes of host code and aliases, and what a text is called that neither parses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cuda_printing import printed
from tv.cuda_frontend import read
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.kernel import Kernel
from tv.launch import CompileOptions

KERNEL = "__global__ void k(float* y, const float* x, int n) {{ int t = threadIdx.x; {} }}\n"
TEMPLATE = "template <class T> __device__ T same(T v) { return v; }\n"
HOST = """
namespace cg = cooperative_groups;
cudaDeviceProp props;
static const char *title = "{ not closed";
template <class T> struct Pair { T a, b; };
""" + KERNEL.format(
    "__shared__ float s[64]; cg::thread_block b = cg::this_thread_block(); s[t] = x[t]; cg::sync(b); if (t < n) y[t] = s[t];"
) + """
static void parameters(int argc, char **argv, cudaDeviceProp &p, std::vector<int> v = {1}) { for (auto q : v) printf("%d", q); }
template <class T> void launch(T* a) { k<<<1, 64>>>(a, a, 3); }
int main(int argc, char** argv) { cudaDeviceProp p; cudaGetDeviceProperties(&p, 0); launch<float>(nullptr); return 0; }
"""  # fmt: skip


def kernel(text: str, frontend: str = "auto") -> Kernel:
    return read(Path("k.cu"), text, CompileOptions(), frontend=frontend).kernels["k"]


def refusal(text: str, frontend: str = "auto") -> TvError:
    with pytest.raises(TvError) as caught:
        kernel(text, frontend)
    return caught.value


# ------------------------------------------------------------------------------------------------ host code
def test_both_readers_skip_host_code_and_know_aliases_of_namespaces() -> None:
    assert printed(kernel(HOST, "clang").body) == printed(kernel(HOST, "c").body)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("y[t] = s[t]", "y[t] = parameters(1)"),  # a function of the host
        ("y[t] = s[t]", "y[t] = props.major"),  # a variable of the host, which is then left in
        ("y[t] = s[t]", "y[t] = argc"),
        ("namespace cg = cooperative_groups;", "namespace cg = elsewhere;"),
        ("cudaDeviceProp props;", "struct half { cudaDeviceProp props; };"),
        ("cudaDeviceProp props;", "__device__ cudaDeviceProp props;"),
    ],
)
def test_what_a_kernel_uses_of_host_code_is_refused(old: str, new: str) -> None:
    assert old in HOST
    assert refusal(HOST.replace(old, new), "clang").code in ("TV0108", "TV0111", "TV0112", "TV0123")


# ------------------------------------------------------------------------------------------------ what neither parses
@pytest.mark.parametrize(
    "text",
    [
        KERNEL.format("y[t] = x[t] +;"),
        TEMPLATE + KERNEL.format("y[t] = x[t] +;"),
        TEMPLATE + KERNEL.format("float a = same(x[t]) y[t] = a;"),
        TEMPLATE + KERNEL.format("if (n) { y[t] = 1.f;"),
        TEMPLATE + KERNEL.format("cutlass::Array<float, 4> a; y[t] = (a[0]];"),
        "this is a class of text, not a program: using no brackets",
        "def f(x):\n    return x + 1\n",
    ],
)
def test_a_damaged_text_is_bad_input(text: str) -> None:
    error = refusal(text)
    assert isinstance(error, BadInput)
    assert error.code == "TV0108"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (KERNEL.format("\ncutlass::Array<float, 4> a; y[t] = a[0];"), 2),
        (KERNEL.format("\nthrust::pair<float, float> p = thrust::make_pair(x[t], 1.f); y[t] = p.first;"), 2),
        (TEMPLATE + KERNEL.format("\nfloat4 v = frag<8>::load({x[t], 1.f}); y[t] = v.x;"), 3),
        ("\n\n" + KERNEL.format("auto [a, b] = cuda::std::pair<float, float>{x[t], 1.f}; y[t] = a;"), 3),
    ],
)
def test_what_may_be_cxx_is_unsupported_at_its_line(text: str, line: int) -> None:
    error = refusal(text)
    assert isinstance(error, Unsupported), error.message
    assert error.span.line == line
