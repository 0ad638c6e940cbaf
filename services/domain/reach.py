"""What keeps messages from a person, as one number of bits, so that ten million people are counted in one pass.

The same rules as `eligibility` has, in SQL: a test holds the two together. Bits, from the lowest: three a channel
(email, sms, whatsapp) for what the person said (0 nothing, 5 yes, else the reason of a no); has a mail address, has a
phone; the address was refused by a provider on email, sms, whatsapp; the mail address, the phone is perhaps another's
too; known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas import RANK, AudienceFilter, Channel, Status, Suppression
from schemas.limits import Cap
from services.domain.audience import condition

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
EVIDENCE_STANDING: Final = 65_536 * 256
"""From here on `standings.top` is evidence, which outranks every attempt."""
MAY_HAVE_GONE: Final = tuple(RANK[status] for status in (Status.QUEUED, Status.UNCERTAIN, Status.ACCEPTED))
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


DIRTY: Final = """
SELECT recipient_id FROM contacts_changes
UNION ALL SELECT recipient_id FROM reach_changes
UNION ALL SELECT recipient_id FROM contacts WHERE reach = 0"""
"""People whose `reach` in the base cannot be relied on."""

_FRESH: Final = with_reach(f"SELECT * FROM v_contacts WHERE recipient_id IN ({DIRTY})", DIRTY, "1", "1")


def counting(audience: AudienceFilter, caps: Sequence[Cap] = ()) -> str:
    """How many people of a filter have which reach: rows (kind, reach, people).

    Kind `people`: all of them; `email`, `phone`: those of them whose address another has who comes before them;
    `capped <channel>`: those whom one of `caps` leaves no message on it now. In the base nobody is looked up: people
    told of since are taken away as they stood there, and added as they stand now. Whether an address is doubled is
    asked only of those whose bits say that it may be, and of those who share one with somebody told of since.
    """
    wanted = condition(audience)
    settled = f"is_deleted = 0 AND reach != 0 AND {wanted}"
    shared = f"bitAnd(reach, {SHARED_EMAIL + SHARED_PHONE}) != 0"
    known = "recipient_id NOT IN (SELECT recipient_id FROM dirty)"
    mails, phones = _told("email"), _told("phone")
    return f"""
WITH
    dirty AS ({DIRTY}),
    fresh AS (SELECT recipient_id, email, phone, reach FROM ({_FRESH}) WHERE {wanted})
SELECT kind, reach, sum(n) AS people FROM
(
    SELECT 'people' AS kind, reach, toInt64(count()) AS n FROM contacts WHERE {settled} GROUP BY reach
    UNION ALL
    SELECT 'people', reach, -toInt64(count()) FROM contacts
    WHERE {settled} AND recipient_id IN (SELECT recipient_id FROM dirty) GROUP BY reach
    UNION ALL
    SELECT kind, reach, toInt64(count()) FROM
    (
        SELECT kind, reach, row_number() OVER (PARTITION BY kind, address ORDER BY recipient_id) AS place FROM
        (
            SELECT recipient_id, reach, pair.1 AS kind, pair.2 AS address FROM
            (
                SELECT recipient_id, reach, email, phone, '' AS counted FROM contacts
                WHERE {settled} AND {shared} AND {known}
                UNION ALL
                SELECT recipient_id, reach, email, phone, '' FROM contacts
                WHERE email IN ({mails}) AND {settled} AND NOT {shared} AND {known}
                UNION ALL
                SELECT recipient_id, reach, email, phone, '' FROM contacts
                WHERE phone IN ({phones}) AND {settled} AND NOT {shared} AND {known}
                  AND email NOT IN ({mails})
                UNION ALL
                SELECT recipient_id, reach, email, phone, recipient_id FROM fresh
            )
            ARRAY JOIN [('email', email), ('phone', phone), ('people', counted)] AS pair
            WHERE pair.2 != ''
        )
    )
    WHERE kind = 'people' OR place > 1 GROUP BY kind, reach
    {"".join(_capped(channel, caps, settled) for channel in CHANNELS)}
)
GROUP BY kind, reach
HAVING people != 0
"""


def _told(address: str) -> str:
    """Addresses of people told of since, and perhaps some that they had before."""
    return (
        f"SELECT {address} FROM contacts_changes WHERE {address} != '' UNION ALL SELECT {address} FROM contacts "
        f"WHERE {address} != '' AND (reach = 0 OR recipient_id IN (SELECT recipient_id FROM reach_changes))"
    )


def _capped(channel: Channel, caps: Sequence[Cap], settled: str) -> str:
    """Whoever has had as many messages as a cap allows in its window: sends that went out or may have."""
    mine = [cap for cap in caps if cap.channel in (None, channel)]
    if not mine:
        return ""
    people = " UNION ALL ".join(_full(cap) for cap in mine)
    return f"""
    UNION ALL
    SELECT 'capped {channel.value}', reach, toInt64(count()) FROM
    (
        SELECT recipient_id, reach FROM contacts
        WHERE {settled} AND recipient_id NOT IN (SELECT recipient_id FROM dirty)
        UNION ALL
        SELECT recipient_id, reach FROM fresh
    )
    WHERE recipient_id IN ({people}) GROUP BY reach"""


def _full(cap: Cap) -> str:
    since = f"{{now:DateTime('UTC')}} - {int(cap.per.total_seconds())}"
    on = f"AND channel = '{cap.channel.value}'" if cap.channel else ""
    return f"""
        SELECT recipient_id FROM
        (
            SELECT recipient_id, max(top).1 AS standing, min(queued_at) AS queued FROM standings
            WHERE brand = {{brand:String}} {on} AND campaign_id IN
            (
                SELECT campaign_id FROM campaigns FINAL
                WHERE brand = {{brand:String}} AND kind != 'transactional' AND (ended_at IS NULL OR ended_at > {since})
            )
            GROUP BY campaign_id, step, recipient_id
        )
        WHERE queued > {since} AND (standing >= {EVIDENCE_STANDING} OR standing % 256 IN {MAY_HAVE_GONE})
        GROUP BY recipient_id HAVING count() >= {cap.messages}"""


@dataclass
class Reach:
    """How many a channel reaches, and why not the others, each under the first reason in the router's order."""

    reachable: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def matched(rows: Iterable[Sequence[object]]) -> int:
    """People of a filter, from the rows of `counting`."""
    return sum(int(str(people)) for kind, _, people in rows if kind == "people")


def by_channel(
    rows: Iterable[Sequence[object]], channels: Iterable[Channel], needs_opt_in: Collection[str]
) -> dict[Channel, Reach]:
    """From the rows of `counting`. A channel for which nobody has an address reaches nobody."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for kind, reach, people in rows:
        counts[str(kind)][int(str(reach))] += int(str(people))
    found = {}
    for channel in channels:
        doubled = counts["email" if channel is Channel.EMAIL else "phone"]
        found[channel] = _of_channel(channel, counts, doubled, needs_opt_in)
    return found


def _of_channel(
    channel: Channel, counts: Mapping[str, Counter[int]], doubled: Counter[int], needs_opt_in: Collection[str]
) -> Reach:
    reach, full = Reach(), counts.get(f"capped {channel.value}", Counter())
    for bits, count in counts.get("people", Counter()).items():
        duplicates = doubled[bits] if channel in CHANNELS else 0
        reason = why_not(bits, channel, needs_opt_in)
        if duplicates:
            reach.dropped[Suppression.DUPLICATE] += duplicates
        if reason is None:
            capped = min(full[bits], count - duplicates)
            reach.reachable += count - duplicates - capped
            if capped:
                reach.dropped[Suppression.FREQUENCY_CAPPED] += capped
        elif count > duplicates:
            reach.dropped[reason] += count - duplicates
    return reach


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
