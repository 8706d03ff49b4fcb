"""Names with a fixed meaning: keywords, CUDA types and variables, and the registry of built-in functions."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

# Function objects of cooperative groups, with the fold that each stands for.
FOLDS = {"plus": "add", "less": "min", "greater": "max", "bit_and": "and", "bit_or": "or", "bit_xor": "xor"}
LIMITS = ("std::numeric_limits", "cuda::std::numeric_limits")
TEMPLATES = frozenset({"tiled_partition", *FOLDS})  # built-in functions whose template arguments their handlers read

Entry = TypeVar("Entry")

KEYWORDS = frozenset(
    """auto bool break case char const constexpr continue default do double else enum extern false float for goto if inline int long
    namespace nullptr register restrict return short signed sizeof static static_assert static_cast reinterpret_cast const_cast struct
    switch template true typedef typename union unsigned using void volatile while class operator asm alignof alignas
    __global__ __device__ __host__ __shared__ __constant__ __managed__ __restrict__ __restrict __forceinline__ __noinline__
    __launch_bounds__ __align__ __inline__ __grid_constant__""".split()
)
THREAD_VARIABLES = ("threadIdx", "blockIdx", "blockDim", "gridDim")
# A macro of this name replaces text in both nvcc and here; no other reading is possible.
FREE_FOR_MACROS = frozenset({"min", "max", "abs", "restrict", "inline", "__restrict", "__forceinline__", "assert"})


class Registry(Generic[Entry]):
    """Named handlers. A second registration of a name is a defect, an unknown name is answered with the nearest known."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.entries: dict[str, Entry] = {}

    def add(self, *names: str) -> Callable[[Entry], Entry]:
        def register(entry: Entry) -> Entry:
            for name in names:
                if name in self.entries:
                    raise ValueError(f"{self.what} `{name}` is registered twice")
                self.entries[name] = entry
            return entry

        return register

    def get(self, name: str) -> Entry | None:
        return self.entries.get(name)


def nearest(name: str, known: Iterable[str]) -> str:
    """`the nearest known name is ...`, or an empty string."""
    best = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"the nearest known name is `{best[0]}`" if best else ""


_functions: set[str] = set()


def reserve(names: Iterable[str]) -> None:
    """Built-in functions and types announce their names here."""
    _functions.update(names)


def is_reserved(name: str) -> bool:
    """Whether a macro of that name would change the meaning of a name that the readers know."""
    if name in FREE_FOR_MACROS:
        return False
    return name in KEYWORDS or name in THREAD_VARIABLES or name in _functions
