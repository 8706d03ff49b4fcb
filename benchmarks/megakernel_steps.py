"""Steps of a decoder on a device, and the bits that `tv reference` gives them."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from megac.host.decoding import Decoder

from tv import reference
from tv.diagnostic import TvError
from tv.gpu.functions import GpuFunctions
from tv.launch import CompileOptions
from tv.reference import functions_on

Array = np.ndarray[Any, Any]
Images = dict[CompileOptions, dict[str, bytes]]  # functions of a GPU


@dataclass(frozen=True, slots=True)
class Step:
    """One launch: what the graph takes there, and what the kernel left. bf16 as its bits."""

    seed: int
    position: int
    inputs: dict[str, Array]
    outputs: dict[str, Array]


def recorded(decoder: Decoder, proto: onnx.ModelProto, seed: int, count: int) -> Iterator[Step]:
    """Random tokens, one after another. A step's caches are what the step before left, whose bits are compared there."""
    rng = np.random.default_rng(seed)
    low, high = decoder.plan.ranges.get(decoder.names.token, (0, 255))
    past = _empty(proto, rng)
    _fill_caches(decoder, past)
    taken = {v.name for v in proto.graph.input} | set(decoder.plan.dimensions)
    for position in decoder.positions[:count]:
        token = int(rng.integers(low, high, endpoint=True))
        decoder.launch(token, position)
        given = {decoder.names.token: np.array([[token]]), decoder.names.position: np.array([[position]]), **past}
        given["attention_mask"] = np.ones((1, position + 1), np.int64)
        outputs = {v.name: _plain(decoder.output(v.name, position)) for v in proto.graph.output}
        yield Step(seed, position, {n: a for n, a in given.items() if n in taken}, outputs)
        past = {n: outputs[n.replace("past_key_values", "present")] for n in past}


def _plain(a: Array) -> Array:
    return a.view(np.uint16) if a.dtype.name == "bfloat16" else a


def _empty(proto: onnx.ModelProto, rng: np.random.Generator) -> dict[str, Array]:
    """Caches before the first token: no rows where their number is open, else random ones."""
    out: dict[str, Array] = {}
    for v in proto.graph.input:
        if v.name.startswith("past"):
            shape = [d.dim_value for d in v.type.tensor_type.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type)
            out[v.name] = _plain(rng.standard_normal(shape).astype(dtype))
    return out


def _fill_caches(decoder: Decoder, past: Mapping[str, Array]) -> None:
    """The same rows on the device; what is beyond them becomes 0."""
    for x in decoder.plan.of_kind("cache"):
        decoder.device.clear(decoder.memory[x.name])
        for q in x.parts:
            for k, name in enumerate(q.tensors):
                cells = np.zeros([q.capacity[d] for d in q.order], x.dtype.numpy)
                rows = past[name].view(x.dtype.numpy).transpose(q.order)
                cells[tuple(map(slice, rows.shape))] = rows
                at = (q.offset + k * q.stride) * x.dtype.bytes
                decoder.device.write(decoder.memory[x.name], at, cells.reshape(-1).view(np.uint8))


class Reference:
    """The model in the order of its certificate. functions: a GPU's, None: the formulas here."""

    def __init__(self, model: str, data: Mapping[str, Any], functions: GpuFunctions | None) -> None:
        self.reference = reference.Reference(model, data, functions)
        proto = onnx.load(model, load_external_data=False)
        self.bf16 = {v.name for v in proto.graph.output if v.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16}

    def answer(self, step: Step) -> str:
        """`equal`, or what differs."""
        want = self.reference.outputs(step.inputs)
        for name, expected in want.items():
            got = step.outputs[name]
            if got.shape != expected.shape or got.dtype.itemsize != expected.dtype.itemsize:
                return f"`{name}` is {got.dtype}{list(got.shape)}, not {expected.dtype}{list(expected.shape)}"
            differ = self._numbers(name, got) != self._numbers(name, expected)
            if differ.any():
                at = np.argwhere(differ)[0].tolist()
                where = f"seed {step.seed}, position {step.position}"
                return f"{where}: `{name}` differs in {int(differ.sum())} of {differ.size}, first at {at}"
        return "equal"

    def _numbers(self, name: str, a: Array) -> Array:
        """Bits, all NaNs alike."""
        words: Array = a.view(f"<u{a.dtype.itemsize}")
        floats = a.view(ml_dtypes.bfloat16).astype(np.float32) if name in self.bf16 else a
        return np.where(np.isnan(floats), -1, words.astype(np.int64)) if floats.dtype.kind == "f" else words


class Comparing:
    """What a process that compares has at hand. images: of a GPU's functions, which one process compiles for all."""

    def __init__(self, on: str, images: Images) -> None:
        self.on, self.images = on, images
        self.references: dict[Path, Reference] = {}

    def answer(self, folder: Path, model: Path, step: Step, until: float) -> str | None:
        """`equal`, or what differs or fails; None where it is not known in time."""

        def late(*_: object) -> None:
            raise TooLong

        left = until - time.time()
        if left <= 0:
            return None
        signal.signal(signal.SIGALRM, late)
        try:
            signal.setitimer(signal.ITIMER_REAL, min(left, 1e6))
            if folder not in self.references:
                data = json.loads((folder / "certificate.json").read_text())
                functions = functions_on(self.on, data)
                if functions is not None:
                    functions.images.update(self.images.get(functions.options, {}))
                self.references[folder] = Reference(str(model), data, functions)
            return self.references[folder].answer(step)
        except TooLong:
            return None
        except TvError as e:
            return f"{e.code} {e.message}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


class TooLong(Exception):
    """An answer that is given up."""
