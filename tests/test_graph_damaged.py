"""Damaged models are refused with a diagnostic: no other exception leaves the front end, whatever is wrong with a file."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import onnx
import pytest
from onnx import helper

from tests import test_graph_operators as operators
from tests import test_graph_rolling as rolling
from tests.graph_running import read_model
from tv.diagnostic import TvError
from tv.graph_frontend.codes import CODES

KINDS = "Add Sub MatMul Gemm Reshape Transpose Concat Slice Split Softmax Gather ReduceSum Cast Where Range Conv Einsum TopK Pad".split()


def damage(m: onnx.ModelProto, r: random.Random) -> None:
    """One change: an operator, an operand, an attribute, a type, a shape, or stored data."""
    n = r.choice(m.graph.node)
    names = (
        [v.name for v in m.graph.input]
        + [t.name for t in m.graph.initializer]
        + [o for q in m.graph.node for o in q.output]
    )
    match r.randrange(7):
        case 0 if n.input:
            n.input[r.randrange(len(n.input))] = r.choice([*names, ""])
        case 1:
            n.op_type = r.choice(KINDS)
        case 2 if n.attribute:
            a = r.choice(n.attribute)
            if a.type == onnx.AttributeProto.INT:
                a.i = r.choice([-9, -1, 0, 1, 5, 2**40])
            elif a.type == onnx.AttributeProto.INTS:
                a.ints[:] = [r.choice([-5, 0, 1, 7]) for _ in range(r.randint(0, 4))]
            else:
                n.attribute.remove(a)
        case 3:
            n.attribute.append(
                helper.make_attribute(
                    r.choice(["axis", "axes", "keepdims", "to", "perm"]), r.choice([1, -1, [0, 1], "a", 1.5])
                )
            )
        case 4 if m.graph.input:
            t = r.choice(m.graph.input).type.tensor_type
            if t.shape.dim and r.random() < 0.6:
                r.choice(t.shape.dim).dim_value = r.choice([0, 1, 2, 7, 2**62, -1])
            else:
                t.elem_type = r.choice([1, 10, 7, 9, 16, 8, 0, 99, 17])
        case 5 if m.graph.initializer:
            t = r.choice(m.graph.initializer)
            if r.random() < 0.5:
                t.dims[:] = [r.choice([0, 1, 2, 3]) for _ in range(r.randint(0, 3))]
            else:
                t.data_type = r.choice([1, 7, 6, 10, 9])
        case _:
            n.input.extend([r.choice(names)])


def outcome(path: Path) -> str:
    """`read`, or the code of the diagnostic; any other exception is the test's failure."""
    try:
        read_model(path)
    except TvError as e:
        return e.code if e.message else "a diagnostic without words"
    return "read"


@pytest.mark.parametrize("checked", [True, False])
def test_damaged_models(checked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where onnx's checker would have let the damage pass."""
    if not checked:
        monkeypatch.setattr(onnx.checker, "check_model", lambda m: None)
    r = random.Random(11)
    clean = [operators.model_of(c)[0] for c in operators.CASES] + [rolling.decoder(3)] * 30
    seen: Counter[str] = Counter()
    path = tmp_path / "m.onnx"
    for _ in range(250):
        m = onnx.ModelProto()
        m.CopyFrom(r.choice(clean))
        for _ in range(r.randint(1, 2)):
            damage(m, r)
        path.write_bytes(m.SerializeToString())
        seen[outcome(path)] += 1
    assert set(seen) <= {"read", *CODES}
    assert seen["read"] > 10
    assert len(seen) > (2 if checked else 4)
