"""Rendered training scenes: what they contain, and that an interrupted run ends with the same folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from isfp_train.data.scenes.annotated import made_of
from isfp_train.data.scenes.sources import photo_sets
from isfp_train.data.sprites.coco import Coco
from isfp_train.data.sprites.names import COCO_NAMES
from isfp_train.data.sprites.photo_names import PHOTO_NAMES
from scans import KINDS, TRIANGLES, find_scans, prepare
from tests.paths import ROOT

CUBE = """v -1 -1 -1\nv 1 -1 -1\nv 1 1 -1\nv -1 1 -1\nv -1 -1 1\nv 1 -1 1\nv 1 1 1\nv -1 1 1
vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1
f 4/1 3/2 2/3 1/4\nf 5/1 6/2 7/3 8/4\nf 1/1 2/2 6/3 5/4\nf 2/1 3/2 7/3 6/4\nf 3/1 4/2 8/3 7/4\nf 4/1 1/2 5/3 8/4
"""


def cube(folder: Path, half: float, colour: tuple[int, int, int]) -> None:
    """A cube of one colour as a scan; `half` is half its edge in metres."""
    folder.mkdir(parents=True)
    lines = [
        f"v {' '.join(str(float(n) * half) for n in line.split()[1:])}" if line.startswith("v ") else line
        for line in CUBE.splitlines()
    ]
    (folder / "textured.obj").write_text("\n".join(lines))
    cv2.imwrite(str(folder / "texture_map.png"), np.full((16, 16, 3), colour[::-1], np.uint8))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    cube(folder / "soap", 0.03, (200, 20, 20))
    cube(folder / "poker_1", 0.04, (20, 40, 200))
    cube(folder / "not_known", 0.04, (20, 40, 200))
    return folder


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tools" / "render_scenes.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def rendered(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pybullet", reason="pybullet is not installed: pip install pybullet")
    out = tmp_path_factory.mktemp("data") / "rendered"
    done = run(scans, out, "--count", 3, "--seed", 1)
    assert done.returncode == 0, done.stderr
    return out


def test_every_kind_of_scan_has_names() -> None:
    assert set(KINDS.values()) <= {*COCO_NAMES, *PHOTO_NAMES}


def test_scans_of_unknown_kinds_are_left_out(scans: Path) -> None:
    assert [(scan.name, scan.kind) for scan in find_scans(scans)] == [("poker_1", "box of cards"), ("soap", "soap")]


def test_a_fine_mesh_is_simplified_and_keeps_its_size(tmp_path: Path) -> None:
    side = 120
    rows, columns = np.mgrid[: side + 1, : side + 1].reshape(2, -1) / side * 0.1
    corner = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).reshape(-1, 1) + 1
    faces = np.vstack([corner + np.array(offsets) for offsets in ((0, 1, side + 2), (0, side + 2, side + 1))])
    (tmp_path / "soap").mkdir()
    with (tmp_path / "soap" / "textured.obj").open("w") as file:
        np.savetxt(file, np.stack([columns, rows, 0 * rows], 1), "v %.5f %.5f %.5f")
        np.savetxt(file, np.stack([columns, rows], 1), "vt %.5f %.5f")
        np.savetxt(file, np.repeat(faces, 2, 1), "f %d/%d %d/%d %d/%d")
    cv2.imwrite(str(tmp_path / "soap" / "map.png"), np.zeros((8, 8, 3), np.uint8))
    mesh = prepare(find_scans(tmp_path)[0], tmp_path)
    lines = mesh.path.read_text().splitlines()
    points = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    assert 0.3 * TRIANGLES < sum(line.startswith("f ") for line in lines) < 1.5 * TRIANGLES
    assert np.allclose(np.ptp(points, axis=0), (0.1, 0.1, 0), atol=0.004)
    assert np.allclose(mesh.size, (0.1, 0.1, 0))


def test_scenes_have_disjoint_masks_of_objects_that_can_be_seen(rendered: Path) -> None:
    coco = Coco(rendered)
    assert len(coco.images) == 3
    for image_id, group in coco.annotations.items():
        masks = [coco.mask(annotation) for annotation in group]
        assert np.sum(masks, axis=0).max() == 1
        assert coco.photo(image_id).shape[:2] == masks[0].shape
        objects = [annotation for annotation in group if not annotation["iscrowd"]]
        assert 2 <= len(objects) <= 9
        assert all(annotation["visible"] >= 0.35 for annotation in objects)
        for annotation, mask in zip(group, masks, strict=True):
            ys, xs = np.nonzero(mask)
            assert annotation["area"] == mask.sum()
            assert annotation["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]


def test_the_mask_of_a_blue_cube_covers_blue_pixels(rendered: Path) -> None:
    coco, shares = Coco(rendered), []
    for image_id, group in coco.annotations.items():
        for annotation in group:
            if coco.categories[annotation["category_id"]] == "box of cards":
                pixels = coco.photo(image_id)[coco.mask(annotation)].astype(int)
                shares.append(float((pixels[:, 2] > pixels[:, 0]).mean()))
    assert shares
    assert min(shares) > 0.9


def test_tables_and_bins_are_crowds(rendered: Path) -> None:
    coco = Coco(rendered)
    crowds = {coco.categories[a["category_id"]] for group in coco.annotations.values() for a in group if a["iscrowd"]}
    assert crowds
    assert crowds <= {"dining table", "bin"}


def test_an_interrupted_run_ends_with_the_same_folder(rendered: Path, scans: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(rendered, again)
    (again / "records" / "000001.json").unlink()
    (again / "images" / "000001.jpg").write_bytes(b"half")
    (again / "instances.json").unlink()
    done = run(scans, again, "--count", 3, "--seed", 1)
    assert done.returncode == 0, done.stderr
    for name in ("instances.json", "images/000000.jpg", "images/000001.jpg", "images/000002.jpg"):
        assert (again / name).read_bytes() == (rendered / name).read_bytes()


def test_another_seed_is_refused_for_a_folder_in_use(rendered: Path, scans: Path) -> None:
    done = run(scans, rendered, "--count", 3, "--seed", 2)
    assert done.returncode == 1
    assert "was rendered with other settings" in done.stderr


def test_scans_that_are_held_out_do_not_occur(rendered: Path, scans: Path, tmp_path: Path) -> None:
    done = run(scans, tmp_path, "--count", 1, "--objects-held-out", "soap")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "instances.json").read_text())["annotations"]
    assert {annotation.get("scan") for annotation in found} <= {"poker_1", None}


def test_training_reads_the_folder_with_all_phrases(rendered: Path) -> None:
    coco_train = rendered.parent / "coco_train"
    shutil.copytree(rendered, coco_train)
    (coco_train / "human_refs.json").write_text("[]")
    names = {photos.name: photos.made for split in ("train", "held_out") for photos in photo_sets(rendered.parent, split)}
    assert names["rendered"] == made_of("rendered") == "all"
