"""Quantised by ONNX Runtime's own tools: what was recognised before is recognised after, with the same figures and products."""

import contract
import numpy as np
import onnx
import pytest
from architectures import Bert, Llama, Qwen3
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from small_transformers import VOCABULARY

FIGURES = ("kind", "layers", "hidden", "heads", "kv_heads", "head_dim", "mlp_hidden", "norm", "activation", "position", "confidence", "missing")
PRODUCTS = ("q_proj", "k_proj", "v_proj", "qk", "av", "out_proj", "mlp_up", "mlp_gate", "mlp_down", "lm_head")
KINDS = {"MatMul", "MatMulInteger", "QLinearMatMul", "Gemm"}


class Tokens(CalibrationDataReader):
    def __init__(self, inputs):
        rng = np.random.default_rng(0)
        self.left = [{name: rng.integers(0, VOCABULARY, (2, 9)) if name == "input_ids" else np.ones((2, 9), np.int64) for name in inputs} for _ in range(2)]

    def get_next(self):
        return self.left.pop() if self.left else None


def dynamic(before, after):
    quantize_dynamic(before, after, weight_type=QuantType.QInt8)


# Products and what moves their operands; sums and products element by element stay, so that norms stay what they are.
MOVED = ["MatMul", "Softmax", "Sigmoid", "Reshape", "Transpose", "Concat"]


def static(form, types=MOVED):
    def quantise(before, after):
        inputs = [value.name for value in onnx.load(before).graph.input]
        quantize_static(before, after, Tokens(inputs), quant_format=form, op_types_to_quantize=types)
    return quantise


HOW = {"dynamic": dynamic, "QDQ": static(QuantFormat.QDQ), "QOperator": static(QuantFormat.QOperator)}


def products(report):
    """How many products have each role, and which FLOPs of units for matrices these are."""
    found = {}
    for node in report["nodes"]:
        if node["op"] in KINDS:
            found[node["role"]] = found.get(node["role"], 0) + 1
    return found


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("family", [Llama, Qwen3, Bert], ids=lambda each: each.__name__)
@pytest.mark.filterwarnings("ignore")
def test_figures_stay(family, how, tmp_path):
    draw = family(1)
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(draw.model(), before)
    HOW[how](before, after)
    kinds = {node.op_type for node in onnx.load(after).graph.node}
    assert kinds & {"dynamic": {"MatMulInteger"}, "QDQ": {"QuantizeLinear"}, "QOperator": {"QLinearMatMul"}}[how], "the case is none"
    plain, quantised = (contract.analyze(path, "--view=nodes") for path in (before, after))
    want, got = ({name: report["structure"][name] for name in FIGURES} for report in (plain, quantised))
    assert got == want, str(draw)
    assert products(quantised) == products(plain)
    assert quantised["ledgers"]["textbook"]["flops"] == plain["ledgers"]["textbook"]["flops"]


@pytest.mark.filterwarnings("ignore")
def test_every_step_quantised(tmp_path):
    """With sums, rotary and gates in integers, too, heads and positions are found still."""
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(Llama(1).model(), before)
    static(QuantFormat.QOperator, [*MOVED, "Add", "Mul", "Where"])(before, after)
    assert {"QLinearAdd", "QLinearMul", "QLinearMatMul"} <= {node.op_type for node in onnx.load(after).graph.node}
    names = ("kind", "layers", "hidden", "heads", "kv_heads", "head_dim", "mlp_hidden", "position")
    want, got = ([contract.analyze(path)["structure"][name] for name in names] for path in (before, after))
    assert got == want


OPERATORS = """<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
g (uint8[B,2,N,4] q, uint8[B,2,4,N] k, uint8[B,2,N,4] v) => (uint8[B,2,N,4] y)
<float s = {0.1}, uint8 z = {128}, float half = {0.5}>
{
  scores = QLinearMatMul (q, s, z, k, s, z, s, z)
  p = com.microsoft.QLinearSoftmax <axis = AXIS, opset = OPSET> (scores, s, z, s, z)
  y = QLinearMatMul (p, s, z, v, s, z, s, z)
}"""


@pytest.mark.parametrize("axis, opset, kind", [(3, 13, "attention"), (-1, 12, "attention"), (2, 13, "none"), (1, 12, "none")])
def test_axis_of_a_quantised_softmax(axis, opset, kind, tmp_path):
    """Before opset 13 it goes over all axes from the one named on; over queries it is no attention."""
    (tmp_path / "m.onnxtxt").write_text(OPERATORS.replace("AXIS", str(axis)).replace("OPSET", str(opset)))
    assert contract.analyze(tmp_path / "m.onnxtxt")["structure"]["kind"] == kind


def test_scale_of_integers_is_no_mask(tmp_path):
    """Scores of MatMulInteger are scaled by what the data tell: neither a mask nor 1/√d."""
    (tmp_path / "m.onnxtxt").write_text("""<ir_version: 8, opset_import: ["" : 17]>
      g (float[B,2,N,4] q, float[B,2,4,N] k, float[B,2,N,4] v) => (float[B,2,N,4] y) {
        q8, qs, qz = DynamicQuantizeLinear (q)  k8, ks, kz = DynamicQuantizeLinear (k)  v8, vs, vz = DynamicQuantizeLinear (v)
        both = Mul (qs, ks)  raw = MatMulInteger (q8, k8, qz, kz)  number = Cast <to = 1> (raw)  scores = Mul (number, both)
        p = Softmax (scores)
        p8, ps, pz = DynamicQuantizeLinear (p)  last = Mul (ps, vs)  sum = MatMulInteger (p8, v8, pz, vz)  wide = Cast <to = 1> (sum)
        y = Mul (wide, last)
      }""")
    report = contract.analyze(tmp_path / "m.onnxtxt")
    assert (report["structure"]["kind"], report["structure"]["heads"], report["structure"]["head_dim"]) == ("attention", 2, 4)
    found = {row["role"] for row in report["ledgers"]["textbook"]["roles"]}
    assert found == {"qk", "softmax", "av"}
    # T3, T4: 2·4 and 3 and 2·4 a pair and head.
    assert contract.evaluate(report["ledgers"]["textbook"]["flops"], {"B": 3, "N": 5}) == 3 * 2 * 25 * (8 + 3 + 8)
