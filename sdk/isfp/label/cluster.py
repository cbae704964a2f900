"""Labelling on a Ray cluster: each worker loads the bundle and takes pictures whenever it is free.

Only the machine that started the run writes the log, so if a worker dies, only the pictures that it was working on are lost, and
Ray gives them to another worker.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ray
import ray.data

from isfp.label.labeller import Labeller, Task

#: Pictures that a worker takes at a time, which is also the most that it can lose.
HANDFUL = 4


class Worker:
    """A `Labeller` as Ray Data calls it: a row with `file` (bytes, since a name may not be UTF-8) in, one with `row`, JSON, out."""

    def __init__(self, task: Task) -> None:
        """Load the bundle on this worker; on a CPU it computes with one thread by default, for Ray has a worker for each CPU."""
        self._labeller = Labeller(replace(task, threads=task.threads or 1))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Label one picture."""
        (labelled,) = self._labeller.rows([os.fsdecode(row["file"])])
        return {"row": json.dumps(labelled)}


def rows(task: Task, files: list[str], workers: int | None = None) -> Iterator[dict[str, Any]]:
    """Label files on a Ray cluster, in the order in which they are finished.

    The cluster is that of `RAY_ADDRESS`, or one that runs on this machine, or a new one on this machine alone. Each of its machines
    needs isfp, and the bundle and the pictures at the same paths as here.

    Args:
        task: what to find.
        files: pictures, as `label.find` gives them.
        workers: how many; one for each of the cluster's CPUs by default.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # what goes wrong is raised; how it goes is told by the caller
    ray.data.DataContext.get_current().enable_progress_bars = False
    ours = not ray.is_initialized()
    if ours:
        ray.init(log_to_driver=False, logging_level=logging.WARNING)
    try:
        yield from _rows(task, files, workers)
    finally:
        if ours:
            ray.shutdown()


def _rows(task: Task, files: list[str], workers: int | None) -> Iterator[dict[str, Any]]:
    count = min(len(files), workers or max(1, int(ray.cluster_resources()["CPU"])))
    there = replace(task, bundle=task.bundle.absolute(), folder=task.folder.absolute())
    blocks = -(-len(files) // HANDFUL)
    pictures = ray.data.from_items([{"file": os.fsencode(file)} for file in files], override_num_blocks=blocks)
    pool = ray.data.ActorPoolStrategy(size=count)
    labelled = pictures.map(Worker, fn_constructor_args=(there,), compute=pool, num_cpus=1)  # type: ignore[arg-type]
    for row in labelled.iter_rows():
        yield json.loads(row["row"])
