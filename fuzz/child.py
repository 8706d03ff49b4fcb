"""One target under atheris, in a process that may be killed: `python -m fuzz.child TARGET FOLDER --seconds N --seed N --rooms A,B`.

An input that ends otherwise than it should is written to FOLDER/findings, once for each place, and the run goes on. What
ends the process itself (a native crash, a hang that no Python code notices) is found by the parent: FOLDER/current holds
the input, FOLDER/stack the Python stack. Prints nothing; FOLDER/stats.json says how far it came.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from fuzz.limits import LIMIT_MB, LIMIT_S, MUTATION_FAILED, PATIENCE

MAX_LEN = 1 << 16
REST_MB = 1400  # where a process that has grown this large is begun anew
RAW = 0.2  # share of mutations that know nothing of the format
ROOM = "/tv/"


class OutOfTime(BaseException):
    """The limit has passed. No `except Exception` on the way takes it for something else."""


class Watch:
    """A limit on processor time, asked once a second, and a hard one on the clock that ends the process with its stack."""

    def __init__(self, stack: Any) -> None:
        self.stack, self.late = stack, False
        self.cpu = self.clock = 0.0
        signal.signal(signal.SIGALRM, self.ring)

    def start(self) -> None:
        self.cpu, self.clock, self.late = used(), time.monotonic(), False
        signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)
        faulthandler.dump_traceback_later(LIMIT_S * PATIENCE + 20, exit=True, file=self.stack)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()

    def ring(self, _number: int, _frame: FrameType | None) -> None:
        if used() - self.cpu > LIMIT_S or time.monotonic() - self.clock > LIMIT_S * PATIENCE:
            self.late = True
            raise OutOfTime(f"more than {LIMIT_S} s")


def used() -> float:
    """Seconds of processor time, of this process and of those it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


class Run:
    """What has been executed, how it ended, and what was found."""

    def __init__(self, target: Any, folder: Path) -> None:
        self.target, self.folder = target, folder
        self.started = self.told = time.monotonic()
        self.executions, self.slowest = 0, 0.0
        self.endings: Counter[str] = Counter()
        self.work = folder / "files"
        self.findings = folder / "findings"
        for f in (self.work, self.findings):
            f.mkdir(parents=True, exist_ok=True)
        self.current = open(folder / "current", "wb")  # noqa: SIM115 - for as long as the process lives
        self.watch = Watch(open(folder / "stack", "w"))  # noqa: SIM115

    def one(self, data: bytes) -> None:
        self.current.seek(0)
        self.current.truncate()
        self.current.write(data)
        self.current.flush()
        started = used()
        self.watch.start()
        try:
            ending = self.target.run(data, self.work)
            if self.watch.late:
                raise OutOfTime("an alarm that something swallowed")
        except OutOfTime as e:
            ending = "out of time"
            if not self.target.may_take_long:
                self.save(data, "hang", e)
        except MemoryError as e:
            ending = "out of memory"
            self.save(data, "memory", e)
        except BaseException as e:  # noqa: BLE001 - the boundary: whatever it is, it is what is looked for
            ending = "a defect"
            self.save(data, "traceback", e)
        finally:
            self.watch.stop()
        self.slowest = max(self.slowest, used() - started)
        self.executions += 1
        self.endings[ending] += 1
        if time.monotonic() - self.told > 2:
            self.tell()

    def tell(self) -> None:
        self.told = time.monotonic()
        stats = {
            "executions": self.executions,
            "seconds": round(self.told - self.started, 1),
            "slowest_s": round(self.slowest, 2),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "endings": dict(self.endings.most_common()),
        }
        (self.folder / "stats.json").write_text(json.dumps(stats))
        if _resident_mb() > REST_MB:
            os._exit(0)

    def save(self, data: bytes, kind: str, error: BaseException) -> None:
        """The input, once for each place."""
        place = where(error)
        key = hashlib.sha256(f"{self.target.name} {kind} {place}".encode()).hexdigest()[:12]
        path = self.findings / f"{kind}-{key}"
        if path.exists():
            return
        path.write_bytes(data)
        summary = traceback.format_exception_only(error)[-1].strip()[:300]
        text = "".join(traceback.format_exception(error))
        text = text if len(text) < 20000 else text[:8000] + "\n...\n" + text[-8000:]
        path.with_suffix(".txt").write_text(f"{kind} at {place}\n{summary}\n\n{text}", errors="backslashreplace")


def where(error: BaseException) -> str:
    """The exception's name and the innermost place in tv itself: what two findings have in common."""
    frames = [f for f, _ in traceback.walk_tb(error.__traceback__)]
    own = [f for f in frames if ROOM in f.f_code.co_filename] or frames
    if not own:
        return type(error).__name__
    code = own[-1].f_code
    return f"{type(error).__name__} in {code.co_filename.partition(ROOM)[2] or code.co_filename}:{code.co_name}"


def _resident_mb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20


def _instrument(atheris: Any, rooms: Sequence[str]) -> None:
    """Imports all of tv, these packages instrumented: the others would only cost time."""
    with atheris.instrument_imports(include=list(rooms)):
        import tv

        for module in pkgutil.walk_packages(tv.__path__, "tv."):
            if module.name != "tv.__main__":
                importlib.import_module(module.name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rooms", required=True)
    options = parser.parse_args()
    atheris = importlib.import_module("atheris")
    _instrument(atheris, options.rooms.split(","))
    targets = importlib.import_module("fuzz.targets")
    if options.target == "check":
        targets.hurry()
    target = targets.TARGETS[options.target]
    corpus = options.folder / "corpus"
    others = [p.read_bytes() for p in sorted(corpus.iterdir())]
    run = Run(target, options.folder)

    def change(data: bytes, size: int, seed: int) -> bytes:
        r = Random(seed)
        try:
            made = None if r.random() < RAW else target.change(data, others, r)
        except Exception:  # noqa: BLE001 - a defect of the mutation, which atheris would go on from for ever
            traceback.print_exc()
            os._exit(MUTATION_FAILED)
        return bytes(atheris.Mutate(data, size)) if made is None else made[:size]

    faulthandler.enable(run.watch.stack)
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_MB << 20, resource.RLIM_INFINITY))
    flags = [f"-handle_{s}=0" for s in ("segv", "bus", "abrt", "ill", "fpe", "int", "term", "xfsz", "usr1", "usr2")]
    flags += [
        "-timeout=0",
        "-rss_limit_mb=0",
        "-malloc_limit_mb=0",
        "-len_control=0",
        "-reload=0",
        "-detect_leaks=0",
        "-report_slow_units=9999",
    ]
    flags += [f"-artifact_prefix={options.folder}/"]
    flags += [f"-max_total_time={options.seconds}", f"-seed={options.seed}", f"-max_len={MAX_LEN}"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], run.one, custom_mutator=change)
    import atexit

    atexit.register(run.tell)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
