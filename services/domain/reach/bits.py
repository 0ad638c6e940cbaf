"""What keeps messages from a person, as one number of bits, so that ten million people are counted in one pass.

The same rules as `eligibility` has, in SQL: a test holds the two together. Bits, from the lowest: three a channel
(email, sms, whatsapp) for what the person said (0 nothing, 5 yes, else the reason of a no); has a mail address, has a
phone; the address was refused by a provider on email, sms, whatsapp; the mail address, the phone is perhaps another's
too; known.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from schemas import Channel, Suppression

CHANNELS: Final = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)
STOPS: Final = {
    1: Suppression.BOUNCED_BEFORE,
    2: Suppression.OPTED_OUT,
    3: Suppression.COMPLAINED_BEFORE,
    4: Suppression.ERASED,
}
"""By what a channel's bits say; of two words of one moment the greater counts."""
YES: Final = 5
HAS_EMAIL, HAS_PHONE = 1 << 9, 1 << 10
REFUSED: Final = {Channel.EMAIL: 1 << 11, Channel.SMS: 1 << 12, Channel.WHATSAPP: 1 << 13}
SHARED_EMAIL, SHARED_PHONE = 1 << 14, 1 << 15
KNOWN: Final = 1 << 31
"""Worked out; 0 as a whole: not yet."""

_SAID: Final = """
        SELECT recipient_id AS teller, {bits} AS said
        FROM
        (
            SELECT recipient_id, channel, purpose, max((kind = 4, at, kind)) AS last
            FROM
            (
                SELECT recipient_id, channel, purpose, at, multiIf(state = 'opted_in', 0, reason = 'bounced_before', 1,
                       reason = 'complained_before', 3, reason = 'erased', 4, 2) AS kind
                FROM consents WHERE recipient_id IN ({keys})
            )
            GROUP BY recipient_id, channel, purpose
        )
        GROUP BY recipient_id"""


def _bits() -> str:
    parts = []
    for number, channel in enumerate(CHANNELS):
        mine = f"channel IN ('{channel.value}', 'all')"
        stop = f"maxIf(last, last.3 > 0 AND {mine}).3"
        agreed = f"countIf(last.3 = 0 AND {mine} AND purpose = 'marketing') > 0"
        parts.append(f"{8**number} * if({stop} > 0, {stop}, if({agreed}, {YES}, 0))")
    return " + ".join(parts)


def said_of(keys: str) -> str:
    """What people said of the channels: rows (recipient, bits). `keys`: a query of their recipient_id."""
    return _SAID.format(bits=_bits(), keys=keys)


def with_reach(source: str, keys: str, shared_email: str, shared_phone: str) -> str:
    """The contacts of `source` (a query), each with its `reach` as it is now.

    `keys`: a query of their recipient_id. `shared_...`: conditions on `c.email` and `c.phone`; true where the address
    may be another person's too.
    """
    said = said_of(keys)
    return f"""
    WITH toDateTime64(0, 3, 'UTC') AS never
    SELECT c.* REPLACE (toUInt32({KNOWN} + s.said + {HAS_EMAIL} * (c.email != '') + {HAS_PHONE} * (c.phone != '')
        + {REFUSED[Channel.EMAIL]} * (r.mail_at > never AND r.mail_at >= c.field_times['email'])
        + {REFUSED[Channel.SMS]} * (r.sms_at > never AND r.sms_at >= c.field_times['phone'])
        + {REFUSED[Channel.WHATSAPP]} * (r.whatsapp_at > never AND r.whatsapp_at >= c.field_times['phone'])
        + {SHARED_EMAIL} * (c.email != '' AND {shared_email}) + {SHARED_PHONE} * (c.phone != '' AND {shared_phone})
    ) AS reach)
    FROM ({source}) AS c
    LEFT JOIN ({said}
    ) AS s ON s.teller = c.recipient_id
    LEFT JOIN
    (
        SELECT recipient_id AS holder, maxIf(at, channel = 'email') AS mail_at, maxIf(at, channel = 'sms') AS sms_at,
               maxIf(at, channel = 'whatsapp') AS whatsapp_at
        FROM address_refusals WHERE recipient_id IN ({keys}) GROUP BY recipient_id
    ) AS r ON r.holder = c.recipient_id"""


TOLD_SINCE: Final = {
    "changes": "SELECT recipient_id FROM contacts_changes",
    "words": "SELECT recipient_id FROM reach_changes",
    "unknown": "SELECT recipient_id FROM contacts WHERE reach = 0",
}
"""Where people are found whose `reach` in the base cannot be relied on."""


def why_not(bits: int, channel: Channel, needs_opt_in: Collection[str]) -> Suppression | None:
    """Why a channel does not reach people of this reach, apart from doubled addresses; None: it does."""
    if channel not in CHANNELS or not bits & (HAS_EMAIL if channel is Channel.EMAIL else HAS_PHONE):
        return Suppression.NO_ADDRESS
    if bits & REFUSED[channel]:
        return Suppression.INVALID_ADDRESS
    said = bits >> (3 * CHANNELS.index(channel)) & 7
    if said in STOPS:
        return STOPS[said]
    return None if said == YES or channel not in needs_opt_in else Suppression.NO_CONSENT
