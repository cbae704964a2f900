"""A picture of a benchmark: a bar for each contestant, made of the steps of a frame."""

from __future__ import annotations

import io
from pathlib import Path

from isfp.diagnose.bench.report import BenchReport, Figures
from isfp.files.atomic_file import write_bytes

#: Steps in the order of a frame. Those that take next to nothing are drawn as one, "rest".
STEPS = {"frame": "#7f7f7f", "image": "#1f77b4", "identify": "#2ca02c", "mask": "#d62728", "restore": "#bcbd22", "rest": "#c7c7c7"}


def plot(report: BenchReport, path: Path, name: str) -> None:
    """Draw the medians of each step, and write them to a .png file.

    Args:
        report: the figures.
        path: the file to write.
        name: what to call the bundle that was measured.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    contestants = {name: report.own, **report.rivals}
    figure = Figure(figsize=(9, 1.8 + 0.45 * len(contestants)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    longest = max(one.total.median for one in contestants.values())
    for row, one in enumerate(contestants.values()):
        left = 0.0
        for step, length in _lengths(one).items():
            axes.barh(row, length, left=left, color=STEPS[step], edgecolor="white", label=step if row == 0 else None)
            if length > 0.06 * longest:
                axes.text(left + length / 2, row, f"{length:.1f}", ha="center", va="center", color="white", fontsize=8)
            left += length
        ratio = one.total.median / report.own.total.median
        times = f", {ratio:.2f}×" if row else ""
        axes.text(left + 0.01 * longest, row, f"{one.total.median:.1f} ms{times}", va="center", fontsize=9)
    axes.set_yticks(range(len(contestants)), contestants)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.18 * longest)
    axes.set_xlabel("ms a frame: medians of the steps; behind each bar the median of the whole, and how many times the first's")
    rows, columns = report.frame
    busy = "; OTHER PROGRAMS WERE RUNNING" if report.busy else ""
    axes.set_title(
        f"{columns} × {rows} pixels, {report.phrases} phrase(s), {report.threads} threads\n{report.machine}{busy}", fontsize=9
    )
    figure.legend(loc="outside lower center", ncols=len(STEPS), frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=130)
    write_bytes(path, content.getvalue())


def _lengths(figures: Figures) -> dict[str, float]:
    """Return the length of each part of a bar, milliseconds."""
    medians = {step: timing.median for step, timing in figures.milliseconds.items()}
    shown = {step: medians.get(step, 0.0) for step in STEPS if step != "rest"}
    return {**shown, "rest": max(0.0, medians["total"] - sum(shown.values()))}
