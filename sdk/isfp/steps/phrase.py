"""Phrase to word ids: training and SDK share one function, so that both read a phrase in the same way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from isfp.errors import BundleCorruptError, PhraseError
from isfp.steps.arguments import shortened
from isfp.steps.spelling import near_word
from isfp.steps.word_kinds import describes_object, names_object

PAD, UNKNOWN = "<pad>", "<unknown>"
PAD_ID, UNKNOWN_ID = 0, 1
_REMEMBERED = 1000  # unknown words for which the near word is kept, so that a phrase costs no search on every frame

_POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b")
_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> list[str]:
    """Split a phrase into words: NFKC, lower case, `'s` removed, split at everything except letters and digits.

    Returns:
        The words in order, possibly none: `"The dog's RED bowl, left."` gives `["the", "dog", "red", "bowl", "left"]`.

    Raises:
        PhraseError: `text` is not a `str`.
    """
    if not isinstance(text, str):
        hint = ""
        if isinstance(text, bytes | bytearray):
            hint = " Decode it first: phrase.decode('utf-8')."
        elif isinstance(text, Iterable):
            hint = " Give several phrases as a list: list(phrases)."
        raise PhraseError(f"The phrase is of the type {type(text).__name__}; expected text (str).{hint}")
    plain = unicodedata.normalize("NFKC", text).lower()
    return _WORD.findall(_POSSESSIVE.sub("", plain))


@dataclass(frozen=True, eq=False)
class EncodedPhrase:
    """A phrase as the text stage reads it.

    Attributes:
        text: the phrase as it was given.
        ids: word ids, int32 `[L]`, padded with zeros.
        length: how many of them are words, 1 to L.
        unknown: the words that the vocabulary lacks, in order; they became `<unknown>`.
        cut: the words after the L-th, which the network does not read.
        suggestions: unknown word -> the known word that was probably meant, for those that look mistyped.
        names_object: whether a known word can name an object; "the", "red", "two" and "left" cannot.
        describes_object: whether every word is known and one tells an object from others: "in red", "second from the left".
    """

    text: str
    ids: np.ndarray
    length: int
    unknown: tuple[str, ...]
    cut: tuple[str, ...]
    suggestions: dict[str, str]
    names_object: bool
    describes_object: bool

    @cached_property
    def key(self) -> bytes:
        """Identifies the phrase for the network: two phrases with the same key get the same answer."""
        return self.ids.tobytes()


class Vocabulary:
    """The words that a network knows; a word's id is its line in `words.txt`."""

    def __init__(self, words: Sequence[str]) -> None:
        """Take the words in the order of their ids, `<pad>` and `<unknown>` first.

        Raises:
            BundleCorruptError: the first two are different, a word is listed twice, or an entry is not a word.
        """
        if tuple(words[:2]) != (PAD, UNKNOWN):
            raise BundleCorruptError(
                f"The vocabulary starts with {' and '.join(map(_shown, words[:2]))}; expected {PAD!r} and {UNKNOWN!r}. "
                "Write words.txt with Vocabulary.save, or export the bundle again."
            )
        self.words = tuple(words)
        self._ids = {word: index for index, word in enumerate(self.words)}
        self._near: dict[str, str | None] = {}  # unknown words met before
        if len(self._ids) != len(self.words):
            seen: set[str] = set()
            twice = next(word for word in self.words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
            raise BundleCorruptError(f"The vocabulary lists the word {_shown(twice)} twice; expected each word once.")
        for line, word in enumerate(self.words[2:], start=3):
            if split_words(word) != [word]:
                raise BundleCorruptError(
                    f"The vocabulary's line {line} is {_shown(word)}; expected one word as isfp.steps.phrase.split_words gives it."
                )

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Vocabulary:
        """Build a vocabulary from plain words: the two special words, then the others, sorted and without duplicates."""
        return cls([PAD, UNKNOWN, *sorted(set(words))])

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read `words.txt`: UTF-8, one word a line."""
        return cls.parse(Path(path).read_bytes(), source=str(path))

    @classmethod
    def parse(cls, content: bytes, source: str = "words.txt") -> Vocabulary:
        """Read the content of a `words.txt`; `source` names it in errors."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BundleCorruptError(f"{source} is not UTF-8 text ({error}); expected one word a line.") from error
        try:
            return cls(text.removesuffix("\n").split("\n"))
        except BundleCorruptError as error:
            raise BundleCorruptError(f"{source}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write `words.txt`, the same bytes on every system."""
        Path(path).write_bytes(("\n".join(self.words) + "\n").encode("utf-8"))

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def encode(self, text: str, max_words: int) -> EncodedPhrase:
        """Turn a phrase into the text stage's input.

        Args:
            text: the phrase.
            max_words: L, the number of words that the network reads; the rest are cut and reported.

        Raises:
            PhraseError: `text` is not a `str`, or has no words.
        """
        words = split_words(text)
        if not words:
            raise PhraseError(f"The phrase {_shown(text)} has no words; expected at least one, as in 'the red mug'.")
        read, cut = words[:max_words], words[max_words:]
        ids = np.zeros(max_words, np.int32)
        ids[: len(read)] = [self._ids.get(word, UNKNOWN_ID) for word in read]
        known = [word in self._ids for word in read]
        unknown = tuple(word for word, is_known in zip(read, known, strict=True) if not is_known)
        suggestions = {word: near for word in unknown if (near := self._suggest(word))}
        kinds = names_object(read, known), describes_object(read, known)
        return EncodedPhrase(text, ids, len(read), unknown, tuple(cut), suggestions, *kinds)

    def _suggest(self, word: str) -> str | None:
        if word not in self._near:
            if len(self._near) >= _REMEMBERED:
                self._near.clear()
            self._near[word] = near_word(word, self._ids)
        return self._near[word]


def _shown(text: str) -> str:
    return shortened(ascii(text), 60, "...'")
