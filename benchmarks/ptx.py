"""Barriers, shuffles and votes of every kernel of the corpus, compared with the PTX of nvcc (S8). `make ptx`; exit 1 on a difference.

What nvcc sees is what `tv` has to read. Both sides are lists of source lines: a line holds a barrier of a scope, a shuffle or a
vote of a kind in the Kernel IR if and only if an instruction of that class in the PTX stems from it. Lines, not counts, because
nvcc unrolls and duplicates; a call that it inlines counts at the line inside the function, as in the Kernel IR.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tv import cuda_frontend
from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Barrier, Module, Shuffle, Stmt, Vote, walk
from tv.launch import CompileOptions
from tv.request import Overrides
from tv.spec import read_document, sidecar

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
JOBS = 2

Place = tuple[int, int, int]  # file, line, column
Event = tuple[int, str]  # line of the kernel's file, class
_FILE = re.compile(r'\s*\.file\s+(\d+)\s+"([^"]*)"')
_LOC = re.compile(r"\s*\.loc\s+(\d+) (\d+) (\d+)(?:, function_name [^,]+, inlined_at (\d+) (\d+) (\d+))?")
_INSTRUCTIONS = (
    (re.compile(r"(?:bar|barrier)(?:\.cta)?\.(?:sync|red|arrive)\b"), "block barrier"),
    (re.compile(r"bar\.warp\.sync\b"), "warp barrier"),
    (re.compile(r"shfl\.sync\.(idx|up|down|bfly)\b"), "shuffle {}"),
    (re.compile(r"vote\.sync\.(all|any|ballot|uni)\b"), "vote {}"),
    (re.compile(r"redux\.sync\.(add|min|max|and|or|xor)\b"), "vote {}"),
)
_OTHER = re.compile(r"(?:bar|barrier|shfl|vote|match|redux|activemask|elect)\.\w")
_MODES = {"idx": "idx", "up": "up", "down": "down", "xor": "bfly"}


@dataclass(frozen=True, slots=True)
class Difference:
    """What only one side holds."""

    only_tv: tuple[Event, ...]
    only_nvcc: tuple[Event, ...]

    def __str__(self) -> str:
        sides = (("only tv has", self.only_tv), ("only nvcc has", self.only_nvcc))
        return "; ".join(f"{who} {', '.join(f'a {what} at line {n}' for n, what in x)}" for who, x in sides if x)


# ------------------------------------------------------------------------------------------------ the side of nvcc
def ptx_events(ptx: str, kernel: Path) -> frozenset[Event]:
    """Where the PTX of `nvcc -lineinfo` synchronises. ValueError at an instruction of an unknown class, or of no line of the file."""
    files: dict[int, str] = {int(m[1]): m[2] for m in map(_FILE.match, ptx.splitlines()) if m}
    own = {n for n, name in files.items() if Path(name).resolve() == kernel.resolve()}
    inlined: dict[Place, Place] = {}
    at: Place | None = None
    found: set[Event] = set()
    for row in ptx.splitlines():
        m = _LOC.match(row)
        if m is not None:
            at = (int(m[1]), int(m[2]), int(m[3]))
            if m[4] is not None:
                inlined[at] = (int(m[4]), int(m[5]), int(m[6]))
            continue
        found.update((_line(at, own, inlined, row), what) for part in _instructions(row) if (what := _class(part)))
    return frozenset(found)


def _class(instruction: str) -> str:
    """The class of an instruction, "" where it does not synchronise. ValueError where its class is unknown."""
    for pattern, name in _INSTRUCTIONS:
        m = pattern.match(instruction)
        if m is not None:
            return name.format(*m.groups())
    if _OTHER.match(instruction):
        raise ValueError(f"an instruction of no known class: {instruction}")
    return ""


def _instructions(row: str) -> list[str]:
    """What stands in a row of PTX, without braces (those of inline assembly), labels and predicates."""
    parts = row.split("//")[0].split(";")
    return [re.sub(r"^[\s{}]*(?:[\w$]+:\s*)?(?:@!?%\w+\s+)?", "", part) for part in parts]


def _line(at: Place | None, own: set[int], inlined: dict[Place, Place], row: str) -> int:
    """The innermost line of the kernel's own file that an instruction stems from, through what was inlined there."""
    seen: set[Place] = set()
    while at is not None and at[0] not in own and at not in seen:
        seen.add(at)
        at = inlined.get(at)
    if at is None or at[0] not in own:
        raise ValueError(f"no line of the kernel's file: {row.strip()}")
    return at[1]


def compile_ptx(kernel: Path, options: CompileOptions, nvcc: str) -> str:
    """The PTX of a kernel file under the compile options of its spec. RuntimeError with nvcc's words where it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernel.ptx"
        flags = ["-ptx", "-lineinfo", f"-arch={options.arch}", f"-fmad={'true' if options.fmad else 'false'}", "-w"]
        flags += [f"-D{name}={value}" for name, value in options.defines]
        flags += [f"-I{place}" for place in options.include]
        run = subprocess.run([nvcc, *flags, "-o", str(out), str(kernel)], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"{shlex.join(run.args)}: {run.stderr.strip()}")
        return out.read_text()


# ------------------------------------------------------------------------------------------------ the side of tv
def ir_events(module: Module) -> frozenset[Event]:
    """Where the Kernel IR synchronises."""
    statements = [s for k in module.kernels.values() for s in walk(k.body)]
    return frozenset((s.span.line, name) for s in statements if (name := _name(s)))


def _name(s: Stmt) -> str:
    match s:
        case Barrier(scope="warp"):
            return "warp barrier"
        case Barrier():  # a grid barrier is made of block barriers
            return "block barrier"
        case Shuffle(mode=mode):
            return f"shuffle {_MODES[mode]}"
        case Vote(scope="warp", mode=mode):
            return f"vote {mode}"
        case Vote():  # one instruction with the barrier before it
            return ""
        case _:
            return ""


# ------------------------------------------------------------------------------------------------ both
def compare(kernel: Path, nvcc: str) -> Difference | None:
    """None where both agree. Raises what either side raises."""
    document = read_document(sidecar(str(kernel)))
    options = document.compile_options(Overrides())
    module = cuda_frontend.read(kernel, kernel.read_text(), options, wanted=document.wanted_kernels(Overrides()))
    ours, theirs = ir_events(module), ptx_events(compile_ptx(kernel, options, nvcc), kernel)
    return None if ours == theirs else Difference(tuple(sorted(ours - theirs)), tuple(sorted(theirs - ours)))


def _row(name: str, nvcc: str) -> tuple[bool, str]:
    """(agreed, line of the table) of a case. What `tv` refuses to read, it cannot misread."""
    try:
        difference = compare(CORPUS / name / "kernel.cu", nvcc)
    except (BadInput, Unsupported) as refused:
        return True, f"{'refused':<8}{name}: {refused}"
    except (RuntimeError, ValueError) as failed:
        return False, f"{'FAILED':<8}{name}: {failed}"
    return difference is None, f"{'ok':<8}{name}" if difference is None else f"{'DIFFERS':<8}{name}: {difference}"


def main(words: list[str]) -> int:
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        print("nvcc is not on this machine: nothing is compared")
        return 0
    names = sorted(p.parent.relative_to(CORPUS).as_posix() for p in CORPUS.rglob("kernel.cu"))
    names = [n for n in names if not words or any(w in n for w in words)]
    with ThreadPoolExecutor(JOBS) as pool:
        rows = list(pool.map(lambda n: _row(n, nvcc), names))
    wrong = [text for agreed, text in rows if not agreed]
    print("\n".join(text for _, text in rows))
    print(f"{len(rows)} kernels, {len(wrong)} not as nvcc reads them")
    return 0 if rows and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
