"""Evaluation counts what it says it counts, on models whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.measure.evaluation import ask, choose_threshold, evaluate, generated_questions
from isfp_train.measure.predictors import Answer, Cells
from isfp_train.measure.report import report

GRID = 13


class Knows:
    """Answers with the truth, or misses on purpose."""

    grid, size, threshold = GRID, 320, 0.5

    def __init__(self, wrong: bool = False) -> None:
        self.wrong = wrong
        self.truth: dict[bytes, dict[str, tuple[np.ndarray | None, int]]] = {}

    def learn(self, asked: list) -> list:
        for question in asked:
            scene = question.scene
            known = self.truth.setdefault(scene.image.tobytes(), {})
            height, width = scene.image.shape[:2]
            for expression in question.expressions:
                if expression.target is None:
                    known[expression.text] = (None, 0)
                    continue
                obj = scene.objects[expression.target]
                scale = self.size / max(height, width)
                x = obj.centre[0] * scale + (self.size - width * scale) / 2
                y = obj.centre[1] * scale + (self.size - height * scale) / 2
                known[expression.text] = (obj.mask, int(y / self.size * GRID) * GRID + int(x / self.size * GRID))
        return asked

    def answer(self, image: np.ndarray, texts: Sequence[str], cells: Cells | None = None) -> list[Answer]:
        answers = []
        for text in texts:
            mask, cell = self.truth[image.tobytes()][text]
            if mask is None:
                answers.append(Answer(np.zeros(image.shape[:2], bool), 0.1, 0))
            elif self.wrong:
                answers.append(Answer(~mask, 0.1, (cell + GRID * GRID // 2) % (GRID * GRID)))
            else:
                answers.append(Answer(mask, 0.9, cell))
        return answers


@pytest.fixture(scope="module")
def asked() -> list:
    return list(generated_questions([(ProceduralScenes(), 1.0)], 12, seed=1))


def test_perfect_model_gets_everything(asked: list) -> None:
    model = Knows()
    result = report(evaluate(model, iter(model.learn(asked))), model.threshold)["all"]
    assert {result[name] for name in ("mIoU", "oIoU", "Pr@0.9", "cell", "absent")} == {100.0}
    assert result["missed"] == 0


def test_wrong_model_gets_nothing(asked: list) -> None:
    model = Knows(wrong=True)
    result = report(evaluate(model, iter(model.learn(asked))), model.threshold)["all"]
    assert {result[name] for name in ("mIoU", "oIoU", "Pr@0.5", "cell")} == {0.0}
    assert result["missed"] == 100


def test_questions_are_the_same_for_the_same_seed() -> None:
    one, other = ([q.expressions for q in generated_questions([(ProceduralScenes(), 1.0)], 4, seed=9)] for _ in range(2))
    assert one == other


def test_groups_add_up_to_all(asked: list) -> None:
    model = Knows()
    outcomes = [outcome for question in model.learn(asked) for outcome in ask(model, question)]
    result = report(outcomes, 0.5)
    kinds = [values for name, values in result.items() if name.startswith("phrase: ")]
    assert sum(values.get("count", 0) for values in kinds) == result["all"]["count"]


def test_threshold_lies_between_what_is_there_and_what_is_not() -> None:
    assert 0.3 < choose_threshold(np.array([0.6, 0.8, 0.9]), np.array([0.1, 0.3])) <= 0.6
    with pytest.raises(ValueError, match="needs both"):
        choose_threshold(np.array([0.6, 0.8, 0.9]), np.array([]))


def test_threshold_misses_no_more_than_a_tenth_for_a_better_balance() -> None:
    """Here 0.7 would refuse every absent object, at the price of three present ones in twenty."""
    present = np.array([0.05, 0.65, 0.65, *[0.9] * 17])
    assert choose_threshold(present, np.array([0.1] * 3 + [0.66])) <= 0.65
    assert choose_threshold(present[[0, *range(3, 20)]], np.array([0.1] * 3 + [0.66])) > 0.66
