"""Which names in a kernel's text are the author's own: everything that the text declares, as opposed to C++ and CUDA.

Closed on both sides: a name that is neither known vocabulary nor seen in a declaring position before its first use is an
error, so a built-in that the vocabulary lacks is never renamed by accident.
"""

from __future__ import annotations

from collections.abc import Sequence

from c_tokens import Kind, Token

from tv.cuda_frontend.builtin import BUILTINS
from tv.cuda_frontend.builtin_memory import CONSTANTS

TYPES = frozenset(
    """
    auto bool char double float int long short signed unsigned void half half2 __half __half2 __nv_bfloat16
    __nv_bfloat162 dim3 size_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t
    char4 uchar4 short2 short4 ushort2 ushort4 int2 int3 int4 uint2 uint3 uint4 long2 longlong2 ulonglong2 float2 float3
    float4 double2 grid_group thread_block cudaStream_t cudaError_t
    """.split()
)
_KEYWORDS = frozenset(
    """
    alignas alignof asm break case catch class const const_cast constexpr continue decltype default defined delete do
    dynamic_cast else enum explicit extern false for friend goto if inline mutable namespace new noexcept nullptr operator
    private protected public register reinterpret_cast restrict return sizeof static static_assert static_cast struct
    switch template this throw true try typedef typename union using virtual volatile while
    """.split()
)
_CUDA = frozenset(
    """
    __global__ __device__ __host__ __shared__ __constant__ __forceinline__ __noinline__ __restrict__ __launch_bounds__ __CUDA_ARCH__
    __align__ __syncthreads __syncwarp __threadfence __threadfence_block __threadfence_system
    __shfl_sync __shfl_up_sync __shfl_down_sync __shfl_xor_sync __ballot_sync __any_sync __all_sync
    threadIdx blockIdx blockDim gridDim warpSize cooperative_groups this_grid this_thread_block
    thread_block tiled_partition thread_rank meta_group_rank reduce plus greater
    __syncthreads_or __syncthreads_and __syncthreads_count __reduce_add_sync __reduce_min_sync __reduce_max_sync
    __reduce_and_sync __reduce_or_sync __reduce_xor_sync
    atomicAdd atomicSub atomicMax atomicMin atomicExch atomicCAS atomicOr atomicAnd __ldg __ldcg __ldcs __ldca
    __hadd __hadd_rn __hsub __hmul __hmul_rn __hfma __hdiv __hneg __hmax __hmin __hmax_nan __hmin_nan __hmax2 __hmin2 __hmax2_nan __hmin2_nan __hisnan __hadd2 __hadd2_rn __hsub2 __hmul2
    __hmul2_rn __hfma2 __half2float __float2half __float2half_rn __float2half_rz __float2half_ru __float2half_rd
    __shfl_sync __half22float2 __float22half2_rn __floats2half2_rn __halves2half2 __low2half __high2half __low2float __high2float
    __float2bfloat16 __bfloat162float __float2bfloat16_rn __lowhigh2highlow
    __int2float_rn __int2float_rz __int2float_ru __int2float_rd
    __fadd_rn __fsub_rn __fmul_rn __fmaf_rn __fdiv_rn __fsqrt_rn __frcp_rn __frsqrt_rn __expf __logf __fdividef
    __int_as_float __float_as_int __uint_as_float __float_as_uint
    expf logf sqrtf rsqrtf fmaf fmaxf fminf fabsf powf sinf cosf tanhf erff min max INFINITY FLT_MAX INT_MIN INT_MAX UINT_MAX __LINE__
    make_float2 make_float4 make_uint4 make_int4 make_half2 printf assert
    __pipeline_memcpy_async __pipeline_commit __pipeline_wait_prior
    """.split()
)
VOCABULARY = TYPES | _KEYWORDS | _CUDA | frozenset(BUILTINS.entries) | frozenset(CONSTANTS)
DIRECTIVES = frozenset("include define undef if ifdef ifndef elif else endif pragma error".split())
_POINTER_MARKS = frozenset(("*", "&", "const", "volatile", "__restrict__"))
_TYPE_HEADS = frozenset(("struct", "class", "typename", "using", "enum"))
_ALIGNMENTS = ("alignas", "__align__")


def own_names(text: Sequence[Token]) -> tuple[frozenset[str], frozenset[str]]:
    """(names that the text declares, those of them that are struct fields). ValueError at a name used undeclared."""
    return _Scan([t for t in _without_pragmas(text) if t.kind not in (Kind.SPACE, Kind.COMMENT, Kind.SPLICE)]).run()


def is_member(solid: Sequence[Token], at: int) -> bool:
    """Whether the token at `at` is named after `.` or `->`; `solid` has no spaces or comments."""
    return at > 0 and solid[at - 1].text in (".", "->")


def _without_pragmas(text: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    inside = False
    for token in text:
        if token.kind is Kind.NEWLINE:
            inside = False
        if token.text == "pragma" and kept and kept[-1].text == "#":
            kept.pop()
            inside = True
        if not inside:
            kept.append(token)
    return kept


class _Scan:
    """One pass over the text that remembers open brackets, declared types, names and fields."""

    def __init__(self, solid: list[Token]) -> None:
        self.directive = [t.kind is Kind.NAME and i > 0 and solid[i - 1].text == "#" for i, t in enumerate(solid)]
        self.solid = solid
        self.types: set[str] = set()
        self.names: set[str] = set()
        self.fields: set[str] = set()
        self.open: list[str] = []

    def run(self) -> tuple[frozenset[str], frozenset[str]]:
        for at, token in enumerate(self.solid):
            if token.kind is Kind.MARK:
                self._bracket(at, token.text)
            elif token.kind is Kind.NAME and not self._known(at):
                self._declare(at, token.text)
        return frozenset(self.names), frozenset(self.fields)

    def _known(self, at: int) -> bool:
        return self.directive[at] or self.solid[at].text in VOCABULARY or is_member(self.solid, at)

    def _bracket(self, at: int, mark: str) -> None:
        if mark in ("(", "[", "{"):
            struct = mark == "{" and at > 1 and self._before(at - 1) in ("struct", "class")
            loop = mark == "(" and at > 0 and self.solid[at - 1].text == "for"
            self.open.append("struct" if struct else "for" if loop else mark)
        elif mark in (")", "]", "}"):
            if not self.open:
                raise ValueError(f"unbalanced {mark!r}")
            self.open.pop()

    def _declare(self, at: int, name: str) -> None:
        declares = self._declares(at)
        if declares and self._before(at) in _TYPE_HEADS:
            self.types.add(name)
        if declares and self.open[-1:] == ["struct"]:
            self.fields.add(name)
        if not declares and name not in self.names:
            raise ValueError(f"`{name}` is neither declared before its use nor in the known vocabulary")
        self.names.add(name)

    def _before(self, at: int) -> str:
        """The token before `at`; `struct` before the name in `struct alignas(16) name`."""
        at -= 1
        while at >= 0 and self.solid[at].kind is Kind.NEWLINE:
            at -= 1
        opened = self._opened(at)
        if opened > 1 and self.solid[opened - 1].text in _ALIGNMENTS and self.solid[opened - 2].text in _TYPE_HEADS:
            at = opened - 2
        return self.solid[at].text if at >= 0 else ""

    def _opened(self, at: int) -> int:
        """The index of the `(` that the `)` at `at` closes; -1 where there stands none."""
        depth = 0
        while at >= 0:
            depth += {")": 1, "(": -1}.get(self.solid[at].text, 0)
            if depth == 0:
                return at if self.solid[at].text == "(" else -1
            at -= 1
        return -1

    def _declares(self, at: int) -> bool:
        """Whether the name at `at` stands where a declaration puts one."""
        before = self._before(at)
        if before in ("define", "ifndef", "ifdef", "undef", "namespace") or before in _TYPE_HEADS:
            return True
        if before == ",":
            return self.open[-1:] in ([], ["{"], ["for"], ["struct"])
        return self._ends_type(at - 1)

    def _ends_type(self, at: int) -> bool:
        """Whether the tokens up to `at` end in a type, pointer marks and an opening `(` of a declarator included."""
        while at >= 0 and (self.solid[at].text in _POINTER_MARKS or self.solid[at].kind is Kind.NEWLINE):
            at -= 1
        if at >= 0 and self.solid[at].text == "(" and self.solid[at + 1].text in ("*", "&"):
            return self._ends_type(at - 1)
        if at >= 0 and self.solid[at].text == ")":
            return self._ends_attribute(at)
        if at >= 0 and self.solid[at].text == ">":
            at = self._template_head(at)
        return at >= 0 and (self.solid[at].text in TYPES or self.solid[at].text in self.types)

    def _ends_attribute(self, at: int) -> bool:
        """`void __launch_bounds__(256) name`: the type stands before the attribute."""
        at = self._opened(at)
        return at >= 1 and self.solid[at - 1].text in ("__launch_bounds__", *_ALIGNMENTS) and self._ends_type(at - 2)

    def _template_head(self, at: int) -> int:
        """The index of the name before the `<` that closes at `at`; -1 where there is none."""
        depth = 0
        while at >= 0:
            depth += {">": 1, "<": -1}.get(self.solid[at].text, 0)
            if depth == 0:
                return at - 1
            at -= 1
        return -1
