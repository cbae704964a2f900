"""Pictures of results (`results.py` says what each does), recordings for Rerun, and windows."""

from isfp.draw.results import (
    BAD,
    COLOURS,
    FAINT,
    GOOD,
    INK,
    MUTED,
    PAPER,
    card,
    fit_text,
    grid,
    heat_map,
    overlay,
    sheet,
    write_text,
)

__all__ = [
    "BAD",
    "COLOURS",
    "FAINT",
    "GOOD",
    "INK",
    "MUTED",
    "PAPER",
    "card",
    "fit_text",
    "grid",
    "heat_map",
    "overlay",
    "sheet",
    "write_text",
]
