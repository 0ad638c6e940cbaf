"""What is sent, and how. The definitions of the two ways that are compared were written before any result.

*Blind*: a tool a channel, and nothing between them. A team sends a person one message, by one of the channels for which
its list has an address, whatever is known elsewhere; opt-outs count where the tool itself heard them. A tool whose call
got no answer calls once more. Beside it stand each channel alone, and all of them at once.

*Peal*: one campaign of several steps, cheapest channel first, each step for those whom the one before has not
delivered to (`fallback`, the figure that is compared) or who have not reacted (`reminder`); with consent, with what an
earlier campaign has taught, at decent hours.

*Reached*: delivered to the person's mailbox or phone at least once. *Seen*: not counting mailboxes that put the mail
into spam or nowhere, which no sender is told.
"""

from __future__ import annotations

from datetime import time, timedelta
from typing import Final, Literal

from schemas import Body, CampaignRecord, CampaignStatus, Channel, Content, StepRecord, WhatsappContent
from services.domain.content import Compiled, compile_content
from services.domain.eligibility import CampaignRules, StepRules
from services.domain.schedule import Quiet
from services.planner.core.requests import Member, StepPlan
from simulation.people import BRAND, CITIES, Person
from simulation.society import LAUNCH

Together = Literal["not_delivered", "not_engaged"]
CHANNELS: Final = ("email", "whatsapp", "sms")
"""In the order of the steps."""
AFTER: Final = timedelta(hours=6)
"""From one step to the next."""
EXPIRES_AFTER: Final = timedelta(days=7)
NIGHT: Final = Quiet(time(21), time(9))
"""In each person's own zone."""
BODY: Final = Body(
    text="Hi {{ name | default: 'there' }}, book your AC service in {{ city }} before May and save 10%.",
    link="https://example.com/book",
)
TEMPLATE: Final = WhatsappContent(
    template="HX5f3c1b7e9a2d4c6e8f0a1b2c3d4e5f60",
    variables={"1": "{{ name | default: 'there' }}", "2": "{{ city }}"},
)


class Plan:
    """A campaign as planner, router, sender and tracker each know it."""

    def __init__(self, campaign_id: str, channels: tuple[str, ...], together: Together, earlier: bool = False) -> None:
        self.campaign_id, self.channels, self.earlier = campaign_id, channels, earlier
        """`earlier`: sent before this one, to learn from."""
        self.starts = LAUNCH - timedelta(days=30) if earlier else LAUNCH
        only_if = ["always", *[together] * (len(channels) - 1)]
        self.compiled: list[Compiled] = [
            compile_content(Channel(channel), content_of(channel), BODY, name="Book before May") for channel in channels
        ]
        self.record = CampaignRecord(
            campaign_id=campaign_id, brand=BRAND, name="Book before May", status=CampaignStatus.ACTIVE, epoch=1,
            body=BODY, created_at=self.starts, updated_at=self.starts,
            steps=[
                StepRecord.model_validate(
                    {"channel": channel, "account": "default", "only_if": rule, "content": content_of(channel)}
                )
                for channel, rule in zip(channels, only_if, strict=True)
            ],
        )  # fmt: skip
        self.rules = CampaignRules(
            campaign_id=campaign_id, brand=BRAND, status="active", epoch=1,
            steps=[StepRules(channel, rule) for channel, rule in zip(channels, only_if, strict=True)],
        )  # fmt: skip
        self.steps = [
            StepPlan(
                campaign_id, number, 1, channel, "default", sorted(compiled.placeholders), sorted(compiled.required),
                self.starts + EXPIRES_AFTER, "UTC",
            )
            for number, (channel, compiled) in enumerate(zip(channels, self.compiled, strict=True), start=1)
        ]  # fmt: skip


def content_of(channel: str) -> Content:
    """Mail and SMS follow the body; WhatsApp wants a template that was approved beforehand."""
    return Content(whatsapp=TEMPLATE) if channel == "whatsapp" else Content()


def member(person: Person) -> Member:
    """The person, in an audience."""
    return Member(
        ord=person.number, recipient=person.recipient, partition=0, email=person.email, phone=person.phone,
        zone=person.country.zone, opt_in=0, duplicate=0,
        data={"name": person.name, "city": CITIES[person.country.code]},
    )  # fmt: skip
