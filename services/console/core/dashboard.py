"""The figures of the dashboard, from the campaigns and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel

from schemas import DEFAULT_ACCOUNT, CampaignRecord, CampaignStatus
from services.console.core.figures import Counts, Stats
from services.console.core.stats import MICROS
from services.domain.brands import waits_for_approval

FAILING_SHARE = 0.2
FAILING_LEAST = 20
"""Failures below this number say nothing of a channel."""
SPOKEN = {"email": "email", "sms": "SMS", "whatsapp": "WhatsApp", "push": "push", "social": "social"}
"""Channels as a sentence names them."""
BUDGETED = frozenset({CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.COMPLETED})


ACCOUNT_WORDS: Final = {
    "disconnected": "is disconnected", "expired": "has expired", "failing": "fails its test",
    "expiring": "expires soon",
}  # fmt: skip
MOST_LETTERS: Final = 500
"""Dead letters that are counted one by one."""


class ChannelSum(BaseModel):
    sent: int
    delivered: int


class Attention(BaseModel):
    kind: str
    """`failing`, `account`, `uncertain`, `approval`, `dead_letters` or `paused`, in this order of weight."""
    campaign_id: str
    """Empty: it is about none."""
    channel: str
    message: str
    subject: str = ""
    """What it is about, by name."""
    path: str = ""
    """The page on which it is seen to."""


class Dashboard(BaseModel):
    active: int
    drafts: int
    completed: int
    total_reach: int
    """The frozen audiences of active campaigns, summed."""
    budget_utilization: float | None
    """Spent / budget over active, paused and completed campaigns that have one; None: none has."""
    budget_micros: int
    spent_micros: int
    by_status: dict[str, int]
    by_channel: dict[str, ChannelSum]
    needs_attention: list[Attention]


WEIGHTS: Final = ("failing", "account", "uncertain", "approval", "dead_letters", "paused")
"""What is looked at first."""


@dataclass(frozen=True)
class Surroundings:
    """What needs somebody besides the campaigns that run."""

    accounts: Sequence[tuple[str, str, str, bool]] = ()
    """(channel, account, how it stands, whether a campaign that is not over uses it)"""
    letters: int | None = None
    """Dead-lettered in the last day, as far as whoever asks may know; None: it is not known, or not theirs."""


def dashboard(
    records: Iterable[CampaignRecord],
    spent: Mapping[str, int],
    by_channel: Mapping[str, tuple[int, int]],
    running: Iterable[tuple[CampaignRecord, Stats]],
) -> Dashboard:
    """`spent`: micros by campaign; `by_channel`: (sent, delivered); `running`: active and paused ones, with figures."""
    records = list(records)
    by_status = Counter(record.status for record in records)
    budgeted = [record for record in records if record.budget and record.status in BUDGETED]
    budget = sum(int(record.budget.total * MICROS) for record in budgeted if record.budget)
    used = sum(spent.get(record.campaign_id, 0) for record in budgeted)
    return Dashboard(
        active=by_status[CampaignStatus.ACTIVE],
        drafts=by_status[CampaignStatus.DRAFT],
        completed=by_status[CampaignStatus.COMPLETED],
        total_reach=sum(
            record.audience.count for record in records if record.audience and record.status is CampaignStatus.ACTIVE
        ),
        budget_utilization=round(used / budget, 4) if budget else None,
        budget_micros=budget,
        spent_micros=used,
        by_status={status.value: by_status[status] for status in CampaignStatus},
        by_channel={
            channel: ChannelSum(sent=sent, delivered=delivered) for channel, (sent, delivered) in by_channel.items()
        },
        needs_attention=[item for record, stats in running for item in attention(record, stats)]
        + [waiting(record) for record in records if waits_for_approval(record)],
    )


def failing(counts: Counts) -> bool:
    """So many of a channel's messages fail that somebody must look."""
    failed, tried = counts.failed + counts.bounced, counts.settled - counts.suppressed
    return failed >= FAILING_LEAST and failed >= FAILING_SHARE * tried


def with_surroundings(figures: Dashboard, around: Surroundings) -> Dashboard:
    """All that needs attention, the heaviest first."""
    more = [
        account_attention(channel, account, state, used)
        for channel, account, state, used in around.accounts
        if state in ACCOUNT_WORDS and (used or state != "disconnected")  # on purpose, and in nobody's way
    ]
    if around.letters:
        count = f"{around.letters:,}{'+' if around.letters >= MOST_LETTERS else ''}"
        message = f"{count} {'record' if around.letters == 1 else 'records'} of the last day could not be read"
        more.append(Attention(kind="dead_letters", campaign_id="", channel="", message=message, subject="Dead letters",
                              path="/settings/dead-letters"))  # fmt: skip
    items = sorted([*figures.needs_attention, *more], key=lambda item: WEIGHTS.index(item.kind))
    return figures.model_copy(update={"needs_attention": items})


def account_attention(channel: str, account: str, state: str, used: bool) -> Attention:
    message = f"the {SPOKEN.get(channel, channel)} account {ACCOUNT_WORDS[state]}"
    message += ", and a campaign that is not over uses it" if used else ""
    path = "/accounts" if account == DEFAULT_ACCOUNT else f"/accounts/{quote(account, safe='')}"
    return Attention(kind="account", campaign_id="", channel=channel, message=message, subject=account, path=path)


def waiting(record: CampaignRecord) -> Attention:
    by = record.approval.requested_by if record.approval else ""
    message = f"it waits for a second person's approval; {by} asked for it"
    return Attention(kind="approval", campaign_id=record.campaign_id, channel="", message=message, subject=record.name,
                     path="/settings/approvals")  # fmt: skip


def attention(record: CampaignRecord, stats: Stats) -> list[Attention]:
    """What somebody should look at: a channel that fails, sends of unknown fate, a pause that holds messages back."""
    found = []
    about = {"campaign_id": record.campaign_id, "subject": record.name}
    page = f"/campaigns/{quote(record.campaign_id, safe='')}"
    if record.status is CampaignStatus.PAUSED:
        message = f"it is paused, and {stats.open:,} messages wait" if stats.open else "it is paused"
        found.append(Attention(kind="paused", channel="", message=message, path=page, **about))
    for channel, counts in stats.by_channel.items():
        failed, tried = counts.failed + counts.bounced, counts.settled - counts.suppressed
        if failing(counts):
            message = f"{failed:,} of {tried:,} {SPOKEN[channel]} messages failed or bounced"
            found.append(Attention(kind="failing", channel=channel, message=message, path=page, **about))
        if counts.uncertain:
            message = f"of {counts.uncertain:,} {SPOKEN[channel]} messages it is not known whether they left"
            found.append(
                Attention(kind="uncertain", channel=channel, message=message, path="/settings/uncertain", **about)
            )
    return found
