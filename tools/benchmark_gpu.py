"""A bundle's engines beside PyTorch on the same GPU: python tools/benchmark_gpu.py BUNDLE [--checkpoint CHECKPOINT].

With a checkpoint it also says how far PyTorch on the GPU is from FP32 on the CPU. Without an engine it measures PyTorch alone.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from isfp import IsfpError, Segmenter
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import FIND
from isfp.diagnose.bench.machine import machine
from isfp.diagnose.bench.timing import interleave
from isfp.diagnose.inspection import inspect
from isfp.engines.gpu import first_gpu
from isfp.runtimes import choose
from isfp.runtimes.engine_runtime import EngineRuntime

DEMO = Path(__file__).resolve().parent.parent / "assets" / "demo"
HOW = "stages alone and the whole way of a frame of 1280 x 720 with cached phrases; one run of each in turn, the GPU waited for"
Stages = dict[str, Callable[[], object]]


def main(
    bundle: Path,
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint of the same network, for PyTorch.")] = None,
    phrases: Annotated[int, typer.Option(min=1, max=8, help="Phrases that run together.")] = 1,
    runs: Annotated[int, typer.Option(min=1, help="Measured runs of each.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    opened = Bundle.open(bundle)
    manifest, rng = opened.manifest, np.random.default_rng(0)
    arrays = {
        "frame": rng.integers(0, 256, (1, manifest.framing.height, manifest.framing.width, 3), np.uint8),
        "words": rng.integers(2, len(opened.vocabulary()), (phrases, manifest.max_words)).astype(np.int32),
        "lengths": np.full(phrases, manifest.max_words, np.int32),
        "cells": rng.integers(0, manifest.grid**2, (phrases, 1)).astype(np.int32),
    }
    runners: dict[str, Stages] = {}
    for engine in inspect(opened).engines:
        if engine.fits and (name := engine.option):
            runners[name] = {**_engine(opened, name, arrays), "frame": _frame(opened, name, phrases)}
    agreement: list[dict[str, Any]] = []
    if checkpoint is not None and (rivals := _torch(checkpoint, arrays)):
        runners.update(rivals)
        agreement = agreement_with_cpu(checkpoint)
    if not runners:
        raise IsfpError(f"{bundle} has no engine that fits here, and there is no PyTorch with CUDA. Look: isfp inspect {bundle}")
    report: dict[str, Any] = {
        "machine": machine(),
        "gpu": getattr(first_gpu(), "name", None),
        "phrases": phrases,
        "how": HOW,
        "stages": {},
        "agreement": agreement,
    }
    for stage in ("image", "text", "identify", "mask", FIND, "frame"):
        things = {name: stages[stage] for name, stages in runners.items() if stage in stages}
        report["stages"][stage] = {who: timing.to_json() for who, timing in interleave(things, runs, warm_up=20).items()}
    if as_json:
        print(json.dumps(report))
        return
    table = Table("median ms", *runners)
    for stage, timings in report["stages"].items():
        table.add_row(stage, *(f"{timings[name]['median']:.3f}" if name in timings else "-" for name in runners))
    Console().print(table)
    if agreement:
        Console().print("PyTorch here against FP32 on the CPU, over the demo's first two photos:")
    for row in agreement:
        Console().print(row)
    Console().print(f"{report['gpu']}, {report['machine']}; {HOW}")


def _engine(bundle: Bundle, name: str, arrays: dict[str, np.ndarray]) -> Stages:
    runtime = choose(name, bundle)
    assert isinstance(runtime, EngineRuntime)
    stages = {stage: runtime.load(bundle, stage) for stage in bundle.manifest.stages}
    maps = stages["image"](frame=arrays["frame"])
    vectors = {"phrases": np.array(stages["text"](words=arrays["words"], lengths=arrays["lengths"])["phrases"])}

    def image() -> None:
        stages["image"](frame=arrays["frame"])
        runtime.wait()  # the other stages wait for what they give back

    runners: Stages = {
        "image": image,
        "text": lambda: stages["text"](words=arrays["words"], lengths=arrays["lengths"]),
        "identify": lambda: stages["identify"](**maps, **vectors),
        "mask": lambda: stages["mask"](frame=arrays["frame"], **maps, **vectors, cells=arrays["cells"]),
    }
    if runtime.most_at_once(bundle) >= len(arrays["words"]):
        find = runtime.load(bundle, FIND)
        runners[FIND] = lambda: find(frame=arrays["frame"], **vectors)
    return runners


def _frame(bundle: Bundle, name: str, phrases: int) -> Callable[[], object]:
    segmenter = Segmenter(bundle, name, threshold=0.0)  # every phrase runs the mask stage: the dear case
    picture = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    picture[:360] //= 2  # noise alone has no contrast, and runs no mask stage
    vocabulary = bundle.vocabulary()
    words = [word for word in vocabulary.words[2:] if vocabulary.encode(word, 1).names_object][:phrases]
    return lambda: segmenter.run(picture, words)


def _torch(checkpoint: Path, arrays: dict[str, np.ndarray]) -> dict[str, Stages]:
    try:
        import torch

        from isfp_train.run import checkpoint as checkpoints

        if not torch.cuda.is_available():
            print("without PyTorch: it was built without CUDA, or cannot use this GPU", file=sys.stderr)
            return {}
        loaded = checkpoints.load(checkpoint)  # imports the package that the backbone's weights come in
    except ModuleNotFoundError as error:
        print(f"without PyTorch: the module {error.name!r} is missing", file=sys.stderr)
        return {}
    from scan_in_torch import graphed

    network = loaded.network.cuda().eval()
    frame, words, lengths, cells = (torch.from_numpy(arrays[name]) for name in ("frame", "words", "lengths", "cells"))

    def whole(picture: torch.Tensor, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen = network.image(picture)
        identifying = network.identify(seen, vectors).sigmoid()
        cells = identifying.flatten(1).argmax(dim=1, keepdim=True)
        return identifying, network.mask(picture, seen, vectors, cells)

    def graph() -> Callable[[], object]:
        given, source, kept = frame.cuda(), frame.pin_memory(), []

        def work() -> None:
            kept[:] = whole(given.flip(-1), vectors)

        # Autocast must not keep what a capture allocates.
        with torch.no_grad(), torch.autocast("cuda", torch.float16, cache_enabled=False):
            vectors = network.text(words.cuda().long(), lengths.cuda().long()).float()
            replay = graphed(work)

        def run() -> object:
            given.copy_(source, non_blocking=True)
            replay()
            found = [value.cpu() for value in kept]
            torch.cuda.synchronize()
            return found

        return run

    def runner(half: bool) -> Stages:
        def timed(stage: Callable[[], Any]) -> Callable[[], Any]:
            def run() -> Any:
                with torch.inference_mode(), torch.autocast("cuda", torch.float16, enabled=half):
                    result = stage()
                torch.cuda.synchronize()
                return result

            return run

        def rgb() -> torch.Tensor:
            return frame.cuda(non_blocking=True).flip(-1)

        def find() -> tuple[torch.Tensor, ...]:
            return tuple(value.cpu() for value in whole(rgb(), vectors))

        maps = timed(lambda: network.image(rgb()))()
        vectors = timed(lambda: network.text(words.cuda().long(), lengths.cuda().long()))()
        return {
            "image": timed(lambda: network.image(rgb())),
            "text": timed(lambda: network.text(words.cuda().long(), lengths.cuda().long()).cpu()),
            "identify": timed(lambda: network.identify(maps, vectors).sigmoid().cpu()),
            "mask": timed(lambda: network.mask(rgb(), maps, vectors, cells.cuda().long()).cpu()),
            FIND: timed(find),
        }

    runners = {"PyTorch eager fp32": runner(False), "PyTorch eager autocast fp16": runner(True)}
    try:
        runners["PyTorch graph autocast fp16"] = {FIND: graph()}
    except RuntimeError as error:  # no reason to lose the others
        print(f"without PyTorch in a CUDA graph: {error}", file=sys.stderr)
    return runners


def agreement_with_cpu(checkpoint: Path, device: str = "cuda") -> list[dict[str, Any]]:
    """How far a checkpoint's maps and masks on a device are from those in FP32 on the CPU, for the demo's first two photos.

    Returns:
        For each kind of numbers: the largest differences of the logits of the identifying maps and of the masks, and the largest
        logits; the share of phrases with the same cell; the least IoU of the masks above a logit of 0, both at the CPU's cells.
    """
    import torch

    from isfp_train.measure.predictors import CheckpointPredictor
    from isfp_train.overlap import mask_iou
    from isfp_train.run import checkpoint as checkpoints

    predictor = CheckpointPredictor(checkpoints.load(checkpoint))
    network, asked = predictor.network, []
    for name, texts in list(json.loads((DEMO / "phrases.json").read_text(encoding="utf-8")).items())[:2]:
        picture = predictor.framing.fit(cv2.cvtColor(cv2.imread(str(DEMO / name)), cv2.COLOR_BGR2RGB))[0]
        asked.append((torch.from_numpy(picture), *predictor.encode(texts)))

    def answer(number: int, where: str, dtype: torch.dtype | None, cells: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        picture, ids, lengths = (value.to(where) for value in asked[number])
        with torch.inference_mode(), torch.autocast(where, dtype or torch.bfloat16, enabled=dtype is not None):
            seen, vectors = network.image(picture), network.text(ids, lengths)
            logits = network.identify(seen, vectors)
            own = logits.flatten(1).argmax(dim=1, keepdim=True)
            masks = network.mask(picture, seen, vectors, own if cells is None else cells.to(where))
        return logits.float().cpu(), masks[:, 0].float().cpu(), own.cpu()

    expected = [answer(number, "cpu", None) for number in range(len(asked))]
    network.to(device)
    rows = []
    for numbers, dtype in (("fp32", None), ("autocast fp16", torch.float16), ("autocast bf16", torch.bfloat16)):
        with torch.backends.cudnn.flags(allow_tf32=False):
            found = [answer(number, device, dtype, cells) for number, (_, _, cells) in enumerate(expected)]
        pairs = list(zip(found, expected, strict=True))
        overlaps = [
            float(mask_iou(a.numpy() > 0, b.numpy() > 0)) for one, other in pairs for a, b in zip(one[1], other[1], strict=True)
        ]
        rows.append(
            {
                "numbers": numbers,
                "map_logits": max(float((one[0] - other[0]).abs().max()) for one, other in pairs),
                "largest_map_logit": max(float(other[0].abs().max()) for _, other in pairs),
                "mask_logits": max(float((one[1] - other[1]).abs().max()) for one, other in pairs),
                "largest_mask_logit": max(float(other[1].abs().max()) for _, other in pairs),
                "same_cells": float(torch.cat([one[2] == other[2] for one, other in pairs]).float().mean()),
                "least_iou": min(overlaps),
            }
        )
    return rows


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"benchmark: {error}")
