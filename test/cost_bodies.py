"""What operators compute that ONNX gives no body: those of com.microsoft, and the quantised ones (C5).

Each is written in ONNX's own operators over operands of the shapes that are really there, for cost_oracle.py to run and
to count. The values are zeros: a count does not depend on them. Beside it stands what an operator moves where that is
not each operand and each result once (C9): of a cache the rows that hold something (C13), of a table the rows that are
looked up (C11).
"""

import numpy as np
import onnx
from onnx import helper

OPSET = 23
FLOAT = np.float32


def attribute(node, name, default=None):
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


class Body:
    """A graph that is being built, and zeros for its operands."""

    def __init__(self):
        self.nodes, self.operands, self.constants, self.made = [], {}, [], 0

    def name(self):
        self.made += 1
        return f"v{self.made}"

    def operand(self, *shape, dtype=FLOAT):
        name = self.name()
        self.operands[name] = np.zeros(shape, dtype)
        return name

    def constant(self, value, dtype=FLOAT):
        name = self.name()
        self.constants.append(onnx.numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def op(self, kind, *inputs, outputs=1, **attributes):
        results = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), results, **attributes))
        return results[0]

    def model(self):
        used = {name for node in self.nodes for name in node.input}
        ins = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
               for name, array in self.operands.items()]
        outs = [onnx.ValueInfoProto(name=name) for node in self.nodes for name in node.output if name not in used]
        graph = helper.make_graph(self.nodes, "body", ins, outs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


class Call:
    """A node with the arrays that it was given and gave."""

    def __init__(self, node, state):
        self.node, self.state, self.body = node, state, Body()

    def given(self, place):
        return len(self.node.input) > place and bool(self.node.input[place])

    def array(self, place):
        return self.state.values[self.node.input[place]] if self.given(place) else None

    def result(self, place=0):
        return self.state.values[self.node.output[place]]

    def attribute(self, name, default=None):
        return attribute(self.node, name, default)

    def known(self, place):
        """C7: the operand is a constant, or a function of constants and dimensions."""
        return self.node.input[place] in self.state.known

    def like(self, place):
        """An operand of the body with the shape of one of the call."""
        return self.body.operand(*self.array(place).shape)

    def present(self, place):
        """A cache that the call gives, if it is wanted."""
        return self.result(place) if len(self.node.output) > place and self.node.output[place] else None

    def op(self, *words, **attributes):
        return self.body.op(*words, **attributes)

    def subtracted(self, place, zero_point):
        """The zero point of an integer operand: nothing where it is 0, or where the operand is known beforehand."""
        x = self.like(place)
        if not self.given(zero_point) or self.known(place):
            return x
        value = self.array(zero_point)
        if self.known(zero_point) and value.size == 1 and not value.any():
            return x
        return self.op("Sub", x, self.body.operand())


# -- activations and normalisation -----------------------------------------------------------------------------------------

def gelu(call, x, approximate="none"):
    call.op("Gelu", x, approximate=approximate)


def relu(call):
    call.op("Max", call.like(0), call.body.constant(0))


def bias_gelu(call):
    gelu(call, call.op("Add", call.like(0), call.like(1)))


def fast_gelu(call):
    gelu(call, call.op("Add", call.like(0), call.like(1)) if call.given(1) else call.like(0), "tanh")


def quick_gelu(call):
    x = call.like(0)
    call.op("Mul", x, call.op("Sigmoid", call.op("Mul", x, call.body.constant(call.attribute("alpha", 1.702)))))


def skip_layer_norm(call):
    x = call.op("Add", call.like(0), call.like(1))
    if call.given(4):
        x = call.op("Add", x, call.like(4))
    call.op("LayerNormalization", x, call.like(2), *([call.like(3)] if call.given(3) else []))


def skip_rms_norm(call):
    x = call.op("Add", call.like(0), call.like(1))
    if call.given(3):
        x = call.op("Add", x, call.like(3))
    call.op("RMSNormalization", x, call.like(2))


def layer_norm(call):
    """ONNX Runtime's own, from before opset 17."""
    call.op("LayerNormalization", *[call.like(place) for place in range(len(call.node.input))],
            axis=call.attribute("axis", -1))


def rms_norm(call):
    call.op("RMSNormalization", call.like(0), call.like(1), axis=call.attribute("axis", -1))


def embed_layer_norm(call):
    shape = call.result().shape
    rows = [call.body.operand(*shape) for table in (2, 3, 4) if call.given(table)]
    x = rows[0]
    for each in rows[1:]:
        x = call.op("Add", x, each)
    call.op("LayerNormalization", x, call.like(5), call.like(6))
    if call.given(7) and call.present(1) is not None:
        call.op("ReduceSum", call.like(7), call.body.constant([1], np.int64))


# -- attention -------------------------------------------------------------------------------------------------------------

def rotate(call, rows, heads, width):
    """Rows of so many heads, of each the first `width` elements."""
    x = call.body.operand(*rows[:1], heads, *rows[1:], width)
    call.op("RotaryEmbedding", x, *[call.body.operand(*rows, width // 2) for _ in "cs"])


def rotary(call):
    x, cache = call.array(0), call.array(2)
    width = call.attribute("rotary_embedding_dim", 0)
    if x.ndim == 4:
        batch, heads, length, whole = x.shape
    else:
        batch, length, columns = x.shape
        heads = call.attribute("num_heads", 0) or columns // (2 * cache.shape[-1])
        whole = columns // heads
    rotate(call, (batch, length), heads, width or whole)


def attend(call, batch, heads, rows, columns, width, value_width, masks, softcap=0.0):
    b = call.body
    scores = b.op("MatMul", b.operand(batch, heads, rows, width), b.operand(batch, heads, width, columns))
    scores = b.op("Mul", scores, b.constant(0.5))
    if softcap:
        scores = b.op("Mul", b.op("Tanh", b.op("Div", scores, b.constant(softcap))), b.constant(softcap))
    for _ in range(masks):
        scores = b.op("Add", scores, b.operand(batch, 1, rows, columns))
    b.op("MatMul", b.op("Softmax", scores), b.operand(batch, heads, columns, value_width))


def projected(call, mask, past, bias, total=None):
    """The rest of an operator that projects its own queries, keys and values: weights [C, 2D + Dv]."""
    batch, rows, _ = call.array(0).shape
    heads = call.attribute("num_heads")
    sizes = call.attribute("qkv_hidden_sizes") or [call.array(1).shape[1] // 3] * 3
    columns = rows + (call.array(past).shape[3] if call.given(past) else 0) if total is None else total
    masks = call.given(mask) + call.given(bias) + bool(call.attribute("unidirectional", 0))
    attend(call, batch, heads, rows, columns, sizes[0] // heads, sizes[2] // heads, masks)


def attention(call):
    assert not call.given(6) and not call.attribute("do_rotary", 0)
    x = call.op("MatMul", call.like(0), call.like(1))
    if call.given(2):
        call.op("Add", x, call.like(2))
    projected(call, mask=3, past=4, bias=5)


def q_attention(call):
    call.subtracted(0, 6)
    call.subtracted(1, 7)
    product = call.op("MatMul", call.like(0), call.like(1))
    call.op("Add", call.op("Mul", product, call.body.operand()), call.like(2))  # to floats, and the bias
    projected(call, mask=5, past=8, bias=99)


def multi_head(call):
    query, heads = call.array(0), call.attribute("num_heads")
    assert query.ndim == 3 and not call.given(8), "packed operands and shared buffers are not written here"
    batch, rows, columns = query.shape
    key, value = call.array(1), call.array(2)
    apart = key.ndim == 4  # [B, N, T, H]: of another stream, or a cache
    new = key.shape[2] if apart else key.shape[1]
    value_width = value.shape[3] if apart else value.shape[2] // heads
    if call.given(3):
        bias = call.array(3).size
        for operand, width in ([(query, columns)] if apart else
                               [(query, columns), (key, columns), (value, bias - 2 * columns)]):
            call.op("Add", call.body.operand(*operand.shape), call.body.operand(width))
    total = new + (call.array(6).shape[2] if call.given(6) else 0)
    masks = call.given(4) + call.given(5) + bool(call.attribute("unidirectional", 0))
    attend(call, batch, heads, rows, total, columns // heads, value_width, masks)


def group_query_sizes(call):
    heads, kv_heads = call.attribute("num_heads"), call.attribute("kv_num_heads")
    batch, rows, columns = call.array(0).shape
    width = columns // heads if call.given(1) else columns // (heads + 2 * kv_heads)
    return batch, rows, heads, kv_heads, width, int(call.array(6).item())


def group_query(call):
    assert not call.given(11) and not call.attribute("smooth_softmax", 0) and len(call.node.input) < 13
    batch, rows, heads, kv_heads, width, total = group_query_sizes(call)
    if call.attribute("do_rotary", 0):
        for each in (heads, kv_heads):
            rotate(call, (batch, rows), each, 2 * call.array(7).shape[1])
    attend(call, batch, heads, rows, total, width, width, 1 + call.given(10), call.attribute("softcap", 0.0))


# -- products --------------------------------------------------------------------------------------------------------------

def fused_matmul(call):
    assert not call.attribute("transBatchA", 0) and not call.attribute("transBatchB", 0)
    operands = []
    for place, name in enumerate(("transA", "transB")):
        x = call.like(place)
        axes = [*range(call.array(place).ndim)]
        if call.attribute(name, 0):
            axes[-2:] = axes[:-3:-1]
            x = call.op("Transpose", x, perm=axes)
        operands.append(x)
    product = call.op("MatMul", *operands)
    if call.attribute("alpha", 1.0) != 1:
        call.op("Mul", product, call.body.constant(call.attribute("alpha")))


def n_bits(call):
    """The weights are dequantised as wide as they are used (C14): without the padding of the last block."""
    shape = call.attribute("K"), call.attribute("N")
    weights = call.body.op("Mul", call.body.op("Sub", call.body.operand(*shape), call.body.operand()), call.body.operand())
    product = call.op("MatMul", call.like(0), weights)
    if call.given(5):
        call.op("Add", product, call.like(5))


def matmul_integer(call):
    call.op("MatMul", call.subtracted(0, 2), call.subtracted(1, 3))


def conv_attributes(call):
    return {a.name: helper.get_attribute_value(a) for a in call.node.attribute
            if a.name in ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")}


def conv_integer(call):
    call.op("Conv", call.subtracted(0, 2), call.subtracted(1, 3), **conv_attributes(call))


def requantised(call, x):
    """Of a 32-bit accumulator: Mul by the scales, Round, Add of the zero point."""
    call.op("Add", call.op("Round", call.op("Mul", x, call.body.operand())), call.body.operand())


def qlinear_matmul(call):
    requantised(call, call.op("MatMul", call.subtracted(0, 2), call.subtracted(3, 5)))


def qlinear_conv(call):
    bias = [call.like(8)] if call.given(8) else []
    requantised(call, call.op("Conv", call.subtracted(0, 2), call.subtracted(3, 5), *bias, **conv_attributes(call)))


def dynamic_quantize(call, x):
    """What DynamicQuantizeLinear's body does, on floats: ranges, scalars, then QuantizeLinear's three."""
    b = call.body
    low, high = b.op("ReduceMin", x, keepdims=0), b.op("ReduceMax", x, keepdims=0)
    low, high = b.op("Min", low, b.constant(0)), b.op("Max", high, b.constant(0))
    scale = b.op("Div", b.op("Sub", high, low), b.constant(255))
    zero = b.op("Clip", b.op("Sub", b.constant(0), b.op("Div", low, scale)), b.constant(0), b.constant(255))
    b.op("Round", zero)
    return b.op("Add", b.op("Round", b.op("Div", x, b.operand())), b.operand())


def dynamic_quantize_matmul(call):
    a = call.op("Sub", dynamic_quantize(call, call.like(0)), call.body.operand())
    product = call.op("MatMul", a, call.subtracted(1, 3))
    product = call.op("Mul", product, call.op("Mul", call.like(2), call.body.operand()))
    if call.given(4):
        call.op("Add", product, call.like(4))


def matmul_integer_to_float(call):
    product = call.op("MatMul", call.subtracted(0, 4), call.subtracted(1, 5))
    product = call.op("Mul", product, call.op("Mul", call.like(3), call.body.operand()))
    if call.given(6):
        call.op("Add", product, call.like(6))


# -- quantisation ----------------------------------------------------------------------------------------------------------

def quantize(call):
    x = call.body.operand(*call.result().shape)
    call.op("Add", call.op("Round", call.op("Div", x, call.body.operand())), call.body.operand())


def dequantize(call):
    x = call.body.operand(*call.result().shape)
    call.op("Mul", call.op("Sub", x, call.body.operand()), call.body.operand())  # C14: 2


def gather_quantized(call):
    dequantize(call)


def top_k(call):
    call.op("ReduceMax", call.like(0))  # C4: a selection looks at each element once


def clip(call):
    """What ONNX says from opset 13 on: a comparison and a selection for each bound."""
    x = call.like(0)
    for place, name in ((1, "min"), (2, "max")):
        if call.given(place) or call.attribute(name) is not None:
            bound = call.body.operand()
            x = call.op("Where", call.op("Less", x, bound), bound, x)


MS = "com.microsoft"
BODIES = {
    ("", "SimplifiedLayerNormalization"): rms_norm, ("", "LayerNormalization"): layer_norm,
    ("", "TopK"): top_k, ("", "Clip"): clip, ("", "Relu"): relu,
    ("", "QuantizeLinear"): quantize, ("", "DequantizeLinear"): dequantize,
    ("", "MatMulInteger"): matmul_integer, ("", "ConvInteger"): conv_integer,
    ("", "QLinearMatMul"): qlinear_matmul, ("", "QLinearConv"): qlinear_conv,
    (MS, "QuantizeLinear"): quantize, (MS, "DequantizeLinear"): dequantize,
    (MS, "Gelu"): lambda call: gelu(call, call.like(0)), (MS, "BiasGelu"): bias_gelu, (MS, "FastGelu"): fast_gelu,
    (MS, "QuickGelu"): quick_gelu,
    (MS, "SkipLayerNormalization"): skip_layer_norm, (MS, "SkipSimplifiedLayerNormalization"): skip_rms_norm,
    (MS, "EmbedLayerNormalization"): embed_layer_norm, (MS, "RotaryEmbedding"): rotary,
    (MS, "Attention"): attention, (MS, "QAttention"): q_attention, (MS, "MultiHeadAttention"): multi_head,
    (MS, "GroupQueryAttention"): group_query, (MS, "FusedMatMul"): fused_matmul, (MS, "MatMulNBits"): n_bits,
    (MS, "DynamicQuantizeMatMul"): dynamic_quantize_matmul, (MS, "MatMulIntegerToFloat"): matmul_integer_to_float,
    (MS, "GatherBlockQuantized"): gather_quantized,
}


def body_of(node, state):
    """The body of a node as a model of its own, and its operands."""
    call = Call(node, state)
    BODIES[node.domain, node.op_type](call)
    return call.body.model(), call.body.operands


# -- what is moved ---------------------------------------------------------------------------------------------------------

def cache_rows(call, past, present, axis, new, held=None):
    """C13: the new rows of a cache alone are written, and of an old one those before them are read."""
    if not call.given(past[0]):
        return {}, {}
    def rows(array, count):
        return array.size // max(array.shape[axis], 1) * count
    reads = {place: rows(call.array(place), call.array(place).shape[axis] if held is None else held) for place in past}
    writes = {place: rows(call.present(place), new) for place in present if call.present(place) is not None}
    return reads, writes


def moved(node, state):
    """({place of an operand: elements read}, {place of a result: elements written}) where C9 does not hold."""
    call = Call(node, state)
    kind = node.op_type if node.domain == MS else None
    if kind == "RotaryEmbedding":  # C11: a row of each table a position
        x, positions = call.array(0), call.array(1)
        rows = positions.size if positions.ndim == 2 else x.shape[-2]
        return {place: rows * call.array(place).shape[-1] for place in (2, 3)}, {}
    if kind == "EmbedLayerNormalization":
        batch, length, width = call.result().shape
        positions = call.array(8).size if call.given(8) else length
        return {2: batch * length * width, 3: positions * width, 4: batch * length * width}, {}
    if kind == "GatherBlockQuantized":
        data, scales = call.array(0), call.array(2)
        axis = call.attribute("gather_axis", 0)
        rows = call.array(1).size
        return {0: data.size // data.shape[axis] * rows, 2: scales.size // scales.shape[axis] * rows,
                3: (call.array(3).size // call.array(3).shape[axis] * rows) if call.given(3) else 0}, {}
    if kind == "GroupQueryAttention":
        batch, rows, _, _, _, total = group_query_sizes(call)
        reads, writes = cache_rows(call, (3, 4), (1, 2), 2, rows, total - rows)
        if call.attribute("do_rotary", 0):
            reads |= {place: batch * rows * call.array(place).shape[1] for place in (7, 8)}
        return reads, writes
    if kind == "MultiHeadAttention":
        key = call.array(1)
        return cache_rows(call, (6, 7), (1, 2), 2, key.shape[2] if key.ndim == 4 else key.shape[1])
    if kind in ("Attention", "QAttention"):
        return cache_rows(call, (4,) if kind == "Attention" else (8,), (1,), 3, call.array(0).shape[1])
    return {}, {}
