"""What INT8 would give on this CPU, in time and accuracy: python tools/bench_int8.py models/edge.isfp

Quantises the stages of each frame for ONNX Runtime (QDQ, int8 weights per channel), with ranges from scenes of seeds of their own,
runs them in turn with FP32, and compares the masks on other scenes. `isfp build` does not offer this: docs/performance.md says why.
With --cpu-time, one thread is measured by its own processor time, which other programs change less than the time by the clock.
Needs pip install "isfp[export]".
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import onnx
import typer
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from rich.console import Console
from rich.table import Table

from isfp.bundle.bundle import Bundle
from isfp.engines.record import Precision
from isfp.errors import IsfpError
from isfp.runtimes.threads import usable_cores
from isfp_export.precision.convert import ConvertedStage, full
from isfp_export.precision.frames import scenes, stage_feeds
from isfp_export.precision.run import StageSession
from isfp_export.precision.verify import PrecisionReport, compare_stages
from isfp_train import seeds
from onnx_session import open_session
from turns import WARNING, clocked, conditions, processor_time, save, take_turns

#: The stages of a frame in which convolutions take most of the time; identify is mostly the scan's small products.
STAGES = ("image", "mask")
BETWEEN = tuple("Clip LeakyRelu Add Mul Concat Split Resize MaxPool AveragePool GlobalAveragePool Reshape".split())


@dataclass(frozen=True)
class Way:
    """A way to quantise a stage: which operators, and the type of their activations."""

    operators: tuple[str, ...]
    activations: QuantType = QuantType.QUInt8


WAYS = {
    "convolutions": Way(("Conv",)),
    "all between them": Way(("Conv", *BETWEEN)),
    "int8 in place of uint8, without leaky ReLUs": Way(
        ("Conv", *(name for name in BETWEEN if name != "LeakyRelu")), QuantType.QInt8
    ),
}
#: What a build option would have to reach: times as fast as FP32.
WORTH = 1.5
Feed = Mapping[str, np.ndarray]


class Feeds(CalibrationDataReader):
    """Inputs of a stage for calibration."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._left: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        """Return the inputs of the next run, None after the last."""
        return next(self._left, None)


def main(
    bundle: Annotated[Path, typer.Argument(help="Model bundle, NAME.isfp.")],
    calibration: Annotated[int, typer.Option(min=1, help="Scenes to choose the ranges on.")] = 24,
    checked: Annotated[int, typer.Option("--scenes", min=1, help="Scenes to compare masks on.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of three measured runs of each.")] = 20,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for one on each core that may be used.")] = 0,
    cpu_time: Annotated[bool, typer.Option("--cpu-time", help="Measure one thread by its processor time.")] = False,
    save_to: Annotated[Path | None, typer.Option("--save", help="Write the JSON also to this file, as results come.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    logging.disable(logging.WARNING)  # of the quantiser, for each model
    if cpu_time and threads > 1:
        raise IsfpError(f"--cpu-time measures one thread; --threads is {threads}. Leave one of them out.")
    used, console = 1 if cpu_time else threads or usable_cores(), Console(stderr=True)
    timed = processor_time if cpu_time else clocked
    report = conditions(used) | {"clock": "processor time" if cpu_time else "wall", "complete": False}
    opened = Bundle.open(bundle)
    stages = full(opened)
    feeds = list(stage_feeds(_sessions(stages), scenes(opened, calibration, seeds.QUANTISATION.start)))
    found: dict[str, dict[str, Any]] = {}
    quantised: dict[str, dict[str, onnx.ModelProto]] = {way: {} for way in WAYS}
    for stage in STAGES:
        inputs = [value.name for value in stages[stage].graph.input]
        own = [{name: feed[name] for name in inputs} for feed in feeds]
        for name, way in WAYS.items():
            console.print(f"Quantising {stage}: {name}")
            quantised[name][stage] = quantise(stages[stage], own, way)
        models = {"FP32": stages[stage], **{way: quantised[way][stage] for way in WAYS}}
        sessions = {name: open_session(model, used) for name, model in models.items()}
        one_phrase = {name: value[:1] for name, value in own[0].items()}
        tasks = {name: timed(partial(session.run, None, one_phrase)) for name, session in sessions.items()}
        console.print(f"Measuring {stage}")
        timings = take_turns(tasks, rounds)
        ratios = {way: round(timings["FP32"].median / timings[way].median, 3) for way in WAYS}
        found[stage] = {"milliseconds": {name: timing.to_json() for name, timing in timings.items()}, "speedup": ratios}
        save(save_to, report | {"stages": found})
    frames = scenes(opened, checked, seeds.PRECISION_CHECK.start)
    accuracy = {}
    for way, models in quantised.items():
        console.print(f"Comparing masks: {way}")
        converted = {name: ConvertedStage(name, models.get(name, model), {}, {}) for name, model in stages.items()}
        accuracy[way] = compare_stages(opened, converted, Precision.INT8, frames)
        shown = {name: asdict(result) | {"failures": result.failures()} for name, result in accuracy.items()}
        report |= {"stages": found, "accuracy": shown, "complete": len(shown) == len(WAYS)}
        save(save_to, report)
    if as_json:
        print(json.dumps(report))
        return
    _show(found, accuracy)
    print(f"{report['machine']}, {used} threads, by {report['clock']}" + (f"\n{WARNING}" if report["busy"] else ""))


def quantise(model: onnx.ModelProto, feeds: Sequence[Feed], way: Way) -> onnx.ModelProto:
    """Quantise a stage, with the ranges that its values have for `feeds`."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            Feeds(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(way.operators),
            per_channel=True,
            activation_type=way.activations,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(target)


def _sessions(stages: Mapping[str, onnx.ModelProto]) -> dict[str, StageSession]:
    return {name: StageSession(model) for name, model in stages.items()}


def _show(found: Mapping[str, dict[str, Any]], accuracy: Mapping[str, PrecisionReport]) -> None:
    table = Table(
        "quantised", *(f"{stage}, times as fast" for stage in STAGES), "mask IoU with FP32", "same cell", "most is lost in"
    )
    for way, result in accuracy.items():
        speeds = (f"{found[stage]['speedup'][way]:.2f}" for stage in STAGES)
        lost = f"{result.to_keep.operator} {result.to_keep.node}, {result.to_keep.stage}"
        table.add_row(way, *speeds, f"{result.mask_iou:.4f}", f"{100 * result.same_cells:.0f} %", lost)
    Console().print(table)
    print(f"A build option would have to be {WORTH} times as fast, with a mask IoU of 0.97.")


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"bench_int8: {error}")
