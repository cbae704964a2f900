"""The model card's text, without a network: what is measured differs, and the card says on what."""

from types import SimpleNamespace

import pytest

from isfp_export.bundle.card import model_card
from isfp_export.bundle.thresholds import Thresholds
from isfp_train.run.config import TrainConfig
from tests.paths import ROOT

REPORT = {"report": {"all": {"mIoU": 22.9, "cell": 45.4}}, "scenes": 84, "split": "held_out"}
TESTS = {
    "84 held_out photos with phrases that people wrote (`--phrases human`)": {"phrases": "human"},
    "84 held_out generated scenes with free phrases (`--phrases free`)": {"phrases": "free"},
    "84 photos of refcoco, split held_out": {"dataset": "refcoco"},
    "84 scenes with seeds that training never used (0.5 composed, 0.5 photo; split held_out, wording train)": {
        "shares": {"composed": 0.5, "photo": 0.5},
        "wording": "train",
    },
}


def card(evaluation, name="edge", packaged=True):
    config = TrainConfig.load(ROOT / "configs" / f"{name}.yaml")
    loaded = SimpleNamespace(
        config=config, vocabulary=["a", "b"], epoch=3, step=600, epoch_samples=14400, packaged_backbone=packaged
    )
    return model_card(
        "edge", loaded, Thresholds(0.17, 0.45, "chosen on 9 held-out scenes"), evaluation, "- five runs before that\n"
    )


@pytest.mark.parametrize("described", TESTS)
def test_the_accuracy_section_says_on_what_it_was_measured(described):
    text = card(REPORT | TESTS[described])
    assert f"`isfp eval` on {described}." in text
    assert "| all | 22.9 |  |  |  |  | 45.4 |  |  |" in text


def test_a_card_without_an_evaluation_has_no_accuracy_section():
    text = card(None)
    assert "## Accuracy" not in text
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        "What it is", "Training", "Thresholds", "What it cannot do",
    ]  # fmt: skip
    assert "- minimum score for a match: 0.17; minimum probability of a pixel in the mask: 0.45\n" in text
    assert "- five runs before that\n" in text


def test_the_card_says_what_a_score_means_and_which_part_of_the_backbone_was_trained():
    meant = {"0.8 to 1.0": {"there": 75.0, "right object": 50.0, "good mask": 25.0, "answers": 4.0}}
    text = card(REPORT | TESTS["84 photos of refcoco, split held_out"] | {"reliability": meant})
    assert "## What a score means" in text
    assert "| 0.8 to 1.0 | 75 | 50 | 25 | 4 |" in text
    assert "- backbone efficientnet_lite0 (frozen, ImageNet weights)," in text


def test_the_card_says_that_the_detector_was_trained():
    text = card(None, "edge-11")
    assert "- backbone efficientnet_lite0+nanodet (frozen, ImageNet weights, but NanoDet was trained further)," in text


def test_the_card_says_that_an_earlier_run_trained_the_backbone():
    text = card(None, "edge-11", packaged=False)
    assert "- backbone efficientnet_lite0+nanodet (ImageNet weights, trained further, as was NanoDet)," in text
