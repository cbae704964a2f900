"""Run frames of changing sizes and phrases, and see whether memory grows: python tools/memory.py models/edge.isfp.

In turn they run by themselves, with every object of a phrase, as a video, and as streams that are left early. Linux only.
"""

import gc
import json
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from isfp import IsfpError, Segmenter
from isfp.steps.phrase import Vocabulary
from isfp.video import Smoother

#: Frames that run in one way before the next has its turn, and how many of them a stream has read when it is left.
TURN, LEFT_AFTER = 50, 40
#: How often memory is measured. The first half is warming up, in which buffers and caches reach their size.
SAMPLES = 40
HELD = ("megabytes", "objects", "threads")
PHRASES_AT_MOST, SMALLEST, LARGEST = 4, 40, (480, 640)


def main(
    bundle: Path,
    frames: Annotated[int, typer.Option(min=SAMPLES * TURN, help="Frames to run.")] = 10_000,
    threads: Annotated[int, typer.Option(min=0, help="Threads to compute with on a CPU; 0 for one per core.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")] = False,
) -> None:
    rng = np.random.default_rng(0)
    samples = np.zeros((SAMPLES, 1 + len(HELD)))  # made once, so that the measurements do not grow themselves
    done = 0
    with Segmenter(bundle, cache=32, threads=threads, threshold=0.0) as segmenter:
        ways = turns(segmenter, rng)
        for number in track(range(SAMPLES), "Frames", console=Console(stderr=True)):
            while done < frames * (number + 1) // SAMPLES:
                done += next(ways)()
            samples[number] = done, *held()
    third, fourth = (np.median(quarter[:, 1:], axis=0) for quarter in np.split(samples, 4)[2:])
    growth = dict(zip(HELD, (fourth - third).tolist(), strict=True))
    if as_json:
        print(json.dumps({"bundle": str(bundle), "frames": done, "growth": growth, "samples": samples.tolist()}))
        return
    table = Table("frames", *HELD, title=f"{bundle}: {done} frames")
    for one in samples[:: SAMPLES // 10]:
        table.add_row(*(f"{value:.0f}" for value in one))
    Console().print(table)
    print("Growth from the third quarter to the fourth:", ", ".join(f"{value:+.1f} {name}" for name, value in growth.items()))


def held() -> tuple[float, int, int]:
    """What the process holds: resident memory, blocks of Python objects, threads."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6, sys.getallocatedblocks(), threading.active_count()


def turns(segmenter: Segmenter, rng: np.random.Generator) -> Iterator[Callable[[], int]]:
    """Yield turns without end; each runs some frames in one way and returns how many."""

    def alone() -> int:
        for _ in range(TURN):
            segmenter.run(frame(rng), phrases(segmenter.vocabulary, rng))
        return TURN

    def several() -> int:
        for _ in range(TURN):
            segmenter.run(frame(rng), phrases(segmenter.vocabulary, rng), threshold=0.6, several=True)
        return TURN

    def video() -> int:
        for _ in Smoother(segmenter).stream((frame(rng, (240, 320)) for _ in range(TURN)), phrases(segmenter.vocabulary, rng)):
            pass
        return TURN

    def left_early() -> int:
        for item in segmenter.stream((frame(rng) for _ in range(TURN)), phrases(segmenter.vocabulary, rng)):
            if item.index + 1 == LEFT_AFTER:
                break
        return LEFT_AFTER

    while True:
        yield from (alone, several, video, left_early)


def frame(rng: np.random.Generator, size: tuple[int, int] | None = None) -> np.ndarray:
    """Draw three boxes on grey, uint8 `[h,w,3]`, of a size of its own unless one is given."""
    height, width = size or (int(rng.integers(SMALLEST, most)) for most in LARGEST)
    picture = np.full((height, width, 3), 90, np.uint8)
    for _ in range(3):
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        picture[top : top + height // 3, left : left + width // 3] = rng.integers(0, 256, 3)
    return picture


def phrases(vocabulary: Vocabulary, rng: np.random.Generator) -> list[str]:
    """Return one to four phrases of words that the network knows, each with up to five of them."""
    lengths = rng.integers(1, 6, int(rng.integers(1, PHRASES_AT_MOST + 1)))
    return [" ".join(rng.choice(vocabulary.words[2:], length)) for length in lengths]


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"memory: {error}")
