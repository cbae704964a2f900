"""Run the SDK for long with faults thrown in, and see whether memory and descriptors stay flat: python tools/soak.py --minutes 30.

Three programs run side by side: `isfp serve`, asked by clients of which some send broken pictures or leave; `isfp label`, on a
folder with broken pictures, killed and resumed once; and a camera loop whose camera stops and comes back. Writes report.json,
soak.png and the programs' own output. Exit code 1: one of them grew, ended, or answered what it should not.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

import soak_pictures
from check_steps import empty_folder
from isfp.files.atomic_file import atomic_file, write_json
from soak_clients import Clients

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = 240  # of each process, over the whole run
LEAST_SAMPLES = 12  # of a process that is judged
PICTURES_A_MINUTE = 600  # for `isfp label`: more than it gets done
CLIENTS = 3
BOUND_MB = 64.0  # the allocator keeps about 50 MB after a picture of 3 megapixels, and gives them back when it likes
BROKEN = 1  # exit code of `isfp label` on a folder with broken pictures


@dataclass
class Life:
    """What was measured of one process, from its start to its end.

    Attributes:
        name: the program.
        samples: seconds since the soak began, resident memory in MB, open descriptors, threads.
    """

    name: str
    pid: int
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)

    def growth(self, column: int) -> float | None:
        """By how much a measure grew: from the third quarter of the life to the last, medians. The first half is the warm-up."""
        if len(self.samples) < LEAST_SAMPLES:
            return None
        *_, third, last = np.array_split([sample[column] for sample in self.samples], 4)
        return float(np.median(last) - np.median(third))


class Program:
    """A program under test: starts it, measures it, ends it."""

    def __init__(self, name: str, command: list[object], output: Path, *more: object) -> None:
        self.lives: list[Life] = []
        self._name, self._command, self._output = name, list(map(str, command)), output
        self.start(*more)

    def start(self, *more: object) -> None:
        """Start it, or start it anew, with further arguments."""
        with self._output.open("ab") as output:
            self._process = psutil.Popen(
                [*self._command, *map(str, more)], stdout=output, stderr=subprocess.STDOUT, cwd=ROOT / "tools"
            )
        self.lives.append(Life(self._name, self._process.pid))

    def measure(self, seconds: float) -> bool:
        """Take a sample; False if the process has ended."""
        try:
            with self._process.oneshot():
                memory = self._process.memory_info().rss / 1e6
                sample = seconds, memory, self._process.num_fds(), self._process.num_threads()
        except psutil.Error:  # it has just ended
            return False
        if self._process.poll() is not None:
            return False
        self.lives[-1].samples.append(sample)
        return True

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait; return the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait until it has ended; return the exit code."""
        try:
            return int(self._process.wait(60))
        except psutil.TimeoutExpired:
            self._process.kill()
            return int(self._process.wait())


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 30.0,
    bundle: Annotated[Path, typer.Option(help="Model bundle.")] = ROOT / "models" / "edge.isfp",
    megabytes: Annotated[float, typer.Option(help="Most that a process may grow in its second half, MB.")] = BOUND_MB,
    descriptors: Annotated[int, typer.Option(help="Most that its open descriptors may grow.")] = 8,
    out: Annotated[Path, typer.Option(help="Folder for the report; what an earlier soak left there is removed.")] = ROOT
    / "build"
    / "soak",
) -> None:
    """Run all three, and print a table."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl+C: the three programs end with this one
    if not (bundle / "manifest.json").is_file():
        sys.exit(f"soak: {bundle} is no bundle.")
    empty_folder(out, "soak")
    soak_pictures.write_folder(out / "pictures", max(60, int(PICTURES_A_MINUTE * minutes)), np.random.default_rng(1))
    soak_pictures.write_folder(out / "few", 20, np.random.default_rng(2))
    (out / "phrases.txt").write_text("\n".join((*soak_pictures.PRESENT[:2], soak_pictures.ABSENT[0])), encoding="utf-8")

    lives, counted, faults = run(minutes * 60, bundle.resolve(), out.resolve())
    rows = judge(lives, megabytes, descriptors)
    flat = all(row["flat"] for row in rows)
    report = {
        "minutes": minutes,
        "bundle": bundle.name,
        "bounds": {"memory_mb": megabytes, "descriptors": descriptors},
        "flat": flat,
        "faults": faults,
        "counted": counted,
        "processes": rows,
        "samples": [asdict(life) for life in lives],
    }
    write_json(out / "report.json", report, indent=1)
    plot(lives, out / "soak.png")
    show(rows, counted, faults)
    print(f"Wrote {out / 'report.json'} and {out / 'soak.png'}")
    if faults or not flat:
        sys.exit(f"soak: {'not flat' if not flat else 'memory and descriptors are flat, but something went wrong'}; see the table.")


def run(seconds: float, bundle: Path, out: Path) -> tuple[list[Life], dict[str, dict[str, int]], list[str]]:
    """Run the three programs for so long: what was measured, what they did, and what should not have happened."""
    isfp = [sys.executable, "-m", "isfp.cli"]
    labels = [*isfp, "label", bundle, out / "pictures", "--phrases", out / "phrases.txt", "--threads", 1, "--out"]
    programs = {
        "serve": Program("serve", [*isfp, "serve", bundle, "--port", 0, "--threads", 1], out / "serve.log"),
        "label": Program("label", labels, out / "label.log", out / "labels0"),
        "camera": Program(
            "camera", [sys.executable, "soak_camera.py", bundle, out / "camera.json", out / "few"], out / "camera.log"
        ),
    }
    lives = [program.lives for program in programs.values()]
    faults: list[str] = []
    clients, folders = None, 1
    try:
        clients = Clients(*address(out / "serve.log"), CLIENTS)
        begin, killed = time.monotonic(), False
        while (now := time.monotonic() - begin) < seconds:
            for name in [name for name, program in programs.items() if not program.measure(now)]:
                code = programs[name].exit_code()  # it may still be about to end; a signal would change its code
                if name == "label" and code == BROKEN:  # it is through, and starts again
                    programs[name].start(out / f"labels{folders}")
                    folders += 1
                    continue
                faults.append(f"{name} ended by itself with {code} after {now:.0f} s; see {name}.log")
                del programs[name]
            if not killed and now > seconds / 2 and "label" in programs:
                killed = True
                programs["label"].end(signal.SIGKILL)
                programs["label"].start(out / f"labels{folders - 1}")  # and resumes
            time.sleep(max(0.2, seconds / SAMPLES))
    finally:
        if clients:
            clients.stop()
        codes = {name: program.end(signal.SIGTERM) for name, program in programs.items()}
    # By SIGTERM, serve and the camera loop end in order; label says that it was stopped, unless it was just through.
    expected = {name: {0, 130, -signal.SIGTERM} | ({BROKEN} if name == "label" else set()) for name in codes}
    faults += [f"{name} ended with {code}" for name, code in codes.items() if code not in expected[name]]
    faults += clients.unexpected
    counted = {
        "serve": dict(clients.counted),
        "label": {"pictures": sum(labelled(out / f"labels{number}") for number in range(folders))},
        "camera": {},
    }
    if (out / "camera.json").exists():
        counted["camera"] = json.loads((out / "camera.json").read_text(encoding="utf-8"))
    faults += [f"{name} did nothing" for name, counts in counted.items() if not any(counts.values())]
    return [life for program in lives for life in program], counted, faults


def address(log: Path) -> tuple[str, int]:
    """Wait until the page is up; return its host and port."""
    for _ in range(1200):
        if found := re.search(r"http://([\d.]+):(\d+)/", log.read_text(encoding="utf-8", errors="replace")):
            return found[1], int(found[2])
        time.sleep(0.1)
    sys.exit(f"soak: the page did not come up within 2 minutes; see {log}")


def labelled(out: Path) -> int:
    """How many pictures the log of labels has."""
    log = out / "labels.jsonl"
    return max(0, len(log.read_bytes().splitlines()) - 1) if log.exists() else 0


def judge(lives: list[Life], megabytes: float, descriptors: int) -> list[dict[str, Any]]:
    """Say for each process whether it stayed flat; one that lived too briefly counts as flat, with no growth.

    One that was started in the last moment and never measured is left out.
    """
    rows = []
    for life in [life for life in lives if life.samples]:
        memory, opened = life.growth(1), life.growth(2)
        rows.append(
            {
                "name": life.name,
                "pid": life.pid,
                "seconds": round(life.samples[-1][0] - life.samples[0][0], 1),
                "memory_mb": round(max(sample[1] for sample in life.samples), 1),
                "memory_growth_mb": None if memory is None else round(memory, 1),
                "descriptors": max(sample[2] for sample in life.samples),
                "descriptor_growth": opened,
                "flat": memory is None or opened is None or (memory <= megabytes and opened <= descriptors),
            }
        )
    return rows


def plot(lives: list[Life], path: Path) -> None:
    """Draw memory and descriptors over time."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, sharex=True, figsize=(8, 6))
    colours = {name: f"C{number}" for number, name in enumerate(dict.fromkeys(life.name for life in lives))}
    for number, life in enumerate(lives):
        first = life.name not in [before.name for before in lives[:number]]  # one entry of the legend for all lives
        times = [sample[0] / 60 for sample in life.samples]
        for column, axis in enumerate(axes, start=1):
            values = [sample[column] for sample in life.samples]
            axis.plot(times, values, color=colours[life.name], label=life.name if first else None)
    axes[0].set_ylabel("resident memory, MB")
    axes[1].set_ylabel("open descriptors")
    axes[1].set_xlabel("minutes")
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].legend()
    with atomic_file(path) as new:
        figure.savefig(new, dpi=110)
    pyplot.close(figure)


def show(rows: list[dict[str, Any]], counted: dict[str, dict[str, int]], faults: list[str]) -> None:
    """Print what was measured and done."""
    table = Table("process", "seconds", "memory, MB", "grew by", "descriptors", "grew by", "flat")
    for row in rows:
        values = (row["seconds"], row["memory_mb"], row["memory_growth_mb"], row["descriptors"], row["descriptor_growth"])
        flat = "too brief" if row["memory_growth_mb"] is None else "yes" if row["flat"] else "NO"
        table.add_row(row["name"], *("-" if value is None else f"{value:g}" for value in values), flat)
    console = Console(highlight=False)
    console.print(table)
    for name, counts in counted.items():
        console.print(f"{name}: {', '.join(f'{what} {count}' for what, count in counts.items())}", markup=False)
    for fault in faults:
        console.print(f"Wrong: {fault}", markup=False)


if __name__ == "__main__":
    typer.run(main)
