"""Checkpoints and bundles can be told cells; the oracles of Table II give the truth of one branch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from isfp.errors import RuntimeUnavailableError
from isfp.steps.phrase import Vocabulary
from isfp_train.data.scene import measure
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.errors import ConfigurationError
from isfp_train.measure.evaluation import answered, generated_questions
from isfp_train.measure.oracle import SceneGrid
from isfp_train.measure.predictors import BundlePredictor, CheckpointPredictor, open_model
from isfp_train.network import ISFP
from isfp_train.run.checkpoint import LoadedCheckpoint
from tests.train.tiny import tiny


@pytest.fixture(scope="module")
def predictor() -> CheckpointPredictor:
    torch.manual_seed(0)
    config, vocabulary = tiny(), Vocabulary.from_words(phrase_words())
    network = ISFP(config.network, len(vocabulary.words)).eval()
    network.encoder.words.load(torch.randn(len(vocabulary.words), 50))
    with torch.no_grad():
        network.segmentation.last.weight.mul_(20)  # so that an untrained network's channels differ visibly
    return CheckpointPredictor(LoadedCheckpoint(network, vocabulary, config, [], 0, 0))


def two_objects() -> np.ndarray:
    image = np.full((96, 128, 3), 90, np.uint8)
    image[20:40, 10:40] = image[60:90, 90:120] = (255, 0, 0)  # RGB: red, twice
    return image


def test_checkpoint_shows_the_mask_of_the_cell_that_it_is_told(predictor: CheckpointPredictor) -> None:
    image, text = ProceduralScenes(64).scene(1).image, "the red mug"
    own = predictor.answer(image, [text])[0]
    told = predictor.answer(image, [text], [own.cell])[0]
    np.testing.assert_array_equal(told.mask, own.mask)
    other = predictor.compute(image, [text], [0 if own.cell else 7])
    assert not np.allclose(other.masks, predictor.compute(image, [text]).masks)
    assert predictor.answer(image, [text], [None])[0].cell == own.cell


def test_without_refinement_the_coarse_mask_is_enlarged(predictor: CheckpointPredictor) -> None:
    image = ProceduralScenes(64).scene(1).image
    coarse = CheckpointPredictor(predictor.loaded, refinement=False)
    one, other = predictor.compute(image, ["the mug"]).masks, coarse.compute(image, ["the mug"]).masks
    assert other.shape == one.shape
    assert not np.allclose(one, other)
    assert (np.abs(np.diff(other[0], n=2, axis=0)) > 1e-4).mean() < 0.5, "bilinear between coarse places: mostly straight"


def test_bundle_shows_the_mask_of_the_cell_that_it_is_told(colour_bundle: Path) -> None:
    predictor = BundlePredictor(colour_bundle)
    image = two_objects()
    own = predictor.answer(image, ["red object"])[0]
    grid = SceneGrid(96, 128, predictor.size, predictor.grid)
    objects = []
    for rows, columns in ((slice(20, 40), slice(10, 40)), (slice(60, 90), slice(90, 120))):
        mask = np.zeros((96, 128), bool)
        mask[rows, columns] = True
        objects.append(measure(mask, ("box",), "box"))
    cells = [grid.true_cell(obj) for obj in objects]
    assert own.cell in cells
    for obj, answer in zip(objects, predictor.answer(image, ["red object"] * 2, cells), strict=True):
        assert obj.mask is not None
        assert (answer.mask & obj.mask).sum() > 0.7 * obj.area
        assert answer.score == pytest.approx(own.score)
    np.testing.assert_array_equal(predictor.answer(image, ["red object"], [own.cell])[0].mask, own.mask)


def test_bundle_cannot_leave_its_refinement_out(colour_bundle: Path) -> None:
    with pytest.raises(ConfigurationError, match="checkpoint"):
        open_model(colour_bundle, refinement=False)


def test_a_bundle_runs_with_the_runtime_that_is_asked_for_and_a_checkpoint_with_none(colour_bundle: Path, tmp_path: Path) -> None:
    opened = open_model(colour_bundle, runtime="onnxruntime:cpu")
    assert isinstance(opened, BundlePredictor)
    assert opened.segmenter.runtime.name == "onnxruntime"
    with pytest.raises(RuntimeUnavailableError, match="no runtime 'warp'"):
        open_model(colour_bundle, runtime="warp")
    with pytest.raises(ConfigurationError, match="is a checkpoint, which runs in PyTorch"):
        open_model(tmp_path / "last.ckpt", runtime="onnxruntime")


def test_location_oracle_is_always_right_about_the_cell(predictor: CheckpointPredictor) -> None:
    asked = list(generated_questions([(ProceduralScenes(64), 1.0)], 6, seed=5))
    own = [outcome for question in asked for outcome, _ in answered(predictor, question) if outcome.present]
    given = [outcome for question in asked for outcome, _ in answered(predictor, question, "location") if outcome.present]
    assert not all(outcome.cell_correct for outcome in own)
    assert all(outcome.cell_correct for outcome in given)
    assert [outcome.score for outcome in given] == pytest.approx([outcome.score for outcome in own])


def test_mask_oracle_gives_whole_objects_and_follows_the_cell(predictor: CheckpointPredictor) -> None:
    for question in generated_questions([(ProceduralScenes(64), 1.0)], 6, seed=5):
        masks = [obj.mask for obj in question.scene.objects]
        for outcome, answer in answered(predictor, question, "mask"):
            assert not answer.mask.any() or any(np.array_equal(answer.mask, mask) for mask in masks)
            if outcome.present:
                assert (outcome.iou == 1) == bool(outcome.cell_correct)


def test_cell_selects_its_target_first_then_the_nearest_object_or_nobody() -> None:
    def obj(x: int, y: int):
        mask = np.zeros((130, 130), bool)
        mask[y - 2 : y + 2, x - 2 : x + 2] = True
        return measure(mask, ("dot",), "dot")

    grid = SceneGrid(130, 130, 130, 13)  # cells of ten pixels
    objects = [obj(35, 35), obj(55, 35)]
    between = 3 * 13 + 4
    assert grid.true_cell(objects[0]) == 3 * 13 + 3
    assert [grid.selected(objects, between, target) for target in (0, 1)] == [0, 1]
    assert grid.selected(objects, 3 * 13 + 3, 1) == 0
    assert grid.selected(objects, 12 * 13, 0) is None
