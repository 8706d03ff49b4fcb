"""Diagnostic codes of the launch specification and of the model's border: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0201": """The specification file is missing or is not TOML. It is looked for beside the kernel under the kernel's
own name (`rmsnorm.cu` goes with `rmsnorm.toml`), or where `--spec` says. `tv init` writes a draft.""",
    "TV0202": """The specification has a key that means nothing here. Nothing is ignored: a misspelt key would otherwise
weaken what is checked without a word.""",
    "TV0203": """A value in the specification is of the wrong kind: text where a number is needed, a list of four block
dimensions, a negative alignment.""",
    "TV0204": """A layout is written `[i, j] -> [offset]`: one name for each dimension of the tensor, then one expression
over those names and the symbols, which gives the offset in elements.""",
    "TV0205": """Wherever the specification has an integer, an expression may stand: integers, symbols, + - * // %,
parentheses, `ceildiv(a, b)`, `min(...)`, `max(...)`. A single `/` is not one of them, because C and Python disagree on
what it means. Division by zero for some value of the symbols is an error too.""",
    "TV0206": """An expression names a symbol that nothing declares. Symbols are declared where they are bound,
`n = { symbol = "N", min = 1, max = 4096 }`, or in a `[symbols]` table when no parameter carries them.""",
    "TV0207": """A symbol is declared twice with different ranges, or its range is empty, or it has none. A proof over an
empty range would say nothing at all, and an unbounded symbol overflows every index computed from it.""",
    "TV0210": """The kernel to check is not determined: the file has several, or none of the name asked for. Name it with
`kernel = "..."` or `--kernel`; an instance of a template is written with its arguments, `rmsnorm<float, 256>`.""",
    "TV0211": """The size of the launch is not known. It comes from `--grid` and `--block`, from the specification, or
from a `<<<...>>>` in the same file whose operands are constants; several launches there must agree.""",
    "TV0212": """No device accepts this launch: no block or no thread, more than 1024 threads in a block, more than the
kernel's own `__launch_bounds__`, a dimension beyond the hardware's, more shared memory than a block may have. A kernel
that never runs would satisfy every claim about what it does.""",
    "TV0213": """A cooperative launch of more blocks than any part of the architecture holds at once. CUDA refuses it, and a
grid barrier in it would wait for ever. Launch fewer blocks and let each do more, or use less shared memory.""",
    "TV0220": """A parameter of the kernel is bound to nothing. Parameters bind by the specification, else to the tensor of
the same name, else by position where number and kind of the parameters leave one reading only.""",
    "TV0221": """The specification binds a parameter or a module variable that the kernel does not have.""",
    "TV0222": """The specification names a tensor that is no input, initializer or output of the model. A tensor inside the
graph becomes an input or output with `[model] inputs` and `[model] outputs`.""",
    "TV0223": """The element type of a tensor does not fit the pointer it is bound to. Elements must have the same width;
`half` is float16, `__nv_bfloat16` is bfloat16, and a floating-point type never stands for another one.""",
    "TV0224": """A binding is of the wrong kind for its parameter: a number for a pointer, a tensor for a number, an
output behind a pointer to const, a number outside its type's range.""",
    "TV0225": """A buffer is too small for the tensors that it holds, or a layout leaves it.""",
    "TV0226": """Two elements would share one place. Bindings together must be one-to-one: a layout such as
`[i, j] -> [j]` would assert that all rows of the tensor are equal, an output in two buffers would be two outputs. The
one exception is an input and an output of the same buffer, which is an update in place.""",
    "TV0227": """An output of the model is bound to no buffer. Every output has to be, or `[model] outputs` names those
that the kernel computes.""",
    "TV0228": """An open dimension of the model has no range. A proof for every size still needs to know how large the size
can get, since indices overflow: declare the symbol with `min` and `max`.""",
    "TV0229": """The layout is not one for which it can be decided whether it sends two elements to one place. Affine
layouts with nested strides are decided for all sizes, others only up to a few million elements.""",
    "TV0230": """The model is missing, or it is not an ONNX file.""",
    "TV0231": """The model file is larger than what is read. Weights are never needed for a proof; they may lie outside.""",
    "TV0232": """The graph is not in order: something is read before it is computed, computed twice or never. ONNX asks for
nodes in an order in which every name is defined before it is used.""",
    "TV0233": """The model keeps weights at a place outside its own folder. Such a path is refused, whoever wrote it.""",
    "TV0234": """A tensor at the border of the model has no element type or no shape, or there is no output at all.""",
    "TV0235": """A dimension is negative, or an output has no element at all, so that any kernel would compute it.""",
    "TV0236": """Inputs and outputs other than tensors (sequences, maps, optionals) have no counterpart in device memory.""",
    "TV0240": """This way of passing tensors is not handled: a table of pointers to tensors of open sizes or with asynchronous
copies that fill with zeros, or an output in a module variable.""",
    "TV0241": """The assumption about an input names no input of the model, or contradicts its type.""",
    "TV0242": """It cannot be decided whether a size of the launch stays inside the device's limits for all values of the
symbols. Expressions that are affine in their symbols are always decided.""",
    "TV0243": """Several launches disagree about one memory. Buffers that hold one tensor are one memory as soon as a launch
changes it, and so is scratch of one name, `{ scratch = "partials", extent = 4096 }`: size, layout and elements are those of
the first launch, and `zeroed` stands there.""",
    "TV0244": """Of several launches none may be cooperative, wait for other blocks or have dynamic shared memory of an open
size. Such a kernel is checked as a launch of its own.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0201": "name the specification with `--spec`, or let `tv init` write a draft",
    "TV0224": "bind a tensor to a pointer and a number to a number",
    "TV0234": "export the model with types and shapes",
    "TV0235": "export the model with positive dimensions",
    "TV0242": "write the size affine in its symbols, or fix one of them",
}
