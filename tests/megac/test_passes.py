"""Each pass fires where it is right, stays away where it is not, and moves no bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from megac import index as ix
from megac.check import Broken, check
from megac.ir import Load, Program, Stage
from megac.layers import names_in_layer
from megac.passes.stages import reads
from megac.printing import index_text, program_text, stage_text

from tests.megac.building import Array, bits, model, node, program, raw, run

RNG = np.random.default_rng(5)


def f32(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def f16(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float16)


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def checked(m: onnx.ModelProto, **given: Array) -> Program:
    """The program, after its bits were compared with those of the graph as it was lowered."""
    p = program(m)
    assert bits(run(p, m, given)) == bits(run(raw(m), m, given))
    return p


def names(p: Program) -> list[str]:
    return [s.name for s in p.stages]


# ------------------------------------------------------------------------------------------------------------ layout
def test_layout_dissolves_into_the_reads_of_what_follows() -> None:
    nodes = [
        node("Reshape", ["x", "s"], ["a"]), node("Transpose", ["a"], ["b"], perm=[1, 0, 2]),
        node("Slice", ["b", "lo", "hi", "ax"], ["c"]), node("Concat", ["c", "c"], ["d"], axis=-1),
        node("Add", ["d", "w"], ["y"]),
    ]  # fmt: skip
    stored = {"s": i64(4, 2, 8), "lo": i64(2), "hi": i64(6), "ax": i64(2), "w": f32(2, 4, 8)}
    p = checked(model(nodes, {"x": ("f32", [4, 16])}, {"y": "f32"}, stored), x=f32(4, 16))
    assert names(p) == ["y"]
    assert [index_text(i) for x in reads(p.stages[0]) if x.tensor == "x" for i in x.index] == ["i1", "i0*8 + i2%4 + 2"]


def test_a_concatenation_is_decided_where_the_range_permits() -> None:
    nodes = [
        node("Concat", ["a", "b"], ["c"], axis=0), node("Slice", ["c", "lo", "hi"], ["d"]), node("Neg", ["d"], ["y"]),
    ]  # fmt: skip
    ins = {"a": ("f32", [3]), "b": ("f32", [5])}
    stored = {"lo": i64(3), "hi": i64(6)}
    p = checked(model(nodes, ins, {"y": "f32"}, stored), a=f32(3), b=f32(5))
    assert {x.tensor for s in p.stages for x in reads(s)} == {"b"}
    stored = {"lo": i64(2), "hi": i64(6)}
    p = checked(model(nodes, ins, {"y": "f32"}, stored), a=f32(3), b=f32(5))
    assert {x.tensor for s in p.stages for x in reads(s)} == {"a", "b"}


def mask_model(compare: str, extra: int = 0) -> onnx.ModelProto:
    """Scores of P + 1 keys with what a comparison of positions lets through."""
    nodes = [
        node("Shape", ["past"], ["p"], start=0, end=1), node("Squeeze", ["p"], ["p0"]), node("Add", ["p0", "one"], ["n"]),
        node("Range", ["zero", "n", "one"], ["keys"]), node("Sub", ["p0", "extra"], ["edge"]),
        node(compare, ["keys", "edge"], ["mask"]),
        node("Where", ["mask", "f0", "low"], ["bias"]), node("Concat", ["past", "new"], ["all"], axis=0),
        node("Add", ["all", "bias"], ["y"]),
    ]  # fmt: skip
    scalars = {n: np.array(v, np.int64) for n, v in (("one", 1), ("zero", 0), ("extra", extra))}
    stored = {**scalars, "f0": np.float16(0), "low": np.float16(-65504)}
    return model(nodes, {"past": ("f16", ["P"]), "new": ("f16", [1])}, {"y": "f16"}, stored)


def test_a_mask_that_lets_all_through_is_a_number_and_is_still_added() -> None:
    for past in (0, 1, 6):
        p = checked(mask_model("LessOrEqual"), past=f16(past), new=np.array([-0.0], np.float16))
    (s,) = p.stages
    assert "+ 0.0)" in stage_text(s)
    assert "65504" not in stage_text(s)
    m = mask_model("LessOrEqual")
    out = run(program(m), m, {"past": np.array([-0.0], np.float16), "new": f16(1)})
    assert not np.signbit(out["y"][0])


@pytest.mark.parametrize(("compare", "extra"), [("Less", 0), ("LessOrEqual", 1), ("GreaterOrEqual", 0)])
def test_a_mask_that_hides_one_position_stays(compare: str, extra: int) -> None:
    for past in (0, 1, 6):
        p = checked(mask_model(compare, extra), past=f16(past), new=f16(1))
    assert "65504" in program_text(p)


def newest(past: int | str, fold: str = "") -> onnx.ModelProto:
    """Scores of a query with keys, the newest of which is made of two elements each, or is a sum."""
    made = [node("Mul", ["k", "turned"], ["new"])] if not fold else [node(fold, ["k", "w"], ["new"])]
    nodes = [
        node("Slice", ["k", "one", "four", "ax"], ["high"]), node("Slice", ["k", "zero", "one", "ax"], ["low"]),
        node("Concat", ["high", "low"], ["turned"], axis=1), *made,
        node("Concat", ["past", "new"], ["present"], axis=0), node("Transpose", ["present"], ["keys"], perm=[1, 0]),
        node("MatMul", ["q", "keys"], ["y"]),
    ]  # fmt: skip
    stored = {"zero": i64(0), "one": i64(1), "four": i64(4), "ax": i64(1), "w": f16(4, 4)}
    ins = {"q": ("f16", [1, 4]), "k": ("f16", [1, 4]), "past": ("f16", [past, 4])}
    return model(nodes, ins, {"y": "f16", "present": "f16"}, stored)


def test_who_reads_a_cache_has_the_newest_row_from_its_stage() -> None:
    """So it waits for nobody who writes the cache."""
    for past, rows in ((5, 5), ("P", 5), ("P", 1), ("P", 0)):
        given = {"q": f16(1, 4), "k": f16(1, 4), "past": f16(rows, 4)}
        scores = next(s for s in checked(newest(past), **given).stages if s.name == "y")
        assert {x.tensor for x in reads(scores)} == {"q", "past", "present.new"}


@pytest.mark.parametrize("past", ["P", 5])
def test_a_row_that_is_a_sum_is_read_from_the_cache(past: int | str) -> None:
    given = {"q": f16(1, 4), "k": f16(1, 4), "past": f16(5, 4)}
    scores = next(s for s in checked(newest(past, "MatMul"), **given).stages if s.name == "y")
    assert "present" in {x.tensor for x in reads(scores)}


# ----------------------------------------------------------------------------------------------------------- sharing
def row_extremes(low: float, high: float, op: str, compare: str) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """y = x + the extreme, along columns, of a mask of positions: `high` where row and column compare, else `low`."""
    nodes = [
        node(compare, ["rows", "columns"], ["seen"]), node("Where", ["seen", "high", "low"], ["mask"]),
        node(op, ["mask", "axis"], ["top"], keepdims=0), node("Add", ["x", "top"], ["y"]),
    ]  # fmt: skip
    stored = {
        "rows": np.arange(8).reshape(8, 1), "columns": np.arange(8).reshape(1, 8), "axis": i64(1),
        "low": np.float32(low), "high": np.float32(high),
    }  # fmt: skip
    return model(nodes, {"x": ("f32", [8])}, {"y": "f32"}, stored), {"x": f32(8)}


@pytest.mark.parametrize(("low", "high", "op", "compare", "gone"), [
    (-np.inf, 0.0, "ReduceMax", "GreaterOrEqual", True),  # of each row the first column
    (-np.inf, 0.0, "ReduceMax", "LessOrEqual", True),  # the last one
    (-1.0, 2.0, "ReduceMin", "Less", True),  # the first one is low
    (-np.inf, 0.0, "ReduceMax", "Greater", False),  # not in row 0
    (-np.inf, 0.0, "ReduceMin", "GreaterOrEqual", False),  # not in the last row
    (-0.0, 0.0, "ReduceMax", "GreaterOrEqual", False),
    (float("nan"), 0.0, "ReduceMax", "GreaterOrEqual", False),
])  # fmt: skip
def test_the_extreme_of_a_row_of_a_mask(low: float, high: float, op: str, compare: str, gone: bool) -> None:
    m, given = row_extremes(low, high, op, compare)
    p = checked(m, **given)
    assert all(s.reduction is None for s in p.stages) == gone


def test_what_is_computed_twice_is_computed_once_unless_a_bit_differs() -> None:
    def twice(second: float) -> Program:
        nodes = [
            node("Mul", ["x", "c"], ["a"]), node("Exp", ["a"], ["e"]), node("Mul", ["x", "d"], ["b"]), node("Exp", ["b"], ["f"]),
            node("ReduceSum", ["e"], ["s"], keepdims=0), node("ReduceMax", ["f"], ["t"], keepdims=0), node("Add", ["s", "t"], ["y"]),
        ]  # fmt: skip
        stored = {"c": np.float32(0.5), "d": np.float32(second)}
        return checked(model(nodes, {"x": ("f32", [5])}, {"y": "f32"}, stored), x=f32(5))

    def powers(p: Program) -> int:
        return sum(stage_text(s).count("exp(") for s in p.stages)

    assert (powers(twice(0.5)), powers(twice(0.25))) == (1, 2)
    assert powers(twice(float(np.nextafter(np.float32(0.5), np.float32(1))))) == 2


# -------------------------------------------------------------------------------------------------------------- cost
def projection(*after: onnx.NodeProto, out: str, **stored: Array) -> Program:
    nodes = [node("MatMul", ["x", "W"], ["r"]), *after]
    m = model(nodes, {"x": ("f16", [1, 6])}, {out: "f16"}, {"W": f16(6, 8), **stored})
    return checked(m, x=f16(1, 6))


def test_what_follows_a_sum_at_the_same_place_is_done_by_it() -> None:
    p = projection(
        node("Add", ["r", "b"], ["t"]), node("Sigmoid", ["t"], ["s"]), node("Mul", ["t", "s"], ["y"]), out="y", b=f16(8)
    )
    assert names(p) == ["y"]
    assert [o.op for o in p.stages[0].origin] == ["MatMul", "Add", "Sigmoid", "Mul"]


def test_what_reads_a_sum_at_two_places_waits_for_it() -> None:
    turn = [node("Slice", ["r", "a", "b", "one"], ["hi"]), node("Slice", ["r", "z", "a", "one"], ["lo"]),
            node("Concat", ["hi", "lo"], ["t"], axis=1), node("Mul", ["t", "r"], ["y"])]  # fmt: skip
    p = projection(*turn, out="y", a=i64(4), b=i64(8), z=i64(0), one=i64(1))
    assert names(p) == ["r", "y"]


def test_a_sum_takes_the_shape_that_its_only_reader_gives_it() -> None:
    heads = [node("Reshape", ["r", "s"], ["h"]), node("Transpose", ["h"], ["y"], perm=[1, 0, 2])]
    p = projection(*heads, out="y", s=i64(1, 2, 4))
    assert stage_text(p.stages[0]).startswith("y[i0<2, i1<4] : f16 = f16(@) where @ = sum[k0<6")
    assert "W[k0, i0*4 + i1]" in stage_text(p.stages[0])


@pytest.mark.parametrize(("op", "stays"), [("Neg", False), ("Exp", True), ("Sqrt", True)])
def test_expensive_work_is_not_done_again_for_each_column(op: str, stays: bool) -> None:
    nodes = [node(op, ["x"], ["a"]), node("MatMul", ["a", "W"], ["y"])]
    p = checked(model(nodes, {"x": ("f32", [1, 6])}, {"y": "f32"}, {"W": f32(6, 8)}), x=abs(f32(1, 6)))
    assert names(p) == (["a", "y"] if stays else ["y"])


def test_a_scale_is_applied_where_it_is_read_and_a_norm_is_kept() -> None:
    nodes = [node("Mul", ["x", "c"], ["a"]), node("MatMul", ["a", "W"], ["y"])]
    stored = {"W": f16(6, 8), "c": np.float16(0.5)}
    p = checked(model(nodes, {"x": ("f16", [1, 6])}, {"y": "f16"}, stored), x=f16(1, 6))
    assert names(p) == ["y"]
    nodes = [node("RMSNormalization", ["x", "g"], ["a"]), node("MatMul", ["a", "W"], ["y"])]
    p = checked(model(nodes, {"x": ("f16", [1, 6])}, {"y": "f16"}, {"W": f16(6, 8), "g": f16(6)}), x=f16(1, 6))
    assert names(p) == ["a.rms", "a", "y"]


def test_gate_and_up_stay_apart() -> None:
    nodes = [node("MatMul", ["x", "G"], ["g"]), node("MatMul", ["x", "U"], ["u"]), node("Mul", ["g", "u"], ["y"])]
    p = checked(model(nodes, {"x": ("f16", [1, 6])}, {"y": "f16"}, {"G": f16(6, 8), "U": f16(6, 8)}), x=f16(1, 6))
    assert names(p) == ["g", "u", "y"]


# ------------------------------------------------------------------------------------------------------------ caches
def cache_model(*nodes: onnx.NodeProto, new: Sequence[int | str] = (1, 2, 1, 4), **stored: Array) -> onnx.ModelProto:
    ins = {"past": ("f16", [1, 2, "P", 4]), "new": ("f16", list(new))}
    return model(nodes, ins, {"present": "f16"}, stored)


JOIN = node("Concat", ["past", "new"], ["present"], axis=2)


def test_a_concatenation_with_the_past_is_an_append() -> None:
    for past in (0, 1, 5):
        p = checked(cache_model(JOIN), past=f16(1, 2, past, 4), new=f16(1, 2, 1, 4))
    (a,) = p.appends
    assert (a.input, a.output, a.axis, index_text(a.position), str(a.count)) == ("past", "present", 2, "P", "1")
    assert p.stages[0].name == a.rows
    assert [str(e) for e in p.stages[0].shape] == ["2", "4"]


def test_several_rows_are_appended_at_once() -> None:
    p = checked(cache_model(JOIN, new=[1, 2, 3, 4]), past=f16(1, 2, 5, 4), new=f16(1, 2, 3, 4))
    (a,) = p.appends
    assert (str(a.count), [str(e) for e in p.stages[0].shape]) == ("3", ["2", "3", "4"])


def test_rows_written_by_position_are_an_append_at_data() -> None:
    nodes = [node("Unsqueeze", ["at", "last"], ["places"]), node("Transpose", ["past"], ["t"], perm=[2, 0, 1, 3]),
             node("ScatterND", ["t", "places", "new"], ["u"]), node("Transpose", ["u"], ["present"], perm=[1, 2, 0, 3])]  # fmt: skip
    ins = {"past": ("f16", [1, 2, 6, 4]), "new": ("f16", [1, 1, 2, 4]), "at": ("i64", [1])}
    m = model(nodes, ins, {"present": "f16"}, {"last": i64(-1)})
    for at in (0, 5):
        p = checked(m, past=f16(1, 2, 6, 4), new=f16(1, 1, 2, 4), at=i64(at))
    (a,) = p.appends
    assert (index_text(a.position), a.axis) == ("<at[0]>", 2)
    assert [(x.tensor, str(x.high)) for x in p.preconditions] == [("at", "5")]


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Concat", ["new", "past"], ["present"], axis=2)],  # the new row comes first
        [node("Neg", ["past"], ["t"]), node("Concat", ["t", "new"], ["present"], axis=2)],  # the past is changed
        [
            node("Transpose", ["past"], ["t"], perm=[0, 1, 2, 3]),
            node("Concat", ["t", "past", "new"], ["present"], axis=2),
        ],
    ],
    ids=["order", "changed", "twice"],
)
def test_what_is_not_the_past_with_new_rows_is_no_append(nodes: list[onnx.NodeProto]) -> None:
    p = checked(cache_model(*nodes), past=f16(1, 2, 3, 4), new=f16(1, 2, 1, 4))
    assert not p.appends


def test_heads_that_change_places_are_no_append() -> None:
    nodes = [node("Gather", ["past", "turn"], ["t"], axis=1), node("Concat", ["t", "new"], ["present"], axis=2)]
    p = checked(cache_model(*nodes, turn=i64(1, 0)), past=f16(1, 2, 3, 4), new=f16(1, 2, 1, 4))
    assert not p.appends


def test_a_past_that_something_else_reads_is_kept() -> None:
    m = cache_model(JOIN, node("ReduceMax", ["past"], ["top"], keepdims=0))
    m.graph.output.append(onnx.helper.make_tensor_value_info("top", onnx.TensorProto.FLOAT16, None))
    p = checked(m, past=f16(1, 2, 3, 4), new=f16(1, 2, 1, 4))
    assert not p.appends


def test_attention_reads_old_keys_beside_the_new_one_and_values_as_one_tensor() -> None:
    nodes = [node("Attention", ["q", "k", "v", "", "pk", "pv"], ["y", "nk", "nv"])]
    ins: dict[str, tuple[str, Sequence[int | str]]] = {n: ("f16", [1, 2, 1, 4]) for n in "qkv"}
    ins |= {n: ("f16", [1, 2, "P", 4]) for n in ("pk", "pv")}
    m = model(nodes, ins, {"y": "f16", "nk": "f16", "nv": "f16"})
    p = checked(m, **{n: f16(1, 2, 1, 4) for n in "qkv"}, **{n: f16(1, 2, 3, 4) for n in ("pk", "pv")})
    read = {x.tensor for s in p.stages for x in reads(s)}
    assert {"nv", "pk", "nk.new"} <= read
    assert not {"nk", "pv"} & read


# ------------------------------------------------------------------------------------------------------------ layers
def stack(count: int, **defect: Any) -> onnx.ModelProto:
    """Layers x + W2 relu(W1 norm(x)), the defect in layer 2."""
    nodes, stored = [node("Mul", ["x", "two"], ["x0"])], {"two": np.float16(2.0), "zero": np.float16(0.0)}
    for n in range(count):
        bad = {**defect} if n == 2 else {}
        width = bad.get("width", 8)
        stored |= {f"g{n}": f16(6), f"a{n}": f16(6, width), f"b{n}": f16(width, 6)}
        weight = bad.get("weight", f"b{n}")
        nodes += [
            node("RMSNormalization", [f"x{bad.get('source', n)}", f"g{n}"], [f"n{n}"], epsilon=bad.get("epsilon", 1e-5)),
            node("MatMul", [f"n{n}", f"a{n}"], [f"h{n}"]), node(bad.get("act", "Relu"), [f"h{n}"], [f"r{n}"]),
            node("MatMul", [f"r{n}", weight], [f"d{n}"]), node("Add", [f"x{bad.get('residual', n)}", f"d{n}"], [f"x{n + 1}"]),
        ]  # fmt: skip
    nodes.append(node("RMSNormalization", [f"x{count}", "g0"], ["y"]))
    return model(nodes, {"x": ("f16", [1, 6])}, {"y": "f16"}, stored)


def test_layers_are_found_with_their_own_weights_and_what_they_hand_on() -> None:
    p = checked(stack(5), x=f16(1, 6))
    r = p.layers
    assert r is not None
    assert (r.count, r.start, len(p.stages)) == (5, 1, 1 + 5 * r.period + 2)
    assert [c.initial for c in r.carried] == ["x0"]
    assert r.carried[0].produced == ("x1", "x2", "x3", "x4", "x5")
    assert {leaf.names for leaf in r.leaves} == {tuple(f"{w}{n}" for n in range(5)) for w in "gab"}
    assert names_in_layer(p, r, 3)["x0"] == "x3"


@pytest.mark.parametrize(
    "defect",
    [{"epsilon": 1e-6}, {"act": "Abs"}, {"width": 10}, {"source": 1}, {"residual": 1}],
    ids=["constant", "operation", "shape", "input", "residual"],
)
def test_a_layer_of_its_own_kind_is_in_no_row_of_layers(defect: dict[str, Any]) -> None:
    p = checked(stack(6, **defect), x=f16(1, 6))
    r = p.layers
    assert r is not None
    own = {"residual": "x3", "act": "r2", "width": "r2", "source": "r2"}.get(next(iter(defect)), "n2.rms")
    place = next(k for k, s in enumerate(p.stages) if s.name == own)
    assert r.count in (3, 4)
    assert place < r.start + r.period  # it stands before the layers, or is the first one with other initial tensors
    assert "x6" in {s.name for s in p.stages[r.start : r.start + r.count * r.period]}


def test_a_weight_that_a_layer_takes_from_another_one_ends_the_row_or_is_its_own_there() -> None:
    p = checked(stack(6, weight="b0"), x=f16(1, 6))
    r = p.layers
    assert r is not None
    assert ("b0", "b1", "b0", "b3", "b4", "b5") in {leaf.names for leaf in r.leaves}


def test_one_layer_is_no_row() -> None:
    assert checked(stack(1), x=f16(1, 6)).layers is None


def test_what_reads_an_inner_layer_afterwards_ends_the_row_there() -> None:
    m = stack(5)
    m.graph.node.append(node("Add", ["y", "x2"], ["z"]))
    m.graph.output[0].name = "z"
    p = checked(m, x=f16(1, 6))
    r = p.layers
    assert r is not None
    assert (r.count, p.stages[r.start + r.period - 1].name) == (3, "x3")
    assert "x2" in {c.initial for c in r.carried}


# ------------------------------------------------------------------------------------------------------------- rules
def broken(p: Program, change: Any) -> Program:
    return replace(p, stages=tuple(change(s) for s in p.stages))


def test_programs_against_the_rules_are_found() -> None:
    p = projection(node("Exp", ["r"], ["e"]), node("ReduceSum", ["e"], ["y"], keepdims=0), out="y")
    assert check(p) is p

    def shifted(s: Stage) -> Stage:
        body = s.body
        if isinstance(body, Load):
            return replace(s, body=replace(body, index=tuple(ix.shifted(i, 1) for i in body.index)))
        return s

    copy = program(model([node("Transpose", ["x"], ["y"])], {"x": ("f16", [3, 2])}, {"y": "f16"}))
    for bad, why in (
        (replace(p, stages=p.stages[::-1]), "not made yet"),
        (replace(p, stages=(*p.stages, p.stages[0])), "made twice"),
        (replace(p, outputs=(replace(p.outputs[0], tensor="r"),)), "is not what"),
        (broken(p, lambda s: replace(s, origin=())), "from no node"),
        (broken(copy, shifted), "outside 0 .. "),
    ):
        with pytest.raises(Broken, match=why):
            check(bad)


def test_layers_that_are_not_alike_are_found() -> None:
    p = program(stack(4))
    r = p.layers
    assert r is not None
    swapped = replace(r, leaves=tuple(replace(leaf, names=leaf.names[:1] + leaf.names[:0:-1]) for leaf in r.leaves))
    with pytest.raises(Broken, match="in layer 1"):
        check(replace(p, layers=swapped))
