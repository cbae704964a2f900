"""Generate scenes in worker processes. Separate from `prepare.py`, so that workers do not import PyTorch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import cv2
import numpy as np

from isfp_train.data.scene import Scene, SceneSource

Sources = Sequence[tuple[SceneSource, float]]

_sources: Sources = ()


def mixed_scene(sources: Sources, seed: int) -> Scene:
    """The scene of this seed, from a source chosen by its share."""
    shares = np.array([share for _, share in sources], dtype=float)
    choice = np.random.default_rng((seed, 1)).choice(len(sources), p=shares / shares.sum())
    return sources[choice][0].scene(seed)


class ScenePool:
    """Generates scenes in order, before they are needed."""

    def __init__(self, sources: Sources, executor: ProcessPoolExecutor | None) -> None:
        self._own, self._executor = sources, executor

    def scenes(self, seeds: range) -> Iterator[Scene]:
        """The scenes of these seeds, in order."""
        if self._executor is None:
            return (mixed_scene(self._own, seed) for seed in seeds)
        return self._executor.map(_scene, seeds, chunksize=4)


@contextmanager
def scene_pool(sources: Sources, workers: int) -> Iterator[ScenePool]:
    """A pool of `workers` processes; 0 generates the scenes in the main process.

    Workers are spawned, not forked: a fork of a process with threads can deadlock.
    """
    if not workers:
        yield ScenePool(sources, None)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (sources,)) as executor:
        yield ScenePool(sources, executor)


def _start(sources: Sources) -> None:
    global _sources
    _sources = sources
    cv2.setNumThreads(1)


def _scene(seed: int) -> Scene:
    return mixed_scene(_sources, seed)
