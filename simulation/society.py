"""The world: who can be reached how. Every rate has its source, or the word that it is assumed, in docs/simulation.md.

Fixed before anything was computed with it. Other worlds vary these rates; none of them is chosen by its result.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.core.worlds import World

Rate = Annotated[float, Field(ge=0, le=1)]
LAUNCH = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
"""Ten in the morning where most of the people live (Asia/Kolkata), night for the others."""
DAYS_BETWEEN = 30
"""From the earlier campaign, from which dead addresses are known, to this one."""


class Country(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    share: Rate
    """Of all people."""
    zone: str
    number: str
    """How a number begins; as many digits follow as `digits` says."""
    digits: int
    whatsapp: Rate
    """Share of people with a phone who use WhatsApp."""
    marketing_allowed: bool = True
    """False: WhatsApp delivers no marketing there."""
    sms_micros: int
    """A segment, in millionths of a US dollar; likewise a WhatsApp message."""
    whatsapp_micros: int


INDIA = Country(code="IN", share=0.4, zone="Asia/Kolkata", number="+9198", digits=8, whatsapp=0.6,
                sms_micros=83_200, whatsapp_micros=12_900)  # fmt: skip
BRAZIL = Country(code="BR", share=0.2, zone="America/Sao_Paulo", number="+55119", digits=8, whatsapp=0.91,
                 sms_micros=58_500, whatsapp_micros=68_800)  # fmt: skip
GERMANY = Country(code="DE", share=0.2, zone="Europe/Berlin", number="+49151", digits=8, whatsapp=0.82,
                  sms_micros=112_000, whatsapp_micros=150_200)  # fmt: skip
UNITED_STATES = Country(code="US", share=0.2, zone="America/New_York", number="+1646", digits=7, whatsapp=0.32,
                        marketing_allowed=False, sms_micros=8_300, whatsapp_micros=27_500)  # fmt: skip


class Society(BaseModel):
    """Shares in [0, 1] of what the description names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 2026
    countries: tuple[Country, ...] = (INDIA, BRAZIL, GERMANY, UNITED_STATES)

    # What the brand has on file
    email_known: Rate = Field(0.90, description="people whose mail address is on file")
    phone_known: Rate = Field(0.86, description="people whose phone number is on file")
    name_unknown: Rate = Field(0.05, description="people whose name is not on file")

    # What the people allow
    email_opt_out: Rate = Field(0.05, description="people who unsubscribed from mails earlier")
    phone_opt_in: Rate = Field(0.65, description="people with a phone who agreed to SMS; to WhatsApp as many")
    same_answer: Rate = Field(0.80, description="of these, those whose answer to WhatsApp is their answer to SMS")
    phone_opt_out: Rate = Field(0.05, description="people who wrote STOP earlier, for SMS; for WhatsApp as many")

    # Mailboxes
    email_dead: Rate = Field(0.115, description="mail addresses on file that do not exist any more")
    email_dead_lately: Rate = Field(0.019, description="of those, the ones that died since the earlier campaign")
    email_soft: Rate = Field(0.0061, description="mails that bounce although the mailbox exists")
    inbox: Rate = Field(0.83, description="mailboxes that put the mails where they are seen; the others: spam, lost")
    opens: Rate = Field(0.21, description="mails that a person opens, of those delivered")
    machine_opens: Rate = Field(0.12, description="mails that a machine opens, of those delivered")

    # Phones
    landline: Rate = Field(0.10, description="phone numbers on file that are landlines")
    number_invalid: Rate = Field(0.03, description="phone numbers on file that do not exist")
    number_inactive: Rate = Field(0.05, description="phone numbers on file whose card is in no phone")
    off_by_day: Rate = Field(0.02, description="phones that are off or out of reach, in a span of three hours")
    off_by_night: Rate = Field(0.10, description="the same between 21:00 and 9:00")
    network_holds_h: float = Field(4, description="hours that the network keeps an SMS for a phone that is off")
    filtered: Rate = Field(0.01, description="SMS that a carrier filters")
    whatsapp_declined: Rate = Field(0.05, description="WhatsApp marketing that Meta declines to deliver")
    reads: Rate = Field(0.68, description="WhatsApp messages that are read, of those delivered")

    # Between us and the provider
    error_before: Rate = Field(0.0002, description="calls that end in a server error, nothing taken")
    error_after: Rate = Field(0.0002, description="calls that end in a server error, although the message was taken")
    no_answer: Rate = Field(0.0005, description="calls whose connection ends without an answer, message taken")
    callback_lost: Rate = Field(0.001, description="callbacks that never come")
    callback_repeated: Rate = Field(0.01, description="callbacks that come twice")
    callback_late: Rate = Field(0.01, description="callbacks that come after the one that follows")

    email_micros: int = Field(900, description="price of a mail in millionths of a US dollar")


@cache
def sandbox_world(society: Society, country: Country, earlier: bool, phone_off: bool) -> World:
    """The sandbox's world with these rates. `earlier`: at the time of the earlier campaign."""
    dead = society.email_dead - (society.email_dead_lately if earlier else 0)
    return World(
        name="society", seed=society.seed,
        hard_bounce_rate=max(dead, 0), soft_bounce_rate=society.email_soft, open_rate=society.opens,
        machine_open_rate=society.machine_opens, invalid_number_rate=society.number_invalid,
        landline_rate=society.landline, no_whatsapp_rate=1 - country.whatsapp,
        unreachable_rate=float(phone_off), filtered_rate=society.filtered, read_rate=society.reads,
        error_before_rate=society.error_before, error_after_rate=society.error_after, close_rate=society.no_answer,
        lost_rate=society.callback_lost, repeat_rate=society.callback_repeated, reorder_rate=society.callback_late,
        processed_ms=(100, 2_000), sent_ms=(200, 3_000), delivered_ms=(1_000, 120_000),
        machine_open_ms=(1_000, 60_000), engaged_ms=(60_000, 72_000_000),
    )  # fmt: skip


def variations(base: Society) -> dict[str, Society]:
    """The other worlds, by name: one thing changed in each."""

    def but(**changed: object) -> Society:
        return base.model_copy(update=changed)

    def whatsapp(share: float) -> tuple[Country, ...]:
        return tuple(
            country.model_copy(update={"whatsapp": share, "marketing_allowed": True}) for country in base.countries
        )

    alone = {
        f"all people in {country.code}": but(countries=(country.model_copy(update={"share": 1.0}),))
        for country in base.countries
    }
    return {
        "as found": base,
        "10% agreed to SMS and WhatsApp": but(phone_opt_in=0.10),
        "40% agreed": but(phone_opt_in=0.40),
        "90% agreed": but(phone_opt_in=0.90),
        "everybody agreed": but(phone_opt_in=1.0, email_opt_out=0.0, phone_opt_out=0.0),
        "2% dead mail addresses": but(email_dead=0.02, email_dead_lately=0.005),
        "25% dead mail addresses": but(email_dead=0.25),
        "nobody on WhatsApp": but(countries=whatsapp(0.0)),
        "95% on WhatsApp everywhere": but(countries=whatsapp(0.95)),
        "mail address of 60%, phone of 60%": but(email_known=0.6, phone_known=0.6),
        "both addresses of everybody": but(email_known=1.0, phone_known=1.0),
        "60% of mails are seen": but(inbox=0.6),
        "25% landlines": but(landline=0.25),
        "30% of phones off at night": but(off_by_night=0.3, off_by_day=0.06),
        "20% of callbacks lost": but(callback_lost=0.2),
        "2% of calls without an answer": but(no_answer=0.02),
        "nothing ever goes wrong": but(
            countries=whatsapp(1.0), email_known=1.0, phone_known=1.0, email_opt_out=0.0, phone_opt_in=1.0,
            phone_opt_out=0.0, email_dead=0.0, email_dead_lately=0.0, email_soft=0.0, inbox=1.0, landline=0.0,
            number_invalid=0.0, number_inactive=0.0, off_by_day=0.0, off_by_night=0.0, filtered=0.0,
            whatsapp_declined=0.0, error_before=0.0, error_after=0.0, no_answer=0.0, callback_lost=0.0,
        ),
        **alone,
    }  # fmt: skip
