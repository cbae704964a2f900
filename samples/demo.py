"""Run the shipped bundle on the demo's pictures, and draw what it finds: python samples/demo.py."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from isfp import IsfpError, Segmenter, pictures
from isfp.draw import grid, sheet

ROOT = Path(__file__).resolve().parent.parent


def main(
    bundle: Annotated[Path, typer.Option(help="Bundle.")] = ROOT / "models" / "edge.isfp",
    assets: Annotated[Path, typer.Option(help="Folder with pictures and phrases.json.")] = ROOT / "assets" / "demo",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = ROOT / "demo" / "out",
) -> None:
    phrases: dict[str, list[str]] = json.loads((assets / "phrases.json").read_text(encoding="utf-8"))
    sheets = []
    with Segmenter(bundle) as segmenter:
        for name, texts in phrases.items():
            frame = pictures.read(assets / name)
            results = segmenter.run(frame, texts)
            print(f"{name}: {results[0].milliseconds['total']:.0f} ms for {len(texts)} phrases")
            for result in results:
                print(f"  {result.text}: {'found' if result.found else 'not there'} ({result.score:.2f})")
            sheets.append(sheet(frame, results, segmenter.framing, segmenter.threshold))
            pictures.write(out / f"{Path(name).stem}.png", sheets[-1])
    pictures.write(out / "all.png", grid(sheets, columns=1))
    print(f"Pictures: {out / 'all.png'}, and one for each frame beside it")


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"demo: {error}")
