"""Where a graph holds other matrix products than the torch model that torch's counter counted, or where a rule of ours
does not count one, node by node.

DIFFERENCES: {model: (what the graph has more, an expression in the dims of its flops.json; the nodes that explain it)}.
A graph that is not here agrees to the FLOP.
"""

# transformers 4.46, which these were exported from, makes the rotary angles with a product: inverse frequencies
# [B, half, 1] x positions [B, 1, S]. 5.23, which counted, multiplies elementwise. 2 * B * half * S * 1.
ROTARY = "the product of inverse frequencies and positions, [B,{0},1] x [B,1,S]: 2 * B * {0} * S"


def rotary(half):
    return f"2*batch_size*{half}*sequence_length", ROTARY.format(half)


DIFFERENCES = {
    "gemma-2b-2l_withpast_optimum": rotary(128),
    "gpt-neox-pythia1b-4l_withpast_optimum": rotary(32),
    "llama3-8b-2l_withpast_optimum": rotary(64),
    "qwen2-7b-2l_withpast_optimum": rotary(64),
    "bert-base_dynamo18_eager": (
        "-(2*batch*768*768)",
        "the pooler's product [B,768] x [768,768] is not in the graph: only the last hidden state is an output"),
    "siglip-base-vision_dynamo18_eager": (
        "-batch*(2*768*768 + 2*196*768*1536 + 4*196*768 + 2*768*768 + 2*2*768*3072)",
        "the pooling head is not in the graph (only the last hidden state is an output): query of one probe, keys and "
        "values of 196 patches, attention of one row over 196, output projection, two products of its MLP"),
    "plain_nn_multiheadattention_d1024_ts17": (
        "4*batch*sequence*1024*(8 - sequence)",
        "the exporter baked the example's 8 positions into the Reshapes of keys and values: Q x K is "
        "[B,16,S,64] x [B,16,64,8], P x V [B,16,S,8] x [B,16,8,64], together 4 * B * S * 1024 * 8, not * S"),
    "deberta-v3-small-2l_dynamo18": (
        "-4*(2*512*768*768)",
        "C7: keys and queries of the 512 relative positions, [512,768] x [768,768] twice a layer, are functions of "
        "weights alone, so they are known when the graph is compiled; torch multiplies them each time"),
}
