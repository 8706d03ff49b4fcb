"""Writes c_integer_rules.json: types and values that a C compiler gives integer expressions.

Run it where gcc targets LP64: `python tests/data/make_c_integer_rules.py`. The table is committed; tests only read it.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
from pathlib import Path

TYPES = ("signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int", "long", "unsigned long",
         "long long", "unsigned long long")  # fmt: skip
PAIRS = ((7, 3), (-7, 3), (7, -3), (-1, 1), (100, 27))
OPERATORS = ("+", "-", "*", "/", "%", "&", "|", "^")
LITERALS = ("0", "2147483647", "2147483648", "4294967295", "0x7fffffff", "0x80000000", "0xffffffff", "0x100000000", "017", "037777777777",
            "0b101", "10u", "10l", "10ul", "10ll", "10ull", "9223372036854775807", "0x8000000000000000", "0xffffffffffffffff")  # fmt: skip
SINGLES = (
    "-1 / 2", "-1 % 2", "1 / -2", "-7 >> 1", "-7 / 2", "0xffffffffu >> 28", "1 << 31 >> 31", "1u << 31", "1ll << 40", "~0", "~0u", "~0l",
    "-5u", "-(short)-32768", "~(unsigned char)0x0f", "(unsigned char)300", "(signed char)200", "(short)70000", "(unsigned short)-1",
    "(int)4294967295u", "(unsigned int)-1", "(long)-1", "(unsigned long)-1", "(unsigned long)(unsigned int)-1", "(int)3.9f", "(int)-3.9f",
    "(unsigned char)255 + (unsigned char)1", "(short)-1 * (unsigned short)65535 / 65535", "-1 + 1u", "-1 + 1ul", "-1l + 1u",
    "(unsigned int)-1 + 1l", "1 ? -1 : 1u", "1 ? (short)-1 : (char)1", "0 ? 1l : 2", "(char)65 + (char)1", "sizeof(int) * -1",
    "(long)(int)(2147483647u + 1u)", "3 - 5u", "(3 - 5u) / 2", "(3 - 5) / 2", "10 % 3u", "-10 % 3u", "-10l % 3u", "(unsigned char)~0 >> 4",
    "(signed char)-128 >> 3", "((unsigned short)65535 + 1) * 2", "+(unsigned short)7", "-(-2147483647 - 1l)",
)  # fmt: skip


def expressions() -> list[str]:
    found = list(LITERALS) + list(SINGLES)
    for (a, b), (x, y), op in itertools.product(itertools.product(TYPES, TYPES), PAIRS, OPERATORS):
        if (a, b) > (b, a) and op in "+*&|^":
            continue
        if op == "*" and "signed" not in f"{a}{b}" and abs(x * y) > 2**31:
            continue
        found.append(f"(({a}){x}) {op} (({b}){y})")
    for a, n in itertools.product(TYPES, (1, 5)):
        found += [f"(({a})9) << {n}", f"(({a})-9) >> {n}", f"(({a})9) >> {n}ull"]
    for a, b in itertools.product(TYPES, TYPES):
        found += [f"({a})(({b})-3)", f"(int)((({a})-1) < (({b})1))"]
    return found


PROGRAM = """#include <stdio.h>
#define NAME(e) _Generic((e), signed char: "i8", char: "i8", unsigned char: "u8", short: "i16", unsigned short: "u16", int: "i32", \\
  unsigned int: "u32", long: "i64", unsigned long: "u64", long long: "i64", unsigned long long: "u64")
#define SHOW(e) printf("%s %lld\\n", NAME(e), (long long)(e))
int main(void) {{ {body} return 0; }}
"""


def main() -> None:
    rows = expressions()
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "rules.c", Path(folder) / "rules"
        source.write_text(PROGRAM.format(body="\n".join(f"SHOW({e});" for e in rows)))
        subprocess.run(["gcc", "-std=gnu11", "-O0", "-w", "-o", str(program), str(source)], check=True)
        lines = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.split("\n")
    table = []
    for e, line in zip(rows, lines, strict=False):
        kind, value = line.split()
        number = int(value) % 2**64 if kind == "u64" else int(value)
        table.append([e, kind, number])
    path = Path(__file__).with_name("c_integer_rules.json")
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in table) + "\n]\n")


if __name__ == "__main__":
    main()
