"""The plan beside a kernel, as what runs and draws it reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from megac.dtype import DType
from megac.errors import RunError

SCHEMA = 1
KINDS = ("weights", "input", "cache", "workspace", "output", "scalar")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Data:
    """Where the bytes of a stored tensor lie: an external file, from `offset` on; an empty name: in the model itself."""

    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class Part:
    """Tensors of all layers in one buffer: the k-th at element offset + k * stride, its dimensions in `order`, in which
    dimension d has room for capacity[d].

    after: for a cache, the outputs that lie there after a launch, which appends `rows` along `axis` at `position`: a
    number, an expression over dimensions, or `data`. data: of stored tensors, one for each. fan_in: how many products
    the sums over it have, None where it is no matrix of a contraction; read: elements of one of the tensors that a launch
    reads.
    """

    label: str
    tensors: tuple[str, ...]
    shape: tuple[str, ...]
    capacity: tuple[int, ...]
    order: tuple[int, ...]
    offset: int
    stride: int
    after: tuple[str, ...] = ()
    axis: int = 0
    rows: str = "1"
    position: str = ""
    data: tuple[Data, ...] = ()
    fan_in: int | None = None
    read: int = 0

    @property
    def elements(self) -> int:
        n = 1
        for e in self.capacity:
            n *= e
        return n


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the kernel. extent: elements.

    Of a scalar exactly one is set: element, a tensor's element such as `input_ids[0, 0]`; dimension, an open one's name;
    stated, an input that has this value everywhere. most: its greatest value. zeroed: is it cleared before each launch?
    """

    name: str
    kind: str
    dtype: DType
    extent: int
    parts: tuple[Part, ...] = ()
    element: str = ""
    dimension: str = ""
    stated: str = ""
    most: int = 0
    zeroed: bool = False

    @property
    def bytes(self) -> int:
        return self.extent * self.dtype.bytes


@dataclass(frozen=True, slots=True)
class Touch:
    """A tensor that a phase reads or makes. buffers: parameters and shared arrays it lies in; none: registers. bytes: of a
    weight, how many a launch reads."""

    tensor: str
    buffers: tuple[str, ...]
    bytes: int = 0
    type: str = ""
    shape: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nest:
    """A loop nest: rows (a warp an element), elements (a thread an element), owned (a block an index), replicated."""

    kind: str
    stages: tuple[str, ...]
    sums: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """What lies between two grid barriers. where: before, layer, after."""

    number: int
    where: str
    nests: tuple[Nest, ...]
    nodes: tuple[str, ...]
    reads: tuple[Touch, ...]
    makes: tuple[Touch, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """Memory that tensors have one after another: (tensor, first, last), phases for workspace, stages for shared."""

    name: str
    type: str
    bytes: int
    holds: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """folder: where the plan lies; model: the compiled file, None where the plan does not name it. ranges: least and greatest element of integer inputs. read: bytes of weights that a launch reads."""

    folder: Path
    program: str
    model: Path | None
    kernel: str
    arch: str
    blocks: int
    threads: int
    cooperative: bool
    layers: int
    dimensions: Mapping[str, int]
    ranges: Mapping[str, tuple[int, int]]
    phases: tuple[Phase, ...]
    parameters: tuple[Parameter, ...]
    workspace: tuple[Slot, ...]
    tiles: tuple[Slot, ...]
    read: int

    def of_kind(self, kind: str) -> tuple[Parameter, ...]:
        return tuple(x for x in self.parameters if x.kind == kind)


def extent(text: str, dimensions: Mapping[str, int]) -> int:
    """The number that a shape's extent is, such as `4`, `past` or `2*past + 1`. Raises RunError for other text."""
    total = 0
    for sign, term in re.findall(r"(^-?|\+ |- )(\S+) ?", text):
        factor, _, name = term.rpartition("*")
        try:
            value = int(factor or 1) * (int(name) if name.isdecimal() else dimensions[name])
        except (ValueError, KeyError):
            raise RunError(f"the plan has an extent of `{text}`") from None
        total += -value if sign.startswith("-") else value
    return total


def read_plan(folder: Path) -> Plan:
    """The plan in a folder that `megac MODEL.onnx -o FOLDER` wrote. Raises RunError for what is none."""
    path = folder / "plan.json"
    again = f"write it with `megac MODEL.onnx -o {folder}`"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise RunError(f"`{path}` cannot be read: {e.strerror}", hint=again) from None
    except ValueError:
        raise RunError(f"`{path}` is no plan", hint=again) from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise RunError(f"`{path}` is no plan of this version", hint=again)
    try:
        return _plan(folder, data)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise RunError(f"`{path}` is damaged: {type(e).__name__} {e}", hint=again) from None


def _plan(folder: Path, d: dict[str, Any]) -> Plan:
    return Plan(
        folder, str(d["program"]), folder / d["model"] if d["model"] else None, _word(d["kernel"]), _word(d["arch"]),
        _natural(d["blocks"]), _natural(d["threads"]), bool(d["cooperative"]),
        _natural(d["layers"]), {x["name"]: _natural(x["max"]) for x in d["dimensions"]},
        {name: (int(low), int(high)) for name, (low, high) in d["ranges"].items()}, _all(_phase, d["phases"]),
        _all(_parameter, d["parameters"]), _all(_slot, d["workspace"]), _all(_slot, d["shared"]),
        _natural(d["bytes"]["read"]),
    )  # fmt: skip


def _all(read: Callable[[dict[str, Any]], T], items: list[dict[str, Any]]) -> tuple[T, ...]:
    return tuple(read(x) for x in items)


def _natural(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _word(value: Any) -> str:
    """A name that goes to a compiler."""
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueError(f"{value!r} is no name")
    return value


def _words(values: list[Any]) -> tuple[str, ...]:
    return tuple(map(str, values))


def _parameter(d: dict[str, Any]) -> Parameter:
    if d["kind"] not in KINDS:
        raise ValueError(f"a parameter of the kind {d['kind']!r}")
    what = d.get("is", {})
    parts = _all(_part, d.get("parts", []))
    out = Parameter(
        str(d["name"]), d["kind"], DType(d["type"]), _natural(d["extent"]), parts,
        what.get("element", ""), what.get("dimension", ""), what.get("input", ""), _natural(what.get("max", 0)),
        bool(d.get("zeroed", False)),
    )  # fmt: skip
    if (d["kind"] == "scalar") != (sum(map(bool, (out.element, out.dimension, out.stated))) == 1):
        raise ValueError(f"`{out.name}` is no scalar, or nothing says which")
    if any(q.offset + q.elements + q.stride * (len(q.tensors) - 1) > out.extent for q in parts):
        raise ValueError(f"a part of `{out.name}` reaches beyond it")
    return out


def _part(d: dict[str, Any]) -> Part:
    tensors, order = _words(d["tensors"]), tuple(d["order"])
    capacity = tuple(map(_natural, d["capacity"]))
    data = tuple(Data(_inside(x["file"]), _natural(x["offset"])) for x in d.get("data", []))
    if sorted(order) != list(range(len(capacity))) or (data and len(data) != len(tensors)) or not tensors:
        raise ValueError(f"a part of {len(tensors)} tensors")
    return Part(
        str(d["label"]), tensors, _words(d["shape"]), capacity, order, _natural(d["offset"]), _natural(d["stride"]),
        _words(d.get("after", [])), _natural(d.get("axis", 0)), str(d.get("rows", "1")), str(d.get("position", "")),
        data, _natural(d["fan_in"]) if "fan_in" in d else None, _natural(d.get("read", 0)),
    )  # fmt: skip


def _inside(file: str) -> str:
    """A path below the model's folder."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\\" in file:
        raise ValueError(f"{file!r} is no path below the model's folder")
    return file


def _phase(d: dict[str, Any]) -> Phase:
    nests = tuple(Nest(str(n["kind"]), _words(n["stages"]), _natural(n.get("sums", 0))) for n in d["nests"])
    return Phase(
        _natural(d["phase"]), str(d["where"]), nests, _words(d["nodes"]), _all(_touch, d["reads"]),
        _all(_touch, d["makes"]),
    )  # fmt: skip


def _touch(d: dict[str, Any]) -> Touch:
    buffers = d["in"] if isinstance(d["in"], list) else [d["in"]]
    return Touch(
        str(d["tensor"]), _words(buffers), _natural(d.get("bytes", 0)), str(d.get("type", "")),
        _words(d.get("shape", [])),
    )  # fmt: skip


def _slot(d: dict[str, Any]) -> Slot:
    unit = next((k for k in ("phases", "stages") if d["holds"] and k in d["holds"][0]), "phases")
    holds = tuple((str(x["tensor"]), _natural(x[unit][0]), _natural(x[unit][1])) for x in d["holds"])
    return Slot(str(d["name"]), str(d["type"]), _natural(d["bytes"]), holds)
