"""The people of a world: each decided by the seed and their number alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.sandbox.core.chance import draws
from simulation.society import Country, Society

BRAND = "default"
CITIES = {"IN": "Pune", "BR": "São Paulo", "DE": "Berlin", "US": "New York"}
NAMES = ("Asha", "Bruno", "Clara", "Dev", "Elena", "Femi", "Greta", "Hana", "Ines", "João")


class Person(NamedTuple):
    number: int
    country: Country
    name: str
    email: str
    """"" where the brand does not know it; likewise the phone."""
    phone: str
    agreed: frozenset[str]
    """Channels that the person opted in to."""
    stopped: frozenset[str]
    """Channels on which the person said no; the tool of that channel knows."""
    inactive: bool
    """The card of the number is in no phone."""
    sees_mail: bool
    """The mailbox puts the brand's mails where the person looks."""
    lot: float
    """In [0, 1): which channel a team happens to choose for them."""

    @property
    def contact(self) -> str:
        return f"p{self.number}"

    @property
    def recipient(self) -> str:
        return f"{BRAND}/{self.contact}"

    def address(self, channel: str) -> str:
        return self.email if channel == "email" else self.phone

    def allows(self, channel: str) -> bool:
        """Whether the law and the person's own word let a marketing message go there."""
        return channel not in self.stopped and (channel == "email" or channel in self.agreed)


def people(society: Society, count: int) -> Iterator[Person]:
    for number in range(count):
        yield person(society, number)


def person(society: Society, number: int) -> Person:
    chance = draws(society.seed, "person", str(number))
    country = _country(society, chance[0])
    sms = chance[4] < society.phone_opt_in
    whatsapp = sms if chance[5] < society.same_answer else chance[6] < society.phone_opt_in
    agreed = [channel for channel, yes in (("sms", sms), ("whatsapp", whatsapp)) if yes]
    said_no = (
        ("email", chance[7] < society.email_opt_out),
        ("sms", chance[8] < society.phone_opt_out),
        ("whatsapp", chance[9] < society.phone_opt_out),
    )
    known = chance[1] >= society.name_unknown
    return Person(
        number=number,
        country=country,
        name=NAMES[number % len(NAMES)] if known else "",
        email=f"p{number}@example.com" if chance[2] < society.email_known else "",
        phone=f"{country.number}{number:0{country.digits}d}" if chance[3] < society.phone_known else "",
        agreed=frozenset(agreed),
        stopped=frozenset(channel for channel, no in said_no if no),
        inactive=chance[10] < society.number_inactive,
        sees_mail=chance[11] < society.inbox,
        lot=chance[12],
    )


def _country(society: Society, draw: float) -> Country:
    for country in society.countries:
        draw -= country.share
        if draw < 0:
            return country
    return society.countries[-1]
