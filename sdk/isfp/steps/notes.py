"""What a person should know about a phrase and its result, in words: the same wherever a result is shown or logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from isfp.steps.phrase import EncodedPhrase
from isfp.steps.verdict import NotFoundReason, why_refused

if TYPE_CHECKING:
    from isfp.steps.result import Segmentation

_MOST_WORDS = 8  # words that one note lists


def phrase_notes(phrase: EncodedPhrase, noun_required: bool = True) -> list[str]:
    """Return notes about a phrase: why it finds nothing in any frame, unknown words, with suggestions, and those that were cut."""
    reason = why_refused(phrase, True, noun_required)
    return [*([reason.sentence] if reason else []), *_word_notes(phrase.unknown, phrase.cut, phrase.suggestions)]


def result_notes(result: Segmentation) -> list[str]:
    """Return notes about a result: why it was not found, its words, and doubts. The score says by itself if it is too low."""
    notes = []
    if result.reason and result.reason is not NotFoundReason.BELOW_THRESHOLD:
        notes.append(result.reason.sentence)
    notes += _word_notes(result.unknown_words, result.cut_words, result.suggestions)
    if result.ambiguous:
        count = len(result.rivals)
        notes.append(f"ambiguous: {count} other {'object scores' if count == 1 else 'objects score'} about as high")
    if result.pieces > 1:
        notes.append(f"mask in {result.pieces} pieces, only the one at the best cell is kept")
    return notes


def _word_notes(unknown: Sequence[str], cut: Sequence[str], suggestions: Mapping[str, str]) -> list[str]:
    notes = []
    if unknown:
        words = [f"{word} (did you mean {suggestions[word]}?)" if word in suggestions else word for word in unknown]
        notes.append(f"unknown words: {_listed(words)}")
    if cut:
        notes.append(f"phrase too long, words not read: {_listed(cut)}")
    return notes


def _listed(words: Sequence[str]) -> str:
    words = list(dict.fromkeys(words))
    more = len(words) - _MOST_WORDS
    return ", ".join(words[:_MOST_WORDS]) + (f" and {more} more" if more > 0 else "")
