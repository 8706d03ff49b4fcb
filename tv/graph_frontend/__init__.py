"""ONNX graphs as systems of tensors: `read` gives the meaning, `describe` prints it, `operators` lists what is known."""

from __future__ import annotations

from tv.graph_frontend.describe import describe
from tv.graph_frontend.read import read
from tv.graph_frontend.registry import operators
from tv.graph_frontend.unknown import require_known

__all__ = ["describe", "operators", "read", "require_known"]
