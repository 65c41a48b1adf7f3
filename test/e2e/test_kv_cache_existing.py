"""kv-cache on graphs that have a cache, in each form that exporters give it: it is reported, and not doubled."""

import json
import subprocess

import contract
import numpy as np
import onnx
import pytest
import test_kv_cache
from onnx import TensorProto, helper, numpy_helper

F, I = TensorProto.FLOAT, TensorProto.INT64
HEADS, WIDTH = 2, 4
SIZE = HEADS * WIDTH
SPLIT = ["batch", HEADS, "past", WIDTH]


class Step:
    """One layer of attention over a past, [B, N, 8] → [B, N, 8]; a form says how keys and values meet those of earlier steps."""

    def __init__(self):
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [("x", F, ["batch", "sequence", SIZE])], []

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.weights)}"))
        return self.weights[-1].name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, *dims):
        return self.constant(np.random.default_rng(len(self.weights)).standard_normal(dims).astype(np.float32))

    def past(self, name, dims, kind=F):
        self.inputs.append((name, kind, dims))
        return name

    def present(self, value, dims):
        name = f"present.{len(self.outputs)}"
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append((name, F, dims))

    def projected(self, perm=(0, 2, 1, 3)):
        return self.op("Transpose", self.op("Reshape", self.op("MatMul", "x", self.weight(SIZE, SIZE)), self.ints(0, 0, HEADS, WIDTH)), perm=list(perm))

    def mixed(self, q, keys_transposed, v):
        out = self.op("MatMul", self.op("Softmax", self.op("MatMul", q, keys_transposed), axis=-1), v)
        return self.op("Reshape", self.op("Transpose", out, perm=[0, 2, 1, 3]), self.ints(0, 0, SIZE))

    def model(self, result):
        self.nodes.append(helper.make_node("Identity", [result], ["y"]))
        info = lambda each: helper.make_tensor_value_info(*each)
        graph = helper.make_graph(self.nodes, "step", [info(each) for each in self.inputs],
                                  [info(("y", F, ["batch", "sequence", SIZE]))] + [info(each) for each in self.outputs], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24), helper.make_opsetid("com.microsoft", 1)], ir_version=10)


def swap(s, v):
    return s.op("Transpose", v, perm=[0, 1, 3, 2])


def separate(s):
    q, k, v = s.projected(), s.projected(), s.projected()
    k, v = s.op("Concat", s.past("pk", SPLIT), k, axis=2), s.op("Concat", s.past("pv", SPLIT), v, axis=2)
    s.present(k, None), s.present(v, None)
    return s.mixed(q, swap(s, k), v)


def stacked(s):
    q, k, v = s.projected(), s.projected(), s.projected()
    past = s.past("past", [2, *SPLIT])
    k = s.op("Concat", s.op("Gather", past, s.constant(np.int64(0)), axis=0), k, axis=2)
    v = s.op("Concat", s.op("Squeeze", s.op("Slice", past, s.ints(1), s.ints(2), s.ints(0)), s.ints(0)), v, axis=2)
    s.present(s.op("Concat", s.op("Unsqueeze", k, s.ints(0)), s.op("Unsqueeze", v, s.ints(0)), axis=0), None)
    return s.mixed(q, swap(s, k), v)


def transposed(s):
    q, k, v = s.projected(), s.projected((0, 2, 3, 1)), s.projected()
    k = s.op("Concat", s.past("pk", ["batch", HEADS, WIDTH, "past"]), k, axis=3)
    v = s.op("Concat", s.past("pv", SPLIT), v, axis=2)
    s.present(k, None), s.present(v, None)
    return s.mixed(q, k, v)


def merged_heads(s):
    flat = lambda v: s.op("Reshape", v, s.ints(HEADS, -1, WIDTH))  # of one sequence
    q, k, v = (flat(s.projected()) for _ in range(3))
    k = s.op("Concat", s.past("pk", ["rows", "past", WIDTH]), k, axis=1)
    v = s.op("Concat", s.past("pv", ["rows", "past", WIDTH]), v, axis=1)
    s.present(k, None), s.present(v, None)
    out = s.op("MatMul", s.op("Softmax", s.op("MatMul", q, s.op("Transpose", k, perm=[0, 2, 1])), axis=-1), v)
    return s.op("Reshape", out, s.op("Concat", s.ints(1), s.op("Shape", "x", start=1, end=2), s.ints(SIZE), axis=0))


def joint(s):
    """Keys and values of one head in one tensor (StarCoder)."""
    q, kv = s.projected(), s.op("MatMul", "x", s.weight(SIZE, 2 * WIDTH))
    kv = s.op("Concat", s.past("past", ["batch", "past", 2 * WIDTH]), kv, axis=1)
    s.present(kv, None)
    k, v = s.op("Split", s.op("Unsqueeze", kv, s.ints(1)), outputs=2, axis=-1, num_outputs=2)
    return s.mixed(q, swap(s, k), v)


def optional(s):
    """The past only where a flag says so, as merged decoders have it."""
    q, k, v = s.projected(), s.projected(), s.projected()
    use = s.past("use_cache_branch", [1], TensorProto.BOOL)
    pasts = [s.past("pk", SPLIT), s.past("pv", SPLIT)]
    info = lambda name: helper.make_tensor_value_info(name, F, None)
    then = helper.make_graph([helper.make_node("Concat", [past, new], [f"t{i}"], axis=2, name=f"join{i}") for i, (past, new) in enumerate(zip(pasts, (k, v)))],
                             "with", [], [info("t0"), info("t1")])
    other = helper.make_graph([helper.make_node("Identity", [new], [f"e{i}"]) for i, new in enumerate((k, v))], "without", [], [info("e0"), info("e1")])
    k, v = s.op("If", s.op("Squeeze", use, s.ints(0)), outputs=2, then_branch=then, else_branch=other)
    s.present(k, None), s.present(v, None)
    return s.mixed(q, swap(s, k), v)


def buffer(write):
    """A buffer of fixed length, into which new rows are written."""
    def form(s):
        fixed = ["batch", HEADS, 16, WIDTH]
        q = s.projected()
        k, v = (write(s, s.past(name, fixed), s.projected()) for name in ("pk", "pv"))
        s.present(k, None), s.present(v, None)
        return s.mixed(q, swap(s, k), v)
    return form


def at(s):
    return "at" if any(each[0] == "at" for each in s.inputs) else s.past("at", ["sequence"], I)


def scatter_elements(s, past, new):
    places = s.op("Expand", s.op("Unsqueeze", at(s), s.ints(0, 1, 3)), s.op("Shape", new))
    return s.op("ScatterElements", past, places, new, axis=2)


def scatter_nd(s, past, new):
    """[T, B, heads, width], by row."""
    moved = s.op("ScatterND", s.op("Transpose", past, perm=[2, 0, 1, 3]), s.op("Unsqueeze", at(s), s.ints(1)), s.op("Transpose", new, perm=[2, 0, 1, 3]))
    return s.op("Transpose", moved, perm=[1, 2, 0, 3])


def tensor_scatter(s, past, new):
    return s.op("TensorScatter", past, new, s.past(f"at_{past}", ["batch"], I), axis=2)


def in_place(s, past, new):
    """past[:, :, :n] and past[:, :, n + N:] around the new rows."""
    begin = at(s)
    end = s.op("Add", begin, s.op("Shape", "x", start=1, end=2))
    return s.op("Concat", s.op("Slice", past, s.ints(0), begin, s.ints(2)), new, s.op("Slice", past, end, s.ints(2**62), s.ints(2)), axis=2)


def standard(s):
    q, k, v = s.projected(), s.projected(), s.projected()
    y, k, v = s.op("Attention", q, k, v, "", s.past("pk", SPLIT), s.past("pv", SPLIT), outputs=3, is_causal=1)
    s.present(k, None), s.present(v, None)
    return s.op("Reshape", s.op("Transpose", y, perm=[0, 2, 1, 3]), s.ints(0, 0, SIZE))


def multi_head(s):
    rows = [s.op("MatMul", "x", s.weight(SIZE, SIZE)) for _ in range(3)]
    y, k, v = s.op("MultiHeadAttention", *rows, "", "", "", s.past("pk", SPLIT), s.past("pv", SPLIT), outputs=3, domain="com.microsoft", num_heads=HEADS)
    s.present(k, None), s.present(v, None)
    return y


def packed(s):
    y, present = s.op("Attention", "x", s.weight(SIZE, 3 * SIZE), s.weight(3 * SIZE), "", s.past("past", [2, *SPLIT]), outputs=2, domain="com.microsoft",
                      num_heads=HEADS, unidirectional=1)
    s.present(present, None)
    return y


def group_query(s):
    rows = [s.op("MatMul", "x", s.weight(SIZE, SIZE)) for _ in range(3)]
    lengths, total = s.past("seqlens_k", ["batch"], TensorProto.INT32), s.past("total", [], TensorProto.INT32)
    y, k, v = s.op("GroupQueryAttention", *rows, s.past("pk", SPLIT), s.past("pv", SPLIT), lengths, total, outputs=3, domain="com.microsoft",
                   num_heads=HEADS, kv_num_heads=HEADS)
    s.present(k, None), s.present(v, None)
    return y


FORMS = {"separate": separate, "stacked": stacked, "transposed": transposed, "merged_heads": merged_heads, "joint": joint, "if": optional,
         "scatter_elements": buffer(scatter_elements), "scatter_nd": buffer(scatter_nd), "tensor_scatter": buffer(tensor_scatter), "in_place": buffer(in_place),
         "attention": standard, "multi_head_attention": multi_head, "packed_attention": packed, "group_query_attention": group_query}


def run(model, scratch):
    onnx.save(model, scratch / "before.onnx")
    done = subprocess.run([contract.BIN / "xf-opt", scratch / "before.onnx", "--passes=kv-cache", "-o", scratch / "after.onnx"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return onnx.load(scratch / "after.onnx"), done.stderr


@pytest.mark.parametrize("name", FORMS)
def test_is_reported(name, tmp_path):
    step = Step()
    model = step.model(FORMS[name](step))
    after, why = run(model, tmp_path)
    past = next(each[0] for each in step.inputs if each[0] in ("past", "pk"))
    assert f"takes earlier positions from '{past}'" in why and "has a cache already" in why, why
    assert [each.name for each in after.graph.input] == [each[0] for each in step.inputs]
    assert not after.metadata_props


def test_what_the_pass_makes_is_not_doubled(tmp_path):
    model, caches, _ = test_kv_cache.rewritten(test_kv_cache.Draw(3).model(), tmp_path)
    again, same, why = test_kv_cache.rewritten(model, tmp_path)
    assert same == caches and "has a cache already" in why, why
    assert [each.name for each in again.graph.input] == [each.name for each in model.graph.input]


def test_rows_put_in_front_are_no_cache(tmp_path):
    """An image before a text is joined with it, too, but does not leave the graph."""
    step = Step()
    step.inputs.append(("image", F, ["batch", "patches", SIZE]))
    joined = step.op("Concat", "image", step.op("MatMul", "x", step.weight(SIZE, SIZE)), axis=1)
    scores = step.op("Softmax", step.op("MatMul", joined, step.op("Transpose", joined, perm=[0, 2, 1])), axis=-1)
    _, why = run(step.model(step.op("MatMul", scores, joined)), tmp_path)
    assert "refused" in why and "cache already" not in why, why
