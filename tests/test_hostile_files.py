"""Files made to crash, hang or swallow the memory of what reads them: each ends in a diagnostic, and soon."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fuzz.targets import TARGETS, Target
from tests.checking import F32, checked, graph, pointwise
from tv import cuda_frontend
from tv.cli.catalogue import graph as meaning
from tv.cuda_frontend import clang_probe
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.launch import CompileOptions
from tv.reference import arrays_in, with_weights
from tv.refute.record import read as read_counterexample
from tv.spec import read_signature

STORE = "__global__ void k(float* x) { x[0] = %s; }\n"
N = 60


def chain(definition: str, last: str, use: str) -> str:
    """Macros M0 to M60, each defined by the next: `@` in the definition is its number."""
    lines = [definition.replace("@@", str(i + 1)).replace("@", str(i)) for i in range(N)]
    return "\n".join([*(f"#define {x}" for x in lines), f"#define {last}", STORE % use])


def functions(n: int) -> str:
    """Device functions that each call the next one twice."""
    bodies = [f"__device__ float f{i}(float x) {{ return f{i + 1}(x) + f{i + 1}(x); }}\n" for i in reversed(range(n))]
    return f"__device__ float f{n}(float x) {{ return x; }}\n{''.join(bodies)}{STORE % 'f0(1.0f)'}"


def structs(n: int) -> str:
    made = "".join(f"struct S{i + 1} {{ S{i} a, b; }};\n" for i in range(n))
    return f"struct S0 {{ int a; }};\n{made}__global__ void k(float* x) {{ S{n} s; x[0] = 1; }}\n"


TOO_MUCH = {
    "macros_that_double": chain("M@ M@@ + M@@", "M60 1", "M0"),
    "macros_that_double_nothing": chain("M@ M@@ M@@", "M60", "M0 1"),
    "macros_that_double_their_argument": chain("M@(x) M@@(x + x)", "M60(x) x", "M0(1)"),
    "macros_that_paste": chain("M@(x) M@@(x##x)", "M60(x) x", "M0(a)"),
    "macros_that_quote": chain("M@(x) M@@(#x)", "M60(x) x", "M0(a)"),
    "macros_in_a_condition": chain("M@ M@@ + M@@", "M60 1\n#if M0\n#endif", "1"),
    "a_macro_that_pastes_a_long_name": "#define C(x) " + "##".join("x" * 9000) + "\n" + STORE % f"C({'a' * 9000})",
    "functions_that_call_twice": functions(40),
    "structs_in_structs": structs(40),
    "an_array_listed_in_full": "__global__ void k(float* x) { float a[1 << 28] = {0}; x[0] = a[0]; }\n",
    "a_table_listed_in_full": f"__constant__ int a[1 << 28] = {{1}};\n{STORE % 'a[0]'}",
    "a_struct_copied_in_full": "struct S { int a[1 << 24]; };\n__global__ void k(float* x) { S s; S t = s; x[0] = t.a[0]; }\n",
    "launches": f"{STORE % '1'}int main() {{ {'k<<<1, 1>>>(0);' * 3000} }}\n",
    "indices": f"__device__ int a[{']['.join('1' * 9000)}];\n{STORE % '1'}",
    "directives": "#undef A\n" * 31000 + STORE % "1",
    "brackets": STORE % ("(" * 9000 + "1" + ")" * 9000),
    "a_file_that_includes_itself": '#include "kernel.cu"\n' * 2 + STORE % "1",
}  # fmt: skip


@pytest.mark.parametrize("text", [STORE % ("* " * 20000 + "x"), "__global__ void k(const" + "int x;" * 12000 + ")"])
def test_libclang_is_not_given_what_it_dies_of(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clang_probe, "MOST_SECONDS", 1)
    path = tmp_path / "kernel.cu"
    path.write_text(text)
    for reader in ("auto", "clang"):
        with pytest.raises((BadInput, Unsupported)):
            cuda_frontend.read(path, text, CompileOptions(), frontend=reader)


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_few_lines_that_stand_for_very_much(name: str, tmp_path: Path) -> None:
    e = refused_kernel(tmp_path, TOO_MUCH[name])
    assert e.code == ("TV0106" if "includes" in name else "TV0104"), e.message
    assert e.help
    assert e.span.file.endswith("kernel.cu")
    assert e.span.line


@pytest.mark.parametrize(
    "literal", ["'\\x'", "'\\8'", "'\\99'", "'\\777'", "9" * 5000, "1." + "0" * 5000, "0x1p" + "9" * 99]
)
def test_literals_that_are_none(literal: str, tmp_path: Path) -> None:
    assert refused_kernel(tmp_path, STORE % literal).span.line == 1


def test_a_number_that_a_macro_pastes_together(tmp_path: Path) -> None:
    text = f"#define P(x) {'##'.join('x' * 900)}\n{STORE % 'P(12345)'}"
    assert refused_kernel(tmp_path, text).code == "TV0108"


@pytest.mark.parametrize("literal", ["'\\x41'", "'\\101'", "'A'"])
def test_literals_that_are_some(literal: str, tmp_path: Path) -> None:
    path = tmp_path / "kernel.cu"
    assert set(cuda_frontend.read(path, STORE % literal, CompileOptions()).kernels) == {"k"}


def refused_kernel(folder: Path, text: str) -> TvError:
    path = folder / "kernel.cu"
    path.write_text(text)
    with pytest.raises((BadInput, Unsupported)) as e:
        cuda_frontend.read(path, text, CompileOptions())
    return e.value


# ------------------------------------------------------------------------------------------------------- models
def negated(dim: str | int = 3) -> onnx.ModelProto:
    return graph([("Neg", "x", "y")], {"x": (F32, [dim])}, {"y": (F32, [dim])})


def elsewhere(name: str, place: str) -> TensorProto:
    t = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    t.external_data.add(key="location", value=place)
    return t


def save(folder: Path, m: onnx.ModelProto) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "m.onnx"
    path.write_bytes(m.SerializeToString())
    return path


@pytest.mark.parametrize("spoilt", [b"Neg", b"main", b"x"])
def test_a_name_that_is_not_utf_8(spoilt: bytes, tmp_path: Path) -> None:
    m = negated()
    m.graph.name = "main"
    path = save(tmp_path, m)
    path.write_bytes(path.read_bytes().replace(spoilt, b"\xff" * len(spoilt)))
    for read in (lambda: meaning(str(path)), lambda: read_signature(str(path))):
        with pytest.raises(BadInput, match="not UTF-8"):
            read()


@pytest.mark.parametrize("dim", ["and", "é", "i0", "x_r", "layer", "a__", "or", "9", "-"])
def test_a_dimension_of_any_name_is_printed(dim: str, tmp_path: Path) -> None:
    assert "node y" in meaning(str(save(tmp_path, negated(dim))))


def test_two_dimensions_are_not_one_for_their_spelling(tmp_path: Path) -> None:
    m = graph([("Neg", "x", "y")], {"x": (F32, ["a-b", "a_b"])}, {"y": (F32, ["a-b", "a_b"])})
    assert "a_b, a_b]" not in meaning(str(save(tmp_path, m)))


def test_a_tensor_split_into_very_many_parts(tmp_path: Path) -> None:
    halves = helper.make_node("Split", ["x"], ["y", "z"], num_outputs=1 << 40)
    m = graph([halves], {"x": (F32, [4])}, {"y": (F32, [2]), "z": (F32, [2])})
    with pytest.raises(BadInput) as e:
        meaning(str(save(tmp_path, m)))
    assert e.value.code == "TV0302"


OUTSIDE = [
    "../w.bin",
    "/etc/passwd",
    "a/../../w.bin",
    "c:\\w.bin",
    "..\\w.bin",
    "\\\\host\\w",
    "link/w.bin",
    "file:///w",
    "",
]


def in_function(place: str) -> onnx.ModelProto:
    m = graph([], {"x": (F32, [3])}, {"y": (F32, [3])})
    body = [
        helper.make_node("Constant", [], ["w"], value=elsewhere("", place)),
        helper.make_node("Add", ["a", "w"], ["b"]),
    ]
    m.functions.append(helper.make_function("own", "F", ["a"], ["b"], body, m.opset_import[:1]))
    m.opset_import.append(helper.make_opsetid("own", 1))
    m.graph.node.append(helper.make_node("F", ["x"], ["y"], domain="own"))
    return m


def in_initializer(place: str) -> onnx.ModelProto:
    m = graph([("Add", "x w", "y")], {"x": (F32, [3])}, {"y": (F32, [3])})
    m.graph.initializer.append(elsewhere("w", place))
    return m


@pytest.mark.parametrize("model", [in_function, in_initializer])
@pytest.mark.parametrize("place", OUTSIDE)
def test_data_outside_of_the_models_folder_is_refused(
    place: str, model: Callable[[str], onnx.ModelProto], tmp_path: Path
) -> None:
    path = save(tmp_path / "model", model(place))
    (tmp_path / "w.bin").write_bytes(bytes(12))
    (path.parent / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput) as e:
        read_signature(str(path))
    assert e.value.code == "TV0233"
    assert e.value.help


@pytest.mark.parametrize("place", ["../w.bin", "link/w.bin", "/etc/passwd"])
def test_no_weight_is_evaluated_from_outside_of_the_folder(place: str, tmp_path: Path) -> None:
    from tests.graph_running import read_model

    inside = save(tmp_path / "model", in_initializer("w.bin"))
    for folder in (tmp_path, inside.parent):
        (folder / "w.bin").write_bytes(np.ones(3, np.float32).tobytes())
    (inside.parent / "link").symlink_to(tmp_path)
    x = {"x": np.zeros(3, np.float32)}
    g = read_model(inside)
    assert with_weights(g, str(inside), x)["w"].tolist() == [1.0, 1.0, 1.0]
    path = save(inside.parent, in_initializer(place))
    with pytest.raises(BadInput) as e:
        with_weights(g, str(path), x)
    assert e.value.code == "TV0233"


# ------------------------------------------------------------------------------------------ specifications, records
def test_a_layout_of_very_many_places_is_decided_soon(tmp_path: Path) -> None:
    m = graph([("Neg", "x", "y")], {"x": (F32, ["N", 8192])}, {"y": (F32, ["N", 8192])})
    spec = (
        'grid = [1]\nblock = [4]\n[symbols]\nN = { min = 1, max = 8192 }\n[args]\ny = "y"\n'
        'x = { tensor = "x", layout = "[i, j] -> [i * 9 + j]" }\n'
    )
    r = checked(tmp_path, pointwise("-X"), m, spec)
    assert [d.code for d in r.diagnostics] in (["TV0226"], ["TV0229"]), r.why


def archive(path: Path, meta: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("meta.npy", meta)
    return path


def stored(text: str) -> bytes:
    out = io.BytesIO()
    np.save(out, np.array(text))
    return out.getvalue()


@pytest.mark.parametrize(
    "meta",
    [
        stored("[" * 9000),
        stored(" " * (5 << 20)),
        stored("{}")[:40],
        stored("{}").replace(b"'descr'", b"'''escr"),
        stored("{}").replace(b"()", b"(9"),
        b"",
    ],
    ids=["deep", "large", "short", "header", "shape", "empty"],
)
def test_what_is_no_counterexample(meta: bytes, tmp_path: Path) -> None:
    path = str(archive(tmp_path / "c.npz", meta))
    with pytest.raises(BadInput) as e:
        read_counterexample(path)
    assert e.value.code == "TV0736"


def test_inputs_whose_header_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        arrays_in(str(archive(tmp_path / "c.npz", stored("{}").replace(b"()", b"(9"))))


# ------------------------------------------------------------------------------------------------- drawn at random
@pytest.mark.parametrize(
    "target", [t for n, t in TARGETS.items() if n in ("cuda", "clang", "spec", "model")], ids=lambda t: t.name
)
def test_damaged_files_end_in_a_diagnostic(target: Target, tmp_path: Path) -> None:
    """A little of what `make fuzz` does, without its guidance."""
    r, seeds = random.Random(17), [s for i, s in enumerate(target.seeds()) if i % 9 == 0]
    endings = set()
    for _ in range(20 if target.change is TARGETS["cuda"].change else 100):
        data = r.choice(seeds)
        endings.add(target.run(target.change(data, seeds, r) or data, tmp_path))
    assert len(endings) > 2
