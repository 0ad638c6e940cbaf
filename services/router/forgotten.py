"""People who have been erased: their record is dropped, and a mark under their pseudonym stops whatever still comes.

The mark lies in the person's own partition, names nobody, and is never dropped. A request that a frozen planner writes
late, or one that was made before the erasure and comes after it, thus ends as `suppressed(erased)`.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

import msgspec

from schemas.status import RANK, Status, Suppression
from services.domain.eligibility import ALL_CHANNELS, CampaignRules, Event, Record, Said, Send, Suppress, decide
from services.domain.erasure import FORGOTTEN, Hasher
from services.domain.messages import Consent, SendRequest

DETAIL: Final = "asked to be forgotten"


class Forgotten:
    """`hasher`: None where the installation has no master key: nobody is dropped then, and an erasure is a stop."""

    def __init__(self, hasher: Hasher | None) -> None:
        self.hasher = hasher

    def key_of(self, key: bytes, people: Container[bytes], live: Container[bytes]) -> bytes:
        """Where a person of whom nothing is known is to be looked up: under the pseudonym, if there is a mark."""
        if self.hasher is None:
            return key
        name = self.hasher.pseudonym(key.decode()).encode()
        return name if name in live or name in people else key

    def pseudonym(self, event: Any) -> bytes | None:
        """Under which the person is to be dropped; None for all but the word that an erasure is done."""
        if self.hasher is None or not isinstance(event, Consent) or event.reason != FORGOTTEN:
            return None
        return self.hasher.pseudonym(event.recipient).encode()


def mark(record: Record, event: SendRequest | Event) -> Record:
    """What is left of a record: how far the topics are read, and that nothing may go out."""
    assert isinstance(event, Consent), "the word that an erasure is done is a consent"
    said = Said(round(event.at.timestamp() * 1000), Suppression.ERASED)
    return Record(record.applied, {ALL_CHANNELS: said}, set(), {}, {})


def refusal(record: Record, source: Any, request: SendRequest, campaign: CampaignRules | None, now: Any) -> Send | None:
    """What a request for an erased person comes to; None where its campaign is not active. A replay says the same."""
    first = msgspec.structs.replace(request, attempt=1)  # the marks remember no attempts
    if not isinstance(decide(record, first, campaign, now), Suppress):
        return None
    return Send(
        request.attempt, RANK[Status.SUPPRESSED], Suppression.ERASED, source.offset, source.timestamp, request.channel,
        detail=DETAIL,
    )  # fmt: skip
