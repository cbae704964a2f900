"""ONNX Runtime's execution providers on NVIDIA GPUs: their order, and the options of each stage.

The bundle's ONNX files contain the FPM scan as a function of standard operators, which ONNX Runtime inlines before it passes a
graph to a provider, so they need no plugin. A file whose FPMScan node has no function body needs one, in the option
`trt_extra_plugin_lib_paths` of TensorrtExecutionProvider.
"""

from __future__ import annotations

from collections.abc import Mapping

from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import CANDIDATES_AXIS, PHRASES_AXIS, Stage
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes.user_cache import cache_folder

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT, TENSORRT_RTX = "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider"
CHAINS = {
    "cpu": (CPU,),
    "cuda": (CUDA, CPU),
    "tensorrt": (TENSORRT, CUDA, CPU),
    "tensorrt-rtx": (TENSORRT_RTX, CPU),
}
# The same profile as that of `isfp build`: numbers of phrases, and of masks for each phrase.
_LEAST, _TUNED, _MOST = ({PHRASES_AXIS: p, CANDIDATES_AXIS: k} for p, k in ((1, 1), (1, 1), (8, 3)))


def chain(name: str) -> tuple[str, ...]:
    """Return the providers that a short name stands for, best first.

    Raises:
        RuntimeUnavailableError: the name is unknown.
    """
    if name not in CHAINS:
        raise RuntimeUnavailableError(f"ONNX Runtime was asked for {name!r}; expected one of: {', '.join(CHAINS)}.")
    return CHAINS[name]


def options(provider: str, bundle: Bundle, stage: Stage) -> dict[str, str]:
    """Return a provider's options for one stage: its optimization profile, and where built engines are kept."""
    if provider == TENSORRT:
        kept = str(cache_folder(bundle, "onnxruntime-tensorrt"))
        return {
            **_profile("trt", stage),
            "trt_engine_cache_enable": "True",  # ONNX Runtime's Python reads True and False, not 1 and 0
            "trt_engine_cache_path": kept,
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": kept,
        }
    if provider == TENSORRT_RTX:
        return {**_profile("nv", stage), "nv_runtime_cache_path": str(cache_folder(bundle, "onnxruntime-tensorrt-rtx"))}
    return {}


def _profile(prefix: str, stage: Stage) -> dict[str, str]:
    """Return the shapes of the inputs whose shape changes, as `name:1x2,name:3x4`; nothing if none does."""
    changing = [tensor for tensor in stage.inputs if any(isinstance(size, str) for size in tensor.shape)]
    if not changing:
        return {}

    def shapes(sizes: Mapping[str, int]) -> str:
        texts = ("x".join(str(sizes.get(str(size), size)) for size in tensor.shape) for tensor in changing)
        return ",".join(f"{tensor.name}:{text}" for tensor, text in zip(changing, texts, strict=True))

    ends = {"min": _LEAST, "opt": _TUNED, "max": _MOST}
    return {f"{prefix}_profile_{end}_shapes": shapes(sizes) for end, sizes in ends.items()}
