"""Why a send was not made, as the end of a sentence that began with `because`."""

from __future__ import annotations

from schemas import ENGAGED, Suppression
from services.domain.explain.facts import LedgerEvent, StepFacts
from services.domain.explain.way import ARRIVED
from services.domain.explain.words import ADDRESS, CHANNEL, MESSAGE, PREVIOUS, listed, moment

UNDATED = 2001
"""Consents older than this year carry no real date: an import that did not say when."""


def because(step: StepFacts, event: LedgerEvent) -> str:
    """The clause for the reason of a `suppressed` event."""
    channel, name = step.channel, step.facts.name
    match event.reason:
        case Suppression.DUPLICATE:
            return f"another person of this audience has the same {ADDRESS[channel]} and gets it there"
        case Suppression.NO_ADDRESS:
            return f"no {ADDRESS[channel]} is recorded for {name}"
        case Suppression.INVALID_ADDRESS:
            return f"the {ADDRESS[channel]} recorded for {name} is not a valid one"
        case Suppression.NO_CONSENT:
            return f"{name} has not agreed to {CHANNEL[channel]}, which needs an opt-in"
        case Suppression.OPTED_OUT:
            return f"{name} opted out of {_opted_out_of(step)}{_opted_out_when(step)}"
        case Suppression.BOUNCED_BEFORE:
            return f"{PREVIOUS[channel]} to this address bounced{_opted_out_when(step)}"
        case Suppression.COMPLAINED_BEFORE:
            return f"{name} reported {PREVIOUS[channel]} as spam{_opted_out_when(step)}"
        case Suppression.ENGAGED_ELSEWHERE:
            return f"{_engagement(step)}, and this step is only for those who have not engaged"
        case Suppression.ALREADY_DELIVERED:
            return f"{_delivery(step)}, and this step is only for those whom it could not reach"
        case Suppression.FREQUENCY_CAPPED:
            counted = f" ({event.detail})" if event.detail else ""
            return f"{name} had already got as many messages as the limits allow{counted}"
        case Suppression.EXPIRED:
            return "its time ran out before it could leave"
        case Suppression.CAMPAIGN_CANCELLED:
            return "the campaign was cancelled first"
        case Suppression.OVER_BUDGET:
            return "the campaign's budget was used up"
        case Suppression.MISSING_DATA:
            return f"its text needs {_needed(event.detail)}, which is not recorded for {name}"
        case Suppression.ERASED:
            return "this person asked to be forgotten"
    return event.reason.replace("_", " ") + (f" ({event.detail})" if event.detail else "") or "no reason was recorded"


def dated(year: int) -> bool:
    return year >= UNDATED


def _opted_out_of(step: StepFacts) -> str:
    consent = step.facts.latest_consent(step.channel)
    return "all messages" if consent and consent.channel == "all" else CHANNEL[step.channel]


def _opted_out_when(step: StepFacts) -> str:
    consent = step.facts.latest_consent(step.channel)
    if consent is None or consent.state != "opted_out" or not dated(consent.at.year):
        return ""
    return f" {moment(consent.at, step.facts.now, step.facts.zone)}"


def _engagement(step: StepFacts) -> str:
    """What the person had done in the campaign before this step was decided."""
    done = sorted(
        (e for e in step.facts.events if e.status in ENGAGED and not e.machine and e.step != step.number),
        key=lambda event: event.occurred_at,
    )
    if not done:
        return f"{step.facts.name} had already engaged with the campaign"
    verb = {"read": "opened", "clicked": "clicked a link in", "replied": "replied to"}[done[0].status]
    when = moment(done[0].occurred_at, step.facts.now, step.facts.zone)
    return f"{step.facts.name} had {verb} {MESSAGE[done[0].channel]} {when}"


def _delivery(step: StepFacts) -> str:
    """What had reached the person: of the messages that this one stands in for, the first that arrived."""
    for before in step.chain:
        if (arrived := before.first(*ARRIVED)) is not None:
            when = moment(arrived.occurred_at, step.facts.now, step.facts.zone)
            return f"{MESSAGE[before.channel]} had already reached {step.facts.name} {when}"
    if not step.chain:
        return "it had been delivered already"
    return f"{MESSAGE[step.chain[-1].channel]} had already reached {step.facts.name}"


def _needed(detail: str) -> str:
    """The names of what lacks, from the gate's sentence."""
    names = detail.removeprefix("no value for ").removesuffix(", and no default").split(", ")
    return listed([f"'{name}'" for name in names]) if detail else "something"
