"""Each operator's rule against onnx's reference evaluator, and what is refused."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from megac.errors import CompileError
from megac.lower.registry import operators
from onnx import numpy_helper

from tests.megac.building import Array, bits, model, node, program, raw, reference, run

RNG = np.random.default_rng(3)
KINDS = {np.dtype(np.float16): "f16", np.dtype(ml_dtypes.bfloat16): "bf16", np.dtype(np.float32): "f32",
         np.dtype(np.int64): "i64", np.dtype(np.int32): "i32", np.dtype(np.bool_): "bool"}  # fmt: skip


def floats(*shape: int, t: Any = np.float32) -> Array:
    return RNG.standard_normal(shape).astype(t)


def whole(*values: Any) -> Array:
    return np.array(values if len(values) != 1 else values[0], dtype=np.int64)


def one(
    op: str,
    data: list[Array | None],
    stored: list[Array] | None = None,
    outs: int = 1,
    opset: int = 23,
    **attributes: Any,
):
    """A model of one operator on data, then stored operands; with its inputs."""
    stored = stored or []
    names = ["" if a is None else f"x{k}" for k, a in enumerate(data)] + [f"w{k}" for k in range(len(stored))]
    outputs = [f"y{k}" for k in range(outs)]
    given = {f"x{k}": a for k, a in enumerate(data) if a is not None}
    kinds = {n: (KINDS[a.dtype], a.shape) for n, a in given.items()}
    types = dict.fromkeys(outputs, "f32")  # of outputs the graph's own types count
    m = model([node(op, names, outputs, **attributes)], kinds, types, {f"w{k}": a for k, a in enumerate(stored)}, opset)
    return m, given


X, Y = floats(3, 4), floats(3, 4)
H = floats(2, 6, t=np.float16)
B = RNG.random((3, 4)) < 0.5
EXACT = [
    ("Add", [X, floats(4)], [], {}), ("Sub", [X, Y], [], {}), ("Mul", [H, floats(6, t=np.float16)], [], {}),
    ("Div", [X, Y], [], {}), ("Neg", [X], [], {}), ("Abs", [X], [], {}), ("Sqrt", [abs(X)], [], {}),
    ("Reciprocal", [X], [], {}), ("Floor", [X * 3], [], {}), ("Ceil", [X * 3], [], {}), ("Round", [X * 3], [], {}),
    ("Max", [X, Y], [], {}), ("Min", [X, Y, floats(4)], [], {}), ("Relu", [X], [], {}), ("Sum", [X, Y, X], [], {}),
    ("Less", [X, Y], [], {}), ("GreaterOrEqual", [X, Y], [], {}), ("Equal", [X, X], [], {}), ("IsNaN", [X], [], {}),
    ("Where", [B, X, Y], [], {}), ("And", [B, ~B], [], {}), ("Xor", [B, B[:1]], [], {}), ("Not", [B], [], {}),
    ("Cast", [X], [], {"to": 10}), ("Cast", [H], [], {"to": 1}), ("Cast", [whole(range(5))], [], {"to": 10}),
    ("Cast", [X * 9], [], {"to": 7}), ("Cast", [B], [], {"to": 1}), ("Pow", [X], [np.float32(2)], {}),
    ("Clip", [X], [np.float32(-0.5), np.float32(0.5)], {}), ("Mod", [whole(7, -7, 5)], [whole(3)], {}),
    ("Reshape", [floats(2, 3, 4)], [whole(4, -1)], {}), ("Reshape", [floats(2, 6)], [whole(0, 3, 2)], {}),
    ("Flatten", [floats(2, 3, 4)], [], {"axis": 2}), ("Transpose", [floats(2, 3, 4)], [], {"perm": [2, 0, 1]}),
    ("Squeeze", [floats(1, 3, 1)], [whole([0])], {}), ("Unsqueeze", [X], [whole(0, -1)], {}),
    ("Expand", [floats(3, 1)], [whole(2, 3, 5)], {}), ("Tile", [X], [whole(2, 3)], {}),
    ("Slice", [floats(6, 5)], [whole([1]), whole([-1]), whole([0]), whole([2])], {}),
    ("Slice", [floats(6, 5)], [whole(0, -3), whole(2, 2**63 - 1), whole(0, 1)], {}),
    ("Concat", [X, Y, X], [], {"axis": -1}), ("Concat", [X, X], [], {"axis": 0}),
    ("Gather", [X, whole([2, 0])], [], {"axis": 0}), ("Gather", [X], [whole([[-1, 0], [1, 2]])], {"axis": 1}),
    ("GatherElements", [X, whole([[0, 1, 2, 0]])], [], {}), ("GatherND", [X, whole([[2, 1], [0, 3]])], [], {}),
    ("ScatterND", [X, whole([[2], [0]]), Y[:2]], [], {}), ("ScatterND", [X, whole([[1], [1]]), Y[:2]], [], {}),
    ("Trilu", [floats(4, 5)], [np.array(1, np.int64)], {"upper": 0}), ("Identity", [X], [], {}),
    ("ReduceMax", [X], [whole([1])], {}), ("ReduceMin", [X], [], {"keepdims": 0}),
    ("ArgMax", [X], [], {"axis": 1}), ("ArgMin", [np.round(X)], [], {"axis": 0, "keepdims": 0}),
]  # fmt: skip
EXACT += [
    ("Shape", [X], [], {"start": -1}), ("Size", [X], [], {}), ("ConstantOfShape", [], [whole(2, 3)], {}),
    ("Range", [], [np.array(v, np.int64) for v in (1, 9, 3)], {}), ("Split", [floats(2, 7)], [], {"axis": 1, "num_outputs": 3, "outs": 3}),
    ("Split", [floats(5, 2)], [whole(1, 4)], {"outs": 2}), ("CastLike", [X, H], [], {}), ("IsInf", [np.where(X > 1, np.float32(np.inf), X)], [], {}),
    ("Or", [B, ~B[:, :1]], [], {}), ("LessOrEqual", [H, H[:1]], [], {}), ("Greater", [X, Y], [], {}), ("Dropout", [X], [], {}),
    ("ReduceProd", [], [whole(2, 3, 4)], {"keepdims": 0}), ("Constant", [], [], {"value_ints": [3, 1, 4]}),
    ("Constant", [], [], {"value_float": 0.1}), ("Constant", [], [], {"value": numpy_helper.from_array(X)}),
    ("TensorScatter", [floats(1, 2, 6, 4), floats(1, 2, 2, 4), whole([3])], [], {"opset": 24}),
    ("TensorScatter", [floats(1, 2, 6, 4), floats(1, 2, 1, 4), whole([5])], [], {"opset": 24}),
]  # fmt: skip
CLOSE = [
    ("Exp", [H], [], {}), ("Log", [abs(X)], [], {}), ("Sin", [X], [], {}), ("Cos", [H], [], {}), ("Tanh", [X], [], {}),
    ("Erf", [X], [], {}), ("Sigmoid", [X], [], {}), ("Gelu", [X], [], {}), ("Gelu", [X], [], {"approximate": "tanh"}),
    ("Pow", [abs(X), Y], [], {}), ("Pow", [X], [np.float32(3)], {}), ("Swish", [X], [], {"alpha": 1.5, "opset": 24}),
    ("MatMul", [floats(2, 3, 4), floats(4, 5)], [], {}), ("MatMul", [floats(4), floats(2, 4, 3)], [], {}),
    ("MatMul", [H, floats(6, 3, t=np.float16)], [], {}),
    ("Gemm", [X, floats(5, 4), floats(5)], [], {"transB": 1, "alpha": 0.5, "beta": 2.0}), ("Gemm", [X, Y], [], {"transA": 1}),
    ("ReduceSum", [X], [whole([0])], {}), ("ReduceMean", [H], [whole([-1])], {}), ("ReduceL2", [X], [], {}),
    ("ReduceSumSquare", [X], [whole([1])], {"keepdims": 0}), ("ReduceL1", [X], [whole([1])], {}),
    ("Softmax", [H], [], {}), ("Softmax", [X], [], {"axis": 0}), ("LogSoftmax", [X], [], {}),
    ("LayerNormalization", [X, floats(4), floats(4)], [], {}), ("RMSNormalization", [H, floats(6, t=np.float16)], [], {}),
    ("LpNormalization", [X], [], {"p": 2, "axis": 0}),
    ("RotaryEmbedding", [floats(1, 4, 3, 8), floats(1, 3, 4), floats(1, 3, 4)], [], {}),
    ("RotaryEmbedding", [floats(1, 3, 16), floats(1, 3, 4), floats(1, 3, 4)], [], {"num_heads": 2, "interleaved": 1}),
    ("RotaryEmbedding", [floats(1, 2, 3, 8), floats(9, 2), floats(9, 2), whole([[1, 4, 8]])], [], {"rotary_embedding_dim": 4}),
    ("Attention", [floats(1, 4, 3, 8), floats(1, 2, 5, 8), floats(1, 2, 5, 6)], [], {}),
    ("Attention", [floats(1, 2, 3, 8), floats(1, 2, 3, 8), floats(1, 2, 3, 8)], [], {"is_causal": 1, "scale": 0.3}),
    ("Attention", [floats(1, 2, 3, 8), floats(1, 2, 5, 8), floats(1, 2, 5, 8), RNG.random((3, 5)) < 0.3], [], {}),
    ("Attention", [floats(1, 2, 3, 8), floats(1, 2, 5, 8), floats(1, 2, 5, 8), floats(3, 5)], [], {"softcap": 3.0}),
    ("Attention", [floats(1, 1, 16), floats(1, 1, 8), floats(1, 1, 8), None, floats(1, 2, 4, 4), floats(1, 2, 4, 4)], [],
     {"q_num_heads": 4, "kv_num_heads": 2, "outs": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "data", "stored", "attributes"), EXACT, ids=lambda v: v if isinstance(v, str) else "")
def test_an_operator_that_rounds_at_most_once_has_the_references_bits(op, data, stored, attributes) -> None:
    m, given = one(op, data, stored, **attributes)
    want = reference(m, given)
    for p in (raw(m), program(m)):
        assert bits(run(p, m, given)) == bits(want)


@pytest.mark.parametrize(("op", "data", "stored", "attributes"), CLOSE, ids=lambda v: v if isinstance(v, str) else "")
def test_a_sum_or_a_function_is_near_the_reference_and_no_pass_moves_a_bit(op, data, stored, attributes) -> None:
    m, given = one(op, data, stored, **attributes)
    want, got = reference(m, given), run(raw(m), m, given)
    for name, expected in want.items():
        assert got[name].shape == expected.shape
        assert got[name].dtype == expected.dtype
        tolerance = 4e-3 if expected.dtype == np.float16 else 2e-6
        np.testing.assert_allclose(got[name].astype(np.float64), expected.astype(np.float64), tolerance, tolerance)
    assert bits(run(program(m), m, given)) == bits(got)


def test_top_k_takes_the_first_of_equals_and_orders_them() -> None:
    x = np.array([[3, 1, 3, 2, 3], [0, 0, -1, 5, 0]], np.float32)
    for largest, places in ((1, [[0, 2, 4], [3, 0, 1]]), (0, [[1, 3, 0], [2, 0, 1]])):
        m, given = one("TopK", [x], [whole([3])], outs=2, largest=largest)
        got = run(program(m), m, given)
        assert got["y1"].tolist() == places
        assert got["y0"].tolist() == np.take_along_axis(x, np.array(places), 1).tolist()


def test_rounding_of_16_bit_types() -> None:
    """Products of a contraction are not rounded, a plain product is; sums stay wide until the end."""
    x = np.full((1, 4096), 1.0009765625, np.float16)
    m, given = one("MatMul", [x, x.T.copy()])
    assert run(program(m), m, given)["y0"].item() == np.float16(4096 * 1.0009765625**2)
    m, given = one("Mul", [x[0, :1], x[0, :1]])
    assert run(program(m), m, given)["y0"].item() == np.float16(1.0009765625) * np.float16(1.0009765625)
    m, given = one("ReduceMean", [np.full((1, 4096), 30.0, np.float16)])
    assert run(program(m), m, given)["y0"].item() == 30.0
    a, b, c, d = (np.float16(v) for v in (0.813, 0.913, 0.607, 0.729))
    m, given = one("RotaryEmbedding", [np.array([[[[a, b]]]]), np.array([[[c]]]), np.array([[[d]]])])
    wide = [np.float32(v) for v in (a, b, c, d)]
    once = np.float16(wide[2] * wide[0] - wide[3] * wide[1])
    assert once != c * a - d * b
    assert run(program(m), m, given)["y0"].ravel()[0] == once


def test_bfloat16_rounds_to_nearest_even() -> None:
    x = np.array([1.0, 1.0], ml_dtypes.bfloat16)
    y = np.array([2**-8, 3 * 2**-8], ml_dtypes.bfloat16)  # halves of the last place: to even, down and up
    m, given = one("Add", [x, y])
    assert run(program(m), m, given)["y0"].astype(np.float32).tolist() == [1.0, 1.015625]


REFUSED = [
    ("NonZero", [X], [], {}, "no rule"),
    ("CumSum", [X], [whole(0)], {}, "no rule"),
    ("Mod", [X, Y], [], {"fmod": 1}, "on floats"),
    ("Gemm", [X, Y], [], {}, "no product"),
    ("Add", [X, X.astype(np.float16)], [], {}, "types f16, f32"),
    ("Reshape", [X, whole([12])], [], {}, "is data where a shape"),
    ("Reshape", [X], [whole([5, 3])], {}, "does not become"),
    ("Slice", [X], [whole([3]), whole([0]), whole([0]), whole([-1])], {}, "goes backwards"),
    ("Squeeze", [X], [whole([0])], {}, "other than 1"),
    ("Transpose", [X], [], {"perm": [0, 0]}, "permutation"),
    ("Expand", [X], [whole([5])], {}, "do not broadcast"),
    ("Concat", [X, floats(3, 5)], [], {"axis": 0}, "do not join"),
    ("Gather", [X], [whole([3])], {"axis": 0}, "outside an extent"),
    ("ScatterND", [X, whole([[0]]), Y[:1]], [], {"reduction": "add"}, "combines"),
    ("ScatterND", [floats(20, 2), whole([[k] for k in range(17)]), floats(17, 2)], [], {}, "17 slices"),
    ("TopK", [X], [whole([5])], {"outs": 2}, "takes 5 of 4"),
    ("TopK", [X, whole([2])], [], {"outs": 2}, "is data"),
    ("LayerNormalization", [X, floats(4)], [], {"outs": 2}, "statistics"),
    ("Attention", [floats(1, 4, 3, 8), floats(1, 3, 5, 8), floats(1, 3, 5, 8)], [], {}, "do not share"),
    ("Attention", [floats(1, 1, 9), floats(1, 1, 8), floats(1, 1, 8)], [], {"q_num_heads": 2, "kv_num_heads": 2}, "heads"),
    ("RotaryEmbedding", [floats(1, 4, 3, 8), floats(1, 3, 3), floats(1, 3, 3)], [], {}, "another width"),
    ("Cast", [X], [], {"to": 16, "round_mode": "up"}, "attribute `round_mode`"),
    ("Softmax", [X], [], {"axis": 5}, "axis 5"),
    ("Swish", [X], [], {"opset": 23}, "no such operator"),
    ("Relu", [X, Y], [], {}, "it has 2 inputs"),
    ("RotaryEmbedding", [floats(1, 4, 3, 8), floats(1, 2, 4), floats(1, 2, 4)], [], {}, "do not broadcast"),
    ("Attention", [floats(1, 4, 3, 8), floats(1, 4, 5, 8), floats(1, 4, 6, 8)], [], {}, "not those of its values"),
    ("Attention", [floats(1, 4, 3, 8)] * 3 + [RNG.random((2, 5)) < 0.5], [], {}, "do not broadcast"),
    ("Attention", [floats(1, 4, 3, 8)] * 3, [], {"scale": -1.0}, "is negative"),
    ("Gemm", [X, floats(4, 2)], [], {"alpha": float("nan")}, "`alpha` is nan"),
    ("Trilu", [floats(4)], [], {}, "no matrix"),
    ("Range", [], [whole([1, 2]), np.array(9), np.array(3)], {}, "2 elements where one is due"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "data", "stored", "attributes", "why"), REFUSED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_has_no_meaning_here_is_refused_with_its_node(op, data, stored, attributes, why) -> None:
    m, _ = one(op, data, stored, **attributes)
    m.graph.node[0].name = "culprit"
    with pytest.raises(CompileError, match=why) as e:
        program(m)
    assert (e.value.node, e.value.op) == ("culprit", op)
    assert e.value.text().startswith(f"error: node `culprit` ({op}): ")


def test_an_index_computed_from_data_is_refused() -> None:
    nodes = [node("Sub", ["at", "one"], ["before"]), node("Gather", ["table", "before"], ["y"])]
    m = model(nodes, {"at": ("i64", [1])}, {"y": "f32"}, {"one": whole([1]), "table": floats(4, 2)})
    with pytest.raises(CompileError, match="nothing says that it is in range"):
        program(m)


def test_places_that_the_graph_writes_down_are_in_range_or_refused() -> None:
    table = floats(4, 2)
    for places, fits in (([[0], [3], [1]], True), ([[0], [4], [1]], False)):
        m, given = one("GatherND", [], [table, np.array(places, np.int64)])
        if fits:
            assert bits(run(program(m), m, given)) == bits(reference(m, given))
            continue
        with pytest.raises(CompileError, match="nothing says that it is in range"):
            program(m)


def test_an_input_that_is_an_index_has_its_range_as_a_precondition() -> None:
    nodes = [node("Cast", ["at"], ["wide"], to=7), node("Gather", ["table", "wide"], ["y"])]
    p = program(model(nodes, {"at": ("i32", [3])}, {"y": "f32"}, {"table": floats(4, 2)}))
    assert [(x.tensor, x.low, str(x.high)) for x in p.preconditions] == [("at", 0, "3")]


def test_every_operator_with_a_rule_is_tried_here() -> None:
    names = operators()
    assert list(names) == sorted(set(names))
    assert set(names) == {case[0] for case in (*EXACT, *CLOSE)} | {"TopK"}
