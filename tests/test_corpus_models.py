"""The corpus itself: models are valid, specs say what graph.py says, verdicts and markers agree."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import onnx
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus"), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from authoring import launches
from c_names import own_names
from c_tokens import Kind, tokens
from families import expectation, families
from model_ends import bound_tensors, given_by_symbols, graph_ends, without_data
from redraw import renamed_kernel

FAMILIES = {f.folder.name: f for f in families()}
CASES = {f"{f.folder.name}/{c.name}": (f, c) for f in FAMILIES.values() for c in f.cases}
GOOD = {name: pair for name, pair in CASES.items() if "__" not in name}
TELLING = re.compile(r"bug|wrong|defect|broken|missing|should|forg[eo]t|fixme|todo|race|<-", re.IGNORECASE)


@pytest.mark.parametrize("name", FAMILIES)
def test_models_are_valid_at_every_size(name: str) -> None:
    family = FAMILIES[name]
    for sizes in family.all_sizes:
        model = without_data(family.build(sizes))
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        known = {v.name for v in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)}
        known |= {t.name for t in inferred.graph.initializer}
        assert {o for n in inferred.graph.node for o in n.output} <= known


@pytest.mark.parametrize("name", FAMILIES)
def test_written_model_is_the_built_one(name: str) -> None:
    family = FAMILIES[name]
    stored = onnx.load(family.folder / "model.onnx", load_external_data=False)
    assert stored == family.build(family.all_sizes[0])


def test_graph_script_takes_sizes(tmp_path: Path) -> None:
    script, out = ROOT / "corpus" / "sgemm" / "graph.py", tmp_path / "m.onnx"
    subprocess.run([sys.executable, str(script), str(out), "M=32", "N=16", "K=24"], check=True)
    assert onnx.load(out) == FAMILIES["sgemm"].build({"M": 32, "N": 16, "K": 24})
    wrong = subprocess.run([sys.executable, str(script), str(out), "Q=3"], check=False, capture_output=True, text=True)
    assert wrong.returncode == 1
    assert "usage" in wrong.stderr


@pytest.mark.parametrize("name", CASES)
def test_spec_is_the_familys_and_fits(name: str) -> None:
    family, case = CASES[name]
    written = tomllib.loads((case / "kernel.toml").read_text())
    assert written == family.spec(case.name, family.all_sizes[0])
    inputs, outputs = graph_ends(family.build(family.all_sizes[0]))
    each = [bound_tensors(launch["args"], inputs) for launch in launches(written)]
    assert all(n == 1 for bound in each for n in Counter(tensor for _, tensor in bound).values())
    bound = [pair for some in each for pair in some]
    by_symbols = given_by_symbols(written)
    assert by_symbols <= inputs - {tensor for _, tensor in bound}
    assert {tensor for _, tensor in bound} | by_symbols == inputs | outputs
    assert all(t in inputs for role, t in bound if role == "input")
    assert all(t in outputs for role, t in bound if role == "output")


@pytest.mark.parametrize("name", CASES)
def test_spec_names_what_the_kernel_declares(name: str) -> None:
    family, case = CASES[name]
    text = tokens((case / "kernel.cu").read_text())
    own = own_names(text)[0]
    for sizes in family.sizes(case.name):
        spec = family.spec(case.name, sizes)
        macros = {m for k, v in spec.items() if k == "defines" for m in v}
        assert macros <= own
        for launch in launches(spec):
            assert set(launch["args"]) <= own
            assert launch["kernel"].split("<")[0] in own
            assert math.prod(launch["block"]) <= 1024


@pytest.mark.parametrize("name", CASES)
def test_first_line_and_markers(name: str) -> None:
    _, case = CASES[name]
    text = (case / "kernel.cu").read_text()
    wanted = expectation(text)
    assert wanted.verdict in ({"refuted", "unknown"} if "__" in case.name else {"proved"})
    marked = re.sub(r"// <- \w+", "", text.split("\n", 1)[1])
    comments = [t.text for t in tokens(marked) if t.kind is Kind.COMMENT]
    assert not [c for c in comments if TELLING.search(c)]


@pytest.mark.parametrize("name", GOOD)
def test_twins(name: str) -> None:
    family, good = GOOD[name]
    twins = [c for c in family.cases if c.name.startswith(good.name + "__")]
    assert len(twins) >= 3
    text = (good / "kernel.cu").read_text().split("\n", 1)[1]
    names = own_names(tokens(text))[0]
    plain = renamed_kernel("\n" + text, {n: n for n in names})[0]
    kinds = set()
    for twin in twins:
        other = (twin / "kernel.cu").read_text()
        kinds.add(expectation(other).what)
        same = renamed_kernel("\n" + other.split("\n", 1)[1], {n: n for n in own_names(tokens(other))[0]})[0]
        launched_otherwise = (twin / "kernel.toml").read_text() != (good / "kernel.toml").read_text()
        assert same != plain or launched_otherwise, f"{twin.name} differs in comments only"
    assert len(kinds) >= 2


def test_every_twin_has_its_good_case_and_every_kind_occurs() -> None:
    assert {c.split("__")[0] for c in CASES} == set(GOOD)
    kinds = {expectation((c / "kernel.cu").read_text()).what for _, c in CASES.values()}
    assert kinds >= {"race", "equal", "bounds", "init", "barrier", "coverage", "range", "bitwise", "reassoc"}


@pytest.mark.parametrize(
    "kernel",
    [
        "",
        "// tv: proved\n",
        "// tv: proved race\n",
        "// tv: refuted race\nint a;\n",
        "// tv: refuted race\nint a;  // <- init\n",
        "// tv: proved bitwise\nint a;  // <- race\n",
    ],
)
def test_a_first_line_that_disagrees_with_its_markers_is_refused(kernel: str) -> None:
    with pytest.raises(ValueError, match="verdict|relation|marks"):
        expectation(kernel)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_growing_sizes_are_sizes_at_which_the_graph_can_be_built(name: str) -> None:
    family = FAMILIES[name]
    small, large = family.growing(16)
    assert small.keys() == family.all_sizes[0].keys()
    grown = {k for k in small if large[k] != small[k]}
    assert grown
    assert all(large[k] == 16 * small[k] for k in grown)
    for sizes in (small, large):
        assert family.build(sizes).graph.output
