"""A launch on a GPU: the contents that the interpreter gets, poison where nothing is written yet, and what is left there."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tv.diagnostic import Unknown
from tv.gpu.compile import Image, compiled
from tv.gpu.driver import Buffer, Bytes, Device, Module, Variable, require_device
from tv.kernel import Parameter
from tv.launch import BufferBinding, CompileOptions
from tv.refute.layouts import integer
from tv.refute.patterns import Pattern
from tv.refute.setting import Setting, Watched
from tv.spec.affine import size
from tv.spec.resolve import Stage

MOST_BYTES = 1 << 31  # of all buffers: the host makes their contents
_PART = 1 << 24  # bytes that are made at a time
_ADDRESS = 8  # bytes


@dataclass(frozen=True, slots=True)
class Left:
    """What a launch leaves: the bytes of every buffer, and those next to which something was written."""

    buffers: dict[str, Bytes]
    overrun: tuple[str, ...]


@dataclass(slots=True)
class GpuRunner:
    """Runs one specification's launches, in order, at any size and on any contents."""

    path: Path
    text: str
    options: CompileOptions
    stages: Sequence[Stage]
    variables: Collection[str] = ()  # of the file, that the specification binds
    device: Device = field(default_factory=require_device)
    _image: Image | None = None

    @property
    def image(self) -> Image:
        if self._image is None:
            names = tuple(dict.fromkeys(s.kernel.name for s in self.stages))
            self._image = compiled(self.path, self.text, self.options, names, self.device)
        return self._image

    @property
    def where(self) -> str:
        """`NVIDIA H200 (NVRTC 13.0)`."""
        return f"{self.device.name} ({self.image.compiler})"

    def run(self, setting: Setting, pattern: Pattern) -> Left:
        """Raises Unknown (TV0764) for buffers that are too large, and what compiling and launching raise."""
        return self.on(setting, setting.buffers(pattern), setting.scalars(pattern))

    def on(self, setting: Setting, contents: Mapping[str, Watched], scalars: Mapping[str, int]) -> Left:
        if sum(b.size for b in contents.values()) > MOST_BYTES:
            raise Unknown("TV0764", "the buffers are too large to be filled here for a GPU", help="say `--on cpu`")
        image = self.image
        module = Module(image.binary)  # with the file's variables as they are initialised
        memory: dict[str, Buffer | Variable] = {
            n: module.variable(n, bytes_of(b)) if n in self.variables else Buffer(bytes_of(b), b.align)
            for n, b in contents.items()
        }
        for p in setting.kernel.parameters:
            if p.name in self.variables and p.type is not None:
                bits = scalars[p.name].to_bytes(p.type.bytes, "little")
                module.variable(p.name, np.frombuffer(bits, np.uint8))
        for s in self.stages:
            sizes = setting.symbols
            known = setting.binder.symbols
            x, y, z = (integer(size(g, known), sizes) for g in s.launch.grid)
            shared = integer(size(s.launch.shared, known), sizes)
            addresses = {n: b.address for n, b in memory.items()}
            tables = {n: Buffer(np.frombuffer(t, np.uint8), _ADDRESS) for n, t in tables_of(s, addresses).items()}
            arguments = arguments_of(s, addresses, scalars, {n: b.address for n, b in tables.items()})
            name = image.names[s.kernel.name]
            module.launch(name, (x, y, z), s.launch.block, shared, s.launch.cooperative, arguments)
        found = {n: b.read() for n, b in memory.items()}
        return Left(
            {n: content for n, (content, _) in found.items()}, tuple(n for n, (_, ok) in found.items() if not ok)
        )


def pointers(stage: Stage, p: Parameter, addresses: Mapping[str, int]) -> bytes:
    """The pointers of a table as they lie in memory; what a table by value has beyond those that are bound is null."""
    binding = stage.launch.args[p.name]
    if not isinstance(binding, BufferBinding) or binding.null or p.pointee is None:
        return bytes(_ADDRESS * (p.entries or 0))
    first, apart = addresses[stage.names[p.name]], binding.stride * p.pointee.bytes
    found = [struct.pack("<Q", first + k * apart) for k in range(len(binding.entries))]
    return b"".join(found).ljust(_ADDRESS * (p.entries or 0), b"\0")


def tables_of(stage: Stage, addresses: Mapping[str, int]) -> dict[str, bytes]:
    """Contents of the tables that lie in memory, by parameter."""
    found = {p.name: pointers(stage, p, addresses) for p in stage.kernel.parameters if p.entries == 0}
    return {name: content for name, content in found.items() if content}


def arguments_of(
    stage: Stage, addresses: Mapping[str, int], scalars: Mapping[str, int], tables: Mapping[str, int]
) -> list[bytes]:
    """The arguments of a launch as they lie in memory, a struct's leaves in one. tables: addresses of those in memory; the others
    are part of their argument."""
    out: dict[str, bytearray] = {}
    for p in stage.kernel.parameters:
        held = out.setdefault(p.argument, bytearray(p.whole))
        if p.type is not None:
            held[p.offset : p.offset + p.type.bytes] = scalars[stage.names[p.name]].to_bytes(p.type.bytes, "little")
            continue
        if p.entries is not None:
            content = pointers(stage, p, addresses) if p.entries else struct.pack("<Q", tables.get(p.name, 0))
            held[p.offset : p.offset + len(content)] = content
            continue
        binding = stage.launch.args.get(p.name)
        null = isinstance(binding, BufferBinding) and binding.null
        held[p.offset : p.offset + 8] = struct.pack("<Q", 0 if null else addresses[stage.names[p.name]])
    return [bytes(a) for a in out.values()]


def bytes_of(buffer: Watched) -> Bytes:
    """The whole content, poison where nothing is defined."""
    even, parts = buffer.size // 8 * 8, [np.zeros(0, np.uint8)]
    for width, low, high in ((8, 0, even), (1, even, buffer.size)):
        for start in range(low, high, _PART):
            at = np.arange(start, min(start + _PART, high), width, dtype=np.int64)
            parts.append(np.ascontiguousarray(buffer.load(at, width)).view(np.uint8))
    return np.concatenate(parts)
