"""Measurements as text and as JSON."""

from __future__ import annotations

import hashlib
from typing import Any

from megac.host.decoding import Decoder
from megac.host.measuring import Measured
from megac.plan import Plan

SCHEMA = 1


def as_data(decoder: Decoder, m: Measured, measured_rate: bool) -> dict[str, Any]:
    """measured_rate: was the rate of reading measured in the same run, or stated?"""
    contexts = [
        {
            "context": c, "median_ms": t.median, "min_ms": min(t.samples), "max_ms": max(t.samples),
            "spread": t.spread, "share": m.floor / t.median if t.median else None, "launches": len(t.samples),
        }
        for c, t in m.contexts.items()
    ]  # fmt: skip
    row: dict[str, Any] | None = {"stopped": m.row} if isinstance(m.row, str) else None
    if isinstance(m.row, tuple):
        row = dict(zip(("tokens", "first_position", "ms_per_token"), m.row, strict=True))
    return {
        "schema": SCHEMA,
        "program": decoder.plan.program,
        "kernel_sha256": kernel_sha256(decoder.plan),
        "device": decoder.device.name,
        "launch": {"blocks": decoder.plan.blocks, "threads": decoder.plan.threads} | decoder.device.facts,
        "bytes_read": m.read,
        "read_bytes_per_s": m.rate,
        "read_rate": "measured" if measured_rate else "stated",
        "floor_ms": m.floor,
        "contexts": contexts,
        "in_a_row": row,
    }


def kernel_sha256(plan: Plan) -> str:
    """Of the kernel's file, which ties a measurement to a proof."""
    return hashlib.sha256((plan.folder / "kernel.cu").read_bytes()).hexdigest()


def as_text(d: dict[str, Any]) -> str:
    """The same for people. d: what `as_data` gives."""
    launch = d["launch"]
    lines = [
        f"{d['program']} on {d['device']}: {launch['blocks']} blocks of {launch['threads']} threads",
        (
            f"floor {d['floor_ms']:.4g} ms: {d['bytes_read'] / 1e9:.4g} GB of weights at "
            f"{d['read_bytes_per_s'] / 1e12:.4g} TB/s ({d['read_rate']})"
        ),
        "context  median ms    min ms    max ms  spread  of the floor",
    ]
    for c in d["contexts"]:
        share = "" if c["share"] is None else f"{c['share']:.1%}"
        lines.append(
            f"{c['context']:7} {c['median_ms']:10.4g} {c['min_ms']:9.4g} {c['max_ms']:9.4g} {c['spread']:7.1%} {share:>13}"
        )
    r = d["in_a_row"]
    if r is not None and "stopped" in r:
        lines.append(f"tokens in a row: stopped, {r['stopped']}")
    elif r is not None:
        lines.append(
            f"{r['tokens']} tokens in a row from position {r['first_position']} on: {r['ms_per_token']:.4g} ms a token"
        )
    return "\n".join(lines)
