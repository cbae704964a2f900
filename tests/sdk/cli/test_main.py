import json
import os
import subprocess
import sys

import cv2
import pytest

from isfp import pictures
from isfp.cli import extras
from isfp.cli import main as cli
from isfp.cli.extras import ExtraMissingError
from tests.sdk.colour_bundle import picture


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "scene.png"
    cv2.imwrite(str(path), picture(("red", (40, 60, 240, 300)), size=(480, 640)))
    return path


def test_run_prints_json_alone_on_standard_output_and_writes_the_picture(isfp, colour_bundle, image, tmp_path):
    out = tmp_path / "new" / "out.png"
    arguments = ["--image", image, "--phrase", "red", "--phrase", "the green thing", "--out", out, "--json"]
    code, printed, messages = isfp("run", colour_bundle, *arguments)
    assert code == 0
    red, green = json.loads(printed)["results"]
    assert (red["text"], red["found"], red["box"]) == ("red", True, [40, 60, 240, 300])
    assert (green["found"], green["box"]) == (False, None)
    assert str(out) in messages
    assert cv2.imread(str(out)).shape[1] > 1000


def test_run_prints_a_table_that_says_what_is_not_there(isfp, colour_bundle, image):
    code, printed, _ = isfp("run", colour_bundle, "--image", image, "--phrase", "red", "--phrase", "green [x]")
    assert code == 0
    assert "40 60 240 300" in printed
    assert "not there" in printed
    assert "[x]" in printed


def test_run_says_what_is_unknown_mistyped_and_cut(isfp, colour_bundle, image):
    code, out, _ = isfp("run", colour_bundle, "--image", image, "--phrase", "the bleu zork thing the the left", "--json")
    (result,) = json.loads(out)["results"]
    assert code == 0
    assert result["suggestions"] == {"bleu": "blue"}
    assert "unknown words: bleu (did you mean blue?), zork" in result["notes"]
    _, out, _ = isfp("run", colour_bundle, "--image", image, "--phrase", "the bleu zork thing the the left")
    for word in ("bleu", "mean", "blue?", "zork", "left"):
        assert word in out


def test_run_several_lists_and_draws_every_object(isfp, colour_bundle, tmp_path):
    two = tmp_path / "two.png"
    pictures.write(two, picture(("red", (8, 20, 40, 52)), ("red", (80, 40, 120, 80))))
    command = ("run", colour_bundle, "--image", two, "--phrase", "red", "--phrase", "green", "--several")
    code, out, _ = isfp(*command, "--json", "--out", tmp_path / "out.png")
    assert code == 0
    red, green = json.loads(out)["results"]
    assert (len(red["objects"]), len(green["objects"])) == (2, 0)
    assert pictures.read(tmp_path / "out.png").shape[0] > 50
    _, out, _ = isfp(*command)
    assert (out.count("yes"), out.count("not there")) == (2, 1)


def test_an_image_comes_from_standard_input(colour_bundle, image):
    command = [sys.executable, "-m", "isfp.cli", "run", str(colour_bundle), "--image", "-", "--phrase", "red", "--json"]
    done = subprocess.run(command, input=image.read_bytes(), capture_output=True, check=True)
    assert json.loads(done.stdout)["results"][0]["box"] == [40, 60, 240, 300]


def test_a_closed_standard_input_is_said(isfp, monkeypatch, colour_bundle):
    monkeypatch.setattr(sys, "stdin", None)  # as after <&-
    code, _, messages = isfp("run", colour_bundle, "--image", "-", "--phrase", "red")
    assert code == 1
    assert "standard input, which is closed" in " ".join(messages.split())


def test_smoothing_an_image_is_refused_and_not_passed_over(isfp, colour_bundle, image):
    code, _, messages = isfp("run", colour_bundle, "--image", image, "--phrase", "red", "--smooth")
    assert code == 2
    assert "--smooth follows an object over the frames" in " ".join(messages.split())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--json"], []])
def test_an_output_that_is_full_is_said(colour_bundle, image, arguments):
    command = [sys.executable, "-m", "isfp.cli", "run", str(colour_bundle), "--image", str(image), "--phrase", "red", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "isfp: The output cannot be written: No space left on device. Free some space" in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("columns", ["0", "1", "40", "200"])
def test_tables_are_printed_whatever_width_is_stated(colour_bundle, image, columns):
    command = [sys.executable, "-m", "isfp.cli", "run", str(colour_bundle), "--image", str(image), "--phrase", "red"]
    done = subprocess.run(command, capture_output=True, check=True, text=True, env={**os.environ, "COLUMNS": columns})
    assert "yes" in done.stdout


def test_output_passes_through_a_pipe_of_another_encoding(colour_bundle, image):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for arguments in ([], ["--json"]):
        command = [sys.executable, "-m", "isfp.cli", "run", str(colour_bundle), "--image", str(image), "--phrase", "red café 猫"]
        done = subprocess.run([*command, *arguments], capture_output=True, check=True, env=environment)
        done.stdout.decode("ascii")
    assert json.loads(done.stdout)["results"][0]["text"] == "red café 猫"


def test_a_threshold_can_be_given(isfp, colour_bundle, image):
    arguments = ["--image", image, "--phrase", "red", "--json", "--threshold"]
    assert json.loads(isfp("run", colour_bundle, *arguments, "1")[1])["results"][0]["found"] is False


def test_bench_and_inspect_and_doctor_print_json(isfp, colour_bundle):
    assert json.loads(isfp("bench", colour_bundle, "--runs", 3, "--json")[1])["milliseconds"]["total"]["runs"] == 3
    assert json.loads(isfp("inspect", colour_bundle, "--json")[1])["name"] == "colour"
    report = json.loads(isfp("doctor", "--json")[1])
    assert report["runtime"] == "onnxruntime"
    assert {"Python", "OpenCV", "TensorRT"} <= {finding["what"] for finding in report["findings"]}
    assert report["next"].startswith("isfp run")


@pytest.mark.parametrize("command", ["bench", "inspect", "doctor"])
def test_tables_are_printed_for_people(isfp, colour_bundle, command):
    arguments = {"bench": [colour_bundle, "--runs", 2], "inspect": [colour_bundle], "doctor": []}[command]
    code, printed, _ = isfp(command, *arguments)
    assert code == 0
    assert {"bench": "identify", "inspect": "visual_large", "doctor": "Next: isfp run"}[command] in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.isfp", "--image", "IMAGE", "--phrase", "red"], "none.isfp does not exist; expected a folder"),
        (["run", "BUNDLE", "--image", "none.png", "--phrase", "red"], "none.png cannot be read"),
        (["run", "BUNDLE", "--image", __file__, "--phrase", "red"], "is not a picture"),
        (["run", "BUNDLE", "--image", "IMAGE", "--phrase", "!"], "has no words"),
        (["run", "BUNDLE", "--image", "IMAGE", "--phrase", "red", "--out", "x.abc"], "expected .png or .jpg"),
        (["run", "BUNDLE", "--image", "IMAGE", "--phrase", "red", "--out", "IMAGE"], "is an input of this command"),
        (["run", "BUNDLE", "--image", "https://me:s3cret@host/a.png", "--phrase", "red"], "https://host/a.png is a URL"),
        (["run", "BUNDLE", "--image", "IMAGE", "--phrase", "red", "--runtime", "warp"], "no runtime 'warp'"),
        (["run", "BUNDLE", "--image", "IMAGE", "--phrase", "red", "--threshold", "2"], "from 0 to 1"),
        (["inspect", "."], "no manifest.json"),
        (["bench", "none.isfp"], "does not exist"),
    ],
)
def test_an_error_is_one_message_on_standard_error_and_exit_code_1(isfp, colour_bundle, image, arguments, message):
    places = {"BUNDLE": str(colour_bundle), "IMAGE": str(image)}
    code, printed, messages = isfp(*(places.get(argument, argument) for argument in arguments))
    assert code == 1
    assert printed == ""
    assert message in messages
    assert messages.startswith("isfp: ")
    assert "Traceback" not in messages


def test_debug_shows_where_an_error_comes_from(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["isfp", "--debug", "inspect", "none.isfp"])
    with pytest.raises(FileNotFoundError, match="does not exist"):
        cli.main()


def test_an_error_that_nobody_foresaw_is_one_message_too(isfp, monkeypatch):
    monkeypatch.setattr("isfp.diagnose.doctor.examine", lambda bundle: 1 / 0)
    code, _, messages = isfp("doctor")
    assert code == 1
    assert "ZeroDivisionError" in messages
    assert "--debug" in messages
    assert "Traceback" not in messages


@pytest.mark.parametrize("name", extras.EXTRAS)
def test_a_command_whose_package_is_missing_says_what_to_install(isfp, monkeypatch, name):
    monkeypatch.setattr(extras, "entry_points", lambda group: [])
    code, _, messages = isfp(name, "anything", "--help")
    assert code == 1
    assert f'pip install "isfp[{extras.EXTRAS[name].extra}]"' in messages


def test_a_command_that_lacks_a_module_says_what_to_install(isfp, monkeypatch):
    def export() -> None:
        import a_module_that_is_nowhere  # noqa: F401

    monkeypatch.setattr(extras, "load", lambda name: export)
    code, _, messages = isfp("export")
    assert code == 1
    assert "a_module_that_is_nowhere" in messages
    assert 'pip install "isfp[train,export]"' in messages


def test_a_module_that_is_there_changes_nothing():
    with pytest.raises(ExtraMissingError, match="gone"), extras.asking_for("train"):
        raise ModuleNotFoundError("No module", name="gone")
    with extras.asking_for("train"):
        pass


def test_arguments_pass_through_to_a_command_above_the_sdk(isfp, monkeypatch):
    def train(config: str, fast: bool = False) -> None:
        print(f"{config} {fast}")

    monkeypatch.setattr(extras, "load", lambda name: train)
    assert isfp("train", "edge.yaml", "--fast") == (0, "edge.yaml True\n", "")
    assert "--fast" in isfp("train", "--help")[1]
    assert isfp("train")[0] == 2


def test_version_is_printed(isfp):
    code, printed, _ = isfp("--version")
    assert code == 0
    assert printed.startswith("isfp 0.")


HEAVY = ["torch", "tensorrt", "tensorrt_rtx", "cuda.bindings", "pycuda", "onnx", "onnxruntime", "isfp_train", "isfp_export"]
HEAVY += ["starlette", "uvicorn", "limits", "PIL", "rerun", "pycocotools", "filelock", "ray"]


@pytest.mark.parametrize(
    "statement",
    [
        "import isfp",
        "import sys; from isfp.cli.main import main; sys.argv = ['isfp', '--help']\ntry: main()\nexcept SystemExit: pass",
        "from isfp.diagnose.doctor import examine\n"
        "import sys; sys.modules['onnxruntime'] = None; examine(); del sys.modules['onnxruntime']",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"


def test_help_lists_every_command_without_its_package(isfp):
    printed = isfp("--help")[1]
    for name in ("run", "bench", "inspect", "doctor", "train", "eval", "export", "verify"):
        assert name in printed


def test_what_a_terminal_would_obey_is_shown_as_an_escape():
    from isfp.cli.output import plain

    assert plain("a\x1b[2J\x9b1m\u202e\rb") == "a\\x1b\\[2J\\x9b1m\\u202e\\rb".replace("\\[2J", "[2J")
    assert plain("one\n\ttwo, ünïcode 杯") == "one\n\ttwo, ünïcode 杯"


def test_inspect_prints_no_escape_of_a_bundle(monkeypatch, capsys, colour_bundle, tmp_path):
    import json
    import shutil

    from isfp.bundle.bundle import write_manifest

    copy = shutil.copytree(colour_bundle, tmp_path / "copy.isfp")
    fields = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    write_manifest(copy, {**fields, "name": "evil\x1b]0;title\x07[red]"})
    monkeypatch.setattr(sys, "argv", ["isfp", "inspect", str(copy)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert "evil\\x1b]0;title\\x07[red]" in shown
    assert "\x1b" not in shown
