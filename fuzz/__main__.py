"""Fuzzes every reader for a stated time, one process after another; exit 1 if anything was found.

    python -m fuzz --seconds 3600 [--targets cuda,model] [--folder DIR] [--out results.json]

The seconds are those of all targets together, each with its share. A target's process is begun anew where it died, where it
has grown large, and at the end of its share. What was executed and found is printed and, with --out, written as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from fuzz.limits import LIMIT_MB, LIMIT_S, MUTATION_FAILED, PATIENCE
from fuzz.targets import TARGETS, Target

HARD_S = LIMIT_S * PATIENCE + 60  # on the clock without a word from the process
ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Tally:
    """A target's processes together."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    peak_mb: int = 0
    processes: int = 0
    endings: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def fuzz(target: Target, folder: Path, seconds: float, seed: int) -> Tally:
    """Runs one target's processes until its time is spent. The corpus in `folder` is kept and goes on from."""
    tally = Tally(target.name)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in target.seeds():
        (corpus / sha256(data).hexdigest()[:16]).write_bytes(data)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 1:
        started = time.monotonic()
        code = _process(target, folder, int(left), seed + tally.processes)
        tally.processes += 1
        _add(tally, folder / "stats.json")
        tally.seconds += time.monotonic() - started
        if code == MUTATION_FAILED:
            raise RuntimeError(f"a mutation failed: see {folder / 'log'}")
        if code != 0:
            _death(folder, code)
        if code != 0 and tally.executions == 0:
            break  # it cannot even begin
    tally.findings = [p.read_text(errors="replace").splitlines()[0] for p in sorted(folder.glob("findings/*.txt"))]
    return tally


def _process(target: Target, folder: Path, seconds: int, seed: int) -> int:
    """One process, to its end: its exit status, negative for a signal. One that says nothing for long is killed."""
    for name in ("stats.json", "current", "stack"):
        (folder / name).unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "fuzz.child",
        target.name,
        str(folder),
        f"--seconds={seconds}",
        f"--seed={seed}",
        f"--rooms={','.join(target.rooms)}",
    ]
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        started, last = time.monotonic(), 0.0
        try:
            while child.poll() is None and time.monotonic() < max(started + 2 * HARD_S, last + HARD_S):
                last = time.monotonic() if _age(folder / "stats.json") < HARD_S else last
                time.sleep(0.5)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime if path.exists() else float("inf")


def _add(tally: Tally, stats: Path) -> None:
    if not stats.exists():
        return
    told = json.loads(stats.read_text())
    tally.executions += told["executions"]
    tally.slowest_s = max(tally.slowest_s, told["slowest_s"])
    tally.peak_mb = max(tally.peak_mb, told["peak_mb"])
    tally.endings = dict((Counter(tally.endings) + Counter(told["endings"])).most_common())


def _death(folder: Path, code: int) -> None:
    """A process that did not end by itself: its last input is the finding, its Python stack the place."""
    stack = (folder / "stack").read_text(errors="replace") if (folder / "stack").exists() else ""
    kind = "hang" if "Timeout" in stack else "death"
    frames = [line.strip() for line in stack.splitlines() if "/tv/" in line] or ["outside of tv"]
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    place = f"{how} in {frames[0].partition('/tv/')[2] or frames[0]}"
    path = folder / "findings" / f"{kind}-{sha256(place.encode()).hexdigest()[:12]}"
    path.parent.mkdir(exist_ok=True)
    if not path.exists() and (folder / "current").exists():
        path.write_bytes((folder / "current").read_bytes())
        path.with_suffix(".txt").write_text(f"{kind} at {place}\n\n{stack}")


def report(tallies: list[Tally], folder: Path) -> str:
    """The table that is printed, and each finding with its place and the last line of its traceback."""
    rows = [
        "| target | executions | seconds | a second | slowest, s | peak, MB | endings | findings |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for t in tallies:
        rate = t.executions / t.seconds if t.seconds else 0.0
        rows.append(
            f"| {t.target} | {t.executions} | {t.seconds:.0f} | {rate:.1f} | {t.slowest_s:.1f} | {t.peak_mb} | {len(t.endings)} | {len(t.findings)} |"
        )
    for t in tallies:
        for path in sorted((folder / t.target).glob("findings/*.txt")):
            lines = path.read_text(errors="replace").splitlines()
            rows.append(f"{t.target}: {lines[0]}\n    {lines[1] if len(lines) > 1 else ''}\n    {path.with_suffix('')}")
    total, seconds = sum(t.executions for t in tallies), sum(t.seconds for t in tallies)
    found = sum(len(t.findings) for t in tallies)
    return "\n".join([*rows, f"{len(tallies)} targets, {total} executions, {seconds:.0f} s, {found} findings"])


def as_json(tallies: list[Tally]) -> str:
    stated = {
        "method": "python -m fuzz (make fuzz): coverage-guided, one process at a time",
        "date": time.strftime("%Y-%m-%d"),
        "atheris": version("atheris"),
        "limits": {"seconds": LIMIT_S, "megabytes": LIMIT_MB},
        "executions": sum(t.executions for t in tallies),
        "seconds": round(sum(t.seconds for t in tallies)),
        "findings": sum(len(t.findings) for t in tallies),
        "targets": [asdict(t) for t in tallies],
    }
    return json.dumps(stated, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="of all targets together")
    parser.add_argument("--targets", default=",".join(TARGETS), help="some of them, separated by commas")
    parser.add_argument(
        "--folder", type=Path, help="where corpora and findings go, and are gone on from; default: a temporary one"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a file for the results as JSON")
    options = parser.parse_args()
    if find_spec("atheris") is None:
        print("atheris is not installed: pip install 'tv-cuda[fuzz]'", file=sys.stderr)
        return 2
    chosen = [TARGETS[name] for name in options.targets.split(",")]
    folder = options.folder or Path(tempfile.mkdtemp(prefix="tv-fuzz-"))
    shares, tallies = sum(t.share for t in chosen), []
    for t in chosen:
        tallies.append(fuzz(t, folder / t.name, options.seconds * t.share / shares, options.seed))
        print(report(tallies[-1:], folder), flush=True)
    print(report(tallies, folder))
    if options.out:
        options.out.write_text(as_json(tallies))
    return 1 if any(t.findings or not t.executions for t in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
