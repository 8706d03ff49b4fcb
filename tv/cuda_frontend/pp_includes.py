"""Which file an `#include` means: nvcc's order of folders, and nothing of the machine besides the folders that were named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tv.diagnostic import BadInput, Unsupported
from tv.source import Span

HEADERS = Path(__file__).parent / "include"

# Standard headers that only host code needs: nothing of them is declared, so a device use of their names is refused.
_STANDARD = frozenset(
    """algorithm array assert.h atomic cassert cfloat chrono climits cmath complex cstddef cstdint cstdio cstdlib cstring
    cuda.h cuda_profiler_api.h errno.h float.h fstream functional iomanip
    initializer_list iostream limits limits.h map memory mutex numeric omp.h optional random set sstream stdbool.h stddef.h stdexcept stdio.h
    stdlib.h string string.h strings.h string_view sys/time.h thread time.h tuple type_traits unistd.h unordered_map utility vector
    device_launch_parameters.h device_functions.h sm_61_intrinsics.h builtin_types.h""".split()
)
_OF_LIBRARIES = frozenset(
    "cublas_v2.h cublasLt.h curand.h curand_kernel.h helper_cuda.h helper_functions.h helper_string.h helper_timer.h helper_image.h".split()
)
HOST_HEADERS = _STANDARD | _OF_LIBRARIES
# Libraries whose macros are in no list.
UNMEASURED = ("torch/", "ATen/", "c10/", "pybind11/", "mpi.h", "nccl.h", "cudnn.h", "cublas", "curand", "helper_")
HOST_LIBRARIES = ("torch/", "ATen/", "c10/", "pybind11/", "thrust/", "mpi.h", "nccl.h", "cudnn.h", "nvtx3/")
_HELP = "name its folder with `include` in the spec, or -I"


@dataclass(frozen=True, slots=True)
class Folders:
    """own: of the kernel's file. given: by `include` and -I, in order."""

    own: Path
    given: tuple[Path, ...]

    def check(self, file: str) -> None:
        """Every file includes the toolkit's headers, and they each other with angle brackets: raises Unsupported (TV0106) where a
        folder that is searched first has a file of such a name."""
        ours = {str(p.relative_to(HEADERS)) for p in HEADERS.rglob("*") if p.is_file()}
        for folder in self.given:
            hidden = next((name for name in sorted(ours | _STANDARD) if (folder / name).is_file()), None)
            if hidden is not None:
                message = f"a folder of `include` has a file `{hidden}`, which nvcc's own headers would find"
                raise Unsupported("TV0106", message, Span(file, 1), "rename the file")

    def find(self, name: str, quoted: bool, including: Path, where: Span) -> Path | None:
        """The file that `name` means in an `#include` of the file `including`; None where it is none that is read. As for nvcc: by
        quotes the folder of the including file, then those of `include`; by angle brackets these alone; then the toolkit's.
        Raises BadInput (TV0106) where nvcc would find a file outside of the folders."""
        first = (including.parent,) if quoted else ()
        for folder in (*first, *self.given, HEADERS):
            path = Path(os.path.abspath(folder / name))
            if path.is_file():
                if not self._allows(path):
                    raise BadInput("TV0106", f"`{name}` is in none of the folders that are read", where, _HELP)
                return path
        return None

    def _allows(self, path: Path) -> bool:
        real = path.resolve()
        return any(real.is_relative_to(folder.resolve()) for folder in self._all())

    def _all(self) -> Iterator[Path]:
        yield from (self.own, *self.given, HEADERS)


def missing(name: str, where: Span) -> BadInput:
    return BadInput("TV0106", f"`{name}` not found", where, _HELP)
