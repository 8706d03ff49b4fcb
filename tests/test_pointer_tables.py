"""Pointers inside parameters: structs by value that hold them, and tables of them, by value and in memory."""

from __future__ import annotations

import struct
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.check import check
from tv.cli.drafting import draft_for
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.examine import read_inputs
from tv.gpu.run import arguments_of, tables_of
from tv.kernel import Inside, MemRef, references, walk
from tv.obligation import Status
from tv.request import CheckRequest
from tv.spec import Resolved
from tv.verdict import CheckResult, Verdict

N, K = 100, 3  # elements of each tensor, which is no multiple of an alignment; tables have K
NAMES = [f"w{k}" for k in range(K)]
TABLE = str(NAMES).replace("'", '"')
P = "struct P { const float* x; float* y; int n; const float* w[4]; };\n"
BY_VALUE = f'p = {{ fields = {{ x = "x", y = "y", n = {K}, w = {TABLE} }} }}'
IN_MEMORY = f'x = "x"\ny = "y"\nn = {K}\nws = {TABLE}'
INDEX = "int t = blockIdx.x * blockDim.x + threadIdx.x; if (t >= 100) return; "


def request(tmp_path: Path, kernel: str, args: str) -> CheckRequest:
    """y = x + w0 + w1 + w2, one after another, on [N]."""
    (tmp_path / "k.cu").write_text(kernel)
    (tmp_path / "k.toml").write_text(f"grid = [2]\nblock = [64]\n[args]\n{args}\n")
    sums = ["x", "a", "b", "y"]
    nodes = [helper.make_node("Add", [sums[k], NAMES[k]], [sums[k + 1]]) for k in range(K)]
    ends = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [N]) for n in ("x", *NAMES, "y")}
    graph = helper.make_graph(nodes, "g", [ends[n] for n in ("x", *NAMES)], [ends["y"]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), tmp_path / "model.onnx")
    return CheckRequest(str(tmp_path / "k.cu"), str(tmp_path / "model.onnx"))


def result(tmp_path: Path, kernel: str, args: str) -> CheckResult:
    return check(request(tmp_path, kernel, args))


def resolved(tmp_path: Path, kernel: str, args: str) -> Resolved:
    return read_inputs(request(tmp_path, kernel, args), lambda _: None)[0]


def record(body: str, before: str = "") -> str:
    return f"{P}{before}\n__global__ void k(P p) {{ {INDEX}{body} }}"


def memory(body: str, before: str = "") -> str:
    return f"{before}\n__global__ void k(const float* x, float* y, int n, const float* const* ws) {{ {INDEX}{body} }}"


SUM = "float s = p.x[t]; for (int k = 0; k < p.n; ++k) s = s + p.w[k][t]; p.y[t] = s;"
RIGHT = [
    (record(SUM), BY_VALUE),
    (record("P q = p; q.x += t; float s = *q.x; for (int k = 0; k < q.n; ++k) s += q.w[k][t]; q.y[t] = s;"), BY_VALUE),
    (record("const float* w = p.w[0]; float s = p.x[t] + w[t]; w = p.w[1] + t; s += *w; w = p.w[2]; s += w[t]; p.y[t] = s;"),
     BY_VALUE),
    (record("p.y[t] = p.x[t] + sum(p, t);".replace("p.x[t] + sum(p, t)", "sum(p, p.x[t], t)"),
            "__device__ float sum(const P& q, float s, int t) { for (int k = 0; k < q.n; ++k) s += q.w[k][t]; return s; }"),
     BY_VALUE),
    (record("p.y[t] = sum(p, p.x[t], t);",
            "__device__ float sum(P q, float s, int t) { q.n -= 1; for (int k = 0; k <= q.n; ++k) s += q.w[k][t]; return s; }"),
     BY_VALUE),
    (record("p.y[t] = sum(p.w, p.x[t], t);",
            "__device__ float sum(const float* const* w, float s, int t) { for (int k = 0; k < 3; ++k) s += w[k][t]; return s; }"),
     BY_VALUE),
    (record("float s = p.x[t]; for (int k = 0; k < 3; ++k) { const float4* w = (const float4*) p.w[k]; float4 v = w[t / 4];"
            " s += t % 4 == 0 ? v.x : t % 4 == 1 ? v.y : t % 4 == 2 ? v.z : v.w; } p.y[t] = s;"), BY_VALUE),
    (memory("float s = x[t]; for (int k = 0; k < n; ++k) s += ws[k][t]; y[t] = s;"), IN_MEMORY),
    (memory("float s = x[t]; for (int k = 0; k < n; ++k) s += __ldg(ws[k] + t); y[t] = s;"), IN_MEMORY),
    (memory("float s = x[t]; for (int k = 0; k < n; ++k, ++ws) s += (*ws)[t]; y[t] = s;"), IN_MEMORY),
    (memory("float s = x[t]; if (ws) for (int k = 0; k < n; ++k) if (ws[k] != nullptr) s += ws[k][t]; y[t] = s;"), IN_MEMORY),
    (record(SUM.replace("float s", "const float* other = p.w[3]; float s")), BY_VALUE),  # which is followed nowhere
    ("struct Q { const float* x; float* y; };\nstruct P { Q q; const float* w[1][4]; };\n__global__ void k(P p) { " + INDEX
     + "float s = p.q.x[t]; for (int k = 0; k < 3; ++k) s += p.w[0][k][t]; p.q.y[t] = s; }",
     f'p = {{ fields = {{ q = {{ fields = {{ x = "x", y = "y" }} }}, w = {TABLE} }} }}'),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "args"), RIGHT)
def test_right_kernels_are_proved(tmp_path: Path, kernel: str, args: str) -> None:
    r = result(tmp_path, kernel, args)
    assert r.verdict is Verdict.PROVED, (r.why, r.obligations)


WRONG = [
    (record(SUM.replace("p.w[k]", "p.w[k % 2]")), BY_VALUE, "equal"),
    (record(SUM.replace("p.w[k]", "p.w[k + 1]")), BY_VALUE, "bounds"),
    (record(SUM.replace("k < p.n", "k <= p.n")), BY_VALUE, "bounds"),
    (record("const float* q = p.w[3]; p.y[t] = q[t];"), BY_VALUE, "bounds"),
    (record(SUM.replace("p.w[k][t]", "p.w[0][k * 128 + t]")), BY_VALUE, "bounds"),  # where a table's buffers would follow
    (record(SUM.replace("p.w[k][t]", "p.w[0][k * 100 + t]")), BY_VALUE, "bounds"),
    (record(SUM.replace("t >= 100", "t >= 101").replace("p.w[k][t]", "p.w[k][t + 1]")), BY_VALUE, "bounds"),
    (record("P q = p; q.n = 2; float s = p.x[t]; for (int k = 0; k < q.n; ++k) s += q.w[k][t]; q.y[t] = s;"), BY_VALUE, "equal"),
    (memory("float s = x[t]; for (int k = 0; k < n; ++k) s += ws[k][t]; const float* w = ws[n]; y[t] = s;"), IN_MEMORY, "bounds"),
    (memory("float s = x[t]; for (int k = 0; k < n; ++k) s += (ws + 1)[k - 1][t]; y[t] = s - ws[2][t] + ws[2][t];"),
     IN_MEMORY, "equal"),
    (memory("float s = x[t]; const float* w = ws[0]; for (int k = 0; k < n; ++k) { s += w[t]; w = ws[k]; } y[t] = s;"),
     IN_MEMORY, "equal"),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "args", "kind"), WRONG)
def test_wrong_kernels_are_refuted(tmp_path: Path, kernel: str, args: str, kind: str) -> None:
    r = result(tmp_path, kernel, args)
    assert r.verdict is Verdict.REFUTED, (r.why, r.obligations)
    assert kind in {o.kind for o in r.obligations if o.status is Status.REFUTED}


@pytest.mark.parametrize("bound", [3, 4])
def test_a_pointer_that_nothing_is_said_of_is_not_tested(tmp_path: Path, bound: int) -> None:
    """The launch may leave it null, so that the kernel is right, or not."""
    kernel = record(SUM.replace("k < p.n", f"k < {bound}").replace("s = s +", "if (p.w[k]) s = s +"))
    assert result(tmp_path, kernel, BY_VALUE).verdict is (Verdict.PROVED if bound == 3 else Verdict.UNKNOWN)


REFUSED = [
    (memory("y[t] = ((const float*) ws)[t];"), IN_MEMORY, "TV0115"),
    (memory("y[t] = ws[0] == ws[1] ? x[t] : 0.f;"), IN_MEMORY, "TV0115"),
    (memory("y[t] = ws[1] - ws[0];"), IN_MEMORY, "TV0115"),
    (memory("y[t] = (long long) ws[1];"), IN_MEMORY, "TV0111"),
    (record("p.w[0] = p.x; p.y[t] = p.w[0][t];"), BY_VALUE, "TV0115"),
    (record("P q = p; q.w[0] = q.x; q.y[t] = q.w[0][t];"), BY_VALUE, "TV0115"),
    (record("P* q = &p; q->y[t] = q->x[t];"), BY_VALUE, "TV0115"),
    (record("make(p).y[t] = 1.f;", "__device__ P make(P p) { P q = p; if (q.n) return p; return q; }"), BY_VALUE, "TV0115"),
    ("struct L { const float* a; };\nstruct P { L w[3]; };\n__global__ void k(P p) {}", "", "TV0115"),
    ("struct P { const float* x; };\n__global__ void k(const P* p) {}", "", "TV0115"),
    ("struct P { float* x; int n[3]; };\n__global__ void k(P p) {}", "", "TV0111"),
    ("__global__ void k(void** p) {}", "", "TV0115"),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "args", "code"), REFUSED)
def test_what_has_no_meaning_here_is_refused(tmp_path: Path, kernel: str, args: str, code: str) -> None:
    with pytest.raises(Unsupported) as caught:
        resolved(tmp_path, kernel, args)
    assert caught.value.code == code, caught.value.message


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (BY_VALUE.replace(TABLE, '["w0", "w1", "w2", "w0", "w1"]'), "TV0224"),
        (BY_VALUE.replace(TABLE, '"w0"'), "TV0224"),
        (BY_VALUE.replace('x = "x"', f"x = {TABLE}"), "TV0224"),
        (BY_VALUE.replace(TABLE, '["w0", "v"]'), "TV0222"),
        (BY_VALUE.replace(TABLE, '["w0", "y"]'), "TV0224"),
        (BY_VALUE.replace(f", w = {TABLE}", ""), "TV0220"),
        (BY_VALUE.replace("w = [", "v = ["), "TV0221"),
        (BY_VALUE.replace(TABLE, '"null"'), "TV0224"),
    ],
)
def test_a_binding_that_does_not_fit_is_bad_input(tmp_path: Path, args: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        resolved(tmp_path, record(SUM), args)
    assert caught.value.code == code, caught.value.message


def test_a_table_of_open_size_is_unsupported(tmp_path: Path) -> None:
    asked = request(tmp_path, memory("y[t] = ws[0][t];"), IN_MEMORY)
    whole = onnx.load(tmp_path / "model.onnx")
    for v in (*whole.graph.input, *whole.graph.output):
        v.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.save(whole, tmp_path / "model.onnx")
    with (tmp_path / "k.toml").open("a") as f:
        f.write("[symbols]\nN = { min = 1, max = 100 }\n")
    with pytest.raises(TvError) as caught:
        read_inputs(asked, lambda _: None)
    assert caught.value.code == "TV0240"


def test_every_access_through_a_table_is_asked_to_stay_in_one_buffer(tmp_path: Path) -> None:
    kernel = resolved(tmp_path, record(SUM), BY_VALUE).kernels[0]
    found = list(walk(kernel.body))
    through: list[MemRef] = [r for s in found for r in references(s) if r.object == "p.w"]
    asked = [s for s in found if isinstance(s, Inside)]
    assert through
    assert all(r.entry is None for r in through)
    assert {s.width for s in asked} == {0, 4}
    assert {s.sizes for s in asked} == {(4 * N,) * K}


def test_the_binding_and_what_it_assumes_are_printed(tmp_path: Path) -> None:
    r = resolved(tmp_path, record(SUM), BY_VALUE)
    assert r.bindings == {"p.x": "x", "p.y": "y", "p.n": "3", "p.w": "[w0, w1, w2]"}
    assert "the pointers of a table do not alias" in r.assumptions


def test_arguments_with_pointers_lie_as_c_lays_them_out(tmp_path: Path) -> None:
    stage = resolved(tmp_path, record(SUM), BY_VALUE).stages[0]
    addresses = {"p.x": 4096, "p.y": 8192, "p.w": 1 << 20}
    apart = 512  # bytes: 400, so that each buffer is aligned to 256
    found = arguments_of(stage, addresses, {"p.n": K}, {})
    assert found == [struct.pack("<QQi4x4Q", 4096, 8192, K, *((1 << 20) + k * apart for k in range(K)), 0)]
    assert tables_of(stage, addresses) == {}


def test_a_table_in_memory_is_a_buffer_of_addresses(tmp_path: Path) -> None:
    body = "float s = x[t]; for (int k = 0; k < n; ++k) s += ws[k][t]; y[t] = s;"
    stage = resolved(tmp_path, memory(body), IN_MEMORY).stages[0]
    addresses = {"x": 4096, "y": 8192, "ws": 1 << 20}
    assert tables_of(stage, addresses) == {"ws": struct.pack("<3Q", *((1 << 20) + k * 512 for k in range(K)))}
    found = arguments_of(stage, addresses, {"n": K}, {"ws": 1 << 16})
    assert found == [struct.pack("<Q", 4096), struct.pack("<Q", 8192), struct.pack("<i", K), struct.pack("<Q", 1 << 16)]


def test_a_draft_lists_a_table_and_fits_in_toml(tmp_path: Path) -> None:
    asked = request(tmp_path, record(SUM), "")
    (tmp_path / "k.toml").unlink()
    lines = draft_for(asked).splitlines()
    assert any(line.startswith('p.fields.w = ["x", "w0", "w1", "w2"]  # choose') for line in lines)
    (tmp_path / "k.toml").write_text(
        'grid = [2]\nblock = [64]\n[args]\np.fields.x = "x"\np.fields.y = "y"\n'
        f"p.fields.n = {K}\np.fields.w = {TABLE}\n"
    )
    assert check(asked).verdict is Verdict.PROVED
