"""Small transformers whose attention is one operator, in the ways in which an operator can be made causal."""

import numpy as np
from onnx import TensorProto
from small_transformers import Draw


class Operator(Draw):
    """`kind` says which operator, `mask` how later columns are hidden from a row; "open": not at all."""

    def __init__(self, seed, kind, mask):
        super().__init__(seed)
        self.kind, self.mask, self.softmax = kind, mask, "op"
        self.padding = "none"
        self.opsets, self.ir_version = {"": 23, "com.microsoft": 1}, 10

    def __str__(self):
        return f"{self.kind}, mask {self.mask}, {super().__str__()}"

    def added(self):
        """[1, 1, N, N] to add to the scores, or boolean."""
        op, rows, columns = self.op, self.op("Unsqueeze", self.range, self.ints(1)), self.op("Unsqueeze", self.range, self.ints(0))
        allowed = op("Unsqueeze", op("LessOrEqual", columns, rows), self.ints(0, 1))
        if self.mask == "ahead":
            allowed = op("Unsqueeze", op("LessOrEqual", columns, op("Add", rows, self.constant(np.int64(1)))), self.ints(0, 1))
        if self.mask == "flag_and_strict":  # hides each row's own
            allowed = op("Unsqueeze", op("Less", columns, rows), self.ints(0, 1))
        if self.mask == "window":
            near = op("Greater", columns, op("Sub", rows, self.constant(np.int64(4))))
            allowed = op("And", allowed, near)
        return allowed if self.mask == "boolean" or self.mask == "window" and self.kind != "multihead" else op(
            "Where", allowed, self.number(0), self.number(-1e9))

    def attention(self, x):
        op = self.op
        causal = int(self.mask.startswith("flag"))
        if self.mask in ("flag_and_bias", "flag_and_length"):  # nearer is better; by how much depends on the length, or not
            distance = op("Sub", op("Unsqueeze", self.range, self.ints(0)), op("Unsqueeze", self.range, self.ints(1)))
            mask = op("Mul", op("Unsqueeze", op("Cast", distance, to=TensorProto.FLOAT), self.ints(0, 1)), self.number(0.1))
            if self.mask == "flag_and_length":
                mask = op("Div", op("Mul", mask, self.number(30)), op("Cast", self.length, to=TensorProto.FLOAT))
        else:
            mask = "" if self.mask in ("flag", "open") else self.added()
        if self.kind == "whole":  # with the products of queries, keys and values inside
            mask = ["", "", mask] if mask else []
            mixed = op("Attention", x, self.weight(self.hidden, 3 * self.hidden), self.weight(3 * self.hidden), *mask,
                       num_heads=self.heads, unidirectional=causal, domain="com.microsoft")
            return op("MatMul", mixed, self.weight(self.hidden, self.hidden))
        q, k, v = self.projections(x)
        if self.kind == "grouped":
            lengths = op("Cast", op("Expand", op("Sub", self.length, self.ints(1)), self.batch), to=TensorProto.INT32)
            total = op("Cast", op("Squeeze", self.length, self.ints(0)), to=TensorProto.INT32)
            merged = op("GroupQueryAttention", q, k, v, "", "", lengths, total, outputs=3,
                        num_heads=self.heads, kv_num_heads=self.kv_heads, domain="com.microsoft")[0]
        elif self.kind == "four":  # [B, heads, N, width]
            q, k, v = self.split(q, self.heads), self.split(k, self.kv_heads), self.split(v, self.kv_heads)
            if self.position == "rotary":
                q, k = self.rotate(q), self.rotate(k)
            mixed = op("Attention", q, k, v, mask, is_causal=causal)
            merged = op("Reshape", op("Transpose", mixed, perm=[0, 2, 1, 3]), op("Concat", self.batch, self.length, self.ints(self.hidden), axis=0))
        elif self.kind == "three":  # [B, N, heads * width]
            merged = op("Attention", q, k, v, mask, is_causal=causal, q_num_heads=self.heads, kv_num_heads=self.kv_heads)
        else:
            bias = self.weight(3 * self.hidden) if self.product == "packed" else ""
            merged = op("MultiHeadAttention", q, k, v, bias, "", mask, num_heads=self.heads, unidirectional=causal, domain="com.microsoft")
        return op("MatMul", merged, self.weight(self.hidden, self.hidden))
