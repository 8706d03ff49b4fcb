"""The tables of public kernels: every launch has a graph that stands, a specification that is read, and its place in the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import onnx
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus"), str(ROOT / "benchmarks")]

from authoring import spec_text
from public import TABLES, Launch, read_table, specification
from public_coverage import Row, page
from public_graphs import model

from tv.spec.document import read_document

LAUNCHES = [launch for path in sorted(TABLES.glob("*.toml")) for launch in read_table(path).launches]


@pytest.mark.parametrize("launch", LAUNCHES, ids=lambda launch: f"{launch.table}-{launch.kernel}")
def test_launch_can_be_asked(launch: Launch, tmp_path: Path) -> None:
    """What is bound to parameters are tensors of the graph, or sizes."""
    dims = {k: k if isinstance(v, list) else v for k, v in launch.sizes.items()}
    proto = model(launch.graph, launch.dtype, dims)
    onnx.checker.check_model(proto, full_check=True)
    spec = specification(launch)
    (tmp_path / "k.toml").write_text(spec_text(spec))
    assert read_document(str(tmp_path / "k.toml")) is not None
    tensors = {v.name for v in (*proto.graph.input, *proto.graph.output)}
    for value in spec["args"].values():
        if isinstance(value, str) and not any(c in value for c in "*/+0123456789"):
            assert value in tensors
        if isinstance(value, dict) and "input" in value:
            assert {value["input"], value["output"]} <= tensors


def test_a_key_that_is_not_known_is_refused(tmp_path: Path) -> None:
    text = 'repository = "a/b"\ncommit = "0"\n[[check]]\nfile = "k.cu"\nlaunches = [{ kernel = "k", gird = [1] }]\n'
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(ValueError, match="gird"):
        read_table(tmp_path / "t.toml")


def test_the_page_is_that_of_the_rows() -> None:
    rows = [Row(**r) for r in json.loads((ROOT / "benchmarks" / "results" / "public.json").read_text())]
    tables = {t.name: (t.repository, t.commit) for t in (read_table(p) for p in sorted(TABLES.glob("*.toml")))}
    assert (ROOT / "docs" / "coverage.md").read_text() == page(rows, tables)
    assert {r.table for r in rows} <= tables.keys()
