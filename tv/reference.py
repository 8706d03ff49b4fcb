"""A graph evaluated on given inputs in a certificate's order: what the kernel computes, to the bit, without the kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from numpy.lib.npyio import NpzFile
from onnx import numpy_helper

from tv import certify
from tv.arithmetic import Functions
from tv.diagnostic import BadInput
from tv.examine import index_sets, read_graph
from tv.gpu.driver import device, require_device
from tv.gpu.functions import GpuFunctions
from tv.graph import Graph, TensorInfo
from tv.graph_frontend.elements import BY_LABEL
from tv.launch import CompileOptions, Spec, Symbol
from tv.order.evaluate import Sums
from tv.order.masked import masked_in, read_masked
from tv.order.program import read_orders
from tv.refute.record import UNREADABLE
from tv.replay.graph_values import Bits, GraphValues, Ints
from tv.sets.affine import Sym
from tv.spec.model_signature import require_inside
from tv.symexec.threads.roles import roles_in
from tv.term import Terms
from tv.verdict import Answer

Arrays = Mapping[str, npt.NDArray[Any]]
_STORED = {"f64": "<f8", "f32": "<f4", "f16": "<f2", "bf16": "<u2", "bool": "|b1"}


def reference(model: str, inputs: str, certificate: str, output: str, on: str | None = None) -> Answer:
    """Evaluates the model on the tensors in the file `inputs` (.npz) and writes its outputs to the file `output` (.npz).

    Weights that are not among the inputs are the model's. bf16 is stored as uint16. An open size that no shape shows is
    read from an entry of its name. on: where mathematical functions are evaluated, "gpu" or "cpu"; None: on a GPU if one is
    there, since only that gives the bits of CUDA's own. Raises BadInput for files that do not fit each other, Unsupported
    (TV0760) where a GPU is demanded and none is there.
    """
    data = certify.read(certificate)
    if not isinstance(data.get("sha256"), dict) or data["sha256"].get("model") != certify.sha256(model):
        raise BadInput(
            "TV0654", f"the certificate is not about the model `{model}`", help="name the model that was checked"
        )
    if data.get("orders") is None:
        raise BadInput(
            "TV0654",
            f"the certificate says nothing of the order of sums: {data.get('without_orders', '')}",
            help="prove the pair at `--require bitwise`, or see the reason in the certificate",
        )
    try:
        functions = functions_on(on, data)
        found = Reference(model, data, functions).outputs(arrays_in(inputs))
    except RecursionError:
        raise BadInput(
            "TV0652",
            "not a certificate: it is nested too deeply",
            help="name the file that `tv check --certificate` wrote",
        ) from None
    try:
        with open(output, "wb") as file:
            np.savez(file, **found)  # type: ignore[arg-type]
    except OSError as e:
        raise BadInput(
            "TV0653",
            f"cannot write `{output}`: {e.strerror}",
            help="name a file in a folder that exists and may be written",
        ) from None
    lines = [f"{n}: {a.dtype}{list(a.shape)}" for n, a in found.items()]
    if functions is not None and functions.met:
        lines.append(f"{', '.join(sorted(functions.met))}: by {functions.device.name}")
    return Answer(True, "\n".join(lines))


def functions_on(on: str | None, data: Mapping[str, Any]) -> GpuFunctions | None:
    """What gives the bits of mathematical functions; None: the formulas here. data: a certificate, for the compiler's options."""
    if on == "cpu" or (on is None and device() is None):
        return None
    stated = data.get("options")
    known = {"ftz", "prec_div", "prec_sqrt"}
    given = {n: v for n, v in stated.items() if n in known} if isinstance(stated, dict) else {}
    return GpuFunctions(CompileOptions(**given), require_device())


def arrays_in(path: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz file, by name. Raises BadInput (TV0654) for what is none."""
    try:
        with np.load(path, allow_pickle=False) as given:
            if not isinstance(given, NpzFile):
                raise TypeError("one array, not several by name")
            return {n: given[n] for n in given.files}
    except UNREADABLE as e:
        raise BadInput(
            "TV0654",
            f"cannot read the inputs `{path}`: {(isinstance(e, OSError) and e.strerror) or 'they are no arrays by name'}",
            help="it is an .npz file with one array for each input, named like it",
        ) from None


class Reference:
    """A model in the order of a certificate `data` (as parsed from JSON), prepared once for many inputs. functions: asked first for
    the bits of an operation. Raises BadInput for what is no certificate, or one of another graph.
    """

    def __init__(self, model: str, data: Mapping[str, Any], functions: Functions | None = None) -> None:
        try:
            self._symbols, part = certify.symbols(data), certify.part(data)
            spec = Spec((), self._symbols, model_inputs=part[0], model_outputs=part[1], reading=certify.reading(data))
            assumed = certify.inputs(data)
        except (KeyError, TypeError, ValueError) as e:
            raise BadInput(
                "TV0652", f"not a certificate: {e}", help="name the file that `tv check --certificate` wrote"
            ) from None
        orders, ranges = read_orders(data["orders"]), {s.name: (s.min, s.max) for s in self._symbols}
        self.graph = read_graph(model, index_sets(ranges), Terms(), spec)
        masked = masked_in(self.graph, read_masked(data.get("masked", [])), assumed, ranges)
        self._sums = Sums(self.graph.system, orders, ranges, masked)
        self._stated = {i.value: i.tensor for i in assumed if isinstance(i.value, str)}
        self._roles = dict.fromkeys(roles_in(json.dumps(data)), 0)  # orders are the same whichever block comes last
        self._model, self._functions = model, functions
        self._own: dict[str, npt.NDArray[Any]] = {}  # weights of the model's, and their bits
        self._bits: dict[str, Bits] = {}

    def values(self, arrays: Arrays) -> GraphValues:
        """The graph on these inputs, to be evaluated whole or at some elements. Weights that are not among them are the model's."""
        tensors = with_weights(self.graph, self._model, {**self._own, **arrays})
        self._own |= {n: a for n, a in tensors.items() if n not in arrays}
        infos = self.graph.inputs
        self._bits |= {n: bits(a, infos[n]) for n, a in self._own.items() if n not in self._bits}
        named = {s.name: arrays[s.name] for s in self._symbols if s.name in arrays}
        named |= {symbol: tensors[tensor] for symbol, tensor in self._stated.items() if tensor in tensors}
        sizes = open_sizes(self.graph, self._symbols, {**named, **tensors}) | self._roles
        known = {n: b for n, b in self._bits.items() if n not in arrays}
        return evaluation(self.graph, sizes, tensors, self._functions, self._sums, known)

    def outputs(self, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
        """All outputs, by name, in their types."""
        values, out = self.values(arrays), {}
        with np.errstate(all="ignore"):
            for name, info in self.graph.outputs.items():
                shape = tuple(int(values.affine(e, {}, 1)[0]) for e in info.shape)
                out[name] = stored(values.output(name), info.type).reshape(shape)
        return out


def evaluation(
    graph: Graph,
    sizes: Mapping[str, int],
    tensors: Arrays,
    functions: Functions | None = None,
    sums: Sums | None = None,
    known: Mapping[str, Bits] | None = None,
) -> GraphValues:
    """The graph on these tensors, its sums added as told. known: bits of those that were read before. Raises BadInput for a tensor
    of another shape."""
    members: dict[str, list[TensorInfo]] = {}
    for info in graph.inputs.values():
        members.setdefault(info.unit, []).append(info)
    known = known or {}
    raw = {n: known[n] if n in known else bits(tensors[n], info) for n, info in graph.inputs.items()}

    def inputs(unit: str, index: Sequence[Ints]) -> Bits:
        infos = members[unit]
        if infos[0].layer is None:
            return raw[infos[0].name][tuple(index)]
        out = np.zeros(index[0].shape, np.uint64)
        for info in infos:
            mask = index[0] == info.layer
            out[mask] = raw[info.name][tuple(i[mask] for i in index[1:])]
        return out

    values = GraphValues(graph, sizes, inputs, functions=functions)
    for info in graph.inputs.values():
        shape = tuple(int(values.affine(e, {}, 1)[0]) for e in info.shape)
        if raw[info.name].shape != shape:
            raise BadInput(
                "TV0654",
                f"`{info.name}` has shape {list(raw[info.name].shape)}, not {list(shape)}",
                help="give it the shape that the model states at these sizes",
            )
    if sums is not None:
        sums.use(values)
    return values


# ------------------------------------------------------------------------------------------------ tensors
def bits(a: npt.NDArray[Any], info: TensorInfo) -> Bits:
    """Raises BadInput for an array of another type."""
    element = BY_LABEL[info.type]
    size = max(1, element.width // 8)
    kind = {"float": "f", "signed": "i", "unsigned": "u", "bool": "b"}[element.kind]
    fits = a.dtype.itemsize == size and (a.dtype.kind in "uV" if info.type == "bf16" else a.dtype.kind == kind)
    if not fits:
        raise BadInput(
            "TV0654",
            f"`{info.name}` is an array of {a.dtype}, not of {info.type}",
            help="give it the model's element type",
        )
    raw = np.frombuffer(np.ascontiguousarray(a).tobytes(), dtype=f"<u{size}")
    return raw.astype(np.uint64).reshape(a.shape)


def stored(values: Bits, label: str) -> npt.NDArray[Any]:
    element = BY_LABEL[label]
    size = max(1, element.width // 8)
    dtype = _STORED.get(label) or f"<{'i' if element.kind == 'signed' else 'u'}{size}"
    return values.astype(f"<u{size}").view(dtype)


def with_weights(graph: Graph, model: str, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """A tensor for every free input of the graph: those given, the model's own initializers for the rest."""
    out = {n: arrays[n] for n in graph.inputs if n in arrays}
    missing = set(graph.inputs) - set(out)
    if missing:
        try:
            proto = onnx.load(model, load_external_data=False)
            require_inside(proto, Path(model))
            onnx.load_external_data_for_model(proto, str(Path(model).resolve().parent))
        except (onnx.checker.ValidationError, OSError, ValueError, OverflowError, DecodeError) as e:
            raise BadInput(
                "TV0654",
                f"cannot read the weights of `{model}`: {str(e).partition(chr(10))[0]}",
                help="put its external data beside it, or give the weights as inputs",
            ) from None
        for t in proto.graph.initializer:
            if t.name in missing:
                out[t.name] = numpy_helper.to_array(t)
    missing -= set(out)
    if missing:
        raise BadInput("TV0654", f"no input `{min(missing)}`", help=f"the graph takes {', '.join(graph.inputs)}")
    return out


def open_sizes(graph: Graph, symbols: Sequence[Symbol], tensors: Arrays) -> dict[str, int]:
    """Values of the open sizes, from the shapes of the inputs or from tensors of one element of the sizes' own names."""
    out: dict[str, int] = {}
    for name, info in graph.inputs.items():
        for extent, n in zip(info.shape, tensors[name].shape, strict=False):
            terms = extent.terms
            if len(terms) == 1 and isinstance(terms[0][0], Sym) and terms[0][1] == 1:
                out.setdefault(terms[0][0].name, n - extent.const)
    for s in symbols:
        if s.name not in out and s.name in tensors and tensors[s.name].size == 1:
            out[s.name] = int(tensors[s.name].reshape(-1)[0])
        if s.name not in out:
            raise BadInput(
                "TV0654", f"no value for the open size `{s.name}`", help="add an entry of that name to the inputs"
            )
        if not s.min <= out[s.name] <= s.max:
            raise BadInput(
                "TV0654",
                f"`{s.name}` is {out[s.name]}, but the proof is for {s.min} to {s.max}",
                help="give inputs of sizes that the certificate speaks of",
            )
    return out
