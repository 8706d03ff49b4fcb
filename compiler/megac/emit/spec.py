"""The specification beside the kernel: what each parameter holds, for `tv check`."""

from __future__ import annotations

import json

from megac.emit.kernel import kernel_name
from megac.emit.library import THREADS
from megac.ir import Program
from megac.memory.records import Memory, Parameter, Part
from megac.size import Size


def spec_text(p: Program, m: Memory, blocks: int, arch: str, limits: dict[str, int]) -> str:
    lines = [f'kernel = "{kernel_name(p)}"', f"grid = [{blocks}]", f"block = [{THREADS}]", "cooperative = true"]
    lines += [f'arch = "{arch}"', "", "[args]"]
    for x in m.parameters:
        lines.append(f"{x.name} = {_value(x)}")
    symbols = {x.stated: x.symbol for x in m.parameters if x.stated}
    stated = [f"{json.dumps(tensor)} = {json.dumps(symbol)}" for tensor, symbol in symbols.items()]
    stated += [
        f"{json.dumps(c.tensor)} = {{ min = {c.low}, max = {c.high.at(limits)} }}"
        for c in p.preconditions
        if c.tensor not in symbols
    ]
    if stated:
        lines += ["", "[inputs]", *stated]
    return "\n".join(lines) + "\n"


def _value(x: Parameter) -> str:
    if x.symbol:
        return f"{{ symbol = {json.dumps(x.symbol)}, min = 0, max = {x.most} }}"
    if x.element:
        return f"{{ element = {json.dumps(x.element)} }}"
    if x.kind == "workspace":
        return f"{{ extent = {x.extent}{', zeroed = true' if x.zeroed else ''} }}"
    one = x.parts[0]
    if not x.layered and len(x.parts) == 1:
        if one.after:
            return (
                f"{{ input = {json.dumps(one.tensors[0])}, output = {json.dumps(one.after[0])}, "
                f"layout = {json.dumps(layout(one))}, extent = {x.extent} }}"
            )
        if one.order == tuple(range(len(one.order))):
            return json.dumps(one.tensors[0])
        return f"{{ tensor = {json.dumps(one.tensors[0])}, layout = {json.dumps(layout(one))} }}"
    rows = "".join(f"\n    {_part(q)}," for q in x.parts)
    return f"{{ parts = [{rows}\n], extent = {x.extent} }}"


def _part(q: Part) -> str:
    before = json.dumps(list(q.tensors))
    names = f"inputs = {before}, outputs = {json.dumps(list(q.after))}" if q.after else f"tensors = {before}"
    plain = q.order == tuple(range(len(q.order))) and not q.after
    shape = "" if plain else f", layout = {json.dumps(layout(q))}"
    return f"{{ {names}{shape}, offset = {q.offset}, stride = {q.stride} }}"


def layout(q: Part) -> str:
    """Element index to offset: row-major over the dimensions in the part's order, with its capacities."""
    names = [f"i{d}" for d in range(len(q.shape))]
    out = ""
    for d in q.order:
        if q.shape[d] == Size(1):
            continue
        out = names[d] if not out else f"{f'({out})' if ' + ' in out else out} * {q.capacity[d]} + {names[d]}"
    return f"[{', '.join(names)}] -> [{out or '0'}]"
