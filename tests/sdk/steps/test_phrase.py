import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isfp.errors import BundleCorruptError, PhraseError
from isfp.steps.phrase import UNKNOWN_ID, Vocabulary, split_words

VOCABULARY = Vocabulary.from_words(["red", "mug", "left", "the"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the red mug", ["the", "red", "mug"]),
        ("The RED Mug!", ["the", "red", "mug"]),
        ("the dog's bowl", ["the", "dog", "bowl"]),
        ("the dog’s bowl", ["the", "dog", "bowl"]),
        ("left-most, red_mug", ["left", "most", "red", "mug"]),
        ("ｒｅｄ ﬁg", ["red", "fig"]),
        ("2nd from the left", ["2nd", "from", "the", "left"]),
        ("cafe\u0301", ["café"]),
        ("don't", ["don", "t"]),
        ("  \t\n", []),
        ("😀 🍎", []),
        ("", []),
    ],
)
def test_words_are_split_as_the_contract_says(text, words):
    assert split_words(text) == words


@pytest.mark.parametrize("text", [None, b"red mug", 3, ["red"]])
def test_what_is_no_text_is_refused_by_type(text):
    with pytest.raises(PhraseError, match=type(text).__name__):
        split_words(text)


@pytest.mark.parametrize("text", ["", "   ", "!!!", "😀", "\x00", "\ud800"])
def test_a_phrase_without_words_is_refused(text):
    with pytest.raises(PhraseError, match="no word"):
        VOCABULARY.encode(text, 5)


def test_ids_are_line_numbers_padded_with_zeros():
    encoded = VOCABULARY.encode("the red mug", 5)
    assert [VOCABULARY.words[i] for i in encoded.ids] == ["the", "red", "mug", "<pad>", "<pad>"]
    assert (encoded.ids.dtype, encoded.length, encoded.unknown, encoded.cut) == (np.int32, 3, (), ())


def test_unknown_and_cut_words_are_reported():
    encoded = VOCABULARY.encode("the blorp mug left zap", 3)
    assert encoded.ids[1] == UNKNOWN_ID
    assert (encoded.length, encoded.unknown, encoded.cut) == (3, ("blorp",), ("left", "zap"))


def test_ten_thousand_words_are_cut_to_the_limit():
    encoded = VOCABULARY.encode("mug " * 10_000, 20)
    assert (encoded.length, len(encoded.cut)) == (20, 9_980)


def test_the_words_of_the_special_entries_mean_nothing_special():
    assert VOCABULARY.encode("<pad>", 3).unknown == ("pad",)


@given(st.text(max_size=200))
def test_any_text_gives_plain_words_that_split_into_themselves(text):
    words = split_words(text)
    assert all(split_words(word) == [word] for word in words)
    assert split_words(" ".join(words)) == words


@given(st.text(max_size=200), st.integers(1, 30))
def test_any_text_is_encoded_or_refused(text, limit):
    try:
        encoded = VOCABULARY.encode(text, limit)
    except PhraseError:
        assert not split_words(text)
        return
    assert encoded.ids.shape == (limit,)
    assert 1 <= encoded.length <= limit
    assert (encoded.ids[: encoded.length] > 0).all()
    assert not encoded.ids[encoded.length :].any()
    assert encoded.length + len(encoded.cut) == len(split_words(text))


def test_a_vocabulary_comes_back_from_its_file_as_it_was(tmp_path):
    VOCABULARY.save(tmp_path / "words.txt")
    assert Vocabulary.load(tmp_path / "words.txt").words == VOCABULARY.words
    assert (tmp_path / "words.txt").read_bytes().startswith(b"<pad>\n<unknown>\nleft\n")


@pytest.mark.parametrize(
    "words", [[], ["red"], ["<unknown>", "<pad>"], ["<pad>", "<unknown>", "a", "a"], ["<pad>", "<unknown>", "Red"]]
)
def test_an_unsound_vocabulary_is_refused(words):
    with pytest.raises(BundleCorruptError, match="expected"):
        Vocabulary(words)


def test_a_vocabulary_that_is_not_utf8_is_refused():
    with pytest.raises(BundleCorruptError, match="UTF-8"):
        Vocabulary.parse(b"<pad>\n<unknown>\n\xff\n")
