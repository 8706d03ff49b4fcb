"""Random programs as CUDA text: phases that write and read arrays through affine maps, with barriers, loops, guards, exchanges.

Most are right: a program is a sequence of phases between barriers. Some barriers are left out or stand in a branch, some maps
collide, some guards and sizes are off by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.random_kernels.drawing import Draw, chance, pick
from tests.random_kernels.indices import Index, condition, constant, expression, permuted, plus, times, within

BLOCKS = ((4, 1), (8, 1), (16, 1), (4, 2), (32, 1), (6, 1), (3, 2), (5, 1), (8, 4), (40, 1), (64, 1), (2, 3), (16, 3))
GRIDS = ((1, 1), (2, 1), (3, 1), (2, 2))


@dataclass(frozen=True)
class Program:
    """buffers: name -> (elements of 4 bytes, what they hold before: input, undefined or zero). open: the least and the most value of
    the parameter n, where there is one."""

    text: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    buffers: dict[str, tuple[int, str]]
    type: str
    open: tuple[int, int] = (0, 0)


class Writer:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.block, self.grid = pick(draw, BLOCKS), pick(draw, GRIDS)
        self.threads, self.blocks = self.block[0] * self.block[1], self.grid[0] * self.grid[1]
        self.type = pick(draw, ("float", "unsigned", "float"))
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.shared = {f"s{k}": draw.integer(1, 3) * self.threads for k in range(draw.integer(1, 2))}
        self.x = pick(draw, (self.threads * self.blocks, 2 * self.threads * self.blocks, 37))
        self.kept = draw.integer(1, 3)  # elements of y that each thread writes
        self.y = self.threads * self.blocks * self.kept
        self.w = self.threads * self.blocks
        self.w_content = pick(draw, ("undefined", "zero", "input"))
        self.size = Index("n", 1, draw.integer(2, 6)) if chance(draw, 25) else None
        self.ints: list[Index] = []
        self.data: list[str] = []

    # ------------------------------------------------------------------------------------------------ text
    def say(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def program(self) -> Program:
        """Draws the whole."""
        bx, by = self.block
        gx, gy = self.grid
        self.say(f"int t = threadIdx.y * {bx} + threadIdx.x;" if by > 1 else "int t = threadIdx.x;")
        self.say(f"int b = blockIdx.y * {gx} + blockIdx.x;" if gy > 1 else "int b = blockIdx.x;")
        self.thread, self.place = Index("t", 0, self.threads - 1), Index("b", 0, self.blocks - 1)
        self.ints = [self.thread]
        if self.blocks > 1:
            self.ints.append(self.place)
        if by > 1:
            self.say("int tx = threadIdx.x, ty = threadIdx.y;")
            self.ints += [Index("tx", 0, bx - 1), Index("ty", 0, by - 1)]
        if self.size is not None:
            self.ints.append(self.size)
        for name, size in self.shared.items():
            self.say(f"__shared__ {self.type} {name}[{size}];")
        for _ in range(2):
            self.declare(self.value())
        if chance(self.draw, 8):
            self.say(f"if ({condition(self.draw, self.ints)}) return;")
        for _ in range(self.draw.integer(1, 4)):
            self.phase()
            self.barrier()
        self.finish()
        params = f"const {self.type}* x, {self.type}* y, {self.type}* w" + (", int n" if self.size is not None else "")
        text = f"__global__ void k({params}) {{\n" + "\n".join(self.lines) + "\n}\n"
        buffers = {"x": (self.x, "input"), "y": (self.y, "undefined"), "w": (self.w, self.w_content)}
        open = (0, 0) if self.size is None else (self.size.low, self.size.high)
        return Program(text, (gx, gy, 1), (bx, by, 1), buffers, self.type, open)

    # ------------------------------------------------------------------------------------------------ values
    def literal(self) -> str:
        return f"{self.draw.integer(0, 5)}.5f" if self.type == "float" else f"{self.draw.integer(0, 9)}u"

    def value(self, depth: int = 2) -> str:
        """An expression of the data type."""
        d = self.draw
        if depth == 0 or chance(d, 40):
            match pick(d, ("data", "x", "data", "literal", "index")):
                case "data" if self.data:
                    return pick(d, self.data)
                case "x" | "data":
                    return f"x[{within(d, expression(d, self.ints), self.x, 2).text}]"
                case "index":
                    return f"({self.type})({expression(d, self.ints).text})"
                case _:
                    return self.literal()
        a, b = self.value(depth - 1), self.value(depth - 1)
        floats = ("+", "*", "-", "fmaxf", "?", "fminf", "-")
        match pick(d, floats if self.type == "float" else ("+", "*", "-", "^", "?", "&", ">>")):
            case "fmaxf" | "fminf" as f:
                return f"{f}({a}, {b})"
            case "?":
                return f"({condition(d, self.ints)} ? {a} : {b})"
            case ">>":
                return f"({a} >> {d.integer(1, 5)})"
            case op:
                return f"({a} {op} {b})"

    def declare(self, value: str) -> str:
        name = self.name("v")
        self.say(f"{self.type} {name} = {value};")
        self.data.append(name)
        return name

    # ------------------------------------------------------------------------------------------------ phases
    def phase(self) -> None:
        match pick(
            self.draw, ("fill", "read", "exchange", "accumulate", "guarded", "local", "tree", "scratch", "fill", "wide")
        ):
            case "fill":
                self.fill()
            case "read":
                self.declare(self.read())
            case "exchange":
                self.exchange()
            case "accumulate":
                self.accumulate()
            case "guarded":
                self.guarded()
            case "local":
                self.local()
            case "tree":
                self.tree()
            case "scratch":
                self.scratch()
            case "wide":
                self.wide()
            case other:
                raise TypeError(other)

    def barrier(self) -> None:
        match self.draw.integer(0, 99):
            case n if n < 84:
                self.say("__syncthreads();")
            case n if n < 92:
                pass
            case n if n < 95:
                self.say("__syncwarp();")
            case n if n < 97 and self.threads > 2:
                self.say(f"if ({condition(self.draw, self.ints)}) __syncthreads();")
            case _:
                self.say(f"for (int q = 0; q < {self.draw.integer(1, 3)}; ++q) __syncthreads();")

    def fill(self) -> None:
        """Each cell of a shared array, by one thread: round by round, or each thread its own run."""
        d, (name, size) = self.draw, pick(self.draw, list(self.shared.items()))
        bound = size + (pick(d, (1, -1)) if chance(d, 5) else 0)
        i = self.name("i")
        if size == self.threads or chance(d, 25):
            self.say(f"{name}[{permuted(d, self.thread, self.threads).text}] = {self.value()};")
            return
        counter = Index(i, 0, size - 1)
        if chance(d, 60):
            self.say(f"for (int {i} = t; {i} < {bound}; {i} += {self.threads}) {{")
        else:
            each = size // self.threads
            self.say(f"for (int {i} = t * {each}; {i} < t * {each} + {each}; ++{i}) {{")
        self.inside([counter], lambda: self.say(f"{name}[{permuted(d, counter, size).text}] = {self.value()};"))
        self.say("}")

    def inside(self, counters: Sequence[Index], body: object) -> None:
        """Draws a body in which the counters are known."""
        assert callable(body)
        before, known = list(self.ints), list(self.data)
        self.ints += counters
        self.depth += 1
        body()
        self.depth -= 1
        self.ints, self.data = before, known

    def read(self) -> str:
        name, size = pick(self.draw, list(self.shared.items()))
        return f"{name}[{within(self.draw, expression(self.draw, self.ints), size, 2).text}]"

    def exchange(self) -> None:
        """Lanes hand a value on; with a wrong mask or width now and then."""
        d, v = self.draw, pick(self.draw, self.data)
        full = (1 << min(self.threads, 32)) - 1
        mask = "0xffffffffu" if self.threads % 32 == 0 or chance(d, 50) else f"{full:#x}u"
        width = pick(d, (32, 32, 16, 8, 4))
        name = self.name("v")
        count = str(pick(d, (1, 2, 4, 8, 16, 3)))
        mode = pick(d, ("xor", "down", "up", "idx"))
        ending = f", {width}" if width != 32 else ""
        if mode == "idx":
            mode, count = "", within(d, expression(d, self.ints, 1), 32, 0).text
            self.say(f"{self.type} {name} = __shfl_sync({mask}, {v}, {count}{ending});")
        elif chance(d, 10):
            self.some_lanes(name, v, mode, f"{count}{ending}")
        elif chance(d, 50):
            self.say(f"{self.type} {name} = __shfl_{mode}_sync({mask}, {v}, {count}{ending});")
        else:  # a butterfly
            o, top = self.name("o"), pick(d, (2, 4, 8, 16))
            self.say(f"{self.type} {name} = {v};")
            self.say(
                f"for (int {o} = {top}; {o} > 0; {o} >>= 1) {name} += __shfl_{mode}_sync({mask}, {name}, {o}{ending});"
            )
        self.data.append(name)

    def some_lanes(self, name: str, v: str, mode: str, rest: str) -> None:
        """An exchange that some lanes execute, whose mask names these or others."""
        d = self.draw
        half, mask = pick(d, (("t < 4", "0xfu"), ("(t & 1) == 0", "0x55555555u"), ("t % 32 < 16", "0xffffu")))
        mask = pick(d, (mask, mask, "0xffffffffu", "0xffu"))
        self.say(f"{self.type} {name} = {v};")
        self.say(
            f"if ({half if chance(d, 80) else condition(d, self.ints)}) {name} = __shfl_{mode}_sync({mask}, {v}, {rest});"
        )

    def accumulate(self) -> None:
        """A sum over rounds, maybe triangular, with steps, skipped rounds or an early end."""
        d, i, acc = self.draw, self.name("i"), self.declare(self.value(0))
        first = pick(d, (constant(0), constant(1), self.thread, constant(0)))
        count, step = d.integer(1, 5), pick(d, (1, 1, 2, 3))
        high = first.high + count
        way: str = pick(d, ("up", "down", "while", "until", "nested"))
        match way:
            case "up" | "nested":
                stop = first if chance(d, 70) else pick(d, [*self.ints, self.size or self.thread])
                self.say(f"for (int {i} = {first.text}; {i} < {plus(stop, constant(count)).text}; {i} += {step}) {{")
                high = max(stop.high + count, first.high)
            case "down":
                self.say(f"for (int {i} = {first.text} + {count}; {i} >= {first.text}; {i} -= {step}) {{")
            case "while":
                self.say(f"int {i} = {first.text};")
                self.say(f"while ({i} < {first.text} + {count}) {{")
            case _:
                self.say(f"int {i} = {first.text};")
                self.say("do {")
        counter = Index(i, 0, high)
        self.inside([counter], lambda: self.added(acc, counter, way, step))
        self.say(f"}} while ({i} < {first.text} + {count});" if way == "until" else "}")

    def added(self, acc: str, counter: Index, way: str, step: int) -> None:
        d = self.draw
        if way not in ("while", "until") and chance(d, 20):
            self.say(f"if ({condition(d, self.ints)}) {pick(d, ('continue', 'break'))};")
        if way == "nested":
            j = self.name("j")
            self.say(f"for (int {j} = {pick(d, ('0', counter.text))}; {j} < {counter.text} + {d.integer(1, 3)}; ++{j})")
            self.ints.append(Index(j, 0, counter.high + 3))
            self.depth += 1
        term = self.read() if chance(d, 60) else self.value(1)
        guard = f"if ({condition(d, self.ints)}) " if chance(d, 20) else ""
        match pick(d, ("sum", "sum", "max", "keep", "both")):
            case "max" if self.type == "float":
                self.say(f"{guard}{acc} = fmaxf({acc}, {term});")
            case "keep":
                self.say(f"{guard}{acc} = {term};")
            case "both" if self.type == "unsigned":
                self.say(f"{guard}{acc} = {acc} * 3u + {term};")
            case _:
                self.say(f"{guard}{acc} += {term};")
        if way == "nested":
            self.depth -= 1
        if way in ("while", "until"):
            self.say(f"{counter.text} += {step};")

    def guarded(self) -> None:
        """A branch on indices: other values on its sides, maybe a store."""
        d, v = self.draw, pick(self.draw, self.data)
        self.say(f"if ({condition(d, self.ints)}) {{")
        self.inside([], lambda: self.say(f"{v} = {self.value()};"))
        if chance(d, 40):
            name = pick(d, list(self.shared))
            self.inside([], lambda: self.say(f"{name}[{permuted(d, self.thread, self.threads).text}] = {v};"))
        if chance(d, 50):
            self.say("} else {")
            self.inside([], lambda: self.say(f"{v} = {self.value()};"))
        self.say("}")

    def local(self) -> None:
        """A thread's own array, written and read in loops."""
        d, name, i, n = self.draw, self.name("r"), self.name("i"), self.draw.integer(2, 4)
        self.say(f"{self.type} {name}[{n}];")
        self.say(f"for (int {i} = 0; {i} < {n}; ++{i})")
        counter = Index(i, 0, n - 1)
        self.inside([counter], lambda: self.say(f"{name}[{permuted(d, counter, n).text}] = {self.value()};"))
        acc, j = self.declare(self.literal()), self.name("j")
        self.say(f"for (int {j} = 0; {j} < {n}; ++{j}) {acc} += {name}[{permuted(d, Index(j, 0, n - 1), n).text}];")

    def tree(self) -> None:
        """A reduction through shared memory, in halves."""
        d, (name, _) = self.draw, pick(self.draw, list(self.shared.items()))
        self.say(f"{name}[t] = {pick(d, self.data)};")
        self.barrier()
        half, k = 1 << (self.threads.bit_length() - 1), self.name("k")
        if half == self.threads:
            half //= 2
        limit = "" if self.threads & (self.threads - 1) == 0 else f" && t + {k} < {self.threads}"
        self.say(f"for (int {k} = {half}; {k} > 0; {k} {pick(d, ('>>= 1', '/= 2'))}) {{")
        bound = k if not chance(d, 8) else f"{k} + 1"
        self.say(f"  if (t < {bound}{limit}) {name}[t] += {name}[t + {k}];")
        if not chance(d, 6):
            self.say("  __syncthreads();")
        self.say("}")
        self.declare(f"{name}[{pick(d, ('0', 't'))}]")

    def scratch(self) -> None:
        """A cell of global scratch memory for each thread, read back by itself or by others of its block."""
        d = self.draw
        own = plus(times(self.place, self.threads), permuted(d, self.thread, self.threads))
        self.say(f"w[{own.text}] = {self.value()};")
        if chance(d, 70):
            self.barrier()
        other = plus(times(self.place, self.threads), permuted(d, self.thread, self.threads))
        self.declare(f"w[{own.text if chance(d, 40) else other.text}]")

    def wide(self) -> None:
        """Two neighbouring elements in one access."""
        pair = "float2" if self.type == "float" else "uint2"
        q = self.name("q")
        at = within(self.draw, expression(self.draw, self.ints), self.x // 2, 0)
        cast = f"((const {pair}*)x)[{at.text}]" if chance(self.draw, 70) else f"*(const {pair}*)(x + {at.inside()} * 2)"
        self.say(f"{pair} {q} = {cast};")
        self.data += [f"{q}.x", f"{q}.y"]

    def finish(self) -> None:
        """Each thread its elements of y."""
        d = self.draw
        base = plus(times(self.place, self.threads), permuted(d, self.thread, self.threads))
        guard = f"if ({condition(d, self.ints)}) " if chance(d, 6) else ""
        if self.kept == 1:
            self.say(f"{guard}y[{base.text}] = {self.value()};")
            return
        i, total = self.name("i"), self.threads * self.blocks
        self.say(f"for (int {i} = 0; {i} < {self.kept}; ++{i})")
        if chance(d, 50):
            cell = plus(times(Index(i, 0, self.kept - 1), total), base)
        else:
            cell = plus(times(Index(f"({base.text})", base.low, base.high), self.kept), Index(i, 0, self.kept - 1))
        self.inside([Index(i, 0, self.kept - 1)], lambda: self.say(f"{guard}y[{cell.text}] = {self.value()};"))


def program(draw: Draw) -> Program:
    return Writer(draw).program()
