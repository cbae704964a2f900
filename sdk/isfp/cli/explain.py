"""`isfp explain`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from isfp.cli.extras import ExtraMissingError, asking_for
from isfp.cli.options import BundleArgument, JsonOption, PhraseOption, RuntimeOption, ThreadsOption
from isfp.cli.output import print_json

if TYPE_CHECKING:
    import numpy as np

    from isfp.segmenter import Segmenter


def explain(
    bundle: BundleArgument,
    image: Annotated[Path, typer.Option(help="Image to look at.")],
    phrase: PhraseOption,
    out: Annotated[Path, typer.Option(help="Folder to write the pictures to.")],
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw what the network sees: masks, identifying maps, the mask of every cell, and the effect of each word.

    To see the worst failures on labelled data, use: isfp sheet MODEL --worst
    """
    from isfp import pictures
    from isfp.draw.results import sheet
    from isfp.explain.channels import channel_masks
    from isfp.explain.drawing import channels_sheet, phrases_sheet, words_sheet
    from isfp.explain.words import word_effects
    from isfp.files.atomic_file import refuse_input
    from isfp.segmenter import Segmenter

    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    names = ["phrases.png", "maps.png", "words.png", *(f"channels-{number}.png" for number in range(1, len(phrase) + 1))]
    for name in names:
        refuse_input(out / name, image)
    frame = pictures.read(image)
    with Segmenter(bundle, runtime=runtime, threads=threads) as segmenter:
        view = segmenter.look(frame)
        results = view.find(phrase)
        pictures.write(out / "phrases.png", phrases_sheet(frame, results))
        pictures.write(out / "maps.png", sheet(frame, results, segmenter.framing, segmenter.threshold))
        for number, result in enumerate(results, start=1):
            with messages.status(f"Computing the mask of every cell, phrase {number} of {len(results)}"):
                masks = channel_masks(view, result.text)
            pictures.write(out / f"channels-{number}.png", channels_sheet(frame, masks, result))
        attention = _attention(segmenter, phrase, messages)
        effects = [word_effects(view, text, weights) for text, weights in zip(phrase, attention, strict=True)]
    pictures.write(out / "words.png", words_sheet(list(zip(results, effects, strict=True))))
    messages.print(f"Wrote phrases.png, maps.png, words.png and a channels-N.png for each phrase to {out}")
    if as_json:
        answers = [
            {**result.to_json(), "words": [asdict(effect) for effect in words]}
            for result, words in zip(results, effects, strict=True)
        ]
        print_json({"image": str(image), "bundle": str(bundle), "results": answers})


def _attention(segmenter: Segmenter, phrases: list[str], messages: Console) -> list[np.ndarray | None]:
    """Return each phrase's word attention, or None for each, with a message that says why it is unavailable."""
    from isfp.explain.words import AttentionError, WordAttentionReader

    try:
        with asking_for("explain", "explain"):
            read = WordAttentionReader(segmenter.bundle)
        return [read(phrase) for phrase in phrases]
    except (AttentionError, ExtraMissingError) as error:
        messages.print(f"Word attention is left out: {error}", markup=False)
        return [None] * len(phrases)
