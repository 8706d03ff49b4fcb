"""Diagnostic codes of executing kernels and graphs on numbers: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0701": """The interpreter, which executes witnesses, has no meaning for this construct.""",
    "TV0702": """The interpreter lacks a rounding mode of a conversion.""",
    "TV0703": """The interpreter does not know a function, or not on this type or with this many operands.""",
    "TV0704": """The interpreter lacks a barrier's or a fence's scope.""",
    "TV0705": """The interpreter lacks a form of shuffle or vote.""",
    "TV0706": """The interpreter lacks this atomic operation.""",
    "TV0710": """Too many blocks synchronise through atomics for the interpreter to order what they do. A smaller grid shows the
same defects.""",
    "TV0711": """Threads of one block wait for each other in loops, outside barriers; the interpreter does not schedule them one
by one.""",
    "TV0712": """Lanes of one warp, or blocks at barriers of the grid, may wait for each other in two places of the text, or in two
rounds of a loop: the interpreter executes such a statement for those threads that are there together.""",
    "TV0720": """A launch that no device accepts, or a parameter without a value, was given to the interpreter.""",
    "TV0721": """Blocks wait for each other, so that some of them alone cannot be executed.""",
    "TV0722": """Too many blocks wait for each other for the interpreter to run them in turns. A smaller grid shows the same
defects.""",
    "TV0723": """A pointer of a struct that is passed by value was read, and the specification lists no tensor for it: whether it
is null, or points somewhere, no run knows.""",
    "TV0741": """Running a graph on numbers needs a value for each open size.""",
    "TV0742": """Running a graph met an index, read from data, outside its tensor. Such inputs are excluded by a printed
assumption.""",
    "TV0743": """Running a graph met a computation that the evaluator has no numbers for.""",
    "TV0745": """Running a graph met a value that a printed assumption excludes: a NaN that is sorted, a float outside the
integers that it is cast to, an index outside its tensor.""",
    "TV0734": """Evaluating the graph on concrete values took longer than the search for a counterexample allows.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0701": "the proof does not need it: only a counterexample does",
    "TV0702": "use a conversion that `tv ops` lists",
    "TV0703": "use a function that `tv ops` lists on this type",
    "TV0704": "use a barrier or fence that `tv ops` lists",
    "TV0705": "use the full mask and a constant width",
    "TV0706": "use an atomic operation on int, unsigned or float",
    "TV0710": "launch fewer blocks",
    "TV0711": "let the threads of a block wait at a barrier",
    "TV0712": "let all of them execute one statement",
    "TV0720": "give each parameter a value of its type",
    "TV0721": "run all blocks",
    "TV0723": "list a tensor for each pointer that the kernel reads",
    "TV0722": "launch fewer blocks",
    "TV0734": "launch at smaller sizes, by a symbol with a small `min`",
    "TV0741": "give the symbol a value with `--symbol`",
    "TV0742": "give indices inside the tensor's extent",
    "TV0743": "cut the graph around the node with `[model] inputs` and `outputs`",
    "TV0745": "give inputs that the printed assumptions allow",
}
