"""Export a checkpoint as a bundle: stages, words, thresholds, card and manifest. It gets its name only after verification."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import onnx

from isfp.bundle.bundle import write_manifest, writing
from isfp_export.bundle.card import model_card
from isfp_export.bundle.thresholds import Thresholds, choose_thresholds
from isfp_export.bundle.verify import Verification, verify
from isfp_export.onnx.compact import store_in_half
from isfp_export.onnx.stages import stages
from isfp_export.onnx.to_onnx import stage_to_onnx
from isfp_train.data.store.store import FILL
from isfp_train.run import checkpoint


def export_bundle(
    source: str | Path,
    out: str | Path,
    data: Path | None = None,
    scenes: int = 150,
    evaluation: dict[str, Any] | None = None,
    history: str | None = None,
    license_name: str = "unstated",
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Verification, Thresholds]:
    """Write a bundle. Nothing appears at `out` unless the bundle is complete and its results match those of the checkpoint.

    Args:
        source: a checkpoint.
        out: folder of the bundle, `NAME.isfp`.
        data: data folder for the scenes that the thresholds are chosen on; without it, scenes drawn by code are used.
        scenes: number of these scenes.
        evaluation: output of `isfp eval --json`, for the model card.
        history: Markdown about earlier runs of the weights, for the model card.
        license_name: SPDX identifier of the weights' licence, as given by their author.
        say: receives progress messages.

    Raises:
        ValueError: the network has no Identification Branch.
        VerificationError: the bundle differs from the checkpoint.
        BundleError: `out` exists and is not a bundle.
    """
    out = Path(out)
    loaded = checkpoint.load(source)
    config = loaded.config.network
    ready = stages(loaded.network)
    say(f"Choosing the thresholds on {scenes} scenes")
    thresholds = choose_thresholds(loaded, data, scenes)
    with writing(out) as folder:
        described = {}
        for stage in ready:
            say(f"Exporting the {stage.name} stage")
            model = stage_to_onnx(stage, config)
            store_in_half(model)
            onnx.save(model, folder / f"{stage.name}.onnx")
            described[stage.name] = {
                "file": f"{stage.name}.onnx",
                "inputs": [_tensor(value) for value in model.graph.input],
                "outputs": [_tensor(value) for value in model.graph.output],
            }
        loaded.vocabulary.save(folder / "words.txt")
        name = out.name.removesuffix(".isfp")
        (folder / "MODEL_CARD.md").write_text(model_card(name, loaded, thresholds, evaluation, history), encoding="utf-8")
        write_manifest(
            folder,
            {
                "name": name,
                "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "preprocessing": {"height": config.image_size, "width": config.image_size, "channels": "bgr", "fill": FILL},
                "text": {"max_words": config.max_words},
                "grid": config.grid,
                "threshold": {"found": thresholds.found, "mask": thresholds.mask, "how": thresholds.how},
                "stages": described,
                "network": config.to_dict(),
                "weights": {"epochs": loaded.epoch, "steps": loaded.step, "license": license_name},
            },
        )
        say("Verifying the bundle against the checkpoint")
        verification = verify(folder, loaded)
    return verification, thresholds


def _tensor(value: onnx.ValueInfoProto) -> dict[str, Any]:
    kind = value.type.tensor_type
    return {
        "name": value.name,
        "dtype": onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name,
        "shape": [dim.dim_param or dim.dim_value for dim in kind.shape.dim],
    }
