"""A kernel file as a module for a GPU, with the flags of its specification: nvcc on the file, as its
owner compiles it; where there is no nvcc, or host code that it cannot compile here, NVRTC on the device side."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tv.cuda_frontend.device_text import device_text, standard_headers
from tv.cuda_frontend.instances import canonical
from tv.diagnostic import TvError, Unsupported
from tv.gpu.driver import Device, NvrtcFailed, nvrtc, nvrtc_version, toolkit_headers
from tv.launch import CompileOptions

# What nvcc has without an include: words of a host's headers, and the macros of <math.h>.
_WORDS = "#include <math.h>\ntypedef unsigned char uchar; typedef unsigned short ushort; typedef unsigned int uint; typedef unsigned long ulong;\n"
_SECONDS = 300.0
_ARCH = re.compile(r"sm_(\d+)([af]?)$")


@dataclass(frozen=True, slots=True)
class Image:
    """A cubin. names: kernel -> its name in there. compiler: which one made it, as a report says it."""

    binary: bytes
    names: dict[str, str]
    compiler: str


def compiled(path: Path, text: str, options: CompileOptions, kernels: Sequence[str], device: Device) -> Image:
    """Raises Unsupported (TV0761) where no compiler takes the file, or the device is not of the specification's architecture."""
    arch = _arch(options.arch, device)
    refused: Unsupported | None = None
    if shutil.which("nvcc") is not None:
        try:
            return by_nvcc(path, options, kernels, arch)
        except Unsupported as e:
            refused = e
    try:
        return _by_nvrtc(path, device_text(path, text, options), options, kernels, arch)
    except (NvrtcFailed, TvError) as e:
        if refused is not None:
            raise refused from None
        log = str(e).strip().splitlines()
        raise Unsupported(
            "TV0761", f"NVRTC does not compile the kernel: {log[0] if log else 'without a word'}",
            help="put nvcc on the PATH: it compiles whole files",
        ) from None  # fmt: skip


def _arch(wanted: str, device: Device) -> str:
    m = _ARCH.match(wanted)
    if m is None or int(m[1]) // 10 != device.capability // 10 or int(m[1]) > device.capability:
        text = f"the specification is for {wanted}, the GPU is a {device.name} (sm_{device.capability})"
        raise Unsupported("TV0761", text, help="say `--on cpu`, or check the kernel for the GPU's `arch`")
    return wanted


def flags(options: CompileOptions) -> list[str]:
    """What nvcc and NVRTC take alike."""
    out = [f"-D{n}={v}" for n, v in options.defines]
    out += [] if options.fmad else ["-fmad=false"]
    out += ["-use_fast_math"] if options.fast_math else []
    out += ["-ftz=true"] if options.ftz else []
    out += [] if options.prec_div else ["-prec-div=false"]
    return out + ([] if options.prec_sqrt else ["-prec-sqrt=false"])


def include_folders(path: Path, options: CompileOptions) -> list[Path]:
    """The specification's folders, which are relative to the kernel's file."""
    return [path.resolve().parent / f for f in options.include]


def _by_nvrtc(path: Path, text: str, options: CompileOptions, kernels: Sequence[str], arch: str) -> Image:
    folders = [path.parent, *include_folders(path, options), *toolkit_headers()]
    source, given, headers = nvrtc_input(text, options)
    binary, lowered = nvrtc(source, [f"-arch={arch}", *given, *(f"-I{f}" for f in folders)], headers, kernels)
    return Image(binary, dict(zip(kernels, lowered, strict=True)), nvrtc_version())


def nvrtc_input(text: str, options: CompileOptions) -> tuple[str, list[str], dict[str, str]]:
    """What NVRTC gets for a device text: source, options but for architecture and folders, headers.

    Macros are defined in the source: NVRTC's own headers come after its options, and some of their names are a kernel's too."""
    defined = [f"#define {n} {v}" for n, v in options.defines]
    given = ["-std=c++17", "-default-device", "-include=tv_words.h"]
    given += [f for f in flags(options) if not f.startswith("-D")]
    return "\n".join([*defined, "#line 1", text]), given, {**standard_headers(), "tv_words.h": _WORDS}


def by_nvcc(path: Path, options: CompileOptions, kernels: Sequence[str], arch: str) -> Image:
    """Raises Unsupported (TV0761) with nvcc's first error."""
    wanted = [k for k in kernels if "<" in k]
    with tempfile.TemporaryDirectory() as folder:
        unit, out = Path(folder) / "unit.cu", Path(folder) / "unit.cubin"
        instances = [f"static void* volatile tv_instance_{n} = (void*)&{k};" for n, k in enumerate(wanted)]
        unit.write_text("\n".join([f'#include "{path.resolve()}"', *instances, ""]))
        given = [f"-I{f}" for f in include_folders(path, options)]
        command = ["nvcc", "-cubin", f"-arch={arch}", "-std=c++17", *flags(options), *given, "-o", str(out), str(unit)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise Unsupported("TV0761", f"nvcc takes longer than {_SECONDS:g} s") from None
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or ["without a word"]
            raise Unsupported("TV0761", f"nvcc does not compile the file: {errors[0].strip()}")
        binary = out.read_bytes()
    found = kernels_in(binary)
    return Image(binary, {k: _named(k, found) for k in kernels}, _nvcc_version())


def kernels_in(cubin: bytes) -> list[str]:
    """Names of the kernels in a cubin, an ELF file that has a section `.text.NAME` for each."""
    at, size, count, strings = (
        struct.unpack_from("<Q", cubin, 0x28)[0],
        *struct.unpack_from("<HHH", cubin, 0x3A),
    )
    table = struct.unpack_from("<Q", cubin, at + strings * size + 0x18)[0]
    out = []
    for n in range(count):
        start = table + struct.unpack_from("<I", cubin, at + n * size)[0]
        name = cubin[start : cubin.index(b"\0", start)].decode()
        out += [name.removeprefix(".text.")] if name.startswith(".text.") else []
    return out


def _named(kernel: str, found: Sequence[str]) -> str:
    """Which of the mangled names is the kernel's. Raises Unsupported (TV0761) where none or several may be."""
    plain = kernel.partition("<")[0].rsplit("::", 1)[-1]
    own = [n for n in found if n == plain or f"{len(plain)}{plain}" in n]
    if len(own) > 1:
        words = dict(zip(own, _demangled(own), strict=True))
        own = [n for n in own if canonical(_called(words[n])) == canonical(kernel)]
    if len(own) != 1:
        raise Unsupported("TV0761", f"the compiled file has {len(own) or 'no'} kernels `{kernel}`")
    return own[0]


def _demangled(names: Sequence[str]) -> list[str]:
    tool = shutil.which("c++filt") or shutil.which("cu++filt")
    if tool is None:
        return list(names)
    return subprocess.run(
        [tool, *names], capture_output=True, text=True, timeout=_SECONDS, check=True
    ).stdout.splitlines()


def _called(declaration: str) -> str:
    """`scale<float, 256>` of `void scale<float, 256>(float*)`."""
    name = re.sub(r"\(\w+\)(?=[-\d])", "", declaration.removeprefix("void "))
    depth = 0
    for n, c in enumerate(name):
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            return name[:n]
    return name


def _nvcc_version() -> str:
    text = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    m = re.search(r"release (\d+\.\d+)", text)
    return f"nvcc {m[1] if m else ''}".strip()
