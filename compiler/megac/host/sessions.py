"""What `megac run` and `megac bench` do, on any device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from megac.errors import RunError
from megac.host.decoding import NAMES, Decoder, Names, greedy
from megac.host.device import Device
from megac.host.measuring import measure
from megac.host.packing import Source, packed
from megac.host.report import as_data
from megac.host.weights import Weights
from megac.plan import read_plan

Progress = Callable[[str], None]


def silent(_: str) -> None:
    """No progress is shown."""


def opened(
    folder: Path, device: Device, model: Path | None, source: Source, seed: int, names: Names = NAMES,
    progress: Progress = silent,
) -> Decoder:  # fmt: skip
    """The kernel in a folder, ready for its first token. model: the file that it was made from, None: as the plan says.
    Raises RunError."""
    plan = read_plan(folder)
    path = model if model is not None else plan.model
    if path is None:
        raise RunError("the plan does not say which model it was made from", hint="say where it is: --model FILE")
    progress("compiling")
    decoder = Decoder(plan, device, names)
    progress(f"filling {sum(x.bytes for x in plan.of_kind('weights')) / 1e9:.3g} GB of weights")
    packed(plan, device, decoder.memory, Weights(path), source, seed)
    return decoder


def run(decoder: Decoder, prompt: Sequence[int], count: int) -> dict[str, Any]:
    """The most likely tokens after a prompt, and how long a step took, those of the prompt among them."""
    begun = time.perf_counter()
    tokens = list(greedy(decoder, prompt, count))
    steps = len(prompt) + count - 1
    return {
        "schema": 1, "program": decoder.plan.program, "device": decoder.device.name, "prompt": list(prompt),
        "tokens": tokens, "steps": steps, "ms_per_step": 1e3 * (time.perf_counter() - begun) / steps,
    }  # fmt: skip


def bench(
    decoder: Decoder, contexts: Sequence[int], repeats: int, tokens: int, rate: float | None, seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:  # fmt: skip
    """Measurements as data, see `megac.host.report`. rate: bytes per second of reading alone, None: measured here."""
    return as_data(decoder, measure(decoder, contexts, repeats, tokens, rate, seed, progress), rate is None)
