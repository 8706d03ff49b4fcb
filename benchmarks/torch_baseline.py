"""One token at a time by PyTorch: compiled, in a CUDA graph, batch 1, random weights. What kernels of the compiler stand beside.

    python benchmarks/torch_baseline.py [--models 1b 7b ...] [--contexts 1,512,4096] [--out FILE]      # needs a GPU and PyTorch
    python benchmarks/torch_baseline.py --device cpu --models tiny --contexts 1,8 --repeats 3           # a dry run

The decoder is the one that the exported graphs are of (RMSNorm, rotary positions, grouped attention, gated MLP) in f16, written so
that nothing is in the way: fused projections, caches of exactly the context's length that are updated in place. It is compiled
whole by `torch.compile` for each context and captured in a CUDA graph; a sample is one replay between two events, and the median
counts. How fast the same GPU reads, by PyTorch's own sum, is measured in the same run: the floor is a token's weights at that rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "results" / "torch_baseline.json"
WARM = 3  # runs before those that count
READ = 1 << 33  # bytes that are read to see how fast that is


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder's sizes. tied: is the embedding the last matrix?"""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    size: int
    ffn: int
    vocabulary: int
    tied: bool = False

    @property
    def width(self) -> int:
        """Of q, k and v together."""
        return (self.heads + 2 * self.kv_heads) * self.size

    @property
    def read(self) -> int:
        """Parameters that a token needs, one row of the embedding among them."""
        matrices = self.hidden * (self.width + self.heads * self.size + 3 * self.ffn)
        return self.layers * (matrices + 2 * self.hidden) + self.hidden * (self.vocabulary + 2)


SHAPES = {
    "1b": Shape(16, 2048, 32, 8, 64, 8192, 128256, tied=True),  # LLaMA-3.2-1B
    "7b": Shape(32, 4096, 32, 32, 128, 11008, 32000),  # LLaMA-2-7B
    "8b": Shape(32, 4096, 32, 8, 128, 14336, 128256),  # LLaMA-3.1-8B
    "13b": Shape(40, 5120, 40, 40, 128, 13824, 32000),  # LLaMA-2-13B
    "70b": Shape(80, 8192, 64, 8, 128, 28672, 32000),  # LLaMA-2-70B
    "tiny": Shape(2, 64, 4, 2, 16, 176, 256),
}


# -------------------------------------------------------------------------------------------------------------- model
def weights(s: Shape, device: str) -> dict[str, Any]:
    """Random weights: normal, of the deviation that keeps sums of the size of their terms."""
    import torch

    kind = torch.float16 if device == "cuda" else torch.float32

    def drawn(*shape: int) -> Any:
        return torch.empty(shape, dtype=kind, device=device).normal_(0, shape[-1] ** -0.5)

    def gains() -> Any:
        return torch.empty(s.hidden, dtype=kind, device=device).normal_(1, 0.1)

    embedding = drawn(s.vocabulary, s.hidden)
    layers = [
        {
            "norm1": gains(), "qkv": drawn(s.width, s.hidden), "out": drawn(s.hidden, s.heads * s.size),
            "norm2": gains(), "gate_up": drawn(2 * s.ffn, s.hidden), "down": drawn(s.hidden, s.ffn),
        }
        for _ in range(s.layers)
    ]  # fmt: skip
    places = torch.arange(s.size // 2, device=device) * 2 / s.size
    return {
        "embedding": embedding, "layers": layers, "norm": gains(), "frequencies": 10000.0**-places,
        "head": embedding if s.tied else drawn(s.vocabulary, s.hidden),
    }  # fmt: skip


def caches(s: Shape, context: int, like: Any) -> list[tuple[Any, Any]]:
    """Random keys and values of each layer, [1, heads, context, size]."""
    import torch

    def one() -> Any:
        return torch.empty((1, s.kv_heads, context, s.size), dtype=like.dtype, device=like.device).normal_()

    return [(one(), one()) for _ in range(s.layers)]


def step_of(s: Shape) -> Callable[[Any, Any, Any, Any], Any]:
    """A step: a token's number [1], its position [1], weights, caches to logits [1, vocabulary] and the next token [1]."""
    import torch
    from torch.nn import functional as F

    def norm(x: Any, gain: Any) -> Any:
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype) * gain

    def turned(x: Any, cos: Any, sin: Any) -> Any:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin

    def step(token: Any, position: Any, w: Any, kv: Any) -> Any:
        x = w["embedding"][token]
        angles = (position.float() * w["frequencies"]).repeat(2)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for m, (keys, values) in zip(w["layers"], kv, strict=True):
            qkv = F.linear(norm(x, m["norm1"]), m["qkv"]).view(1, -1, 1, s.size)
            q, k, v = qkv.split((s.heads, s.kv_heads, s.kv_heads), 1)
            keys[:, :, position] = turned(k, cos, sin)
            values[:, :, position] = v
            attended = F.scaled_dot_product_attention(
                turned(q, cos, sin), keys, values, enable_gqa=s.heads != s.kv_heads
            )
            x = x + F.linear(attended.reshape(1, -1), m["out"])
            gate, up = F.linear(norm(x, m["norm2"]), m["gate_up"]).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, m["down"])
        logits = F.linear(norm(x, w["norm"]), w["head"])
        return logits, logits.argmax(-1)

    return step


# ---------------------------------------------------------------------------------------------------------- measuring
def timed(run: Callable[[], Any], repeats: int, device: str) -> list[float]:
    """Milliseconds of each run, one begun behind the other."""
    import torch

    if device != "cuda":
        out = []
        for _ in range(WARM + repeats):
            start = time.perf_counter()
            run()
            out.append(1e3 * (time.perf_counter() - start))
        return out[WARM:]
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(WARM + repeats + 1)]
    torch.cuda.synchronize()
    marks[0].record()
    for mark in marks[1:]:
        run()
        mark.record()
    torch.cuda.synchronize()
    return [a.elapsed_time(b) for a, b in pairwise(marks)][WARM:]


def captured(step: Callable[..., Any], arguments: tuple[Any, ...], mode: str) -> Callable[[], None]:
    """The compiled step in a CUDA graph. Raises RuntimeError where its logits are not finite."""
    import torch

    fast = torch.compile(step, fullgraph=True, dynamic=False, mode=None if mode == "default" else mode)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            fast(*arguments)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        logits, _ = fast(*arguments)
    graph.replay()
    if not bool(torch.isfinite(logits).all()):
        raise RuntimeError("the logits are not finite")
    return graph.replay


def context_row(s: Shape, w: dict[str, Any], context: int, repeats: int, device: str, mode: str) -> dict[str, Any]:
    import torch

    token = torch.zeros(1, dtype=torch.int64, device=device)
    position = torch.full((1,), context - 1, dtype=torch.int64, device=device)
    arguments = (token, position, w, caches(s, context, w["embedding"]))
    begun = time.perf_counter()
    step = step_of(s)
    run = captured(step, arguments, mode) if device == "cuda" else lambda: step(*arguments)
    compiled = time.perf_counter() - begun
    samples = timed(run, repeats, device)
    tenths = statistics.quantiles(samples, n=10, method="inclusive") if len(samples) > 1 else samples * 9
    middle = statistics.median(samples)
    return {
        "context": context, "median_ms": middle, "min_ms": min(samples), "max_ms": max(samples),
        "spread": (tenths[-1] - tenths[0]) / middle, "launches": len(samples), "compile_s": compiled,
    }  # fmt: skip


def reading_rate(repeats: int) -> float:
    """Bytes per second of a sum over memory."""
    import torch

    data = torch.empty(READ // 4, dtype=torch.float32, device="cuda").normal_()
    rate = 1e3 * READ / statistics.median(timed(data.sum, repeats, "cuda"))
    del data
    torch.cuda.empty_cache()
    return rate


def measured(name: str, given: argparse.Namespace, rate: float | None, keep: Callable[[dict[str, Any]], None]) -> None:
    """A model's row, kept after each context; an error ends it, and what was measured before stays."""
    import torch

    s = SHAPES[name]
    row: dict[str, Any] = {"model": name, "sizes": asdict(s), "contexts": []}
    try:
        with torch.inference_mode():
            torch.manual_seed(0)
            w = weights(s, given.device)
            row["bytes_read"] = s.read * w["embedding"].element_size()
            if rate is not None:
                row["floor_ms"] = 1e3 * row["bytes_read"] / rate
            for c in given.contexts:
                torch._dynamo.reset()
                found = context_row(s, w, c, given.repeats, given.device, given.mode)
                row["contexts"].append(found | ({"share": row["floor_ms"] / found["median_ms"]} if rate else {}))
                keep(row)
                print(f"{name} context {c}: {found['median_ms']:.4g} ms", flush=True)
    except (RuntimeError, torch.OutOfMemoryError) as e:
        row["stopped"] = str(e).strip().splitlines()[0]
        print(f"{name}: stopped: {row['stopped']}", flush=True)
    keep(row)


def numbers(text: str) -> Sequence[int]:
    return [int(x) for x in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=tuple(SHAPES), default=["1b", "7b", "8b"])
    parser.add_argument("--contexts", type=numbers, default=[1, 512, 4096])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--mode", choices=("default", "max-autotune-no-cudagraphs"), default="default", help="of torch.compile"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
        return 2
    if given.device == "cuda" and not torch.cuda.is_available():
        print("there is no GPU here; --device cpu is a dry run", file=sys.stderr)
        return 2
    data: dict[str, Any] = {"schema": 1, "torch": torch.__version__, "mode": given.mode, "device": "cpu"}
    rate = None
    if given.device == "cuda":
        rate = reading_rate(given.repeats)
        data |= {"device": torch.cuda.get_device_name(0), "read_bytes_per_s": rate}
        print(f"reading: {rate / 1e12:.3f} TB/s", flush=True)
    rows: dict[str, dict[str, Any]] = {}

    def keep(row: dict[str, Any]) -> None:
        rows[row["model"]] = row
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps({**data, "models": list(rows.values())}, indent=1) + "\n")

    for name in given.models:
        measured(name, given, rate, keep)
        if given.device == "cuda":
            torch.cuda.empty_cache()
    return 1 if any("stopped" in r for r in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
