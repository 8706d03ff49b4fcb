"""Names in a protobuf file: text that is not UTF-8 is handed out as bytes there, which nothing behind expects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onnx import ModelProto, TensorProto

from tv.diagnostic import BadInput
from tv.source import Span


def require_text(model: ModelProto, path: Path) -> None:
    """Raises BadInput (TV0301) for a model with a name or another text that is not UTF-8. Stored data is not looked at."""
    todo: list[Any] = [model]
    while todo:
        for field, value in _fields(todo.pop()):
            values = [value] if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value
            if field.type == field.TYPE_MESSAGE:
                todo.extend(values)
            elif field.type == field.TYPE_STRING and any(isinstance(v, bytes) for v in values):
                text = f"`{path}` has a `{field.name}` that is not UTF-8 text"
                raise BadInput("TV0301", text, Span(str(path), 0), "export the model anew, with names in UTF-8")


def _fields(message: Any) -> Iterator[tuple[Any, Any]]:
    """The fields that are set. Of a tensor only its texts: listing the others would copy its data."""
    if not isinstance(message, TensorProto):
        yield from message.ListFields()
        return
    for name in ("name", "doc_string", "external_data", "metadata_props"):
        yield message.DESCRIPTOR.fields_by_name[name], getattr(message, name)
