"""Small transformers, drawn: sizes, mask, positions, scale, softmax and spelling; and mutants that are not causal."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, LONGEST = 31, 24

MASKS = ("compare", "additive", "trilu", "trilu_fill", "buffer", "window", "arithmetic", "alibi", "heads")
POSITIONS = ("learned", "sliced", "rotary", "turned_late", "none", "counted")
SCALES = ("scores", "query", "both", "none")
SOFTMAXES = ("op", "written", "shifted")
PADDINGS = ("none", "none", "none", "and", "additive", "places")
PRODUCTS = ("separate", "packed", "gemm")
MUTANTS = ("open", "ahead", "strict", "band", "head", "mean", "reverse", "axis", "length", "roll")


class Draw:
    """Builds one graph; `mutant` names what makes it depend on later tokens or on the length."""

    def __init__(self, seed, mutant=None, mixer=None):
        self.mixer = mixer  # of positions, added to the stream: a function of the draw and [B, N, D]
        rng = self.rng = np.random.default_rng(seed)
        pick = lambda options: options[int(rng.integers(len(options)))]
        self.mutant = mutant
        self.layers = int(rng.integers(1, 4))
        self.kv_heads = int(rng.integers(1, 4))
        self.groups = int(rng.integers(1, 4))
        self.width = 2 * int(rng.integers(1, 5))
        self.mask, self.position, self.scale = pick(MASKS), pick(POSITIONS), pick(SCALES)
        self.softmax, self.product = pick(SOFTMAXES), pick(PRODUCTS)
        self.padding = pick(PADDINGS)
        self.attends = True  # else the mixer is alone
        self.opsets, self.ir_version = {"": 17}, 8
        # Without its maximum taken off, a row that is masked whole is 0/0 at every length: no leak, and no number either.
        if self.mutant == "strict" and self.softmax == "written":
            self.softmax = "shifted"
        self.heads = self.kv_heads * self.groups
        if self.heads * self.width == 2:  # a norm of two elements is ±1, and has no digits left where they are close
            self.width = 4
        self.hidden = self.heads * self.width
        self.nodes, self.weights, self.count = [], [], 0

    def __str__(self):
        return (f"{self.layers} layers, {self.heads}/{self.kv_heads} heads of {self.width}, mask {self.mask}, positions {self.position}, "
                f"scale {self.scale}, softmax {self.softmax}, products {self.product}, padding {self.padding}, mutant {self.mutant}")

    def op(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"n{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        self.count += 1
        self.weights.append(numpy_helper.from_array(np.asarray(value), f"c{self.count}"))
        return self.weights[-1].name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def number(self, value):
        return self.constant(np.array(value, np.float32))

    def weight(self, *dims):
        return self.constant((self.rng.standard_normal(dims) * dims[0] ** -0.5).astype(np.float32))

    def model(self):
        op, ints, number = self.op, self.ints, self.number
        shape = op("Shape", "input_ids")
        self.batch, self.length = op("Gather", shape, ints(0), axis=0), op("Gather", shape, ints(1), axis=0)
        scalar = op("Squeeze", self.length, ints(0))
        self.range = op("Range", self.constant(np.int64(0)), scalar, self.constant(np.int64(1)))
        x = op("Gather", self.weight(VOCABULARY, self.hidden), "input_ids")
        if self.position == "learned":
            x = op("Add", x, op("Gather", self.weight(LONGEST, self.hidden), op("Unsqueeze", self.range, ints(0))))
        elif self.position == "sliced":
            x = op("Add", x, op("Slice", self.weight(LONGEST, self.hidden), ints(0), self.length, ints(0)))
        elif self.position == "counted":
            ones = op("ConstantOfShape", shape, value=helper.make_tensor("one", TensorProto.INT64, [1], [1]))
            place = op("Sub", op("CumSum", ones, self.constant(np.int64(1))), self.constant(np.int64(1)))
            x = op("Add", x, op("Gather", self.weight(LONGEST, self.hidden), place))
        if self.padding == "places":  # positions count what is no padding
            count = op("Sub", op("CumSum", "attention_mask", self.constant(np.int64(1))), self.constant(np.int64(1)))
            x = op("Add", x, op("Gather", self.weight(LONGEST, self.hidden), op("Max", count, self.constant(np.int64(0)))))
        for _ in range(self.layers):
            x = self.block(x)
            if self.mixer:
                x = op("Add", x, self.mixer(self, self.norm(x)))
            if self.mutant == "mean":
                x = op("Add", x, op("ReduceMean", x, axes=[1], keepdims=1))
            if self.mutant == "reverse":
                x = op("Add", x, op("Slice", x, ints(-1), ints(-2**62), ints(1), ints(-1)))
            if self.mutant == "roll":
                x = op("Add", x, op("Concat", op("Slice", x, ints(1), ints(2**62), ints(1)), op("Slice", x, ints(0), ints(1), ints(1)), axis=1))
        self.nodes.append(helper.make_node("MatMul", [self.norm(x), self.weight(self.hidden, VOCABULARY)], ["logits"], name="head"))
        inputs = ["input_ids"] if self.padding == "none" else ["input_ids", "attention_mask"]
        graph = helper.make_graph(
            self.nodes, "drawn", [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in inputs],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", VOCABULARY])], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*each) for each in self.opsets.items()], ir_version=self.ir_version)
        onnx.checker.check_model(model)
        return model

    def block(self, x):
        if self.attends:
            x = self.op("Add", x, self.attention(self.norm(x)))
        return self.op("Add", x, self.mlp(self.norm(x)))

    def mlp(self, x):
        up = self.op("MatMul", x, self.weight(self.hidden, 2 * self.hidden))
        return self.op("MatMul", self.op("Tanh", up), self.weight(2 * self.hidden, self.hidden))

    def norm(self, x):
        return self.op("LayerNormalization", x, self.weight(self.hidden), axis=-1)

    def split(self, x, heads):
        """[B, N, heads * width] → [B, heads, N, width]."""
        shape = self.op("Concat", self.batch, self.length, self.ints(heads), self.ints(self.width), axis=0)
        return self.op("Transpose", self.op("Reshape", x, shape), perm=[0, 2, 1, 3])

    def projections(self, x):
        op, kv = self.op, self.kv_heads * self.width
        if self.product == "packed":
            packed = op("MatMul", x, self.weight(self.hidden, self.hidden + 2 * kv))
            return op("Split", packed, self.ints(self.hidden, kv, kv), outputs=3, axis=-1)
        if self.product == "gemm":
            flat = op("Reshape", x, self.ints(-1, self.hidden))
            out = lambda size: op("Reshape", op("Gemm", flat, self.weight(self.hidden, size), self.weight(size)),
                                  op("Concat", self.batch, self.length, self.ints(size), axis=0))
        else:
            out = lambda size: op("MatMul", x, self.weight(self.hidden, size))
        return out(self.hidden), out(kv), out(kv)

    def rotate(self, x):
        """Rotate-half by position."""
        op, half = self.op, self.width // 2
        angles = op("Mul", op("Unsqueeze", op("Cast", self.range, to=TensorProto.FLOAT), self.ints(1)),
                    self.constant((10.0 ** -np.arange(half)).astype(np.float32)))
        angles = op("Concat", angles, angles, axis=-1)
        first = op("Slice", x, self.ints(0), self.ints(half), self.ints(3))
        second = op("Slice", x, self.ints(half), self.ints(2**62), self.ints(3))
        turned = op("Concat", op("Neg", second), first, axis=-1)
        return op("Add", op("Mul", x, op("Cos", angles)), op("Mul", turned, op("Sin", angles)))

    def expand(self, x):
        """Each key and value head for its group of queries."""
        if self.groups == 1:
            return x
        op, sizes = self.op, lambda *parts: self.op("Concat", *parts, axis=0)
        wide = op("Expand", op("Unsqueeze", x, self.ints(2)),
                  sizes(self.batch, self.ints(self.kv_heads), self.ints(self.groups), self.length, self.ints(self.width)))
        return op("Reshape", wide, sizes(self.batch, self.ints(self.heads), self.length, self.ints(self.width)))

    def masked(self, scores):
        """Scores with what is padding hidden, then with the mask of positions."""
        op = self.op
        if self.padding != "none":
            real = op("Unsqueeze", "attention_mask", self.ints(1, 2))
            if self.padding == "additive":
                scores = op("Add", scores, op("Mul", op("Sub", self.number(1), op("Cast", real, to=TensorProto.FLOAT)), self.number(-3e38)))
            else:
                scores = op("Where", op("Cast", real, to=TensorProto.BOOL), scores, self.number(-1e9))
        return self.hidden_later(scores)

    def hidden_later(self, scores):
        op, ints, rows, columns = self.op, self.ints, self.op("Unsqueeze", self.range, self.ints(1)), self.op("Unsqueeze", self.range, self.ints(0))
        low = self.number(-3e38)
        if self.mutant == "open":
            return scores
        if self.mutant in ("ahead", "strict"):
            shift = self.constant(np.int64(1 if self.mutant == "ahead" else -1))
            return op("Where", op("LessOrEqual", columns, op("Add", rows, shift)), scores, low)
        if self.mutant == "band":
            near = op("Less", op("Abs", op("Sub", columns, rows)), self.constant(np.int64(3)))
            return op("Where", near, scores, low)
        allowed = op("LessOrEqual", columns, rows)
        if self.mask == "heads" or self.mutant == "head":  # each head has a mask of its own, merged at the end
            window = lambda width: op("And", allowed, op("Greater", columns, op("Sub", rows, self.constant(np.int64(width)))))
            masks = [allowed if head % 2 == 0 else window(2 + head) for head in range(self.heads)]
            if self.mutant == "head":
                masks[-1] = op("Or", allowed, op("Greater", columns, rows))
            return op("Where", op("Unsqueeze", op("Concat", *(op("Unsqueeze", mask, ints(0)) for mask in masks), axis=0), ints(0)), scores, low)
        square = op("Concat", self.length, self.length, axis=0)
        one = lambda value, kind: helper.make_tensor("value", kind, [1], [value])
        if self.mask == "additive":
            return op("Add", scores, op("Where", allowed, self.number(0), low))
        if self.mask == "trilu":
            ones = op("ConstantOfShape", square, value=one(1.0, TensorProto.FLOAT))
            return op("Where", op("Cast", op("Trilu", ones, upper=0), to=TensorProto.BOOL), scores, low)
        if self.mask == "trilu_fill":
            fill = op("ConstantOfShape", square, value=one(-1e9, TensorProto.FLOAT))
            return op("Add", scores, op("Trilu", fill, self.constant(np.int64(1)), upper=1))
        if self.mask == "buffer":
            buffer = self.constant(np.tril(np.ones((1, 1, LONGEST, LONGEST), bool)))
            return op("Where", op("Slice", buffer, self.ints(0, 0), square, self.ints(2, 3)), scores, low)
        if self.mask == "window":
            near = op("Greater", columns, op("Sub", rows, self.constant(np.int64(4))))
            return op("Where", op("And", allowed, near), scores, low)
        if self.mask == "arithmetic":
            kept = op("Cast", allowed, to=TensorProto.FLOAT)
            hidden = op("Mul", op("Sub", self.number(1), kept), self.number(1e4))
            return op("Sub", op("Mul", scores, kept), hidden)
        if self.mask == "alibi":
            slopes = self.constant((2.0 ** -np.arange(1, self.heads + 1)).astype(np.float32).reshape(1, -1, 1, 1))
            bias = op("Mul", slopes, op("Cast", columns, to=TensorProto.FLOAT))
            return op("Where", allowed, op("Add", scores, bias), low)
        return op("Where", allowed, scores, low)

    def weigh(self, scores):
        op = self.op
        axis = -2 if self.mutant == "axis" else -1
        if self.softmax == "op" or self.mutant == "axis":
            return op("Softmax", scores, axis=axis)
        if self.softmax == "shifted":
            scores = op("Sub", scores, op("ReduceMax", scores, axes=[-1], keepdims=1))
        raised = op("Exp", scores)
        return op("Div", raised, op("ReduceSum", raised, self.ints(-1), keepdims=1))

    def split_heads(self, x):
        """Queries [B, heads, N, width], keys and values [B, kv_heads, N, width]."""
        q, k, v = self.projections(x)
        return self.split(q, self.heads), self.split(k, self.kv_heads), self.split(v, self.kv_heads)

    def attention(self, x):
        op = self.op
        q, k, v = self.split_heads(x)
        if self.position == "rotary":
            q, k = self.rotate(q), self.rotate(k)
        scale = self.width ** -0.5
        k, v = self.expand(k), self.expand(v)
        if self.position == "turned_late":  # behind the expansion of the heads
            q, k = self.rotate(q), self.rotate(k)
        if self.scale == "both":
            q, k = (op("Mul", each, self.number(scale ** 0.5)) for each in (q, k))
        if self.scale == "query":
            q = op("Mul", q, self.number(scale))
        scores = op("MatMul", q, op("Transpose", k, perm=[0, 1, 3, 2]))
        if self.scale == "scores":
            scores = op("Div", scores, self.number(1 / scale))
        if self.mutant == "length":
            scores = op("Div", scores, op("Sqrt", op("Cast", self.length, to=TensorProto.FLOAT)))
        mixed = op("MatMul", self.weigh(self.masked(scores)), v)
        merged = op("Reshape", op("Transpose", mixed, perm=[0, 2, 1, 3]),
                    op("Concat", self.batch, self.length, self.ints(self.hidden), axis=0))
        return op("MatMul", merged, self.weight(self.hidden, self.hidden))
