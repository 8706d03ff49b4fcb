"""What language constructs become in Kernel IR."""

from __future__ import annotations

from tests.cuda_printing import body, kernel, printed
from tv.kernel import Convert, Load, Scalar, Space, Store, walk


def test_for_loop_keeps_its_parts() -> None:
    assert body("for (int i = 0; i < n; i += 2) { if (i == 4) continue; y[i] = x[i]; }") == [
        "i:i32 = 0:i32",
        "while lt.i32(i, n)",
        " body",
        "  if eq.i32(i, 4:i32)",
        "    continue",
        "  t = load x[mul.i64(i64(i), 4:i64)]:1xf32",
        "  store y[mul.i64(i64(i), 4:i64)]:1xf32 = t",
        " step",
        "  i:i32 = add.i32(i, 2:i32)",
    ]


def test_do_while_computes_its_condition_in_the_step() -> None:
    assert body("do { n--; } while (x[n] > 0);") == [
        "n.2:i32 = n",
        "do-while t.2",
        " body",
        "  n.2:i32 = sub.i32(n.2, 1:i32)",
        " step",
        "  t = load x[mul.i64(i64(n.2), 4:i64)]:1xf32",
        "  t.2:bool = gt.f32(t, 0x0:f32)",
    ]


def test_spin_loops_keep_the_access_in_the_prelude() -> None:
    assert body("while (*p < 3u) ;", "volatile unsigned* p") == [
        "while lt.u32(t, 3:u32)",
        " prelude",
        "  t = load p[0:i64]:1xu32 volatile",
    ]
    assert body("while (atomicAdd(p, 0u) < 3u) {}", "unsigned* p") == [
        "while lt.u32(t, 3:u32)",
        " prelude",
        "  t = atomic add p[0:i64]:1xu32 0:u32 relaxed device",
    ]


def test_short_circuit_guards_its_load() -> None:
    assert body("if (n > 0 && x[n] > 1.f) y[0] = 1.f;") == [
        "t.2:bool = gt.i32(n, 0:i32)",
        "if t.2",
        "  t = load x[mul.i64(i64(n), 4:i64)]:1xf32",
        "  t.2:bool = gt.f32(t, 0x3f800000:f32)",
        "if t.2",
        "  store y[0:i64]:1xf32 = 0x3f800000:f32",
    ]
    assert body("if (n > 0 && n < 4) y[0] = 1.f;")[0] == "if and.bool(gt.i32(n, 0:i32), lt.i32(n, 4:i32))"
    assert body("if (n != 0 && 8 / n > 1) y[0] = 1.f;")[0].startswith("if select(ne.i32(n, 0:i32)")


def test_conditional_with_a_load_is_a_branch() -> None:
    assert body("y[0] = n > 0 ? x[n] : 0.f;") == [
        "if gt.i32(n, 0:i32)",
        "  t = load x[mul.i64(i64(n), 4:i64)]:1xf32",
        "  t.2:f32 = t",
        "else",
        "  t.2:f32 = 0x0:f32",
        "store y[0:i64]:1xf32 = t.2",
    ]
    assert body("y[n > 0 ? n : 0] = 1.f;") == [
        "store y[mul.i64(i64(select(gt.i32(n, 0:i32), n, 0:i32)), 4:i64)]:1xf32 = 0x3f800000:f32"
    ]


def test_unsigned_arithmetic_is_widened_after_it_wraps() -> None:
    (line,) = body("y[blockIdx.x * blockDim.x + threadIdx.x] = 1.f;")
    assert line.startswith("store y[mul.i64(i64(add.u32(mul.u32(blockIdx.x, blockDim.x), threadIdx.x)), 4:i64)]")
    (line,) = body("y[(long)n * 4096] = 1.f;")
    assert "mul.i64(i64(n), 4096:i64)" in line
    (line,) = body("y[(size_t)n * 4096] = 1.f;")
    assert "i64(mul.u64(u64(n), 4096:u64))" in line
    assert body("if (n < 4u) y[0] = 1.f;")[0] == "if lt.u32(u32(n), 4:u32)"


def test_double_literals_are_honest() -> None:
    assert body("y[0] = n * 0.5;") == ["store y[0:i64]:1xf32 = f32(mul.f64(f64(n), 0x3fe0000000000000:f64))"]
    assert body("y[0] = n * 0.5f;") == ["store y[0:i64]:1xf32 = mul.f32(f32(n), 0x3f000000:f32)"]
    assert body("y[0] = 1e-5;") == ["store y[0:i64]:1xf32 = 0x3727c5ac:f32"]


def test_pointer_variables_are_offsets_into_one_object() -> None:
    assert body("x += 4 * n; const float4* v = (const float4*)x; y[0] = v[1].z;") == [
        "x.2:i64 = 0:i64",
        "x.2:i64 = add.i64(x.2, mul.i64(i64(mul.i32(4:i32, n)), 4:i64))",
        "v:i64 = x.2",
        "aligned x[add.i64(v, 16:i64)]:16",
        "t = load x[add.i64(add.i64(v, 16:i64), 8:i64)]:1xf32",
        "store y[0:i64]:1xf32 = t",
    ]


def test_vector_accesses_are_one_access() -> None:
    assert body("float4 v = *(const float4*)&x[4]; ((float4*)y)[n] = v;") == [
        "t, t.2, t.3, t.4 = load x[16:i64]:4xf32",
        "v.x:f32 = t",
        "v.y:f32 = t.2",
        "v.z:f32 = t.3",
        "v.w:f32 = t.4",
        "store y[mul.i64(i64(n), 16:i64)]:4xf32 = v.x, v.y, v.z, v.w",
    ]


def test_a_variable_whose_bytes_are_reread_is_memory() -> None:
    k = kernel(
        "__global__ void k(half* y, const uint4* x) { uint4 v = x[0]; half2* h = (half2*)&v; h[1] = h[0]; y[0] = __low2half(h[3]); }"
    )
    assert k.objects["v"].space is Space.LOCAL
    assert (k.objects["v"].element, k.objects["v"].extents, k.objects["v"].align) == (Scalar.U32, (4,), 16)
    assert [line for line in printed(k.body) if "v[" in line] == [
        "store v[0:i64]:4xu32 = t, t.2, t.3, t.4",
        "t.5, t.6 = load v[h]:2xf16",
        "store v[add.i64(h, 4:i64)]:2xf16 = t.5, t.6",
        "t.7, t.8 = load v[add.i64(h, 12:i64)]:2xf16",
    ]


def test_component_assignments_read_before_they_write() -> None:
    lines = body("float2 v = make_float2(1.f, x[0]); v = make_float2(v.y, v.x); y[0] = v.x;")
    assert lines[3:6] == ["t.2:f32 = v.x", "v.x:f32 = v.y", "v.y:f32 = t.2"]


def test_read_only_path() -> None:
    assert "readonly" in body("y[0] = x[0];", "float* y, const float* __restrict__ x")[0]
    assert "readonly" in body("y[0] = __ldg(x);")[0]
    assert (
        "readonly"
        in body("const float4* v = (const float4*)x; y[0] = v[2].y;", "float* y, const float* __restrict__ x")[2]
    )
    assert "readonly" not in body("y[0] = x[0];")[0]
    # nvcc infers it for every restrict pointer that is not written through, of inlined functions as well
    assert "readonly" in body("y[0] = x[0];", "float* y, float* __restrict__ x")[0]
    assert "readonly" not in body("y[0] = x[0]; x[1] = 1.f;", "float* y, float* __restrict__ x")[0]
    for word in ("const float* __restrict__", "float* __restrict__"):
        before = f"__device__ float get({word} p) {{ return p[1]; }}"
        assert "readonly" in body("y[0] = get(x);", "float* y, float* x", before)[0]
        assert "readonly" not in body("__shared__ float s[4]; y[0] = get(s);", "float* y, float* x", before)[0]
    assert "cached" in body("y[0] = __ldcg(x);")[0]


def test_shared_memory_objects() -> None:
    k = kernel("""extern __shared__ float a[];
    __global__ void k() { extern __shared__ half b[]; __shared__ __align__(16) float s[4][33]; __shared__ int one;
      s[threadIdx.x][2] = 1.f; b[1] = __float2half(0.f); a[1] = 0.f; one = 3; }""")
    assert (k.objects["s"].extents, k.objects["s"].align) == ((4, 33), 16)
    assert (k.objects["one"].extents, k.objects["dynamic_shared"].extents) == ((1,), None)
    stores = [s.ref.object for s in walk(k.body) if isinstance(s, Store)]
    assert stores == ["s", "dynamic_shared", "dynamic_shared", "one"]


def test_inlining_by_value_by_reference_and_by_pointer() -> None:
    before = """__device__ void bump(float& a, int* p, const int k) { a += k; *p = k; }
    __device__ float pick(float v, float low) { if (v < low) return low; if (v > 1.f) { return 1.f; } return v; }"""
    assert body("float a = x[0]; int m = 1; bump(a, &m, 2); y[m] = pick(a, .5f);", before=before)[1:] == [
        "a:f32 = t",
        "declare m",
        "store m[0:i64]:1xi32 = 1:i32",
        "a:f32 = add.f32(a, 0x40000000:f32)",
        "store m[0:i64]:1xi32 = 2:i32",
        "t.2 = load m[0:i64]:1xi32",
        "v:f32 = a",
        "if lt.f32(v, 0x3f000000:f32)",
        "  pick.result:f32 = 0x3f000000:f32",
        "else",
        "  if gt.f32(v, 0x3f800000:f32)",
        "    pick.result:f32 = 0x3f800000:f32",
        "  else",
        "    pick.result:f32 = v",
        "store y[mul.i64(i64(t.2), 4:i64)]:1xf32 = pick.result",
    ]


def test_a_users_own_function_wins_over_the_builtin() -> None:
    before = "__device__ float expf(float v) { return v + 1.f; }"
    assert body("y[0] = expf(x[0]);", before=before)[-1] == "store y[0:i64]:1xf32 = add.f32(v, 0x3f800000:f32)"


def test_half_arithmetic_contracts_only_without_rn() -> None:
    lines = body("half2 v = p[0]; p[1] = __hadd2_rn(__hmul2(v, v), v); p[2] = v * v;", "half2* p")
    assert lines[-2] == "store p[4:i64]:2xf16 = add_rn.f16(mul.f16(v.x, v.x), v.x), add_rn.f16(mul.f16(v.y, v.y), v.y)"
    assert lines[-1] == "store p[8:i64]:2xf16 = mul.f16(v.x, v.x), mul.f16(v.y, v.y)"


def test_atomics_fences_and_grid_barrier() -> None:
    before = "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups; __device__ unsigned c;"
    code = """cg::grid_group g = cg::this_grid(); atomicAdd(&c, 1u); __threadfence();
      __nv_atomic_fetch_add(&c, 1u, __NV_ATOMIC_RELEASE, __NV_THREAD_SCOPE_DEVICE);
      while (__nv_atomic_load_n(&c, __NV_ATOMIC_ACQUIRE, __NV_THREAD_SCOPE_DEVICE) < 2u) {} g.sync(); __syncwarp();"""
    assert body(code, before=before) == [
        "_ = atomic add c[0:i64]:1xu32 1:u32 relaxed device",
        "fence device",
        "_ = atomic add c[0:i64]:1xu32 1:u32 release device",
        "while lt.u32(t.3, 2:u32)",
        " prelude",
        "  t.3 = atomic load c[0:i64]:1xu32  acquire device",
        "barrier grid",
        "barrier warp",
    ]


def test_asynchronous_copies() -> None:
    code = "__shared__ float4 s[8]; __pipeline_memcpy_async(&s[threadIdx.x], &x[n], 16); __pipeline_commit(); __pipeline_wait_prior(1);"
    assert body(code) == [
        "async s[mul.i64(i64(threadIdx.x), 16:i64)]:4xf32 <- x[mul.i64(i64(n), 4:i64)]:4xf32",
        "asynccommit",
        "wait 1",
    ]


def test_a_null_test_of_a_parameter_is_left_open() -> None:
    assert body("if (x != nullptr) y[0] = 1.f;")[0] == "if notnull(x)"
    assert body("if (!x) y[0] = 1.f;")[0] == "if not(notnull(x))"


def test_a_variable_read_before_it_is_assigned_is_uninitialised_memory() -> None:
    early = kernel(
        "__global__ void k(float* y, int n) { for (int i = 0; i < n; ++i) { float v; if (i == 1) v = 2.f; y[i] = v; } }"
    )
    assert [s.ref.object for s in walk(early.body) if isinstance(s, Load)] == ["v.undefined"]
    assert early.objects["v.undefined"].space is Space.LOCAL
    fine = kernel("__global__ void k(float* y, int n) { float v; if (n) v = 1.f; else v = 2.f; y[0] = v; }")
    assert not [s for s in walk(fine.body) if isinstance(s, Load)]


def test_spliced_lines_do_what_the_compiler_does() -> None:
    text = "__global__ void k(float* y) {\n y[0] = 1.f; // publish \\\n __syncthreads();\n y[1] = 2.f;\n}"
    k = kernel(text)
    assert printed(k.body) == ["store y[0:i64]:1xf32 = 0x3f800000:f32", "store y[4:i64]:1xf32 = 0x40000000:f32"]
    assert [s.span.line for s in k.body] == [2, 4]


def test_spans_name_the_users_line_and_column_through_macros() -> None:
    text = "#define TWICE(a) ((a) + (a))\n/* a\n comment */ __global__ void k(float* y, int n) {\n  y[n] = TWICE(n);\n}"
    (s,) = kernel(text).body
    assert isinstance(s, Store)
    assert (s.span.file, s.span.line, s.span.col) == ("k.cu", 4, 3)
    value = s.values[0]
    assert isinstance(value, Convert)
    assert (value.a.span.line, value.a.span.col) == (4, 10)


def test_launch_bounds_and_globals() -> None:
    text = """__constant__ float table[2][2] = {{1, 2}, {3}}; __device__ int counter = 3; const int N = 2 * 4;
    __global__ void __launch_bounds__(N * 32, 2) k(float* y) { y[0] = table[1][0]; counter = N; }"""
    k = kernel(text)
    assert k.max_threads == 256
    assert k.globals == {"table": (0x3F800000, 0x40000000, 0x40400000, 0), "counter": (3,)}
