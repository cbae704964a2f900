"""The command line, `isfp`."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli import extras
from isfp.cli.explain import explain
from isfp.cli.label import label
from isfp.cli.options import BundleArgument, JsonOption, RuntimeOption
from isfp.cli.record import record
from isfp.cli.serve import serve
from isfp.errors import IsfpError

app = typer.Typer(
    name="isfp",
    help="Point with words: a picture and a phrase go in, the mask of that one object comes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_messages = Console(stderr=True)
_settings = {"debug": False}


def _print_version(asked: bool) -> None:
    if asked:
        print(f"isfp {distribution_version('isfp')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Point with words: a picture and a phrase go in, the mask of that one object comes out."""
    _settings["debug"] = debug


@app.command()
def run(
    bundle: BundleArgument,
    phrase: Annotated[list[str], typer.Option(help="What to find; give it again for more.")],
    image: Annotated[Path | None, typer.Option(help="A picture.")] = None,
    video: Annotated[Path | None, typer.Option(help="A video, in place of a picture.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Picture to write (mask, identifying map, score), or video (.mp4, .avi).")
    ] = None,
    smooth: Annotated[bool, typer.Option(help="Steady a video's masks over time.")] = True,
    threshold: Annotated[float | None, typer.Option(help="Score from which on a thing is found [the bundle's].")] = None,
    runtime: RuntimeOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find what phrases mean in a picture, or in every frame of a video."""
    from isfp import pictures
    from isfp.segmenter import Segmenter
    from isfp.show.draw import sheet

    if video and not image:
        from isfp.cli.video import run_video

        with Segmenter(bundle, runtime=runtime, threshold=threshold) as segmenter:
            run_video(segmenter, video, phrase, out, smooth, as_json)
        return
    if not image or video:
        raise typer.BadParameter("Give one of --image and --video.")
    frame = pictures.read(image)
    with Segmenter(bundle, runtime=runtime, threshold=threshold) as segmenter:
        results = segmenter.run(frame, phrase)
        if out:
            pictures.write(out, sheet(frame, results, segmenter.framing, segmenter.threshold))
            _messages.print(f"Picture: {out}", highlight=False, soft_wrap=True)
        if as_json:
            _print_json({"image": str(image), "bundle": str(bundle), "results": [r.to_json() for r in results]})
            return
    table = Table("phrase", "found", "score", "box", "pixels", "unknown words")
    for result in results:
        box = " ".join(map(str, result.box)) if result.box else "-"
        pixels = str(int(result.mask.sum())) if result.found else "-"
        found = "[green]yes[/]" if result.found else "[red]not there[/]"
        table.add_row(_plain(result.text), found, f"{result.score:.3f}", box, pixels, " ".join(result.unknown_words))
    Console().print(table)
    _messages.print(f"{results[0].milliseconds['total']:.1f} ms, the first run, which is slower than those after it")


@app.command()
def bench(
    bundle: BundleArgument,
    image: Annotated[Path | None, typer.Option(help="A picture [grey noise of 640 x 480].")] = None,
    phrase: Annotated[list[str] | None, typer.Option(help="Phrases that run together [one].")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Measured runs.")] = 50,
    runtime: RuntimeOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure how long each step of a run takes here."""
    import numpy as np

    from isfp import pictures
    from isfp.diagnose.bench import bench as measure
    from isfp.segmenter import Segmenter

    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    frame = pictures.read(image) if image else noise
    with Segmenter(bundle, runtime=runtime) as segmenter:
        result = measure(segmenter, frame, phrase or ["the red mug on the left"], runs)
    if as_json:
        _print_json(result)
        return
    rows, columns = result["frame"]
    table = Table("step", "median ms", "p95", "p99", title=f"{bundle} on {result['runtime']}, frame {columns} x {rows}")
    for step, timing in result["milliseconds"].items():
        table.add_row(step, *(f"{timing[key]:.2f}" for key in ("median", "p95", "p99")))
    Console().print(table)
    _messages.print(f"{runs} runs, {result['phrases']} phrase(s). {result['included']}\n{result['machine']}")


@app.command()
def inspect(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Check a bundle, and show what is in it."""
    from isfp.bundle.bundle import Bundle
    from isfp.diagnose.inspection import inspect as look_into

    opened = Bundle.open(bundle)
    manifest, found = opened.manifest, look_into(opened)
    if as_json:
        _print_json({**manifest.fields, "inspection": {key: found[key] for key in ("stages", "engines")}})
        return
    console = Console()
    console.print(
        f"[bold]{_plain(manifest.name)}[/]: sound, {len(manifest.files)} files, "
        f"{sum(file.bytes for file in manifest.files.values()) / 1e6:.1f} MB, {len(opened.vocabulary())} words\n"
        f"view {manifest.framing.width} x {manifest.framing.height}, grid {manifest.grid} x {manifest.grid}, "
        f"phrases of up to {manifest.max_words} words\n"
        f"found from {manifest.found_threshold:g}, mask from {manifest.mask_threshold:g}"
    )
    table = Table("stage", "", "tensor", "type", "shape")
    for name, stage in manifest.stages.items():
        for way, tensors in (("in", stage.inputs), ("out", stage.outputs)):
            for tensor in tensors:
                table.add_row(name, way, tensor.name, tensor.dtype, " x ".join(map(str, tensor.shape)))
        table.add_section()
    console.print(table)
    table = Table("file", "precision", "MB", "layers", "most of them")
    for stage in found["stages"].values():
        most = ", ".join(f"{operator} {count}" for operator, count in list(stage["operators"].items())[:5])
        table.add_row(stage["file"], stage["precision"], f"{stage['bytes'] / 1e6:.1f}", str(stage["layers"]), _plain(most))
    console.print(table)
    if not found["engines"]:
        console.print("No engines. On a machine with a GPU: isfp build BUNDLE --runtime tensorrt (or tensorrt-rtx)")
        return
    table = Table("engine", "precision", "MB", "built for", "phrases", "fits here")
    for engine in found["engines"]:
        record = engine["record"]
        fits = "[green]yes[/]" if engine["fits"] else f"[yellow]no[/]: {_plain(engine['reason'])}"
        if record is None:
            table.add_row(_plain(engine["key"]), "", "", "", "", fits)
            continue
        target = f"{record['runtime']} {record['runtime_version']}, SM {record['sm']}, {record['gpu'] or 'any GPU of it'}"
        phrases = "{min} to {max}".format(**record["phrases"])
        table.add_row(_plain(engine["key"]), record["precision"], f"{engine['bytes'] / 1e6:.1f}", _plain(target), phrases, fits)
    console.print(table)


@app.command()
def doctor(
    bundle: Annotated[Path | None, typer.Argument(help="A bundle's folder: also look whether its engines fit here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at this machine: what is there, what will run, what to type next."""
    from isfp.bundle.bundle import Bundle
    from isfp.diagnose.doctor import examine

    report = examine(Bundle.open(bundle) if bundle else None)
    if as_json:
        _print_json(report)
        return
    table = Table("", "what", "found", "to do")
    for finding in report["findings"]:
        sign = "[green]yes[/]" if finding["good"] else "[yellow]no[/]"
        table.add_row(sign, finding["what"], _plain(finding["found"]), _plain(finding["remedy"]))
    console = Console()
    console.print(table)
    console.print(f"Runs with: {report['runtime'] or 'nothing yet'}")
    console.print(f"Next: {_plain(report['next'])}", soft_wrap=True)


app.command()(label)
app.command()(explain)
app.command()(record)
app.command()(serve)


def _add_extra(name: str) -> None:
    # The command reads its own arguments once it is loaded: loading it now would import PyTorch to show --help.
    passing = {"allow_extra_args": True, "ignore_unknown_options": True}

    @app.command(name, help=extras.EXTRAS[name].help, context_settings=passing, add_help_option=False)
    def call(context: typer.Context) -> None:
        command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        with extras.asking_for(name):
            command.command(name)(extras.load(name))
            command(args=context.args, prog_name=f"isfp {name}")


for _name in extras.EXTRAS:
    _add_extra(_name)


def main() -> None:
    """Run the command line; an error becomes one message and exit code 1, with `--debug` a traceback."""
    try:
        app()
    except Exception as error:
        if _settings["debug"]:
            raise
        message = str(error)
        if not isinstance(error, IsfpError):
            message = f"{type(error).__name__}: {error} To see where it comes from: isfp --debug ..."
        _messages.print(f"[bold red]isfp:[/] {_plain(message)}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    main()
