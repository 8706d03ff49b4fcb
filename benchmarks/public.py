"""`tv check` on kernels that were written elsewhere, as they stand: `python benchmarks/public.py [TABLE...] [--checkouts DIR]`.

Each `benchmarks/public/TABLE.toml` names a repository, a commit, kernels in it, and for each launch its sizes and the graph
(built by `benchmarks/public_graphs.py`) that it is asked to compute. Nothing of the repositories is kept here. Bring them with

    git clone https://github.com/OWNER/NAME DIR/NAME && git -C DIR/NAME checkout COMMIT

DIR is --checkouts or $TV_PUBLIC, and `public` in the working folder otherwise. Every check runs in a process of its own. With
--write, what was found is merged into `docs/coverage.md` (and without tables named, it is written anew); --only WORD restricts
to kernels whose name contains it; --keep DIR leaves the checked folders there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx

HERE = Path(__file__).resolve().parent
TABLES = HERE / "public"
COVERAGE = HERE.parent / "docs" / "coverage.md"
DATA = HERE / "results" / "public.json"
sys.path[:0] = [str(HERE.parent / "corpus"), str(HERE)]

from authoring import Spec, spec_text
from public_coverage import Row, write
from public_graphs import model

SECONDS = 60
KEYS = {"file", "kernel", "graph", "dtype", "sizes", "args", "grid", "block", "shared", "inputs", "include", "defines", "contract", "strict_nan", "shared_align", "local_align", "native_half"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Launch:
    """One kernel at one choice of sizes: a number, or `[least, greatest]` for a size that is left open.

    contract: what the kernel's authors suppose of sizes and launch, in words. args: what is bound to each parameter; a word
    that is a size means that size. shared_align, local_align: assumed of arrays. native_half: functions and bodies on 16-bit types
    are read in that type.
    """

    table: str
    file: str
    kernel: str
    graph: str
    grid: list[int | str]
    block: list[int]
    sizes: Mapping[str, int | list[int]]
    args: Mapping[str, Any]
    dtype: str = "f32"
    shared: int = 0
    inputs: Mapping[str, Any] | None = None
    include: tuple[str, ...] = ()
    defines: Mapping[str, str] | None = None
    contract: str = ""
    strict_nan: bool = False
    shared_align: int = 0
    local_align: int = 0
    native_half: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A repository at a commit, and what is launched of it."""

    name: str
    repository: str
    commit: str
    launches: tuple[Launch, ...]


def read_table(path: Path) -> Table:
    """Raises ValueError for a key that is not known; a launch's own keys win over those of its group."""
    data = tomllib.loads(path.read_text())
    found = []
    for group in data["check"]:
        shared = {k: v for k, v in group.items() if k != "launches"}
        for own in group["launches"]:
            record = {**shared, **own}
            if unknown := record.keys() - KEYS:
                raise ValueError(f"{path.name}: {sorted(unknown)} of {record.get('kernel')}")
            record["include"] = tuple(record.get("include", ()))
            found.append(Launch(table=path.stem, **record))
    return Table(path.stem, data["repository"], data["commit"], tuple(found))


# ------------------------------------------------------------------------------------------------ one check
def filled(value: Any, sizes: Mapping[str, int | list[int]]) -> Any:
    """A value of the specification with sizes that are numbers put in; a word that is a size becomes that argument."""
    match value:
        case str() if value in sizes:
            size = sizes[value]
            return {"symbol": value, "min": size[0], "max": size[1]} if isinstance(size, list) else size
        case str():
            return re.sub(r"[A-Za-z_]\w*", lambda m: str(numbers(sizes).get(m[0], m[0])), value)
        case dict():
            return {k: filled(v, sizes) for k, v in value.items()}
        case list():
            return [filled(v, sizes) for v in value]
        case _:
            return value


def numbers(sizes: Mapping[str, int | list[int]]) -> dict[str, int]:
    return {k: v for k, v in sizes.items() if isinstance(v, int)}


def specification(launch: Launch) -> Spec:
    grid = [filled(g, launch.sizes) if g not in launch.sizes else dimension(launch, str(g)) for g in launch.grid]
    spec: Spec = {"kernel": launch.kernel, "grid": grid, "block": list(launch.block), "include": ["."]}
    if launch.shared:
        spec["shared"] = launch.shared
    if launch.defines:
        spec["defines"] = dict(launch.defines)
    spec["args"] = {k: filled(v, launch.sizes) for k, v in launch.args.items()}
    if launch.inputs:
        spec["inputs"] = {k: filled(v, launch.sizes) for k, v in launch.inputs.items()}
    bound = {v["symbol"] for v in spec["args"].values() if isinstance(v, dict) and "symbol" in v}
    loose = {k: {"min": v[0], "max": v[1]} for k, v in launch.sizes.items() if isinstance(v, list) and k not in bound}
    if loose:
        spec["symbols"] = loose
    spec |= {k: n for k, n in (("shared_align", launch.shared_align), ("local_align", launch.local_align)) if n}
    reading: dict[str, bool | str] = {"strict_nan": True} if launch.strict_nan else {}
    if launch.native_half:
        reading |= {"half_functions": "native", "body_precision": "type"}
    if reading:
        spec["model"] = reading
    return spec


def dimension(launch: Launch, name: str) -> int | str:
    size = launch.sizes[name]
    return name if isinstance(size, list) else size


def prepare(launch: Launch, checkout: Path, folder: Path) -> None:
    """The kernel's file, the headers that it may include, the graph and the specification, in one folder."""
    source = checkout / launch.file
    for place in (source.parent, *(checkout / i for i in launch.include)):
        for header in (h for h in place.iterdir() if h.suffix in (".h", ".cuh", ".hpp")):
            shutil.copy(header, folder)
    shutil.copy(source, folder / "kernel.cu")
    dims = {k: k if isinstance(v, list) else v for k, v in launch.sizes.items()}
    onnx.save(model(launch.graph, launch.dtype, dims), folder / "model.onnx")
    (folder / "kernel.toml").write_text(spec_text(specification(launch)))


def check(launch: Launch, checkout: Path, folder: Path, seconds: int) -> Row:
    prepare(launch, checkout, folder)
    start = time.perf_counter()
    words = ["check", "kernel.cu", "model.onnx", "-q", "--json", "out.json", "--timeout", str(seconds)]
    subprocess.run([sys.executable, "-m", "tv", *words], cwd=folder, capture_output=True, check=False)
    taken = time.perf_counter() - start
    return row(launch, checkout, json.loads((folder / "out.json").read_text()), taken)


def supposed(launch: Launch) -> str:
    """In words: what the kernel's authors suppose, and how the graph is read."""
    reading = "functions of halves are CUDA's own" if launch.native_half else ""
    return "; ".join(x for x in (launch.contract, reading) if x)


def row(launch: Launch, checkout: Path, found: Mapping[str, Any], seconds: float) -> Row:
    verdict = found["verdict"]
    bad = [o for o in found["obligations"] if o["status"] == verdict]
    places = ", ".join(dict.fromkeys(f"{o['kind']} at line {o['line']}" for o in bad))
    detail = {"proved": str(found["relation"]), "refuted": places}.get(verdict, "")
    if not detail:
        said = next((d for d in found["diagnostics"] if d["severity"] == "error"), None)
        why = f"{said['message']} (line {said['line']})" if said else found["why"]
        message = next((o["message"] for o in bad if o["message"]), "") if verdict == "unknown" else ""
        detail = "; ".join(x for x in (places, message or why) if x)
    sizes = ", ".join(
        f"{n} in {v[0]}..{v[1]}" if isinstance(v, list) else f"{n} = {v}" for n, v in launch.sizes.items()
    )
    return Row(launch.table, launch.kernel, launch.file, line_of(checkout / launch.file, launch.kernel), launch.graph,
               launch.dtype, sizes, verdict, detail, round(seconds, 1), round(found["peak_rss_mb"]), supposed(launch))  # fmt: skip


def line_of(source: Path, kernel: str) -> int:
    """Where the kernel's name stands first before a parameter list, after `__global__` or not."""
    name = kernel.split("<")[0]
    for number, text in enumerate(source.read_text(errors="replace").splitlines(), 1):
        if re.search(rf"\b{name}\s*\(", text) and not text.lstrip().startswith("//"):
            return number
    return 1


# ------------------------------------------------------------------------------------------------ all of them
def run(tables: list[Table], options: argparse.Namespace) -> Iterator[Row]:
    """A row for each launch that is chosen, in their order, `options.jobs` checks at a time."""
    with ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(lambda chosen: one(*chosen, options), chosen_of(tables, options)):
            print(f"{found.seconds:6.1f} s  {found.verdict:12} {found.kernel} [{found.sizes}] {found.detail[:150]}", flush=True)  # fmt: skip
            yield found


def chosen_of(tables: list[Table], options: argparse.Namespace) -> Iterator[tuple[Path, int, Launch]]:
    """(checkout, place in its table, launch)"""
    for table in tables:
        checkout = Path(options.checkouts) / table.repository.split("/")[1]
        if not checkout.is_dir():
            sys.exit(f"{checkout} is not there: git clone https://github.com/{table.repository} {checkout}")
        for i, launch in enumerate(table.launches):
            if not options.only or options.only in launch.kernel:
                yield checkout, i, launch


def one(checkout: Path, place: int, launch: Launch, options: argparse.Namespace) -> Row:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found = check(launch, checkout, folder, options.seconds)
        if options.keep:
            kept = Path(options.keep) / launch.table / f"{place:02d}_{launch.kernel.split('<')[0]}"
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    return replace(found, file=launch.file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="names of files in benchmarks/public (default: all)")
    parser.add_argument("--checkouts", default=os.environ.get("TV_PUBLIC", "public"), help="folder of the repositories")
    parser.add_argument("--only", help="kernels whose name contains this word")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="limit of one check")
    parser.add_argument("--jobs", type=int, default=1, help="checks at the same time")
    parser.add_argument("--keep", help="folder in which the checked folders stay")
    parser.add_argument("--write", action="store_true", help="write docs/coverage.md")
    options = parser.parse_args()
    names = options.tables or sorted(p.stem for p in TABLES.glob("*.toml"))
    tables = [read_table(TABLES / f"{n}.toml") for n in names]
    rows = list(run(tables, options))
    if options.write:
        everything = [read_table(p) for p in sorted(TABLES.glob("*.toml"))]
        write(COVERAGE, DATA, rows, {t.name: (t.repository, t.commit) for t in everything}, anew=not options.tables)


if __name__ == "__main__":
    main()
