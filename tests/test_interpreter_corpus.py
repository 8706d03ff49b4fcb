"""The corpus executed: good kernels run clean and compute their graph, each defect shows itself where it is marked."""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus")]

from authoring import launches
from families import Family, expectation, families

from tv.cuda_frontend import read
from tv.kernel import Kernel, Parameter, Scalar
from tv.launch import BufferBinding, CompileOptions, Launch, Spec
from tv.replay import DenseBuffer, Execution, run
from tv.replay.events import Event
from tv.spec import Resolved
from tv.spec.border import Border
from tv.spec.tables import placed

ALIGN = 256  # bytes, of what each pointer of a table points to

FILLS = (
    "normal", "negative", "zeros", "query negative", "small", "halves", "greatest", "far below", "repeated rows",
    "infinities", "some not a number", "ties",
)  # fmt: skip
CASES = {f"{f.folder.name}/{c.name}": (f, c) for f in families() for c in f.cases}
# An offset that overflows needs weights of more than 2^31 elements.
SMALL = sorted(n for n, (f, c) in CASES.items() if f.sizes(c.name)[-1] == f.all_sizes[-1])


@dataclass(frozen=True)
class Outcome:
    events: tuple[Event, ...]
    finished: bool  # every thread of every launch ran to its end
    outputs: dict[str, np.ndarray]  # graph tensors, NaN where nothing was written
    inputs: dict[str, np.ndarray]


@functools.cache
def kernel_of(case: Path, wanted: str, defines: tuple[tuple[str, str], ...]) -> Kernel:
    path = case / "kernel.cu"
    module = read(path, path.read_text(), CompileOptions(defines=defines), wanted=(wanted,))
    return module.kernels[wanted] if wanted in module.kernels else next(iter(module.kernels.values()))


class Binding:
    """Buffers for one run of a case, at the smallest sizes and given values of the open symbols."""

    def __init__(self, family: Family, case: str, symbols: Mapping[str, float], fill: str) -> None:
        self.sizes = family.sizes(case)[-1]
        self.spec = family.spec(case, self.sizes)
        self.model = family.build(self.sizes)
        free = {n: s["max"] for n, s in self.spec.get("symbols", {}).items()}  # of no parameter
        self.symbols, self.fill = {**free, **symbols}, fill
        self.memory: dict[str, DenseBuffer] = {}  # by tensor or name of scratch: what launches share
        graph = self.model.graph
        self.outputs = {v.name for v in graph.output}
        self.kinds: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        for v in (*graph.input, *graph.output):
            dims = [d.dim_value or self.integer(d.dim_param) for d in v.type.tensor_type.shape.dim]
            self.kinds[v.name] = (onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type), tuple(dims))
        for t in graph.initializer:
            self.kinds[t.name] = (onnx.helper.tensor_dtype_to_np_dtype(t.data_type), tuple(t.dims))
        rng = np.random.default_rng(1)
        names = sorted(set(self.kinds) - self.outputs)
        self.inputs = {n: self.random(n, rng, *self.kinds[n]) for n in names}
        given = {t: s for t, s in self.spec.get("inputs", {}).items() if isinstance(s, str)}
        for n, symbol in ({s: s for s in self.symbols} | given).items():
            if n in self.inputs:
                self.inputs[n] = np.full_like(self.inputs[n], self.symbols[symbol])

    def random(self, name: str, rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        if dtype.kind in "iu":
            return self.random_integers(name, rng, dtype, shape)
        if dtype.kind == "b":
            return rng.random(shape) < 0.5
        values = rng.standard_normal(shape) / 4
        match self.fill:
            case "negative":
                values = -1 - abs(values)
            case "query negative":
                values = -1 - abs(values) if name == "q" else 1 + abs(values)
            case "zeros":
                values = np.copysign(0.0, values)
            case "small":
                values = values / 1024
            case "halves":
                values = np.floor(16 * values) + 0.5 if shape else np.ones(())
            case "far below":
                values = -2000 * (1 + abs(values))
            case "repeated rows":
                values = values[np.arange(shape[0]) % max(1, shape[0] // 6)] if len(shape) > 1 else values
            case "infinities":
                values = np.full_like(values, -np.inf)
            case "some not a number":
                values = np.where(rng.random(shape) < 0.25, np.nan, values)
            case "ties":
                values = np.round(4 * values)  # small integers, each in three places of a row or more
                values = values[..., np.arange(shape[-1]) % max(1, shape[-1] // 3)] if shape else values
        return values.astype(dtype)

    def random_integers(
        self, name: str, rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]
    ) -> np.ndarray:
        """In the range that the specification states; a wide integer of which it says nothing may be an index, and is 0."""
        limits, assumed = np.iinfo(dtype), self.spec.get("inputs", {}).get(name, {})
        if not isinstance(assumed, dict) or (not assumed and dtype.itemsize > 4):
            return np.zeros(shape, dtype)
        low, high = assumed.get("min", max(limits.min, -128)), assumed.get("max", min(limits.max, 127))
        match self.fill:
            case "negative":
                high = max(low, min(high, -1))
            case "zeros":
                low = high = min(max(low, 0), high)
            case "greatest":
                low = high
        return rng.integers(low, high, shape, dtype, endpoint=True)

    def integer(self, value: int | str) -> int:
        """An expression over the open symbols."""
        names = {"ceildiv": lambda a, b: -(-a // b), **self.symbols}
        return value if isinstance(value, int) else int(eval(value, {"__builtins__": {}}, names))

    def element(self, value: object) -> object:
        """The number that one element of an input is; any other value as it stands."""
        if not isinstance(value, dict) or "element" not in value:
            return value
        tensor, _, index = value["element"].partition("[")
        return self.inputs[tensor][tuple(int(i) for i in index.rstrip("]").split(",") if i)].item()

    def places(self, tensor: str, layout: str | None) -> np.ndarray:
        """For each element, row-major, its offset."""
        shape = self.kinds[tensor][1]
        if layout is None:
            return np.arange(math.prod(shape))
        left, _, right = layout.partition("->")
        names = [n.strip() for n in left.strip(" []").split(",")]
        index = dict(zip(names, np.indices(shape), strict=True))
        return np.broadcast_to(eval(right.strip()[1:-1], {"__builtins__": {}}, index), shape).reshape(-1)

    def buffer(self, parameter: str, value: object, element: Scalar) -> tuple[DenseBuffer, dict[str, np.ndarray]]:
        """The buffer of a pointer argument, and for each output tensor in it the offsets of the elements."""
        if isinstance(value, str):
            value = {"output" if value in self.outputs else "tensor": value}
        assert isinstance(value, dict)
        if "concat" in value:
            return DenseBuffer.of(np.concatenate([self.inputs[n].reshape(-1) for n in value["concat"]])), {}
        if "parts" in value:
            return self.packed(value, element)
        named = next((value[k] for k in ("output", "input", "tensor", "scratch") if k in value), f"scratch {parameter}")
        if named not in self.memory:
            self.memory[named] = self.new(value, element)
        output = value.get("output")
        return self.memory[named], {output: self.places(output, value.get("layout"))} if output else {}

    def packed(self, value: Mapping[str, Any], element: Scalar) -> tuple[DenseBuffer, dict[str, np.ndarray]]:
        """Many tensors, each at its place; no launch finds the outputs of another in it."""
        held, left = self.parts(value, "tensors") | self.parts(value, "inputs"), self.parts(value, "outputs")
        assert not left or "launch" not in self.spec
        used = max(int(at.max(initial=-1)) for at in (*held.values(), *left.values())) + 1
        buffer = DenseBuffer.empty(self.integer(value.get("extent", used)) * element.bytes)
        for name, at in held.items():
            bits = np.ascontiguousarray(self.inputs[name].reshape(-1)).view(f"u{element.bytes}")
            buffer.store(at * element.bytes, element.bytes, bits)
        return buffer, left

    def parts(self, value: Mapping[str, Any], role: str) -> dict[str, np.ndarray]:
        """For each tensor of this role in a packed buffer, the offsets of its elements."""
        return {
            name: self.places(name, part.get("layout")) + part.get("offset", 0) + k * part.get("stride", 0)
            for part in value["parts"]
            for k, name in enumerate(part.get(role, ()))
        }

    def new(self, value: Mapping[str, Any], element: Scalar) -> DenseBuffer:
        before, layout = value.get("input", value.get("tensor")), value.get("layout")
        named = before or value.get("output")
        count = self.integer(value["extent"]) if "extent" in value else math.prod(self.kinds[named][1])
        if value.get("zeroed"):
            return DenseBuffer.zeros(count * element.bytes)
        if before is None:
            return DenseBuffer.empty(count * element.bytes)
        contents = np.ascontiguousarray(self.inputs[before].reshape(-1))
        if layout is None and "extent" not in value:
            return DenseBuffer.of(contents)
        buffer = DenseBuffer.empty(count * element.bytes)
        bits = contents.view(f"u{element.bytes}")
        buffer.store(self.places(before, layout) * element.bytes, element.bytes, bits)
        return buffer

    def table(self, parameter: Parameter, tensors: Sequence[str]) -> tuple[DenseBuffer, BufferBinding]:
        """The memory of all that a table's pointers point to, nothing defined in between, and where each stands in it."""
        assert parameter.pointee is not None
        assert parameter.readonly  # the next launch finds the same in it
        assert not self.outputs & set(tensors)
        width = parameter.pointee.bytes
        entries = tuple(math.prod(self.kinds[t][1]) for t in tensors)
        stride = -(-max(entries) * width // ALIGN) * ALIGN // width
        buffer = DenseBuffer.empty(stride * len(entries) * width, align=ALIGN)
        for k, (tensor, count) in enumerate(zip(tensors, entries, strict=True)):
            contents = np.ascontiguousarray(self.inputs[tensor].reshape(-1))
            buffer.store((k * stride + np.arange(count)) * width, width, contents.view(f"u{width}"))
        return buffer, BufferBinding(extent=stride * len(entries), align=ALIGN, entries=entries, stride=stride)


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a launch binds, a struct's fields by their own names: `p.ld`."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, dict) and "fields" in value:
            found |= arguments({f"{name}.{f}": v for f, v in value["fields"].items()})
        else:
            found[name] = value
    return found


def with_tables(kernel: Kernel, tables: Mapping[str, BufferBinding]) -> Kernel:
    """The kernel with every access through a table at its place in the one memory that stands for it."""
    launch = Launch(kernel.name, (1, 1, 1), (1, 1, 1), args=dict(tables))
    return placed(Resolved(Spec((launch,)), (kernel,), Border("", (), (), ()), {}, (), ())).kernels[0]


FLOATS = {
    Scalar.F16: np.dtype(np.float16),
    Scalar.BF16: onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16),
    Scalar.F32: np.dtype(np.float32),
    Scalar.F64: np.dtype(np.float64),
}


def scalar_bits(value: object, scalar: Scalar, symbols: Mapping[str, float]) -> int:
    if isinstance(value, dict):
        value = symbols[value["symbol"]]
    assert isinstance(value, int | float)
    if scalar in FLOATS:
        return int(np.array([value], dtype=FLOATS[scalar]).view(f"u{scalar.bytes}")[0])
    return int(value) & ((1 << scalar.bits) - 1)


@functools.cache
def execute(
    name: str,
    symbols: tuple[tuple[str, float], ...],
    schedule: str = "auto",
    fill: str = "normal",
    races: bool = True,
) -> Outcome:
    """Every launch of a case in turn, twice where they may be launched again, up to the first that does not run to its end."""
    family, case = CASES[name]
    b = Binding(family, case.name, dict(symbols), fill)
    results: dict[str, tuple[DenseBuffer, np.ndarray, int]] = {}
    for again in range(2 if b.spec.get("relaunch", False) else 1):
        if again:
            b.memory = {n: m for n, m in b.memory.items() if n not in b.outputs}
        for launch in launches(b.spec):
            kernel = kernel_of(case, launch["kernel"], tuple(b.spec.get("defines", {}).items()))
            done = launched(b, kernel, launch, (schedule, races), results)
            if not done.clean:
                break
        if not done.clean:
            break
    return Outcome(done.events, done.clean, {n: left(b, n, *r) for n, r in results.items()}, b.inputs)


def launched(
    b: Binding,
    kernel: Kernel,
    launch: Mapping[str, Any],
    how: tuple[str, bool],
    results: dict[str, tuple[DenseBuffer, np.ndarray, int]],
) -> Execution:
    """One launch. how: its schedule, and whether races are looked for. results: gains tensor -> its buffer, offsets and width."""
    buffers, scalars, stored = {}, {}, []
    tables: dict[str, BufferBinding] = {}
    given = arguments(launch["args"])
    for p in kernel.parameters:
        value = given[p.name]
        if p.type is not None:
            scalars[p.name] = scalar_bits(b.element(value), p.type, b.symbols)
            continue
        if p.entries is not None:
            buffers[p.name], tables[p.name] = b.table(p, value)
            continue
        assert p.pointee is not None
        buffers[p.name], outputs = b.buffer(p.name, value, p.pointee)
        results |= {tensor: (buffers[p.name], at, p.pointee.bytes) for tensor, at in outputs.items()}
        stored += [p.name] if outputs else []
    grid, block = ([*map(b.integer, launch[k]), 1, 1][:3] for k in ("grid", "block"))
    return run(
        with_tables(kernel, tables) if tables else kernel,
        tuple(grid),
        tuple(block),
        dict(buffers),
        scalars,
        shared_bytes=b.integer(launch.get("shared", 0)),
        fmad=b.spec.get("fmad", True),
        schedule=how[0],
        races=how[1],
        outputs=stored,
    )


def left(b: Binding, tensor: str, buffer: DenseBuffer, at: np.ndarray, width: int) -> np.ndarray:
    """An output's elements, NaN (of integers 77) where nothing was written."""
    dtype, shape = b.kinds[tensor]
    got = buffer.load(at * width, width).view(dtype).copy()
    good = buffer.initialised(at * width, width)
    if good is not None:
        got[~good] = np.nan if dtype.kind not in "iub" else 77
    return got.reshape(shape)


def samples(name: str) -> list[tuple[tuple[str, float], ...]]:
    """Values of the open symbols: the least, the most, and ragged ones between."""
    family, case = CASES[name]
    spec = family.spec(case.name, family.sizes(case.name)[-1])
    given = [v for launch in launches(spec) for v in arguments(launch["args"]).values()]
    found = [v for v in given if isinstance(v, dict) and "symbol" in v]
    ranges = {v["symbol"]: (v["min"], v["max"]) for v in found if "min" in v}
    fixed = {v["symbol"]: 0.75 for v in found if "min" not in v}
    if not ranges:
        return [tuple(fixed.items())]
    picks = []
    for low, high in ranges.values():
        most = min(high, 1500)
        ragged = most // 64 * 64 - 1  # whole warps of pairs, but for one element
        between = ragged if ragged > low else (low + most) // 2 | 1
        picks.append(sorted({low, between, most} & set(range(low, most + 1))))
    chosen = [tuple(zip(ranges, (p[min(k, len(p) - 1)] for p in picks), strict=True)) for k in range(3)]
    return [(*values, *fixed.items()) for values in dict.fromkeys(chosen)]


SUMMING = {"ReduceSum", "ReduceMean", "MatMul", "Gemm", "Conv", "CumSum", "Softmax"}
NARROW = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def summed_in_float(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with sums over 16-bit floats done in float32, where the reference evaluator would round after every step."""
    known = onnx.shape_inference.infer_shapes(model).graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*known.input, *known.output, *known.value_info)}
    types |= {t.name: t.data_type for t in known.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type in SUMMING and types[node.output[0]] in NARROW:
            narrow = types[node.output[0]]
            for place, name in enumerate(node.input):
                if types.get(name) in NARROW:
                    nodes.append(cast(name, f"{node.output[0]} from {name}", onnx.TensorProto.FLOAT))
                    node.input[place] = f"{node.output[0]} from {name}"
            wide, node.output[0] = node.output[0], f"{node.output[0]} in float"
            nodes += [node, cast(node.output[0], wide, narrow)]
        else:
            nodes.append(node)
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    del whole.graph.node[:], whole.graph.value_info[:]
    whole.graph.node.extend(nodes)
    return whole


def cast(name: str, to: str, element: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [name], [to], to=element)


def reference(family: Family, outcome: Outcome) -> dict[str, np.ndarray]:
    sizes = family.all_sizes[-1]
    model = summed_in_float(family.build(sizes))
    inputs = dict(outcome.inputs)
    for t in list(model.graph.initializer):
        if t.data_location == onnx.TensorProto.EXTERNAL:
            model.graph.initializer.remove(t)
            model.graph.input.append(onnx.helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)))
        else:
            inputs.pop(t.name)
    names = [v.name for v in model.graph.output]
    return dict(zip(names, ReferenceEvaluator(model).run(None, inputs), strict=True))


@pytest.mark.parametrize("name", [n for n in SMALL if "__" not in n])
def test_good_kernels_run_clean_and_compute_their_graph(name: str) -> None:
    for symbols in samples(name):
        outcome = execute(name, symbols)
        assert outcome.finished, (symbols, outcome.events)
        want = reference(CASES[name][0], outcome)
        for tensor, got in outcome.outputs.items():
            near = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5}.get(got.dtype.name, 0.0)
            wanted = want[tensor].astype(got.dtype).astype(np.float64)
            np.testing.assert_allclose(got.astype(np.float64), wanted, rtol=near, atol=near)


# Two warps need no barrier between them here; the marker names the call, the access stands in the function that is called.
# What depends on the order of atomics is no event of one run.
WITHOUT_DEFECT, MARKED_ELSEWHERE = {"rmsnorm/tree_uint4__tree_unordered"}, {"templates/scale__unguarded"}
WITHOUT_DEFECT |= {"row_sum_counted/tree__by_atomics", "row_sum_counted/tree__shared_by_atomics"}
# The interpreter has no scopes narrower than the grid; the kernel is the good one's, without what its launch states.
WITHOUT_DEFECT |= {"count_above/shared_count__adds_for_block_alone", "conv1d_causal_f16/zero_window__weights_unbounded"}
WITHOUT_DEFECT |= {"attention_window_bf16/window__values_unbounded"}
# Lanes that may meet in two places are not followed.
WITHOUT_DEFECT |= {"row_norm_f16/half_warps__upper_lanes_absent"}
# The interpreter's blocks keep step, so that none reads what a later one would write: only the output is wrong.
UNEVEN = {"split_k/last_block__one_counter_for_all"}


@pytest.mark.parametrize("name", sorted({n for n in SMALL if "__" in n} - WITHOUT_DEFECT))
def test_defects_show_themselves(name: str) -> None:
    expected = expectation((CASES[name][1] / "kernel.cu").read_text())
    for symbols, fill in itertools.product(samples(name), FILLS):
        if expected.what in ("equal", "coverage") or name in UNEVEN:
            good = execute(name.partition("__")[0], symbols, fill=fill)
            outcome = execute(name, symbols, fill=fill, races=False)
            if any(bits(a) != bits(good.outputs[n]) for n, a in outcome.outputs.items()):
                return
            continue
        for schedule, races in (("auto", True), ("turns", True), ("turns", False)):
            events = execute(name, symbols, schedule, fill, races).events
            if events and events[0].kind == expected.what:
                marked = {s.line for s in events[0].spans} & set(expected.lines)
                assert marked or name in MARKED_ELSEWHERE, events
                return
    raise AssertionError("no run shows the defect")


def bits(a: np.ndarray) -> bytes:
    """Contents, all NaN alike."""
    return np.where(np.isnan(a), np.nan, a).astype(a.dtype).tobytes()
