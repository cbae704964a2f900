"""Make the drawn picture of assets/demo again: python tools/demo_frames.py. Needs isfp[train]."""

from pathlib import Path
from typing import Annotated

import cv2
import typer

from isfp_train import seeds
from isfp_train.data.scenes.compose import ProceduralScenes

SCENE = 4


def main(out: Annotated[Path, typer.Argument(help="Picture to write.")] = Path("assets/demo/mugs.jpg")) -> None:
    image = ProceduralScenes(640).scene(seeds.DEMO.start + SCENE).image
    cv2.imwrite(str(out), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    print(out)


if __name__ == "__main__":
    typer.run(main)
