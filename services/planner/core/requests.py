"""From members of a frozen audience to send requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas import Channel
from services.domain.messages import AttributeValue, SendRequest
from services.domain.schedule import NO_HOUR
from services.planner.core.hours import Group

CHANNEL_BIT: dict[str, int] = {
    Channel.EMAIL: 1,
    Channel.SMS: 2,
    Channel.WHATSAPP: 4,
    Channel.PUSH: 8,
    Channel.SOCIAL: 16,
}
"""As in `audience_members.opt_in` and `.duplicate`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the audience, with what is known of them now."""

    ord: int
    recipient: str
    partition: int
    email: str
    phone: str
    zone: str
    opt_in: int
    duplicate: int
    data: Mapping[str, AttributeValue]
    erased: bool = False
    """The ordinal is all that is left, or the person is known to have been erased."""
    clock_zone: str = ""
    """Quiet hours go by it; as it was when the audience was frozen. Empty: the campaign's."""
    best_hour: int = NO_HOUR
    """In which they opened `best_opens` of `opens` messages."""
    best_opens: int = 0
    opens: int = 0

    @property
    def group(self) -> Group:
        return Group(self.clock_zone, self.best_hour)

    def address(self, channel: str) -> str:
        return self.email if channel == Channel.EMAIL else self.phone


@dataclass(frozen=True, slots=True)
class StepPlan:
    """All that the requests of a step have in common."""

    campaign_id: str
    step: int
    epoch: int
    channel: str
    account: str
    placeholders: Sequence[str]
    """Attributes that the content uses."""
    required: Sequence[str]
    """Those of them without a default."""
    expires_at: datetime
    zone: str


def build_request(
    plan: StepPlan,
    member: Member,
    attempt: int,
    *,
    reopen: bool = False,
    expires_at: datetime | None = None,
    timing: str = "",
) -> SendRequest:
    """Without a reserve: that depends on the request itself. `expires_at`: where it is not that of the whole step."""
    data = member.data
    bit = CHANNEL_BIT[plan.channel]
    return SendRequest(
        send_id=f"{plan.campaign_id}/{plan.step}/{member.recipient.partition('/')[2]}",
        campaign_id=plan.campaign_id,
        step=plan.step,
        recipient=member.recipient,
        ord=member.ord,
        attempt=attempt,
        epoch=plan.epoch,
        reopen=reopen,
        channel=plan.channel,
        account=plan.account,
        address=member.address(plan.channel),
        data={name: data[name] for name in plan.placeholders if data.get(name) not in (None, "")},
        duplicate=bool(member.duplicate & bit),
        opt_in=bool(member.opt_in & bit),
        missing=[name for name in plan.required if data.get(name) in (None, "")],
        expires_at=expires_at or plan.expires_at,
        zone=member.clock_zone or plan.zone,
        timing=timing,
    )
