"""What stands at the edge of what a file or a command line may say."""

import csv
import json
import subprocess
import time

import contract
import jsonschema
import onnx
import pytest
from onnx import TensorProto, helper

SMALL = contract.MODELS / "gpt2-xl.onnx"


def run(*arguments):
    return subprocess.run([contract.BIN / "xf-analyze", *map(str, arguments)], capture_output=True)


def relu(tmp_path, dims=("B", "N"), opset=17, name="x"):
    graph = helper.make_graph([helper.make_node("Relu", [name], ["y"])], "g",
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, dims)])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)
    return path


@pytest.mark.parametrize("option, said", [
    ("--at=B=0", '--at="B=0": '), ("--at=Q=1,B=1", '--at="Q=1,B=1": '),
    ("--sweep=B=0:4:+1", '--sweep, at "B=0": '), ("--sweep=Q=1:2:x2,B=1", '--sweep, at "Q=1,B=1": '),
])
def test_a_point_is_of_the_option_that_gave_it(option, said, tmp_path):
    done = run(relu(tmp_path), option)
    assert done.returncode == 2 and said in done.stderr.decode()


@pytest.mark.parametrize("opset", [0, -3])
def test_opsets_that_are_none(opset, tmp_path):
    done = run(relu(tmp_path, opset=opset))
    assert done.returncode == 1
    assert f"expected an opset_import of ai.onnx of 1 or more, found {opset}" in done.stderr.decode()


def test_opsets_of_the_future(tmp_path):
    done = run(relu(tmp_path, opset=999))
    assert done.returncode == 0
    assert "warning: opset 999 of ai.onnx is newer than the newest known, 28" in done.stderr.decode()
    assert not run(relu(tmp_path, opset=28)).stderr


@pytest.mark.parametrize("option", ["--dtype=bool", "--dtype=string", "--dtype=complex64", "--weights=bool"])
def test_types_that_nothing_computes_in(option):
    done = run(SMALL, option)
    assert done.returncode == 2 and f"{option}: no such element type" in done.stderr.decode()


def test_figures_beyond_128_bits_have_a_reason(tmp_path):
    dims = ["B", "N", "K", "L", "M"]
    path = relu(tmp_path, dims)
    huge = ",".join(f"{name}={2**62}" for name in dims)
    one = ",".join(f"{name}=1" for name in dims)
    done = run(path, f"--at={one}", f"--at={huge}", "--format=json", "--gpu=t4")
    report = json.loads(done.stdout)
    assert [point["flops"] for point in report["points"]] == [1]
    assert "128 bits" in report["points_missing"] and f"B={2**62}" in report["points_missing"]
    assert "128 bits" in " ".join(run(path, f"--at={one}", f"--at={huge}").stdout.decode().split())
    assert "points_missing" not in json.loads(run(path, f"--at={one}", "--format=json").stdout)


def test_names_that_are_no_utf8(tmp_path):
    path = relu(tmp_path, dims=("Bxx", "N"), name="namexx")
    path.write_bytes(path.read_bytes().replace(b"namexx", b"name\xff\xfe").replace(b"Bxx", b"B\xc3\x28"))
    for options in (["--view=nodes,shapes,ops", "--format=json"], ["--view=memory", "--format=json", "--gpu=t4"]):
        done = run(path, *options)
        assert done.returncode == 0
        json.loads(done.stdout.decode("utf-8"))  # strictly
    (tmp_path / "list").write_text(f"{path}\n")
    done = subprocess.run([contract.BIN / "xf-opt", f"--shapes-json={tmp_path / 'list'}"], capture_output=True)
    assert json.loads(done.stdout.decode("utf-8"))["values"]["y"]["shape"][1] == "N"


@pytest.mark.parametrize("kind", ["unary", "residual"])
def test_long_chains_take_linear_time(kind, tmp_path):
    """100,000 nodes in seconds; at a tenth of the length it may not be a hundredth of the time."""
    count = 100_000
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 4], [0.0] * 16)
    nodes, last, skip = [], "x", "x"
    for index in range(count):
        name = f"v{index}"
        if kind == "unary":
            nodes.append(helper.make_node(("Relu", "Tanh", "Neg")[index % 3], [last], [name]))
        elif index % 2 == 0:
            nodes.append(helper.make_node("MatMul", [last, "w"], [name]))
        else:
            nodes.append(helper.make_node("Add", [last, skip], [name]))
            skip = name
        last = name
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", "N", 4])],
                              [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["B", "N", 4])],
                              initializer=[] if kind == "unary" else [weight])
    path = tmp_path / "chain.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    for command in (["xf-analyze", path, "--format=json"], ["xf-analyze", path, "--view=nodes,memory"], ["xf-opt", path]):
        start = time.monotonic()
        done = subprocess.run([contract.BIN / command[0], *command[1:]], capture_output=True)
        assert done.returncode == 0 and time.monotonic() - start < 30, command


def nested(kind, depth):
    """A body in a body in a body: each If's or Loop's own."""
    make, graph_of = helper.make_node, helper.make_graph
    value = helper.make_tensor_value_info
    nodes, result = [make("Relu", ["x"], ["r"])], "r"
    for level in range(depth):
        out = f"o{level}"
        if kind == "If":
            other = graph_of([make("Exp", ["x"], [f"e{level}"])], "e", [], [value(f"e{level}", TensorProto.FLOAT, None)])
            body = graph_of(nodes, "t", [], [value(result, TensorProto.FLOAT, None)])
            nodes = [make("If", ["c"], [out], then_branch=body, else_branch=other)]
        else:
            state = [f"i{level}", f"c{level}", f"s{level}"]
            keep = make("Identity", [state[1]], [f"k{level}"])
            body = graph_of([*nodes, keep], "b",
                            [value(state[0], TensorProto.INT64, []), value(state[1], TensorProto.BOOL, []),
                             value(state[2], TensorProto.FLOAT, None)],
                            [value(f"k{level}", TensorProto.BOOL, []), value(result, TensorProto.FLOAT, None)])
            nodes = [make("Loop", ["m", "c", "x"], [out], body=body)]
        result = out
    return graph_of(nodes, "g", [value("c", TensorProto.BOOL, []), value("m", TensorProto.INT64, []),
                                 value("x", TensorProto.FLOAT, ["N"])], [value(result, TensorProto.FLOAT, None)])


def seconds(tmp_path, graph):
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    start = time.monotonic()
    done = run(path)
    assert done.returncode == 0, done.stderr.decode()
    return time.monotonic() - start


@pytest.mark.parametrize("kind", ["If", "Loop"])
def test_bodies_in_bodies_are_visited_once_a_level(kind, tmp_path):
    """Twice a level would be a million times at this depth."""
    assert seconds(tmp_path, nested(kind, 24)) < 5


@pytest.mark.parametrize("kind", ["Split", "Concat"])
def test_a_node_of_many_parts(kind, tmp_path):
    """Where each part begins follows from where the one before it does."""
    parts = [f"p{i}" for i in range(20000)]
    value = helper.make_tensor_value_info
    split = helper.make_node("Split", ["x"], parts, axis=0)
    if kind == "Split":
        graph = helper.make_graph([split], "g", [value("x", TensorProto.FLOAT, [20000, "N"])],
                                  [value(parts[-1], TensorProto.FLOAT, None)])
    else:
        graph = helper.make_graph([helper.make_node("Concat", parts, ["y"], axis=0)], "g",
                                  [value(p, TensorProto.FLOAT, ["N"]) for p in parts], [value("y", TensorProto.FLOAT, None)])
    assert seconds(tmp_path, graph) < 8


def test_thousands_of_symbols(tmp_path):
    names = [f"x{i}" for i in range(2000)]
    value = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("Relu", [n], [f"y{n}"]) for n in names], "g",
                              [value(n, TensorProto.FLOAT, [f"n{n}"]) for n in names],
                              [value(f"y{n}", TensorProto.FLOAT, None) for n in names])
    assert seconds(tmp_path, graph) < 5


@pytest.mark.parametrize("op,gates", [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_an_operator_without_its_first_output(op, gates, tmp_path):
    """Only the last state is asked for."""
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,B,4] x, float[1,{8 * gates},4] w, float[1,{8 * gates},8] r) => (float[1,B,8] state)
    {{
      nothing, state = {op} <hidden_size = 8> (x, w, r)
    }}"""
    model = onnx.parser.parse_model(text)
    model.graph.node[0].output[0] = ""
    onnx.save(model, tmp_path / "model.onnx")
    report = contract.analyze(tmp_path / "model.onnx", "--view=causality,decode,passes")
    assert report["coverage"]["nodes"] == 1


def graph_of(text, tmp_path, drop=()):
    """A model from text; in a node of `drop` (index, "input" or "output") the first one is left out."""
    model = onnx.parser.parse_model('<ir_version: 10, opset_import: ["" : 23]> ' + text)
    for index, side in drop:
        getattr(model.graph.node[index], side)[0] = ""
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    return path


def test_dequantised_for_nobody(tmp_path):
    path = graph_of("g (uint8[N] q, float s, float[N] x) => (float[N] y) { d = DequantizeLinear (q, s)  y = Relu (x) }", tmp_path,
                    [(0, "output")])
    assert contract.analyze(path)["coverage"]["nodes"] == 2


@pytest.mark.parametrize("shape,flops", [
    ("0,2,4,8", 0),
    ("1,2,0,8", 2 * 4 * 8),  # C5: ONNX's body scales the keys, too
    ("1,2,4,0", 2 * 4 * 4 * 5),  # the softmax over scores that all are 0
])
def test_attention_over_nothing(shape, flops, tmp_path):
    path = graph_of(f"g (float[{shape}] q, float[1,2,4,8] k, float[1,2,4,8] v) => (y) {{ y = Attention (q, k, v) }}"
                    .replace("1,2,4,8", "0,2,4,8" if shape[0] == "0" else "1,2,4," + shape[-1]), tmp_path)
    (point,) = [point for point in contract.analyze(path, "--gpu=t4")["points"] if point["ledger"] == "graph"]
    assert point["flops"] == flops


def test_norm_of_nothing(tmp_path):
    """Its input is a Cast's that has none."""
    path = graph_of("""g (float[B,8] x) => (y) <int64[1] last = {-1}, float two = {2}, float small = {0.001}> {
      c = Cast <to = 1> (x)  m = ReduceMean (c, last)  d = Sub (c, m)  s = Pow (d, two)  v = ReduceMean (s, last)
      e = Add (v, small)  r = Sqrt (e)  y = Div (d, r) }""", tmp_path, [(0, "input")])
    for passes in ("fuse-norm", "O2"):
        done = subprocess.run([contract.BIN / "xf-opt", path, f"--passes={passes}", "-o", "/dev/null"], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize("mode,figures", [
    ("", (0, 0, 0)), (", off", (0, 0, 0)), (", on", ("16*N", "32*N", "32*N")), (", mode", (None, "1 + 32*N", "32*N"))])
def test_dropout_is_a_view_only_where_it_does_not_train(mode, figures, tmp_path):
    """C2, C10: times mask, times scale; reads x, and a mode that is not known when compiled."""
    path = graph_of(f"g (float[N,8] x, bool mode) => (float[N,8] y) <float half = {{0.5}}, bool on = {{1}}, bool off = {{0}}> {{"
                    f"y = Dropout (x, half{mode}) }}", tmp_path)
    (node,) = contract.analyze(path, "--view=nodes")["nodes"]
    assert (node["flops"], node["bytes_read"], node["bytes_written"]) == figures


def test_what_others_read_is_no_cache(tmp_path):
    """C9, not C13: an image before features, which are then the result."""
    path = graph_of("g (float[B,3,224] x, float[B,3,224] z) => (y, e) { r = Relu (z)  y = Concat <axis = 1> (x, r)  e = Exp (x) }", tmp_path)
    nodes = {node["op"]: node for node in contract.analyze(path, "--view=nodes")["nodes"]}
    assert (nodes["Concat"]["bytes_read"], nodes["Concat"]["bytes_written"]) == ("5376*B", "5376*B")


def test_a_window_larger_than_what_it_slides_over(tmp_path):
    """The graph can't run there, so there are no figures; those of the seed's points that it can have stay."""
    path = graph_of("g (float[B,1,N] x, float[2,1,9] w) => (y) { y = Conv (x, w) }", tmp_path)
    said = subprocess.run([contract.BIN / "xf-analyze", path, "--at=B=1,N=3"], capture_output=True, text=True)
    assert said.returncode == 2 and "node 'Conv -> y' (Conv) would give a size of -5" in said.stderr
    assert contract.analyze(path, "--at=B=1,N=9")["points"][0]["flops"] == 2 * 2 * 9
    path = graph_of("g (float[B,1,N] x, float[2,1,40] w) => (y) { y = Conv (x, w) }", tmp_path)
    assert {point["at"]["N"] for point in contract.analyze(path)["points"]} == {1024}


def test_one_hot_of_constants_says_how_often_something_is_repeated(tmp_path):
    path = graph_of("""g (float[B,1,48] x) => (y) <int64[1] i = {1}, int64 depth = {3}, int64[2] v = {1, 2}, int64[1] m = {-1}> {
      h = OneHot <axis = -1> (i, depth, v)  r = Reshape (h, m)  y = Tile (x, r) }""", tmp_path)
    assert contract.shapes([path], tmp_path)[path]["values"]["y"]["shape"] == ["B", 2, 48]


def test_a_dequantised_weight_that_is_handed_out(tmp_path):
    """C9, not C14: int8[16,8] and its 8 scales are read, 16·8 fp32 written; who reads the result reads that."""
    weight = ", ".join(["1"] * 128)
    path = graph_of(f"""g (float[B,16] x) => (float[B,8] y, float[16,8] w) <int8[16,8] q = {{{weight}}}, float[8] s = {{1, 1, 1, 1, 1, 1, 1, 1}}> {{
      w = DequantizeLinear <axis = 1> (q, s)  y = MatMul (x, w) }}""", tmp_path)
    first, second = contract.analyze(path, "--view=nodes")["nodes"]
    assert (first["bytes_read"], first["bytes_written"]) == (128 + 32, 512)
    assert second["bytes_read"] == "512 + 64*B"


def test_sum_too_large_is_no_exact_null(tmp_path):
    """C16: more terms than an expression holds; null is no exact figure."""
    count = 5000
    values = [[helper.make_tensor_value_info(f"{name}{i}", TensorProto.FLOAT, [f"d{i}"]) for i in range(count)] for name in "xy"]
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph([helper.make_node("Exp", [f"x{i}"], [f"y{i}"]) for i in range(count)],
                                                  "g", *values), opset_imports=[helper.make_opsetid("", 17)]), path)
    ledger = json.loads(run(path, "--format=json").stdout)["ledgers"]["graph"]
    assert ledger["flops"] is None and ledger["exact"] is False


def test_accelerators_as_json_and_csv():
    listed = json.loads(run("--list-gpus", "--format=json").stdout)
    schema = json.loads((contract.ROOT / "docs" / "xf-analyze.schema.json").read_text())
    jsonschema.validate(listed["gpus"], schema["properties"]["gpus"])
    lines = list(csv.DictReader(run("--list-gpus", "--format=csv").stdout.decode().splitlines()))
    assert [line["key"] for line in lines] == [gpu["key"] for gpu in listed["gpus"]]
    t4 = next(line for line in lines if line["key"] == "t4")
    assert (float(t4["fp16"]), float(t4["bandwidth"])) == (65e12, 300e9)
    assert next(gpu for gpu in listed["gpus"] if gpu["key"] == "t4")["peak_flops"]["fp16"] == 65e12


def test_loops_of_one_name_stop_by_themselves(tmp_path):
    """C17: two symbols."""
    text = """g (float[8] x, float[100] y, int64 limit, bool on) => (y2) <float zero = {0}> {
      e = Loop <body = b (int64 i, bool c) => (bool go, float[8] u) { u = Exp (x)  s = ReduceSum <keepdims = 0> (u)  go = Greater (s, zero) }> (limit, on)
      f = Loop <body = b2 (int64 i2, bool c2) => (bool go2, float[100] u2) { u2 = Exp (y)  s2 = ReduceSum <keepdims = 0> (u2)  go2 = Greater (s2, zero) }> (limit, on)
      y2 = Identity (f) }"""
    path = graph_of(text, tmp_path)
    model = onnx.load(path)
    for node in model.graph.node[:2]:
        node.name = "loop"
    onnx.save(model, path)
    names = {symbol["name"] for symbol in contract.analyze(path)["symbols"]}
    assert {"trips_loop", "trips_loop_2"} <= names
