"""OpenVINO: runs a bundle's stages on Intel's CPUs, in FP32, in bf16, or in INT8 with stages that `isfp build` made."""

from __future__ import annotations

import re
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from isfp.bundle.bundle import ENGINES, Bundle
from isfp.engines.choice import Engine, Machine, choose_engine
from isfp.engines.plans import read_plan
from isfp.engines.record import Precision
from isfp.errors import EngineMismatchError, RuntimeFailedError, RuntimeUnavailableError
from isfp.runtimes.base import Runtime, StageRunner
from isfp.runtimes.stage_shapes import check_ports
from isfp.runtimes.threads import usable_cores
from isfp.steps.arguments import MOST_THREADS, shortened, whole_number

#: What can be asked for: OpenVINO's name for what floating-point layers compute in, and the capability that the CPU must have. It
#: would take bf16 by itself on CPUs that compute in it, and take FP32 without a word for bf16 on others.
_PRECISIONS = {"fp32": ("f32", None), "bf16": ("bf16", "BF16"), "int8": ("f32", "INT8")}
_INSTALL = 'Install it: pip install "isfp[openvino]"'
_LONGEST_SHOWN = 2000  # letters of a message


class OpenVino(Runtime):
    """Runs the stages with OpenVINO on the CPU.

    A run has no time limit, unlike ONNX Runtime's: an endless loop in a bundle's stage does not end. Use bundles that you exported
    yourself.
    """

    name: ClassVar[str] = "openvino"

    def __init__(self, precision: str = "fp32", threads: int = 0) -> None:
        """Choose how to run.

        Args:
            precision: "fp32"; "bf16", where the CPU computes in it (AMX or AVX-512 BF16); or "int8", with the stages that
                `isfp build BUNDLE --runtime openvino --precision int8` made.
            threads: number of threads for one stage; 0 for one on each physical core that this process may use.

        Raises:
            RuntimeUnavailableError: OpenVINO is not installed, the precision is unknown, or this CPU does not compute in it.
            IsfpError: the number of threads is out of range.
        """
        super().__init__()
        if precision not in _PRECISIONS:
            raise RuntimeUnavailableError(
                f"openvino was asked for the precision {precision!r}; expected one of {', '.join(_PRECISIONS)}."
            )
        if reason := self.why_unavailable():
            raise RuntimeUnavailableError(f"OpenVINO cannot run here. {reason}")
        self._openvino = _import()
        self._core = self._openvino.Core()
        self._precision = precision
        hint, capability = _PRECISIONS[precision]
        if capability is not None:
            _check_capability(self._core, precision, capability)
        threads = whole_number("The number of threads", threads, 0, MOST_THREADS)
        self._settings = {
            "INFERENCE_NUM_THREADS": threads or usable_cores(),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": hint,
            # With pinning, the threads of two processes would share the first cores and leave the others idle.
            "ENABLE_CPU_PINNING": False,
        }
        self._engine: Engine | None = None

    @classmethod
    def with_option(cls, option: str, threads: int = 0) -> Runtime:
        """Return the runtime with a precision: fp32 (the default), bf16 or int8."""
        return cls(option or "fp32", threads)

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return which package is missing, without importing any."""
        # onnx is needed for the FPM scan, a local function, which OpenVINO's reader does not know.
        lacking = [module for module in ("openvino", "onnx") if _is_missing(module)]
        if not lacking:
            return None
        return f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed. {_INSTALL}"

    @classmethod
    def machine(cls) -> Machine:
        """Return what an engine's record is compared with here.

        Raises:
            RuntimeUnavailableError: OpenVINO is not installed, or this CPU does not compute in INT8.
        """
        openvino = _import()
        _check_capability(openvino.Core(), "int8", "INT8")
        return Machine(cls.name, openvino_version(openvino), None)

    @property
    def precision(self) -> str | None:
        """What convolutions and products compute in; None for what the stages are stored for."""
        return None if self._precision == "fp32" else self._precision

    @property
    def version(self) -> str:
        """OpenVINO's version, such as "2026.4.1"."""
        return openvino_version(self._openvino)

    def compile(self, content: bytes, where: str, remedy: str) -> Any:
        """Compile a stage with this runtime's settings.

        Args:
            content: its ONNX.
            where: its file, for the error.
            remedy: what to do if it cannot be compiled, for the error.

        Returns:
            OpenVINO's `CompiledModel`.

        Raises:
            EngineMismatchError: OpenVINO cannot read it.
        """
        try:
            return self._core.compile_model(self._core.read_model(_inlined(content)), "CPU", self._settings)
        except Exception as error:  # OpenVINO raises RuntimeError, TypeError and others; onnx has errors of its own
            if isinstance(error, MemoryError):
                raise
            raise EngineMismatchError(f"OpenVINO {self.version} cannot load {where}: {_shortened(error)}. {remedy}") from error

    def _load(self, bundle: Bundle, stage: str) -> StageRunner:
        entry = bundle.manifest.stages[stage]
        content, where, remedy = self._content(bundle, stage)
        compiled = self.compile(content, where, remedy)
        check_ports(entry, where, _ports(compiled.inputs, entry.inputs), _ports(compiled.outputs, entry.outputs))
        request = compiled.create_infer_request()
        places = {tensor.name: compiled.output(tensor.name) for tensor in entry.outputs}
        types = {tensor.name: np.dtype(tensor.dtype) for tensor in entry.inputs}
        # OpenVINO gives the memory of an output back where its next size is another, under whoever still reads the last one.
        fixed = all(isinstance(size, int) for tensor in entry.outputs for size in tensor.shape)

        def run(**inputs: np.ndarray) -> dict[str, Any]:
            # OpenVINO would convert another type without a word, and take an input that is missing from the run before.
            given = {name: value.dtype for name, value in inputs.items()}
            if given != types:
                raise _failed(stage, inputs, f"expected {_described(types)}")
            try:
                found = request.infer(inputs, share_inputs=True, share_outputs=fixed)
            except Exception as error:
                raise _failed(stage, inputs, _shortened(error)) from error
            return {name: found[place] for name, place in places.items()}

        return run

    def _content(self, bundle: Bundle, stage: str) -> tuple[bytes, str, str]:
        """A stage's ONNX, its file, and what to do if it is not usable."""
        if self._precision != "int8":
            file = bundle.manifest.stages[stage].file
            return bundle.read(file), str(bundle.path / file), "Upgrade it (pip install --upgrade openvino)."
        if self._engine is None:
            self._engine = choose_engine(bundle, self.machine(), Precision.INT8)
        record = self._engine.record
        assert record is not None
        where = bundle.path / ENGINES / self._engine.key / record.plans[stage].file
        remedy = f"Build it again: isfp build {bundle.path} --runtime openvino --precision int8"
        return read_plan(bundle.path, self._engine.key, record, stage), str(where), remedy


def openvino_version(openvino: ModuleType) -> str:
    """Return OpenVINO's version without the number of its build: "2026.4.1" of "2026.4.1-22982-e213a147257-releases/2026/4"."""
    found = re.match(r"\d+(\.\d+)*", openvino.__version__)
    return found[0] if found else "0"


def _import() -> ModuleType:
    try:
        import openvino
    except (ImportError, OSError) as error:  # which of the two depends on what is missing
        raise RuntimeUnavailableError(f"openvino cannot be imported: {error}. {_INSTALL}") from error
    return openvino


def _is_missing(module: str) -> bool:
    try:
        return find_spec(module) is None
    except ValueError:  # something put None, or a module without a specification, in its place
        return True


def _check_capability(core: Any, precision: str, capability: str) -> None:
    """Refuse a precision that OpenVINO would replace by FP32 on this CPU."""
    has = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if capability not in has:
        raise RuntimeUnavailableError(
            f"openvino was asked for {precision}, and this CPU ({core.get_property('CPU', 'FULL_DEVICE_NAME')}) computes in "
            f"{', '.join(has)}. Use --runtime openvino or onnxruntime."
        )


def _inlined(content: bytes) -> bytes:
    """Replace calls of local functions by their bodies."""
    import onnx
    from onnx import inliner

    model = onnx.load_from_string(content)
    return inliner.inline_local_functions(model).SerializeToString() if model.functions else content


def _ports(ports: Any, tensors: Any) -> dict[str, tuple[str, list]]:
    """Type and shape of each input or output by name; a dynamic dimension is None.

    A port may have several names, of which the manifest states one.
    """
    wanted = {tensor.name for tensor in tensors}
    found = {}
    for port in ports:
        names = port.get_names()
        name = next(iter(sorted(names & wanted) or sorted(names)))
        shape = [size.get_length() if size.is_static else None for size in port.partial_shape]
        found[name] = (str(np.dtype(port.element_type.to_dtype())), shape)
    return found


def _failed(stage: str, inputs: dict[str, np.ndarray], why: str) -> RuntimeFailedError:
    shapes = {name: f"{value.dtype} {list(value.shape)}" for name, value in inputs.items()}
    return RuntimeFailedError(f"OpenVINO failed in the stage {stage!r} on {shapes}: {why}")


def _described(types: dict[str, np.dtype]) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in types.items())


def _shortened(said: object) -> str:
    return shortened(str(said).strip(), _LONGEST_SHOWN, "...")
