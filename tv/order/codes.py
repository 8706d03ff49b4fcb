"""Diagnostic codes of certificates and of orders of sums: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0653": """A certificate or a file of tensors could not be read or written.""",
    "TV0654": """The inputs, the model and the certificate of an evaluation do not fit each other: another model, a tensor that
is missing or has another shape or type, a size outside the range of the proof, or a certificate without orders.""",
    "TV0655": """The orders of sums in a certificate are not about this graph, or are no programs of additions.""",
    "TV0656": """An order of a sum has no value at some instance that it needs: the certificate is damaged.""",
    "TV0661": """Two additions of the kernel's text are one term of the proof, and of the two only one is compiled to a fused
multiply-add. The proof holds for both; an order cannot be written down.""",
    "TV0662": """A sum of the proof is no addition of the kernel's text, so that the certificate could not say which of its products
are fused.""",
    "TV0663": """The order of a sum could not be written down: it is not part of the graph's own terms, or the additions that a
proof went through do not form a program.""",
    "TV0664": """The kernel computes one tensor of the graph in several places, and adds it up in two orders, or fuses a product in
one place and rounds it in another. No single order holds for it.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0653": "name a file that may be read, in a folder that may be written",
    "TV0654": "prove the pair anew with `tv check --certificate`, and use that model and those sizes",
    "TV0655": "prove the pair anew with `tv check --certificate`",
    "TV0656": "prove the pair anew with `tv check --certificate`",
    "TV0661": "compile without contraction (`fmad = false`), or write `__fmul_rn` and `__fadd_rn`",
    "TV0662": "compile without contraction (`fmad = false`), or write `__fmul_rn` and `__fadd_rn`",
    "TV0663": "compute the sum in one place, and store it before it is used",
    "TV0664": "compute the tensor once and share it, or add every copy in one order",
}
