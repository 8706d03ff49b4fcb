"""Reads at indices that are data: addresses against C's arithmetic at every value, and what both sides make of an index."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.executing import Run, program_of
from tv.arithmetic import apply
from tv.check import check
from tv.diagnostic import Unknown
from tv.obligation import Status
from tv.request import CheckRequest
from tv.sets import Affine, Dim
from tv.symexec import Program
from tv.symexec.data_indices import Contents
from tv.term import Term
from tv.verdict import CheckResult, Verdict

THREADS, LEAST, MOST = 4, -3, 12
STATED = Contents({"ids": ((LEAST, MOST), 32)}, {"other": "state it"})
TYPES = {"unsigned char": (8, False), "int": (32, True), "unsigned": (32, False), "long long": (64, True)}


# ------------------------------------------------------------------------------------------------ addresses
@dataclass(frozen=True)
class Int:
    """An integer of C; None: undefined by an overflow."""

    value: int | None
    bits: int
    signed: bool

    def to(self, bits: int, signed: bool) -> Int:
        if self.value is None:
            return Int(None, bits, signed)
        low = self.value & ((1 << bits) - 1)
        return Int(low - (1 << bits) if signed and low >> (bits - 1) else low, bits, signed)


def operated(op: str, a: Int, b: Int) -> Int:
    """C's arithmetic on two integers, after the usual conversions."""
    a, b = (x.to(32, True) if x.bits < 32 else x for x in (a, b))
    bits = max(a.bits, b.bits)
    signed = all(x.signed for x in (a, b) if x.bits == bits)
    x, y = (v.to(bits, signed).value for v in (a, b))
    if x is None or y is None:
        return Int(None, bits, signed)
    exact = {"+": x + y, "-": x - y, "*": x * y}[op]
    fits = -(1 << (bits - 1)) <= exact < 1 << (bits - 1)
    return Int(exact if fits else None, bits, signed) if signed else Int(exact, 64, True).to(bits, False)


def drawn(rng: random.Random, depth: int) -> tuple[str, object]:
    """An expression over v (data) and t, as text and as a tree."""
    if depth == 0:
        leaf = rng.choice(["v", "v", "t", str(rng.choice((1, 2, 3, 7, 16, 100, 70000)))])
        return leaf, leaf
    if rng.random() < 0.3:
        kind = rng.choice(list(TYPES))
        text, tree = drawn(rng, depth - 1)
        return f"({kind})({text})", (kind, tree)
    op = rng.choice("+-*+")
    (left, a), (right, b) = drawn(rng, depth - 1), drawn(rng, rng.randrange(depth))
    return f"({left} {op} {right})", (op, a, b)


def meant(tree: object, v: int, t: int) -> Int:
    match tree:
        case str() as leaf:
            return Int({"v": v, "t": t}[leaf] if leaf in "vt" else int(leaf), 32, True)
        case (str() as kind, inner):
            return meant(inner, v, t).to(*TYPES[kind])
        case (str() as op, a, b):
            return operated(op, meant(a, v, t), meant(b, v, t))
        case _:
            raise AssertionError(tree)


def of_index(p: Program, index: Term, v: int, t: int) -> int:
    """An index term of thread t where every integer of data is v: signed, 64 bits."""

    def bits(x: Term) -> int:
        if x.kind == "const":
            return x.bits
        if x.kind == "ref":
            return v & 0xFFFFFFFF
        if x.kind == "index":
            (a,) = p.system.indices[x.id]
            return (a.substitute({Dim("tx"): Affine.of(t)}).constant or 0) & ((1 << x.width) - 1)
        assert x.kind == "op", x
        return int(apply(x.name, [np.array([bits(a)], np.uint64) for a in x.args])[0])

    return Int(bits(index), 64, True).to(64, True).value or 0


def read_at(p: Program, v: int, t: int) -> Iterator[int]:
    """The elements of x that thread t reads where its integer is v."""
    run = Run(p, {})
    for load, gather in p.gathers.items():
        value = p.system.units[gather].value
        assert value.kind == "pick"
        dims = p.system.scopes[load].dims
        data = p.accesses[load].access.data
        known = {i.dim: of_index(p, a, v, t) for i, a in zip(data, value.args[1:], strict=True)} | {"tx": t}
        (cell,) = run.images(p.accesses[load].cells, load, tuple(known[d] for d in dims)) or [None]
        assert cell is not None, "the integer lies outside its dimension"
        yield cell[-1]


@pytest.mark.parametrize("seed", range(6))
def test_an_address_is_what_c_computes(seed: int) -> None:
    rng, compared = random.Random(seed), 0
    for _ in range(25):
        text, tree = drawn(rng, rng.randint(1, 4))
        body = f"int t = threadIdx.x; int v = ids[t]; y[t] = x[{text}];"
        source = f"__global__ void k(const int* ids, const float* x, float* y) {{ {body} }}"
        try:
            p = program_of(source, (THREADS, 1, 1), 1, {"ids": 4, "x": 4, "y": 4}, contents=STATED)
        except Unknown:  # no such function, or it may overflow
            continue
        for v in (LEAST, 0, 5, MOST):
            for t in range(THREADS):
                for found in read_at(p, v, t):
                    wanted = meant(tree, v, t)
                    assert wanted.value is None or found == wanted.value, (text, v, t)
                    compared += 1
    assert compared > 50


@pytest.mark.parametrize("expression", ["(unsigned)v * 3", "w", "v * 400000000", "x[t] > 0.0f ? v : w"])
def test_an_address_of_which_too_little_is_known_is_refused(expression: str) -> None:
    body = f"int t = threadIdx.x; int v = ids[t], w = other[t]; y[t] = x[{expression}];"
    source = f"__global__ void k(const int* ids, const int* other, const float* x, float* y) {{ {body} }}"
    buffers = dict.fromkeys(("ids", "other", "x", "y"), 4)
    with pytest.raises(Unknown) as caught:
        program_of(source, (THREADS, 1, 1), 1, buffers, contents=STATED)
    assert caught.value.code in ("TV0502", "TV0525")
    assert (caught.value.help == "state it") == ("w" in expression)


@pytest.mark.parametrize(
    "text",
    [
        "__shared__ float s[4]; s[t] = x[t]; __syncthreads(); y[t] = s[v & 3];",
        "float l[4]; for (int i = 0; i < 4; ++i) l[i] = x[i]; y[t] = l[v & 3];",
        "y[t] = y[v & 3];",
    ],
)
def test_what_the_launch_writes_is_not_picked_from(text: str) -> None:
    source = f"__global__ void k(const int* ids, float* x, float* y) {{ int t = threadIdx.x, v = ids[t]; {text} }}"
    with pytest.raises(Unknown) as caught:
        program_of(source, (THREADS, 1, 1), 1, dict.fromkeys(("ids", "x", "y"), 4), contents=STATED)
    assert caught.value.code == "TV0545"


# ------------------------------------------------------------------------------------------------ checks of pairs
def checked(folder: Path, kernel: str, model: onnx.ModelProto, spec: str) -> CheckResult:
    (folder / "kernel.cu").write_text(kernel)
    (folder / "kernel.toml").write_text(spec)
    onnx.save(model, str(folder / "model.onnx"))
    return check(CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx")))


def model_of(nodes: list[onnx.NodeProto], inputs: Mapping[str, tuple[int, list[int]]], y: list[int]) -> onnx.ModelProto:
    ins = [helper.make_tensor_value_info(n, kind, dims) for n, (kind, dims) in inputs.items()]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, y)
    return helper.make_model(helper.make_graph(nodes, "g", ins, [out]), opset_imports=[helper.make_opsetid("", 18)])


F32, I64, I32, U8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8
ROWS = model_of([helper.make_node("Gather", ["x", "ids"], ["y"])], {"x": (F32, [16, 8]), "ids": (I64, [32])}, [32, 8])
PAIRS = model_of(
    [helper.make_node("GatherND", ["x", "ids"], ["y"])], {"x": (F32, [9, 16]), "ids": (I64, [32, 2])}, [32]
)
BYTES = model_of(
    [helper.make_node("Cast", ["ids"], ["wide"], to=I32), helper.make_node("Gather", ["x", "wide"], ["y"])],
    {"x": (F32, [256]), "ids": (U8, [32])},
    [32],
)
ARGS = '[args]\nx = "x"\nids = "ids"\ny = "y"\n'
HEAD = 'kernel = "k"\ngrid = [1]\nblock = [{}]\n' + ARGS


SCALED = model_of(
    [helper.make_node("DequantizeLinear", ["x", "s"], ["w"], axis=0), helper.make_node("Gather", ["w", "ids"], ["y"])],
    {"x": (TensorProto.INT8, [16, 8]), "s": (F32, [16]), "ids": (I64, [32])},
    [32, 8],
)


def row_kernel(index: str) -> str:
    body = f"int t = threadIdx.x; {index} y[t] = x[row * 8 + t % 8];"
    return f"__global__ void k(const float* x, const long long* ids, float* y)\n{{ {body} }}\n"


def test_two_integers_each_have_their_place(tmp_path: Path) -> None:
    """A tensor of 9 by 16, so that no exchange of the integers keeps inside both."""
    text = "__global__ void k(const float* x, const long long* ids, float* y)\n{ int t = threadIdx.x; y[t] = x[ids[2 * t] * 16 + ids[2 * t + 1]]; }\n"
    spec = HEAD.format(32) + "[inputs]\nids = { min = 0, max = 8 }\n"
    assert checked(tmp_path, text, PAIRS, spec).verdict is Verdict.PROVED
    other = text.replace("ids[2 * t] * 16 + ids[2 * t + 1]", "ids[2 * t + 1] * 16 + ids[2 * t]")
    assert checked(tmp_path, other, PAIRS, spec).verdict is Verdict.REFUTED


def test_a_byte_is_an_index_without_a_range(tmp_path: Path) -> None:
    text = "__global__ void k(const float* x, const unsigned char* ids, float* y)\n{ y[threadIdx.x] = x[ids[threadIdx.x]]; }\n"
    assert checked(tmp_path, text, BYTES, HEAD.format(32)).verdict is not Verdict.REFUTED


@pytest.mark.parametrize("row", ["int row = ids[t / 8];", "const long long row = ids[t / 8];"])
def test_a_row_is_proved_where_the_index_is_stated(row: str, tmp_path: Path) -> None:
    spec = HEAD.format(256) + "[inputs]\nids = { min = 0, max = 15 }\n"
    result = checked(tmp_path, row_kernel(row), ROWS, spec)
    assert result.verdict is Verdict.PROVED, result.why
    assert any("ids" in a for a in result.assumptions)


def test_where_nothing_is_stated_the_help_says_what_could_be(tmp_path: Path) -> None:
    result = checked(tmp_path, row_kernel("const long long row = ids[t / 8];"), ROWS, HEAD.format(256))
    assert result.verdict is Verdict.REFUTED  # at an index that counts from the end
    assert "[inputs] ids = { min = 0, max = 15 }" in next(d.help for d in result.diagnostics)


def test_a_negative_index_counts_from_the_end_in_the_graph_alone(tmp_path: Path) -> None:
    """-16 to 15 is what the graph takes: a kernel that does not count from the end leaves its table."""
    spec = HEAD.format(256) + "[inputs]\nids = { min = -16, max = 15 }\n"
    result = checked(tmp_path, row_kernel("const long long row = ids[t / 8];"), ROWS, spec)
    assert result.verdict is Verdict.REFUTED
    assert [o.kind for o in result.obligations if o.status is Status.REFUTED] == ["bounds"]


@pytest.mark.parametrize(
    "scale", {"s[row]": Verdict.PROVED, "s[t / 8 % 16]": Verdict.REFUTED, "s[15 - row]": Verdict.REFUTED}.items()
)
def test_a_table_is_scaled_as_it_is_read(scale: tuple[str, Verdict], tmp_path: Path) -> None:
    """The graph scales the whole table, the kernel what it has picked of it."""
    body = f"int t = threadIdx.x; int row = ids[t / 8]; y[t] = (float)x[row * 8 + t % 8] * {scale[0]};"
    text = f"__global__ void k(const signed char* x, const float* s, const long long* ids, float* y)\n{{ {body} }}\n"
    spec = HEAD.format(256) + 's = "s"\n[inputs]\nids = { min = 0, max = 15 }\n'
    assert checked(tmp_path, text, SCALED, spec).verdict is scale[1]
