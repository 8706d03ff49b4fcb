"""Diagnostics of running on a GPU."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0760": """A GPU was asked for, and there is none that CuPy reaches. Without one, kernels are run by the interpreter.""",
    "TV0761": """The kernel does not become a module for this GPU: neither nvcc on the whole file nor NVRTC on its device side
compiles it, or the specification's architecture is not the GPU's.""",
    "TV0762": """The GPU's driver does not load the compiled kernel.""",
    "TV0763": """The launch fails on the GPU. After an illegal access nothing more can be run by the same process.""",
    "TV0765": """A module variable that the specification binds is not reached on the GPU: it has internal linkage or another name
in the module, or another size.""",
    "TV0764": """All buffers together are larger than what is made here for a GPU.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0760": "install `tv-cuda[gpu]`, or say `--on cpu`",
    "TV0761": "compile the file with nvcc by itself to see all of its messages",
    "TV0762": "update the driver, or name the GPU's own `arch` in the specification",
    "TV0763": "run it with `--on cpu`: the interpreter names line and thread",
    "TV0764": "say `--on cpu`",
    "TV0765": "declare it without `static`, outside every namespace",
}
