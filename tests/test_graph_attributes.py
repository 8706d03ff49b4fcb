"""No attribute is ignored: whatever value it is given, a model means what onnx's reference computes, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import AttributeProto, defs, helper

from tests.graph_running import run
from tests.test_graph_operators import CASES, Case, model_of, same
from tv.diagnostic import TvError
from tv.graph_frontend import operators

A = AttributeProto
OTHER: dict[int, tuple[Any, ...]] = {
    A.INT: (0, 1, 2, -1), A.FLOAT: (0.25, 1.5), A.INTS: ([1], [0], [2, 2], [1, 0, 1, 0]), A.FLOATS: ([0.5],),
    A.STRING: ("max", "add", "LEFT", "RIGHT", "SAME_UPPER", "VALID", "tanh", "reflect", "unheard_of"), A.STRINGS: (["a"],),
}  # fmt: skip
FIRST_OPSET = 13
# Of onnx's reference: what its text leaves open, or what it computes otherwise than its text says.
APART = {
    ("MaxPool", "ceil_mode"), ("AveragePool", "ceil_mode"), ("MaxPool", "auto_pad"), ("AveragePool", "auto_pad"), ("Conv", "auto_pad"),
    ("LpNormalization", "p"),
}  # fmt: skip


def changes() -> list[tuple[Case, str, Any, int]]:
    """Each case of a supported operator with one attribute of its schemas set, at the newest opset that has it."""
    newest = defs.onnx_opset_version()
    found: dict[tuple[str, str], tuple[Case, int]] = {}
    for case in CASES:
        for opset in range(newest, FIRST_OPSET - 1, -1):
            schema = defs.get_schema(case[1], opset) if defs.has(case[1], opset, "") else None
            for name in schema.attributes if schema is not None else ():
                found.setdefault((case[1], name), (case, opset))
    out = []
    for (op, name), (case, opset) in found.items():
        kind = defs.get_schema(op, opset).attributes[name].type.value
        out += [(case, name, v, opset) for v in OTHER.get(kind, ())]
    return out


def outcome(case: Case, name: str, value: Any, opset: int, folder: Path) -> str:
    """`refused`, `same`, or `open` where the reference has no answer either."""
    changed: Case = (*case[:4], {**case[4], name: value}, *case[5:])  # type: ignore[assignment]
    try:
        model, feeds, want = model_of(changed, min(opset, 25))
    except Exception:  # noqa: BLE001  (onnx refuses it in ways of its own)
        return "open"
    path = folder / "m.onnx"
    onnx.save(model, path)
    try:
        got = run(path, model, feeds)
    except TvError:
        return "refused"
    for output, w in want.items():
        same(got[output], w, max(case[6], 1e-5))
    return "same"


# Of these every changed value is malformed; other equations and permutations are in test_graph_operators.py.
MALFORMED = {"Einsum", "Transpose"}


@pytest.mark.parametrize("op", sorted({c[1] for c in CASES}))
def test_every_attribute_is_meant_or_refused(op: str, tmp_path: Path) -> None:
    seen = set[str]()
    for case, name, value, opset in changes():
        if case[1] == op and (op, name) not in APART:
            try:
                seen.add(outcome(case, name, value, opset, tmp_path))
            except AssertionError as e:
                raise AssertionError(f"{op} with {name} = {value!r} at opset {opset}") from e
    assert (seen == {"open"}) == (op in MALFORMED), f"the reference answers no change of {op}: nothing was compared"


def test_attributes_that_no_schema_has_are_refused(tmp_path: Path) -> None:
    for case in CASES:
        model, feeds, _ = model_of(case)
        model.graph.node[0].attribute.append(helper.make_attribute("unheard_of", 1))
        onnx.save(model, tmp_path / "m.onnx")
        with pytest.raises(TvError):
            run(tmp_path / "m.onnx", model, feeds)


def test_all_of_the_table_is_looked_at() -> None:
    assert len({c[1] for c in CASES}) > 90
    assert {c[1] for c in CASES} <= operators().keys()
