"""One order for each sum of the graph: pairs said to agree bit for bit do, on random small systems; and kernels that may not pass."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, save

from tv.check import check
from tv.equiv.problem import Problem
from tv.equiv.rules import Rules
from tv.equiv.summands import COMMUTATIVE
from tv.equiv.uniform import Uniformity
from tv.request import CheckRequest
from tv.sets import Affine, Map, Set, Sets
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import Formula, all_of, eq, ge, lt, negate, within
from tv.system import Scope, System, Unit
from tv.term import Term, Terms, op_head
from tv.verdict import CheckResult, Verdict

SIZE = 4
I, J, K = Affine.dim("i"), Affine.dim("j"), Affine.dim("k")
BOX = all_of(within(I, SIZE), within(J, SIZE))
POINTS = list(product(range(SIZE), repeat=2))
Point = tuple[int, ...]
Tree = tuple[object, ...]


class World:
    """Two units P and Q over [i, j], whose values are made from a recipe; U is an earlier unit that both may refer to."""

    def __init__(self) -> None:
        self.sets, self.terms = Sets(), Terms()
        self.system = System(self.sets, self.terms)
        self.sets.declare("A", 1)
        self.sets.declare("B", 1)
        self.count = 0
        self.maps: dict[int, list[tuple[Point, Point]]] = {}

    def unit(self, name: str, recipe: Recipe) -> Unit:
        scope = self.system.scope(Scope(name, ("i", "j"), BOX, name))
        u = Unit(name, scope, self.system.scope_sets[name], 32, recipe.build(self, scope), len(self.system.units))
        self.system.units[name] = u
        return u

    def problem(self) -> Problem:
        return Problem(self.sets, self.terms, self.system, self.system, {}, [])

    # -------------------------------------------------------------- values as trees
    def images(self, m: Map, at: Point) -> list[Point]:
        if id(m) not in self.maps:
            self.maps[id(m)] = [(p[: len(at)], p[len(at) :]) for p in self.sets.points(self.sets.wrap(m))]
        return sorted(there for here, there in self.maps[id(m)] if here == at)

    def inside(self, s: Set, at: Point) -> bool:
        return at in self.sets.points(s)

    def tree(self, t: Term, at: Point) -> Tree:
        """The value as an expression: two are the same bits for all inputs where the trees are one, operands sorted where
        an operation is commutative."""
        match t.kind:
            case "const":
                return ("const", t.bits)
            case "hole":
                return ("hole",)
            case "input":
                return ("input", t.name, self.images(t.embedding(), at)[0])
            case "ref":
                return self.tree(self.system.units[t.name].value, self.images(t.embedding(), at)[0])
            case "case":
                (arm,) = [a for s, a in zip(t.sets, t.args, strict=True) if self.inside(s, at)]
                return self.tree(arm, at)
            case "op":
                args = [self.tree(a, at) for a in t.args]
                return (t.name, *(sorted(args, key=repr) if op_head(t) in COMMUTATIVE else args))
            case "reduce":
                total = self.tree(t.args[1], at)
                for there in self.images(t.embedding(), at):
                    total = substituted(self.tree(t.args[0], there), total)
                return total
            case _:
                raise AssertionError(t.kind)


def substituted(step: Tree, hole: Tree) -> Tree:
    if step == ("hole",):
        return hole
    args = [substituted(a, hole) if isinstance(a, tuple) else a for a in step[1:]]
    if str(step[0]).split(".")[0] in COMMUTATIVE:
        args.sort(key=repr)
    return (step[0], *args)


class Recipe:
    """How a term is made in a world; the same recipe twice gives equal terms over different scopes."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, vars(self).values()))})"

    def build(self, w: World, s: Scope) -> Term:
        raise NotImplementedError


class Input(Recipe):
    def __init__(self, name: str, index: Affine) -> None:
        self.name, self.index = name, index

    def build(self, w: World, s: Scope) -> Term:
        return w.terms.input(self.name, w.sets.map(s.name, s.dims, s.domain, self.name, [self.index]), 32)


class Const(Recipe):
    def __init__(self, bits: int) -> None:
        self.bits = bits

    def build(self, w: World, s: Scope) -> Term:
        return w.terms.const(self.bits, 32)


class Ref(Recipe):
    """U at an instance."""

    def __init__(self, first: Affine, second: Affine) -> None:
        self.index = (mod(first, SIZE), mod(second, SIZE))

    def build(self, w: World, s: Scope) -> Term:
        if "U" not in w.system.units:
            return w.terms.const(0, 32)
        return w.terms.ref("U", w.sets.map(s.name, s.dims, s.domain, "U", list(self.index)), 32)


class Op(Recipe):
    def __init__(self, name: str, a: Recipe, b: Recipe) -> None:
        self.name, self.a, self.b = name, a, b

    def build(self, w: World, s: Scope) -> Term:
        return w.terms.op(self.name, self.a.build(w, s), self.b.build(w, s))


class Case(Recipe):
    def __init__(self, cond: Formula, a: Recipe, b: Recipe) -> None:
        self.cond, self.a, self.b = cond, a, b

    def build(self, w: World, s: Scope) -> Term:
        arms = [(c, r.build(w, s.where(c))) for c, r in ((self.cond, self.a), (negate(self.cond), self.b))]
        return w.system.case(s, arms)


class Sum(Recipe):
    """init + sum over k < count of the summand, k being its third dimension."""

    def __init__(self, count: Affine, summand: Recipe, init: Recipe) -> None:
        self.count, self.summand, self.init = count, summand, init

    def build(self, w: World, s: Scope) -> Term:
        if "k" in s.dims:
            return self.summand.build(w, s)
        w.count += 1
        child = w.system.scope(s.extend(f"{s.name}_r{w.count}", ["k"], all_of(ge(K), lt(K, self.count))))
        step = w.terms.op("fadd.f32", w.terms.hole(32), self.summand.build(w, child))
        return w.system.reduce(s, child, "fadd.f32", step, self.init.build(w, s))


SMALL = st.integers(-1, 2)
INDEX = st.one_of(
    st.builds(lambda a, b, c: I * a + J * b + c, SMALL, SMALL, SMALL),
    st.builds(lambda a, b, k: floordiv(I * a + J * b, k), SMALL, SMALL, st.integers(2, 3)),
)
CONDITIONS = st.one_of(
    st.builds(lambda a, b, c: ge(I * a + J * b + c), SMALL, SMALL, st.integers(-2, 2)),
    st.builds(lambda c: eq(I, c), st.integers(0, SIZE - 1)),
    st.builds(lambda c: eq(mod(J, 2), c), st.integers(0, 1)),
)
LEAVES = st.one_of(
    st.builds(Input, st.sampled_from(["A", "B"]), INDEX),
    st.builds(Const, st.sampled_from([0, 0x3F800000])),
    st.builds(Ref, INDEX, INDEX),
)
ROUNDS = st.builds(lambda a, c: J * a + c, st.integers(-1, 1), st.integers(1, 4))


def grown(inner: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
    summand = st.builds(
        lambda name, i, c: Input(name, i + K * c), st.sampled_from(["A", "B"]), INDEX, st.integers(-1, 1)
    )
    return st.one_of(
        st.builds(Op, st.sampled_from(["fadd.f32", "fsub.f32", "fmax.f32"]), inner, inner),
        st.builds(Case, CONDITIONS, inner, inner),
        st.builds(Sum, ROUNDS, summand, inner),
    )


RECIPES: st.SearchStrategy[Recipe] = st.recursive(LEAVES, grown, max_leaves=4)
WANTED = st.builds(
    lambda a, b, c, d: (a, b, c, d),
    st.sampled_from(["all", "same i", "same point", "swapped", "shifted"]),
    st.integers(0, 2),
    st.integers(0, 3),
    st.booleans(),
)


def wanted(w: World, kind: tuple[str, int, int, bool], left: str, right: str) -> Map:
    p, q = Affine.dim("p"), Affine.dim("q")
    conds = {
        "all": [],
        "same i": [eq(I, p)],
        "same point": [eq(I, p), eq(J, q)],
        "swapped": [eq(I, q), eq(J, p)],
        "shifted": [eq(I + kind[1], p), ge(J, kind[2])],
    }[kind[0]]
    box = all_of(BOX, within(p, SIZE), within(q, SIZE))
    m = w.sets.relation(left, ("i", "j"), right, ("p", "q"), all_of(box, *conds))
    if kind[3]:  # in several pieces
        m = w.sets.minus(
            m, w.sets.relation(left, ("i", "j"), right, ("p", "q"), all_of(box, eq(I, kind[2]), eq(q, kind[1])))
        )
    return m


def agreeing(w: World) -> Uniformity:
    problem = w.problem()
    return Uniformity(problem, Rules(problem))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(RECIPES, RECIPES, RECIPES, WANTED, st.booleans())
def test_pairs_that_are_said_to_agree_do(
    below: Recipe, one: Recipe, other: Recipe, kind: tuple[str, int, int, bool], alike: bool
) -> None:
    w = World()
    w.unit("U", below)
    p, q = w.unit("P", one), w.unit("Q", one if alike else other)
    want = wanted(w, kind, "P", "Q")
    for point in w.sets.points(w.sets.wrap(agreeing(w).same(p.value, q.value, want))):
        at, there = point[:2], point[2:]
        assert w.tree(p.value, at) == w.tree(q.value, there), (at, there)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RECIPES, RECIPES)
def test_an_instance_agrees_with_itself(below: Recipe, one: Recipe) -> None:
    """Completeness where it costs nothing: the identity is always found."""
    w = World()
    w.unit("U", below)
    p = w.unit("P", one)
    own = w.sets.identity(p.domain)
    assert w.sets.subset(own, agreeing(w).same(p.value, p.value, own))


# ------------------------------------------------------------------------------------------------ kernels
HEAD = "__global__ void k(const float* x, float* y) {\n  int t = threadIdx.x;\n"
N, OUT = 32, 4


def checked(folder: Path, body: str, threads: int) -> CheckResult:
    """y[j] = sum of x, for j < 4: one sum of the graph in four places."""
    (folder / "kernel.cu").write_text(HEAD + body + "}\n")
    spec = f'kernel = "k"\ngrid = [1]\nblock = [{threads}]\n[args]\nx = "x"\ny = "y"\n'
    (folder / "kernel.toml").write_text(spec)
    one = helper.make_tensor("shape", TensorProto.INT64, [1], [OUT])
    nodes = [helper.make_node("ReduceSum", ["x"], ["s"], keepdims=1), helper.make_node("Expand", ["s", "shape"], ["y"])]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [c]) for n, c in (("x", N), ("y", OUT))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [one])
    save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), folder / "model.onnx")
    return check(CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"), replay="none"))


SUM = "float s = 0.0f; for (int i = 0; i < 32; ++i) s += x[{at}]; y[t] = s;"
TREE = """float s = x[t];
  for (int m = 16; m > 0; m >>= 1) s += {step};
  if (t < 4) y[t] = s;"""
UNIFORM = {
    "every thread in one order": (SUM.format(at="i"), 4, True),
    "a butterfly: pairs of operands swapped from lane to lane": (
        TREE.format(step="__shfl_xor_sync(0xffffffffu, s, m)"),
        32,
        True,
    ),
    "every thread from its own start": (SUM.format(at="(i + t) & 31"), 4, False),
    "odd threads backwards": (SUM.format(at="t & 1 ? 31 - i : i"), 4, False),
    "two threads backwards but for the last term": (
        "float s = 0.0f; for (int i = 0; i < 31; ++i) s += x[t >= 2 ? 30 - i : i]; y[t] = s + x[31];",
        4,
        False,
    ),
    "one thread in two halves": (
        """float s = 0.0f, r = 0.0f; for (int i = 0; i < 16; ++i) s += x[i]; for (int i = 16; i < 32; ++i) r += x[i];
  float q = 0.0f; for (int i = 0; i < 32; ++i) q += x[i]; if (t == 0) { y[t] = s + r; } else { y[t] = q; }""",
        4,
        False,
    ),
}


@pytest.mark.parametrize("name", UNIFORM)
def test_one_sum_has_one_order(name: str, tmp_path: Path) -> None:
    """SOUNDNESS S15: each thread's sum is a right one; they have to be the same one."""
    body, threads, fine = UNIFORM[name]
    result = checked(tmp_path, body, threads)
    if fine:
        assert result.verdict is Verdict.PROVED, result.why
    else:
        assert result.verdict is Verdict.UNKNOWN, result.why
