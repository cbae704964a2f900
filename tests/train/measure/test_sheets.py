"""Sheets show what they say: truth and mask where they are, the worst first, cases drawn before they are answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.measure.evaluation import Outcome, SceneQuestion, generated_questions
from isfp_train.measure.predictors import Answer, Cells
from isfp_train.measure.sheets import MASK, Case, as_they_come, card, sheet, worst


class Square:
    """Answers every phrase with the same square, surer of longer phrases."""

    grid, size, threshold = 13, 320, 0.5

    def answer(self, image: np.ndarray, texts: Sequence[str], cells: Cells | None = None) -> list[Answer]:
        mask = np.zeros(image.shape[:2], bool)
        mask[60:140, 60:140] = True
        return [Answer(mask, min(0.99, len(text) / 60), 0, np.full((13, 13), 0.1, np.float32)) for text in texts]


@pytest.fixture(scope="module")
def asked() -> list[SceneQuestion]:
    return list(generated_questions([(ProceduralScenes(), 1.0)], 10, seed=4))


def case(truth: np.ndarray | None, intersection: int, union: int, score: float = 0.9) -> Case:
    image = np.full((200, 300, 3), 128, np.uint8)
    mask = np.zeros((200, 300), bool)
    mask[20:120, 20:120] = True
    outcome = Outcome("photo", "unique" if truth is not None else "absent", truth is not None, intersection, union, True, score)
    return Case(image, "the object", truth, Answer(mask, score, 20, np.zeros((13, 13), np.float32)), outcome)


def pixels(picture: np.ndarray, colour: tuple[int, int, int], near: int = 40) -> int:
    return int((np.abs(picture.astype(int) - colour).sum(axis=2) < near).sum())


def greenish(picture: np.ndarray) -> int:
    blue, green, red = (picture[..., n].astype(int) for n in range(3))
    return int(((green - np.maximum(blue, red) > 60) & (green > 150)).sum())


def test_truth_is_outlined_and_the_mask_tinted() -> None:
    truth = np.zeros((200, 300), bool)
    truth[50:150, 150:280] = True
    shown = card(case(truth, 0, 100), Square())
    absent = card(case(None, 0, 100), Square())
    assert greenish(shown) > 200
    assert greenish(absent) < 20  # the verdict's mark is not so bright
    assert pixels(absent, MASK) > 100  # its outline
    tint = tuple(int(128 * 0.45 + value * 0.55) for value in MASK)
    assert pixels(absent, tint, 12) > 60 * 60


def test_what_was_not_found_is_drawn_faintly() -> None:
    sure, unsure = (card(case(None, 0, 100, score), Square()) for score in (0.9, 0.1))
    tint = tuple(int(128 * 0.45 + value * 0.55) for value in MASK)
    assert pixels(unsure, tint, 12) < pixels(sure, tint, 12) / 10


def test_cases_come_one_a_scene_and_the_same_each_time(asked: list[SceneQuestion]) -> None:
    one, other = (as_they_come(Square(), iter(asked), 6) for _ in range(2))
    assert [c.text for c in one] == [c.text for c in other]
    assert [c.outcome.scene for c in one] == [question.number for question in asked[:6]]


def test_worst_have_the_lowest_ious_one_a_scene(asked: list[SceneQuestion]) -> None:
    found = worst(Square(), iter(asked), 4)
    lowest = {}
    for question in asked:
        for expression in question.expressions:
            if expression.target is not None:
                (own,) = worst(Square(), [SceneQuestion(question.scene, [expression], question.number)], 1)
                lowest[question.number] = min(lowest.get(question.number, 1.0), own.outcome.iou)
    assert [c.outcome.iou for c in found] == sorted(lowest.values())[:4]
    assert len({c.outcome.scene for c in found}) == 4
    assert all(c.outcome.present for c in found)


def test_sheet_lays_cases_out_in_rows(asked: list[SceneQuestion]) -> None:
    cases = as_they_come(Square(), iter(asked), 6)
    one = card(cases[0], Square())
    assert sheet(cases, Square(), columns=4).shape == (2 * one.shape[0], 4 * one.shape[1], 3)
