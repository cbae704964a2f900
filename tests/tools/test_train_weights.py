from pathlib import Path

import pytest

from isfp_train.run.config import TrainConfig
from train_weights import RECIPE, ROOT, main

CONFIGS = {run.name: TrainConfig.load(ROOT / "configs" / f"{run.name}.yaml") for run in RECIPE}


def test_every_published_run_of_the_light_size_is_in_the_recipe_once():
    published = {path.stem for path in (ROOT / "configs").glob("edge*.yaml")}
    assert sorted(run.name for run in RECIPE) == sorted(published)


def test_every_configuration_has_the_name_of_its_file():
    assert {name: config.name for name, config in CONFIGS.items()} == {name: name for name in CONFIGS}


def test_runs_that_share_scenes_ask_for_the_same_scenes():
    asked = {}
    for run in RECIPE:
        config = CONFIGS[run.name]
        maps = config.network.backbone if config.optimisation.stores_maps else None
        scenes = (config.scene_seed, config.network.image_size, maps, config.data.scenes, config.data.shares)
        assert asked.setdefault(run.scenes, scenes) == scenes, run.name


def test_a_mean_is_made_with_an_earlier_run():
    names = [run.name for run in RECIPE]
    for place, run in enumerate(RECIPE):
        assert run.mean_with is None or run.mean_with in names[:place]


def test_a_missing_data_folder_is_named(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"no folder .*DATA"):
        main(tmp_path / "DATA")
