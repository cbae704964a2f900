"""A check on a device, step by step: each step is a command that is run and kept, and the report is written after every one.

Only Python's standard library is used, so that a check can start where nothing is installed.
"""

import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

TAIL = 4000  # characters of a failed step's output that the report shows; all of it is in the folder `logs` beside it


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


class Check:
    """Runs steps, prints what became of each, and keeps `report.json` and `report.md` up to date."""

    def __init__(self, title: str, out: Path, facts: Mapping[str, Any]) -> None:
        """Empty the folder `out` (see `empty_folder`) and begin the report with `facts`, what the machine is."""
        self.title, self.out, self.facts = title, out, dict(facts)
        self.steps: list[Step] = []
        empty_folder(out, title)
        (out / "logs").mkdir()
        self._write()

    def run(
        self,
        name: str,
        command: Sequence[object],
        *,
        limit: float = 600.0,
        environment: Mapping[str, str] | None = None,
        needs: Sequence[str] = (),
        after: Sequence[Step] = (),
        cwd: Path | None = None,
        keep: str = "",
    ) -> Step:
        """Run a command and keep what it said.

        Args:
            name: for the report.
            command: program and arguments.
            limit: seconds after which it is ended, with all that it started, and has failed.
            environment: variables on top of this process's.
            needs: what is missing for it, each with what to do; if there is any, it is skipped.
            after: steps that it builds on; if one did not pass, it is skipped.
            cwd: where to run it.
            keep: "json" to keep the last JSON object that it printed on a line of its own as the result; "rows" to keep all of
                them, also those of a step that failed. A step that printed none has failed.
        """
        step = Step(name, "passed", command=" ".join(map(str, command)))
        broken = [f"{before.name!r} did not pass" for before in after if before.state != "passed"]
        if needs or broken:
            step.state, step.reason = "skipped", "; ".join(needs or broken[:1])
            return self._add(step)
        print(f"\n== {name}\n   {step.command}", flush=True)
        start = time.monotonic()
        log = self.out / "logs" / f"{len(self.steps):02d}.log"
        with log.open("wb") as said, log.with_suffix(".errors.log").open("wb") as errors:
            step.reason = _finish(command, said, errors, limit, {**os.environ, **(environment or {})}, cwd)
        step.seconds = round(time.monotonic() - start, 1)
        printed = log.read_text(encoding="utf-8", errors="replace")
        step.output = (printed + log.with_suffix(".errors.log").read_text(encoding="utf-8", errors="replace"))[-TAIL:]
        if keep:
            rows = _objects(printed)
            step.result = {"rows": rows} if keep == "rows" else (rows or [{}])[-1]
            if not step.reason and not rows:
                step.reason = "it printed no line that is a JSON object"
        step.state = "failed" if step.reason else "passed"
        return self._add(step)

    def pytest(
        self,
        name: str,
        tests: Path,
        environment: Mapping[str, str],
        *,
        needs: Sequence[str] = (),
        after: Sequence[Step] = (),
    ) -> Step:
        """Run tests; a run in which no test passed has failed, for pytest is content with tests that were all skipped."""
        report = self.out / "logs" / f"{len(self.steps):02d}.xml"
        options = ["-q", "-rs", "-p", "no:cacheprovider", f"--junitxml={report}", "--timeout=1200"]
        lacking = [*needs, *module_missing("pytest", "pip install pytest pytest-timeout")]
        lacking += module_missing("pytest_timeout", "pip install pytest-timeout") if not lacking else []
        step = self.run(
            name,
            [sys.executable, "-m", "pytest", *options, tests],
            limit=7200.0,
            environment=environment,
            needs=lacking,
            after=after,
        )
        if report.exists():
            counts = _counts(report)
            step.result = counts
            if step.state == "passed" and counts["passed"] == 0:
                step.state, step.reason = "failed", "no test was run: all were skipped"
                print(f"   failed: {step.reason}", flush=True)
            self._write()
        return step

    @property
    def exit_code(self) -> int:
        """0 if all that was run passed, 1 if something failed, 2 if nothing could be run."""
        states = {step.state for step in self.steps}
        return 1 if "failed" in states else 0 if "passed" in states else 2

    def _add(self, step: Step) -> Step:
        self.steps.append(step)
        self._write()
        print(f"   {step.name}: " if step.state == "skipped" else "   ", end="")
        print(f"{step.state}{': ' if step.reason else ''}{step.reason} ({step.seconds} s)", flush=True)
        if step.state == "failed":
            print(step.output[-TAIL // 2 :], flush=True)
        return step

    def _write(self) -> None:
        report = {"title": self.title, "machine": self.facts, "steps": [asdict(step) for step in self.steps]}
        for name, text in (("report.json", json.dumps(report, indent=2) + "\n"), ("report.md", render(report))):
            partial = self.out / f".{name}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.out / name)


def empty_folder(folder: Path, tool: str) -> None:
    """Make a folder, and empty it if the tool made it. Ends the program before it removes anything of somebody else's."""
    mark = folder / f".made-by-{tool}"
    if os.path.lexists(folder) and not mark.is_file() and (not folder.is_dir() or any(folder.iterdir())):
        sys.exit(f"{tool}: {folder} is not empty, and {tool} did not make it. Give another folder, or remove it yourself.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()


def _finish(command: Sequence[object], said: Any, errors: Any, limit: float, environment: dict[str, str], cwd: Path | None) -> str:
    """Run a command to its end; return why it failed, or nothing."""
    try:
        # A session of its own, so that what it started ends with it.
        process = subprocess.Popen(
            [str(part) for part in command], stdout=said, stderr=errors, env=environment, cwd=cwd, start_new_session=True
        )
    except OSError as error:
        return f"cannot be started: {error}"
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        return f"did not end within {limit:g} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return "" if code == 0 else f"exit code {code}"


def _objects(printed: str) -> list[dict[str, Any]]:
    found = []
    for line in printed.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def _counts(report: Path) -> dict[str, int]:
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for kind in counts:
            counts[kind] += int(suite.get(kind, "0"))
    counts["passed"] = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    return counts


def find_tool(name: str) -> str | None:
    """A program's path, on PATH or in the CUDA toolkit."""
    in_toolkit = Path("/usr/local/cuda/bin") / name
    return shutil.which(name) or (str(in_toolkit) if in_toolkit.exists() else None)


def tool_missing(name: str, remedy: str) -> list[str]:
    """What to say if a program is not here; nothing if it is."""
    return [] if find_tool(name) else [f"{name} was not found ({remedy})"]


def module_missing(name: str, remedy: str) -> list[str]:
    """What to say if a Python module is not here; nothing if it is."""
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # of the package that it is in
        found = None
    return [] if found else [f"{name} is not installed ({remedy})"]


def compiler_missing() -> list[str]:
    """What is missing to compile device code."""
    return [
        *tool_missing("nvcc", "the CUDA toolkit; Jetson: sudo apt install nvidia-jetpack"),
        *tool_missing("c++", "apt install g++"),
    ]


def machine_facts(gpu: Any) -> dict[str, Any]:
    """What the report's figures were measured on."""
    release = Path("/etc/nv_tegra_release")
    packages = {}
    for name in (
        "isfp",
        "tensorrt",
        "tensorrt-rtx-cu13",
        "tensorrt-rtx-cu12",
        "cuda-bindings",
        "pycuda",
        "onnxruntime",
        "torch",
        "numpy",
    ):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "gpu": asdict(gpu) if gpu else None,
        "processor": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "jetson": release.read_text(encoding="utf-8").splitlines()[0] if release.exists() else None,
        "power": next(iter(_lines(["nvpmodel", "-q"])), None) if release.exists() else None,
        "nvcc": next(reversed(_lines([find_tool("nvcc") or "nvcc", "--version"])), None),
        "packages": packages,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _lines(command: list[str]) -> list[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def render(report: Mapping[str, Any]) -> str:
    """The report in Markdown."""
    lines = [f"# {report['title']}", ""]
    lines += [f"- {name}: {value}" for name, value in report["machine"].items() if value]
    lines += ["", "| step | state | seconds | |", "| --- | --- | --- | --- |"]
    for step in report["steps"]:
        counts = step["result"] if "tests" in step["result"] else {}
        note = step["reason"] or ", ".join(f"{count} {kind}" for kind, count in counts.items() if count and kind != "tests")
        lines.append(f"| {step['name']} | {step['state']} | {step['seconds']} | {note} |")
    for step in report["steps"]:
        if "stages" in step["result"]:
            lines += ["", *_stages(step["result"])]
    rows = [row for step in report["steps"] for row in step["result"].get("rows", ()) if "channels" in row]
    if rows:
        lines += ["", *_scans(rows)]
    for step in report["steps"]:
        if step["state"] == "failed":
            lines += ["", f"## {step['name']}", "", f"`{step['command']}`", "", "```", step["output"].strip(), "```"]
    return "\n".join(lines) + "\n"


def _stages(result: Mapping[str, Any]) -> list[str]:
    runners = list(next(iter(result["stages"].values()), {}))
    lines = ["## Latency", "", result.get("how", ""), "", f"| median ms | {' | '.join(runners)} |"]
    lines.append("| --- |" + " --- |" * len(runners))
    for stage, timings in result["stages"].items():
        cells = (f"{timings[runner]['median']:.3f}" if runner in timings else "-" for runner in runners)
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    return lines


def _scans(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## The scan alone",
        "",
        "Median µs of one scan, several in a row between two events. Bold: the launch that is chosen.",
        "",
    ]
    lines += ["| numbers | C | P | launch | eager | graph |", "| --- | --- | --- | --- | --- | --- |"]
    for row in sorted(rows, key=lambda row: (row["numbers"], row["channels"], row["phrases"])):
        launch = row["path"]
        if "slices" in row:
            launch += f" {row['slice']} × {row['slices']}, {_counted(row['groups'], 'group', 'groups')}"
            launch += f", {_counted(row['launches'], 'launch', 'launches')}"
        launch = f"**{launch}**" if row.get("chosen") else launch
        launch += f" ({row['failed']})" if "failed" in row else ""
        times = (f"{row[kind][1]:.1f}" if kind in row else "-" for kind in ("eager_us", "graph_us"))
        lines.append(f"| {row['numbers']} | {row['channels']} | {row['phrases']} | {launch} | {' | '.join(times)} |")
    return lines


def _counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
