"""What recognition once took for something else: small graphs in exporters' spellings, each with the facts that its builder knows."""

import subprocess

import contract
import numpy as np
import onnx
import pytest
from architectures import Bert, Bloom, Falcon, Family, Llama, Qwen3
from onnx import TensorProto, helper

FIGURES = ("kind", "layers", "heads", "kv_heads", "head_dim", "mlp_hidden", "norm", "activation", "position", "confidence")


def report_of(model, scratch, *options):
    path = scratch / "model.onnx"
    onnx.save(model, path)
    return contract.analyze(path, *options)


def figures(report):
    return {name: report["structure"][name] for name in FIGURES}


def roles(report):
    return {row["role"]: row["count"] for row in report["ledgers"]["graph"]["roles"]}


def text_of(text, scratch, *options):
    (scratch / "model.onnxtxt").write_text(text)
    return contract.analyze(scratch / "model.onnxtxt", *options)


class Olmo2(Llama):
    """Queries and keys of all heads normed at once, in front of the split; norms behind attention and MLP."""

    def split_heads(self, x):
        q, k, v = self.projections(x)
        q, k = self.rms(q, self.hidden), self.rms(k, self.kv_heads * self.width)
        return self.split(q, self.heads), self.split(k, self.kv_heads), self.split(v, self.kv_heads)

    def block(self, x):
        x = self.op("Add", x, self.norm(self.attention(x)))
        return self.op("Add", x, self.norm(self.mlp(x)))


class Olmo2OfOperators(Olmo2):
    """The same with the operator of opset 23."""

    def __init__(self, seed):
        super().__init__(seed)
        self.opsets, self.ir_version = {"": 23}, 11

    def rms(self, x, width):
        return self.op("RMSNormalization", x, self.weight(width), axis=-1)

    def norm(self, x):
        return self.rms(x, self.hidden)


class OneKeyHead(Qwen3):
    fixed = {**Qwen3.fixed, "kv_heads": 1, "groups": 4}


@pytest.mark.parametrize("family", [Llama, Qwen3, OneKeyHead, Olmo2, Olmo2OfOperators], ids=lambda each: each.__name__)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_norms_of_queries_and_keys(family, seed, tmp_path):
    draw = family(seed)
    report = report_of(draw.model(), tmp_path)
    assert figures(report) == {
        "kind": "decoder", "layers": 2, "heads": draw.heads, "kv_heads": draw.kv_heads, "head_dim": draw.width,
        "mlp_hidden": 2 * draw.hidden, "norm": "rms_norm", "activation": "silu", "position": "rotary", "confidence": "recognised"}
    width, kv = draw.hidden, draw.kv_heads * draw.width
    products = 2 * width * (2 * width + 2 * kv) + 3 * 2 * width * 2 * width  # T2, T5, T8
    scores = 2 * 2 * width + (3 + 1 + (draw.scale == "scores")) * draw.heads
    textbook = report["ledgers"]["textbook"]
    assert contract.evaluate(textbook["flops"], {"B": 3, "N": 5}) == 2 * (3 * 5 * products + 3 * 25 * scores), draw


@pytest.mark.parametrize("family", [Bloom, Bert], ids=lambda each: each.__name__)
def test_no_rotary_no_role(family, tmp_path):
    """Parts of a packed product that are chosen by index, heads that are repeated: nothing is turned."""
    found = roles(report_of(family(1).model(), tmp_path))
    assert "rope" not in found and found["mlp_up"] == 2
    assert "rope" in roles(report_of(Falcon(1).model(), tmp_path))


def test_parts_of_a_packed_product_go_with_it(tmp_path):
    report = report_of(Bloom(1).model(), tmp_path, "--view=nodes")
    chosen = [node for node in report["nodes"] if node["op"] == "Gather" and len(node["inputs"][0]["shape"]) == 5]
    assert len(chosen) == 6 and {node["role"] for node in chosen} == {"qkv_proj"}
    assert sorted(node["layer"] for node in chosen) == [0, 0, 0, 1, 1, 1]


def test_a_product_alone_is_no_head(tmp_path):
    for wide in (8, 800):
        report = text_of(f"""<ir_version: 8, opset_import: ["" : 17]>
            g (float[B,N,8] x, float[8,{wide}] w) => (float[B,N,{wide}] y) {{ y = MatMul (x, w) }}""", tmp_path)
        assert report["structure"]["kind"] == "none" and set(roles(report)) == {"other"}


def test_a_head_without_blocks_is_as_wide_as_the_table(tmp_path):
    """Embedding and head of a hybrid whose layers are in another file."""
    report = text_of("""<ir_version: 8, opset_import: ["" : 17]>
        g (int64[B,N] ids, float[100,8] table, float[8,100] head) => (float[B,N,100] y) { x = Gather (table, ids)  y = MatMul (x, head) }""", tmp_path)
    assert roles(report) == {"embedding": 1, "lm_head": 1} and report["structure"]["vocab"] == 100


def squeeze_excite(gate):
    """A convolution whose channels are scaled by what two products make of their means."""
    return f"""<ir_version: 8, opset_import: ["" : 17]>
      g (float[B,3,32,32] image) => (float[B,10] y)
      <float[16,3,3,3] c1 = {{{", ".join(["0.1"] * 432)}}}, float[16,4] w1 = {{{", ".join(["0.1"] * 64)}}}, float[4,16] w2 = {{{", ".join(["0.1"] * 64)}}},
       float[16,10] w3 = {{{", ".join(["0.1"] * 160)}}}, int64[2] flat = {{0, 16}}, int64[4] back = {{0, 16, 1, 1}}>
      {{
        x = Conv <pads = [1, 1, 1, 1]> (image, c1)
        pooled = GlobalAveragePool (x)  squeezed = Reshape (pooled, flat)
        down = MatMul (squeezed, w1)  act = Relu (down)  up = MatMul (act, w2)
        {gate}
        all = GlobalAveragePool (scaled)  rows = Reshape (all, flat)
        y = MatMul (rows, w3)
      }}"""


@pytest.mark.parametrize("gate", ["share = Sigmoid (up)  wide = Reshape (share, back)  scaled = Mul (x, wide)",
                                  "wide = Reshape (up, back)  share = HardSigmoid (wide)  scaled = Mul (share, x)"])
def test_squeeze_and_excite_is_no_mlp(gate, tmp_path):
    report = text_of(squeeze_excite(gate), tmp_path)
    assert report["structure"]["kind"] == "none" and report["ledgers"]["textbook"] is None
    assert report["structure"]["convolutions"] == 1


def test_an_mlp_behind_convolutions_does_not_hide_them(tmp_path):
    """32·32 places, 2·27·16 each: 884,736 FLOPs of convolution beside 2·2·16·32 of MLP. The graph's ledger answers first."""
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
      g (float[B,3,32,32] image) => (float[B,16] y)
      <float[16,3,3,3] c1 = {{{", ".join(["0.1"] * 432)}}}, float[16,32] w1 = {{{", ".join(["0.1"] * 512)}}}, float[32,16] w2 = {{{", ".join(["0.1"] * 512)}}},
       int64[2] flat = {{0, 16}}>
      {{ x = Conv <pads = [1, 1, 1, 1]> (image, c1)  pooled = GlobalAveragePool (x)  rows = Reshape (pooled, flat)
         up = MatMul (rows, w1)  act = Relu (up)  y = MatMul (act, w2) }}"""
    report = text_of(text, tmp_path)
    assert (report["structure"]["kind"], report["structure"]["convolutions"]) == ("mlp", 1)
    shown = subprocess.run([contract.BIN / "xf-analyze", tmp_path / "model.onnxtxt"], capture_output=True, text=True, check=True).stdout
    assert "MLP, 1 convolution" in shown and "every node as the file has it" in shown and "textbook rules" not in shown
    assert contract.evaluate(report["ledgers"]["graph"]["matrix_flops"], {"B": 1}) == 2 * 27 * 16 * 32 * 32 + 2 * 2 * 16 * 32


ACTIVATIONS = {
    "selu": lambda s, x: s.op("Selu", x),
    "elu": lambda s, x: s.op("Elu", x),
    "leaky_relu": lambda s, x: s.op("LeakyRelu", x),
    "softsign": lambda s, x: s.op("Softsign", x),
    "sin": lambda s, x: s.op("Sin", x),
    "relu": lambda s, x: s.op("Max", x, s.number(0)),
    "relu6": lambda s, x: s.op("Clip", x, s.number(0), s.number(6)),
    "gelu_tanh": lambda s, x: s.op("Mul", s.op("Mul", x, s.number(0.5)), s.op("Add", s.number(1), s.op("Tanh", s.op(
        "Mul", s.number((2 / np.pi) ** 0.5), s.op("Add", x, s.op("Mul", s.number(0.044715), s.op("Pow", x, s.number(3)))))))),
    "other": lambda s, x: s.op("ThresholdedRelu", x),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, tmp_path):
    class Activated(Llama):
        def mlp(self, x):
            up = self.op("MatMul", x, self.weight(self.hidden, 3 * self.hidden))
            return self.op("MatMul", ACTIVATIONS[name](self, up), self.weight(3 * self.hidden, self.hidden))

    draw = Activated(1)
    found = figures(report_of(draw.model(), tmp_path))
    assert (found["activation"], found["mlp_hidden"], found["confidence"]) == (name, 3 * draw.hidden, "recognised")


class Vision(Family):
    """A ViT: patches of 4×4 of an image of 16×16 by a convolution, a table of positions, blocks that hide nothing."""
    fixed = {"kv_heads": 2, "groups": 1, "width": 4, "product": "separate", "scale": "scores", "softmax": "op"}
    strides, pads = [4, 4], [0, 0, 0, 0]

    def hidden_later(self, scores):
        return scores

    def model(self):
        self.batch, self.length = self.op("Shape", "image", start=0, end=1), self.ints(16)
        x = self.op("Conv", self.op("Sub", "image", self.number(0.5)), self.weight(self.hidden, 3, 4, 4), strides=self.strides, pads=self.pads)
        x = self.op("Transpose", self.op("Reshape", x, self.ints(0, self.hidden, -1)), perm=[0, 2, 1])
        x = self.op("Add", x, self.weight(1, 16, self.hidden))
        for _ in range(self.layers):
            x = self.block(x)
        self.nodes.append(helper.make_node("Identity", [self.norm(x)], ["y"]))
        graph = helper.make_graph(self.nodes, "vision", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 16, 16])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_vision_tower(tmp_path):
    report = report_of(Vision(1).model(), tmp_path)["structure"]
    assert (report["kind"], report["layers"], report["vision_layers"], report["patch"], report["convolutions"]) == ("encoder", 2, 2, [4, 4], 1)
    assert (report["position"], report["heads"], report["head_dim"]) == ("learned", 2, 4)


def test_text_sees_no_image(tmp_path):
    report = report_of(Llama(1).model(), tmp_path)["structure"]
    assert (report["vision_layers"], report["patch"], report["convolutions"]) == (0, None, 0)


@pytest.mark.parametrize("name, position", [
    ("whisper-tiny_encoder_optimum", "learned"), ("gpt2_nopast_fused_ort", "learned"), ("distilbert_optimum", "learned"), ("t5-small_encoder_optimum", "relative"),
    ("bloom-560m-4l_withpast_optimum", "alibi"), ("falcon-40b-2l_nopast_dynamo18_eager", "rotary"), ("phi3-2l_int4_genai", "rotary")])
def test_positions_of_exporters(name, position):
    """A query that is scaled before its heads are split is not turned."""
    assert contract.analyze(contract.MODELS / f"{name}.onnx")["structure"]["position"] == position


def test_scaled_before_the_split(tmp_path):
    class Scaled(Bert):
        def split_heads(self, x):
            q, k, v = self.projections(x)
            q, k = (self.op("Mul", each, self.number(0.5)) for each in (q, k))
            return self.split(q, self.heads), self.split(k, self.kv_heads), self.split(v, self.kv_heads)

    report = report_of(Scaled(1).model(), tmp_path)
    assert report["structure"]["position"] == "learned" and "rope" not in roles(report)


@pytest.mark.parametrize("inputs", ["table", ", ids", "table, "])
def test_a_gather_that_lacks_an_input(inputs, tmp_path):
    """Damaged files have such; whatever is said of them, it is said."""
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
      g (int64[B,N] ids, float[100,8] table) => (float[B,N,8] y) {{ y = Gather ({inputs}) }}"""
    (tmp_path / "m.onnxtxt").write_text(text)
    done = subprocess.run([contract.BIN / "xf-analyze", tmp_path / "m.onnxtxt"], capture_output=True, text=True)
    assert done.returncode in (0, 1), done
