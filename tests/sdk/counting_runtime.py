"""ONNX Runtime, recording which stages ran and on how much."""

from __future__ import annotations

from collections.abc import Sequence

from isfp.bundle.bundle import Bundle
from isfp.runtimes.base import StageRunner
from isfp.runtimes.onnxruntime import OnnxRuntime


class CountingRuntime(OnnxRuntime):
    """`ran` holds a pair for each run: the stage, and how many phrases it ran for (1 for the image stage)."""

    def __init__(self, threads: int = 0, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        super().__init__(threads, providers)
        self.ran: list[tuple[str, int]] = []

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        runner = super()._load(bundle, stage)

        def run(**inputs):
            self.ran.append((stage, 1 if stage == "image" else len(inputs["words" if stage == "text" else "phrases"])))
            return runner(**inputs)

        return run

    def count(self, stage: str) -> int:
        """Return how often a stage ran."""
        return [name for name, _ in self.ran].count(stage)
