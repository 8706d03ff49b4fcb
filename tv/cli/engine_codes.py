"""Diagnostic codes of the parts between the front ends and the verdict: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    # index sets
    "TV0401": """The ranges of the symbols contradict each other, so that no value is left. Every statement about no value is
true; nothing is concluded from that.""",
    "TV0402": """Two index spaces that should be one differ in name or dimensions. The set library would call them disjoint and
a check for emptiness would succeed; here such a question is refused instead. A defect of tv.""",
    "TV0403": """A question about index sets used up its budget of operations. The budget is counted in steps, not in
seconds, so the same question gives up on every machine. Fewer symbols, or smaller ranges, make it easier.""",
    "TV0404": """The text of an index map (in a certificate or a layout) is not one, or names symbols or spaces that do not
exist here.""",
    "TV0405": """Dataflow analysis did not account for every read exactly once. The result is not used. A defect of tv.""",
    # symbolic execution
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
    # relating both sides
    "TV0601": """An index of the graph leaves the shape of the tensor that it refers to, or a size of the graph is not known
where a value of it is to be computed.""",
    "TV0602": """A step would use a claim about something that is not strictly earlier in the kernel's time, or an index that is
data leaves its range. A proof by induction needs the first; the second is an assumption on the input.""",
    "TV0603": """Two sums could not be matched term by term: a term would have two partners, or none.""",
    "TV0604": """The search for a proof ran out of steps.""",
    "TV0605": """No invariant was found for a loop: the relation between kernel and graph changes from round to round in a way
that was not recognised.""",
    "TV0611": """A certificate lacks the proof of one of its claims, or leaves a part of an output open.""",
    "TV0612": """An output has no elements, so that nothing would be claimed about it.""",
    "TV0613": """A claim of a certificate is not about instances of the two sides that it names.""",
    "TV0614": """A claim relates values of different widths or kinds.""",
    "TV0621": """One sum of the graph is computed in several places of the kernel, and these were not shown to add in the same
order. A tensor of the graph has one value, so one order; compute it once and share it, or give every copy the same order.""",
    "TV0651": """The certificate was written by another version.""",
    "TV0652": """The file is not a certificate.""",
    # binding and execution
    "TV0701": """An integer of the specification is neither a symbol nor an index where a layout needs one; or the interpreter,
which executes witnesses, has no meaning for a construct.""",
    "TV0702": """An integer of the specification is not affine in its symbols; a parameter's type cannot be passed by value
here; or the interpreter lacks a rounding mode of a conversion.""",
    "TV0703": """A tensor or a parameter is bound to nothing that the other side knows; or the interpreter does not know a
function.""",
    "TV0704": """A tensor is row-major with a stride that is open, a parameter is an open float or an element of a tensor where
that is not handled yet; or the interpreter lacks a barrier's scope.""",
    "TV0705": """The elements of a tensor and the cells in which a kernel accesses its buffer have different widths; or the
interpreter lacks a form of shuffle or vote.""",
    "TV0706": """The interpreter lacks this atomic operation.""",
    "TV0710": """Too many blocks synchronise through atomics for the interpreter to order what they do. A smaller grid shows the
same defects.""",
    "TV0711": """Threads of one block wait for each other in loops, outside barriers; the interpreter does not schedule them one
by one.""",
    "TV0720": """A launch that no device accepts, or a parameter without a value, was given to the interpreter.""",
    "TV0721": """Blocks wait for each other, so that some of them alone cannot be executed.""",
    "TV0722": """Too many blocks wait for each other for the interpreter to run them in turns. A smaller grid shows the same
defects.""",
    "TV0731": """A layout could not be inverted, so that no buffer with concrete values could be filled for a witness.""",
    "TV0732": """A parameter has no concrete value for a witness.""",
    "TV0733": """A buffer holds tensors whose elements differ in size, so that no witness can be built for it.""",
    "TV0801": """Several launches in one specification are not handled yet.""",
}
