"""The model card in a bundle: the network, its training data, its accuracy and its limits."""

from __future__ import annotations

from typing import Any

from isfp_export.bundle.thresholds import Thresholds
from isfp_train.measure.report import RELIABILITY
from isfp_train.network import NetworkConfig
from isfp_train.run.checkpoint import LoadedCheckpoint

_COLUMNS = ("mIoU", "oIoU", "Pr@0.5", "Pr@0.7", "Pr@0.9", "cell", "missed", "absent")


def model_card(
    name: str, loaded: LoadedCheckpoint, thresholds: Thresholds, evaluation: dict[str, Any] | None, history: str | None
) -> str:
    """Write the card as Markdown.

    Args:
        name: the bundle's name.
        loaded: the checkpoint.
        thresholds: as chosen by `choose_thresholds`.
        evaluation: the output of `isfp eval --json`, or None.
        history: the runs before the checkpoint's own, as Markdown, or None.
    """
    network, data, optimisation = loaded.config.network, loaded.config.data, loaded.config.optimisation
    samples = loaded.epoch_samples
    shares = ", ".join(f"{share:g} {kind}" for kind, share in data.shares.items())
    frozen = f" ({_pretrained(loaded)})" if optimisation.freeze_backbone else ""
    seen = (
        f"- the training split of {data.refcoco}"
        if data.refcoco
        else f"- {data.scenes} scenes ({shares}), with new phrases generated from their geometry in every epoch; no RefCOCO data"
    )
    lines = [
        f"# Model card: {name}",
        "",
        "Referring segmentation: an image and an English phrase go in, the mask of the object that the phrase describes comes out.",
        "The network is the one in *Instance-Specific Feature Propagation for Referring Segmentation* (Liu, Jiang, Ding).",
        "",
        "## What it is",
        f"- backbone {network.backbone}{frozen}, "
        f"frames letterboxed to {network.image_size}×{network.image_size}, grid {network.grid}×{network.grid}",
        f"- {len(loaded.vocabulary)} words with GloVe vectors ({network.word_channels} channels), "
        f"at most {network.max_words} words per phrase",
        f"- identification: {network.identification}; refinement: {_refinement(network)}",
        "",
        "## Training",
        seen,
        f"- `isfp train configs/{loaded.config.name}.yaml`, seed {loaded.config.seed}",
        f"- {loaded.epoch} epochs of {optimisation.epoch_scenes} scenes, {loaded.step} steps: {samples:,} phrases",
        *([history.strip()] if history else []),
        "",
        "## Thresholds",
        f"- minimum score for a match: {thresholds.found:g}; minimum probability of a pixel in the mask: {thresholds.mask:g}",
        f"- {thresholds.how}",
        "",
    ]
    if evaluation:
        lines += [
            "## Accuracy",
            f"`isfp eval` on {_test_set(evaluation)}. All figures are percent. `missed`: share of present objects below the "
            "minimum score. `absent`: share of absent objects that are correctly refused.",
            "",
            "| | " + " | ".join(_COLUMNS) + " |",
            "| --- |" + " ---: |" * len(_COLUMNS),
        ]
        for group, values in evaluation["report"].items():
            cells = [f"{values[column]:.1f}" if column in values else "" for column in _COLUMNS]
            lines.append(f"| {group} | " + " | ".join(cells) + " |")
        lines.append("")
    if evaluation and evaluation.get("reliability"):
        lines += [
            "## What a score means",
            "On the same phrases, in percent of the answers with such a score: the object is there at all, the answer is the right "
            "object, and its mask has an IoU above 0.5.",
            "",
            "| score | " + " | ".join(RELIABILITY) + " |",
            "| --- |" + " ---: |" * len(RELIABILITY),
        ]
        for scores, values in evaluation["reliability"].items():
            lines.append(f"| {scores} | " + " | ".join(f"{values[name]:.0f}" for name in RELIABILITY) + " |")
        lines.append("")
    lines += [
        "## What it cannot do",
        "- Expect lower accuracy on images unlike its training data, in crowded scenes, on small objects, and for phrases that use "
        "more than everyday names, colour, position, order, size and relation.",
        "- It answers with one object. If a phrase describes several objects, the answer is one of them.",
        "- Do not use it as the only safeguard where a wrong answer could hurt somebody.",
        "",
    ]
    return "\n".join(lines)


def _test_set(evaluation: dict[str, Any]) -> str:
    if "dataset" in evaluation:
        return f"{evaluation['scenes']} photos of {evaluation['dataset']}, split {evaluation['split']}"
    if evaluation.get("phrases") == "human":
        return f"{evaluation['scenes']} {evaluation['split']} photos with phrases that people wrote (`--phrases human`)"
    if evaluation.get("phrases") == "free":
        return f"{evaluation['scenes']} {evaluation['split']} generated scenes with free phrases (`--phrases free`)"
    shares = ", ".join(f"{share:g} {kind}" for kind, share in evaluation["shares"].items())
    return (
        f"{evaluation['scenes']} scenes with seeds that training never used ({shares}; split {evaluation['split']}, wording "
        f"{evaluation['wording']})"
    )


def _pretrained(loaded: LoadedCheckpoint) -> str:
    backbone, optimisation = loaded.config.network.backbone, loaded.config.optimisation
    weights = "frozen, ImageNet weights" if loaded.packaged_backbone else "ImageNet weights, trained further"
    if backbone == "darknet53":
        return f"{weights} from a Darknet file"
    if backbone == "efficientnet_lite0":
        return weights
    if not optimisation.train_detector:
        return f"{weights}, COCO weights for NanoDet"
    return f"{weights}, but NanoDet was trained further" if loaded.packaged_backbone else f"{weights}, as was NanoDet"


def _refinement(network: NetworkConfig) -> str:
    if not network.refinement:
        return "none"
    return "a guided filter, then convolutions" if network.refinement_guided else "convolutions"
