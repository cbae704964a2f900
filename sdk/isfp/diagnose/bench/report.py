"""The figures of a benchmark, and their comparison with those of an earlier one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from isfp.diagnose.bench.machine import BUSY
from isfp.diagnose.bench.timing import Timing
from isfp.errors import IsfpError
from isfp.files.read_file import read_json

FORMAT, VERSION = "isfp-bench", 1
INCLUDED = (
    "From a frame in memory to masks at its own size: letterbox, copies to and from the device, image, identify, lookup, mask, "
    "restore. Phrases are cached, as on a robot; capture and drawing are left out. Every phrase runs the mask stage."
)
#: What must be equal in two reports for their times to be compared.
_SAME = ("frame", "view", "phrases", "threads")


@dataclass(frozen=True)
class Agreement:
    """How a contestant's answers agree with those of the bundle that is measured, over all phrases.

    Attributes:
        mask_iou: the lowest IoU of two masks.
        score_difference: the largest difference of two scores.
        same_cells: whether all cells are the same.
    """

    mask_iou: float
    score_difference: float
    same_cells: bool


@dataclass(frozen=True)
class Figures:
    """The figures of one contestant.

    Attributes:
        runtime: the name of the runtime.
        precision: what it computes in.
        milliseconds: the time of each step of `Segmenter.run`, and of the whole as `total`, which is last.
        stages: the time of the network's stages alone; on a GPU between CUDA events.
        own_share: the rest of a run: what the SDK itself takes, outside of the network's stages.
        load_ms: to import the runtime, check the bundle and load its stages, in a new process.
        first_frame_ms: the first frame after that, with a new phrase.
        peak_memory_mb: the most memory that its process held, megabytes.
        agreement: with the bundle that is measured; None if the weights are others.
    """

    runtime: str
    precision: str
    milliseconds: dict[str, Timing]
    stages: dict[str, Timing]
    own_share: Timing
    load_ms: float
    first_frame_ms: float
    peak_memory_mb: float
    agreement: Agreement | None

    @property
    def total(self) -> Timing:
        """The time of a frame."""
        return self.milliseconds["total"]

    @property
    def frames_per_second(self) -> float:
        """Frames a second at the median time, one after another."""
        return round(1000 / self.total.median, 2)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {**asdict(self), "frames_per_second": self.frames_per_second}


@dataclass(frozen=True)
class StreamFigures:
    """What a stream gains over a plain loop on one kind of source.

    Attributes:
        plain: milliseconds per frame of a loop that reads a frame, runs it, and reads the next.
        stream: milliseconds per frame of `Segmenter.stream`, with its start and its end.
    """

    plain: Timing
    stream: Timing

    @property
    def speedup(self) -> float:
        """How many times as long as the stream the plain loop took: the ratio of the medians."""
        return round(self.plain.median / self.stream.median, 3)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {"speedup": self.speedup, **asdict(self)}


@dataclass(frozen=True)
class BenchReport:
    """How long a frame takes.

    Attributes:
        bundle: the bundle's folder.
        frame: height and width of the frame, pixels.
        view: height and width of the network's input, pixels.
        phrases: how many phrases ran together.
        threads: number of threads on a CPU.
        included: what the times include.
        machine: what they were measured on, in one line.
        facts: what they were measured on; see `machine.facts`.
        versions: versions of Python and of packages.
        own: the bundle's figures.
        rivals: those of its rivals, by name.
        passed_over: rivals that could not run here, with the reason.
        failed: rivals that failed, with the reason; no figures of them are kept.
        new_phrase: the text stage alone, for one phrase that is not cached.
        by_phrases: the time of a frame by the number of phrases.
        absent: the time of a frame in which nothing was found; None if it was not measured.
        stream: what a stream gains, by the kind of source (`bench.stream`); empty if it was not measured.
    """

    bundle: str
    frame: tuple[int, int]
    view: tuple[int, int]
    phrases: int
    threads: int
    included: str
    machine: str
    facts: dict[str, Any]
    versions: dict[str, str]
    own: Figures
    rivals: dict[str, Figures]
    passed_over: dict[str, str]
    failed: dict[str, str]
    new_phrase: Timing
    by_phrases: dict[str, Timing] = field(default_factory=dict)
    absent: Timing | None = None
    stream: dict[str, StreamFigures] = field(default_factory=dict)

    @property
    def own_name(self) -> str:
        """What to call the bundle beside its rivals: the name of its folder, or the path if a rival is called so."""
        name = Path(self.bundle).name
        return self.bundle if name in self.rivals else name

    @property
    def speedup_against(self) -> dict[str, float]:
        """How many times as long as the bundle each rival took: the ratio of the medians of the whole frame."""
        return {name: round(one.total.median / self.own.total.median, 3) for name, one in self.rivals.items()}

    @property
    def busy(self) -> bool:
        """Whether other programs took part of the machine when the benchmark began."""
        return (self.facts["load_average"] or 0) > BUSY

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values; the bundle's own figures are at the top level."""
        rest = {name: value for name, value in asdict(self).items() if name not in ("own", "rivals", "stream")}
        return {
            "format": FORMAT,
            "version": VERSION,
            "speedup_against": self.speedup_against,
            "busy": self.busy,
            **rest,
            **self.own.to_json(),
            "stream": {source: one.to_json() for source, one in self.stream.items()},
            "rivals": {name: one.to_json() for name, one in self.rivals.items()},
        }


def read_report(path: Path) -> dict[str, Any]:
    """Read what `isfp bench --json` printed earlier.

    Raises:
        IsfpError: the file cannot be read, or is not such a report.
    """
    fields = read_json(path, "the output of isfp bench --json")
    if not isinstance(fields, dict) or (fields.get("format"), fields.get("version")) != (FORMAT, VERSION):
        raise IsfpError(f"{path} is not a report of this version of isfp bench. Make it again: isfp bench BUNDLE --json > {path}")
    return fields


def slowdown(report: BenchReport, earlier: dict[str, Any]) -> dict[str, float]:
    """Return how many times as long as in an earlier report each step takes now, with the whole frame as `total`.

    Raises:
        IsfpError: the earlier report was made on another processor, or measured something else.
    """
    now = report.to_json()
    pairs = [(name, earlier.get(name), list(now[name]) if isinstance(now[name], tuple) else now[name]) for name in _SAME]
    pairs.append(("facts.processor", earlier.get("facts", {}).get("processor"), now["facts"]["processor"]))
    for name, before, after in pairs:
        if before != after:
            raise IsfpError(
                f"The earlier report cannot be compared: its {name} is {before!r}, that of this run is {after!r}. Only times of "
                "one task on one kind of machine can be compared."
            )
    steps = earlier["milliseconds"]
    return {
        step: round(timing.median / steps[step]["median"], 3)
        for step, timing in report.own.milliseconds.items()
        if step in steps and steps[step]["median"] > 0
    }
