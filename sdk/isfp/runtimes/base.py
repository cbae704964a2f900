"""What a runtime is: something that loads a bundle's stages and runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from isfp.bundle.bundle import Bundle

# A loaded stage: named arrays in, named arrays out. What comes out is a NumPy array, or a buffer of the device that
# the same runtime's other stages take as it is and numpy.asarray copies to the host, valid until the stage runs again.
StageRunner = Callable[..., dict[str, Any]]


class Runtime(ABC):
    """Loads and runs a bundle's stages; one object serves one Segmenter and one thread."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Return why this machine cannot run it and what to do about that, or None where it can."""

    @classmethod
    @abstractmethod
    def of(cls, option: str) -> Runtime:
        """Make it with the option that stands behind its name: `"onnxruntime:cuda"`, `"tensorrt:int8"`.

        Raises:
            RuntimeUnavailableError: it knows no such option, or this machine cannot run it.
        """

    @classmethod
    def misfit(cls, bundle: Bundle) -> str | None:
        """Return why it cannot run this bundle here and what to do about that, or None where it can."""
        return None

    @abstractmethod
    def load(self, bundle: Bundle, stage: str) -> StageRunner:
        """Make a stage of the bundle ready to run.

        Raises:
            EngineMismatchError: its model or engine does not fit the manifest, the runtime or this machine.
        """

    @abstractmethod
    def close(self) -> None:
        """Free everything that was loaded."""
