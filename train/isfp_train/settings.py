"""Settings from plain values. Unknown names and values of the wrong type are errors; nothing is guessed."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from isfp_train.errors import ConfigurationError

T = TypeVar("T")


def read_settings(kind: type[T], values: object) -> T:
    """Build a settings dataclass, and the dataclasses in it, from plain values as read from YAML or JSON.

    Raises:
        ConfigurationError: a name is unknown or a value has the wrong type; the message says which, and what is expected.
    """
    if not isinstance(values, dict):
        raise ConfigurationError(f"{kind.__name__} is {values!r}; expected settings by name.")
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(str(name) for name in set(values) - known)
    if unknown:
        raise ConfigurationError(f"{kind.__name__} has no settings {unknown}; expected any of {sorted(known)}.")
    hints = get_type_hints(kind)
    return kind(**{name: _value(f"{kind.__name__}.{name}", hints[name], value) for name, value in values.items()})


def _value(name: str, hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        build = getattr(hint, "from_dict", None)
        return build(value) if build else read_settings(hint, value)  # type: ignore[arg-type]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _value(name, next(part for part in inner if part is not type(None)), value)
    if origin is Literal:
        fits = value in inner
    elif origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigurationError(f"{name} is {value!r}; expected a list.")
        return tuple(_value(name, inner[0], item) for item in value)
    elif origin is dict:
        fits = isinstance(value, dict)
    elif hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if fits and not math.isfinite(value):
            raise ConfigurationError(f"{name} is {value!r}; expected a finite number.")
    elif hint is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, hint)
    if not fits:
        wanted = f"one of {list(inner)}" if origin is Literal else getattr(hint, "__name__", str(hint))
        hint_text = " YAML reads 1e-3 as a string: write 0.001." if hint is float and isinstance(value, str) else ""
        raise ConfigurationError(f"{name} is {value!r}; expected {wanted}.{hint_text}")
    return value


def check_range(settings: object, least: float, most: float, *names: str) -> None:
    """Check that numbers of a settings dataclass, alone or in tuples, are in a range; None is passed over.

    Raises:
        ConfigurationError: one is not; the message names it.
    """
    for name in names:
        value = getattr(settings, name)
        for number in value if isinstance(value, tuple) else (value,):
            if number is not None and not least <= number <= most:
                raise ConfigurationError(f"{type(settings).__name__}.{name} is {number!r}; expected {least:g} to {most:g}.")
