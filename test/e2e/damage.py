"""Damaged copies of small graphs, from a seed: of the bytes (what disks and downloads do) and of the structure (what
exporters and hand edits do). The same seed gives the same copy."""

import random

import onnx
from onnx import AttributeProto, helper

SOURCES = ["plain_mlp_d4096_ts17", "plain_mha_d4096_h16_ts17", "plain_block_d1600_fp16_ts17", "plain_attnonly_2l_ts17",
           "plain_block_d1600_sdpa_dynamo23", "plain_mha_d4096_h16_einsum_dynamo18", "newops_llama_2l_nopast_dynamo23",
           "llama-2l_gqa_fp32_genai", "phi3-2l_int4_genai", "plain_nn_multiheadattention_d1024_ts17"]

NUMBERS = [0, 1, -1, 2, -2, 7, 31, 63, 64, 127, -128, 255, 1 << 31, -(1 << 31), 1 << 32, (1 << 63) - 1, -(1 << 63)]


# -- bytes ---------------------------------------------------------------------------------------------------------------

def flip(data, pick):
    for _ in range(pick.choice([1, 1, 2, 8, 64])):
        data[pick.randrange(len(data))] ^= 1 << pick.randrange(8)


def overwrite(data, pick):
    where = pick.randrange(len(data))
    piece = pick.choice([b"\xff" * 10, b"\x00" * 8, bytes(pick.randbytes(pick.randrange(1, 32)))])
    data[where:where + len(piece)] = piece


def insert(data, pick):
    where = pick.randrange(len(data) + 1)
    data[where:where] = pick.choice([pick.randbytes(pick.randrange(1, 64)), b"\xff" * 9 + b"\x01", b"\x80" * 12])


def delete(data, pick):
    where = pick.randrange(len(data))
    del data[where:where + pick.randrange(1, 64)]


def truncate(data, pick):
    del data[pick.randrange(len(data)):]


def repeat(data, pick):
    where = pick.randrange(len(data))
    data[where:where] = data[where:where + pick.randrange(1, 512)]


BYTES = [flip, flip, overwrite, insert, delete, truncate, repeat]


# -- structure -----------------------------------------------------------------------------------------------------------

def an_attribute(model, pick):
    nodes = [node for node in model.graph.node if node.attribute]
    return pick.choice(pick.choice(nodes).attribute) if nodes else None


def change_number(model, pick):
    """An axis, a permutation, a kernel size: out of range, negative, enormous."""
    attribute = an_attribute(model, pick)
    if attribute is None:
        return
    if attribute.type == AttributeProto.INT:
        attribute.i = pick.choice(NUMBERS)
    elif attribute.type == AttributeProto.INTS and attribute.ints:
        attribute.ints[pick.randrange(len(attribute.ints))] = pick.choice(NUMBERS)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = pick.choice([0.0, -1.0, 1e38, float("nan"), float("inf")])
    elif attribute.type == AttributeProto.STRING:
        attribute.s = pick.choice([b"", b"\xff\xfe", b"ij,jk->", b"...->", b"x" * 10000])
    elif attribute.type == AttributeProto.TENSOR:
        damage_tensor(attribute.t, pick)


def change_kind(model, pick):
    """An attribute of another type, or whose type says otherwise than its payload."""
    attribute = an_attribute(model, pick)
    if attribute is None:
        return
    if pick.random() < 0.5:
        attribute.type = pick.choice(AttributeProto.AttributeType.values())
        return
    value = pick.choice([1, 1.5, "text", [1, 2], [1.5], ["a"], helper.make_tensor("t", 1, [1], [1.0])])
    attribute.CopyFrom(helper.make_attribute(attribute.name, value))


def drop_attribute(model, pick):
    node = pick.choice(model.graph.node)
    if node.attribute:
        del node.attribute[pick.randrange(len(node.attribute))]


def repeat_attribute(model, pick):
    node = pick.choice(model.graph.node)
    if node.attribute:
        node.attribute.append(pick.choice(node.attribute))


def drop_input(model, pick):
    node = pick.choice(model.graph.node)
    if node.input:
        del node.input[pick.randrange(len(node.input))]


def empty_input(model, pick):
    node = pick.choice(model.graph.node)
    if node.input:
        node.input[pick.randrange(len(node.input))] = ""


def add_inputs(model, pick):
    node = pick.choice(model.graph.node)
    node.input.extend(list(node.input) * pick.choice([1, 2, 50]) or ["nothing"])


def rewire(model, pick):
    """Another value, of another shape or type; sometimes one that comes later: a cycle."""
    names = [name for node in model.graph.node for name in node.output] + ["no such value"]
    node = pick.choice(model.graph.node)
    if node.input:
        node.input[pick.randrange(len(node.input))] = pick.choice(names)


def drop_outputs(model, pick):
    node = pick.choice(model.graph.node)
    del node.output[pick.randrange(len(node.output) or 1):]


def repeat_output(model, pick):
    names = [name for node in model.graph.node for name in node.output]
    pick.choice(model.graph.node).output.append(pick.choice(names))


def rename_op(model, pick):
    kinds = ["MatMul", "Reshape", "Transpose", "Concat", "Gather", "If", "Loop", "Conv", "Einsum", "TopK", "Attention",
             "Split", "Slice", "Pad", "", "NoSuchOp", "Constant", "LSTM", "GridSample", "Range", "ConstantOfShape"]
    pick.choice(model.graph.node).op_type = pick.choice(kinds)


def rename_domain(model, pick):
    pick.choice(model.graph.node).domain = pick.choice(["com.microsoft", "ai.onnx.ml", "no.such", "", "ai.onnx"])


def drop_node(model, pick):
    del model.graph.node[pick.randrange(len(model.graph.node))]


def repeat_node(model, pick):
    model.graph.node.append(pick.choice(model.graph.node))


def shuffle_nodes(model, pick):
    nodes = list(model.graph.node)
    pick.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def damage_tensor(tensor, pick):
    what = pick.randrange(4)
    if what == 0:
        tensor.data_type = pick.choice([0, 1, 7, 8, 9, 10, 16, 21, 26, 99, -1])
    elif what == 1:
        tensor.dims.append(pick.choice(NUMBERS))
    elif what == 2 and tensor.dims:
        tensor.dims[pick.randrange(len(tensor.dims))] = pick.choice(NUMBERS)
    else:
        tensor.raw_data = pick.randbytes(pick.randrange(20))


def damage_initializer(model, pick):
    if model.graph.initializer:
        tensor = pick.choice(model.graph.initializer)
        if tensor.external_data and pick.random() < 0.4:
            pick.choice(tensor.external_data).value = pick.choice(["", "-1", "99999999999999999999", "/etc/passwd", "../x"])
        else:
            damage_tensor(tensor, pick)


def damage_value(model, pick):
    """A declared shape or type that is not so."""
    value = pick.choice(list(model.graph.input) + list(model.graph.output) + list(model.graph.value_info))
    tensor = value.type.tensor_type
    what = pick.randrange(5)
    if what == 0:
        tensor.elem_type = pick.choice([0, 1, 7, 9, 10, 26, 99, -1])
    elif what == 1 and tensor.shape.dim:
        tensor.shape.dim[pick.randrange(len(tensor.shape.dim))].dim_value = pick.choice(NUMBERS)
    elif what == 2 and tensor.shape.dim:
        names = ["", "((((", "a +", "1/0", "batch * batch", "x" * 10000, "\N{SNOWMAN}", "max(", "9" * 40, "B", "N"]
        tensor.shape.dim[pick.randrange(len(tensor.shape.dim))].dim_param = pick.choice(names)
    elif what == 3:
        tensor.ClearField("shape")
    else:
        value.ClearField("type")


def damage_opset(model, pick):
    what = pick.randrange(3)
    if what == 0:
        del model.opset_import[:]
    elif what == 1:
        model.opset_import[0].version = pick.choice([0, 1, 6, 13, 99, -1, 1 << 40])
    else:
        model.ir_version = pick.choice([0, 1, 3, 99, -1])


def clear_graph(model, pick):
    pick.choice([lambda: model.graph.ClearField("node"), lambda: model.graph.ClearField("input"),
                 lambda: model.graph.ClearField("initializer"), lambda: model.graph.ClearField("output"),
                 lambda: model.ClearField("graph")])()


def nest(model, pick):
    """A graph in an attribute, in an attribute, …"""
    depth = pick.choice([1, 3, 30])
    graph = helper.make_graph([], "innermost", [], [])
    for _ in range(depth):
        node = helper.make_node("If", [pick.choice(["", "c"])], ["r"], then_branch=graph, else_branch=onnx.GraphProto())
        graph = helper.make_graph([node], "g", [], [])
    model.graph.node.append(graph.node[0])


def call_itself(model, pick):
    """A model-local function that calls itself, directly or through another."""
    opset = [helper.make_opsetid("local", 1), helper.make_opsetid("", 17)]
    calls = pick.choice([["f"], ["g"]])[0]
    model.functions.append(helper.make_function("local", "f", ["x"], ["y"], [helper.make_node(calls, ["x"], ["y"],
                                                                                               domain="local")], opset))
    model.functions.append(helper.make_function("local", "g", ["x"], ["y"], [helper.make_node("f", ["x"], ["y"],
                                                                                               domain="local")], opset))
    model.opset_import.append(helper.make_opsetid("local", 1))
    model.graph.node.append(helper.make_node("f", [model.graph.input[0].name], ["from a function"], domain="local"))


STRUCTURE = [change_number, change_number, change_number, change_kind, change_kind, drop_attribute, repeat_attribute,
             drop_input, drop_input, empty_input, add_inputs, rewire, rewire, drop_outputs, repeat_output, rename_op,
             rename_op, rename_domain, drop_node, repeat_node, shuffle_nodes, damage_initializer, damage_initializer,
             damage_value, damage_value, damage_opset, clear_graph, nest, call_itself]


def damaged(seed, folder):
    """(bytes, what was done) for that seed; folder holds the sources."""
    pick = random.Random(seed)
    source = pick.choice(SOURCES)
    data = bytearray((folder / f"{source}.onnx").read_bytes())
    done = [source]
    if seed % 2:
        model = onnx.ModelProto.FromString(bytes(data))
        for _ in range(pick.choice([1, 1, 1, 2, 5])):
            change = pick.choice(STRUCTURE)
            if model.HasField("graph") and model.graph.node and model.graph.input:
                change(model, pick)
                done.append(change.__name__)
        data = bytearray(model.SerializeToString())
    else:
        for _ in range(pick.choice([1, 1, 2, 4])):
            change = pick.choice(BYTES)
            if data:
                change(data, pick)
                done.append(change.__name__)
    return bytes(data), " ".join(done)
