"""A kernel's text, a small graph and a specification, checked: what tests of options and readings share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from tv.check import check
from tv.request import CheckRequest
from tv.verdict import CheckResult

F16, F32, I32, I64, U8, BOOL = (
    getattr(TensorProto, n) for n in ("FLOAT16", "FLOAT", "INT32", "INT64", "UINT8", "BOOL")
)
Ends = dict[str, tuple[int, Sequence[int | str]]]


def graph(
    nodes: Sequence[tuple[str, str, str] | onnx.NodeProto], inputs: Ends, outputs: Ends, **stored: tuple[int, Any, Any]
) -> onnx.ModelProto:
    """nodes: (operator, inputs, outputs), names separated by blanks. stored: name = (type, dimensions, values)."""
    made = [n if isinstance(n, onnx.NodeProto) else helper.make_node(n[0], n[1].split(), n[2].split()) for n in nodes]
    ends = [[helper.make_tensor_value_info(n, t, list(d)) for n, (t, d) in e.items()] for e in (inputs, outputs)]
    weights = [helper.make_tensor(n, t, list(d), v) for n, (t, d, v) in stored.items()]
    return helper.make_model(
        helper.make_graph(made, "g", *ends, weights), ir_version=10, opset_imports=[helper.make_opsetid("", 18)]
    )


def write(folder: Path, kernel: str, model: onnx.ModelProto, spec: str = "", name: str = "k") -> CheckRequest:
    """The files of one check; one block of 64 threads where the specification says nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.cu").write_text(kernel)
    onnx.save(model, folder / "m.onnx")
    head = "" if "grid" in spec else "grid = [1]\nblock = [64]\n"
    (folder / f"{name}.toml").write_text(head + spec)
    return CheckRequest(str(folder / f"{name}.cu"), str(folder / "m.onnx"))


def checked(folder: Path, kernel: str, model: onnx.ModelProto, spec: str = "") -> CheckResult:
    return check(write(folder, kernel, model, spec))


def pointwise(body: str, kind: str = "float", names: str = "x") -> str:
    """A kernel that computes y[i] from the tensors `names`, whose elements `body` calls by upper-case letters."""
    parameters = ", ".join(f"const {kind}* {n}" for n in names)
    values = "".join(f"  {kind} {n.upper()} = {n}[i];\n" for n in names)
    head = "#include <cuda_fp16.h>\n" if kind == "half" else ""
    return (
        f"{head}__global__ void k({parameters}, {kind}* y) {{\n  int i = threadIdx.x;\n{values}  y[i] = {body};\n}}\n"
    )
