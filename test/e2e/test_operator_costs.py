"""Operators of com.microsoft, quantised ones and TopK, one a graph: FLOPs and bytes against the second count of what ONNX
Runtime computed (test/cost_bodies.py says what each stands for)."""

import numpy as np
import onnx
import pytest
from cost_check import check_costs
from onnx import TensorProto, helper, numpy_helper

MS = "com.microsoft"
F, I8, U8, I32, I64 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64
AT = {"B": 2, "N": 5, "P": 3}


def array(*shape, kind=np.float32):
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind) % 7


def graph(tmp_path, node, inputs, weights=(), outputs=None):
    """node(names) → NodeProto or several; inputs: name → (element type, dims); weights: name → array."""
    nodes = node if isinstance(node, list) else [node]
    made = [onnx.ValueInfoProto(name=name) for name in outputs or [name for name in nodes[-1].output if name]]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [helper.make_tensor_value_info(name, kind, dims) for name, (kind, dims) in inputs.items()],
                          made, [numpy_helper.from_array(value, name) for name, value in dict(weights).items()]),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(MS, 1)], ir_version=10)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    return path


def ms(kind, inputs, outputs=("y",), **attributes):
    return helper.make_node(kind, list(inputs), list(outputs), domain=MS, **attributes)


X = {"x": (F, ["B", "N", 16])}
ROWS = {"x": X["x"], "s": X["x"]}
QKV = {name: (F, ["B", "N", 16]) for name in "qkv"}
CACHE = {name: (F, ["B", 2, "P", 8]) for name in ("pk", "pv")}

CASES = {
    "Gelu": (ms("Gelu", ["x"]), X),
    "BiasGelu": (ms("BiasGelu", ["x", "b"]), X, {"b": array(16)}),
    "FastGelu": (ms("FastGelu", ["x"]), X),
    "FastGelu with a bias": (ms("FastGelu", ["x", "b"]), X, {"b": array(16)}),
    "QuickGelu": (ms("QuickGelu", ["x"]), X),
    "SkipLayerNormalization": (ms("SkipLayerNormalization", ["x", "s", "g", "b"]), ROWS, {"g": array(16), "b": array(16)}),
    "SkipLayerNormalization, all of it": (ms("SkipLayerNormalization", ["x", "s", "g", "b", "c"], ["y", "", "", "sum"]), ROWS,
                                          {"g": array(16), "b": array(16), "c": array(16)}),
    "SkipSimplifiedLayerNormalization": (ms("SkipSimplifiedLayerNormalization", ["x", "s", "g"], ["y", "", "", "sum"]), ROWS,
                                         {"g": array(16)}),
    "SimplifiedLayerNormalization": (helper.make_node("SimplifiedLayerNormalization", ["x", "g"], ["y"], axis=-1), X,
                                     {"g": array(16)}),
    "EmbedLayerNormalization": (ms("EmbedLayerNormalization", ["i", "t", "w", "p", "q", "g", "b"], ["y", "m"]),
                                {"i": (I32, ["B", "N"]), "t": (I32, ["B", "N"])},
                                {"w": array(9, 16), "p": array(12, 16), "q": array(2, 16), "g": array(16), "b": array(16)},
                                ["y"]),
    "RotaryEmbedding": (ms("RotaryEmbedding", ["x", "i", "c", "s"]), {"x": X["x"], "i": (I64, ["B", "N"])},
                        {"c": array(12, 4), "s": array(12, 4)}),
    "RotaryEmbedding from an offset": (ms("RotaryEmbedding", ["x", "i", "c", "s"]), {"x": X["x"], "i": (I64, [1])},
                                       {"c": array(12, 4), "s": array(12, 4)}),
    "Attention": (ms("Attention", ["x", "w", "b"], num_heads=2), X, {"w": array(16, 48), "b": array(48)}),
    "Attention, causal and masked": (ms("Attention", ["x", "w", "b", "m"], num_heads=2, unidirectional=1),
                                     {**X, "m": (I32, ["B", "N"])}, {"w": array(16, 48), "b": array(48)}),
    "Attention with a past": (ms("Attention", ["x", "w", "b", "", "p"], ["y", "present"], num_heads=2, unidirectional=1),
                              {**X, "p": (F, [2, "B", 2, "P", 8])}, {"w": array(16, 48), "b": array(48)}),
    "MultiHeadAttention": (ms("MultiHeadAttention", "qkv", num_heads=2), QKV),
    "MultiHeadAttention with bias and mask": (ms("MultiHeadAttention", [*"qkv", "b", "m"], num_heads=2),
                                              {**QKV, "m": (I32, ["B", "N"])}, {"b": array(48)}),
    "MultiHeadAttention with a past": (
        ms("MultiHeadAttention", [*"qkv", "", "", "", "pk", "pv"], ["y", "k2", "v2"], num_heads=2, unidirectional=1),
        {**QKV, **CACHE}),
    "MultiHeadAttention, cross": (ms("MultiHeadAttention", "qkv", num_heads=2),
                                  {"q": QKV["q"], "k": (F, ["B", "P", 16]), "v": (F, ["B", "P", 16])}),
    "FusedMatMul": (ms("FusedMatMul", ["x", "w"], transB=1, alpha=0.5), X, {"w": array(8, 16)}),
    "MatMulNBits": (ms("MatMulNBits", ["x", "w", "s"], K=16, N=8, bits=4, block_size=16), X,
                    {"w": array(8, 1, 8, kind=np.uint8), "s": array(8)}),
    "MatMulNBits with zero points": (ms("MatMulNBits", ["x", "w", "s", "z"], K=16, N=8, bits=4, block_size=16), X,
                                     {"w": array(8, 1, 8, kind=np.uint8), "s": array(8), "z": array(8, kind=np.uint8)}),
    "QAttention": (ms("QAttention", ["x", "w", "b", "xs", "ws", "", "xz", "wz"], num_heads=2), {"x": (U8, ["B", "N", 16])},
                   {"w": array(16, 48, kind=np.int8), "b": array(48), "xs": np.float32(0.5), "ws": np.float32(0.5),
                    "xz": np.uint8(3), "wz": np.int8(0)}),
    "DynamicQuantizeMatMul": (ms("DynamicQuantizeMatMul", ["x", "w", "s", "z", "b"]), X,
                              {"w": array(16, 8, kind=np.int8), "s": np.float32(0.5), "z": np.int8(0), "b": array(8)}),
    "MatMulIntegerToFloat": (ms("MatMulIntegerToFloat", ["x", "w", "xs", "ws", "xz"]), {"x": (U8, ["B", "N", 16])},
                             {"w": array(16, 8, kind=np.int8), "xs": np.float32(0.5), "ws": array(8), "xz": np.uint8(3)}),
    "MatMulInteger": (helper.make_node("MatMulInteger", ["x", "w", "xz"], ["y"]), {"x": (U8, ["B", "N", 16])},
                      {"w": array(16, 8, kind=np.int8), "xz": np.uint8(3)}),
    "MatMulInteger of zero points that are zero": (helper.make_node("MatMulInteger", ["x", "w", "xz", "wz"], ["y"]),
                                                   {"x": (U8, ["B", "N", 16])},
                                                   {"w": array(16, 8, kind=np.int8), "xz": np.uint8(0), "wz": np.int8(5)}),
    "ConvInteger": (helper.make_node("ConvInteger", ["x", "w", "xz"], ["y"], pads=[1, 1, 1, 1]),
                    {"x": (U8, ["B", 3, "N", 6])}, {"w": array(4, 3, 3, 3, kind=np.uint8), "xz": np.uint8(3)}),
    "QLinearMatMul": (helper.make_node("QLinearMatMul", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"]),
                      {"x": (U8, ["B", "N", 16])},
                      {"w": array(16, 8, kind=np.uint8), **{name: np.float32(0.5) for name in ("xs", "ws", "ys")},
                       **{name: np.uint8(3) for name in ("xz", "wz", "yz")}}),
    "QLinearConv": (helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["y"]),
                    {"x": (U8, ["B", 3, "N", 6])},
                    {"w": array(4, 3, 3, 3, kind=np.uint8), "b": array(4, kind=np.int32),
                     **{name: np.float32(0.5) for name in ("xs", "ws", "ys")},
                     **{name: np.uint8(3) for name in ("xz", "wz", "yz")}}),
    "DynamicQuantizeLinear": (helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"]), X),
    "QuantizeLinear": (helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"]), X,
                       {"s": np.float32(0.5), "z": np.uint8(3)}),
    "DequantizeLinear of an activation": (helper.make_node("DequantizeLinear", ["x", "s", "z"], ["y"]),
                                          {"x": (U8, ["B", "N"])}, {"s": np.float32(0.5), "z": np.uint8(3)}),
    "DequantizeLinear of a weight": (
        [helper.make_node("DequantizeLinear", ["w", "s", "z"], ["f"], axis=1), helper.make_node("MatMul", ["x", "f"], ["y"])],
        X, {"w": array(16, 8, kind=np.int8), "s": array(8), "z": array(8, kind=np.int8)}),
    "com.microsoft's of a weight": (
        [ms("DequantizeLinear", ["w", "s", "z"], ["f"], axis=1), helper.make_node("MatMul", ["x", "f"], ["y"])],
        X, {"w": array(16, 8, kind=np.int8), "s": array(8), "z": array(8, kind=np.int8)}),
    "TopK": (helper.make_node("TopK", ["x", "k"], ["y", "i"], axis=2), X, {"k": np.array([3])}),
    "CastLike": (helper.make_node("CastLike", ["x", "t"], ["y"]), {**X, "t": (I32, ["P"])}),
}


@pytest.mark.parametrize("case", CASES)
def test_operator(case, tmp_path):
    check_costs(graph(tmp_path, *CASES[case]), AT)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("batch, new", [(1, 5), (2, 1)])
def test_group_query_attention(batch, new, packed, tmp_path):
    """Its lengths are data: the past that `last` speaks of has to be there."""
    past, heads, kv_heads, width = 3, 4, 2, 16
    inputs = {"q": (F, [batch, new, (heads + 2 * kv_heads * packed) * width]),
              **({} if packed else {name: (F, [batch, new, kv_heads * width]) for name in "kv"}),
              **{name: (F, [batch, kv_heads, past, width]) for name in ("pk", "pv")}}
    weights = {"last": np.full(batch, past + new - 1, np.int32), "total": np.array(past + new, np.int32),
               "c": array(12, 8), "s": array(12, 8)}
    node = ms("GroupQueryAttention", ["q", *(["", ""] if packed else "kv"), "pk", "pv", "last", "total", "c", "s"],
              ["y", "k2", "v2"], num_heads=heads, kv_num_heads=kv_heads, do_rotary=1)
    check_costs(graph(tmp_path, node, inputs, weights), {})
