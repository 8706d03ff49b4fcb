"""Specification files: every key known, every value of its kind, every error at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tv.diagnostic import BadInput
from tv.launch import InputAssumption
from tv.request import Overrides
from tv.spec import parse_document, read_document, sidecar
from tv.spec.arguments import Buffer, Open, Plain, Pointers, Scratch, Word
from tv.spec.locate import Locator, nearest

FULL = """
kernel = "rmsnorm"               # a template instance: "rmsnorm<float, 256>"
grid = [4, 1, 1]
block = [256, 1, 1]
shared = 0
cooperative = false
fmad = true
fast_math = false
arch = "sm_90"
defines = { TILE = "32" }
include = ["include"]

[args]
x = "X"
w = { tensor = "W", layout = "[i, j] -> [j * 4096 + i]" }
packed = { concat = ["W0", "W1"] }
ws = ["W0", "W1"]
kv = { input = "past_key", output = "present_key", layout = "[b, h, p, d] -> [(h * 4096 + p) * 128 + d]", extent = 16777216 }
scratch = { extent = 65536 }
n = 4096
eps = 1e-5
alpha = { symbol = "alpha", type = "f32" }
token = { element = "input_ids[0, 0]" }
stats = "null"
p = { fields = { ld = 4096, scale = 0.125 } }
pos = { symbol = "P", min = 0, max = 4095 }
x2 = { tensor = "X", align = 4 }

[globals]
counter = 0

[inputs]
position_ids = "P"
input_ids = { min = 0, max = 31999 }
finite = ["past_key", "past_value"]

[model]
inputs = ["add_5"]
outputs = ["linear_6"]
"""


def test_every_key_of_the_contract_is_read() -> None:
    d = parse_document(FULL, "k.toml")
    launch = d.launches[0]
    assert (launch.kernel, launch.grid, launch.block, launch.shared) == ("rmsnorm", (4, 1, 1), (256, 1, 1), 0)
    assert launch.cooperative is False
    kinds = {name: type(a).__name__ for name, a in launch.args.items()}
    assert kinds == {
        "x": "Word", "w": "Buffer", "packed": "Buffer", "ws": "Pointers", "kv": "Buffer", "scratch": "Scratch", "n": "Plain",
        "eps": "Plain", "alpha": "Open", "token": "Element", "stats": "Word", "p": "Fields", "pos": "Open", "x2": "Buffer",
    }  # fmt: skip
    assert d.globals["counter"] == Plain(0, d.globals["counter"].span)
    assert d.inputs == (
        InputAssumption("position_ids", value="P"),
        InputAssumption("input_ids", min=0, max=31999),
        InputAssumption("past_key", finite=True),
        InputAssumption("past_value", finite=True),
    )
    assert (d.model_inputs, d.model_outputs) == (("add_5",), ("linear_6",))
    assert d.wanted_kernels(Overrides()) == ("rmsnorm",)
    assert d.wanted_kernels(Overrides(kernel="other")) == ("other",)


def test_arguments_keep_their_fields() -> None:
    args = parse_document(FULL, "k.toml").launches[0].args
    match args["kv"], args["pos"], args["scratch"], args["ws"], args["x"]:
        case Buffer() as kv, Open() as pos, Scratch() as scratch, Pointers() as ws, Word() as x:
            assert (kv.input, kv.output, kv.extent, kv.align) == ("past_key", "present_key", 16777216, 256)
            assert (pos.symbol, pos.min, pos.max, pos.dim) == ("P", 0, 4095, None)
            assert (scratch.extent, scratch.zeroed) == (65536, False)
            assert ws.tensors == ("W0", "W1")
            assert (x.text, x.span.line, x.span.col) == ("X", 14, 1)
        case other:
            pytest.fail(f"{other}")


def test_a_tensor_may_be_called_finite() -> None:
    d = parse_document("[inputs]\nfinite = { min = 0, max = 1 }\n", "k.toml")
    assert d.inputs == (InputAssumption("finite", min=0, max=1),)


def test_no_file_is_an_empty_document() -> None:
    d = read_document(None)
    assert (d.path, len(d.launches), d.launches[0].grid) == ("", 1, None)


def test_the_sidecar_has_the_kernels_name(tmp_path: Path) -> None:
    kernel = tmp_path / "norm.cu"
    assert sidecar(str(kernel)) is None
    (tmp_path / "norm.toml").write_text("grid = [1]")
    assert sidecar(str(kernel)) == str(tmp_path / "norm.toml")
    assert read_document(sidecar(str(kernel))).launches[0].grid == (1,)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"grid = \xff")
    (tmp_path / "large.toml").write_text("#" * (5 << 20))
    for name in ("missing.toml", "bytes.toml", "large.toml", "."):
        with pytest.raises(BadInput) as caught:
            read_document(str(tmp_path / name))
        assert caught.value.code == "TV0201"


BAD = [
    ("TV0201", 'kernel = "k"\ngrid = [1', 2),
    ("TV0201", 'grid = [1]\ngrid = [2]\n', 2),
    ("TV0202", 'kernel = "k"\ngird = [1]\n', 2),
    ("TV0202", "[argz]\nx = 1\n", 1),
    ("TV0202", '[args]\nx = "X"\nw = { tensr = "W" }\n', 3),
    ("TV0202", "[model]\ninput = []\n", 2),
    ("TV0202", "[inputs]\nx = { mn = 1 }\n", 2),
    ("TV0202", "[symbols]\nN = { min = 1, maximum = 2 }\n", 2),
    ("TV0202", "[[launch]]\ngrid = [1]\n[[launch]]\nblok = [1]\n", 4),
    ("TV0203", "kernel = 3\n", 1),
    ("TV0203", "grid = [1, 1, 1, 1]\n", 1),
    ("TV0203", "grid = []\n", 1),
    ("TV0203", "grid = [true]\n", 1),
    ("TV0203", "grid = [1.0]\n", 1),
    ("TV0203", "block = 'a'\nfmad = 1\n", 2),
    ("TV0203", 'cooperative = "yes"\n', 1),
    ("TV0203", 'arch = "ampere"\n', 1),
    ("TV0203", "defines = { A = true }\n", 1),
    ("TV0203", 'include = "inc"\n', 1),
    ("TV0203", "args = 3\n", 1),
    ("TV0203", "[args]\nx = {}\n", 2),
    ("TV0203", "[args]\nx = { align = 4 }\n", 2),
    ("TV0203", '[args]\nx = { tensor = "X", min = 3 }\n', 2),
    ("TV0203", '[args]\nx = { tensor = "X", align = 3 }\n', 2),
    ("TV0203", '[args]\nx = { tensor = ["X"] }\n', 2),
    ("TV0203", "[args]\nx = { concat = [] }\n", 2),
    ("TV0203", "[args]\nx = [1, 2]\n", 2),
    ("TV0203", "[args]\nx = 2020-01-01\n", 2),
    ("TV0203", '[args]\nx = { extent = 4, zeroed = "no" }\n', 2),
    ("TV0203", '[args]\nx = { symbol = "N!", min = 1, max = 2 }\n', 2),
    ("TV0203", '[args]\nx = { symbol = "N", type = "float" }\n', 2),
    ("TV0203", '[args]\nx = { symbol = "tx", min = 1, max = 2 }\n', 2),
    ("TV0203", '[args]\nx = { symbol = "mod", min = 1, max = 2 }\n', 2),
    ("TV0203", "[symbols]\ni0 = { min = 1, max = 2 }\n", 2),
    ("TV0203", '[symbols]\n"\u00e9" = { min = 1, max = 2 }\n', 2),
    ("TV0203", "[args]\nx = { fields = 3 }\n", 2),
    ("TV0203", "[inputs]\nx = {}\n", 2),
    ("TV0203", "[inputs]\nx = { min = 0.5 }\n", 2),
    ("TV0203", "[inputs]\nx = { value = 2, min = 5, max = 9 }\n", 2),
    ("TV0203", '[inputs]\nx = { value = "P", max = 9 }\n', 2),
    ("TV0203", "[model]\ninputs = 3\n", 2),
    ("TV0203", "launch = 3\n", 1),
    ("TV0205", 'grid = ["N / 2"]\n', 1),
    ("TV0205", '[args]\nx = { extent = "4 +" }\n', 2),
    ("TV0207", "[symbols]\nN = { min = 1 }\n", 2),
    ("TV0207", "[inputs]\nx = { min = 2, max = 1 }\n", 2),
]  # fmt: skip


@pytest.mark.parametrize(("code", "toml", "line"), BAD)
def test_what_is_wrong_is_refused_at_its_line(code: str, toml: str, line: int) -> None:
    with pytest.raises(BadInput) as caught:
        parse_document(toml, "k.toml")
    assert (caught.value.code, caught.value.span.line) == (code, line), caught.value.message


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("gird", "grid"),
        ("blocks", "block"),
        ("cooperativ", "cooperative"),
        ("fastmath", "fast_math"),
        ("argument", "args"),
    ],
)
def test_an_unknown_key_names_the_nearest(word: str, suggested: str) -> None:
    with pytest.raises(BadInput, match=f"unknown key `{word}`") as caught:
        parse_document(f"{word} = 1\n", "k.toml")
    assert f"`{suggested}`" in caught.value.help
    assert (caught.value.span.col, caught.value.span.end) == (1, len(word) + 1)


def test_keys_are_found_wherever_toml_allows_them() -> None:
    text = 'a = 1\n[t."x y"]\nb = { c = 1, d = { e = 2 } }\n[[l]]\nk = 1\n[l.args]\nz = 1\n[[l]]\nargs.q = [\n 1,\n]\n'
    where = Locator("f.toml", text)
    assert [where.span(*p).line for p in (("a",), ("t", "x y", "b"), ("t", "x y", "b", "d", "e"))] == [1, 3, 3]
    assert [where.span("l", 0, "args", "z").line, where.span("l", 1, "args", "q").line] == [7, 9]
    assert where.span("t", "x y", "b", "d", "e").col == 20
    assert where.span("nowhere").line == 1


def test_nearest() -> None:
    assert nearest("wieght", ["bias", "weight"]) == "did you mean `weight`?"
    assert nearest("zzz", ["bias", "weight"]) == "known: `bias`, `weight`"
    assert nearest("x", []) == ""
