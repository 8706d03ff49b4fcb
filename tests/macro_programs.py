"""Random programs of macros, each with the tokens that a C++ compiler's preprocessor makes of it.

`python tests/macro_programs.py` writes them anew to `tests/data/macro_programs.json`, by `g++ -E`; with a number, that many more are
compared and none is written.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

STORED = Path(__file__).resolve().parent / "data" / "macro_programs.json"
NAMES = "ABCDE"
_PLAIN = ("1", "x", "+", "(x)", "(1, 2)", "e", "", '"s"', "- -", "()", "1")
_LOOSE = ("(", ")", ",")
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\.?\d(?:[eEpP][+-]|[\w.])*|\w+|\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|[<>=!+\-*/%&|^]=|&&|\|\||::|##|\S'
)


def tokens(text: str) -> list[str]:
    """The tokens of preprocessed text, blanks in literals left out."""
    found = _TOKEN.findall(re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))
    return ["".join(t.split()) for t in found]


def program(seed: int) -> str:
    """A few macros, some defined anew, and lines that use them."""
    return _Program(random.Random(seed)).text()


class _Program:
    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.arity = {name: r.choice((-1, 0, 1, 1, 2)) for name in NAMES}  # -1: no parentheses

    def text(self) -> str:
        lines = [self.definition(name) for name in self.r.sample(NAMES, 4)]
        for _ in range(self.r.randint(2, 4)):
            lines.append(f"{self.some([], 4, around=True)} ;")
            if self.r.random() < 0.4:
                name = self.r.choice(NAMES)
                self.arity[name] = self.r.choice((-1, 1, 2))
                lines += [f"#undef {name}", self.definition(name)]
        return "\n".join(lines) + "\n"

    def definition(self, name: str) -> str:
        n = self.arity[name]
        if n < 0:
            return f"#define {name} {self.some([], 3)}"
        named, rest = list("pq"[:n]), self.r.random() < 0.2
        parameters = [*named, "__VA_ARGS__"] if rest else named
        body: list[str] = []
        for _ in range(self.r.randint(1, 4)):
            body.append(self.one(parameters))
            if self.r.random() < 0.2 and parameters:
                body.append(f"#{self.r.choice(parameters)}" if self.r.random() < 0.6 else "## x ## 1")
        if rest and n and self.r.random() < 0.4:
            body += [", ## __VA_ARGS__"]
        return f"#define {name}({', '.join([*named, *(['...'] if rest else [])])}) {self.joined(body)}"

    def joined(self, words: list[str]) -> str:
        return "".join(self.r.choice((" ", " ", "")) + w for w in words).strip()

    def some(self, parameters: list[str], most: int, around: bool = False, depth: int = 0) -> str:
        return self.joined([self.one(parameters, around, depth) for _ in range(self.r.randint(1, most))])

    def one(self, parameters: list[str], around: bool = False, depth: int = 0) -> str:
        choice = self.r.random()
        if parameters and choice < 0.4:
            return self.r.choice(parameters)
        if choice > 0.75:
            return self.r.choice(_LOOSE if choice > 0.98 else _PLAIN)
        name = self.r.choice(NAMES)
        if depth > 2 or self.r.random() < 0.35:
            return name
        count = max(self.arity[name], 1) + (self.r.random() < 0.05)
        gap = self.r.choice(("", " ", "\n")) if around else self.r.choice(("", " "))
        arguments = [self.some(parameters, 2, around, depth + 1) for _ in range(count)]
        return f"{name}{gap}({', '.join(arguments)})"


def by_compiler(text: str) -> list[str] | None:
    """What g++ makes of a program; None where it refuses it."""
    command = ["g++", "-std=c++17", "-x", "c++", "-E", "-P", "-w", "-"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return None if ran.returncode else tokens(ran.stdout)


def main() -> None:
    from tv.cuda_frontend.preprocess import preprocess
    from tv.diagnostic import TvError
    from tv.launch import CompileOptions

    more = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    kept: list[tuple[str, list[str]]] = []
    seed, same, refused = 0, 0, 0
    while len(kept) < 300 if not more else seed < more:
        seed += 1
        text = program(seed + (1_000_000 if more else 0))
        expected = by_compiler(text)
        if expected is None:
            continue
        kept.append((text, expected))
        if more:
            try:
                found = tokens(preprocess(Path("k.cu"), text, CompileOptions()).text)
            except TvError as error:
                refused += 1
                sys.stdout.write(f"{error}\n")
                continue
            same += found == expected
            if found != expected:
                sys.stdout.write(f"{text}\n{' '.join(found)}\n{' '.join(expected)}\n\n")
    sys.stdout.write(f"{len(kept)} programs, {same} the same, {refused} refused\n")
    if not more:
        rows = (json.dumps([text, " ".join(words)]) for text, words in kept)
        STORED.write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()
