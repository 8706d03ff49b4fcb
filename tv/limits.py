"""Run a function in a child process under a wall clock and a memory limit.

A child that does not deliver a result is never taken for one that did: it timed out, ran out of memory, raised or died.
Needs `fork`; elsewhere `run_limited` raises BadInput.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, NoReturn, TypeVar

from tv.diagnostic import BadInput

T = TypeVar("T")
_MB = 1024 * 1024
_CHUNK = 1 << 16
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5
_HEADER = struct.Struct("<Q")  # length of the answer
_NEAR = 0.8  # a child killed above this share of its memory limit is taken to have met it


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    value: T
    peak_rss_mb: float


@dataclass(frozen=True, slots=True)
class TimedOut:
    seconds: float
    peak_rss_mb: float


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    limit_mb: int | None
    peak_rss_mb: float


@dataclass(frozen=True, slots=True)
class Raised:
    """The function raised: `summary` is one line, `trace` the traceback."""

    summary: str
    trace: str
    peak_rss_mb: float


@dataclass(frozen=True, slots=True)
class Died:
    """The child ended without a result; `how` names the signal or the exit status."""

    how: str
    peak_rss_mb: float


Outcome = Finished[T] | TimedOut | OutOfMemory | Raised | Died


def run_limited(function: Callable[[], T], timeout_s: float | None = None, memory_mb: int | None = None) -> Outcome[T]:
    """Calls `function` in a forked child of its own process group, which is killed as a whole when time is up.

    timeout_s: seconds of wall clock. memory_mb: limit on the child's writable private memory (each of its own children
    has the same limit for itself). The value is passed back by pickle.
    """
    (outcome,) = (o for _, o in run_each([function], 1, timeout_s, memory_mb))
    return outcome


def run_each(
    functions: Iterable[Callable[[], T]], jobs: int, timeout_s: float | None = None, memory_mb: int | None = None
) -> Generator[tuple[int, Outcome[T]], None, None]:
    """As `run_limited` for each function, at most `jobs` at a time: (place in the sequence, outcome) as they end."""
    if not hasattr(os, "fork"):
        help_text = "use Linux, or WSL on Windows"
        raise BadInput("TV0001", "this system has no `fork`, which every check runs in", help=help_text)
    waiting = enumerate(functions)
    running: list[_Running] = []
    try:
        while True:
            for place, function in islice(waiting, max(jobs, 1) - len(running)):
                running.append(_start(place, function, timeout_s, memory_mb))
            if not running:
                return
            for child in _ended(running):
                running.remove(child)
                yield child.place, _reap(child, timeout_s, memory_mb)
    finally:
        for child in running:
            _reap(child, timeout_s, memory_mb)


@dataclass(slots=True)
class _Running:
    """A child: its answer so far, and when it has to be there. late: the deadline has passed."""

    place: int
    pid: int
    fd: int
    deadline: float | None
    data: bytearray = field(default_factory=bytearray)
    late: bool = False

    def complete(self) -> bool:
        """Is the announced number of bytes here? End of file would not do: a process that the child left behind may
        hold the pipe open."""
        return len(self.data) >= _HEADER.size and len(self.data) >= _HEADER.size + _HEADER.unpack_from(self.data)[0]


def _start(place: int, function: Callable[[], T], timeout_s: float | None, memory_mb: int | None) -> _Running:
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _child(function, write_end, memory_mb)
    os.close(write_end)
    try:
        os.setpgid(pid, pid)  # in both processes: whoever comes first
    except OSError:
        pass  # the child has done it, or is gone already; wait4 tells
    return _Running(place, pid, read_end, None if timeout_s is None else started + timeout_s)


def _ended(running: list[_Running]) -> list[_Running]:
    """Waits a little; returns the children that have answered, died or run out of time."""
    now = time.monotonic()
    left = min((c.deadline - now for c in running if c.deadline is not None), default=_POLL_S)
    ready, _, _ = select.select([c.fd for c in running], [], [], max(0.0, min(left, _POLL_S)))
    return [c for c in running if _has_ended(c, c.fd in ready)]


def _has_ended(child: _Running, ready: bool) -> bool:
    if ready:
        part = os.read(child.fd, _CHUNK)
        child.data += part
        return not part or child.complete()
    child.late = child.deadline is not None and time.monotonic() >= child.deadline
    if child.late:
        return True
    if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        return False
    _drain(child)  # it may have answered and left since the pipes were looked at
    return True


def _drain(child: _Running) -> None:
    """Takes what is in the pipe of a child that is gone; end of file may never come."""
    while not child.complete() and select.select([child.fd], [], [], 0)[0]:
        part = os.read(child.fd, _CHUNK)
        if not part:
            return
        child.data += part


def _reap(child: _Running, timeout_s: float | None, memory_mb: int | None) -> Outcome[T]:
    """Ends the child's process group and says how it went."""
    os.close(child.fd)
    _kill_group(child.pid)
    _, status, usage = os.wait4(child.pid, 0)
    rss_mb = usage.ru_maxrss / 1024
    if child.complete():
        return _outcome(bytes(child.data[_HEADER.size :]), status, memory_mb, rss_mb)
    return TimedOut(timeout_s or 0.0, rss_mb) if child.late else _death(status, memory_mb, rss_mb)


def _outcome(payload: bytes, status: int, memory_mb: int | None, rss_mb: float) -> Outcome[T]:
    """A whole answer, a tagged pickle; one that cannot be read is none."""
    try:
        tag, content = pickle.loads(payload)
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError, IndexError):
        return _death(status, memory_mb, rss_mb)
    match tag:
        case "value":
            return Finished(content, rss_mb)
        case "memory":
            return OutOfMemory(memory_mb, rss_mb)
        case "raised":
            return Raised(content[0], content[1], rss_mb)
        case _:
            return Died(f"an answer of unknown kind {tag!r}", rss_mb)


def _death(status: int, memory_mb: int | None, rss_mb: float) -> OutOfMemory | Died:
    """A child without an answer: native code that met the memory limit aborts instead of raising."""
    if memory_mb is not None and rss_mb >= _NEAR * memory_mb:
        return OutOfMemory(memory_mb, rss_mb)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL:  # not ours: nothing had been sent, the system's out-of-memory killer does
            return OutOfMemory(memory_mb, rss_mb)
        return Died(f"signal {signal.Signals(number).name}", rss_mb)
    return Died(f"exit status {os.waitstatus_to_exitcode(status)}", rss_mb)


def _kill_group(pid: int) -> None:
    """Ends whatever is left of the child's process group, its solvers included; after a good answer that is nothing."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # already gone


def _child(function: Callable[[], object], fd: int, memory_mb: int | None) -> NoReturn:
    """The child's whole life. It leaves by `os._exit`, so nothing of the parent's (buffers, exit handlers) runs twice."""
    code = 1
    try:
        os.setpgid(0, 0)
        _die_with_parent()
        payload = _answer(function, memory_mb)
        sys.stdout.flush()
        sys.stderr.flush()
        _write_all(fd, _HEADER.pack(len(payload)) + payload)
        code = 0
    finally:
        os.close(fd)
        os._exit(code)


def _answer(function: Callable[[], object], memory_mb: int | None) -> bytes:
    """The function's value or failure, pickled. The one place that catches everything, in order to report it."""
    try:
        if memory_mb is not None:
            _limit_memory(memory_mb)
        return pickle.dumps(("value", function()))
    except MemoryError:
        _lift_memory()
        return pickle.dumps(("memory", None))
    except BaseException as error:  # noqa: BLE001 - the boundary: whatever it is, it becomes `Raised`
        _lift_memory()
        summary = "".join(traceback.format_exception_only(error)).strip()
        return pickle.dumps(("raised", (summary.splitlines()[-1] if summary else "?", traceback.format_exc())))


def _die_with_parent() -> None:
    """Asks Linux to end this process if the parent is killed; elsewhere the parent's own clean-up has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _limit_memory(memory_mb: int) -> None:
    """RLIMIT_DATA counts private writable pages only: an address range that a GPU driver reserves is no memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory_mb * _MB if hard == resource.RLIM_INFINITY else min(memory_mb * _MB, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _lift_memory() -> None:
    """Room to report the failure in; only the soft limit had been lowered."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
