"""Plan files are executable code, so one is read only from where nobody else can write, and only if its hash matches."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from isfp.bundle.bundle import ENGINES
from isfp.engines.record import RECORD, EngineRecord
from isfp.errors import BundleError, EngineMismatchError


def check_trusted(bundle: Path, file: str) -> Path:
    """Return the path of `bundle/engines/file` if every part of it can be trusted.

    From `engines/` down, the parts must be regular folders and a regular file, not links, owned by this process's user or by root.
    Neither they nor the bundle's folder may be writable by everyone. (On Windows only links are refused.)

    Raises:
        EngineMismatchError: a part is missing, is a link or of the wrong kind, or belongs to somebody else.
    """
    steps = [bundle]
    for part in (ENGINES, *file.split("/")):
        if part in ("", ".", ".."):
            raise EngineMismatchError(
                f"{file!r} leads out of {bundle / ENGINES}; expected a relative path inside it.", "place", file
            )
        steps.append(steps[-1] / part)
    for step in steps:
        try:
            status = step.stat() if step == bundle else step.lstat()
        except OSError as error:
            raise EngineMismatchError(
                f"{step} cannot be read: {error.strerror}. Build the engine again.", "place", str(step)
            ) from error
        reason = _reason(step, status, bundle, last=step == steps[-1])
        if reason:
            raise EngineMismatchError(
                f"{step} {reason}. A plan is executable code, so it is not loaded from there. Build it on this machine, as the "
                "user who runs it: isfp build BUNDLE",
                "place",
                str(step),
                "a place that only this user or root can write to",
                f"isfp build {bundle}",
            )
    return steps[-1]


def _reason(step: Path, status: os.stat_result, bundle: Path, last: bool) -> str:
    if stat.S_ISLNK(status.st_mode):
        return "is a link"
    if not (stat.S_ISREG(status.st_mode) if last else stat.S_ISDIR(status.st_mode)):
        return f"is not a regular {'file' if last else 'folder'}"
    if os.name != "posix":
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everyone"
    if step != bundle and status.st_uid not in (0, os.geteuid()):
        return f"belongs to another user (number {status.st_uid}; this is {os.geteuid()})"
    return ""


def read_plan(bundle: Path, key: str, record: EngineRecord, stage: str) -> bytes:
    """Return a plan's content; the bytes that are returned are those that were hashed.

    Raises:
        EngineMismatchError: its path is not trusted, or it was truncated or changed.
        BundleError: it cannot be read.
    """
    check_trusted(bundle, f"{key}/{RECORD}")
    plan = record.plans[stage]
    path = check_trusted(bundle, f"{key}/{plan.file}")
    command = rebuild_command(bundle, record)
    try:
        with path.open("rb") as file:
            content = file.read(plan.bytes + 1)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}. Check its permissions and its disk.") from error
    if len(content) != plan.bytes:
        found = f"more than {plan.bytes}" if len(content) > plan.bytes else len(content)
        raise EngineMismatchError(
            f"{path} has the wrong size: {found} bytes; expected {plan.bytes}. Build it again: {command}",
            f"plans.{stage}.bytes",
            found,
            plan.bytes,
            command,
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != plan.sha256:
        raise EngineMismatchError(
            f"{path} was changed: its SHA-256 is {digest}; expected {plan.sha256}. Build it again: {command}",
            f"plans.{stage}.sha256",
            digest,
            plan.sha256,
            command,
        )
    return content


def rebuild_command(bundle: Path, record: EngineRecord, sm: str | None = None) -> str:
    """Return what to type to build an engine of the record's runtime and precision, for this GPU if `sm` is given."""
    target = f" --target sm{sm or record.sm}" if record.runtime == "tensorrt-rtx" else ""
    return f"isfp build {bundle} --runtime {record.runtime} --precision {record.precision}{target}"
