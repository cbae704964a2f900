"""What TensorRT-RTX compiled is kept between starts. Its engine and cache are played here: the real ones need a GPU."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.errors import WriteError
from isfp.runtimes import cuda, engine_runtime
from isfp.runtimes.buffers import stage_buffers
from isfp.runtimes.kernel_cache import KernelCache
from isfp.runtimes.tensorrt_rtx import TensorRTRTX
from tests.sdk.colour_bundle import picture
from tests.sdk.engine_folders import RTX, write_engine
from tests.sdk.host_device import CANDIDATES, PHRASES, HostDevice, HostExecution


class RuntimeCache:
    """TensorRT-RTX's `IRuntimeCache`: what it holds, and whether it takes what is given to it."""

    fits = True

    def __init__(self) -> None:
        self.content = b""

    def deserialize(self, content: bytes) -> bool:
        if self.fits:
            self.content = content
        return self.fits

    def serialize(self) -> bytes | None:
        return self.content or None


class Config:
    """TensorRT-RTX's `IRuntimeConfig`."""

    def __init__(self) -> None:
        self.cuda_graph_strategy = None
        self.cache: RuntimeCache | None = None

    def create_runtime_cache(self) -> RuntimeCache:
        return RuntimeCache()

    def set_runtime_cache(self, cache: RuntimeCache) -> bool:
        self.cache = cache
        return True


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    return tmp_path / "mask.kernels"


def opened(path: Path) -> tuple[KernelCache, RuntimeCache]:
    config = Config()
    cache = KernelCache(config, path)
    assert config.cache is not None
    return cache, config.cache


def test_what_was_compiled_is_there_at_the_next_start(kernels: Path) -> None:
    cache, theirs = opened(kernels)
    assert theirs.content == b""
    theirs.content = b"compiled"
    cache.save()
    assert opened(kernels)[1].content == b"compiled"


def test_nothing_is_written_where_nothing_was_compiled(kernels: Path) -> None:
    cache, theirs = opened(kernels)
    cache.save()
    assert not kernels.exists()
    theirs.content = b"compiled"
    cache.save()
    before = kernels.stat().st_ino
    again, _ = opened(kernels)
    again.save()
    assert kernels.stat().st_ino == before


def test_a_cache_of_another_machine_is_replaced(kernels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.write_bytes(b"of another GPU")
    monkeypatch.setattr(RuntimeCache, "fits", False)
    cache, theirs = opened(kernels)
    theirs.content = b"compiled here"
    cache.save()
    assert kernels.read_bytes() == b"compiled here"


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_a_file_that_everyone_can_write_is_not_read(kernels: Path, caplog: pytest.LogCaptureFixture) -> None:
    kernels.write_bytes(b"compiled by whom?")
    kernels.chmod(0o666)
    assert opened(kernels)[1].content == b""
    assert f"{kernels} is not read" in caplog.text


def test_a_disk_that_is_full_is_told_and_ends_nothing(
    kernels: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise WriteError("The disk is full.")

    monkeypatch.setattr("isfp.runtimes.kernel_cache.write_bytes", full)
    cache, theirs = opened(kernels)
    theirs.content = b"compiled"
    cache.save()
    assert "cannot be kept, and the next start compiles them again: The disk is full." in caplog.text


class Desktop:
    """An RTX desktop that runs a bundle; the configurations that contexts were made with, by stage, one for each start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self.configs: dict[str, list[Config]] = {}
        bundle, devices = Bundle.open(path), []

        def device() -> HostDevice:
            devices.append(HostDevice())
            return devices[-1]

        def execution(trt: object, engine: object, stage: str, config: Config) -> HostExecution:
            self.configs.setdefault(stage, []).append(config)
            entry = bundle.manifest.stages[stage]
            return HostExecution(devices[-1], bundle.read(entry.file), stage_buffers(entry, PHRASES, CANDIDATES))

        module = SimpleNamespace(CudaGraphStrategy=SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole"))
        monkeypatch.setattr(TensorRTRTX, "why_unavailable", classmethod(lambda cls: None))
        monkeypatch.setattr(TensorRTRTX, "machine", classmethod(lambda cls: RTX))
        monkeypatch.setattr(TensorRTRTX, "_import", classmethod(lambda cls: module))
        monkeypatch.setattr(cuda, "open_device", device)
        monkeypatch.setattr(engine_runtime, "deserialize", lambda *_: SimpleNamespace(create_runtime_config=Config))
        monkeypatch.setattr(engine_runtime, "binding_types", lambda *_: {})
        monkeypatch.setattr(engine_runtime, "check", lambda *_: None)
        monkeypatch.setattr(engine_runtime, "PlanExecution", execution)


@pytest.fixture
def copy(colour_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = Path(shutil.copytree(colour_bundle, tmp_path / "copy.isfp"))
    write_engine(path, runtime="tensorrt-rtx", runtime_version="1.7.1.116", cuda=None, gpu=None, sm="89", plugin_version=None)
    return path


def test_each_stage_of_a_segmenter_keeps_its_kernels_when_it_closes(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop = Desktop(monkeypatch, copy)
    for start in range(2):
        with Segmenter(copy, "tensorrt-rtx") as segmenter:
            segmenter.run(picture(("red", (10, 10, 60, 60))), "red")
            for stage, configs in desktop.configs.items():
                config = configs[start]
                assert config.cuda_graph_strategy == "whole"
                assert config.cache is not None
                assert config.cache.content == (f"kernels of {stage}".encode() if start else b"")
                config.cache.content = f"kernels of {stage}".encode()
    assert set(desktop.configs) == {"image", "text", "identify", "mask"}
    files = sorted(path.name for path in (tmp_path / "cache").rglob("*.kernels"))
    assert files == [f"tensorrt-rtx-1.7.1.116-sm89-fp16-{stage}.kernels" for stage in ("identify", "image", "mask", "text")]


def test_where_no_cache_can_be_kept_the_stages_run_all_the_same(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    desktop = Desktop(monkeypatch, copy)
    with caplog.at_level(logging.WARNING, "isfp"), Segmenter(copy, "tensorrt-rtx") as segmenter:
        assert segmenter.run(picture(("red", (10, 10, 60, 60))), "red").found
    assert all(config.cache is None for configs in desktop.configs.values() for config in configs)
    assert "The kernels that TensorRT-RTX compiles are not kept" in caplog.text
