"""Does CUDA's compiler take a text? NVRTC says it in a tenth of a second and needs no GPU; where it is missing, nvcc does."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tv.cuda_frontend.device_text import device_text
from tv.diagnostic import TvError
from tv.gpu.compile import flags, include_folders, nvrtc_input
from tv.launch import CompileOptions

_SECONDS = 60.0
_TOOLKITS = ("/usr/local/cuda/include", "/opt/cuda/include")


@dataclass(frozen=True, slots=True)
class Refused:
    """The compiler's first error, one line."""

    why: str


@cache
def library() -> ctypes.CDLL | None:
    """NVRTC as a Python package has it, or the toolkit; None where there is none."""
    for path in [*_package_files("lib/libnvrtc.so*"), *_toolkit_libraries(), "libnvrtc.so.13", "libnvrtc.so.12"]:
        try:
            return ctypes.CDLL(str(path))
        except OSError:
            continue
    return None


def _package_files(pattern: str) -> Iterable[Path]:
    spec = importlib.util.find_spec("nvidia")
    for base in spec.submodule_search_locations or () if spec is not None else ():
        found = sorted(Path(base).glob(f"*/{pattern}"))
        yield from [p for p in found if "builtins" not in p.name and ".alt." not in p.name]


def _toolkit_libraries() -> Iterable[Path]:
    for top in _TOOLKITS:
        yield from sorted(Path(top).parent.glob("lib64/libnvrtc.so"))
        yield from sorted(Path(top).parent.glob("targets/*/lib/libnvrtc.so"))


@cache
def headers() -> tuple[Path, ...]:
    """Folders that hold CUDA's own headers."""
    nvcc = shutil.which("nvcc")
    beside = [Path(nvcc).resolve().parent.parent / "include"] if nvcc else []
    found = [*_package_files("include"), *beside, *map(Path, _TOOLKITS)]
    own = [p for p in dict.fromkeys(found) if (p / "cuda_fp16.h").is_file()]
    return tuple(p for o in own for p in (o, o / "cccl") if p.is_dir())


def compiler() -> str:
    """Which compiler answers, as a report says it. RuntimeError where there is none."""
    if (lib := library()) is not None and headers():
        major, minor = ctypes.c_int(), ctypes.c_int()
        lib.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
        return f"NVRTC {major.value}.{minor.value}"
    if shutil.which("nvcc") is None:
        raise RuntimeError("neither NVRTC (pip install nvidia-cuda-nvrtc) with CUDA's headers nor nvcc is here")
    return "nvcc"


def refused(path: Path, options: CompileOptions, kernels: Sequence[str]) -> Refused | None:
    """None where the kernels of a file compile. kernels: as the specification names them, `scale<float, 256>` too."""
    lib = library()
    if lib is None or not headers():
        return _by_nvcc(path, options)
    try:
        text = device_text(path, path.read_text(), options)
    except TvError:
        whole = shutil.which("nvcc") is not None
        return _by_nvcc(path, options) if whole else Refused("its device code could not be told from host code")
    source, given, shown = nvrtc_input(text, options)
    folders = (path.parent, *include_folders(path, options), *headers())
    given = [f"-arch={_virtual(options.arch)}", *given, *(f"-I{f}" for f in folders)]
    return _by_nvrtc(lib, source, given, shown, kernels)


def _virtual(arch: str) -> str:
    return arch.replace("sm_", "compute_")


def _by_nvrtc(
    lib: ctypes.CDLL, text: str, options: Sequence[str], shown: dict[str, str], kernels: Sequence[str]
) -> Refused | None:
    names, texts = (_strings(x) for x in (shown.keys(), shown.values()))
    program = ctypes.c_void_p()
    made = lib.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", len(shown), texts, names)
    if made != 0:
        raise RuntimeError(f"nvrtcCreateProgram gives {made}")
    try:
        for k in kernels:
            lib.nvrtcAddNameExpression(program, k.encode())
        done = lib.nvrtcCompileProgram(program, len(options), _strings(options))
        return None if done == 0 else Refused(_first_error(_log(lib, program)))
    finally:
        lib.nvrtcDestroyProgram(ctypes.byref(program))


def _strings(words: Iterable[str]) -> ctypes.Array[ctypes.c_char_p]:
    encoded = [w.encode() for w in words]
    return (ctypes.c_char_p * len(encoded))(*encoded)


def _log(lib: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    lib.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    lib.nvrtcGetProgramLog(program, log)
    return log.value.decode(errors="replace")


def _first_error(log: str) -> str:
    return next((line for line in log.splitlines() if re.search(r"\b(error|catastrophic)\b", line)), log.strip()[:200])


def _by_nvcc(path: Path, options: CompileOptions) -> Refused | None:
    given = [f"-I{f}" for f in include_folders(path, options)]
    command = [
        "nvcc",
        "-ptx",
        f"-arch={options.arch}",
        "-std=c++17",
        *flags(options),
        *given,
        "-o",
        "/dev/null",
        str(path),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Refused(f"nvcc takes longer than {_SECONDS:g} s")
    return None if done.returncode == 0 else Refused(_first_error(done.stderr))
