import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfp.bundle.bundle import Bundle
from isfp.engines.choice import Machine, choose_engine, engines_of, mismatches, same_version, sources_of
from isfp.engines.plans import check_trusted, read_plan
from isfp.engines.record import EngineRecord, read_record, write_record
from isfp.errors import EngineMismatchError
from tests.sdk.engine_folders import ORIN, RTX, cpu_record_for, record_for, write_engine

TENSORRT_11 = replace(ORIN, runtime_version="11.1.0.5")


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))


def test_a_record_is_read_as_it_was_written(copy, tmp_path):
    record = record_for(copy)
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    fields = json.loads((tmp_path / "engine.json").read_text(encoding="utf-8"))
    assert (fields["format"], fields["version"], fields["phrases"]) == ("isfp-engine", 1, {"min": 1, "opt": 1, "max": 8})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "isfp-bundle"),
        ("version", 2),
        ("version", True),
        ("runtime", "onnxruntime"),
        ("runtime_version", "ten"),
        ("cuda", 12.6),
        ("cuda", "12a"),
        ("cuda", "9" * 5000),
        ("runtime_version", "10." + "9" * 100),
        ("driver", ""),
        ("gpu", "a\nb"),
        ("sm", "8.7"),
        ("precision", "bf16"),
        ("plugin_version", 1),
        ("sources", {}),
        ("sources", {"image.onnx": "abc"}),
        ("plans", {"image": {"file": "image.plan", "sha256": "0" * 64, "bytes": 1}}),
        ("phrases", {"min": 1, "opt": 9, "max": 8}),
        ("phrases", {"min": 0, "opt": 1, "max": 8}),
        ("candidates", {"min": 1, "max": 3}),
        ("created", "yesterday"),
        ("seconds", -1),
        ("seconds", "12"),
        ("colour", "red"),
    ],
)
def test_a_record_with_an_unsound_field_is_refused_by_name(copy, tmp_path, field, value):
    fields = {**record_for(copy).to_json(), field: value}
    (tmp_path / "engine.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(EngineMismatchError, match=rf"engine\.json: {field} is .*; expected .*isfp build") as caught:
        read_record(tmp_path)
    assert (caught.value.field, caught.value.found) == (field, value)


def test_a_record_of_an_engine_for_a_cpu_names_no_gpu_and_no_sizes(copy, tmp_path):
    record = cpu_record_for(copy)
    assert record.key == "openvino-2025.1.0-cpu-int8"
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record


@pytest.mark.parametrize(
    ("cpu", "field", "value", "expected"),
    [
        (True, "sm", "87", "null, as openvino runs on a CPU"),
        (True, "phrases", {"min": 1, "opt": 1, "max": 8}, "null, as openvino"),
        (True, "driver", "540.4.0", "null, as openvino"),
        (True, "runtime", "tensorrt", "a compute capability such as '87'"),
        (False, "sm", None, "a compute capability such as '87'"),
        (False, "candidates", None, "whole numbers"),
        (False, "runtime", "openvino", "null, as openvino runs on a CPU"),
    ],
)
def test_a_record_that_mixes_a_cpu_with_a_gpu_is_refused(copy, tmp_path, cpu, field, value, expected):
    fields = {**(cpu_record_for if cpu else record_for)(copy).to_json(), field: value}
    (tmp_path / "engine.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(EngineMismatchError, match=rf"expected {expected}"):
        read_record(tmp_path)


@pytest.mark.parametrize("cpu", [True, False])
def test_a_record_names_the_files_of_its_kind(copy, tmp_path, cpu):
    fields = (cpu_record_for if cpu else record_for)(copy).to_json()
    fields["plans"]["mask"]["file"] = "mask.plan" if cpu else "mask.onnx"
    (tmp_path / "engine.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(EngineMismatchError, match=r"plans\.mask\.file is 'mask\.\w+'; expected 'mask\."):
        read_record(tmp_path)


def test_an_engine_for_a_cpu_runs_with_other_versions_and_only_for_its_bundle(copy):
    record, machine = cpu_record_for(copy), Machine("openvino", "2026.4.1", None)
    sources = sources_of(Bundle.open(copy))
    assert mismatches(record, machine, sources) == []
    assert [each.field for each in mismatches(record, machine, {**sources, "mask.onnx": "0" * 64})] == ["sources.mask.onnx"]
    assert [each.field for each in mismatches(record, ORIN, sources)] == ["runtime", "sm"]


@pytest.mark.parametrize("field", sorted(EngineRecord.__dataclass_fields__))
def test_a_record_without_a_field_is_refused_by_name(copy, tmp_path, field):
    fields = record_for(copy).to_json()
    del fields[field]
    (tmp_path / "engine.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(EngineMismatchError, match=rf"engine\.json: {field} is 'missing'"):
        read_record(tmp_path)


@pytest.mark.parametrize("file", ["../image.plan", "/etc/passwd", "other.plan", "image.plan/", ""])
def test_a_plan_file_can_only_have_its_stages_name(copy, tmp_path, file):
    fields = record_for(copy).to_json()
    fields["plans"]["image"]["file"] = file
    (tmp_path / "engine.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(EngineMismatchError, match="plans is"):
        read_record(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b"null", b"[" * 100_000, b" " * (1 << 21)])
def test_a_record_that_is_no_json_object_is_refused(tmp_path, content):
    (tmp_path / "engine.json").write_bytes(content)
    with pytest.raises(EngineMismatchError, match=r"engine\.json"):
        read_record(tmp_path)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_record_with_anything_in_a_field_is_read_or_refused_never_a_crash(colour_bundle, data):
    fields = record_for(colour_bundle).to_json()
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    anything = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2), max_leaves=5
    )
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(anything)
    with suppress(EngineMismatchError):
        EngineRecord.from_json(fields)


def test_a_record_is_not_written_if_it_could_not_be_read(copy, tmp_path):
    with pytest.raises(EngineMismatchError, match="sm is"):
        write_record(tmp_path, record_for(copy, sm="orin"))
    assert not (tmp_path / "engine.json").exists()


def test_an_engine_of_this_machine_and_bundle_fits(copy):
    assert mismatches(record_for(copy), ORIN, sources_of(Bundle.open(copy))) == []
    rtx = record_for(copy, runtime="tensorrt-rtx", runtime_version="1.7.1.116", sm="89", gpu=None, cuda=None, plugin_version=None)
    assert mismatches(rtx, RTX, sources_of(Bundle.open(copy))) == []


@pytest.mark.parametrize(
    ("field", "changes", "machine"),
    [
        ("runtime_version", {"runtime_version": "10.13.0.35"}, ORIN),
        ("runtime_version", {}, TENSORRT_11),
        ("runtime_version", {"runtime_version": "10.3.1"}, ORIN),
        ("sm", {"sm": "89"}, ORIN),
        ("gpu", {"gpu": "Orin Nano"}, ORIN),
        ("cuda", {"cuda": "13.0"}, ORIN),
        ("plugin_version", {"plugin_version": "2"}, ORIN),
        ("sources.text.onnx", {"sources": {"text.onnx": "0" * 64}}, ORIN),
    ],
)
def test_an_engine_that_does_not_fit_is_refused_with_field_found_expected_and_command(copy, field, changes, machine):
    bundle = Bundle.open(copy)
    if "sources" in changes:
        changes = {"sources": {**sources_of(bundle), **changes["sources"]}}
    write_engine(copy, **changes)
    with pytest.raises(EngineMismatchError, match=re.escape(f"engine.json: {field} is ")) as caught:
        choose_engine(bundle, machine)
    error = caught.value
    assert error.field == field
    assert error.found != error.expected
    assert repr(error.found) in str(error)
    assert repr(error.expected) in str(error)
    assert error.command == f"isfp build {copy} --runtime tensorrt --precision fp16"
    assert error.command in str(error)


def test_an_engine_of_the_other_runtime_is_not_taken(copy):
    write_engine(copy)
    with pytest.raises(EngineMismatchError, match="has no tensorrt-rtx engine") as caught:
        choose_engine(Bundle.open(copy), RTX)
    assert caught.value.command == f"isfp build {copy} --runtime tensorrt-rtx --precision fp16 --target sm89"
    assert [m.field for m in mismatches(record_for(copy), RTX, sources_of(Bundle.open(copy)))][:1] == ["runtime"]


def test_another_driver_refuses_nothing(copy):
    assert mismatches(record_for(copy, driver="999.99"), ORIN, sources_of(Bundle.open(copy))) == []


def test_a_bundle_exported_anew_outdates_its_engines(copy):
    record = record_for(copy)
    changed = {**sources_of(Bundle.open(copy)), "mask.onnx": "1" * 64}
    assert [m.field for m in mismatches(record, ORIN, changed)] == ["sources.mask.onnx"]
    assert [m.field for m in mismatches(replace(record, sources={"image.onnx": record.sources["image.onnx"]}), ORIN, changed)]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("10.3.0", "10.3.0.26", True),
        ("10.3.0.26", "10.3.0.30", False),
        ("10.3", "10.3.0", False),
        ("10.3.0", "10.4.0", False),
        ("1.7.1.116", "1.7.1.116", True),
    ],
)
def test_versions_are_equal_as_far_as_both_state_them(a, b, same):
    assert same_version(a, b) == same_version(b, a) == same


def test_the_best_precision_is_chosen_and_of_equals_the_newest(copy):
    for precision in ("fp32", "int8", "fp16"):
        write_engine(copy, precision=precision)
    write_engine(copy, key="newer", created="2026-02-01T00:00:00Z")
    write_engine(copy, key="elsewhere", created="2026-03-01T00:00:00Z", sm="89")
    bundle = Bundle.open(copy)
    assert choose_engine(bundle, ORIN).key == "newer"
    assert choose_engine(bundle, ORIN, "int8").record.precision == "int8"
    with pytest.raises(EngineMismatchError, match="no tensorrt engine in fp8") as caught:
        choose_engine(bundle, ORIN, "fp8")
    assert caught.value.command.endswith("--precision fp8")


def test_the_nearest_of_several_misfits_is_named(copy):
    write_engine(copy, key="far", sm="89", runtime_version="11.0.0", gpu="x")
    write_engine(copy, key="near", gpu="Orin Nano")
    with pytest.raises(EngineMismatchError, match="near") as caught:
        choose_engine(Bundle.open(copy), ORIN)
    assert caught.value.field == "gpu"


def test_builds_under_way_are_not_seen_and_unsound_engines_hide_no_sound_one(copy):
    write_engine(copy, key=".under-way")
    broken = write_engine(copy, key="a-broken")
    (broken / "engine.json").write_text("{")
    bundle = Bundle.open(copy)
    with pytest.raises(EngineMismatchError, match="not valid JSON"):
        choose_engine(bundle, ORIN)
    good = write_engine(copy)
    assert choose_engine(bundle, ORIN).key == good.name
    assert [(engine.key, engine.error is None) for engine in engines_of(bundle)] == [("a-broken", False), (good.name, True)]


def test_a_plan_is_read_if_its_record_and_place_are_sound(copy):
    folder = write_engine(copy)
    assert read_plan(copy, folder.name, read_record(folder), "mask") == b"plan of mask"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plan of", "has the wrong size: 7 bytes; expected 12"),
        (b"", "0 bytes"),
        (b"plan of mask!", "more than 12 bytes"),
        (b"plan of mast", "was changed"),
    ],
)
def test_a_plan_cut_short_or_changed_is_refused_with_the_command_that_builds_it(copy, content, message):
    folder = write_engine(copy)
    (folder / "mask.plan").write_bytes(content)
    with pytest.raises(EngineMismatchError, match=rf"mask\.plan .*{message}.*isfp build") as caught:
        read_plan(copy, folder.name, read_record(folder), "mask")
    assert caught.value.field.startswith("plans.mask.")


def test_a_missing_plan_is_refused(copy):
    folder = write_engine(copy)
    (folder / "mask.plan").unlink()
    with pytest.raises(EngineMismatchError, match=r"mask\.plan cannot be read"):
        read_plan(copy, folder.name, read_record(folder), "mask")


@pytest.mark.parametrize("linked", ["engines", "engines/KEY", "engines/KEY/mask.plan", "engines/KEY/engine.json"])
def test_a_link_on_the_way_to_a_plan_is_refused(copy, tmp_path, linked):
    folder = write_engine(copy)
    record = read_record(folder)
    path = copy / linked.replace("KEY", folder.name)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineMismatchError, match="is a link. A plan is executable code"):
        read_plan(copy, folder.name, record, "mask")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("open_to_all", ["", "engines", "engines/KEY", "engines/KEY/mask.plan", "engines/KEY/engine.json"])
def test_a_plan_where_everyone_can_write_is_refused(copy, open_to_all):
    folder = write_engine(copy)
    path = copy / open_to_all.replace("KEY", folder.name)
    path.chmod(0o777)
    with pytest.raises(EngineMismatchError, match="can be written by everyone"):
        read_plan(copy, folder.name, read_record(folder), "mask")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_plan_of_another_user_is_refused(copy):
    folder = write_engine(copy)
    os.chown(folder / "mask.plan", 12345, 12345)
    with pytest.raises(EngineMismatchError, match="belongs to another user"):
        read_plan(copy, folder.name, read_record(folder), "mask")


@pytest.mark.parametrize("file", ["../words.txt", "KEY/../../words.txt", "/etc/passwd", "KEY//mask.plan"])
def test_a_plan_outside_the_bundles_engines_is_refused(copy, file):
    folder = write_engine(copy)
    with pytest.raises(EngineMismatchError, match="leads out of"):
        check_trusted(copy, file.replace("KEY", folder.name))


def test_a_folder_in_a_plans_place_is_refused(copy):
    folder = write_engine(copy)
    (folder / "mask.plan").unlink()
    (folder / "mask.plan").mkdir()
    with pytest.raises(EngineMismatchError, match="not a regular file"):
        read_plan(copy, folder.name, read_record(folder), "mask")
