"""Measure a model on scenes that it never saw, at their own size, by kind of phrase and of scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from isfp.frame import Framing
from isfp_train.data.phrases import Reference, refer
from isfp_train.data.scene import Scene, SceneSource
from isfp_train.data.store import FILL
from isfp_train.metrics import summarise
from isfp_train.predictors import Predictor
from isfp_train.targets import positive_cells

TEST_SEED = 700_000_000  # of scenes for reported figures
CALIBRATION_SEED = 800_000_000  # of scenes that thresholds are chosen on


@dataclass(frozen=True)
class Outcome:
    """One phrase asked of one scene.

    Attributes:
        source: kind of scene.
        kind: kind of phrase.
        present: whether the phrase names something that is there.
        both: intersection with the truth, pixels; 0 where nothing is there.
        either: union with the truth, pixels.
        right: whether the cell chosen is a positive one (paper, III-E).
        score: the identifying map's highest probability.
    """

    source: str
    kind: str
    present: bool
    both: int
    either: int
    right: bool
    score: float


@dataclass(frozen=True)
class Question:
    """A scene and what is asked of it."""

    scene: Scene
    references: list[Reference]


def questions(
    sources: Sequence[tuple[SceneSource, float]], count: int, seed: int, phrases: int = 5, wording: str = "train"
) -> Iterator[Question]:
    """`count` scenes, the same for the same seed, each source in turn by its share."""
    shares = np.array([share for _, share in sources], dtype=float)
    shares /= shares.sum()
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        scene = sources[rng.choice(len(sources), p=shares)][0].scene(seed + index)
        references = refer(scene.things, scene.image.shape[:2], rng, phrases, wording)
        if references:
            yield Question(scene, references)


def ask(predictor: Predictor, question: Question) -> list[Outcome]:
    """Ask a model everything about one scene."""
    scene = question.scene
    height, width = scene.image.shape[:2]
    answers = predictor.answer(scene.image, [reference.text for reference in question.references])
    placement = Framing(predictor.size, predictor.size, FILL).place(height, width)
    outcomes = []
    for reference, answer in zip(question.references, answers, strict=True):
        both = either = 0
        right = False
        if reference.target is not None:
            thing = scene.things[reference.target]
            assert thing.mask is not None
            both, either = int((answer.mask & thing.mask).sum()), int((answer.mask | thing.mask).sum())
            x, y = placement.points_to_view(np.array(thing.centre))
            centre = torch.tensor([[int(y / predictor.size * predictor.grid), int(x / predictor.size * predictor.grid)]])
            cells, counts = positive_cells(centre, predictor.grid)
            right = answer.cell is not None and answer.cell in cells[counts].tolist()
        outcomes.append(Outcome(scene.source, reference.kind, reference.target is not None, both, either, right, answer.score))
    return outcomes


def evaluate(predictor: Predictor, asked: Iterator[Question], progress: Callable[[], None] = lambda: None) -> list[Outcome]:
    """Ask a model all questions."""
    outcomes = []
    for question in asked:
        outcomes += ask(predictor, question)
        progress()
    return outcomes


def report(outcomes: Sequence[Outcome], threshold: float) -> dict[str, dict[str, float]]:
    """Metrics by name for all phrases, each kind of phrase and each kind of scene.

    Masks count whatever the threshold says, as in the paper. `missed` is the share of present things that score below the
    threshold, `absent` the share of phrases for nothing that do, both in percent.
    """
    groups = {"all": list(outcomes)}
    for outcome in outcomes:
        groups.setdefault(f"phrase: {outcome.kind}", []).append(outcome)
        groups.setdefault(f"scene: {outcome.source}", []).append(outcome)
    return {name: _metrics(group, threshold) for name, group in sorted(groups.items(), key=lambda item: item[0])}


def _metrics(outcomes: Sequence[Outcome], threshold: float) -> dict[str, float]:
    present = [outcome for outcome in outcomes if outcome.present]
    absent = [outcome for outcome in outcomes if not outcome.present]
    values: dict[str, float] = {}
    if present:
        values = summarise(
            torch.tensor([float(outcome.both) for outcome in present]),
            torch.tensor([float(outcome.either) for outcome in present]),
            torch.tensor([float(outcome.right) for outcome in present]),
        )
        values["missed"] = 100 * sum(outcome.score < threshold for outcome in present) / len(present)
    if absent:
        values["absent"] = 100 * sum(outcome.score < threshold for outcome in absent) / len(absent)
        values["absent count"] = len(absent)
    return values


def choose_threshold(outcomes: Sequence[Outcome]) -> float:
    """The score threshold with the best mean of "present things kept" and "absent things refused".

    Raises:
        ValueError: the outcomes lack present or absent things.
    """
    present = np.array([outcome.score for outcome in outcomes if outcome.present])
    absent = np.array([outcome.score for outcome in outcomes if not outcome.present])
    if not len(present) or not len(absent):
        raise ValueError(
            f"{len(present)} phrases for things that are there and {len(absent)} for things that are not: "
            "a threshold needs both. Calibrate on more scenes."
        )
    thresholds = np.linspace(0.02, 0.98, 97)
    balance = [(present >= value).mean() + (absent < value).mean() for value in thresholds]
    best = np.flatnonzero(np.isclose(balance, np.max(balance)))
    return float(round(thresholds[best[len(best) // 2]], 2))
