"""A model bundle: a folder in which every byte is checked against the manifest before a runtime sees it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isfp.bundle import manifest as manifests
from isfp.bundle.atomic_folder import atomic_folder, recover
from isfp.bundle.manifest import REMEDY, Manifest
from isfp.bundle.onnx_file import refuse_external_data
from isfp.errors import BundleCorruptError, BundleError, BundleMissingError
from isfp.steps.arguments import shown
from isfp.steps.phrase import Vocabulary

MANIFEST = "manifest.json"
ENGINES = "engines"  # built on each machine, with records of their own: not under the manifest's hashes
_MANIFEST_LIMIT = 4 << 20  # bytes; real ones have some thousand


class Bundle:
    """A bundle that has been checked, ready to be loaded.

    Attributes:
        path: the folder.
        manifest: what its manifest says.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Take a folder and its manifest; `Bundle.open` is the way to check them."""
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Check a bundle: its manifest, then presence, size and SHA-256 of every file that it names.

        Raises:
            BundleMissingError: there is no bundle, or a file of it is missing.
            BundleCorruptError: something in it was cut short or changed, is a link, or keeps weights in a file that no hash covers.
            BundleVersionError: it is of a format version that this SDK does not read.
            BundleError: `path` is not a path.
        """
        if not isinstance(path, str | os.PathLike):
            raise BundleError(f"The bundle is {shown(path)}; expected the path of a folder NAME.isfp, as text or a Path.")
        folder = Path(path)
        _recover(folder)
        if not folder.is_dir():
            found = "is a file" if folder.exists() else "does not exist"
            raise BundleMissingError(f"The bundle {folder} {found}; expected a folder NAME.isfp. Check the path.")
        if not (folder / MANIFEST).exists():
            raise BundleMissingError(f"The folder {folder} has no {MANIFEST}, so it is not a bundle. Check the path.")
        bundle = cls(folder, manifests.parse(_content(folder, MANIFEST, _MANIFEST_LIMIT)))
        stages = {stage.file for stage in bundle.manifest.stages.values()}
        for file in bundle.manifest.files:
            content = bundle.read(file)
            if file in stages:
                refuse_external_data(content, file)
        return bundle

    def read(self, file: str) -> bytes:
        """Return a file's content; the bytes that are returned are those that were hashed.

        Raises:
            BundleMissingError: it is missing, or the manifest does not name it.
            BundleCorruptError: it is not what the manifest says.
        """
        record = self.manifest.files.get(file)
        if record is None:
            raise BundleMissingError(f"The bundle {self.path} has no {file!r}; it has {sorted(self.manifest.files)}.")
        content = _content(self.path, file, record.bytes)
        if len(content) != record.bytes:
            raise BundleCorruptError(f"{self.path / file} was cut short: {len(content)} bytes; expected {record.bytes}. {REMEDY}")
        found = hashlib.sha256(content).hexdigest()
        if found != record.sha256:
            raise BundleCorruptError(f"{self.path / file} was changed: its SHA-256 is {found}; expected {record.sha256}. {REMEDY}")
        return content

    def vocabulary(self) -> Vocabulary:
        """Return the words that the network knows."""
        return Vocabulary.parse(self.read("words.txt"), source=str(self.path / "words.txt"))


def write_manifest(folder: str | Path, fields: Mapping[str, Any]) -> Manifest:
    """Write the manifest of a bundle whose files are all in place.

    Args:
        folder: the bundle's folder.
        fields: the manifest without `format`, `version`, `files` and `sha256`, which are set here.

    Raises:
        BundleCorruptError: a field is missing or invalid, so `Bundle.open` would refuse the bundle.
    """
    folder = Path(folder)
    files = {}
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder).as_posix()
        if path.is_file() and file != MANIFEST and not file.startswith(ENGINES + "/"):
            content = path.read_bytes()
            files[file] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    complete = {**fields, "format": manifests.FORMAT, "version": manifests.VERSION, "files": files}
    complete["sha256"] = manifests.digest(complete)
    text = json.dumps(complete, indent=2, ensure_ascii=False) + "\n"  # NaN is refused as it is read back
    manifest = manifests.parse(text.encode("utf-8"))
    (folder / MANIFEST).write_bytes(text.encode("utf-8"))
    return manifest


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Write a bundle whole or not at all: yields a temporary folder beside `path`, renamed to it at the end.

    An existing bundle at `path` is replaced; if the body raises, it stays as it was.

    Raises:
        BundleError: there is something at `path` that is not a bundle.
    """
    path = Path(path)
    if path.exists() and not (path / MANIFEST).exists():
        raise BundleError(f"{path} exists and is not a bundle, so it is not replaced. Choose another path, or remove it.")
    with atomic_folder(path) as new:
        yield new


def _recover(folder: Path) -> None:
    """Put a bundle back that a killed process had moved away to replace it; its hashes are checked like any other's."""
    try:
        recover(folder)
    except OSError as error:
        raise BundleError(f"{folder} was moved away to be replaced, and cannot be put back: {error.strerror}.") from error


def _content(folder: Path, file: str, limit: int) -> bytes:
    """Read a plain file inside the folder, refusing links on the way and anything larger than `limit` bytes."""
    path = folder
    for part in file.split("/"):
        path = path / part
        if path.is_symlink():
            raise BundleCorruptError(f"{path} is a link; expected a plain file. Copy the bundle with its files: cp -rL")
    try:
        size = path.stat()
        if not stat.S_ISREG(size.st_mode):
            raise BundleCorruptError(f"{path} is not a regular file. {REMEDY}")
        if size.st_size > limit:
            raise BundleCorruptError(f"{path} has {size.st_size} bytes; expected at most {limit}. {REMEDY}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BundleMissingError(f"The file {path} is missing; the bundle's manifest names it. {REMEDY}") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}. Check its permissions and its disk.") from error
