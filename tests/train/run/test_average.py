"""The mean of two checkpoints: of what both have, matched by name and by word."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from isfp_train.run import checkpoint, checkpoint_file
from isfp_train.run.average import average
from isfp_train.run.module import ReferringModule
from tests.train.tiny import tiny


def saved(path: Path, words: list[str], seed: int) -> Path:
    torch.manual_seed(seed)
    module = ReferringModule(tiny(), words, [])
    module.network.encoder.words.load(torch.randn(len(words), module.config.network.word_channels))
    content: dict[str, object] = {"state_dict": module.state_dict(), "epoch": seed, "global_step": 8}
    module.on_save_checkpoint(content)
    checkpoint_file.write(content, path)
    return path


def test_every_weight_is_the_mean_and_words_are_matched_by_text(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.ckpt", ["<pad>", "<unknown>", "cup", "dog"], 1)
    second = saved(tmp_path / "b.ckpt", ["<pad>", "<unknown>", "dog", "new"], 2)
    average(first, second, tmp_path / "mean.ckpt")
    one, other, mean = (checkpoint.load(path) for path in (first, second, tmp_path / "mean.ckpt"))
    assert mean.vocabulary.words == other.vocabulary.words
    for name, value in mean.network.state_dict().items():
        if value.is_floating_point() and not name.startswith("encoder.words."):
            wanted = (one.network.state_dict()[name] + other.network.state_dict()[name]) / 2
            torch.testing.assert_close(value, wanted)
    before, after, found = (loaded.network.encoder.words.table() for loaded in (one, other, mean))
    torch.testing.assert_close(found[2], (before[3] + after[2]) / 2)  # dog
    torch.testing.assert_close(found[3], after[3])  # new


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    second = saved(tmp_path / "b.ckpt", ["<pad>", "<unknown>", "dog"], 2)
    with pytest.raises(Exception, match=r"a\.ckpt"):
        average(tmp_path / "a.ckpt", second, tmp_path / "mean.ckpt")
    assert not (tmp_path / "mean.ckpt").exists()
