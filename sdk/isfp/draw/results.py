"""Pictures that a person can judge: the mask over its frame, the identifying map, the score."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from isfp.steps.letterbox import Framing
from isfp.steps.result import Segmentation

# Blue, green, red; told apart by most kinds of colour vision.
COLOURS = [(43, 87, 247), (214, 149, 43), (80, 175, 46), (180, 60, 168), (28, 190, 235), (160, 160, 20)]
PAPER, INK, FAINT, MUTED = (255, 255, 255), (40, 36, 32), (225, 222, 220), (120, 116, 112)
GOOD, BAD = (80, 150, 30), (60, 60, 200)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_PANEL, _GAP = 300, 14  # most height of a card's pictures (twice that their width) and the space between, pixels


def overlay(frame: np.ndarray, results: Sequence[Segmentation]) -> np.ndarray:
    """Draw what was found over a frame: tinted mask, contour, and a label with phrase and score.

    Args:
        frame: uint8 `[h,w,3]`, blue, green, red.
        results: the results of one run on it.

    Returns:
        A new picture of the same size; phrases that were not found are listed at its foot.
    """
    picture = frame.copy()
    size = _text_size(picture)
    for number, result in enumerate(results):
        if result.found:
            _paint(picture, result.mask, COLOURS[number % len(COLOURS)])
    missing = 0
    for number, result in enumerate(results):
        if result.found and result.box:
            place = (result.box[0], result.box[1])
            _label(picture, f"{result.text} {result.score:.2f}", place, COLOURS[number % len(COLOURS)], size)
        else:
            foot = picture.shape[0] - int(missing * size * 1.8)
            _label(picture, f"not there: {result.text} {result.score:.2f}", (0, foot), INK, size)
            missing += 1
    return picture


def heat_map(frame: np.ndarray, result: Segmentation, framing: Framing) -> np.ndarray:
    """Draw a result's identifying map over its frame: the brighter, the more likely the object's centre; the best cell is framed.

    Args:
        frame: the frame that was run, uint8 `[h,w,3]`.
        result: the result.
        framing: the Segmenter's `framing`, which says where the map's cells lie.

    Returns:
        A new picture of the frame's size.
    """
    letterbox = framing.letterbox(*frame.shape[:2])
    view = cv2.resize(result.identifying_map, (framing.width, framing.height), interpolation=cv2.INTER_LINEAR)
    probability = np.clip(letterbox.restore(view), 0, 1)[..., None]
    grey = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.float32) * 0.55
    warm = cv2.applyColorMap(np.round(probability * 255).astype(np.uint8), cv2.COLORMAP_INFERNO).astype(np.float32)
    strength = 0.85 * np.sqrt(probability)
    picture = np.round(grey * (1 - strength) + warm * strength).astype(np.uint8)

    (i, j), (rows, columns) = result.cell, result.identifying_map.shape
    cell = np.array([j / columns, i / rows, (j + 1) / columns, (i + 1) / rows])
    view_box = cell * [framing.width, framing.height, framing.width, framing.height]
    x1, y1, x2, y2 = (round(float(value)) for value in letterbox.boxes_to_frame(view_box))
    cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), PAPER if result.found else MUTED, _line(picture), cv2.LINE_AA)
    return picture


def card(
    frame: np.ndarray,
    result: Segmentation,
    framing: Framing,
    threshold: float,
    objects: Sequence[Segmentation] | None = None,
) -> np.ndarray:
    """Draw one result's report card: the phrase, mask and identifying map side by side, the score and its threshold.

    Args:
        frame: the frame that was run, uint8 `[h,w,3]`.
        result: the result.
        framing: the Segmenter's `framing`.
        threshold: the Segmenter's `threshold`, marked on the score's bar.
        objects: all objects of the phrase, if several were asked for (`SegmentationSet.objects`); each gets its own colour.

    Returns:
        A picture, uint8 `[at most 410, at most 1242,3]`.
    """
    scale = min(_PANEL / frame.shape[0], 2 * _PANEL / frame.shape[1])
    height, width = (max(_PANEL // 5, round(size * scale)) for size in frame.shape[:2])
    left = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    shown = objects if objects is not None else [result] if result.found else []
    for number, one in enumerate(shown):
        _paint(left, _shrink_mask(one.mask, width, height), COLOURS[number % len(COLOURS)])
    if not shown:
        left = cv2.addWeighted(left, 0.45, np.full_like(left, 255), 0.55, 0)
        _label(left, "not there", (width // 2, height // 2), BAD, 18, centred=True)
    # Shrunk first: the map of a 48-megapixel photo at full size needed 20 times the photo's memory.
    small = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    shrunk = cv2.resize(frame, small, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    right = cv2.resize(heat_map(shrunk, result, framing), (width, height), interpolation=cv2.INTER_AREA)

    sheet = np.full((height + 110, max(2 * width, 420) + 3 * _GAP, 3), 255, np.uint8)
    inner = sheet.shape[1] - 2 * _GAP
    found = "found" if objects is None else f"{len(shown)} found"
    verdict, colour = (f"{found}  {result.score:.2f}", GOOD) if shown else (f"not there  {result.score:.2f}", BAD)
    room = inner - write_text(sheet, verdict, (sheet.shape[1] - _GAP, 34), 17, colour, right=True) - _GAP
    write_text(sheet, fit_text(f'"{result.text}"', 19, room), (_GAP, 34), 19, INK)
    sheet[50 : 50 + height, _GAP : _GAP + width] = left
    sheet[50 : 50 + height, 2 * _GAP + width : 2 * _GAP + 2 * width] = right

    top = 50 + height + _GAP
    cv2.rectangle(sheet, (_GAP, top), (_GAP + inner - 1, top + 7), FAINT, cv2.FILLED)
    cv2.rectangle(sheet, (_GAP, top), (_GAP + int(inner * result.score), top + 7), colour, cv2.FILLED)
    tick = _GAP + int(inner * threshold)
    cv2.line(sheet, (tick, top - 4), (tick, top + 11), INK, 2)
    note = f"mask | identifying map, {len(result.identifying_map)} x {len(result.identifying_map)} cells"
    note += f" | score, threshold {threshold:.2f}"
    if result.notes:
        note = f"{'; '.join(result.notes)} | {note}"
    write_text(sheet, fit_text(note, 12, inner), (_GAP, top + 30), 12, MUTED)
    return sheet


def sheet(
    frame: np.ndarray,
    results: Sequence[Segmentation],
    framing: Framing,
    threshold: float,
    columns: int = 2,
    objects: Sequence[Sequence[Segmentation]] | None = None,
) -> np.ndarray:
    """Draw the report cards of one run's results, in rows of `columns`; `objects` as for `card`, for each result."""
    each = objects if objects is not None else [None] * len(results)
    cards = [card(frame, result, framing, threshold, own) for result, own in zip(results, each, strict=True)]
    return grid(cards, min(columns, len(cards)))


def grid(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Lay pictures out on white paper in rows of `columns`, each at its own size."""
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    height = sum(max(picture.shape[0] for picture in row) for row in rows)
    width = max(sum(picture.shape[1] for picture in row) for row in rows)
    paper = np.full((height, width, 3), 255, np.uint8)
    top = 0
    for row in rows:
        left = 0
        for picture in row:
            paper[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += picture.shape[1]
        top += max(picture.shape[0] for picture in row)
    return paper


def _paint(picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Tint the mask's pixels and draw its contour, white outside the colour so that it shows on any ground."""
    values = np.arange(256)
    for channel, value in enumerate(colour):  # by a table and channel by channel: floats would take eight times the memory
        table = (values * 0.55 + value * 0.45).astype(np.uint8)
        plane = picture[..., channel]
        np.copyto(plane, table[plane], where=mask)
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    line = _line(picture)
    cv2.drawContours(picture, contours, -1, PAPER, line + 2, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, colour, line, cv2.LINE_AA)


def _shrink_mask(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """Shrink a mask, bool `[h,w]`; a pixel is in it if more than half of its area was."""
    return cv2.resize(mask.view(np.uint8) * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA) > 127


def _label(
    picture: np.ndarray,
    text: str,
    place: tuple[int, int],
    colour: tuple[int, int, int],
    size: float,
    centred: bool = False,
) -> None:
    """Write white text on a box of the colour whose lower left corner is at `place`, moved to lie within."""
    rows, columns = picture.shape[:2]
    pad = max(2, round(size * 0.35))
    text = fit_text(text, size, columns - 2 * pad)
    (width, _), _ = cv2.getTextSize(text, _FONT, size / 30, _weight(size))
    (_, height), below = cv2.getTextSize("Ag", _FONT, size / 30, _weight(size))  # so that all boxes are of one height
    box_width, box_height = width + 2 * pad, height + below + 2 * pad
    x, y = (place[0] - box_width // 2, place[1] + box_height // 2) if centred else place
    x = max(0, min(x, columns - box_width))
    y = min(rows, max(y, box_height))
    cv2.rectangle(picture, (x, y - box_height), (x + box_width - 1, y - 1), colour, cv2.FILLED)
    write_text(picture, text, (x + pad, y - pad - below), size, PAPER)


def write_text(
    picture: np.ndarray,
    text: str,
    place: tuple[int, int],
    size: float,
    colour: tuple[int, int, int],
    right: bool = False,
) -> int:
    """Write text of `size` pixels whose base line starts (or ends, `right`) at `place` (x, y); return its width."""
    (width, _), _ = cv2.getTextSize(text, _FONT, size / 30, _weight(size))
    x = place[0] - width if right else place[0]
    cv2.putText(picture, text, (x, place[1]), _FONT, size / 30, colour, _weight(size), cv2.LINE_AA)
    return width


def fit_text(text: str, size: float, room: int) -> str:
    """Cut text that is wider than `room` pixels; three dots show it."""
    text = " ".join(text.split())[:400]
    if cv2.getTextSize(text, _FONT, size / 30, _weight(size))[0][0] <= room:
        return text
    while text and cv2.getTextSize(text + "...", _FONT, size / 30, _weight(size))[0][0] > room:
        text = text[:-1]
    return text + "..." if text else ""


def _text_size(picture: np.ndarray) -> float:
    return float(np.clip(min(picture.shape[:2]) / 24, 9, 40))


def _weight(size: float) -> int:
    return max(1, round(size / 22))


def _line(picture: np.ndarray) -> int:
    return max(1, round(min(picture.shape[:2]) / 240))
