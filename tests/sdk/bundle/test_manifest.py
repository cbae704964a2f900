"""The bounds of a manifest's fields, and what is read from them; test_bundle.py has what happens to a bundle."""

import json

import pytest

from isfp.bundle.manifest import LARGEST_FILE, LARGEST_SIDE, LONGEST_TEXT, Manifest, Stage, Tensor, digest, parse
from isfp.errors import BundleCorruptError, BundleVersionError


@pytest.fixture
def fields(colour_bundle):
    return json.loads((colour_bundle / "manifest.json").read_text(encoding="utf-8"))


def signed(fields: dict) -> Manifest:
    """Parse fields with the right hash."""
    return parse(json.dumps({**fields, "sha256": digest(fields)}).encode())


def refused(fields: dict, message: str) -> None:
    with pytest.raises(BundleCorruptError, match=message):
        signed(fields)


def test_what_is_read_is_what_the_file_says(fields):
    manifest = signed({**fields, "threshold": {**fields["threshold"], "found": 0.25, "mask": 0.75}})
    assert (manifest.name, manifest.max_words, manifest.grid) == ("colour", 6, 4)
    assert (manifest.found_threshold, manifest.mask_threshold) == (0.25, 0.75)
    assert manifest.fields["weights"] == fields["weights"]
    assert manifest.files["words.txt"].bytes == fields["files"]["words.txt"]["bytes"]
    assert manifest.files["words.txt"].sha256 == fields["files"]["words.txt"]["sha256"]
    assert manifest.stages["text"] == Stage(
        "text",
        "text.onnx",
        (Tensor("words", "int32", ("P", 6)), Tensor("lengths", "int32", ("P",))),
        (Tensor("phrases", "float32", ("P", 3)),),
    )


def test_a_noun_is_required_unless_the_file_says_otherwise(fields):
    assert not signed(fields).noun_required
    assert signed({**fields, "text": {"max_words": 6, "noun_required": True}}).noun_required
    assert signed({**fields, "text": {"max_words": 6}}).noun_required
    refused({**fields, "text": {"max_words": 6, "noun_required": 1}}, r"text\.noun_required is 1; expected true or false")


@pytest.mark.parametrize(
    ("group", "field", "low", "high"),
    [
        ("preprocessing", "height", 1, 8192),
        ("preprocessing", "width", 1, 8192),
        ("preprocessing", "fill", 0, 255),
        ("text", "max_words", 1, 1024),
        ("", "grid", 1, 256),
    ],
)
def test_whole_numbers_have_bounds_and_the_message_names_them(fields, group, field, low, high):
    for value in (low - 1, high + 1, None, "4", float(low)):
        changed = {**fields, group: {**fields[group], field: value}} if group else {**fields, field: value}
        refused(changed, f"{field} is .*; expected a whole number from {low} to {high}")


@pytest.mark.parametrize("fill", [0, 255])
def test_the_bounds_themselves_are_taken(fields, fill):
    changed = {**fields, "preprocessing": {**fields["preprocessing"], "fill": fill}}
    assert signed(changed).framing.fill == fill


@pytest.mark.parametrize("found", [0, 1, 0.5])
def test_a_threshold_is_a_probability(fields, found):
    changed = {**fields, "threshold": {"found": found, "mask": 0.01}}
    assert signed(changed).found_threshold == found
    for value in (-0.01, 1.01, True, "0.5", None):
        refused({**fields, "threshold": {"found": value, "mask": 0.5}}, r"threshold\.found is .*; expected a number from 0 to 1")
    for value in (0, 1):
        refused({**fields, "threshold": {"found": 0.5, "mask": value}}, r"threshold\.mask is .*; expected a number between 0 and 1")


def with_file(fields: dict, name: str, **changes: object) -> dict:
    """The fields with one more file."""
    return {**fields, "files": {**fields["files"], name: {"sha256": "0" * 64, "bytes": 1, **changes}}}


def test_a_file_has_a_size_and_a_hash(fields):
    for size in (0, LARGEST_FILE):
        assert signed(with_file(fields, "a", bytes=size)).files["a"].bytes == size
    assert LARGEST_FILE == 2 << 30
    for changes in ({"bytes": -1}, {"bytes": LARGEST_FILE + 1}, {"bytes": 1.0}, {"sha256": "0" * 63}, {"sha256": "0" * 65}):
        refused(with_file(fields, "a", **changes), r"files\.a is .*; expected a sha256 of 64 hexadecimal digits")
    refused(with_file(fields, "a", sha256=None), r"files\.a is ")
    refused({**fields, "files": []}, "files is .*; expected an object")


def test_a_name_may_have_folders_and_255_bytes_in_each_part(fields):
    longest = "é" * (LONGEST_TEXT // 2) + "e"
    assert longest in signed(with_file(fields, longest)).files
    assert f"a/{longest}/b.c" in signed(with_file(fields, f"a/{longest}/b.c")).files
    for name in (f"{longest}e", f"a/{longest}e", "a/..", "a/", "a|b", "a\nb"):
        refused(with_file(fields, name), "expected a plain path inside the bundle")


def with_shape(fields: dict, shape: object, stage: str = "image", side: str = "outputs", number: int = 0) -> dict:
    """The fields with another shape of one tensor."""
    changed = json.loads(json.dumps(fields))
    changed["stages"][stage][side][number]["shape"] = shape
    return changed


def test_an_axis_has_a_bound_and_so_has_a_tensor(fields):
    assert LARGEST_SIDE == 1 << 16
    for shape in ([1, LARGEST_SIDE, 1, 1], [1, 1, 1, 1], [1, 1 << 14, 1 << 7, 1 << 7]):
        assert signed(with_shape(fields, shape)).stages["image"].outputs[0].shape == tuple(shape)
    for shape in ([1, LARGEST_SIDE + 1, 1, 1], [1, 0, 1, 1], [1, (1 << 14) + 1, 1 << 7, 1 << 7], [1, 1.0, 1, 1], None):
        refused(with_shape(fields, shape), rf"stages\.image\.outputs is .*, of at most {1 << 28} values")
    # A name is a dynamic axis, which only P and K are; a long one is none at all.
    refused(with_shape(fields, [1, "x" * LONGEST_TEXT, 1, 1]), r"stages\.image\.outputs\.visual_large is ")
    refused(with_shape(fields, [1, "x" * (LONGEST_TEXT + 1), 1, 1]), r"stages\.image\.outputs is ")


@pytest.mark.parametrize(
    ("stage", "side", "number", "shape"),
    [
        ("image", "inputs", 0, [1, 64, 64, 1]),  # the channels
        ("image", "inputs", 0, [1, 64, 63, 3]),
        ("image", "inputs", 0, [2, 64, 64, 3]),
        ("image", "outputs", 1, [1, 3, 4]),
        ("text", "inputs", 0, ["P", 5]),
        ("text", "inputs", 0, ["K", 6]),
        ("text", "inputs", 1, [1]),
        ("identify", "outputs", 0, ["P", 4, 5]),
        ("mask", "outputs", 0, ["P", "P", 64, 64]),
        ("mask", "outputs", 0, ["P", 1, 64, 64]),
        ("mask", "inputs", 5, ["K", "P"]),
    ],
)
def test_a_shape_that_is_not_the_contracts_is_refused(fields, stage, side, number, shape):
    name = fields["stages"][stage][side][number]["name"]
    refused(with_shape(fields, shape, stage, side, number), rf"stages\.{stage}\.{side}\.{name} is ")


def test_the_tensors_of_a_stage_may_come_in_any_order_but_all_must_be_there(fields):
    changed = json.loads(json.dumps(fields))
    changed["stages"]["image"]["outputs"].reverse()
    assert [tensor.name for tensor in signed(changed).stages["image"].outputs] == ["visual_small", "visual_medium", "visual_large"]
    changed["stages"]["image"]["outputs"][0]["name"] = "other"
    refused(changed, r"stages\.image\.outputs is .*; expected the tensors \['visual_large', 'visual_medium', 'visual_small'\]")
    changed["stages"]["image"]["outputs"] = ["visual_large"]
    refused(changed, r"stages\.image\.outputs is 'visual_large'; expected a name, a dtype and a shape")
    changed["stages"]["image"]["outputs"] = {}
    refused(changed, r"stages\.image\.outputs is .*; expected a list")
    refused({**fields, "name": 1}, "name is 1; expected text")


@pytest.mark.parametrize("version", [2, 0, True, "1", None])
def test_a_version_that_is_not_one_is_another_error(fields, version):
    with pytest.raises(BundleVersionError, match="this SDK reads version 1"):
        signed({**fields, "version": version})


@pytest.mark.parametrize("content", [b"[]", b"1", b"null", b'{"format": "other"}', b"{}"])
def test_json_that_is_no_manifest_says_what_it_is(content):
    with pytest.raises(BundleCorruptError, match=r"has the format .*; expected 'isfp-bundle'"):
        parse(content)


def test_64_levels_are_read_and_one_more_is_not(fields):
    def nested(levels: int) -> dict:
        value: object = 1
        for _ in range(levels - 1):  # the manifest itself is the first
            value = [value]
        return {**fields, "network": value}

    assert signed(nested(64)).fields["network"]
    refused(nested(65), "nests more than 64 levels")


def test_a_long_value_is_shown_by_its_beginning(fields):
    with pytest.raises(BundleCorruptError) as raised:
        signed({**fields, "grid": "x" * 100_000})
    assert 500 < len(str(raised.value)) < 800
    with pytest.raises(BundleCorruptError, match=f"grid is '{'x' * 400}'; expected"):
        signed({**fields, "grid": "x" * 400})


@pytest.mark.parametrize("change", [{"format": "x" * 10_000}, {"version": "x" * 10_000}, {"files": {"/" * 10_000: 1}}])
def test_no_message_has_all_of_a_long_text(fields, change):
    with pytest.raises((BundleCorruptError, BundleVersionError), match="…") as raised:
        signed({**fields, **change})
    with pytest.raises(BundleCorruptError, match="…"):
        parse(json.dumps({**fields, "sha256": "x" * 10_000}).encode())
    assert len(str(raised.value)) < 1000


def test_the_hash_is_that_of_the_canonical_text(fields):
    reordered = dict(reversed(fields.items()))
    assert digest(reordered) == digest({**fields, "sha256": "anything"}) == fields["sha256"]
    assert digest({"b": 1, "a": "é"}) == "aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e"
