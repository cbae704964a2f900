from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from isfp.steps.phrase import UNKNOWN_ID
from isfp_train.run.runner import build_module
from isfp_train.run.scene_data import SceneData
from tests.train.tiny import tiny


def test_validation_changes_neither_pictures_nor_words_whatever_training_does(tmp_path: Path) -> None:
    config = tiny(freeze_backbone=False)
    samples = replace(config.samples, flip=1.0, moved=1.0, relit=1.0, unknown=1.0, paraphrased=1.0)
    _, vocabulary = build_module(config)
    data = SceneData(replace(config, samples=samples), vocabulary, None, tmp_path)
    data.prepare_data()
    data.setup("fit")
    stored = [data.validation_store[place].view for place in range(len(data.validation_store))]
    for batch in data.val_dataloader():
        for view in batch.views.numpy():
            assert any(np.array_equal(view, other) for other in stored)
        assert not (batch.words == UNKNOWN_ID).any()
