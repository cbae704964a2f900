"""Feed a parser with inputs that are made from what they reach in its code, until one crashes it: python tools/fuzz.py manifest.

Needs atheris, pip install atheris: there are wheels for Linux (x86-64), and for macOS up to Python 3.11. It is not among
the development packages, because other machines have no wheel of it. Inputs that reached something new are kept in
build/fuzz/TARGET, and the next run starts from them; one that crashes is written beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("manifest", "bundle", "onnx", "words", "phrase", "record", "coco", "refer", "picture")
USAGE = f"python tools/fuzz.py {'|'.join(NAMES)} [SECONDS, by default 60] [further options of libFuzzer]"


def main() -> None:
    """Run one target."""
    name, seconds, options = (sys.argv[1:2] or [""])[0], (sys.argv[2:3] or ["60"])[0], sys.argv[3:]
    if name not in NAMES or not seconds.isdecimal():
        sys.exit(f"fuzz: {' '.join(sys.argv[1:]) or 'nothing'} was given; expected {USAGE}")
    try:
        import atheris
    except ImportError:
        sys.exit(
            "fuzz: atheris is not installed: pip install atheris. There are wheels for Linux (x86-64) and macOS (Python 3.11); "
            "elsewhere, pytest tests/tools/test_fuzz.py gives the same parsers a fixed number of inputs."
        )
    with atheris.instrument_imports(include=["isfp", "isfp_train", "fuzz_targets"]):
        from fuzz_targets import TARGETS

    target, corpus = TARGETS[name], ROOT / "build" / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed{number}").write_bytes(seed)
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={seconds}", f"-artifact_prefix={corpus.parent / name}-", *options]
    atheris.Setup(arguments, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
