"""The commands print what they measured, and answer wrong values with what they expect."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from isfp.errors import WriteError
from isfp.steps.phrase import Vocabulary
from isfp_train import cli
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.network import ISFP
from tests.train.photo_folder import file_names, row, write_photos
from tests.train.tiny import tiny

CUP, BOOK = ("cup", "red", (10, 20, 60, 70)), ("book", "blue", (90, 40, 150, 100))


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config, words = tiny(), list(Vocabulary.from_words(phrase_words()).words)
    state = {f"network.{name}": value for name, value in ISFP(config.network, len(words)).state_dict().items()}
    path = tmp_path_factory.mktemp("checkpoint") / "untrained.ckpt"
    torch.save({"isfp": {"config": config.to_dict(), "words": words, "trained_words": []}, "state_dict": state}, path)
    return path


def call(command: str, *arguments: object) -> Result:
    app = typer.Typer()
    app.command()(getattr(cli, command))
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_eval_prints_json_with_intervals(untrained: Path) -> None:
    result = call("evaluate", untrained, "--scenes", 4, "--json", "--oracle", "location")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["scenes"], content["oracle"], content["refinement"]) == (4, "location", True)
    assert content["report"]["all"]["cell"] == 100
    low, high = content["intervals"]["all"]["mIoU"]
    assert low <= content["report"]["all"]["mIoU"] <= high


def test_eval_prints_the_papers_rows_only_when_asked(untrained: Path) -> None:
    assert "65.19" not in call("evaluate", untrained, "--scenes", 1).output
    shown = call("evaluate", untrained, "--scenes", 1, "--paper").output
    for figure in ("Table I:", "65.19", "Table II:", "80.41", "Table III:", "46.39", "Table IV:", "65.67"):
        assert figure in shown


def test_eval_takes_a_threshold(untrained: Path) -> None:
    found = json.loads(call("evaluate", untrained, "--scenes", 3, "--threshold", 0.0, "--json").stdout)["report"]["all"]
    refused = json.loads(call("evaluate", untrained, "--scenes", 3, "--threshold", 1.0, "--json").stdout)["report"]["all"]
    assert refused["missed"] == 100
    assert found["missed"] < 100
    assert found["mIoU"] == refused["mIoU"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one photo for training and one held out, both with phrases that people wrote."""
    data = tmp_path_factory.mktemp("data")
    (train,), (held,) = file_names("train", 1), file_names("held_out", 1)
    write_photos(data / "coco_train", {train: [CUP], held: [CUP, BOOK]}, ["cup", "book"])
    human = [row(1, 10, "training cup"), row(2, 20, "red cup"), row(2, 21, "the book"), row(2, None, "a dog")]
    (data / "coco_train" / "human_refs.json").write_text(json.dumps(human))
    return data


def test_eval_asks_what_people_wrote_about_held_out_photos(untrained: Path, photos: Path) -> None:
    result = call("evaluate", untrained, "--data", photos, "--phrases", "human", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["scenes"], content["split"], content["phrases"]) == (1, "held_out", "human")
    counts = {name: values.get("count", values.get("absent count")) for name, values in content["report"].items()}
    assert counts["phrase: expression"] == 2
    assert counts["phrase: absent"] == 1
    assert set(content["losses"]["all"]) >= {"good mask", "refused", "rival"}
    train = call("evaluate", untrained, "--data", photos, "--phrases", "human", "--split", "train", "--json")
    assert json.loads(train.stdout)["report"]["all"]["count"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--phrases", "human"), "--data"),
        (("--phrases", "spoken"), "human"),
        (("--oracle", "cell"), "location"),
        (("--shares", "composed:1"), "composed=0.5"),
    ],
)
def test_wrong_values_are_answered_with_what_is_expected(untrained: Path, arguments: tuple[str, ...], expected: str) -> None:
    result = call("evaluate", untrained, *arguments)
    assert result.exit_code == 2
    assert expected in result.output


def test_eval_of_a_network_that_diverged_prints_json_without_nan(untrained: Path, tmp_path: Path) -> None:
    content = torch.load(untrained, weights_only=True)
    for weight in content["state_dict"].values():
        if weight.is_floating_point():
            weight.fill_(float("nan"))
    torch.save(content, tmp_path / "diverged.ckpt")
    result = call("evaluate", tmp_path / "diverged.ckpt", "--scenes", 2, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert found["report"]["all"]["missed"] == 100
    assert found["reliability"] == {}, "an answer without a score has no place among the scores"


def test_outputs_that_are_inputs_are_refused_before_the_work(untrained: Path, tmp_path: Path) -> None:
    model, config, earlier = tmp_path / "model.png", tmp_path / "c.yaml", tmp_path / "ablation.json"
    for path in (model, config, earlier):
        path.write_text("{}")
    for arguments in (("sheet", model, "--out", model), ("ablate", config, "--equal-time", earlier, "--out", tmp_path)):
        result = call(*arguments)
        assert isinstance(result.exception, WriteError)
        assert "is an input of this command" in str(result.exception)
    assert [path.read_text() for path in (model, config, earlier)] == ["{}"] * 3


def test_sheet_names_the_endings_before_the_work(untrained: Path, tmp_path: Path) -> None:
    result = call("sheet", untrained, "--out", tmp_path / "sheet.gif")
    assert isinstance(result.exception, WriteError)
    assert "expected .png or .jpg" in str(result.exception)


def test_sheet_writes_a_picture(untrained: Path, tmp_path: Path) -> None:
    for name, more in (("sheet.png", ()), ("worst.jpg", ("--worst", "--scenes", 3))):
        result = call("sheet", untrained, "--out", tmp_path / name, "--count", 2, *more)
        assert result.exit_code == 0, result.output
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.shape[1] > picture.shape[0]
