"""Ask a model about scenes that it was not trained on, at their own size. `report.py` computes metrics of the outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isfp_train.data.phrases.phrases import make_phrases
from isfp_train.data.refcoco.refcoco import RefCocoScenes
from isfp_train.data.scene import Expression, Scene, SceneSource
from isfp_train.data.scenes.annotated import AnnotatedPhotos
from isfp_train.measure.oracle import Oracle, SceneGrid
from isfp_train.measure.predictors import Answer, Predictor
from isfp_train.overlap import intersection_and_union, iou

Chose = Literal["target", "rival", "other", "nothing"]


@dataclass(frozen=True)
class Outcome:
    """The answer to one phrase about one scene.

    Attributes:
        source: kind of scene.
        kind: kind of phrase.
        present: whether the phrase describes an object that is present.
        intersection: number of pixels in both answer and truth.
        union: number of pixels in answer or truth; for absent objects, those of the answer.
        cell_correct: whether the chosen cell is a positive one (paper, III-E); None for Table I's baseline, which chooses none.
        score: highest probability of the identifying map.
        scene: number of the scene; outcomes of one scene are not independent.
        chose: which object the chosen cell belongs to: the "target", another one of its kind ("rival"), one of another kind
            ("other"), or no annotated object ("nothing"). None if the object is absent or no cell is chosen.
    """

    source: str
    kind: str
    present: bool
    intersection: int
    union: int
    cell_correct: bool | None
    score: float
    scene: int = 0
    chose: Chose | None = None

    @property
    def iou(self) -> float:
        """IoU, 0 to 1; it is 1 for two empty masks."""
        return float(iou(self.intersection, self.union))


@dataclass(frozen=True)
class SceneQuestion:
    """A scene, its number, and the phrases about it."""

    scene: Scene
    expressions: Sequence[Expression]
    number: int = 0


def generated_questions(
    sources: Sequence[tuple[SceneSource, float]],
    count: int,
    seed: int,
    phrases: int = 5,
    wording: str = "train",
    pairs: str = "train",
) -> Iterator[SceneQuestion]:
    """Generate `count` scenes from the sources by their shares, always the same for a seed, with `make_phrases` about each."""
    shares = np.array([share for _, share in sources], dtype=float)
    shares /= shares.sum()
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        scene = sources[rng.choice(len(sources), p=shares)][0].scene(seed + index)
        expressions = make_phrases(scene.objects, scene.image.shape[:2], rng, phrases, wording, pairs)
        if expressions:
            yield SceneQuestion(scene, expressions, index)


def written_questions(scenes: RefCocoScenes | AnnotatedPhotos, count: int) -> Iterator[SceneQuestion]:
    """The first `count` photos of a split, each with all expressions that were written about it."""
    for number in range(count):
        scene = scenes.scene(number)
        if scene.expressions:
            yield SceneQuestion(scene, scene.expressions, number)


def ask(predictor: Predictor, question: SceneQuestion, oracle: Oracle | None = None) -> list[Outcome]:
    """Ask a model all questions about one scene. An oracle can replace one of its branches (Table II)."""
    return [outcome for outcome, _ in answered(predictor, question, oracle)]


def answered(predictor: Predictor, question: SceneQuestion, oracle: Oracle | None = None) -> list[tuple[Outcome, Answer]]:
    """Like `ask`, but with each answer."""
    scene = question.scene
    height, width = scene.image.shape[:2]
    grid = SceneGrid(height, width, predictor.size, predictor.grid)
    targets = [None if expression.target is None else scene.objects[expression.target] for expression in question.expressions]
    cells = [None if obj is None else grid.true_cell(obj) for obj in targets] if oracle == "location" else None
    answers = predictor.answer(scene.image, [expression.text for expression in question.expressions], cells)
    found = []
    for expression, obj, answer in zip(question.expressions, targets, answers, strict=True):
        mask = _true_mask(scene, grid, answer, expression.target) if oracle == "mask" else answer.mask
        present = obj is not None
        truth = np.zeros_like(mask) if obj is None or obj.mask is None else obj.mask
        intersection, union = intersection_and_union(mask, truth)
        cell_correct = None if answer.cell is None else obj is not None and answer.cell in grid.positives(obj)
        chose = None if answer.cell is None else _chose(scene, grid, answer.cell, expression.target)
        outcome = Outcome(
            scene.source,
            expression.kind,
            present,
            int(intersection),
            int(union),
            cell_correct,
            answer.score,
            question.number,
            chose,
        )
        found.append((outcome, Answer(mask, answer.score, answer.cell, answer.identifying)))
    return found


def _chose(scene: Scene, grid: SceneGrid, cell: int, target: int | None) -> Chose | None:
    if target is None:
        return None
    selected = grid.selected(scene.objects, cell, target)
    if selected is None:
        return "nothing"
    if selected == target:
        return "target"
    return "rival" if scene.objects[selected].kind == scene.objects[target].kind else "other"


def _true_mask(scene: Scene, grid: SceneGrid, answer: Answer, target: int | None) -> np.ndarray:
    chosen = None if answer.cell is None else grid.selected(scene.objects, answer.cell, target)
    mask = None if chosen is None else scene.objects[chosen].mask
    return np.zeros(scene.image.shape[:2], bool) if mask is None else mask


def evaluate(
    predictor: Predictor,
    asked: Iterator[SceneQuestion],
    progress: Callable[[], None] = lambda: None,
    oracle: Oracle | None = None,
) -> list[Outcome]:
    """Ask a model all questions."""
    outcomes = []
    for question in asked:
        outcomes += ask(predictor, question, oracle)
        progress()
    return outcomes


#: Share of the present objects that a chosen threshold may miss.
MOST_MISSED = 0.1


def choose_threshold(present: np.ndarray, absent: np.ndarray) -> float:
    """Choose the score threshold with the best mean of two shares: present objects found, and absent objects refused.

    The best mean is nearly the same over a wide range, within which many objects can be missed for a few refusals. So at most a
    tenth of the present objects are missed if any threshold allows it.

    Args:
        present: scores of phrases for present objects.
        absent: scores of phrases for absent objects.

    Raises:
        ValueError: there are no scores of one kind.
    """
    if not len(present) or not len(absent):
        raise ValueError(
            f"There are {len(present)} phrases for present objects and {len(absent)} for absent ones; a threshold needs both. Use "
            "more scenes."
        )
    thresholds = np.linspace(0.02, 0.98, 97)
    found = np.array([(present >= value).mean() for value in thresholds])
    balance = found + [(absent < value).mean() for value in thresholds]
    if (enough := found >= 1 - MOST_MISSED).any():
        balance[~enough] = -1
    best = np.flatnonzero(np.isclose(balance, np.max(balance)))
    return float(round(thresholds[best[len(best) // 2]], 2))
