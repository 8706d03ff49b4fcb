"""From a program to the three files of a kernel."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from megac.emit.document import plan_text
from megac.emit.kernel import kernel_text
from megac.emit.spec import spec_text
from megac.errors import CompileError
from megac.ir import Program
from megac.memory.plan import memory
from megac.schedule.layering import schedule
from megac.schedule.zeros import without_unseen_zeros


@dataclass(frozen=True, slots=True)
class Target:
    """What a kernel is made for. max_position: rows that caches have room for."""

    arch: str = "sm_90"
    blocks: int = 132
    max_position: int = 4096


def files(p: Program, target: Target, model: str = "") -> dict[str, str]:
    """The texts by file name. model: the file that was compiled, as the plan names it. Raises CompileError for a program
    that has no kernel."""
    if target.blocks < 1 or target.max_position < 1:
        raise CompileError("a kernel needs a block, and a cache room for a row")
    limits = dict.fromkeys(p.dims, target.max_position - 1)
    p = without_unseen_zeros(p)
    s = schedule(p)
    m = memory(p, s, limits)
    return {
        "kernel.cu": kernel_text(p, s, m, limits),
        "kernel.toml": spec_text(p, m, target.blocks, target.arch, limits),
        "plan.json": plan_text(p, s, m, target.blocks, target.arch, limits, model),
    }


def write(folder: Path, texts: dict[str, str]) -> None:
    """All files or none: they are written beside the folder and then moved there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
        for name, text in texts.items():
            (Path(beside) / name).write_text(text, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for name in texts:
            shutil.move(Path(beside) / name, folder / name)
