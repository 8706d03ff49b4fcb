"""Every operator's meaning against onnx's reference evaluator, on generated values; layout and exact arithmetic bit for bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

from tests.graph_running import expected, from_bits, one_node, read_model, run, to_bits, values_of
from tv.graph_frontend import operators

RNG = np.random.default_rng(7)
F32, F16, F64, BF16, I64, I32, BOOL = (
    np.float32,
    np.float16,
    np.float64,
    ml_dtypes.bfloat16,
    np.int64,
    np.int32,
    np.bool_,
)


def real(*shape: int, dtype: Any = F32, scale: float = 1.0) -> Any:
    return (RNG.standard_normal(shape) * scale).astype(dtype)


def positive(*shape: int, dtype: Any = F32) -> Any:
    return (np.abs(real(*shape)) + 0.5).astype(dtype)


def special(*shape: int, dtype: Any = F32) -> Any:
    """Values with infinities, signed zeros and subnormals among them."""
    a = real(*shape, dtype=F32, scale=3.0).reshape(-1)
    odd = np.array([0.0, -0.0, np.inf, -np.inf, 1e-40, -1e-40, 6e-8, 65504.0, 1.0, -1.0], F32)
    a[: min(len(odd), len(a))] = odd[: len(a)]
    return a.reshape(shape).astype(dtype)


def whole(*shape: int, dtype: Any = F32, low: int = -4, high: int = 5) -> Any:
    """Small integers: sums of them are exact in every order, so any difference is a wrong meaning."""
    return RNG.integers(low, high, shape).astype(dtype)


def ints(*values: int) -> Any:
    return np.array(values, I64)


# name, operator, inputs, positions stored in the model, attributes, outputs, tolerance (0: same bits)
Case = tuple[str, str, list[Any], tuple[int, ...], dict[str, Any], int, float]
CASES: list[Case] = [
    ("add_broadcast", "Add", [special(2, 3, 4), special(3, 1)], (), {}, 1, 0),
    ("sub_f16", "Sub", [special(5, 4, dtype=F16), special(4, dtype=F16)], (), {}, 1, 0),
    ("mul_f64", "Mul", [special(7, dtype=F64), special(7, dtype=F64)], (), {}, 1, 0),
    ("div", "Div", [special(13), special(13)[::-1].copy()], (), {}, 1, 0),
    ("div_f16", "Div", [real(64, dtype=F16), real(64, dtype=F16)], (), {}, 1, 0),
    ("add_int_wraps", "Add", [np.array([2**31 - 1, 5], I32), np.array([1, -7], I32)], (), {}, 1, 0),
    ("mul_uint8", "Mul", [np.array([200, 7], np.uint8), np.array([3, 9], np.uint8)], (), {}, 1, 0),
    ("mod_signs", "Mod", [ints(7, -7, 7, -7, 0), ints(3, 3, -3, -3, 5)], (), {}, 1, 0),
    ("fmod_int", "Mod", [ints(7, -7, 7, -7, 0), ints(3, 3, -3, -3, 5)], (), {"fmod": 1}, 1, 0),
    ("fmod", "Mod", [special(40), positive(40)], (), {"fmod": 1}, 1, 0),
    ("fmod_f16", "Mod", [real(40, dtype=F16, scale=9), real(40, dtype=F16)], (), {"fmod": 1}, 1, 0),
    ("neg", "Neg", [special(12)], (), {}, 1, 0),
    ("neg_i32", "Neg", [np.array([3, -(2**31)], I32)], (), {}, 1, 0),
    ("abs", "Abs", [special(12, dtype=F16)], (), {}, 1, 0),
    ("abs_i64", "Abs", [ints(-5, 4, 0)], (), {}, 1, 0),
    ("sqrt", "Sqrt", [np.abs(special(40))], (), {}, 1, 0),
    ("sqrt_f16", "Sqrt", [np.abs(real(99, dtype=F16))], (), {}, 1, 0),
    ("reciprocal", "Reciprocal", [special(20)], (), {}, 1, 0),
    ("floor", "Floor", [real(20, scale=4)], (), {}, 1, 0),
    ("ceil", "Ceil", [real(20, scale=4)], (), {}, 1, 0),
    ("round_half_even", "Round", [np.array([0.5, 1.5, 2.5, -0.5, -1.5, 2.4], F32)], (), {}, 1, 0),
    ("exp", "Exp", [real(30)], (), {}, 1, 3e-7),
    ("log_f16", "Log", [np.abs(real(30, dtype=F16)) + F16(0.1)], (), {}, 1, 2e-3),
    ("sin", "Sin", [real(30)], (), {}, 1, 3e-7),
    ("cos", "Cos", [real(30)], (), {}, 1, 3e-7),
    ("tanh", "Tanh", [real(30)], (), {}, 1, 3e-7),
    ("erf", "Erf", [real(30)], (), {}, 1, 3e-7),
    ("sigmoid", "Sigmoid", [real(30)], (), {}, 1, 3e-7),
    ("sigmoid_f16", "Sigmoid", [real(30, dtype=F16)], (), {}, 1, 1e-3),
    ("pow_2", "Pow", [real(30), np.array(2.0, F32)], (1,), {}, 1, 2e-7),
    ("pow_3_f16", "Pow", [real(30, dtype=F16), np.array(3.0, F16)], (1,), {}, 1, 1e-3),
    ("pow_half", "Pow", [np.abs(real(30)), np.array(0.5, F32)], (1,), {}, 1, 2e-7),
    ("pow_data", "Pow", [np.abs(real(30)), real(30)], (), {}, 1, 1e-5),
    ("relu", "Relu", [special(20)], (), {}, 1, 0),
    ("max_three", "Max", [real(4, 3), real(3), real(4, 1)], (), {}, 1, 0),
    ("min_i64", "Min", [ints(3, -5, 7), ints(4, -6, 7)], (), {}, 1, 0),
    ("clip", "Clip", [real(20), np.array(-0.5, F32), np.array(0.7, F32)], (1, 2), {}, 1, 0),
    ("clip_low_only", "Clip", [real(20), np.array(-0.5, F32)], (1,), {}, 1, 0),
    ("where", "Where", [RNG.integers(0, 2, (3, 4)).astype(BOOL), real(4), real(3, 1)], (), {}, 1, 0),
    ("equal", "Equal", [whole(20), whole(20)], (), {}, 1, 0),
    ("less", "Less", [whole(20), whole(20)], (), {}, 1, 0),
    ("less_or_equal_i64", "LessOrEqual", [whole(20, dtype=I64), whole(20, dtype=I64)], (), {}, 1, 0),
    ("greater_nan", "Greater", [np.array([1, np.nan, 3], F32), np.array([0, 1, np.nan], F32)], (), {}, 1, 0),
    ("greater_or_equal", "GreaterOrEqual", [whole(20), whole(20)], (), {}, 1, 0),
    ("and", "And", [RNG.integers(0, 2, 9).astype(BOOL), RNG.integers(0, 2, 9).astype(BOOL)], (), {}, 1, 0),
    ("and_known", "And", [RNG.integers(0, 2, (3, 9)).astype(BOOL), RNG.integers(0, 2, 9).astype(BOOL)], (1,), {}, 1, 0),
    ("or_known", "Or", [RNG.integers(0, 2, 9).astype(BOOL), RNG.integers(0, 2, (3, 9)).astype(BOOL)], (0,), {}, 1, 0),
    ("xor_known", "Xor", [RNG.integers(0, 2, (3, 1)).astype(BOOL), RNG.integers(0, 2, (1, 9)).astype(BOOL)], (0,), {}, 1, 0),
    ("or", "Or", [RNG.integers(0, 2, 9).astype(BOOL), RNG.integers(0, 2, 9).astype(BOOL)], (), {}, 1, 0),
    ("xor", "Xor", [RNG.integers(0, 2, 9).astype(BOOL), RNG.integers(0, 2, 9).astype(BOOL)], (), {}, 1, 0),
    ("not", "Not", [RNG.integers(0, 2, 9).astype(BOOL)], (), {}, 1, 0),
    ("isnan", "IsNaN", [np.array([1, np.nan, np.inf], F32)], (), {}, 1, 0),
    ("cast_f16_f32", "Cast", [special(20, dtype=F16)], (), {"to": T.FLOAT}, 1, 0),
    ("cast_f32_f16", "Cast", [special(40)], (), {"to": T.FLOAT16}, 1, 0),
    ("cast_f64_f16", "Cast", [special(40, dtype=F64)], (), {"to": T.FLOAT16}, 1, 0),
    ("cast_f32_bf16", "Cast", [special(40)], (), {"to": T.BFLOAT16}, 1, 0),
    ("cast_f32_i32", "Cast", [real(40, scale=100)], (), {"to": T.INT32}, 1, 0),
    ("cast_i64_f32", "Cast", [RNG.integers(-(2**40), 2**40, 30)], (), {"to": T.FLOAT}, 1, 0),
    ("cast_i64_f16", "Cast", [RNG.integers(-(2**17), 2**17, 30)], (), {"to": T.FLOAT16}, 1, 0),
    ("cast_i64_i8", "Cast", [RNG.integers(-1000, 1000, 30)], (), {"to": T.INT8}, 1, 0),
    ("cast_bool", "Cast", [special(12)], (), {"to": T.BOOL}, 1, 0),
    ("cast_from_bool", "Cast", [RNG.integers(0, 2, 9).astype(BOOL)], (), {"to": T.FLOAT}, 1, 0),
    ("identity", "Identity", [special(12)], (), {}, 1, 0),
    ("matmul", "MatMul", [whole(5, 7), whole(7, 6)], (), {}, 1, 0),
    ("matmul_vectors", "MatMul", [whole(7), whole(7)], (), {}, 1, 0),
    ("matmul_vector_left", "MatMul", [whole(7), whole(3, 7, 2)], (), {}, 1, 0),
    ("matmul_vector_right", "MatMul", [whole(3, 2, 7), whole(7)], (), {}, 1, 0),
    ("matmul_batched", "MatMul", [whole(2, 1, 3, 7), whole(4, 7, 2)], (), {}, 1, 0),
    ("matmul_f16", "MatMul", [whole(5, 7, dtype=F16), whole(7, 6, dtype=F16)], (), {}, 1, 0),
    ("matmul_i32", "MatMul", [whole(5, 7, dtype=I32), whole(7, 6, dtype=I32)], (), {}, 1, 0),
    ("gemm", "Gemm", [whole(5, 7), whole(6, 7), whole(6)], (), {"transB": 1, "alpha": 2.0, "beta": 0.5}, 1, 0),
    ("gemm_a", "Gemm", [whole(7, 5), whole(7, 6), whole(5, 1)], (), {"transA": 1}, 1, 0),
    ("gemm_plain_f16", "Gemm", [whole(5, 7, dtype=F16), whole(7, 6, dtype=F16)], (), {}, 1, 0),
    ("reduce_sum", "ReduceSum", [whole(3, 4, 5), ints(0, -1)], (1,), {"keepdims": 0}, 1, 0),
    ("reduce_sum_all", "ReduceSum", [whole(3, 4, 5)], (), {}, 1, 0),
    ("reduce_sum_none", "ReduceSum", [whole(3, 4)], (), {"noop_with_empty_axes": 1}, 1, 0),
    ("reduce_sum_i64", "ReduceSum", [whole(3, 4, dtype=I64), ints(1)], (1,), {}, 1, 0),
    ("reduce_sum_f16", "ReduceSum", [whole(3, 4, dtype=F16), ints(1)], (1,), {}, 1, 0),
    ("reduce_mean", "ReduceMean", [whole(3, 8), ints(1)], (1,), {}, 1, 0),
    ("reduce_l1", "ReduceL1", [whole(3, 8), ints(1)], (1,), {}, 1, 0),
    ("reduce_l2", "ReduceL2", [whole(3, 8), ints(1)], (1,), {}, 1, 0),
    ("reduce_sum_square", "ReduceSumSquare", [whole(3, 8), ints(0)], (1,), {}, 1, 0),
    ("reduce_max", "ReduceMax", [real(3, 8), ints(1)], (1,), {"keepdims": 0}, 1, 0),
    ("reduce_min_i64", "ReduceMin", [whole(3, 8, dtype=I64), ints(-1)], (1,), {}, 1, 0),
    ("cumsum", "CumSum", [whole(3, 5), np.array(1, I64)], (1,), {}, 1, 0),
    ("cumsum_exclusive", "CumSum", [whole(3, 5), np.array(0, I64)], (1,), {"exclusive": 1}, 1, 0),
    ("transpose", "Transpose", [special(2, 3, 4)], (), {"perm": [2, 0, 1]}, 1, 0),
    ("transpose_default", "Transpose", [special(2, 3, 4)], (), {}, 1, 0),
    ("reshape_merge", "Reshape", [real(2, 3, 4), ints(6, 4)], (1,), {}, 1, 0),
    ("reshape_split", "Reshape", [real(6, 4), ints(2, -1, 4)], (1,), {}, 1, 0),
    ("reshape_crossing", "Reshape", [real(6, 4), ints(4, 6)], (1,), {}, 1, 0),
    ("reshape_ones", "Reshape", [real(1, 6, 1, 4), ints(6, 1, 2, 2)], (1,), {}, 1, 0),
    ("reshape_scalar", "Reshape", [real(1, 1), np.array([], I64)], (1,), {}, 1, 0),
    ("flatten", "Flatten", [real(2, 3, 4, 5)], (), {"axis": 2}, 1, 0),
    ("flatten_zero", "Flatten", [real(2, 3)], (), {"axis": 0}, 1, 0),
    ("squeeze", "Squeeze", [real(1, 3, 1, 2), ints(0, 2)], (1,), {}, 1, 0),
    ("squeeze_all", "Squeeze", [real(1, 3, 1, 2)], (), {}, 1, 0),
    ("unsqueeze", "Unsqueeze", [real(3, 2), ints(0, -1)], (1,), {}, 1, 0),
    ("expand", "Expand", [real(3, 1), ints(2, 1, 4)], (1,), {}, 1, 0),
    ("tile", "Tile", [real(2, 3), ints(2, 3)], (1,), {}, 1, 0),
    ("concat", "Concat", [real(2, 3), real(2, 1), real(2, 4)], (), {"axis": -1}, 1, 0),
    ("split_equal", "Split", [real(6, 3)], (), {"axis": 0, "num_outputs": 2}, 2, 0),
    ("split_sizes", "Split", [real(3, 7), ints(2, 5)], (1,), {"axis": 1}, 2, 0),
    ("slice", "Slice", [real(9, 8), ints(1, -6), ints(100, -1), ints(0, 1)], (1, 2, 3), {}, 1, 0),
    ("slice_steps", "Slice", [real(9, 8), ints(7, 1), ints(-10, 8), ints(0, 1), ints(-2, 3)], (1, 2, 3, 4), {}, 1, 0),
    ("slice_all", "Slice", [real(9, 8), ints(0), ints(2**63 - 1), ints(1)], (1, 2, 3), {}, 1, 0),
    ("slice_empty", "Slice", [real(9, 8), ints(5), ints(2)], (1, 2), {}, 1, 0),
    ("trilu", "Trilu", [real(2, 4, 5)], (), {}, 1, 0),
    ("tril_shift", "Trilu", [real(4, 5), np.array(1, I64)], (1,), {"upper": 0}, 1, 0),
    ("pad", "Pad", [real(3, 4), ints(1, 0, 0, 2), np.array(7, F32)], (1, 2), {}, 1, 0),
    ("gather", "Gather", [real(5, 3), np.array([[0, 4], [2, -1]], I64)], (), {"axis": 0}, 1, 0),
    ("gather_known", "Gather", [real(5, 3), np.array([2, -1, 0], I64)], (1,), {"axis": 1}, 1, 0),
    ("gather_scalar_index", "Gather", [real(5, 3), np.array(2, I64)], (1,), {"axis": 1}, 1, 0),
    ("gather_i32", "Gather", [whole(5, 3, dtype=I64), np.array([-2, 1], I32)], (), {"axis": 1}, 1, 0),
    ("gather_nd", "GatherND", [real(4, 3, 5), np.array([[0, 1], [3, -1]], I64)], (), {}, 1, 0),
    ("gather_nd_known", "GatherND", [real(4, 3, 5), np.array([[0, 1], [3, -1], [-4, 2]], I64)], (1,), {}, 1, 0),
    ("gather_nd_known_row", "GatherND", [real(4, 3, 5), np.array([[[2]], [[-1]]], I64)], (1,), {}, 1, 0),
    ("gather_nd_known_batch", "GatherND", [real(2, 3, 5), np.array([[1, 4], [-3, 0]], I64)], (1,), {"batch_dims": 1}, 1, 0),
    ("gather_nd_batch", "GatherND", [real(2, 3, 5), np.array([[1], [0]], I64)], (), {"batch_dims": 1}, 1, 0),
    ("scatter_nd", "ScatterND", [real(4, 3), np.array([[1], [3]], I64), real(2, 3)], (), {}, 1, 0),
    ("scatter_nd_known", "ScatterND", [real(4, 3), np.array([[1], [3], [1]], I64), real(3, 3)], (1,), {}, 1, 0),
    ("scatter_nd_deep", "ScatterND", [real(4, 3), np.array([[1, 2], [-1, 0]], I64), real(2)], (), {}, 1, 0),
    ("shape_slice", "Shape", [real(4, 3, 2)], (), {"start": 1}, 1, 0),
    ("size", "Size", [real(4, 3, 2)], (), {}, 1, 0),
    ("range", "Range", [np.array(3, I64), np.array(20, I64), np.array(4, I64)], (0, 1, 2), {}, 1, 0),
    ("range_down", "Range", [np.array(9, I64), np.array(0, I64), np.array(-2, I64)], (0, 1, 2), {}, 1, 0),
    ("constant_of_shape", "ConstantOfShape", [ints(2, 3)], (0,), {}, 1, 0),
    ("top_k", "TopK", [whole(3, 6), ints(4)], (1,), {}, 2, 0),
    ("top_k_smallest", "TopK", [real(6, 3), ints(2)], (1,), {"largest": 0, "axis": 0}, 2, 0),
    ("arg_max_ties", "ArgMax", [whole(3, 6)], (), {"axis": 1, "keepdims": 0}, 1, 0),
    ("arg_min_last", "ArgMin", [whole(3, 6)], (), {"axis": 1, "select_last_index": 1}, 1, 0),
    ("softmax", "Softmax", [real(3, 8)], (), {}, 1, 2e-6),
    ("softmax_f16", "Softmax", [real(3, 8, dtype=F16)], (), {"axis": 0}, 1, 1e-3),
    ("log_softmax", "LogSoftmax", [real(3, 8)], (), {}, 1, 2e-6),
    ("gelu", "Gelu", [real(30)], (), {}, 1, 1e-6),
    ("gelu_tanh", "Gelu", [real(30)], (), {"approximate": "tanh"}, 1, 1e-6),
    ("layer_norm", "LayerNormalization", [real(3, 8), real(8), real(8)], (), {"epsilon": 1e-5}, 1, 1e-5),
    ("layer_norm_f16", "LayerNormalization", [real(3, 8, dtype=F16), real(8, dtype=F16)], (), {}, 1, 5e-3),
    ("rms_norm", "RMSNormalization", [real(3, 8), real(8)], (), {}, 1, 1e-5),
    ("hard_swish", "HardSwish", [real(30)], (), {}, 1, 1e-6),
    ("leaky_relu", "LeakyRelu", [real(30)], (), {"alpha": 0.1}, 1, 1e-6),
    ("elu", "Elu", [real(30)], (), {}, 1, 1e-6),
    ("softplus", "Softplus", [real(30)], (), {}, 1, 1e-6),
    ("mish", "Mish", [real(30)], (), {}, 1, 2e-6),
    ("group_norm", "GroupNormalization", [real(2, 4, 3), real(4), real(4)], (), {"num_groups": 2}, 1, 1e-5),
    ("swish", "Swish", [real(30)], (), {"alpha": 1.5}, 1, 1e-6),
    ("sum_three", "Sum", [real(4, 3), real(3), real(4, 1)], (), {}, 1, 0),
    ("mean_two", "Mean", [whole(4, 3), whole(3)], (), {}, 1, 0),
    ("sign", "Sign", [whole(12)], (), {}, 1, 0),
    ("isinf", "IsInf", [special(12)], (), {"detect_negative": 0}, 1, 0),
    ("dropout", "Dropout", [real(12)], (), {}, 1, 0),
    ("dequantize", "DequantizeLinear", [RNG.integers(-128, 128, (3, 4)).astype(np.int8), np.abs(real(4)), whole(4, dtype=np.int8)], (), {}, 1, 0),
    ("dequantize_blocks", "DequantizeLinear", [RNG.integers(0, 255, (4, 3)).astype(np.uint8), np.abs(real(2, 3))], (), {"axis": 0, "block_size": 2}, 1, 0),
    ("quantize", "QuantizeLinear", [real(3, 40, scale=300), np.array(1.5, F32), np.array(3, np.int8)], (), {}, 1, 0),
    ("quantize_halves", "QuantizeLinear", [np.array([0.5, 1.5, 2.5, -0.5, 1000, -1000], F32), np.array(1.0, F32), np.array(7, np.uint8)], (), {}, 1, 0),
    ("einsum_matmul", "Einsum", [whole(2, 3, 4), whole(2, 4, 5)], (), {"equation": "bij,bjk->bik"}, 1, 0),
    ("einsum_implicit", "Einsum", [whole(3, 4, dtype=F16), whole(4, 5, dtype=F16)], (), {"equation": "ij,jk"}, 1, 0),
    ("einsum_diagonal", "Einsum", [whole(3, 3)], (), {"equation": "ii->i"}, 1, 0),
    ("einsum_outer", "Einsum", [whole(3), whole(4), whole(4, 2)], (), {"equation": "a,b,bc->ca"}, 1, 0),
    ("conv", "Conv", [whole(2, 3, 7, 6), whole(4, 3, 3, 2), whole(4)], (), {"pads": [1, 0, 2, 1], "strides": [2, 1]}, 1, 0),
    ("conv_grouped_f16", "Conv", [whole(1, 4, 9, dtype=F16), whole(6, 2, 3, dtype=F16)], (), {"group": 2, "dilations": [2]}, 1, 0),
    ("bitwise_and", "BitwiseAnd", [whole(9, dtype=I32, low=-99, high=99), whole(9, dtype=I32, low=-99, high=99)], (), {}, 1, 0),
    ("bitwise_or_u8", "BitwiseOr", [whole(9, dtype=np.uint8, low=0, high=255), whole(1, dtype=np.uint8, low=0, high=255)], (), {}, 1, 0),
    ("bitwise_xor", "BitwiseXor", [whole(3, 4, dtype=I64, low=-99), whole(4, dtype=I64, low=-99)], (), {}, 1, 0),
    ("bitwise_not", "BitwiseNot", [whole(9, dtype=np.int16, low=-99, high=99)], (), {}, 1, 0),
    ("shift_left", "BitShift", [whole(9, dtype=np.uint8, low=0, high=255), whole(9, dtype=np.uint8, low=0, high=7)], (), {"direction": "LEFT"}, 1, 0),
    ("shift_right", "BitShift", [whole(9, dtype=np.uint32, low=0, high=2**32 - 1), whole(9, dtype=np.uint32, low=0, high=31)], (), {"direction": "RIGHT"}, 1, 0),
    ("reduce_prod", "ReduceProd", [whole(3, 5), ints(1)], (1,), {}, 1, 0),
    ("reduce_prod_i32", "ReduceProd", [whole(3, 5, dtype=I32)], (), {"keepdims": 0}, 1, 0),
    ("cumsum_reverse", "CumSum", [whole(3, 5), np.array(1, I64)], (1,), {"reverse": 1}, 1, 0),
    ("cumsum_both", "CumSum", [whole(3, 5, dtype=I64), np.array(0, I64)], (1,), {"reverse": 1, "exclusive": 1}, 1, 0),
    ("pad_edge", "Pad", [real(3, 4), ints(1, 3, 2, 2)], (1,), {"mode": "edge"}, 1, 0),
    ("pad_reflect", "Pad", [real(3, 4), ints(2, 3, 1, 2)], (1,), {"mode": "reflect"}, 1, 0),
    ("pad_wrap", "Pad", [real(3, 4), ints(4, 0, 2, 9)], (1,), {"mode": "wrap"}, 1, 0),
    ("gather_elements", "GatherElements", [real(4, 3), np.array([[0, 3, -1], [2, -4, 1]], I64)], (), {"axis": 0}, 1, 0),
    ("gather_elements_known", "GatherElements", [real(2, 3), np.array([[0, -1], [2, 1]], I64)], (1,), {"axis": 1}, 1, 0),
    ("scatter_elements", "ScatterElements", [real(4, 3), np.array([[0, 3, -1], [2, 3, 1]], I64), real(2, 3)], (), {"axis": 0}, 1, 0),
    ("scatter_elements_twice", "ScatterElements", [real(2, 5), np.array([[1, 1], [0, -1]], I64), real(2, 2)], (), {"axis": 1}, 1, 0),
    ("tensor_scatter", "TensorScatter", [real(2, 3, 6, 2), real(2, 3, 2, 2), ints(1, 4)], (2,), {}, 1, 0),
    ("tensor_scatter_front", "TensorScatter", [real(2, 6, 2), real(2, 3, 2)], (), {"axis": 1}, 1, 0),
    ("one_hot", "OneHot", [np.array([[0, 3], [-1, 2]], I64), np.array(4, I64), np.array([2.0, 5.0], F32)], (1,), {}, 1, 0),
    ("one_hot_first", "OneHot", [np.array([1, 2], I64), np.array(3, I64), np.array([0, 1], I64)], (0, 1), {"axis": 0}, 1, 0),
    ("eye_like", "EyeLike", [real(3, 5)], (), {"k": 1, "dtype": T.INT64}, 1, 0),
    ("max_pool", "MaxPool", [real(2, 3, 8, 7)], (), {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}, 1, 0),
    ("max_pool_ceil", "MaxPool", [real(1, 2, 9)], (), {"kernel_shape": [3], "strides": [2], "ceil_mode": 1, "dilations": [2]}, 1, 0),
    ("max_pool_same", "MaxPool", [real(1, 2, 6, 8)], (), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}, 1, 0),
    ("average_pool", "AveragePool", [whole(2, 3, 8, 7)], (), {"kernel_shape": [2, 4], "strides": [2, 1]}, 1, 0),
    ("average_pool_pads", "AveragePool", [whole(1, 2, 6, 6)], (), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, 1, 0),
    ("average_pool_counted", "AveragePool", [whole(1, 2, 6, 6)], (), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, 1, 0),
    ("global_average", "GlobalAveragePool", [whole(2, 3, 4, 2)], (), {}, 1, 0),
    ("global_max", "GlobalMaxPool", [real(2, 3, 4, 2)], (), {}, 1, 0),
    ("conv_same", "Conv", [whole(1, 2, 7, 6), whole(3, 2, 3, 4)], (), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, 1, 0),
    ("conv_valid", "Conv", [whole(1, 2, 7, 6), whole(3, 2, 3, 4)], (), {"auto_pad": "VALID"}, 1, 0),
    ("einsum_ellipsis", "Einsum", [whole(2, 3, 4, 5), whole(5, 6)], (), {"equation": "...ij,jk->...ik"}, 1, 0),
    ("einsum_ellipsis_broadcast", "Einsum", [whole(2, 1, 4), whole(3, 4)], (), {"equation": "...i,...i->..."}, 1, 0),
    ("matmul_integer", "MatMulInteger", [whole(3, 5, dtype=np.uint8, low=0, high=255), whole(5, 4, dtype=np.int8, low=-128, high=127), np.array(7, np.uint8), np.array([1, -2, 3, 0], np.int8)], (), {}, 1, 0),
    ("attention_3d", "Attention", [real(2, 3, 16), real(2, 5, 8), real(2, 5, 8)], (), {"q_num_heads": 4, "kv_num_heads": 2}, 1, 1e-5),
    ("attention_softcap", "Attention", [real(1, 4, 3, 8), real(1, 2, 5, 8), real(1, 2, 5, 8)], (), {"softcap": 2.0, "scale": 0.3}, 1, 1e-5),
    ("attention_bool_mask", "Attention", [real(1, 2, 3, 8), real(1, 2, 5, 8), real(1, 2, 5, 8), np.array([[1, 0, 1, 1, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 1]], BOOL)], (), {}, 1, 1e-5),
    ("attention_float_mask", "Attention", [real(1, 2, 3, 8), real(1, 2, 5, 8), real(1, 2, 5, 8), real(3, 5)], (), {}, 1, 1e-5),
    ("attention_past", "Attention", [real(1, 2, 1, 8), real(1, 2, 1, 8), real(1, 2, 1, 8), None, real(1, 2, 5, 8), real(1, 2, 5, 8)], (), {}, 3, 1e-5),
    ("attention_past_causal", "Attention", [real(1, 2, 3, 8), real(1, 2, 3, 8), real(1, 2, 3, 8), None, real(1, 2, 5, 8), real(1, 2, 5, 8)], (), {"is_causal": 1}, 3, 1e-5),
    ("attention_weights", "Attention", [real(1, 2, 3, 8), real(1, 2, 5, 8), real(1, 2, 5, 8)], (), {"qk_matmul_output_mode": 3}, 4, 1e-5),
    ("rotary_interleaved", "RotaryEmbedding", [real(1, 2, 3, 8), real(1, 3, 4), real(1, 3, 4)], (), {"interleaved": 1}, 1, 1e-6),
    ("rotary_part", "RotaryEmbedding", [real(1, 2, 3, 8), real(1, 3, 2), real(1, 3, 2)], (), {"rotary_embedding_dim": 4}, 1, 1e-6),
    ("rotary_3d", "RotaryEmbedding", [real(1, 3, 16), real(1, 3, 4), real(1, 3, 4)], (), {"num_heads": 2}, 1, 1e-6),
    ("rotary_positions", "RotaryEmbedding", [real(1, 2, 3, 8), real(10, 4), real(10, 4), np.array([[4, 0, 9]], I64)], (), {}, 1, 1e-6),
    ("batch_norm", "BatchNormalization", [real(2, 3, 4, 5), real(3), real(3), real(3), positive(3)], (), {"epsilon": 1e-4}, 1, 1e-5),
    ("batch_norm_f16", "BatchNormalization", [real(2, 3, dtype=F16), *(real(3, dtype=F16) for _ in range(3)), positive(3, dtype=F16)], (), {}, 1, 5e-3),
    ("instance_norm", "InstanceNormalization", [real(2, 3, 4, 5), real(3), real(3)], (), {"epsilon": 1e-4}, 1, 1e-5),
    ("lp_norm", "LpNormalization", [real(2, 3, 4)], (), {"axis": 1}, 1, 1e-6),
    ("lp_norm_1", "LpNormalization", [positive(2, 3, 4)], (), {"p": 1}, 1, 1e-6),
    ("lp_norm_of_zeros", "LpNormalization", [np.zeros((2, 3), F32)], (), {}, 1, 0),
    ("resize", "Resize", [real(1, 2, 4, 3), None, np.array([1, 1, 2, 3], F32)], (2,), {}, 1, 0),
    ("resize_down", "Resize", [real(1, 2, 4, 8), None, np.array([1, 1, 0.5, 0.25], F32)], (2,), {"nearest_mode": "ceil"}, 1, 0),
    ("resize_floor", "Resize", [real(1, 2, 4, 3), None, np.array([1, 1, 4, 0.5], F32)], (2,), {"nearest_mode": "floor"}, 1, 0),
    ("resize_sizes", "Resize", [real(1, 2, 4, 3), None, None, ints(1, 2, 8, 3)], (3,),
     {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, 1, 0),
    ("resize_axes", "Resize", [real(1, 4, 3), None, np.array([3, 2], F32)], (2,), {"axes": [2, 1], "nearest_mode": "round_prefer_ceil"}, 1, 0),
    ("conv_transpose", "ConvTranspose", [whole(2, 3, 4, 5), whole(3, 4, 3, 2), whole(4)], (),
     {"strides": [2, 1], "pads": [1, 0, 0, 1], "output_padding": [1, 0]}, 1, 0),
    ("conv_transpose_f16", "ConvTranspose", [whole(1, 2, 5, dtype=F16), whole(2, 3, 3, dtype=F16)], (), {"dilations": [2], "strides": [3]}, 1, 0),
    ("attention", "Attention", [real(1, 4, 3, 8), real(1, 2, 5, 8), real(1, 2, 5, 8)], (), {"is_causal": 0}, 1, 1e-5),
    ("attention_causal", "Attention", [real(1, 2, 5, 8), real(1, 2, 5, 8), real(1, 2, 5, 8)], (), {"is_causal": 1}, 1, 1e-5),
    ("rotary", "RotaryEmbedding", [real(1, 2, 3, 8), real(1, 3, 4), real(1, 3, 4)], (), {}, 1, 1e-6),
]  # fmt: skip


def same(got: Any, want: Any, tolerance: float) -> None:
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if tolerance:
        np.testing.assert_allclose(got.astype(F64), want.astype(F64), rtol=tolerance, atol=tolerance)
        return
    a, b = to_bits(got), to_bits(np.asarray(want))
    if got.dtype.kind == "f" or got.dtype == BF16:
        nan = np.isnan(got.astype(F64))
        assert (nan == np.isnan(want.astype(F64))).all()
        a, b = np.where(nan, 0, a), np.where(nan, 0, b)
    np.testing.assert_array_equal(a, b)


def model_of(case: Case, opset: int = 24, shapes: Any = None) -> tuple[onnx.ModelProto, dict[str, Any], dict[str, Any]]:
    """The case as a model with its true output types, its feeds, and the reference's outputs."""
    _, op, arrays, constants, attributes, outputs, _ = case
    rough = one_node(op, arrays, outputs, opset, shapes, constants, attributes, [1] * outputs, [0] * outputs)
    feeds = {f"x{k}": a for k, a in enumerate(arrays) if k not in constants and a is not None}
    want = expected(rough, feeds)
    for o in rough.graph.output:
        o.CopyFrom(
            onnx.helper.make_tensor_value_info(
                o.name, onnx.helper.np_dtype_to_tensor_dtype(want[o.name].dtype), [None] * want[o.name].ndim
            )
        )
    return rough, feeds, want


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_operator_means_what_the_reference_computes(case: Case, tmp_path: Path) -> None:
    model, feeds, want = model_of(case)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    got = run(path, model, feeds)
    for name, w in want.items():
        same(got[name], w, case[6])


def test_negative_pads_cut(tmp_path: Path) -> None:
    """onnx's reference has none."""
    x = real(5, 4)
    pads = helper.make_tensor("pads", T.INT64, [4], [-1, 2, -2, 0])
    ends = [helper.make_tensor_value_info(n, T.FLOAT, d) for n, d in (("x", [5, 4]), ("y", [2, 6]))]
    g = helper.make_graph([helper.make_node("Pad", ["x", "pads"], ["y"])], "g", ends[:1], ends[1:], [pads])
    model = helper.make_model(g, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    onnx.save(model, tmp_path / "m.onnx")
    same(run(tmp_path / "m.onnx", model, {"x": x})["y"], np.pad(x[1:3], ((0, 0), (2, 0))), 0)


def test_every_operator_has_a_case() -> None:
    covered = {c[1] for c in CASES}
    elsewhere = {
        "CastLike",
        "Constant",
        "Tan",
        "Sinh",
        "Cosh",
        "Atan",
        "Asin",
        "Acos",
        "BitCast",
        "Asinh",
        "Acosh",
        "Atanh",
        "CumProd",
    }  # bodies, or one handler with the others
    own = {op for op, meaning in operators().items() if meaning != "its official function body" and "." not in op}
    assert own - covered - elsewhere == set()


SQRT2 = 2.0**0.5


def gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))


def layer_norm(x: Any, epsilon: float) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)


CONTRIB: list[tuple[str, list[Any], dict[str, Any], Any]] = [
    ("QuickGelu", [real(3, 8)], {"alpha": 1.5}, lambda x: x / (1 + np.exp(-1.5 * x))),
    ("Gelu", [real(3, 8)], {}, lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / SQRT2))),
    ("BiasGelu", [real(3, 8), real(8)], {}, lambda x, b: (x + b) * 0.5 * (1 + np.vectorize(math.erf)((x + b) / SQRT2))),
    ("FastGelu", [real(3, 8)], {}, lambda x: gelu_tanh(x)),
    ("FastGelu", [real(3, 8), real(8)], {}, lambda x, b: gelu_tanh(x + b)),
    ("SkipLayerNormalization", [real(3, 8), real(3, 8), real(8), real(8)], {"epsilon": 1e-3},
     lambda x, k, s, t: layer_norm(x + k, 1e-3) * s + t),
    ("SkipLayerNormalization", [real(3, 8), real(3, 8), real(8), real(8), real(8)], {},
     lambda x, k, s, t, b: layer_norm(x + k + b, 1e-12) * s + t),
    ("SimplifiedLayerNormalization", [real(3, 8), real(8)], {"epsilon": 1e-3},
     lambda x, s: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-3) * s),
    ("SkipSimplifiedLayerNormalization", [real(3, 8), real(3, 8), real(8)], {},
     lambda x, k, s: (x + k) / np.sqrt(((x + k) ** 2).mean(-1, keepdims=True) + 1e-5) * s),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [F32, F16])
@pytest.mark.parametrize("case", CONTRIB, ids=[c[0] for c in CONTRIB])
def test_contrib_operators(case: Any, dtype: Any, tmp_path: Path) -> None:
    op, arrays, attributes, formula = case
    arrays = [a.astype(dtype) for a in arrays]
    out_type = T.FLOAT16 if dtype is F16 else T.FLOAT
    model = one_node(op, arrays, 1, 18, None, (), {**attributes, "domain": "com.microsoft"}, [out_type], [2])
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    got = run(path, model, {f"x{k}": a for k, a in enumerate(arrays)})["y0"]
    want = formula(*(a.astype(F64) for a in arrays))
    tolerance = 2e-3 if dtype is F16 else 1e-5
    assert got.dtype == dtype
    np.testing.assert_allclose(got.astype(F64), want, rtol=tolerance, atol=tolerance)


def test_16_bit_sums_are_kept_in_f32_and_rounded_once(tmp_path: Path) -> None:
    """2048 + 1 is 2048 in f16: an f16 accumulator would lose every one of the ones."""
    x = np.array([[2048] + [1] * 8], F16)
    case: Case = ("", "ReduceSum", [x, ints(1)], (1,), {}, 1, 0)
    model, feeds, _ = model_of(case)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    assert float(run(path, model, feeds)["y0"][0, 0]) == 2056.0


def test_sums_ascend_from_plus_zero_with_rounded_products(tmp_path: Path) -> None:
    a, b = real(1, 300), real(300, 4)
    case: Case = ("", "MatMul", [a, b], (), {}, 1, 0)
    model, feeds, _ = model_of(case)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    want = np.zeros((1, 4), F32)
    for k in range(300):
        want = want + (a[:, k : k + 1] * b[k : k + 1, :]).astype(F32)
    same(run(path, model, feeds)["y0"], want, 0)


@pytest.mark.parametrize(("op", "values", "want"), [
    ("Relu", [np.nan, -0.0, -3.0, 2.0], [0.0, 0.0, 0.0, 2.0]),
    ("ReduceMax", [np.nan, -1.0, np.nan, -7.0], [-1.0]),
])  # fmt: skip
def test_nan_readings(op: str, values: list[float], want: list[float], tmp_path: Path) -> None:
    case: Case = ("", op, [np.array(values, F32)], (), {}, 1, 0)
    model, feeds, _ = model_of(case)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    got = run(path, model, feeds)["y0"].reshape(-1)
    assert to_bits(got).tolist() == to_bits(np.array(want, F32)).tolist()


def test_max_ignores_nan_and_orders_zeros_unless_strict(tmp_path: Path) -> None:
    a, b = np.array([np.nan, 1.0, -0.0, np.nan], F32), np.array([2.0, np.nan, 0.0, np.nan], F32)
    case: Case = ("", "Max", [a, b], (), {}, 1, 0)
    model, feeds, _ = model_of(case)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    loose, strict = run(path, model, feeds)["y0"], run(path, model, feeds, strict_nan=True)["y0"]
    assert loose[:2].tolist() == [2.0, 1.0]
    assert not np.signbit(loose[2])
    assert np.isnan(loose[3])
    assert np.isnan(strict[[0, 1, 3]]).all()
    assert strict[2] == 0.0


def test_16_bit_bodies_run_in_f32_unless_asked_otherwise(tmp_path: Path) -> None:
    x = real(4, 64, dtype=F16, scale=4)
    case: Case = ("", "Softmax", [x], (), {}, 1, 0)
    model, feeds, _ = model_of(case)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    wide = x.astype(F64)
    best = np.exp(wide - wide.max(1, keepdims=True))
    best = (best / best.sum(1, keepdims=True)).astype(F16)
    inside = run(path, model, feeds)["y0"]
    typed = run(path, model, feeds, body_precision="type")["y0"]
    assert (to_bits(inside) == to_bits(best)).mean() > 0.98
    assert (to_bits(typed) != to_bits(inside)).any()


@pytest.mark.parametrize(("name", "shapes"), [
    ("add_broadcast", [["A", "B", 4], ["B", 1]]), ("matmul_batched", [["A", 1, "M", 7], [4, 7, "N"]]), ("softmax", [["R", "C"]]),
    ("reshape_split", [[6, "C"], None]), ("concat", [["R", 3], ["R", "A"], ["R", "B"]]), ("transpose", [["A", "B", "C"]]),
    ("rms_norm", [["R", 8], [8]]), ("gather", [[5, "C"], ["A", 2]]), ("attention", [[1, 4, "S", 8], [1, 2, "P", 8], [1, 2, "P", 8]]),
    ("slice_all", [["R", 8], None, None, None]), ("cumsum", [["R", "C"], None]), ("expand", [["R", 1], None]), ("squeeze", [[1, "A", 1, "B"], None]),
])  # fmt: skip
def test_open_sizes_give_the_same_values(name: str, shapes: Any, tmp_path: Path) -> None:
    case = next(c for c in CASES if c[0] == name)
    model, feeds, want = model_of(case)
    ins = {v.name: v for v in model.graph.input}
    for k, s in enumerate(shapes):
        if s is not None:
            v = ins[f"x{k}"]
            v.CopyFrom(onnx.helper.make_tensor_value_info(v.name, v.type.tensor_type.elem_type, s))
    if name == "reshape_split":
        model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(ints(2, 3, -1), "x1"))
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    graph = read_model(path)
    values = values_of(graph, model, feeds)
    for n, w in want.items():
        same(from_bits(values.output(n), graph.outputs[n].type), w, case[6])
