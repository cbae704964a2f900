import json
import sys

import cv2
import numpy as np
import pytest

from isfp import PhraseError, Segmenter
from isfp.bundle.bundle import Bundle
from isfp.cli import main as cli
from isfp.explain.channels import channel_masks
from isfp.explain.words import AttentionError, WordAttentionReader, word_effects
from tests.sdk.colour_bundle import GRID, picture

FRAME = picture(("red", (0, 80, 160, 240)), ("blue", (320, 240, 480, 400)), size=(480, 640))


@pytest.fixture
def segmenter(colour_bundle):
    with Segmenter(colour_bundle) as segmenter:
        yield segmenter


def test_every_cell_has_a_mask_and_the_chosen_one_is_that_of_the_result(segmenter):
    masks = channel_masks(segmenter.look(FRAME), "red", width=64)
    result = segmenter.run(FRAME, "red")
    assert masks.shape == (GRID, GRID, 48, 64)
    assert masks.min() >= 0
    assert masks.max() <= 1
    chosen = masks[result.cell] > 0.5
    expected = cv2.resize(result.mask.astype(np.uint8), (64, 48), interpolation=cv2.INTER_AREA) > 0
    assert (chosen != expected).mean() < 0.02
    assert masks[GRID - 1, GRID - 1].max() < 0.5  # nothing red lies within reach of the last cell


@pytest.mark.parametrize("size", [(96, 128), (128, 96), (5, 200)])
def test_masks_keep_the_frames_shape(segmenter, size):
    frame = np.full((*size, 3), 90, np.uint8)
    assert channel_masks(segmenter.look(frame), "red", width=40).shape[2:] == (max(1, round(40 * size[0] / size[1])), 40)


def test_the_word_that_decides_loses_the_whole_score_and_the_others_nothing(segmenter):
    effects = {effect.word: effect for effect in word_effects(segmenter.look(FRAME), "the red zyzzyva")}
    assert list(effects) == ["the", "red", "zyzzyva"]
    assert effects["red"].loss == pytest.approx(segmenter.run(FRAME, "red").score - 1 / (1 + np.exp(6)), abs=1e-4)
    assert effects["the"].loss == pytest.approx(0, abs=1e-6)
    assert not effects["the"].moves
    assert [effect.known for effect in effects.values()] == [True, True, False]
    assert effects["red"].attention is None


def test_a_word_that_leads_elsewhere_is_said_to_move_the_answer(segmenter):
    two = picture(("red", (0, 80, 160, 240)), ("green", (330, 250, 470, 390)), size=(480, 640))
    effects = word_effects(segmenter.look(two), "red green")
    assert [effect.moves for effect in effects] == [True, False]


def test_of_one_word_nothing_can_be_left_out(segmenter):
    assert word_effects(segmenter.look(FRAME), "red") == []


def test_words_past_the_limit_are_not_asked(segmenter):
    assert len(word_effects(segmenter.look(FRAME), "the red thing " * 4)) == segmenter.bundle.manifest.max_words


def test_a_phrase_without_words_is_refused(segmenter):
    for ask in (channel_masks, word_effects):
        with pytest.raises(PhraseError, match="no words"):
            ask(segmenter.look(FRAME), "!")


def test_a_text_stage_without_attention_says_so(colour_bundle):
    pytest.importorskip("onnx", reason='needs pip install "isfp[explain]"')
    with pytest.raises(AttentionError, match="0 softmax nodes; expected one"):
        WordAttentionReader(Bundle.open(colour_bundle))


@pytest.fixture
def explain(monkeypatch, capsys, colour_bundle, tmp_path):
    image = tmp_path / "scene.png"
    cv2.imwrite(str(image), FRAME)

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["isfp", "explain", str(colour_bundle), "--image", str(image), "--out", str(tmp_path / "out"), *arguments]
        )
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err, tmp_path / "out"

    return run


def test_the_command_draws_masks_maps_cells_and_words(explain):
    code, printed, messages, out = explain("--phrase", "the red thing", "--phrase", "green", "--json")
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "channels-1.png",
        "channels-2.png",
        "maps.png",
        "phrases.png",
        "words.png",
    ]
    red, green = json.loads(printed)["results"]
    assert [word["word"] for word in red["words"]] == ["the", "red", "thing"]
    assert red["words"][1]["loss"] > 0.9
    assert (green["found"], green["words"]) == (False, [])
    assert "Word attention is left out" in messages
    sheet = cv2.imread(str(out / "channels-1.png"))
    assert (np.abs(sheet.astype(int) - [90, 190, 255]).max(axis=2) < 20).sum() > 500  # bright where a cell's mask is


def test_the_command_works_without_its_extra_and_says_what_is_missing(explain, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, _, messages, out = explain("--phrase", "the red thing")
    assert code == 0
    assert "Word attention is left out: isfp explain needs the module" in messages
    assert 'pip install "isfp[explain]"' in messages
    assert (out / "words.png").is_file()
