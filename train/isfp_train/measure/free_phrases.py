"""A second development test: phrases about generated scenes, written by people who did not know the generator's wordings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from isfp_train.data.scene import Expression, SceneSource
from isfp_train.errors import ConfigurationError
from isfp_train.measure.evaluation import SceneQuestion

FILE = Path(__file__).with_name("free_phrases.jsonl")


def read_free() -> list[dict[str, Any]]:
    """Read the scenes' numbers, their objects and the phrases about them."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def free_questions(source: SceneSource, scenes: Sequence[dict[str, Any]]) -> Iterator[SceneQuestion]:
    """The scenes with their phrases. Most distinguish similar objects; a quarter describes absent ones.

    Args:
        source: composed scenes of the held-out split.
        scenes: all or some of those that `read_free` returns.

    Raises:
        ConfigurationError: a scene has other objects than those that the phrases describe: the generator or its data differ.
    """
    for number, asked in enumerate(scenes):
        scene = source.scene(asked["scene"])
        shown = [obj.names[0] for obj in scene.objects]
        if shown != asked["objects"]:
            raise ConfigurationError(
                f"Scene {asked['scene']} shows {shown}; {FILE.name} was written about {asked['objects']}. The generator or its "
                "sprites, photos or backgrounds have changed, so these phrases no longer fit."
            )
        phrases = [Expression(phrase["text"], phrase["object"], phrase["kind"]) for phrase in asked["phrases"]]
        yield SceneQuestion(scene, phrases, number)
