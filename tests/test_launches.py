"""Several launches in order: what the next one finds, which memory is one, and what may not stand in a sequence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.checking import F16, F32, checked, graph, write
from tv.check import check, recheck
from tv.obligation import Relation
from tv.verdict import CheckResult, Verdict

PRODUCT_AND_SUM = graph(
    [("Mul", "a b", "m"), ("Add", "m c", "y")], {n: (F16, ["N"]) for n in "abc"}, {"y": (F16, ["N"])}
)
STEPS = """#include <cuda_fp16.h>
__global__ void product(const __half* __restrict__ a, const __half* __restrict__ b, __half* __restrict__ h, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  h[i] = __hmul(a[i], b[i]);
}
__global__ void sum(const __half* __restrict__ h, const __half* __restrict__ c, __half* __restrict__ y, int n) {
  int t = threadIdx.y * blockDim.x + threadIdx.x;
  for (int i = blockIdx.x * BLOCK + t; i < n; i += gridDim.x * BLOCK) y[i] = __hadd(h[i], c[i]);
}
"""
NEG = graph([("Neg", "x", "y")], {"x": (F32, [256])}, {"y": (F32, [256])})
COPY = "__global__ void copy(const float* x, float* s) { s[threadIdx.x] = x[threadIdx.x]; }\n"
NEGATE = "__global__ void negate(const float* s, float* y) { y[threadIdx.x] = -s[threadIdx.x]; }\n"


def launch(kernel: str, grid: str, block: str, more: str = "", **args: str) -> str:
    bound = "".join(f"{n} = {a}\n" for n, a in args.items())
    return f'[[launch]]\nkernel = "{kernel}"\ngrid = {grid}\nblock = {block}\n{more}[launch.args]\n{bound}'


def steps(second_block: str) -> str:
    n, h = '{ symbol = "N", min = 1, max = 65536 }', '{ scratch = "h", extent = "N" }'
    first = launch("product", '["ceildiv(N, 256)"]', "[256]", a='"a"', b='"b"', h=h, n=n)
    return f'defines = {{ BLOCK = "128" }}\n{first}{launch("sum", "[40]", second_block, h=h, c=chr(34) + "c" + chr(34), y=chr(34) + "y" + chr(34), n=n)}'


@pytest.mark.parametrize("block", ["[128]", "[32, 4]", "[2, 64]"])
def test_a_product_that_was_stored_by_a_launch_is_rounded(tmp_path: Path, block: str) -> None:
    """At 16 bits a fused product is another value; the first launch also returns early, of which the second knows nothing."""
    result = checked(tmp_path, STEPS, PRODUCT_AND_SUM, steps(block))
    assert (result.verdict, result.relation) == (Verdict.PROVED, Relation.BITWISE), result.why
    assert result.kernel is not None
    assert result.kernel.name == "product+sum"


def test_a_certificate_of_a_sequence_is_followed(tmp_path: Path) -> None:
    request = replace(write(tmp_path, STEPS, PRODUCT_AND_SUM, steps("[128]")), certificate=str(tmp_path / "c.json"))
    assert check(request).verdict is Verdict.PROVED
    assert recheck(request.certificate or "", request).holds
    data = json.loads((tmp_path / "c.json").read_text())
    shorter = steps("[128]").replace("[40]", "[39]")
    (tmp_path / "k.toml").write_text(shorter)
    assert not recheck(str(tmp_path / "c.json"), request).holds
    assert data["relation"] == "bitwise"


def two(
    first: str, second: str, kernels: str = COPY + NEGATE, model: onnx.ModelProto = NEG, more: str = ""
) -> tuple[str, onnx.ModelProto, str]:
    spec = launch("copy", "[1]", "[256]", x='"x"', s=first) + launch("negate", "[1]", "[256]", more, s=second, y='"y"')
    return kernels, model, spec


def test_scratch_of_one_name_is_one_memory(tmp_path: Path) -> None:
    named = '{ scratch = "s", extent = 256 }'
    assert checked(tmp_path / "one", *two(named, named)).verdict is Verdict.PROVED
    other = checked(tmp_path / "two", *two(named, '{ scratch = "t", extent = 256 }'))
    assert other.verdict is Verdict.REFUTED
    assert {o.kind for o in other.obligations if o.status.value == "refuted"} == {"init"}


def refused(result: CheckResult) -> tuple[str, str]:
    return result.verdict.value, next(d.code for d in result.diagnostics if d.severity == "error")


@pytest.mark.parametrize(
    ("second", "more", "said"),
    [
        ('{ scratch = "s", extent = 512 }', "", ("bad-input", "TV0243")),
        ('{ scratch = "s", extent = 256, zeroed = true }', "", ("bad-input", "TV0243")),
        ('{ scratch = "s", extent = 256 }', "cooperative = true\n", ("unsupported", "TV0244")),
    ],
)
def test_launches_that_disagree_are_refused(tmp_path: Path, second: str, more: str, said: tuple[str, str]) -> None:
    assert refused(checked(tmp_path, *two('{ scratch = "s", extent = 256 }', second, more=more))) == said


def test_a_tensor_that_a_launch_changes_is_one_memory(tmp_path: Path) -> None:
    """The second launch reads the output that the first has written, and writes it again."""
    again = COPY + "__global__ void negate(float* s) { s[threadIdx.x] = -s[threadIdx.x]; }\n"
    spec = launch("copy", "[1]", "[256]", x='"x"', s='"y"') + launch("negate", "[1]", "[256]", s='"y"')
    assert checked(tmp_path / "good", again, NEG, spec).verdict is Verdict.PROVED
    elsewhere = spec.replace('s = "y"', 's = { tensor = "y", offset = 1, extent = 300 }', 1)
    assert refused(checked(tmp_path / "bad", again, NEG, elsewhere)) == ("bad-input", "TV0243")


def test_one_memory_holds_two_tensors_only_where_they_are_known_to_lie_apart(tmp_path: Path) -> None:
    """`buf` is one memory, for it ends up as y. It cannot hold a and b at the same place: no kernel could tell them apart."""
    kernels = """
__global__ void first(float* buf, float* s) { s[threadIdx.x] = buf[threadIdx.x]; }
__global__ void second(float* buf, float* s) { buf[threadIdx.x] = s[threadIdx.x] - buf[threadIdx.x]; }
"""
    model = graph([("Sub", "a b", "y")], {"a": (F32, [256]), "b": (F32, [256])}, {"y": (F32, [256])})
    scratch = '{ scratch = "s", extent = 256 }'

    def spec(one: str, other: str) -> str:
        first, second = (f'{{ input = "{x}", output = "y" }}' for x in (one, other))
        return launch("first", "[1]", "[256]", buf=first, s=scratch) + launch(
            "second", "[1]", "[256]", buf=second, s=scratch
        )

    assert refused(checked(tmp_path / "two", kernels, model, spec("a", "b"))) == ("bad-input", "TV0243")
    assert checked(tmp_path / "one", kernels, model, spec("a", "a")).verdict is Verdict.REFUTED


def test_a_barrier_waits_for_the_threads_of_its_own_launch(tmp_path: Path) -> None:
    """The first launch has blocks of 256 threads, the second of 64, each of which passes a barrier."""
    twice = """__global__ void negate(const float* s, float* y) {
  __shared__ float p[64];
  const int i = blockIdx.x * 64 + threadIdx.x;
  p[63 - threadIdx.x] = s[i];
  __syncthreads();
  y[i] = -p[63 - threadIdx.x];
}
"""
    named = '{ scratch = "s", extent = 256 }'
    spec = launch("copy", "[1]", "[256]", x='"x"', s=named) + launch("negate", "[4]", "[64]", s=named, y='"y"')
    assert checked(tmp_path / "good", COPY + twice, NEG, spec).verdict is Verdict.PROVED
    turned = checked(tmp_path / "bad", COPY + twice.replace("-p[63 - threadIdx.x]", "-p[threadIdx.x]"), NEG, spec)
    assert turned.verdict is Verdict.REFUTED
