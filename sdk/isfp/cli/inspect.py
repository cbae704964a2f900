"""`isfp inspect`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from isfp.cli.options import BundleArgument, JsonOption
from isfp.cli.output import plain, print_json


def inspect(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Check a bundle, and show its contents."""
    from isfp.bundle.bundle import Bundle
    from isfp.diagnose.inspection import inspect as look_into

    opened = Bundle.open(bundle)
    manifest, found = opened.manifest, look_into(opened)
    if as_json:
        print_json({**manifest.fields, "inspection": found.to_json()})
        return
    console = Console()
    console.print(
        f"[bold]{plain(manifest.name)}[/]: intact, {len(manifest.files)} files, "
        f"{sum(file.bytes for file in manifest.files.values()) / 1e6:.1f} MB, {len(opened.vocabulary())} words\n"
        f"input {manifest.framing.width} x {manifest.framing.height} pixels, grid {manifest.grid} x {manifest.grid}, "
        f"phrases of up to {manifest.max_words} words\n"
        f"minimum score for a match {manifest.found_threshold:g}, mask threshold {manifest.mask_threshold:g}"
    )
    table = Table("stage", "", "tensor", "type", "shape")
    for name, stage in manifest.stages.items():
        for way, tensors in (("in", stage.inputs), ("out", stage.outputs)):
            for tensor in tensors:
                table.add_row(name, way, tensor.name, tensor.dtype, plain(" x ".join(map(str, tensor.shape))))
        table.add_section()
    console.print(table)
    table = Table("file", "precision", "MB", "layers", "most frequent operators")
    for summary in found.stages.values():
        most = ", ".join(f"{operator} {count}" for operator, count in list(summary.operators.items())[:5])
        table.add_row(plain(summary.file), summary.precision, f"{summary.bytes / 1e6:.1f}", str(summary.layers), plain(most))
    console.print(table)
    if not found.engines:
        console.print(
            "No engines. On a machine with a GPU: isfp build BUNDLE --runtime tensorrt (or tensorrt-rtx)\n"
            "For INT8 on an Intel CPU: isfp build BUNDLE --runtime openvino"
        )
        return
    table = Table("engine", "precision", "MB", "built for", "phrases", "fits here")
    for engine in found.engines:
        record = engine.record
        fits = "[green]yes[/]" if engine.fits else f"[yellow]no[/]: {plain(engine.reason)}"
        if record is None:
            table.add_row(plain(engine.key), "", "", "", "", fits)
            continue
        device = f"SM {record.sm}, {record.gpu or 'any GPU with it'}" if record.sm else "any CPU that it computes on"
        target = f"{record.runtime} {record.runtime_version}, {device}"
        phrases = f"{record.phrases.min} to {record.phrases.max}" if record.phrases else "any number"
        table.add_row(plain(engine.key), record.precision, f"{engine.bytes / 1e6:.1f}", plain(target), phrases, fits)
    console.print(table)
