"""A cache of phrase vectors that drops the least recently used: the text stage runs once a phrase, not once a frame."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isfp.errors import RuntimeFailedError
from isfp.steps.phrase import EncodedPhrase
from isfp.steps.values import check_finite


@dataclass
class CacheCounts:
    """Statistics of the cache: phrases found in it, phrases that ran the text stage, phrases in it now."""

    hits: int = 0
    misses: int = 0
    held: int = 0


class PhraseCache:
    """Keeps the vectors F_t W_t (Eq. 1) of the most recently used phrases."""

    def __init__(self, text: Callable[..., Mapping[str, Any]], capacity: int) -> None:
        """Take the text stage, and the number of vectors to keep."""
        self.counts = CacheCounts()
        self._text = text
        self._capacity = capacity
        self._vectors: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def vectors(self, phrases: Sequence[EncodedPhrase]) -> np.ndarray:
        """Return the phrases' vectors, float32 `[P,C]`; the text stage runs once for all new ones.

        Raises:
            RuntimeFailedError: the text stage failed or returned numbers that are not finite; no vector of it is kept.
        """
        keys = [phrase.key for phrase in phrases]
        new = {key: phrase for key, phrase in zip(keys, phrases, strict=True) if key not in self._vectors}
        if new:
            words = np.stack([phrase.ids for phrase in new.values()])
            lengths = np.array([phrase.length for phrase in new.values()], np.int32)
            rows = check_finite("text", "phrases", np.asarray(self._text(words=words, lengths=lengths)["phrases"]))
            if len(rows) != len(new):
                raise RuntimeFailedError(
                    f"The stage 'text' returned {len(rows)} vectors for {len(new)} phrases; expected one for each."
                )
            # Nothing is kept before everything is checked.
            self._vectors.update((key, row.copy()) for key, row in zip(new, rows, strict=True))
        self.counts.misses += len(new)
        self.counts.hits += len(phrases) - len(new)
        result = np.array([self._vectors[key] for key in keys])
        for key in keys:
            self._vectors.move_to_end(key)
        while len(self._vectors) > self._capacity:
            self._vectors.popitem(last=False)
        self.counts.held = len(self._vectors)
        return result
