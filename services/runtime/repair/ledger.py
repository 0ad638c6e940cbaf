"""What a repair asks of ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas.status import Suppression
from schemas.topics import load_topics
from services.domain.eligibility import ALL_CHANNELS, Event, send_id_of
from services.domain.erasure import CONTACT, pseudonym_of
from services.domain.messages import Consent, DeliveryEvent, Engagement, event_id
from services.domain.repair.queues import OpenSend

OPEN = """
-- Sends of a channel that stand at queued, with where their messages are. What is older than any topic keeps is none.
SELECT arrayMax(a -> a.1, asked) AS last, arrayFirst(a -> a.1 = last, asked) AS message,
       recipient_id, campaign_id, step, any_ord
FROM
(
    SELECT recipient_id, campaign_id, step, min(ord) AS any_ord,
           groupArrayIf((attempt, kafka_partition, kafka_offset, toString(account)), status = 'queued') AS asked,
           max(if(status >= 'delivered', 65536, attempt) * 256 + CAST(status AS UInt8)) AS standing
    FROM delivery_events
    WHERE channel = {channel:String} AND occurred_at > now() - INTERVAL 30 DAY
    GROUP BY recipient_id, campaign_id, step
    HAVING standing % 256 = 20
)
WHERE message.4 = {account:String}
"""

LEDGER = """
-- All that is known of the people of one partition and may still matter: what belongs to campaigns that ended long ago
-- does not, save that somebody wants nothing more.
SELECT recipient_id, campaign_id, step, attempt, toString(channel), toString(status), reason, machine, account,
       toUnixTimestamp64Milli(occurred_at)
FROM delivery_events
WHERE modulo(kafkaMurmurHash(recipient_id), {partitions:UInt16}) = {partition:UInt16}
  AND (status IN ('bounced', 'unsubscribed', 'complained') OR campaign_id NOT IN
       (SELECT campaign_id FROM campaigns FINAL WHERE ended_at IS NOT NULL AND ended_at < now() - INTERVAL 60 DAY))
ORDER BY recipient_id
"""

CONSENTS = """
SELECT recipient_id, channel, purpose, state, if(reason = '', 'opted_out', reason), toUnixTimestamp64Milli(at)
FROM consents
WHERE modulo(kafkaMurmurHash(recipient_id), {partitions:UInt16}) = {partition:UInt16}
ORDER BY recipient_id
"""

ENGAGEMENTS = """
SELECT recipient_id, campaign_id, max(toUnixTimestamp64Milli(at)) FROM engagements
WHERE modulo(kafkaMurmurHash(recipient_id), {partitions:UInt16}) = {partition:UInt16} AND campaign_id != ''
GROUP BY recipient_id, campaign_id ORDER BY recipient_id
"""

HAS_ERASED = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'erased'"
ERASED = (
    "SELECT brand, hash, toUnixTimestamp64Milli(max(at)) FROM erased WHERE kind = {kind:String} GROUP BY brand, hash"
)


async def open_sends(client: AsyncClient, channel: str, account: str) -> dict[int, list[OpenSend]]:
    """By partition of the account's topic."""
    found: dict[int, list[OpenSend]] = {}
    rows = (await client.query(OPEN, parameters={"channel": channel, "account": account})).result_rows
    for attempt, (_, partition, offset, _account), recipient, campaign, step, ordinal in rows:
        send = OpenSend(offset, send_id_of(campaign, step, recipient), attempt, recipient, ordinal, channel, account)
        found.setdefault(partition, []).append(send)
    return found


async def known_events(client: AsyncClient, partition: int) -> Iterator[tuple[str, list[Event]]]:
    """Each person of a partition, with all that was said of them and by them."""
    parameters = {"partition": partition, "partitions": load_topics().partitions}
    rows: list[tuple[str, Event]] = []
    for query, make in ((LEDGER, _outcome), (CONSENTS, _consent), (ENGAGEMENTS, _engagement)):
        rows += [(row[0], make(row)) for row in (await client.query(query, parameters=parameters)).result_rows]
    rows.sort(key=lambda row: row[0])
    return ((recipient, [event for _, event in own]) for recipient, own in groupby(rows, key=lambda row: row[0]))


async def erasures(client: AsyncClient) -> list[Event]:
    """For everybody who was erased: that nothing may go to whoever has this pseudonym. Nobody's id is known any more,
    so nor is the partition: the mark belongs into all."""
    if not (await client.query(HAS_ERASED)).result_rows[0][0]:
        return []
    rows = (await client.query(ERASED, parameters={"kind": CONTACT})).result_rows
    return [
        Consent(
            recipient=pseudonym_of(f"{brand}/", digest), channel=ALL_CHANNELS, state="opted_out", at=_moment(at),
            reason=Suppression.ERASED,
        )
        for brand, digest, at in rows
    ]  # fmt: skip


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def _outcome(row: Sequence[Any]) -> Event:
    recipient, campaign, step, attempt, channel, status, reason, machine, account, at = row
    send_id = send_id_of(campaign, step, recipient)
    return DeliveryEvent(
        event_id=event_id(send_id, attempt, status, "ledger"), send_id=send_id, campaign_id=campaign, step=step,
        recipient=recipient, attempt=attempt, channel=channel, account=account, status=status, reason=reason,
        occurred_at=_moment(at), machine=bool(machine), source="ledger",
    )  # fmt: skip


def _consent(row: Sequence[Any]) -> Event:
    recipient, channel, purpose, state, reason, at = row
    return Consent(
        recipient=recipient, channel=channel, purpose=purpose, state=state, at=_moment(at), reason=reason or "opted_out"
    )


def _engagement(row: Sequence[Any]) -> Event:
    recipient, campaign, at = row
    return Engagement(recipient=recipient, kind="ledger", campaign_id=campaign, at=_moment(at))
