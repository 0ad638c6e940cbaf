"""What somebody decides about a send in doubt, as the event that says so."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from schemas import RateCard
from services.domain.messages import DeliveryEvent, SendAttempt, event_for

SOURCE: Final = "operator"
Resolution = Literal["accepted", "failed", "resend"]
_MEANS: Final[dict[Resolution, tuple[str, str]]] = {
    "accepted": ("accepted", ""),
    "failed": ("failed", "resolved"),
    "resend": ("failed_retryable", "resend"),
}


def resolution(send: SendAttempt, decided: Resolution, by: str, card: RateCard | None, now: datetime) -> DeliveryEvent:
    """`by`: whose word. Free is only what certainly did not go out, where the card says so; else the reserve stays."""
    status, reason = _MEANS[decided]
    free = decided == "failed" and card is not None and "failed" in card.free_statuses
    return event_for(
        send, status, source=SOURCE, occurred_at=now, reason=reason, detail=f"decided by {by}",
        cost_basis="waived" if free else "",
    )  # fmt: skip
