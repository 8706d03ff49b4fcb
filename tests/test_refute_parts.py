"""The parts of a search for a counterexample: layouts, contents of inputs, what any order of sums may give, moved functions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.graph_running import read_model
from tv.arithmetic import decode, narrow, number
from tv.graph_frontend.elements import BY_LABEL
from tv.refute.kept import Kept, halves, listed, without
from tv.refute.layouts import Place
from tv.refute.patterns import KINDS, Pattern, search_order
from tv.refute.setting import Watched
from tv.refute.slots import Slot
from tv.refute.trials import sizes
from tv.replay.buffers import GeneratedBuffer
from tv.replay.doubt import ULPS, moved
from tv.replay.enclosure import _rounded
from tv.replay.graph_bounds import GraphBounds
from tv.replay.sums import Value
from tv.sets import Affine
from tv.sets.affine import floordiv, mod


def dim(k: int) -> Affine:
    return Affine.dim(f"i{k}")


@pytest.mark.parametrize(
    ("shape", "offset"),
    [
        ((3, 4), dim(0) * 4 + dim(1)),
        ((3, 4), dim(0) * 4 + dim(1) + 7),
        ((3, 4), dim(1) * 3 + dim(0)),
        ((2, 3, 4), (dim(0) * 16 + dim(1)) * 8 + dim(2) * 2),
        ((1, 5), dim(0) * 5 + dim(1)),
        ((8, 4), floordiv(dim(0), 2) * 8 + mod(dim(0), 2) + dim(1) * 2),
    ],
)
def test_place_at_inverts_of(shape: tuple[int, ...], offset: Affine) -> None:
    place = Place("t", False, shape, offset, {}, 4)
    at = place.of_linear(np.arange(place.count))
    assert len(np.unique(at)) == place.count
    everything = np.arange(int(at.max()) + 3)
    linear, good = place.at(everything)
    assert sorted(everything[good]) == sorted(at)
    assert (at[linear[good]] == everything[good]).all()


def test_contents_are_functions_of_the_element_and_keep_to_assumptions() -> None:
    at = np.arange(5000)
    for kind in sorted(KINDS):
        for label in ("f16", "bf16", "f32", "i64", "u8", "bool"):
            slot = Slot("t", 1, label, 5000, 50)
            bits = Pattern(kind, 3, 1).bits(slot, at)
            assert (bits[::-1] == Pattern.of(Pattern(kind, 3, 1).name).bits(slot, at[::-1])).all()
            if label == "f32":
                values = bits.astype(np.uint32).view(np.float32)
                assert np.isfinite(values).all() == (kind not in ("nan", "lone", "rows", "endless", "special"))
                finite = Pattern(kind, 3, 1).bits(replace(slot, finite=True), at).astype(np.uint32).view(np.float32)
                assert np.isfinite(finite).all()
                assert kind in ("signed", "special") or not (np.signbit(values) & (values == 0)).any()
        fixed = Pattern(kind).bits(Slot("t", 1, "i64", 5000, 50, 7, 9), at)
        assert 7 <= int(fixed.min()) <= int(fixed.max()) <= 9
        floats = Pattern(kind).bits(Slot("t", 1, "f32", 5000, 50, 2, 2), at).astype(np.uint32).view(np.float32)
        assert (floats == 2).all()


def test_sums_of_powers_tell_which_terms_they_have() -> None:
    """A run of distinct powers in each row, exact in any order: a sum's bits are its terms."""
    for label, most in (("f16", 10), ("bf16", 7), ("f32", 10)):
        slot = Slot("t", 1, label, 40 * 50, 50)
        rows = Pattern("powers", 3, 1).numbers(slot, np.arange(2000)).reshape(40, 50)
        for row in rows:
            there = np.flatnonzero(row)
            assert 0 < len(there) <= most
            assert (np.diff(there) == 1).all()
            assert len(set(row[there])) == len(there)
            assert (np.frexp(row[there])[0] == 0.5).all()
        assert len({tuple(np.flatnonzero(r)) for r in rows}) > 1
        assert (Pattern("powers", 3, 0).numbers(slot, np.arange(2000)) == 1).all()
        ones = Pattern("one", 3, 1).numbers(slot, np.arange(2000)).reshape(40, 50)
        assert ((ones == 1).sum(axis=1) == 1).all()
        assert (ones.sum(axis=1) == 1).all()


def test_subnormal_numbers_are_subnormal() -> None:
    for label, normal in (("f16", 2.0**-14), ("bf16", 2.0**-126), ("f32", 2.0**-126)):
        values = Pattern("subnormal", 0, 1).numbers(Slot("t", 1, label, 50, 50), np.arange(50))
        assert (np.abs(values) < normal).all()
        assert (values != 0).all()
        assert len(set(values)) == 4


def test_what_is_not_kept_is_zero_or_the_nearest_to_it() -> None:
    at, kept = np.arange(60), Kept.of({"t": [(2, 5), (9, 10)]})
    there = np.isin(at, (2, 3, 4, 9))
    for label in ("f16", "f32", "i64", "u8"):
        for low, high, rest in ((None, None, 0), (3, 9, 3), (-9, -2, -2)):
            if label == "u8" and rest < 0:
                continue
            slot = Slot("t", 1, label, 60, 6, low, high)
            plain, some = Pattern("edges").bits(slot, at), Pattern("edges", kept=kept).bits(slot, at)
            assert (some[there] == plain[there]).all()
            assert (some[~there] == slot.zero).all()
            assert number(slot.zero, BY_LABEL[label].op) in (str(rest), f"{rest}.0")
            if BY_LABEL[label].is_float:
                assert (decode(some, label) == Pattern("edges", kept=kept).numbers(slot, at)).all()
    stored = Slot("t", 1, "i64", 3, 3, stored=(7, 8, 9))
    assert list(Pattern("small", kept=Kept()).bits(stored, np.arange(3))) == [7, 8, 9]


def test_kept_intervals_against_sets() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        all_of = np.sort(rng.choice(40, rng.integers(1, 20), replace=False))
        whole = listed(all_of)
        assert [x for a, b in whole for x in range(a, b)] == list(all_of)
        first, second = halves(whole)
        members = [[x for a, b in part for x in range(a, b)] for part in (first, second)]
        assert members[0] + members[1] == list(all_of)
        assert len(members[0]) == len(all_of) // 2
        some = all_of[rng.random(len(all_of)) < 0.4]
        rest = without(whole, listed(some))
        assert [x for a, b in rest for x in range(a, b)] == sorted(set(all_of) - set(some))
        kept = Kept.of({"t": whole})
        assert list(np.flatnonzero(kept.where("t", np.arange(50)))) == list(all_of)
        assert not kept.where("u", np.arange(50)).any()


def test_an_index_of_which_nothing_is_assumed_is_zero() -> None:
    assert not Pattern("small").bits(Slot("t", 0, "i64", 9, 9), np.arange(9)).any()


def test_every_pattern_of_the_search_has_a_name() -> None:
    for pattern in search_order(6):
        assert Pattern.of(pattern.name) == pattern


def test_sizes_are_admissible_and_the_witness_comes_first() -> None:
    ranges = {"N": (2, 100), "P": (0, 7)}
    found = list(sizes(ranges, [{"N": 50, "P": 9}]))
    assert found[0] == {"N": 50, "P": 7}
    assert len({tuple(f.values()) for f in found}) == len(found)
    assert all(2 <= f["N"] <= 100 and 0 <= f["P"] <= 7 for f in found)


def test_a_buffer_that_holds_a_tensor_with_gaps_is_uninitialised_between() -> None:
    buffer = GeneratedBuffer(64, 4, lambda at: at.astype(np.uint64), defined=lambda at: at % 2 == 0)
    four, eight = np.arange(0, 64, 4), np.arange(0, 64, 8)
    assert list(buffer.initialised(four, 4)) == [True, False] * 8
    assert not buffer.initialised(eight, 8).any()
    buffer.store(np.array([4]), 4, np.array([9], np.uint32))
    assert list(buffer.initialised(four, 4)) == [True, True] + [True, False] * 7
    assert list(buffer.initialised(eight, 8)) == [True] + [False] * 7
    assert buffer.load(four, 4)[1] == 9


@pytest.mark.parametrize("pending", [0, 1, 2, 1000])
def test_a_watched_buffer_knows_what_was_stored(pending: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tv.refute.setting._MOST_PENDING", pending)  # after so many, stores are marked
    buffer = Watched(64, 4, None)
    before = buffer.snapshot()
    buffer.store(np.array([0, 32]), 8, np.zeros(2, np.uint64))
    buffer.store(np.array([12, 20]), 4, np.zeros(2, np.uint32), np.array([True, False]))
    assert list(buffer.written_elements(4)) == [0, 1, 3, 8, 9]
    assert list(buffer.written_elements(8)) == [0, 1, 4]
    buffer.restore(before)
    assert not buffer.written_elements(4).size


# ------------------------------------------------------------------------------------------------ any order of sums
def enclosed(
    path: Path, nodes: list[onnx.NodeProto], feeds: dict[str, np.ndarray], label: int = TensorProto.FLOAT
) -> Value:
    """What a graph's output y, row-major, may be on float inputs."""
    ins = [helper.make_tensor_value_info(n, label, list(a.shape)) for n, a in feeds.items()]
    outs = [helper.make_tensor_value_info("y", label, None)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", ins, outs), opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.save(model, path)
    graph = read_model(path)
    of_unit = {info.unit: name for name, info in graph.inputs.items()}
    short = {2: "f16", 4: "f32"}

    def inputs(unit, index):  # type: ignore[no-untyped-def]
        a = feeds[of_unit[unit]]
        return Value(None, a[tuple(index)].astype(np.float64), short[a.dtype.itemsize])

    info = graph.outputs["y"]
    shape = tuple(int(e.const) for e in info.shape)
    points = np.stack([i.reshape(-1) for i in np.indices(shape)], axis=1)
    with np.errstate(all="ignore"):
        return GraphBounds(graph, {}, inputs).at(info.unit, points)


def node(op: str, *names: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, list(names[:-1]), [names[-1]], **attributes)


WHOLE = np.arange(-8, 8, dtype=np.float32).reshape(4, 4)
THIRDS = (np.arange(1, 17, dtype=np.float32) / np.float32(3)).reshape(4, 4)


@pytest.mark.parametrize(
    ("nodes", "feeds", "exact"),
    [
        ([node("MatMul", "a", "b", "y")], {"a": WHOLE, "b": WHOLE}, True),
        ([node("MatMul", "a", "b", "y")], {"a": WHOLE, "b": THIRDS}, False),  # products are rounded
        ([node("Add", "a", "b", "y")], {"a": WHOLE, "b": THIRDS}, True),  # two terms have one order
        ([node("Add", "a", "b", "s"), node("Add", "s", "a", "y")], {"a": WHOLE, "b": THIRDS}, False),  # three have not
        ([node("Add", "a", "b", "s"), node("Add", "s", "a", "y")], {"a": WHOLE, "b": WHOLE}, True),
        ([node("Mul", "a", "b", "p"), node("Add", "p", "a", "y")], {"a": THIRDS, "b": THIRDS}, False),  # an fma differs
        ([node("Mul", "a", "b", "y")], {"a": THIRDS, "b": THIRDS}, True),  # a product alone does not
        (
            [node("MatMul", "a", "b", "s"), node("Relu", "s", "r"), node("MatMul", "r", "a", "y")],
            {"a": WHOLE, "b": WHOLE},
            True,
        ),
        (
            [node("Neg", "a", "n"), node("Add", "n", "b", "s"), node("Sub", "s", "a", "y")],
            {"a": WHOLE, "b": THIRDS},
            False,
        ),
    ],
)
def test_exactness(tmp_path: Path, nodes: list[onnx.NodeProto], feeds: dict[str, np.ndarray], exact: bool) -> None:
    assert enclosed(tmp_path / "m.onnx", nodes, feeds).certain is exact


def test_magnitudes_that_cancel_count_in_full(tmp_path: Path) -> None:
    """(a + b) + c is exact in this order, a + (b + c) is not."""
    feeds = {
        "a": np.full((1,), 2.0**25, np.float32),
        "b": np.full((1,), -(2.0**25), np.float32),
        "c": np.ones((1,), np.float32),
    }
    nodes = [node("Add", "a", "b", "s"), node("Add", "s", "c", "y")]
    assert not enclosed(tmp_path / "m.onnx", nodes, feeds).certain


def test_sums_of_16_bits_keep_their_order(tmp_path: Path) -> None:
    feeds = {"a": THIRDS.astype(np.float16), "b": THIRDS.astype(np.float16)}
    nodes = [node("Add", "a", "b", "s"), node("Add", "s", "a", "y")]
    assert enclosed(tmp_path / "m.onnx", nodes, feeds, TensorProto.FLOAT16).certain


def test_functions_are_beyond_doubt_only_where_every_implementation_agrees(tmp_path: Path) -> None:
    zero, some = np.zeros((4,), np.float32), np.ones((4,), np.float32)
    assert enclosed(tmp_path / "m.onnx", [node("Exp", "a", "y")], {"a": zero}).certain
    radius = enclosed(tmp_path / "m.onnx", [node("Exp", "a", "y")], {"a": some}).radius
    assert radius is not None
    assert (radius > 2 * np.spacing(np.float32(np.e))).all()
    assert (radius < 8 * np.spacing(np.float32(np.e))).all()


def dot(rng: np.random.Generator, a: np.ndarray, b: np.ndarray) -> np.float32:
    """A dot product in f32, its terms added by a random tree, some products fused into an addition."""
    terms = [(np.float64(x) * np.float64(y), True) for x, y in zip(a, b, strict=True)]
    while len(terms) > 1:
        (x, whole), (y, other) = (terms.pop(int(rng.integers(len(terms)))) for _ in range(2))
        if whole and other:  # only one of two products can be fused
            y = np.float64(np.float32(y))
        if whole and rng.random() < 0.5:
            x = np.float64(np.float32(x))
        terms.append((np.float64(np.float32(x + y)), False))
    return np.float32(terms[0][0])


@pytest.mark.parametrize("seed", range(4))
def test_every_order_lies_within_the_radius(tmp_path: Path, seed: int) -> None:
    """y = relu(a b) / sqrt((a b)^2 + 1) + a b c, each product of matrices in an order of its own: one value a tensor."""
    rng = np.random.default_rng(seed)
    a, b, c = (rng.standard_normal((n, m)).astype(np.float32) for n, m in ((3, 40), (40, 5), (5, 5)))
    feeds = {"a": a, "b": b, "c": c, "one": np.ones((1, 1), np.float32)}
    nodes = [
        node("MatMul", "a", "b", "p"), node("Relu", "p", "r"), node("Mul", "p", "p", "s"), node("Add", "s", "one", "t"),
        node("Sqrt", "t", "w"), node("Div", "r", "w", "q"), node("MatMul", "p", "c", "m"), node("Add", "q", "m", "y"),
    ]  # fmt: skip
    found = enclosed(tmp_path / "m.onnx", nodes, feeds)
    centre, radius = found.numbers("f32").reshape(3, 5), found.radius
    assert radius is not None
    assert (radius < 1e-3).all()
    for _ in range(20):
        p = np.array([[dot(rng, a[i], b[:, j]) for j in range(5)] for i in range(3)], np.float32)
        m = np.array([[dot(rng, p[i], c[:, j]) for j in range(5)] for i in range(3)], np.float32)
        y = np.maximum(p, 0) / np.sqrt(p * p + np.float32(1)) + m
        assert (np.abs(y - centre) <= radius.reshape(3, 5)).all()


@pytest.mark.parametrize("label", ["f16", "bf16", "f32"])
def test_every_value_near_by_rounds_into_the_enclosure(label: str) -> None:
    """Where nothing is uncertain, to its bits: a negative number that rounds to zero is -0."""
    rng = np.random.default_rng(1)
    least = {"f16": 2.0**-24, "bf16": 2.0**-133, "f32": 2.0**-149}[label]
    y = least * np.concatenate([rng.normal(size=2000), rng.normal(size=2000) * 2.0 ** rng.integers(0, 20, 2000)])
    radius = least * np.where(rng.random(4000) < 0.2, 0.0, rng.random(4000) ** 4)
    with np.errstate(all="ignore"):
        found = _rounded(label, y, radius)
        centre, far = found.numbers(label), found.radius
        assert far is not None
        for part in (-1.0, -0.5, 0.0, 0.7, 1.0):
            bits = narrow(y + part * radius, label)
            x = decode(bits, label).astype(np.float64)
            assert (np.abs(x - centre) <= far).all()
            assert (bits == found.encoded(label))[far == 0].all()
    zero = (centre == 0) & (far == 0)
    assert (np.signbit(centre) == (y < 0))[zero].all()
    assert np.count_nonzero(zero & (y < 0)) > 100
    assert np.count_nonzero(far) > 100


def test_a_moved_function_is_a_function() -> None:
    result = np.random.default_rng(0).random(4000).astype(np.float32).view(np.uint32).astype(np.uint64)
    args = [np.arange(4000, dtype=np.uint64) % 1000]
    result[1000:] = np.tile(result[:1000], 3)
    none = np.zeros(4000, np.bool_)
    out = moved("exp", "f32", args, result, none, 2)
    assert (out[:1000] == out[1000:2000]).all()
    assert (moved("exp", "f32", args, result, none, 0) == result).all()
    assert (moved("exp", "f32", args, result, ~none, 2) == result).all()
    distance = np.abs(out.astype(np.int64) - result.astype(np.int64))
    assert distance.max() == ULPS
    assert (distance > 0).mean() > 0.5


@pytest.mark.parametrize(("label", "kind"), [(TensorProto.FLOAT, np.float32), (TensorProto.FLOAT16, np.float16)])
def test_what_no_rounding_reaches_is_certain(label: int, kind: type[np.generic], tmp_path: Path) -> None:
    """Scores that are rounded, and masked by -inf: of a row with nothing left every weight is NaN, of others no masked one is."""
    rng = np.random.default_rng(0)
    mask = np.zeros((3, 4))
    mask[0], mask[1, 2] = -np.inf, -np.inf
    feeds = {"a": rng.normal(size=(3, 30)), "b": rng.normal(size=(30, 4)), "m": mask}
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["s"]),
        helper.make_node("Add", ["s", "m"], ["x"]),
        helper.make_node("Softmax", ["x"], ["y"], axis=-1),
    ]
    found = enclosed(tmp_path / "m.onnx", nodes, {n: v.astype(kind) for n, v in feeds.items()}, label)
    numbers = found.numbers("f32" if kind is np.float32 else "f16").reshape(3, 4)
    radius = np.broadcast_to(np.zeros(1) if found.radius is None else found.radius, 12).reshape(3, 4)
    assert np.isnan(numbers[0]).all()
    assert not np.isnan(numbers[1:]).any()
    assert (radius[0] == 0).all()
    assert numbers[1, 2] == radius[1, 2] == 0
    assert (radius[1:].sum(axis=1) > 0).all() or kind is np.float16
