"""A kernel with its buffers: one step of decoding after the other, the caches staying where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from megac.errors import RunError
from megac.host.device import Device
from megac.plan import Parameter, Part, Plan, extent

TOKEN, POSITION, LOGITS, MASK = "input_ids", "position_ids", "logits", "attention_mask"
Array = NDArray[Any]
NORMAL = (0.0, 1.0)  # mean and deviation of keys and values that are drawn


@dataclass(frozen=True, slots=True)
class Names:
    """What the graph calls the token, its position and the logits."""

    token: str = TOKEN
    position: str = POSITION
    logits: str = LOGITS


NAMES = Names()


@dataclass(slots=True)
class Decoder:
    """A kernel on a device. memory: of each pointer parameter, by its name; its weights have to be filled before a step."""

    plan: Plan
    device: Device
    names: Names = NAMES
    memory: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises RunError for a kernel that no token alone is an input of."""
        self._check_inputs()
        self._logits()
        self.device.load(self.plan)
        for x in self.plan.parameters:
            if x.kind != "scalar":
                self.memory[x.name] = self.device.allocate(x.bytes)
        for x in (*self.plan.of_kind("cache"), *(x for x in self.plan.parameters if x.zeroed)):
            self.device.clear(self.memory[x.name])
        for x in self.plan.of_kind("input"):
            ones = np.ones(x.extent, x.dtype.numpy).view(np.uint8)  # a mask that leaves nothing out
            self.device.write(self.memory[x.name], 0, ones)

    # ------------------------------------------------------------------------------------------------------- inputs
    def _check_inputs(self) -> None:
        if len(self.plan.dimensions) > 1:
            raise RunError(f"the kernel has several open dimensions: {', '.join(self.plan.dimensions)}",
                           hint="export the model with the length of the past as its only one")  # fmt: skip
        for x in self.plan.of_kind("input"):
            if any(t != MASK for q in x.parts for t in q.tensors):
                what = x.parts[0]
                raise RunError(
                    f"the kernel takes `{what.tensors[0]}` of shape [{', '.join(what.shape)}] from memory",
                    hint="kernels are run that take one token's number and its position",
                )
        for x in self.plan.of_kind("scalar"):
            if x.element and x.element.partition("[")[0] not in (self.names.token, self.names.position, MASK):
                raise RunError(f"nothing is known of the input `{x.element}`",
                               hint="name the inputs: --token-input, --position-input")  # fmt: skip

    @property
    def positions(self) -> range:
        """The positions that a token may have."""
        ends = [x.most for x in self.plan.of_kind("scalar") if x.dimension or x.stated]
        if ends:
            _, last = self.plan.ranges.get(self.names.position, (0, min(ends)))  # a table of positions may be shorter
            return range(min(*ends, last) + 1)
        fixed = {q.position for x in self.plan.of_kind("cache") for q in x.parts}
        if len(fixed) == 1 and (only := fixed.pop()).isdecimal():
            return range(int(only), int(only) + 1)
        return range(1)

    def _logits(self) -> Parameter:
        found = [x for x in self.plan.of_kind("output") for q in x.parts if q.tensors == (self.names.logits,)]
        if len(found) != 1:
            raise RunError(f"the kernel has no output `{self.names.logits}`", hint="name it: --logits NAME")
        return found[0]

    def _scalar(self, x: Parameter, token: int, position: int) -> Any:
        tensor = x.stated or x.element.partition("[")[0]
        value = token if tensor == self.names.token else 1 if tensor == MASK else position
        return x.dtype.numpy.type(value)

    # -------------------------------------------------------------------------------------------------------- steps
    def launch(self, token: int, position: int) -> None:
        """Begins the step of one token. Raises RunError for a token or position that the kernel has no room for."""
        low, high = self.plan.ranges.get(self.names.token, (0, 2**31 - 1))
        if not low <= token <= high:
            raise RunError(f"the token {token} is not in {low} .. {high}")
        if position not in self.positions:
            raise RunError(f"the position {position} is not in {self.positions.start} .. {self.positions.stop - 1}",
                           hint="compile the model for more: --max-position N")  # fmt: skip
        for x in self.plan.parameters:
            if x.zeroed:
                self.device.clear(self.memory[x.name])
        self.device.launch([
            self._scalar(x, token, position) if x.kind == "scalar" else self.memory[x.name]
            for x in self.plan.parameters
        ])  # fmt: skip

    def next_token(self) -> int:
        """The most likely token after the last step. Raises RunError where a logit is NaN."""
        x = self._logits()
        found = self.device.largest(self.memory[x.name], x.dtype, x.extent)
        if found < 0:
            raise RunError("there are NaNs among the logits")
        return found

    def output(self, name: str, position: int) -> Array:
        """An output of the graph, caches among them, after the step at this position."""
        for x in self.plan.parameters:
            for q in x.parts:
                names = q.after or q.tensors
                if x.kind in ("cache", "output") and name in names:
                    return self._stored(x, q, names.index(name), position)
        raise RunError(f"the kernel has no output `{name}`")

    def _stored(self, x: Parameter, q: Part, k: int, position: int) -> Array:
        width = x.dtype.bytes
        data = self.device.read(self.memory[x.name], (q.offset + k * q.stride) * width, q.elements * width)
        cells = data.view(x.dtype.numpy).reshape([q.capacity[d] for d in q.order])
        shape = [extent(e, dict.fromkeys(self.plan.dimensions, position)) for e in q.shape]
        return cells.transpose(np.argsort(q.order))[tuple(map(slice, shape))].copy()

    def draw_caches(self, seed: int) -> None:
        """Random keys and values everywhere, for timing."""
        for n, x in enumerate(self.plan.of_kind("cache")):
            self.device.fill(self.memory[x.name], x.dtype, 0, x.extent, NORMAL, seed + n)


def greedy(decoder: Decoder, prompt: Sequence[int], count: int) -> Iterator[int]:
    """The `count` tokens after a prompt, each the most likely one. Raises RunError, before the first step, where there is no
    room for them or the past cannot be empty."""
    if not prompt or count < 1:
        raise RunError("there is no token to begin with" if not prompt else f"{count} tokens are asked for")
    room = decoder.positions
    if room.start > 0:
        raise RunError(f"the kernel is for the position {room.start} alone", hint="export the model with an open past")
    if len(prompt) + count - 1 > room.stop:
        raise RunError(f"{len(prompt)} tokens and {count} more do not fit into {room.stop} positions",
                       hint="compile the model for more: --max-position N")  # fmt: skip
    for position, token in enumerate(prompt):
        decoder.launch(token, position)
    for position in range(len(prompt), len(prompt) + count):
        token = decoder.next_token()
        yield token
        if position < len(prompt) + count - 1:
            decoder.launch(token, position)
