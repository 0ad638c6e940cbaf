"""Peal's way: one person, one campaign of several steps, event by event in virtual time, by the services' own cores."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from schemas.status import RANK, Status
from services.domain.eligibility import (
    Record,
    Route,
    Send,
    Suppress,
    conditions,
    decide,
    fingerprint,
    milliseconds,
    new_record,
    observe,
)
from services.domain.messages import Consent, DeliveryEvent, SendMessage, SendRequest, event_for
from services.domain.schedule import next_opening
from services.planner.core.requests import build_request
from services.planner.core.sweep import RETRY_PAUSES, RetryableSend, RetryAction, retry_action
from services.senders.core.doorstep import Do
from services.senders.core.outcomes import Accepted, Outcome, Uncertain, event_of
from services.senders.twilio import translate
from services.tracker.core.uncertain import UncertainSend, settle
from simulation.accounts import Accounts
from simulation.books import Arrival, Page
from simulation.network import Network
from simulation.people import Person
from simulation.plans import AFTER, NIGHT, Plan, member
from simulation.words import FindCampaign, told

DEADLINE: Final = timedelta(minutes=15)
"""After so long the account's policy decides what nobody told: the tracker's setting, as it comes."""
LOOK_AGAIN: Final = timedelta(minutes=1)
"""A fallback that waits for the step before is asked for again by the next sweep."""
LONG_AGO: Final = timedelta(days=90)


class Hub:
    """What the people's journeys share."""

    def __init__(self, network: Network, accounts: Accounts, find: FindCampaign) -> None:
        self.network, self.accounts, self.find = network, accounts, find

    def record(self, person: Person, now: datetime) -> Record:
        """What the router knows before any campaign: consents."""
        record = new_record()
        for channel in sorted(person.agreed):
            observe(record, _consent(person, channel, "opted_in", now - 2 * LONG_AGO))
        for channel in sorted(person.stopped):
            observe(record, _consent(person, channel, "opted_out", now - LONG_AGO))
        return record

    def send(self, person: Person, plan: Plan, record: Record) -> Page:
        """The whole campaign, for one person. Changes the record."""
        journey = Journey(self, person, plan, record)
        journey.run()
        return journey.page


class Journey:
    def __init__(self, hub: Hub, person: Person, plan: Plan, record: Record) -> None:
        self.hub, self.person, self.plan, self.record, self.page = hub, person, plan, record, Page()
        self.member = member(person)
        self.failures = 0
        self._order = count()
        self._agenda: list[tuple[datetime, int, tuple[int, int] | DeliveryEvent | UncertainSend]] = []

    def run(self) -> None:
        self._put(self.plan.starts, (1, 1))
        while self._agenda:
            at, _, item = heapq.heappop(self._agenda)
            if isinstance(item, tuple):
                self._ask(*item, at)
            elif isinstance(item, DeliveryEvent):
                self._tell(item)
            elif self.page.stands(item.send_id) is Status.UNCERTAIN:
                event = settle(item, "assume_sent", at, DEADLINE)
                assert event is not None, "the deadline has passed"
                self._tell(event)

    def _put(self, at: datetime, item: tuple[int, int] | DeliveryEvent | UncertainSend) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), item))

    def _ask(self, step: int, attempt: int, at: datetime) -> None:
        """The planner asks, the router judges, the sender calls."""
        morning = next_opening(NIGHT, self.person.country.zone, at)
        if morning > at:
            self._put(morning, (step, attempt))
            return
        request = build_request(self.plan.steps[step - 1], self.member, attempt)
        verdict = decide(self.record, request, self.plan.rules, at)
        if isinstance(verdict, Route):
            self._remember(request, Status.QUEUED, "", at)
            self._call(request, at)
        elif isinstance(verdict, Suppress):
            self._remember(request, Status.SUPPRESSED, verdict.reason, at)
            self.page.write(event_for(request, "suppressed", source="router", occurred_at=at, reason=verdict.reason))
        else:
            assert verdict.name == "held", verdict.name
            self._put(at + LOOK_AGAIN, (step, attempt))
            return
        if attempt == 1 and step < len(self.plan.steps):
            self._put(at + AFTER, (step + 1, 1))

    def _remember(self, request: SendRequest, status: Status, reason: str, at: datetime) -> None:
        only_if, head = conditions(self.plan.rules.steps, request.step)
        self.record.sends[request.send_id] = Send(
            attempt=request.attempt, state=RANK[status], reason=reason, request=0, at=milliseconds(at),
            channel=request.channel, only_if=only_if, address=fingerprint(request.address), head=head,
        )  # fmt: skip

    def _call(self, request: SendRequest, at: datetime) -> None:
        network, person, channel, page = self.hub.network, self.person, request.channel, self.page
        cost = self.hub.accounts.cost(self.plan.compiled[request.step - 1], channel, request.address, request.data)
        call = network.call(person, channel, f"{request.send_id}#{request.attempt}", at, self.plan.earlier)
        page.count(network, person, channel, at, self.plan.earlier)
        if call.taken:
            page.taken.append(request.send_id)
        if call.arrived:
            page.arrivals.append(
                Arrival(request.send_id, channel, call.arrived, channel != "email" or person.sees_mail)
            )
        outcome: Outcome = Accepted("m") if call.answered else Uncertain("no_answer")
        if call.refused:
            outcome = translate(400, call.refused, "", {}, 0.0)
        self._tell(
            event_of(
                _message(request, at), Do.CALL, outcome, reason="", cost_micros=cost, free_failure=True,
                provider="sandbox", now=at,
            )
        )  # fmt: skip
        if not call.answered:
            self._put(at + DEADLINE, _doubt(request, at))
        for step in call.steps:
            for event in told(request, step, at, self.hub.find):
                self._put(at + timedelta(milliseconds=step.told_ms), event)

    def _tell(self, event: DeliveryEvent) -> None:
        """An event reaches the router and the ledger; a failure that may pass is tried again, as the sweep does."""
        observe(self.record, event)
        if self.page.write(event) and event.status == Status.FAILED_RETRYABLE:
            self._retry(event)

    def _retry(self, event: DeliveryEvent) -> None:
        self.failures += 1
        send = RetryableSend(event.ord, event.attempt, self.failures, event.occurred_at)
        if retry_action(send, event.occurred_at) is RetryAction.GIVE_UP:
            self._tell(event_for(event, "failed", source="planner", occurred_at=event.occurred_at, reason="exhausted"))
            return
        moments = (event.occurred_at + pause for pause in RETRY_PAUSES)
        self._put(
            next(at for at in moments if retry_action(send, at) is RetryAction.EXPAND), (event.step, event.attempt + 1)
        )


def _consent(person: Person, channel: str, state: str, at: datetime) -> Consent:
    return Consent(recipient=person.recipient, channel=channel, state=state, at=at, source="file")


def _message(request: SendRequest, at: datetime) -> SendMessage:
    fields = {name: getattr(request, name) for name in SendRequest.__struct_fields__}
    return SendMessage(**fields, request_offset=0, routed_at=at)


def _doubt(request: SendRequest, at: datetime) -> UncertainSend:
    return UncertainSend(
        request.campaign_id, request.step, request.recipient, request.channel, request.ord, request.attempt,
        request.account, at,
    )  # fmt: skip
