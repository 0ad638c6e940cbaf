"""The placeholders of what is written so far: who uses them, and what becomes of people who lack them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from services.console.core.previews import UNSENDABLE
from services.console.core.sheets import Written
from services.domain.content import SPECIAL_NAMES, Compiled, TemplateProblem, compile_content


class Placeholder(BaseModel):
    name: str
    channels: list[str]
    required: bool
    """Somewhere it has no default, and is in no condition that looks at it."""
    send_without: bool
    """Its author has said that it may be left empty."""
    lacking: int | None = None
    """Of the people; None: they could not be counted."""


def placeholders(written: Written, lacking: Mapping[str, int] | None = None) -> list[Placeholder]:
    """By name. `lacking`: how many people lack each."""
    used: dict[str, list[str]] = {}
    required: set[str] = set()
    for channel, compiled in _compiled(written):
        required |= compiled.required
        for name in compiled.placeholders - SPECIAL_NAMES:
            used.setdefault(name, []).append(channel)
    return [
        Placeholder(
            name=name, channels=used[name], required=name in required, send_without=name in written.send_without,
            lacking=None if lacking is None else lacking.get(name, 0),
        )
        for name in sorted(used)
    ]  # fmt: skip


def _compiled(written: Written) -> Iterable[tuple[str, Compiled]]:
    for channel in written.channels:
        if channel in UNSENDABLE or written.errors_of(channel):
            continue
        try:
            yield channel.value, compile_content(channel, written.content, written.body, name=written.name or "-")
        except TemplateProblem:
            continue
