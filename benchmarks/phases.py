"""Where a token's time goes: for each phase of a kernel of the compiler how long blocks work and how long they wait.

    python benchmarks/phases.py DIR ... [--context 512] [--launches 20] [--out FILE]      # needs a GPU and CuPy

A copy of the kernel reads its multiprocessor's clock where a block comes to a barrier of the grid and where it is let go. Of each
phase, over all layers: `work`, from being let go to coming to the next barrier, its mean over the blocks and that of the block that
takes longest; `wait`, the rest, which the block that comes last has too (`quiet`). Microseconds, by the launch's own length.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "compiler")]

from megac.host.cuda import Cuda
from megac.host.sessions import opened
from megac.plan import Plan, read_plan

HEAD = 64  # words in front of the stamps, the counter among them
BARRIER = re.compile(r"(void grid_barrier\(unsigned int\* (\w+), unsigned int (\w+)\)\n\{\n)(.*?)\n\}\n", re.DOTALL)
Clocks = NDArray[np.int64]


def stamped(text: str) -> str:
    """The kernel's text with a stamp at its begin, on both sides of each barrier, and at its end."""
    found = BARRIER.search(text)
    assert found is not None
    add, poll = "        __nv_atomic_fetch_add(", "        }\n    }\n"
    body = found[4].replace(add, f"        stamp({found[2]}, {found[3]}, 0);\n{add}", 1)
    body = body.replace(poll, f"        }}\n        stamp({found[2]}, {found[3]}, 1);\n    }}\n", 1)
    stamp = (
        "__device__ __forceinline__ void stamp(unsigned int* a, unsigned int awaited, int side)\n{\n"
        f"    ((long long*)(a + {HEAD}))[((size_t)awaited + blockIdx.x) * 2 + side] = clock64();\n}}\n\n"
    )
    at = text.rindex("__device__", 0, found.start())
    text = text[:at] + stamp + text[at : found.start()] + found[1] + body + "\n}\n" + text[found.end() :]
    begin = text.index("{\n", text.index("decode(")) + 2
    name = re.search(r"unsigned int\* (\w+)", text[text.index("decode(") :])
    assert name is not None
    last = max(int(x) for x in re.findall(r"grid_barrier\(\w+, \(\d+ \* (?:l|LAYERS) \+ (\d+)\)", text))
    each = re.search(r"grid_barrier\(\w+, \((\d+) \* ", text)
    ends = f"({each[1]} * LAYERS + {last - int(each[1]) + 1})" if each else str(last + 1)
    start = f"    if (threadIdx.x == 0)\n        stamp({name[1]}, 0, 1);\n"
    end = f"    __syncthreads();\n    if (threadIdx.x == 0)\n        stamp({name[1]}, {ends} * gridDim.x, 0);\n"
    return text[:begin] + start + text[begin : text.rindex("}")] + end + "}\n"


def copied(folder: Path, to: Path) -> int:
    """The kernel with stamps and room for them, in another folder. Returns how many stretches between barriers a launch has."""
    plan = json.loads((folder / "plan.json").read_text())
    where = [p["where"] for p in plan["phases"]]
    stretches = sum(plan["layers"] if w == "layer" else 1 for w in where)
    for x in plan["parameters"]:
        if x["name"] == "arrivals":
            x["extent"] = HEAD + (stretches + 1) * plan["blocks"] * 4
            x["bytes"] = 4 * x["extent"]
    (to / "plan.json").write_text(json.dumps(plan))
    (to / "kernel.cu").write_text(stamped((folder / "kernel.cu").read_text()))
    return stretches


def clocks(folder: Path, context: int, launches: int) -> tuple[Plan, Clocks, float]:
    """Stamps [launch, stretch, block, side], and milliseconds of a launch with stamps."""
    with tempfile.TemporaryDirectory() as scratch:
        stretches = copied(folder, Path(scratch))
        device = Cuda()
        decoder = opened(Path(scratch), device, read_plan(folder).model, "random", 0)
        decoder.draw_caches(0)
        position = min(context, decoder.positions.stop) - 1
        times = device.timed([lambda: decoder.launch(1, position)] * (launches + 3))[3:]
        found = []
        for _ in range(launches):
            decoder.launch(1, position)
            raw = device.read(decoder.memory["arrivals"], 4 * HEAD, (stretches + 1) * decoder.plan.blocks * 16)
            found.append(raw.view(np.int64).reshape(stretches + 1, decoder.plan.blocks, 2))
        return read_plan(Path(scratch)), np.stack(found), float(np.median(times))


def phases(plan: dict[str, Any], stamps: Clocks, ms: float) -> list[dict[str, Any]]:
    """A row for each phase, in microseconds, over launches and layers."""
    work = stamps[:, 1:, :, 0] - stamps[:, :-1, :, 1]  # the stretch in front of barrier n
    wait = stamps[:, 1:, :, 1] - stamps[:, 1:, :, 0]
    wait[:, -1] = 0
    length = (stamps[:, -1, :, 0] - stamps[:, 0, :, 1]).mean()
    scale = 1e3 * ms / length
    where = [p["where"] for p in plan["phases"]]
    first, each = where.count("before"), where.count("layer")
    rows = []
    for k, phase in enumerate(plan["phases"]):
        own = where[k] == "layer"
        at = (
            [first + l * each + k - first for l in range(plan["layers"])]
            if own
            else [k if k < first else k + each * (plan["layers"] - 1)]
        )
        w, v = work[:, at] * scale, wait[:, at] * scale
        rows.append({
            "phase": phase["phase"], "where": where[k], "times": len(at), "work": float(w.mean()), "longest": float(w.max(axis=2).mean()),
            "wait": float(v.mean()), "quiet": float(v.min(axis=2).mean()), "makes": [s for n in phase["nests"] for s in n["stages"]],
        })  # fmt: skip
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--launches", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    answers = []
    for folder in given.folders:
        _, stamps, ms = clocks(folder, given.context, given.launches)
        plan = json.loads((folder / "plan.json").read_text())
        rows = phases(plan, stamps, ms)
        answers.append({"program": plan["program"], "context": given.context, "ms": ms, "phases": rows})
        print(f"{plan['program']}, context {given.context}, with stamps {ms:.4g} ms")
        for r in rows:
            print(f"  {r['phase']:>2} x{r['times']:<3} work {r['work']:7.2f}  longest {r['longest']:7.2f}  wait {r['wait']:6.2f}"
                  f"  quiet {r['quiet']:5.2f}  {', '.join(r['makes'])[:70]}")  # fmt: skip
    if given.out is not None:
        given.out.write_text(json.dumps(answers, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
