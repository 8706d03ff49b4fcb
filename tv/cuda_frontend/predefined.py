"""Names of macros and functions that are there where nvcc reads a file, without the file having declared them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

# Reserved names that neither nvcc nor gcc on Linux defines.
UNDEFINED = frozenset(
    "__HIPCC__ __HIP_PLATFORM_AMD__ __HIP_DEVICE_COMPILE__ __clang__ __APPLE__ __INTEL_COMPILER __MINGW32__ __MINGW64__ "
    "_WIN32 _WIN64 WIN32 WIN64 _MSC_VER __CYGWIN__ _DEBUG".split()
)
# What CUDA's headers ask about (`#if`) before they declare what device code calls, guards apart, and `__CUDA_NO_...`, which only takes
# away: of a file that defines one of these before such a header, other functions are called. `warpSize` is a shuffle's width there.
ASKED = frozenset(
    """CG_DEBUG CUDA_NO_BFLOAT16 CUDA_NO_HALF IF_DEVICE_OR_CUDACC _CG_ABI_EXPERIMENTAL _CG_ABI_VERSION _CG_CONSTEXPR_QUALIFIER
    _CG_CPP11_FEATURES _CG_CUDA_ARCH _CG_DEBUG _CG_HAS_CLUSTER_GROUP _CG_HAS_FP16_COLLECTIVE _CG_HAS_INSTR_ELECT
    _CG_HAS_MATCH_COLLECTIVE _CG_HAS_RESERVED_SHARED _CG_HAS_STL_ATOMICS _CG_QUALIFIER _CG_STATIC_CONSTEXPR_QUALIFIER
    _CG_STATIC_QUALIFIER _CG_USER_PROVIDED_SHARED_MEMORY _CG_USE_CUDA_STL _COOPERATIVE_GROUPS_MEMCPY_ASYNC
    _CUDA_PIPELINE_ARCH_700_OR_LATER _CUDA_PIPELINE_CPLUSPLUS_11_OR_LATER _CUDA_PIPELINE_DEBUG _CUDA_PIPELINE_MAX_STAGES
    _CUDA_PIPELINE_QUALIFIER _CUDA_PIPELINE_STATIC_QUALIFIER _LIBCUDACXX_CUDA_ABI_VERSION _MSC_FULL_VER _MSC_VER _MSVC_LANG
    _NVHPC_CUDA _WIN32 _WIN64 __CPP_VERSION_AT_LEAST_11_BF16 __CPP_VERSION_AT_LEAST_11_FP16 __CPP_VERSION_AT_LEAST_11_FP8
    __CUDACC_DEBUG__ __CUDACC_RTC__ __CUDA_ALIGN__ __CUDA_ARCH_FAMILY_SPECIFIC__
    __CUDA_BF16_DISABLE_IMPLICIT_INTEGER_CONVERTS_FOR_HOST_COMPILERS__
    __CUDA_FP16_DISABLE_IMPLICIT_INTEGER_CONVERTS_FOR_HOST_COMPILERS__ __CUDA_FP16_TYPES_EXIST__
    __CUDA_FP8_INTERNAL_CAN_RELY_ON_PTX_FOR_SHORTTYPESCVT__ __CUDA_INCLUDE_COMPILER_INTERNAL_HEADERS__ __CUDA_MINIMUM_ARCH__
    __DOXYGEN_ONLY__ __GNUC_MINOR__ __GNUC__ __QNX__ __UNDEF_CUDA_INCLUDE_COMPILER_INTERNAL_HEADERS_CUDA_MMA_H_WRAPPER__ __arm__
    __clang__ __ibmxl__ __local_warpSize warpSize""".split()
)
# What nvcc defines before all text, and so do we.
ANSWERED = frozenset(
    "__CUDA_ARCH__ __CUDACC__ __NVCC__ __cplusplus __LP64__ __CUDACC_VER_MAJOR__ __CUDACC_VER_MINOR__ CUDART_VERSION __linux__ "
    "__x86_64__".split()
)
# Macros that every preprocessor has from itself, whose values here would be another's. `__LINE__` is one only where it is left.
OWN = frozenset(
    "__COUNTER__ __LINE__ __DATE__ __TIME__ __TIMESTAMP__ __FILE__ __FILE_NAME__ __BASE_FILE__ __INCLUDE_LEVEL__".split()
)
# Families of reserved names in which the headers of CUDA, gcc and glibc have thousands of macros.
_FAMILIES = re.compile(
    r"__\w*__|_\w*(?:_H_*|_SOURCE|_TYPE|_TCC|_(?i:included|defined)_?)|(?:_CCCL|_GLIBCXX|_LIBCUDACXX|__DECL|_NV|_SC_|_CUDA|__cpp|_POSIX"
    r"|__cccl|_CS_|_PSTL|_BITS|__cudaCDP|_CG_|__glibcxx|__CUDA|__SM_|__USE|__DEC|__CCCL|_STL|_PC_|_PTHREAD|__GLIBC|_IO|_GTHREAD"
    r"|__CORRECT_ISO|_XOPEN|__LDBL|__FLT|__DBL|__INT|__UINT|__STDC|__NV|__GCC|_EXT_|_THRUST|_CUB|__gthr|_XBS5|__have|__HAVE"
    r"|__CUFFT|__WCHAR|__SI_|__S_I|_ISO|_LFS|_MATH|_RTL)\w*"
)
# Of libraries for the host, whose headers are not read.
_LIBRARIES = re.compile(
    r"(?:THRUST|CUB|NVTX|NVTX3|AT|C10|TORCH|PYBIND11|CUBLAS|CURAND|CUDNN|NCCL|MPI)_[A-Z0-9_]+|checkCudaErrors|getLastCudaError"
)


@cache
def predefined() -> frozenset[str]:
    """Names of macros that nvcc has from its headers and the host's, but for those of whole families of reserved names."""
    lines = Path(__file__).with_name("predefined_macros.txt").read_text().splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def header_functions() -> tuple[frozenset[str], frozenset[str]]:
    """Names of functions of the headers, built-ins apart: those that device code may call, and all of them. A function of the file
    by such a name is one of several."""
    text = Path(__file__).with_name("header_functions.txt").read_text()
    of_device, _, of_host = text.partition("# host\n")
    device = frozenset(w for line in of_device.splitlines() if not line.startswith("#") for w in line.split())
    return device, device | frozenset(of_host.split())


def is_macro(name: str) -> bool:
    """May nvcc put something else in the place of this name? What is pasted together with a line's number counts as well."""
    return name in predefined() or name in OWN or "__LINE__" in name or "__COUNTER__" in name or _reserved(name)


def _reserved(name: str) -> bool:
    family = _FAMILIES if name.startswith("_") else _LIBRARIES
    return family.fullmatch(name) is not None
