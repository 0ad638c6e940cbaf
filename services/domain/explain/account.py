"""The whole account of one person and one campaign, as a helpful colleague would give it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas import OPEN, CampaignStatus, Channel, Status, Suppression
from services.domain.explain.facts import Facts, LedgerEvent, StepFacts
from services.domain.explain.gates import gates_of
from services.domain.explain.reasons import because
from services.domain.explain.verdicts import Gate
from services.domain.explain.way import LEFT
from services.domain.explain.words import MESSAGE, failure, listed, moment, sentence

_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True)
class StepExplanation:
    step: int
    channel: str
    send_id: str
    status: str
    """Where the send stands; `planned`: nothing is known of it yet; `not_planned`: there is no such send."""
    reason: str
    attempt: int
    at: datetime | None
    summary: str
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Explanation:
    campaign_id: str
    campaign_name: str
    recipient: str
    name: str
    zone: str
    """Zone of the times in the words."""
    summary: str
    steps: tuple[StepExplanation, ...]


def explain(facts: Facts) -> Explanation:
    """Every gate of every step, and the account in words."""
    steps = tuple(_explain_step(step) for step in StepFacts.all_of(facts))
    whole = _whole(facts)
    return Explanation(
        campaign_id=facts.campaign.campaign_id,
        campaign_name=facts.campaign.name,
        recipient=facts.recipient,
        name=facts.name,
        zone=facts.zone,
        summary=whole or " ".join([*(step.summary for step in steps), *_by_design(facts)]),
        steps=steps,
    )


def _whole(facts: Facts) -> str:
    """What holds for all steps at once; empty where each has its own story."""
    waits = facts.campaign.status in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED)
    if facts.member is not None and not waits:
        return ""
    if facts.member is None and facts.campaign.audience is not None:
        (gate, *_) = gates_of(StepFacts.all_of(facts)[0])
        then = "So nobody can tell what they got" if facts.erased else "So nothing was planned for this person"
        return f"{gate.words} {then}."
    if facts.campaign.status is CampaignStatus.SCHEDULED and facts.campaign.schedule is not None:
        due = moment(facts.campaign.schedule.moment, facts.now, facts.zone)
        chosen = "" if facts.member else "; its audience is chosen then"
        return f"The campaign is launched {due}{chosen}."
    return "The campaign has not been launched, so nobody has got anything from it yet."


def _by_design(facts: Facts) -> list[str]:
    """Why somebody got more than one message, where that is so."""
    sent = [step for step in StepFacts.all_of(facts) if step.first(*LEFT) is not None]
    if len(sent) < 2:
        return []
    reasons = [_purpose(step) for step in sent[1:]]
    return [sentence(f"{_NUMBERS.get(len(sent), str(len(sent)))} messages are as planned: {'; '.join(reasons)}")]


def _purpose(step: StepFacts) -> str:
    message, name = _message(step), step.facts.name
    if step.step.only_if == "not_delivered":
        before = [each for each in step.chain if each.first(*LEFT) is not None] or step.chain
        standing = before[-1].standing
        missed = standing is not None and standing.status in (Status.BOUNCED, Status.FAILED)
        why = "which did not arrive" if missed else "of which nobody had told by then that it arrived"
        return f"{message} stands in for {_message(before[-1])}, {why}"
    if step.step.only_if == "not_engaged":
        return f"{message} is a reminder, for {name} had not engaged by then"
    return f"{message} goes to everybody in the audience"


def _explain_step(step: StepFacts) -> StepExplanation:
    standing, gates = step.standing, gates_of(step)
    status, reason = (standing.status.value, standing.reason) if standing else ("planned", "")
    if step.facts.member is None:
        status = "not_planned"
    elif step.facts.cancelled and status in ("planned", *OPEN):
        status, reason = Status.SUPPRESSED.value, Suppression.CAMPAIGN_CANCELLED.value
    return StepExplanation(
        step=step.number,
        channel=step.channel.value,
        send_id=f"{step.facts.campaign.campaign_id}/{step.number}/{step.facts.recipient.partition('/')[2]}",
        status=status,
        reason=reason,
        attempt=standing.attempt if standing else 0,
        at=standing.occurred_at if standing else None,
        summary=_summary(step, standing, gates),
        gates=gates,
    )


def _summary(step: StepFacts, standing: LedgerEvent | None, gates: tuple[Gate, ...]) -> str:
    message, facts = _message(step), step.facts
    if standing is None or facts.member is None:
        words = gates[-1].words
        if words.startswith("It "):
            return sentence(f"{message}{words[2:]}")
        return f"{message[0].upper()}{message[1:]}: {words[0].lower()}{words[1:]}"
    when = moment(standing.occurred_at, facts.now, facts.zone)
    match standing.status:
        case Status.SUPPRESSED:
            return sentence(f"{message} was not sent because {because(step, standing)}")
        case Status.QUEUED | Status.RECALLED | Status.FAILED_RETRYABLE if facts.cancelled:
            return sentence(f"{message} was not sent because the campaign was cancelled first")
        case Status.QUEUED:
            return sentence(f"{message} has been waiting for its turn since {_since(when)}")
        case Status.RECALLED:
            return sentence(f"{message} was taken back {when} before it left, and is judged anew")
        case Status.FAILED_RETRYABLE:
            why = failure(standing.reason, standing.detail)
            return sentence(f"{message} did not go out {when} because {why}; it is tried again")
        case Status.UNCERTAIN:
            next_ = (
                "The campaign was cancelled since" if facts.cancelled else "It is not repeated until that is cleared up"
            )
            return sentence(f"it is not known whether {message} left: the provider did not answer {when}. {next_}")
        case Status.ACCEPTED if standing.reason == "assumed":
            return sentence(
                f"the provider never said whether it took {message}; since {_since(when)} it is taken as sent"
            )
        case Status.ACCEPTED:
            return sentence(f"{message} left {when}; whether it arrived is not known yet")
        case Status.FAILED:
            return sentence(
                f"{message} could not be delivered {when} because {failure(standing.reason, standing.detail)}"
            )
        case Status.BOUNCED:
            detail = f": {standing.detail}" if standing.detail else ""
            return sentence(f"{message} bounced {when}{detail}")
    return _got(step)


def _got(step: StepFacts) -> str:
    """It arrived, and what the person did with it."""
    facts = step.facts

    def told(event: LedgerEvent | None) -> str:
        return f" {moment(event.occurred_at, facts.now, facts.zone)}" if event else ""

    done = [f"got {_message(step)}{told(step.first(Status.DELIVERED))}"]
    for status, words in (
        (Status.READ, "opened it"),
        (Status.CLICKED, "clicked a link in it"),
        (Status.REPLIED, "replied"),
        (Status.UNSUBSCRIBED, "unsubscribed"),
        (Status.COMPLAINED, "reported it as spam"),
    ):
        if (event := step.first(status)) is not None:
            done.append(words + told(event))
    return sentence(f"{facts.name} {listed(done)}{_machine(step) if len(done) == 1 else ''}", facts.name)


def _machine(step: StepFacts) -> str:
    if any(event.machine for event in step.events):
        who = "a mail scanner" if step.channel is Channel.EMAIL else "a link preview or scanner"
        return f"; {who} looked at it, which says nothing about the person"
    return ""


def _message(step: StepFacts) -> str:
    """`the SMS`; with the step's number where the campaign sends several."""
    several = sum(other.channel == step.channel for other in step.facts.campaign.steps) > 1
    return f"{MESSAGE[step.channel]}{f' of step {step.number}' if several else ''}"


def _since(when: str) -> str:
    return when.removeprefix("at ").removeprefix("on ")
