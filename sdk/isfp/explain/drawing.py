"""The pictures of `isfp explain`."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from isfp.draw.results import BAD, COLOURS, FAINT, GOOD, INK, MUTED, PAPER, fit_text, grid, overlay, write_text
from isfp.explain.words import WordEffect
from isfp.steps.result import Segmentation

_GAP, _PANEL = 14, 420  # space between panels; width of a panel, pixels


def phrases_sheet(frame: np.ndarray, results: Sequence[Segmentation], columns: int = 3) -> np.ndarray:
    """Draw one frame once for each phrase, with the phrase's mask (paper, Fig. 6): uint8 `[h,w,3]`."""
    height = max(1, round(_PANEL * frame.shape[0] / frame.shape[1]))
    panels = [cv2.resize(frame, (_PANEL, height), interpolation=cv2.INTER_AREA)]
    panels += [cv2.resize(overlay(frame, [result]), (_PANEL, height), interpolation=cv2.INTER_AREA) for result in results]
    titles = ["the frame", *(f'"{result.text}"' for result in results)]
    return grid([_titled(panel, title) for panel, title in zip(panels, titles, strict=True)], min(columns, len(panels)))


def channels_sheet(frame: np.ndarray, masks: np.ndarray, result: Segmentation) -> np.ndarray:
    """Draw the masks of all cells, each where its cell is in the grid (paper, Fig. 9).

    Args:
        frame: uint8 `[h,w,3]`.
        masks: probabilities `[S,S,H',W']` of `channel_masks`.
        result: the phrase's result; its cell is framed.

    Returns:
        uint8 `[h,w,3]`: bright is mask, over the dark frame.
    """
    size, _, height, width = masks.shape
    small = cv2.cvtColor(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    dark = np.repeat(small[..., None] * 0.35, 3, axis=2)
    strength = masks[..., None].astype(np.float64)
    cells = np.round(dark * (1 - strength) + np.array([90, 190, 255]) * strength).astype(np.uint8)
    step_y, step_x = height + 2, width + 2
    sheet = np.full((size * step_y + 2, size * step_x + 2, 3), 255, np.uint8)
    for (row, column), tile in zip(np.ndindex(size, size), cells.reshape(-1, height, width, 3), strict=True):
        top, left = 2 + row * step_y, 2 + column * step_x
        sheet[top : top + height, left : left + width] = tile
    row, column = result.cell
    corner, end = (column * step_x, row * step_y), ((column + 1) * step_x + 1, (row + 1) * step_y + 1)
    cv2.rectangle(sheet, corner, end, COLOURS[0], 3)
    share = f"masks of all {size} x {size} cells, refined; framed: row {row + 1}, column {column + 1}, score {result.score:.2f}"
    return _titled(sheet, f'"{result.text}"', share)


def words_sheet(phrases: Sequence[tuple[Segmentation, Sequence[WordEffect]]]) -> np.ndarray:
    """Draw each phrase's words: the attention that they get, and what the score loses without them; uint8 `[h,w,3]`."""
    return grid([_word_card(result, effects) for result, effects in phrases], 1)


def _word_card(result: Segmentation, effects: Sequence[WordEffect]) -> np.ndarray:
    width, line, top = 760, 28, 84
    card = np.full((top + max(1, len(effects)) * line + _GAP, width, 3), 255, np.uint8)
    room = width - 2 * _GAP - write_text(card, f"score {result.score:.2f}", (width - _GAP, 34), 17, MUTED, right=True)
    write_text(card, fit_text(f'"{result.text}"', 19, room), (_GAP, 34), 19, INK)
    write_text(card, "attention", (190, 66), 12, MUTED)
    write_text(card, "score lost without the word", (430, 66), 12, MUTED)
    if not effects:
        write_text(card, "one word: nothing can be left out", (_GAP, top + 16), 14, MUTED)
    for number, effect in enumerate(effects):
        base = top + number * line + 16
        write_text(card, fit_text(effect.word, 16, 160), (_GAP, base), 16, INK if effect.known else BAD)
        if effect.attention is None:
            write_text(card, "not read", (190, base), 12, MUTED)
        else:
            _bar(card, 190, base, 170, effect.attention, COLOURS[1], f"{effect.attention:.2f}")
        lost = (
            f"{round(effect.loss, 2) + 0.0:+.2f}{', another cell' if effect.moves else ''}{'' if effect.known else ', not known'}"
        )
        _bar(card, 430, base, 150, abs(effect.loss), GOOD if effect.loss >= 0 else BAD, lost)
    cv2.rectangle(card, (2, 2), (width - 3, card.shape[0] - 3), FAINT, 1)
    return card


def _bar(card: np.ndarray, left: int, base: int, room: int, share: float, colour: tuple[int, int, int], text: str) -> None:
    cv2.rectangle(card, (left, base - 11), (left + room, base), FAINT, cv2.FILLED)
    cv2.rectangle(card, (left, base - 11), (left + round(room * min(share, 1)), base), colour, cv2.FILLED)
    write_text(card, text, (left + room + 8, base), 12, INK)


def _titled(picture: np.ndarray, title: str, note: str = "") -> np.ndarray:
    head = 38 + (22 if note else 0)
    paper = np.full((picture.shape[0] + head + _GAP, picture.shape[1] + 2 * _GAP, 3), PAPER[0], np.uint8)
    write_text(paper, fit_text(title, 17, picture.shape[1]), (_GAP, 26), 17, INK)
    if note:
        write_text(paper, fit_text(note, 12, picture.shape[1]), (_GAP, 48), 12, MUTED)
    paper[head : head + picture.shape[0], _GAP : _GAP + picture.shape[1]] = picture
    return paper
