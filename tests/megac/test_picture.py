"""The plan drawn: phases, barriers and memory are there, whatever names a model has."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import mkdtemp

import pytest
from megac.cli import main
from megac.frontend import compile_file
from megac.output import Target, files, write
from megac.picture.amounts import size
from megac.picture.page import page
from megac.picture.score import drawn
from megac.plan import Plan, read_plan

from tests.megac.building import MODELS

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("llama_tiny_fp16_op18_dynP", "gpt2_tiny_fp16_op18_dynP", "llama2-7b_fp16_op18_dynP")
HOSTILE = '</text><script>alert("&")</script>'


@cache
def folder(name: str) -> Path:
    out = Path(mkdtemp(prefix="megac")) / name
    write(out, files(compile_file(MODELS / f"{name}.onnx", 4095), Target()))
    return out


def plan_of(name: str) -> Plan:
    return read_plan(folder(name))


def texts(picture: str) -> list[str]:
    return [t.text or "" for t in ET.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", NAMES)
def test_phases_barriers_and_buffers_are_drawn(name: str) -> None:
    plan = plan_of(name)
    root = ET.fromstring(drawn(plan))
    classes = [e.get("class") for e in root.iter()]
    assert classes.count("phase") == len(plan.phases)
    assert classes.count("barrier") == len(plan.phases) - 1
    assert classes.count("loop") == 1
    shown = texts(drawn(plan))
    for x in plan.parameters:
        touched = any(x.name in t.buffers for p in plan.phases for t in (*p.reads, *p.makes))
        assert (x.name in shown) is (touched and x.kind != "weights")
    assert "weights" in shown
    assert size(plan.read) in " ".join(shown)


def test_a_barrier_is_counted_as_often_as_it_is_met() -> None:
    shown = " ".join(texts(drawn(plan_of(NAMES[2]))))
    inner = sum(p.where == "layer" for p in plan_of(NAMES[2]).phases)
    outer = len(plan_of(NAMES[2]).phases) - inner
    assert f"32 layers of {inner} phases, {32 * inner + outer - 1} grid barriers" in shown


def test_nothing_is_drawn_outside_the_picture() -> None:
    root = ET.fromstring(drawn(plan_of(NAMES[0])))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for e in root.iter():
        for key, most in (("x", width), ("y", height), ("cx", width), ("cy", height), ("x2", width), ("y2", height)):
            assert 0 <= float(e.get(key, 0)) <= most


def test_names_are_text_whatever_stands_in_them() -> None:
    plan = plan_of(NAMES[0])
    first = plan.phases[0]
    hostile = replace(
        plan,
        program=HOSTILE,
        phases=(replace(first, nodes=(HOSTILE,), makes=tuple(replace(t, tensor=HOSTILE) for t in first.makes)),
                *plan.phases[1:]),
        parameters=tuple(replace(x, parts=tuple(replace(q, label=HOSTILE) for q in x.parts)) for x in plan.parameters),
    )  # fmt: skip
    assert HOSTILE in texts(drawn(hostile))
    scripts = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            scripts.extend([tag] if tag == "script" else [])

    Reader().feed(page(hostile))
    assert scripts == []


def test_a_plan_without_layers_is_drawn() -> None:
    plan = plan_of(NAMES[0])
    flat = replace(plan, layers=0, phases=tuple(replace(p, where="before") for p in plan.phases), workspace=())
    root = ET.fromstring(drawn(flat))
    assert [e for e in root.iter() if e.get("class") == "loop"] == []
    assert f"{len(plan.phases) - 1} grid barriers" in " ".join(texts(drawn(flat)))


def test_sizes_have_three_digits() -> None:
    assert [size(n) for n in (0, 7, 999, 1000, 45_200, 999_600, 1.32e10, 1.37e12)] == [
        "0 B", "7 B", "999 B", "1 kB", "45.2 kB", "1 MB", "13.2 GB", "1370 GB",
    ]  # fmt: skip


def test_the_command_writes_a_page_or_a_picture(tmp_path: Path) -> None:
    main(["plan", str(folder(NAMES[0]))])
    assert (folder(NAMES[0]) / "plan.html").read_text().startswith("<!DOCTYPE html>")
    main(["plan", str(folder(NAMES[0])), "-o", str(tmp_path / "a.svg")])
    ET.parse(tmp_path / "a.svg")
    with pytest.raises(SystemExit) as e:
        main(["plan", str(folder(NAMES[0])), "-o", str(tmp_path / "a.png")])
    assert e.value.code == 2
