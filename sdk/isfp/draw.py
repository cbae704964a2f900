"""Pictures of results, under their public name; `isfp.show.draw` says what each does."""

from isfp.show.draw import BAD, COLOURS, FAINT, GOOD, INK, MUTED, PAPER, card, fit_text, grid, heat_map, overlay, sheet, write_text

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
