"""TensorRT's part, played by ONNX Runtime on a device of host memory: what makes executions of plans is replaced, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from isfp.bundle.bundle import Bundle
from isfp.runtimes import cuda, engine_runtime
from isfp.runtimes.buffers import stage_buffers
from isfp.runtimes.tensorrt import TensorRT
from tests.sdk.engine_folders import ORIN
from tests.sdk.host_device import CANDIDATES, PHRASES, HostDevice, HostExecution


def play_tensorrt(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[tuple[bytes, str, str]]:
    """Let this machine be an Orin that runs the bundle at `path`; the list that is returned gets what TensorRT was given."""
    given: list[tuple[bytes, str, str]] = []
    bundle = Bundle.open(path)

    def execution(trt, engine, stage, config):
        entry = bundle.manifest.stages[stage]
        return HostExecution(devices[-1], bundle.read(entry.file), stage_buffers(entry, PHRASES, CANDIDATES))

    devices = []

    def device():
        devices.append(HostDevice())
        return devices[-1]

    monkeypatch.setattr(TensorRT, "why_unavailable", classmethod(lambda cls: None))
    monkeypatch.setattr(TensorRT, "machine", classmethod(lambda cls: ORIN))
    monkeypatch.setattr(TensorRT, "_import", classmethod(lambda cls: None))
    monkeypatch.setattr(cuda, "open_device", device)
    monkeypatch.setattr(engine_runtime, "deserialize", lambda trt, content, where, command: given.append((content, where, command)))
    monkeypatch.setattr(engine_runtime, "binding_types", lambda *_: {})
    monkeypatch.setattr(engine_runtime, "check", lambda *_: None)
    monkeypatch.setattr(engine_runtime, "PlanExecution", execution)
    return given
