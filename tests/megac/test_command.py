"""The command line: what it prints, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx

from tests.megac.building import MODELS, ROOT, model, node


def megac(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "megac", *map(str, arguments)],
        cwd=ROOT / "compiler", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_stages_are_shown_a_line_each_and_layers_once() -> None:
    out = megac(MODELS / "llama_tiny_fp16_op18_dynP.onnx", "--show", "stages")
    lines = out.stdout.splitlines()
    assert (out.returncode, out.stderr) == (0, "")
    assert "for layer in 0 .. 1:" in lines
    assert "given 0 <= input_ids <= 255" in lines
    assert sum(" : f16 = " in line or " : f32 = " in line for line in lines) == 4 + 20 + 3
    q = next(line for line in lines if line.lstrip().startswith("transpose["))
    want = "transpose[i0<4, i1<16] : f16 = f16(@) where @ = sum[k0<64 from 0.0] (f32(mul_21[k0]) * f32(val_25[k0, i0*16 + i1]))"
    assert q.strip() == f"{want}    // MatMul Reshape Transpose"


def test_a_graph_that_is_not_compiled_ends_with_its_node_and_nothing_on_stdout(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(model([node("NonZero", ["x"], ["y"], name="where")], {"x": ("f32", [2])}, {"y": "i64"}), path)
    out = megac(path, "--show", "stages")
    assert (out.returncode, out.stdout) == (2, "")
    assert out.stderr.startswith("error: node `where` (NonZero): there is no rule for this operator\n  help: ")


def test_operators_are_listed() -> None:
    out = megac("--operators")
    assert out.returncode == 0
    assert "Attention" in out.stdout.split()


def test_a_file_that_is_not_there_is_a_usage_error() -> None:
    assert megac("none.onnx", "--show", "stages").returncode == 2
