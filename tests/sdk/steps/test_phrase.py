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
    with pytest.raises(BundleCorruptError, match=r"^words\.txt is not UTF-8"):
        Vocabulary.parse(b"<pad>\n<unknown>\n\xff\n")
    with pytest.raises(BundleCorruptError, match=r"^edge\.isfp/words\.txt is not UTF-8"):
        Vocabulary.parse(b"\xff", source="edge.isfp/words.txt")


def test_an_unsound_vocabulary_names_the_word_and_its_line():
    with pytest.raises(BundleCorruptError, match="lists the word 'mug' twice"):
        Vocabulary(["<pad>", "<unknown>", "red", "mug", "left", "mug", "left"])
    with pytest.raises(BundleCorruptError, match="line 4 is 'Mug'"):
        Vocabulary(["<pad>", "<unknown>", "red", "Mug"])


def test_a_vocabulary_of_plain_words_is_sorted_and_says_what_it_has():
    vocabulary = Vocabulary.from_words(["red", "mug", "red"])
    assert vocabulary.words == ("<pad>", "<unknown>", "mug", "red")
    assert len(vocabulary) == 4
    assert "red" in vocabulary
    assert "blue" not in vocabulary
    assert Vocabulary.parse(b"<pad>\n<unknown>\nmug").words == Vocabulary.parse(b"<pad>\n<unknown>\nmug\n").words


def test_bytes_are_refused_with_the_way_to_text():
    with pytest.raises(PhraseError, match=r"is of the type bytes; expected text \(str\)\. Decode it first"):
        VOCABULARY.encode(b"red", 6)
    with pytest.raises(PhraseError, match=r"is of the type int; expected text \(str\)\.$"):
        VOCABULARY.encode(1, 6)


def test_a_long_phrase_without_words_is_shown_by_its_beginning():
    with pytest.raises(PhraseError, match=r"^The phrase '!{59}\.\.\.' has no words"):
        VOCABULARY.encode("!" * 1000, 6)
    with pytest.raises(PhraseError, match="^The phrase '!{58}' has no words"):
        VOCABULARY.encode("!" * 58, 6)


def test_phrases_of_the_same_words_are_the_same_for_the_network():
    one, other = (VOCABULARY.encode(text, 6) for text in ("The RED mug!", "the red mug"))
    assert one.key == other.key
    assert one.key != VOCABULARY.encode("the red", 6).key
    assert one.ids.dtype == np.int32
    assert one.names_object
    assert not VOCABULARY.encode("the red", 6).names_object


def test_words_that_look_mistyped_get_a_suggestion_and_others_none():
    encoded = VOCABULARY.encode("the lfet zebra", 6)
    assert (encoded.unknown, encoded.suggestions) == (("lfet", "zebra"), {"lfet": "left"})


def test_an_unknown_word_is_searched_for_once_and_few_are_remembered(monkeypatch):
    searched = []

    def near_word(word, ids):
        searched.append(word)

    monkeypatch.setattr("isfp.steps.phrase.near_word", near_word)
    vocabulary = Vocabulary.from_words(["mug"])
    for _ in range(3):
        vocabulary.encode("zebra", 6)
        vocabulary.encode("gnu", 6)
    assert searched == ["zebra", "gnu"]
    vocabulary.encode(" ".join(f"w{number}" for number in range(998)), 998)
    vocabulary.encode("zebra", 6)
    assert searched.count("zebra") == 1
    vocabulary.encode("w998", 6)  # the first of the second thousand
    vocabulary.encode("zebra", 6)
    assert searched.count("zebra") == 2
