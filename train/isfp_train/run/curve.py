"""Losses and validation metrics of a run over its steps, as a picture drawn from the CSV logs."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

from isfp.files.atomic_file import write_bytes

LOSSES = ("train/identifying", "train/segmentation", "train/refinement")
METRICS = ("val/mIoU", "val/cell", "val/Pr@0.5", "val/Pr@0.9")


def read_logs(run: Path) -> dict[str, dict[int, float]]:
    """Read all values of a run by name and step; if steps overlap, the later logs of a resumed run win."""
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for path in sorted((run / "csv").glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name.split("_")[1])):
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                for name, text in row.items():
                    if text and name not in ("epoch", "step"):
                        values[name][int(row["step"])] = float(text)
    return values


def draw_curve(run: Path, out: Path) -> None:
    """Draw losses on the left, validation metrics on the right, to a PNG file.

    Raises:
        WriteError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    values = read_logs(run)
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for axis, names, label in ((axes[0], LOSSES, "loss, unweighted"), (axes[1], METRICS, "percent of validation phrases")):
        for name in names:
            # A loss of 0 belongs to a part that was not trained in that step.
            points = sorted((step, value) for step, value in values.get(name, {}).items() if value or axis is axes[1])
            if points:
                axis.plot(*zip(*points, strict=True), label=name.split("/")[1])
        axis.set(xlabel="step", ylabel=label)
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    pyplot.close(figure)
    write_bytes(out, content.getvalue())
