"""The second count of FLOPs and bytes (test/cost_oracle.py), and the sums, on all exports that are there."""

import json
import re

import contract
import onnx
import pytest
from cost_check import check_costs
from cost_oracle import NotCounted
from sums import check_sums

FOLDER = contract.SHARED / "models"
MODELS = sorted(FOLDER.rglob("*.onnx"))
LARGE = 1 << 30  # bytes of weights that a test is willing to multiply

# Graphs of others that ONNX Runtime runs as they are, with operators of com.microsoft, quantised ones and TopK among them:
# part of the name, sizes of the symbols; others are 4.
CORPUS = {
    "ops/Attention_torch2.8_23": {}, "matmul_update/sdp": {}, "tests/assets/onnx/model": {},
    "keras2onnx_opset11/TFBertForQuestionAnswering": {}, "BertForQuestionAnswering_ort_cpu": {}, "gpt2_past.onnx": {},
    "decoder_with_past_self_mha_split_bias_fused": {}, "hf_fp16_decoder_attention_with_past": {},
    "oai_fp32_decoder_attention_no_past": {}, "attention_mask1d_fp16": {}, "bert_toy_optimized.onnx": {},
    "conv.int4_weights.qdq": {}, "sparse_initializer_handling": {}, "gpt2_past_mask_one_layer": {},
    "qdq_with_multi_consumer_dq_nodes.fixed.qdq16": {}, "tiny-random-lfm2-fp32/decoder": {},
    "tiny-random-LlamaForCausalLM-fp32": {"sequence_length": 1, "past_sequence_length": 4, "total_sequence_length": 5},
    "matmulnbits_2bit": {}, "sample-apps/model-evaluation": {}, "llm/random_encoder": {}, "dummy_transformer_mlm": {},
    "example_big_fanout": {},
}

# What the second count has no rule for: part of the name, what it is.
NOT_COUNTED = {"decoder_merged": "bodies"}


def truth_of(model):
    path = model.with_name(f"{model.stem}.shapes.json")
    return json.loads(path.read_text()) if path.exists() else None


def weight_bytes(model):
    proto = onnx.load(model, load_external_data=False)
    return sum(int(entry.value) for tensor in proto.graph.initializer for entry in tensor.external_data
               if entry.key == "length")


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_sums(model):
    check_sums(model)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_costs(model):
    if weight_bytes(model) > LARGE:
        return  # the same architectures are there in other sizes
    excuse = next((op for name, op in NOT_COUNTED.items() if name in model.stem), None)
    truth = truth_of(model)
    try:
        if truth:
            check_costs(model, truth["bindings"][0], {name: shape for name, (_, shape, *_) in truth["inputs"].items()})
        else:
            check_costs(model, {"batch": 2, "sequence": 5})
    except NotCounted as why:
        assert excuse and any(part in str(why) for part in excuse.split("|")), str(why)


@pytest.mark.parametrize("name", CORPUS)
def test_corpus(name):
    path = next(path for path in sorted((contract.SHARED / "corpus").rglob("*.onnx")) if name in str(path))
    model = onnx.load(path, load_external_data=False)
    names = {dim.dim_param for value in model.graph.input for dim in value.type.tensor_type.shape.dim} - {""}
    symbols = {symbol for name in names for symbol in re.findall(r"[A-Za-z_]\w*", name)}
    check_costs(path, {symbol: CORPUS[name].get(symbol, 4) for symbol in symbols})
