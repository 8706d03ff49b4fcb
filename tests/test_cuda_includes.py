"""Which file an include means: by quotes the including file's folder comes first, by angle brackets only folders that were named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import F32, graph, write
from tv.cli import run
from tv.cuda_frontend.preprocess import preprocess
from tv.diagnostic import BadInput, TvError
from tv.launch import CompileOptions


def found(folder: Path, text: str, *include: str, **files: str) -> list[str]:
    """The words that a kernel `k/k.cu` becomes. files: `inc__v` is `inc/v.h`."""
    (folder / "k").mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / "k" / (name.replace("__", "/") + ".h")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content + "\n")
    return preprocess(folder / "k" / "k.cu", text + "\n", CompileOptions(include=include)).text.split()


def refused(folder: Path, text: str, *include: str, **files: str) -> TvError:
    with pytest.raises(TvError) as caught:
        found(folder, text, *include, **files)
    return caught.value


@pytest.mark.parametrize(
    ("text", "include", "chosen"),
    [
        ('#include "v.h"', (), "own"),
        ('#include "v.h"', ("inc", "more"), "own"),
        ("#include <v.h>", ("inc", "more"), "inc"),
        ("#include <v.h>", ("more", "inc"), "more"),
        ("#define V <v.h>\n#include V", ("inc",), "inc"),
        ('#define V "v.h"\n#include V', ("inc",), "own"),
        ('#include "inc/angle.h"', ("more",), "more"),  # which has `#include <v.h>`
        ('#include "inc/quoted.h"', ("more",), "inc"),
        ("#include <quoted.h>", ("more", "inc"), "inc"),
        ('#include "only.h"', ("inc",), "only"),
        ('#include "inc/above.h"', (), "own"),
        ('#include "./v.h"\n#include "inc/../v.h"', (), "own own"),
    ],
)
def test_folders_in_nvcc_s_order(text: str, include: tuple[str, ...], chosen: str, tmp_path: Path) -> None:
    files = {
        "v": "own", "inc__v": "inc", "more__v": "more", "inc__only": "only", "inc__angle": "#include <v.h>",
        "inc__quoted": '#include "v.h"', "inc__above": '#include "../v.h"',
    }  # fmt: skip
    assert found(tmp_path, text, *include, **files) == chosen.split()


def test_angle_brackets_do_not_look_beside_the_kernel(tmp_path: Path) -> None:
    e = refused(tmp_path, "#include <v.h>", v="own")
    assert (type(e), e.code, e.span.line) == (BadInput, "TV0106", 1)
    (tmp_path / "k" / "vector").write_text("own\n")
    assert found(tmp_path, "#include <vector>\n#include <math.h>", math="own") == []
    assert found(tmp_path, '#include "vector"\n#include "math.h"') == ["own", "own"]


@pytest.mark.parametrize("name", ["math", "stdio", "cuda_runtime", "cuda_fp16", "assert"])
def test_a_folder_that_the_toolkit_s_own_headers_would_search(name: str, tmp_path: Path) -> None:
    """nvcc includes <math.h> and the like before the first line, by way of the same folders."""
    e = refused(tmp_path, "int a;", "inc", **{f"inc__{name}": "own"})
    assert (e.code, f"`{name}.h`" in e.message) == ("TV0106", True)
    assert found(tmp_path, "int a;") == ["int", "a;"]


def test_a_file_that_may_not_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "v.h").write_text("outside\n")
    e = refused(tmp_path, '#include "../v.h"', "inc", v="own", inc__v="inc")  # `inc/../v.h` is there, and allowed
    assert (e.code, "none of the folders" in e.message) == ("TV0106", True)
    (tmp_path / "k" / "w.h").symlink_to(tmp_path / "v.h")
    assert refused(tmp_path, '#include "w.h"').code == "TV0106"


def test_a_kernel_behind_a_link_has_the_folder_of_the_link(tmp_path: Path) -> None:
    found(tmp_path, "", v="own")
    (tmp_path / "link").mkdir()
    (tmp_path / "k" / "k.cu").write_text('#include "v.h"\n')
    (tmp_path / "link" / "k.cu").symlink_to(tmp_path / "k" / "k.cu")
    (tmp_path / "link" / "v.h").write_text("linked\n")
    path = tmp_path / "link" / "k.cu"
    assert preprocess(path, path.read_text(), CompileOptions()).text.split() == ["linked"]


@pytest.mark.parametrize("text", ["#include", "#include v.h", "#include <v.h", "#define V\n#include V", "#include 7"])
def test_an_include_that_names_no_file(text: str, tmp_path: Path) -> None:
    e = refused(tmp_path, text, v="own")
    assert (type(e), e.code) == (BadInput, "TV0105")


def test_once_is_once_by_every_way(tmp_path: Path) -> None:
    text = '#include "v.h"\n#include "./v.h"\n#include "inc/../v.h"\n#include <v.h>'
    assert found(tmp_path, text, ".", v="#pragma once\nown", inc__v="inc")[-1:] == ["own"]
    assert found(tmp_path, text, ".").count("own") == 1


@pytest.mark.parametrize("guard", ["_MATH_H", "_STDLIB_H_", "__CUDA_FP16_H__", "_GLIBCXX_CMATH"])
def test_a_guard_that_a_system_header_may_have_is_none(guard: str, tmp_path: Path) -> None:
    """Where nvcc's headers have defined it, they are all that there is of it."""
    header = "#ifndef {0}\n#define {0}\ninner\n#endif"
    e = refused(tmp_path, '#include "v.h"', v=header.format(guard))
    assert (e.code, f"`{guard}`" in e.message) == ("TV0107", True)
    assert found(tmp_path, '#include "v.h"', v=header.format("OWN_H")) == ["inner"]
    assert found(tmp_path, header.format(guard)) == ["inner"]  # of the kernel's file: else there is no kernel


@pytest.mark.parametrize("value", ["0,1", "(0, 1)", "0\n+ 1", "0\r+ 1"])
def test_a_given_macro_has_neither_commas_nor_lines(value: str) -> None:
    """nvcc takes what stands behind a comma for another macro, gcc the first line alone."""
    with pytest.raises(BadInput) as caught:
        preprocess(Path("k.cu"), "int a = V;\n", CompileOptions(defines=(("V", value),)))
    assert caught.value.code == "TV0105"


def test_folders_are_the_specification_s_and_the_shell_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever way leads to the kernel: `include` is relative to the file that has it, `-I` to where `tv` is called, as for nvcc."""
    neg = graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
    text = '#include "sign.h"\n__global__ void k(const float* x, float* y) { y[threadIdx.x] = SIGN x[threadIdx.x]; }\n'
    request = write(tmp_path / "k", text, neg)
    for folder, sign in (("k/inc", "+"), ("inc", "-"), ("k/spec", "-")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sign.h").write_text(f"#define SIGN {sign}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["check", "k/k.cu", "k/m.onnx", "-I", "inc", "--replay", "none", "-q"]) == 0
    assert run(["check", "k/k.cu", "k/m.onnx", "-I", "k/inc", "--replay", "none", "-q"]) == 1
    with open(request.kernel.removesuffix("cu") + "toml", "a") as spec:
        spec.write('include = ["spec"]\n')
    assert run(["check", "k/k.cu", "k/m.onnx", "--replay", "none", "-q"]) == 0


@pytest.mark.parametrize(
    "name", ["warpSize", "_CUDA_PIPELINE_MAX_STAGES", "__CUDACC_RTC__", "_CG_USE_CUDA_STL", "_WIN32"]
)
def test_what_cuda_s_headers_ask_about_is_not_defined_for_them(name: str, tmp_path: Path) -> None:
    """They declare other functions then: the shuffles of <cuda_fp16.h> have `warpSize` for their width."""
    e = refused(tmp_path, f"#define {name} 16\n#include <cuda_fp16.h>")
    assert (e.code, e.span.line) == ("TV0109", 1)
    with pytest.raises(TvError):
        preprocess(Path("k.cu"), "int a;\n", CompileOptions(defines=((name, "16"),)))
    assert found(tmp_path, "#define __CUDA_NO_HALF_OPERATORS__\n#include <cuda_fp16.h>\nint a;") == ["int", "a;"]
