"""Diagnostic codes of symbolic execution: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0501": """A construct that the readers accept but that symbolic execution gives no meaning to.""",
    "TV0502": """The address of an access is not an affine function of block, thread, loop rounds and symbols, and no way was
found to take it apart into dimensions that are. Index with the array's own dimensions, or declare them.""",
    "TV0503": """A loop counter is used after the loop, and the number of rounds is not given by one inequality.""",
    "TV0504": """A `return` inside a loop, where the kernel goes on after the loop for other threads. Leave the loop by `break`, and
put what follows it under the opposite condition.""",
    "TV0506": """An assertion on values that are only known when the kernel runs.""",
    "TV0507": """Control flow that depends on data: a barrier, a loop or a return under a condition on loaded values. What a kernel
does then depends on its input; only selects between values, and plain stores, may.""",
    "TV0508": """A shuffle, a vote or a warp barrier whose mask is not known before the kernel runs: it has to be one of few constants by
conditions on the thread (`0xffffu << (threadIdx.x & 16)`), or a ballot over the whole warp of a condition on indices.""",
    "TV0509": """The number of rounds of a loop is neither affine nor small and constant, or the loop was not seen to end.""",
    "TV0510": """A loop condition that reads memory in every round. Load the bound into a variable before the loop.""",
    "TV0511": """A variable that a loop carries has no closed form that could be proved. Such forms are guessed (additive,
modular, alternating) and then shown by induction; a guess that fails is not used.""",
    "TV0512": """A shuffle whose source lane cannot be determined: it depends on data, or its xor mask takes values that are no few
constants. Or a vote of a whole block on data or on a condition that is no bound on indices.""",
    "TV0513": """Accesses of different widths overlap in a way that has no common cell.""",
    "TV0514": """A memory object is used by the kernel, but the specification binds it to nothing.""",
    "TV0515": """A value computed in one round of a loop is used where that round is not determined.""",
    "TV0516": """A grid barrier by counter whose target is not an affine function of the round.""",
    "TV0517": """A scalar parameter of a type that cannot be passed by value here. Declare it `float`, and convert it in the kernel.""",
    "TV0518": """A scalar parameter of the kernel is bound to nothing, or to a number that its type does not hold.""",
    "TV0519": """A scalar parameter is bound to an open float or to an element of a tensor, where that is not handled yet.""",
    "TV0521": """A division or a shift by a value that depends on data. By zero, or past the width, it is undefined, and that it
never is cannot be shown.""",
    "TV0525": """Signed integer arithmetic on values from memory. Where it leaves its type's range C leaves it undefined, and a
compiler uses that: `x + 1 > x` is true for it. Compute in an unsigned type, where arithmetic wraps, or in a wider one.""",
    "TV0526": """An access could not be related to memory at all of its instances. That is a defect of the analysis, found before
any question about the access was answered.""",
    "TV0541": """How many bytes an asynchronous copy fills with zeros is not known while the kernel is read, or is no whole
number of elements.""",
    "TV0545": """An address contains an integer of data, and what is read there is memory that the launch writes, or that nothing
is known of. Understood is a table that the launch leaves alone: it is read at all values that the integer may have, of which the
kernel picks one.""",
    "TV0530": """A store that no thread executes, for any value of the open sizes or for those that are named. That is no error: a
proof holds there too, but it says nothing of this store.""",
    "TV0531": """The result of an atomic operation is used in a way of which nothing is proved. Understood is the counter that tells a
block that it comes last: one thread of every block of a group adds 1 to the group's counter, which starts at 0, and compares
the result with the number of blocks in the group, less 1. The last block may store 0 there for the next launch.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0501": "write it with the constructs that the README lists; `tv ops` lists the built-ins",
    "TV0502": "index with the array's own dimensions: `a[row * width + column]` with numbers or one open size for the width",
    "TV0503": "compute what is needed after the loop before it",
    "TV0504": "leave the loop by `break`, and put what follows it under the opposite condition",
    "TV0506": "assert on indices, sizes and thread numbers only",
    "TV0507": "put only assignments and plain stores under this condition (`if (c) y[i] = v;`), and loops, barriers and `return` outside",
    "TV0508": "name the lanes by a constant, by shifts of one, or by a ballot over the whole warp",
    "TV0509": "bound the loop by an expression that is affine in its counter: `for (i = a; i < b; i += c)`",
    "TV0510": "load the bound before the loop",
    "TV0511": "compute the variable from the loop's counter in every round: `k = first + j * step`",
    "TV0512": "compute the lane from the thread's own number and constants",
    "TV0513": "access an array in pieces of one width, at multiples of it",
    "TV0514": "bind it with `[args]` or `[globals]`, or as `{ scratch = true }`",
    "TV0515": "let the variable be assigned in every round, or before the loop",
    "TV0516": "let the n-th barrier wait for n * gridDim",
    "TV0517": "declare the parameter `float`, and convert it in the kernel",
    "TV0518": "bind the parameter in `[args]` to a value of its type",
    "TV0519": "bind the parameter to a number or to a symbol",
    "TV0521": "divide in floating point, or by a constant",
    "TV0525": "compute in an unsigned type or in a wider one; of an index, state its range under [inputs]",
    "TV0526": "this is a defect of tv: please report the kernel, the model and the specification",
    "TV0531": "let one thread of each block of a group add 1, and compare the result with the last ticket alone",
    "TV0545": "let the table be an input that the launch does not write",
    "TV0530": "is the range of the sizes what is meant? Remove the store if it is",
}
