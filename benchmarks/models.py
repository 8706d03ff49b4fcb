"""Every model of a folder, denoted by itself in a process of its own: `python benchmarks/models.py FOLDER`.

Prints, as a table: layers that were rolled, tensors, time, and the most memory. Exits with 1 where a model has no meaning, or
takes longer or more memory than is stated here.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

SECONDS, MEGABYTES = 10.0, 1024.0


def measure(path: Path) -> tuple[str, bool]:
    """A row of the table, and whether the model kept to the limits."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--one", str(path)], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return f"| {path.name} | - | - | {seconds:.2f} | - | {why} |", False
    layers, tensors, megabytes = done.stdout.split()
    good = seconds <= SECONDS and float(megabytes) <= MEGABYTES
    return (
        f"| {path.name} | {layers} | {tensors} | {seconds:.2f} | {megabytes} | {'' if good else 'over the limit'} |",
        good,
    )


def one(path: Path) -> None:
    """Denotes a model and prints: layers, tensors, megabytes."""
    from tv.cli.catalogue import denoted

    graph = denoted(str(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(graph.layers, sum(u.value.kind != "input" for u in graph.system.units.values()), f"{peak:.0f}")


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        one(Path(sys.argv[2]))
        return 0
    if len(sys.argv) != 2 or not (models := sorted(Path(sys.argv[1]).rglob("*.onnx"))):
        print(f"usage: {sys.argv[0]} FOLDER_WITH_MODELS", file=sys.stderr)
        return 2
    print("| model | rolled layers | tensors | s | MB | |\n|---|---|---|---|---|---|")
    good = True
    for path in models:
        row, fine = measure(path)
        print(row, flush=True)
        good &= fine
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
