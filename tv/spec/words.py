"""Bindings and assumptions in words, as reports print them."""

from __future__ import annotations

from itertools import groupby

from tv.diagnostic import Diagnostic
from tv.kernel import Kernel
from tv.launch import Binding, BufferBinding, ScalarBinding, Spec, TensorImage

_SHOWN = 4  # tensors of one layout that are named one by one


def binding_text(b: Binding) -> str:
    """A binding as reports print it."""
    match b:
        case ScalarBinding(element=element) if element is not None:
            return element
        case ScalarBinding(symbol=symbol) if symbol is not None:
            return symbol
        case ScalarBinding(value=value):
            return str(value)
        case BufferBinding(null=True):
            return "null"
        case BufferBinding(inputs=(), outputs=()):
            return f"scratch{f' {b.name}' if b.name else ''}{', zeroed' if b.zeroed else ''}"
        case BufferBinding(entries=entries) if entries:
            places = sorted((*b.inputs, *b.outputs), key=lambda i: int(i.offset))
            return f"[{', '.join(i.tensor for i in places)}]"
        case BufferBinding():
            before, after = _images_text(b.inputs), _images_text(b.outputs)
            return f"{before} -> {after}" if before and after else (before or after) + (", zeroed" if b.zeroed else "")


def _images_text(images: tuple[TensorImage, ...]) -> str:
    """`A ++ B as [i, j] -> [j * 64 + i]`; of many that lie alike, a layer's weights in every layer, the first and the last."""
    found: list[str] = []
    for layout, group in groupby(images, key=lambda i: i.layout):
        names = [i.tensor for i in group]
        shown = names if len(names) <= _SHOWN else [f"{names[0]} ... {names[-1]} ({len(names)} tensors)"]
        found += [n if layout is None else f"{n} as {layout}" for n in shown]
    return " ++ ".join(found)


def binding_texts(spec: Spec) -> dict[str, str]:
    several = len(spec.launches) > 1
    result = {}
    for n, launch in enumerate(spec.launches):
        for name, b in launch.args.items():
            result[f"{n}.{launch.kernel}.{name}" if several else name] = binding_text(b)
    return {**result, **{name: binding_text(b) for name, b in spec.globals.items()}}


def sentences(spec: Spec) -> tuple[str, ...]:
    """What the launch assumes of its caller."""
    buffers = [b for x in spec.launches for b in x.args.values() if isinstance(b, BufferBinding) and not b.null]
    aligns = sorted({b.align for b in buffers})
    result = ["parameters do not alias"] if len(buffers) > 1 else []
    result += ["the pointers of a table do not alias"] if any(len(b.entries) > 1 for b in buffers) else []
    result += [f"buffers are aligned to {' or '.join(str(a) for a in aligns)} bytes"] if aligns else []
    result += ["all blocks are resident at once"] if any(x.cooperative for x in spec.launches) else []
    result += ["what is zeroed is cleared before the first launch, and not between launches"] if spec.relaunch else []
    for a in spec.inputs:
        result += [f"every element of {a.tensor} is {a.value}"] if a.value is not None else []
        if a.min is not None or a.max is not None:
            low = "any" if a.min is None else a.min
            result.append(f"elements of {a.tensor} are from {low} to {'any' if a.max is None else a.max}")
        result += [f"{a.tensor} holds no NaN and no infinity"] if a.finite else []
    return tuple(result)


def warnings(spec: Spec, kernels: tuple[Kernel, ...]) -> tuple[Diagnostic, ...]:
    result = []
    for launch, kernel in zip(spec.launches, kernels, strict=True):
        if "dynamic_shared" in kernel.objects and launch.shared == 0:
            what = f"`{kernel.name}` uses dynamic shared memory, but the launch gives it none"
            result.append(Diagnostic("TV0212", "warning", what, kernel.span, "write shared = BYTES or --shared BYTES"))
    return tuple(result)
