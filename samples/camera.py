"""Point at things in a live picture: python samples/camera.py models/edge.isfp 0 "the red mug".

Type another phrase and Enter, in the terminal or in the window, and it is looked for from the next frame on; Esc ends.
"""

import sys
import threading
from pathlib import Path
from typing import Annotated

import cv2
import typer

from isfp import IsfpError, Segmenter, camera
from isfp.draw import overlay


def main(
    bundle: Path,
    source: Annotated[str, typer.Argument(help="0, /dev/video0, a file, rtsp://..., csi://0, a GStreamer pipeline")],
    phrase: str,
    headless: Annotated[bool, typer.Option("--headless", help="Open no window; write --out instead.")] = False,
    out: Annotated[Path, typer.Option(help="Video that --headless writes.")] = Path("out.mp4"),
    frames: Annotated[int, typer.Option(help="Stop after so many frames; 0: never.")] = 0,
) -> None:
    asked, typed, writer = [phrase], "", None

    def listen() -> None:
        for line in sys.stdin:
            asked[0] = line.strip() or asked[0]

    threading.Thread(target=listen, daemon=True).start()
    with Segmenter(bundle) as segmenter, camera.open(source) as opened:
        for number, frame in enumerate(opened, start=1):
            try:
                result = segmenter.run(frame, asked[0])
            except IsfpError as error:
                if asked[0] == phrase:
                    raise
                print(error, file=sys.stderr)  # what was typed has no word in it: go back to the first phrase
                asked[0] = phrase
                continue
            picture = overlay(frame, [result])
            if headless:
                size = frame.shape[1], frame.shape[0]
                writer = writer or cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), opened.frames_per_second, size)
                writer.write(picture)
            else:
                cv2.imshow("isfp", picture)
                key = cv2.waitKey(1) & 0xFF
                if key == 27:
                    break
                if key in (10, 13):
                    asked[0], typed = typed or asked[0], ""
                elif 32 <= key < 127:
                    typed += chr(key)
            if number == frames:
                break
    if writer:
        writer.release()
        print(f"Video: {out}")


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"camera: {error}")
