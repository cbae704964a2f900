"""The model card that lies in a bundle: what the model is, what it saw, how good it is, what it cannot do."""

from __future__ import annotations

from typing import Any

from isfp_export.bundle.thresholds import Thresholds
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
        evaluation: what `isfp eval --json` printed, or None.
        history: what the weights went through before the checkpoint's own run, as Markdown, or None.
    """
    network, data, optimisation = loaded.config.network, loaded.config.data, loaded.config.optimisation
    samples = loaded.epoch_samples
    shares = ", ".join(f"{share:g} {kind}" for kind, share in data.shares.items())
    pretrained = "ImageNet weights" if network.backbone == "efficientnet_lite0" else str(data.backbone_weights)
    seen = (
        f"- the training split of {data.refcoco}"
        if data.refcoco
        else f"- {data.scenes} scenes (shares: {shares}), phrases made anew from their geometry in every epoch; no RefCOCO data"
    )
    lines = [
        f"# Model card: {name}",
        "",
        "Referring segmentation: a picture and an English phrase go in, the mask of the one object the phrase means comes out.",
        "The network is that of *Instance-Specific Feature Propagation for Referring Segmentation* (Liu, Jiang, Ding).",
        "",
        "## What it is",
        f"- backbone {network.backbone}{f' (frozen, {pretrained})' if optimisation.freeze_backbone else ''}, "
        f"frames letterboxed to {network.image_size}×{network.image_size}, grid {network.grid}×{network.grid}",
        f"- {len(loaded.vocabulary)} words with GloVe vectors ({network.word_channels} channels), "
        f"at most {network.max_words} words a phrase",
        f"- identification: {network.identification}; refinement: {_refinement(network)}",
        "",
        "## What it saw",
        seen,
        f"- `isfp train configs/{loaded.config.name}.yaml`, seed {loaded.config.seed}",
        f"- {loaded.epoch} epochs of {optimisation.epoch_scenes} scenes, {loaded.step} steps: {samples:,} phrases",
        *([history.strip()] if history else []),
        "",
        "## Thresholds",
        f"- found at a score of {thresholds.found:g}, mask above a probability of {thresholds.mask:g}",
        f"- {thresholds.how}",
        "",
    ]
    if evaluation:
        shown = ", ".join(f"{kind} {share:g}" for kind, share in evaluation["shares"].items())
        lines += [
            "## How good it is",
            f"`isfp eval` on {evaluation['scenes']} scenes with unseen seeds ({shown}; split {evaluation['split']}, wording "
            f"{evaluation['wording']}), in percent. `missed`: present objects below the threshold; `absent`: absent objects "
            "refused.",
            "",
            "| | " + " | ".join(_COLUMNS) + " |",
            "| --- |" + " ---: |" * len(_COLUMNS),
        ]
        for group, values in evaluation["report"].items():
            cells = [f"{values[column]:.1f}" if column in values else "" for column in _COLUMNS]
            lines.append(f"| {group} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [
        "## What it cannot do",
        "- It was trained on generated phrases about generated scenes and few photos: expect less on crowded real photos, "
        "small objects, and wordings far from everyday naming, colour, place, order, size and relation.",
        "- It answers with one object. A phrase for several objects gets one of them.",
        "- It must not be the only safeguard where a wrong answer can hurt somebody.",
        "",
    ]
    return "\n".join(lines)


def _refinement(network: NetworkConfig) -> str:
    if not network.refinement:
        return "no"
    return "convolutions behind a guided filter" if network.refinement_guided else "convolutions"
