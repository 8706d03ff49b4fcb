"""Kernels that compute a random graph in a random way: which thread takes which element, in what order, through which memory.

With `faulty`, one place may be written wrong: a guard, a stride, an index, a barrier, an operation, a lane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tests.random_kernels.drawing import Draw, chance, pick
from tests.random_kernels.graphs import Drawn, Sum, unravelled
from tests.random_kernels.indices import Index, permuted

Emit = Callable[[Index], None]


@dataclass(frozen=True)
class Printed:
    """fault: what was written wrong, "" where nothing was. way: how the elements are dealt out."""

    text: str
    grid: str  # as the specification has it, over N where that is open
    parts: int  # of y's elements, to each block; 0 where the grid is a number
    block: int
    fault: str
    way: str

    def blocks(self, count: int) -> int:
        """The grid where y has `count` elements."""
        return int(self.grid) if self.parts == 0 else -(-count // self.parts)


class Printer:
    def __init__(self, draw: Draw, graph: Drawn, faulty: bool) -> None:
        self.draw, self.graph, self.faulty = draw, graph, faulty
        self.fault = ""
        self.lines: list[str] = []
        self.depth = 1
        self.block, self.grid = 32, "1"
        self.names = self.parts = 0
        self.count, self.open = int(np.prod(graph.y.shape)), bool(graph.open)
        self.many = graph.count
        self.staged: dict[str, str] = {}

    def wrong(self, good: str, *bad: str) -> str:
        """`good`, or in a faulty kernel, at one place, something else."""
        if self.faulty and not self.fault and chance(self.draw, 30):
            found = pick(self.draw, bad)
            if found != good:
                self.fault = f"`{found}` for `{good}`"
            return found
        return good

    def say(self, text: str) -> None:
        if text:
            self.lines.append("  " * self.depth + text)

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def nest(self, head: str, body: Callable[[], None]) -> None:
        self.say(head + " {")
        self.depth += 1
        body()
        self.depth -= 1
        self.say("}")

    def printed(self) -> Printed:
        folded = self.graph.folded
        way = self.elements() if folded is None else self.reduction(folded)
        names = self.graph.inputs.items()
        last = [f"{self.graph.y.type}* y", *(["int n"] if self.open else [])]
        params = ", ".join([*(f"const {k}* {n}" for n, (_, k) in names), *last])
        head = "#include <cuda_fp16.h>\n" if "__half" in params else ""
        head += "#include <cuda_bf16.h>\n" if "bfloat" in params else ""
        text = f"{head}__global__ void k({params}) {{\n" + "\n".join(self.lines) + "\n}\n"
        return Printed(text, self.grid, self.parts, self.block, self.fault, way)

    # ------------------------------------------------------------------------------------------------ who takes what
    def ceil(self, parts: int) -> str:
        """Blocks, each of `parts` elements of y."""
        self.parts = parts
        return f"ceildiv({self.many.replace('n', 'N')}, {parts})"

    def dealt(self, emit: Emit) -> str:
        """Each element of y to one thread; emit is called with C text of its number."""
        d, e = self.draw, self.name("e")
        self.block = pick(d, (32, 8, 64, 16, 40))
        way = pick(d, ("flat", "stride", "run", "return", "flat"))
        here = Index(e, 0, self.count - 1)
        own = self.wrong(f"blockIdx.x * {self.block} + threadIdx.x", f"blockIdx.x * {self.block - 1} + threadIdx.x")
        bound = self.wrong(self.many, f"{self.many} - 1", f"{self.many} + 1")
        match way:
            case "flat":
                self.grid = self.ceil(self.block)
                self.say(f"int {e} = {own};")
                self.nest(f"if ({e} < {bound})", lambda: emit(self.mixed(here)))
            case "return":
                self.grid = self.ceil(self.block)
                self.say(f"int {e} = {own};")
                self.say(f"if ({e} >= {bound}) return;")
                emit(self.mixed(here))
            case "stride":
                blocks = pick(d, (1, 2, 3))
                self.grid, all = str(blocks), blocks * self.block
                step = self.wrong(str(all), str(all + 1), str(self.block * 2))
                head = f"for (int {e} = {own}; {e} < {bound}; {e} += {step})"
                self.nest(head, lambda: emit(self.mixed(here)))
            case _:
                each, j = pick(d, (2, 3, 4)), self.name("j")
                self.grid = self.ceil(self.block * each)
                times = self.wrong(str(each), str(each - 1))

                def run() -> None:
                    self.say(f"int {e} = ({own}) * {each} + {j};")
                    self.nest(f"if ({e} < {bound})", lambda: emit(self.mixed(here)))

                self.nest(f"for (int {j} = 0; {j} < {times}; ++{j})", run)
        return way

    def mixed(self, e: Index) -> Index:
        """The number itself, or another one-to-one."""
        count = self.count
        if not chance(self.draw, 40):
            return e
        if self.open:
            name = self.name("e")
            self.say(f"int {name} = {self.many} - 1 - {e.text};")
            return Index(name, 0, count - 1)
        other = permuted(self.draw, e, count)
        if other.text == e.text or "&" in other.text or (other.low, other.high) != (0, count - 1):
            return e
        safe = [f"{count - 1} - {e.text}", f"{e.text}"]
        if "%" in other.text and count > 1:
            safe.append(f"({e.text} + {self.draw.integer(1, count - 1)}) % {count}")
        name = self.name("e")
        self.say(f"int {name} = {pick(self.draw, safe)};")
        return Index(name, 0, count - 1)

    # ------------------------------------------------------------------------------------------------ one element each
    def elements(self) -> str:
        y = self.graph.y

        def element(e: Index) -> str:
            return self.from_shared(y.at(unravelled(e, y.shape)))

        match pick(self.draw, ("plain", "plain", "staged", "turned")):
            case "turned":
                return self.turned(element)
            case "staged" if self.stage():
                return "staged " + self.dealt(lambda e: self.say(f"y[{e.text}] = {element(e)};"))
            case _:
                return self.dealt(lambda e: self.say(f"y[{self.cell(e)}] = {element(e)};"))

    def cell(self, e: Index) -> str:
        return self.wrong(e.text, f"{e.text} + 1", f"({e.text} ^ 1)", f"{self.many} - 1 - {e.text}")

    def stage(self) -> bool:
        """An input as it is, in the shared memory of every block."""
        fixed = [(n, s) for n, (s, _) in self.graph.inputs.items() if n not in self.graph.open]
        names = [n for n, s in fixed if int(np.prod(s)) <= 200]
        if not names:
            return False
        name, i = pick(self.draw, names), self.name("i")
        shape, type = self.graph.inputs[name]
        size = int(np.prod(shape))
        self.say(f"__shared__ {type} s[{size}];")
        bound = self.wrong(str(size), str(size - 1), str(size + 1))
        start = self.wrong("threadIdx.x", "threadIdx.x + 1")
        head = f"for (int {i} = {start}; {i} < {bound}; {i} += blockDim.x)"
        self.nest(head, lambda: self.say(f"s[{i}] = {name}[{i}];"))
        self.say(self.wrong("__syncthreads();", "", "__syncwarp();"))
        self.staged[name] = "s"
        return True

    def from_shared(self, text: str) -> str:
        for name, shared in self.staged.items():
            text = text.replace(f"{name}[", f"{shared}[")
        return text

    def turned(self, element: Callable[[Index], str]) -> str:
        """Each thread computes an element and stores another one of its block's."""
        self.block = pick(self.draw, (32, 8, 16, 64))
        self.grid = self.ceil(self.block)
        n, y = self.block, self.graph.y.type
        self.say(f"__shared__ {y} tile[{n}];")
        self.say(f"int t = threadIdx.x, base = blockIdx.x * {n};")
        low = Index("(base + t)", 0, self.count - 1)
        self.nest(f"if (base + t < {self.many})", lambda: self.say(f"tile[t] = {element(low)};"))
        self.say(self.wrong("__syncthreads();", "", "__syncwarp();"))
        other = pick(self.draw, (f"{n - 1} - t", f"(t ^ {pick(self.draw, (1, 3, 7, 4))})", f"(t + {n // 2}) % {n}"))
        self.say(f"int u = {self.wrong(other, f'{n} - t', 't + 1')};")
        bound = self.wrong(self.many, f"{self.many} + 1")
        source = self.wrong("u", "t")
        self.nest(f"if (base + u < {bound})", lambda: self.say(f"y[base + u] = tile[{source}];"))
        return "turned"

    # ------------------------------------------------------------------------------------------------ reductions
    def reduction(self, s: Sum) -> str:
        way = pick(self.draw, ("thread", "warp", "block", "thread"))
        self.length = s.terms.shape[-1]
        if s.spread:
            return self.by_row(s)
        staged = ""
        if way == "thread" and chance(self.draw, 25) and self.stage():
            staged = "staged "
        match way:
            case "thread":
                return staged + "thread " + self.dealt(lambda o: self.store(s, o, self.serial(s, o)))
            case "warp":
                self.by_warp(s)
            case _:
                self.by_block(s)
        return way

    def start(self, s: Sum) -> str:
        if s.op == "sum":
            return self.wrong("0.0f", "1.0f")
        return "-INFINITY" if s.op == "max" else "INFINITY"

    def joined(self, s: Sum, acc: str, value: str) -> str:
        match s.op:
            case "sum":
                return f"{acc} {self.wrong('+=', '-=', '=')} {value};"
            case op:
                other = "fminf" if op == "max" else "fmaxf"
                return f"{acc} = {self.wrong(f'f{op}f', other)}({acc}, {value});"

    def term(self, s: Sum, o: Index, k: str) -> str:
        coordinates = [*unravelled(o, s.terms.shape[:-1]), Index(k, 0, self.length - 1)]
        return self.from_shared(s.terms.at(coordinates))

    def store(self, s: Sum, o: Index, acc: str) -> None:
        done = self.from_shared(s.then(acc, unravelled(o, self.graph.y.shape)))
        self.say(f"y[{self.cell(o)}] = {done};")

    def serial(self, s: Sum, o: Index) -> str:
        """One thread adds all terms, in some order."""
        n, acc, k = self.length, self.name("acc"), self.name("k")
        way: str = pick(self.draw, ("up", "down", "first", "two", "halves"))
        last = str(n) if way in ("down", "halves") else self.wrong(str(n), str(n - 1))
        match way:
            case "down":
                self.say(f"float {acc} = {self.start(s)};")
                head = f"for (int {k} = {n} - 1; {k} >= {self.wrong('0', '1')}; --{k})"
                self.nest(head, partial(self.step, s, o, acc, k))
            case "first":
                self.say(f"float {acc} = {self.term(s, o, '0')};")
                head = f"for (int {k} = {self.wrong('1', '0', '2')}; {k} < {last}; ++{k})"
                self.nest(head, partial(self.step, s, o, acc, k))
            case "two":
                other = self.name("acc")
                for a in (acc, other):
                    self.say(f"float {a} = {self.start(s)};")
                    head = f"for (int {k} = {0 if a == acc else self.wrong('1', '0', '2')}; {k} < {last}; {k} += 2)"
                    self.nest(head, partial(self.step, s, o, a, k))
                self.say(self.joined(s, acc, other))
            case "halves":
                self.say(f"float {acc} = {self.start(s)};")
                half = max(1, n // 2)
                for low, high in ((0, half), (half, n)):
                    head = f"for (int {k} = {low}; {k} < {high}; ++{k})"
                    self.nest(head, partial(self.step, s, o, acc, k))
            case _:
                self.say(f"float {acc} = {self.start(s)};")
                head = f"for (int {k} = 0; {k} < {last}; ++{k})"
                self.nest(head, partial(self.step, s, o, acc, k))
        return acc

    def step(self, s: Sum, o: Index, acc: str, k: str) -> None:
        """Term k of a sum joins what there is of it."""
        self.say(self.joined(s, acc, self.term(s, o, k)))

    def butterfly(self, s: Sum, acc: str) -> None:
        mode, o = pick(self.draw, ("xor", "down")), self.name("o")
        top = self.wrong("16", "8")
        down = pick(self.draw, (f"{o} >>= 1", f"{o} /= 2"))
        lane = self.wrong(f"__shfl_{mode}_sync(0xffffffffu, {acc}, {o})", f"__shfl_up_sync(0xffffffffu, {acc}, {o})")
        head = f"for (int {o} = {top}; {o} > {self.wrong('0', '1')}; {down})"
        self.nest(head, lambda: self.say(self.joined(s, acc, lane)))

    def by_warp(self, s: Sum) -> None:
        """A warp for each result."""
        warps = pick(self.draw, (1, 2, 4))
        self.block, self.grid = 32 * warps, self.ceil(warps)
        self.say("int lane = threadIdx.x % 32;")
        o = Index("row", 0, self.count - 1)
        self.say(f"int row = blockIdx.x * {warps} + threadIdx.x / 32;")
        self.say(f"if (row >= {self.many}) return;")
        self.say(f"float acc = {self.start(s)};")
        head = f"for (int k = {self.wrong('lane', 'lane + 1')}; k < {self.length}; k += {self.wrong('32', '31', '33')})"
        self.nest(head, lambda: self.say(self.joined(s, "acc", self.term(s, o, "k"))))
        self.butterfly(s, "acc")
        self.nest(f"if (lane == {self.wrong('0', '31')})", lambda: self.store(s, o, "acc"))

    def by_block(self, s: Sum) -> None:
        """A block for each result: partial sums in shared memory, then a tree or one thread."""
        self.block, self.grid = pick(self.draw, (8, 16, 32, 64)), self.ceil(1)
        n = self.block
        self.say("int t = threadIdx.x, row = blockIdx.x;")
        o = Index("row", 0, self.count - 1)
        self.partial_sums(s, o)
        way: str = pick(self.draw, ("tree", "one", "warps" if n == 64 else "tree"))
        match way:
            case "one":
                self.nest("if (t == 0)", lambda: self.by_one(s, o))
            case "warps":
                self.nest("if (t < 32)", lambda: self.by_first_warp(s, o))
            case _:
                self.by_tree(s, o)

    def partial_sums(self, s: Sum, o: Index) -> None:
        """Each thread its share of a row, which goes to shared memory."""
        n = self.block
        self.say(f"__shared__ float part[{n}];")
        self.say(f"float acc = {self.start(s)};")
        head = f"for (int k = t; k < {self.length}; k += {self.wrong(str(n), str(n + 1), str(n // 2))})"
        self.nest(head, lambda: self.say(self.joined(s, "acc", self.term(s, o, "k"))))
        self.say("part[t] = acc;")
        self.say(self.wrong("__syncthreads();", ""))

    def halves(self, s: Sum) -> None:
        n = self.block

        def round() -> None:
            self.nest("if (t < h)", lambda: self.say(self.joined(s, "part[t]", f"part[t + {self.wrong('h', '1')}]")))
            self.say(self.wrong("__syncthreads();", "", "__syncwarp();"))

        self.nest(f"for (int h = {self.wrong(str(n // 2), str(n // 4))}; h > 0; h /= 2)", round)

    def by_tree(self, s: Sum, o: Index) -> None:
        self.halves(s)
        self.nest(f"if (t == {self.wrong('0', '1')})", lambda: self.store(s, o, "part[0]"))

    def by_row(self, s: Sum) -> str:
        """A block for each row: its reduction, which all threads use then."""
        n, rows, length = pick(self.draw, (8, 32, 16, 64)), s.terms.shape[0], self.length
        self.block, self.grid = n, "N" if self.open else str(rows)
        self.parts = length if self.open else 0
        self.say("int t = threadIdx.x, row = blockIdx.x;")
        o = Index("row", 0, rows - 1)
        way = pick(self.draw, ("tree", "alone", "one"))
        if way == "alone":
            total = self.serial(s, o)
        else:
            self.partial_sums(s, o)
            total = "part[0]"
            self.halves(s) if way == "tree" else self.into_first(s)
        k = self.name("k")
        last, step = self.wrong(str(length), str(length - 1), f"{length} + 1"), self.wrong(str(n), str(n + 1))
        cell = self.wrong(f"row * {length} + {k}", f"row * {length + 1} + {k}")
        done = s.then(total, [o, Index(k, 0, length - 1)])
        self.nest(f"for (int {k} = t; {k} < {last}; {k} += {step})", lambda: self.say(f"y[{cell}] = {done};"))
        return f"row {way}"

    def into_first(self, s: Sum) -> None:
        """One thread leaves the result in the first cell."""

        def add() -> None:
            head = f"for (int q = {self.wrong('1', '0')}; q < {self.wrong(str(self.block), str(self.block - 1))}; ++q)"
            self.nest(head, lambda: self.say(self.joined(s, "part[0]", "part[q]")))

        self.nest("if (t == 0)", add)
        self.say(self.wrong("__syncthreads();", ""))

    def by_one(self, s: Sum, o: Index) -> None:
        self.say("float total = part[0];")
        head = f"for (int q = {self.wrong('1', '0')}; q < {self.wrong(str(self.block), str(self.block - 1))}; ++q)"
        self.nest(head, lambda: self.say(self.joined(s, "total", "part[q]")))
        self.store(s, o, "total")

    def by_first_warp(self, s: Sum, o: Index) -> None:
        self.say("float total = part[t];")
        self.say(self.joined(s, "total", f"part[t + {self.wrong('32', '16')}]"))
        self.butterfly(s, "total")
        self.nest("if (t == 0)", lambda: self.store(s, o, "total"))


def kernel(draw: Draw, graph: Drawn, faulty: bool) -> Printed:
    return Printer(draw, graph, faulty).printed()
