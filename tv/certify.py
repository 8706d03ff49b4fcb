"""Certificates of whole checks: what was proved of which files, under which launch, and in which order sums are added.

A certificate is data. `tv recheck` believes none of it: it builds everything again and compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tv.diagnostic import BadInput, Unknown, Unsupported
from tv.equiv.certificate import Certificate
from tv.examine import Findings
from tv.kernel import Kernel
from tv.launch import InputAssumption, Reading, Symbol
from tv.order.collect import Collecting, collect
from tv.order.contraction import Choices, choices
from tv.order.program import to_json
from tv.request import CheckRequest
from tv.source import NOWHERE
from tv.spec import Resolved, sidecar
from tv.spec.arguments import require_symbol_name

NOTHING = hashlib.sha256(b"").hexdigest()  # what stands for a specification file where there is none


def hashes(request: CheckRequest) -> dict[str, str]:
    """sha256 of the files that a check is about; of nothing, where there is no specification file."""
    spec = request.spec or sidecar(request.kernel)
    return {
        "kernel": sha256(request.kernel),
        "model": sha256(request.model),
        "spec": NOTHING if spec is None else sha256(spec),
    }


def sha256(path: str | Path) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as e:
        raise BadInput(
            "TV0101", f"cannot read `{path}`: {e.strerror}", help="name an existing file that may be read"
        ) from None


def statement(spec: Resolved, kernel: Kernel) -> dict[str, Any]:
    """What is claimed apart from the relation: the launch, its bindings, open sizes, and what is assumed of inputs."""
    about = {
        "kernel": kernel.name,
        "launch": [asdict(x) for x in spec.spec.launches],
        "globals": {n: asdict(b) for n, b in spec.spec.globals.items()},
        "options": asdict(spec.spec.options),
        "bindings": spec.bindings,
        "symbols": [asdict(s) for s in spec.spec.symbols],
        "inputs": [asdict(i) for i in spec.spec.inputs],
        "part": {"inputs": spec.spec.model_inputs, "outputs": spec.spec.model_outputs},
        "reading": asdict(spec.spec.reading),
    }
    return json.loads(json.dumps(about))  # type: ignore[no-any-return]


def certificate_of(request: CheckRequest, spec: Resolved, kernel: Kernel, f: Findings) -> dict[str, Any]:
    """The certificate of a check that ended as proved. Its relation is that of the proof, to the graph in its own order.

    orders: how each sum that was matched up to order is added; null, and why, where that could not be written down. masked: the
    tensors that are computed without what a mask takes out, and by which law.
    """
    if f.related is None or f.related.proof is None or f.problem is None:
        raise ValueError("no certificate without a proof")
    proof = f.related.proof
    data = Certificate(hashes(request), proof.certificate.claims, proof.certificate.roots).to_json(f.problem.sets)
    data |= statement(spec, kernel)
    data |= {"relation": proof.relation.value, "laws": list(proof.laws), "assumptions": assumptions(spec, f)}
    data |= {"lemmas": list(proof.lemmas)}
    try:
        found = orders(spec, kernel, f, proof.certificate)
        masked = [list(x) for x in found.masked]
        return data | {"orders": [to_json(o) for o in found.orders], "masked": masked, "without_orders": ""}
    except (Unknown, Unsupported) as e:
        return data | {"orders": None, "masked": [], "without_orders": f"{e.message} ({e.code})"}


def assumptions(spec: Resolved, f: Findings) -> list[str]:
    return sorted({*spec.assumptions, *f.assumptions})


def orders(spec: Resolved, kernel: Kernel, f: Findings, certificate: Certificate) -> Collecting:
    """Checks the proof and finds the order of every sum in it. Raises what a checker raises; Unsupported where the kernel's
    fused multiply-adds cannot be told."""
    if f.problem is None:
        raise ValueError("no order before both sides are there")
    return collect(f.problem, certificate.claims, certificate.roots, fused(spec, kernel, f))


def fused(spec: Resolved, kernel: Kernel, f: Findings) -> Choices:
    if f.program is None:
        raise ValueError("no contraction before the kernel was executed")
    return choices(f.program, kernel, spec.spec.options.fmad)


def reading(data: Mapping[str, Any]) -> Reading:
    """How a certificate reads its graph. Raises KeyError, TypeError or ValueError where it does not say."""
    r = data["reading"]
    strict, precision, values, fixed = r["strict_nan"], r["body_precision"], r["values"], r["fixed"]
    if not isinstance(strict, bool) or precision not in ("f32", "type"):
        raise ValueError("no reading of a graph")
    half = r.get("half_functions", "f32")
    if half not in ("f32", "native"):
        raise ValueError("no reading of a graph")
    known = tuple((str(name), v if isinstance(v, int) else str(v)) for name, v in values)
    return Reading(strict, precision, known, tuple(str(n) for n in fixed), half)


def texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of sentences or names in a certificate; none where it has no such entry. Raises BadInput (TV0652)."""
    found = data.get(key)
    if found is not None and not (isinstance(found, list) and all(isinstance(x, str) for x in found)):
        raise BadInput(
            "TV0652",
            f"not a certificate: `{key}` is no list of text",
            help="`tv check --certificate` writes it; do not edit it",
        )
    return tuple(found or ())


def part(data: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where a certificate cuts its graph: inputs and outputs. Raises KeyError, TypeError, ValueError or BadInput."""
    found = data["part"]
    if not isinstance(found, dict):
        raise TypeError("no part of a graph")
    return texts(found, "inputs"), texts(found, "outputs")


def symbols(data: Mapping[str, Any]) -> tuple[Symbol, ...]:
    """The open sizes of a certificate. Raises KeyError, TypeError, ValueError or BadInput where they are none."""
    out = []
    for s in data["symbols"]:
        name, low, high = s["name"], s["min"], s["max"]
        if not isinstance(name, str) or not all(isinstance(v, int) and abs(v) < 1 << 63 for v in (low, high)):
            raise ValueError("no open size")
        require_symbol_name(name, NOWHERE)
        out.append(Symbol(name, low, high, texts(s, "dims")))
    return tuple(out)


def inputs(data: Mapping[str, Any]) -> tuple[InputAssumption, ...]:
    """What a certificate states of inputs. Raises KeyError, TypeError or ValueError where that is nothing of the kind."""
    out = []
    for i in data["inputs"]:
        name, value, low, high, finite = i["tensor"], i["value"], i["min"], i["max"], i["finite"]
        whole = all(n is None or (isinstance(n, int) and abs(n) < 1 << 1000) for n in (low, high))
        known = value is None or isinstance(value, int | str)
        if not (isinstance(name, str) and isinstance(finite, bool) and whole and known):
            raise ValueError("no statement about an input")
        if low is not None and high is not None and low > high:
            raise ValueError("an input without values")
        out.append(InputAssumption(name, value, low, high, finite))
    return tuple(out)


def write(path: str, data: Mapping[str, Any]) -> None:
    """Raises BadInput where the file cannot be written."""
    try:
        Path(path).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    except OSError as e:
        raise BadInput(
            "TV0653",
            f"cannot write `{path}`: {e.strerror}",
            help="name a file in a folder that exists and may be written",
        ) from None


def read(path: str) -> dict[str, Any]:
    """Raises BadInput where the file is no JSON object."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as e:
        raise BadInput(
            "TV0653", f"cannot read `{path}`: {e.strerror}", help="name the file that `tv check --certificate` wrote"
        ) from None
    except (ValueError, RecursionError):
        raise BadInput(
            "TV0652", f"`{path}` is no certificate: not JSON", help="name the file that `tv check --certificate` wrote"
        ) from None
    if not isinstance(data, dict):
        raise BadInput(
            "TV0652",
            f"`{path}` is no certificate: no JSON object",
            help="name the file that `tv check --certificate` wrote",
        )
    return data
