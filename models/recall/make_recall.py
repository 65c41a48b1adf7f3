#!/usr/bin/env python3
"""Trains and exports recall_1_layer.onnx and recall_2_layers.onnx:  make_recall.py [FOLDER]

Needs   torch==2.15.0  onnx==1.23.2  numpy==2.4.6   and a few minutes of one CPU core. Seeds are fixed: on one machine the
same files come out; on another one the last digits of the weights may differ.

Two transformers with attention only, alike but for the number of layers, learn associative recall (sequences.py). One
layer cannot: where the key stands, its value is a position further on. With two layers the first one tells every token
what came before it, and the second one looks for the token that came after the key (an induction head).
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
from sequences import CONTEXT, VOCABULARY, answerable, sequences
from torch import nn

WIDTH = 64
HEADS = 2
BATCH = 64
PAIRS = 24
STEPS = 3000
LEARNING_RATE = 2e-3


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key = nn.Linear(WIDTH, WIDTH, bias=False)
        self.value = nn.Linear(WIDTH, WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.register_buffer("causal", torch.ones(CONTEXT, CONTEXT, dtype=torch.bool).tril(), persistent=False)

    def forward(self, stream):
        batch, length, _ = stream.shape
        x = self.norm(stream)

        def heads(projection):
            return projection(x).view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)

        scores = heads(self.query) @ heads(self.key).transpose(2, 3) / math.sqrt(WIDTH // HEADS)
        scores = scores.masked_fill(~self.causal[:length, :length], float("-inf"))
        mixed = scores.softmax(-1) @ heads(self.value)
        return stream + self.out(mixed.transpose(1, 2).reshape(batch, length, WIDTH))


class AttentionOnly(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        self.layers = nn.ModuleList(Attention() for _ in range(layers))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, input_ids):
        stream = self.tokens(input_ids) + self.positions(torch.arange(input_ids.shape[1]))
        for layer in self.layers:
            stream = layer(stream)
        return self.head(self.norm(stream))


def train(layers):
    torch.manual_seed(layers)
    generator = np.random.default_rng(layers)
    model = AttentionOnly(layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS, pct_start=0.1)
    for step in range(STEPS):
        tokens, answers = sequences(generator, BATCH, PAIRS)
        # Every key that has come before is a question, the last one among them; what follows it is the answer.
        asked = torch.from_numpy(answerable(tokens))
        following = torch.from_numpy(np.concatenate([tokens[:, 1:], answers[:, None]], axis=1))
        loss = nn.functional.cross_entropy(model(torch.from_numpy(tokens))[asked], following[asked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 499:
            print(f"{layers} layer(s), step {step + 1}: loss {loss.item():.4f}", flush=True)
    return model.eval()


def export(model, path):
    dims = {0: "batch", 1: "sequence"}
    torch.onnx.export(
        model,
        (torch.zeros((2, 8), dtype=torch.int64),),
        str(path),
        input_names=["input_ids"],
        output_names=["logits"],
        dynamic_axes={"input_ids": dims, "logits": dims},
        opset_version=17,
        dynamo=False,
    )


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    torch.set_num_threads(1)
    for layers, name in [(1, "recall_1_layer.onnx"), (2, "recall_2_layers.onnx")]:
        model = train(layers)
        tokens, answers = sequences(np.random.default_rng(100), 2000, PAIRS)
        with torch.no_grad():
            guesses = model(torch.from_numpy(tokens))[:, -1].argmax(-1).numpy()
        export(model, folder / name)
        print(f"{folder / name}: {(guesses == answers).mean():.1%} of 2000 right")


if __name__ == "__main__":
    main()
