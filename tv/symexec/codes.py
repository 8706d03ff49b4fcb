"""Diagnostic codes of symbolic execution: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0501": """A construct that the readers accept but that symbolic execution gives no meaning to.""",
    "TV0502": """The address of an access is not an affine function of block, thread, loop rounds and symbols, and no way was
found to take it apart into dimensions that are. Index with the array's own dimensions, or declare them.""",
    "TV0503": """A loop counter is used after the loop, and the number of rounds is not given by one inequality.""",
    "TV0504": """`break`, `continue`, `return` inside a loop, or a loop that tests at its end. Put the condition into the
loop's head, or guard the rest of the body.""",
    "TV0505": """A warp barrier that names only some lanes.""",
    "TV0506": """An assertion on values that are only known when the kernel runs.""",
    "TV0507": """Control flow that depends on data: a store, a barrier, a loop or a return under a condition on loaded values.
What a kernel does then depends on its input; only selects between values may.""",
    "TV0508": """A shuffle or vote whose mask is computed.""",
    "TV0509": """The number of rounds of a loop is neither affine nor small and constant, or the loop was not seen to end.""",
    "TV0510": """A loop condition that reads memory in every round. Load the bound into a variable before the loop.""",
    "TV0511": """A variable that a loop carries has no closed form that could be proved. Such forms are guessed (additive,
modular, alternating) and then shown by induction; a guess that fails is not used.""",
    "TV0512": """A shuffle whose source lane cannot be determined: it depends on data, its width or mask is not constant, or
the block's x size is no multiple of the warp.""",
    "TV0513": """Accesses of different widths overlap in a way that has no common cell.""",
    "TV0514": """A memory object is used by the kernel, but the specification binds it to nothing.""",
    "TV0515": """A value computed in one round of a loop is used where that round is not determined.""",
    "TV0516": """A grid barrier by counter whose target is not an affine function of the round.""",
    "TV0517": """A scalar parameter of a type that cannot be passed by value here. Pass it as float.""",
    "TV0518": """A scalar parameter of the kernel is bound to nothing, or to a number that its type does not hold.""",
    "TV0519": """A scalar parameter is bound to an open float or to an element of a tensor, where that is not handled yet.""",
    "TV0521": """A division or a shift by a value that depends on data. By zero, or past the width, it is undefined, and that it
never is cannot be shown.""",
    "TV0525": """Signed integer arithmetic on values from memory. Where it leaves its type's range C leaves it undefined, and a
compiler uses that: `x + 1 > x` is true for it. Compute in an unsigned type, where arithmetic wraps, or in a wider one.""",
    "TV0522": """A float is converted to an integer. Outside the integer's range that is undefined, and no bound on the float is
known here.""",
    "TV0526": """An access could not be related to memory at all of its instances. That is a defect of the analysis, found before
any question about the access was answered.""",
    "TV0531": """How many bytes an asynchronous copy fills with zeros is not known while the kernel is read, or is no whole
number of elements.""",
    "TV0530": """A store that no thread executes, for any value of the open sizes or for those that are named. That is no error: a
proof holds there too, but it says nothing of this store.""",
}
