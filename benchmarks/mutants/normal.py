"""A Kernel IR as nested tuples without names and places: two kernels with equal ones differ in their text only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass

from tv.kernel import Kernel

_NAMES = {("Var", "name"), ("Param", "name"), ("Parameter", "name"), ("MemoryObject", "name")}
_UNREAD = {"span", "line", "spans"}


def normalised(kernel: Kernel) -> object:
    """Parameters by place, then memory objects and variables as the body meets them, are numbered."""
    n = _Numbering()
    parameters = tuple(n.of(p) for p in kernel.parameters)
    body = n.of(kernel.body)
    objects = sorted((n.names.get(k, "unused"), n.of(o)) for k, o in kernel.objects.items() if k in n.names)
    stored = sorted((n.names[k], v) for k, v in kernel.globals.items() if k in n.names)
    return parameters, body, repr(objects), repr(stored), kernel.max_threads


@dataclass(slots=True)
class _Numbering:
    names: dict[str, str] = field(default_factory=dict)

    def of(self, node: object) -> object:
        match node:
            case tuple() | list():
                return tuple(self.of(x) for x in node)
            case dict():
                return tuple((self.of(k), self.of(v)) for k, v in node.items())
            case _ if is_dataclass(node) and not isinstance(node, type):
                kind = type(node).__name__
                held = [f.name for f in fields(node) if f.name not in _UNREAD]
                return (kind, *(self._field(kind, name, getattr(node, name)) for name in held))
            case _:
                return repr(node)

    def _field(self, kind: str, name: str, value: object) -> object:
        named = (kind, name) in _NAMES or name in ("object", "counter")
        if named and isinstance(value, str):
            return self.names.setdefault(value, f"#{len(self.names)}")
        return self.of(value)
