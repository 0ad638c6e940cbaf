"""The root of what can go wrong with an installation on this machine."""

from __future__ import annotations


class LocalError(Exception):
    """Its text is a sentence for the person at the terminal: what is wrong, and what to do."""


class StackError(LocalError):
    """The installation, or a part of it, cannot be started; the text names the part and what to do."""
