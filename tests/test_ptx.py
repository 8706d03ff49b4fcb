"""Reading nvcc's PTX: which source lines its barriers, shuffles and votes stem from, and which of the Kernel IR."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks")]

from ptx import CORPUS, ir_events, ptx_events

from tv import cuda_frontend
from tv.launch import CompileOptions

KERNEL = Path("/kernels/kernel.cu")
# As nvcc 13.0 writes it: a shuffle inside an inlined function, one in the inline assembly of a header, a grid barrier.
PTX = """
	.loc	1 11 3
	bar.sync 	0;
	.loc	1 12 3
	.loc	1 5 5, function_name $L__info_string0, inlined_at 1 12 3
	.loc	2 449 9, function_name $L__info_string1, inlined_at 1 5 5
	shfl.sync.bfly.b32 	%r18|%p2, %r14, %r16, %r15, %r17;
	.loc	1 13 3
	.loc	2 110 3, function_name $L__info_string2, inlined_at 1 13 3
	@%p7 bar.warp.sync 	-1;
	.loc	1 14 3
	.loc	2 122 3, function_name $L__info_string3, inlined_at 1 14 3
	vote.sync.any.pred 	%p1, %p7, %r17;
	.loc	1 15 5
	.loc	2 1875 5, function_name $L__info_string1, inlined_at 1 15 5
	.loc	2 1819 5, function_name $L__info_string3, inlined_at 2 1875 5
	{shfl.sync.up.b32 %r3,%r1,%r5,%r6,%r7;
	}
	.loc	1 16 3
	.loc	3 179 9, function_name $L__info_string9, inlined_at 1 16 3
	.loc	2 98 3, function_name $L__info_string13, inlined_at 3 179 9
	barrier.sync 	0;
	.file	1 "/kernels/kernel.cu"
	.file	2 "/cuda/include/sm_30_intrinsics.hpp"
	.file	3 "/cuda/include/cooperative_groups.h"
"""


def test_every_class_at_its_innermost_line() -> None:
    assert ptx_events(PTX, KERNEL) == {
        (11, "block barrier"), (5, "shuffle bfly"), (13, "warp barrier"), (14, "vote any"), (15, "shuffle up"),
        (16, "block barrier"),
    }  # fmt: skip


@pytest.mark.parametrize("instruction", ["match.any.sync.b32 %r1, %r2, %r3;", "activemask.b32 %r1;"])
def test_an_unknown_class_is_refused(instruction: str) -> None:
    with pytest.raises(ValueError, match="no known class"):
        ptx_events(PTX.replace("bar.sync 	0;", instruction), KERNEL)


def test_an_instruction_of_no_line_is_refused() -> None:
    with pytest.raises(ValueError, match="no line of the kernel"):
        ptx_events(PTX.replace("/kernels/", "/elsewhere/"), KERNEL)


def lines_of(text: str) -> set[tuple[int, str]]:
    return set(ir_events(cuda_frontend.read(KERNEL, text, CompileOptions())))


def test_a_barrier_in_a_spliced_comment_is_none() -> None:
    text = (CORPUS / "transpose" / "tiled__spliced_comment" / "kernel.cu").read_text()
    apart = text.replace("\\\n", "\n")
    assert apart != text
    assert {what for _, what in lines_of(apart) - lines_of(text)} == {"block barrier"}


def test_lines_inside_functions_and_every_scope() -> None:
    text = """#include <cooperative_groups.h>
__device__ float all(float v)
{
    return v + __shfl_down_sync(0xffffffffu, v, 16);
}
__global__ void k(const float* x, float* y)
{
    float v = all(x[threadIdx.x]);
    __syncwarp();
    __syncthreads();
    cooperative_groups::this_grid().sync();
    y[threadIdx.x] = __any_sync(0xffffffffu, v > 0.0f) ? v : 0.0f;
}
"""
    assert lines_of(text) == {
        (4, "shuffle down"), (9, "warp barrier"), (10, "block barrier"), (11, "block barrier"), (12, "vote any"),
    }  # fmt: skip
