"""A node as its handler sees it: inputs resolved, attributes counted, so that none is ignored silently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.elements import Element
from tv.graph_frontend.load import Node
from tv.graph_frontend.tensors import Tensor

T = TypeVar("T", int, float, str)


class NodeView:
    """node: the operator. opset: of its domain in the model. caller: the node of the model in whose body it stands."""

    def __init__(self, node: Node, inputs: Sequence[Tensor | None], opset: int, caller: str = "") -> None:
        self.node, self._inputs, self.opset, self.caller = node, tuple(inputs), opset, caller
        self._read: set[str] = set()

    @property
    def what(self) -> str:
        if self.caller:
            return f"the {self.node.op} inside {self.caller}"
        return f"node `{self.node.name}` ({self.node.op})"

    # -------------------------------------------------------------- inputs and outputs
    @property
    def count(self) -> int:
        return len(self._inputs)

    def input(self, k: int) -> Tensor:
        t = self.optional(k)
        if t is None:
            raise BadInput("TV0302", f"{self.what} lacks its input {k}")
        return t

    def optional(self, k: int) -> Tensor | None:
        return self._inputs[k] if k < len(self._inputs) else None

    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(self.input(k) for k in range(len(self._inputs)))

    def wants(self, k: int) -> bool:
        """Is output k named?"""
        return k < len(self.node.outputs) and self.node.outputs[k] != ""

    # -------------------------------------------------------------- attributes
    def has(self, name: str) -> bool:
        self._read.add(name)
        return self.node.attributes.get(name) is not None

    def attribute(self, name: str, default: T) -> T:
        """An attribute of the default's type; BadInput where it has another."""
        self._read.add(name)
        value = self.node.attributes.get(name)
        if value is None:
            return default
        if not isinstance(value, type(default)):
            raise BadInput("TV0302", f"attribute `{name}` of {self.what} is not of type {type(default).__name__}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """An attribute that is 0 or 1. BadInput for any other number."""
        value = self.attribute(name, int(default))
        if value not in (0, 1):
            raise BadInput("TV0302", f"attribute `{name}` of {self.what} is {value}, neither 0 nor 1")
        return value == 1

    def integers(self, name: str) -> tuple[int, ...] | None:
        self._read.add(name)
        value = self.node.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, int) for v in value):
            raise BadInput("TV0302", f"attribute `{name}` of {self.what} is not a list of integers")
        return tuple(value)

    def raw(self, name: str) -> object:
        self._read.add(name)
        return self.node.attributes.get(name)

    def ignore(self, *names: str) -> None:
        """Attributes that do not change the meaning; the handler says so by naming them here."""
        self._read.update(names)

    def finish(self) -> None:
        """Unsupported where an attribute was never looked at."""
        unread = sorted(set(self.node.attributes) - self._read)
        if unread:
            raise Unsupported("TV0311", f"attribute `{unread[0]}` of {self.what} has no meaning here")

    # -------------------------------------------------------------- common checks
    def axis(self, name: str, default: int, rank: int) -> int:
        return self.wrap_axis(self.attribute(name, default), rank)

    def wrap_axis(self, axis: int, rank: int) -> int:
        """An axis in [-rank, rank) counted from the front."""
        if not -rank <= axis < rank:
            raise BadInput("TV0302", f"axis {axis} of {self.what} is outside rank {rank}")
        return axis % rank

    def one_type(self, *tensors: Tensor) -> Element:
        """The element type that all of them share."""
        kinds = {t.element.label for t in tensors}
        if len(kinds) != 1:
            raise BadInput("TV0302", f"{self.what} mixes element types {', '.join(sorted(kinds))}")
        return tensors[0].element

    def require_float(self, t: Tensor) -> Element:
        if not t.element.is_float:
            raise Unsupported("TV0312", f"{self.what} on {t.element.label}")
        return t.element
