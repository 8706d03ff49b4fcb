"""Bits that are open: which NaN an operation gives, the sign of a zero that is a sum, a function's last bits. What hangs on them shows
nothing, in the kernel as in the graph; what does not is shown as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.checking import F16, F32, I32, Ends, graph, write
from tv.arithmetic import decode
from tv.check import check
from tv.execution import hunt, opened
from tv.kernel import Scalar
from tv.refute.otherwise import hangs_on_floats, sees_nans
from tv.replay.buffers import Buffer, DenseBuffer
from tv.replay.enclosure import operation
from tv.replay.interpreter import run
from tv.replay.nans import FORMS, FRACTION, NanForm, Nans
from tv.replay.open_bits import as_bits, format_read
from tv.replay.sums import Value
from tv.verdict import Verdict

SPEC = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'
STATED = f"{SPEC}[inputs]\nx = {{ min = -16, max = 16 }}\n"
I16, BF16 = TensorProto.INT16, TensorProto.BFLOAT16
DEVICE = FORMS[0]


def bits_of(values: list[float], label: str = "f32") -> np.ndarray:
    kinds = {"f32": (np.float32, np.uint32), "f16": (np.float16, np.uint16), "f64": (np.float64, np.uint64)}
    kind, word = kinds[label]
    return np.array(values, kind).view(word).astype(np.uint64)


# -------------------------------------------------------------- forms of NaN
@pytest.mark.parametrize("scalar", FRACTION)
def test_every_form_gives_quiet_nans(scalar: Scalar) -> None:
    label = repr(scalar).lower()
    seen = set()
    for form in FORMS:
        words = [int(b) for b in form.bits(scalar, 64, 3)]
        assert np.isnan(decode(np.array(words, np.uint64), label)).all()
        assert all(w >> (FRACTION[scalar] - 1) & 1 for w in words)
        assert (len(set(words)) > 1) is form.varied
        seen.add(tuple(words))
    assert len(seen) == len(FORMS)
    assert set(DEVICE.bits(scalar, 2, 1).tolist()) == {(1 << (scalar.bits - 1)) - 1}
    varied = FORMS[-1].bits(scalar, 64, 1) >> (scalar.bits - 1)
    assert 0 < np.count_nonzero(varied) < 64, "of either sign"


def test_numbers_keep_their_bits() -> None:
    nans, values = Nans(DEVICE), np.array([1.0, -0.0, np.inf], np.float32)
    assert nans.given(values, Scalar.F32) is values
    assert not nans.made
    mixed = nans.given(np.array([1.0, -np.nan], np.float32), Scalar.F32)
    assert mixed.view(np.uint32).tolist() == [0x3F800000, 0x7FFFFFFF]
    assert nans.made
    assert Nans().given(np.array([-np.nan], np.float32), Scalar.F32).view(np.uint32)[0] >> 31


def words_of(folder: Path, line: str, nan: NanForm | None, first: int = 0x7F800123) -> tuple[set[int], bool]:
    """What a kernel leaves in y where x [64] holds one float; whether an operation made a NaN."""
    ends: dict[str, Ends] = {n: {n: (F32, [64])} for n in "xy"}
    text = (
        "#include <cuda_fp16.h>\n__global__ void k(const float* x, unsigned* y)\n"
        f"{{\n  int t = threadIdx.x;\n  float v = x[t];\n  {line}\n}}\n"
    )
    _, kernel, _ = opened(write(folder, text, graph([("Neg", "x", "y")], ends["x"], ends["y"]), SPEC))
    x = DenseBuffer(np.full(64, first, np.uint32).view(np.uint8))
    y = DenseBuffer(np.zeros(64, np.uint32).view(np.uint8))
    buffers: dict[str, Buffer] = {"x": x, "y": y}
    done = run(kernel, (1, 1, 1), (64, 1, 1), buffers, {}, nan=nan)
    assert done.clean, done.events
    return set(y.load(np.arange(64) * 4, 4).tolist()), done.made_nans


@pytest.mark.parametrize(
    "value",
    [
        "v + 1.0f", "v * 1.0f", "v - v", "v / v", "-v", "fabsf(v)", "sqrtf(v)", "fmaf(v, v, v)", "fmaxf(v, v)", "fminf(v, v)", "expf(v)",
        "__expf(v)", "rsqrtf(v)", "tanhf(v)", "floorf(v)", "rintf(v)", "fmodf(v, v)", "copysignf(v, 1.0f)", "(float)(double)v", "powf(v, 2.0f)",
        "__fadd_rn(v, v)", "__half2float(__float2half(v))", "v < 1.0f ? 2.0f : v + v", "atomicAdd(&s, v) + v",
    ],
)  # fmt: skip
def test_every_operation_on_floats_gives_the_form(tmp_path: Path, value: str) -> None:
    line = f"__shared__ float s; if (t == 0) s = 0.0f; __syncthreads(); y[t] = __float_as_uint({value});"
    for form in FORMS[:3]:
        found, made = words_of(tmp_path, line, form)
        assert found == set(form.bits(Scalar.F32, 1, 1).tolist())
        assert made


@pytest.mark.parametrize(
    "line",
    [
        "y[t] = __float_as_uint(v);",
        "y[t] = __float_as_uint(t < 70 ? v : 1.0f);",
        "y[t] = __float_as_uint(__shfl_xor_sync(~0u, v, 1));",
        "__shared__ float s[64]; s[t] = v; __syncthreads(); y[t] = __float_as_uint(s[63 - t]);",
        "__shared__ float s[64]; atomicExch(s + t, v); __syncthreads(); y[t] = __float_as_uint(s[63 - t]);",
    ],
)
def test_what_is_moved_keeps_the_bits_of_its_nan(tmp_path: Path, line: str) -> None:
    found, made = words_of(tmp_path, line, DEVICE)
    assert found == {0x7F800123}
    assert not made


def test_an_atomic_sum_gives_the_form(tmp_path: Path) -> None:
    line = "__shared__ float s; if (t == 0) s = 0.0f; __syncthreads(); atomicAdd(&s, v); __syncthreads(); y[t] = __float_as_uint(s);"
    assert words_of(tmp_path, line, DEVICE) == ({0x7FFFFFFF}, True)


# -------------------------------------------------------------- which kernels are run again
@pytest.mark.parametrize(
    ("line", "seen", "decides", "of_values"),
    [
        ("y[t] = v + 1.0f;", False, False, False),
        ("y[t] = v > 1.0f ? v : 2.0f;", False, False, True),
        ("if (v > 1.0f) y[t] = v;", False, True, True),
        ("y[t] = (float)(int)v;", False, False, True),
        ("y[(int)v] = v;", False, True, True),
        ("y[t] = fmaxf(expf(v), 0.0f);", False, False, False),
        ("y[t] = copysignf(1.0f, v + 1.0f);", True, False, False),
        ("y[t] = __int_as_float(__float_as_int(v) & 3);", True, False, True),
        ("y[__float_as_uint(v) >> 31] = v;", True, True, True),
        ("__shared__ float s[64]; s[t] = v; __syncthreads(); y[t] = s[63 - t];", False, False, False),
        ("__shared__ float s[64]; s[t] = v; __syncthreads(); y[t] = ((int*)s)[t] > 0 ? 1.0f : 0.0f;", True, False, True),
        ("__shared__ float s[64]; s[t] = v; __syncthreads(); y[((int*)s)[t] & 63] = 1.0f;", True, True, True),
        ("__shared__ float s[64]; s[t] = v; int u = atomicMax((int*)s + t, t); y[u] = s[t];", True, True, True),
        ("__shared__ int s[64]; s[t] = v > 0.0f; __syncthreads(); while (s[t] > 0) s[t] -= 1; y[t] = v;", False, True, True),
        ("__shared__ int s[64]; s[t] = t; __syncthreads(); if (s[t] > 3) y[t] = v > 0.0f ? v : 0.0f;", False, False, True),
    ],
)  # fmt: skip
def test_kernels_of_which_an_open_bit_may_show(
    tmp_path: Path, line: str, seen: bool, decides: bool, of_values: bool
) -> None:
    """seen: which NaN it is. decides: bits of floats, on addresses and control flow; of_values: or on the values in the line."""
    ends: dict[str, Ends] = {n: {n: (F32, [64])} for n in "xy"}
    text = f"__global__ void k(const float* x, float* y)\n{{\n  int t = threadIdx.x;\n  float v = x[t];\n  {line}\n}}\n"
    _, kernel, refuter = opened(write(tmp_path, text, graph([("Neg", "x", "y")], ends["x"], ends["y"]), SPEC))
    assert sees_nans(refuter.setting({})) is seen
    assert hangs_on_floats(kernel, ()) is decides
    assert hangs_on_floats(kernel, (5,)) is of_values


def test_a_float_stored_where_the_graph_has_integers_shows_its_bits(tmp_path: Path) -> None:
    text = "__global__ void k(const float* x, int* y)\n{\n  ((float*)y)[threadIdx.x] = x[threadIdx.x] + 1.0f;\n}\n"
    model = graph([helper.make_node("BitCast", ["x"], ["y"], to=I32)], {"x": (F32, [64])}, {"y": (I32, [64])})
    model.opset_import[0].version = 26
    (tmp_path / "t").mkdir()
    _, _, refuter = opened(write(tmp_path / "t", text, model, SPEC))
    assert sees_nans(refuter.setting({}))


# -------------------------------------------------------------- values of graphs
def test_bits_are_unknown_where_they_are_open() -> None:
    v = Value(None, np.array([1.0, -0.0, np.nan, 2.0]), "f32", np.array([0.0, 0.0, 0.0, 0.5]))
    free, fixed = (as_bits(v, ("f32",), zero) for zero in (True, False))
    assert free.bits is not None
    assert free.bits[:2].tolist() == [0x3F800000, 0x80000000]
    assert free.radius is not None
    assert fixed.radius is not None
    assert free.radius.tolist() == [0.0, np.inf, np.inf, np.inf]
    assert fixed.radius.tolist() == [0.0, 0.0, np.inf, np.inf]


def test_how_operations_take_their_operands() -> None:
    assert [format_read("select", k) for k in range(3)] == ["", None, None]
    assert [format_read(op, 0) for op in ("fadd.f16", "cvt.s32.f32", "cvt.f32.s16", "flt.bf16")] == [
        "f16", "f32", "", "bf16"
    ]  # fmt: skip
    assert [format_read(op, 0) for op in ("slt.i32", "extract.0.16", "concat", "shl.i16")] == [""] * 4


@pytest.mark.parametrize(
    ("name", "args", "unknown"),
    [
        ("fdiv.f32", [[1.0, 0.0, 0.0, 4.0], [0.0, 2.0, 0.0, 2.0]], [True, False, False, False]),
        ("rsqrt.f32", [[0.0, 4.0]], [True, False]),
        ("pow.f32", [[0.0, 0.0, 2.0], [-1.0, 3.0, 0.0]], [True, False, False]),
        ("atan2.f32", [[0.0, 0.0, 1.0], [-1.0, 1.0, 0.0]], [True, False, False]),
        ("fmul.f32", [[0.0, 1.0], [-1.0, 0.0]], [False, False]),
    ],
)
def test_a_zero_of_either_sign_in_an_operation(name: str, args: list[list[float]], unknown: list[bool]) -> None:
    for sign in (1.0, -1.0):
        values = [Value(bits_of([sign * x if x == 0 else x for x in a])) for a in args]
        found = operation(name, values, free_zero=True)
        radius = np.zeros(1) if found.radius is None else found.radius
        assert np.broadcast_to(np.isinf(radius), (len(unknown),)).tolist() == unknown
        fixed = operation(name, values, free_zero=False)
        numbers = np.isfinite(fixed.numbers("f32"))  # no bound is known of a function that gives an infinity
        assert fixed.radius is None or not np.isinf(fixed.radius[numbers]).any()


def test_an_integer_operation_is_sure_where_its_operands_are() -> None:
    v = Value(np.array([5, 6, 7], np.uint64), radius=np.array([0.0, np.inf, 0.0]))
    found = operation("add.i32", [v, Value(np.array([1], np.uint64))], free_zero=False)
    assert found.bits is not None
    assert found.bits[[0, 2]].tolist() == [6, 8]
    assert found.radius is not None
    assert found.radius.tolist() == [0.0, np.inf, 0.0]


# -------------------------------------------------------------- verdicts
def verdict(folder: Path, body: str, nodes: list[object], result: int, kind: str, source: int = F32) -> Verdict:
    """Of a kernel y [64] from x [64] between -16 and 16, against a graph that shows bits."""
    ends: tuple[Ends, Ends] = {"x": (source, [64])}, {"y": (result, [64])}
    model = graph(nodes, *ends)  # type: ignore[arg-type]
    model.opset_import[0].version = 26
    takes = {F32: "float", F16: "__half"}[source]
    text = (
        f"#include <cuda_fp16.h>\n#include <cuda_bf16.h>\n__global__ void k(const {takes}* x, {kind}* y)\n"
        f"{{\n  int t = threadIdx.x;\n  {takes} v = x[t];\n  {body}\n}}\n"
    )
    return check(write(folder, text, model, STATED)).verdict


@pytest.mark.parametrize(
    ("body", "refuted"),
    [
        ("float r = sqrtf(v); y[t] = r != r ? 0x7fffffff : __float_as_int(r);", False),
        ("float r = sqrtf(v); y[t] = r != r ? 0xffc00000 : __float_as_int(r);", False),
        ("float r = sqrtf(v); y[t] = r != r ? 0x7fffffff : __float_as_int(r) ^ 1;", True),
        ("float r = sqrtf(v); y[t] = __float_as_int(r > 3.0f ? 3.0f : r);", True),
    ],
)
def test_bits_of_a_root(tmp_path: Path, body: str, refuted: bool) -> None:
    nodes: list[object] = [("Sqrt", "x", "r"), helper.make_node("BitCast", ["r"], ["y"], to=I32)]
    found = verdict(tmp_path, body, nodes, I32, "int")
    assert found is (Verdict.REFUTED if refuted else Verdict.UNKNOWN)


@pytest.mark.parametrize(("bits", "refuted"), [("__half_as_ushort(h)", False), ("__half_as_ushort(h) ^ 1", True)])
def test_bits_of_one_format_as_another(tmp_path: Path, bits: str, refuted: bool) -> None:
    """A float that is taken for one of another format shows its bits as an integer does."""
    nodes: list[object] = [
        ("Add", "x x", "s"),
        helper.make_node("BitCast", ["s"], ["b"], to=BF16),
        helper.make_node("Cast", ["b"], ["y"], to=F32),
    ]
    body = f"__half h = __hadd(v, v); y[t] = __bfloat162float(__ushort_as_bfloat16({bits}));"
    found = verdict(tmp_path, body, nodes, F32, "float", F16)
    assert (found is Verdict.REFUTED) is refuted


@pytest.mark.parametrize(
    ("index", "refuted"),
    [
        ("(__float_as_uint(expf(v)) & 1u)", False),
        ("(expf(v) == 2.7182817f)", False),
        ("(__float_as_uint(expf(v)) >> 30)", True),
        ("(expf(v) > 2.0f)", True),
        ("(__float_as_uint(fabsf(v) * v + 1.0f) & 1u)", False),
    ],
)
def test_an_address_that_hangs_on_last_bits(tmp_path: Path, index: str, refuted: bool) -> None:
    """Whether the last bit of a function, or of a sum that may be contracted, is set is no matter of the kernel's text."""
    ends: dict[str, Ends] = {n: {n: (F32, [64])} for n in "xy"}
    text = f"__global__ void k(const float* x, float* y)\n{{\n  int t = threadIdx.x;\n  float v = x[t];\n  y[t + 64 * {index}] = -v;\n}}\n"
    found = hunt(write(tmp_path, text, graph([("Neg", "x", "y")], ends["x"], ends["y"]), SPEC), 4)
    kind = found.counterexample.kind if found.counterexample else ""
    assert (kind == "bounds") is refuted, found.why
