"""Pieces that the `graph.py` of every family is written with: tensors without data, models, and the text of a spec.

A weight is an input like any other to a proof, so initializers here name an external file that does not exist; only
constants that a graph means by value (an epsilon, an axis) are stored.
"""

from __future__ import annotations

import inspect
import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

Dims = Sequence[int | str]
Sizes = Mapping[str, int]
Spec = dict[str, Any]

IR_VERSION = 10
ELEMENT_BYTES: dict[int, int] = {
    TensorProto.FLOAT: 4,
    TensorProto.FLOAT16: 2,
    TensorProto.BFLOAT16: 2,
    TensorProto.INT8: 1,
    TensorProto.UINT8: 1,
    TensorProto.INT32: 4,
    TensorProto.INT64: 8,
}


def tensor(name: str, element: int, dims: Dims) -> onnx.ValueInfoProto:
    """A graph input or output; a dimension that is text is a symbol."""
    return helper.make_tensor_value_info(name, element, list(dims))


def weight(name: str, element: int, dims: Sequence[int]) -> TensorProto:
    """An initializer whose data is nowhere: an external reference to `weights.bin`."""
    proto = TensorProto(name=name, data_type=element, data_location=TensorProto.EXTERNAL)
    proto.dims.extend(dims)
    length = ELEMENT_BYTES[element]
    for d in dims:
        length *= d
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", str(length))):
        proto.external_data.add(key=key, value=value)
    return proto


def constant(name: str, element: int, dims: Sequence[int], values: Sequence[float]) -> TensorProto:
    """An initializer with its data in the model."""
    return helper.make_tensor(name, element, list(dims), list(values))


def model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Sequence[TensorProto] = (),
    opset: int = 18,
) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), list(initializers))
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", opset)])


def only(build: Callable[..., onnx.ModelProto], sizes: Sizes) -> dict[str, int]:
    """Those of `sizes` that a family's `build` takes; the others concern the launch alone."""
    return {k: v for k, v in sizes.items() if k in inspect.signature(build).parameters}


def defines(sizes: Sizes, usual: Sizes, names: Sequence[str]) -> Spec:
    """The spec's `defines` for the macros `names`: those whose size is not the one the kernel's text states."""
    changed = {n: str(sizes[n]) for n in names if sizes[n] != usual[n]}
    return {"defines": changed} if changed else {}


def launches(spec: Spec) -> list[Spec]:
    """The tables of a spec that each say one launch."""
    return list(spec.get("launch", [spec]))


def about(rng: random.Random, low: int, high: int, step: int = 1) -> int:
    """A multiple of `step` from low to high, small and large ones alike: its logarithm is drawn evenly."""
    drawn = math.exp(rng.uniform(math.log(low), math.log(high)))
    return min(max(round(drawn / step), -(-low // step)), high // step) * step


def main(build: Callable[..., onnx.ModelProto]) -> None:
    """`python graph.py OUT.onnx [NAME=VALUE...]`: writes the family's graph at the given sizes."""
    known = inspect.signature(build).parameters
    sizes = [word.partition("=") for word in sys.argv[2:]]
    if len(sys.argv) < 2 or not all(name in known and value.isdigit() for name, _, value in sizes):
        names = " ".join(f"[{p.name}={p.default}]" for p in known.values())
        sys.exit(f"usage: {sys.argv[0]} OUT.onnx {names}".rstrip())
    onnx.save(build(**{name: int(value) for name, _, value in sizes}), sys.argv[1])


# ------------------------------------------------------------------------------------------------ specs as text
def spec_text(spec: Spec) -> str:
    """A spec as TOML: plain keys first, then one table for each launch of several and for each nested mapping at the top."""
    lines = _table(spec)
    for launch in launches(spec) if "launch" in spec else ():
        lines += ["", "[[launch]]", *_table(launch), "[launch.args]"]
        lines += [f"{k} = {_value(v)}" for k, v in launch["args"].items()]
    for key, table in spec.items():
        if isinstance(table, dict) and key != "defines":
            lines += ["", f"[{key}]"] + [f"{k} = {_value(v)}" for k, v in table.items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(spec: Spec) -> list[str]:
    """The keys of a table that are no tables themselves."""
    plain = {k: v for k, v in spec.items() if k == "defines" or not (isinstance(v, dict) or k == "launch")}
    return [f"{key} = {_value(v)}" for key, v in plain.items()]


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            if set(value) & set('"\\\n'):
                raise ValueError(f"not plain text: {value!r}")
            return f'"{value}"'
        case list():
            return _list([_value(v) for v in value])
        case dict():
            return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
        case _:
            raise TypeError(f"no TOML for {value!r}")


def _list(items: list[str]) -> str:
    text = "[" + ", ".join(items) + "]"
    if len(text) <= 100:
        return text
    rows = ["    " + ", ".join(items[i : i + 8]) + "," for i in range(0, len(items), 8)]
    return "\n".join(["[", *rows, "]"])
