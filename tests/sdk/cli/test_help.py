"""`--help` of every command, as it is printed: nothing that its author wrote may get lost on the way."""

import inspect
import re

import pytest
import typer

from isfp.cli import extras
from isfp.cli import main as cli

pytestmark = pytest.mark.usefixtures("wide")
COMMANDS = {command.name or command.callback.__name__: command for command in cli.app.registered_commands}


@pytest.fixture
def wide(monkeypatch):
    """A terminal that is wide enough for each help text to stay on one line."""
    monkeypatch.setenv("COLUMNS", "400")


def function(name):
    """The function behind a command; that of an extra is imported."""
    if name not in extras.EXTRAS:
        return COMMANDS[name].callback
    try:
        return extras.load(name)
    except (extras.ExtraMissingError, ModuleNotFoundError) as error:
        pytest.skip(f"isfp {name} is not installed: {error}")


def parameters(name):
    """The options and arguments of a command, as click sees them."""
    alone = typer.Typer(add_completion=False)
    alone.command(name)(function(name))
    return typer.main.get_command(alone).params


def flat(text):
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


def printed(isfp, name):
    code, out, _ = isfp(name, "--help")
    assert code == 0
    return flat(out)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_text_is_printed_as_it_was_written(isfp, name):
    out = printed(isfp, name)
    texts = [flat(parameter.help) for parameter in parameters(name) if parameter.help]
    texts += [flat(paragraph) for paragraph in inspect.getdoc(function(name)).split("\n\n")]
    assert len(texts) > 1
    for text in texts:
        assert text in out, f"rich reads a part of this as markup: {text}"
        assert not re.search(r" [.,;:)](\s|$)|\(\)|\[\]", text), f"a gap before punctuation: {text}"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_parameter_has_a_help_text_and_shows_its_default(isfp, name):
    out = printed(isfp, name)
    for parameter in parameters(name):
        assert parameter.help, f"{parameter.name} has no help text"
        shown = parameter.show_default
        if isinstance(shown, str):
            expected = f"[default: ({shown})]"
        elif parameter.required:
            expected = "[required]"
        elif parameter.default is None or parameter.default is False or parameter.default == "":
            continue  # the option is off, and its text says what that means
        elif parameter.default is True:
            expected = f"[default: {parameter.opts[0].removeprefix('--')}]"
        else:
            expected = f"[default: {parameter.default}]"
        after = out[out.index(parameter.help) + len(parameter.help) :]
        assert after.lstrip().startswith(expected), f"{parameter.name}: {after[:60]!r}; expected {expected!r}"


def test_every_command_stands_in_one_of_the_three_groups(isfp):
    code, out, _ = isfp("--help")
    assert code == 0
    assert re.findall(r"╭─ (\w+) ─", out) == ["Options", extras.USE, extras.TRAIN, extras.SHIP]
    assert {command.rich_help_panel for command in COMMANDS.values()} == {extras.USE, extras.TRAIN, extras.SHIP}
    for name in COMMANDS:
        assert re.search(rf"│ {name} ", out)
