"""FLOPs and bytes of the graph ledger against a second count, of real tensors, by the rules C1 to C14."""

import json

import contract
import pytest
from cost_check import check_costs

KV = sorted((contract.MODELS / "kv").glob("*.onnx"))
# Small enough to run: half precision, a cache, cross-attention, operators with bodies, opset 23 and 24, a scan.
STRIPPED = ["plain_attnonly_2l_ts17", "plain_block_d1600_fp16_ts17", "plain_block_d1600_sdpa_dynamo23",
            "plain_nn_transformerencoder_2l_dynamo20", "newops_llama_2l_nopast_dynamo23", "mamba-130m-2l_nopast_ts17",
            "newops_llama_2l_staticcache_dynamo24", "t5-small_decoder_optimum", "whisper-tiny_encoder_optimum",
            "gpt2_decoder_with_past_optimum"]


@pytest.mark.parametrize("binding", [{"batch": 2, "sequence": 5}, {"batch": 1, "sequence": 9}], ids=str)
@pytest.mark.parametrize("model", KV, ids=lambda path: path.stem)
def test_with_weights(model, binding):
    check_costs(model, binding)


@pytest.mark.parametrize("name", STRIPPED)
def test_without_weights(name):
    truth = json.loads((contract.MODELS / f"{name}.shapes.json").read_text())
    shapes = {value: shape for value, (_, shape, *_) in truth["inputs"].items()}
    check_costs(contract.MODELS / f"{name}.onnx", truth["bindings"][0], shapes)
