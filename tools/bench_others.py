"""A bundle beside what one would use instead, on the same CPU and frame: python tools/bench_others.py models/edge.isfp

The others are built from the `transformers` package (Apache-2.0; no dependency of this project: pip install transformers) at their
usual sizes, with random weights, which take as long as trained ones; nothing is downloaded, and nothing can be said of their masks.
They run in PyTorch, FP32. Text that does not depend on the frame is computed beforehand, as in the bundle's frame. Unlike the
bundle's, their times leave out preprocessing and the enlargement of masks.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import onnx
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from isfp import Segmenter
from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench.measure import default_frame
from isfp.diagnose.bench.timing import Timing
from isfp.errors import IsfpError
from isfp.runtimes.threads import usable_cores
from turns import WARNING, clocked, conditions, save, take_turns

PHRASE, TOKENS = "the red mug on the left", 8
#: Measured runs of a turn: some of the others take seconds.
RUNS = 1
Frame = Callable[[Tensor], object]


@dataclass(frozen=True)
class Other:
    """A model that finds objects by text, or masks by boxes.

    Attributes:
        gives: what it makes of a frame.
        size: height and width of its input, pixels.
        build: makes it, and the function that runs it on pixels `[1,3,H,W]`.
    """

    gives: str
    size: tuple[int, int]
    build: Callable[[], tuple[nn.Module, Frame]]


def main(
    bundle: Annotated[Path, typer.Argument(help="Model bundle, NAME.isfp.")],
    only: Annotated[str, typer.Option(help="Measure only those whose names contain this.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of one measured run of each.")] = 3,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for one on each core that may be used.")] = 0,
    save_to: Annotated[Path | None, typer.Option("--save", help="Write the JSON also to this file, after each round.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    _need_transformers()
    chosen = {name: other for name, other in OTHERS.items() if only.lower() in name.lower()}
    if not chosen:
        raise IsfpError(f"--only {only}: expected a part of one of {', '.join(OTHERS)}.")
    used, console = threads or usable_cores(), Console(stderr=True)
    report = conditions(used) | {"complete": False}
    torch.set_num_threads(used)
    frame, segmenter, opened = default_frame(), Segmenter(bundle, threads=used), Bundle.open(bundle)
    tasks = {bundle.name: clocked(lambda: segmenter.run(frame, (PHRASE,), 0.0))}
    framing = opened.manifest.framing
    described = {bundle.name: _described(MASK_BY_TEXT, (framing.height, framing.width), _weights(opened))}
    for name, other in chosen.items():
        console.print(f"Building {name}")
        model, run = other.build()
        tasks[name] = clocked(_on_frame(run, _pixels(frame, other.size)))
        described[name] = _described(other.gives, other.size, sum(value.numel() for value in model.parameters()))
    report |= {"phrase": PHRASE, "frame": frame.shape[:2]}

    def take(timings: Mapping[str, Timing]) -> None:
        done = timings[bundle.name].runs // RUNS
        report.update(_compared(bundle.name, described, timings), complete=done == rounds)
        save(save_to, report)
        console.print(f"Measured round {done} of {rounds}")

    console.print(f"Measuring {len(tasks)} models in {rounds} rounds")
    take_turns(tasks, rounds, RUNS, after_round=take)
    if as_json:
        print(json.dumps(report))
        return
    rows, chains = report["models"], report["chains"]
    table = Table("", "gives", "input", "million weights", "median ms", "times ours")
    for name, row in rows.items():
        size, weights = "{} x {}".format(*row["input"]), f"{row['parameters'] / 1e6:.1f}"
        table.add_row(name, row["gives"], size, weights, f"{row['median']:.1f}", f"{row['ratio']:.1f}")
    table.add_section()
    for name, chain in chains.items():
        table.add_row(name, MASK_BY_TEXT, "", "", f"{chain['median']:.1f}", f"{chain['ratio']:.1f}")
    Console().print(table)
    print(f"{report['machine']}, {used} threads, {rounds} runs of each in turn; all but the bundle's weights are random.")
    print("A chain's time is the sum of its parts' medians." + (f"\n{WARNING}" if report["busy"] else ""))


def _compared(own: str, described: Mapping[str, dict[str, Any]], timings: Mapping[str, Timing]) -> dict[str, Any]:
    """Return the figures of each model and each chain, as JSON values."""
    ours = timings[own].median
    rows = {
        name: described[name] | timing.to_json() | {"ratio": round(timing.median / ours, 1)} for name, timing in timings.items()
    }
    chains = {}
    for name, parts in CHAINS.items():
        if all(part in timings for part in parts):
            median = sum(timings[part].median for part in parts)
            chains[name] = {"parts": parts, "median": round(median, 3), "ratio": round(median / ours, 1)}
    return {"models": rows, "chains": chains}


def _need_transformers() -> None:
    try:
        import transformers
    except ImportError as error:
        raise IsfpError(
            f"The other models come from the transformers package, which cannot be imported ({error}). Install it, best in an "
            "environment of its own, because this project does not need it: pip install transformers"
        ) from error
    transformers.logging.set_verbosity_error()


def _described(gives: str, size: tuple[int, int], parameters: int) -> dict[str, Any]:
    return {"gives": gives, "input": size, "parameters": parameters}


def _weights(bundle: Bundle) -> int:
    stages = [onnx.load_from_string(bundle.read(stage.file)) for stage in bundle.manifest.stages.values()]
    return sum(prod(tensor.dims) for stage in stages for tensor in stage.graph.initializer)


def _pixels(frame: np.ndarray, size: tuple[int, int]) -> Tensor:
    """The frame as their processors would give it, about: RGB `[1,3,H,W]`, mean 0."""
    resized = cv2.resize(frame, size[::-1])[:, :, ::-1].astype(np.float32) / 127.5 - 1
    return torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1)))[None]


def _on_frame(run: Frame, pixels: Tensor) -> Callable[[], object]:
    @torch.inference_mode()
    def task() -> object:
        return run(pixels)

    return task


def _clipseg() -> tuple[nn.Module, Frame]:
    """As CIDAS/clipseg-rd64-refined."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    config = CLIPSegConfig(vision_config={"patch_size": 16}, use_complex_transposed_convolution=True)
    model, text = CLIPSegForImageSegmentation(config).eval(), torch.rand(1, config.projection_dim)
    return model, lambda pixels: model(pixel_values=pixels, conditional_embeddings=text).logits


def _owlvit() -> tuple[nn.Module, Frame]:
    """As google/owlvit-base-patch32."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection

    model = OwlViTForObjectDetection(OwlViTConfig()).eval()
    return model, _owl(model)


def _owlv2() -> tuple[nn.Module, Frame]:
    """As google/owlv2-base-patch16."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    model = Owlv2ForObjectDetection(Owlv2Config(vision_config={"image_size": 960, "patch_size": 16})).eval()
    return model, _owl(model)


def _owl(model: Any) -> Frame:
    text = torch.rand(1, 1, model.config.text_config.hidden_size)

    def run(pixels: Tensor) -> object:
        grid, _ = model.image_embedder(pixels)
        places = grid.flatten(1, 2)
        return model.class_predictor(places, text), model.box_predictor(places, grid)

    return run


def _omdet() -> tuple[nn.Module, Frame]:
    """As omlab/omdet-turbo-swin-tiny-hf, with the Swin of transformers in place of that of timm. It caches its text itself."""
    from transformers import OmDetTurboConfig, OmDetTurboForObjectDetection, SwinConfig

    swin = SwinConfig(image_size=640, out_features=["stage2", "stage3", "stage4"])
    config = OmDetTurboConfig(backbone_config=swin, apply_layernorm_after_vision_backbone=False)
    model, words = OmDetTurboForObjectDetection(config).eval(), torch.randint(1, 40000, (1, TOKENS))
    text = {f"{kind}_{name}": value for kind in ("classes", "tasks") for name, value in _text(words).items()}
    return model, lambda pixels: model(pixel_values=pixels, classes_structure=torch.tensor([1]), **text).decoder_coord_logits


def _grounding_dino() -> tuple[nn.Module, Frame]:
    """As IDEA-Research/grounding-dino-tiny. Its text, which meets the frame in every layer, is computed with each frame."""
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection

    model, words = GroundingDinoForObjectDetection(GroundingDinoConfig()).eval(), torch.randint(1000, 20000, (1, TOKENS))
    words[0, 0], words[0, -2], words[0, -1] = 101, 1012, 102  # [CLS], the full stop that ends a phrase, and [SEP], in BERT
    return model, lambda pixels: model(pixel_values=pixels, **_text(words)).pred_boxes


def _text(words: Tensor) -> dict[str, Tensor]:
    return {"input_ids": words, "attention_mask": torch.ones_like(words)}


def _sam2() -> tuple[nn.Module, Frame]:
    """As facebook/sam2.1-hiera-tiny."""
    from transformers import Sam2Config, Sam2Model

    model = Sam2Model(Sam2Config()).eval()
    return model, _in_box(model)


def _sam() -> tuple[nn.Module, Frame]:
    """As facebook/sam-vit-base."""
    from transformers import SamConfig, SamModel

    model = SamModel(SamConfig()).eval()
    return model, _in_box(model)


def _in_box(model: Any) -> Frame:
    box = torch.tensor([[[300.0, 300.0, 600.0, 600.0]]])
    return lambda pixels: model(pixel_values=pixels, input_boxes=box, multimask_output=False).pred_masks


MASK_BY_TEXT, BOXES, MASK_BY_BOX = "mask of a phrase", "boxes of phrases", "mask in a box"
OTHERS = {
    "CLIPSeg rd64": Other(MASK_BY_TEXT, (352, 352), _clipseg),
    "OWL-ViT B/32": Other(BOXES, (768, 768), _owlvit),
    "OWLv2 B/16": Other(BOXES, (960, 960), _owlv2),
    "OmDet-Turbo tiny": Other(BOXES, (640, 640), _omdet),
    "Grounding DINO tiny": Other(BOXES, (750, 1333), _grounding_dino),
    "SAM 2.1 tiny": Other(MASK_BY_BOX, (1024, 1024), _sam2),
    "SAM ViT-B": Other(MASK_BY_BOX, (1024, 1024), _sam),
}
CHAINS = {
    "OWL-ViT + SAM 2.1 tiny": ("OWL-ViT B/32", "SAM 2.1 tiny"),
    "OmDet-Turbo + SAM 2.1 tiny": ("OmDet-Turbo tiny", "SAM 2.1 tiny"),
    "OWLv2 + SAM 2.1 tiny": ("OWLv2 B/16", "SAM 2.1 tiny"),
    "Grounding DINO + SAM ViT-B": ("Grounding DINO tiny", "SAM ViT-B"),
}

if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"bench_others: {error}")
