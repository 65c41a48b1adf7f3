"""The graph ledger, counted a second time: the model runs in ONNX Runtime, every intermediate tensor is looked at, and
the rules of the counting document (C1 to C14) are applied to what is really there. Nothing of the C++ is used.

How it knows what a node reads (C10): a view is applied to an array of element numbers of the tensor that it looks at;
the elements that a consumer addresses are the distinct numbers in it.

How it knows what an operator with a body costs (C5): ONNX gives the body, or cost_bodies.py; it runs, and is counted like
any other graph.

Weights that the file does not have are zeros; FLOPs and bytes do not depend on them.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import cost_bodies
import ml_dtypes
import numpy as np
import onnx
import onnx.inliner
import onnxruntime
from cost_bodies import attribute
from onnx import TensorProto, helper, numpy_helper

# C2: one FLOP an element of the result.
ELEMENTWISE = set("""Add Sub Mul Div Mod Pow Neg Abs Sign Floor Ceil Round Reciprocal Exp Log Erf Sqrt Tanh Sigmoid Sin Cos
Tan Sinh Cosh Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Not Where IsNaN IsInf BitwiseAnd BitwiseOr""".split())
VARIADIC = {"Sum": -1, "Max": -1, "Min": -1, "Mean": 0}  # C2: k - 1, a mean k
REDUCTIONS = {"ReduceSum": 0, "ReduceMax": 0, "ReduceMin": 0, "ReduceProd": 0, "ArgMax": 0, "CumSum": 0, "ReduceMean": 1}
# C6: nothing is computed.
MOVEMENT = set("""Constant ConstantOfShape Identity Reshape Squeeze Unsqueeze Flatten Transpose Expand Slice Split Shape Size
Cast CastLike Concat Gather GatherElements GatherND ScatterND ScatterElements TensorScatter Pad Tile Range Trilu
Dropout""".split())
VIEWS = set("Reshape Squeeze Unsqueeze Flatten Transpose Expand Slice Split Identity Dropout".split())  # C10
GATHERS = {"Gather", "GatherElements", "GatherND"}  # C11
MATRIX = {"MatMul", "Gemm", "Conv", "Einsum"}


class NotCounted(Exception):
    """No rule here counts this operator."""


@dataclass
class Count:
    matrix: int = 0
    vector: int = 0
    read: int = 0
    written: int = 0

    def __add__(self, other):
        return Count(self.matrix + other.matrix, self.vector + other.vector, self.read + other.read,
                     self.written + other.written)


@dataclass
class View:
    """Elements of the tensor `root`: all of them, or those that `steps`, functions on arrays, lead to."""
    root: str
    steps: tuple = ()
    part: bool = False  # some step leaves elements out or repeats them
    beside: tuple = ()  # scales and zero points that are read with them (C14)


@dataclass
class Run:
    model: onnx.ModelProto
    values: dict  # name → array
    known: set = field(default_factory=set)  # C7: names of functions of constants and dimensions
    weights: set = field(default_factory=set)  # names of initialisers
    views: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)  # first output of a node → Count


# -- running -------------------------------------------------------------------------------------------------------------

def load(path):
    """The model; where a Constant's payload lies elsewhere, zeros stand for it."""
    model = onnx.load(path, load_external_data=False)
    if any(node.op_type in ("If", "Loop", "Scan") for node in model.graph.node):
        raise NotCounted("bodies")
    put_in_order(model.graph)
    for tensor in (a.t for node in model.graph.node for a in node.attribute if a.HasField("t")):
        if tensor.data_location == TensorProto.EXTERNAL:
            del tensor.external_data[:]
            tensor.data_location = TensorProto.DEFAULT
            tensor.raw_data = zeros(tensor).tobytes()
    return model


def put_in_order(graph):
    """Producers before their users, which not every file has."""
    made = {name for node in graph.node for name in node.output if name}
    waiting, ready = list(graph.node), []
    while waiting:
        later = []
        for node in waiting:
            if any(name in made for name in node.input):
                later.append(node)
            else:
                ready.append(node)
                made.difference_update(node.output)
        assert len(later) < len(waiting), "a cycle"
        waiting = later
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ready]
    del graph.node[:]
    graph.node.extend(copies)


def zeros(tensor):
    return np.zeros(tensor.dims, helper.tensor_dtype_to_np_dtype(tensor.data_type))


def dims_of(model, binding):
    """Input name → shape; a dim_param may be an expression in others."""
    given = {tensor.name for tensor in model.graph.initializer}
    def size(dim):
        return int(eval(dim.dim_param, {}, dict(binding))) if dim.dim_param else dim.dim_value
    return {value.name: [size(dim) for dim in value.type.tensor_type.shape.dim]
            for value in model.graph.input if value.name not in given}


def feeds(model, shapes, seed=0):
    """Arrays for the inputs: token ids and masks are ones, floats small."""
    pick = np.random.default_rng(seed)
    kinds = {value.name: helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type) for value in model.graph.input}
    return {name: (pick.standard_normal(shape) if kinds[name].kind == "f" else np.ones(shape)).astype(kinds[name])
            for name, shape in shapes.items()}


def run(model, inputs):
    """Every value of the main graph, as an array."""
    promoted = onnx.ModelProto()
    promoted.CopyFrom(model)
    outputs = {value.name for value in model.graph.output}
    promoted.graph.output.extend(onnx.ValueInfoProto(name=name) for node in model.graph.node for name in node.output
                                 if name and name not in outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    external = [tensor for tensor in model.graph.initializer if tensor.data_location == TensorProto.EXTERNAL]
    with tempfile.TemporaryDirectory() as folder:  # weights that are not there: a file of zeros, which takes no space
        for tensor in external:
            where = {entry.key: entry.value for entry in tensor.external_data}
            end = int(where.get("offset", 0)) + zeros(tensor).nbytes
            with open(Path(folder) / where["location"], "ab") as weights:
                weights.truncate(max(end, weights.tell()))
        path = Path(folder) / "model.onnx"
        path.write_bytes(promoted.SerializeToString())
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_outputs()]
        values = dict(zip(names, session.run(names, inputs)))
    for tensor in model.graph.initializer:
        values[tensor.name] = zeros(tensor) if tensor in external else numpy_helper.to_array(tensor)
    return Run(model, {**values, **inputs})


# -- C7, C10 -------------------------------------------------------------------------------------------------------------

def view_steps(node, state):
    """For each output, what turns the first input into it, and whether it may leave out or repeat elements."""
    value = state.values
    arrays = [value.get(name) if name else None for name in node.input]
    shapes = [value[name].shape for name in node.output if name]
    if node.op_type == "Transpose":
        axes = attribute(node, "perm")
        return [(lambda x: np.transpose(x, axes), False)]
    if node.op_type == "Expand":
        return [(lambda x, s=shapes[0]: np.broadcast_to(x, s), True)]
    if node.op_type == "Slice":
        def cut(x):
            starts, ends = arrays[1].tolist(), arrays[2].tolist()
            axes = arrays[3].tolist() if len(arrays) > 3 and arrays[3] is not None else range(len(starts))
            steps = arrays[4].tolist() if len(arrays) > 4 else [1] * len(starts)
            index = [slice(None)] * x.ndim
            for start, end, axis, step in zip(starts, ends, axes, steps):
                if step < 0 and end < -x.shape[axis]:
                    end = None
                index[axis] = slice(start, end, step)
            return x[tuple(index)]
        return [(cut, True)]
    if node.op_type == "Split":
        axis = attribute(node, "axis", 0)
        ends = np.cumsum([shape[axis] for shape in shapes])
        return [(lambda x, a=end - shape[axis], b=end: np.take(x, range(a, b), axis), True)
                for end, shape in zip(ends, shapes)]
    return [(lambda x, s=shapes[0]: x.reshape(s), False)]  # the rest keep elements and order


def is_view(node, state):
    if node.op_type in ("Cast", "CastLike"):
        return state.values[node.input[0]].dtype == state.values[node.output[0]].dtype
    return node.op_type in VIEWS


def dequantises_weight(node, state):
    """C14: belongs to whoever reads the result, from where the weight is stored."""
    return node.op_type == "DequantizeLinear" and state.views[node.input[0]].root in state.weights


def elements(view, state):
    """Numbers of the distinct elements of the root that a view holds; none: all of them."""
    if not view.part:
        return None
    root = state.values[view.root]
    numbers = np.arange(root.size).reshape(root.shape)
    for step in view.steps:
        numbers = step(numbers)
    return np.unique(numbers)


def size_of(array):
    kind = array.dtype
    bits = 4 if kind in (ml_dtypes.int4, ml_dtypes.uint4) else 8 * kind.itemsize
    return bits


def nbytes(count, array):
    return (int(count) * size_of(array) + 7) // 8


# -- FLOPs ---------------------------------------------------------------------------------------------------------------

def matrix_flops(node, state):
    arrays = [state.values[name] if name else None for name in node.input]
    out = state.values[node.output[0]]
    if node.op_type == "Conv":
        return 2 * out.size * int(np.prod(arrays[1].shape[1:])), out.size if len(arrays) > 2 else 0
    if node.op_type == "Einsum":
        terms = attribute(node, "equation").decode().replace(" ", "").split("->")[0].split(",")
        assert len(terms) == 2 and "." not in terms[0] + terms[1]
        extents = {letter: size for term, array in zip(terms, arrays) for letter, size in zip(term, array.shape)}
        return 2 * int(np.prod(list(extents.values()))), 0
    inner = arrays[0].shape[0 if attribute(node, "transA", 0) else -1]
    vector = 0
    if node.op_type == "Gemm":
        has_bias = len(arrays) > 2 and arrays[2] is not None
        vector = out.size * (has_bias + (attribute(node, "alpha", 1.0) != 1)
                             + (has_bias and attribute(node, "beta", 1.0) != 1))
    return 2 * out.size * inner, int(vector)


def body_of(node, state, opset):
    """The operator's body as a model of its own, from ONNX's schema; none if it has none."""
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return None
    def typed(name):
        array = state.values[name]
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
    if schema.has_context_dependent_function:
        types = [typed(name).type.SerializeToString() if name else b"" for name in node.input]
        versions = [v for v in schema.context_dependent_function_opset_versions if v <= opset]
        if not versions:
            return None
        body = schema.get_context_dependent_function_with_opset_version(max(versions), node.SerializeToString(), types)
    elif schema.has_function:
        versions = schema.function_opset_versions
        body = schema.get_function_with_opset_version(max((v for v in versions if v <= opset), default=min(versions)))
    else:
        return None
    function = onnx.FunctionProto.FromString(body)
    function.domain, function.name = "local", "body"
    call = onnx.NodeProto()
    call.CopyFrom(node)
    call.domain, call.op_type = "local", "body"
    # A context-dependent body was made for this call: what it still refers to is in the call.
    present = {a.name for a in call.attribute}
    for default in schema.attributes.values():
        if default.name not in present and default.default_value.name:
            call.attribute.append(default.default_value)
    wanted = set(function.attribute)
    kept = [a for a in call.attribute if a.name in wanted]
    del call.attribute[:]
    call.attribute.extend(kept)
    names = list(dict.fromkeys(name for name in node.input if name))
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = helper.make_graph([call], "body", [typed(name) for name in names], outputs)
    imports = list(function.opset_import) + [helper.make_opsetid("local", 1)]
    model = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=10)
    return onnx.inliner.inline_local_functions(model), {name: state.values[name] for name in names}


def vector_flops(node, state, opset):
    out = state.values[node.output[0]]
    if node.op_type in ELEMENTWISE:
        return out.size
    if node.op_type in VARIADIC:
        return out.size * (len(node.input) + VARIADIC[node.op_type])
    if node.op_type == "Softmax":
        return 3 * out.size  # C3
    if node.op_type in REDUCTIONS:  # C4
        return state.values[node.input[0]].size + REDUCTIONS[node.op_type] * out.size
    if node.op_type in MOVEMENT:
        return 0
    raise NotCounted(f"{node.domain}:{node.op_type}")


def flops(node, state, opset):
    if node.domain in ("", "ai.onnx"):
        if node.op_type in MATRIX:
            return Count(*matrix_flops(node, state))
        try:
            return Count(0, vector_flops(node, state, opset))
        except NotCounted:
            pass
    body = body_of(node, state, opset)
    if body is None:
        if (node.domain, node.op_type) not in cost_bodies.BODIES:
            raise NotCounted(f"{node.domain}:{node.op_type}")
        body = cost_bodies.body_of(node, state)
    inner = total(count(run(*body)))
    return Count(inner.matrix, inner.vector)


# -- bytes ---------------------------------------------------------------------------------------------------------------

def append_to_cache(node, state, readers):
    """C13: names of the new rows and of the indices that they go to, where the node appends to a cache; else none."""
    indices = []
    if node.op_type == "Concat" and len(node.input) == 2:
        past, new = node.input
    elif node.op_type == "TensorScatter":
        past, new, *indices = node.input
    elif node.op_type in ("ScatterND", "ScatterElements"):
        past, *indices, new = node.input
    else:
        return None
    graph_inputs = {value.name for value in state.model.graph.input}
    outputs = {value.name for value in state.model.graph.output}
    floating = state.values[past].dtype.kind == "f"
    present = {node.output[0]}
    while not present & outputs:
        following = {reader.output[0] for name in present for reader in readers[name] if is_view(reader, state)}
        if not following:
            return None
        present = following
    computed = state.views[new].root not in graph_inputs
    return (new, indices) if floating and computed and state.views[past].root in graph_inputs else None


def written_in_place(name, state, readers, producers):
    """Nothing but views between the rows and where they are computed, and no other reader of them."""
    while True:
        if len(readers[name]) != 1 or name not in producers:
            return False
        node = producers[name]
        if not is_view(node, state):
            return name not in state.known
        if node.op_type in ("Split", "Slice"):
            return True
        name = node.input[0]


def traffic(node, state, readers, producers, outputs):
    appended = append_to_cache(node, state, readers)
    parts_read, parts_written = ({}, {}) if appended else cost_bodies.moved(node, state)
    if appended:
        new, reads = appended
        written = 0
        if not written_in_place(new, state, readers, producers):
            reads, written = [*reads, new], state.values[new].nbytes
    else:
        reads = list(node.input[:1] if node.op_type == "CastLike" else node.input)
        written = sum(nbytes(parts_written.get(place, state.values[name].size), state.values[name])
                      for place, name in enumerate(node.output) if name and (readers[name] or name in outputs))
    addressed = {}  # root → what of it
    beside = []  # names of scales and zero points
    read = 0
    for place, name in enumerate(reads):
        if not name:
            continue
        view = state.views[name]
        root = state.values[view.root]
        if node.op_type in GATHERS and place == 0:  # C11
            size = state.values[node.output[0]].size
            read += nbytes(size, root)
            for scale in view.beside:
                array = state.values[scale]
                read += nbytes(array.size * size // root.size, array) if array.size > 1 else 0
            continue
        if node.op_type == "RotaryEmbedding" and not node.domain and place in (1, 2) and len(node.input) > 3:
            read += nbytes(state.values[node.input[3]].size * root.shape[-1], root)  # C11: a row a position
            continue
        if place in parts_read:
            read += nbytes(parts_read[place], root)
            continue
        if node.op_type.startswith("Scatter") and not appended and place == 0:
            continue
        part = elements(view, state)
        addressed.setdefault(view.root, []).append(part)
        beside += view.beside
    for name, parts in addressed.items():
        root = state.values[name]
        whole = any(part is None for part in parts)
        count = root.size if whole else len(np.unique(np.concatenate(parts)))
        if count == 1 and name in state.known:  # C12
            continue
        read += nbytes(count, root)
    for name in beside:
        if state.values[name].size > 1:  # C12
            read += nbytes(state.values[name].size, state.values[name])
    if node.op_type.startswith("Scatter") and not appended:
        written = state.values[node.input[2]].nbytes
    return read, written


def count(state):
    """Fills state.counts: what each node of the main graph costs."""
    graph = state.model.graph
    opset = next(entry.version for entry in state.model.opset_import if entry.domain in ("", "ai.onnx"))
    readers, producers = {name: [] for name in state.values}, {}
    for node in graph.node:
        for name in node.output:
            producers[name] = node
        for name in set(node.input) - {""}:
            readers[name].append(node)
    outputs = {value.name for value in graph.output}
    state.weights = {tensor.name for tensor in graph.initializer}
    state.known = set(state.weights)
    state.views = {name: View(name) for name in state.values}
    for node in graph.node:
        used = node.input[:1] if node.op_type == "CastLike" else node.input  # of the second operand only its type
        if node.op_type.startswith("Random"):
            continue
        if dequantises_weight(node, state):
            stored = state.views[node.input[0]]
            state.views[node.output[0]] = View(stored.root, stored.steps, stored.part, tuple(node.input[1:]))
            continue
        if node.op_type in ("Shape", "Size", "EyeLike") or all(name in state.known for name in used if name):
            state.known.update(node.output)
        if is_view(node, state):
            source = state.views[node.input[0]]
            steps = view_steps(node, state)
            for name, (step, part) in zip([name for name in node.output if name], steps):
                state.views[name] = View(source.root, source.steps + (step,), source.part or part, source.beside)
    for node in graph.node:
        cost = Count()
        if node.output[0] not in state.known and not is_view(node, state):
            cost = flops(node, state, opset)
            if not dequantises_weight(node, state):
                cost.read, cost.written = traffic(node, state, readers, producers, outputs)
        state.counts[node.output[0]] = cost
    return state


def total(state):
    return sum(state.counts.values(), Count())
