"""Which layers of the exporters' graphs see an image, and in patches of what size (the models' own configurations)."""

import contract
import pytest


@pytest.mark.parametrize("name, layers, vision, patch", [
    ("vit-base_optimum", 12, 12, [16, 16]), ("clip-vit-b32_optimum", 24, 12, [32, 32]), ("swin-tiny_dynamo18", 12, 12, [4, 4]),
    ("dinov2-base_dynamo18_eager", 12, 12, [14, 14]), ("siglip-base-vision_dynamo18_eager", 12, 12, [16, 16]),
    ("whisper-tiny_encoder_optimum", 4, 0, None), ("bert-base_optimum", 12, 0, None)])
def test_vision_towers_of_exporters(name, layers, vision, patch, shared):
    report = contract.analyze(shared / "models" / f"{name}.onnx")["structure"]
    assert (report["layers"], report["vision_layers"], report["patch"]) == (layers, vision, patch)
