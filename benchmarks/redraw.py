"""Cases of the corpus drawn anew: other names, other sizes, no comments, the same verdict.

A checker that recognises a text instead of proving it fails on these. `python benchmarks/redraw.py CASE OUT [SEED]` writes
`kernel.cu`, `kernel.toml`, `model.onnx` and `expect.json` (verdict, relation or kind, lines) into the folder OUT; without
a seed it writes the case as it stands at its smallest sizes.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "corpus")]

from authoring import Sizes, Spec, spec_text
from c_names import DIRECTIVES, VOCABULARY, is_member, own_names
from c_tokens import Kind, Token, tokens
from families import Expectation, expectation, load

Names = Mapping[str, str]
_CONSONANTS, _VOWELS = "bdfghklmnprstvz", "aeiou"


def redraw(case_dir: Path, out_dir: Path, seed: int) -> Path:
    """Writes a renamed, resized copy of a case; the same seed gives the same copy. Returns `out_dir`.

    ValueError where a name in the kernel or a key in the spec is of a kind that this does not know how to rename.
    """
    family = load(case_dir.parent)
    rng = random.Random(f"{case_dir.parent.name}/{case_dir.name}/{seed}")
    choices = family.sizes(case_dir.name)
    sizes = rng.choice(choices[1:] or choices)
    kernel = (case_dir / "kernel.cu").read_text()
    model, spec = family.build(sizes), family.spec(case_dir.name, sizes)

    inner = _fresh(own_names(tokens(kernel))[0], rng)
    outer = _fresh(_graph_names(model) | _symbols(spec), rng)
    text, lines = renamed_kernel(kernel, inner)
    wanted = expectation(kernel)
    moved = Expectation(wanted.verdict, wanted.what, tuple(lines[n] for n in wanted.lines))
    return _write(out_dir, text, renamed_spec(spec, inner, outer), renamed_model(model, outer), moved)


def small(case_dir: Path, out_dir: Path) -> Path:
    """Writes a case at its smallest sizes, names and comments as they are. Returns `out_dir`."""
    return resized(case_dir, out_dir, load(case_dir.parent).sizes(case_dir.name)[-1])


def resized(case_dir: Path, out_dir: Path, sizes: Sizes) -> Path:
    """Writes a case at the given sizes, names and comments as they are. Returns `out_dir`."""
    family = load(case_dir.parent)
    kernel = (case_dir / "kernel.cu").read_text()
    return _write(out_dir, kernel, family.spec(case_dir.name, sizes), family.build(sizes), expectation(kernel))


def _write(out: Path, kernel: str, spec: Spec, model: onnx.ModelProto, wanted: Expectation) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    (out / "kernel.cu").write_text(kernel)
    (out / "kernel.toml").write_text(spec_text(spec))
    onnx.save(model, out / "model.onnx")
    what = "relation" if wanted.verdict == "proved" else "kind"
    first = wanted.lines[0] if wanted.lines else None
    record = {"verdict": wanted.verdict, what: wanted.what, "line": first, "lines": list(wanted.lines)}
    (out / "expect.json").write_text(json.dumps(record) + "\n")
    return out


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
    """An expression over names (`P + 1`, `ceildiv(N, 256)`, `scale<float, 256>`) with those of `names` replaced."""
    return "".join(names.get(t.text, t.text) if t.kind is Kind.NAME else t.text for t in tokens(text))


# ------------------------------------------------------------------------------------------------ the kernel
def renamed_kernel(kernel: str, names: Names) -> tuple[str, dict[int, int]]:
    """(the text with `names` replaced, comments and empty lines gone but for the first line; old line -> new line)."""
    stream = tokens(kernel)
    fields = own_names(stream)[1]
    rows = "".join(_renamed(stream, fields, names)).split("\n")
    head = kernel.splitlines()[0]
    kept, moved = [head], {1: 1}
    for number, row in enumerate(rows[1:], 2):
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
        member = is_member(solid, len(solid) - 1) and token.text not in fields
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
            case "block" | "shared" | "cooperative" | "fmad":
                new[key] = value
            case "defines":
                new[key] = {inner[macro]: size for macro, size in value.items()}
            case "args":
                new[key] = {inner[name]: _renamed_binding(v, outer) for name, v in value.items()}
            case _:
                raise ValueError(f"spec key `{key}`")
    return new


def _renamed_binding(value: object, outer: Names) -> object:
    match value:
        case str():
            return outer[value]
        case int() | float():
            return value
        case dict():
            return {key: _renamed_field(key, v, outer) for key, v in value.items()}
        case _:
            raise ValueError(f"binding {value!r}")


def _renamed_field(key: str, value: object, outer: Names) -> object:
    match key, value:
        case (("tensor" | "input" | "output" | "symbol"), str()):
            return outer[value]
        case "concat", list():
            return [outer[name] for name in value]
        case (("layout" | "extent" | "zeroed" | "min" | "max" | "type"), _):
            return value
        case _:
            raise ValueError(f"binding key `{key}`")


def _symbols(spec: Spec) -> set[str]:
    return {v["symbol"] for v in spec["args"].values() if isinstance(v, dict) and "symbol" in v}


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
