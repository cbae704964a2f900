"""How latency grows, and how much of the machine each stage uses: python tools/bench_growth.py models/edge.isfp --plot growth.png

Networks like the bundle's with another input size, grid size S or number of channels C are exported untrained, because latency does
not depend on the weights; the number of phrases is changed with the bundle itself. Stages run in ONNX Runtime on the CPU, in turn.
The machine's peak is measured in the same run: a product of two large matrices. The exports take most of the time; there is one on
each core while nothing is measured. Each table is printed when it is known. Needs pip install "isfp[export]".
"""

import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import torch
import typer
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import STAGES
from isfp.diagnose.bench.timing import Timing
from isfp.errors import IsfpError
from isfp.files.atomic_file import write_bytes
from isfp.runtimes.threads import usable_cores
from isfp_export.onnx.stages import VISUAL, stages
from isfp_export.onnx.to_onnx import stage_to_onnx
from isfp_train.network import ISFP, NetworkConfig
from onnx_session import open_session
from roofline import kernels_of
from turns import WARNING, Task, clocked, conditions, save, take_turns

#: The stages of each frame; text is cached.
EACH_FRAME = ("image", "identify", "mask")
#: What is changed, what it is called, and its values, of which every other is measured unless all are asked for. Input sizes are
#: multiples of 32.
SIZES = {
    "image_size": ("input size, pixels", (192, 256, 320, 416, 512)),
    "grid": ("grid size S", (7, 10, 13, 18, 26)),
    "instance_channels": ("channels C of the FPM", (32, 64, 128, 256, 512)),
}
PHRASES = (1, 2, 4, 8)
#: Rows and columns of the product that measures the peak.
PEAK_SIZE = 1536
Models = Mapping[str, onnx.ModelProto]
#: Milliseconds of each stage, by the value that was changed.
Growth = dict[int, dict[str, Timing]]


def main(
    bundle: Annotated[Path, typer.Argument(help="Model bundle, NAME.isfp.")],
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of three measured runs of each.")] = 10,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for one on each core that may be used.")] = 0,
    all_values: Annotated[bool, typer.Option("--all", help="Measure five values of each setting instead of three.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Picture to write, .png.")] = None,
    save_to: Annotated[Path | None, typer.Option("--save", help="Write the JSON also to this file, as results come.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    used = threads or usable_cores()
    report = conditions(used) | {"complete": False}
    opened, console = Bundle.open(bundle), Console(stderr=True)
    config = NetworkConfig.from_dict(opened.manifest.fields["network"])
    models = {stage: onnx.load_from_string(opened.read(opened.manifest.stages[stage].file)) for stage in STAGES}
    settings = {name: (title, values if all_values else values[::2]) for name, (title, values) in SIZES.items()}
    configs = {(name, value): replace(config, **{name: value}) for name, (_, values) in settings.items() for value in values}
    growths: dict[str, Growth] = {}

    def take(title: str, variants: Mapping[int, tuple[Models, int]]) -> None:
        console.print(f"Measuring: {title} {', '.join(map(str, variants))}")
        growths[title] = growth(variants, rounds, used)
        report["growth"] = {
            title: {value: {stage: timing.to_json() for stage, timing in timings.items()} for value, timings in each.items()}
            for title, each in growths.items()
        }
        save(save_to, report)
        if not as_json:
            _show_growth(title, growths[title])

    take("number of phrases", {count: (models, count) for count in PHRASES})
    console.print("Measuring: the share of the peak")
    peak, shares = shares_of_peak(opened, models, rounds, used)
    report |= {"peak_gflops": peak, "share_of_peak": shares}
    save(save_to, report)
    if not as_json:
        _show_shares(peak, shares)
    exported = export(configs.values(), console)
    for name, (title, values) in settings.items():
        take(title, {value: (exported[configs[name, value]], 1) for value in values})
    report["complete"] = True
    save(save_to, report)
    if plot is not None:
        draw(
            growths,
            plot,
            f"{bundle.name}, ONNX Runtime, {used} threads; {report['machine']}" + ("; BUSY" if report["busy"] else ""),
        )
        console.print(f"Wrote {plot}")
    if as_json:
        print(json.dumps(report))
        return
    print(f"{report['machine']}, {used} threads" + (f"\n{WARNING}" if report["busy"] else ""))


def export(configs: Iterable[NetworkConfig], console: Console) -> dict[NetworkConfig, Models]:
    """Export untrained networks, each once, in as many processes as there are cores."""
    different = list(dict.fromkeys(configs))
    exported: dict[NetworkConfig, Models] = {}
    with ProcessPoolExecutor(min(usable_cores(), len(different)), get_context("spawn")) as pool:
        waiting = {pool.submit(_exported, config): config for config in different}
        for done in as_completed(waiting):
            exported[waiting[done]] = {stage: onnx.load_from_string(content) for stage, content in done.result().items()}
            console.print(f"Exported {len(exported)} of {len(different)} networks")
    return exported


def _exported(config: NetworkConfig) -> dict[str, bytes]:
    torch.set_num_threads(1)
    return {stage: model.SerializeToString() for stage, model in untrained(config).items()}


def _show_growth(title: str, each: Growth) -> None:
    table = Table(title, *(f"{stage}, ms" for stage in EACH_FRAME), "sum", "of the first")
    first = _sum(next(iter(each.values())))
    for value, timings in each.items():
        medians = (f"{timings[stage].median:.2f}" for stage in EACH_FRAME)
        table.add_row(str(value), *medians, f"{_sum(timings):.2f}", f"{_sum(timings) / first:.2f}")
    Console().print(table)


def _show_shares(peak: float, shares: Mapping[str, Mapping[str, float]]) -> None:
    table = Table("stage", "GFLOP", "median ms", "GFLOP/s", "share of the peak")
    for stage, row in shares.items():
        table.add_row(stage, *(f"{row[key]:.2f}" for key in ("gflop", "median_ms", "gflops")), f"{100 * row['share']:.0f} %")
    Console().print(table)
    print(f"Peak: {peak:.0f} GFLOP/s, the fastest product of two matrices of {PEAK_SIZE} rows in ONNX Runtime")


def untrained(config: NetworkConfig) -> Models:
    """Export the stages of each frame of a network that was not trained."""
    torch.manual_seed(0)
    network = ISFP(config, words=64).eval()
    return {stage.name: stage_to_onnx(stage, config) for stage in stages(network) if stage.name in EACH_FRAME}


def growth(variants: Mapping[int, tuple[Models, int]], rounds: int, threads: int) -> Growth:
    """Measure stages and numbers of phrases by the value that was changed, all in turn."""
    tasks = {
        f"{value} {stage}": task
        for value, (models, phrases) in variants.items()
        for stage, task in stage_tasks(models, phrases, threads).items()
    }
    timings = take_turns(tasks, rounds)
    return {value: {stage: timings[f"{value} {stage}"] for stage in EACH_FRAME} for value in variants}


def stage_tasks(models: Models, phrases: int, threads: int) -> dict[str, Task]:
    """Tasks that run the stages of a frame with so many phrases and one mask of each."""
    rng = np.random.default_rng(0)
    sessions = {stage: open_session(models[stage], threads) for stage in EACH_FRAME}
    shapes = {tensor.name: tensor.shape for session in sessions.values() for tensor in session.get_inputs()}
    frame = rng.integers(0, 256, shapes["frame"]).astype(np.uint8)
    maps = dict(zip(VISUAL, sessions["image"].run(list(VISUAL), {"frame": frame}), strict=True))
    vectors = rng.standard_normal((phrases, shapes["phrases"][1])).astype(np.float32)
    feeds = {
        "image": {"frame": frame},
        "identify": {**maps, "phrases": vectors},
        "mask": {"frame": frame, **maps, "phrases": vectors, "cells": np.zeros((phrases, 1), np.int32)},
    }
    return {stage: clocked(partial(sessions[stage].run, None, feeds[stage])) for stage in EACH_FRAME}


def shares_of_peak(bundle: Bundle, models: Models, rounds: int, threads: int) -> tuple[float, dict[str, dict[str, float]]]:
    """Return the measured peak in GFLOP/s, and for each stage its arithmetic, time and share of that peak."""
    timings = take_turns({**stage_tasks(models, 1, threads), "peak": _large_product(threads)}, rounds)
    peak = 2 * PEAK_SIZE**3 / 1e6 / timings["peak"].least
    shares = {}
    for stage in EACH_FRAME:
        gflop = sum(kernel.flops for kernel in kernels_of(bundle, stage, 1)) / 1e9
        reached = gflop / timings[stage].median * 1e3
        shares[stage] = {"gflop": gflop, "median_ms": timings[stage].median, "gflops": reached, "share": reached / peak}
    return peak, shares


def _large_product(threads: int) -> Task:
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [PEAK_SIZE, PEAK_SIZE]) for name in "abc"}
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "peak", [values["a"], values["b"]], [values["c"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session, matrix = open_session(model, threads), np.random.default_rng(0).random((PEAK_SIZE, PEAK_SIZE), np.float32)
    return clocked(partial(session.run, None, {"a": matrix, "b": matrix}))


def draw(growths: Mapping[str, Growth], path: Path, title: str) -> None:
    """Draw the medians over each changed value, and write them to a .png file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, each) in zip(figure.subplots(2, 2).flat, growths.items(), strict=True):
        values: Sequence[int] = list(each)
        for stage in EACH_FRAME:
            axes.plot(values, [each[value][stage].median for value in values], marker="o", label=stage)
        axes.plot(values, [_sum(each[value]) for value in values], marker="o", color="black", label="sum")
        axes.set(xlabel=name, ylabel="median ms", ylim=(0, None), xticks=values)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False)
    figure.suptitle(title, fontsize=9)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    write_bytes(path, content.getvalue())


def _sum(timings: Mapping[str, Timing]) -> float:
    return sum(timing.median for timing in timings.values())


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"bench_growth: {error}")
