"""`docs/coverage.md`: one row for each launch of a public kernel, and a summary for each verdict and repository."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

VERDICTS = ("proved", "refuted", "unknown", "unsupported", "bad-input", "internal-error")


@dataclass(frozen=True, slots=True)
class Row:
    """What one check said. line: of the kernel; detail: relation, failed obligation or refusal; memory in MB."""

    table: str
    kernel: str
    file: str
    line: int
    graph: str
    dtype: str
    sizes: str
    verdict: str
    detail: str
    seconds: float
    memory: int
    contract: str = ""


def write(
    path: Path, data: Path, rows: Sequence[Row], repositories: Mapping[str, tuple[str, str]], *, anew: bool
) -> None:
    """Writes the page and, beside it in `data`, its rows; unless `anew`, rows of launches not checked again stay as they are."""
    now = {key(r): r for r in rows}
    old = [] if anew or not data.exists() else [Row(**r) for r in json.loads(data.read_text())]
    kept = [now.pop(key(r), r) for r in old]
    everything = sorted([*kept, *now.values()], key=lambda r: (r.table, r.file, r.line))
    data.write_text("[\n" + ",\n".join(json.dumps(asdict(r), ensure_ascii=False) for r in everything) + "\n]\n")
    path.write_text(page(everything, repositories))


def key(r: Row) -> tuple[str, ...]:
    return r.table, r.file, r.kernel, r.sizes, r.graph


def page(rows: Sequence[Row], repositories: Mapping[str, tuple[str, str]]) -> str:
    lines = [
        "# Kernels that were written elsewhere",
        "",
        "Forward kernels of public repositories, checked as they stand against graphs of what they compute. Nothing of them is",
        "kept here; which file, launch, sizes and graph are asked stands in `benchmarks/public/`, the graphs in",
        "`benchmarks/public_graphs.py`. Sizes `a..b` are open: the verdict holds for each. Seconds are those of the whole process,",
        "where several checks ran at a time. Written by `python benchmarks/public.py --write`.",
        "",
        "| table | repository | commit |",
        "|---|---|---|",
    ]
    used = {r.table for r in rows}
    lines += [f"| {t} | github.com/{r} | {c[:12]} |" for t, (r, c) in sorted(repositories.items()) if t in used]
    lines += ["", *summary(rows)]
    for table in sorted(used):
        lines += ["", f"## {table}", "", "| kernel | where | graph | sizes | verdict | s | MB |", "|---|---|---|---|---|---|---|"]  # fmt: skip
        lines += [entry(r) for r in rows if r.table == table]
    return "\n".join([*lines, ""])


def summary(rows: Sequence[Row]) -> list[str]:
    counts = Counter((r.table, r.verdict) for r in rows)
    shown = [v for v in VERDICTS if any(r.verdict == v for r in rows)]
    lines = ["| table | launches | " + " | ".join(shown) + " |", "|---|---|" + "---|" * len(shown)]
    for table in sorted({r.table for r in rows}):
        each = [counts[table, v] for v in shown]
        lines.append(f"| {table} | {sum(each)} | " + " | ".join(map(str, each)) + " |")
    totals = [sum(r.verdict == v for r in rows) for v in shown]
    kernels = len({(r.table, r.file, r.kernel) for r in rows})
    lines.append(f"| all ({kernels} kernels) | {len(rows)} | " + " | ".join(map(str, totals)) + " |")
    return lines


def entry(r: Row) -> str:
    detail = r.detail.replace("|", "\\|").replace("\n", " ")
    shown = f"{r.verdict} ({detail})" if detail else r.verdict
    shown += f"; {r.contract}" if r.contract else ""
    graph = r.graph if r.dtype == "f32" else f"{r.graph} {r.dtype}"
    return f"| `{r.kernel}` | {r.file}:{r.line} | {graph} | {r.sizes} | {shown} | {r.seconds} | {r.memory} |"
