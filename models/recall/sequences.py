"""Associative recall, the task: pairs of a key and its value, then a key again: which value was its own?

Tokens 0 … KEYS-1 are keys, the VALUES after them values. Each sequence has a dictionary of its own, so nothing can be
learned by heart; a key that comes twice has the same value twice.
"""

import numpy as np

KEYS = 16
VALUES = 16
VOCABULARY = KEYS + VALUES
CONTEXT = 64  # positions that the models know


def sequences(generator, count, pairs):
    """[count, 2·pairs + 1] tokens, the last one a key that stands among the pairs; [count] its values."""
    dictionary = KEYS + generator.integers(VALUES, size=(count, KEYS))
    keys = generator.integers(KEYS, size=(count, pairs + 1))
    row = np.arange(count)
    keys[:, -1] = keys[row, generator.integers(pairs, size=count)]
    values = np.take_along_axis(dictionary, keys, axis=1)
    tokens = np.stack([keys, values], axis=2).reshape(count, -1)
    return tokens[:, :-1], tokens[:, -1]


def answerable(tokens):
    """[count, length]: True where a key stands that stood earlier in its sequence: its value is known."""
    earlier = np.tril(tokens[:, :, None] == tokens[:, None, :], -1).any(axis=2)
    return earlier & (tokens < KEYS)
