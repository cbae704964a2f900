import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfp import Segmenter
from isfp.bundle import atomic_folder as placings
from isfp.bundle.bundle import Bundle, write_manifest, writing
from isfp.bundle.manifest import digest, parse
from isfp.errors import BundleCorruptError, BundleError, BundleMissingError, BundleVersionError, WriteError
from tests.sdk.colour_bundle import manifest_fields, write_colour_bundle


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))


def rewrite(bundle: Path, change, sign: bool = True) -> None:
    """Change a bundle's manifest, and by default sign it anew, as a careful forger would."""
    fields = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    change(fields)
    if sign:
        fields["sha256"] = digest(fields)
    (bundle / "manifest.json").write_text(json.dumps(fields), encoding="utf-8")


def test_a_sound_bundle_opens_and_says_what_it_is(colour_bundle):
    bundle = Bundle.open(colour_bundle)
    manifest = bundle.manifest
    assert (manifest.name, manifest.grid, manifest.max_words, manifest.found_threshold) == ("colour", 4, 6, 0.5)
    assert (manifest.framing.height, manifest.framing.width, manifest.framing.fill) == (64, 64, 128)
    assert list(manifest.stages) == ["image", "text", "identify", "mask"]
    assert "red" in bundle.vocabulary()


def test_a_missing_bundle_is_told_from_a_file_and_from_another_folder(tmp_path):
    with pytest.raises(BundleMissingError, match="does not exist"):
        Bundle.open(tmp_path / "none.isfp")
    (tmp_path / "file.isfp").write_text("x")
    with pytest.raises(BundleMissingError, match="is a file"):
        Bundle.open(tmp_path / "file.isfp")
    with pytest.raises(BundleMissingError, match=r"no manifest\.json"):
        Bundle.open(tmp_path)


FILES = ["words.txt", "image.onnx", "text.onnx", "identify.onnx", "mask.onnx", "MODEL_CARD.md"]


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(copy, file):
    (copy / file).unlink()
    with pytest.raises(BundleMissingError, match=file):
        Segmenter(copy)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("keep", [0, 0.5, -1])
def test_a_file_cut_short_is_refused_with_both_sizes(copy, file, keep):
    content = (copy / file).read_bytes()
    left = content[: int(len(content) * keep)] if keep >= 0 else content[:-1]
    (copy / file).write_bytes(left)
    with pytest.raises(BundleCorruptError, match=rf"{file} was cut short: {len(left)} bytes; expected {len(content)}"):
        Segmenter(copy)


def test_a_file_that_grew_is_refused(copy):
    with (copy / "mask.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(BundleCorruptError, match=r"mask\.onnx"):
        Segmenter(copy)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_in_any_file_is_refused(colour_bundle, tmp_path_factory, data):
    copy = tmp_path_factory.mktemp("flip") / "copy.isfp"
    shutil.copytree(colour_bundle, copy)
    file = copy / data.draw(st.sampled_from(FILES))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    with pytest.raises(BundleCorruptError, match=f"{file.name} was changed"):
        Segmenter(copy)


def test_a_flipped_bit_anywhere_in_the_manifest_is_refused_or_changes_nothing(colour_bundle):
    content = (colour_bundle / "manifest.json").read_bytes()
    meaning = json.loads(content)
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            try:
                parsed = parse(bytes(flipped))
            except BundleError:
                continue
            assert parsed.fields == meaning


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_manifest_reader(content):
    with pytest.raises(BundleError):
        parse(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def paths_of(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths_of(inner, (*path, key))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_signed_manifest_with_any_field_replaced_is_read_or_refused_never_a_crash(colour_bundle, data):
    fields = json.loads((colour_bundle / "manifest.json").read_text(encoding="utf-8"))
    path = data.draw(st.sampled_from([path for path in paths_of(fields) if path]))
    holder = fields
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(JSON)
    try:
        fields["sha256"] = digest(fields)
        parse(json.dumps(fields).encode("utf-8"))
    except (BundleError, UnicodeEncodeError):
        pass


def test_another_format_version_is_refused_by_its_own_error(copy):
    rewrite(copy, lambda fields: fields.update(version=2))
    with pytest.raises(BundleVersionError, match="format version 2; this SDK reads version 1"):
        Segmenter(copy)


def test_another_format_is_refused(copy):
    rewrite(copy, lambda fields: fields.update(format="zip"))
    with pytest.raises(BundleCorruptError, match="'zip'; expected 'isfp-bundle'"):
        Segmenter(copy)


def test_an_edited_manifest_that_was_not_signed_is_refused(copy):
    rewrite(copy, lambda fields: fields["threshold"].update(found=0.01), sign=False)
    with pytest.raises(BundleCorruptError, match=r"manifest\.json was changed"):
        Segmenter(copy)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "C:\\x", "\\\\server\\x", "a//b", "./a", "", "a\x00b", "..", "C:x"]
)
def test_a_file_name_that_leaves_the_bundle_is_refused(copy, name):
    rewrite(copy, lambda fields: fields["files"].update({name: {"sha256": "0" * 64, "bytes": 0}}))
    with pytest.raises(BundleCorruptError, match="plain path inside the bundle"):
        Bundle.open(copy)


def test_links_are_refused_even_to_the_right_content(copy, tmp_path):
    (copy / "mask.onnx").rename(tmp_path / "elsewhere.onnx")
    (copy / "mask.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleCorruptError, match="is a link"):
        Bundle.open(copy)


def test_a_folder_in_a_file_s_place_is_refused(copy):
    (copy / "mask.onnx").unlink()
    (copy / "mask.onnx").mkdir()
    with pytest.raises(BundleCorruptError, match="not a regular file"):
        Bundle.open(copy)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda f: f.pop("name"), "name"),
        (lambda f: f.pop("preprocessing"), "preprocessing.height"),
        (lambda f: f["preprocessing"].update(height=0), "preprocessing.height"),
        (lambda f: f["preprocessing"].update(width=True), "preprocessing.width"),
        (lambda f: f["preprocessing"].update(height=10**9), "preprocessing.height"),
        (lambda f: f["preprocessing"].update(channels="rgb"), "preprocessing.channels"),
        (lambda f: f["preprocessing"].update(fill=256), "preprocessing.fill"),
        (lambda f: f["text"].update(max_words="20"), "text.max_words"),
        (lambda f: f.update(grid=4.0), "grid"),
        (lambda f: f["threshold"].update(found=1.5), "threshold.found"),
        (lambda f: f["threshold"].update(mask=1), "threshold.mask"),
        (lambda f: f["stages"].pop("mask"), "stages.mask.file"),
        (lambda f: f["stages"]["text"].update(file="none.onnx"), "stages.text.file"),
        (lambda f: f["stages"]["text"]["inputs"].pop(), "stages.text.inputs"),
        (lambda f: f["stages"]["identify"]["outputs"][0].update(shape=["P", 5, 4]), "stages.identify.outputs.identifying"),
        (lambda f: f["stages"]["image"]["inputs"][0].update(dtype="float32"), "stages.image.inputs.frame"),
        (lambda f: f["files"].pop("words.txt"), "files"),
        (lambda f: f["files"].update({"words.txt": {"bytes": 3}}), "files.words.txt"),
        (lambda f: f["files"]["words.txt"].update(bytes=True), "files.words.txt"),
        (lambda f: f["files"]["words.txt"].update(bytes=(2 << 30) + 1), "files.words.txt"),
        (lambda f: f["stages"]["image"]["outputs"][0].update(shape=[1, 1 << 40, 8, 8]), "stages.image.outputs"),
        (lambda f: f["stages"]["image"]["outputs"][0].update(shape=[1, 1 << 12, 1 << 12, 1 << 12]), "stages.image.outputs"),
        (lambda f: f["stages"]["image"]["outputs"][0].update(shape=[1, True, 8, 8]), "stages.image.outputs"),
        (lambda f: f["stages"]["image"]["outputs"][0].update(shape=[1, "\x1b[2J", 8, 8]), "stages.image.outputs"),
    ],
)
def test_an_unsound_field_is_named_with_what_was_expected(copy, change, field):
    rewrite(copy, change)
    with pytest.raises(BundleCorruptError, match=rf"manifest\.json: {field} is .*; expected"):
        Bundle.open(copy)


@pytest.mark.parametrize("depth", [60, 70, 900, 993, 1000, 5000])
def test_nesting_of_any_depth_is_read_or_refused(colour_bundle, depth):
    fields = (colour_bundle / "manifest.json").read_text(encoding="utf-8")
    nested = fields.replace('"kind": "colour"', '"kind": ' + "[" * depth + "]" * depth)
    with pytest.raises(BundleCorruptError, match=r"nests more than 64|not valid JSON|was changed"):
        parse(nested.encode())


def test_a_file_larger_than_its_record_is_not_read_into_memory(copy):
    with (copy / "mask.onnx").open("r+b") as file:
        file.truncate(1 << 42)  # sparse: it takes no space on the disk
    with pytest.raises(BundleCorruptError, match="expected at most"):
        Bundle.open(copy)


def test_a_manifest_of_more_than_four_megabytes_is_not_read(copy):
    with (copy / "manifest.json").open("a") as file:
        file.write(" " * (4 << 20))
    with pytest.raises(BundleCorruptError, match=rf"expected at most {4 << 20}"):
        Bundle.open(copy)


@pytest.mark.parametrize("content", [b'{"format": NaN}', b"[" * 100_000, b"", b"\xff\xfe", b"null", b'"\\ud800"'])
def test_json_that_is_none_is_refused(copy, content):
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(BundleCorruptError, match=r"manifest\.json"):
        Bundle.open(copy)


def test_a_file_changed_after_opening_is_refused_when_it_is_read(copy):
    bundle = Bundle.open(copy)
    content = bytearray((copy / "mask.onnx").read_bytes())
    content[100] ^= 1
    (copy / "mask.onnx").write_bytes(content)
    with pytest.raises(BundleCorruptError, match=r"mask\.onnx was changed"):
        bundle.read("mask.onnx")


def test_engines_are_not_under_the_manifest(copy):
    (copy / "engines" / "key").mkdir(parents=True)
    (copy / "engines" / "key" / "image.plan").write_bytes(b"plan")
    fields = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(write_manifest(copy, fields).files) == sorted(FILES)


def test_an_unsound_manifest_is_not_written(tmp_path):
    with pytest.raises(BundleCorruptError, match=r"words\.txt"):
        write_manifest(tmp_path, manifest_fields())
    assert not (tmp_path / "manifest.json").exists()


def test_a_manifest_with_a_number_that_json_lacks_is_not_written(copy):
    fields = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (copy / "manifest.json").unlink()
    with pytest.raises(BundleCorruptError, match="NaN is not a JSON number"):
        write_manifest(copy, {**fields, "network": {"loss": float("nan")}})
    assert not (copy / "manifest.json").exists()


def test_a_manifest_is_written_as_it_is_returned_and_names_every_file_below_the_folder(copy):
    fields = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (copy / "notes").mkdir()
    (copy / "notes" / "über.txt").write_bytes(b"12345")
    (copy / "engines.txt").write_bytes(b"")  # only the folder "engines" is left out
    manifest = write_manifest(copy, {**fields, "name": "über", "version": 7, "files": {}, "sha256": "0"})
    assert sorted(manifest.files) == sorted([*FILES, "notes/über.txt", "engines.txt"])
    assert manifest.files["notes/über.txt"].bytes == 5
    written = (copy / "manifest.json").read_bytes()
    assert parse(written) == manifest == Bundle.open(copy).manifest
    assert "über".encode() in written
    assert written.endswith(b"}\n")
    assert b'\n  "name"' in written, "a person can read it"


def test_a_file_below_another_file_is_one_message(copy):
    def below(fields):
        fields["files"]["words.txt/inner"] = {"sha256": "0" * 64, "bytes": 1}

    rewrite(copy, below)
    with pytest.raises(BundleError, match=r"words\.txt/inner cannot be read: Not a directory"):
        Bundle.open(copy)


def test_a_file_that_the_manifest_does_not_name_is_not_read(copy):
    (copy / "secret").write_text("x")
    with pytest.raises(BundleMissingError, match=r"has no 'secret'; it has \['MODEL_CARD\.md', 'identify\.onnx'"):
        Bundle.open(copy).read("secret")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "is not UTF-8"),
        (b"", "starts with ''; expected '<pad>' and '<unknown>'"),
        (b"<pad>\r\n<unknown>\r\n", "starts with '<pad>.r' and '<unknown>.r'"),
        (b"x" * 1_000_000, "starts with 'xxx"),
        (b"<pad>\n<unknown>\nred\nred\n", "lists the word 'red' twice"),
        (b"<pad>\n<unknown>\nred\n\n", "line 4 is ''"),
        (b"<pad>\n<unknown>\n" + b"A" * 1_000_000, "line 3 is 'AAA"),
    ],
    ids=["latin", "empty", "crlf", "one long line", "twice", "blank line", "long word"],
)
def test_a_vocabulary_that_is_unsound_names_its_file_in_a_short_message(copy, content, message):
    (copy / "words.txt").write_bytes(content)
    write_manifest(copy, json.loads((copy / "manifest.json").read_text(encoding="utf-8")))
    with pytest.raises(BundleCorruptError, match=rf"copy\.isfp/words\.txt.*{message}") as raised:
        Bundle.open(copy).vocabulary()
    assert len(str(raised.value)) < 1000


def test_a_bundle_is_written_whole_or_not_at_all(tmp_path):
    target = write_colour_bundle(tmp_path / "a.isfp")
    before = (target / "manifest.json").read_bytes()

    def write_half() -> None:
        with writing(target) as folder:
            (folder / "manifest.json").write_text("half")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert (target / "manifest.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.isfp"]


def test_a_bundle_replaces_the_one_before_it(tmp_path):
    target = write_colour_bundle(tmp_path / "a.isfp")
    (target / "stray").write_text("x")
    write_colour_bundle(target)
    Bundle.open(target)
    assert not (target / "stray").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.isfp"]


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("x")
    with pytest.raises(BundleError, match="is not a bundle"), writing(tmp_path / "home"):
        pass
    assert (tmp_path / "home" / "thesis.tex").exists()


def test_folder_stays_as_it_was_when_the_renaming_fails(tmp_path, monkeypatch):
    place = tmp_path / "place"
    place.mkdir()
    (place / "old").write_text("old")
    rename = placings.os.replace

    def fails_once(source, target):
        if target == place and source.name == "new":
            raise OSError("the disk is gone")
        rename(source, target)

    monkeypatch.setattr(placings.os, "replace", fails_once)
    monkeypatch.setattr(placings, "_exchange", lambda one, other: False)
    with pytest.raises(WriteError, match="place cannot be written: the disk is gone"), placings.atomic_folder(place) as folder:
        (folder / "new").write_text("new")
    assert [path.name for path in place.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [place]


def test_the_size_of_a_manifest_is_limited(colour_bundle, tmp_path):
    path = tmp_path / "b.isfp"
    shutil.copytree(colour_bundle, path)
    content = (path / "manifest.json").read_bytes()
    (path / "manifest.json").write_bytes(content + b" " * (4 << 20))
    with pytest.raises(BundleCorruptError, match="expected at most 4194304"):
        Bundle.open(path)
    (path / "manifest.json").write_bytes(content.ljust(4 << 20))
    Bundle.open(path)
    (path / "manifest.json").write_bytes(content.ljust((4 << 20) + 1))
    with pytest.raises(BundleCorruptError, match=f"has {(4 << 20) + 1} bytes"):
        Bundle.open(path)
