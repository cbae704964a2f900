"""The network in PyTorch at its best setting for one frame at a time, as a runtime of the SDK.

Batch norms are folded into the convolutions before them, convolutions use `channels_last`, and everything runs in inference mode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from isfp.bundle.bundle import Bundle
from isfp.diagnose.bench.rivals import Rival
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes import Runtime
from isfp.runtimes.base import StageRunner
from isfp.runtimes.threads import usable_cores
from isfp_export.onnx.stages import ExportStage, stages
from isfp_train.network import ISFP
from isfp_train.network.layers import ConvBlock
from isfp_train.run import checkpoint as checkpoints

#: What may follow "eager:" and "compile:": device and whether convolutions and products run in FP16 (autocast).
OPTIONS = {"": ("cpu", False), "cuda": ("cuda", False), "cuda-fp16": ("cuda", True)}
#: Largest difference that folding may make, relative to the largest value of an output.
TOLERANCE = 1e-3


class TorchNetwork(Runtime):
    """Runs the four stages of a checkpoint's network in PyTorch."""

    name: ClassVar[str] = "pytorch"

    def __init__(self, kind: str, bundle: Bundle, option: str, threads: int, checkpoint: Path | None) -> None:
        """Load a checkpoint.

        Args:
            kind: "eager" or "compile".
            bundle: the bundle that was exported from the checkpoint.
            option: device and precision, one of `OPTIONS`.
            threads: number of threads on a CPU; 0 for one on each core that may be used.
            checkpoint: the checkpoint.

        Raises:
            RuntimeUnavailableError: there is no checkpoint, no such device, or the option is unknown.
            CheckpointError: the file is not a checkpoint.
        """
        super().__init__()
        if option not in OPTIONS:
            raise RuntimeUnavailableError(f"{kind} was asked for {option!r}; expected one of {', '.join(filter(None, OPTIONS))}.")
        self._device, self._half = OPTIONS[option]
        if self._device == "cuda" and not torch.cuda.is_available():
            raise RuntimeUnavailableError(f"{kind}: PyTorch {torch.__version__} was built without CUDA, or cannot use a GPU here.")
        if checkpoint is None:
            raise RuntimeUnavailableError(
                f"{kind} runs the weights of a checkpoint, and there is no {bundle.path.with_suffix('.pt').name} beside "
                f"{bundle.path.name}. Give it: --checkpoint FILE"
            )
        torch.set_num_threads(threads or usable_cores())
        network = checkpoints.load(checkpoint).network
        self._stages = {stage.name: stage for stage in stages(network)}
        _fold(network, list(self._stages.values()))
        network.to(device=self._device)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._compile = kind == "compile"

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return None: this module cannot be imported without PyTorch."""
        return None

    @classmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        """Refuse: it needs a checkpoint; `EAGER` and `COMPILED` take one."""
        raise RuntimeUnavailableError("PyTorch runs a checkpoint, and is made for one bundle: isfp bench BUNDLE --against eager")

    @property
    def precision(self) -> str | None:
        """What convolutions and products compute in."""
        return "fp16" if self._half else "fp32"

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        ready = self._stages[stage]
        module: Callable[..., Any] = ready.module.eval()
        if self._compile:
            # Freezing makes weights constants, which lets the compiler fold and lay them out beforehand.
            module = torch.compile(ready.module, dynamic=False, options={"freezing": True})

        def run(**inputs: Any) -> dict[str, Any]:
            given = [_tensor(inputs[name], self._device) for name in ready.inputs]
            with torch.inference_mode(), torch.autocast(self._device, torch.float16, enabled=self._half):
                found = module(*given)
            outputs = found if isinstance(found, tuple) else (found,)
            return {name: _array(value) for name, value in zip(ready.outputs, outputs, strict=True)}

        return run

    def _timed(self, runner: StageRunner, taken: list[float], **inputs: Any) -> dict[str, Any]:
        if self._device == "cpu":
            return super()._timed(runner, taken, **inputs)
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        outputs = runner(**inputs)
        end.record()
        end.synchronize()
        taken.append(start.elapsed_time(end))
        return outputs


class CudaArray:
    """A stage's output on the GPU, which other stages take as it is; `numpy.asarray` copies it to the host."""

    def __init__(self, tensor: Tensor) -> None:
        """Take the tensor, float32."""
        self.tensor, self.shape, self.dtype = tensor, tuple(tensor.shape), np.dtype(np.float32)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self.tensor.cpu().numpy()
        return values if dtype is None else values.astype(dtype, copy=False)


def _tensor(value: Any, device: str) -> Tensor:
    return value.tensor if isinstance(value, CudaArray) else torch.from_numpy(np.asarray(value)).to(device, non_blocking=True)


def _array(value: Tensor) -> Any:
    return value.numpy() if value.device.type == "cpu" else CudaArray(value.float())


def _fold(network: ISFP, ready: list[ExportStage]) -> None:
    """Fold each batch norm into the convolution whose output it reads, and check that no stage's outputs change."""
    made: dict[int, tuple[nn.Conv2d, Tensor]] = {}  # with the tensor itself, so that no other gets its id
    pairs: dict[nn.BatchNorm2d, nn.Conv2d] = {}

    def after_convolution(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made[id(output)] = (module, output)  # type: ignore[assignment]

    def before_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made:
            pairs[module] = made[id(inputs[0])][0]  # type: ignore[index]

    hooks: list[Any] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(after_convolution))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(before_norm))
    before = _outputs(ready)
    for hook in hooks:
        hook.remove()
    # Blocks that convolve the parts of their input apart do not call these two.
    pairs.update({block[1]: block[0] for block in network.modules() if isinstance(block, ConvBlock)})  # type: ignore[misc]
    replaced: dict[nn.Module, nn.Module] = {}
    for norm, convolution in pairs.items():
        replaced[convolution] = fuse_conv_bn_eval(convolution, norm)
        replaced[norm] = nn.Identity()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in replaced:
                setattr(parent, name, replaced[child])
    after = _outputs(ready)
    for name, value in before.items():
        difference = float((value - after[name]).abs().max() / value.abs().max())
        if not difference <= TOLERANCE:
            raise RuntimeUnavailableError(
                f"Folding the batch norms changes {name} by {difference:.2g} of its largest value; expected at most {TOLERANCE}."
            )


@torch.inference_mode()
def _outputs(ready: list[ExportStage]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for stage in ready:
        values = stage.module(*stage.inputs.values())
        found.update(zip(stage.outputs, values if isinstance(values, tuple) else (values,), strict=True))
    return found


#: PyTorch's eager mode.
EAGER = Rival(tuple(OPTIONS), partial(TorchNetwork, "eager"))
#: PyTorch with `torch.compile`; the first run of each stage compiles it.
COMPILED = Rival(tuple(OPTIONS), partial(TorchNetwork, "compile"))
