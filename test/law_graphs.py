"""Graphs that are the same but for the names of symbols, for sizes that are numbers, for where a constant comes from."""

import re

import contract
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIZES = (1, 2, 5, 10)
NAME = re.compile(r"[A-Za-z_][\w.:#]*")


def load(path):
    return onnx.load(path, load_external_data=False)



def graphs_of(model):
    """The main graph, and those in attributes, of functions too."""
    def below(nodes):
        for attribute in (a for node in nodes for a in node.attribute):
            for graph in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
                yield graph
                yield from below(graph.node)
    yield model.graph
    yield from below(model.graph.node)
    for function in model.functions:
        yield from below(function.node)


def types_below(kind):
    which = kind.WhichOneof("value")
    if which in ("tensor_type", "sparse_tensor_type"):
        yield getattr(kind, which)
    elif which in ("sequence_type", "optional_type"):
        yield from types_below(getattr(kind, which).elem_type)
    elif which == "map_type":
        yield from types_below(kind.map_type.value_type)


def named_dims(model):
    """Every dim with a name, wherever a type is declared."""
    for graph in graphs_of(model):
        for value in [*graph.input, *graph.output, *graph.value_info]:
            for tensor in types_below(value.type):
                yield from (dim for dim in tensor.shape.dim if dim.dim_param)


def input_expressions(model, answer):
    """What the tool makes of the names in the inputs' dims: {dim_param: expression}."""
    found = {}
    for value in model.graph.input:
        dims = (answer.get(value.name) or (0, None))[1]
        if dims is not None:
            for declared, dim in zip(value.type.tensor_type.shape.dim, dims):
                if declared.dim_param and isinstance(dim, str):
                    found[declared.dim_param] = dim
    return found


def symbols_of(expressions):
    """Names in these expressions, in order. An expression that is no arithmetic is a name."""
    names = dict.fromkeys(name for text in expressions for name in (NAME.findall(text) if is_arithmetic(text) else [text]))
    return [name for name in names if name not in contract.FUNCTIONS]


def is_arithmetic(text):
    """Not `seq len`, not `batch-size`: the tool spaces what it prints, and has no minus without spaces but as a sign."""
    spelled = re.sub(r"(?<![\w)])-| - ", "+", re.sub(r"\b(max|min)\(", "(", text))
    return not set(NAME.sub("1", spelled)) - set("0123456789+*/(), ") and not re.search(r"[\w)] +[\w(]", spelled)


def at(expression, binding):
    """An integer, or a text in what is not bound."""
    if not isinstance(expression, str) or expression in binding:
        return binding.get(expression, expression)
    if not is_arithmetic(expression):
        return expression
    text = NAME.sub(lambda m: str(binding.get(m[0], m[0])), expression)
    return text if any(name not in contract.FUNCTIONS for name in NAME.findall(text)) else contract.evaluate(text, {})


def replace_dims(model, new):
    """new: dim_param → integer or text."""
    for dim in named_dims(model):
        size = new(dim.dim_param)
        if isinstance(size, int):
            dim.dim_value = size
        else:
            dim.dim_param = size
    return model


def bound(model, expressions, binding):
    return replace_dims(model, lambda name: at(expressions.get(name, name), binding))


def renamed(model, expressions, names):
    """names: symbol → symbol."""
    def new(text):
        text = expressions.get(text, text)
        return names.get(text) or (NAME.sub(lambda m: names.get(m[0], m[0]), text) if is_arithmetic(text) else text)
    return replace_dims(model, new)


def declared(model, answer):
    """With what was inferred as value_info."""
    del model.graph.value_info[:]
    known = {value.name for value in [*model.graph.input, *model.graph.initializer]}
    results = {value.name: value for value in model.graph.output}
    for name in (name for node in model.graph.node for name in node.output if name in answer and name not in known):
        element, dims = answer[name]
        if element:
            info = helper.make_tensor_value_info(name, element, dims)
            if name in results:
                results[name].CopyFrom(info)
            else:
                model.graph.value_info.append(info)
    return model


# -- bindings --------------------------------------------------------------------------------------------------------------

def bindings(symbols, valid=None):
    """Each size for all symbols, and twice the sizes mixed. valid: a binding that the graph is known to run with; there the
    mixed ones give equal sizes to what is equal in it."""
    if not symbols:
        return []
    found = [dict.fromkeys(symbols, size) for size in SIZES]
    kinds = list(dict.fromkeys((valid or {}).get(symbol, symbol) for symbol in symbols))
    for step in (1, 3):
        found.append({symbol: SIZES[(place * step + place // 4 + step) % 4] for symbol in symbols
                      for place in [kinds.index((valid or {}).get(symbol, symbol))]})
    if valid:
        found.append({symbol: valid[symbol] for symbol in symbols})
    return [with_totals(binding) for binding in found]


def with_totals(binding):
    """What names itself a total is what is cached and what is new, where the graph has names for these."""
    def first(*words):
        return next((name for name in binding if any(word in name for word in words)), None)
    total, past = first("total", "attention_mask"), first("past")
    new = next((name for name in binding if "seq" in name and name not in (total, past) and "encoder" not in name), None)
    return binding | {total: binding[past] + binding[new]} if total and past and new else binding


# -- constants -------------------------------------------------------------------------------------------------------------

def is_shape_like(answer, name):
    """Integers in one row, or a single one."""
    element, dims = answer.get(name, (None, None))
    return element in (TensorProto.INT64, TensorProto.INT32) and dims is not None and len(dims) <= 1


def shape_arithmetic(model, answer):
    """What of the main graph is a function of constants and dimensions: {output: node}; and which of its integers are read
    by something that is none."""
    made, read = {}, []
    known = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        dims = answer.get(node.input[0], (0, None))[1] if node.op_type in ("Shape", "Size") else None
        if dims is not None and all(isinstance(dim, int) for dim in dims):
            first, last = (next((a.i for a in node.attribute if a.name == name), default)
                           for name, default in (("start", 0), ("end", len(dims))))
            value = np.array(dims[first:last] if node.op_type == "Shape" else np.prod(dims, dtype=np.int64), np.int64)
            node = helper.make_node("Constant", [], node.output, value=numpy_helper.from_array(value))
        elif not (node.op_type == "Constant" or any(node.input) and known.issuperset(filter(None, node.input))) \
                or node.op_type.startswith("Random") or node.domain or any(a.type == a.GRAPH for a in node.attribute):
            read += [name for name in node.input if name in made and is_shape_like(answer, name)]
            continue
        known.update(node.output)
        made.update(dict.fromkeys(node.output, node))
    return made, list(dict.fromkeys(name for name in read if made[name].op_type != "Constant"))


def execute(model, made, wanted):
    """{name: array} of these; those that hang on a payload that the file does not have are left out."""
    payloads = {tensor.name: tensor for tensor in model.graph.initializer}
    missing = {name for name, tensor in payloads.items() if tensor.data_location == TensorProto.EXTERNAL}
    needs = {}
    for name, node in made.items():  # in the graph's order
        needs[name] = {name}.union(*(needs.get(below, {below}) for below in node.input))
    wanted = [name for name in wanted if not needs[name] & missing]
    if not wanted:
        return {}
    below = set().union(*(needs[name] for name in wanted))
    nodes = list({id(node): node for name, node in made.items() if name in below}.values())
    graph = helper.make_graph(nodes, "slice", [], [onnx.ValueInfoProto(name=name) for name in wanted],
                              [tensor for name, tensor in payloads.items() if name in below])
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    slice_ = helper.make_model(graph, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4))
    try:
        return dict(zip(wanted, onnxruntime.InferenceSession(slice_.SerializeToString(), options).run(wanted, {})))
    except Exception:  # ONNX Runtime's own, of many kinds: files that it does not load
        return {}


def folded(model, values):
    """These values are initialisers, and what computed them stays without a reader."""
    names = {name: f"{name}::folded" for name in values}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    model.graph.initializer.extend(numpy_helper.from_array(value, names[name]) for name, value in values.items())
    return model


def unfolded(model):
    """What may be a shape input and is an initialiser is computed instead: once itself, or from another type; and how many."""
    nodes = []
    readers = {name: node for node in model.graph.node for name in node.input}
    inputs = {value.name for value in model.graph.input}
    for tensor in [t for t in model.graph.initializer if len(t.dims) <= 1 and t.name in readers.keys() - inputs]:
        if tensor.data_location == TensorProto.EXTERNAL:
            continue
        if tensor.data_type == TensorProto.INT64:
            value = numpy_helper.to_array(tensor)
            parts, op, more = (value, np.ones_like(value)), "Mul", {}
        elif tensor.data_type == TensorProto.FLOAT and readers[tensor.name].op_type in ("Resize", "Upsample"):
            parts, op, more = (numpy_helper.to_array(tensor).astype(np.float64),), "Cast", {"to": TensorProto.FLOAT}
        else:
            continue
        names = [f"{tensor.name}::{place}" for place in range(len(parts))]
        model.graph.initializer.extend(map(numpy_helper.from_array, parts, names))
        nodes.append(helper.make_node(op, names, [tensor.name], **more))
        model.graph.initializer.remove(tensor)
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes + rest)
    return model, len(nodes)
