"""Proofs that rest on a solver's word: where it is asked for, what may be shared, and what becomes of the text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.check import check
from tv.diagnostic import BadInput
from tv.equiv import lemmas
from tv.equiv.asked import Asked
from tv.equiv.lemmas import Lemmas
from tv.equiv.relate import relate
from tv.examine import Findings, examine, read_inputs
from tv.obligation import Relation, Status
from tv.recheck import recheck
from tv.request import CheckRequest
from tv.solvers import GaveUp, Model, asking
from tv.verdict import CheckResult, Verdict

F32 = TensorProto.FLOAT
ONE_EACH = """#include <cuda_fp16.h>
__global__ void k({args}, int n)
{{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {{ {body} }}
}}
"""
Node = tuple[str, str, str]  # operator, inputs, output: names of one letter, digits are constants


def pair(folder: Path, nodes: list[Node], body: str, element: int = F32) -> CheckRequest:
    """y = what the nodes say of x and z; tensors of N elements, N open."""
    word = {F32: "float", TensorProto.FLOAT16: "__half", TensorProto.INT32: "int"}[element]
    used = {n for _, ins, _ in nodes for n in ins}
    inputs = [n for n in "xz" if n in used]
    tensors = [helper.make_tensor_value_info(n, element, ["N"]) for n in [*inputs, "y"]]
    stored = [
        helper.make_tensor(n, element, [], [float(n) if element != TensorProto.INT32 else int(n)])
        for n in used
        if n.isdigit()
    ]
    made = [helper.make_node(op, list(ins), [out]) for op, ins, out in nodes]
    graph = helper.make_graph(made, "g", tensors[:-1], tensors[-1:], stored)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "model.onnx"
    )
    args = ", ".join([f"const {word}* {n}" for n in inputs] + [f"{word}* y"])
    (folder / "kernel.cu").write_text(ONE_EACH.format(args=args, body=body))
    bound = "".join(f'{n} = "{n}"\n' for n in [*inputs, "y"])
    symbol = 'n = { symbol = "N", min = 1, max = 16777216 }\n'
    (folder / "kernel.toml").write_text(f'grid = ["ceildiv(N, 256)"]\nblock = [256]\n[args]\n{bound}{symbol}')
    return CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"), replay="none")


def proved(request: CheckRequest) -> bool:
    """Without a search for a counterexample where there is no proof."""
    spec, kernel = read_inputs(request, lambda _: None)
    found = Findings()
    examine(request, spec, kernel, spec.spec.launches[0], found, lambda _: None, relate)
    return all(o.status is Status.PROVED for o in found.obligations)


def bits(x: str) -> str:
    return f"__float_as_uint({x})"


MASK = f"y[i] = __uint_as_float({bits('x[i] - z[i]')} & 0x7fffffffu);"
SIZE: list[Node] = [("Sub", "xz", "d"), ("Abs", "d", "y")]
HALVED: list[Node] = [("Div", "x2", "y")]
GOOD: dict[str, tuple[list[Node], str]] = {
    "a half by multiplication": (HALVED, "y[i] = x[i] * 0.5f;"),
    "a sign cleared in the bits": (SIZE, MASK),
    "a sign flipped in the bits": ([("Neg", "x", "y")], f"y[i] = __uint_as_float({bits('x[i]')} ^ 0x80000000u);"),
    "clipping by comparisons": ([("Clip", "x06", "y")], "const float v = x[i]; y[i] = !(v > 0.f) ? 0.f : v < 6.f ? v : 6.f;"),
    "two nodes at once": (
        [("Max", "x0", "m"), ("Min", "m6", "y")],
        "const float v = x[i]; y[i] = !(v > 0.f) ? 0.f : v < 6.f ? v : 6.f;",
    ),
    "multiplication by one": ([("Identity", "x", "y")], "y[i] = x[i] * 1.0f;"),
    "below a function": ([("Neg", "x", "n"), ("Exp", "n", "y")], f"y[i] = expf(__uint_as_float({bits('x[i]')} ^ 0x80000000u));"),
    "two reads of one element": ([("Mul", "xx", "m"), ("Div", "m2", "y")], "const float v = x[i]; y[i] = 0.5f * (v * x[i]);"),
    "a rounded sum": ([("Div", "x2", "h"), ("Add", "hz", "y")], "y[i] = __fadd_rn(x[i] * 0.5f, z[i]);"),
}  # fmt: skip
BAD: dict[str, tuple[list[Node], str]] = {
    "another factor": ([("Div", "x3", "y")], "y[i] = x[i] * 0.33333334f;"),
    "the lowest bit masked": (SIZE, MASK.replace("7fffffffu", "7ffffffeu")),
    "operands of another sum": (SIZE, MASK.replace("- z[i]", "- x[i]")),
    "another element": (HALVED, "y[i] = x[n - 1 - i] * 0.5f;"),
    "-0 stays -0": ([("Max", "x0", "y")], "y[i] = x[i] >= 0.f ? x[i] : 0.f;"),
    "NaN stays NaN": ([("Max", "x0", "y")], "y[i] = x[i] <= 0.f ? 0.f : x[i];"),
    "a maximum by comparison": ([("Max", "xz", "y")], "y[i] = x[i] > z[i] ? x[i] : z[i];"),
    "only where nothing overflows": ([("Identity", "x", "y")], "y[i] = (x[i] * 2.0f) * 0.5f;"),
    "a contraction of what the graph rounds": ([("Div", "x2", "h"), ("Add", "hz", "y")], "y[i] = x[i] * 0.5f + z[i];"),
    "a fused product": ([("Div", "x2", "h"), ("Add", "hz", "y")], "y[i] = fmaf(x[i], 0.5f, z[i]);"),
    "a double between": (HALVED, "y[i] = (float)((double)x[i] * 0.49999999999999);"),
}  # fmt: skip


@pytest.mark.parametrize("what", GOOD)
def test_proved_by_a_lemma(what: str, tmp_path: Path) -> None:
    result = check(pair(tmp_path, *GOOD[what]))
    assert (result.verdict, result.relation) == (Verdict.PROVED, Relation.BITWISE), result.why


@pytest.mark.parametrize("what", BAD)
def test_not_proved_by_a_lemma(what: str, tmp_path: Path) -> None:
    assert not proved(pair(tmp_path, *BAD[what]))


def test_halves_in_pairs_of_bits(tmp_path: Path) -> None:
    body = "y[i] = __ushort_as_half((unsigned short)(__half_as_ushort(__hsub(x[i], z[i])) & 0x7fff));"
    assert proved(pair(tmp_path, SIZE, body, TensorProto.FLOAT16))


def test_integers_are_equal_bit_for_bit(tmp_path: Path) -> None:
    nodes: list[Node] = [("Add", "xx", "y")]
    assert proved(pair(tmp_path, nodes, "y[i] = (int)((unsigned)x[i] << 1);", TensorProto.INT32))
    assert not proved(pair(tmp_path, nodes, "y[i] = (int)((unsigned)x[i] << 2);", TensorProto.INT32))


# ------------------------------------------------------------------------------------------------ each rule is needed
def weakened(patch: pytest.MonkeyPatch, rule: str) -> None:
    """Lemmas without one of the reasons to refuse them."""
    must = lemmas.must
    patch.setattr(lemmas, "must", lambda good, why: must(good or rule in why, why))


def test_without_the_rule_on_contraction_a_wrong_kernel_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "y[i] = __hsub(z[i], __hmul(x[i], __float2half(-0.5f)));"
    request = pair(tmp_path, BAD["a fused product"][0], body, TensorProto.FLOAT16)
    assert not proved(request)
    weakened(monkeypatch, "contract an addition")
    assert proved(request)


def test_without_the_rule_on_nan_too_much_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two equal sums, compared by their bits: which NaN either is, nobody says."""
    nodes: list[Node] = [("Add", "xz", "d"), ("Abs", "d", "y")]
    body = "const unsigned u = {}, w = {}; y[i] = u == w ? __uint_as_float(u & 0x7fffffffu) : 0.0f;"
    request = pair(tmp_path, nodes, body.format(bits("x[i] + z[i]"), bits("z[i] + x[i]")))
    assert not proved(request)
    monkeypatch.setattr(Lemmas, "nan", lambda *_: "")
    assert proved(request)


# ------------------------------------------------------------------------------------------------ no answer, no proof
@pytest.mark.parametrize("answer", [GaveUp(("bitwuzla gave up", "z3 gave up")), Model("z3", ())])
def test_only_a_valid_lemma_proves(answer: GaveUp | Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = pair(tmp_path, *GOOD["a sign cleared in the bits"])
    monkeypatch.setattr(Asked, "ask", lambda self, text: self.answers.setdefault(text, answer))
    result = check(request)
    assert result.verdict is Verdict.UNKNOWN
    told = [o.help for o in result.obligations if "no answer" in o.help]
    assert bool(told) == isinstance(answer, GaveUp)


def test_without_solvers_nothing_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WORKER", tmp_path / "nowhere.py")
    assert not proved(pair(tmp_path, *GOOD["a half by multiplication"]))


# ------------------------------------------------------------------------------------------------ files
def dumped(request: CheckRequest, folder: Path) -> tuple[CheckResult, dict[str, str]]:
    result = check(replace(request, dump_smt2=str(folder)))
    return result, {p.name: p.read_text() for p in sorted(folder.iterdir())}


def test_every_question_is_written_down_with_its_answer(tmp_path: Path) -> None:
    request = pair(tmp_path, *GOOD["two nodes at once"])
    result, files = dumped(request, tmp_path / "a")
    assert result.verdict is Verdict.PROVED
    assert dumped(request, tmp_path / "b")[1] == files
    assert [n.split("-")[0] for n in files] == [f"{i:03d}" for i in range(1, len(files) + 1)]
    texts = list(files.values())
    assert any(t.startswith("; valid (bitwuzla)\n(set-logic ALL)\n") for t in texts)
    assert all(t.endswith("(check-sat)\n") for t in texts)
    assert asking.ask(next(t for t in texts if t.startswith("; valid")), solvers=("bitwuzla",)) == asking.Valid(
        "bitwuzla"
    )


def test_a_question_with_a_model_is_written_down_too(tmp_path: Path) -> None:
    body = "y[i] = x[i] == 12345.678f ? 1.0f : x[i] * 0.5f;"  # no number that is tried first shows it
    result, files = dumped(pair(tmp_path, HALVED, body), tmp_path / "out")
    assert result.verdict is not Verdict.PROVED
    assert any(t.startswith("; not valid (bitwuzla), v0 = 0x4640e6b6\n") for t in files.values())


def test_no_question_leaves_an_empty_folder(tmp_path: Path) -> None:
    result, files = dumped(pair(tmp_path, [("Neg", "x", "y")], "y[i] = -x[i];"), tmp_path / "out")
    assert result.verdict is Verdict.PROVED
    assert files == {}


def test_a_folder_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = check(replace(pair(tmp_path, *GOOD["a half by multiplication"]), dump_smt2=str(tmp_path / "file")))
    assert result.verdict is Verdict.BAD_INPUT
    with pytest.raises(BadInput):
        Asked(str(tmp_path / "file"))


def test_the_numbers_of_a_model_have_the_width_of_their_variables() -> None:
    asked = Asked()
    text = "(declare-const v0 (_ BitVec 32))\n(declare-const v1 (_ BitVec 16))\n"
    asked.answers[text] = Model("z3", (("v0", 7), ("v1", 0x3C00), ("other", 1)))
    asked.answers[f"{text};"] = GaveUp(("z3 gave up",))
    assert asked.models() == ((32, 7), (16, 0x3C00))
    assert Asked().models() == ()


def test_a_certificate_holds_its_lemmas_and_they_are_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = pair(tmp_path, *GOOD["a sign cleared in the bits"])
    file = tmp_path / "c.json"
    assert check(replace(request, certificate=str(file))).verdict is Verdict.PROVED
    data = json.loads(file.read_text())
    (text,) = data["lemmas"]
    assert "bvand" in text
    assert recheck(str(file), request).holds
    for wrong in ([], [text, text], [text.replace("bvand", "bvor")], [text + "\n"], None):
        file.write_text(json.dumps({**data, "lemmas": wrong}))
        assert not recheck(str(file), request).holds
    file.write_text(json.dumps(data))
    monkeypatch.setattr(asking, "WORKER", tmp_path / "nowhere.py")
    answer = recheck(str(file), request)
    assert not answer.holds
    assert "lemma" in answer.text
