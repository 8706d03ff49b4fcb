"""What is fuzzed: one small function a target. It raises nothing but TvError, whatever the bytes are; anything else is a finding."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from fuzz import kernels, models, nudges, records, specs
from tv import check as engine
from tv import cuda_frontend, examine, kernel
from tv.advice import advised, all_codes
from tv.cli.catalogue import graph as meaning
from tv.diagnostic import TvError
from tv.launch import CompileOptions
from tv.reference import arrays_in
from tv.refute import Refuter
from tv.report import render_result, to_html, to_json, to_sarif
from tv.request import CheckRequest
from tv.verdict import CheckResult, failed

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
HUNT_S = 0.3
Change = Callable[[bytes, Sequence[bytes], Random], bytes | None]


@dataclass(frozen=True, slots=True)
class Target:
    """run: bytes and a folder of its own to how it ended. seeds: the start corpus. change: damage that knows the format.
    share: of the whole time. rooms: the packages whose coverage guides. may_take_long: overrunning the limit is an ending, as it is for `tv check --timeout`."""

    name: str
    run: Callable[[bytes, Path], str]
    seeds: Callable[[], Iterator[bytes]]
    change: Change
    share: float
    rooms: tuple[str, ...]
    may_take_long: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    kernel: Path
    spec: Path
    model: Path


def pair(case: str) -> Pair:
    folder = CORPUS / case
    model = folder / "model.onnx" if (folder / "model.onnx").exists() else folder.parent / "model.onnx"
    return Pair(folder / "kernel.cu", folder / "kernel.toml", model)


# Their specifications have, between them: symbols, layouts, cuts, launches, tables, globals, readings, stated inputs, nothing at all.
PAIRS = tuple(
    """gemv_f32/block_row rmsnorm/butterflies transpose/tiled attention_decode/two_pass attack/launches_clear_between
    layers_by_table_f16/struct_by_value attack/constant_bound_to_tensor attack/cut_of_one_output attack/maximum_strict_by_select
    attack/gather_without_common_row attack/last_layer_swapped absolute_maxima_f16/block_tree templates/scale""".split()
)


@cache
def cases() -> tuple[str, ...]:
    return tuple(sorted(p.parent.relative_to(CORPUS).as_posix() for p in CORPUS.rglob("kernel.cu")))


def tagged(case: str, text: bytes, mark: str) -> bytes:
    """The text behind a line that names its case, `//@family/case`, so that an input says which files stand around it."""
    return f"{mark}{case}\n".encode() + text


def case_of(data: bytes, mark: str) -> tuple[str, bytes]:
    """The named case, else one by the input's length, and the input."""
    head, newline, _ = data.partition(b"\n")
    name = head.decode("utf-8", "replace").removeprefix(mark)
    known = cases()
    return (name if newline and name in known else PAIRS[len(data) % len(PAIRS)]), data


def ended(error: TvError, request: CheckRequest) -> str:
    """The code of an ending, which has to be explained, worded, and printable in every report."""
    told = advised(error)
    if told.code not in all_codes() or not told.message:
        raise AssertionError(f"an ending that nothing explains: {told.code} {told.message!r}")
    rendered(failed(request, told))
    return told.code


def rendered(result: CheckResult) -> None:
    render_result(result, verbose=True)
    to_json(result)
    to_sarif(result)
    to_html(result)


# ---------------------------------------------------------------------------------------------------------- CUDA
def read_kernel(data: bytes, folder: Path, reader: str) -> str:
    path = folder / "kernel.cu"
    path.write_bytes(data)
    try:
        module = cuda_frontend.read(path, examine.read_text(path), CompileOptions(), frontend=reader)
    except TvError as e:
        return ended(e, CheckRequest(str(path), "model.onnx"))
    for k in module.kernels.values():
        kernel.check(k)
    return "read"


def kernel_texts() -> Iterator[bytes]:
    for case in cases()[::5]:
        yield (CORPUS / case / "kernel.cu").read_bytes()


# ------------------------------------------------------------------------------------------------ specifications
def read_spec(data: bytes, folder: Path) -> str:
    case, text = case_of(data, "#@")
    spec = folder / "kernel.toml"
    spec.write_bytes(text)
    files = pair(case)
    request = CheckRequest(str(files.kernel), str(files.model), spec=str(spec))
    try:
        examine.read_inputs(request, lambda _: None)
    except TvError as e:
        return ended(e, request)
    return "read"


def spec_texts() -> Iterator[bytes]:
    for case in (*PAIRS, *cases()[::20]):
        yield tagged(case, pair(case).spec.read_bytes(), "#@")


# ------------------------------------------------------------------------------------------------------- models
def read_model(data: bytes, folder: Path) -> str:
    """By itself, as `tv graph` does, and behind a specification that binds nothing."""
    path = folder / "model.onnx"
    path.write_bytes(data)
    request = CheckRequest("kernel.cu", str(path))
    try:
        meaning(str(path))
    except TvError as e:
        return ended(e, request)
    return "read"


def model_files() -> Iterator[bytes]:
    found = {p.read_bytes() for p in CORPUS.rglob("model.onnx") if p.stat().st_size < 1 << 15}
    yield from sorted(found)
    yield from official_models()


def official_models() -> Iterator[bytes]:
    """A model of one node for each operator, with small inputs: most are refused, each by a way of its own."""
    import onnx
    from onnx import helper

    for schema in onnx.defs.get_all_schemas():
        if schema.domain or schema.since_version > 22:
            continue
        ins, outs = (
            [f"i{k}" for k in range(max(1, schema.min_input))],
            [f"o{k}" for k in range(max(1, schema.min_output))],
        )
        values = [helper.make_tensor_value_info(n, 1, [2, 3, 4, 4]) for n in ins]
        ends = [helper.make_tensor_value_info(n, 1, None) for n in outs]
        node = helper.make_node(schema.name, ins, outs)
        if schema.name == "Cast":
            node.attribute.append(helper.make_attribute("to", onnx.TensorProto.FLOAT16))
        g = helper.make_graph([node], "g", values, ends)
        yield helper.make_model(g, ir_version=10, opset_imports=[helper.make_opsetid("", 22)]).SerializeToString()


# ------------------------------------------------------------------------------------------ certificates, counterexamples
PROVED = ("gemv_f32/block_row", "rmsnorm/butterflies", "transpose/tiled")
REFUTED = (
    "gemv_f32/block_row__component_dropped",
    "transpose/tiled__guards_swapped",
    "gemv_f32/block_row__partials_unordered",
)


def recheck_certificate(data: bytes, folder: Path) -> str:
    path = folder / "certificate.json"
    path.write_bytes(data)
    files = pair(proved_by(data))
    request = CheckRequest(str(files.kernel), str(files.model))
    try:
        answer = engine.recheck(str(path), request)
    except TvError as e:
        return ended(e, request)
    return answer.text.split(":")[0].split("(")[-1].strip(")")


@cache
def hashes() -> dict[str, str]:
    return {certify_hash(case): case for case in PROVED}


def certify_hash(case: str) -> str:
    from tv.certify import sha256

    return sha256(pair(case).kernel)


def proved_by(data: bytes) -> str:
    """The case whose kernel a certificate is about."""
    return next((case for digest, case in hashes().items() if digest.encode() in data), PROVED[0])


def certificates() -> Iterator[bytes]:
    for case in PROVED:
        with scratch() as folder:
            files, out = pair(case), folder / "certificate.json"
            engine.check(CheckRequest(str(files.kernel), str(files.model), certificate=str(out)))
            yield out.read_bytes()


def replay_counterexample(data: bytes, folder: Path) -> str:
    """`tv replay` on the first pair it may be of, and the same file as the inputs of `tv reference`."""
    path = folder / "counterexample.npz"
    path.write_bytes(data)
    files = pair(REFUTED[zlib.crc32(data[-22:]) % len(REFUTED)])
    request = CheckRequest(str(files.kernel), str(files.model))
    try:
        arrays_in(str(path))
    except TvError as e:
        ended(e, request)
    try:
        answer = engine.replay(str(path), request, "cpu")
    except TvError as e:
        return ended(e, request)
    return "reproduced" if answer.holds else "not reproduced"


def counterexamples() -> Iterator[bytes]:
    for case in REFUTED:
        with scratch() as folder:
            files, out = pair(case), folder / "counterexample.npz"
            engine.check(CheckRequest(str(files.kernel), str(files.model), counterexample=str(out), replay="cpu"))
            yield out.read_bytes()


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


# ------------------------------------------------------------------------------------------------- whole checks
def whole_check(data: bytes, folder: Path) -> str:
    """The kernel of a case, damaged, against the case's model, to a verdict that is printed in every format."""
    case, text = case_of(data, "//@")
    files, path = pair(case), folder / "kernel.cu"
    path.write_bytes(text)
    request = CheckRequest(str(path), str(files.model), spec=str(files.spec), replay="cpu")
    result = engine.check(request)
    for d in result.diagnostics:
        if d.code and d.code not in all_codes():
            raise AssertionError(f"a code that nothing explains: {d.code}")
    rendered(result)
    return result.verdict.value


def hurry() -> None:
    """Searches for counterexamples cut short in this process: what is asked of a fuzzed check is how it ends, not what it finds."""
    engine.HUNT_SECONDS = HUNT_S

    def brief(*args: Any, **named: Any) -> Refuter:
        made = Refuter(*args, **named)
        made.seconds = min(made.seconds, HUNT_S)
        return made

    vars(engine)["Refuter"] = brief


def check_texts() -> Iterator[bytes]:
    families: dict[str, list[str]] = {}
    for case in cases():
        families.setdefault(case.partition("/")[0], []).append(case)
    for family in sorted(families)[::3]:
        case = min(families[family], key=len)
        yield tagged(case, pair(case).kernel.read_bytes(), "//@")


CUDA = ("tv.cuda_frontend", "tv.kernel")
TARGETS = {
    t.name: t
    for t in (
        Target("cuda", partial(read_kernel, reader="auto"), kernel_texts, kernels.mutated, 0.24, CUDA),
        Target("clang", partial(read_kernel, reader="clang"), kernel_texts, kernels.mutated, 0.1, CUDA),
        Target("spec", read_spec, spec_texts, specs.mutated, 0.16, ("tv.spec", "tomllib")),
        Target("model", read_model, model_files, models.mutated, 0.24, ("tv.graph_frontend", "tv.spec")),
        Target(
            "certificate",
            recheck_certificate,
            certificates,
            records.mutated_certificate,
            0.06,
            ("tv.recheck", "tv.certify", "tv.equiv", "tv.order"),
        ),
        Target(
            "counterexample",
            replay_counterexample,
            counterexamples,
            records.mutated_npz,
            0.05,
            ("tv.refute", "tv.execution", "tv.replay"),
        ),
        Target(
            "check",
            whole_check,
            check_texts,
            nudges.nudged,
            0.15,
            ("tv.symexec", "tv.equiv", "tv.binding"),
            may_take_long=True,
        ),
    )
}
