"""What the compiler says when it cannot go on, and the runner when it cannot run what was compiled."""

from __future__ import annotations


class Refusal(Exception):
    """What was asked for cannot be done. reason: one line, lower case, no full stop. hint: what the user can do about it."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def text(self) -> str:
        """The message as the command line prints it."""
        return f"error: {self._place()}{self.reason}" + (f"\n  help: {self.hint}" if self.hint else "")

    def _place(self) -> str:
        return ""


class CompileError(Refusal):
    """A graph, or a place in it, that this compiler has no meaning or no kernel for.

    node: the ONNX node's name, op: its type; both empty where no node is to blame.
    """

    def __init__(self, reason: str, *, node: str = "", op: str = "", hint: str = "") -> None:
        super().__init__(reason, hint=hint)
        self.node = node
        self.op = op

    def at(self, node: str, op: str) -> CompileError:
        """The same, of this node, unless it names one already."""
        if self.node or self.op:
            return self
        return CompileError(self.reason, node=node, op=op, hint=self.hint)

    def _place(self) -> str:
        return f"node `{self.node}` ({self.op}): " if self.node or self.op else ""


class RunError(Refusal):
    """A folder that holds no kernel, a model whose weights do not fit it, or a device that does not run it."""
