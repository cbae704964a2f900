"""A new network starts where a trained one ended, also where its backbone has more channels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isfp.steps.phrase import Vocabulary
from isfp_train.network import ISFP
from isfp_train.run.checkpoint import LoadedCheckpoint
from isfp_train.run.runner import start_from
from tests.train.tiny import tiny

WORDS = Vocabulary.from_words(["cup", "left", "red"])


def trained() -> LoadedCheckpoint:
    torch.manual_seed(0)
    config = tiny()
    return LoadedCheckpoint(ISFP(config.network, len(WORDS), [2]).eval(), WORDS, config, [2], 3, 30)


def with_detector(loaded: LoadedCheckpoint) -> ISFP:
    """A network with the same EfficientNet and a detector beside it."""
    torch.manual_seed(1)
    network = ISFP(replace(loaded.config.network, backbone="efficientnet_lite0+nanodet"), len(WORDS), [2]).eval()
    network.backbone.body.lite.load_state_dict(loaded.network.backbone.body.state_dict())
    return network


def test_channels_that_the_backbone_gained_weigh_nothing_at_the_start() -> None:
    loaded = trained()
    network = with_detector(loaded)
    frame = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        wanted = loaded.network.image(frame)
        assert not torch.allclose(network.image(frame)[0], wanted[0], atol=1e-3)
        start_from(network, WORDS, loaded)
        for shown, before in zip(network.image(frame), wanted, strict=True):
            torch.testing.assert_close(shown, before)


def test_channels_that_the_backbone_gained_can_be_learnt() -> None:
    loaded = trained()
    network = with_detector(loaded)
    start_from(network, WORDS, loaded)
    network.image(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8))[0].square().mean().backward()
    gradient = network.visual.levels[0][0].weight.grad
    assert gradient is not None
    assert gradient[:, 40:-2].abs().sum() > 0


def test_word_vectors_follow_their_words_into_another_vocabulary() -> None:
    loaded = trained()
    torch.nn.init.normal_(loaded.network.encoder.words.trained)
    loaded.network.encoder.words.vectors.normal_()
    others = Vocabulary.from_words(["red", "key", "cup"])
    torch.manual_seed(2)
    network = ISFP(loaded.config.network, len(others), [2, 3])
    start_from(network, others, loaded)
    table, before = network.encoder.words.table(), loaded.network.encoder.words.table()
    for word in ("red", "cup"):
        torch.testing.assert_close(table[others.words.index(word)], before[WORDS.words.index(word)])
    assert table[others.words.index("key")].abs().sum() == 0


def test_a_part_that_only_one_of_them_has_is_named() -> None:
    loaded = trained()
    network = ISFP(replace(loaded.config.network, identification_film=True), len(WORDS), [2])
    with pytest.warns(UserWarning, match=r"identification\.film\.weight"):
        start_from(network, WORDS, loaded)


def test_conditional_masks_of_another_size_start_anew_and_the_rest_is_kept() -> None:
    loaded = trained()
    before = replace(loaded.config.network, conditional_masks=4)
    older = replace(loaded, network=ISFP(before, len(WORDS), [2]).eval(), config=replace(loaded.config, network=before))
    network = ISFP(replace(before, conditional_masks=8, conditional_boxes=True, conditional_pixels=8), len(WORDS), [2]).eval()
    own = network.segmentation.conditional.controller[2].weight.clone()
    with pytest.warns(UserWarning, match="segmentation.conditional.points.squeeze.weight"):
        start_from(network, WORDS, older)
    assert torch.equal(network.segmentation.conditional.controller[2].weight, own)
    assert torch.equal(network.segmentation.last.weight, older.network.segmentation.last.weight)


def test_a_tower_changes_nothing_at_the_start_and_learns() -> None:
    loaded = trained()
    config = replace(loaded.config.network, conditional_masks=4, segmentation_language="late")
    older = replace(loaded, network=ISFP(config, len(WORDS), [2]).eval(), config=replace(loaded.config, network=config))
    torch.nn.init.normal_(older.network.segmentation.conditional.controller[2].weight, std=0.3)
    network = ISFP(replace(config, cell_tower=2), len(WORDS), [2]).eval()
    with pytest.warns(UserWarning, match="segmentation.tower.0.0.weight"):
        start_from(network, WORDS, older)
    frame, cells = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8), torch.tensor([[7]])
    visual, phrases = network.image(frame), torch.randn(1, 16)
    shown = network.coarse(frame, visual, phrases, cells)
    torch.testing.assert_close(shown, older.network.coarse(frame, visual, phrases, cells))
    shown.square().sum().backward()
    gradient = network.segmentation.tower[1][1].weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0
