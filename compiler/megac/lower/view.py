"""A node with its tensors, as its rule sees it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, TypeVar

from megac.errors import CompileError
from megac.lower.tensors import Known, Tensor, normal_axis
from megac.onnx_reader import Node
from megac.size import Size

T = TypeVar("T")


class View:
    """Attributes that no rule asks for are refused at the end (`finish`), so that none is ignored."""

    def __init__(self, node: Node, inputs: Sequence[Tensor | None], opset: int) -> None:
        self.node = node
        self.opset = opset
        self._inputs = inputs
        self._asked: set[str] = set()

    @property
    def op(self) -> str:
        return self.node.op

    @property
    def count(self) -> int:
        return len(self._inputs)

    def optional(self, k: int) -> Tensor | None:
        return self._inputs[k] if k < len(self._inputs) else None

    def input(self, k: int) -> Tensor:
        t = self.optional(k)
        if t is None:
            raise CompileError(f"its input {k} is missing")
        return t

    def inputs(self) -> list[Tensor]:
        return [self.input(k) for k in range(self.count)]

    def output(self, k: int = 0) -> str:
        """The name of output k; empty where nobody wants it."""
        return self.node.outputs[k] if k < len(self.node.outputs) else ""

    def attribute(self, name: str, default: T) -> T:
        """Its value, of the default's type; an integer also where a float is the default."""
        self._asked.add(name)
        if name not in self.node.attributes:
            return default
        value: Any = self.node.attributes[name]
        if isinstance(default, float) and isinstance(value, int):
            value = float(value)
        if default is not None and not isinstance(value, type(default)):
            raise CompileError(f"its attribute `{name}` is {value!r}")
        if isinstance(value, float) and not isfinite(value):
            raise CompileError(f"its attribute `{name}` is {value}")
        return value  # type: ignore[no-any-return]

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.attribute(name, int(default))
        if value not in (0, 1):
            raise CompileError(f"its attribute `{name}` is {value}, neither 0 nor 1")
        return value == 1

    def given(self, name: str) -> bool:
        self._asked.add(name)
        return name in self.node.attributes

    def axis(self, default: int, rank: int, name: str = "axis") -> int:
        return normal_axis(self.attribute(name, default), rank)

    def known(self, k: int) -> Known:
        """The elements of an integer input that shapes have to decide."""
        t = self.input(k)
        if t.known is None:
            raise CompileError(
                f"its input {k}, `{t.name}`, is data where a shape or a place has to be known",
                hint="export the model so that shapes do not depend on values",
            )
        return t.known

    def size(self, k: int) -> Size:
        """The one element of the same."""
        found = self.known(k).ravel()
        if len(found) != 1:
            raise CompileError(f"its input {k} has {len(found)} elements where one is due")
        one: Size = found[0]
        return one

    def integers(self, k: int) -> list[int]:
        """The same as numbers, none of which depends on a dimension."""
        return [_number(s, k) for s in self.known(k).ravel()]

    def axes(self, k: int, rank: int) -> tuple[int, ...] | None:
        """Axes from the attribute `axes`, or from input k; None where neither is given."""
        given: tuple[int, ...] = ()
        if self.given("axes"):
            given = self.attribute("axes", given)
        elif self.optional(k) is not None:
            given = tuple(self.integers(k))
        else:
            return None
        if not all(isinstance(a, int) for a in given):
            raise CompileError(f"its axes {list(given)} are no integers")
        out = tuple(normal_axis(a, rank) for a in given)
        if len(set(out)) != len(out):
            raise CompileError(f"its axes {list(given)} name one twice")
        return out

    def finish(self) -> None:
        for name in self.node.attributes:
            if name not in self._asked:
                raise CompileError(f"its attribute `{name}` has no meaning here")


def _number(size: Size, k: int) -> int:
    if size.constant is None:
        raise CompileError(f"its input {k} depends on the dimension {', '.join(size.names)}")
    return size.const
