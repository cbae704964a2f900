"""Metrics of an evaluation, by kind of phrase and by kind of scene, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rich import box
from rich.table import Table

from isfp_train.measure import bootstrap
from isfp_train.measure.bootstrap import Ratio
from isfp_train.measure.evaluation import Outcome
from isfp_train.run.metrics import THRESHOLDS

MASKS = ("mIoU", "oIoU", *(f"Pr@{x}" for x in THRESHOLDS), "cell")
GOOD = 0.5  # IoU above which a mask counts as good in the table of losses
SCORE_EDGES = np.linspace(0.0, 1.0, 6)  # of the bins of scores in the reliability table
RELIABILITY = ("there", "right object", "good mask", "answers")
LOSSES = ("good mask", "bad mask", "refused", "rival", "other kind", "nothing")
ABSENCE = ("answered", "missed", "absent", "gIoU", "cIoU")
HEADINGS = {"absent": "N-acc", "count": "present", "absent count": "absent"}


def ratios(outcomes: Sequence[Outcome], threshold: float) -> dict[str, Ratio]:
    """Every metric as a ratio of sums, with one term for each outcome.

    `mIoU`, `oIoU`, `Pr@X`: over phrases for present objects; masks count whatever the threshold is, as in the paper.
    `answered`: mIoU of what a user gets: the threshold applies, and a refused phrase counts as 0.
    `cell`: the chosen cell is a positive one. `missed`: present objects that are not found. `absent`: no-target accuracy, phrases
    for absent objects that are answered "not there" (gRefCOCO's N-acc; its T-acc is 100 - missed).
    `gIoU`, `cIoU`: gRefCOCO's metrics (Liu, Ding and Jiang, GRES): like mIoU and oIoU over all phrases with the threshold applied.
    For an absent object, the IoU is 1 if the answer is "not there" and 0 otherwise, and its mask adds to the union of cIoU.
    """

    def column(name: str) -> np.ndarray:
        return np.array([getattr(outcome, name) for outcome in outcomes], dtype=np.float64)

    present = column("present")
    intersection, union, iou = column("intersection"), column("union"), column("iou")
    found = ((column("score") >= threshold) & (union > 0)).astype(np.float64)
    parts = {
        "mIoU": (iou * present, present),
        "oIoU": (intersection * present, union * present),
        **{f"Pr@{x}": ((iou > x) * present, present) for x in THRESHOLDS},
    }
    if all(outcome.cell_correct is not None for outcome in outcomes):
        parts["cell"] = (column("cell_correct") * present, present)
    parts["answered"] = (iou * found * present, present)
    parts["missed"] = ((1 - found) * present, present)
    parts["absent"] = ((1 - found) * (1 - present), 1 - present)
    if 0 < present.sum() < len(outcomes):
        parts["gIoU"] = (np.where(present > 0, iou * found, 1 - found), np.ones(len(outcomes)))
        parts["cIoU"] = (intersection * found * present, np.where(present > 0, union, union * found))
    return parts


def losses(outcomes: Sequence[Outcome], threshold: float) -> dict[str, dict[str, float]]:
    """How phrases for present objects end, in percent by group. Each phrase counts in one column.

    `good mask`, `bad mask`: the right cell, and a mask with an IoU above `GOOD`, or at most `GOOD`. `refused`: the right cell, but
    a score below the threshold. `rival`: an object of the right kind, but not the target. `other kind`: an object of another kind.
    `nothing`: no annotated object.
    """
    result = {}
    for name, group in groups(outcomes).items():
        told = [outcome for outcome in group if outcome.chose is not None]
        if told:
            fates = [_fate(outcome, threshold) for outcome in told]
            result[name] = {fate: 100 * fates.count(fate) / len(fates) for fate in LOSSES} | {"count": float(len(told))}
    return result


def _fate(outcome: Outcome, threshold: float) -> str:
    if outcome.chose != "target":
        return {"rival": "rival", "other": "other kind"}.get(outcome.chose or "", "nothing")
    if outcome.score < threshold:
        return "refused"
    return "good mask" if outcome.iou > GOOD else "bad mask"


def reliability(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """What a score means: for each fifth of the range of scores, how often the answers with such a score are right, in percent.

    `there`: the phrase describes an object that is present. `right object`: the chosen cell belongs to it. `good mask`: and the
    mask has an IoU above `GOOD`. Bins without answers are left out; a bin contains its lower edge.
    """
    result = {}
    outcomes = [outcome for outcome in outcomes if not np.isnan(outcome.score)]  # NaN: the network diverged
    scores = np.array([outcome.score for outcome in outcomes])
    places = np.clip(np.searchsorted(SCORE_EDGES, scores, side="right") - 1, 0, len(SCORE_EDGES) - 2)
    for place, (low, high) in enumerate(pairwise(SCORE_EDGES)):
        told = [outcome for outcome, own in zip(outcomes, places, strict=True) if own == place]
        if told:
            right = [outcome.chose == "target" for outcome in told]
            good = [mine and outcome.iou > GOOD for outcome, mine in zip(told, right, strict=True)]
            shares = ([outcome.present for outcome in told], right, good)
            values = {name: 100.0 * float(np.mean(share)) for name, share in zip(RELIABILITY, shares, strict=False)}
            result[f"{low:.1f} to {high:.1f}"] = values | {"answers": float(len(told))}
    return result


def groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """All outcomes, and those of each kind of phrase and each kind of scene."""
    found = {"all": list(outcomes)}
    for outcome in outcomes:
        found.setdefault(f"phrase: {outcome.kind}", []).append(outcome)
        found.setdefault(f"scene: {outcome.source}", []).append(outcome)
    return dict(sorted(found.items()))


def report(outcomes: Sequence[Outcome], threshold: float) -> dict[str, dict[str, float]]:
    """Metrics in percent by group and name (see `ratios`), and the numbers of phrases, `count` and `absent count`."""
    result = {}
    for name, group in groups(outcomes).items():
        present = sum(outcome.present for outcome in group)
        counts = {"count": float(present), "absent count": float(len(group) - present)}
        result[name] = bootstrap.values(ratios(group, threshold)) | {key: value for key, value in counts.items() if value}
    return result


def intervals(outcomes: Sequence[Outcome], threshold: float, seed: int = 0) -> dict[str, dict[str, tuple[float, float]]]:
    """95 % bootstrap intervals of the same metrics."""
    return {
        name: bootstrap.intervals(ratios(group, threshold), np.array([outcome.scene for outcome in group]), seed)
        for name, group in groups(outcomes).items()
    }


def tables(
    result: dict[str, dict[str, float]],
    ends: dict[str, dict[str, tuple[float, float]]],
    title: str,
    lost: dict[str, dict[str, float]] | None = None,
    meant: dict[str, dict[str, float]] | None = None,
) -> list[Table]:
    """The report as tables of 80 columns: masks and cells; present and absent objects; how phrases end; what a score means."""
    drawn = [
        _table(result, ends, title, MASKS),
        _table(result, ends, "Present and absent objects", (*ABSENCE, "count", "absent count")),
    ]
    if lost:
        drawn.append(_table(lost, {}, "How phrases for present objects end", (*LOSSES, "count")))
    if meant:
        drawn.append(_table(meant, {}, "Of the answers with such a score", RELIABILITY))
    return drawn


def _table(
    result: dict[str, dict[str, float]], ends: dict[str, dict[str, tuple[float, float]]], title: str, columns: Sequence[str]
) -> Table:
    drawn = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    drawn.add_column("", no_wrap=True)
    for column in columns:
        drawn.add_column(HEADINGS.get(column, column), justify="right", no_wrap=True)
    for group, values in result.items():
        if not any(column in values for column in columns):
            continue
        drawn.add_row(group, *(_cell(column, values) for column in columns))
        if group in ends and group == "all":
            for side, label in enumerate(("95 % from", "to")):
                edge = {name: pair[side] for name, pair in ends[group].items()}
                drawn.add_row(f"  {label}", *(_cell(column, edge) for column in columns), style="dim", end_section=side == 1)
    return drawn


def _cell(column: str, values: dict[str, float]) -> str:
    return f"{values[column]:.{0 if 'count' in column or column == 'answers' else 1}f}" if column in values else ""
