"""Make the generated pictures of assets/demo again: python tools/demo_frames.py [--sprites FOLDER]. Needs isfp[train]."""

from pathlib import Path
from typing import Annotated

import cv2
import typer

from isfp.files.atomic_file import write_bytes
from isfp_train import seeds
from isfp_train.data.scenes.compose import ComposedScenes, ProceduralScenes
from isfp_train.data.sprites.sprites import FolderSprites, fluent_emoji

DRAWN = {"mugs.jpg": 4, "vases.jpg": 6}
SPRITES = {"flies.jpg": 20, "jars.jpg": 22}


def main(
    sprites: Annotated[Path | None, typer.Option(help="Folder of Fluent 3D emoji, for flies.jpg and jars.jpg.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("assets/demo"),
) -> None:
    made = [(ProceduralScenes(640), DRAWN)]
    if sprites is not None:
        made.append((ComposedScenes(FolderSprites(sprites, fluent_emoji(), "all"), size=640, drawn=0.0), SPRITES))
    for source, pictures in made:
        for name, seed in pictures.items():
            image = source.scene(seeds.DEMO.start + seed).image
            content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
            write_bytes(out / name, content.tobytes())
            print(out / name)


if __name__ == "__main__":
    typer.run(main)
