"""What the compiler says when it cannot go on."""

from __future__ import annotations


class CompileError(Exception):
    """A graph, or a place in it, that this compiler has no meaning or no kernel for.

    reason: one line, lower case, no full stop. node: the ONNX node's name, op: its type; both empty where no node is
    to blame. hint: what the user can do about it.
    """

    def __init__(self, reason: str, *, node: str = "", op: str = "", hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node
        self.op = op
        self.hint = hint

    def at(self, node: str, op: str) -> CompileError:
        """The same, of this node, unless it names one already."""
        if self.node or self.op:
            return self
        return CompileError(self.reason, node=node, op=op, hint=self.hint)

    def text(self) -> str:
        """The message as the command line prints it."""
        place = f"node `{self.node}` ({self.op}): " if self.node or self.op else ""
        return f"error: {place}{self.reason}" + (f"\n  help: {self.hint}" if self.hint else "")
