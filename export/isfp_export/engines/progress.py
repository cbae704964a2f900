"""Progress bars for builders: TensorRT's progress monitor, shown by rich."""

from __future__ import annotations

from typing import Any

from rich.progress import Progress, TaskID


def monitor(trt: Any, progress: Progress) -> Any:
    """Return a progress monitor that shows the phases of a builder. Ctrl-C stops the build after the current step.

    Args:
        trt: `tensorrt` or `tensorrt_rtx`.
        progress: shows the phases; it may be called from several threads.
    """

    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.tasks: dict[str, TaskID] = {}
            self.going_on = True

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.tasks[phase_name] = progress.add_task(f"{'  ' if parent_phase else ''}{phase_name}", total=num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            try:
                progress.update(self.tasks[phase_name], completed=step + 1)
            except KeyboardInterrupt:
                self.going_on = False
            return self.going_on

        def phase_finish(self, phase_name: str) -> None:
            progress.remove_task(self.tasks.pop(phase_name))

    return Monitor()
