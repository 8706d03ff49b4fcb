"""Damage to ONNX models that leaves them protobuf: operators, operands, attributes, types, shapes, stored data, functions, opsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from tv.diagnostic import TvError
from tv.graph_frontend.protobuf_text import require_text

INTEGERS = (
    0,
    1,
    -1,
    2,
    3,
    4,
    7,
    8,
    13,
    64,
    127,
    -2,
    -9,
    1 << 20,
    1 << 31,
    1 << 40,
    (1 << 62) + 1,
    (1 << 63) - 1,
    -(1 << 63),
)
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"), 0.5)
TEXTS = (
    "",
    "x",
    "constant",
    "reflect",
    "SAME_UPPER",
    "VALID",
    "linear",
    "nearest",
    "ij,jk->ik",
    "...i->",
    "a" * 5000,
    "\0",
    "é",
    "ii,ii->i",
    "->",
    ",,,",
)
PLACES = (
    "w.bin",
    "../w.bin",
    "/etc/passwd",
    "a/../../w.bin",
    "",
    "c:\\w.bin",
    "..\\w.bin",
    "\0",
    "//host/w",
    "file:///etc/passwd",
    "w" * 5000,
    ".",
    "~/w",
)
NAMES = ("", "x", "y", "0", "N", "cell0", "i0", "and", "a b", "é", "\n", "n" * 3000, "layer", "]", "x[0]")


@cache
def operators() -> tuple[str, ...]:
    return tuple(sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain == ""}))


def mutated(data: bytes, others: Sequence[bytes], r: Random) -> bytes | None:
    """One to three changes to a model; None where the bytes are none. others: models whose nodes may be put in."""
    m = parsed(data)
    if m is None:
        return None
    for _ in range(r.choice((1, 1, 2, 3))):
        r.choice(_CHANGES)(m, others, r)
    return bytes(m.SerializeToString())


def parsed(data: bytes) -> ModelProto | None:
    """None where a name is not UTF-8, too: protobuf does not write such a model again in all its versions."""
    try:
        m = ModelProto()
        m.ParseFromString(data)
        require_text(m, Path("model.onnx"))
    except (DecodeError, TvError):
        return None
    return m


def names(m: ModelProto) -> list[str]:
    g = m.graph
    made = [o for n in g.node for o in n.output]
    return [*(v.name for v in g.input), *(t.name for t in g.initializer), *made, *(v.name for v in g.output)] or ["x"]


def nodes(m: ModelProto) -> list[NodeProto]:
    return [*m.graph.node, *(n for f in m.functions for n in f.node)]


def tensors(m: ModelProto) -> list[TensorProto]:
    inside = [a.t for n in nodes(m) for a in n.attribute if a.HasField("t")]
    return [*m.graph.initializer, *inside]


def _operand(m: ModelProto, _: Sequence[bytes], r: Random) -> None:
    """An operand or result renamed (cycles, doubles and dangling edges included), dropped or added."""
    for n in r.sample(nodes(m), min(1, len(nodes(m)))):
        ends = n.output if r.random() < 0.25 else n.input
        known = r.choice((*names(m), r.choice(NAMES)))
        match r.randrange(4):
            case 0 if ends:
                del ends[r.randrange(len(ends))]
            case 1:
                ends.extend([known] * r.choice((1, 1, 1, 30)))
            case _ if ends:
                ends[r.randrange(len(ends))] = known
            case _:
                pass


def _operator(m: ModelProto, _: Sequence[bytes], r: Random) -> None:
    for n in r.sample(nodes(m), min(1, len(nodes(m)))):
        if r.random() < 0.85:
            n.op_type = r.choice((*operators(), "", "NoSuch"))
        else:
            n.domain = r.choice(("", "ai.onnx", "com.microsoft", "ai.onnx.ml", "own", "é"))


def _attribute(m: ModelProto, _: Sequence[bytes], r: Random) -> None:
    for n in r.sample(nodes(m), min(1, len(nodes(m)))):
        if n.attribute and r.random() < 0.7:
            a = r.choice(n.attribute)
            value = a.name
            n.attribute.remove(a)
            if r.random() < 0.2:
                return
        else:
            schema = _schema(n.op_type)
            value = r.choice(("axis", "axes", "perm", "keepdims", "to", "value", *schema))
        n.attribute.append(attribute(value, m, r))


@cache
def _schema(op: str) -> tuple[str, ...]:
    try:
        return tuple(onnx.defs.get_schema(op).attributes)
    except onnx.defs.SchemaError:
        return ()


def attribute(name: str, m: ModelProto, r: Random) -> AttributeProto:
    """An attribute of any type, now and then one whose stated type is another than what it holds."""
    a = AttributeProto(name=name)
    match r.randrange(11):
        case 0 | 1 | 2:
            a.type, a.i = AttributeProto.INT, r.choice(INTEGERS)
        case 3 | 4 | 5:
            a.type = AttributeProto.INTS
            a.ints.extend(r.choice(INTEGERS) for _ in range(r.choice((0, 1, 2, 2, 3, 4, 9))))
        case 6:
            a.type, a.f = AttributeProto.FLOAT, r.choice(FLOATS)
        case 7:
            a.type, a.s = AttributeProto.STRING, r.choice((*(t.encode() for t in TEXTS), b"\xff"))
        case 8:
            a.type = AttributeProto.TENSOR
            a.t.CopyFrom(r.choice(m.graph.initializer) if m.graph.initializer else TensorProto(data_type=1))
        case 9:
            a.type = AttributeProto.GRAPH
            a.g.CopyFrom(m.graph)
        case _:
            a.type = AttributeProto.FLOATS
            a.floats.extend(r.choice(FLOATS) for _ in range(r.randint(0, 3)))
    if r.random() < 0.1:
        a.type = AttributeProto.AttributeType.Value(r.choice(AttributeProto.AttributeType.keys()))
    if r.random() < 0.05:
        a.ref_attr_name = r.choice(NAMES)
    return a


def _shape(m: ModelProto, _: Sequence[bytes], r: Random) -> None:
    """A declared extent huge, negative, open, missing; a rank or an element type changed."""
    values = [*m.graph.input, *m.graph.output, *m.graph.value_info]
    for v in r.sample(values, min(1, len(values))):
        t = v.type.tensor_type
        match r.randrange(8):
            case 0:
                t.elem_type = r.choice((*range(24), 99, 1, 10, 7))
            case 1:
                t.ClearField("shape")
            case 2:
                t.shape.dim.add().dim_value = r.choice(INTEGERS)
            case 3:
                del t.shape.dim[:1]
            case 4 if t.shape.dim:
                r.choice(t.shape.dim).dim_param = r.choice((*NAMES, "N + 1", "-N", "N*N", "N - 999999999"))
            case 5:
                v.type.Clear() if r.random() < 0.5 else v.type.sequence_type.elem_type.tensor_type.SetInParent()
            case 6 if t.shape.dim:
                r.choice(t.shape.dim).Clear()
            case _ if t.shape.dim:
                r.choice(t.shape.dim).dim_value = r.choice(INTEGERS)
            case _:
                pass


def _stored(m: ModelProto, _: Sequence[bytes], r: Random) -> None:
    """Stored data short or long, of another type or shape, elsewhere, in segments."""
    found = tensors(m)
    if not found or r.random() < 0.1:
        m.graph.initializer.add().CopyFrom(
            TensorProto(name=r.choice(names(m)), data_type=r.choice((1, 7)), dims=[r.choice(INTEGERS)])
        )
        return
    t = r.choice(found)
    match r.randrange(9):
        case 0:
            t.dims[:] = [r.choice(INTEGERS) for _ in range(r.randint(0, 4))]
        case 1:
            t.data_type = r.choice((*range(24), 99))
        case 2:
            t.raw_data = t.raw_data[: r.randint(0, len(t.raw_data))] + b"\xff" * r.choice((0, 1, 4, 400))
        case 3:
            t.ClearField("raw_data")
        case 4:
            t.data_location = r.choice((TensorProto.EXTERNAL, TensorProto.DEFAULT))
            for key, value in (("location", r.choice(PLACES)), ("offset", "-1"), ("length", "9" * 30), ("no", "such")):
                if r.random() < 0.6:
                    t.external_data.add(key=key, value=value)
        case 5:
            t.segment.begin, t.segment.end = r.choice(INTEGERS), r.choice(INTEGERS)
        case 6:
            t.int64_data.extend(r.choice(INTEGERS) for _ in range(3))
            t.data_type = r.choice((1, 7, 7, 7))
        case 7:
            t.name = r.choice((*names(m), *NAMES))
        case _:
            t.float_data.extend(r.choice(FLOATS) for _ in range(3))


def _order(m: ModelProto, others: Sequence[bytes], r: Random) -> None:
    """Nodes moved, doubled, deleted, taken over from another model; inputs and outputs doubled or renamed."""
    g = m.graph
    pick = r.randrange(6)
    if pick == 0 and g.node:
        del g.node[r.randrange(len(g.node))]
    elif pick == 1 and g.node:
        i, j = r.randrange(len(g.node)), r.randrange(len(g.node))
        a, b = NodeProto.FromString(g.node[i].SerializeToString()), NodeProto.FromString(g.node[j].SerializeToString())
        g.node[i].CopyFrom(b)
        g.node[j].CopyFrom(a)
    elif pick == 2 and others:
        other = parsed(r.choice(others)) or m
        for n in other.graph.node[:4]:
            g.node.add().CopyFrom(n)
        m.graph.input.extend(other.graph.input[:2])
    elif pick == 3:
        ends = r.choice((g.input, g.output))
        if ends:
            r.choice(ends).name = r.choice((*names(m), *NAMES))
    elif pick == 4 and g.node:
        g.node.add().CopyFrom(r.choice(g.node))
    else:
        ends = r.choice((g.input, g.output))
        del ends[:1]


def _frame(m: ModelProto, _: Sequence[bytes], r: Random) -> None:
    """Opsets, versions, functions (recursive ones included), sparse data, training, metadata."""
    match r.randrange(8):
        case 0:
            for o in m.opset_import:
                o.version = r.choice((1, 7, 13, 17, 18, 20, 22, 24, 999, 0, -1))
        case 1:
            del m.opset_import[:]
        case 2:
            m.opset_import.append(
                helper.make_opsetid(r.choice(("", "own", "ai.onnx", "com.microsoft")), r.choice((1, 18, 99)))
            )
        case 3:
            m.ir_version = r.choice((0, 1, 3, 4, 8, 10, 99, -1))
        case 4:
            body = [NodeProto.FromString(n.SerializeToString()) for n in m.graph.node[:5]]
            ins = list(dict.fromkeys(i for n in body for i in n.input if i))[:4]
            outs = list(dict.fromkeys(o for n in body for o in n.output if o))[-2:]
            op = r.choice(("F", *(n.op_type for n in m.graph.node), "Softmax"))
            domain = r.choice(("own", "", "own"))
            f = helper.make_function(
                domain, op, ins, outs, body, [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
            )
            if r.random() < 0.5:
                f.node.append(helper.make_node(op, ins, outs, domain=domain))
            m.functions.append(f)
            for n in r.sample(list(m.graph.node), min(1, len(m.graph.node))):
                n.op_type, n.domain = op, domain
        case 5:
            m.graph.sparse_initializer.add().values.CopyFrom(
                TensorProto(name=r.choice(names(m)), data_type=1, dims=[1])
            )
        case 6:
            m.training_info.add().algorithm.CopyFrom(GraphProto(name="t"))
        case _:
            m.graph.ClearField("name")


_Change = Callable[[ModelProto, Sequence[bytes], Random], None]
_CHANGES: tuple[_Change, ...] = (
    _operand, _operator, _operator, _attribute, _attribute, _attribute, _shape, _shape, _stored, _stored, _order, _frame,
)  # fmt: skip
