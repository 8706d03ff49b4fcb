"""Do kernels of the compiler give, on a GPU, the bits that their proofs speak of?

    python benchmarks/megakernel_bits.py [--driver cuda|interpreter] [--models NAME ...] [--out FILE]     # cuda needs a GPU and CuPy
    python benchmarks/megakernel_bits.py --prepare                                                        # needs none

The models are compiled and proved, --jobs at once, with a certificate of the order of their sums (kept in --work, so that `--prepare`
can do it elsewhere before). One step of each is launched many times: each leaves the same bytes. Then, for each seed, random tokens
are decoded one after another from an empty cache, and every output of every step, logits and caches, is compared with `tv reference`
under that certificate, a step of each model by turns: the same bits, any NaN being any other. Decoding takes at most half of the time
that proving leaves of --seconds; what is not reached is said to be left out. --out always holds what is known so far.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import onnx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "compiler"), str(ROOT / "benchmarks")]

from emulated_device import Interpreter
from megac.errors import Refusal
from megac.frontend import compile_file
from megac.host.cuda import Cuda
from megac.host.decoding import Decoder
from megac.host.sessions import opened
from megac.output import Target, files, write
from megakernel_steps import Comparing, Images, Step, recorded

from tv import reference
from tv.diagnostic import TvError
from tv.graph import below
from tv.reference import functions_on

MODELS = ROOT / "corpus" / "models"
WORK = ROOT / "build" / "megakernel_bits"
CHECK_SECONDS = 300
SAVED_SECONDS = 2.0  # between two states of --out


# ---------------------------------------------------------------------------------------------------------- preparing
@dataclass(slots=True)
class Asked:
    """A model, and what is found of it. answers: by seed."""

    model: Path
    folder: Path
    row: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    wanted: int = 0  # of each seed
    answers: dict[int, list[str]] = field(default_factory=dict)

    def found(self) -> dict[str, Any]:
        seeds = []
        for seed, answers in self.answers.items():
            wrong = [a for a in answers if a != "equal"]
            found = {"seed": seed, "equal": len(answers) - len(wrong), "of": self.wanted, "compared": len(answers)}
            seeds.append(found | ({"differing": wrong[:3]} if wrong else {}))
        return self.row | ({"seeds": seeds} if seeds else {})


def prepared(model: Path, folder: Path, target: Target, seconds: float = CHECK_SECONDS) -> dict[str, Any]:
    """Kernel and certificate in the folder, made where they are not there already; the certificate."""
    texts = files(compile_file(model, target.max_position - 1), target, str(model))
    path = folder / "certificate.json"
    if not path.is_file() or _kernel(folder) != texts["kernel.cu"]:
        path.unlink(missing_ok=True)
        write(folder, texts)
        command = [sys.executable, "-m", "tv", "check", str(folder / "kernel.cu"), str(model), "--replay", "none", "-q"]
        command += ["--certificate", str(path), "--timeout", str(max(1, round(seconds)))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=False)
        if done.returncode != 0:
            path.unlink(missing_ok=True)
            raise Refusal(f"not proved: {((done.stdout or done.stderr).strip().splitlines() or ['no word'])[0]}")
    write(folder, texts)
    data: dict[str, Any] = json.loads(path.read_text())
    if data["sha256"]["kernel"] != hashlib.sha256(texts["kernel.cu"].encode()).hexdigest():
        raise Refusal("the certificate is about another kernel", hint=f"remove `{folder}`")
    if data.get("orders") is None:
        raise Refusal(f"the certificate has no order: {data.get('without_orders', '')}")
    return data


def stops(act: Callable[[], object]) -> str:
    """Why it ends, empty where it does what it should."""
    try:
        act()
    except Refusal as e:
        return e.reason
    except TvError as e:
        return f"{e.code} {e.message}"
    except (OSError, subprocess.SubprocessError) as e:
        return f"{type(e).__name__}: {e}"
    return ""


def _prepared(model: Path, folder: Path, target: Target, until: float) -> str:
    left = min(CHECK_SECONDS, until - time.time())
    return stops(lambda: prepared(model, folder, target, left)) if left > 0 else "not begun"


def prepare(every: Sequence[Asked], given: argparse.Namespace, until: float) -> Iterator[Asked]:
    """Says of each, as soon as it is known, what keeps it from being compared."""
    target = Target(given.arch, given.blocks, max(given.positions, 16))
    with ProcessPoolExecutor(max(1, min(given.jobs, len(every))), get_context("spawn")) as pool:
        begun = {pool.submit(_prepared, a.model, a.folder, target, until): a for a in every}
        for done in as_completed(begun):
            try:
                stopped = done.result()
            except BrokenProcessPool as e:
                stopped = f"its process ended: {e}"
            begun[done].row |= {"stopped": stopped} if stopped else {"prepared": True}
            yield begun[done]


def _kernel(folder: Path) -> str:
    path = folder / "kernel.cu"
    return path.read_text() if path.is_file() else ""


# ---------------------------------------------------------------------------------------------------------- comparing
_comparing: list[Comparing] = []  # of this process


def _begin(on: str, images: Images) -> None:
    _comparing[:] = [Comparing(on, images)]


def _answer(folder: Path, model: Path, step: Step, until: float) -> str | None:
    return _comparing[0].answer(folder, model, step, until)


def by_turns(every: Sequence[Asked]) -> Iterator[tuple[Asked, Step]]:
    """A step of each model, then another of each: late positions and early ones mixed."""
    mixed = [[(a, a.steps[k]) for k in np.random.default_rng(0).permutation(len(a.steps))] for a in every]
    return (x for row in zip_longest(*mixed) for x in row if x is not None)


def compare(every: Sequence[Asked], on: str, jobs: int, until: float, saved: Callable[[], None]) -> None:
    """Answers of as many steps as there is time for."""
    images = images_of(every) if on == "gpu" else {}
    if jobs == 1:
        _begin(on, images)
        for asked, step in by_turns(every):
            _told(asked, step, _answer(asked.folder, asked.model, step, until))
            saved()
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (on, images)) as pool:
        begun = {pool.submit(_answer, a.folder, a.model, s, until): (a, s) for a, s in by_turns(every)}
        for done in as_completed(begun):  # those that are late say so at once
            try:
                _told(*begun[done], done.result())
            except BrokenProcessPool as e:
                begun[done][0].row["stopped"] = f"a process that compares ended: {e}"
            saved()


def _told(asked: Asked, step: Step, answer: str | None) -> None:
    if answer is not None:
        asked.answers[step.seed].append(answer)


def images_of(every: Sequence[Asked]) -> Images:
    """The functions of a GPU that the graphs name, compiled."""
    out: Images = {}
    for a in every:
        data = json.loads((a.folder / "certificate.json").read_text())
        functions = functions_on("gpu", data)
        assert functions is not None
        functions.images = out.setdefault(functions.options, {})
        system = reference.Reference(str(a.model), data).graph.system
        functions.compile(sorted({t.name for u in system.units.values() for t in below(u.value)}))
    return out


def relaunched(decoder: Decoder, launches: int, until: float) -> tuple[int, str]:
    """How many launches there was time for, and `same`, or the launch whose logits or caches are other ones than the first's."""
    position = decoder.positions[min(len(decoder.positions), 64) - 1]
    first = b""
    for n in range(launches + 1):
        if time.time() > until:
            return max(0, n - 1), "same" if n > 1 else "left out"
        decoder.launch(1, position)
        now = b"".join(
            hashlib.sha256(decoder.device.read(decoder.memory[x.name], 0, x.bytes).tobytes()).digest()
            for x in (*decoder.plan.of_kind("cache"), *decoder.plan.of_kind("output"))
        )
        if n and now != first:
            return n, f"launch {n} leaves other bytes"
        first = now
    return launches, "same"


# --------------------------------------------------------------------------------------------------------------- main
def run(asked: Asked, given: argparse.Namespace, device: Callable[[], Any], until: float) -> None:
    """Launches the kernel: again and again, and for as many steps as there is time for."""
    decoder = opened(asked.folder, device(), asked.model, "file", 0)
    asked.row |= {"device": decoder.device.name, "launch": decoder.device.facts}
    launches, same = relaunched(decoder, given.launches, until)
    asked.row |= {"launches": launches, "relaunched": same}
    asked.wanted = min(given.positions, len(decoder.positions))
    asked.answers = {seed: [] for seed in range(given.seeds)}
    proto = onnx.load(asked.model, load_external_data=False)
    for seed in asked.answers:
        for step in recorded(decoder, proto, seed, given.positions):
            asked.steps.append(step)
            if time.time() > until:
                return


def good(row: Mapping[str, Any], only_prepared: bool = False) -> bool:
    if only_prepared or "stopped" in row:
        return "stopped" not in row
    return row.get("relaunched") == "same" and all(s["equal"] == s["of"] for s in row["seeds"])


def told(row: Mapping[str, Any]) -> str:
    if "stopped" in row:
        return f"{row['model']}: stopped: {row['stopped']}"
    if "seeds" not in row:
        return f"{row['model']}: prepared"
    seeds = ", ".join(f"{s['equal']} of {s['of']}" + (f" ({s['compared']} compared)" if s["compared"] < s["of"] else "")
                      for s in row["seeds"])  # fmt: skip
    wrong = [w for s in row["seeds"] for w in s.get("differing", ())]
    return f"{row['model']}: equal {seeds}; {row['launches']} launches again: {row['relaunched']}" + "".join(
        f"\n  {w}" for w in wrong
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", choices=("cuda", "interpreter"), default="cuda")
    parser.add_argument("--models", nargs="*", help="stems below --folder; every tiny one if left out")
    parser.add_argument("--folder", type=Path, default=MODELS)
    parser.add_argument("--work", type=Path, default=WORK, help="where kernels and certificates are kept")
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--blocks", type=int, default=132)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--positions", type=int, default=64)
    parser.add_argument("--launches", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that prove, and that compare")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long")
    parser.add_argument("--prepare", action="store_true", help="only compile and prove")
    parser.add_argument("--out", type=Path, help="write every answer to this file, as JSON")
    return answered(parser.parse_args())


def answered(given: argparse.Namespace) -> int:
    """0 where everything asked is as it should be."""
    until, every, last = time.time() + given.seconds, list[Asked](), [0.0]
    for name in given.models or sorted(p.stem for p in given.folder.glob("*tiny*.onnx")):
        every.append(Asked(given.folder / f"{name}.onnx", given.work / name, {"model": name}))

    def save(now: bool = False) -> None:
        if given.out is not None and (now or time.time() > last[0] + SAVED_SECONDS):
            last[0] = time.time()
            given.out.parent.mkdir(parents=True, exist_ok=True)
            rows = [a.found() for a in every]
            given.out.write_text(json.dumps({"schema": 1, "driver": given.driver, "models": rows}, indent=1) + "\n")

    for asked in prepare(every, given, until):
        if given.prepare or "stopped" in asked.row:
            print(told(asked.row), flush=True)
        save()
    whole = [a for a in every if "stopped" not in a.row]
    if not given.prepare and whole:
        device: Callable[[], Any] = Interpreter if given.driver == "interpreter" else Cuda
        half = (time.time() + until) / 2
        for k, asked in enumerate(whole):
            now = time.time()
            due = now + (half - now) / (len(whole) - k)
            if stopped := stops(lambda a=asked, t=due: run(a, given, device, t)):  # type: ignore[misc]
                asked.row["stopped"] = stopped
            save()
        on = "cpu" if given.driver == "interpreter" else "gpu"
        ready = [a for a in whole if "stopped" not in a.row]
        if stopped := stops(lambda: compare(ready, on, given.jobs, until, save)):
            for asked in ready:
                asked.row["stopped"] = stopped
        print("\n".join(told(a.found()) for a in whole), flush=True)
    save(now=True)
    return 0 if all(good(a.found(), given.prepare) for a in every) else 1


if __name__ == "__main__":
    sys.exit(main())
