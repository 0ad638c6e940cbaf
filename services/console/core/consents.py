"""What holds of all that a person said on consent, as the router judges and the view `v_consents` has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from schemas import Channel

Word = Mapping[str, Any]
"""channel (or `all`), purpose, state, reason, at, source, proof."""
ALL = "all"


def each_once(words: Iterable[Word]) -> list[dict[str, Any]]:
    """Oldest first; told again later, a word was first told then."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for word in words:
        key = tuple(word[name] for name in ("at", "channel", "purpose", "state", "reason", "source"))
        if key not in found or word["told_at"] < found[key]["told_at"]:
            found[key] = dict(word)
    return [found[key] for key in sorted(found)]


def standing(words: Iterable[Word]) -> list[dict[str, Any]]:
    """What holds, by channel and purpose: of each kind of word the newest counts, at a tie the no; and a no, to the
    channel or to all, is not lifted by a yes to the other. Nothing lifts an erasure."""
    newest: dict[tuple[str, str], Word] = {}
    for word in words:
        kind = (word["channel"], word["purpose"])
        if kind not in newest or _newness(word) > _newness(newest[kind]):
            newest[kind] = word
    holds: dict[tuple[str, str], Word] = {}
    for (channel, purpose), word in newest.items():
        for named in [each.value for each in Channel] if channel == ALL else [channel]:
            before = holds.get((named, purpose))
            if before is None or _weight(word) > _weight(before):
                holds[named, purpose] = word
    fields = ("state", "reason", "source", "at")
    return [
        {"channel": channel, "purpose": purpose, **{name: word[name] for name in fields}}
        for (channel, purpose), word in sorted(holds.items(), key=lambda each: each[0])
    ]


def _newness(word: Word) -> tuple[bool, datetime, bool]:
    return word["reason"] == "erased", word["at"], word["state"] == "opted_out"


def _weight(word: Word) -> tuple[bool, datetime]:
    return word["state"] == "opted_out", word["at"]
