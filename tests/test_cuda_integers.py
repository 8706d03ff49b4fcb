"""Types and values of integer constant expressions against a table that a C compiler wrote."""

from __future__ import annotations

import json
from pathlib import Path

from tv.cuda_frontend import read
from tv.cuda_frontend.fold import int_value
from tv.kernel import Assign, Convert, walk
from tv.launch import CompileOptions

TABLE = json.loads((Path(__file__).parent / "data" / "c_integer_rules.json").read_text())


def test_every_expression_has_the_compilers_type_and_value() -> None:
    lines = "\n".join(f"{{ auto v = {e}; y[{i}] = v; }}" for i, (e, _, _) in enumerate(TABLE))
    module = read(
        Path("rules.cu"), f"__global__ void k(long long* y) {{\n{lines}\n}}\n", CompileOptions(), frontend="c"
    )
    found = [s for s in walk(module.kernels["k"].body) if isinstance(s, Assign) and s.var.name.split(".")[0] == "v"]
    assert len(found) == len(TABLE) > 1000
    wrong = []
    for (text, kind, number), s in zip(TABLE, found, strict=True):
        value = s.value.a if isinstance(s.value, Convert) else s.value
        if s.var.type.label != kind or int_value(value) != number:
            wrong.append((text, kind, number, s.var.type.label, s.value))
    assert not wrong, wrong[:5]
