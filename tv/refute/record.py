"""Counterexamples on disk: an .npz with what is needed to run one again, and the inputs themselves where they are small."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile

from tv.diagnostic import BadInput
from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import Kernel
from tv.refute.defects import Shown, foreign, unwritten
from tv.refute.differences import Difference, graph_values, outside
from tv.refute.kept import Interval, Kept
from tv.refute.layouts import FARTHEST, Place
from tv.refute.patterns import Pattern
from tv.refute.setting import NARROW, Setting
from tv.refute.single import Target
from tv.refute.slicing import Cut
from tv.refute.trials import Outcome, Trial, execute
from tv.source import Span

SCHEMA = 3
MOST_BYTES = 64 << 20  # of inputs that are written out
MOST_META = 16 << 20  # bytes of all else, of which a small file may unpack to far more
ENDLESS = float("inf")
_ANEW = "`tv check --counterexample` on these files writes one"
# Of np.load and of JSON; RuntimeError: nested too deeply, compressed in an unknown way, encrypted.
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    MemoryError,
    RuntimeError,
    BadZipFile,
    zlib.error,
    TokenError,
)


@dataclass(frozen=True, slots=True)
class Record:
    """kind: of the counterexample. trial: what to run. tensor, index, bits: of a value's difference. fingerprint: of the kernel's IR."""

    kind: str
    trial: Trial
    fmad: bool
    line: int
    object: str
    tensor: str
    index: tuple[int, ...]
    kernel_bits: int
    graph_bits: int
    fingerprint: str


def fingerprint(kernel: Kernel) -> str:
    """Identifies the Kernel IR that was run: of another kernel nothing is claimed."""
    return hashlib.sha256(repr((kernel.name, kernel.parameters, kernel.body)).encode()).hexdigest()


def record_of(shown: Shown | Difference, fmad: bool) -> Record:
    trial, kernel = shown.outcome.trial, shown.outcome.setting.kernel
    if isinstance(shown, Difference):
        return Record(
            "value",
            trial,
            fmad,
            0,
            "",
            shown.tensor,
            shown.index,
            shown.kernel_bits,
            shown.graph_bits,
            fingerprint(kernel),
        )
    obj = shown.event.object if shown.event is not None else shown.changed
    return Record(shown.kind, trial, fmad, shown.span.line, obj, shown.tensor, shown.index, 0, 0, fingerprint(kernel))


def write(path: str, shown: Shown | Difference, fmad: bool) -> None:
    """Raises BadInput (TV0735) where the file cannot be written."""
    r = record_of(shown, fmad)
    meta = {
        "schema": SCHEMA, "kind": r.kind, "symbols": dict(r.trial.symbols), "pattern": r.trial.pattern.name,
        "given": r.trial.pattern.given,
        "kept": None if r.trial.pattern.kept is None else dict(r.trial.pattern.kept.parts), "blocks": r.trial.blocks,
        "cut": None if r.trial.cut is None else [r.trial.cut.objects, r.trial.cut.lines],
        "turns": r.trial.turns,
        "target": None if r.trial.target is None else [r.trial.target.object, r.trial.target.store, r.trial.target.element],
        "fmad": r.fmad, "line": r.line, "object": r.object, "tensor": r.tensor, "index": r.index, "kernel_bits": r.kernel_bits,
        "graph_bits": r.graph_bits, "fingerprint": r.fingerprint,
    }  # fmt: skip
    arrays: dict[str, Any] = {f"input:{k}": v for k, v in dense_inputs(shown.outcome.setting, r.trial.pattern).items()}
    try:
        with Path(path).open("wb") as f:
            np.savez_compressed(f, meta=np.array(json.dumps(meta)), **arrays)
    except OSError as e:
        raise BadInput("TV0735", f"cannot write `{path}`: {e.strerror}") from None


def dense_inputs(setting: Setting, pattern: Pattern, most: int = MOST_BYTES) -> dict[str, np.ndarray[Any, Any]]:
    """All inputs as bits in unsigned integers of their width, by tensor; nothing where they are more than `most` bytes."""
    width = {n: max(1, np.dtype(NARROW[max(1, _bits(s.label) // 8)]).itemsize) for n, s in setting.slots.items()}
    if sum(s.count * width[n] for n, s in setting.slots.items()) > most:
        return {}
    out = {}
    for n, s in setting.slots.items():
        shape = setting.shape(setting.graph.inputs[n])
        out[n] = pattern.bits(s, np.arange(s.count)).astype(NARROW[width[n]]).reshape(shape)
    return out


def _bits(label: str) -> int:
    return BY_LABEL[label].width


def read(path: str) -> Record:
    """Raises BadInput (TV0736) for what is no counterexample of this version."""
    try:
        with np.load(path, allow_pickle=False) as data:
            if not isinstance(data, NpzFile) or data.zip is None or data.zip.getinfo("meta.npy").file_size > MOST_META:
                raise ValueError("not what a search writes")
            meta = json.loads(str(data["meta"]))
        if meta["schema"] != SCHEMA:
            raise BadInput("TV0736", f"`{path}` is of schema {meta['schema']}, this version reads {SCHEMA}")
        blocks = None if meta["blocks"] is None else tuple((int(x), int(y), int(z)) for x, y, z in meta["blocks"])
        cut = None if meta["cut"] is None else Cut(tuple(meta["cut"][0]), tuple(meta["cut"][1]))
        symbols = tuple((str(k), int(v)) for k, v in meta["symbols"].items())
        target = None if meta["target"] is None else Target(str(meta["target"][0]), *map(int, meta["target"][1:]))
        kept = None if meta["kept"] is None else Kept.of({str(n): _intervals(own) for n, own in meta["kept"].items()})
        trial = Trial(
            symbols,
            replace(Pattern.of(meta["pattern"]), kept=kept, given=_given(meta["given"])),
            blocks,
            cut,
            target,
            bool(meta["turns"]),
        )
        return Record(
            meta["kind"], trial, bool(meta["fmad"]), int(meta["line"]), meta["object"], meta["tensor"], tuple(meta["index"]),
            int(meta["kernel_bits"]), int(meta["graph_bits"]), meta["fingerprint"],
        )  # fmt: skip
    except (*UNREADABLE, AttributeError, IndexError, OverflowError) as e:
        why = e.strerror if isinstance(e, OSError) and e.strerror else "it is not what a search wrote"
        raise BadInput("TV0736", f"`{path}` is no counterexample: {why}", Span(path, 0)) from None


def _intervals(pairs: Sequence[Sequence[int]]) -> list[Interval]:
    """Ascending and apart. Raises ValueError for others."""
    found = [(int(a), int(b)) for a, b in pairs]
    flat = [0, *(v for own in found for v in own), FARTHEST]
    if any(a > b for a, b in pairwise(flat)):
        raise ValueError("intervals that do not ascend")
    return found


def _given(pairs: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    """Raises ValueError for numbers that have more bits than they say."""
    found = tuple((int(w), int(bits)) for w, bits in pairs)
    if any(not 0 <= bits < 1 << min(max(w, 0), 64) for w, bits in found):
        raise ValueError("a number of more bits than it says")
    return found


def again(r: Record, setting: Setting) -> tuple[bool, str]:
    """Runs a record again: whether it shows the same, and what to print. Raises what a run raises."""
    holds, text = _again(r, execute(setting, r.trial, r.fmad, ENDLESS, races=r.kind != "value"))
    same = r.fingerprint == fingerprint(setting.kernel)
    return holds, text if same else f"{text}\nthe kernel is not the one that the counterexample was found for"


def _again(r: Record, outcome: Outcome) -> tuple[bool, str]:
    if r.kind == "value":
        return _value_again(r, outcome)
    if r.kind == "coverage":
        return _coverage_again(r, outcome)
    for e in outcome.execution.events:
        if e.kind == r.kind and (not r.object or e.object == r.object):
            threads = "; ".join(f"block {b} thread {t}" for b, t in e.threads)
            return True, f"{e.kind} at line {e.span.line}: {e.message} ({threads})"
    return False, f"no `{r.kind}` in this run"


def _coverage_again(r: Record, outcome: Outcome) -> tuple[bool, str]:
    """An output's element that is left out, or memory that is changed although no output lies there."""
    places = outcome.setting.places
    if r.tensor:
        found = (m for n in places if (m := unwritten(outcome, n, r.tensor)) is not None)
        missing = next(found, None) if r.trial.blocks is None else None
        text = (
            "every element is written"
            if missing is None
            else f"element {list(missing)} of `{r.tensor}` is never written"
        )
        return missing is not None, text
    changed = next((n for n in places if r.object in ("", n) and foreign(outcome, n) is not None), None)
    return (
        changed is not None,
        f"`{changed}` is changed where no output lies" if changed else "only outputs are changed",
    )


def _value_again(r: Record, outcome: Outcome) -> tuple[bool, str]:
    setting = outcome.setting
    name, p = next(
        ((n, p) for n, ps in setting.places.items() for p in ps if p.output and p.tensor == r.tensor), (None, None)
    )
    if name is None or p is None:
        raise BadInput("TV0737", f"no buffer holds the output `{r.tensor}`")
    if len(r.index) != len(p.shape) or not all(
        type(i) is int and 0 <= i < n for i, n in zip(r.index, p.shape, strict=True)
    ):
        shape = list(p.shape)
        raise BadInput(
            "TV0736", f"`{r.tensor}` has the shape {shape} there, and no element {list(r.index)}", help=_ANEW
        )
    if (own := setting.unheld()) is not None:
        raise BadInput("TV0737", f"no argument holds `{own}`, so that its values are the model's own")
    mine = element_bits(outcome, name, p, r.index)
    at = np.array([int(np.ravel_multi_index(r.index, p.shape)) if p.shape else 0], np.int64)
    value, free_zero = graph_values(setting, r.trial.pattern, p, at)
    label = setting.graph.outputs[r.tensor].type
    digits = max(1, _bits(label) // 4)
    theirs = int(value.encoded(label)[0])
    differ = bool(outside(np.array([mine], np.uint64), value, label, free_zero)[0])
    lines = [
        f"element {list(r.index)} of `{r.tensor}`",
        f"  kernel  0x{mine:0{digits}x}",
        f"  graph   0x{theirs:0{digits}x}",
        f"  differ  0x{mine ^ theirs:0{digits}x}",
    ]
    return differ and outcome.execution.clean, "\n".join(lines)


def element_bits(outcome: Outcome, name: str, p: Place, index: tuple[int, ...]) -> int:
    """What a run left in one element."""
    at = p.of([np.array([i], np.int64) for i in index]) * p.width
    return int(outcome.buffers[name].load(at, p.width)[0])
