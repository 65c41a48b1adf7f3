"""Decoders as their exporters write them, small, and ways in which each would no longer be causal."""

import numpy as np
from onnx import TensorProto, helper
from small_transformers import Draw
from time_mixers import FAR, scalar


class Family(Draw):
    """A draw with everything fixed that makes the family; sizes stay drawn."""

    fixed = {}

    def __init__(self, seed, mutant=None):
        super().__init__(seed, mutant)
        self.mask, self.position, self.scale, self.softmax, self.product, self.padding = "compare", "none", "scores", "op", "separate", "none"
        self.layers = 2
        for name, value in self.fixed.items():
            setattr(self, name, value)
        self.heads = self.kv_heads * self.groups
        self.hidden = self.heads * self.width

    def __str__(self):
        return f"{type(self).__name__}: {super().__str__()}"

    def slice_last(self, x, start, end):
        return self.op("Slice", x, self.ints(start), self.ints(end), self.ints(-1))

    def sizes(self, *parts):
        return self.op("Concat", self.batch, self.length, self.ints(*parts), axis=0)

    def grid(self):
        """Positions of rows [N, 1] and of columns [1, N]."""
        return self.op("Unsqueeze", self.range, self.ints(1)), self.op("Unsqueeze", self.range, self.ints(0))

    def rms(self, x, width):
        """RMSNorm, written out, over the last axis."""
        square = self.op("ReduceMean", self.op("Pow", x, self.number(2)), axes=[-1], keepdims=1)
        return self.op("Mul", self.weight(width), self.op("Mul", x, self.op("Reciprocal", self.op("Sqrt", self.op("Add", square, self.number(1e-6))))))

    def gated(self, x):
        gate, up = (self.op("MatMul", x, self.weight(self.hidden, 2 * self.hidden)) for _ in range(2))
        return self.op("MatMul", self.op("Mul", self.op("Mul", gate, self.op("Sigmoid", gate)), up), self.weight(2 * self.hidden, self.hidden))

    def both_read_the_norm(self, x):
        """Parallel residual: attention and MLP side by side."""
        normed = self.norm(x)
        return self.op("Add", x, self.op("Add", self.attention(normed), self.mlp(normed)))

    def bias(self, scores):
        """Scores with what a position scheme adds."""
        return scores

    def masked(self, scores):
        return super().masked(self.bias(scores))


class Llama(Family):
    """RMSNorm, rotary, groups by Expand and Reshape, gated MLP; a mask of padding beside the causal one."""
    fixed = {"position": "rotary", "padding": "and", "groups": 3, "kv_heads": 2}

    def norm(self, x):
        return self.rms(x, self.hidden)

    mlp = Family.gated


class GptNeoX(Family):
    """One product, interleaved by head; half of each head turned; parallel residual; a mask from a buffer."""
    fixed = {"mask": "buffer", "groups": 1, "width": 8, "kv_heads": 3}
    block = Family.both_read_the_norm

    def split_heads(self, x):
        fused = self.op("Add", self.op("MatMul", x, self.weight(self.hidden, 3 * self.hidden)), self.weight(3 * self.hidden))
        heads = self.op("Transpose", self.op("Reshape", fused, self.sizes(self.heads, 3 * self.width)), perm=[0, 2, 1, 3])
        q, k, v = (self.slice_last(heads, i * self.width, (i + 1) * self.width) for i in range(3))
        return self.partly(q), self.partly(k), v

    def partly(self, x):
        whole, self.width = self.width, self.width // 2
        turned = self.rotate(self.slice_last(x, 0, self.width))
        rest = self.slice_last(x, self.width, FAR)
        self.width = whole
        return self.op("Concat", turned, rest, axis=-1)


class Qwen3(Llama):
    """Queries and keys are normed head by head before they are turned."""

    def split_heads(self, x):
        q, k, v = self.projections(x)
        heads = lambda each, count: self.op("Reshape", each, self.sizes(count, self.width))
        turn = lambda each: self.op("Transpose", each, perm=[0, 2, 1, 3])
        return (turn(self.rms(heads(q, self.heads), self.width)), turn(self.rms(heads(k, self.kv_heads), self.width)), turn(heads(v, self.kv_heads)))


class Mistral(Llama):
    """A sliding window, written as what is hidden: later columns, and those four or more before."""

    def hidden_later(self, scores):
        rows, columns = self.grid()
        later = self.op("Greater", columns, self.op("Add", rows, scalar(self, 1)) if self.mutant == "ahead" else rows)
        if self.mutant == "wrong way":
            later = self.op("GreaterOrEqual", rows, columns)
        far = self.op("LessOrEqual", columns, self.op("Sub", rows, scalar(self, 4)))
        fill = self.op("Where", self.op("Or", later, far), self.number(np.finfo(np.float32).min), self.number(0))
        return self.op("Add", scores, fill)


class Falcon(Family):
    """One head of keys and values for all queries, in one product; broadcast by MatMul; parallel."""
    fixed = {"kv_heads": 1, "groups": 4, "position": "rotary"}
    block = Family.both_read_the_norm

    def split_heads(self, x):
        fused = self.op("MatMul", x, self.weight(self.hidden, (self.heads + 2) * self.width))
        heads = self.op("Transpose", self.op("Reshape", fused, self.sizes(self.heads + 2, self.width)), perm=[0, 2, 1, 3])
        return self.op("Split", heads, self.ints(self.heads, 1, 1), outputs=3, axis=1)

    def expand(self, x):
        return x


class Phi(GptNeoX):
    """Separate products, part of each head turned, parallel."""

    def split_heads(self, x):
        q, k, v = Draw.split_heads(self, x)
        return self.partly(q), self.partly(k), v


class T5Decoder(Family):
    """No scale; a learned bias for each bucket of distances, and the causal mask as an addend of its own."""
    fixed = {"groups": 1, "scale": "none"}
    BUCKETS, EXACT, FARTHEST = 8, 4, 16

    def bias(self, scores):
        rows, columns = self.grid()
        distance = self.op("Sub", columns, rows)
        nearer = self.op("Neg", self.op("Min", distance, self.op("ConstantOfShape", self.op("Shape", distance),
                                                                 value=helper.make_tensor("zero", TensorProto.INT64, [1], [0]))))
        logarithm = self.op("Log", self.op("Div", self.op("Cast", nearer, to=TensorProto.FLOAT), self.number(self.EXACT)))
        large = self.op("Div", logarithm, self.number(np.log(self.FARTHEST / self.EXACT)))
        large = self.op("Cast", self.op("Mul", large, self.number(self.BUCKETS - self.EXACT)), to=TensorProto.INT64)
        large = self.op("Min", self.op("Add", large, scalar(self, self.EXACT)), scalar(self, self.BUCKETS - 1))
        bucket = self.op("Where", self.op("Less", nearer, scalar(self, self.EXACT)), nearer, large)
        table = self.op("Gather", self.weight(self.BUCKETS, self.heads), bucket)
        return self.op("Add", scores, self.op("Unsqueeze", self.op("Transpose", table, perm=[2, 0, 1]), self.ints(0)))

    def hidden_later(self, scores):
        rows, columns = self.grid()
        allowed = self.op("Cast", self.op("LessOrEqual", columns, rows), to=TensorProto.FLOAT)
        if self.mutant == "buckets only":
            return scores
        return self.op("Add", scores, self.op("Mul", self.op("Sub", self.number(1), allowed), self.number(np.finfo(np.float32).min)))


class Bloom(Family):
    """ALiBi on places counted by the mask of padding; queries, keys and values of a head side by side."""
    fixed = {"groups": 1, "padding": "and"}

    def split_heads(self, x):
        fused = self.op("Reshape", self.op("MatMul", x, self.weight(self.hidden, 3 * self.hidden)), self.sizes(self.heads, 3, self.width))
        each = (self.op("Gather", fused, scalar(self, i), axis=3) for i in range(3))
        return tuple(self.op("Transpose", part, perm=[0, 2, 1, 3]) for part in each)

    def bias(self, scores):
        op = self.op
        mask = op("Cast", "attention_mask", to=TensorProto.FLOAT)
        places = op("Mul", op("Sub", op("CumSum", mask, scalar(self, 1)), self.number(1)), mask)
        slopes = self.constant((2.0 ** -np.arange(1, self.heads + 1)).astype(np.float32).reshape(-1, 1, 1))
        return op("Add", scores, op("Mul", slopes, op("Unsqueeze", places, self.ints(1, 2))))

    def hidden_later(self, scores):
        if self.mutant == "alibi only":  # a bias is no mask, however steep
            return scores
        return super().hidden_later(scores)


class Mpt(Family):
    """ALiBi counted from the end of the longest sequence there may be, cut to this one's length."""
    fixed = {"groups": 1, "product": "packed"}
    LONGEST = 32

    def bias(self, scores):
        op = self.op
        back = op("Range", scalar(self, 1 - self.LONGEST), scalar(self, 1), scalar(self, 1))
        slopes = self.constant((2.0 ** -np.arange(1, self.heads + 1)).astype(np.float32).reshape(-1, 1, 1))
        table = op("Mul", op("Cast", op("Reshape", back, self.ints(1, 1, -1)), to=TensorProto.FLOAT), slopes)
        return op("Add", scores, op("Slice", table, op("Neg", self.length), self.ints(FAR), self.ints(2)))


class Routed(Llama):
    """Each token goes through the two best of four MLPs, chosen by TopK."""
    EXPERTS = 4

    def mlp(self, x):
        op = self.op
        flat = op("Reshape", x, self.ints(-1, self.hidden))
        chances = op("Softmax", op("MatMul", flat, self.weight(self.hidden, self.EXPERTS)), axis=-1)
        best, which = op("TopK", chances, self.ints(2), outputs=2, axis=-1)
        zeros = op("ConstantOfShape", op("Shape", chances), value=helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]))
        shares = self.scattered(zeros, which, best)
        mixed = None
        for expert in range(self.EXPERTS):
            part = op("Mul", Family.mlp(self, flat), self.slice_last(shares, expert, expert + 1))
            mixed = op("Add", mixed, part) if mixed else part
        return op("Reshape", mixed, self.sizes(self.hidden))

    def scattered(self, zeros, which, best):
        return self.op("ScatterElements", zeros, which, best, axis=-1 if self.mutant != "over tokens" else 0)


class RoutedByNumber(Routed):
    """The same by ScatterND on pairs (token, expert)."""

    def scattered(self, zeros, which, best):
        op = self.op
        count = op("Shape", which, start=0, end=1)
        tokens = op("Range", scalar(self, 0), op("Squeeze", count, self.ints(0)), scalar(self, 1))
        if self.mutant == "over tokens":  # rows of the sequence back to front
            tokens = op("Sub", op("Sub", op("Squeeze", count, self.ints(0)), scalar(self, 1)), tokens)
        rows = op("Expand", op("Unsqueeze", tokens, self.ints(1)), op("Shape", which))
        pairs = op("Concat", op("Unsqueeze", rows, self.ints(2)), op("Unsqueeze", which, self.ints(2)), axis=2)
        return op("ScatterND", zeros, pairs, best)


class Latent(Llama):
    """Keys are written into an empty buffer: a part of their own, and a part that all heads share, as DeepSeek has it."""
    fixed = {**Llama.fixed, "groups": 1, "kv_heads": 3, "width": 8}

    def split_heads(self, x):
        op, half = self.op, self.width // 2
        q, own, v = Draw.split_heads(self, x)
        shared = op("Unsqueeze", op("MatMul", x, self.weight(self.hidden, half)), self.ints(1))
        shared = op("Expand", shared, op("Concat", self.batch, self.ints(self.heads), self.length, self.ints(half), axis=0))
        turned = lambda each: op("Transpose", each, perm=[3, 1, 2, 0])
        keys = turned(op("ConstantOfShape", op("Concat", self.batch, self.ints(self.heads), self.length, self.ints(self.width), axis=0)))
        for first, part in ((0, self.slice_last(own, 0, half)), (half, shared)):
            places = op("Range", scalar(self, first), scalar(self, first + half), scalar(self, 1))
            keys = op("ScatterND", keys, op("Unsqueeze", places, self.ints(1)), turned(part))
        return q, turned(keys), v


class Bert(Family):
    """Every position sees every other that is no padding; norms behind the residual."""
    fixed = {"padding": "additive", "position": "learned"}

    def block(self, x):
        x = self.norm(self.op("Add", x, self.attention(x)))
        return self.norm(self.op("Add", x, self.mlp(x)))

    def hidden_later(self, scores):
        return scores


class DiagonalAlibi(Family):
    """A bias by distance, alike to both sides, and nothing that hides."""
    fixed = {"groups": 1}

    def hidden_later(self, scores):
        rows, columns = self.grid()
        distance = self.op("Cast", self.op("Abs", self.op("Sub", columns, rows)), to=TensorProto.FLOAT)
        return self.op("Sub", scores, self.op("Mul", distance, self.number(0.5)))


DECODERS = (Llama, GptNeoX, Qwen3, Mistral, Falcon, Phi, T5Decoder, Bloom, Routed, Latent)
# Causal, but not followed: what the refusal says.
REFUSED = ((Mpt, "(Slice)': reads places that follow from the length of the sequence: they would have to be counted from its start"),
           (RoutedByNumber, "(ScatterND)': reads all positions at once"))
LEAKING = ((Bert, None), (DiagonalAlibi, None), (Mistral, "ahead"), (Mistral, "wrong way"), (T5Decoder, "buckets only"), (Bloom, "alibi only"),
           (Routed, "over tokens"), (RoutedByNumber, "over tokens"), (GptNeoX, "axis"), (Falcon, "length"), (Qwen3, "roll"), (Phi, "mean"))
