"""How long PyTorch takes for the scan that the kernels compute: eager, compiled, and as a CUDA graph, by CUDA events.

    python tools/scan_in_torch.py

Prints a JSON object on each line, as fpm_device_bench does. Needs PyTorch with CUDA, and no other package.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
SIZE = 13
NUMBERS = {"FP16": torch.float16, "FP32": torch.float32}
CHANNELS, PHRASES = (64, 128, 256, 512), (1, 4, 8)
MEASUREMENTS, IN_A_ROW = 11, 10


def load_scan() -> Callable[..., torch.Tensor]:
    """`isfp_train.network.fpm_scan.fpm_scan`, without what its packages import: OpenCV and others, which it does not need."""
    for name, folder in (
        ("isfp", "sdk/isfp"),
        ("isfp_train", "train/isfp_train"),
        ("isfp_train.network", "train/isfp_train/network"),
    ):
        package = ModuleType(name)
        package.__path__ = [str(ROOT / folder)]
        sys.modules.setdefault(name, package)
    from isfp_train.network.fpm_scan import fpm_scan

    return fpm_scan


def inputs(phrases: int, channels: int, dtype: torch.dtype, device: str) -> tuple[Any, ...]:
    """ISFs, W1 and W2 of random numbers, and the operator's attributes."""
    torch.manual_seed(0)
    shapes = (phrases, SIZE, SIZE, channels), (4, channels, channels), (4, 2, channels, channels)
    isf, w1, w2 = (torch.randn(shape, dtype=torch.float32) for shape in shapes)
    weights = (w1 * channels**-0.5, w2 * channels**-0.5)
    return (*(value.to(device, dtype) for value in (isf, *weights)), 0.25, "leaky_relu", 0.1)


def microseconds(work: Callable[[], object]) -> list[float]:
    """Least, median and largest time of one call, several in a row between two events."""
    for _ in range(3):
        work()
    found = []
    for _ in range(MEASUREMENTS):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        for _ in range(IN_A_ROW):
            work()
        after.record()
        after.synchronize()
        found.append(before.elapsed_time(after) / IN_A_ROW * 1e3)
    found.sort()
    return [round(value, 2) for value in (found[0], found[len(found) // 2], found[-1])]


def graphed(work: Callable[[], object]) -> Callable[[], object]:
    """Replay what `work` does."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # PyTorch: warm up on a side stream before a capture
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def main() -> None:
    scan = load_scan()
    for numbers, channels, phrases, compiled in cases():
        work = torch.compile(scan, dynamic=False) if compiled else scan
        values = inputs(phrases, channels, NUMBERS[numbers], "cuda")
        path = "PyTorch compiled" if compiled else "PyTorch eager"
        row = {"phrases": phrases, "size": SIZE, "channels": channels, "numbers": numbers, "path": path}
        print(json.dumps({**row, **times(lambda work=work, values=values: work(*values))}), flush=True)


def cases() -> list[tuple[str, int, int, bool]]:
    """Numbers, channels, phrases, and whether it is compiled. Compiling a shape takes a minute or so: few are, after all others, so
    that a limit of time cuts off none of those."""
    eager = [(numbers, channels, phrases, False) for numbers in NUMBERS for channels in CHANNELS for phrases in PHRASES]
    return [*eager, *(("FP16", channels, 1, True) for channels in CHANNELS)]


def times(work: Callable[[], object]) -> dict[str, Any]:
    """Eager and replayed; why not, where one of them fails, because that is no reason to lose the other."""
    found: dict[str, Any] = {}
    for kind in ("eager_us", "graph_us"):
        try:
            with torch.inference_mode():
                found[kind] = microseconds(graphed(work) if kind == "graph_us" else work)
        except Exception as error:
            found["failed"] = f"{kind}: {type(error).__name__}: {str(error)[:300]}"
    return found


if __name__ == "__main__":
    main()
