"""Certificates checked anew: the true one is valid, every falsified one is not, and no search takes part."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from order_running import Normal, prove

from tv.diagnostic import BadInput
from tv.recheck import recheck
from tv.reference import reference, stored
from tv.refute.setting import Setting
from tv.request import CheckRequest, Overrides

Data = dict[str, Any]


KERNEL = """__global__ void dot(const float* a, const float* b, float* y)
{
    __shared__ float s[8];
    int t = threadIdx.x;
    float v = 0.0f;
    for (int k = 0; k < 3; k++) {
        v += a[blockIdx.x * 24 + k * 8 + t] * b[k * 8 + t];
    }
    s[t] = v;
    __syncthreads();
    if (t < 4) { s[t] += s[t + 4]; }
    __syncthreads();
    if (t == 0) { y[blockIdx.x] = (s[0] + s[1]) + (s[2] + s[3]); }
}
"""


def dot(folder: Path) -> Path:
    """Two rows of 24 times a vector: a loop in every thread, one level of a tree in shared memory, a sum of four."""
    folder.mkdir()
    (folder / "kernel.cu").write_text(KERNEL)
    (folder / "kernel.toml").write_text('grid = [2]\nblock = [8]\n[args]\na = "A"\nb = "B"\ny = "C"\n')
    shapes = {"A": [2, 24], "B": [24], "C": [2]}
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()]
    graph = helper.make_graph([helper.make_node("MatMul", ["A", "B"], ["C"])], "g", values[:2], values[2:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), folder / "model.onnx"
    )
    return folder


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Data]:
    folder = dot(tmp_path_factory.mktemp("recheck") / "case")
    return folder, prove(folder).data


def asked(folder: Path, data: Any, **more: Any) -> tuple[bool, str]:
    path = folder / "given.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    answer = recheck(str(path), CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"), **more))
    return answer.holds, answer.text


def test_a_true_certificate_is_valid(case: tuple[Path, Data]) -> None:
    folder, data = case
    assert asked(folder, data) == (True, "valid: `dot` is `reassoc` to the graph")


def test_a_weaker_relation_than_the_checkers_is_valid_too(case: tuple[Path, Data]) -> None:
    folder, data = case
    assert asked(folder, {**data, "relation": "real"})[0]


def test_another_process_rebuilds_the_same_systems(case: tuple[Path, Data]) -> None:
    """Names of statements and tensors in a certificate must not hang on the order of a hash table."""
    folder, data = case
    (folder / "given.json").write_text(json.dumps(data))
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tv", "recheck", str(folder / "given.json"), str(folder / "kernel.cu"), str(folder / "model.onnx")],
            capture_output=True, text=True, env={"PYTHONHASHSEED": seed, "PATH": ""}, cwd=ROOT, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout.split(":")[0]) == (0, "valid"), done.stdout + done.stderr


# ------------------------------------------------------------------------------------------------ falsified
def nodes(x: Any, name: str) -> list[list[Any]]:
    """Lists anywhere in x whose first entry is `name`."""
    found = [x] if isinstance(x, list) and x and x[0] == name else []
    inner = x.values() if isinstance(x, dict) else x if isinstance(x, list) else ()
    return found + [n for y in inner for n in nodes(y, name)]


def stronger(d: Data) -> None:
    d["relation"] = "bitwise"


def other_model(d: Data) -> None:
    d["sha256"]["model"] = "0" * 64


def no_hashes(d: Data) -> None:
    del d["sha256"]["kernel"]


def no_root(d: Data) -> None:
    d["roots"] = {}


def foreign_root(d: Data) -> None:
    d["roots"]["D"] = d["roots"]["C"]


def root_without_claim(d: Data) -> None:
    d["roots"]["C"] = [999]


def no_proof(d: Data) -> None:
    d["claims"][-1]["script"] = None


def claim_of_less(d: Data) -> None:
    root = next(c for c in d["claims"] if c["id"] == d["roots"]["C"][0])
    root["relation"] = (
        root["relation"].replace("}", " and false }")
        if ":" in root["relation"]
        else root["relation"].replace("}", " : false }")
    )


def claim_about_nothing(d: Data) -> None:
    d["claims"][0]["kernel"] = "S999"


def vacuous(d: Data) -> None:
    d["claims"][-1]["script"] = ["vacuous"]


def leaf_only(d: Data) -> None:
    d["claims"][-1]["script"] = ["leaf"]


def a_term_less(d: Data) -> None:
    nodes(d["claims"], "sum")[0][3].pop()


def a_pair_twice(d: Data) -> None:
    pairs = nodes(d["claims"], "sum")[0][3]
    pairs.append(pairs[0])


def other_pairs(d: Data) -> None:
    pairs = nodes(d["claims"], "sum")[0][3]
    pairs[0][2] = pairs[0][2].replace("}", " and false }")


def integers_instead(d: Data) -> None:
    nodes(d["claims"], "sum")[0][1] = "fadd.f16"


def swapped_operands(d: Data) -> None:
    for n in nodes(d["claims"], "apply"):
        n[1] = n[1][::-1]


def unknown_law(d: Data) -> None:
    script = d["claims"][-1]["script"]
    d["claims"][-1]["script"] = ["rewrite", "k", "plausible", script]


def law_not_used(d: Data) -> None:
    d["laws"] = ["widen-then-narrow"]


def hidden_assumption(d: Data) -> None:
    d["assumptions"] = []


def other_grid(d: Data) -> None:
    d["launch"][0]["grid"][0] += 1


def other_options(d: Data) -> None:
    d["options"]["fmad"] = not d["options"]["fmad"]


def order_not_fused(d: Data) -> None:
    for n in nodes(d["orders"], "fma"):
        n[:] = ["add", ["leaf", n[1]], n[3]]


def order_of_other_rounds(d: Data) -> None:
    n = nodes(d["orders"], "rounds")[0]
    n[1] = n[1].replace("}", " and false }")


def order_left_out(d: Data) -> None:
    d["orders"] = []


FALSE = [
    stronger, other_model, no_hashes, no_root, foreign_root, root_without_claim, no_proof, claim_of_less, claim_about_nothing,
    vacuous, leaf_only, a_term_less, a_pair_twice, other_pairs, swapped_operands, integers_instead, unknown_law, law_not_used, hidden_assumption, other_grid,
    other_options, order_not_fused, order_of_other_rounds, order_left_out,
]  # fmt: skip


@pytest.mark.parametrize("falsify", FALSE)
def test_a_falsified_certificate_is_invalid(case: tuple[Path, Data], falsify: Callable[[Data], None]) -> None:
    folder, data = case
    wrong = copy.deepcopy(data)
    falsify(wrong)
    assert wrong != data
    holds, text = asked(folder, wrong)
    assert not holds
    assert text.startswith("invalid: ")


def rejected(folder: Path, data: Any) -> bool:
    """Invalid, or refused as no certificate."""
    try:
        return not asked(folder, data)[0]
    except BadInput:
        return True


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 1}', "[" * 100_000])
def test_what_is_no_certificate_is_refused(case: tuple[Path, Data], text: str) -> None:
    assert rejected(case[0], text)


def test_damage_anywhere_never_crashes_and_never_proves(case: tuple[Path, Data]) -> None:
    """Every kind of step with its last part replaced by text, a number, nothing or another step."""
    folder, data = case
    kinds = ("use", "unfold", "split", "apply", "sum", "fold", "rewrite")
    damaged = 0
    for name in kinds:
        for rubbish in ("x", 7, None, ["use", [0]]) if nodes(data["claims"], name) else ():
            wrong = copy.deepcopy(data)
            step = nodes(wrong["claims"], name)[0]
            step[-1] = rubbish
            damaged += 1
            assert rejected(folder, wrong)
    assert damaged >= 12


@pytest.mark.parametrize("key", ["laws", "assumptions"])
@pytest.mark.parametrize("rubbish", [True, -1, 1.5, "fadd", {"a": 1}, [[1]], [{}], [None]])
def test_lists_of_text_are_lists_of_text(case: tuple[Path, Data], key: str, rubbish: object) -> None:
    with pytest.raises(BadInput) as e:
        asked(case[0], case[1] | {key: rubbish})
    assert e.value.code == "TV0652"


@pytest.mark.parametrize("data", [b"", b"PK", b"\x93NUMPY", b"PK\x05\x06" + b"\0" * 18 + b"x"])
def test_inputs_that_are_no_arrays_are_bad_input(case: tuple[Path, Data], data: bytes, tmp_path: Path) -> None:
    folder, file = case[0], tmp_path / "in.npz"
    file.write_bytes(data)
    with pytest.raises(BadInput) as e:
        reference(str(folder / "model.onnx"), str(file), str(folder / "certificate.json"), str(tmp_path / "out.npz"))
    assert e.value.code == "TV0654"


def test_other_files_and_other_launches_are_refused(case: tuple[Path, Data], tmp_path: Path) -> None:
    folder, data = case
    assert "launch" in asked(folder, data, overrides=Overrides(grid=(3,)))[1]
    changed = dot(tmp_path / "changed")
    (changed / "kernel.cu").write_text((changed / "kernel.cu").read_text() + "// another\n")
    assert asked(changed, data)[0] is False
    assert asked(changed, data)[1].startswith("invalid: it is about another kernel\n")


# ------------------------------------------------------------------------------------------------ evaluation
def test_reference_needs_no_kernel_and_has_its_bits(case: tuple[Path, Data], tmp_path: Path) -> None:
    folder, _ = case
    pair = prove(folder)
    setting = Setting(pair.kernel, pair.binder.launch, pair.binder, pair.binder.graph, {})
    arrays = {
        n: stored(Normal(5).bits(setting.slots[n], np.arange(setting.slots[n].count)), t.type).reshape(setting.shape(t))
        for n, t in pair.binder.graph.inputs.items()
    }
    np.savez(tmp_path / "in.npz", **arrays)
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((folder / "model.onnx").read_bytes())
    answer = reference(
        str(alone), str(tmp_path / "in.npz"), str(folder / "certificate.json"), str(tmp_path / "out.npz")
    )
    assert answer.holds
    mine = pair.run({}, Normal(5))["C"][0]
    with np.load(tmp_path / "out.npz") as out:
        assert (out["C"].reshape(-1).view(np.uint32) == mine).all()
    del arrays["A"]
    np.savez(tmp_path / "less.npz", **arrays)
    with pytest.raises(BadInput, match="no input `A`"):
        reference(str(alone), str(tmp_path / "less.npz"), str(folder / "certificate.json"), str(tmp_path / "out.npz"))
