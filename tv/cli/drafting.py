"""`tv init`: reads kernel and model without a launch, and drafts one."""

from __future__ import annotations

from pathlib import Path

from tv.diagnostic import BadInput
from tv.request import CheckRequest
from tv.spec import read_document, read_signature
from tv.spec.draft import draft


def draft_for(request: CheckRequest) -> str:
    """The text of a sidecar. Raises BadInput or Unsupported for files that cannot be read."""
    from tv import cuda_frontend

    document = read_document(request.spec)
    options = document.compile_options(request.overrides)
    path = Path(request.kernel)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("TV0101", f"cannot read {path}", help=str(error)) from error
    wanted = document.wanted_kernels(request.overrides)
    module = cuda_frontend.read(path, text, options, frontend=request.frontend, wanted=wanted)
    return draft(module, read_signature(request.model), request.kernel)
