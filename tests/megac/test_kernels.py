"""The three files that the compiler writes: what stands in them, and that there are all of them or none."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from megac.frontend import compile_file, optimised
from megac.output import Target, files, write

from tests.megac.building import MODELS, model, node, program, raw
from tests.megac.small_decoder import megac

TINY = sorted(p.stem for p in MODELS.glob("*tiny*.onnx"))


@cache
def written(name: str) -> dict[str, str]:
    return files(compile_file(MODELS / f"{name}.onnx", 4095), Target())


@pytest.mark.parametrize("name", TINY)
def test_comments_name_each_node_once(name: str) -> None:
    p = compile_file(MODELS / f"{name}.onnx", 4095)
    r = p.layers
    assert r is not None
    shown = [*p.stages[: r.start + r.period], *p.stages[r.start + r.period * r.count :]]
    nodes = {o.node for s in shown for o in s.origin}
    comments = " ".join(x.strip()[3:] for x in written(name)["kernel.cu"].splitlines() if x.strip().startswith("// "))
    named = re.findall(r"phase \d+ \([a-z ]+\): ((?:\S+, )*\S+)", comments)
    words = [w for n in named for w in n.split(", ")]
    assert sorted(words) == sorted(nodes)


@pytest.mark.parametrize("name", TINY)
def test_the_specification_binds_every_parameter(name: str) -> None:
    text = written(name)["kernel.cu"]
    spec: dict[str, Any] = tomllib.loads(written(name)["kernel.toml"])
    signature = text[text.index("decode(") + 7 : text.index(")\n{\n    __shared__")]
    assert list(spec["args"]) == [x.split()[-1] for x in signature.replace("\n", " ").split(",")]
    assert spec["cooperative"] is True


def test_the_plan_says_how_a_runner_packs_weights() -> None:
    plan = json.loads(written("llama_tiny_fp16_op18_dynP")["plan.json"])
    layers = next(x for x in plan["parameters"] if x["name"] == "layers_f16")
    q = layers["parts"][0]
    assert (q["tensors"], q["order"], q["capacity"], q["offset"]) == (["val_25", "val_166"], [1, 0], [64, 64], 0)
    assert q["stride"] == sum(x["capacity"][0] * ([*x["capacity"], 1])[1] for x in layers["parts"])
    assert plan["bytes"]["cache"] == 2 * 2 * 2 * 4096 * 16 * 2
    assert [x["where"] for x in plan["phases"]] == ["before", *["layer"] * 5, "after"]
    assert plan["dimensions"] == [{"name": "s15", "parameter": "s15", "max": 4095}]


def test_a_kernel_has_no_more_text_for_more_layers() -> None:
    small, large = (
        written(n)["kernel.cu"].splitlines() for n in ("llama_tiny_fp16_op18_dynP", "llama2-7b_fp16_op18_dynP")
    )
    assert abs(len(small) - len(large)) <= 15
    assert "#define LAYERS 32" in large


def test_rows_of_caches_are_an_option() -> None:
    p = compile_file(MODELS / "llama_tiny_fp16_op18_dynP.onnx")
    out = files(p, Target(arch="sm_80", blocks=108, max_position=1024))
    spec = tomllib.loads(out["kernel.toml"])
    assert (spec["arch"], spec["grid"], spec["args"]["s15"]["max"]) == ("sm_80", [108], 1023)
    assert "(i1 * 1024 + i2) * 16 + i3" in out["kernel.toml"]


def test_the_counter_of_barriers_starts_at_zero() -> None:
    out = written("llama_tiny_fp16_op18_dynP")
    spec: dict[str, Any] = tomllib.loads(out["kernel.toml"])
    assert spec["args"]["arrivals"] == {"extent": 1, "zeroed": True}
    plan = json.loads(out["plan.json"])
    assert [x["name"] for x in plan["parameters"] if x.get("zeroed")] == ["arrivals"]
    places = re.findall(r"^ *grid_barrier\(arrivals, (.*) \* gridDim.x\);", out["kernel.cu"], re.MULTILINE)
    assert places == ["1", *(f"(5 * l + {k})" for k in range(2, 7))]


def test_a_kernel_of_one_phase_has_no_barrier() -> None:
    out = files(program(model([node("Relu", ["x"], ["y"])], {"x": ("f32", [8])}, {"y": "f32"})), Target())
    assert "arrivals" not in "".join(out.values())
    assert "grid_barrier" not in out["kernel.cu"]


# ------------------------------------------------------------------------------------------------------ other graphs
def test_variables_are_not_called_as_dimensions_are() -> None:
    """A dimension `s0` beside the sums that are called s0, s1, ..."""
    m = model(
        [node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)],
        {"x": ("f32", [4, "s0"])}, {"y": "f32"}, {"axes": np.array([1])},
    )  # fmt: skip
    text = files(program(m), Target())["kernel.cu"]
    assert "int s0)" in text
    assert "float s0" not in text


def test_a_window_as_long_as_the_caches_masks_nothing() -> None:
    """Of x[0 .. P-1] the last 8 are kept: for P up to 8 all of them."""
    m = model(
        [
            node("Shape", ["x"], ["shape"]), node("Squeeze", ["shape"], ["P"]), node("Range", ["zero", "P", "one"], ["at"]),
            node("Sub", ["P", "window"], ["first"]), node("GreaterOrEqual", ["at", "first"], ["kept"]),
            node("Where", ["kept", "x", "low"], ["y"]), node("Neg", ["y"], ["z"]),
        ],
        {"x": ("f32", ["P"])}, {"z": "f32"},
        {"zero": np.array(0), "one": np.array(1), "window": np.array(8), "low": np.array(0, np.float32)},
    )  # fmt: skip
    short, long = (files(optimised(raw(m), most), Target())["kernel.cu"] for most in (8, 9))
    assert "?" not in short
    assert "?" in long


def test_small_constants_are_chosen_and_large_ones_lie_in_memory() -> None:
    def text(n: int) -> str:
        table = onnx.numpy_helper.from_array(np.arange(n, dtype=np.float32) / 7, "c")
        nodes = [node("Constant", [], ["c"], value=table), node("Mul", ["x", "c"], ["y"])]
        return files(program(model(nodes, {"x": ("f32", [n])}, {"y": "f32"})), Target())["kernel.cu"]

    assert "case 1: return 0.14285715f;" in text(8)
    assert re.search(r"__device__ const float \w+\[128\] = ", text(128))


def test_two_uses_of_an_output_are_two_buffers() -> None:
    m = model(
        [node("Relu", ["x"], ["y"]), node("Identity", ["y"], ["z"])], {"x": ("f32", [8])}, {"y": "f32", "z": "f32"}
    )
    spec = tomllib.loads(files(program(m), Target())["kernel.toml"])
    assert {"y", "z"} <= set(spec["args"])


# ------------------------------------------------------------------------------------------------------------ errors
def test_errors_leave_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(model([node("NonZero", ["x"], ["y"], name="where")], {"x": ("f32", [2])}, {"y": "i64"}), path)
    out = megac(path, "-o", tmp_path / "out")
    assert out.returncode == 2
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "out", {"kernel.cu": "x", "none/plan.json": "y"})
    assert list(tmp_path.iterdir()) == []


def test_files_replace_those_of_an_earlier_run(tmp_path: Path) -> None:
    for text in ("old", "new"):
        write(tmp_path / "a" / "out", {"kernel.cu": text, "plan.json": text})
    assert {p.name: p.read_text() for p in (tmp_path / "a" / "out").iterdir()} == {
        "kernel.cu": "new",
        "plan.json": "new",
    }
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["out"]


def test_something_has_to_be_asked_for() -> None:
    out = megac(MODELS / "llama_tiny_fp16_op18_dynP.onnx")
    assert out.returncode == 2
    assert "say where to write" in out.stderr
