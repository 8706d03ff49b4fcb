"""Launch specifications: what is launched, and how the kernel's parameters hang on the graph.

document = read_document(path or sidecar(kernel))       # the file alone
document.wanted_kernels(overrides), document.compile_options(overrides)    # what a CUDA reader has to know
resolve(module, read_signature(model, document.cut()), document, overrides)    # everything together
in_one(resolved)                                         # several launches as a single one
"""

from __future__ import annotations

from tv.spec.document import Document, parse_document, read_document, sidecar
from tv.spec.model_signature import ModelSignature, TensorSignature, read_signature
from tv.spec.resolve import Resolved, resolve
from tv.spec.sequence import in_one

__all__ = [
    "Document",
    "ModelSignature",
    "Resolved",
    "TensorSignature",
    "in_one",
    "parse_document",
    "read_document",
    "read_signature",
    "resolve",
    "sidecar",
]
