"""Repeated layers denoted once mean what they mean one by one; stretches that are not alike are never rolled as if they were."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

from tests.graph_running import expected, from_bits, model_of, read_model, save, to_bits, values_of
from tv.graph import Graph
from tv.graph_frontend import describe

node = helper.make_node
F32 = np.float32
D, H = 4, 6


def weight(rng: np.random.Generator, *shape: int) -> Any:
    return rng.integers(-2, 3, shape).astype(F32)


def decoder(layers: int, *, past: bool = True) -> onnx.ModelProto:
    """An embedding-like start, `layers` blocks with caches, a head: x -> y, past.l -> present.l."""
    rng = np.random.default_rng(3)
    nodes = [node("Mul", ["x", "start"], ["h0"], "start"), node("Neg", ["bias"], ["shared"], "shared")]
    stored: dict[str, Any] = {"start": weight(rng, D)}
    inputs: dict[str, Any] = {"x": (T.FLOAT, [1, D]), "bias": (T.FLOAT, [D])}
    outputs: dict[str, Any] = {"y": (T.FLOAT, [1, 2])}
    for k in range(layers):
        stored |= {f"up.{k}": weight(rng, D, H), f"down.{k}": weight(rng, H, D), f"eps.{k}": np.array(0.5, F32)}
        nodes += [
            node("Add", [f"h{k}", "shared"], [f"a{k}"], f"l{k}/add"),
            node("MatMul", [f"a{k}", f"up.{k}"], [f"b{k}"], f"l{k}/up"),
            node("Relu", [f"b{k}"], [f"c{k}"], f"l{k}/relu"),
            node("Mul", [f"c{k}", f"eps.{k}"], [f"e{k}"], f"l{k}/scale"),
            node("MatMul", [f"e{k}", f"down.{k}"], [f"d{k}"], f"l{k}/down"),
        ]
        if past:
            inputs[f"past.{k}"] = (T.FLOAT, ["P", D])
            outputs[f"present.{k}"] = (T.FLOAT, [None, D])
            stored["axis"] = np.array([0], np.int64)
            nodes += [
                node("Concat", [f"past.{k}", f"d{k}"], [f"present.{k}"], f"l{k}/cache", axis=0),
                node("ReduceSum", [f"present.{k}", "axis"], [f"s{k}"], f"l{k}/sum"),
            ]
        nodes.append(node("Add", [f"h{k}", f"s{k}" if past else f"d{k}"], [f"h{k + 1}"], f"l{k}/residual"))
    stored["head"] = weight(rng, D, 2)
    nodes.append(node("MatMul", [f"h{layers}", "head"], ["y"], "head"))
    return model_of(nodes, inputs, outputs, stored)


def feeds_of(model: onnx.ModelProto, p: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    out = {}
    for v in model.graph.input:
        shape = [d.dim_value or p for d in v.type.tensor_type.shape.dim]
        out[v.name] = rng.integers(-2, 3, shape).astype(F32)
    return out


def agree(model: onnx.ModelProto, folder: Path, layers: int) -> Graph:
    """Rolled, unrolled and reference values of every output are the same bits; the rolled graph has `layers` layers."""
    path, feeds = save(model, folder), feeds_of(model)
    rolled, plain = read_model(path), read_model(path, roll=False)
    assert rolled.layers == layers
    assert plain.layers == 0
    want = expected(model, feeds)
    a, b = values_of(rolled, model, feeds), values_of(plain, model, feeds)
    for name, w in want.items():
        np.testing.assert_array_equal(from_bits(a.output(name), "f32"), w, err_msg=name)
        np.testing.assert_array_equal(a.output(name), b.output(name))
    return rolled


@pytest.mark.parametrize("layers", [2, 3, 5])
@pytest.mark.parametrize("past", [True, False])
def test_layers_are_rolled_and_keep_their_values(layers: int, past: bool, tmp_path: Path) -> None:
    g = agree(decoder(layers, past=past), tmp_path, layers)
    family = g.family(g.inputs["up.0"].unit)
    assert [t.name for t in family] == [f"up.{k}" for k in range(layers)]
    assert [t.layer for t in family] == list(range(layers))
    if past:
        assert {g.outputs[f"present.{k}"].unit for k in range(layers)} == {g.outputs["present.0"].unit}
        assert [g.outputs[f"present.{k}"].layer for k in range(layers)] == list(range(layers))
    assert f"{layers} equal layers" in describe(g)


def test_the_size_of_the_system_does_not_grow_with_depth(tmp_path: Path) -> None:
    sizes = [len(read_model(save(decoder(n), tmp_path)).system.units) for n in (3, 6, 12)]
    assert sizes[0] == sizes[1] == sizes[2]


def test_every_layer_may_be_read_from_outside(tmp_path: Path) -> None:
    """A node after the stretch that reads inner tensors and weights of several layers."""
    m = decoder(4)
    extra = [node("Add", ["b1", "b2"], ["q"], "q"), node("MatMul", ["up.0", "down.3"], ["r"], "r")]
    m.graph.node.extend(extra)
    m.graph.output.extend(
        helper.make_tensor_value_info(n, T.FLOAT, s) for n, s in (("q", [1, H]), ("r", [D, D]), ("h2", [1, D]))
    )
    g = agree(m, tmp_path, 4)
    assert g.outputs["h2"].layer == 1


Change = Callable[[onnx.ModelProto], None]


def renamed(layer: int, op: str, position: int, name: str) -> Change:
    def change(m: onnx.ModelProto) -> None:
        n = next(n for n in m.graph.node if n.name == f"l{layer}/{op}")
        n.input[position] = name

    return change


def another_constant(m: onnx.ModelProto) -> None:
    t = next(t for t in m.graph.initializer if t.name == "eps.2")
    t.CopyFrom(onnx.numpy_helper.from_array(np.array(2.0, F32), "eps.2"))


def another_operator(m: onnx.ModelProto) -> None:
    next(n for n in m.graph.node if n.name == "l2/relu").op_type = "Neg"


def attribute(m: onnx.ModelProto) -> None:
    n = next(n for n in m.graph.node if n.name == "l2/sum")
    n.attribute.append(helper.make_attribute("keepdims", 1))


# what makes a layer unlike the others; the number of layers still rolled (0: none) is what the search finds, the values must agree
IRREGULAR: dict[str, tuple[Change, set[int]]] = {
    "weight shared by two layers": (renamed(2, "up", 1, "up.1"), {0, 2, 3}),
    "weight of another layer": (renamed(3, "up", 1, "up.4"), {0, 2, 3, 4}),
    "residual from two layers back": (renamed(3, "residual", 0, "h2"), {0, 2, 3}),
    "input from another node of the layer": (renamed(2, "up", 0, "h2"), {0, 2, 3}),
    "reads the start instead of the layer before": (renamed(3, "add", 0, "h0"), {0, 2, 3}),
    "another constant": (another_constant, {0, 2, 3}),
    "another operator": (another_operator, {0, 2, 3}),
    "another attribute list": (attribute, {0, 2, 3, 5}),
    "cache of another layer": (renamed(3, "cache", 0, "past.4"), {0, 2, 3, 4}),
    "shared tensor replaced": (renamed(4, "add", 1, "bias"), {4}),
}


@pytest.mark.parametrize("why", IRREGULAR)
def test_unlike_layers_are_not_rolled_as_if_alike(why: str, tmp_path: Path) -> None:
    change, allowed = IRREGULAR[why]
    m = decoder(5)
    change(m)
    onnx.checker.check_model(m)
    path = save(m, tmp_path)
    layers = read_model(path).layers
    assert layers in allowed
    agree(m, tmp_path, layers)


def test_first_layer_on_another_shape_is_not_rolled(tmp_path: Path) -> None:
    """The first layer broadcasts a [1, D] start, the others carry [2, D]: their tensors are not one family."""
    m = decoder(3, past=False)
    m.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.ones(D, F32), "start"))
    for k in range(3):
        t = next(t for t in m.graph.initializer if t.name == f"down.{k}")
        assert list(t.dims) == [H, D]
    m.graph.input.append(helper.make_tensor_value_info("two", T.FLOAT, [2, D]))
    add = next(n for n in m.graph.node if n.name == "shared")
    add.op_type = "Identity"
    add.input[0] = "two"
    m.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", T.FLOAT, [2, 2]))
    agree(m, tmp_path, 0)


@pytest.mark.parametrize("equal", [True, False])
def test_small_integer_weights_of_equal_content_stay_apart(equal: bool, tmp_path: Path) -> None:
    """Weights that happen to be equal in the file may differ in a kernel's buffers: each stays an input of its own."""
    nodes, stored, last = [], {}, "x"
    for k in range(3):
        stored[f"w.{k}"] = np.array([[1, 2], [3, 4 if equal else k]], np.int8)
        stored[f"v.{k}"] = weight(np.random.default_rng(k), 2)
        nodes += [
            node("Cast", [f"w.{k}"], [f"f{k}"], f"l{k}/cast", to=T.FLOAT),
            node("MatMul", [last, f"f{k}"], [f"m{k}"], f"l{k}/dot"),
            node("Add", [f"m{k}", f"v.{k}"], [f"h{k}"], f"l{k}/add"),
        ]
        last = f"h{k}"
    m = model_of(nodes, {"x": (T.FLOAT, [1, 2])}, {last: (T.FLOAT, [1, 2])}, stored)
    g = agree(m, tmp_path, 0)
    assert {f"w.{k}" for k in range(3)} <= set(g.inputs)
    assert len({g.inputs[f"w.{k}"].unit for k in range(3)}) == 3


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("nodes_hold_them", [True, False])
def test_constants_of_the_graph_are_no_family(alike: bool, nodes_hold_them: bool, tmp_path: Path) -> None:
    """What no buffer holds has the model's values: layers that differ in them are not alike, those that do not are."""
    nodes, stored, last = [], {}, "x"
    for k in range(4):
        stored[f"w.{k}"] = weight(np.random.default_rng(k), D)
        number = np.array([0.5, 2.0, -1.0, 1.0 if alike else k], F32)
        if nodes_hold_them:
            nodes.append(node("Constant", [], [f"c.{k}"], f"c{k}", value=onnx.numpy_helper.from_array(number)))
        else:
            stored[f"c.{k}"] = number
        nodes += [
            node("Mul", [last, f"c.{k}"], [f"m{k}"], f"l{k}/scale"),
            node("Add", [f"m{k}", f"w.{k}"], [f"a{k}"], f"l{k}/add"),
            node("Relu", [f"a{k}"], [f"h{k}"], f"l{k}/relu"),
        ]
        last = f"h{k}"
    m = model_of(nodes, {"x": (T.FLOAT, [1, D])}, {last: (T.FLOAT, [1, D])}, stored)
    g = read_model(save(m, tmp_path), fixed=() if nodes_hold_them else [f"c.{k}" for k in range(4)])
    assert g.layers == (4 if alike else 0)
    assert set(g.inputs) == {"x", *(f"w.{k}" for k in range(4))}
    feeds = feeds_of(m)
    found = from_bits(values_of(g, m, feeds).output(last), "f32")
    np.testing.assert_array_equal(found, expected(m, feeds)[last])


def renamed_products(hidden: str, layers: int = 3) -> onnx.ModelProto:
    """h = -relu(gemm(h, w, b) + v); `hidden` names what the layers hand on, with the product's name for {}."""
    rng, nodes, stored, last = np.random.default_rng(7), [], {}, "x"
    for k in range(layers):
        stored |= {f"w.{k}": weight(rng, D, D), f"b.{k}": weight(rng, D), f"v.{k}": weight(rng, D)}
        out = hidden.format(f"g{k}")
        nodes += [
            node("Gemm", [last, f"w.{k}", f"b.{k}"], [f"g{k}"], f"l{k}/gemm"),
            node("Add", [f"g{k}", f"v.{k}"], [f"s{k}"], f"l{k}/add"),
            node("Relu", [f"s{k}"], [f"r{k}"], f"l{k}/relu"),
            node("Neg", [f"r{k}"], [out], f"l{k}/neg"),
        ]
        last = out
    return model_of(nodes, {"x": (T.FLOAT, [1, D])}, {last: (T.FLOAT, [1, D])}, stored)


@pytest.mark.parametrize("hidden", ["{}__sum", "{}__l", "g_{}__l", "h_{}", "{}__out", "l0/gemm_{}"])
def test_a_layers_tensor_may_have_the_name_of_a_hidden_one(hidden: str, tmp_path: Path) -> None:
    agree(renamed_products(hidden), tmp_path, 3)


def test_a_layers_tensor_may_have_the_name_of_a_functions(tmp_path: Path) -> None:
    """The function's inner tensor `y` lies at `f_y` while it is denoted, as the tensor is called that the layers hand on."""
    body = helper.make_function(
        "own", "f", ["a"], ["z"], [node("Neg", ["a"], ["y"]), node("Relu", ["y"], ["z"])],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    nodes, stored, last = [], {}, "x"
    for k in range(3):
        stored[f"w.{k}"] = weight(np.random.default_rng(k), D)
        nodes += [
            node("f", [last], [f"c{k}"], "f", domain="own"),
            node("Add", [f"c{k}", f"w.{k}"], [f"a{k}"], f"l{k}/add"),
            node("Neg", [f"a{k}"], ["f_y" if k == 0 else f"h{k}"], f"l{k}/neg"),
        ]
        last = nodes[-1].output[0]
    m = model_of(nodes, {"x": (T.FLOAT, [1, D])}, {last: (T.FLOAT, [1, D])}, stored, functions=[body], domains=["own"], opset=18)  # fmt: skip
    agree(m, tmp_path, 3)


def test_uses_are_those_of_one_layer(tmp_path: Path) -> None:
    """h is read by the add and by the residual of its own layer: twice, in every layer, not once for each layer."""
    g = read_model(save(decoder(4, past=False), tmp_path))
    units = {u.node: u for u in g.system.units.values()}
    assert units["l0/residual"].uses == 2
    assert units["l0/relu"].uses == 1
    plain = read_model(save(decoder(4, past=False), tmp_path), roll=False)
    counts = {u.node: u.uses for u in plain.system.units.values()}
    assert counts["l1/residual"] == 2
    assert counts["l3/residual"] == 1


def test_time_is_near_linear_in_depth(tmp_path: Path) -> None:
    def seconds(layers: int) -> float:
        path = save(decoder(layers), tmp_path)
        start = time.process_time()
        assert read_model(path).layers == layers
        return time.process_time() - start

    seconds(10)
    assert seconds(640) < 16 * max(seconds(80), 0.1)


def test_order_of_a_rolled_sum_can_be_replaced(tmp_path: Path) -> None:
    m = decoder(2, past=False)
    path, feeds = save(m, tmp_path), feeds_of(decoder(2, past=False))
    g = read_model(path)
    unit = next(u.name for u in g.system.units.values() if u.node == "l0/up")
    seen: list[tuple[int, int]] = []

    def descending(f: Any) -> Any:
        from tv.arithmetic import apply

        seen.append(f.contributions.shape)
        acc = f.init
        for row in f.contributions[::-1]:
            acc = apply(f.op, [acc, row])
        assert f.factors is not None
        assert (
            to_bits(from_bits(f.factors[0], "f32") * from_bits(f.factors[1], "f32")).tolist()
            == f.contributions.tolist()
        )
        return acc

    values = values_of(g, m, feeds, orders={unit: descending})
    want = expected(m, feeds)["y"]
    np.testing.assert_array_equal(from_bits(values.output("y"), "f32"), want)
    assert seen == [(D, H)] * 2
