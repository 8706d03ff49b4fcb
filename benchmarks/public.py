"""`tv check` on public kernels as they stand: `python benchmarks/public.py SGEMM_CUDA LLM_C`, two checkouts of

- https://github.com/siboehm/SGEMM_CUDA (C = alpha A B + beta C, at 4096^3),
- https://github.com/karpathy/llm.c (softmax, layer normalisation; also with all sizes open).

Nothing of them is kept here: launches and graphs are written to a temporary folder beside a copy of the file. Prints a table:
kernel, sizes, verdict, seconds of the whole process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))

from authoring import Spec, constant, model, spec_text, tensor

F32, I64 = TensorProto.FLOAT, TensorProto.INT64
OPEN = {"M": 4096, "N": 8192, "K": 4096, "C": 30000}  # greatest sizes where they are open


@dataclass(frozen=True, slots=True)
class Public:
    """repository: which of the two; file: in it. sizes: numbers, or None for open ones."""

    repository: str
    file: str
    kernel: str
    graph: str
    grid: tuple[int | str, ...]
    block: int | tuple[int, int]
    shared: int
    sizes: Mapping[str, int | None]
    args: Mapping[str, object]


GEMM_ARGS = {
    "alpha": {"symbol": "alpha", "type": "f32"},
    "beta": {"symbol": "beta", "type": "f32"},
    "A": "A", "B": "B", "C": {"input": "C0", "output": "C"},
}  # fmt: skip
SQUARE = {"M": 4096, "N": 4096, "K": 4096}
ROWS: dict[str, int | None] = {"N": 8192, "C": 4096}
ANY: dict[str, int | None] = {"N": None, "C": None}
SOFTMAX = {"out": "out", "inp": "inp"}
NORM = {n: n for n in ("out", "mean", "rstd", "inp", "weight", "bias")}


def gemm(
    file: str,
    kernel: str,
    grid: tuple[int | str, ...],
    block: int | tuple[int, int],
    sizes: Mapping[str, int | None] = SQUARE,
) -> Public:
    return Public("SGEMM_CUDA", f"src/kernels/{file}.cuh", kernel, "gemm", grid, block, 0, sizes, GEMM_ARGS)


def rows(file: str, kernel: str, graph: str, grid: int | str, block: int, shared: int, sizes: Mapping[str, int | None], args: Mapping[str, object]) -> Public:  # fmt: skip
    return Public("llm.c", f"dev/cuda/{file}.cu", kernel, graph, (grid,), block, shared, sizes, args)


CASES = (
    gemm("1_naive", "sgemm_naive", (128, 128), (32, 32)),
    gemm("1_naive", "sgemm_naive", ("ceildiv(M, 32)", "ceildiv(N, 32)"), (32, 32), dict.fromkeys(SQUARE)),
    gemm("2_kernel_global_mem_coalesce", "sgemm_global_mem_coalesce<32>", (128, 128), 1024),
    gemm("3_kernel_shared_mem_blocking", "sgemm_shared_mem_block<32>", (128, 128), 1024),
    gemm("4_kernel_1D_blocktiling", "sgemm1DBlocktiling<64,64,8,8>", (64, 64), 512),
    gemm("5_kernel_2D_blocktiling", "sgemm2DBlocktiling<128,128,8,8,8>", (32, 32), 256),
    gemm("6_kernel_vectorize", "sgemmVectorize<128,128,8,8,8>", (32, 32), 256),
    gemm("7_kernel_resolve_bank_conflicts", "sgemmResolveBankConflicts<128,128,8,8,8>", (32, 32), 256),
    gemm("8_kernel_bank_extra_col", "sgemmResolveBankExtraCol<128,128,8,8,8>", (32, 32), 256),
    gemm("9_kernel_autotuned", "sgemmAutotuned<128,128,16,8,8>", (32, 32), 256),
    gemm("10_kernel_warptiling", "sgemmWarptiling<128,128,16,64,64,4,8,4,128>", (32, 32), 128),
    rows("softmax_forward", "softmax_forward_kernel1", "softmax", 64, 128, 0, ROWS, SOFTMAX),
    rows("softmax_forward", "softmax_forward_kernel2", "softmax", 8192, 256, 1024, ROWS, SOFTMAX),
    rows("softmax_forward", "softmax_forward_kernel2", "softmax", "N", 256, 1024, ANY, SOFTMAX),
    rows("softmax_forward", "softmax_forward_kernel3", "softmax", 8192, 32, 0, ROWS, SOFTMAX),
    rows("softmax_forward", "softmax_forward_kernel4", "softmax", 8192, 256, 64, ROWS, SOFTMAX),
    rows("layernorm_forward", "layernorm_forward_kernel1", "norm", 64, 128, 0, {"N": 8192, "C": 768}, NORM),
    rows("layernorm_forward", "layernorm_forward_kernel1", "norm", "ceildiv(N, 128)", 128, 0, ANY, NORM),
    rows("layernorm_forward", "mean_kernel", "mean", 8192, 256, 1024, {"N": 8192, "C": 768},
         {"mean": "mean", "inp": "inp", "block_size": 256}),
)  # fmt: skip


def graph(kind: str, sizes: Mapping[str, int | str]) -> onnx.ModelProto:
    make = helper.make_node
    if kind == "gemm":
        m, n, k = (sizes[d] for d in "MNK")
        nodes = [make("MatMul", ["A", "B"], ["ab"]), make("Mul", ["ab", "alpha"], ["x"]), make("Mul", ["C0", "beta"], ["z"]),
                 make("Add", ["x", "z"], ["C"])]  # fmt: skip
        ins = [
            tensor("A", F32, [m, k]),
            tensor("B", F32, [k, n]),
            tensor("C0", F32, [m, n]),
            tensor("alpha", F32, []),
            tensor("beta", F32, []),
        ]
        return model(kind, nodes, ins, [tensor("C", F32, [m, n])])
    n, c = sizes["N"], sizes["C"]
    axis, eps = constant("axis", I64, [1], [1]), constant("eps", F32, [], [1e-5])
    inp = tensor("inp", F32, [n, c])
    if kind == "softmax":
        return model(kind, [make("Softmax", ["inp"], ["out"], axis=-1)], [inp], [tensor("out", F32, [n, c])])
    if kind == "mean":
        nodes = [make("ReduceMean", ["inp", "axis"], ["mean"], keepdims=0)]
        return model(kind, nodes, [inp], [tensor("mean", F32, [n])], [axis])
    nodes = [
        make("ReduceMean", ["inp", "axis"], ["m"], keepdims=1), make("Sub", ["inp", "m"], ["d"]), make("Mul", ["d", "d"], ["sq"]),
        make("ReduceMean", ["sq", "axis"], ["v"], keepdims=1), make("Add", ["v", "eps"], ["ve"]), make("Sqrt", ["ve"], ["sd"]),
        make("Reciprocal", ["sd"], ["rs"]), make("Mul", ["rs", "d"], ["nn"]), make("Mul", ["nn", "weight"], ["nw"]),
        make("Add", ["nw", "bias"], ["out"]), make("Squeeze", ["m", "axis"], ["mean"]), make("Squeeze", ["rs", "axis"], ["rstd"]),
    ]  # fmt: skip
    outs = [tensor("out", F32, [n, c]), tensor("mean", F32, [n]), tensor("rstd", F32, [n])]
    return model(kind, nodes, [inp, tensor("weight", F32, [c]), tensor("bias", F32, [c])], outs, [axis, eps])


def run(p: Public, checkout: Path, folder: Path) -> tuple[str, float]:
    source = checkout / p.file
    for header in source.parent.glob("*.h"):
        shutil.copy(header, folder)
    shutil.copy(source, folder / "kernel.cu")
    onnx.save(graph(p.graph, {n: n if v is None else v for n, v in p.sizes.items()}), folder / "model.onnx")
    values = {n: {"symbol": n, "min": 1, "max": OPEN[n]} if v is None else v for n, v in p.sizes.items()}
    spec: Spec = {
        "kernel": p.kernel,
        "grid": list(p.grid),
        "block": [p.block] if isinstance(p.block, int) else list(p.block),
    }
    spec |= {"include": ["."]} | ({"shared": p.shared} if p.shared else {}) | {"args": {**p.args, **values}}
    (folder / "kernel.toml").write_text(spec_text(spec))
    start = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "tv",
        "check",
        "kernel.cu",
        "model.onnx",
        "-q",
        "--json",
        "out.json",
        "--timeout",
        "120",
    ]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    found = json.loads((folder / "out.json").read_text())
    bad = [f"{o['kind']} at line {o['line']}" for o in found["obligations"] if o["status"] == found["verdict"]]
    detail = found["relation"] or ", ".join(dict.fromkeys(bad)) or found["why"]
    return f"{found['verdict']} ({detail})", seconds


def main(checkouts: list[str]) -> None:
    where = dict(zip(("SGEMM_CUDA", "llm.c"), map(Path, checkouts), strict=True))
    print("| kernel | sizes | verdict | seconds |\n|---|---|---|---|")
    for p in CASES:
        with tempfile.TemporaryDirectory() as folder:
            verdict, seconds = run(p, where[p.repository], Path(folder))
        sizes = ", ".join(f"{n} open" if v is None else f"{n} = {v}" for n, v in p.sizes.items())
        print(f"| `{p.kernel}` | {sizes} | {verdict} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1:])
