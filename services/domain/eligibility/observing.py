"""What an event changes in a person's record, and which messages under way it overtakes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.status import ENGAGED, EVIDENCE, RANK, STOPS, Status, Suppression, rank_key
from services.domain.eligibility.chains import reached_by
from services.domain.eligibility.consent import say, stopped
from services.domain.eligibility.record import OPTED_IN, Record, Send, consent_key
from services.domain.erasure import FORGOTTEN
from services.domain.messages import Consent, DeliveryEvent, Engagement

Event = Consent | Engagement | DeliveryEvent

KEEP_CLOSED: Final = timedelta(days=30)

_STATUS: Final = {rank: status for status, rank in RANK.items()}
_QUEUED: Final = RANK[Status.QUEUED]
_REFUSED: Final = "invalid_address"


class Recall(NamedTuple):
    """A message under way that is to be called back, and why."""

    send_id: str
    attempt: int
    reason: str


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def observe(record: Record, event: Event) -> None:
    """Fold an event in. Repeats and any order give the same record, as far as verdicts go."""
    if isinstance(event, DeliveryEvent):
        _observe_outcome(record, event)
    elif isinstance(event, Consent):
        stop = OPTED_IN if event.state == "opted_in" else event.reason
        if stop == FORGOTTEN:
            stop = Suppression.ERASED
        say(record, consent_key(event.channel, event.purpose), milliseconds(event.at), stop)
    elif event.campaign_id:
        record.engaged.add(event.campaign_id)


def _observe_outcome(record: Record, event: DeliveryEvent) -> None:
    status, at = Status(event.status), milliseconds(event.occurred_at)
    send = record.sends.get(event.send_id)
    if send is None:  # its request is not in this record: pruned, or made up again from the ledger
        record.sends[event.send_id] = Send(event.attempt, RANK[status], event.reason, -1, at, event.channel)
    else:
        known = (*rank_key(_STATUS[send.state], send.attempt), send.reason)
        if (*rank_key(status, event.attempt), event.reason) > known:
            send.state, send.reason, send.request, send.detail = RANK[status], event.reason, -1, ""
        send.attempt = max(send.attempt, event.attempt)
        if status is Status.FAILED and event.reason == _REFUSED and send.address:
            record.refused[event.channel] = send.address
    if stop := STOPS.get(status):
        say(record, event.channel, at, stop)
    if status in ENGAGED and not event.machine:
        record.engaged.add(event.campaign_id)


def recalls(record: Record, event: Event) -> list[Recall]:
    """The messages under way that may not go out any more, now that `event` is in the record.

    From the record alone, so a replay says the same; to call back twice changes nothing.
    """
    if isinstance(event, DeliveryEvent) and RANK[Status(event.status)] < EVIDENCE:
        return []
    return [
        Recall(send_id, send.attempt, reason)
        for send_id, send in record.sends.items()
        if send.state == _QUEUED and (reason := _overtaken(record, send_id, send))
    ]


def _overtaken(record: Record, send_id: str, send: Send) -> str:
    if said := stopped(record, send.channel):
        return said.stop
    if send.only_if == "not_engaged" and send_id.partition("/")[0] in record.engaged:
        return Suppression.ENGAGED_ELSEWHERE
    if send.head and reached_by(record, send_id, send.head):
        return Suppression.ALREADY_DELIVERED
    return ""


def prune(
    record: Record, closed_campaigns: Mapping[str, datetime], now: datetime, keep: timedelta = KEEP_CLOSED
) -> bool:
    """Forget what belongs to campaigns that ended longer than `keep` ago. Says whether there was any.

    `closed_campaigns`: completed and cancelled ones, and when they ended. A send of any other is never forgotten: it
    is what tells a repeat from a first request.
    """

    def over(campaign_id: str) -> bool:
        ended = closed_campaigns.get(campaign_id)
        return ended is not None and now - ended > keep

    sends = [send_id for send_id in record.sends if over(send_id.partition("/")[0])]
    engaged = [campaign_id for campaign_id in record.engaged if over(campaign_id)]
    for send_id in sends:
        del record.sends[send_id]
    record.engaged.difference_update(engaged)
    return bool(sends or engaged)
