"""Kernel, model and specification together: what binds, what is refused and at which line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.diagnostic import BadInput, TvError, Unknown, Unsupported
from tv.kernel import HostLaunch, Kernel, MemoryObject, Module, Parameter, Scalar, Space
from tv.launch import BufferBinding, InputAssumption, ScalarBinding, Symbol, TensorImage
from tv.request import Overrides
from tv.source import Span
from tv.spec import Resolved, parse_document, read_signature, resolve
from tv.spec.draft import draft

F32, F16, I32, I64 = Scalar.F32, Scalar.F16, Scalar.I32, Scalar.I64
HERE = Span("k.cu", 5, 10, 11)
NOTHING = Overrides()


def pointer(name: str, kind: Scalar = F32, readonly: bool = False) -> Parameter:
    return Parameter(name, None, kind, readonly, span=HERE)


def number(name: str, kind: Scalar = I32) -> Parameter:
    return Parameter(name, kind, span=HERE)


def kernel(*parameters: Parameter, name: str = "k", **changes: object) -> Kernel:
    objects = {p.name: MemoryObject(p.name, Space.GLOBAL, p.pointee, None, 4) for p in parameters if p.pointee}
    return replace(Kernel(name, parameters, objects, (), span=Span("k.cu", 4)), **changes)  # type: ignore[arg-type]


def module(*kernels: Kernel, launches: tuple[HostLaunch, ...] = ()) -> Module:
    return Module({k.name: k for k in kernels}, launches)


Value = tuple[str, int, list[int | str]]


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., str]:
    """Writes a model with the given inputs, initializers and outputs; each output adds up everything."""

    def write(inputs: list[Value], initializers: list[Value] = [], outputs: list[Value] | None = None) -> str:  # noqa: B006
        outs = [("Y", TensorProto.FLOAT, [4, 8])] if outputs is None else outputs
        names = [n for n, _, _ in (*inputs, *initializers)]
        nodes = [helper.make_node("Sum", names, [f"h_{o}"], name=f"sum_{o}") for o, _, _ in outs]
        nodes += [helper.make_node("Relu", [f"h_{o}"], [o], name=f"relu_{o}") for o, _, _ in outs]
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(*v) for v in inputs],
            [helper.make_tensor_value_info(*v) for v in outs],
            [_weight(*v) for v in initializers],
        )
        path = tmp_path / "m.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)
        return str(path)

    return write


def _weight(name: str, kind: int, shape: list[int]) -> TensorProto:
    t = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    t.external_data.add(key="location", value="weights.bin")
    return t


def solve(m: Module, path: str, toml: str = "", overrides: Overrides = NOTHING) -> Resolved:
    document = parse_document(toml, "k.toml")
    return resolve(m, read_signature(path, document.cut()), document, overrides)


def refused(code: str, kind: type[TvError], m: Module, path: str, toml: str = "", o: Overrides = NOTHING) -> TvError:
    with pytest.raises(kind) as caught:
        solve(m, path, toml, o)
    assert caught.value.code == code, caught.value.message
    assert type(caught.value) is kind
    return caught.value


SIZE = "grid = [4]\nblock = [256]\n"
X: list[Value] = [("X", TensorProto.FLOAT, [4, 8])]
XW: list[Value] = [*X, ("W", TensorProto.FLOAT, [8])]
COPY = module(kernel(pointer("x", readonly=True), pointer("y")))


# ------------------------------------------------------------------------------------------------ what binds
def test_written_bindings(model: Callable[..., str]) -> None:
    r = solve(COPY, model(X), SIZE + '[args]\nx = "X"\ny = "Y"\n')
    assert r.spec.launches[0].args == {
        "x": BufferBinding((TensorImage("X"),), (), 32),
        "y": BufferBinding((), (TensorImage("Y"),), 32),
    }
    assert (r.spec.launches[0].grid, r.spec.launches[0].block) == ((4, 1, 1), (256, 1, 1))
    assert r.bindings == {"x": "X", "y": "Y"}
    assert r.guessed == ()
    assert "parameters do not alias" in r.assumptions


def test_names_bind_themselves(model: Callable[..., str]) -> None:
    k = module(kernel(pointer("Y"), pointer("W", readonly=True), pointer("X", readonly=True)))
    r = solve(k, model(X, [("W", TensorProto.FLOAT, [8])]), SIZE)
    assert r.bindings == {"Y": "Y", "W": "W", "X": "X"}
    assert r.guessed == ()


def test_position_is_a_guess_and_says_so(model: Callable[..., str]) -> None:
    r = solve(COPY, model(X), SIZE)
    assert r.bindings == {"x": "X", "y": "Y"}
    assert r.guessed == r.spec.launches[0].guessed == ("x", "y")


def test_position_with_the_output_first(model: Callable[..., str]) -> None:
    k = module(kernel(pointer("out"), pointer("a", readonly=True), pointer("b", readonly=True)))
    assert solve(k, model(XW), SIZE).bindings == {"out": "Y", "a": "X", "b": "W"}


def test_position_needs_matching_counts_and_kinds(model: Callable[..., str]) -> None:
    for k in (
        kernel(pointer("x"), pointer("y"), pointer("z")),
        kernel(pointer("x", F16), pointer("y")),
        kernel(pointer("x", readonly=True), pointer("y", readonly=True)),
    ):
        error = refused("TV0220", BadInput, module(k), model(X), SIZE)
        assert error.span == HERE
        assert "tv init" in error.help


def test_two_readings_are_no_reading(model: Callable[..., str]) -> None:
    k = kernel(pointer("a"), pointer("b", readonly=True), pointer("c"))
    path = model(XW)
    assert solve(module(kernel(pointer("a"), pointer("b"), pointer("c"))), path, SIZE).guessed == ("a", "b", "c")
    refused("TV0220", BadInput, module(k), path, SIZE)


def test_sources_in_order(model: Callable[..., str]) -> None:
    launch = HostLaunch("k", (7, 1, 1), (64, 1, 1), 16, ("dx", "dy", "12"), Span("k.cu", 20))
    m = module(kernel(pointer("X", readonly=True), pointer("Y"), number("n")), launches=(launch,))
    r = solve(m, model(X))
    assert (r.spec.launches[0].grid, r.spec.launches[0].block, r.spec.launches[0].shared) == ((7, 1, 1), (64, 1, 1), 16)
    assert r.spec.launches[0].args["n"] == ScalarBinding(12)
    r = solve(m, model(X), "grid = [9]\n[args]\nn = 13\n")
    assert (r.spec.launches[0].grid, r.spec.launches[0].block) == ((9, 1, 1), (64, 1, 1))
    assert r.spec.launches[0].args["n"] == ScalarBinding(13)
    r = solve(m, model(X), "grid = [9]\n[args]\nn = 13\n", Overrides(grid=(11,), args={"n": 14}))
    assert r.spec.launches[0].grid == (11, 1, 1)
    assert r.spec.launches[0].args["n"] == ScalarBinding(14)


def test_launches_that_disagree_leave_the_size_open(model: Callable[..., str]) -> None:
    one = HostLaunch("k", (7, 1, 1), (64, 1, 1), 0, ("dx", "dy"), Span("k.cu", 20))
    m = module(kernel(pointer("X", readonly=True), pointer("Y")), launches=(one, replace(one, grid=(8, 1, 1))))
    refused("TV0211", BadInput, m, model(X))
    assert solve(m, model(X), "grid = [2]").spec.launches[0].block == (64, 1, 1)


def test_in_place_concat_layout_scratch_and_null(model: Callable[..., str]) -> None:
    k = module(kernel(pointer("kv"), pointer("w", readonly=True), pointer("s"), pointer("stats")))
    toml = SIZE + (
        '[args]\nkv = { input = "X", output = "Y", layout = "[i, j] -> [j * 4 + i]", extent = 40, align = 16 }\n'
        'w = { concat = ["W", "V"] }\ns = { extent = 64, zeroed = true }\nstats = "null"\n'
    )
    weights: list[Value] = [("W", TensorProto.FLOAT, [8]), ("V", TensorProto.FLOAT, [8])]
    args = solve(k, model(X, weights), toml).spec.launches[0].args
    layout = "[i, j] -> [j * 4 + i]"
    assert args["kv"] == BufferBinding((TensorImage("X", layout),), (TensorImage("Y", layout),), 40, 16)
    assert args["w"] == BufferBinding((TensorImage("W"), TensorImage("V", None, 8)), (), 16)
    assert args["s"] == BufferBinding((), (), 64, 256, True)
    assert args["stats"] == BufferBinding(null=True)


def test_symbols_dimensions_and_expressions(model: Callable[..., str]) -> None:
    k = module(kernel(pointer("x", readonly=True), pointer("y"), number("n"), number("m"), number("a", F32)))
    path = model([("x", TensorProto.FLOAT, ["N", 8])], [], [("y", TensorProto.FLOAT, ["N", 8])])
    toml = (
        'grid = ["ceildiv(N, 256)"]\nblock = [256]\n[args]\nn = { symbol = "N", min = 1, max = 4096 }\n'
        'm = "N * 8"\na = { symbol = "alpha", type = "f32" }\n'
    )
    r = solve(k, path, toml)
    assert r.spec.symbols == (Symbol("N", 1, 4096, ("N",)),)
    launch = r.spec.launches[0]
    assert launch.grid == ("ceildiv(N, 256)", 1, 1)
    assert launch.args["n"] == ScalarBinding(symbol="N")
    assert launch.args["m"] == ScalarBinding("(N * 8)")
    assert launch.args["a"] == ScalarBinding(symbol="alpha")
    x = launch.args["x"]
    assert isinstance(x, BufferBinding)
    assert x.extent == "(8 * N)"


def test_a_dimension_of_another_name(model: Callable[..., str]) -> None:
    path = model(
        [("x", TensorProto.FLOAT, ["s0 + 1"]), ("z", TensorProto.FLOAT, ["s0"])], [], [("y", TensorProto.FLOAT, [4])]
    )
    k = module(kernel(pointer("x", readonly=True), pointer("z", readonly=True), pointer("y"), number("n")))
    r = solve(k, path, SIZE + '[args]\nn = { symbol = "N", min = 0, max = 9, dim = "s0" }\n')
    assert r.spec.symbols == (Symbol("N", 0, 9, ("s0",)),)
    x = r.spec.launches[0].args["x"]
    assert isinstance(x, BufferBinding)
    assert x.extent == "(N + 1)"


def test_open_dimensions_without_a_parameter(model: Callable[..., str]) -> None:
    path = model([("x", TensorProto.FLOAT, ["N"])], [], [("y", TensorProto.FLOAT, ["N"])])
    k = module(kernel(pointer("x", readonly=True), pointer("y")))
    r = solve(k, path, SIZE + "[symbols]\nN = { min = 1, max = 1024 }\n")
    assert r.spec.symbols == (Symbol("N", 1, 1024, ("N",)),)
    error = refused("TV0228", BadInput, k, path, SIZE)
    assert "`N`" in error.message


def test_elements_and_graph_scalars(model: Callable[..., str]) -> None:
    path = model([*X, ("ids", TensorProto.INT32, [1, 1]), ("alpha", TensorProto.FLOAT, [])])
    k = module(kernel(pointer("X"), pointer("Y"), number("id"), number("alpha", F32), number("pos", I32)))
    toml = SIZE + '[args]\nid = { element = "ids[0,0]" }\npos = { symbol = "ids", min = 0, max = 5 }\n'
    r = solve(k, path, toml)
    args = r.spec.launches[0].args
    assert args["id"] == ScalarBinding(element="ids[0, 0]")
    assert args["alpha"] == ScalarBinding(element="alpha[]")
    assert r.spec.inputs == (InputAssumption("ids", value="ids"),)


def test_a_part_of_the_model(model: Callable[..., str]) -> None:
    path = model(X, [], [("Y", TensorProto.FLOAT, [4, 8]), ("Z", TensorProto.FLOAT, [4, 8])])
    k = module(kernel(pointer("a", readonly=True), pointer("b")))
    toml = SIZE + '[args]\na = "h_Y"\nb = "Y"\n[model]\ninputs = ["h_Y"]\noutputs = ["Y"]\n'
    r = solve(k, path, toml)
    assert [t.name for t in r.border.inputs] == ["h_Y"]
    assert [t.name for t in r.border.outputs] == ["Y"]
    assert r.border.inputs[0].shape == (4, 8)
    refused("TV0222", BadInput, k, path, toml.replace('inputs = ["h_Y"]', 'inputs = ["h_X"]'))


def test_kernels_are_found_by_name_instance_and_launch(model: Callable[..., str]) -> None:
    p = (pointer("X", readonly=True), pointer("Y"))
    two = module(kernel(*p, name="a"), kernel(*p, name="b<float, 4>"))
    path = model(X)
    refused("TV0210", BadInput, two, path, SIZE)
    for name in ("b<float,4>", "b < float, 4 >", "b"):
        assert solve(two, path, f'kernel = "{name}"\n' + SIZE).kernels[0].name == "b<float, 4>"
    assert "`a`" in refused("TV0210", BadInput, two, path, 'kernel = "aa"\n' + SIZE).help
    launched = Module(two.kernels, (HostLaunch("a", (1, 1, 1), (1, 1, 1), 0, (), HERE),))
    assert solve(launched, path).kernels[0].name == "a"
    refused("TV0210", BadInput, Module({}), path, SIZE)


def test_several_launches(model: Callable[..., str]) -> None:
    m = module(
        kernel(pointer("X", readonly=True), pointer("t"), name="a"), kernel(pointer("u"), pointer("Y"), name="b")
    )
    toml = (
        '[[launch]]\nkernel = "a"\ngrid = [1]\nblock = [32]\n[launch.args]\nt = { extent = 32 }\n'
        '[[launch]]\nkernel = "b"\ngrid = [2]\nblock = [64]\n[launch.args]\nu = { extent = 32 }\n'
    )
    r = solve(m, model(X), toml)
    assert [x.kernel for x in r.spec.launches] == ["a", "b"]
    assert r.bindings["1.b.Y"] == "Y"
    refused("TV0211", BadInput, m, model(X), toml, Overrides(grid=(1,)))
    refused("TV0203", BadInput, m, model(X), "grid = [1]\n" + toml)


def test_module_variables(model: Callable[..., str]) -> None:
    k = kernel(pointer("X", readonly=True), pointer("Y"))
    counter = MemoryObject("counter", Space.GLOBAL, Scalar.U32, (), 4)
    m = module(replace(k, objects={**k.objects, "counter": counter}, globals={"counter": (0,)}))
    assert solve(m, model(X), SIZE + "[globals]\ncounter = 3\n").spec.globals == {"counter": ScalarBinding(3)}
    held = MemoryObject("held", Space.GLOBAL, Scalar.F32, (32,), 4)
    m = module(replace(k, objects={**k.objects, "counter": counter, "held": held}))
    outs: list[Value] = [("Y", TensorProto.FLOAT, [4, 8]), ("Z", TensorProto.FLOAT, [4, 8])]
    refused("TV0240", Unsupported, m, model(X, [], outs), SIZE + '[globals]\nheld = "Z"\n')
    error = refused("TV0221", BadInput, m, model(X), SIZE + "[globals]\ncuonter = 3\n")
    assert "counter" in error.help


def test_compile_options_follow_their_sources() -> None:
    d = parse_document(
        'fmad = false\nfast_math = true\nprec_div = true\ndefines = { T = "4" }\ninclude = ["inc"]\n', "a/k.toml"
    )
    o = d.compile_options(Overrides())
    assert (o.fmad, o.fast_math, o.ftz, o.prec_div, o.prec_sqrt) == (False, True, True, True, False)
    inc = os.path.abspath("a/inc")  # whichever folder the kernel is in
    assert (o.defines, o.include) == ((("T", "4"),), (inc,))
    o = d.compile_options(Overrides(fmad=True, defines=(("T", "8"),), include=("x",)))
    assert (o.fmad, o.defines, o.include) == (True, (("T", "8"),), ("x", inc))
    o = parse_document("", "k.toml").compile_options(Overrides(fast_math=True))
    assert (o.fast_math, o.ftz, o.prec_div, o.prec_sqrt) == (True, True, False, False)


# ------------------------------------------------------------------------------------------------ what is refused
ARGS = '[args]\nx = "X"\ny = "Y"\n'


@pytest.mark.parametrize(
    ("code", "toml", "line"),
    [
        ("TV0212", "grid = [0]\nblock = [256]\n" + ARGS, 1),
        ("TV0212", "grid = [1, 65536]\nblock = [256]\n" + ARGS, 1),
        ("TV0212", "grid = [1]\nblock = [0]\n" + ARGS, 2),
        ("TV0212", "grid = [1]\nblock = [32, 33]\n" + ARGS, 2),
        ("TV0212", "grid = [1]\nblock = [1, 1, 65]\n" + ARGS, 2),
        ("TV0212", SIZE + "shared = 300000\n" + ARGS, 3),
        ("TV0212", SIZE + "shared = -1\n" + ARGS, 3),
        ("TV0212", SIZE + 'shared = 100000\narch = "sm_75"\n' + ARGS, 3),
        ("TV0206", 'grid = ["N"]\nblock = [1]\n' + ARGS, 1),
        ("TV0203", 'grid = [1]\nblock = ["N"]\n' + ARGS + "[symbols]\nN = { min = 1, max = 2 }", 2),
        ("TV0207", SIZE + ARGS + "[symbols]\nN = { min = 2, max = 1 }", 7),
        ("TV0207", SIZE + ARGS + "[symbols]\nN = { max = 1 }", 7),
        ("TV0222", SIZE + '[args]\nx = "Q"\ny = "Y"\n', 4),
        ("TV0221", SIZE + ARGS + 'z = "X"\n', 6),
        ("TV0224", SIZE + '[args]\nx = 1\ny = "Y"\n', 4),
        ("TV0224", SIZE + '[args]\nx = "Y"\ny = "X"\n', 4),
        ("TV0225", SIZE + '[args]\nx = { tensor = "X", extent = 31 }\ny = "Y"\n', 4),
        ("TV0225", SIZE + '[args]\nx = { tensor = "X", offset = 1, extent = 32 }\ny = "Y"\n', 4),
        ("TV0225", SIZE + '[args]\nx = { tensor = "X", offset = -1 }\ny = "Y"\n', 4),
        ("TV0225", SIZE + '[args]\nx = { extent = 0 }\ny = "Y"\n', 4),
        ("TV0226", SIZE + '[args]\nx = { tensor = "X", layout = "[i, j] -> [j]" }\ny = "Y"\n', 4),
        ("TV0204", SIZE + '[args]\nx = { tensor = "X", layout = "[i] -> [i]" }\ny = "Y"\n', 4),
        ("TV0241", SIZE + ARGS + "[inputs]\nQ = 3\n", 7),
        ("TV0241", SIZE + ARGS + "[inputs]\nX = 3\n", 7),
        ("TV0241", SIZE + ARGS + '[inputs]\nfinite = ["Z"]\n', 7),
    ],
)
def test_what_does_not_fit_is_refused_at_its_line(model: Callable[..., str], code: str, toml: str, line: int) -> None:
    error = refused(code, BadInput, COPY, model(X), toml)
    assert (error.span.file, error.span.line) == ("k.toml", line)


def test_element_types_must_fit(model: Callable[..., str]) -> None:
    for kind, element, fits in (
        (F16, TensorProto.FLOAT16, True),
        (Scalar.BF16, TensorProto.FLOAT16, False),
        (F16, TensorProto.BFLOAT16, False),
        (Scalar.U16, TensorProto.FLOAT16, True),
        (F32, TensorProto.FLOAT16, False),
        (I32, TensorProto.INT64, False),
        (I64, TensorProto.INT64, True),
        (F32, TensorProto.INT32, False),
        (Scalar.U8, TensorProto.BOOL, True),
        (Scalar.U8, TensorProto.FLOAT, False),
    ):
        m = module(kernel(pointer("a", kind, readonly=True), pointer("Y")))
        path = model([*X, ("a", element, [4, 8])])
        if fits:
            assert solve(m, path, SIZE).bindings["a"] == "a"
        else:
            refused("TV0223", BadInput, m, path, SIZE)


@pytest.mark.parametrize(
    ("kind", "value", "ok"),
    [
        (I32, "2147483647", True),
        (I32, "2147483648", False),
        (I32, "1.0", False),
        (Scalar.U32, "-1", False),
        (Scalar.BOOL, "true", True),
        (Scalar.BOOL, "2", False),
        (F32, "1", True),
        (F32, "1e-5", True),
        (I32, '"X"', False),
        (F32, '"1 + 1"', False),
        (I32, '"1 + 1"', True),
        (I32, '"null"', False),
        (I32, '{ symbol = "N", min = 0, max = 2147483648 }', False),
        (I32, '{ symbol = "N", min = 0 }', False),
        (I32, '{ symbol = "N" }', False),
        (F32, '{ symbol = "N", type = "f16" }', False),
        (I32, '{ element = "X[0, 0]" }', False),
        (F32, '{ element = "X[0, 7]" }', True),
        (F32, '{ element = "X[0, 8]" }', False),
        (F32, '{ element = "X[0]" }', False),
        (F32, '{ element = "Q[0]" }', False),
        (I32, "{ extent = 4 }", False),
    ],
)
def test_numbers_by_value(model: Callable[..., str], kind: Scalar, value: str, ok: bool) -> None:
    m = module(kernel(pointer("X", readonly=True), pointer("Y"), number("n", kind)))
    toml = SIZE + f"[args]\nn = {value}\n"
    if ok:
        assert isinstance(solve(m, model(X), toml).spec.launches[0].args["n"], ScalarBinding)
    else:
        with pytest.raises(BadInput) as caught:
            solve(m, model(X), toml)
        assert caught.value.span.line == 4


def test_outputs_have_to_be_bound_once(model: Callable[..., str]) -> None:
    two: list[Value] = [("Y", TensorProto.FLOAT, [4, 8]), ("Z", TensorProto.FLOAT, [4, 8])]
    path = model(X, [], two)
    error = refused("TV0227", BadInput, COPY, path, SIZE + ARGS)
    assert "`Z`" in error.message
    assert solve(COPY, path, SIZE + ARGS + '[model]\noutputs = ["Y"]').bindings["y"] == "Y"
    m = module(kernel(pointer("x"), pointer("y"), pointer("z")))
    refused("TV0226", BadInput, m, model(X), SIZE + ARGS + 'z = "Y"\n')
    refused("TV0226", BadInput, m, model(X), SIZE + '[args]\nx = "X"\ny = { concat = ["Y", "Y"] }\nz = "null"\n')


def test_outputs_without_elements_are_refused(model: Callable[..., str]) -> None:
    refused("TV0235", BadInput, COPY, model(X, [], [("Y", TensorProto.FLOAT, [4, 0])]), SIZE + ARGS)


def test_a_kernel_launched_beyond_its_bounds(model: Callable[..., str]) -> None:
    m = module(kernel(pointer("x", readonly=True), pointer("y"), max_threads=128))
    refused("TV0212", BadInput, m, model(X), SIZE + ARGS)
    shared = MemoryObject("s", Space.SHARED, F32, (128, 100), 4)
    k = COPY.kernels["k"]
    refused("TV0212", BadInput, module(replace(k, objects={**k.objects, "s": shared})), model(X), SIZE + ARGS)


def test_a_grid_that_is_empty_for_some_symbol(model: Callable[..., str]) -> None:
    toml = 'grid = ["ceildiv(N, 256)"]\nblock = [256]\n' + ARGS + "[symbols]\nN = { min = 0, max = 100000 }\n"
    error = refused("TV0212", BadInput, COPY, model(X), toml)
    assert "N = 0" in error.message


def test_a_launch_that_fails_at_few_sizes_only(model: Callable[..., str]) -> None:
    ends = ARGS + "[symbols]\nN = { min = 1, max = 200000 }\n"
    refused("TV0212", BadInput, COPY, model(X), 'grid = [1, "N % 70000 + 1"]\nblock = [256]\n' + ends)
    shared = 'grid = [1]\nblock = [256]\nshared = "N % 150000 * 2 + 128"\n'
    assert "N = " in refused("TV0212", BadInput, COPY, model(X), shared + ends).message
    blocks = 'grid = ["N % 1000 * (N % 997) // 800 + 1"]\nblock = [256]\ncooperative = true\n'
    refused("TV0213", BadInput, COPY, model(X), 'grid = ["N % 1500 + 1"]\nblock = [256]\ncooperative = true\n' + ends)
    refused("TV0242", Unknown, COPY, model(X), blocks.replace("N % 1000", "N % 1000 * N") + ends)


def test_two_ranges_for_one_symbol(model: Callable[..., str]) -> None:
    m = module(kernel(pointer("X", readonly=True), pointer("Y"), number("n"), number("m")))
    toml = SIZE + '[args]\nn = { symbol = "N", min = 1, max = 4 }\nm = { symbol = "N", min = 1, max = 5 }\n'
    assert refused("TV0207", BadInput, m, model(X), toml).span.line == 5
    toml = SIZE + '[args]\nn = { symbol = "N", min = 1, max = 4, dim = "B" }\nm = 1\n'
    refused("TV0228", BadInput, m, model(X), toml)


def test_a_list_and_fields_are_no_buffer(model: Callable[..., str]) -> None:
    for value in ('["X", "X"]', "{ fields = { ld = 4 } }"):
        refused("TV0224", BadInput, COPY, model(X), SIZE + f'[args]\nx = {value}\ny = "Y"\n')


def test_fields_reach_the_parameters_that_a_reader_made_of_them(model: Callable[..., str]) -> None:
    m = module(kernel(pointer("X", readonly=True), pointer("Y"), number("p.ld"), number("p.scale", F32)))
    args = solve(m, model(X), SIZE + "[args]\np = { fields = { ld = 8, scale = 0.5 } }\n").spec.launches[0].args
    assert (args["p.ld"], args["p.scale"]) == (ScalarBinding(8), ScalarBinding(0.5))


def test_an_extent_that_cannot_be_compared_is_unknown(model: Callable[..., str]) -> None:
    path = model([("x", TensorProto.FLOAT, ["N"])], [], [("y", TensorProto.FLOAT, [4])])
    k = module(kernel(pointer("x", readonly=True), pointer("y"), number("n")))
    toml = (
        SIZE + '[args]\nx = { tensor = "x", extent = "N // 2 * 2 + 1" }\nn = { symbol = "N", min = 1, max = 100000 }\n'
    )
    refused("TV0229", Unknown, k, path, toml)


def test_command_line_arguments_are_checked_like_written_ones(model: Callable[..., str]) -> None:
    o = Overrides(grid=(4,), block=(256,), args={"x": "X", "y": {"output": "Y"}})
    assert solve(COPY, model(X), "", o).bindings == {"x": "X", "y": "Y"}
    error = refused("TV0202", BadInput, COPY, model(X), SIZE, Overrides(args={"x": {"tensr": "X"}}))
    assert "`tensor`" in error.help
    refused("TV0212", BadInput, COPY, model(X), "", Overrides(grid=(0,), block=(256,)))


def test_dynamic_shared_memory_that_is_not_given(model: Callable[..., str]) -> None:
    k = COPY.kernels["k"]
    dynamic = MemoryObject("dynamic_shared", Space.SHARED, F32, None, 16)
    r = solve(module(replace(k, objects={**k.objects, "dynamic_shared": dynamic})), model(X), SIZE + ARGS)
    assert [d.severity for d in r.diagnostics] == ["warning"]


# ------------------------------------------------------------------------------------------------ drafts
def test_a_draft_of_named_parameters_needs_no_choice_but_the_size(model: Callable[..., str]) -> None:
    launch = HostLaunch("k", (7, 1, 1), (64, 1, 1), 0, ("dx", "dy", "12"), Span("k.cu", 20))
    m = module(kernel(pointer("X", readonly=True), pointer("Y"), number("n")), launches=(launch,))
    path = model(X)
    text = draft(m, read_signature(path), "k.cu")
    assert "choose" not in text
    r = solve(m, path, text)
    assert (r.spec.launches[0].grid, r.spec.launches[0].args["n"]) == ((7, 1, 1), ScalarBinding(12))


def test_a_draft_lists_what_can_be_chosen(model: Callable[..., str]) -> None:
    m = module(kernel(pointer("a", readonly=True), pointer("b"), number("n"), number("eps", F32), name="k<float, 4>"))
    path = model(XW)
    text = draft(m, read_signature(path), "k.cu")
    assert "# choose: X float[4, 8] (Sum sum_Y); W float[8] (Sum sum_Y)" in text
    parse_document(text, "k.toml")
    assert 'kernel = "k<float, 4>"' in text


def test_a_draft_of_several_kernels_and_open_dimensions_is_read_back(model: Callable[..., str]) -> None:
    path = model([("x", TensorProto.FLOAT, ["batch-size", 8])], [], [("y", TensorProto.FLOAT, ["batch-size", 8])])
    m = module(
        kernel(pointer("x", readonly=True), pointer("t"), name="a"), kernel(pointer("u"), pointer("y"), name="b")
    )
    text = draft(m, read_signature(path), "k.cu")
    assert text.count("[[launch]]") == 2
    assert [(s.name, s.dims) for s, _ in parse_document(text, "k.toml").symbols] == [("batch_size", ("batch-size",))]
