"""What gpu_check.py is made of: what a machine must have, steps that are run and kept, and the report of them."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from isfp.diagnose.bench import machine
from isfp.engines.gpu import first_gpu

TAIL = 4000  # characters of a step's output that the report keeps


@dataclass
class Step:
    """One step: "passed", "failed" or "skipped", and why if not passed."""

    name: str
    state: str
    reason: str = ""
    command: str = ""
    seconds: float = 0.0
    output: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def missing() -> list[str]:
    """What this machine lacks for the check, each with what to do about it; nothing if it can be run."""
    reasons = []
    if first_gpu() is None:
        reasons.append("there is no NVIDIA GPU, or its driver is not installed")
    if importlib.util.find_spec("tensorrt") is None:
        reasons.append(
            "TensorRT's Python package is not installed (Jetson: sudo apt install nvidia-jetpack; else: pip install tensorrt)"
        )
    for module, remedy in (
        ("pycuda", "pip install pycuda"),
        ("pytest_timeout", "pip install pytest pytest-timeout"),
        ("onnx_graphsurgeon", 'pip install "isfp[tensorrt]"'),
    ):
        if importlib.util.find_spec(module) is None:
            reasons.append(f"{module} is not installed ({remedy})")
    for tool, remedy in (("cmake", "sudo apt install cmake"), ("c++", "sudo apt install g++"), ("nvcc", "the CUDA toolkit")):
        if find_tool(tool) is None:
            reasons.append(f"{tool} was not found ({remedy})")
    return reasons


def find_tool(name: str) -> str | None:
    """A program's path, on PATH or in the CUDA toolkit."""
    in_toolkit = Path("/usr/local/cuda/bin") / name
    return shutil.which(name) or (str(in_toolkit) if in_toolkit.exists() else None)


def headers(root: Path) -> Path:
    """The folder of TensorRT's C++ headers: this machine's, else those that plugins/fetch_headers.py gets."""
    candidates = [os.environ.get("TENSORRT_INCLUDE_DIR"), "/usr/include/aarch64-linux-gnu", "/usr/include/x86_64-linux-gnu"]
    for folder in (*candidates, "/usr/local/tensorrt/include"):
        if folder and (Path(folder) / "NvInferRuntime.h").exists():
            return Path(folder)
    target = root / "build" / "tensorrt-headers"
    subprocess.run([sys.executable, str(root / "plugins" / "fetch_headers.py"), str(target)], check=False)
    return target


def run_step(
    name: str,
    command: Sequence[object],
    limit: float = 600.0,
    environment: Mapping[str, str] | None = None,
    after: Sequence[Step] = (),
    cwd: Path | None = None,
    keep: str = "",
) -> Step:
    """Run a command and keep what it said; not run at all if a step that it builds on did not pass.

    Args:
        name: for the report.
        command: program and arguments.
        limit: seconds after which it is ended and has failed.
        environment: variables on top of this process's.
        after: steps that it builds on.
        cwd: where to run it.
        keep: "json" to keep its last line of standard output as the step's result.
    """
    texts = [str(part) for part in command]
    step = Step(name, "passed", command=" ".join(texts))
    broken = next((before for before in after if before.state != "passed"), None)
    if broken:
        step.state, step.reason = "skipped", f"{broken.name!r} did not pass"
        return _said(step)
    print(f"\n== {name}\n   {step.command}", flush=True)
    start = time.monotonic()
    try:
        done = subprocess.run(
            texts,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
        )
    except subprocess.TimeoutExpired:
        step.state, step.reason = "failed", f"did not end within {limit:g} s"
    except OSError as error:
        step.state, step.reason = "failed", f"cannot be started: {error}"
    else:
        step.output = (done.stdout + done.stderr)[-TAIL:]
        if done.returncode != 0:
            step.state, step.reason = "failed", f"exit code {done.returncode}"
        elif keep == "json":
            step.result = json.loads(done.stdout.splitlines()[-1])
    step.seconds = round(time.monotonic() - start, 1)
    return _said(step)


def pytest_step(name: str, tests: Path, report: Path, environment: Mapping[str, str], after: Sequence[Step] = ()) -> Step:
    """Run tests; a run in which no test passed has failed, for pytest is content with tests that were all skipped."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        "--timeout=1200",
        tests,
    ]
    step = run_step(name, command, 7200.0, environment, after)
    if report.exists():
        suites = ElementTree.parse(report).getroot().iter("testsuite")
        counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        for suite in suites:
            for kind in counts:
                counts[kind] += int(suite.get(kind, "0"))
        counts["passed"] = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
        step.result = counts
        if step.state == "passed" and counts["passed"] == 0:
            step.state, step.reason = "failed", "no test was run: all were skipped"
            print(f"   failed: {step.reason}", flush=True)
    return step


def _said(step: Step) -> Step:
    print(f"   {step.state}{': ' if step.reason else ''}{step.reason} ({step.seconds} s)", flush=True)
    if step.state == "failed":
        print(step.output[-TAIL // 2 :], flush=True)
    return step


def machine_facts() -> dict[str, Any]:
    """What the report's figures were measured on."""
    gpu = first_gpu()
    release = Path("/etc/nv_tegra_release")
    packages = {}
    for name in ("isfp", "tensorrt", "tensorrt-rtx-cu13", "pycuda", "onnxruntime", "torch", "numpy"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": machine(),
        "gpu": asdict(gpu) if gpu else None,
        "jetson": release.read_text(encoding="utf-8").splitlines()[0] if release.exists() else None,
        "power": _first_line(["nvpmodel", "-q"]) if release.exists() else None,
        "nvcc": _last_line([find_tool("nvcc") or "nvcc", "--version"]),
        "packages": packages,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _first_line(command: list[str]) -> str | None:
    return next(iter(_lines(command)), None)


def _last_line(command: list[str]) -> str | None:
    return next(reversed(_lines(command)), None)


def _lines(command: list[str]) -> list[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def render(report: Mapping[str, Any]) -> str:
    """The report in Markdown."""
    lines = ["# gpu-check", ""]
    lines += [f"- {name}: {value}" for name, value in report["machine"].items() if value]
    lines += ["", "| step | state | seconds | |", "| --- | --- | --- | --- |"]
    for step in report["steps"]:
        counts = step["result"] if "tests" in step["result"] else {}
        note = step["reason"] or ", ".join(f"{count} {kind}" for kind, count in counts.items() if count and kind != "tests")
        lines.append(f"| {step['name']} | {step['state']} | {step['seconds']} | {note} |")
    for step in report["steps"]:
        if "stages" in step["result"]:
            lines += ["", *_timings(step["result"])]
    for step in report["steps"]:
        if step["state"] == "failed":
            lines += ["", f"## {step['name']}", "", f"`{step['command']}`", "", "```", step["output"].strip(), "```"]
    return "\n".join(lines) + "\n"


def _timings(result: Mapping[str, Any]) -> list[str]:
    runners = list(next(iter(result["stages"].values())))
    lines = ["## Latency", "", result["how"], "", f"| median ms | {' | '.join(runners)} |", "| --- |" + " --- |" * len(runners)]
    for stage, timings in result["stages"].items():
        lines.append(f"| {stage} | " + " | ".join(_median(timings, runner) for runner in runners) + " |")
    return lines


def _median(timings: Mapping[str, Any], runner: str) -> str:
    return f"{timings[runner]['median']:.3f}" if runner in timings else "-"
