"""Kernels of the compiler: made, proved, measured on a GPU, and beside PyTorch on the same one.

    python benchmarks/megakernel.py --models llama2-7b_fp16_op18_dynP --folder FOLDER [--seconds 540]        # needs a GPU and CuPy
    python benchmarks/megakernel.py --parts prove --models ...                                                # needs none
    python benchmarks/megakernel.py --driver interpreter --models llama_tiny_fp16_op18_dynP --blocks 2 ...    # a dry run

Parts of a model, each in a process of its own: prove (`tv check` of the very kernel), bench (`megac bench`: milliseconds a token at
each context, tokens in a row, random weights, and how fast the GPU reads), baseline (`benchmarks/torch_baseline.py`). A part that
fails, takes longer than --part-seconds, or would begin after --seconds leaves a line that says so. Answers are added to --out as
they come; what stands there of the same kernel stays, so that parts may come from different machines. Each is tied to the kernel
by its sha256.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "compiler"), str(ROOT / "benchmarks")]

from megac.errors import Refusal
from megac.frontend import compile_file
from megac.host.sessions import bench, opened
from megac.output import Target, files, write

OUT = ROOT / "benchmarks" / "results" / "megakernel_h200.json"
WORK = ROOT / "build" / "megakernel"
PARTS = ("prove", "bench", "baseline")
# which decoder of benchmarks/torch_baseline.py a model is
BASELINES = {
    "llama3.2-1b": "1b", "llama2-7b": "7b", "handmade_llama2-7b": "7b", "llama3.1-8b": "8b", "llama2-13b": "13b",
    "llama2-70b": "70b", "llama_tiny": "tiny",
}  # fmt: skip
Row = dict[str, Any]


class Stopped(Exception):
    """A part that gives no answer, and why."""


@dataclass(frozen=True, slots=True)
class Session:
    """What is asked for, and until when parts may begin."""

    given: argparse.Namespace
    until: float

    def seconds(self) -> float:
        """How long a part may take that begins now. Raises Stopped where it is too late."""
        left = self.until - time.monotonic()
        if left < 1:
            raise Stopped("not begun")
        return min(left, float(self.given.part_seconds))

    def process(self, command: Sequence[str | Path], answer: Path) -> Row:
        """The JSON that a command writes to `answer`. Raises Stopped."""
        seconds = self.seconds()
        try:
            done = subprocess.run(
                [sys.executable, *map(str, command)], cwd=ROOT, env=environment(), capture_output=True, text=True,
                timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            if not answer.is_file():
                raise Stopped(f"after {seconds:.0f} s") from None
            return {**json.loads(answer.read_text()), "stopped": f"after {seconds:.0f} s"}
        if not answer.is_file():
            lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
            raise Stopped(next((x for x in lines if x.startswith("error: ")), lines[-1]))
        found: Row = json.loads(answer.read_text())
        return found


def environment() -> dict[str, str]:
    """This one, in which the checkout's packages come first."""
    path = [str(ROOT), str(ROOT / "compiler"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


# -------------------------------------------------------------------------------------------------------------- parts
def made(model: Path, folder: Path, given: argparse.Namespace) -> Row:
    """Compiles the model into the folder."""
    begun = time.process_time()
    target = Target(given.arch, given.blocks, given.max_position)
    texts = files(compile_file(model, given.max_position - 1), target, str(model.resolve()))
    write(folder, texts)
    return {
        "model": model.stem, "kernel_sha256": hashlib.sha256(texts["kernel.cu"].encode()).hexdigest(),
        "kernel_lines": texts["kernel.cu"].count("\n"), "compile_cpu_s": time.process_time() - begun,
    }  # fmt: skip


def prove(s: Session, model: Path, folder: Path, scratch: Path) -> Row:
    answer = scratch / "check.json"
    command = ["-m", "tv", "check", folder / "kernel.cu", model, "--replay", "none", "-q", "--json", answer]
    found = s.process([*command, "--timeout", str(s.given.part_seconds)], answer)
    if found.get("verdict") == "internal-error":  # a package that `tv` needs is missing, say
        raise Stopped(found.get("why") or "tv failed")
    return {k: found.get(k) for k in ("verdict", "relation", "why", "time_s", "peak_rss_mb", "assumptions", "stopped")}


def measure(s: Session, model: Path, folder: Path, scratch: Path) -> Row:
    g = s.given
    if g.driver == "interpreter":
        from emulated_device import Interpreter  # which needs all that `tv` needs

        s.seconds()
        decoder = opened(folder, Interpreter(), model, "random", 0)
        return bench(decoder, g.contexts, g.repeats, g.row, None, 0)
    answer = scratch / "bench.json"
    contexts = ",".join(map(str, g.contexts))
    command = ["-m", "megac", "bench", folder, "--model", model, "--contexts", contexts, "--repeats", str(g.repeats)]
    return s.process([*command, "--row", str(g.row), "--json", answer], answer)


def baseline(s: Session, model: Path, folder: Path, scratch: Path) -> Row:
    name = next((b for prefix, b in BASELINES.items() if model.stem.startswith(prefix)), None)
    if name is None:
        raise Stopped("no decoder of this size")
    answer = scratch / "baseline.json"
    contexts = ",".join(map(str, s.given.contexts))
    command = [ROOT / "benchmarks" / "torch_baseline.py", "--models", name, "--contexts", contexts]
    command += ["--repeats", str(s.given.repeats), "--out", answer]
    found = s.process([*command, *(["--device", "cpu"] if s.given.driver == "interpreter" else [])], answer)
    rows = found.pop("models")
    return {**found, **rows[0]}


MAKERS: Mapping[str, Callable[[Session, Path, Path, Path], Row]] = {
    "prove": prove,
    "bench": measure,
    "baseline": baseline,
}


# --------------------------------------------------------------------------------------------------------------- rows
def merged(old: Row | None, new: Row) -> Row:
    """What is known of the same kernel, with a part's new answer; of another kernel only what PyTorch did stays."""
    if old is None:
        return new
    same = old.get("kernel_sha256") == new["kernel_sha256"]
    kept = {k: v for k, v in old.items() if same or k == "baseline"}
    return {**kept, **new}


def with_ratios(row: Row) -> Row:
    """How many times as fast as PyTorch a kernel is, by context."""
    ours = {c["context"]: c["median_ms"] for c in row.get("bench", {}).get("contexts", ())}
    theirs = {c["context"]: c["median_ms"] for c in row.get("baseline", {}).get("contexts", ())}
    ratios = {str(c): theirs[c] / ours[c] for c in ours if c in theirs and ours[c]}
    return {**row, "speedup": ratios} if ratios else row


def told(row: Row) -> str:
    parts = [row["model"]]
    for part in PARTS:
        found = row.get(part)
        if found is None:
            continue
        words = [f"stopped: {found['stopped']}"] if found.get("stopped") else []
        if part == "prove" and found.get("verdict"):
            words.append(f"{found['verdict']} {found.get('relation') or ''} {found['time_s']:.3g} s".replace("  ", " "))
        for c in found.get("contexts", ()):
            share = f" ({c['share']:.1%} of the floor)" if c.get("share") else ""
            words.append(f"context {c['context']}: {c['median_ms']:.4g} ms{share}")
        in_a_row = found.get("in_a_row") or {}
        if "tokens" in in_a_row:
            words.append(f"{in_a_row['tokens']} in a row: {in_a_row['ms_per_token']:.4g} ms")
        parts.append(f"  {part}: {'; '.join(words)}")
    if row.get("speedup"):
        parts.append("  times as fast: " + ", ".join(f"{v:.2f} at {c}" for c, v in row["speedup"].items()))
    return "\n".join(parts)


def kept(out: Path) -> dict[str, Row]:
    if not out.is_file():
        return {}
    return {row["model"]: row for row in json.loads(out.read_text())["models"]}


def answered(s: Session, model: Path, row: Row, keep: Callable[[Row], None]) -> Row:
    """The row after every part that is asked for."""
    folder = s.given.work / model.stem
    for part in (p for p in PARTS if p in s.given.parts):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                found = MAKERS[part](s, model, folder, Path(scratch))
            except Stopped as e:
                found = {"stopped": str(e)}
            except Refusal as e:
                found = {"stopped": e.reason}
        if "stopped" not in found or not found["stopped"] or part not in row:
            row = with_ratios({**row, part: {k: v for k, v in found.items() if v is not None}})
        keep(row)
    return row


def numbers(text: str) -> Sequence[int]:
    return [int(x) for x in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=["llama2-7b_fp16_op18_dynP"], help="stems of files below --folder"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "corpus" / "models")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--driver", choices=("cuda", "interpreter"), default="cuda")
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--blocks", type=int, default=132)
    parser.add_argument("--max-position", type=int, default=4096)
    parser.add_argument("--contexts", type=numbers, default=[1, 512, 4096])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--row", type=int, default=128, help="tokens in a row")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no part after so long")
    parser.add_argument("--part-seconds", type=int, default=300)
    parser.add_argument("--work", type=Path, default=WORK, help="where kernels are kept")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    session, rows = Session(given, time.monotonic() + given.seconds), kept(given.out)

    def keep(row: Row) -> None:
        rows[row["model"]] = row
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps({"schema": 1, "models": list(rows.values())}, indent=1) + "\n")

    failed = False
    for name in given.models:
        model = given.folder / f"{name}.onnx"
        try:
            row = merged(rows.get(name), made(model, given.work / name, given))
        except Refusal as e:
            print(f"{name}: {e.text()}", flush=True)
            failed = True
            continue
        row = answered(session, model, row, keep)
        failed |= any(row.get(part, {}).get("stopped") for part in given.parts)
        print(told(row), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
