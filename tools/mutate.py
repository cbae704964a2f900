"""Change the SDK's code in small ways and count the changes that its tests notice: python tools/mutate.py --sample 25.

A change ("mutant") that no test notices shows what the tests do not hold the code to. The working tree is copied, and only the
copy is changed. For each mutant, the tests that mirror its module run, then those beside them that import it, without slow ones,
until one fails. Ctrl+C is safe: what was tried is kept, and the next run goes on with the rest. Exit code 1: the score is too low.
"""

from __future__ import annotations

import ast
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from isfp.files.atomic_file import write_json
from mutations import Mutation, mutations

ROOT = Path(__file__).resolve().parent.parent
SDK, TESTS = Path("sdk/isfp"), Path("tests/sdk")
MODULES = (
    "steps/letterbox",
    "steps/lookup",
    "steps/phrase",
    "bundle/bundle",
    "bundle/manifest",
    "video/memory",
    "label/log",
    "geometry",
)
EQUIVALENT = ROOT / "tools" / "equivalent_mutants.json"
# Each mutant's process is forked from one that has these imported, so that it takes a fraction of the time.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["cv2", "hypothesis", "numpy", "onnx", "onnxruntime", "pytest", "rich", "typer"])
KILLED, TIMED_OUT, SURVIVED, SAME = "killed", "timed out", "survived", "equivalent"


def main(
    sample: Annotated[int, typer.Option(min=1, help="Mutants of each module, drawn at random.")] = 25,
    everything: Annotated[bool, typer.Option("--all", help="All mutants instead of a sample.")] = False,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    module: Annotated[list[str] | None, typer.Option(help=f"A module of {SDK}, such as {MODULES[0]}; may be repeated.")] = None,
    least: Annotated[float, typer.Option(min=0, max=1, help="Exit code 1 if the score is below it.")] = 0.9,
    out: Annotated[Path, typer.Option(help="Folder for results.json.")] = ROOT / "build" / "mutants",
    fresh: Annotated[bool, typer.Option("--fresh", help="Try again what an earlier run tried.")] = False,
) -> None:
    """Print the survivors as diffs and the score of each module."""
    out.mkdir(parents=True, exist_ok=True)
    tried = Tried(out / "tried.json", fresh)
    reports = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_tree(copy)
        for name in module or MODULES:
            reports.append(try_module(name, copy, tried, None if everything else sample, seed))
    show(reports)
    score = score_of([mutant for report in reports for mutant in report["mutants"]])
    result = {"seed": seed, "sample": "all" if everything else sample, "score": score, "modules": reports}
    write_json(out / "results.json", result, indent=2)
    print(f"Wrote {out / 'results.json'}")
    if score < least:
        sys.exit(f"mutate: the score is {score:.1%}; expected at least {least:.0%}. Test what the survivors change.")


class Tried:
    """What was tried before: a mutant that was killed stays killed; one that survived is tried again if its tests changed."""

    def __init__(self, path: Path, fresh: bool) -> None:
        self._path = path
        self._tried: dict[str, list[str]] = {} if fresh or not path.exists() else json.loads(path.read_text(encoding="utf-8"))

    def outcome(self, mutant: str, tests: str) -> str | None:
        """Return what became of a mutant, or None if it is to be tried. Both are hashes."""
        outcome, seen = self._tried.get(mutant, (None, ""))
        return outcome if outcome != SURVIVED or seen == tests else None

    def keep(self, mutant: str, tests: str, outcome: str) -> None:
        """Write it to disk at once."""
        self._tried[mutant] = [outcome, tests]
        write_json(self._path, self._tried)


def try_module(name: str, copy: Path, tried: Tried, sample: int | None, seed: int) -> dict[str, Any]:
    """Try the mutants of a module in the copy."""
    path = copy / SDK / f"{name}.py"
    if not path.is_file():
        sys.exit(f"mutate: {SDK / name}.py does not exist; expected a module such as {MODULES[0]}.")
    source = path.read_bytes()
    tests = tests_of(name, copy)
    if not tests:
        sys.exit(f"mutate: no test in {TESTS} mirrors or imports {name}.")
    digest = hashlib.sha256(b"".join((copy / test).read_bytes() for test in tests)).hexdigest()
    possible = mutations(source)
    drawn = possible if sample is None else random.Random(f"{seed} {name}").sample(possible, min(sample, len(possible)))
    drawn.sort(key=lambda mutation: (mutation.start, mutation.end))
    reasons = equivalent(name, source, possible)
    limit: float | None = None
    mutants = []
    for number, mutation in enumerate(drawn, start=1):
        changed = mutation.apply(source)
        key = hashlib.sha256(name.encode() + changed).hexdigest()
        outcome = SAME if mutation in reasons else tried.outcome(key, digest)
        if outcome is None:
            limit = limit or time_limit(name, copy, tests)
            path.write_bytes(changed)
            outcome = run_tests(copy, tests, limit)
            path.write_bytes(source)
            tried.keep(key, digest, outcome)
        print(f"{name} {number}/{len(drawn)}: {outcome}, line {mutation.line}, {mutation.kind}", file=sys.stderr, flush=True)
        mutants.append(
            {
                "line": mutation.line,
                "kind": mutation.kind,
                "outcome": outcome,
                "diff": mutation.diff(source, f"{SDK / name}.py"),
                "reason": reasons.get(mutation),
            }
        )
    return {"module": name, "possible": len(possible), "tests": tests, "score": score_of(mutants), "mutants": mutants}


def tests_of(name: str, root: Path) -> list[str]:
    """The test files of a module: the one that mirrors it, then those beside it that import it."""
    mirror = root / TESTS / Path(name).parent / f"test_{Path(name).name}.py"
    dotted = f"isfp.{name.replace('/', '.')}"
    found = [path for path in sorted(mirror.parent.glob("test_*.py")) if path != mirror and dotted in imported(path)]
    return [str(path.relative_to(root)) for path in ([mirror] if mirror.exists() else []) + found]


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports: of `from a.b import c`, both `a.b` and `a.b.c`."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def equivalent(name: str, source: bytes, possible: list[Mutation]) -> dict[Mutation, str]:
    """The mutants that behave as the module does, with the reason; the list must name mutants that exist."""
    reasons = {}
    changes: dict[tuple[str, str], list[Mutation]] = {}
    for mutation in possible:
        changes.setdefault(changed_line(source, mutation), []).append(mutation)
    for entry in json.loads(EQUIVALENT.read_text(encoding="utf-8")):
        if entry["module"] == name:
            meant = changes.get((entry["line"], entry["changed"]))
            if meant is None:
                sys.exit(f"mutate: {EQUIVALENT.name} lists a mutant of {name} that does not exist: {entry['changed']!r}")
            reasons.update(dict.fromkeys(meant, entry["reason"]))
    return reasons


def changed_line(source: bytes, mutation: Mutation) -> tuple[str, str]:
    """The first line that a mutation changes, before and after."""
    pairs = zip(source.splitlines(), mutation.apply(source).splitlines(), strict=False)
    before, after = next(pair for pair in pairs if pair[0] != pair[1])
    return before.decode("utf-8").strip(), after.decode("utf-8").strip()


def copy_tree(copy: Path) -> None:
    """Copy the files of the working tree that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode("utf-8").split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)


def time_limit(name: str, copy: Path, tests: list[str]) -> float:
    """Run the tests on the module as it is; return the seconds that a mutant gets, five times as many."""
    start = time.monotonic()
    if run_tests(copy, tests, limit=1200) != SURVIVED:
        sys.exit(f"mutate: the tests of {name} fail without a mutant; mend them first: pytest {' '.join(tests)}")
    return 5 * (time.monotonic() - start) + 30


def run_tests(copy: Path, tests: list[str], limit: float) -> str:
    """Run tests in the copy until one fails, for at most so many seconds."""
    process = PROCESSES.Process(target=_pytest, args=(copy, tests))
    process.start()
    process.join(limit)
    if process.exitcode is None:
        os.killpg(process.pid, signal.SIGKILL)  # what the tests started, too
        process.join()
        return TIMED_OUT
    return KILLED if process.exitcode else SURVIVED


def _pytest(copy: Path, tests: list[str]) -> None:
    """Run pytest in this process, which was forked from one that holds the libraries and nothing of the SDK."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores, and tests send
    os.chdir(copy)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    packages = [str(copy / folder) for folder in ("sdk", "train", "export")]
    sys.path[:0] = packages
    os.environ.update(PYTHONPATH=os.pathsep.join(packages), OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    import hypothesis
    import pytest

    # The same inputs for each mutant, and no failure because the machine is busy.
    hypothesis.settings.register_profile("mutants", deadline=None, derandomize=True, database=None)
    hypothesis.settings.load_profile("mutants")
    sys.exit(pytest.main(["-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", *tests]))


def score_of(mutants: list[dict[str, Any]]) -> float:
    """The share of mutants that were noticed, of those that behave differently."""
    outcomes = [mutant["outcome"] for mutant in mutants if mutant["outcome"] != SAME]
    return 1 - outcomes.count(SURVIVED) / len(outcomes) if outcomes else 1.0


def show(reports: list[dict[str, Any]]) -> None:
    """Print the survivors and a table."""
    table = Table("module", "possible", "tried", KILLED, TIMED_OUT, SAME, SURVIVED, "score")
    everything: list[dict[str, Any]] = []
    for report in reports:
        for mutant in report["mutants"]:
            if mutant["outcome"] == SURVIVED:
                print(f"\n{mutant['diff']}")
        add_row(table, report["module"], report["possible"], report["mutants"])
        everything += report["mutants"]
    add_row(table, "all", sum(report["possible"] for report in reports), everything)
    Console().print(table)


def add_row(table: Table, name: str, possible: int, mutants: list[dict[str, Any]]) -> None:
    """Add the counts of some mutants to the table."""
    outcomes = [mutant["outcome"] for mutant in mutants]
    counts = [outcomes.count(one) for one in (KILLED, TIMED_OUT, SAME, SURVIVED)]
    table.add_row(name, *map(str, (possible, len(mutants), *counts)), f"{score_of(mutants):.1%}")


if __name__ == "__main__":
    typer.run(main)
