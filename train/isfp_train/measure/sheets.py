"""Sheets of test cases: frame, phrase, truth, mask and identifying map, of the first cases or of the worst."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from isfp.draw.results import BAD, COLOURS, FAINT, GOOD, INK, MUTED, grid, heat_map
from isfp.steps.letterbox import Framing
from isfp.steps.result import Segmentation, box_of
from isfp_train.data.store.store import FILL
from isfp_train.measure.evaluation import Outcome, SceneQuestion, answered
from isfp_train.measure.predictors import Answer, Predictor

TRUTH = (110, 255, 120)  # B, G, R of the true contour
MASK = COLOURS[1]  # blue, because most photos have warm colours
CLOSE = (30, 150, 215)  # colour of the mark for an IoU below 0.5
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PANEL, _GAP, _LINE = 224, 10, 17  # in pixels: side of a card's two pictures, space around them, height of a text line


@dataclass(frozen=True)
class Case:
    """One phrase about one frame: RGB uint8 `[h,w,3]`, the true mask bool `[h,w]` (None: absent), and the answer."""

    image: np.ndarray
    text: str
    truth: np.ndarray | None
    answer: Answer
    outcome: Outcome


def as_they_come(predictor: Predictor, asked: Iterable[SceneQuestion], count: int) -> list[Case]:
    """One phrase about each of the first `count` scenes, chosen at random before it is answered."""
    found = []
    for question in asked:
        pick = int(np.random.default_rng((question.number, 24)).integers(len(question.expressions)))
        found.append(_cases(predictor, SceneQuestion(question.scene, [question.expressions[pick]], question.number))[0])
        if len(found) == count:
            break
    return found


def worst(
    predictor: Predictor, asked: Iterable[SceneQuestion], count: int, progress: Callable[[], None] = lambda: None
) -> list[Case]:
    """The lowest IoUs of present objects, with the worst phrase of each scene; among equals, the highest score first."""

    def badness(case: Case) -> tuple[float, float]:
        return case.outcome.iou, -case.outcome.score

    def worst_of_each() -> Iterator[Case]:
        for question in asked:
            present = [case for case in _cases(predictor, question) if case.outcome.present]
            progress()
            if present:
                yield min(present, key=badness)

    return heapq.nsmallest(count, worst_of_each(), key=badness)


def _cases(predictor: Predictor, question: SceneQuestion) -> list[Case]:
    scene = question.scene
    return [
        Case(scene.image, said.text, None if said.target is None else scene.objects[said.target].mask, answer, outcome)
        for said, (outcome, answer) in zip(question.expressions, answered(predictor, question), strict=True)
    ]


def sheet(cases: Iterable[Case], predictor: Predictor, columns: int = 4) -> np.ndarray:
    """Draw cases in rows of `columns`: uint8 `[h,w,3]`, blue, green, red."""
    return grid([card(case, predictor) for case in cases], columns)


def card(case: Case, predictor: Predictor) -> np.ndarray:
    """Draw one case: the phrase, the frame with true outline (green) and mask (tint), the identifying map, and the result."""
    frame = np.ascontiguousarray(case.image[..., ::-1])
    scale = _PANEL / max(frame.shape[:2])
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    left, right = cv2.resize(frame, size, interpolation=cv2.INTER_AREA), _map(frame, case, predictor, size)
    found = case.outcome.score >= predictor.threshold
    _tint(left, case.answer.mask, faint=not found)
    if case.truth is not None:
        _contour(left, case.truth)
    paper = np.full((_PANEL + 3 * _LINE + 3 * _GAP, 2 * _PANEL + 3 * _GAP, 3), 255, np.uint8)
    for number, line in enumerate(_wrapped(case.text, paper.shape[1] - 2 * _GAP)):
        _write(paper, line, (_GAP, _GAP + 10 + number * _LINE), INK)
    for panel, picture in enumerate((left, right)):
        top = 2 * _LINE + _GAP + (_PANEL - size[1]) // 2
        start = _GAP + panel * (_PANEL + _GAP) + (_PANEL - size[0]) // 2
        paper[top : top + size[1], start : start + size[0]] = picture
    verdict, colour = _verdict(case, found)
    foot = paper.shape[0] - _GAP - 3
    cv2.rectangle(paper, (_GAP, foot - 10), (_GAP + 9, foot), colour, cv2.FILLED)
    width = _write(paper, verdict, (_GAP + 16, foot), INK)
    _write(paper, f"score {case.outcome.score:.2f}   {case.outcome.kind}, {case.outcome.source}", (_GAP + 30 + width, foot), MUTED)
    cv2.rectangle(paper, (2, 2), (paper.shape[1] - 3, paper.shape[0] - 3), FAINT, 1)
    return paper


def _verdict(case: Case, found: bool) -> tuple[str, tuple[int, int, int]]:
    outcome = case.outcome
    if not outcome.present:
        return ("not there: seen so", GOOD) if not found else ("not there: not seen so", BAD)
    where = {True: "cell right", False: "cell wrong", None: "no cell"}[outcome.cell_correct]
    colour = GOOD if outcome.iou > 0.5 else CLOSE if outcome.cell_correct else BAD
    return f"IoU {outcome.iou:.2f}, {where}{'' if found else ', not found'}", colour


def _map(frame: np.ndarray, case: Case, predictor: Predictor, size: tuple[int, int]) -> np.ndarray:
    answer = case.answer
    if answer.identifying is None or answer.cell is None:  # Table I's baseline has no map
        return np.full((size[1], size[0], 3), 255, np.uint8)
    found, cell = case.outcome.score >= predictor.threshold, divmod(answer.cell, predictor.grid)
    shown = Segmentation(
        case.text, found, answer.score, answer.mask, box_of(answer.mask), cell, answer.identifying, (), (), frame.shape[:2], {}
    )
    drawn = heat_map(frame, shown, Framing(predictor.size, predictor.size, FILL))
    return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)


def _tint(picture: np.ndarray, mask: np.ndarray, faint: bool) -> None:
    inside = _small(mask, picture)
    share = 0.25 if faint else 0.55
    picture[inside] = (picture[inside] * (1 - share) + np.array(MASK) * share).astype(np.uint8)
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, MASK, 1, cv2.LINE_AA)


def _contour(picture: np.ndarray, mask: np.ndarray) -> None:
    contours, _ = cv2.findContours(_small(mask, picture).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, TRUTH, 1, cv2.LINE_AA)


def _small(mask: np.ndarray, picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    return cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5


def _wrapped(text: str, room: int) -> list[str]:
    """At most two lines; longer text ends with three dots."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if len(lines) <= 2 else [lines[0], f"{lines[1]} ..."]


def _width(text: str) -> int:
    return cv2.getTextSize(text, _FONT, 0.46, 1)[0][0]


def _write(picture: np.ndarray, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> int:
    cv2.putText(picture, text, place, _FONT, 0.46, colour, 1, cv2.LINE_AA)
    return _width(text)
