"""The corpus as data: families, their cases, and what stands in a kernel's first line and markers.

`python corpus/families.py` writes every family's `model.onnx` and every case's `kernel.toml` anew from `graph.py`.
"""

from __future__ import annotations

import importlib.util
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import onnx

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from authoring import Sizes, Spec, only, spec_text

KINDS = frozenset({"race", "equal", "bounds", "init", "barrier", "coverage", "range", "determinism"})
RELATIONS = frozenset({"bitwise", "reassoc", "real"})
VERDICT = re.compile(r"// tv: (proved|refuted|unknown) (\w+)")
MARKER = re.compile(r"// <- (\w+)\s*$")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case must give: `what` is a relation (proved) or an obligation's kind.

    lines: where the open obligation may point, from 1; empty for a proof.
    """

    verdict: str
    what: str
    lines: tuple[int, ...]


def expectation(kernel: str) -> Expectation:
    """Reads the first line and the markers of a kernel's text; ValueError where they are missing or disagree."""
    rows = kernel.splitlines()
    head = VERDICT.fullmatch(rows[0] if rows else "")
    if head is None:
        raise ValueError("the first line states no verdict")
    verdict, what = head.groups()
    if what not in (RELATIONS if verdict == "proved" else KINDS):
        raise ValueError(f"no such relation or kind: {what}")
    marks = [(i, m.group(1)) for i, row in enumerate(rows, 1) if (m := MARKER.search(row))]
    if any(kind != what for _, kind in marks) or bool(marks) != (verdict != "proved"):
        raise ValueError("a wrong kernel marks its lines with the kind, a proved one marks none")
    return Expectation(verdict, what, tuple(i for i, _ in marks))


@dataclass(frozen=True, slots=True)
class Family:
    """One folder with a `graph.py`: `build(**sizes)`, `spec(case, sizes)`, `SIZES`, `GROWS`, `draw(rng)`, and `allows(case, sizes)` if need
    be: which of these sizes leave a case's verdict as it is."""

    folder: Path
    module: ModuleType

    @property
    def all_sizes(self) -> tuple[Sizes, ...]:
        """Consistent alternatives; the first is what the kernels' text states, the last the smallest."""
        return tuple(self.module.SIZES)

    def sizes(self, case: str) -> tuple[Sizes, ...]:
        """The alternatives at which `case` keeps its verdict."""
        return tuple(s for s in self.all_sizes if self._allows(case, s))

    def drawn(self, case: str, rng: random.Random) -> Sizes:
        """Sizes drawn at random at which `case` keeps its verdict; the same state of `rng` gives the same ones. ValueError
        where none are found."""
        for _ in range(1000):
            sizes: Sizes = self.module.draw(rng)
            if self._allows(case, sizes):
                return sizes
        raise ValueError(f"{self.folder.name}/{case}: no drawn sizes are allowed")

    def _allows(self, case: str, sizes: Sizes) -> bool:
        allows = getattr(self.module, "allows", None)
        return allows is None or bool(allows(case, sizes))

    def growing(self, factor: int) -> tuple[Sizes, Sizes]:
        """(small sizes, the same with those of `GROWS` times `factor`); all others as the kernels' text states them."""
        small = {**self.all_sizes[0], **self.module.GROWS}
        return small, {**small, **{k: v * factor for k, v in self.module.GROWS.items()}}

    def build(self, sizes: Sizes) -> onnx.ModelProto:
        model = self.module.build(**only(self.module.build, sizes))
        if not isinstance(model, onnx.ModelProto):
            raise TypeError(f"{self.folder.name}: build gives {type(model).__name__}, not a model")
        return model

    def spec(self, case: str, sizes: Sizes) -> Spec:
        return dict(self.module.spec(case, sizes))

    @property
    def cases(self) -> tuple[Path, ...]:
        return tuple(sorted(p.parent for p in self.folder.glob("*/kernel.cu")))


def load(folder: Path) -> Family:
    """The family in a folder: runs its `graph.py`."""
    found = importlib.util.spec_from_file_location(f"corpus_{folder.name}", folder / "graph.py")
    if found is None or found.loader is None:
        raise FileNotFoundError(folder / "graph.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return Family(folder, module)


def families() -> Iterator[Family]:
    for script in sorted(ROOT.glob("*/graph.py")):
        yield load(script.parent)


def main() -> None:
    for family in families():
        onnx.save(family.build(family.all_sizes[0]), family.folder / "model.onnx")
        for case in family.cases:
            (case / "kernel.toml").write_text(spec_text(family.spec(case.name, family.all_sizes[0])))


if __name__ == "__main__":
    main()
