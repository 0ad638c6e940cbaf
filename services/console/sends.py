"""Pages of a campaign's sends: which ordinals, who they are, where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas import OPEN, RANK, UNKNOWN_ORDINAL, CampaignRecord, CampaignStatus, Status, Suppression
from services.console.hub import Hub, Row
from services.console.problems import one_field
from services.console.queries import sends as queries
from services.console.queries.contacts import Wanted, needle, page_parameters, people_search, words_of

PLANNED = "planned"
"""Nothing is known of the send yet."""
WORDS = (PLANNED, "open", "settled", *(status.value for status in Status))
"""What a list of sends may be filtered by."""
FOUND_AT_MOST = 1000
"""People whom a search goes on with."""
LOOKED_THROUGH = 20_000
"""Contacts of the brand that a search in one campaign goes through, in the order of their ids."""
ALL = 1 << 32
"""More than there are ordinals."""
WORD_OF_RANK = {rank: status.value for status, rank in RANK.items()}
SETTLED = tuple(status.value for status in Status if status not in OPEN)


@dataclass(frozen=True)
class StatusChoice:
    """Sends that stand at one of `at`; or, where that is None, all but those at one of `but`."""

    at: tuple[str, ...] | None
    but: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chosen:
    statuses: StatusChoice
    channel: str
    """Empty: all."""
    step: int
    ord: int
    """From this send on."""
    limit: int
    recipients: tuple[str, ...] = ()
    """Only theirs; empty: everybody's."""
    reason: str | None = None
    """Why they stand there; None: whyever."""
    only_step: int = 0
    """0: all."""


def statuses_of(word: str, record: CampaignRecord) -> StatusChoice:
    """What a filter means. A cancelled campaign has closed what was open. Raises `Problem` 422 for an unknown word."""
    if word and word not in WORDS:
        message = f"'{word[:40]}' is not a status: choose from {', '.join(WORDS)}"
        raise one_field("status", "unknown_value", message)
    cancelled = record.status is CampaignStatus.CANCELLED
    if not word or (cancelled and word == "settled"):
        return StatusChoice(None)
    if cancelled and (word in ("open", PLANNED) or word in OPEN):
        return StatusChoice(())
    if cancelled and word == Status.SUPPRESSED:
        return StatusChoice(None, tuple(status for status in SETTLED if status != word))
    if word == PLANNED:
        return StatusChoice(None, tuple(status.value for status in Status))
    if word == "open":
        return StatusChoice(None, SETTLED)
    return StatusChoice(SETTLED if word == "settled" else (word,))


class Sends:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def page(self, record: CampaignRecord, chosen: Chosen) -> tuple[list[Row], tuple[int, int] | None]:
        """Rows as the wire has them, and (step, ord) of where the next page begins; None: there is none."""
        rows: list[Row] = []
        if record.audience is None or record.launched_at is None:
            return rows, None
        for number in range(chosen.step, len(record.steps) + 1):
            channel = record.steps[number - 1].channel.value
            if chosen.channel not in ("", channel) or chosen.only_step not in (0, number):
                continue
            first = chosen.ord if number == chosen.step else 0
            room = chosen.limit - len(rows)
            members = await self._members(record, number, chosen, first, room + 1)
            if members[:room]:
                rows += await self._rows(record, number, members[:room])
            if len(members) > room:
                return rows, (number, members[room][0])
        return rows, None

    async def search(self, record: CampaignRecord, text: str) -> tuple[str, ...]:
        """Whom of the audience it means, by parts of id, name, mail address or number; at most `FOUND_AT_MOST`."""
        words = words_of(text)
        if record.audience is None or not words:
            return ()
        wanted = Wanted(tuple(words))
        given = page_parameters(wanted, record.brand, self.hub.now(), LOOKED_THROUGH)
        query = queries.FOUND_INLINE if record.filter is None else queries.FOUND
        found = await self.hub.tuples(
            query % {"contacts": people_search(wanted)}, campaign=record.campaign_id,
            snapshot=record.audience.snapshot_id, words=[needle(word) for word in words], most=FOUND_AT_MOST, **given,
        )  # fmt: skip
        return tuple(row[0] for row in found)

    async def _members(
        self, record: CampaignRecord, step: int, chosen: Chosen, first: int, most: int
    ) -> list[tuple[int, str]]:
        """(ord, recipient), by ord."""
        assert record.audience is not None, "the caller has looked"
        statuses = chosen.statuses
        parameters: dict[str, Any] = {
            "campaign": record.campaign_id, "snapshot": record.audience.snapshot_id, "steps": [step],
            "from_ord": first, "most": most, "reach": ALL if chosen.recipients else most,
            "recipients": list(chosen.recipients),
        }  # fmt: skip
        if statuses.at == ():
            return []
        if chosen.reason is not None:
            statuses = _for_reason(record, statuses, chosen.reason)
        if statuses.at is not None:
            why = {"by_reason": int(chosen.reason is not None), "reason": chosen.reason or ""}
            found = await self.hub.tuples(queries.MEMBERS_AT, **parameters, **why, statuses=list(statuses.at))
        elif not statuses.but:
            found = await self.hub.tuples(queries.MEMBERS, **parameters)
        else:
            count, but = record.audience.count, list(statuses.but)
            found = await self.hub.tuples(queries.MEMBERS_EXCEPT, **parameters, statuses=but, audience=count)
        return [(row[0], row[1]) for row in found]

    async def _rows(self, record: CampaignRecord, step: int, members: list[tuple[int, str]]) -> list[Row]:
        found = await self.hub.rows(
            queries.STATES, campaign=record.campaign_id, step=step,
            ords=[*(ord_ for ord_, _ in members), UNKNOWN_ORDINAL], recipients=[recipient for _, recipient in members],
        )  # fmt: skip
        states = {row["recipient_id"]: row for row in found}
        return [_row(record, step, recipient, states.get(recipient)) for _, recipient in members]


def _for_reason(record: CampaignRecord, statuses: StatusChoice, reason: str) -> StatusChoice:
    """A cancelled campaign has closed what was open, for a reason that no event names."""
    if record.status is CampaignStatus.CANCELLED and reason == Suppression.CAMPAIGN_CANCELLED:
        return StatusChoice(None, SETTLED)
    if statuses.at is None:
        return StatusChoice(tuple(status.value for status in Status if status.value not in statuses.but))
    return statuses


def _row(record: CampaignRecord, step: int, recipient: str, state: Row | None) -> Row:
    send = record.steps[step - 1]
    row: Row = {
        "send_id": f"{record.campaign_id}/{step}/{recipient.partition('/')[2]}",
        "recipient": recipient, "step": step, "channel": send.channel.value, "attempt": 0, "status": PLANNED,
        "reason": "", "account": send.account, "provider_message_id": "", "cost_micros": 0, "at": None,
    }  # fmt: skip
    if state is not None:
        row |= {name: state[name] for name in ("attempt", "reason", "account", "provider_message_id", "cost_micros")}
        row |= {"status": WORD_OF_RANK[state["rank"]], "at": utc(state["occurred_at"])}
    if record.status is CampaignStatus.CANCELLED and (row["status"] == PLANNED or row["status"] in OPEN):
        row |= {"status": Status.SUPPRESSED.value, "reason": Suppression.CAMPAIGN_CANCELLED.value}
    return row


def utc(at: datetime) -> datetime:
    """ClickHouse's times come without their zone, which is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
