"""Cases of the corpus drawn anew: the copies hold together, and have the verdicts of their originals."""

from __future__ import annotations

import json
import random
import sys
import tomllib
from pathlib import Path

import onnx
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus"), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from authoring import launches
from c_names import own_names
from c_tokens import Kind, tokens
from families import families
from model_ends import bound_tensors, given_by_symbols, graph_ends, without_data
from redraw import Copy, redraw, renamed_kernel, small
from redrawn import CORPUS, case_names, is_good, run_redrawn

from tv.check import check
from tv.expectation import mismatch, parse_expectation
from tv.request import CheckRequest

FAMILIES = {f.folder.name: f for f in families()}
CASES = case_names()
SOME = [n for k, n in enumerate(CASES) if is_good(n) or k % 5 == 0]  # of the wrong ones, which share much with them
OF_FAMILIES = [n for n in SOME if n.split("/")[0] in FAMILIES]
SEED = 1


def check_pair(copy: Copy) -> None:
    """A spec that binds every end of a valid model, by names that the kernel declares."""
    model = onnx.load(copy.model, load_external_data=False)
    onnx.checker.check_model(without_data(model), full_check=True)
    spec = tomllib.loads(copy.kernel.with_suffix(".toml").read_text())
    own = own_names(tokens(copy.kernel.read_text()))[0]
    given = [launch["args"] for launch in launches(spec)]
    assert {name for args in given for name in args} | set(spec.get("defines", ())) <= own
    inputs, outputs = graph_ends(model)
    bound = {tensor for args in given for _, tensor in bound_tensors(args, inputs)} | given_by_symbols(spec)
    made = {o for n in model.graph.node for o in n.output} | {t.name for t in model.graph.initializer}
    assert bound <= inputs | outputs | made | set(spec.get("symbols", ()))
    assert spec.keys() & {"model", "globals", "symbols"} or inputs | outputs <= bound


def original(name: str) -> str:
    return (CORPUS / name / "kernel.cu").read_text()


# ------------------------------------------------------------------------------------------------ the copies
@pytest.mark.parametrize("name", SOME)
def test_a_copy_shares_no_name_and_no_comment(name: str, tmp_path: Path) -> None:
    copy = redraw(CORPUS / name, tmp_path / "a", seed=3)
    text = copy.kernel.read_text()
    stream = tokens(text)
    assert not [t for t in stream if t.kind is Kind.COMMENT]
    assert not own_names(stream)[0] & own_names(tokens(original(name)))[0]
    assert {copy.kernel.stem, copy.model.stem}.isdisjoint({"kernel", "model"})
    check_pair(copy)
    again = redraw(CORPUS / name, tmp_path / "b", seed=3)
    assert again.kernel.read_text() == text
    assert redraw(CORPUS / name, tmp_path / "c", seed=4).kernel.read_text() != text


@pytest.mark.parametrize("folder", sorted({n.partition("/")[0] for n in CASES}))
def test_lines_move_with_their_text(folder: str) -> None:
    for name in (n for n in CASES if n.startswith(f"{folder}/") and not is_good(n)):
        text = original(name)
        new, moved = renamed_kernel(text, {n: n for n in own_names(tokens(text))[0]})
        stated = parse_expectation(text, name)
        assert stated is not None
        for line, _ in stated.marked:
            marked = text.splitlines()[line - 1].split("//")[0].rstrip()
            assert new.splitlines()[moved[line] - 1] == marked, name


@pytest.mark.parametrize("name", OF_FAMILIES)
def test_a_small_case_is_complete(name: str, tmp_path: Path) -> None:
    out = small(CORPUS / name, tmp_path)
    stated = parse_expectation(original(name), name)
    assert stated is not None
    assert (out / "kernel.cu").read_text() == original(name)
    assert json.loads((out / "expect.json").read_text())["expected"] == str(stated)
    check_pair(Copy(out / "kernel.cu", out / "model.onnx", stated))


@pytest.mark.parametrize("name", FAMILIES)
def test_sizes_are_drawn_apart(name: str) -> None:
    family = FAMILIES[name]
    for case in family.cases:
        drawn = [family.drawn(case.name, random.Random(seed)) for seed in range(8)]
        assert len({tuple(sorted(d.items())) for d in drawn}) > 4
        assert all(set(d) == set(family.all_sizes[0]) for d in drawn)


# ------------------------------------------------------------------------------------------------ their verdicts
# One right kernel of every other family; `make redrawn` has them all, and the wrong ones, each of which is searched for a counterexample.
QUICK = frozenset(list({n.partition("/")[0]: n for n in reversed(CASES) if is_good(n)}.values())[::2])


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_a_copy_has_the_verdict_of_its_original(name: str, tmp_path: Path) -> None:
    (row,) = run_redrawn([name], tmp_path, SEED)
    assert row.difference == ""


# Sizes at which guards cut through digits: warps that are no power of two, rows that no block divides, an even share of rows.
RAGGED: tuple[tuple[str, dict[str, int]], ...] = (
    ("rmsnorm/tree_half2", {"R": 100, "COLS": 2056, "BLOCK": 128}),
    ("rmsnorm_op23/butterflies", {"R": 11191, "COLS": 2984, "BLOCK": 160}),
    ("residual_mlp/atomic_counter", {"L": 6, "D": 592, "H": 912, "GRID": 2, "THREADS": 64}),
    ("attention_decode/two_pass", {"HEADS": 56, "HD": 128, "CTX": 34}),
)


@pytest.mark.parametrize(("name", "sizes"), RAGGED)
def test_proofs_at_ragged_sizes(name: str, sizes: dict[str, int], tmp_path: Path) -> None:
    copy = redraw(CORPUS / name, tmp_path, SEED, sizes)
    result = check(CheckRequest(str(copy.kernel), str(copy.model)))
    assert mismatch(copy.wanted, result) == ""


# ------------------------------------------------------------------------------------------------ the tokeniser
def test_names_inside_literals_and_comments_stay() -> None:
    text = '#include "a.h"\nint a = 0; /* a */ const char* s = "a"; float b = 1e+5f; int c = 0xa + a;\n'
    new, _ = renamed_kernel(text, {"a": "u", "s": "v", "b": "w", "c": "z"})
    assert new == ('#include "a.h"\nint u = 0;   const char* v = "a"; float w = 1e+5f; int z = 0xa + u;\n')


def test_members_of_built_in_types_stay() -> None:
    text = "void f(float4 x) { float y = x.x + x.y; }\n"
    new, _ = renamed_kernel(text, {"f": "g", "x": "u", "y": "v"})
    assert new.endswith("void g(float4 u) { float v = u.x + u.y; }\n")


@pytest.mark.parametrize("text", ["void f(int a) { a = b; }", "float g(float a) { return __nobody_knows(a, a); }"])
def test_an_unknown_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither declared"):
        own_names(tokens(text))


@pytest.mark.parametrize("text", ["int a = $;", 'const char* s = R"(x)";', "int a = 1;\n\x00"])
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no token starts|raw string"):
        tokens(text)
