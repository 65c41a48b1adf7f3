#!/usr/bin/env python3
"""Makes gpt2-xl.onnx again:  make_gpt2_xl.py [OUT.onnx]

Needs   torch==2.15.0  transformers==5.23.0  onnx==1.23.2   and about 8 GB of memory and 4 GB of disk for a minute.

GPT-2 XL as its configuration says (48 layers, width 1600, 25 heads), in fp16, through torch's TorchScript exporter, opset
17, with batch and sequence symbolic. No trained weights: each parameter is one random row, expanded. All values differ,
because the exporter merges equal initialisers. What is kept is the topology: every initialiser above 1 KiB becomes
external data in weights.bin (which is not written), every tensor of a Constant node above 64 KiB likewise.
"""

import sys
import tempfile
from pathlib import Path

INITIALIZER_LIMIT = 1 << 10
CONSTANT_LIMIT = 64 << 10
ALIGNMENT = 64


def build():
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    class TextToLogits(GPT2LMHeadModel):
        def forward(self, input_ids, attention_mask):
            return super().forward(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits

    torch.manual_seed(0)
    config = GPT2Config(n_embd=1600, n_layer=48, n_head=25, use_cache=False, attn_implementation="eager")
    with torch.device("meta"):
        model = TextToLogits(config)
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            row = torch.randn(parameter.shape[-1], dtype=torch.float16) * 0.02
            module.register_parameter(name, torch.nn.Parameter(row.expand(parameter.shape), requires_grad=False))
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_meta:
                if buffer.dtype != torch.bool:
                    raise SystemExit(f"buffer {name} is {buffer.dtype}: expected the causal mask")
                mask = torch.ones(buffer.shape[-2:], dtype=torch.bool).tril().expand(buffer.shape)
                module.register_buffer(name, mask, persistent=False)
    model.lm_head.weight = model.transformer.wte.weight
    return model.eval()


def export(model, path):
    import torch

    ids = torch.ones((2, 8), dtype=torch.int64)
    dims = {0: "batch", 1: "sequence"}
    torch.onnx.export(
        model,
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": dims, "attention_mask": dims, "logits": dims},
        opset_version=17,
        dynamo=False,
    )


class Stripper:
    """Turns tensors into external data of a file that is not there."""

    def __init__(self):
        self.offset = 0

    def strip(self, tensor, limit):
        size = stored_bytes(tensor)
        if size <= limit:
            return
        for payload in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
            tensor.ClearField(payload)
        del tensor.external_data[:]
        tensor.data_location = tensor.EXTERNAL
        for key, value in (("location", "weights.bin"), ("offset", self.offset), ("length", size)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
        self.offset += -(-size // ALIGNMENT) * ALIGNMENT


def stored_bytes(tensor):
    from onnx import helper

    count = 1
    for dim in tensor.dims:
        count *= dim
    return count * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def main():
    import onnx

    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("gpt2-xl.onnx")
    with tempfile.TemporaryDirectory() as scratch:
        full = Path(scratch) / "full.onnx"
        export(build(), full)
        model = onnx.load(full, load_external_data=False)
    stripper = Stripper()
    for tensor in model.graph.initializer:
        stripper.strip(tensor, INITIALIZER_LIMIT)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                attribute.t.ClearField("name")  # the exporter names them when weights go to files of their own
                stripper.strip(attribute.t, CONSTANT_LIMIT)
    out.write_bytes(model.SerializeToString(deterministic=True))
    print(f"{out}: {len(model.graph.node)} nodes, {len(model.graph.initializer)} initialisers")


if __name__ == "__main__":
    main()
