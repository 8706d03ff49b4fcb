"""Damage to specifications: keys, values, tables and expressions, mostly still TOML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

_TOKEN = re.compile(r"\s+|\"[^\"\n]*\"|[\w.]+|.", re.DOTALL)
KEYS = (
    "kernel grid block shared cooperative args fmad fast_math ftz prec_div prec_sqrt arch defines include shared_align local_align globals "
    "inputs model symbols launch relaunch outputs strict_nan body_precision half_functions tensor input output symbol min max value finite "
    "dim layout offset extent concat fields null"
).split()
_TEXT = r"""
    0 | 1 | -1 | 3 | 32 | 1024 | 65536 | 4294967296 | 9223372036854775807 | 9223372036854775808 | 1e5 | 1e-05 | nan | inf | -inf | true | false
    "" | "x" | "y" | "N" | "null" | "N + 1" | "N * N * N * N" | "N // 0" | "N % -3" | "ceildiv(N, 0)" | "min(N)" | "max()" | "-N" | "((N))" | "N / 2"
    "N ** 2" | "1 << 99" | "0x10" | "é" | "\u0000" | "and" | "cell0" | "N % 2 * 99999999999999999999" | "(N + 31) // 32" | "W" | "weight" | "rows"
    "[i] -> [i]" | "[i, j] -> [j, i]" | "[i] -> [i // (i - 3)]" | "[i, j] -> [i * N + j]" | "[] -> [0]" | "[i] -> [i % 0]" | "[i, i] -> [i]" | "[i] -> [-i]"
    [] | [1] | [0, 0, 0] | [1, 2, 3, 4] | ["N"] | [["x"]] | {} | [{}] | { tensor = "x" } | { output = "y" } | { input = "x", output = "y" }
    { symbol = "N", min = 1, max = 64 } | { symbol = "N" } | { symbol = "N", min = 9, max = 1 } | { symbol = "M", min = 1, max = 4096, dim = "N" }
    { symbol = "N", min = -9223372036854775808, max = 9223372036854775807 } | { tensor = "x", layout = "[i] -> [i * 2]" } | { tensor = "x", offset = 4 }
    { tensor = "x", extent = "N" } | { concat = ["x", "y"] } | { concat = [] } | { fields = { a = "x" } } | { fields = {} } | { value = "N" }
    { min = 0, max = 3 } | { finite = true } | { null = true } | 1979-05-27 | 07:32:00 | "sm_90" | "sm_9999999" | "compute_90" | "f32" | "type" | "native"
    0o7 | 0b1 | 1_000 | +1 | [1,] | ["x", 1] | { offset = "N" } | { input = "x", offset = "N * 4" } | { tensor = "x", layout = "[i, j] -> [i * 9 + j]", offset = -1 }
"""
VALUES = tuple(v.strip() for line in _TEXT.splitlines() for v in line.split(" | ") if v.strip())
LINES = (
    "[args]\n", "[globals]\n", "[inputs]\n", "[model]\n", "[symbols]\n", "[[launch]]\n", "[launch]\n", "[args.x]\n", "[a.b.c]\n", "[]\n", "[args\n", "# c\n",
    "grid = [1]\n", "block = [1024, 1024, 64]\n", 'arch = "sm_70"\n', 'defines = { T = "((", U = "1" }\n', 'include = ["..", "/", "/dev"]\n', "cooperative = true\n",
    "relaunch = true\n", 'finite = ["x"]\n', 'inputs = ["x"]\n', 'outputs = ["y"]\n', "strict_nan = true\n", 'shared = "N * 4"\n', "x.y.z = 1\n", '"" = 1\n',
    "shared_align = 16\n", "fast_math = true\n", "fmad = false\n", '[symbols]\nN = { min = 1, max = 8 }\n', '"a\\nb" = 1\n',
)  # fmt: skip


def mutated(data: bytes, others: Sequence[bytes], r: Random) -> bytes:
    """One to three changes. others: texts to take lines from. The first line, which names the pair, mostly stays."""
    text = data.decode("utf-8", "replace")
    for _ in range(r.choice((1, 1, 2, 3))):
        head, _newline, rest = text.partition("\n")
        text = f"{head}\n{_changed(rest, others, r)}"
    out = text.encode("utf-8", "replace")
    return out + bytes([r.randrange(128, 256)]) if r.random() < 0.01 else out


def _changed(text: str, others: Sequence[bytes], r: Random) -> str:
    ts, lines = _TOKEN.findall(text) or [""], text.splitlines(keepends=True) or [""]
    i, j = r.randrange(len(ts)), r.randrange(len(lines))
    match r.choice((0, 0, 1, 2, 3, 4, 4, 4, 4, 5, 6, 6, 6, 7, 8)):
        case 0 | 1:
            at = [k for k, t in enumerate(ts) if re.match(r'["\w]', t)] or [0]
            k = r.choice(at)
            ts[k] = r.choice(VALUES if ts[k][:1] in '"0123456789' else KEYS)
        case 2:
            ts[i] = r.choice((*VALUES, *KEYS, "=", ".", ",", "[", "]", "{", "}", '"'))
        case 3:
            ts[i], ts[-1 - i] = ts[-1 - i], ts[i]
        case 4:
            return "".join(_with_value(line, r) if k == j else line for k, line in enumerate(lines))
        case 5:
            del lines[j]
            return "".join(lines)
        case 6:
            lines.insert(j, r.choice((r.choice(LINES), f"{r.choice(KEYS)} = {r.choice(VALUES)}\n")))
            return "".join(lines)
        case 7:
            other = (r.choice(others) if others else b"").decode("utf-8", "replace").splitlines(keepends=True)
            lines[j:j] = r.sample(other, min(2, len(other)))
            return "".join(lines)
        case _:
            return _extreme(text, r)
    return "".join(ts)


def _with_value(line: str, r: Random) -> str:
    key, equals, _ = line.partition("=")
    return f"{key}= {r.choice(VALUES)}\n" if equals else line


def _extreme(text: str, r: Random) -> str:
    """Something very deep or very long, in place of a value or behind the text."""
    n = r.choice((50, 2000, 20000))
    body = r.choice((
        "[" * n + "]" * n, "{a=" * n + "1" + "}" * n, '"' + "(" * n + "N" + ")" * n + '"', '"' + "N+" * n + 'N"', '"' + "N*" * min(n, 60) + 'N"', "9" * n,
        '"' + "-" * n + 'N"', '"[' + ", ".join(f"i{k}" for k in range(n // 20)) + '] -> [0]"', '"' + "x" * n + '"', "[" + "1," * n + "]",
        '"' + "min(" * (n // 4) + "N" + ",1)" * (n // 4) + '"', '"' + "N//2*" * (n // 50) + 'N"', '"' + "N%7+" * (n // 50) + 'N"',
    ))  # fmt: skip
    lines = text.splitlines(keepends=True)
    at = [k for k, line in enumerate(lines) if "=" in line]
    if at and r.random() < 0.8:
        k = r.choice(at)
        lines[k] = f"{lines[k].partition('=')[0]}= {body}\n"
        return "".join(lines)
    return f"{text}\n{r.choice(('a', 'a.' * (n // 10) + 'a'))} = {body}\n"
