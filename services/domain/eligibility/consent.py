"""A person's yes and no, by channel and purpose. A no counts for every purpose; a yes only for its own."""

from __future__ import annotations

from typing import Final

from schemas.status import Suppression
from services.domain.eligibility.record import OPTED_IN, Record, Said, consent_key

ALL_CHANNELS: Final = "all"

SEVERITY: Final[dict[str, int]] = {
    OPTED_IN: 0,
    Suppression.BOUNCED_BEFORE: 1,
    Suppression.OPTED_OUT: 2,
    Suppression.COMPLAINED_BEFORE: 3,
    Suppression.ERASED: 4,
}
"""Of two words of the same moment the greater counts."""


def say(record: Record, key: str, at: int, stop: str) -> None:
    """Fold in a word said at `at` (epoch milliseconds). The later one counts, whichever arrives first; but an erasure
    counts for ever."""
    old = record.consent.get(key)
    if old is not None and (old.stop == Suppression.ERASED) != (stop == Suppression.ERASED):
        if stop == Suppression.ERASED:
            record.consent[key] = Said(at, stop)
        return
    if old is None or (at, SEVERITY[stop]) > (old.at, SEVERITY[old.stop]):
        record.consent[key] = Said(at, stop)


def stopped(record: Record, channel: str) -> Said | None:
    """The newest word that forbids this channel; an erasure, if there is one. A yes to one channel does not lift a no
    to all, nor the reverse."""
    if not record.consent:
        return None
    words = [
        said for key, said in record.consent.items() if said.stop and key.partition("/")[0] in (channel, ALL_CHANNELS)
    ]
    return max(words, key=lambda said: (said.stop == Suppression.ERASED, said.at, SEVERITY[said.stop]), default=None)


def permitted(record: Record, channel: str, purpose: str) -> Said | None:
    """The person's recorded yes, for this channel or for all."""
    for where in (channel, ALL_CHANNELS):
        said = record.consent.get(consent_key(where, purpose))
        if said is not None and said.stop == OPTED_IN:
            return said
    return None
