"""What is recorded about one person and one campaign: all that an explanation rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schemas import CampaignRecord, CampaignStatus, Channel, Consent, Status, StepProgress, StepRecord, rank_key
from services.domain.eligibility import head_of


@dataclass(frozen=True)
class LedgerEvent:
    """One line of the ledger. `queued` is one too: the tracker takes it from the send topics."""

    step: int
    attempt: int
    channel: Channel
    status: Status
    occurred_at: datetime
    reason: str = ""
    detail: str = ""
    account: str = "default"
    machine: bool = False
    source: str = ""
    event_id: str = ""
    provider_message_id: str = ""
    cost_micros: int = 0


@dataclass(frozen=True)
class Membership:
    """The person's place in the campaign's frozen audience."""

    ord: int
    inline: bool = False
    """Listed in the campaign itself rather than found among the contacts."""
    name: str = ""
    opt_in: frozenset[Channel] = frozenset()
    duplicate: frozenset[Channel] = frozenset()
    """Channels on which an earlier member has the same address."""
    zone: str = ""
    """By whose clocks quiet hours and times of their own go; empty: the campaign's."""
    best_hour: int = -1
    """Of their day, in which they open most; -1: none is known."""


@dataclass(frozen=True)
class ContactFacts:
    """What is recorded of the person now."""

    name: str = ""
    zone: str = ""
    role: str = ""
    city: str = ""
    pincode: str = ""
    last_active_at: datetime | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    lists: Sequence[str] = ()
    member_of: frozenset[str] = frozenset()
    """Campaigns, of those that the filter names, whose audience the person is in."""
    reached_by: frozenset[str] = frozenset()
    """Campaigns, of those that the filter names, that have reached the person."""


@dataclass(frozen=True)
class Facts:
    recipient: str
    """`brand/contact`."""
    campaign: CampaignRecord
    now: datetime
    member: Membership | None = None
    contact: ContactFacts | None = None
    erased: bool = False
    """The person has been erased: nothing else is known."""
    consents: Sequence[Consent] = ()
    events: Sequence[LedgerEvent] = ()
    progress: Mapping[int, StepProgress] = field(default_factory=dict)
    """By number of the step."""
    zone: str = "UTC"
    """IANA name: the zone in which times are told."""

    @property
    def name(self) -> str:
        """What to call the person."""
        recorded = (self.contact.name if self.contact else "") or (self.member.name if self.member else "")
        return recorded or self.recipient.partition("/")[2]

    @property
    def cancelled(self) -> bool:
        return self.campaign.status is CampaignStatus.CANCELLED

    def events_of(self, step: int) -> list[LedgerEvent]:
        """Oldest first, each once: the first telling of an event counts."""
        seen: dict[tuple[int, Status, str, bool], LedgerEvent] = {}
        for event in sorted(self.events, key=lambda event: (event.occurred_at, event.attempt)):
            if event.step == step:
                seen.setdefault((event.attempt, event.status, event.source, event.machine), event)
        return [_as_proof(event) for event in seen.values()]

    def latest_consent(self, channel: Channel) -> Consent | None:
        """The greatest `at` wins; at a tie, the opt-out."""
        said = [consent for consent in self.consents if consent.channel in (channel, "all")]
        return max(said, key=lambda consent: (consent.at, consent.state == "opted_out"), default=None)


def _as_proof(event: LedgerEvent) -> LedgerEvent:
    """What a scanner or a privacy proxy opened has arrived; it says no more than that."""
    if event.machine and event.status in (Status.READ, Status.CLICKED):
        return replace(event, status=Status.DELIVERED)
    return event


@dataclass(frozen=True)
class StepFacts:
    """One step of the campaign, and what the ledger says of it."""

    facts: Facts
    number: int
    step: StepRecord
    events: tuple[LedgerEvent, ...]

    @classmethod
    def all_of(cls, facts: Facts) -> list[StepFacts]:
        return [
            cls(facts, number, step, tuple(facts.events_of(number)))
            for number, step in enumerate(facts.campaign.steps, start=1)
        ]

    @property
    def channel(self) -> Channel:
        return self.step.channel

    @property
    def standing(self) -> LedgerEvent | None:
        """The event that says where the send stands; None: nothing is known of it. An assumption gives way."""

        def rank(event: LedgerEvent) -> tuple[tuple[int, int], bool]:
            return rank_key(event.status, event.attempt), event.reason != "assumed"

        return max(self.events, key=rank, default=None)

    @property
    def head(self) -> int:
        """The first step of the chain of fallbacks that this one belongs to: itself where it is no fallback."""
        return head_of(self.facts.campaign.steps, self.number)

    @property
    def chain(self) -> list[StepFacts]:
        """The steps before this one for which it stands in."""
        return StepFacts.all_of(self.facts)[self.head - 1 : self.number - 1]

    @property
    def reminder(self) -> bool:
        """For those who have not engaged; the fallback of a reminder is one too."""
        return self.facts.campaign.steps[self.head - 1].only_if == "not_engaged"

    @property
    def expanded(self) -> bool:
        """Asked for by the planner: the step's cursor has passed this person."""
        progress, member = self.facts.progress.get(self.number), self.facts.member
        return progress is not None and member is not None and progress.cursor > member.ord

    def first(self, *statuses: Status) -> LedgerEvent | None:
        """The earliest event of these kinds; of the same kind, a machine's doing comes last."""
        found = [event for event in self.events if event.status in statuses]
        return min(found, key=lambda event: (event.machine, event.occurred_at), default=None)
