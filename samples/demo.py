"""Run the shipped bundle on the demo images, and draw what it finds: python samples/demo.py."""

import json
import sys
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from isfp import IsfpError, Segmenter, pictures
from isfp.draw import card, grid

ROOT = Path(__file__).resolve().parent.parent


def main(
    bundle: Annotated[Path, typer.Option(help="Model bundle: a folder, NAME.isfp.")] = ROOT / "models" / "edge.isfp",
    assets: Annotated[Path, typer.Option(help="Folder with the images and phrases.json.")] = ROOT / "assets" / "demo",
    out: Annotated[Path, typer.Option(help="Folder to write the pictures to.")] = ROOT / "demo" / "out",
) -> None:
    phrases: dict[str, list[str]] = json.loads((assets / "phrases.json").read_text(encoding="utf-8"))
    rows = []
    with Segmenter(bundle) as segmenter:
        for name, texts in phrases.items():
            frame = pictures.read(assets / name)
            results = segmenter.run(frame, texts)
            print(f"{name}: {results[0].milliseconds['total']:.0f} ms for {len(texts)} phrases")
            for result in results:
                print(f"  {result.text}: {'found' if result.found else 'not there'} ({result.score:.2f})")
            cards = [card(frame, result, segmenter.framing, segmenter.threshold) for result in results]
            pictures.write(out / f"{Path(name).stem}.png", grid(cards, columns=1))
            rows.append(grid([_narrowed(picture) for picture in cards], columns=len(cards)))
    pictures.write(out / "all.png", grid(rows, columns=1))
    print(f"Wrote {out / 'all.png'}, and one picture per image next to it")


def _narrowed(picture: np.ndarray, width: int = 640) -> np.ndarray:
    return cv2.resize(picture, (width, round(picture.shape[0] * width / picture.shape[1])), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"demo: {error}")
