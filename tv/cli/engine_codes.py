"""Diagnostic codes of the modules in which all rooms meet: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0811": """An integer of the specification is neither a symbol nor an index of the layout it stands in.""",
    "TV0812": """An integer of the specification is not affine in its symbols: a product of two open sizes, or a division by one.""",
    "TV0813": """A binding names a tensor that the graph, or the part of it that is checked, does not have.""",
    "TV0814": """A tensor is stored row-major and one of its strides is an open size, so that an element's place is no affine function
of its index. Give the buffer a `layout` whose strides are fixed.""",
    "TV0815": """The elements of a tensor and the cells in which a kernel accesses its buffer have different widths.""",
    "TV0816": """An output has no greatest extent, so that its indices cannot be taken apart. Give its symbol a `max`.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0811": "name a symbol, or an index of the layout",
    "TV0812": "multiply and divide symbols by numbers only",
    "TV0813": "`tv graph` prints the tensors that the model has",
    "TV0814": "give the buffer a `layout` whose strides are fixed",
    "TV0815": "access the buffer in pieces of its elements",
    "TV0816": "give the symbol a `max`",
}
