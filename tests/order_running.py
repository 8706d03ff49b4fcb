"""Kernel against graph, both run on the same numbers: the kernel by the interpreter, the graph in its certificate's order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tv.arithmetic import encode
from tv.binding import Binder
from tv.check import check
from tv.examine import index_sets, read_graph, read_inputs
from tv.graph_frontend.elements import BY_LABEL
from tv.obligation import Relation
from tv.reference import Reference, bits, stored
from tv.refute.differences import differing
from tv.refute.setting import Setting
from tv.refute.slots import Slot, mixed
from tv.replay.interpreter import run
from tv.request import CheckRequest
from tv.term import Terms
from tv.verdict import Verdict


@dataclass(frozen=True)
class Normal:
    """Normally distributed floats, so that hardly any sum is exact; integers within their range.

    cancelling: of many magnitudes, and the halves of a row are alike, of opposite sign in every other tensor, so that products
    cancel: what is left of a sum is its rounding, which shows in 16-bit outputs too.
    """

    seed: int
    cancelling: bool = False
    kind: str = "normal"

    def bits(self, slot: Slot, linear: np.ndarray) -> np.ndarray:
        element = BY_LABEL[slot.label]
        if not element.is_float:
            stated = slot.low is not None and slot.high is not None and element.kind != "bool"
            least, most = (slot.low, slot.high) if stated else element.limits()
            span = np.uint64(most - least + 1)
            mask = np.uint64((1 << element.width) - 1)
            return (np.uint64(least % (1 << 64)) + mixed(linear, slot.ordinal, self.seed) % span) & mask
        half = max(1, slot.last // 2)
        second = (linear % slot.last >= half) & self.cancelling
        sign = np.where(second & (slot.ordinal % 2 == 1), np.float32(-1), np.float32(1))
        linear = np.where(second, linear - half, linear)
        u, v = ((mixed(linear, slot.ordinal, self.seed + k).astype(np.float64) + 0.5) / 2**32 for k in (0, 77))
        x = (np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)).astype(np.float32) * sign
        if self.cancelling:
            x = np.ldexp(x, (mixed(linear, slot.ordinal, self.seed + 5) % np.uint64(13)).astype(np.int32) - 6)
        return encode(x.astype(np.float16) if slot.label == "f16" else x, slot.label)


@dataclass
class Pair:
    """A kernel that was proved, and its certificate."""

    folder: Path
    data: dict[str, Any]
    spec: Any
    kernel: Any
    binder: Binder

    @property
    def model(self) -> str:
        return str(self.folder / "model.onnx")

    def middle(self) -> list[dict[str, int]]:
        """Open sizes: the least, and one in between."""
        ranges = self.binder.ranges
        return [
            {s: low for s, (low, _) in ranges.items()},
            {s: (low + high) // 2 for s, (low, high) in ranges.items()},
        ][: 2 if ranges else 1]

    def run(
        self, symbols: Mapping[str, int], pattern: Normal, orders: bool = True
    ) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
        """Of every output: the kernel's bits, the graph's, its type. orders: as certified; else ascending."""
        setting = Setting(
            self.kernel, self.binder.launch, self.binder, self.binder.graph, symbols, tuple(self.spec.spec.inputs)
        )
        buffers = setting.buffers(pattern)
        done = run(
            self.kernel, setting.grid, setting.launch.block, dict(buffers), scalars(setting, pattern),
            shared_bytes=setting.shared_bytes, fmad=self.spec.spec.options.fmad,
        )  # fmt: skip
        assert done.clean, done.events
        arrays: dict[str, np.ndarray] = {n: np.array(v) for n, v in symbols.items()}
        for name, info in self.binder.graph.inputs.items():
            shape = setting.shape(info)
            slot = setting.slots[name]
            arrays[name] = stored(pattern.bits(slot, np.arange(slot.count)), info.type).reshape(shape)
        found = Reference(self.model, self.data if orders else {**self.data, "orders": []}).outputs(arrays)
        out = {}
        for name, places in setting.places.items():
            for p in places:
                if p.output:
                    info = self.binder.graph.outputs[p.tensor]
                    mine = buffers[name].load(p.of_linear(np.arange(p.count)) * p.width, p.width).astype(np.uint64)
                    out[p.tensor] = mine, bits(found[p.tensor], info).reshape(-1), info.type
        return out

    def different(self, symbols: Mapping[str, int], pattern: Normal, orders: bool = True) -> int:
        """Elements whose bits differ."""
        return sum(
            int(differing(a, b, label, False).sum()) for a, b, label in self.run(symbols, pattern, orders).values()
        )


def scalars(setting: Setting, pattern: Normal) -> dict[str, int]:
    """Parameters by value; one that is an element of a tensor has that element's bits."""
    out = {}
    for p in setting.kernel.parameters:
        if p.type is not None:
            b = setting.launch.args[p.name]
            if b.element is None:
                out[p.name] = setting._scalar(p, pattern)
                continue
            name, _, index = b.element.partition("[")
            at = [int(i) for i in index.rstrip("]").split(",") if i.strip()]
            shape = setting.shape(setting.graph.inputs[name])
            linear = int(np.ravel_multi_index(at, shape)) if at else 0
            out[p.name] = int(pattern.bits(setting.slots[name], np.array([linear]))[0])
    return out


def prove(folder: Path, require: Relation = Relation.REASSOC) -> Pair:
    """Checks `folder`/kernel.cu against its model.onnx, which has to succeed, and reads the certificate."""
    path = folder / "certificate.json"
    request = CheckRequest(
        str(folder / "kernel.cu"), str(folder / "model.onnx"), certificate=str(path), require=require
    )
    result = check(request)
    assert result.verdict is Verdict.PROVED, result.why
    spec, kernel = read_inputs(request, lambda _: None)
    ranges = {s.name: (s.min, s.max) for s in spec.spec.symbols}
    sets = index_sets(ranges)
    graph = read_graph(request.model, sets, Terms(), spec.spec)
    return Pair(
        folder, json.loads(path.read_text()), spec, kernel, Binder(sets, kernel, spec.spec.launches[0], graph, ranges)
    )
