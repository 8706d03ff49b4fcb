"""Reading models: open sizes, masks and positions as index sets, constants, cuts, functions, and files that must be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

from tests.graph_running import expected, from_bits, model_of, read_model, run, save, to_bits, values_of
from tv.diagnostic import BadInput, TvError, Unknown, Unsupported
from tv.graph_frontend import describe, operators, read, require_known
from tv.graph_frontend.codes import CODES
from tv.graph_frontend.registry import mend
from tv.sets import Affine, Sets
from tv.sets.formulas import ge
from tv.term import Terms, fold

node = helper.make_node
F32, I64 = np.float32, np.int64


def refused(model: onnx.ModelProto | bytes, folder: Path, kind: type[TvError], code: str, **options: Any) -> TvError:
    path = folder / "m.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    with pytest.raises(kind) as e:
        read_model(path, **options)
    assert e.value.code == code
    assert e.value.code in CODES
    return e.value


def unary(op: str, dims: list[int | str], opset: int = 18, **attributes: Any) -> onnx.ModelProto:
    return model_of(
        [node(op, ["x"], ["y"], "n", **attributes)],
        {"x": (T.FLOAT, dims)},
        {"y": (T.FLOAT, [None] * len(dims))},
        opset=opset,
    )


# ------------------------------------------------------------------------------------------------ open sizes
def test_open_dimension_without_a_size_names_the_key_to_write(tmp_path: Path) -> None:
    path = save(unary("Relu", ["N"]), tmp_path)
    with pytest.raises(BadInput) as e:
        read(path, Sets(), Terms(), dims={})
    assert e.value.code == "TV0303"
    assert 'symbol = "N"' in e.value.help


def test_nameless_dimension_is_refused(tmp_path: Path) -> None:
    m = unary("Relu", ["N"])
    m.graph.input[0].type.tensor_type.shape.dim[0].ClearField("dim_param")
    refused(m, tmp_path, BadInput, "TV0303")


def test_sizes_derived_from_open_ones_stay_affine(tmp_path: Path) -> None:
    """[P] and one more row: P + 1, whatever name the file gives it."""
    m = model_of([node("Concat", ["p", "x"], ["y"], axis=0), node("Neg", ["y"], ["z"])],
                 {"p": (T.FLOAT, ["P", 4]), "x": (T.FLOAT, [1, 4])}, {"z": (T.FLOAT, ["whatever", 4])})  # fmt: skip
    g = read_model(save(m, tmp_path))
    assert g.outputs["z"].shape == (Affine.sym("P") + 1, Affine.of(4))


def test_sizes_that_only_sometimes_fit_are_unknown(tmp_path: Path) -> None:
    m = model_of(
        [node("Add", ["a", "b"], ["y"])], {"a": (T.FLOAT, ["N"]), "b": (T.FLOAT, [7])}, {"y": (T.FLOAT, [None])}
    )
    refused(m, tmp_path, Unknown, "TV0320")
    refused(m, tmp_path, BadInput, "TV0302", most=7)
    path = save(m, tmp_path)
    assert read_model(path, least=7, most=8).outputs["y"].shape  # N is 7: it fits


def test_a_symbol_may_not_be_called_like_a_dimension(tmp_path: Path) -> None:
    refused(unary("Relu", ["i0"]), tmp_path, BadInput, "TV0303")


def test_mean_over_two_open_sizes_is_unsupported(tmp_path: Path) -> None:
    refused(unary("ReduceMean", ["M", "N"]), tmp_path, Unsupported, "TV0314")


def test_reshape_that_multiplies_open_sizes_is_unsupported(tmp_path: Path) -> None:
    m = model_of(
        [node("Reshape", ["x", "s"], ["y"])],
        {"x": (T.FLOAT, ["M", "N"])},
        {"y": (T.FLOAT, [None])},
        {"s": np.array([-1], I64)},
    )
    refused(m, tmp_path, Unsupported, "TV0314")


# ------------------------------------------------------------------------------------------------ positions and masks
def masked(causal: bool) -> onnx.ModelProto:
    """Scores [S, P + S] with a mask made from shapes, as exporters do: Shape, Range, LessOrEqual, Where."""
    nodes = [
        node("Shape", ["x"], ["xs"]), node("Gather", ["xs", "zero"], ["s"]), node("Gather", ["xs", "one"], ["t"]),
        node("Range", ["zero", "s", "one"], ["rows"]), node("Range", ["zero", "t", "one"], ["cols"]),
        node("Sub", ["t", "s"], ["past"]), node("Add", ["rows", "past"], ["last"]),
        node("Unsqueeze", ["last", "one1"], ["last2"]), node("Unsqueeze", ["cols", "zero1"], ["cols2"]),
        node("LessOrEqual" if causal else "Greater", ["cols2", "last2"], ["keep"]),
        node("Where", ["keep", "x", "low"], ["y"]), node("Not", ["keep"], ["drop"]), node("Cast", ["drop"], ["d"], to=T.FLOAT),
        node("Cast", ["last"], ["l"], to=T.INT32),
    ]  # fmt: skip
    stored = {
        "zero": np.array(0, I64),
        "one": np.array(1, I64),
        "one1": np.array([1], I64),
        "zero1": np.array([0], I64),
        "low": np.array(-7, F32),
    }
    return model_of(
        nodes,
        {"x": (T.FLOAT, ["S", "Q"])},
        {"y": (T.FLOAT, [None, None]), "d": (T.FLOAT, [None, None]), "l": (T.INT32, [None])},
        stored,
    )


@pytest.mark.parametrize("causal", [True, False])
def test_masks_from_shapes_are_index_sets(causal: bool, tmp_path: Path) -> None:
    m = masked(causal)
    path = save(m, tmp_path)
    g = read_model(path, least=3)
    kinds = {
        fold(u.value, lambda t, below: {t.kind, *(k for b in below for k in b)}).__repr__()
        for u in g.system.units.values()
    }
    assert not any("select" in k for k in kinds)
    value = g.system.units[g.outputs["y"].unit].value
    assert value.kind == "case"  # no comparison is left as data
    for q in (3, 8):
        feeds = {"x": np.arange(3 * q, dtype=F32).reshape(3, q)}
        values, want = values_of(g, m, feeds), expected(m, feeds)
        for name, w in want.items():
            np.testing.assert_array_equal(from_bits(values.output(name), g.outputs[name].type), w)


def test_positions_given_as_a_symbol(tmp_path: Path) -> None:
    """An integer input all of whose elements are P: the cast to float is an index value, and equals feeding P."""
    m = model_of(
        [node("Cast", ["pos"], ["f"], to=T.FLOAT), node("Mul", ["f", "freq"], ["y"])],
        {"pos": (T.INT64, [1, 1]), "cache": (T.FLOAT, ["P", 2]), "freq": (T.FLOAT, [4])}, {"y": (T.FLOAT, [1, 4])},
    )  # fmt: skip
    path = save(m, tmp_path)
    g = read_model(path, values={"pos": Affine.sym("P")})
    assert any("pos is P" in a for a in g.assumptions)
    position = next(u.value for u in g.system.units.values() if u.tensor == "f")
    assert (position.name, position.args[0].kind, position.args[0].width) == ("cvt.f32.s64", "index", 64)
    feeds = {"pos": np.array([[9]], I64), "cache": np.zeros((9, 2), F32), "freq": np.array([0.1, 1, 3, 7], F32)}
    np.testing.assert_array_equal(from_bits(values_of(g, m, feeds).output("y"), "f32"), expected(m, feeds)["y"])
    with pytest.raises(BadInput):
        read_model(path, values={"freq": Affine.sym("P")})


def test_integers_that_would_wrap_stay_data(tmp_path: Path) -> None:
    """Range up to 300 in int8 arithmetic: the values are those of the machine, not of the mathematical integers."""
    nodes = [
        node("Range", ["a", "b", "c"], ["r"]),
        node("Cast", ["r"], ["s"], to=T.INT8),
        node("Cast", ["s"], ["y"], to=T.INT32),
    ]
    m = model_of(nodes, {"x": (T.FLOAT, [1])}, {"y": (T.INT32, [None])},
                 {"a": np.array(0, I64), "b": np.array(300, I64), "c": np.array(1, I64)})  # fmt: skip
    np.testing.assert_array_equal(
        run(save(m, tmp_path), m, {"x": np.zeros(1, F32)})["y"], np.arange(300).astype(np.int8).astype(np.int32)
    )


# ------------------------------------------------------------------------------------------------ constants and weights
def weighted() -> onnx.ModelProto:
    return model_of([node("Mul", ["x", "w"], ["a"]), node("Add", ["a", "eps"], ["y"])], {"x": (T.FLOAT, [2, 3])}, {"y": (T.FLOAT, [2, 3])},
                    {"w": np.array([1.5, 2.5, 1.5], F32), "eps": np.array([0.25], F32)})  # fmt: skip


def test_weights_stay_free_and_scalars_are_constants(tmp_path: Path) -> None:
    g = read_model(save(weighted(), tmp_path))
    assert set(g.inputs) == {"x", "w"}
    fixed = read_model(save(weighted(), tmp_path), fixed=["w", "eps"])
    assert set(fixed.inputs) == {"x"}
    held = read_model(save(weighted(), tmp_path), fixed=["w"])
    assert set(held.inputs) == {"x", "eps"}  # an argument of the kernel holds it
    feeds = {"x": np.ones((2, 3), F32)}
    for graph in (g, fixed, held):
        np.testing.assert_array_equal(
            from_bits(values_of(graph, weighted(), feeds).output("y"), "f32"), expected(weighted(), feeds)["y"]
        )


def test_external_weights_are_never_needed_but_shapes_are(tmp_path: Path) -> None:
    m = weighted()
    w = m.graph.initializer[0]
    w.ClearField("raw_data")
    w.data_location = T.EXTERNAL
    w.external_data.add(key="location", value="nowhere.bin")
    path = tmp_path / "m.onnx"
    path.write_bytes(m.SerializeToString())
    assert set(read_model(path).inputs) == {"x", "w"}
    r = model_of(
        [node("Reshape", ["x", "w"], ["y"])],
        {"x": (T.FLOAT, [2, 3])},
        {"y": (T.FLOAT, [None])},
        {"w": np.array([6], I64)},
    )
    t = r.graph.initializer[0]
    t.ClearField("raw_data")
    t.data_location = T.EXTERNAL
    t.external_data.add(key="location", value="nowhere.bin")
    refused(r.SerializeToString(), tmp_path, BadInput, "TV0304")


def test_cutting_a_part_out(tmp_path: Path) -> None:
    m = weighted()
    path = save(m, tmp_path)
    g = read_model(path, inputs=["a"], outputs=["y"])
    assert set(g.inputs) == {"a", "x"}  # x is unused now, but a kernel may still take it
    assert "w" not in g.inputs
    with pytest.raises(BadInput) as e:
        read_model(path, outputs=["yy"])
    assert e.value.code == "TV0305"


def test_a_cut_at_one_of_two_outputs_is_an_input(tmp_path: Path) -> None:
    m = model_of(
        [node("Split", ["x"], ["a", "b"], "s", num_outputs=2), node("Sub", ["a", "b"], ["y"], "y")],
        {"x": (T.FLOAT, [8])},
        {"y": (T.FLOAT, [4])},
        opset=18,
    )
    m.graph.value_info.append(helper.make_tensor_value_info("a", T.FLOAT, [4]))
    path, feeds = save(m, tmp_path), {"x": np.arange(8, dtype=F32)}
    a = np.array([3, 1, 4, 1], F32)
    found = values_of(read_model(path, inputs=["a"]), m, {**feeds, "a": a}).output("y")
    np.testing.assert_array_equal(from_bits(found, "f32"), a - feeds["x"][4:])


# ------------------------------------------------------------------------------------------------ functions and names
def test_functions_of_the_model_are_inlined(tmp_path: Path) -> None:
    body = helper.make_function("own", "Twice", ["a"], ["b"], [node("Constant", [], ["c"], value_floats=[2.0, 3.0]), node("Mul", ["a", "c"], ["b"])],
                                [helper.make_opsetid("", 18)], [])  # fmt: skip
    m = model_of([node("Twice", ["x"], ["h"], domain="own"), node("Twice", ["h"], ["y"], domain="own")], {"x": (T.FLOAT, [3, 2])},
                 {"y": (T.FLOAT, [3, 2])}, functions=[body], domains=["own"], opset=18)  # fmt: skip
    feeds = {"x": np.arange(6, dtype=F32).reshape(3, 2)}
    np.testing.assert_array_equal(run(save(m, tmp_path), m, feeds)["y"], expected(m, feeds)["y"])


def test_a_function_that_uses_what_is_defined_later_is_refused(tmp_path: Path) -> None:
    nodes = [node("Add", ["a", "t"], ["b"]), node("Neg", ["b"], ["t"])]
    body = helper.make_function("own", "f", ["a"], ["b"], nodes, [helper.make_opsetid("", 18)], [])
    ends: dict[str, Any] = {"x": (T.FLOAT, [1])}
    m = model_of(
        [node("f", ["x"], ["y"], domain="own")],
        ends,
        {"y": (T.FLOAT, [1])},
        functions=[body],
        domains=["own"],
        opset=18,
    )
    m.ir_version = 4  # of which onnx's checker looks into no function
    refused(m, tmp_path, BadInput, "TV0302")


def test_functions_that_explode_are_refused(tmp_path: Path) -> None:
    functions = [
        helper.make_function("own", "f0", ["a"], ["b"], [node("Neg", ["a"], ["b"])], [helper.make_opsetid("", 18)], [])
    ]
    for k in range(1, 28):
        twice = [node(f"f{k - 1}", ["a"], ["t"], domain="own"), node(f"f{k - 1}", ["t"], ["b"], domain="own")]
        functions.append(
            helper.make_function(
                "own", f"f{k}", ["a"], ["b"], twice, [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)], []
            )
        )
    m = model_of(
        [node("f27", ["x"], ["y"], domain="own")],
        {"x": (T.FLOAT, [1])},
        {"y": (T.FLOAT, [1])},
        functions=functions,
        domains=["own"],
        opset=18,
    )
    from tv.graph_frontend import build

    saved, build.MAX_NODES = build.MAX_NODES, 500
    try:
        refused(m, tmp_path, Unsupported, "TV0313")
    finally:
        build.MAX_NODES = saved


def test_names_that_look_alike_stay_apart(tmp_path: Path) -> None:
    m = model_of([node("Neg", ["a.b"], ["a/b"]), node("Abs", ["a/b"], ["a b"]), node("Add", ["a/b", "a b"], ["a_b"])],
                 {"a.b": (T.FLOAT, [2])}, {"a_b": (T.FLOAT, [2])})  # fmt: skip
    feeds = {"a.b": np.array([1, -2], F32)}
    np.testing.assert_array_equal(run(save(m, tmp_path), m, feeds)["a_b"], expected(m, feeds)["a_b"])


def test_outputs_that_are_inputs_or_constants_get_a_unit(tmp_path: Path) -> None:
    m = model_of([node("Identity", ["x"], ["y"]), node("Shape", ["x"], ["s"]), node("Identity", ["c"], ["k"])], {"x": (T.FLOAT, [2, 3])},
                 {"y": (T.FLOAT, [2, 3]), "s": (T.INT64, [2]), "k": (T.FLOAT, [])}, {"c": np.array(2.5, F32)})  # fmt: skip
    feeds = {"x": np.ones((2, 3), F32)}
    got = run(save(m, tmp_path), m, feeds)
    assert got["s"].tolist() == [2, 3]
    assert got["k"] == 2.5
    np.testing.assert_array_equal(got["y"], feeds["x"])


def test_unused_outputs_of_a_body_cost_nothing_and_do_not_shift_others(tmp_path: Path) -> None:
    """LayerNormalization's third output without its second."""
    m = model_of([node("LayerNormalization", ["x", "g"], ["y", "", "inv"])], {"x": (T.FLOAT, [2, 4]), "g": (T.FLOAT, [4])},
                 {"y": (T.FLOAT, [2, 4]), "inv": (T.FLOAT, [2, 1])})  # fmt: skip
    feeds = {"x": np.arange(8, dtype=F32).reshape(2, 4) ** 2, "g": np.ones(4, F32)}
    got, want = run(save(m, tmp_path), m, feeds), expected(m, feeds)
    for name, w in want.items():
        np.testing.assert_allclose(got[name], w, rtol=1e-5)


# ------------------------------------------------------------------------------------------------ refusals
def test_unknown_operators_and_attributes_are_named(tmp_path: Path) -> None:
    e = refused(unary("Hardmax", [3]), tmp_path, Unsupported, "TV0310")
    assert "Hardmax" in e.message
    assert "`tv ops`" in e.help
    assert "`Softmax`" in mend("SoftMax")
    own = model_of(
        [node("Thing", ["x"], ["y"], "n", domain="far.away")],
        {"x": (T.FLOAT, [1])},
        {"y": (T.FLOAT, [1])},
        domains=["far.away"],
    )
    assert "far.away.Thing" in refused(own, tmp_path, Unsupported, "TV0310").message
    m = model_of(
        [node("TopK", ["x", "k"], ["y", "i"], sorted=0)],
        {"x": (T.FLOAT, [3])},
        {"y": (T.FLOAT, [2]), "i": (T.INT64, [2])},
        {"k": np.array([2], I64)},
    )
    refused(m, tmp_path, Unsupported, "TV0311")


def test_all_unknown_operators_are_named_at_once(tmp_path: Path) -> None:
    nodes = [node("Hardmax", ["x"], ["a"], "h"), node("Relu", ["a"], ["b"]), node("Thing", ["b"], ["c"], "t", domain="far.away"),
             node("Hardmax", ["c"], ["y"])]  # fmt: skip
    m = model_of(nodes, {"x": (T.FLOAT, [3])}, {"y": (T.FLOAT, [3])}, domains=["far.away"])
    with pytest.raises(Unsupported) as e:
        require_known(save(m, tmp_path))
    assert "`Hardmax` (2 nodes, such as `h`)" in e.value.message
    assert "`far.away.Thing` (1 node, such as `t`)" in e.value.message
    require_known(save(unary("Relu", [3]), tmp_path))


def test_branches_are_unsupported(tmp_path: Path) -> None:
    g = helper.make_graph([node("Neg", ["x"], ["t"])], "b", [], [helper.make_tensor_value_info("t", T.FLOAT, [1])])
    m = model_of(
        [node("If", ["c"], ["y"], then_branch=g, else_branch=g)],
        {"c": (T.BOOL, []), "x": (T.FLOAT, [1])},
        {"y": (T.FLOAT, [1])},
    )
    refused(m, tmp_path, Unsupported, "TV0310")


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x08\x07" + b"\xff" * 40, bytes(range(256)) * 9])
def test_garbage_is_bad_input(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with pytest.raises(BadInput) as e:
        read(path, Sets(), Terms(), dims={})
    assert e.value.code == "TV0301"


def test_missing_file_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "none.onnx"
    with pytest.raises(BadInput):
        read(path, Sets(), Terms(), dims={})


def test_cycles_duplicates_and_missing_tensors_are_bad_input(tmp_path: Path) -> None:
    x = {"x": (T.FLOAT, [1])}
    y = {"y": (T.FLOAT, [1])}
    refused(
        model_of([node("Add", ["x", "b"], ["a"]), node("Neg", ["a"], ["b"]), node("Neg", ["b"], ["y"])], x, y),
        tmp_path,
        BadInput,
        "TV0301",
    )
    refused(model_of([node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["y"])], x, y), tmp_path, BadInput, "TV0301")
    refused(model_of([node("Neg", ["gone"], ["y"])], x, y), tmp_path, BadInput, "TV0301")
    refused(model_of([node("Neg", ["x"], ["z"])], x, y), tmp_path, BadInput, "TV0301" if _checked() else "TV0305")


def _checked() -> bool:
    """Does onnx's checker itself look at graph outputs? (It does not in every version.)"""
    m = model_of([node("Neg", ["x"], ["z"])], {"x": (T.FLOAT, [1])}, {"y": (T.FLOAT, [1])})
    try:
        onnx.checker.check_model(m)
    except onnx.checker.ValidationError:
        return True
    return False


def test_types_and_shapes_that_do_not_fit_are_bad_input(tmp_path: Path) -> None:
    two = {"x": (T.FLOAT, [2, 3]), "i": (T.INT64, [2, 3]), "z": (T.FLOAT, [2, 4])}
    y = {"y": (T.FLOAT, [None, None])}
    for n in (node("Add", ["x", "i"], ["y"]), node("Add", ["x", "z"], ["y"]), node("MatMul", ["x", "x"], ["y"]), node("Concat", ["x", "z"], ["y"], axis=0),
              node("Transpose", ["x"], ["y"], perm=[0, 0]), node("Softmax", ["x"], ["y"], axis=5), node("Reshape", ["x", "s"], ["y"]),
              node("Unsqueeze", ["x", "s"], ["y"]), node("Gather", ["x", "far"], ["y"], axis=1)):  # fmt: skip
        m = model_of([n], two, y, {"s": np.array([7, 7], I64), "far": np.array([[3]], I64)})
        path = tmp_path / "m.onnx"
        path.write_bytes(m.SerializeToString())
        with pytest.raises(BadInput):
            read_model(path)


def test_a_huge_graph_of_shapes_costs_nothing(tmp_path: Path) -> None:
    n = 2**40
    m = model_of(
        [node("MatMul", ["x", "w"], ["a"]), node("Softmax", ["a"], ["y"])],
        {"x": (T.FLOAT, [n, n]), "w": (T.FLOAT, [n, n])},
        {"y": (T.FLOAT, [n, n])},
    )
    assert read_model(save(m, tmp_path)).outputs["y"].shape == (Affine.of(n), Affine.of(n))


def test_stored_data_that_does_not_fit_is_bad_input(tmp_path: Path) -> None:
    m = model_of(
        [node("Reshape", ["x", "s"], ["y"])],
        {"x": (T.FLOAT, [2, 3])},
        {"y": (T.FLOAT, [None])},
        {"s": np.array([6], I64)},
    )
    m.graph.initializer[0].raw_data = b"\x01\x02\x03"
    path = tmp_path / "m.onnx"
    path.write_bytes(m.SerializeToString())
    with pytest.raises(BadInput):
        read_model(path)


# ------------------------------------------------------------------------------------------------ printing
def test_describe_and_the_table_of_operators(tmp_path: Path) -> None:
    text = describe(read_model(save(weighted(), tmp_path)))
    assert "x: f32[2, 3]" in text
    assert "fmul.f32" in text
    table = operators()
    assert table["MatMul"].startswith("numpy's matmul")
    assert all(line and "\n" not in line for line in table.values())


def test_a_second_handler_for_an_operator_is_an_error() -> None:
    from tv.graph_frontend.registry import denotes

    with pytest.raises(TypeError):
        denotes("MatMul")(lambda n, b: None)

    def silent(n: Any, b: Any) -> None: ...

    with pytest.raises(TypeError):
        denotes("SomethingNew")(silent)


def test_bits_helper_round_trips() -> None:
    a = np.array([1.5, -0.0, np.inf], F32)
    assert to_bits(a).tolist() == [0x3FC00000, 0x80000000, 0x7F800000]
    assert ge(Affine.of(1)).op == "true"
