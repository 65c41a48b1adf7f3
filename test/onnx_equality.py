"""When two models are the same graph: nodes in order, attributes, initialisers' bytes, inputs, outputs, declared types,
functions, metadata. What names mean in a file decides, not how protobuf happened to write it."""

import onnx


def _attributes(node):
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.name, graph_parts(attribute.g), attribute.doc_string
        elif attribute.type == onnx.AttributeProto.GRAPHS:
            yield attribute.name, [graph_parts(g) for g in attribute.graphs], attribute.doc_string
        else:
            yield attribute.name, attribute.SerializeToString(deterministic=True)


def _node(node):
    domain = "" if node.domain == "ai.onnx" else node.domain
    return {"inputs": list(node.input), "outputs": list(node.output), "name": node.name, "op": (domain, node.op_type),
            "overload": node.overload, "doc": node.doc_string, "attributes": list(_attributes(node)),
            "metadata": [(p.key, p.value) for p in node.metadata_props]}


def graph_parts(graph):
    def messages(field):
        return [message.SerializeToString(deterministic=True) for message in field]

    known = {value.name for value in (*graph.input, *graph.output)}
    declared = {}
    for value in graph.value_info:  # of several the first counts
        if value.name not in known:
            declared.setdefault(value.name, value.SerializeToString(deterministic=True))
    return {"name": graph.name, "doc": graph.doc_string, "nodes": [_node(node) for node in graph.node],
            "initializers": messages(graph.initializer), "sparse": messages(graph.sparse_initializer),
            "inputs": messages(graph.input), "outputs": messages(graph.output), "declared": declared,
            "quantization": messages(graph.quantization_annotation)}


def model_parts(model):
    rest = onnx.ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    for opset in rest.opset_import:
        opset.domain = "" if opset.domain == "ai.onnx" else opset.domain
        opset.version = opset.version  # present, if only as 0
    return {**graph_parts(model.graph), "model": rest.SerializeToString(deterministic=True)}


def differences(before, after):
    """The parts in which two models differ, by name."""
    before, after = model_parts(before), model_parts(after)
    return [part for part in before if before[part] != after[part]]
