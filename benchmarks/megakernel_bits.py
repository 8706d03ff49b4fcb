"""Do kernels of the compiler give, on a GPU, the bits that their proofs speak of?

    python benchmarks/megakernel_bits.py [--driver cuda|interpreter] [--models NAME ...] [--out FILE]     # cuda needs a GPU and CuPy
    python benchmarks/megakernel_bits.py --prepare                                                        # needs none

Each tiny model is compiled and proved, with a certificate of the order of its sums (kept in --work, so that `--prepare` can do it
elsewhere before). One step is launched many times: each leaves the same bytes. Then, for each seed, random tokens are decoded one
after another from an empty cache, and every output of every step, logits and caches, is compared with `tv reference` under that
certificate: the same bits, any NaN being any other. What is not reached in --seconds is said to be left out.
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
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import ml_dtypes
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

from tv import reference
from tv.diagnostic import TvError
from tv.reference import functions_on

MODELS = ROOT / "corpus" / "models"
WORK = ROOT / "build" / "megakernel_bits"
CHECK_SECONDS = 300
Array = np.ndarray[Any, Any]


# ---------------------------------------------------------------------------------------------------------- preparing
def prepared(model: Path, folder: Path, target: Target) -> dict[str, Any]:
    """Kernel and certificate in the folder, made where they are not there already; the certificate."""
    texts = files(compile_file(model, target.max_position - 1), target, str(model))
    path = folder / "certificate.json"
    if not path.is_file() or _kernel(folder) != texts["kernel.cu"]:
        path.unlink(missing_ok=True)
        write(folder, texts)
        command = [sys.executable, "-m", "tv", "check", str(folder / "kernel.cu"), str(model), "--replay", "none", "-q"]
        command += ["--certificate", str(path), "--timeout", str(CHECK_SECONDS)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=CHECK_SECONDS + 60, check=False
        )
        if done.returncode != 0:
            path.unlink(missing_ok=True)
            raise Refusal(f"not proved: {(done.stdout or done.stderr).strip().splitlines()[0]}")
    write(folder, texts)
    data: dict[str, Any] = json.loads(path.read_text())
    if data["sha256"]["kernel"] != hashlib.sha256(texts["kernel.cu"].encode()).hexdigest():
        raise Refusal("the certificate is about another kernel", hint=f"remove `{folder}`")
    if data.get("orders") is None:
        raise Refusal(f"the certificate has no order: {data.get('without_orders', '')}")
    return data


def _kernel(folder: Path) -> str:
    path = folder / "kernel.cu"
    return path.read_text() if path.is_file() else ""


# ---------------------------------------------------------------------------------------------------------- comparing
@dataclass(frozen=True, slots=True)
class Step:
    """One launch: what the graph takes there, and what the kernel left. bf16 as its bits."""

    seed: int
    position: int
    inputs: dict[str, Array]
    outputs: dict[str, Array]


def recorded(decoder: Decoder, proto: onnx.ModelProto, seed: int, count: int) -> Iterator[Step]:
    """Random tokens, one after another. A step's caches are what the step before left, whose bits are compared there."""
    rng = np.random.default_rng(seed)
    low, high = decoder.plan.ranges.get(decoder.names.token, (0, 255))
    past = _empty(proto, rng)
    _fill_caches(decoder, past)
    taken = {v.name for v in proto.graph.input} | set(decoder.plan.dimensions)
    for position in decoder.positions[:count]:
        token = int(rng.integers(low, high, endpoint=True))
        decoder.launch(token, position)
        given = {decoder.names.token: np.array([[token]]), decoder.names.position: np.array([[position]]), **past}
        given["attention_mask"] = np.ones((1, position + 1), np.int64)
        outputs = {v.name: _plain(decoder.output(v.name, position)) for v in proto.graph.output}
        yield Step(seed, position, {n: a for n, a in given.items() if n in taken}, outputs)
        past = {n: outputs[n.replace("past_key_values", "present")] for n in past}


def _plain(a: Array) -> Array:
    return a.view(np.uint16) if a.dtype.name == "bfloat16" else a


def _empty(proto: onnx.ModelProto, rng: np.random.Generator) -> dict[str, Array]:
    """Caches before the first token: no rows where their number is open, else random ones."""
    out: dict[str, Array] = {}
    for v in proto.graph.input:
        if v.name.startswith("past"):
            shape = [d.dim_value for d in v.type.tensor_type.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type)
            out[v.name] = _plain(rng.standard_normal(shape).astype(dtype))
    return out


def _fill_caches(decoder: Decoder, past: Mapping[str, Array]) -> None:
    """The same rows on the device; what is beyond them becomes 0."""
    for x in decoder.plan.of_kind("cache"):
        decoder.device.clear(decoder.memory[x.name])
        for q in x.parts:
            for k, name in enumerate(q.tensors):
                cells = np.zeros([q.capacity[d] for d in q.order], x.dtype.numpy)
                rows = past[name].view(x.dtype.numpy).transpose(q.order)
                cells[tuple(map(slice, rows.shape))] = rows
                at = (q.offset + k * q.stride) * x.dtype.bytes
                decoder.device.write(decoder.memory[x.name], at, cells.reshape(-1).view(np.uint8))


class Reference:
    """The model in the order of its certificate. on: where mathematical functions are evaluated, gpu or cpu."""

    def __init__(self, model: str, data: dict[str, Any], on: str) -> None:
        self.reference = reference.Reference(model, data, functions_on(on, data))
        proto = onnx.load(model, load_external_data=False)
        self.bf16 = {v.name for v in proto.graph.output if v.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16}

    def answer(self, step: Step) -> str:
        """`equal`, or what differs."""
        want = self.reference.outputs(step.inputs)
        for name, expected in want.items():
            got = step.outputs[name]
            if got.shape != expected.shape or got.dtype.itemsize != expected.dtype.itemsize:
                return f"`{name}` is {got.dtype}{list(got.shape)}, not {expected.dtype}{list(expected.shape)}"
            differ = self._numbers(name, got) != self._numbers(name, expected)
            if differ.any():
                at = np.argwhere(differ)[0].tolist()
                where = f"seed {step.seed}, position {step.position}"
                return f"{where}: `{name}` differs in {int(differ.sum())} of {differ.size}, first at {at}"
        return "equal"

    def _numbers(self, name: str, a: Array) -> Array:
        """Bits, all NaNs alike."""
        words: Array = a.view(f"<u{a.dtype.itemsize}")
        floats = a.view(ml_dtypes.bfloat16).astype(np.float32) if name in self.bf16 else a
        return np.where(np.isnan(floats), -1, words.astype(np.int64)) if floats.dtype.kind == "f" else words


_reference: list[Reference] = []  # of a process that compares


def _begin(model: str, data: dict[str, Any], on: str) -> None:
    _reference[:] = [Reference(model, data, on)]


def _answer(step: Step) -> str:
    try:
        return _reference[0].answer(step)
    except TvError as e:
        return f"{e.code} {e.message}"


def compared(
    model: Path, data: dict[str, Any], on: str, steps: Sequence[Step], jobs: int, until: float
) -> dict[int, list[str]]:
    """Answers by seed, of as many steps as there is time for: late positions and early ones by turns."""
    mixed = [steps[k] for k in np.random.default_rng(0).permutation(len(steps))]
    out: dict[int, list[str]] = {s.seed: [] for s in steps}
    if jobs == 1:
        _begin(str(model), data, on)
        for step in mixed:
            if time.monotonic() > until:
                break
            out[step.seed].append(_answer(step))
        return out
    workers = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (str(model), data, on))
    with workers:
        begun = [(step.seed, workers.submit(_answer, step)) for step in mixed]
        for seed, answer in begun:
            try:
                out[seed].append(answer.result(max(0.0, until - time.monotonic()) if until < float("inf") else None))
            except TimeoutError:
                break
        workers.shutdown(wait=False, cancel_futures=True)
    return out


def relaunched(decoder: Decoder, launches: int) -> str:
    """`same`, or the launch whose logits or caches are other ones than the first's."""
    position = decoder.positions[min(len(decoder.positions), 64) - 1]
    first = b""
    for n in range(launches + 1):
        decoder.launch(1, position)
        now = b"".join(
            hashlib.sha256(decoder.device.read(decoder.memory[x.name], 0, x.bytes).tobytes()).digest()
            for x in (*decoder.plan.of_kind("cache"), *decoder.plan.of_kind("output"))
        )
        if n and now != first:
            return f"launch {n} leaves other bytes"
        first = now
    return "same"


# --------------------------------------------------------------------------------------------------------------- main
def one(model: Path, given: argparse.Namespace, device: Callable[[], Any], until: float) -> dict[str, Any]:
    """What is found of a model."""
    row: dict[str, Any] = {"model": model.stem}
    try:
        folder = given.work / model.stem
        data = prepared(model, folder, Target(given.arch, given.blocks, max(given.positions, 16)))
        if given.prepare:
            return {**row, "prepared": True}
        decoder = opened(folder, device(), model, "file", 0)
        on = "cpu" if given.driver == "interpreter" else "gpu"
        functions_on(on, data)  # says at once where there are none
        row |= {"device": decoder.device.name, "launch": decoder.device.facts}
        row |= {"launches": given.launches, "relaunched": relaunched(decoder, given.launches)}
        proto = onnx.load(model, load_external_data=False)
        steps = [s for seed in range(given.seeds) for s in recorded(decoder, proto, seed, given.positions)]
        row["seeds"] = []
        for seed, answers in compared(model, data, on, steps, given.jobs, until).items():
            wrong = [a for a in answers if a != "equal"]
            wanted = sum(s.seed == seed for s in steps)
            found = {"seed": seed, "equal": len(answers) - len(wrong), "of": wanted, "compared": len(answers)}
            row["seeds"].append(found | ({"differing": wrong[:3]} if wrong else {}))
    except Refusal as e:
        row["stopped"] = e.reason
    except TvError as e:
        row["stopped"] = f"{e.code} {e.message}"
    except (BrokenProcessPool, OSError, subprocess.TimeoutExpired) as e:
        row["stopped"] = f"{type(e).__name__}: {e}"
    return row


def good(row: Mapping[str, Any]) -> bool:
    return "prepared" in row or (row.get("relaunched") == "same" and all(s["equal"] == s["of"] for s in row["seeds"]))


def told(row: Mapping[str, Any]) -> str:
    if "stopped" in row:
        return f"{row['model']}: stopped: {row['stopped']}"
    if "prepared" in row:
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
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compare")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="compare no more after so long")
    parser.add_argument("--prepare", action="store_true", help="only compile and prove")
    parser.add_argument("--out", type=Path, help="write every answer to this file, as JSON")
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    names = given.models or sorted(p.stem for p in given.folder.glob("*tiny*.onnx"))
    device: Callable[[], Any] = Interpreter if given.driver == "interpreter" else Cuda
    rows = []
    for name in names:
        rows.append(one(given.folder / f"{name}.onnx", given, device, until))
        print(told(rows[-1]), flush=True)
        if given.out is not None:
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps({"schema": 1, "driver": given.driver, "models": rows}, indent=1) + "\n")
    return 0 if all(map(good, rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
