"""What a step's messages cost, from those to some of its people, made as the sender will make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas import Account, CampaignRecord, Channel
from services.domain.campaigns.money import reserve_micros
from services.domain.content import Compiled, unit_price
from services.domain.messages import AttributeValue, SendRequest


@dataclass(frozen=True)
class Sampled:
    """Somebody of the audience, with what a message may be filled with."""

    recipient: str
    email: str
    phone: str
    data: Mapping[str, AttributeValue]

    def address(self, channel: Channel) -> str:
        return self.email if channel is Channel.EMAIL else self.phone


@dataclass(frozen=True)
class Price:
    """Of one message, in millionths of the account's currency."""

    units: int
    """Segments of the longest; 1 where none are billed."""
    dearest_micros: int
    """The longest text at the highest price of those looked at: no less than any of them."""
    mean_micros: float


def price_of(
    record: CampaignRecord, number: int, account: Account, content: Compiled, people: Sequence[Sampled], public_url: str
) -> Price:
    """Of step `number`. Where nobody can be looked at: one unit at the account's highest price."""
    step, card = record.steps[number - 1], account.rate_card
    units, highest, total, count = 1, 0, 0, 0
    for person in people:
        if not (address := person.address(step.channel)):
            continue
        request = request_to(record, number, step.channel, address, person, content)
        cost, unit = reserve_micros(account, content, request, public_url), unit_price(card, step.channel, address)
        units, highest = max(units, cost // unit if unit else 1), max(highest, unit)
        total, count = total + cost, count + 1
    if not count:
        highest = max([card.message_micros, *card.by_country.values()])
        return Price(1, highest, highest)
    return Price(units, units * highest, total / count)


def request_to(
    record: CampaignRecord, number: int, channel: Channel, address: str, person: Sampled, content: Compiled
) -> SendRequest:
    """As the planner would ask for it; who and when make no message longer."""
    return SendRequest(
        send_id=f"{record.campaign_id}/{number}/{person.recipient.partition('/')[2]}",
        campaign_id=record.campaign_id,
        step=number,
        recipient=person.recipient,
        ord=0,
        attempt=1,
        epoch=record.epoch,
        channel=channel.value,
        account=account_name(record, number),
        address=address,
        data={name: person.data[name] for name in content.placeholders if person.data.get(name) not in (None, "")},
        expires_at=_LATER,
    )


_LATER = datetime.fromisoformat("2100-01-01T00:00:00+00:00")


def account_name(record: CampaignRecord, number: int) -> str:
    return record.steps[number - 1].account
