"""Find an object in a live camera image: python samples/camera.py models/edge.isfp 0 "the red mug" --out seen.mp4.

To look for something else, type another phrase and press Enter, in the window or in the terminal. Esc ends the program.
"""

import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import cv2
import typer

from isfp import IsfpError, PhraseError, Segmenter, camera
from isfp.camera.recorder import VideoRecorder
from isfp.draw import overlay
from isfp.draw.window import why_no_window
from isfp.video import Smoother


def main(
    bundle: Annotated[Path, typer.Argument(help="Model bundle: a folder, NAME.isfp.")],
    uri: Annotated[
        str, typer.Argument(help="Camera (0, /dev/video0, rtsp://..., csi://0), GStreamer pipeline, video, or folder of images.")
    ],
    phrase: Annotated[str, typer.Argument(help="What to find.")],
    out: Annotated[Path | None, typer.Option(help="Record what is shown to this video, .mp4, .webm or .avi.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Print the results instead of opening a window.")] = False,
    frames: Annotated[int, typer.Option(help="Stop after this many frames; 0 never stops.")] = 0,
) -> None:
    if not headless and (reason := why_no_window()):
        sys.exit(f"camera: {reason}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # docker stop and systemd: keep the recording, as for Ctrl+C
    sys.stdout.reconfigure(errors="backslashreplace")  # a pipe may lack letters of the phrase
    asked, typed = [phrase], ""
    threading.Thread(target=listen, args=[asked], daemon=True).start()
    with (
        Segmenter(bundle) as segmenter,
        camera.open(uri) as source,
        VideoRecorder(out, source) if out else nullcontext() as recorder,
        Smoother(segmenter).stream(source, phrase) as items,
    ):
        for number, item in enumerate(items, start=1):
            result = item.result
            picture = overlay(item.frame, [result])
            say(picture, f"{result.milliseconds['total']:.0f} ms > {typed}_")
            if recorder:
                recorder.write(picture, item.seconds)
            if headless:
                there = "found" if result.found else "not there"
                print(f"{result.text}: {there}, {result.score:.2f}, {result.milliseconds['total']:.0f} ms")
            else:
                cv2.imshow("isfp", picture)
                key = cv2.waitKey(1) & 0xFF
                if key == 27:
                    break
                if key in (10, 13):
                    asked[0], typed = typed or asked[0], ""
                elif key == 8:
                    typed = typed[:-1]
                elif 32 <= key < 127:
                    typed += chr(key)
            if number == frames:
                break
            try:
                items.text = asked[0]
            except PhraseError as error:  # the typed text contains no word: go back to the first phrase
                print(error, file=sys.stderr)
                asked[0] = items.text = phrase
    if out:
        print(f"Wrote {out}")


def listen(asked: list[str]) -> None:
    for line in sys.stdin:
        asked[0] = line.strip() or asked[0]


def say(picture, text: str) -> None:
    for colour, width in ((0, 0, 0), 3), ((255, 255, 255), 1):
        cv2.putText(picture, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, width, cv2.LINE_AA)


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"camera: {error}")
