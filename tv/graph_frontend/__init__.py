"""ONNX graphs as systems of tensors: `read` gives the meaning, `describe` prints it, `operators` lists what is known."""

from __future__ import annotations

from tv.graph_frontend.describe import describe
from tv.graph_frontend.read import read
from tv.graph_frontend.registry import operators

__all__ = ["describe", "operators", "read"]
