"""Providers, mailboxes and phones: what becomes of one call, by the sandbox's own rules, and in whose hands it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from services.domain.schedule import is_quiet
from services.sandbox.core.answers import answer_to
from services.sandbox.core.chance import draws
from services.sandbox.core.fates import NEVER, Step, mail_steps, number_problem, phone_steps
from services.sandbox.core.worlds import World
from simulation.people import Person
from simulation.plans import NIGHT
from simulation.society import Society, sandbox_world

SPAN: Final = timedelta(hours=3)
"""For so long a phone stays on or off."""
LONGEST_OFF: Final = timedelta(days=30)
"""WhatsApp keeps a message for so long."""
DECLINED: Final = "63049"
_ON_THE_PHONE: Final = frozenset({"delivered", "undelivered", "read", "inbound"})


_ON_THE_WAY: Final = frozenset({"processed", "deferred", "sending", "sent"})
"""Of these the tracker learns nothing where the call itself was answered."""
_nature = lru_cache(maxsize=1_024)(draws)
"""What belongs to an address or to a span of time is asked for again and again."""


class Call(NamedTuple):
    """`refused`: Twilio's code, where it refused at once. `taken`: the provider has the message. `answered`: and we
    know it. `arrived`: when it reached the person. `steps`: what is told of it, counted from the call."""

    taken: bool
    answered: bool
    refused: int = 0
    arrived: datetime | None = None
    steps: tuple[Step, ...] = ()


class Network:
    def __init__(self, society: Society) -> None:
        self.society = society
        self.worlds: dict[tuple[str, bool, bool], World] = {
            (country.code, earlier, off): sandbox_world(society, country, earlier, off)
            for country in society.countries
            for earlier in (False, True)
            for off in (False, True)
        }

    def call(self, person: Person, channel: str, key: str, now: datetime, earlier: bool, dropped: str = "") -> Call:
        """One call for one message. `key`: its send and attempt. `dropped`: why SendGrid would drop it."""
        world = self.worlds[person.country.code, earlier, False]
        if channel != "email" and (problem := number_problem(world, person.phone)):
            return Call(False, True, problem)
        answer = answer_to(world, key, 0, 0.0, 0.0)
        if answer.refusal:
            return Call(False, False)
        if channel == "email":
            steps = mail_steps(world, person.email, key, dropped)
        else:
            steps = self._phone(person, channel, key, now, earlier)
        delivered = next((step.at_ms for step in steps if step.kind == "delivered"), None)
        arrived = None if delivered is None else now + timedelta(milliseconds=delivered)
        known = _ON_THE_WAY if not answer.afterwards else frozenset()
        heard = tuple(step for step in steps if step.told_ms != NEVER and step.kind not in known)
        return Call(True, not answer.afterwards, 0, arrived, heard)

    def dead(self, person: Person, channel: str, earlier: bool) -> bool:
        """Nobody can be at this address, whenever one tries."""
        world, society = self.worlds[person.country.code, earlier, False], self.society
        if channel == "email":
            return _nature(society.seed, "mailbox", person.email)[0] < world.hard_bounce_rate
        phone = _nature(society.seed, "phone", person.phone)
        if person.inactive or phone[0] < society.number_invalid or phone[1] < society.landline / 2:
            return True
        if channel == "whatsapp":
            return phone[3] < world.no_whatsapp_rate or not person.country.marketing_allowed
        return phone[2] < society.landline / 2

    def night(self, person: Person, now: datetime) -> bool:
        return is_quiet(NIGHT, person.country.zone, now)

    def on_from(self, person: Person, now: datetime) -> datetime | None:
        """The first moment from now on at which the phone is on; None: not within the month."""
        if person.inactive:
            return None
        span = int(now.timestamp() // SPAN.total_seconds())
        for number in range(span, span + LONGEST_OFF // SPAN):
            begins = datetime.fromtimestamp(number * SPAN.total_seconds(), now.tzinfo)
            moment = max(begins, now)
            rate = self.society.off_by_night if self.night(person, moment) else self.society.off_by_day
            if _nature(self.society.seed, "handset", person.phone, str(number))[0] >= rate:
                return moment
        return None

    def _phone(self, person: Person, channel: str, key: str, now: datetime, earlier: bool) -> list[Step]:
        """The sandbox's steps, but that what needs the phone waits until it is on."""
        society, country = self.society, person.country
        on = self.on_from(person, now)
        world = self.worlds[country.code, earlier, False]
        if channel == "whatsapp":
            steps = phone_steps(world, channel, person.phone, key, False, False)
            if steps[-1].detail == "63024":
                return steps
            luck = draws(society.seed, "declined", person.phone, key)[0]
            if not country.marketing_allowed or luck < society.whatsapp_declined:
                return [Step(0, "failed", DECLINED, steps[0].at_ms, steps[0].told_ms)]
            if on is None:
                return [step for step in steps if step.kind not in _ON_THE_PHONE]
            return _later(steps, on - now)
        hold = timedelta(hours=society.network_holds_h)
        if on is None or on - now > hold:
            return _later(
                phone_steps(self.worlds[country.code, earlier, True], channel, person.phone, key, True, False), hold
            )
        return _later(phone_steps(world, channel, person.phone, key, True, False), on - now)


def _later(steps: list[Step], wait: timedelta) -> list[Step]:
    more = round(wait / timedelta(milliseconds=1))
    if not more:
        return steps
    return [
        step._replace(at_ms=step.at_ms + more, told_ms=step.told_ms + more if step.told_ms != NEVER else NEVER)
        if step.kind in _ON_THE_PHONE
        else step
        for step in steps
    ]
