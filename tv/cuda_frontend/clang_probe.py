"""Whether libclang survives a text: on one that nests deeply without brackets it overflows the stack and takes the process with it,
or does not come back for minutes."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

MOST_SECONDS = 3  # of processor time: libclang reads a kernel in a tenth of one


def survives(parse: Callable[[], object]) -> bool:
    """Tries the call in a process of its own, which must not die by a signal: of a stack that overflows, of its limit on time. What
    it returns or raises there is of no interest."""
    pid = os.fork()
    if pid == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
            parse()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return not os.WIFSIGNALED(status)
