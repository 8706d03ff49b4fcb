"""Weights put into the kernel's buffers, as the plan says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal
from zlib import crc32

import numpy as np

from megac.errors import RunError
from megac.host.device import Device
from megac.host.weights import Weights, pieces
from megac.plan import Parameter, Part, Plan

Source = Literal["file", "random"]
GAIN, TABLE = (1.0, 0.1), (0.0, 0.5)  # mean and deviation of vectors, and of tables that rows are taken from


def packed(plan: Plan, device: Device, memory: Mapping[str, Any], weights: Weights, source: Source, seed: int) -> None:
    """Fills the weights' buffers. source: `random` draws those that lie in external data, whether it is there or not.
    Raises RunError for tensors that are not there."""
    for x in plan.of_kind("weights"):
        for q in x.parts:
            if not q.data:
                raise RunError(f"the kernel takes `{q.tensors[0]}` of each layer, which is no weight of the model")
            for k in range(len(q.tensors)):
                if source == "random" and q.data[k].file:
                    _draw(x, q, k, device, memory[x.name], seed)
                else:
                    _copy(x, q, k, device, memory[x.name], weights)


def normal_of(q: Part) -> tuple[float, float]:
    """Mean and deviation with which sums neither grow nor vanish from layer to layer."""
    if q.fan_in is not None:
        return 0.0, 1 / math.sqrt(max(1, q.fan_in))
    return GAIN if sum(e > 1 for e in q.capacity) <= 1 else TABLE


def _draw(x: Parameter, q: Part, k: int, device: Device, memory: Any, seed: int) -> None:
    if not x.dtype.is_float:
        raise RunError(f"`{q.tensors[k]}` has elements of type {x.dtype.value}, which are not drawn at random",
                       hint="put the model's external data beside it")  # fmt: skip
    own = crc32(q.tensors[k].encode(), seed)  # the same tensor has the same elements in every plan
    device.fill(memory, x.dtype, q.offset + k * q.stride, q.elements, normal_of(q), own)


def _copy(x: Parameter, q: Part, k: int, device: Device, memory: Any, weights: Weights) -> None:
    tensor = weights.tensor(q.tensors[k], q.data[k], q.capacity, x.dtype)
    at = (q.offset + k * q.stride) * x.dtype.bytes
    for piece in pieces(tensor.transpose(q.order)):
        flat = piece.reshape(-1).view(np.uint8)
        device.write(memory, at, flat)
        at += flat.size
