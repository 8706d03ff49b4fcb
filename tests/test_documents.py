"""What the documents name exists: rules, functions, tests, cases, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOUNDNESS = (ROOT / "docs" / "soundness.md").read_text()
SPANS = re.findall(r"`([^`]+)`", SOUNDNESS)
PLACE = re.compile(r"([\w/*]+\.py)(?:: (.+))?$")
FAMILIES = {p.parent.name for p in (ROOT / "corpus").glob("*/graph.py")}


def places() -> list[tuple[str, list[str]]]:
    """(file, names in it) of every code span that is one; names may follow without the file."""
    found = []
    for m in filter(None, map(PLACE.match, SPANS)):
        found.append((m.group(1), re.split(r",\s*", m.group(2)) if m.group(2) else []))
    return found


def files(name: str) -> list[Path]:
    folder = "" if name.startswith("tests/") else "tests" if name.startswith("test_") else "tv"
    return sorted((ROOT / folder).glob(name))


@pytest.mark.parametrize(("name", "words"), places())
def test_places_in_the_code(name: str, words: list[str]) -> None:
    text = "".join(p.read_text() for p in files(name))
    assert text, f"no file {name}"
    for word in words:
        last = word.split(".")[-1]
        assert re.search(rf"(def|class) {last}\b", text), f"{name} has no {word}"


@pytest.mark.parametrize("span", [s for s in SPANS if s.split("/")[0] in FAMILIES])
def test_cases_of_the_corpus(span: str) -> None:
    assert list(
        (ROOT / "corpus").glob(f"{span}/kernel.cu") if "/" in span else (ROOT / "corpus" / span).glob("*/kernel.cu")
    )


def test_every_rule_is_there_once() -> None:
    assert re.findall(r"^\| (S\d+) \|", SOUNDNESS, re.MULTILINE) == [f"S{n}" for n in range(1, 29)]


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_and_links(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert "://" in target or (ROOT / target).exists(), target
    for span in re.findall(r"`((?:tv|tests|docs|corpus|benchmarks|compiler)/[\w./-]+)`", text):
        assert (ROOT / span.rstrip("/")).exists(), span


def test_make_targets_in_the_documents() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/soundness.md"):
        for word in re.findall(r"`make ([a-z]+)`", (ROOT / document).read_text()):
            assert word in targets, f"{document}: make {word}"
