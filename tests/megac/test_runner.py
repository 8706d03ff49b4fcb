"""The runner's host half, on a device that is the interpreter: what it decodes, packs, refuses and reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import onnx
import pytest
from megac.cli import main
from megac.dtype import DType
from megac.errors import RunError
from megac.frontend import compile_file
from megac.host.choosing import largest
from megac.host.cuda import Cuda, symbol
from megac.host.decoding import Decoder, Names, greedy
from megac.host.device_code import LARGEST, choice
from megac.host.packing import normal_of
from megac.host.report import as_text
from megac.host.sessions import bench, opened, run
from megac.host.weights import pieces
from megac.output import Target, files, write
from megac.plan import Plan, extent, read_plan
from onnx import TensorProto, numpy_helper

from tests.megac.building import MODELS, ROOT, Array, reference, weights_of
from tv.cuda_frontend import read
from tv.launch import CompileOptions
from tv.replay import DenseBuffer
from tv.replay import run as interpret

sys.path[:0] = [str(ROOT / "benchmarks")]

from emulated_device import Interpreter

ROOM, BLOCKS = 24, 2
TINY = "llama_tiny_fp16_op18_dynP"
OPEN = (TINY, "llama_tiny_fp16_op23_dynP", "gpt2_tiny_fp16_op18_dynP", "handmade_llama_tiny_fp16_op24_dynP",
        "mixtral_tiny_fp16_op23_dynP")  # fmt: skip


@cache
def compiled(name: str, room: int = ROOM) -> Path:
    folder = Path(mkdtemp(prefix="megac")) / name
    model = MODELS / f"{name}.onnx"
    write(folder, files(compile_file(model, room - 1), Target(blocks=BLOCKS, max_position=room), str(model)))
    return folder


def decoder(name: str, source: Any = "file", seed: int = 0, room: int = ROOM) -> Decoder:
    return opened(compiled(name, room), Interpreter(), None, source, seed)


def logits(d: Decoder, position: int) -> Array:
    return d.output("logits", position).reshape(-1)


# ----------------------------------------------------------------------------------------------------------- decoding
@pytest.mark.parametrize("name", OPEN)
def test_tokens_are_those_of_the_reference(name: str) -> None:
    """Each is the most likely one, or as likely within what rounding may change."""
    m = onnx.load(MODELS / f"{name}.onnx")
    prompt, count = [7, 201, 33], 3
    tokens = run(decoder(name), prompt, count)["tokens"]
    fed = [*prompt, *tokens]
    past = caches(m)
    for position, token in enumerate(fed[:-1]):
        given = {"input_ids": np.array([[token]]), "position_ids": np.array([[position]]), **past}
        out = reference(m, {i.name: given[i.name] for i in m.graph.input})
        past = {n.replace("present", "past_key_values"): out[n] for n in out if n != "logits"}
        if position >= len(prompt) - 1:
            scores = out["logits"].reshape(-1).astype(np.float32)
            assert scores.max() - scores[fed[position + 1]] <= 2e-2


def caches(m: onnx.ModelProto) -> dict[str, Array]:
    """Empty ones."""
    out = {}
    for v in m.graph.input:
        if v.name.startswith("past"):
            shape = [d.dim_value for d in v.type.tensor_type.shape.dim]  # 0 where it is open
            out[v.name] = np.zeros(shape, onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type))
    return out


def test_logits_and_caches_are_near_the_reference() -> None:
    m = onnx.load(MODELS / f"{TINY}.onnx")
    d = decoder(TINY)
    past = caches(m)
    for position, token in enumerate((9, 0, 255)):
        d.launch(token, position)
        given = {"input_ids": np.array([[token]]), "position_ids": np.array([[position]]), **past}
        out = reference(m, given)
        for name, want in out.items():
            got = d.output(name, position)
            assert (got.shape, got.dtype) == (want.shape, want.dtype)
            np.testing.assert_allclose(got.astype(np.float32), want.astype(np.float32), 0, 2e-2)
        past = {n.replace("present", "past_key_values"): out[n] for n in out if n != "logits"}


def test_a_cache_of_fixed_length_is_filled_from_its_first_row_on() -> None:
    m = onnx.load(MODELS / "llama_tiny_staticcache16_fp16_op18.onnx")
    d = decoder("llama_tiny_staticcache16_fp16_op18")
    assert d.positions == range(16)
    past = caches(m)
    for position, token in enumerate((4, 77)):
        d.launch(token, position)
        given = {"input_ids": np.array([[token]]), "position_ids": np.array([[position]]), **past}
        out = reference(m, {i.name: given[i.name] for i in m.graph.input})
        np.testing.assert_allclose(logits(d, position), out["logits"].reshape(-1), 0, 2e-2)
        past = {n.replace("present", "past_key_values"): out[n] for n in out if n != "logits"}


def test_a_fixed_past_has_one_position() -> None:
    d = decoder("llama_tiny_bf16_op18_P15")
    assert d.positions == range(15, 16)
    with pytest.raises(RunError, match="for the position 15 alone"):
        list(greedy(d, [1], 1))
    assert [c["context"] for c in bench(d, [1, 512], 1, 4, 1e12, 0)["contexts"]] == [16]


def test_the_prompt_is_decoded_once_and_the_last_token_not_at_all() -> None:
    d = decoder(TINY)
    tokens = list(greedy(d, [5, 6], 4))
    assert isinstance(d.device, Interpreter)
    assert d.device.launches == 2 + 4 - 1
    again = decoder(TINY)
    assert list(greedy(again, [5, 6, *tokens[:2]], 2)) == tokens[2:]


@pytest.mark.parametrize(("prompt", "count", "why"), [
    ([], 1, "no token to begin with"), ([256], 1, "token 256 is not in 0 .. 255"), ([-1], 1, "token -1"),
    ([1] * 20, 6, "20 tokens and 6 more do not fit into 24 positions"),
])  # fmt: skip
def test_what_has_no_room_is_not_begun(prompt: list[int], count: int, why: str) -> None:
    d = decoder(TINY)
    with pytest.raises(RunError, match=why):
        list(greedy(d, prompt, count))
    assert isinstance(d.device, Interpreter)
    assert d.device.launches == 0


def test_a_table_of_positions_ends_the_room_that_caches_have() -> None:
    assert decoder("gpt2_tiny_fp16_op18_dynP", room=2048).positions == range(1024)


def test_all_positions_are_used() -> None:
    d = decoder(TINY, room=3)
    assert len(list(greedy(d, [1, 2], 2))) == 2


# ------------------------------------------------------------------------------------------------------------ choosing
@pytest.mark.parametrize("dtype", [DType.F16, DType.BF16, DType.F32, DType.F64])
def test_the_largest_is_the_first_of_equals(dtype: DType) -> None:
    def place(values: Sequence[float]) -> int:
        return largest(np.array(values).astype(dtype.numpy).view(np.uint8), dtype)

    assert place([-1.0, 3.0, 2.0, 3.0]) == 1
    assert place([-0.0, 0.0]) == 0
    assert place([-5.0, -2.0, -np.inf]) == 1
    assert place([1.0, np.inf, 7.0]) == 1
    assert place([-np.inf, -np.inf]) == 0
    assert [place([1.0, bad]) for bad in (np.nan, -np.nan)] == [-1, -1]
    values = np.random.default_rng(2).standard_normal(999).astype(dtype.numpy)
    assert largest(values.view(np.uint8), dtype) == int(np.argmax(values.astype(np.float64)))


@pytest.mark.parametrize("dtype", LARGEST)
def test_the_kernel_that_chooses_is_the_hosts_choice(dtype: DType) -> None:
    name = LARGEST[dtype][0]
    kernel = read(Path("choice.cu"), choice(dtype), CompileOptions(), wanted=(name,)).kernels[name]
    rng = np.random.default_rng(3)
    for count, special in ((1, -np.inf), (33, 0.0), (1025, np.inf), (1025, np.nan), (5000, -0.0), (5000, 9.0)):
        values = rng.choice([-3.0, -0.0, 0.0, 2.5, 2.5625, 7.0, -np.inf], count) if count > 33 else np.full(count, -2.0)
        values[rng.integers(0, count, 2)] = special
        bits = np.ascontiguousarray(values.astype(dtype.numpy)).view(np.uint8)
        place = DenseBuffer.empty(8)
        buffers: dict[str, Any] = {"x": DenseBuffer.of(bits), "place": place}
        done = interpret(kernel, (1, 1, 1), (1024, 1, 1), buffers, {"count": count})
        assert done.clean, done.events
        assert int(place.array(np.int64)[0]) == largest(bits, dtype)


# ------------------------------------------------------------------------------------------------------------- packing
def with_external_data(name: str, to: Path) -> Path:
    """The model with all its weights of two dimensions in a file beside it, which does not begin with them."""
    m = onnx.load(MODELS / f"{name}.onnx")
    at = 4096
    with open(to / "weights.bin", "wb") as file:
        for t in m.graph.initializer:
            if len(t.dims) == 2:
                data = numpy_helper.to_array(t).tobytes()
                file.seek(at)
                file.write(data)
                t.ClearField("raw_data")
                t.data_location = TensorProto.EXTERNAL
                entries = {"location": "weights.bin", "offset": str(at), "length": str(len(data))}
                for k, v in entries.items():
                    t.external_data.add(key=k, value=v)
                at += -(-len(data) // 4096) * 4096
    onnx.save(m, to / "model.onnx")
    return to / "model.onnx"


def test_external_data_are_the_same_weights(tmp_path: Path) -> None:
    model = with_external_data(TINY, tmp_path)
    folder = tmp_path / "kernel"
    write(folder, files(compile_file(model, ROOM - 1), Target(blocks=BLOCKS, max_position=ROOM), "../model.onnx"))
    d, own = opened(folder, Interpreter(), None, "file", 0), decoder(TINY)
    for x in d.plan.of_kind("weights"):
        assert bytes(d.memory[x.name].data) == bytes(own.memory[x.name].data)
        init = d.memory[x.name].init
        parts = sum(q.elements * len(q.tensors) for q in x.parts)
        assert init.sum() == parts * x.dtype.bytes  # gaps between parts alone are not written

    (tmp_path / "weights.bin").write_bytes(b"\0" * 5000)
    with pytest.raises(RunError, match=r"`weights.bin` ends before the data of"):
        opened(folder, Interpreter(), None, "file", 0)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(RunError, match="cannot be read"):
        opened(folder, Interpreter(), None, "file", 0)
    drawn = opened(folder, Interpreter(), None, "random", 0)
    assert len(run(drawn, [1], 2)["tokens"]) == 2


def test_drawn_weights_are_the_seeds_and_of_a_sensible_size(tmp_path: Path) -> None:
    model = with_external_data(TINY, tmp_path)
    folder = tmp_path / "kernel"
    write(folder, files(compile_file(model, ROOM - 1), Target(blocks=BLOCKS, max_position=ROOM), "../model.onnx"))
    a, b, c = (opened(folder, Interpreter(), None, "random", s) for s in (0, 0, 1))
    for x in a.plan.of_kind("weights"):
        bits = [bytes(d.memory[x.name].data) for d in (a, b, c)]
        assert bits[0] == bits[1]
        external = any(e.file for q in x.parts for e in q.data)
        assert (bits[0] == bits[2]) is not external
    (layers,) = (x for x in a.plan.of_kind("weights") if x.name == "layers_f16")
    q = layers.parts[0]
    assert (q.tensors[0], q.fan_in, normal_of(q)) == ("val_25", 64, (0.0, 0.125))
    first = a.memory["layers_f16"].array(np.float16)[: q.elements].astype(np.float64)
    assert abs(first.std() - 0.125) < 0.01
    gains = next(q for q in layers.parts if len(q.shape) == 1)
    assert normal_of(gains) == (1.0, 0.1)
    (table,) = (q for x in a.plan.of_kind("weights") for q in x.parts if "embed_tokens" in q.label)
    assert (normal_of(table), table.read) == ((0.0, 0.5), 64)


def test_pieces_are_the_whole_in_order_and_small() -> None:
    a = np.arange(7 * 5 * 6, dtype=np.int16).reshape(7, 5, 6)
    for t in (a, a.transpose(2, 0, 1), a[0, 0], a[0, 0, 0]):
        found = list(pieces(t, 25))
        assert np.concatenate([p.reshape(-1) for p in found]).tolist() == t.reshape(-1).tolist()
        assert all(p.flags.c_contiguous and (p.nbytes <= 25 or p.size == 1) for p in found)


def test_another_model_is_refused() -> None:
    folder = compiled(TINY)
    with pytest.raises(RunError, match="has no tensor|has the shape"):
        opened(folder, Interpreter(), MODELS / "gpt2_tiny_fp16_op18_dynP.onnx", "file", 0)
    with pytest.raises(RunError, match="cannot be read"):
        opened(folder, Interpreter(), MODELS / "none.onnx", "file", 0)


def test_weights_lie_as_the_specification_says() -> None:
    """The interpreter's run is of the text; what the text means is the specification's, which a proof is about."""
    d, m = decoder(TINY), onnx.load(MODELS / f"{TINY}.onnx")
    stored = weights_of(m)
    for x in d.plan.of_kind("weights"):
        cells = d.memory[x.name].array(x.dtype.numpy)
        for q in x.parts:
            for k, tensor in enumerate(q.tensors):
                at = q.offset + k * q.stride
                got = cells[at : at + q.elements].reshape([q.capacity[i] for i in q.order])
                np.testing.assert_array_equal(got, stored[tensor].transpose(q.order))


# ----------------------------------------------------------------------------------------------------------- measuring
def test_measurements_have_a_floor_and_contexts() -> None:
    d = decoder(TINY)
    data = bench(d, [1, 12, 4096], 3, 2, None, 0)
    assert [(c["context"], c["launches"]) for c in data["contexts"]] == [(1, 3), (12, 3)]
    assert data["read_rate"] == "measured"
    assert data["floor_ms"] == pytest.approx(1e3 * d.plan.read / 1e12)
    assert data["in_a_row"]["tokens"] == 2
    assert data["in_a_row"]["first_position"] == 12
    text = as_text(json.loads(json.dumps(data)))
    assert text.splitlines()[0] == f"{TINY} on the interpreter: 2 blocks of {d.plan.threads} threads"
    assert "2 tokens in a row from position 12 on" in text


def test_times_are_reported_where_random_weights_lead_to_no_number() -> None:
    d = decoder(TINY)
    (norm,) = (x for x in d.plan.of_kind("weights") if x.name == "norm_weight")
    d.device.write(d.memory[norm.name], 0, np.full(norm.extent, np.nan, np.float16).view(np.uint8))
    data = bench(d, [1], 1, 2, 1e12, 0)
    assert len(data["contexts"]) == 1
    assert data["in_a_row"] == {"stopped": "there are NaNs among the logits"}
    assert as_text(data).endswith("tokens in a row: stopped, there are NaNs among the logits")


@pytest.mark.parametrize(("name", "left"), [
    (TINY, {"embed_tokens_weight": 255 * 64}), ("gpt2_tiny_fp16_op18_dynP", {"transformer_wpe_weight": 1023 * 64}),
])  # fmt: skip
def test_a_launch_reads_all_but_the_other_rows_of_tables(name: str, left: dict[str, int]) -> None:
    """GPT-2's embedding is its last matrix too."""
    plan = read_plan(compiled(name))
    parts = [(x, q) for x in plan.of_kind("weights") for q in x.parts]
    assert {q.label: q.elements - q.read for _, q in parts if q.read != q.elements} == left
    assert plan.read == sum(q.elements * len(q.tensors) * x.dtype.bytes for x, q in parts) - 2 * sum(left.values())


def test_a_mixture_reads_the_experts_that_it_picks() -> None:
    plan = read_plan(compiled("mixtral_tiny_fp16_op23_dynP"))
    experts = [q for x in plan.of_kind("weights") for q in x.parts if len(q.shape) == 3]
    assert experts
    assert all(q.read * 2 == q.elements for q in experts)  # two of four


# ------------------------------------------------------------------------------------------------------------- refusals
def changed(name: str, **given: Any) -> Plan:
    return replace(read_plan(compiled(name)), **given)


def test_kernels_that_are_no_decode_step_are_refused() -> None:
    plan = changed(TINY, dimensions={"a": 1, "b": 2})
    with pytest.raises(RunError, match="several open dimensions: a, b"):
        Decoder(plan, Interpreter())
    with pytest.raises(RunError, match="no output `scores`"):
        Decoder(read_plan(compiled(TINY)), Interpreter(), Names(logits="scores"))
    with pytest.raises(RunError, match=r"nothing is known of the input `input_ids"):
        Decoder(read_plan(compiled(TINY)), Interpreter(), Names(token="tokens"))


def test_a_damaged_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_plan(tmp_path)
    whole = json.loads((compiled(TINY) / "plan.json").read_text())

    def refused(why: str, text: str) -> None:
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(RunError, match=why):
            read_plan(tmp_path)

    refused("is no plan", "{")
    refused("of this version", json.dumps({**whole, "schema": 99}))
    refused("is damaged: KeyError 'layers'", json.dumps({k: v for k, v in whole.items() if k != "layers"}))
    refused("is damaged: ValueError -1", json.dumps({**whole, "blocks": -1}))
    refused("is damaged: ValueError 'a b'", json.dumps({**whole, "kernel": "a b"}))
    for file in ("/etc/passwd", "../weights.bin", "a\\b"):
        outside = json.loads(json.dumps(whole))
        outside["parameters"][0]["parts"][0]["data"][0]["file"] = file
        refused("no path below the model's folder", json.dumps(outside))
    beyond = json.loads(json.dumps(whole))
    beyond["parameters"][0]["extent"] -= 1
    refused("reaches beyond it", json.dumps(beyond))


def test_extents_are_sums_of_dimensions() -> None:
    assert [extent(t, {"p": 7, "q": 2}) for t in ("3", "p", "p + 1", "2*p + q", "p - 1", "-p + 9")] == [
        3,
        7,
        8,
        16,
        6,
        2,
    ]
    for bad in ("r", "x*p"):
        with pytest.raises(RunError):
            extent(bad, {"p": 1})


def test_without_a_gpu_the_command_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(SystemExit) as e:
        main(["run", str(compiled(TINY)), "--tokens", "1,2"])
    out = capsys.readouterr()
    assert (e.value.code, out.out) == (2, "")
    assert out.err.startswith("error: CuPy is not installed")
    assert "help: pip install" in out.err
    with pytest.raises(RunError):
        Cuda()


def test_the_kernels_name_in_a_cubin() -> None:
    def names(*given: str) -> bytes:
        return b"\x7fELF\x00" + b"\x00".join(f".text.{n}".encode() for n in given) + b"\x00"

    assert symbol(names("_Z6decodePKfi"), "decode") == "_Z6decodePKfi"
    assert symbol(names("decode", "other"), "decode") == "decode"
    for bad in (names("_Z7decodedPf"), names("decode", "_Z6decodePf"), b""):
        with pytest.raises(RunError, match="kernels `decode`"):
            symbol(bad, "decode")


# ------------------------------------------------------------------------------------------------------------ commands
def test_run_and_bench_as_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("megac.cli.Cuda", Interpreter)
    folder = str(compiled(TINY))
    main(["run", folder, "--tokens", "1,2,3", "-n", "2", "--json", str(tmp_path / "run.json")])
    data = json.loads((tmp_path / "run.json").read_text())
    out = capsys.readouterr()
    assert out.out.split() == list(map(str, data["tokens"]))
    assert out.err.startswith("4 steps on the interpreter, ")
    assert (data["prompt"], len(data["tokens"])) == ([1, 2, 3], 2)
    report = str(tmp_path / "bench.json")
    main(
        ["bench", folder, "--contexts", "1,8", "--repeats", "2", "--row", "1", "--bandwidth", "4.69", "--json", report]
    )
    assert "(stated)" in capsys.readouterr().out
    assert [c["context"] for c in json.loads(Path(report).read_text())["contexts"]] == [1, 8]
    for bad in (["--tokens", "a"], ["--tokens", "1", "-n", "0"], []):
        with pytest.raises(SystemExit) as e:
            main(["run", folder, *bad])
        assert e.value.code == 2


def test_the_plan_names_the_model_as_it_is_reached_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    model = tmp_path / "models" / "m.onnx"
    model.write_bytes((MODELS / f"{TINY}.onnx").read_bytes())
    main([str(model), "-o", str(tmp_path / "a" / "b")])
    assert json.loads((tmp_path / "a" / "b" / "plan.json").read_text())["model"] == "../../models/m.onnx"
    plan = read_plan(tmp_path / "a" / "b")
    assert plan.model is not None
    assert plan.model.resolve() == model.resolve()
