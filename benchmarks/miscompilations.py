"""Mistakes of a compiler, one at a time in kernels that `megac` wrote, and what `tv check` says of each.

    python benchmarks/miscompilations.py [--only WORD] [--jobs N] [--timeout SECONDS] [--out FILE]
    python benchmarks/miscompilations.py --table        # what stands in the file, as a table

The mistakes are those of `tests/megac/mistakes.py`; each check may look for a counterexample and runs it in the interpreter. Exits
with 1 where one is proved.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "compiler")]

from tests.megac.mistakes import FULL_SIZE, SMALL, TURNED, Mistake
from tests.megac.small_decoder import decoder, megac

OUT = ROOT / "benchmarks" / "results" / "miscompilations.json"
LARGE = ROOT / "corpus" / "models" / "llama2-7b_fp16_op18_dynP.onnx"
KINDS: Mapping[str, tuple[str, Mapping[str, Mistake]]] = {
    "small": ("a layer of a decoder", SMALL),
    "turned": ("a layer with turned keys at position 7", TURNED),
    "full": ("LLaMA-2-7B", FULL_SIZE),
}
Row = dict[str, str]


@dataclass(frozen=True)
class Sources:
    """A folder for each kind: its model, and in `kernel` what the compiler makes of it."""

    work: Path

    def model(self, kind: str) -> Path:
        return LARGE if kind == "full" else self.work / kind / "model.onnx"

    def kernel(self, kind: str) -> Path:
        return self.work / kind / "kernel"

    def make(self, kind: str) -> None:
        """Raises RuntimeError where the compiler does not."""
        (self.work / kind).mkdir()
        if kind != "full":
            onnx.save(decoder(7, turned=True) if kind == "turned" else decoder(), self.model(kind))
        out = megac(self.model(kind), "-o", self.kernel(kind))
        if out.returncode:
            raise RuntimeError(out.stderr)


def row_of(sources: Sources, kind: str, name: str, timeout: int) -> Row:
    """Verdict, obligation, line with its text and ONNX node where the mistake first shows."""
    folder = sources.work / kind / name
    folder.mkdir()
    kernel = KINDS[kind][1][name].put(sources.kernel(kind), folder)
    report = folder / "report.json"
    command = [
        sys.executable,
        "-m",
        "tv",
        "check",
        kernel,
        sources.model(kind),
        "-q",
        "--timeout",
        timeout,
        "--json",
        report,
    ]
    command += ["--replay", "none"] if kind == "full" else []
    done = subprocess.run([str(c) for c in command], cwd=ROOT, capture_output=True, text=True, check=False)
    row = {"kind": kind, "mistake": name, "exit": str(done.returncode)}
    if not report.exists():
        said = next((x for x in done.stderr.splitlines() if x.strip()), "")
        return row | {"verdict": "bad input" if done.returncode == 2 else "no report", "message": said}
    found = json.loads(report.read_text(encoding="utf-8"))
    row["verdict"] = found["verdict"]
    open_ones = [o for o in found["obligations"] if o["status"] != "proved"]
    first = next((o for o in open_ones if o["status"] == found["verdict"]), open_ones[0] if open_ones else None)
    if first is not None:
        line = first["line"]
        text = kernel.read_text().splitlines()[line - 1].strip() if line else ""
        row |= {
            "obligation": first["kind"],
            "line": str(line),
            "text": text,
            "node": node_of(first),
            "message": first["message"],
        }
    return row | ({"replayed": found["counterexample"]["replayed"]} if found["counterexample"] else {})


def node_of(obligation: Mapping[str, Mapping[str, str]]) -> str:
    return obligation["onnx"]["tensor"] or obligation["onnx"]["node"]


def shortened(text: str, most: int = 60) -> str:
    text = text.replace("|", "\\|")
    return text if len(text) <= most else text[: most - 4] + " ..."


def table(rows: list[Row]) -> str:
    lines = [
        "| in | mistake | verdict | obligation | where the kernel and the graph part | tensor of the graph |",
        "|" + "---|" * 6,
    ]
    for r in rows:
        at = f"`{shortened(r['text'])}`" if r.get("text") else shortened(r.get("message", ""))
        verdict = r["verdict"] + (", replayed" if r.get("replayed") else "")
        mistake = r["mistake"].replace("_", " ")
        lines.append(
            f"| {KINDS[r['kind']][0]} | {mistake} | {verdict} | {r.get('obligation', '')} | {at} | {r.get('node', '')} |"
        )
    counts = Counter(r["verdict"] for r in rows)
    lines += ["", f"{len(rows)} mistakes: " + ", ".join(f"{n} {v}" for v, n in sorted(counts.items())) + "."]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD", help="mistakes whose kind or name holds this")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="of each check")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="check nothing, print the table")
    given = parser.parse_args()
    rows: list[Row] = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else []
    if not given.table:
        found = checked(given.only, given.jobs, given.timeout)
        fresh = {(r["kind"], r["mistake"]) for r in found}
        there = {(k, m) for k, (_, mistakes) in KINDS.items() for m in mistakes}
        kept = [r for r in rows if (r["kind"], r["mistake"]) in there - fresh]
        order = list(KINDS)
        rows = sorted(kept + found, key=lambda r: order.index(r["kind"]))
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    return int(not rows or any(r["exit"] not in ("1", "2", "3", "4") for r in rows))


def checked(only: str, jobs: int, timeout: int) -> list[Row]:
    asked = [(k, m) for k, (_, mistakes) in KINDS.items() for m in mistakes if only in f"{k} {m}"]
    with TemporaryDirectory() as work, ThreadPoolExecutor(jobs) as pool:
        sources = Sources(Path(work))
        for kind in dict.fromkeys(k for k, _ in asked):
            sources.make(kind)
        found = []
        for row in pool.map(lambda a: row_of(sources, *a, timeout), asked):
            print(f"{row['verdict']:12} {row['kind']} {row['mistake']}", file=sys.stderr, flush=True)
            found.append(row)
    return found


if __name__ == "__main__":
    sys.exit(main())
