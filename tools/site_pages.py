"""A hook of MkDocs (mkdocs.yml): adds the pages that stand outside docs/, and API pages made from the packages as they are.

Pages get the place that they have in the repository, so that links between them hold on the site too. What a page links to
becomes part of the site. There is one API page for each module and sub-package of a package; new ones appear in the navigation by
themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PACKAGES = {"SDK": "sdk/isfp", "Training": "train/isfp_train", "Export": "export/isfp_export"}
_LINK = re.compile(r"\]\(([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the pages of docs/ by those of the repository, and add the API pages."""
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    for path in _repository_pages(config.nav or []):
        name = path.relative_to(ROOT).as_posix()
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    sections = []
    for title, folder in PACKAGES.items():
        pages = _api_pages(ROOT / folder)
        for name, content in pages.items():
            files.append(File.generated(config, f"api/{name}.md", content=content))
        sections.append({title: [{name: f"api/{name}.md"} for name in pages]})
    config.nav = [*(config.nav or []), {"API": sections}]
    return files


def _repository_pages(nav: list) -> list[Path]:
    """The navigation's pages and those of docs/, with all files that they link to. MkDocs reports links that lead nowhere."""
    waiting = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in _names(nav))]
    found: dict[Path, None] = {}
    while waiting:
        path = waiting.pop(0).resolve()
        if path in found or not path.is_file() or not path.is_relative_to(ROOT):
            continue
        found[path] = None
        if path.suffix == ".md":
            waiting += [path.parent / link for link in _LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    return list(found)


def _names(nav: list | dict | str) -> list[str]:
    """All paths in a navigation."""
    if isinstance(nav, str):
        return [nav]
    return [name for part in (nav.values() if isinstance(nav, dict) else nav) for name in _names(part)]


def _api_pages(package: Path) -> dict[str, str]:
    """A package's pages by dotted name: the package's own names, then a page for each public module and sub-package."""
    own = package.name
    pages = {own: f"::: {own}\n    options:\n      show_submodules: false\n"}
    for path in sorted(package.iterdir()):
        name = path.stem
        if not name.startswith("_") and ((path / "__init__.py").is_file() or path.suffix == ".py"):
            pages[f"{own}.{name}"] = f"::: {own}.{name}\n"
    return pages
