"""Recordings for Rerun's viewer: frames, masks, identifying maps, scores and times on a timeline.

Needs the extra `rerun`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rerun
import rerun.blueprint as views

from isfp.draw.results import COLOURS
from isfp.errors import WriteError
from isfp.files.pending_file import PendingFile
from isfp.steps.result import Segmentation

_CHECK_EVERY = 16  # frames between two looks at the free space
_QUALITY = 85  # of the frames' JPEG; masks and maps are kept as they are


class RerunRecorder:
    """Writes results to an `.rrd` file.

        with RerunRecorder("out.rrd", segmenter.threshold) as recorder:
            for number, frame in enumerate(camera):
                recorder.log(frame, segmenter.run(frame, phrases), seconds=number / 30)

    | entity | what |
    | --- | --- |
    | `frame`, `frame/mask`, `frame/box` | the frame; the masks, with class k for the k-th phrase, from 1; the boxes |
    | `map/PHRASE` | the identifying map's probabilities `[S,S]` |
    | `score/PHRASE`, `threshold` | the scores, and the minimum score for a match |
    | `milliseconds/STEP` | time of each step, and `total` |

    Timelines: `frame` (its number, from 0) and `time` (seconds, if they are given).
    """

    def __init__(self, path: str | Path, threshold: float) -> None:
        """Start a file, which gets its name when it is closed.

        Args:
            path: ends in `.rrd`; an existing file is replaced.
            threshold: the Segmenter's, drawn beside the scores.

        Raises:
            WriteError: it has another ending, or the file cannot be written.
        """
        path = Path(path)
        if path.suffix != ".rrd":
            raise WriteError(f"{path} ends in {path.suffix!r}; expected .rrd, by which Rerun's viewer recognises a recording.")
        self.frames = 0
        self._threshold = threshold
        self._phrases: dict[str, int] = {}
        self._stream = rerun.RecordingStream("isfp")
        self._file = PendingFile(path)
        self._file.new.touch()
        self._stream.save(self._file.new)
        self._closed = False

    def log(self, frame: np.ndarray, results: Sequence[Segmentation], seconds: float | None = None) -> None:
        """Record one frame and the results of one run on it.

        Args:
            frame: uint8 `[h,w,3]`, blue, green, red.
            results: of `Segmenter.run` with a list of phrases, which may change from frame to frame.
            seconds: when the frame was taken, from the start.

        Raises:
            WriteError: the disk is full; what was recorded so far is kept.
        """
        stream = self._stream
        if self.frames % _CHECK_EVERY == 0:
            self._file.check_room()
        stream.set_time("frame", sequence=self.frames)
        if seconds is not None:
            stream.set_time("time", duration=seconds)
        self._introduce(results)
        stream.log("frame", rerun.Image(frame, color_model="BGR").compress(jpeg_quality=_QUALITY))
        classes = np.zeros(frame.shape[:2], np.uint16)
        for result in results:
            classes[result.mask] = self._phrases[result.text]
            stream.log(["map", result.text], rerun.DepthImage(result.identifying_map, colormap="inferno", depth_range=[0, 1]))
            stream.log(["score", result.text], rerun.Scalars(result.score))
        stream.log("frame/mask", rerun.SegmentationImage(classes, opacity=0.5))
        self._log_boxes([result for result in results if result.box])
        stream.log("threshold", rerun.Scalars(self._threshold))
        if results:
            for step, value in results[0].milliseconds.items():
                stream.log(["milliseconds", step], rerun.Scalars(value))
        self.frames += 1

    def close(self) -> None:
        """Write what is left and give the file its name; it may be called more than once.

        Raises:
            WriteError: the recording is empty, so the disk is full, or it cannot be renamed.
        """
        if self._closed:
            return
        self._closed = True
        self._stream.disconnect()
        if not self._file.new.stat().st_size:
            self._file.drop()
            raise WriteError(f"{self._file.path} cannot be written: nothing reached the disk. Check that it has free space.")
        self._file.finish()

    def __enter__(self) -> RerunRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _log_boxes(self, found: Sequence[Segmentation]) -> None:
        corners = np.array([result.box for result in found], np.float32).reshape(-1, 4)
        boxes = rerun.Boxes2D(
            array=corners,
            array_format=rerun.Box2DFormat.XYXY,
            labels=[f"{result.text} {result.score:.2f}" for result in found],
            class_ids=[self._phrases[result.text] for result in found],
        )
        self._stream.log("frame/box", boxes)

    def _introduce(self, results: Sequence[Segmentation]) -> None:
        """Assign new phrases their class, colour and views."""
        new = [result.text for result in results if result.text not in self._phrases]
        if not new:
            return
        for text in new:
            self._phrases.setdefault(text, len(self._phrases) + 1)
        classes: list[tuple[int, str, tuple[int, ...]]] = [(0, "nothing", (0, 0, 0, 0))]  # else the viewer tints it too
        classes += [(number, text, COLOURS[(number - 1) % len(COLOURS)][::-1]) for text, number in self._phrases.items()]
        self._stream.log("frame", rerun.AnnotationContext(classes), static=True)
        maps = [views.Spatial2DView(origin=_path("map", text), name=text) for text in self._phrases]
        scores = views.TimeSeriesView(contents=["/score/**", "/threshold"], name="score")
        times = views.TimeSeriesView(origin="/milliseconds", name="milliseconds")
        side = views.Vertical(views.Tabs(*maps), scores, times)
        layout = views.Horizontal(views.Spatial2DView(origin="/frame", name="frame"), side, column_shares=[2, 1])
        self._stream.send_blueprint(views.Blueprint(layout, collapse_panels=True))


def _path(*parts: str) -> str:
    return "/" + "/".join(rerun.escape_entity_path_part(part) for part in parts)
