"""The word attention that `isfp explain` reads out of a bundle is that of the network it was exported from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from isfp.bundle.bundle import Bundle
from isfp.explain.words import WordAttentionReader
from isfp_train.run import checkpoint

pytestmark = pytest.mark.slow


def test_attention_read_from_a_bundle_is_the_networks_own(exported: Path, trained: Path) -> None:
    read, loaded = WordAttentionReader(Bundle.open(exported)), checkpoint.load(trained)
    encoder, most = loaded.network.encoder, loaded.config.network.max_words
    for phrase in ("the red mug left of the laptop", "mug", "the second zyzzyva from the left " * 4):
        encoded = loaded.vocabulary.encode(phrase, most)
        words, lengths = torch.from_numpy(encoded.ids[None]).long(), torch.tensor([encoded.length])
        with torch.inference_mode():
            expected = encoder.attention.weights(encoder.hidden(words, lengths), lengths)[0, : encoded.length].numpy()
        weights = read(phrase)
        np.testing.assert_allclose(weights, expected, atol=1e-5)
        assert weights.shape == (encoded.length,)
