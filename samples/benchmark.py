"""Compare the SDK with PyTorch eager, stage by stage: python samples/benchmark.py BUNDLE CHECKPOINT."""

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from isfp import IsfpError
from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench import interleave, machine
from isfp.runtimes.onnxruntime import OnnxRuntime


def main(
    bundle: Annotated[Path, typer.Argument(help="Model bundle: a folder, NAME.isfp.")],
    checkpoint: Annotated[Path, typer.Argument(help="The checkpoint that the bundle was exported from.")],
    phrases: Annotated[int, typer.Option(min=1, help="Number of phrases that run together.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Number of threads, for both.")] = 2,
    runs: Annotated[int, typer.Option(min=1, help="Number of measured runs, for each.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    opened = Bundle.open(bundle)
    manifest, rng = opened.manifest, np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, manifest.framing.height, manifest.framing.width, 3), np.uint8)
    words = rng.integers(2, len(opened.vocabulary()), (phrases, manifest.max_words)).astype(np.int32)
    lengths = np.full(phrases, manifest.max_words, np.int32)
    cells = rng.integers(0, manifest.grid**2, (phrases, 1)).astype(np.int32)

    runtime = OnnxRuntime(threads=threads)
    stages = {name: runtime.load(opened, name) for name in manifest.stages}
    maps = stages["image"](frame=frame)
    vectors = stages["text"](words=words, lengths=lengths)
    sdk = {
        "image": lambda: stages["image"](frame=frame),
        "text": lambda: stages["text"](words=words, lengths=lengths),
        "identify": lambda: stages["identify"](**maps, **vectors),
        "mask": lambda: stages["mask"](frame=frame, **maps, **vectors, cells=cells),
    }
    eager = _eager(checkpoint, threads, frame, words, lengths, cells)
    report = {
        "machine": machine(),
        "threads": threads,
        "phrases": phrases,
        "how": "each stage alone, float32, runs interleaved; milliseconds",
        "stages": {},
    }
    for name in manifest.stages:
        timings = interleave({"sdk": sdk[name], "eager": eager[name]}, runs)
        report["stages"][name] = {who: timing.to_json() for who, timing in timings.items()}
    if as_json:
        print(json.dumps(report))
        return
    table = Table("stage", "SDK, median ms", "PyTorch eager, median ms", "ratio", title=f"{bundle}, {threads} threads")
    for name, timing in report["stages"].items():
        ours, theirs = timing["sdk"]["median"], timing["eager"]["median"]
        table.add_row(name, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}")
    Console().print(table)
    Console().print(f"{report['machine']}; {report['how']}")


def _eager(checkpoint: Path, threads: int, *arrays: np.ndarray) -> dict:
    try:
        import torch

        from isfp_train.run import checkpoint as checkpoints
    except ModuleNotFoundError as error:
        raise IsfpError(f'The module {error.name!r} is not installed. Install it: pip install "isfp[train]"') from error
    torch.set_num_threads(threads)
    network = checkpoints.load(checkpoint).network
    frame, words, lengths, cells = (torch.from_numpy(array) for array in arrays)
    rgb, words, lengths, cells = frame.flip(-1), words.long(), lengths.long(), cells.long()

    def timed(stage):
        def run():
            with torch.inference_mode():
                return stage()

        return run

    maps = timed(lambda: network.image(rgb))()
    vectors = timed(lambda: network.text(words, lengths))()
    return {
        "image": timed(lambda: network.image(rgb)),
        "text": timed(lambda: network.text(words, lengths)),
        "identify": timed(lambda: network.identify(maps, vectors).sigmoid()),
        "mask": timed(lambda: network.mask(rgb, maps, vectors, cells)),
    }


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"benchmark: {error}")
