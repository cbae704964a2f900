"""The commands `isfp export`, `isfp verify` and `isfp build`; PyTorch is loaded only where a checkpoint is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli.options import BundleArgument, JsonOption
from isfp.cli.output import print_json
from isfp.files.atomic_file import refuse_input, write_json
from isfp.files.read_file import read_json, read_text
from isfp_train import seeds

if TYPE_CHECKING:
    from isfp.bundle.bundle import Bundle
    from isfp.engines.record import Precision
    from isfp_export.bundle.verify import Verification
    from isfp_export.engines.build import BuildResult
    from isfp_export.precision.verify import PrecisionReport

FramesOption = Annotated[
    Path | None, typer.Option(help="Folder of pictures from your camera, to measure on.", show_default="scenes drawn by code")
]
KeepOption = Annotated[
    list[str] | None, typer.Option(help="Node or operator to compute in a higher precision; repeatable.", show_default=False)
]
#: Options of `build` that say nothing about an engine for a CPU.
_GPU_OPTIONS = ("target", "phrases", "usual_phrases", "candidates", "one_graph", "plugin", "timings")
CalibrationOption = Annotated[int, typer.Option(min=0, help="Frames used to choose the ranges of INT8 and FP8.")]


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint that isfp train wrote.")],
    out: Annotated[Path, typer.Option(help="Bundle to write: a folder, NAME.isfp.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder (docs/training.md), to choose the thresholds on.", show_default="scenes drawn by code"),
    ] = None,
    scenes: Annotated[int, typer.Option(help="Scenes to choose the thresholds on.")] = 150,
    evaluation: Annotated[Path | None, typer.Option(help="Output of isfp eval --json, for the model card.")] = None,
    license_name: Annotated[str, typer.Option("--license", help="SPDX identifier of the weights' licence.")] = "unstated",
    history: Annotated[Path | None, typer.Option(help="Markdown about earlier runs of these weights, for the model card.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Export a checkpoint as a bundle, and verify it."""
    from isfp_export.bundle.export import export_bundle

    console = Console(stderr=True)
    refuse_input(out, checkpoint, data, evaluation, history)
    story = read_text(history, "Markdown about earlier runs") if history else None
    figures = read_json(evaluation, "the output of isfp eval --json") if evaluation else None
    verification, thresholds = export_bundle(checkpoint, out, data, scenes, figures, story, license_name, console.print)
    if as_json:
        print_json({"bundle": str(out), "found": thresholds.found, **verification.to_json()})
        return
    _show(verification)
    Console().print(f"{out}: threshold {thresholds.found:g}, {thresholds.how}")


def verify(
    bundle: BundleArgument,
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint that the bundle was exported from.")] = None,
    precision: Annotated[str | None, typer.Option(help="Precision to compare with FP32: fp16, int8 or fp8.")] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Scenes to compare masks on.")] = 12,
    frames: FramesOption = None,
    calibration: CalibrationOption = 24,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a bundle with its checkpoint, or one of its precisions with FP32: every stage, and the masks."""
    if (checkpoint is None) == (precision is None):
        raise typer.BadParameter(
            "Give either --checkpoint, to compare the bundle with it, or --precision, to compare that with FP32."
        )
    if precision is not None:
        _verify_precision(bundle, precision, scenes, frames, calibration, keep or [], as_json)
        return
    assert checkpoint is not None
    from isfp_export.bundle.verify import VerificationError, compare
    from isfp_train.run import checkpoint as checkpoints

    result = compare(bundle, checkpoints.load(checkpoint), scenes)
    if as_json:
        print_json({**result.to_json(), "failures": result.failures()})
    else:
        _show(result)
    if result.failures():
        raise VerificationError(f"The bundle {bundle} and {checkpoint} give different results: {'; '.join(result.failures())}.")


def build(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="Model bundle, NAME.isfp; the engine is written to its folder engines/.")],
    runtime: Annotated[
        str,
        typer.Option(
            help="tensorrt (build on the device that will run the engine), tensorrt-rtx (build anywhere) or openvino (INT8, CPU)."
        ),
    ],
    precision: Annotated[
        str | None,
        typer.Option(help="Precision of the engine: fp32, fp16, int8 or fp8.", show_default="fp16; int8 for openvino"),
    ] = None,
    target: Annotated[str | None, typer.Option(help="GPU to build for, such as sm89.", show_default="this machine's")] = None,
    phrases: Annotated[int, typer.Option(min=1, help="Maximum number of phrases at once.")] = 8,
    usual_phrases: Annotated[int, typer.Option(min=1, help="Number of phrases at once to optimise for.")] = 1,
    candidates: Annotated[int, typer.Option(min=1, help="Maximum number of masks per phrase.")] = 3,
    one_graph: Annotated[
        bool, typer.Option(help="Also build the stages as one graph, for phrases that stay in view: less delay, more memory.")
    ] = True,
    frames: FramesOption = None,
    calibration: CalibrationOption = 24,
    keep: KeepOption = None,
    plugin: Annotated[
        Path | None, typer.Option(help="Library of the FPM scan plugin, for tensorrt.", show_default="the one in build/plugins/lib")
    ] = None,
    timings: Annotated[
        Path | None, typer.Option(help="Timing cache, for tensorrt.", show_default="~/.cache/isfp/tensorrt.timings")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="File to write the table of layers to, as JSON.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a bundle's engine for TensorRT or TensorRT-RTX and check its layers, or for OpenVINO and check its masks."""
    from functools import partial

    from rich.progress import Progress

    from isfp.bundle.bundle import Bundle
    from isfp.engines.record import Precision, Span
    from isfp_export.engines.build import build_engine
    from isfp_export.engines.builder import Profile
    from isfp_export.engines.progress import monitor
    from isfp_export.precision.convert import is_quantised

    _one_of("--runtime", runtime, ("tensorrt", "tensorrt-rtx", "openvino"))
    asked = _precision(precision or ("int8" if runtime == "openvino" else "fp16"), list(Precision))
    if runtime == "openvino":
        _build_openvino(context, bundle, asked, frames, calibration, keep or [], report, as_json)
        return
    if usual_phrases > phrases:
        raise typer.BadParameter(f"--usual-phrases is {usual_phrases}; expected at most --phrases, {phrases}.")
    opened = Bundle.open(bundle)
    if report:
        refuse_input(report, plugin, timings, *bundle.rglob("*"))
    profile = Profile(Span(1, usual_phrases, phrases), Span(1, 1, candidates))
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        watch = partial(monitor, progress=progress)
        gpu = None
        if runtime == "tensorrt":
            from isfp_export.engines.tensorrt import tensorrt_builder

            cache = timings or Path.home() / ".cache" / "isfp" / "tensorrt.timings"
            builder: Any = tensorrt_builder(target, asked, profile, plugin, cache, watch)
            gpu = builder.gpu
        else:
            from isfp_export.engines.tensorrt_rtx import rtx_builder

            builder = rtx_builder(target, asked, profile, watch)
        measured = _prepared_frames(opened, frames, calibration, seeds.QUANTISATION.start) if is_quantised(asked) else []
        result = build_engine(opened, builder, asked, keep or [], measured, gpu, one_graph, console.print)
    described = {"runtime": runtime, "version": builder.version, "sm": builder.sm, "precision": str(asked), "stages": result.report}
    if report:
        write_json(report, described, indent=2)
    if as_json:
        print_json({"engine": str(result.folder), **result.record.to_json(), "report": described})
    else:
        _show_engine(result)


def _build_openvino(
    context: typer.Context,
    bundle: Path,
    precision: Precision,
    frames: Path | None,
    calibration: int,
    keep: list[str],
    report: Path | None,
    as_json: bool,
) -> None:
    from isfp.bundle.bundle import Bundle
    from isfp.cli.extras import asking_for
    from isfp.engines.record import Precision

    for option in _GPU_OPTIONS:
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"--{option.replace('_', '-')} is for engines that run on a GPU; leave it out with openvino.")
    if precision != Precision.INT8:
        raise typer.BadParameter(
            f"--precision is {precision}; expected int8. FP32 and bf16 need no build: --runtime openvino and openvino:bf16 run the "
            "bundle's own stages."
        )
    opened = Bundle.open(bundle)
    if report:
        refuse_input(report, *bundle.rglob("*"))
    with asking_for("build --runtime openvino", "openvino"):
        from isfp_export.engines.openvino import CHECKED_FRAMES, build_openvino
        from isfp_export.precision.frames import FramesMissingError
    ranges = _prepared_frames(opened, frames, calibration, seeds.QUANTISATION.start)
    checked = _prepared_frames(opened, frames, CHECKED_FRAMES + (len(ranges) if frames else 0), seeds.PRECISION_CHECK.start)
    if frames:
        checked = checked[len(ranges) :]
        if not checked:
            raise FramesMissingError(
                f"{frames} holds {len(ranges)} pictures, which are all used to choose the ranges; masks are compared on others. "
                f"Give more pictures, or --calibration with less than {len(ranges)}."
            )
    result = build_openvino(opened, keep, ranges, checked, Console(stderr=True).print)
    assert result.check is not None
    described = {
        "runtime": result.record.runtime,
        "version": result.record.runtime_version,
        "precision": str(precision),
        "stages": result.report,
        "check": result.check.to_json(),
    }
    if report:
        write_json(report, described, indent=2)
    if as_json:
        print_json({"engine": str(result.folder), **result.record.to_json(), "report": described})
    else:
        _show_openvino(result, result.check)


def _verify_precision(
    bundle: Path, precision: str, scenes: int, frames: Path | None, calibration: int, keep: list[str], as_json: bool
) -> None:
    from isfp.bundle.bundle import Bundle
    from isfp.engines.record import Precision
    from isfp_export.precision.convert import is_quantised
    from isfp_export.precision.verify import PrecisionError, compare_precision

    wanted = _precision(precision, [Precision.FP16, Precision.INT8, Precision.FP8])
    opened = Bundle.open(bundle)
    # The first pictures of a folder are for the ranges, the ones after them for the check; all are for both if there are too few.
    ranges = _prepared_frames(opened, frames, calibration, seeds.QUANTISATION.start) if is_quantised(wanted) else []
    asked = _prepared_frames(opened, frames, scenes + (len(ranges) if frames else 0), seeds.PRECISION_CHECK.start)
    asked = asked[len(ranges) :] or asked if frames else asked
    result = compare_precision(opened, wanted, asked, keep, ranges, Console(stderr=True).print)
    if as_json:
        print_json(result.to_json())
    else:
        _show_precision(result)
    if result.failures():
        raise PrecisionError(f"{bundle} in {precision.upper()}: {'; '.join(result.failures())}. {result.advice()}")


def _prepared_frames(bundle: Bundle, frames: Path | None, count: int, seed: int) -> list:
    from isfp_export.precision import frames as precision_frames

    return precision_frames.folder(bundle, frames, count) if frames else precision_frames.scenes(bundle, count, seed)


def _precision(value: str, known: list[Precision]) -> Precision:
    _one_of("--precision", value, tuple(precision.value for precision in known))
    return next(precision for precision in known if precision.value == value)


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise typer.BadParameter(f"{option} is {value!r}; expected one of {', '.join(known)}.")


def _show_precision(result: PrecisionReport) -> None:
    console = Console()
    table = Table("stage", "node", "operator", "error", "lost here", "largest", "NaN", "Inf")
    for entry in result.differences:
        table.add_row(
            entry.stage,
            entry.node,
            entry.operator,
            f"{100 * entry.error:.2g} %",
            f"{100 * entry.added:.2g} %",
            f"{entry.largest:.3g}",
            str(entry.nan),
            str(entry.inf),
        )
    console.print(table)
    console.print(
        f"{result.precision}: {result.phrases} phrases, {result.found} found in FP32: mean IoU of their masks "
        f"{result.mask_iou:.4f}, least {result.worst_mask_iou:.4f}, same cell {100 * result.same_cells:.1f} %; found alike "
        f"{100 * result.same_found:.1f} %; {result.nan} NaN, {result.inf} Inf\n"
        f"worst value: {result.worst.value} of {result.worst.stage}, {100 * result.worst.error:.2g} % from FP32\n"
        f"most accuracy is lost in {result.to_keep.operator} {result.to_keep.node} of {result.to_keep.stage}",
        soft_wrap=True,
    )


def _show_engine(result: BuildResult) -> None:
    table = Table("stage", "layers", "products", "types of layers", "MB")
    for stage, entry in result.report.items():
        columns = (", ".join(f"{count} {name}" for name, count in entry[key].items()) for key in ("products", "types"))
        table.add_row(stage, str(entry["layers"]), *columns, f"{entry['bytes'] / 1e6:.1f}")
    Console().print(table)
    Console().print(f"{result.folder}: {result.record.seconds:g} s", soft_wrap=True, highlight=False)


def _show_openvino(result: BuildResult, check: PrecisionReport) -> None:
    console = Console()
    table = Table("stage", "convolutions in INT8", "in FP32", "MB")
    for stage, entry in result.report.items():
        counts = entry["convolutions"]
        table.add_row(stage, str(counts["int8"]), str(counts["fp32"]), f"{entry['bytes'] / 1e6:.1f}")
    console.print(table)
    for stage, entry in result.report.items():
        for node, reason in entry["kept"].items():
            console.print(f"{stage}: {node}: {reason}", soft_wrap=True, highlight=False)
    console.print(
        f"masks on {check.phrases} phrases, {check.found} found in FP32: mean IoU with FP32 {check.mask_iou:.4f}, least "
        f"{check.worst_mask_iou:.4f}, same cell {100 * check.same_cells:.1f} %, found alike {100 * check.same_found:.1f} %\n"
        f"{result.folder}: {result.record.seconds:g} s",
        soft_wrap=True,
        highlight=False,
    )


def _show(result: Verification) -> None:
    console = Console()
    for name, value in result.differences.items():
        console.print(f"{name}: largest difference {value:.2g} of its largest value")
    console.print(
        f"masks on {result.phrases} phrases: mean IoU {result.mask_iou:.4f}, least {result.worst_mask_iou:.4f}, "
        f"same cell {100 * result.same_cells:.1f} %"
    )
