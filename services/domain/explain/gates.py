"""The gates that a send passes, in the order in which they are judged."""

from __future__ import annotations

from dataclasses import replace

from schemas import OPEN, AudienceFilter, CampaignStatus, Status, Suppression
from services.domain.explain.facts import ContactFacts, Facts, LedgerEvent, StepFacts
from services.domain.explain.hours import held_by_hour
from services.domain.explain.matching import unmet
from services.domain.explain.reasons import because, dated
from services.domain.explain.verdicts import Gate, Verdict
from services.domain.explain.way import arrival, routed, sent
from services.domain.explain.words import ADDRESS, CHANNEL, MESSAGE, listed, moment, sentence

_GATE_OF = {
    Suppression.OVER_BUDGET: "budget",
    Suppression.DUPLICATE: "duplicate",
    Suppression.NO_ADDRESS: "address",
    Suppression.INVALID_ADDRESS: "address",
    Suppression.OPTED_OUT: "opt_out",
    Suppression.BOUNCED_BEFORE: "opt_out",
    Suppression.COMPLAINED_BEFORE: "opt_out",
    Suppression.ERASED: "opt_out",
    Suppression.NO_CONSENT: "consent",
    Suppression.MISSING_DATA: "data",
    Suppression.EXPIRED: "expiry",
    Suppression.ENGAGED_ELSEWHERE: "engagement",
    Suppression.ALREADY_DELIVERED: "fallback",
    Suppression.FREQUENCY_CAPPED: "caps",
    Suppression.CAMPAIGN_CANCELLED: "campaign",
}


def gates_of(step: StepFacts) -> tuple[Gate, ...]:
    """Each gate up to the one that stopped the send, or to where it has come."""
    audience = _audience(step)
    if audience.verdict is not Verdict.PASSED:
        return (audience,)
    standing = step.standing
    if standing is None:
        return audience, _undecided(step)
    if standing.status is Status.SUPPRESSED:
        return audience, *_judged(step, standing)
    way = [audience, *_judged(step, None), routed(step)]
    if (departure := sent(step, standing)) is not None:
        way.append(departure)
        if departure.verdict is Verdict.PASSED:
            way += arrival(step, standing)
    return tuple(way)


def _audience(step: StepFacts) -> Gate:
    facts, campaign = step.facts, step.facts.campaign
    if facts.member is not None:
        how = "is on the campaign's list" if facts.member.inline else "matched the campaign's audience"
        return Gate("audience", Verdict.PASSED, sentence(f"{facts.name} {how}", facts.name), campaign.launched_at)
    if campaign.audience is None:
        return Gate("audience", Verdict.PENDING, "The audience is chosen when the campaign is launched.")
    if facts.erased:
        words = "this person asked to be forgotten, and nothing about them is kept"
    elif campaign.filter is None:
        words = f"{facts.name} is not on the campaign's list of {campaign.audience.count}"
    elif facts.contact is None:
        words = f"nobody is known under the id {facts.name}"
    else:
        words = _not_matched(facts, facts.contact, campaign.filter)
    return Gate("audience", Verdict.STOPPED, sentence(words, facts.name), campaign.launched_at)


def _not_matched(facts: Facts, contact: ContactFacts, audience: AudienceFilter) -> str:
    chosen_at = facts.campaign.launched_at or facts.now
    reasons = unmet(audience, contact, chosen_at, facts.name, facts.zone)
    words = f"{facts.name} did not match the campaign's audience when it was chosen"
    if reasons:
        return f"{words}: {'; '.join(reasons)}"
    return f"{words} {moment(chosen_at, facts.now, facts.zone)}; what is recorded by now would match"


def _undecided(step: StepFacts) -> Gate:
    facts = step.facts
    if facts.cancelled:
        words = "The campaign was cancelled before this message's turn came."
        return Gate("campaign", Verdict.STOPPED, words, facts.campaign.ended_at)
    if facts.campaign.status in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED):
        return Gate("campaign", Verdict.PENDING, "The campaign has not been launched.")
    if facts.campaign.status is CampaignStatus.PAUSED:
        return Gate("campaign", Verdict.PENDING, "The campaign is paused.")
    progress = facts.progress.get(step.number)
    if (waiting := held_by_hour(step)) is not None:
        return waiting
    if step.expanded and (waiting := _held(step)) is not None:
        return waiting
    if step.expanded:
        return Gate(
            "routed",
            Verdict.PENDING,
            "It has been asked for and waits to be judged.",
            progress.updated_at if progress else None,
        )
    if progress and progress.due_at and progress.due_at > facts.now:
        return Gate(
            "due", Verdict.PENDING, sentence(f"this step begins {moment(progress.due_at, facts.now, facts.zone)}")
        )
    return Gate("due", Verdict.PENDING, "Its turn has not come yet.")


def _held(step: StepFacts) -> Gate | None:
    """A fallback waits until it is known what became of what it stands in for."""
    for before in step.chain:
        standing = before.standing
        if standing is None or standing.status in OPEN:
            message = MESSAGE[before.channel]
            if standing is not None and standing.status is Status.UNCERTAIN:
                words = f"it waits until it is known whether {message} left, which it would stand in for"
            else:
                words = f"it waits until {message} is on its way or has failed, which it would stand in for"
            at, event_id = (standing.occurred_at, standing.event_id) if standing else (None, "")
            return Gate("fallback", Verdict.PENDING, sentence(words), at, event_id)
    return None


def _judged(step: StepFacts, stop: LedgerEvent | None) -> list[Gate]:
    """The gates of the decision: all before the one that stopped it were passed. Without a stop, all were."""
    stopped_at = _GATE_OF.get(Suppression(stop.reason)) if stop and stop.reason in set(Suppression) else None
    judged = stop or step.first(Status.QUEUED)
    gates = []
    if stop is not None and (stopped_at is None or stopped_at == "campaign"):
        return [_stopped("campaign" if stopped_at else "other", step, stop)]
    for name, words in _asked(step, stopped_at):
        if name == stopped_at and stop is not None:
            gates.append(_stopped(name, step, stop))
            break
        passed = Gate(name, Verdict.PASSED, sentence(words, step.facts.name))
        gates.append(replace(passed, at=judged.occurred_at, event_id=judged.event_id) if judged else passed)
    return gates


def _stopped(name: str, step: StepFacts, stop: LedgerEvent) -> Gate:
    return Gate(name, Verdict.STOPPED, sentence(because(step, stop), step.facts.name), stop.occurred_at, stop.event_id)


def _asked(step: StepFacts, stopped_at: str | None) -> list[tuple[str, str]]:
    """Gate and what passing it means, in the order of judgement; only those that this step has."""
    campaign, channel, name = step.facts.campaign, step.channel, step.facts.name
    capped = bool(campaign.limits.caps) and campaign.kind != "transactional"
    gates = [
        ("budget", "there was money for it", campaign.budget is not None),
        ("duplicate", f"nobody before {name} in the audience has the same {ADDRESS[channel]}", True),
        ("address", f"a {ADDRESS[channel]} is recorded", True),
        ("opt_out", f"{name} had not opted out of {CHANNEL[channel]}", True),
        ("consent", _agreed(step), channel in campaign.needs_opt_in and campaign.kind != "transactional"),
        ("data", "all that its text needs is recorded", False),
        ("expiry", "it was in time", True),
        ("engagement", f"{name} had not engaged with the campaign by then", step.reminder),
        ("fallback", _not_reached(step), step.step.only_if == "not_delivered"),
        ("caps", "the limits on messages allowed one more", capped),
    ]
    return [(gate, words) for gate, words, applies in gates if applies or gate == stopped_at]


def _not_reached(step: StepFacts) -> str:
    messages = [MESSAGE[before.channel] for before in step.chain]
    if not messages:
        return "no message before had been delivered by then"
    return f"{listed(messages)} had not reached {step.facts.name} by then, as far as anyone had told"


def _agreed(step: StepFacts) -> str:
    facts, channel = step.facts, step.channel
    consent = facts.latest_consent(channel)
    if consent is not None and consent.state == "opted_in":
        when = f" {moment(consent.at, facts.now, facts.zone)}" if dated(consent.at.year) else ""
        return f"{facts.name} agreed to {CHANNEL[channel]}{when}"
    if facts.member is not None and channel in facts.member.opt_in:
        return f"the campaign's list says that {facts.name} agreed to {CHANNEL[channel]}"
    return f"{facts.name} had agreed to {CHANNEL[channel]} by then"
