"""Operators on the launch: its dimensions, the compiler's flags, and what its parameters get."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from authoring import Spec, launches

Told = tuple[str, Spec]
SPEC_OPERATORS: dict[str, Callable[[Spec], Iterator[Told]]] = {}


def operator(function: Callable[[Spec], Iterator[Told]]) -> Callable[[Spec], Iterator[Told]]:
    """Registers an operator under its own name."""
    SPEC_OPERATORS[function.__name__] = function
    return function


def _changed(spec: Spec, launch: int, change: Callable[[Spec], None]) -> Spec:
    new = copy.deepcopy(spec)
    change(launches(new)[launch])
    return new


@operator
def launch_dimensions(spec: Spec) -> Iterator[Told]:
    """Blocks and threads: one more, one less, half as many, twice as many, axes exchanged; less shared memory; not cooperative."""
    for n, launch in enumerate(launches(spec)):
        for key in ("grid", "block"):
            sizes = launch.get(key, [])
            for axis, size in enumerate(sizes):
                for new in _other_sizes(size, key):
                    yield (
                        f"launch {n}: {key}[{axis}] {size} -> {new}",
                        _changed(spec, n, _holding(key, [*sizes[:axis], new, *sizes[axis + 1 :]])),
                    )
            if len(sizes) > 1 and sizes[0] != sizes[1]:
                swapped = [sizes[1], sizes[0], *sizes[2:]]
                yield (
                    f"launch {n}: {key} {sizes} -> {swapped}",
                    _changed(spec, n, _holding(key, swapped)),
                )
        if isinstance(launch.get("shared"), int):
            less = launch["shared"] // 2
            yield f"launch {n}: shared -> {less}", _changed(spec, n, _holding("shared", less))
        if launch.get("cooperative"):
            yield f"launch {n}: not cooperative", _changed(spec, n, lambda x: x.pop("cooperative"))


def _other_sizes(size: Any, key: str) -> list[Any]:
    if isinstance(size, str):
        return [f"({size}) + 1", f"({size}) - 1"]
    found = [size + 1, size - 1, size // 2, size * 2, size + 32 if key == "block" else 1]
    most = 1024 if key == "block" else 1 << 16
    return [s for s in dict.fromkeys(found) if 1 <= s <= most and s != size]


@operator
def launch_argument(spec: Spec) -> Iterator[Told]:
    """Two pointers exchanged, a number changed, contraction allowed where it was not."""
    for n, launch in enumerate(launches(spec)):
        args = launch.get("args", {})
        plain = [name for name, v in args.items() if isinstance(v, str)]
        for a, b in pairwise(plain):
            yield f"launch {n}: {a} <-> {b}", _changed(spec, n, _exchanging(a, b))
        for name, v in args.items():
            if isinstance(v, int | float) and not isinstance(v, bool):
                for new in (v + 1, v * 2 if v else v - 1):
                    yield (
                        f"launch {n}: {name} = {v} -> {new}",
                        _changed(spec, n, _giving(name, new)),
                    )
    if "fmad" in spec:
        other = copy.deepcopy(spec)
        other["fmad"] = not spec["fmad"]
        yield f"fmad -> {other['fmad']}", other


def _holding(key: str, new: object) -> Callable[[Spec], None]:
    def change(launch: Spec) -> None:
        launch[key] = new

    return change


def _giving(name: str, new: object) -> Callable[[Spec], None]:
    def change(launch: Spec) -> None:
        launch["args"][name] = new

    return change


def _exchanging(a: str, b: str) -> Callable[[Spec], None]:
    def change(launch: Spec) -> None:
        args = launch["args"]
        args[a], args[b] = args[b], args[a]

    return change
