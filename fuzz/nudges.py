"""One small change to a kernel that mostly leaves it one, so that what comes after the reader has something to do."""

from __future__ import annotations

import re
from random import Random

from fuzz.kernels import TOKEN

SWAPS = (
    ("<", "<="), ("<", ">"), (">=", "=="), ("==", "!="), ("+", "-"), ("*", "+"), ("/", "%"), ("<<", ">>"), ("&&", "||"), ("&", "|"), ("+=", "="), ("+=", "-="),
    ("++", "--"), ("?", "&&"), ("float", "double"), ("float", "int"), ("int", "unsigned"), ("int", "long long"), ("x", "y"), ("const", ""), ("__half", "float"),
    ("if", "while"), ("return", ""), ("break", "continue"), ("__restrict__", ""), ("__shared__", ""), ("__shared__", "volatile __shared__"),
    ("__syncthreads", "__syncwarp"), ("threadIdx", "blockIdx"), ("blockDim", "gridDim"), ("float4", "float2"), ("__device__", "__device__ __noinline__"),
)  # fmt: skip
STATEMENTS = (
    "__syncthreads();", "__syncwarp();", "__threadfence();", "return;", "break;", "continue;", "{ int q = threadIdx.x; if (q > 3) { return; } }",
    "for (int q = 0; q < 7; ++q) { }", "while (threadIdx.x) { }", "if (threadIdx.x == 0) { __syncthreads(); }", "assert(threadIdx.x < 9);",
    "{ __shared__ int q[33]; q[threadIdx.x] = 1; __syncthreads(); }", "{ float q[5]; for (int k = 0; k < 5; k++) { q[k] = k; } }", "do { } while (0);",
    "{ int q = __shfl_down_sync(~0u, threadIdx.x, 1); }", "{ unsigned q = __ballot_sync(~0u, threadIdx.x & 1); }", "for (;;) { break; }",
    "{ int q = 1 << threadIdx.x; q /= q - 1; }", "for (int q = 64; q > 0; q >>= 1) { __syncthreads(); }", "{ int q = 0; for (int k = 1; k < 1000000; k *= 3) { q += k; } }",
    "{ long long q = (long long)threadIdx.x * blockIdx.x * 4000000000LL; q %= 3; }",
)  # fmt: skip


def nudged(data: bytes, _others: object, r: Random) -> bytes:
    """The first line, which names the case, stays."""
    head, _, rest = data.decode("utf-8", "replace").partition("\n")
    change = r.choice((_operators, _operators, _operators, _names, _numbers, _numbers, _moved, _statements))
    return f"{head}\n{change(rest, r)}".encode("utf-8", "replace")


def _operators(text: str, r: Random) -> str:
    """One occurrence of a word or operator becomes its neighbour."""
    ts = TOKEN.findall(text)
    there = [(a, b) for x, y in SWAPS for a, b in ((x, y), (y, x)) if a and a in ts]
    if there:
        a, b = r.choice(there)
        ts[r.choice([i for i, t in enumerate(ts) if t == a])] = b
    return "".join(ts)


def _names(text: str, r: Random) -> str:
    """A variable becomes another that is used in the text."""
    found = list(re.finditer(r"\b[a-z]\w*\b(?=\s*[-+*/<>=;,)\[\]])", text))
    if not found:
        return text
    m, other = r.choice(found), r.choice(found)
    return text[: m.start()] + other.group() + text[m.end() :]


def _numbers(text: str, r: Random) -> str:
    """A number becomes one near it, or near another of the text."""
    ts = TOKEN.findall(text)
    at = [i for i, t in enumerate(ts) if t.isdigit()]
    if at:
        i, n = r.choice(at), int(ts[r.choice(at)][:9])
        ts[i] = str(r.choice((n, n + 1, max(n - 1, 0), 2 * n, n // 2, 0, 1, 2147483647)))
    return "".join(ts)


def _moved(text: str, r: Random) -> str:
    """A line with a statement deleted, doubled or moved."""
    lines = text.splitlines(keepends=True)
    at = [i for i, line in enumerate(lines) if line.rstrip().endswith(";")]
    if at:
        line = lines.pop(r.choice(at))
        for _ in range(r.randint(0, 2)):
            lines.insert(r.choice(at), line)
    return "".join(lines)


def _statements(text: str, r: Random) -> str:
    """A statement of a kind that checks have to think about, behind another one."""
    ends = [m.end() for m in re.finditer(r"[;{}]\s*\n", text)] or [0]
    i = r.choice(ends)
    return f"{text[:i]}{r.choice(STATEMENTS)}\n{text[i:]}"
