"""kv-cache on decoders as their exporters write them: rewritten and equal, keys and values kept once a head; what leaks is refused."""

import numpy as np
import onnx
import pytest
from architectures import DECODERS, LEAKING, REFUSED
from small_transformers import VOCABULARY
from test_kv_cache import LEVELS, agree, moved, rewritten, session


def tokens(count=9):
    return np.random.default_rng(3).integers(0, VOCABULARY, (2, count))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("family", DECODERS, ids=lambda each: each.__name__)
def test_decoder(family, seed, tmp_path):
    draw = family(seed)
    model = draw.model()
    original = session(model, LEVELS[0])
    assert moved(original, tokens()) is None, f"{draw}: the case is none"
    cached, caches, why = rewritten(model, tmp_path)
    assert caches, f"{draw}: {why}"
    onnx.checker.check_model(cached, full_check=True)
    assert sum(c["bytes_per_token"] for c in caches) == 2 * draw.layers * draw.kv_heads * draw.width * 4, f"{draw}: {caches}"
    for level in LEVELS:
        agree(original, session(cached, level), caches, np.random.default_rng(seed), str(draw))


@pytest.mark.parametrize("family, mutant", LEAKING, ids=lambda each: getattr(each, "__name__", each))
def test_leaks(family, mutant, tmp_path):
    draw = family(1, mutant)
    model = draw.model()
    assert moved(session(model, LEVELS[0]), tokens()) is not None, f"{draw}: the case is none"
    _, caches, why = rewritten(model, tmp_path)
    assert not caches and "refused: kv-cache: '" in why, f"{draw}: {why}"


@pytest.mark.parametrize("family, why", REFUSED, ids=lambda each: getattr(each, "__name__", ""))
def test_refused(family, why, tmp_path):
    _, caches, said = rewritten(family(1).model(), tmp_path)
    assert not caches and f"{why}" in said, said
