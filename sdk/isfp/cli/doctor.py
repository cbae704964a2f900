"""`isfp doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from isfp.cli.options import JsonOption
from isfp.cli.output import plain, print_json


def doctor(
    bundle: Annotated[Path | None, typer.Argument(help="Model bundle: also check whether its engines fit this machine.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine: what is installed, what will run, and what to type next."""
    from isfp.bundle.bundle import Bundle
    from isfp.diagnose.doctor import examine

    report = examine(Bundle.open(bundle) if bundle else None)
    if as_json:
        print_json(report.to_json())
        return
    table = Table("", "what", "found", "to do")
    for finding in report.findings:
        sign = "[green]yes[/]" if finding.good else "[yellow]no[/]"
        table.add_row(sign, finding.what, plain(finding.found), plain(finding.remedy))
    console = Console()
    console.print(table)
    console.print(f"Runs with: {report.runtime or 'nothing yet'}")
    console.print(f"Next: {plain(report.next)}", soft_wrap=True)
