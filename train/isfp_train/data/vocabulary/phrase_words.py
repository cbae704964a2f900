"""All words of generated phrases, so that no vocabulary lacks one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isfp.steps.phrase import split_words
from isfp_train.data.phrases import clothes, wording
from isfp_train.data.phrases.worn import CALLED
from isfp_train.data.sprites.colours import COLOURS
from isfp_train.data.sprites.names import names_of

_FIELD = re.compile(r"\{[^}]*\}")


def phrase_words() -> set[str]:
    """Words of all names, their plurals, all patterns (including held-out ones, which are never trained on) and colours."""
    names = {*names_of("any"), *(word for words in CALLED.values() for word in words)}
    texts = [*names, *(wording.plural(name) for name in names), *COLOURS]
    texts += _texts([value for module in (wording, clothes) for name, value in vars(module).items() if name.isupper()])
    return {word for text in texts for word in split_words(_FIELD.sub(" ", text))}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *_texts(inner))
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)
