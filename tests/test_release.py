"""The places that state the version agree, as RELEASE.md asks."""

import re

import isfp
from tests.paths import ROOT


def stated(file: str, pattern: str) -> str:
    found = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{file} does not match {pattern}"
    return found[1]


def test_the_version_is_the_same_everywhere():
    version = stated("pyproject.toml", r'^version = "(.+)"$')
    assert stated("CHANGELOG.md", r"^## (\d\S*) - ") == version  # the newest
    assert stated("CITATION.cff", r"^version: (.+)$") == version
    assert isfp.__version__ == version


def test_the_release_date_is_the_same_everywhere():
    assert stated("CHANGELOG.md", r"^## \d\S* - (.+)$") == stated("CITATION.cff", r"^date-released: (.+)$")
