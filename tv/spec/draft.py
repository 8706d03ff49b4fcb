"""`tv init`: a specification to fill in. What follows from the files is written, what has to be chosen says `# choose`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

from tv.kernel import Kernel, Module, Parameter
from tv.source import Span
from tv.spec import guess
from tv.spec.arguments import Argument, Plain
from tv.spec.border import Border, border
from tv.spec.fit import fits, integer_range
from tv.spec.launches import host_launch
from tv.spec.model_signature import ModelSignature, TensorSignature


def draft(module: Module, model: ModelSignature, kernel_path: str) -> str:
    """TOML text, with every kernel of the file and for each parameter what it could be."""
    where = border(model, (), (), Span("", 0))
    several = len(module.kernels) > 1
    lines = [f"# How {kernel_path} is launched, and how its parameters hang on {model.path}.", *_model(where), ""]
    for kernel in module.kernels.values():
        lines += ["[[launch]]" if several else "", *_launch(module, kernel)]
        lines += ["", "[launch.args]" if several else "[args]", *_args(module, kernel, where, model), ""]
    lines += _dimensions(where)
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"


def _model(where: Border) -> list[str]:
    groups = (("inputs", where.inputs), ("initializers", where.initializers), ("outputs", where.outputs))
    return [f"# {name}: {', '.join(_tensor(t) for t in tensors) or 'none'}" for name, tensors in groups]


def _tensor(t: TensorSignature) -> str:
    shape = "?" if t.shape is None else ", ".join(str(d) or "?" for d in t.shape)
    return f"{t.name} {t.element}[{shape}]"


def _launch(module: Module, kernel: Kernel) -> list[str]:
    host = host_launch(module, kernel.name)
    grid = None if host is None else host.grid
    block = None if host is None else host.block
    shared = None if host is None else host.shared
    lines = [f"kernel = {json.dumps(kernel.name)}"]
    lines.append(f"grid = {_list(grid)}" if grid else "# grid = [1, 1, 1]  # choose: blocks")
    lines.append(
        f"block = {_list(block)}" if block else f"# block = [{kernel.max_threads or 256}, 1, 1]  # choose: threads"
    )
    if "dynamic_shared" in kernel.objects:
        lines.append(f"shared = {shared}" if shared else "shared = 0  # choose: bytes of dynamic shared memory")
    return lines


def _list(values: tuple[int, int, int]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _args(module: Module, kernel: Kernel, where: Border, model: ModelSignature) -> list[str]:
    literal = guess.from_host(kernel, host_launch(module, kernel.name))
    pointers = [p for p in kernel.parameters if p.pointee is not None and guess.by_name(p, where) is None]
    named = {p.name for p in kernel.parameters} - {p.name for p in pointers}
    before = [t for t in (*where.inputs, *where.initializers) if t.name not in named]
    guessed = guess.by_position(pointers, before, [t for t in where.outputs if t.name not in named])
    return [_argument(p, literal, guessed, where, model) for p in kernel.parameters]


def _argument(
    p: Parameter, literal: dict[str, Argument], guessed: dict[str, str], where: Border, model: ModelSignature
) -> str:
    key = _key(p.name)
    if p.pointee is None:
        number = _number(p, literal, where)
        return f"# {key} = {number}" if "# choose" in number else f"{key} = {number}"
    candidates = list(_candidates(p, where))
    if p.entries is not None:
        return (
            f"{key} = {json.dumps(_row(candidates, p.entries))}  # choose: {'; '.join(_tensor(t) for t in candidates)}"
        )
    if guess.by_name(p, where) is not None:
        return f"{key} = {json.dumps(p.name)}"
    chosen = guessed.get(p.name) or (candidates[0].name if len(candidates) == 1 else "")
    what = "; ".join(f"{_tensor(t)}{_uses(t, model)}" for t in candidates)
    kind = "" if candidates else f"  # no tensor is {p.pointee.label}: scratch is {{ extent = 1024 }}"
    return f"{key} = {json.dumps(chosen)}  # choose: {what}" if candidates else f'{key} = ""{kind}'


def _key(name: str) -> str:
    """The key of a parameter; of a struct's field `p.fields.x`."""
    parts = [part if part.isidentifier() else json.dumps(part) for part in name.split(".")]
    return ".fields.".join(parts)


def _row(candidates: list[TensorSignature], most: int) -> list[str]:
    """Tensors for a table: those of the shape that most have."""
    shapes = Counter(t.shape for t in candidates)
    common = shapes.most_common(1)[0][0] if shapes else None
    return [t.name for t in candidates if t.shape == common][: most or None]


def _candidates(p: Parameter, where: Border) -> Iterable[TensorSignature]:
    outputs = () if p.readonly else where.outputs
    for t in (*where.inputs, *where.initializers, *outputs):
        if p.pointee is not None and fits(p.pointee, t.element):
            yield t


def _uses(t: TensorSignature, model: ModelSignature) -> str:
    nodes = model.uses.get(t.name, ())
    return f" ({', '.join(nodes[:3])}{', ...' if len(nodes) > 3 else ''})" if nodes else ""


def _number(p: Parameter, literal: dict[str, Argument], where: Border) -> str:
    found = literal.get(p.name)
    if isinstance(found, Plain):
        return repr(found.value)
    if p.type is not None and not p.type.is_float:
        low, high = integer_range(p.type)
        dims = where.dimension_names()
        name = _symbol(dims[0]) if dims else p.name.rpartition(".")[2].upper()
        symbol = f'{{ symbol = "{name}", min = {max(low, 1)}, max = {min(high, 4096)} }}'
        return f"0  # choose: a number, or {symbol}"
    return "0.0  # choose"


def _dimensions(where: Border) -> list[str]:
    dims = where.dimension_names()
    if not dims:
        return []
    lines = [
        "# Open dimensions need a range, here or at a parameter: n = { symbol = ..., dim = ..., min = ..., max = ... }"
    ]
    return [*lines, "[symbols]", *(_dimension(d) for d in dims)]


def _dimension(dim: str) -> str:
    name = _symbol(dim)
    tie = "" if name == dim else f", dim = {json.dumps(dim)}"
    return f"{name} = {{ min = 1, max = 4096{tie} }}  # choose"


def _symbol(dim: str) -> str:
    plain = re.sub(r"\W", "_", dim)
    return f"d_{plain}" if plain[:1].isdigit() else plain
