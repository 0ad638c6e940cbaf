"""May this person get this message now?"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.status import RANK, REOPENABLE, Suppression
from services.domain.eligibility.caps import taken_of
from services.domain.eligibility.consent import permitted
from services.domain.eligibility.gates import GATES, Facts, moment
from services.domain.eligibility.record import CampaignRules, Record, Send
from services.domain.eligibility.verdicts import INACTIVE, NOT_YET, REPEAT, ROUTE, UNKNOWN, Route, Verdict
from services.domain.messages import SendRequest

DEAD_LETTER: Final = "dead_letter"
"""The reason of a failed send whose message went to a dead-letter topic."""

_REOPENABLE: Final = frozenset(RANK[status] for status in REOPENABLE)
_REOPENED_ON_DEMAND: Final = frozenset({Suppression.OVER_BUDGET, DEAD_LETTER})
_GATES: Final = tuple(GATES.values())


def decide(record: Record, request: SendRequest, campaign: CampaignRules | None, now: datetime) -> Verdict:
    """The verdict on a request that was not judged before. Changes nothing."""
    if campaign is None or request.epoch > campaign.epoch or request.step > len(campaign.steps):
        return UNKNOWN
    if request.epoch < campaign.epoch or campaign.status != "active":
        return INACTIVE
    last = record.sends.get(request.send_id)
    if last is not None and request.attempt <= last.attempt:
        return REPEAT
    if request.attempt != next_attempt(last, request.reopen):
        return NOT_YET
    facts = Facts(record, request, campaign, campaign.steps[request.step - 1], now)
    for gate in _GATES:
        if (stop := gate(facts)) is not None:
            return stop
    return _route(facts)


def next_attempt(last: Send | None, reopen: bool) -> int:
    """The one attempt that may begin, 0 for none: 1 where there was none, else the one after an attempt that certainly
    did not go out. `reopen`: also after one that was given up for money, or on a dead-letter topic."""
    if last is None:
        return 1
    if last.state in _REOPENABLE or (reopen and last.reason in _REOPENED_ON_DEMAND):
        return last.attempt + 1
    return 0


def _route(facts: Facts) -> Route:
    """With the ground that it stands on: consent, room under the caps, why at this hour."""
    grounds = [ground for ground in (_consent(facts), _room(facts), facts.request.timing) if ground]
    return Route("; ".join(grounds)) if grounds else ROUTE


def _consent(facts: Facts) -> str:
    request = facts.request
    if request.channel not in facts.campaign.needs_opt_in or facts.campaign.kind == "transactional":
        return ""
    if said := permitted(facts.record, request.channel, facts.campaign.kind):
        return f"opted in {moment(said.at)}"
    return "opted in by the campaign's own list"


def _room(facts: Facts) -> str:
    """This message counted in: `caps 1/3 in 7d, 1/1 sms in 24h`."""
    if not facts.campaign.limits.caps:
        return ""
    taken = taken_of(facts.record, facts.campaign, facts.request.channel, facts.now)
    return f"caps {', '.join(one.brief(1) for one in taken)}" if taken else ""
