"""Frames and phrases to calibrate and verify a precision, and the inputs of every stage for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from isfp import pictures
from isfp.bundle.bundle import Bundle
from isfp.errors import IsfpError
from isfp.steps.letterbox import Letterbox
from isfp.steps.lookup import best_cells

# Phrases for pictures without phrases; every vocabulary contains their words.
PHRASES = ("the object on the left", "the biggest object", "the red object on the right")


class FramesMissingError(IsfpError):
    """Frames are needed, but there are none."""


@dataclass(frozen=True)
class PreparedFrame:
    """A letterboxed frame, and encoded phrases about it.

    Attributes:
        view: uint8 `[1,H,W,3]`, BGR.
        letterbox: the way back to the frame's own size.
        words: int32 `[P,L]`.
        lengths: int32 `[P]`.
    """

    view: np.ndarray
    letterbox: Letterbox
    words: np.ndarray
    lengths: np.ndarray


def scenes(bundle: Bundle, count: int, seed: int) -> list[PreparedFrame]:
    """Generate scenes drawn by code, with phrases; this needs no data.

    Raises:
        FramesMissingError: the modules that generate scenes are not installed.
    """
    try:
        from isfp_train.data.phrases.phrases import make_phrases
        from isfp_train.data.scenes.compose import ProceduralScenes
    except ModuleNotFoundError as error:
        raise FramesMissingError(
            f"Scenes cannot be generated, because the module {error.name!r} is not installed. Give your own frames with --frames "
            'FOLDER, or install it: pip install "isfp[train]"'
        ) from error

    source, index = ProceduralScenes(), 0
    frames: list[PreparedFrame] = []
    while len(frames) < count:
        scene = source.scene(seed + index)
        expressions = make_phrases(scene.objects, scene.image.shape[:2], np.random.default_rng(index), 3)
        index += 1
        if expressions:
            frame = np.ascontiguousarray(scene.image[..., ::-1])
            frames.append(_prepared(bundle, frame, [expression.text for expression in expressions]))
    return frames


def folder(bundle: Bundle, path: Path, count: int) -> list[PreparedFrame]:
    """Read the first `count` pictures of a folder by name, with general phrases.

    Raises:
        FramesMissingError: the folder has no pictures.
    """
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in pictures.ENDINGS) if path.is_dir() else []
    if not files:
        raise FramesMissingError(
            f"{path} holds no pictures ({', '.join(sorted(pictures.ENDINGS))}). Give a folder of frames from your camera."
        )
    return [_prepared(bundle, pictures.read(file), PHRASES) for file in files[:count]]


class RunningStage(Protocol):
    """What runs a stage, such as a `StageSession`."""

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the stage by name; inputs of other stages are ignored."""


def stage_feeds(sessions: Mapping[str, RunningStage], frames: Sequence[PreparedFrame]) -> Iterator[dict[str, np.ndarray]]:
    """Run all stages; yield the inputs and outputs of all stages by name, for each frame."""
    for frame in frames:
        feed = {"frame": frame.view, "words": frame.words, "lengths": frame.lengths}
        for stage in ("image", "text", "identify"):
            feed.update(sessions[stage].run(feed))
        feed["cells"] = np.array([[cell.index] for cell in best_cells(feed["identifying"])], np.int32)
        feed.update(sessions["mask"].run(feed))
        yield feed


def _prepared(bundle: Bundle, frame: np.ndarray, texts: Sequence[str]) -> PreparedFrame:
    manifest, vocabulary = bundle.manifest, bundle.vocabulary()
    view, letterbox = manifest.framing.fit(frame)
    encoded = [vocabulary.encode(text, manifest.max_words) for text in texts]
    words = np.stack([phrase.ids for phrase in encoded]).astype(np.int32)
    return PreparedFrame(view, letterbox, words, np.array([phrase.length for phrase in encoded], np.int32))
