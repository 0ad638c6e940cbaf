"""Replacing what Faust and aiokafka do inside. Both are pinned: another version fails here, at boot, and not in use."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from services.runtime.errors import StopProcessError

PINNED: Final = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}


def require_pinned_versions() -> None:
    """Raises `StopProcessError` where another version is installed than the one whose insides were studied."""
    for package, pinned in PINNED.items():
        if version(package) != pinned:
            raise StopProcessError(
                f"{package} {version(package)} is installed, but Peal is made for {pinned}: "
                "install what requirements.lock says"
            )


def patch(target: Any, *functions: Callable[..., Any]) -> None:
    """Put each function in the place of the one that bears its name. Raises AttributeError where there is none."""
    for function in functions:
        getattr(target, function.__name__)
        setattr(target, function.__name__, function)
