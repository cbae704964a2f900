"""Change the SDK's code in small ways and count the changes that its tests notice: python tools/mutants.py --sample 20.

Cosmic Ray's operators make the mutants. Each is written into a copy of the package, so that the working tree is never changed, and
only the tests of its module run on it, without those marked slow.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from cosmic_ray.commands.init import _all_work_items
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parents[1]
TESTS = {
    "steps/letterbox.py": ("steps/test_letterbox.py",),
    "steps/lookup.py": ("steps/test_lookup.py",),
    "steps/phrase.py": ("steps/test_phrase.py",),
    "bundle/bundle.py": ("bundle/test_bundle.py", "bundle/test_external_data.py"),
    "bundle/manifest.py": ("bundle/test_bundle.py", "bundle/test_external_data.py"),
    "label/log.py": ("label/test_label.py",),
    "video/memory.py": ("video/test_smoother.py",),
    "geometry.py": ("test_geometry.py",),
}
TIMEOUT_S = 120  # a mutant that loops for ever is killed by it


def noticed(sdk: Path, module: str) -> bool:
    """Whether a test of `module` fails, or never ends, with the package in `sdk`."""
    tests = [f"tests/sdk/{test}" for test in TESTS[module]]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(sdk), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=TIMEOUT_S).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main(
    sample: Annotated[int, typer.Option(min=1, help="Mutants of each module, drawn at random.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    module: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(TESTS)}; all if not given.")] = None,
) -> None:
    """Print the killed and the survivors of each module, and the score of all."""
    modules = module or list(TESTS)
    if unknown := set(modules) - set(TESTS):
        raise typer.BadParameter(f"{', '.join(unknown)}: expected one of {', '.join(TESTS)}")
    killed = total = 0
    with tempfile.TemporaryDirectory() as folder:
        sdk = Path(folder) / "sdk"
        shutil.copytree(ROOT / "sdk", sdk, ignore=shutil.ignore_patterns("__pycache__"))
        for name in modules:
            if noticed(sdk, name):
                raise SystemExit(f"The tests of {name} fail without a mutant; mend them first")
            path = sdk / "isfp" / name
            source = path.read_text()
            mutations = [item.mutations[0] for item in _all_work_items([path], {})]
            drawn = random.Random(seed).sample(mutations, min(sample, len(mutations)))
            survivors = []
            for mutation in drawn:
                operator = get_operator(mutation.operator_name)(**mutation.operator_args)
                path.write_text(mutate_code(source, operator, mutation.occurrence))
                if not noticed(sdk, name):
                    survivors.append(mutation)
            path.write_text(source)
            killed, total = killed + len(drawn) - len(survivors), total + len(drawn)
            print(f"{name}: {len(drawn) - len(survivors)} of {len(drawn)} killed ({len(mutations)} possible)", flush=True)
            for survivor in survivors:
                line = source.splitlines()[survivor.start_pos[0] - 1].strip()
                print(f"  survived {survivor.operator_name} at line {survivor.start_pos[0]}: {line}", flush=True)
    print(f"Score: {killed} of {total}, {100 * killed / total:.0f} %")


if __name__ == "__main__":
    typer.run(main)
