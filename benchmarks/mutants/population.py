"""All mutants of all right kernels of the corpus's families, and the sample of them that a seed draws."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnx
from authoring import Spec, spec_text
from c_tokens import Kind, tokens
from families import Family, load

import mutants.computing
import mutants.indexing
import mutants.rewriting
import mutants.synchronising  # noqa: F401
from mutants.graphing import GRAPH_OPERATORS
from mutants.launching import SPEC_OPERATORS
from mutants.registry import OPERATORS
from mutants.source import Change, Source

CORPUS = Path(__file__).resolve().parent.parent.parent / "corpus"
MOST_SHARE = 0.12  # of the mutants, for one operator
BESIDE_TEXT = 0.13  # of the mutants, for all operators that leave the kernel's text as it is


@dataclass(frozen=True, slots=True)
class Original:
    """A right case at its smallest sizes, its text without comments."""

    case: str
    kernel: str
    spec: Spec
    model: onnx.ModelProto


@dataclass(frozen=True, slots=True)
class Mutant:
    """A case with one change: of its text, or another specification or graph. told: the change in words. key: of the content,
    the same whatever the seed."""

    original: Original
    operator: str
    told: str
    key: str
    change: Change | None = None
    spec: Spec | None = None
    model: onnx.ModelProto | None = None

    @property
    def case(self) -> str:
        return self.original.case

    @property
    def name(self) -> str:
        return f"{self.case}/{self.operator}/{self.key}"

    @property
    def kernel(self) -> str:
        return self.change.applied(self.original.kernel) if self.change is not None else self.original.kernel

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The kernel's and the model's file; the specification lies beside the kernel."""
        folder.mkdir(parents=True, exist_ok=True)
        kernel, model = folder / "kernel.cu", folder / "model.onnx"
        kernel.write_text(self.kernel)
        (folder / "kernel.toml").write_text(spec_text(self.original.spec if self.spec is None else self.spec))
        onnx.save(self.original.model if self.model is None else self.model, model)
        return kernel, model


def _plain(text: str) -> str:
    """A text with a space for every comment, its lines kept."""
    return "".join(_blank(t.text) if t.kind is Kind.COMMENT else t.text for t in tokens(text))


def _blank(comment: str) -> str:
    return "\n" * comment.count("\n") or " "


@cache
def _family(name: str) -> Family:
    return load(CORPUS / name)


def case_names() -> list[str]:
    """`family/case` of every case of a family that is stated to be proved."""
    found = sorted(CORPUS.glob("*/graph.py"))
    cases = [p for f in found for p in sorted(f.parent.glob("*/kernel.cu"))]
    return [p.parent.relative_to(CORPUS).as_posix() for p in cases if p.read_text().startswith("// tv: proved")]


def original(case: str) -> Original:
    family = _family(case.partition("/")[0])
    name = case.partition("/")[2]
    sizes = family.sizes(name)[-1]
    text = _plain((CORPUS / case / "kernel.cu").read_text())
    return Original(case, *_with_macros(text, family.spec(name, sizes)), family.build(sizes))


def _with_macros(text: str, spec: Spec) -> tuple[str, Spec]:
    """A text with the macros that the specification defines, as far as it has them itself: given to nvcc, some of their names
    would stand in the headers' place."""
    left = dict(spec.get("defines", {}))
    for name, value in spec.get("defines", {}).items():
        text, found = re.subn(rf"(?m)^(\s*#\s*define\s+{name}[ \t]+).*$", rf"\g<1>{value}", text)
        if found:
            del left[name]
    rest = {k: v for k, v in spec.items() if k != "defines"}
    return text, {**rest, "defines": left} if left else rest


def mutants_of(o: Original) -> Iterator[Mutant]:
    """Every mutant of a case, each content once; the unchanged case is none."""
    seen = {_key(o.kernel), _key(spec_text(o.spec)), _key(_bytes(o.model))}
    for m in _every(o):
        if m.key not in seen:
            seen.add(m.key)
            yield m


def _key(content: str | bytes) -> str:
    """Equal where texts differ in nothing but spaces."""
    raw = content if isinstance(content, bytes) else " ".join(content.split()).encode()
    return hashlib.sha256(raw).hexdigest()[:12]


def _bytes(model: onnx.ModelProto) -> bytes:
    raw: bytes = model.SerializeToString(deterministic=True)
    return raw


def _every(o: Original) -> Iterator[Mutant]:
    source = Source(o.kernel)
    for name, operator in OPERATORS.items():
        for change in operator(source):
            yield Mutant(o, name, change.told(o.kernel), _key(change.applied(o.kernel)), change=change)
    for name, of_spec in SPEC_OPERATORS.items():
        for told, spec in of_spec(o.spec):
            yield Mutant(o, name, told, _key(spec_text(spec)), spec=spec)
    for name, of_graph in GRAPH_OPERATORS.items():
        for told, model in of_graph(o.model):
            yield Mutant(o, name, told, _key(_bytes(model)), model=model)


def beside_text(operator: str) -> bool:
    """Does an operator leave the Kernel IR as it is?"""
    return operator in GRAPH_OPERATORS or operator in SPEC_OPERATORS


# ------------------------------------------------------------------------------------------------ the sample
def sample(every: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """`count` of the mutants, or fewer where there are not so many: evenly over operators, and within one over cases. The same
    seed gives the same ones, in an order of which every beginning is spread as well."""
    rows = {name: _spread(own, seed) for name, own in _by_operator(every).items()}
    quota = quotas({name: len(row) for name, row in rows.items()}, count)
    chosen = [((k + 1) / quota[name], m) for name, row in rows.items() for k, m in enumerate(row[: quota[name]])]
    return [m for _, m in sorted(chosen, key=lambda x: (x[0], x[1].name))]


def _drawn(seed: int, name: str) -> str:
    """What a mutant or a case is ordered by: evenly spread, and the same when others come and go."""
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _by_operator(every: Sequence[Mutant]) -> dict[str, list[Mutant]]:
    out: dict[str, list[Mutant]] = defaultdict(list)
    for m in every:
        out[m.operator].append(m)
    return dict(sorted(out.items()))


def _spread(every: Sequence[Mutant], seed: int) -> list[Mutant]:
    """One mutant of every case, then a second one of every case, and so on."""
    cases: dict[str, list[Mutant]] = defaultdict(list)
    for m in sorted(every, key=lambda m: _drawn(seed, m.name)):
        cases[m.case].append(m)
    order = sorted(cases, key=lambda case: _drawn(seed, f"{every[0].operator}/{case}"))
    rounds = max(map(len, cases.values()), default=0)
    return [cases[c][k] for k in range(rounds) for c in order if k < len(cases[c])]


def quotas(there: Mapping[str, int], count: int) -> dict[str, int]:
    """How many mutants each operator gets: as evenly as what is there allows."""
    most = max(1, int(MOST_SHARE * count))
    room = {n: min(k, most) for n, k in there.items()}
    aside = _even({n: k for n, k in room.items() if beside_text(n)}, int(BESIDE_TEXT * count))
    return {**_even({n: k for n, k in room.items() if not beside_text(n)}, count - sum(aside.values())), **aside}


def _even(room: Mapping[str, int], count: int) -> dict[str, int]:
    given: Counter[str] = Counter(dict.fromkeys(room, 0))
    left = min(count, sum(room.values()))
    while left:
        open_ones = [n for n in room if given[n] < room[n]]
        share = max(1, left // len(open_ones))
        for n in open_ones:
            more = min(share, room[n] - given[n], left)
            given[n] += more
            left -= more
    return dict(given)
