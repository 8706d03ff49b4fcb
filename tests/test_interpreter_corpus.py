"""The corpus executed: good kernels run clean and compute their graph, each defect shows itself where it is marked."""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus")]

from families import Family, expectation, families

from tv.cuda_frontend import read
from tv.kernel import Kernel, Scalar
from tv.launch import CompileOptions
from tv.replay import DenseBuffer, Execution, run

FILLS = ("normal", "negative", "zeros", "query negative", "infinities", "some not a number")
CASES = {f"{f.folder.name}/{c.name}": (f, c) for f in families() for c in f.cases}
# An offset that overflows needs weights of more than 2^31 elements.
SMALL = sorted(n for n, (f, c) in CASES.items() if f.sizes(c.name)[-1] == f.all_sizes[-1])


@dataclass(frozen=True)
class Outcome:
    done: Execution
    outputs: dict[str, np.ndarray]  # graph tensors, NaN where nothing was written
    inputs: dict[str, np.ndarray]


def kernel_of(case: Path, spec: Mapping[str, Any]) -> Kernel:
    defines = tuple(spec.get("defines", {}).items())
    wanted = spec["kernel"]
    path = case / "kernel.cu"
    module = read(path, path.read_text(), CompileOptions(defines=defines), wanted=(wanted,))
    return module.kernels[wanted] if wanted in module.kernels else next(iter(module.kernels.values()))


class Binding:
    """Buffers for one run of a case, at the smallest sizes and given values of the open symbols."""

    def __init__(self, family: Family, case: str, symbols: Mapping[str, float], fill: str) -> None:
        self.sizes = family.sizes(case)[-1]
        self.spec = family.spec(case, self.sizes)
        self.model = family.build(self.sizes)
        self.symbols, self.fill = dict(symbols), fill
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
        for n in self.inputs.keys() & self.symbols.keys():
            self.inputs[n] = np.full_like(self.inputs[n], self.symbols[n])

    def random(self, name: str, rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        if dtype.kind in "iu":
            return self.random_integers(name, rng, dtype, shape)
        values = rng.standard_normal(shape) / 4
        match self.fill:
            case "negative":
                values = -1 - abs(values)
            case "query negative":
                values = -1 - abs(values) if name == "q" else 1 + abs(values)
            case "zeros":
                values = np.copysign(0.0, values)
            case "infinities":
                values = np.full_like(values, -np.inf)
            case "some not a number":
                values = np.where(rng.random(shape) < 0.25, np.nan, values)
        return values.astype(dtype)

    def random_integers(
        self, name: str, rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]
    ) -> np.ndarray:
        """In the range that the specification states; a wide integer of which it says nothing may be an index, and is 0."""
        limits, assumed = np.iinfo(dtype), self.spec.get("inputs", {}).get(name, {})
        if not assumed and dtype.itemsize > 4:
            return np.zeros(shape, dtype)
        low, high = assumed.get("min", max(limits.min, -128)), assumed.get("max", min(limits.max, 127))
        return rng.integers(low, high, shape, dtype, endpoint=True)

    def integer(self, value: int | str) -> int:
        """An expression over the open symbols."""
        names = {"ceildiv": lambda a, b: -(-a // b), **self.symbols}
        return value if isinstance(value, int) else int(eval(value, {"__builtins__": {}}, names))

    def places(self, tensor: str, layout: str | None) -> np.ndarray:
        """For each element, row-major, its offset."""
        shape = self.kinds[tensor][1]
        if layout is None:
            return np.arange(math.prod(shape))
        left, _, right = layout.partition("->")
        names = [n.strip() for n in left.strip(" []").split(",")]
        index = dict(zip(names, np.indices(shape), strict=True))
        return np.broadcast_to(eval(right.strip()[1:-1], {"__builtins__": {}}, index), shape).reshape(-1)

    def buffer(self, value: object, element: Scalar) -> tuple[DenseBuffer, str | None, str | None]:
        """The buffer of a pointer argument, and the output tensor in it with its layout."""
        if isinstance(value, str):
            if value in self.outputs:
                return DenseBuffer.empty(math.prod(self.kinds[value][1]) * element.bytes), value, None
            return DenseBuffer.of(self.inputs[value]), None, None
        assert isinstance(value, dict)
        if "concat" in value:
            return DenseBuffer.of(np.concatenate([self.inputs[n].reshape(-1) for n in value["concat"]])), None, None
        if value.get("zeroed"):
            return DenseBuffer.zeros(self.integer(value["extent"]) * element.bytes), None, None
        before, after, layout = value.get("input", value.get("tensor")), value.get("output"), value.get("layout")
        named = before or after
        if named is None:
            return DenseBuffer.empty(self.integer(value["extent"]) * element.bytes), None, None
        extent = self.integer(value["extent"]) if "extent" in value else math.prod(self.kinds[named][1])
        buffer = DenseBuffer.empty(extent * element.bytes)
        if before is not None:
            bits = np.ascontiguousarray(self.inputs[before].reshape(-1)).view(f"u{element.bytes}")
            buffer.store(self.places(before, layout) * element.bytes, element.bytes, bits)
        return buffer, after, layout


def scalar_bits(value: object, scalar: Scalar, symbols: Mapping[str, float]) -> int:
    if isinstance(value, dict):
        value = symbols[value["symbol"]]
    assert isinstance(value, int | float)
    kinds = {Scalar.F32: (np.float32, np.uint32), Scalar.F64: (np.float64, np.uint64)}
    if scalar in kinds:
        dtype, bits = kinds[scalar]
        return int(np.array([value], dtype=dtype).view(bits)[0])
    return int(value) & ((1 << scalar.bits) - 1)


@functools.cache
def execute(name: str, symbols: tuple[tuple[str, float], ...], schedule: str = "auto", fill: str = "normal") -> Outcome:
    family, case = CASES[name]
    b = Binding(family, case.name, dict(symbols), fill)
    kernel = kernel_of(case, b.spec)
    buffers, scalars, results = {}, {}, []
    for p in kernel.parameters:
        value = b.spec["args"][p.name]
        if p.type is not None:
            scalars[p.name] = scalar_bits(value, p.type, b.symbols)
            continue
        assert p.pointee is not None
        buffers[p.name], tensor, layout = b.buffer(value, p.pointee)
        if tensor is not None:
            results.append((p.name, tensor, layout, p.pointee.bytes))
    grid, block = ([*map(b.integer, b.spec[k]), 1, 1][:3] for k in ("grid", "block"))
    done = run(
        kernel,
        tuple(grid),
        tuple(block),
        dict(buffers),
        scalars,
        shared_bytes=b.integer(b.spec.get("shared", 0)),
        fmad=b.spec.get("fmad", True),
        schedule=schedule,
        outputs=[r[0] for r in results],
    )
    outputs = {}
    for parameter, tensor, layout, width in results:
        dtype, shape = b.kinds[tensor]
        at = b.places(tensor, layout) * width
        got = buffers[parameter].load(at, width).view(dtype).copy()
        good = buffers[parameter].initialised(at, width)
        if good is not None:
            got[~good] = np.nan if dtype.kind not in "iub" else 77
        outputs[tensor] = got.reshape(shape)
    return Outcome(done, outputs, b.inputs)


def samples(name: str) -> list[tuple[tuple[str, float], ...]]:
    """Values of the open symbols: the least, the most, and ragged ones between."""
    family, case = CASES[name]
    spec = family.spec(case.name, family.sizes(case.name)[-1])
    found = [v for v in spec["args"].values() if isinstance(v, dict) and "symbol" in v]
    ranges = {v["symbol"]: (v["min"], v["max"]) for v in found if "min" in v}
    fixed = {v["symbol"]: 0.75 for v in found if "min" not in v}
    if not ranges:
        return [tuple(fixed.items())]
    picks = []
    for low, high in ranges.values():
        most = min(high, 1500)
        picks.append(sorted({low, (low + most) // 2 | 1, most} & set(range(low, most + 1))))
    chosen = [tuple(zip(ranges, (p[min(k, len(p) - 1)] for p in picks), strict=True)) for k in range(3)]
    return [(*values, *fixed.items()) for values in dict.fromkeys(chosen)]


def reference(family: Family, outcome: Outcome) -> dict[str, np.ndarray]:
    sizes = family.all_sizes[-1]
    model = family.build(sizes)
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
        assert outcome.done.clean, (symbols, outcome.done.events)
        want = reference(CASES[name][0], outcome)
        for tensor, got in outcome.outputs.items():
            near = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5}.get(got.dtype.name, 0.0)
            wanted = want[tensor].astype(got.dtype).astype(np.float64)
            np.testing.assert_allclose(got.astype(np.float64), wanted, rtol=near, atol=near)


# Two warps need no barrier between them here; the marker names the call, the access stands in the function that is called.
# What depends on the order of atomics is no event of one run.
WITHOUT_DEFECT, MARKED_ELSEWHERE = {"rmsnorm/tree_uint4__tree_unordered"}, {"templates/scale__unguarded"}
WITHOUT_DEFECT |= {"row_sum_counted/tree__by_atomics", "row_sum_counted/tree__shared_by_atomics"}


@pytest.mark.parametrize("name", sorted({n for n in SMALL if "__" in n} - WITHOUT_DEFECT))
def test_defects_show_themselves(name: str) -> None:
    expected = expectation((CASES[name][1] / "kernel.cu").read_text())
    for symbols, fill in itertools.product(samples(name), FILLS):
        if expected.what in ("equal", "coverage"):
            outcome, good = (execute(n, symbols, fill=fill) for n in (name, name.partition("__")[0]))
            if any(bits(a) != bits(good.outputs[n]) for n, a in outcome.outputs.items()):
                return
            continue
        for schedule in ("auto", "turns"):
            events = execute(name, symbols, schedule, fill).done.events
            if events and events[0].kind == expected.what:
                marked = {s.line for s in events[0].spans} & set(expected.lines)
                assert marked or name in MARKED_ELSEWHERE, events
                return
    raise AssertionError("no run shows the defect")


def bits(a: np.ndarray) -> bytes:
    """Contents, all NaN alike."""
    return np.where(np.isnan(a), np.nan, a).astype(a.dtype).tobytes()
