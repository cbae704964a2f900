"""The word that a person meant who mistyped one: a word of the vocabulary that is one slip of the finger away.

Four out of five misspelt words have exactly one slip (Damerau 1964): two letters swapped, or one too many, too few or wrong. Words
that take more are not guessed at, and neither are slips that people seldom make, because most unknown words are typed as they were
meant: "kettle" is no slip for "settle", nor "skirt" for "shirt".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

#: Fewest letters of a word in which letters may be swapped or doubled, and in which one may be missing, too many, or wrong.
SHORTEST, SHORTEST_OTHER = 3, 5
#: Longest word that is looked at, so that an absurd one costs nothing.
LONGEST = 40
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = "aeiouy"


def _confused() -> dict[str, str]:
    """Letter -> those that are typed in its place: its neighbours on the keyboard, and for a vowel the other vowels."""
    beside = {row[at]: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _KEYS for at in range(len(row))}
    return {letter: beside[letter] + (_VOWELS if letter in _VOWELS else "") for letter in _LETTERS}


_CONFUSED = _confused()


def near_word(word: str, ids: Mapping[str, int]) -> str | None:
    """Return the vocabulary's word that was probably meant by an unknown one, or None.

    The likelier kind of slip comes first; of equals, the word with the lower id, which is the more frequent one if the vocabulary
    is sorted by frequency.

    Args:
        word: the unknown word, as `split_words` gives it.
        ids: the vocabulary: word -> id.
    """
    if not word.isalpha() or not SHORTEST <= len(word) <= LONGEST:
        return None
    kinds = [_swapped, _doubled]
    if len(word) >= SHORTEST_OTHER:
        kinds += [_missing, _extra, _wrong]
    for kind in kinds:
        near = [other for other in kind(word) if other in ids]
        if near:
            return min(near, key=ids.__getitem__)
    return None


def _swapped(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))


def _doubled(word: str) -> Iterator[str]:
    """A double letter typed once, or a single one typed twice."""
    for at, letter in enumerate(word):
        yield word[:at] + letter + word[at:]
        if len(word) > SHORTEST and word[at + 1 : at + 2] == letter:
            yield word[:at] + word[at + 1 :]


# The first letter is seldom wrong, so the slips below leave it as it is.
def _missing(word: str) -> Iterator[str]:
    return (word[:at] + letter + word[at:] for at in range(1, len(word) + 1) for letter in _LETTERS)


def _extra(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(1, len(word)))


def _wrong(word: str) -> Iterator[str]:
    return (word[:at] + letter + word[at + 1 :] for at in range(1, len(word)) for letter in _CONFUSED.get(word[at], ""))
