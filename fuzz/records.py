"""Damage to what `tv` itself writes: certificates (JSON) and counterexamples (.npz, whose heart is JSON too)."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

ATOMS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 31, 1 << 31, 1 << 63, -(1 << 70), 10**400, 0.5, float("nan"), float("inf"), "", "x", "k", "g", "é", "\0", [], {}, [0], [[]],
    {"a": 1}, "{ }", "{ [] }", "{ [i] : i >= 0 }", "[N] -> { A[i] -> B[j] : i = j and N > 0 }", "{ A[i] -> B[i] : exists e : 2e = i }", "{ A[] -> A[] }", "}", "{",
    "leaf", "vacuous", "unfold", "split", "apply", "pick", "rewrite", "use", "sum", "centre", "choice", "fold", "lemma", "add", ["leaf"], ["vacuous"], ["use", [0]],
    ["apply", [0, 1], [["leaf"], ["leaf"]]], ["unfold", "k", ["leaf"]], ["rewrite", "g", "no such law", ["leaf"]], ["lemma", [], []], ["split", "g", []],
)  # fmt: skip
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RecursionError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def mutated_certificate(data: bytes, others: Sequence[bytes], r: Random) -> bytes | None:
    """One to three changes; None where the bytes are no JSON. The hashes, without which nothing else is read, mostly stay."""
    try:
        tree = json.loads(data)
        for _ in range(r.choice((1, 1, 2, 3))):
            tree = changed(tree, r, kept=("sha256",) if r.random() < 0.98 else ())
        return json.dumps(tree).encode()
    except (ValueError, RecursionError):
        return None


def mutated_npz(data: bytes, others: Sequence[bytes], r: Random) -> bytes | None:
    """Changes to the record inside, to a member's bytes, or to which members there are; None where the bytes are no archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename: archive.read(i) for i in archive.infolist() if i.file_size < 1 << 20}
    except UNREADABLE:
        return None
    name = r.choice(sorted(members) or ["meta.npy"])
    match r.randrange(6):
        case 0:
            members.pop(name, None)
        case 1:
            found = bytearray(members.get(name, b"\0"))
            for _ in range(3):
                found[r.randrange(len(found))] = r.randrange(256)
            members[name] = bytes(found[: r.choice((len(found), r.randint(1, len(found))))])
        case _:
            members["meta.npy"] = _meta(members.get("meta.npy", b""), r)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, body in members.items():
            archive.writestr(key, body)
    return out.getvalue()


def _meta(stored: bytes, r: Random) -> bytes:
    import numpy as np

    try:
        tree = json.loads(str(np.load(io.BytesIO(stored), allow_pickle=False)))
    except UNREADABLE:
        tree = {"schema": 2}
    try:
        for _ in range(r.choice((1, 1, 2))):
            tree = changed(tree, r, kept=("schema",))
        text = json.dumps(tree)
    except RecursionError:
        text = "[" * 9000 + "]" * 9000
    out = io.BytesIO()
    np.save(out, np.array(text), allow_pickle=False)
    return out.getvalue()


def paths(tree: Any, kept: Sequence[str] = ()) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside, with entries called as in `kept` left out."""
    found: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo:
        at = todo.pop()
        entries = list(at.items()) if isinstance(at, dict) else list(enumerate(at)) if isinstance(at, list) else []
        for key, value in entries:
            if key not in kept:
                found.append((at, key))
                todo.append(value)
    return found


def changed(tree: Any, r: Random, kept: Sequence[str] = ()) -> Any:
    found = paths(tree, kept)
    if not found:
        return r.choice(ATOMS)
    holder, key = r.choice(found)
    other, name = r.choice(found)
    value = holder[key]
    match r.randrange(7):
        case 0:
            del holder[key]
        case 1:
            holder[key] = json.loads(json.dumps(other[name]))
        case 2 if isinstance(value, str):
            holder[key] = _text(value, r)
        case 3 if isinstance(value, int | float):
            holder[key] = r.choice((value + 1, value - 1, -value, value * 1000, 10**9, 1 << 62))
        case 4 if isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(value)))
        case 5:
            for _ in range(r.choice((1, 5, 300, 3000))):
                value = [value] if r.random() < 0.5 else ["unfold", "k", value]
            holder[key] = value
        case _:
            holder[key] = json.loads(json.dumps(r.choice(ATOMS)))
    return tree


def _text(value: str, r: Random) -> str:
    """An index set or a name with a piece of it changed."""
    ts = re.findall(r"\w+|\s+|.", value) or [""]
    ts[r.randrange(len(ts))] = r.choice(
        (
            *ts,
            "",
            "0",
            "-1",
            "99999999999999999999",
            "exists",
            "mod",
            "or",
            "not",
            ">=",
            "->",
            ";",
            "floor",
            "N",
            "*",
            "(",
            ":",
        )
    )
    return "".join(ts)
