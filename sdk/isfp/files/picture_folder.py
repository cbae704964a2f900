"""The pictures of a folder, in natural order, and what is passed over there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Endings of the picture files that are read.
ENDINGS = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))
#: Endings of files that are pictures, and are not read.
_OTHER_ENDINGS = frozenset(
    ".3fr .arw .avif .cr2 .cr3 .dng .exr .gif .hdr .heic .heif .ico .j2k .jfif .jp2 .jpe .jxl .nef .orf .pbm .pgm .pic .pnm .ppm "
    ".psd .raf .raw .rw2 .svg .tga".split()
)
_NAMED = 3  # how many of each kind a message names


@dataclass(frozen=True)
class PictureFolder:
    """What was found in a folder.

    Attributes:
        pictures: paths within the folder, in natural order: frame2 before frame10.
        other_kinds: files that look like pictures, of kinds that are not read.
        linked_folders: links to folders, which are not followed.
        unreadable: folders that cannot be listed, links that lead nowhere, and what is not a regular file.
    """

    pictures: list[Path] = field(default_factory=list)
    other_kinds: list[Path] = field(default_factory=list)
    linked_folders: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)

    def passed_over(self) -> dict[str, list[str]]:
        """Return what was passed over, by kind and name; without the kinds of which there is nothing."""
        kinds = {"other_kinds": self.other_kinds, "linked_folders": self.linked_folders, "unreadable": self.unreadable}
        return {kind: [path.as_posix() for path in paths] for kind, paths in kinds.items() if paths}

    def notes(self) -> list[str]:
        """Return a sentence about each kind of what was passed over."""
        notes = []
        if self.other_kinds:
            kinds = ", ".join(sorted({path.suffix.lower() for path in self.other_kinds}))
            notes.append(
                f"{_count(self.other_kinds, 'file that looks like a picture is', 'files that look like pictures are')} of a kind "
                f"that is not read ({kinds}): {_names(self.other_kinds)}. Convert them to JPEG or PNG."
            )
        if self.linked_folders:
            notes.append(
                f"{_count(self.linked_folders, 'linked folder is', 'linked folders are')} not followed: "
                f"{_names(self.linked_folders)}. Give the folder itself."
            )
        if self.unreadable:
            notes.append(
                f"{_count(self.unreadable, 'path', 'paths')} cannot be read (no permission, or not a file): "
                f"{_names(self.unreadable)}."
            )
        return notes


def find_pictures(folder: Path, deep: bool = True) -> PictureFolder:
    """Look for pictures in a folder; names that start with a dot are left out.

    Args:
        folder: the folder.
        deep: look into its subfolders too.

    Raises:
        OSError: the folder cannot be listed.
    """
    found = PictureFolder()
    for path in _entries(folder, folder, deep, found):
        inside = path.relative_to(folder)
        ending = path.suffix.lower()
        if ending in _OTHER_ENDINGS:
            found.other_kinds.append(inside)
        elif ending in ENDINGS:
            (found.pictures if path.is_file() else found.unreadable).append(inside)
    for paths in (found.pictures, found.other_kinds, found.linked_folders, found.unreadable):
        paths.sort(key=natural_key)
    return found


def natural_key(path: Path) -> tuple:
    """Return what sorts paths as a person does: numbers by their value, folder by folder."""
    parts = [tuple((int(p[:400]), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", part)) for part in path.parts]
    return (parts, path.parts)


def _entries(folder: Path, top: Path, deep: bool, found: PictureFolder) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        if folder == top:
            raise
        found.unreadable.append(folder.relative_to(top))
        return
    for entry in listed:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if deep:
                yield from _entries(path, top, deep, found)
        elif path.is_dir():
            if deep:
                found.linked_folders.append(path.relative_to(top))
        else:
            yield path


def _count(paths: list[Path], one: str, more: str) -> str:
    return f"{len(paths)} {one if len(paths) == 1 else more}"


def _names(paths: list[Path]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(path.as_posix() for path in paths[:_NAMED]) + more
