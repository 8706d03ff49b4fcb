"""What becomes of a child process, however it ends: never success without an answer."""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tv.limits import Died, Finished, OutOfMemory, Raised, TimedOut, run_each, run_limited


def test_a_value_comes_back() -> None:
    outcome = run_limited(lambda: {"answer": [1, 2, 3]})
    assert isinstance(outcome, Finished)
    assert outcome.value == {"answer": [1, 2, 3]}
    assert outcome.peak_rss_mb > 1


def test_a_large_value_comes_back_whole() -> None:
    outcome = run_limited(lambda: b"x" * 5_000_000, timeout_s=20)
    assert isinstance(outcome, Finished)
    assert outcome.value == b"x" * 5_000_000


def test_an_answer_given_since_the_pipes_were_looked_at_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    look = select.select

    def late(
        read: list[int], write: list[int], other: list[int], wait: float
    ) -> tuple[list[int], list[int], list[int]]:
        if wait > 0:  # nothing there yet; by the time that the caller goes on, the child has answered and is gone
            time.sleep(0.3)
            return [], [], []
        return look(read, write, other, wait)

    monkeypatch.setattr(select, "select", late)
    for value in ("short", "x" * 60_000):
        outcome = run_limited(lambda value=value: value)
        assert isinstance(outcome, Finished), outcome
        assert outcome.value == value


def test_a_hang_is_ended_in_time() -> None:
    started = time.monotonic()
    assert isinstance(run_limited(lambda: time.sleep(60), timeout_s=0.2), TimedOut)
    assert time.monotonic() - started < 5


def test_the_children_of_a_hang_are_ended_too() -> None:
    read_end, write_end = os.pipe()

    def start_and_hang() -> None:
        grandchild = subprocess.Popen(["sleep", "60"])
        os.write(write_end, str(grandchild.pid).encode())
        time.sleep(60)

    assert isinstance(run_limited(start_and_hang, timeout_s=1.0), TimedOut)
    pid = int(os.read(read_end, 20))
    os.close(read_end)
    os.close(write_end)
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_keeps_the_pipe_open_does_not_keep_the_answer() -> None:
    def leave_one_behind() -> str:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        return "done"

    started = time.monotonic()
    outcome = run_limited(leave_one_behind, timeout_s=20)
    assert isinstance(outcome, Finished)
    assert outcome.value == "done"
    assert time.monotonic() - started < 10


def test_lack_of_memory_is_told_apart() -> None:
    outcome = run_limited(lambda: len([bytearray(8_000_000) for _ in range(100)]), memory_mb=150)
    assert isinstance(outcome, OutOfMemory)
    assert outcome.limit_mb == 150


def test_an_exception_comes_back_with_its_traceback() -> None:
    outcome = run_limited(lambda: 1 // 0)
    assert isinstance(outcome, Raised)
    assert outcome.summary == "ZeroDivisionError: integer division or modulo by zero"
    assert "test_cli_limits.py" in outcome.trace


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (lambda: (faulthandler.disable(), os.abort()), "signal SIGABRT"),
        (lambda: os._exit(0), "exit status 0"),
        (lambda: os._exit(7), "exit status 7"),
        (lambda: (faulthandler.disable(), os.kill(os.getpid(), signal.SIGSEGV)), "signal SIGSEGV"),
    ],
)
def test_a_death_is_no_answer(function: object, how: str) -> None:
    outcome = run_limited(function)  # type: ignore[arg-type]
    assert isinstance(outcome, Died)
    assert outcome.how == how


def test_a_killed_child_counts_as_out_of_memory() -> None:
    assert isinstance(run_limited(lambda: os.kill(os.getpid(), signal.SIGKILL)), OutOfMemory)


def test_exits_and_unpicklable_values_are_failures() -> None:
    assert isinstance(run_limited(lambda: sys.exit(0)), Raised)
    assert isinstance(run_limited(lambda: lambda: 0), Raised)


def test_the_child_runs_no_exit_handler_of_the_parent() -> None:
    script = (
        "import atexit, sys; atexit.register(lambda: print('bye'))\n"
        "from tv.limits import run_limited\n"
        "print('before', end=' ')\nrun_limited(lambda: 1)"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "before bye\n"


def test_many_at_a_time_each_with_its_own_end() -> None:
    functions = [lambda: 1, lambda: time.sleep(60), lambda: os._exit(0), lambda: int("x"), lambda: 5]
    started = time.monotonic()
    found = dict(run_each(functions, 3, timeout_s=0.5))
    assert time.monotonic() - started < 10
    assert sorted(found) == [0, 1, 2, 3, 4]
    kinds = [type(found[n]) for n in range(5)]
    assert kinds == [Finished, TimedOut, Died, Raised, Finished]
    assert list(run_each([], 2)) == []


def test_who_stops_listening_leaves_nothing_behind() -> None:
    read_end, write_end = os.pipe()

    def tell_and_hang() -> None:
        os.write(write_end, f"{os.getpid()} ".encode())
        time.sleep(60)

    outcomes = run_each([lambda: 1, tell_and_hang, tell_and_hang], 3)
    assert next(outcomes)[0] == 0
    told = os.read(read_end, 100)  # at least one of the others is at work
    assert told
    outcomes.close()
    os.close(write_end)
    told += os.read(read_end, 100)
    os.close(read_end)
    for pid in map(int, told.split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
