"""Attention and RotaryEmbedding: their official bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from megac import index as ix
from megac.dtype import DType, from_onnx
from megac.errors import CompileError
from megac.expr import FALSE, cast, number, select
from megac.index import Ranges
from megac.ir import Axis, Expr, Index
from megac.lower.builder import Builder, Place
from megac.lower.contraction import contracted
from megac.lower.elementwise import a_float, elements, in_wide, one_type
from megac.lower.indexing import place_of
from megac.lower.layout import joined, joined_shape, move, reshaped
from megac.lower.normalising import softmax_of
from megac.lower.reductions import folded
from megac.lower.registry import lowers
from megac.lower.tensors import Tensor, broadcast, broadcast_index, shape_text
from megac.lower.view import View
from megac.size import ONE, ZERO, Size


def swapped(b: Builder, name: str, t: Tensor) -> Tensor:
    """[a, b, c, d] as [a, c, b, d]."""
    shape = (t.shape[0], t.shape[2], t.shape[1], t.shape[3])
    return move(b, name, t, shape, lambda own, r: (own[0], own[2], own[1], own[3]))


def by_heads(b: Builder, name: str, t: Tensor, heads: int) -> Tensor:
    """[batch, sequence, heads * d] as [batch, heads, sequence, d]."""
    each = t.shape[2].divided(Size(heads)) if heads > 0 else None
    if each is None:
        raise CompileError(f"an extent of {t.shape[2]} is not made of {heads} heads")
    return swapped(b, f"{name}.heads", reshaped(b, f"{name}.split", t, (*t.shape[:2], Size(heads), each)))


# -------------------------------------------------------------------------------------------------------- attention
@dataclass(frozen=True, slots=True)
class Operands:
    """q [batch, heads, s, d], k [batch, kv heads, keys, d], v [batch, kv heads, keys, e]; past: keys before the new ones."""

    q: Tensor
    k: Tensor
    v: Tensor
    past: Size
    dtype: DType

    @property
    def group(self) -> Size:
        """Query heads for each head of keys."""
        found = self.q.shape[1].divided(self.k.shape[1])
        if found is None:
            raise CompileError(f"{self.q.shape[1]} query heads do not share {self.k.shape[1]} heads of keys")
        return found


def _operands(n: View, b: Builder) -> Operands:
    q, k, v = n.input(0), n.input(1), n.input(2)
    t, name = one_type(q, k, v), n.output()
    a_float(q)
    q_heads, kv_heads = n.attribute("q_num_heads", 0), n.attribute("kv_num_heads", 0)
    if q.rank == 3:
        q = by_heads(b, f"{name}.q", q, q_heads)
        k, v = by_heads(b, f"{name}.k", k, kv_heads), by_heads(b, f"{name}.v", v, kv_heads)
    if not q.rank == k.rank == v.rank == 4:
        raise CompileError("its operands have neither 3 nor 4 dimensions")
    if k.shape[:3] != v.shape[:3] or q.shape[0] != k.shape[0]:
        raise CompileError(f"its keys {shape_text(k.shape)} are not those of its values {shape_text(v.shape)}")
    past_k, past_v = n.optional(4), n.optional(5)
    if (past_k is None) != (past_v is None):
        raise CompileError("it has a past of keys or of values only")
    past = ZERO
    if past_k is not None and past_v is not None:
        past = past_k.shape[2]
        if past_v.rank != 4 or past_v.shape[2] != past:
            raise CompileError("its pasts of keys and values are of two lengths")
        k, v = (
            _present(b, n.output(1) or f"{name}.keys", past_k, k),
            _present(b, n.output(2) or f"{name}.values", past_v, v),
        )
    for out, made in ((1, k), (2, v)):
        b.bind(n.output(out), made)
    return Operands(q, k, v, past, t)


def _present(b: Builder, name: str, past: Tensor, new: Tensor) -> Tensor:
    return joined(b, name, [past, new], 2, joined_shape([past, new], 2))


def _bias(n: View, b: Builder, o: Operands) -> Tensor:
    """What is added to the scores, in their type: the mask, what causality forbids."""
    mask, t, name = n.optional(3), o.dtype, n.output()
    kept = number(0.0, DType.F32)
    never = number(-np.inf, DType.F32)
    shape = (o.q.shape[2], o.k.shape[2])
    if mask is None:
        bias = b.define(f"{name}.bias", DType.F32, shape, lambda p: kept)
    elif mask.dtype is DType.BOOL:
        bias = elements(b, f"{name}.bias", [mask], DType.F32, lambda p, a: select(a[0], kept, never))
    else:
        bias = mask
    if mask is not None and broadcast([mask.shape, shape]) != mask.shape:
        raise CompileError("its mask is smaller than the scores")
    if n.flag("is_causal"):
        free = bias

        def causal(p: Place) -> Expr:
            ahead = ix.subtract(p.index[-1], ix.shifted(p.index[-2], o.past + 1))
            forbidden = cast(select(p.test("ge", ahead), never, kept), free.dtype)
            return p.op("add", p.get(free), forbidden)

        bias = b.define(f"{name}.causal", free.dtype, free.shape, causal)
    return elements(b, f"{name}.bias_{t.value}", [bias], t, lambda p, a: cast(a[0], t)) if bias.dtype != t else bias


def _scores(n: View, b: Builder, o: Operands, bias: Tensor) -> Tensor:
    t, name, group = o.dtype, n.output(), o.group
    width = o.q.shape[3]
    if width.constant is None or o.k.shape[3] != width:
        raise CompileError("its keys are of another width than its queries")
    scale = (
        np.float32(n.attribute("scale", 0.0)) if n.given("scale") else np.float32(1) / np.sqrt(np.float32(width.const))
    )
    cap = n.attribute("softcap", 0.0)
    if cap < 0 or scale < 0:
        raise CompileError("its `scale` or `softcap` is negative")
    root = cast(number(float(np.sqrt(scale)), DType.F32), t)
    q = elements(b, f"{name}.scaled_q", [o.q], t, lambda p, a: p.op("mul", a[0], root))
    k = elements(b, f"{name}.scaled_k", [o.k], t, lambda p, a: p.op("mul", a[0], root))
    shape = (*o.q.shape[:3], o.k.shape[2])
    dot = contracted(b, f"{name}.dot", shape, width, (q, lambda own, d: (*own[:3], d)),
                     (k, lambda own, d: (own[0], _head(own[1], group, o), own[3], d)))  # fmt: skip

    def finish(p: Place, a: Sequence[Expr]) -> Expr:
        x = a[0]
        if cap != 0.0:
            limit = cast(number(cap, DType.F32), t)
            x = p.op("mul", in_wide(p.op("div", x, limit), lambda v: p.op("tanh", v)), limit)
        return p.op("add", x, a[1])

    return elements(b, f"{name}.scores", [dot, bias], t, finish)


def _head(head: Index, group: Size, o: Operands) -> Index:
    return Ranges.of([Axis("i1", o.q.shape[1])]).quotient(head, group)


@lowers("Attention")
def attention(n: View, b: Builder) -> None:
    if n.optional(6) is not None or n.output(3) or n.attribute("qk_matmul_output_mode", 0) not in (0, 1, 2, 3):
        raise CompileError("it counts keys that are no padding, or its scores are an output")
    three = n.input(0).rank == 3
    o = _operands(n, b)
    t, name = o.dtype, n.output()
    bias = _bias(n, b, o)
    scores = _scores(n, b, o, bias)
    inside = from_onnx(n.attribute("softmax_precision", 0), "its softmax") if n.given("softmax_precision") else t
    cast_scores = (
        elements(b, f"{name}.cast", [scores], inside, lambda p, a: cast(a[0], inside)) if inside != t else scores
    )
    shares = softmax_of(b, f"{name}.softmax", cast_scores, 3, inside.wide, inside)
    greatest = folded(b, f"{name}.bias_max", bias, (bias.rank - 1,), True, "max")
    never = number(-np.inf, t)

    def safe(p: Place, a: Sequence[Expr]) -> Expr:
        """A row of which the mask leaves nothing is 0."""
        masked = p.op("eq", a[1], never)
        return a[0] if masked == FALSE else select(masked, number(0.0, t), cast(a[0], t))

    kept = elements(b, f"{name}.shares", [shares, greatest], t, lambda p, a: cast(safe(p, a), t))
    group, out = o.group, (*o.q.shape[:3], o.v.shape[3])
    y = contracted(b, f"{name}.y" if three else name, out, o.k.shape[2], (kept, lambda own, j: (*own[:3], j)),
                   (o.v, lambda own, j: (own[0], _head(own[1], group, o), j, own[3])))  # fmt: skip
    if three:
        y = swapped(b, f"{name}.rows", y)
        y = reshaped(b, name, y, (*y.shape[:2], y.shape[2] * y.shape[3]))
    b.bind(name, y)


# ----------------------------------------------------------------------------------------------------------- rotary
@dataclass(frozen=True, slots=True)
class Rotation:
    """x [batch, heads, sequence, d], of whose rows the first `width` elements are turned: pairs half a width apart, or
    (mixed) neighbours; cos and sin [batch, sequence, width / 2], or a row for each position."""

    x: Tensor
    cos: Tensor
    sin: Tensor
    positions: Tensor | None
    width: int
    mixed: bool

    def check(self) -> None:
        x, cos = self.x, self.cos
        places = (x.shape[0], x.shape[2])
        fits = 0 < self.width <= x.shape[3].const and self.width % 2 == 0
        if not fits or cos.shape != self.sin.shape or cos.shape[-1] != Size(self.width // 2):
            raise CompileError("its tables have another width than what is turned")
        if (broadcast([cos.shape[:-1], places]) if self.positions is None else self.positions.shape) != places:
            raise CompileError("its tables or positions are not those of the batch and the sequence")
        if self.positions is not None and cos.rank != 2:
            raise CompileError("its tables have other than a row for each position")

    def element(self, p: Place) -> Expr:
        d, half, e = p.index[3], Size(self.width // 2), self.x.dtype
        first = p.test("eq", p.ranges.remainder(d, Size(2))) if self.mixed else p.below(d, half)
        turned = cast(select(first, self._turned(p, True), self._turned(p, False)), e)
        return (
            turned
            if self.width == self.x.shape[3].const
            else select(p.below(d, Size(self.width)), turned, p.get(self.x))
        )

    def _turned(self, p: Place, real: bool) -> Expr:
        """cos x1 - sin x2 of the first of a pair, sin x1 + cos x2 of the second."""
        d, half, wide = p.index[3], Size(self.width // 2), self.x.dtype.wide
        j = p.ranges.quotient(d, Size(2)) if self.mixed else d if real else ix.shifted(d, -half)
        other = ix.shifted(d, (ONE if self.mixed else half) * (1 if real else -1))
        mine, its = (cast(p.get(self.x, (*p.index[:3], i)), wide) for i in (d, other))
        c, s = self._table(p, self.cos, j), self._table(p, self.sin, j)
        if real:
            return p.op("sub", p.op("mul", c, mine), p.op("mul", s, its))
        return p.op("add", p.op("mul", s, its), p.op("mul", c, mine))

    def _table(self, p: Place, t: Tensor, j: Index) -> Expr:
        places = (p.index[0], p.index[2])
        if self.positions is None:
            return cast(p.get(t, (*broadcast_index(t.shape[:-1], places), j)), t.dtype.wide)
        return cast(p.get(t, (place_of(p, p.get(self.positions, places), t.shape[0]), j)), t.dtype.wide)


@lowers("RotaryEmbedding")
def rotary_embedding(n: View, b: Builder) -> None:
    """In f32 for 16-bit types, rounded once."""
    t, cos, sin = n.input(0), n.input(1), n.input(2)
    e, name = one_type(t, cos, sin), n.output()
    heads, three = n.attribute("num_heads", 0), t.rank == 3
    x = by_heads(b, name, t, heads) if three else t
    if x.rank != 4 or x.shape[3].constant is None or not cos.rank:
        raise CompileError("its operand has neither 3 nor 4 dimensions, or its tables have none")
    width = n.attribute("rotary_embedding_dim", 0) or x.shape[3].const
    r = Rotation(x, cos, sin, n.optional(3), width, n.flag("interleaved"))
    r.check()
    out = b.define(f"{name}.turned" if three else name, e, x.shape, r.element)
    if three:
        out = reshaped(b, name, swapped(b, f"{name}.rows", out), t.shape)
    b.bind(name, out)
