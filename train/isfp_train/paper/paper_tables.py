"""The figures that the paper reports, for comparison with those measured here.

Table I and Table IV disagree about the whole network on RefCOCO val (65.19 and 65.67 IoU); each figure is quoted with its table.
"""

from __future__ import annotations

from rich import box
from rich.table import Table

PRECISIONS = ("Pr@0.5", "Pr@0.6", "Pr@0.7", "Pr@0.8", "Pr@0.9")

#: Table I, RefCOCO val: row -> Pr@0.5 … Pr@0.9, IoU.
TABLE_I = {
    "Baseline": (59.88, 50.64, 38.70, 20.68, 3.36, 52.40),
    "Baseline+IEM": (74.53, 67.80, 58.09, 35.58, 5.73, 61.47),
    "Baseline+IEM+FPM": (76.23, 70.87, 61.03, 36.99, 6.33, 62.48),
    "Baseline+IEM+RM": (75.44, 68.45, 60.09, 36.98, 9.73, 63.47),
    "Baseline+IEM+FPM+RM": (77.18, 73.43, 66.59, 53.01, 18.85, 65.19),
}
#: Table II, RefCOCO, IoU: branch given -> val, testA, testB.
TABLE_II = {
    "predicted": (65.19, 68.45, 62.73),
    "true location": (76.32, 78.23, 73.35),
    "true mask": (80.41, 82.48, 77.22),
}
#: Table III, IoU: RefCOCO val, testA, testB; RefCOCO+ val, testA, testB; RefCOCOg UMD val, test; RefCOCOg Google val.
TABLE_III = {
    "DMN": (49.78, 54.83, 45.13, 38.88, 44.22, 32.29, None, None, 36.76),
    "RRN": (55.33, 57.26, 53.93, 39.75, 42.15, 36.11, None, None, 36.45),
    "CMSA": (58.32, 60.61, 55.09, 43.76, 47.60, 37.89, None, None, 39.98),
    "CMPC": (61.36, 64.53, 59.64, 49.56, 53.44, 43.23, None, None, 49.05),
    "LSCM": (61.47, 64.99, 59.55, 49.34, 53.12, 43.50, None, None, 48.05),
    "MCN": (62.44, 64.20, 59.71, 50.62, 54.99, 44.69, 49.22, 49.40, None),
    "CGAN": (64.86, 68.04, 62.07, 51.03, 55.51, 44.06, 51.01, 51.69, 46.54),
    "MAttNet": (56.51, 62.37, 51.70, 46.67, 52.39, 40.08, 47.64, 48.61, None),
    "NMTree": (56.59, 63.02, 52.06, 47.40, 53.01, 41.56, 46.59, 47.88, None),
    "CAC": (58.90, 61.77, 53.81, None, None, None, None, None, 44.32),
    "the paper": (65.19, 68.45, 62.73, 52.70, 56.77, 46.39, 52.67, 53.00, 50.08),
}
#: Table IV, RefCOCO val: model -> Pr@0.5 … Pr@0.9, IoU.
TABLE_IV = {
    "STEP": (70.15, 63.37, 53.15, 36.53, 10.45, 59.13),
    "CMSA": (66.44, 59.70, 50.77, 35.52, 10.96, 58.32),
    "BRINet": (71.83, 65.05, 55.64, 39.36, 11.21, 61.35),
    "LSCM": (70.84, 63.82, 53.67, 38.69, 12.06, 61.54),
    "CMPC": (71.27, 64.44, 55.03, 39.28, 12.89, 61.19),
    "MCN": (76.60, 70.33, 58.39, 33.68, 5.26, 62.44),
    "the paper": (76.60, 72.15, 65.06, 47.66, 11.85, 65.67),
}


def paper_tables() -> list[Table]:
    """Tables I to IV as printed in the paper. Its IoU is the mean over expressions, `mIoU` here."""
    sets = ("val", "testA", "testB")
    wide = [f"{name}\n{part}" for name in ("unc", "+") for part in sets]
    wide += ["g umd\nval", "g umd\ntest", "g google\nval"]
    return [
        _table("Paper, Table I: ablation, RefCOCO val", (*PRECISIONS, "IoU"), TABLE_I),
        _table("Paper, Table II: one branch replaced by the truth, RefCOCO, IoU", sets, TABLE_II),
        _table("Paper, Table III: IoU on RefCOCO (unc), RefCOCO+ (+) and RefCOCOg (g)", tuple(wide), TABLE_III),
        _table("Paper, Table IV: RefCOCO val", (*PRECISIONS, "IoU"), TABLE_IV),
    ]


def _table(title: str, columns: tuple[str, ...], rows: dict[str, tuple]) -> Table:
    drawn = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    drawn.add_column("")
    for column in columns:
        drawn.add_column(column, justify="right")
    for name, values in rows.items():
        drawn.add_row(name, *("-" if value is None else f"{value:.2f}" for value in values))
    return drawn
