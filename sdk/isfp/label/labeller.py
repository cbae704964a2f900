"""Label a folder of pictures: find a list of phrases in every picture, and write the masks in COCO's format.

A run that was stopped in any way can be resumed: finished pictures are recorded in a log (`log.py`), from which the COCO file
(`coco.py`) is written at the end. Interruptions do not change the result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from isfp import pictures
from isfp.bundle.bundle import Bundle
from isfp.errors import FrameError
from isfp.files.picture_folder import PictureFolder, find_pictures
from isfp.files.read_file import read_text
from isfp.label.coco import ANNOTATIONS, write_coco
from isfp.label.log import LabelError, Log
from isfp.segmenter import Segmenter
from isfp.steps.notes import phrase_notes
from isfp.steps.result import Segmentation


@dataclass(frozen=True)
class Task:
    """What to find, where, and with which bundle.

    Attributes:
        bundle: the bundle's folder.
        folder: the folder of pictures; its subfolders are included.
        phrases: what to find; at least one, without duplicates.
        threshold: minimum score for a match, 0 to 1; None for the bundle's own.
        runtime: as `Segmenter` takes it.
        threads: number of threads of a runtime that computes on the CPU; 0 for one on each core that may be used.
    """

    bundle: Path
    folder: Path
    phrases: tuple[str, ...]
    threshold: float | None = None
    runtime: str = "auto"
    threads: int = 0


@dataclass(frozen=True)
class Summary:
    """The outcome of a run.

    Attributes:
        pictures: how many there are.
        done_before: how many of them were finished by an earlier run.
        masks: how many masks were written.
        unreadable: why a file cannot be read, by file name.
        passed_over: what was not looked at, by kind and name; see `PictureFolder.passed_over`.
        notes: a sentence about each kind of it.
        unknown_words: words of the phrases that the network does not know.
        phrase_notes: phrase -> what to know about it, in words: unknown words with suggestions, cut words, no known noun.
        out: the file that was written.
    """

    pictures: int
    done_before: int
    masks: int
    unreadable: dict[str, str]
    passed_over: dict[str, list[str]]
    notes: list[str]
    unknown_words: tuple[str, ...]
    phrase_notes: dict[str, list[str]]
    out: Path


class Labeller:
    """Labels pictures, and reads the next one while the network works; use one for each thread or process."""

    def __init__(self, task: Task) -> None:
        """Load the bundle; see `Segmenter` for what it raises."""
        self._task = task
        self.segmenter = Segmenter(task.bundle, task.runtime, task.threshold, len(task.phrases), task.threads)

    def rows(self, files: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield each picture's row of the log: what was found in it, or why it cannot be read.

        Args:
            files: the pictures' paths within the task's folder.
        """
        done = 0
        while done < len(files):
            for row in self._rows_to_first_error(files[done:]):
                done += 1
                yield row

    def _rows_to_first_error(self, files: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield rows up to that of the first picture that cannot be read, because an error ends a stream."""
        stamps: deque[list[int]] = deque()
        with self.segmenter.stream(self._frames(files, stamps), self._task.phrases) as stream:
            for file in files:
                try:
                    item = next(stream)
                    row = self._row(file, stamps.popleft(), item.frame, item.result)
                except (FrameError, OSError, MemoryError, cv2.error) as error:
                    yield {"file": file, "error": str(error) or type(error).__name__}
                    return
                yield row

    def _frames(self, files: Sequence[str], stamps: deque[list[int]]) -> Iterator[np.ndarray]:
        """Read pictures, and append the stamp of each, from before it was read."""
        for file in files:
            path = self._task.folder / file
            stamps.append(stamp(path))
            yield pictures.read(path)

    def _row(self, file: str, stamped: list[int], frame: np.ndarray, results: list[Segmentation]) -> dict[str, Any]:
        from pycocotools import mask as rle

        objects = []
        for phrase, result in zip(self._task.phrases, results, strict=True):
            entry: dict[str, Any] = {"phrase": phrase, "found": result.found, "score": round(result.score, 4)}
            if result.reason is not None:
                entry["reason"] = result.reason.value
            if result.found:
                coded = rle.encode(np.asfortranarray(result.mask, np.uint8))
                entry |= {"counts": coded["counts"].decode("ascii"), "area": int(rle.area(coded))}
                entry["bbox"] = [int(value) for value in rle.toBbox(coded)]
            objects.append(entry)
        return {"file": file, "stamp": stamped, "height": frame.shape[0], "width": frame.shape[1], "things": objects}


def label(
    task: Task,
    out: Path,
    rows: Callable[[Task, list[str]], Iterable[dict[str, Any]]] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Label the pictures of a folder that are not labelled yet, and write `annotations.json`.

    Args:
        task: what to find, where, and with which bundle.
        out: folder for the log and the annotations; created if necessary.
        rows: labels files, in any order, such as `cluster.rows`; by default in this process, as a stream.
        progress: called with the number of finished pictures and of all pictures, first with those of earlier runs.

    Raises:
        LabelError: there are no pictures, or `out` has labels of another task or is in use.
        BundleError, RuntimeUnavailableError, EngineMismatchError, PhraseError: as for `Segmenter`, before anything is written.
    """
    found = find(task.folder)
    files = [path.as_posix() for path in found.pictures]
    bundle = Bundle.open(task.bundle)
    vocabulary, manifest = bundle.vocabulary(), bundle.manifest
    encoded = [vocabulary.encode(phrase, manifest.max_words) for phrase in task.phrases]
    header = {  # the rows depend on all of these
        "bundle": manifest.name,
        "sha256": manifest.fields["sha256"],
        "threshold": manifest.found_threshold if task.threshold is None else task.threshold,
        "phrases": list(task.phrases),
    }
    with Log.open(out, header) as log:
        todo = _todo(task, files, log)
        done = done_before = len(files) - sum(map(len, todo.values()))
        progress(done, len(files))
        for phrases, left in todo.items():
            for row in (rows or _here)(replace(task, phrases=phrases), left):
                log.append(_joined(row, log, task.phrases) if phrases != task.phrases else row)
                done += 1
                progress(done, len(files))
        masks, unreadable = write_coco(out / ANNOTATIONS, log, files, task.phrases)
    unknown = tuple(sorted({word for phrase in encoded for word in phrase.unknown}))
    about = {one.text: said for one in encoded if (said := phrase_notes(one, manifest.noun_required))}
    over, notes = found.passed_over(), found.notes()
    return Summary(len(files), done_before, masks, unreadable, over, notes, unknown, about, out / ANNOTATIONS)


def _todo(task: Task, files: list[str], log: Log) -> dict[tuple[str, ...], list[str]]:
    """Return the files to label, by the phrases that are still to be looked for in them."""
    todo: dict[tuple[str, ...], list[str]] = {}
    for file in files:
        try:
            unchanged = log.stamp(file) == stamp(task.folder / file)
        except OSError:  # it has gone since the folder was listed: its row will say so
            unchanged = False
        answered = log.phrases(file) if unchanged else ()
        phrases = tuple(phrase for phrase in task.phrases if phrase not in answered)
        if phrases:
            todo.setdefault(phrases, []).append(file)
    return todo


def _joined(row: dict[str, Any], log: Log, order: tuple[str, ...]) -> dict[str, Any]:
    """Return a row that also has what the file's row so far says about other phrases."""
    if "error" in row:
        return row
    if row["stamp"] != log.stamp(row["file"]):
        return {"file": row["file"], "error": f"{row['file']} was changed while it was being labelled. Run the command again."}
    asked = {entry["phrase"] for entry in row["things"]}
    objects = row["things"] + [entry for entry in log.row(row["file"])["things"] if entry["phrase"] not in asked]
    places = {phrase: number for number, phrase in enumerate(order)}
    return {**row, "things": sorted(objects, key=lambda entry: places.get(entry["phrase"], len(places)))}


def find(folder: Path) -> PictureFolder:
    """Return the pictures of a folder and its subfolders, in natural order, and what is passed over there.

    Raises:
        LabelError: there is no such folder, it cannot be listed, or it has no pictures.
    """
    if not folder.is_dir():
        raise LabelError(f"{folder} is not a folder; expected a folder of pictures.")
    try:
        found = find_pictures(folder)
    except OSError as error:
        raise LabelError(f"{folder} cannot be listed: {error.strerror}. Check its permissions.") from error
    if not found.pictures:
        expected = f"expected files that end in {', '.join(sorted(pictures.ENDINGS))}"
        raise LabelError(" ".join([f"{folder} has no picture; {expected}.", *found.notes()]))
    return found


def read_phrases(path: Path) -> tuple[str, ...]:
    """Read phrases, one on each line. Empty lines, lines that start with # and duplicates are ignored.

    Raises:
        LabelError: the file cannot be read, is not UTF-8, or has no phrases.
    """
    lines = read_text(path, "UTF-8 text with one phrase on each line", LabelError).splitlines()
    phrases = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not phrases:
        raise LabelError(f"{path} has no phrases; expected one on each line.")
    return tuple(dict.fromkeys(phrases))


def stamp(path: Path) -> list[int]:
    """Return what changes when a file changes: its size, and when it was last modified (ns)."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _here(task: Task, files: list[str]) -> Iterator[dict[str, Any]]:
    labeller = Labeller(task)
    with labeller.segmenter:
        yield from labeller.rows(files)
