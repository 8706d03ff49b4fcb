"""From ONNX operators to stages: one rule for each operator, in files by kind."""

from __future__ import annotations

from megac.lower.graph import lower

__all__ = ["lower"]
