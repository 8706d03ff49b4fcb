"""Stored tensors of a model, read where they lie: in its file, or in external data beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper

from megac.dtype import DType
from megac.errors import RunError
from megac.plan import Data

CHUNK = 1 << 26  # bytes that are copied at a time

Array = NDArray[Any]


@dataclass(slots=True)
class Weights:
    """The tensors of one model file, which is read when the first of its own tensors is asked for."""

    path: Path
    _own: dict[str, TensorProto] | None = field(default=None)

    def tensor(self, name: str, data: Data, shape: tuple[int, ...], dtype: DType) -> Array:
        """The tensor; external data are mapped, not read. Raises RunError where they are not there or of another size."""
        if data.file:
            return self._mapped(name, data, shape, dtype)
        if self._own is None:
            self._own = _tensors(self.path)
        if name not in self._own:
            raise RunError(f"`{self.path}` has no tensor `{name}`", hint="name the model that the kernel was made from")
        t = self._own[name]
        if tuple(t.dims) != shape:
            raise RunError(f"`{name}` has the shape {list(t.dims)} in `{self.path.name}`, {list(shape)} in the plan")
        if t.data_location == TensorProto.EXTERNAL:
            raise RunError(f"the data of `{name}` lie in another file now", hint="compile the model again")
        try:
            values = numpy_helper.to_array(t)
        except (ValueError, TypeError) as e:
            raise RunError(f"the tensor `{name}` is damaged: {e}") from None
        if values.dtype.itemsize != dtype.bytes:
            raise RunError(f"`{name}` is of {values.dtype} in `{self.path.name}`, of {dtype.value} in the plan")
        return np.ascontiguousarray(values).reshape(shape)

    def _mapped(self, name: str, data: Data, shape: tuple[int, ...], dtype: DType) -> Array:
        folder = self.path.parent.resolve()
        file = (folder / data.file).resolve()
        if not file.is_relative_to(folder):
            raise RunError(f"the data of `{name}` lie in `{data.file}`, which leads out of the model's folder")
        size = int(np.prod(shape, dtype=np.int64)) * dtype.bytes
        try:
            if file.stat().st_size < data.offset + size:
                raise RunError(f"`{file.name}` ends before the data of `{name}` do")
            whole: Array = np.memmap(file, np.uint8, "r", data.offset, (size,)) if size else np.zeros(0, np.uint8)
        except (OSError, ValueError) as e:
            raise RunError(f"the data of `{name}` cannot be read: {e}", hint="`--weights random` needs none") from None
        return whole.view(dtype.numpy).reshape(shape)


def _tensors(path: Path) -> dict[str, TensorProto]:
    """Initializers, and what constant nodes hold, by name."""
    model = ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as e:
        raise RunError(
            f"the model `{path}` cannot be read: {e.strerror}", hint="say where it is: --model FILE"
        ) from None
    except (DecodeError, UnicodeDecodeError):
        raise RunError(f"`{path}` is no ONNX model") from None
    out = {t.name: t for t in model.graph.initializer}
    for n in model.graph.node:
        if n.op_type == "Constant":
            for a in n.attribute:
                out |= {n.output[0]: a.t} if a.name == "value" else {}
    return out


def pieces(tensor: Array, chunk: int = CHUNK) -> Iterator[Array]:
    """A tensor in order, in contiguous copies of about `chunk` bytes at most."""
    if tensor.nbytes <= chunk or tensor.ndim == 0:
        yield np.ascontiguousarray(tensor)
        return
    row = tensor.nbytes // tensor.shape[0]
    if row > chunk and tensor.ndim > 1:
        for one in tensor:
            yield from pieces(one, chunk)
        return
    many = max(1, chunk // row)
    for first in range(0, tensor.shape[0], many):
        yield np.ascontiguousarray(tensor[first : first + many])
