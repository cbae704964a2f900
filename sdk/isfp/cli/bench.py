"""`isfp bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli.extras import asking_for
from isfp.cli.options import BundleArgument, JsonOption, RuntimeOption, ThreadsOption
from isfp.cli.output import messages, plain, print_json
from isfp.errors import IsfpError

if TYPE_CHECKING:
    from isfp.diagnose.bench import BenchReport
    from isfp.diagnose.bench.timing import Timing

#: A rival whose masks differ more than this from the bundle's does not compute the same network.
LEAST_AGREEMENT = 0.95


def bench(
    bundle: BundleArgument,
    image: Annotated[Path | None, typer.Option(help="Image to measure on.", show_default="1280 x 720 pixels drawn by code")] = None,
    phrase: Annotated[
        list[str] | None,
        typer.Option(help="Phrase to look for; repeat it to measure several together.", show_default="one phrase"),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Number of measured runs of each.")] = 60,
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = 0,
    against: Annotated[
        str,
        typer.Option(
            help="Rivals to run in turn with it, separated by commas: runtimes, eager and compile, with :cuda, :bf16 and the "
            "like behind; folders of other bundles; or all that this machine has.",
            show_default="none",
        ),
    ] = "",
    checkpoint: Annotated[
        Path | None, typer.Option(help="The bundle's checkpoint, for rivals in PyTorch.", show_default="NAME.pt beside NAME.isfp")
    ] = None,
    phrases: Annotated[
        str, typer.Option(help="Numbers of phrases to measure together, such as 1,2,4,8.", show_default="none")
    ] = "",
    absent: Annotated[bool, typer.Option("--absent", help="Also measure a frame in which nothing is found.")] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Also measure a stream of frames, decoded and as JPEG, beside a plain loop.")
    ] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Output of an earlier --json on this machine, to compare with.", show_default="none")
    ] = None,
    fail_above: Annotated[
        float | None,
        typer.Option(min=0, help="With --compare: fail if a frame takes more than this many times as long.", show_default="never"),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of the steps to write, .png.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how long a frame takes on this machine, step by step, beside other runtimes, PyTorch and other bundles."""
    from isfp import pictures
    from isfp.diagnose.bench import BenchPlan
    from isfp.diagnose.bench import bench as measure
    from isfp.diagnose.bench.measure import default_frame
    from isfp.diagnose.bench.report import read_report, slowdown
    from isfp.diagnose.bench.rivals import ALL, Contestant, contestants

    if fail_above is not None and compare is None:
        raise typer.BadParameter("--fail-above needs --compare, the report to compare with.")
    if plot is not None and plot.suffix.lower() != ".png":
        raise typer.BadParameter(f"--plot is {str(plot)!r}; expected a name that ends in .png.")
    earlier = read_report(compare) if compare else None
    beside = bundle.with_suffix(".pt")
    weights = checkpoint or (beside if beside.exists() else None)
    own = Contestant(str(bundle), bundle, runtime, threads, weights)
    names = [name.strip() for name in against.split(",") if name.strip()]
    plan = BenchPlan(
        own=own,
        frame=pictures.read(image) if image else default_frame(),
        texts=tuple(phrase or ["the red mug on the left"]),
        rivals=tuple(contestants(own, names)),
        runs=runs,
        phrases=_numbers(phrases),
        absent=absent,
        stream=stream,
        skip_missing=ALL in names,
    )
    with messages.status("Loading") as status:
        report = measure(plan, lambda text: status.update(plain(text)))
    if plot is not None:
        with asking_for("bench --plot", "bench"):
            from isfp.diagnose.bench.plot import plot as draw

            draw(report, plot, report.own_name)
        messages.print(f"Wrote {plot}", highlight=False, soft_wrap=True)
    times = slowdown(report, earlier) if earlier else {}
    if as_json:
        print_json({**report.to_json(), "slowdown": times})
    else:
        _show(report, times)
    _warn(report)
    if fail_above is not None and times["total"] > fail_above:
        raise IsfpError(
            f"A frame takes {times['total']:.2f} times as long as in {compare}; --fail-above allows {fail_above:g}. Steps: "
            + ", ".join(f"{step} {ratio:.2f}" for step, ratio in times.items())
        )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = (0,)
    if any(number < 1 for number in numbers):
        raise typer.BadParameter(f"--phrases is {text!r}; expected whole numbers from 1, separated by commas, such as 1,2,4,8.")
    return numbers


def _show(report: BenchReport, times: dict[str, float]) -> None:
    console = Console()
    rows, columns = report.frame
    own = report.own
    title = f"{plain(report.bundle)} on {own.runtime} {own.precision}, frame {columns} x {rows}"
    table = Table("step", "median ms", "p95", "p99", title=title)
    if times:
        table.add_column("times as long as before")
    for step, timing in own.milliseconds.items():
        table.add_row(step, *_cells(timing), *([f"{times[step]:.2f}"] if step in times else []))
    table.add_section()
    table.add_row("the SDK's own share", *_cells(own.own_share))
    table.add_row("text, a new phrase", *_cells(report.new_phrase))
    console.print(table)
    if report.by_phrases or report.absent:
        table = Table("a frame with", "median ms", "p95", "p99", "of a frame")
        for count, timing in report.by_phrases.items():
            table.add_row(f"{count} phrase(s)", *_cells(timing), f"{timing.median / own.total.median:.2f}")
        if report.absent:
            table.add_row("nothing found", *_cells(report.absent), f"{report.absent.median / own.total.median:.2f}")
        console.print(table)
    if report.stream:
        table = Table("frames", "plain loop, ms", "stream, ms", "plain / stream")
        for source, loops in report.stream.items():
            medians = loops.plain.median, loops.stream.median, loops.speedup
            table.add_row(source, *(f"{value:.2f}" for value in medians))
        console.print(table)
    speeds = Table("", "precision", "median ms", "p95", "times ours", "frames/s", "mask IoU")
    starts = Table("", "load ms", "first frame ms", "peak MB")
    for name, one in {report.own_name: own, **report.rivals}.items():
        iou = f"{one.agreement.mask_iou:.3f}" if one.agreement else "-"
        figures = (one.total.median, one.total.p95, one.total.median / own.total.median, one.frames_per_second)
        speeds.add_row(plain(name), one.precision, *(f"{value:.2f}" for value in figures), iou)
        starts.add_row(plain(name), *(f"{value:.0f}" for value in (one.load_ms, one.first_frame_ms, one.peak_memory_mb)))
    console.print(speeds, starts)
    for name, reason in report.passed_over.items():
        messages.print(f"{name} was passed over: {reason}", markup=False, highlight=False, soft_wrap=True)
    for name, reason in report.failed.items():
        messages.print(f"{name} failed: {reason}", markup=False, highlight=False, soft_wrap=True)
    messages.print(
        f"{own.total.runs} runs of each in turn, {report.phrases} phrase(s), {report.threads} threads. {report.included}\n"
        f"{report.machine}",
        highlight=False,
        soft_wrap=True,
    )


def _cells(timing: Timing) -> tuple[str, str, str]:
    return f"{timing.median:.2f}", f"{timing.p95:.2f}", f"{timing.p99:.2f}"


def _warn(report: BenchReport) -> None:
    if report.busy:
        messages.print(
            f"Other programs were using this machine (load average {report.facts['load_average']}): do not trust these times. "
            "Ratios suffer less.",
            highlight=False,
            soft_wrap=True,
        )
    for name, one in report.rivals.items():
        if one.agreement and one.agreement.mask_iou < LEAST_AGREEMENT:
            messages.print(
                f"{name} gives other masks (IoU {one.agreement.mask_iou:.3f}): it does not compute the same network, so its time "
                "says little. Is the checkpoint that of the bundle?",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
