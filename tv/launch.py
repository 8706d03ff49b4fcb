"""What is known of a launch and of how the kernel's parameters hang on the graph: the spec file, resolved.

Integers that may hang on symbols are `Expression`s: text in Python's arithmetic over symbol names, `ceildiv(a, b)`, `//`, `%`,
`min`, `max` (checked when the spec is read). `int` where the value is plain.
"""

from __future__ import annotations

from dataclasses import dataclass, field

IntOrText = int | str


@dataclass(frozen=True, slots=True)
class Symbol:
    """An integer left open: every value from min to max (both included) is meant. `dims`: graph dimensions of that name."""

    name: str
    min: int
    max: int
    dims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorImage:
    """A tensor stored in a buffer. `layout`: None for row-major, else "[i, j] -> [offset in elements]"; `offset` shifts it."""

    tensor: str
    layout: str | None = None
    offset: IntOrText = 0


@dataclass(frozen=True, slots=True)
class BufferBinding:
    """A buffer: what it holds before the launch (`inputs`), what after (`outputs`), or scratch (neither).

    extent: elements of the parameter's type, None where the tensors decide. align in bytes. zeroed: scratch cleared by the caller.
    name: of scratch that several launches share. entries: elements of each buffer of a table of pointers, which stand `stride`
    elements apart in one memory; without any the buffer is no table.
    """

    inputs: tuple[TensorImage, ...] = ()
    outputs: tuple[TensorImage, ...] = ()
    extent: IntOrText | None = None
    align: int = 256
    zeroed: bool = False
    null: bool = False
    name: str = ""
    entries: tuple[int, ...] = ()
    stride: int = 0


@dataclass(frozen=True, slots=True)
class ScalarBinding:
    """A scalar by value: an int (or text over symbols), a float, or an open one (`symbol`)."""

    value: IntOrText | float | None = None
    symbol: str | None = None
    element: str | None = None  # "input_ids[0, 0]"


Binding = BufferBinding | ScalarBinding


@dataclass(frozen=True, slots=True)
class Launch:
    kernel: str | None
    grid: tuple[IntOrText, IntOrText, IntOrText]
    block: tuple[int, int, int]
    shared: IntOrText = 0
    cooperative: bool = False
    args: dict[str, Binding] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()  # parameters bound by position


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """How nvcc is called: what changes meaning. shared_align, local_align: bytes to which shared arrays, and a thread's own, are
    taken to be aligned, 0 for as they are declared."""

    fmad: bool = True
    fast_math: bool = False
    ftz: bool = False
    prec_div: bool = True
    prec_sqrt: bool = True
    arch: str = "sm_90"
    defines: tuple[tuple[str, str], ...] = ()
    include: tuple[str, ...] = ()
    shared_align: int = 0
    local_align: int = 0


@dataclass(frozen=True, slots=True)
class InputAssumption:
    """`[inputs]`: what is assumed of a graph input. value: text every element equals; min/max; finite."""

    tensor: str
    value: IntOrText | None = None
    min: int | None = None
    max: int | None = None
    finite: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How the graph is read where ONNX leaves it open, and which of its tensors are known.

    strict_nan: Max and its kin propagate NaN. body_precision: f32 | type, of 16-bit function bodies. values: graph input ->
    integer expression over symbols that every element is. fixed: initializers that no buffer holds.
    half_functions: f32 | native, whether Exp and its kin on 16-bit types are CUDA's functions of these types.
    """

    strict_nan: bool = False
    body_precision: str = "f32"
    values: tuple[tuple[str, IntOrText], ...] = ()
    fixed: tuple[str, ...] = ()
    half_functions: str = "f32"


@dataclass(frozen=True, slots=True)
class Spec:
    """A resolved spec: launches in order, symbols, options, assumptions, the cut of the model and how it is read. relaunch: it is
    repeated, and nothing is cleared in between."""

    launches: tuple[Launch, ...]
    symbols: tuple[Symbol, ...] = ()
    options: CompileOptions = CompileOptions()
    inputs: tuple[InputAssumption, ...] = ()
    globals: dict[str, Binding] = field(default_factory=dict)
    model_inputs: tuple[str, ...] = ()
    model_outputs: tuple[str, ...] = ()
    reading: Reading = Reading()
    relaunch: bool = False
