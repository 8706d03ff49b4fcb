"""Running kernels on an NVIDIA GPU: compiled as the specification says, on the buffers that the interpreter has.

driver     the only module that knows CuPy: a device, modules, memory, launches
compile    a kernel file to a module: nvcc on the file, else NVRTC on its device side
run        a launch at chosen sizes and contents
replay     a counterexample again, and what its bits are there
"""

from __future__ import annotations

from tv.gpu.codes import CODES

__all__ = ["CODES"]
