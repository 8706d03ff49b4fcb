"""Cases of the corpus drawn anew: other names, other files, other sizes, no comments, the same verdict.

A checker that recognises a text instead of proving it fails on these. `python benchmarks/redraw.py CASE OUT [SEED]` writes
a kernel, its spec beside it, a model and `expect.json` (what the copy is called and what it must give) into the folder
OUT; without a seed it writes the case as it stands at its smallest sizes.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "corpus")]

from authoring import Sizes, Spec, launches, spec_text
from c_names import DIRECTIVES, VOCABULARY, is_member, own_names
from c_tokens import Kind, Token, tokens
from families import load

from tv.expectation import Expectation, parse_expectation

Names = Mapping[str, str]
INDICES = ("threadIdx", "blockIdx", "blockDim", "gridDim")
_CONSONANTS, _VOWELS = "bdfghklmnprstvz", "aeiou"


@dataclass(frozen=True, slots=True)
class Copy:
    """A case written anew: its files, and what it must give, with lines of the new text."""

    kernel: Path
    model: Path
    wanted: Expectation


@dataclass(frozen=True, slots=True)
class Original:
    """A case's text, and its spec and model at the sizes that a copy gets."""

    kernel: str
    spec: Spec
    model: onnx.ModelProto
    wanted: Expectation


def redraw(case_dir: Path, out_dir: Path, seed: int, sizes: Sizes | None = None) -> Copy:
    """Writes a renamed, resized copy of a case; the same seed gives the same copy. sizes: instead of those drawn.

    ValueError where a name in the kernel or a key in the spec is of a kind that this does not know how to rename.
    """
    rng = random.Random(f"{case_dir.parent.name}/{case_dir.name}/{seed}")
    case = _original(case_dir, rng, sizes)
    inner = _fresh(own_names(tokens(case.kernel))[0], rng)
    outer = _fresh(_graph_names(case.model) | _symbols(case.spec), rng)
    text, lines = renamed_kernel(case.kernel, inner)
    wanted = replace(case.wanted, marked=tuple((lines[n], kind) for n, kind in case.wanted.marked))
    copy = Original(text, renamed_spec(case.spec, inner, outer), renamed_model(case.model, outer), wanted)
    return _write(out_dir, copy, *_fresh(("kernel", "model"), rng).values())


def _original(case_dir: Path, rng: random.Random, sizes: Sizes | None) -> Original:
    """A case of a family at sizes drawn from those at which it keeps its verdict; any other as it stands."""
    kernel = (case_dir / "kernel.cu").read_text()
    wanted = _stated(kernel, case_dir)
    if not (case_dir.parent / "graph.py").is_file():
        spec = tomllib.loads((case_dir / "kernel.toml").read_text())
        return Original(kernel, spec, onnx.load(case_dir / "model.onnx", load_external_data=False), wanted)
    family = load(case_dir.parent)
    sizes = sizes or family.drawn(case_dir.name, rng)
    return Original(kernel, family.spec(case_dir.name, sizes), family.build(sizes), wanted)


def _stated(kernel: str, case_dir: Path) -> Expectation:
    wanted = parse_expectation(kernel, str(case_dir / "kernel.cu"))
    if wanted is None:
        raise ValueError(f"{case_dir}: the first line states no verdict")
    return wanted


def small(case_dir: Path, out_dir: Path) -> Path:
    """Writes a case at its smallest sizes, names and comments as they are. Returns `out_dir`."""
    return resized(case_dir, out_dir, load(case_dir.parent).sizes(case_dir.name)[-1])


def resized(case_dir: Path, out_dir: Path, sizes: Sizes) -> Path:
    """Writes a case at the given sizes, names and comments as they are. Returns `out_dir`."""
    family = load(case_dir.parent)
    kernel = (case_dir / "kernel.cu").read_text()
    wanted = _stated(kernel, case_dir)
    case = Original(kernel, family.spec(case_dir.name, sizes), family.build(sizes), wanted)
    _write(out_dir, case, "kernel", "model")
    return out_dir


def _write(out: Path, case: Original, kernel: str, model: str) -> Copy:
    """The files of a copy; the spec has the kernel's stem, which is how `tv check` finds it."""
    out.mkdir(parents=True, exist_ok=True)
    copy = Copy(out / f"{kernel}.cu", out / f"{model}.onnx", case.wanted)
    copy.kernel.write_text(case.kernel)
    (out / f"{kernel}.toml").write_text(spec_text(case.spec))
    onnx.save(case.model, copy.model)
    record = {"kernel": copy.kernel.name, "model": copy.model.name, "expected": str(copy.wanted)}
    lines = sorted({line for line, _ in copy.wanted.marked})
    (out / "expect.json").write_text(json.dumps({**record, "lines": lines}) + "\n")
    return copy


# ------------------------------------------------------------------------------------------------ names
def _fresh(names: Iterable[str], rng: random.Random) -> dict[str, str]:
    """A new word for every name, no two alike; names without lower-case letters (macros) stay so."""
    old = sorted(names)
    taken = VOCABULARY | DIRECTIVES | set(old)
    words: dict[str, str] = {}
    for name in old:
        word = ""
        while not word or word in taken or word in words.values():
            word = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.choice((2, 2, 3, 3, 4))))
            word = word if any(c.islower() for c in name) else word.upper()
        words[name] = word
    return words


def _renamed_text(text: str, names: Names) -> str:
    """An expression over names (`P + 1`, `N // 256`, `scale<float, 256>`) with those of `names` replaced."""
    return re.sub(r"[A-Za-z_]\w*", lambda m: names.get(m[0], m[0]), text)


# ------------------------------------------------------------------------------------------------ the kernel
def renamed_kernel(kernel: str, names: Names) -> tuple[str, dict[int, int]]:
    """(the text with `names` replaced, comments and empty lines gone; old line -> new line)."""
    stream = tokens(kernel)
    rows = "".join(_renamed(stream, own_names(stream)[1], names)).split("\n")
    kept: list[str] = []
    moved: dict[int, int] = {}
    for number, row in enumerate(rows, 1):
        if row.strip():
            kept.append(row.rstrip())
            moved[number] = len(kept)
    return "\n".join(kept) + "\n", moved


def _renamed(stream: list[Token], fields: frozenset[str], names: Names) -> list[str]:
    """The text of each token, comments as the line breaks that they hold."""
    solid: list[Token] = []
    texts: list[str] = []
    for token in stream:
        if token.kind is Kind.COMMENT:
            texts.append("\n" * token.text.count("\n") or " ")
            continue
        if token.kind is not Kind.SPACE:
            solid.append(token)
        member = is_member(solid, len(solid) - 1) and (token.text not in fields or solid[-3].text in INDICES)
        renames = token.kind is Kind.NAME and not member
        texts.append(names.get(token.text, token.text) if renames else token.text)
    return texts


# ------------------------------------------------------------------------------------------------ the spec
def renamed_spec(spec: Spec, inner: Names, outer: Names) -> Spec:
    """A spec with kernel names taken from `inner`, tensors and symbols from `outer`. ValueError at an unknown key."""
    new: Spec = {}
    for key, value in spec.items():
        match key:
            case "kernel":
                new[key] = _renamed_text(value, inner)
            case "grid":
                new[key] = [_renamed_text(v, outer) if isinstance(v, str) else v for v in value]
            case "block" | "shared" | "cooperative" | "fmad" | "relaunch":
                new[key] = value
            case "defines":
                new[key] = {inner[macro]: size for macro, size in value.items()}
            case "args":
                new[key] = {inner[name]: _renamed_argument(v, inner, outer) for name, v in value.items()}
            case "launch":
                new[key] = [renamed_spec(launch, inner, outer) for launch in value]
            case "globals":
                new[key] = {inner[name]: _renamed_binding(v, outer) for name, v in value.items()}
            case "inputs" | "symbols":
                new[key] = dict(_renamed_assumption(name, v, outer) for name, v in value.items())
            case "model":
                new[key] = {k: _renamed_part(k, v, outer) for k, v in value.items()}
            case _:
                raise ValueError(f"spec key `{key}`")
    return new


def _renamed_assumption(name: str, value: object, outer: Names) -> tuple[str, object]:
    if name == "finite" and isinstance(value, list):
        return name, [outer[tensor] for tensor in value]
    return outer[name], _renamed_binding(value, outer)


def _renamed_part(key: str, value: object, outer: Names) -> object:
    match key, value:
        case "strict_nan" | "body_precision", _:
            return value
        case "inputs" | "outputs", list():
            return [outer[name] for name in value]
        case _:
            raise ValueError(f"model key `{key}`")


def _renamed_argument(value: object, inner: Names, outer: Names) -> object:
    match value:
        case {"fields": dict() as fields}:
            return {"fields": {inner[f]: _renamed_argument(v, inner, outer) for f, v in fields.items()}}
        case _:
            return _renamed_binding(value, outer)


def _renamed_binding(value: object, outer: Names) -> object:
    match value:
        case "null":
            return value
        case str():
            return outer[value]
        case int() | float():
            return value
        case list():  # a table
            return [_renamed_binding(v, outer) for v in value]
        case dict():
            return {key: _renamed_field(key, v, outer) for key, v in value.items()}
        case _:
            raise ValueError(f"binding {value!r}")


def _renamed_field(key: str, value: object, outer: Names) -> object:
    match key, value:
        case "tensor" | "input" | "output" | "symbol" | "dim" | "scratch", str():
            return outer[value]
        case "element" | "layout" | "extent" | "offset", str():
            return _renamed_text(value, outer)
        case "concat" | "tensors" | "inputs" | "outputs", list():
            return [outer[name] for name in value]
        case "parts", list():
            return [_renamed_binding(part, outer) for part in value]
        case (
            "layout"
            | "extent"
            | "offset"
            | "stride"
            | "zeroed"
            | "min"
            | "max"
            | "finite"
            | "type"
            | "align"
            | "scratch",
            _,
        ):
            return value
        case _:
            raise ValueError(f"binding key `{key}`")


def _symbols(spec: Spec) -> set[str]:
    """Symbols, and names of memory that several launches share."""
    args = [v for launch in launches(spec) for v in launch["args"].values()]
    bound = {v[k] for v in args if isinstance(v, dict) for k in ("symbol", "scratch") if isinstance(v.get(k), str)}
    return bound | set(spec.get("symbols", {}))


# ------------------------------------------------------------------------------------------------ the graph
def _values(graph: onnx.GraphProto) -> Iterable[onnx.ValueInfoProto]:
    return [*graph.input, *graph.output, *graph.value_info]


def _graph_names(model: onnx.ModelProto) -> set[str]:
    """Every tensor, node and dimension name of a graph."""
    graph = model.graph
    names = {graph.name} | {v.name for v in _values(graph)} | {t.name for t in graph.initializer}
    for node in graph.node:
        names |= {node.name, *node.input, *node.output}
    for value in _values(graph):
        for dim in value.type.tensor_type.shape.dim:
            names |= {t.text for t in tokens(dim.dim_param) if t.kind is Kind.NAME}
    return names - {""}


def renamed_model(model: onnx.ModelProto, names: Names) -> onnx.ModelProto:
    """A copy with every name replaced. ValueError where a node carries a subgraph."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    graph.name = names[graph.name]
    for value in _values(graph):
        value.name = names[value.name]
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = _renamed_text(dim.dim_param, names)
    for weight in graph.initializer:
        weight.name = names[weight.name]
    for node in graph.node:
        if any(a.HasField("g") or a.graphs for a in node.attribute):
            raise ValueError(f"node `{node.name}` carries a subgraph")
        node.name = names.get(node.name, "")
        node.input[:] = [names.get(n, "") for n in node.input]
        node.output[:] = [names.get(n, "") for n in node.output]
    return copy


def main(words: list[str]) -> None:
    if len(words) not in (2, 3):
        sys.exit("usage: redraw.py CASE OUT [SEED]; without SEED the smallest sizes, names as they are")
    case, out = Path(words[0]).resolve(), Path(words[1])
    if len(words) == 3:
        redraw(case, out, int(words[2]))
    else:
        small(case, out)


if __name__ == "__main__":
    main(sys.argv[1:])
