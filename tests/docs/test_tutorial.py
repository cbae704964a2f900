"""The tutorial's blocks are run in their order, in one folder and one namespace, as a reader would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sybil", reason="needs pip install sybil")
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from tests.paths import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def shell(example):
    """Run a block of commands; the first that fails ends it."""
    programs = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euo", "pipefail", "-c", example.parsed]
    done = subprocess.run(command, env=os.environ | programs, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{example.parsed}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"


DOCUMENT = Sybil([SkipParser(), PythonCodeBlockParser(), CodeBlockParser("bash", shell)]).parse(PAGE)
EXAMPLES = list(DOCUMENT.examples())


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder that looks like the checkout, where blocks may write."""
    folder, before = tmp_path_factory.mktemp("reader"), Path.cwd()
    for name in ("models", "assets"):
        (folder / name).symlink_to(ROOT / name)
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def failed():
    """Lines of blocks that failed: those after them would fail for that alone."""
    return []


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line-{example.line}" for example in EXAMPLES])
def test_block(example, failed):
    if failed:
        pytest.skip(f"the block of line {failed[0]} failed")
    try:
        example.evaluate()
    except Exception as error:
        if type(error).__name__ != "SkipTest":
            failed.append(example.line)
        raise


def test_blocks_in_other_languages_do_not_pass_unseen():
    fences = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("```") and line != "```"]
    assert set(fences) == {"```bash", "```python"}
    assert sum(hasattr(example.parsed, "splitlines") for example in EXAMPLES) == len(fences)
