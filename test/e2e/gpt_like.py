"""Transformers like GPT-2, of any size and in several spellings, node by node: for tests that must not know one model."""

import random
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Shape:
    heads: int
    head_dim: int
    layers: int
    mlp_ratio: int
    vocabulary: int
    positions: int = 64
    fp16: bool = False
    # Spellings
    packed: bool = False  # Q, K and V in one product
    attention_bias: bool = True
    scale: str = "scores"  # scores | query | both
    mask: str = "where"  # where | add | buffer
    activation: str = "gelu_tanh"  # gelu_tanh | relu | gelu
    tied: bool = False  # the head is the token table

    @property
    def width(self):
        return self.heads * self.head_dim

    @property
    def mlp(self):
        return self.mlp_ratio * self.width


def random_shape(seed):
    pick = random.Random(seed)
    return Shape(heads=pick.randrange(2, 20), head_dim=8 * pick.randrange(1, 17), layers=pick.randrange(1, 7),
                 mlp_ratio=pick.randrange(2, 7), vocabulary=pick.randrange(1000, 90000), positions=pick.randrange(64, 4096),
                 fp16=pick.random() < 0.5, packed=pick.random() < 0.5, attention_bias=pick.random() < 0.5,
                 scale=pick.choice(["scores", "query", "both"]), mask=pick.choice(["where", "add", "buffer"]),
                 activation=pick.choice(["gelu_tanh", "relu", "gelu"]), tied=pick.random() < 0.5)


class Writer:
    """Nodes and weights as they come; weights are external data that is not there, unless there are values for them."""

    def __init__(self, values=None):
        self.values, self.nodes, self.weights = values, [], []
        self.count = 0

    def __call__(self, op, *inputs, outputs=1, name=None, **attributes):
        self.count += 1
        names = [name or f"t{self.count}"] if outputs == 1 else [f"t{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, f"n{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, name, shape, kind):
        if self.values is not None:
            array = self.values.standard_normal(shape) / 4
            self.weights.append(numpy_helper.from_array(array.astype(helper.tensor_dtype_to_np_dtype(kind)), name))
            return name
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="weights.bin")
        self.weights.append(tensor)
        return name

    def constant(self, name, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name


def gpt_like(s, cache, values=None):
    """The model: input_ids [batch, sequence] → logits; with a cache also past.I.key, past.I.value → present.…"""
    kind = TensorProto.FLOAT16 if s.fp16 else TensorProto.FLOAT
    number = np.float16 if s.fp16 else np.float32
    n, w = Writer(values), s.width

    def weight(name, *shape):
        return n.weight(name, shape, kind)

    def scalar(name, value):
        return n.constant(name, number(value))

    def ints(name, *numbers):
        return n.constant(name, np.array(numbers, np.int64))

    ints("split_heads", 0, 0, s.heads, s.head_dim)
    ints("join_heads", 0, 0, w)
    n.constant("zero", np.int64(0))
    n.constant("one", np.int64(1))
    scalar("lowest", -np.inf)
    scalar("nothing", 0)
    factor = s.head_dim**0.5
    scalar("root", factor)
    scalar("inverse", 1 / factor)
    scalar("half_root", factor**0.5)
    if s.mask == "buffer":
        n.constant("lower", np.tril(np.ones((1, 1, s.positions, s.positions), bool)))

    # Lengths: S new tokens after P cached ones.
    new = n("Squeeze", n("Shape", "input_ids", start=1, end=2))
    past = n("Squeeze", n("Shape", "past.0.key", start=2, end=3)) if cache else "zero"
    total = n("Add", new, past)
    rows, columns = n("Range", past, total, "one"), n("Range", "zero", total, "one")
    if s.mask == "buffer":
        def one_long(length):
            return n("Unsqueeze", length, ints(f"axis_{n.count}", 0))

        by_row = n("Slice", "lower", one_long(past), one_long(total), ints("axis_rows", 2))
        visible = n("Slice", by_row, one_long("zero"), one_long(total), ints("axis_columns", 3))
    else:
        visible = n("LessOrEqual", n("Unsqueeze", columns, ints("first", 0)), n("Unsqueeze", rows, ints("second", 1)))
    if s.mask == "add":
        additive = n("Where", visible, "nothing", "lowest")

    stream = n("Add", n("Gather", weight("wte", s.vocabulary, w), "input_ids"),
               n("Gather", weight("wpe", s.positions, w), rows))
    presents = []

    def norm(name, x):
        return n("LayerNormalization", x, weight(f"{name}.scale", w), weight(f"{name}.bias", w), axis=-1)

    def product(name, x, inner, outer, bias):
        y = n("MatMul", x, weight(f"{name}.weight", inner, outer))
        return n("Add", y, weight(f"{name}.bias", outer)) if bias else y

    for layer in range(s.layers):
        h = f"h.{layer}"
        x = norm(f"{h}.norm1", stream)
        if s.packed:
            packed = product(f"{h}.qkv", x, w, 3 * w, s.attention_bias)
            parts = n("Split", packed, ints(f"{h}.thirds", w, w, w), outputs=3, axis=2)
        else:
            parts = [product(f"{h}.{each}", x, w, w, s.attention_bias) for each in "qkv"]
        q, k, v = (n("Transpose", n("Reshape", part, "split_heads"), perm=[0, 2, 1, 3]) for part in parts)
        if cache:
            k = n("Concat", f"past.{layer}.key", k, axis=2, name=f"present.{layer}.key")
            v = n("Concat", f"past.{layer}.value", v, axis=2, name=f"present.{layer}.value")
            presents += [k, v]
        kt = n("Transpose", k, perm=[0, 1, 3, 2])
        if s.scale == "query":
            q = n("Mul", q, "inverse")
        elif s.scale == "both":
            q, kt = n("Div", q, "half_root"), n("Div", kt, "half_root")
        scores = n("MatMul", q, kt)
        if s.scale == "scores":
            scores = n("Div", scores, "root")
        masked = n("Add", scores, additive) if s.mask == "add" else n("Where", visible, scores, "lowest")
        mixed = n("MatMul", n("Softmax", masked, axis=-1), v)
        joined = n("Reshape", n("Transpose", mixed, perm=[0, 2, 1, 3]), "join_heads")
        stream = n("Add", stream, product(f"{h}.out", joined, w, w, s.attention_bias))

        z = product(f"{h}.up", norm(f"{h}.norm2", stream), w, s.mlp, True)
        if s.activation == "relu":
            z = n("Relu", z)
        else:
            half, whole = scalar(f"{h}.half", 0.5), scalar(f"{h}.whole", 1)
            if s.activation == "gelu":
                inside = n("Erf", n("Div", z, scalar(f"{h}.root2", 2**0.5)))
            else:
                cube = n("Mul", n("Mul", z, n("Mul", z, z)), scalar(f"{h}.cubic", 0.044715))
                inside = n("Tanh", n("Mul", n("Add", z, cube), scalar(f"{h}.slope", (2 / np.pi) ** 0.5)))
            z = n("Mul", n("Mul", z, half), n("Add", inside, whole))
        stream = n("Add", stream, product(f"{h}.down", z, s.mlp, w, True))

    last = norm("norm", stream)
    head = n("Transpose", "wte", perm=[1, 0]) if s.tied else weight("head", w, s.vocabulary)
    n("MatMul", last, head, name="logits")

    def cached(name, length):
        return helper.make_tensor_value_info(name, kind, ["batch", s.heads, length, s.head_dim])

    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])]
    outputs = [helper.make_tensor_value_info("logits", kind, ["batch", "sequence", s.vocabulary])]
    if cache:
        inputs += [cached(f"past.{i}.{each}", "past_sequence") for i in range(s.layers) for each in ("key", "value")]
        outputs += [cached(name, "past_sequence + sequence") for name in presents]
    graph = helper.make_graph(n.nodes, "gpt_like", inputs, outputs, n.weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
