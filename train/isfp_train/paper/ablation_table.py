"""An ablation as tables: every row next to the paper's, and the differences that the paper claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isfp_train.measure import bootstrap
from isfp_train.measure.evaluation import Outcome
from isfp_train.measure.report import ratios, report
from isfp_train.paper.ablation import ROWS, Budget, MeasuredRow
from isfp_train.paper.paper_tables import PRECISIONS, TABLE_I

SHOWN = (*PRECISIONS, "mIoU")
#: (part that is added, row without it, row with it).
CLAIMS = (
    ("IEM", "baseline", "iem"),
    ("FPM for a convolution", "iem", "iem+fpm"),
    ("FPM for a convolution, with RM", "iem+rm", "all"),
    ("RM", "iem", "iem+rm"),
    ("RM, with FPM", "iem+fpm", "all"),
    ("language in the Segmentation Branch", "no-language", "all"),
    ("a guided filter in the RM (ours)", "all", "guided"),
    ("the phrase in the IEM's convolutions (ours)", "iem+fpm", "film"),
    ("fusion at S×S (ours)", "iem+fpm", "at-grid"),
    ("masks bounded by a network per cell (ours)", "all", "bounded"),
)
#: Section IV-E: without language, the IoU falls by 0.48.
LANGUAGE_GAIN = {"mIoU": 0.48}
THRESHOLD = 0.5


def summary(measured: Sequence[MeasuredRow], budget: Budget) -> dict[str, Any]:
    """Return plain values: metrics by row and seed with their mean, and differences with 95 % intervals."""
    by_row: dict[str, list[MeasuredRow]] = {}
    for one in measured:
        by_row.setdefault(one.row, []).append(one)
    rows = {}
    for row, group in by_row.items():
        figures = {one.seed: report(one.outcomes, THRESHOLD)["all"] for one in group}
        names = next(iter(figures.values()))
        rows[row] = {
            "title": ROWS[row].title,
            "scenes": budget.scenes_for(row),
            "paper": dict(zip(SHOWN, TABLE_I[ROWS[row].title], strict=True)) if ROWS[row].title in TABLE_I else None,
            "seeds": {str(seed): values for seed, values in figures.items()},
            "seconds": {str(one.seed): one.seconds for one in group},
            "mean": {name: float(np.mean([values[name] for values in figures.values()])) for name in names},
        }
    differences = [
        {"claim": claim, "from": before, "to": after} | _difference(by_row[before], by_row[after])
        for claim, before, after in CLAIMS
        if before in by_row and after in by_row
    ]
    return {"budget_scenes": budget.scenes, "test_scenes": budget.test_scenes, "rows": rows, "differences": differences}


def _difference(before: Sequence[MeasuredRow], after: Sequence[MeasuredRow]) -> dict[str, Any]:
    seeds = sorted({one.seed for one in before} & {one.seed for one in after})
    one, other = _joined(before, seeds), _joined(after, seeds)
    scenes = np.array([outcome.scene for outcome in one])
    first, second = ratios(one, THRESHOLD), ratios(other, THRESHOLD)
    start, end = bootstrap.values(first), bootstrap.values(second)
    single = {
        seed: report(_joined(after, [seed]), THRESHOLD)["all"]["mIoU"] - report(_joined(before, [seed]), THRESHOLD)["all"]["mIoU"]
        for seed in seeds
    }
    return {
        "value": {name: end[name] - start[name] for name in SHOWN},
        "interval": {name: list(ends) for name, ends in bootstrap.difference(first, second, scenes).items() if name in SHOWN},
        "mIoU by seed": {str(seed): value for seed, value in single.items()},
        "paper": _paper(before[0].row, after[0].row),
    }


def _joined(group: Sequence[MeasuredRow], seeds: Sequence[int]) -> list[Outcome]:
    return [outcome for one in sorted(group, key=lambda one: one.seed) if one.seed in seeds for outcome in one.outcomes]


def _paper(before: str, after: str) -> dict[str, float]:
    if before == "no-language":
        return LANGUAGE_GAIN
    if ROWS[after].title not in TABLE_I:
        return {}
    one, other = TABLE_I[ROWS[before].title], TABLE_I[ROWS[after].title]
    return {name: round(b - a, 2) for name, a, b in zip(SHOWN, one, other, strict=True)}


def markdown(content: dict[str, Any]) -> str:
    """The summary as Markdown tables."""
    seeds = sorted({seed for row in content["rows"].values() for seed in row["seeds"]}, key=int)
    lines = [
        f"{_scenes(content)}, seeds {', '.join(seeds)}, {content['test_scenes']} held-out scenes; "
        "percent. The paper's figures are of RefCOCO val.",
        "",
        "| row | | " + " | ".join(SHOWN) + " | oIoU | cell | minutes |",
        "| --- | --- |" + " ---: |" * (len(SHOWN) + 3),
    ]
    for row in content["rows"].values():
        mean, times = row["mean"], [value for value in row["seconds"].values() if value is not None]
        cells = [f"{mean[name]:.1f}" for name in SHOWN] + [f"{mean['oIoU']:.1f}", f"{mean['cell']:.1f}" if "cell" in mean else ""]
        lines.append(f"| {row['title']} | here | " + " | ".join([*cells, f"{np.mean(times) / 60:.1f}" if times else ""]) + " |")
        if len(row["seeds"]) > 1:
            ranges = [_range([values[name] for values in row["seeds"].values()]) for name in (*SHOWN, "oIoU")]
            lines.append("| | seeds from, to | " + " | ".join([*ranges, "", ""]) + " |")
        if row["paper"]:
            lines.append("| | paper | " + " | ".join([*(f"{row['paper'][name]:.2f}" for name in SHOWN), "", "", ""]) + " |")
    if content["differences"]:
        lines += [
            "",
            "What each part adds, in points. The 95 % intervals cover the choice of test scenes, not the choice of seeds.",
            "",
            "| adds | from → to | mIoU | mIoU by seed | paper | Pr@0.5 | paper | Pr@0.8 | paper | Pr@0.9 | paper |",
            "| --- | --- |" + " ---: |" * 9,
        ]
    for entry in content["differences"]:
        cells = [_signed(entry, "mIoU"), ", ".join(f"{value:+.1f}" for value in entry["mIoU by seed"].values())]
        cells.append(_papers(entry, "mIoU"))
        for name in ("Pr@0.5", "Pr@0.8", "Pr@0.9"):
            cells += [_signed(entry, name), _papers(entry, name)]
        lines.append(f"| {entry['claim']} | {entry['from']} → {entry['to']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _scenes(content: dict[str, Any]) -> str:
    counts = {name: row["scenes"] for name, row in content["rows"].items()}
    if len(set(counts.values())) == 1:
        return f"{content['budget_scenes']} training scenes a row"
    return f"Training scenes for the same time: {', '.join(f'{name} {count}' for name, count in counts.items())}"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.1f}, {max(values):.1f}"


def _signed(entry: dict[str, Any], name: str) -> str:
    low, high = entry["interval"][name]
    return f"{entry['value'][name]:+.1f} ({low:+.1f} to {high:+.1f})"


def _papers(entry: dict[str, Any], name: str) -> str:
    return f"{entry['paper'][name]:+.2f}" if name in entry["paper"] else ""
