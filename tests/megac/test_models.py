"""Exported decoders: near the reference, no bit moved by a pass, and a layer in the stages that it consists of."""

from __future__ import annotations

import resource
import time
from functools import cache

import numpy as np
import onnx
import pytest
from megac.frontend import compile_file, optimised
from megac.ir import Program
from megac.lower import lower
from megac.onnx_reader import read

from tests.megac.building import MODELS, bits, inputs_of, reference, run

TINY = sorted(p.stem for p in MODELS.glob("*_tiny_*.onnx"))


@cache
def loaded(name: str) -> tuple[onnx.ModelProto, Program, Program]:
    raw = lower(read(MODELS / f"{name}.onnx"))
    return onnx.load(MODELS / f"{name}.onnx"), raw, optimised(raw)


@pytest.mark.parametrize("name", TINY)
def test_a_decoder_computes_what_the_reference_does_and_no_pass_moves_a_bit(name: str) -> None:
    m, raw, p = loaded(name)
    fixed = 7 if "staticcache" in name else 15
    for past in (0, 1, 15) if p.dims else (fixed,):
        given = inputs_of(p, past, seed=past)
        got, want = run(p, m, given), reference(m, given)
        tolerance = 0.1 if "bf16" in name else 2e-2
        for out, expected in want.items():
            assert (got[out].shape, got[out].dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(got[out].astype(np.float32), expected.astype(np.float32), 0, tolerance)
        assert bits(got) == bits(run(raw, m, given))
        new = [o for o in want if o.startswith("present.0")]
        assert len(new) == 2
        if "op18" in name and "gpt2" not in name:  # nothing is reordered before the first layer's keys
            for out in new:
                np.testing.assert_allclose(got[out].astype(np.float32), want[out].astype(np.float32), 0, 1e-3)


@pytest.mark.parametrize("name", TINY)
def test_the_two_layers_are_rolled(name: str) -> None:
    p = loaded(name)[2]
    r = p.layers
    assert r is not None
    assert (r.count, len(r.carried), len(r.appends)) == (2, 1, 2)
    assert r.period == (30 if "mixtral" in name else 20)
    assert len(p.stages) - r.count * r.period <= 8


def test_a_llama_layer_is_these_stages() -> None:
    p = loaded("llama_tiny_fp16_op18_dynP")[2]
    r = p.layers
    assert r is not None
    layer = p.stages[r.start : r.start + r.period]
    kinds = ["e" if s.reduction is None else s.reduction.op for s in layer]
    assert " ".join(kinds) == "sum e sum sum e sum e sum max e sum e sum sum sum e sum sum e sum"
    assert [str(e) for s in layer[2:4] for e in s.shape] == ["4", "16", "2", "16"]
    assert "Add" in {o.op for o in layer[-1].origin}


@pytest.mark.parametrize("name", ["llama2-7b_fp16_op18_dynP", "handmade_llama2-7b_fp16_op24_dynP"])
def test_the_full_size_takes_seconds_and_its_32_layers_are_one(name: str) -> None:
    start = time.process_time()
    p = compile_file(MODELS / f"{name}.onnx")
    assert time.process_time() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 2**20  # KiB
    r = p.layers
    assert r is not None
    assert (r.count, r.period, len(r.carried)) == (32, 20, 1)
    assert len(p.appends) == 64
    assert {len(leaf.names) for leaf in r.leaves} == {32}
    assert all(w.file for w in p.weights if len(w.shape) == 2)


def test_the_same_decoder_in_two_spellings_has_the_same_work() -> None:
    """Decomposed norms and Attention's own body differ in rounding points, not in how a layer is cut."""
    shapes = []
    for name in ("llama_tiny_fp16_op18_dynP", "llama_tiny_fp16_op23_dynP", "handmade_llama_tiny_fp16_op24_dynP"):
        p = loaded(name)[2]
        r = p.layers
        assert r is not None
        stages = p.stages[r.start : r.start + r.period]
        # a head's rows may lie as [heads, 16] or as one vector
        shapes.append([(s.reduction.op if s.reduction else "", len(s.shape) > 0) for s in stages])
    assert shapes[0] == shapes[1]
    assert sorted(shapes[0]) == sorted(shapes[2])


def test_positions_and_tokens_are_bounded_by_what_they_index() -> None:
    def ranges(name: str) -> dict[str, str]:
        return {x.tensor: str(x.high) for x in loaded(name)[2].preconditions}

    assert ranges("llama_tiny_fp16_op18_dynP") == {"input_ids": "255"}
    assert ranges("gpt2_tiny_fp16_op18_dynP") == {"input_ids": "255", "position_ids": "1023"}
    assert ranges("llama_tiny_staticcache16_fp16_op18") == {"input_ids": "255", "position_ids": "15"}
