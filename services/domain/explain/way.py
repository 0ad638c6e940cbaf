"""The way of a send after the decision: to the sender, to the provider, to the person."""

from __future__ import annotations

from schemas import Status
from services.domain.explain.facts import LedgerEvent, StepFacts
from services.domain.explain.verdicts import Gate, Verdict
from services.domain.explain.words import MESSAGE, failure, sentence

LEFT = (
    Status.ACCEPTED, Status.DELIVERED, Status.BOUNCED, Status.READ, Status.CLICKED, Status.REPLIED,
    Status.UNSUBSCRIBED, Status.COMPLAINED,
)  # fmt: skip
ARRIVED = (Status.DELIVERED, Status.READ, Status.CLICKED, Status.REPLIED, Status.UNSUBSCRIBED, Status.COMPLAINED)


CONSENT_TOLD = "opted in"
"""A part of a detail that begins so repeats what the gate of consent has said."""
CAPS_TOLD = "caps "


def routed(step: StepFacts) -> Gate:
    queued = step.first(Status.QUEUED)
    if queued is None:
        return Gate("routed", Verdict.PASSED, "It was given to the sender.")
    grounds = [part for part in queued.detail.split("; ") if part and not part.startswith(CONSENT_TOLD)]
    told = [f"{part.removeprefix(CAPS_TOLD)} by the limits" if part.startswith(CAPS_TOLD) else part for part in grounds]
    counted = f" ({'; '.join(told)})" if told else ""
    words = sentence(f"it was given to the sender{counted}")
    return Gate("routed", Verdict.PASSED, words, queued.occurred_at, queued.event_id)


def sent(step: StepFacts, standing: LedgerEvent) -> Gate | None:
    """None: the standing says nothing yet of the way to the provider."""
    tries = f" on attempt {standing.attempt}" if standing.attempt > 1 else ""
    at, event_id = standing.occurred_at, standing.event_id
    if (left := step.first(*LEFT)) is not None and standing.status in (*LEFT, Status.FAILED, Status.FAILED_RETRYABLE):
        assumed = left.reason == "assumed" and standing is left
        words = "the provider never answered; it is taken as sent" if assumed else f"the provider took it{tries}"
        return Gate("sent", Verdict.PASSED, sentence(words), left.occurred_at, left.event_id)
    match standing.status:
        case Status.QUEUED if step.facts.cancelled:
            return Gate(
                "sent", Verdict.STOPPED, "The campaign was cancelled before it left.", step.facts.campaign.ended_at
            )
        case Status.QUEUED:
            return Gate("sent", Verdict.PENDING, "It waits for its turn at the sender.", at, event_id)
        case Status.RECALLED if step.facts.cancelled:
            return Gate(
                "sent", Verdict.STOPPED, "It was taken back before it left; the campaign was cancelled.", at, event_id
            )
        case Status.RECALLED:
            why = f" ({standing.reason.replace('_', ' ')})" if standing.reason else ""
            return Gate(
                "sent",
                Verdict.PENDING,
                sentence(f"it was taken back before it left{why} and is judged anew"),
                at,
                event_id,
            )
        case Status.UNCERTAIN:
            words = "The provider did not answer: whether it left is being found out. It is not repeated meanwhile."
            return Gate("sent", Verdict.UNKNOWN, words, at, event_id)
        case Status.FAILED_RETRYABLE:
            words = sentence(f"it did not go out: {failure(standing.reason, standing.detail)}; it is tried again")
            return Gate("sent", Verdict.PENDING, words, at, event_id)
        case Status.FAILED:
            return Gate("sent", Verdict.STOPPED, sentence(failure(standing.reason, standing.detail)), at, event_id)
    return None


def arrival(step: StepFacts, standing: LedgerEvent) -> list[Gate]:
    """What the provider and the person told of it after it had left."""
    at, event_id = standing.occurred_at, standing.event_id
    if standing.status is Status.BOUNCED:
        words = sentence(f"it bounced{f': {standing.detail}' if standing.detail else ''}")
        return [Gate("delivered", Verdict.STOPPED, words, at, event_id)]
    if standing.status in (Status.FAILED, Status.FAILED_RETRYABLE):
        verdict = Verdict.STOPPED if standing.status is Status.FAILED else Verdict.PENDING
        return [Gate("delivered", verdict, sentence(failure(standing.reason, standing.detail)), at, event_id)]
    arrived = step.first(*ARRIVED)
    if arrived is None:
        return [Gate("delivered", Verdict.PENDING, f"Whether {MESSAGE[step.channel]} arrived is not known yet.")]
    return [Gate("delivered", Verdict.PASSED, "It arrived.", arrived.occurred_at, arrived.event_id)]
