"""Damage to CUDA text that a reader might take for a kernel: by tokens and lines, with literals and nesting at their extremes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

TOKEN = re.compile(r"\s+|\w+|<<<|>>>|->|::|\+\+|--|&&|\|\||[-+*/%&|^!=<>]=|<<|>>|##|.", re.DOTALL)
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|\d+)[uUlLfF]*$")
MOST = 1 << 16  # characters that a mutation adds

NUMBERS = (
    "0 1 -1 2 3 7 31 32 33 255 256 257 1024 1025 65535 65536 2147483647 2147483648 4294967295 4294967296 9223372036854775807 "
    "9223372036854775808 18446744073709551615 18446744073709551616 0x7fffffff 0xffffffffffffffffffff 08 0b12 0x 1e400 1e-400 1e999f "
    "0x1p-149f 0x1p1024 1.5 .5f 0.0f -0.0f 3.4e38f 1'000 1u 1ull 1f 0xg '\\0' '\\xff' L'a' \"s\""
).split()  # fmt: skip
WORDS = (
    "( ) { } [ ] ; , . -> :: < > <<< >>> # ## ... ? : = == += << >> && || ! ~ & * - + / % ^ | \\ \" ' @ $ ` "
    "int unsigned float double half __half2 __nv_bfloat16 bool char short long size_t float4 uint4 int8_t void auto const volatile "
    "__restrict__ __shared__ __device__ __global__ __constant__ __host__ __managed__ __forceinline__ __launch_bounds__(1,2) static extern "
    "inline template<class T> template<int N> typename class struct union enum using typedef namespace operator sizeof alignof alignas(16) "
    "decltype constexpr if else for while do switch case default break continue return goto asm new delete this throw try catch lambda [&]() "
    "threadIdx.x blockIdx.y blockDim.z gridDim.x warpSize __syncthreads() __syncwarp() __shfl_down_sync(~0u,x,1) __shfl_xor_sync "
    "__ballot_sync __ldg(&x) atomicAdd(x,1) atomicCAS cooperative_groups::this_grid().sync() __pipeline_commit() printf(\"%d\") assert(0) "
    "expf(x) fmaf(x,x,x) __float2half_rn rsqrtf min max NULL nullptr true false __CUDA_ARCH__ __LINE__ __FILE__ __func__ INFINITY NAN "
    "reinterpret_cast<float4*>(x) (float*) (int) *(volatile float*)& __builtin_assume(1) __builtin_unreachable() #pragma\\ unroll"
).split(" ")  # fmt: skip
LINES = (
    "#define A A\n", "#define A(x) x A(x)\n", "#define A B\n#define B A\n", "#define f(x,...) x##__VA_ARGS__\n", "#define S(x) #x\n", "#undef A\n",
    "#if 1\n", "#if 0\n", "#ifdef A\n", "#elif A\n", "#else\n", "#endif\n", "#if (1<<99)\n", "#if 1/0\n", "#if defined(\n", "#if A(1)\n", "#error x\n",
    "#line 7\n", "#pragma unroll\n", "#pragma unroll 99999999999\n", "#pragma once\n", "#include <cuda_fp16.h>\n", "#include <mma.h>\n",
    '#include "kernel.cu"\n', '#include "/dev/zero"\n', '#include "../../etc/passwd"\n', "#include <>\n", "#include A\n", "#include\n", "/* ", "*/", "// \\\n",
    'R"(', ")\"", "??=", "%:", "<%", "\\\n", '_Pragma("unroll")', "static_assert(0);\n", "static_assert(sizeof(int)==4,\"\");\n",
    "typedef struct S { struct S* n; int a[0]; } S;\n", "struct T { T t; };\n", "enum E { X = 1u<<40, Y = X };\n", "union U { int i; float f; };\n",
    "__device__ int r(int x) { return r(x - 1); }\n", "template<int N> __device__ int r() { return r<N + 1>(); }\n", "using t = t;\n",
    "__shared__ float s[1 << 30];\n", "extern __shared__ float s[];\n", "__constant__ int c[] = {1, 2, 3};\n", "k<<<1, 2>>>(x);\n", "int main() { k<<<1,32>>>(0); }\n",
    "for (;;) ;\n", "for (int i = 0; i < 2147483647; i++) x[i] = 0;\n", "for (int i = 0; i >= 0; i += 0) ;\n", "while (1) {}\n", "do {} while (0);\n",
    "switch (x) { case 1: default: ; }\n", "goto l; l:;\n", "int v[2][3] = {{1}, 2, {3}};\n", "int n = n;\n", "return;\n", "asm volatile(\"\");\n",
)  # fmt: skip
ODD = ("\0", "\x7f", "\ufeff", "\u200b", "é", "\u202e", "𝔵", "\r", "\f", "\x1a", "\u2028", "\x85", "\ud7ff")


def mutated(data: bytes, others: Sequence[bytes], r: Random) -> bytes:
    """One to four changes. others: texts to splice with."""
    text = data.decode("utf-8", "replace")
    for _ in range(r.choice((1, 1, 1, 2, 2, 4))):
        text = r.choice(_CHANGES)(text, others, r)
    out = text.encode("utf-8", "replace")
    return broken_bytes(out, r) if r.random() < 0.02 else out


def _tokens(text: str, _: Sequence[bytes], r: Random) -> str:
    """Tokens deleted, doubled, swapped, replaced or inserted."""
    ts = TOKEN.findall(text) or [""]
    for _again in range(r.choice((1, 1, 2, 3))):
        i, j = r.randrange(len(ts)), r.randrange(len(ts))
        match r.randrange(6):
            case 0:
                ts[i] = ""
            case 1:
                ts[i] += " " + ts[i]
            case 2:
                ts[i], ts[j] = ts[j], ts[i]
            case 3:
                ts[i] = ts[j]
            case 4:
                ts[i] = r.choice(WORDS)
            case _:
                ts[i] += f" {r.choice(WORDS)} "
    return "".join(ts)


def _names(text: str, _: Sequence[bytes], r: Random) -> str:
    """One use of a name becomes another name of the text, so that types and scopes clash rather than the syntax."""
    found = list(re.finditer(r"\b[A-Za-z_]\w*", text))
    if not found:
        return text
    m, other = r.choice(found), r.choice(found)
    return text[: m.start()] + other.group() + text[m.end() :]


def _numbers(text: str, _: Sequence[bytes], r: Random) -> str:
    ts = TOKEN.findall(text)
    at = [i for i, t in enumerate(ts) if _NUMBER.match(t)]
    if at:
        ts[r.choice(at)] = r.choice(
            (*NUMBERS, str(r.getrandbits(r.choice((3, 8, 31, 64)))), "9" * r.choice((20, 400, 5000)))
        )
    return "".join(ts)


def _lines(text: str, _: Sequence[bytes], r: Random) -> str:
    """Lines deleted, doubled, moved, or one of the kind that readers stumble over put in."""
    lines = text.splitlines(keepends=True) or [""]
    i, j = r.randrange(len(lines)), r.randrange(len(lines))
    match r.randrange(6):
        case 0:
            del lines[i : i + r.randint(1, 4)]
        case 1:
            lines[i:i] = lines[j : j + r.randint(1, 8)]
        case 2:
            lines[i], lines[j] = lines[j], lines[i]
        case _:
            lines.insert(i, r.choice(LINES))
    return "".join(lines)


def _splice(text: str, others: Sequence[bytes], r: Random) -> str:
    """The head of one text and the tail of another, or all of it behind."""
    other = r.choice(others).decode("utf-8", "replace") if others else text
    if r.random() < 0.2:
        return f"{text}\n{other}"
    mine, theirs = text.splitlines(keepends=True), other.splitlines(keepends=True)
    return "".join(mine[: r.randint(0, len(mine))] + theirs[r.randint(0, len(theirs)) :])


def _deep(text: str, _: Sequence[bytes], r: Random) -> str:
    """A place nested, chained or repeated many times over."""
    n = r.choice((3, 40, 300, 3000, 12000))
    before, middle, after = r.choice((
        ("(", "1", ")"), ("{", "", "}"), ("[", "0", "]"), ("-", "1", ""), ("!", "x", ""), ("*", "x", ""), ("1+", "1", ""), ("(1,", "1", ")"), ("x?", "1", ":0"),
        ("if(1)", ";", ""), ("for(;;)", ";", ""), ("a.", "b", ""), ("int*", "x", ""), ("f(", "x", ")"), ("#if 1\n", "", "#endif\n"), ("x=", "1", ""), ("case 1:", ";", ""),
        ("struct S{", "int i;", "};"), ("else if(x)", ";", ""), ("int x;", "", ""), ("template<", "int", ">"), ("A<", "int", ">"), ("namespace n{", "", "}"), ("(int)", "1", ""),
        ("a", "", ""), ('"', "", '"'), ("/*", "", "*/"), ("\\\n", "", ""), ("a<", "1", ""), ("&&", "1", ""), ("__attribute__((", "x", "))"),
    ))  # fmt: skip
    n = min(n, MOST // max(1, len(before) + len(after)))
    i = r.randint(0, len(text))
    return text[:i] + before * n + middle + after * r.choice((n, n, n - 1, 0)) + text[i:]


def _macros(text: str, _: Sequence[bytes], r: Random) -> str:
    """A macro that doubles itself, or one of the text's own names made a macro."""
    if r.random() < 0.4:
        n = r.choice((3, 12, 24, 60))
        arguments, call = r.choice((("", ""), ("(x)", "(x)"), ("(x)", "(x+x)")))
        chain = "".join(f"#define M{i}{arguments} M{i + 1}{call} + M{i + 1}{call}\n" for i in range(n))
        return f"{chain}#define M{n}{arguments} 1\n" + _put(text, f" M0{call.replace('x', '1')} ", r)
    names = re.findall(r"\b[A-Za-z_]\w+", text) or ["x"]
    body = r.choice(("", "1", r.choice(names), "(x)", "##", "#x", "__VA_ARGS__", "if", "{", "float", "a ## b"))
    arguments = r.choice(("", "", "(x)", "(...)", "()", "(x, x)", "(x,", "(1)"))
    return f"#define {r.choice(names)}{arguments} {body}\n{text}"


def _odd(text: str, _: Sequence[bytes], r: Random) -> str:
    return _put(text, r.choice(ODD), r)


def _put(text: str, what: str, r: Random) -> str:
    i = r.randint(0, len(text))
    return text[:i] + what + text[i:]


def broken_bytes(data: bytes, r: Random) -> bytes:
    """Text that is not UTF-8."""
    i = r.randint(0, len(data))
    match r.randrange(4):
        case 0:
            return data[:i] + bytes([r.randrange(128, 256)]) + data[i:]
        case 1:
            return data.decode("utf-8", "replace").encode("utf-16")
        case 2:
            return data[:i]
        case _:
            return data[:i] + b"\xed\xa0\x80" + data[i:]


_Change = Callable[[str, Sequence[bytes], Random], str]
_CHANGES: tuple[_Change, ...] = (
    _tokens, _tokens, _tokens, _names, _names, _names, _numbers, _numbers, _lines, _lines, _splice, _deep, _macros, _odd,
)  # fmt: skip
