"""The commands `isfp export` and `isfp verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from isfp_export.verify import Verification


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint that `isfp train` wrote.")],
    out: Annotated[Path, typer.Option(help="The bundle's folder, NAME.isfp.")],
    data: Annotated[Path | None, typer.Option(help="Folder with the training data, to choose the threshold on.")] = None,
    scenes: Annotated[int, typer.Option(help="Scenes to choose the threshold on.")] = 150,
    evaluation: Annotated[Path | None, typer.Option(help="Output of `isfp eval --json`, for the model card.")] = None,
    history: Annotated[Path | None, typer.Option(help="Markdown on earlier runs of these weights, for the model card.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a bundle from a checkpoint, and verify it."""
    from isfp_export.bundle import export_bundle

    console = Console(stderr=True)
    story = history.read_text(encoding="utf-8") if history else None
    figures = json.loads(evaluation.read_text()) if evaluation else None
    verification, calibration = export_bundle(checkpoint, out, data, scenes, figures, story, console.print)
    if as_json:
        print(json.dumps({"bundle": str(out), "found": calibration.found, **verification.to_json()}))
        return
    _show(verification)
    Console().print(f"{out}: threshold {calibration.found:g}, {calibration.how}")


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle.")],
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint that it came from.")],
    scenes: Annotated[int, typer.Option(help="Scenes to compare masks on.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold a bundle against its checkpoint: every stage, and the masks."""
    from isfp_export.verify import VerificationError, compare
    from isfp_train import checkpoint as checkpoints

    result = compare(bundle, checkpoints.load(checkpoint), scenes)
    if as_json:
        print(json.dumps({**result.to_json(), "failures": result.failures()}))
    else:
        _show(result)
    if result.failures():
        raise VerificationError(f"The bundle {bundle} does not do what {checkpoint} does: {'; '.join(result.failures())}.")


def _show(result: Verification) -> None:
    console = Console()
    for name, value in result.differences.items():
        console.print(f"{name}: largest difference {value:.2g} of its largest value")
    console.print(
        f"masks on {result.phrases} phrases: mean IoU {result.mask_iou:.4f}, least {result.worst_mask_iou:.4f}, "
        f"same cell {100 * result.same_cells:.1f} %"
    )
